//! A database with a few people on it, and Docket as a process.

use std::{
    process::Stdio,
    time::{Duration, Instant},
};

use reqwest::Client;
use serde_json::{Value, json};

use super::support::{App, Person, Process};

/// What a program works on.
pub struct Stage {
    /// The database, without a server.
    pub app: App,
    pub people: Vec<Person>,
    /// People whose tasks no ledger knows.
    pub rivals: Vec<Person>,
    pub http: Client,
}

impl Stage {
    /// An empty database with four people.
    pub async fn new() -> Self {
        Self::on(App::unstarted().await).await
    }

    /// Four people on that database, and four rivals.
    pub async fn on(mut app: App) -> Self {
        app.start(&[]).await;
        let (mut people, mut rivals) = (Vec::new(), Vec::new());
        for name in ["ann", "bob", "eve", "joe"] {
            people.push(app.person(name).await);
            rivals.push(app.person(&format!("{name}-rival")).await);
        }
        app.stop().await;
        let http = Client::builder().timeout(Duration::from_secs(20)).build().unwrap();
        Self { app, people, rivals, http }
    }

    /// Docket on this database.
    pub async fn docket(&self) -> Process {
        self.docket_with(&[]).await
    }

    /// Docket with more settings.
    pub async fn docket_with(&self, settings: &[(&str, &str)]) -> Process {
        Process::start_with(&self.app.database_url, settings, Stdio::inherit()).await
    }

    /// How long it takes until readiness is answered with that status.
    pub async fn until(&self, base: &str, status: u16) -> Duration {
        let start = Instant::now();
        loop {
            let answer = self.http.get(format!("{base}/health/ready")).send().await.unwrap();
            if answer.status() == status {
                return start.elapsed();
            }
            assert!(start.elapsed() < Duration::from_secs(30), "never {status}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Asks the GraphQL API of a process: the status and the body, or nothing when there was no answer.
    pub async fn graphql(&self, base: &str, person: &Person, body: Value) -> Option<(u16, Value)> {
        let request = self.http.post(format!("{base}/graphql")).bearer_auth(&person.session).json(&body);
        let answer = request.send().await.ok()?;
        let status = answer.status().as_u16();
        let text = answer.text().await.ok()?;
        Some((status, serde_json::from_str(&text).unwrap_or(Value::Null)))
    }

    /// All tasks of somebody, page by page.
    pub async fn tasks(&self, base: &str, person: &Person) -> Vec<Value> {
        const QUERY: &str = "query($after: String) { tasks(first: 100, after: $after) \
                             { nodes { id title completed revision } pageInfo { hasNextPage endCursor } } }";
        let (mut all, mut after) = (Vec::new(), Value::Null);
        loop {
            let body = json!({ "query": QUERY, "variables": { "after": after } });
            let (status, answer) = self.graphql(base, person, body).await.expect("an answer");
            assert_eq!(status, 200, "{answer}");
            let page = &answer["data"]["tasks"];
            all.extend(page["nodes"].as_array().unwrap_or_else(|| panic!("{answer}")).iter().cloned());
            if page["pageInfo"]["hasNextPage"] != true {
                return all;
            }
            after = page["pageInfo"]["endCursor"].clone();
        }
    }
}
