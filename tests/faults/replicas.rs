//! Two replicas that are 40 and 300 ms behind, and two instances that read there: whoever wrote sees it, at whatever
//! instance; who follows the feed misses nothing; a replica that stops or is far behind is left and taken again; and
//! reads go on while the primary is away. See docs/operations.md#read-replicas.

use std::{
    collections::HashMap,
    process::Stdio,
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    time::{Duration, Instant},
};

use rand::RngExt;
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::{Connection, Executor, PgConnection};

use super::{
    cluster::Cluster,
    stage::Stage,
    support::{App, Person, Process, free_port},
};

const CHANGES: &str = "query($after: String) { changes(after: $after, first: 5) { syncToken hasMore changes {
    id: nodeId deleted node { ... on Task { title } } } } }";
const SEARCH: &str = "query($text: String!) { searchTasks(text: $text, first: 50) { nodes { id title } } }";
/// How soon it is noticed that a server is gone or back, and that a replica is more than five seconds behind.
const NOTICED: Duration = Duration::from_secs(4);
const FAR_BEHIND: Duration = Duration::from_secs(12);

/// Two instances, what they read, and how the clients fare.
struct Run<'a> {
    stage: &'a Stage,
    bases: Vec<String>,
    metrics: Vec<String>,
    stop: AtomicBool,
    writes: AtomicU64,
    reads: AtomicU64,
}

/// Works so many seconds with all servers, and as long without each of them.
pub async fn replicas(seconds: u32) -> String {
    let primary = Cluster::new();
    let stage = Stage::on(App::on(primary.url().into())).await;
    let near = primary.standby(Duration::from_millis(40));
    let far = primary.standby(Duration::from_millis(300));
    let urls = format!("{},{}", near.url(), far.url());
    let (mut processes, mut metrics) = (Vec::new(), Vec::new());
    for _ in 0..2 {
        let address = format!("127.0.0.1:{}", free_port());
        let settings = [("DATABASE_READ_URL", urls.as_str()), ("DOCKET_METRICS", &address), ("RUST_LOG", "off")];
        processes.push(Process::start_with(primary.url().as_str(), &settings, Stdio::null()).await);
        metrics.push(format!("http://{address}/metrics"));
    }
    let run = Run {
        stage: &stage,
        bases: processes.iter().map(|it| it.base.clone()).collect(),
        metrics,
        stop: AtomicBool::new(false),
        writes: AtomicU64::new(0),
        reads: AtomicU64::new(0),
    };
    run.until_in_use([1, 1], NOTICED).await;
    let part = Duration::from_secs(seconds.into());
    let faults = async {
        tokio::time::sleep(part).await;
        near.kill();
        run.until_in_use([0, 1], NOTICED).await;
        tokio::time::sleep(part).await;
        near.start();
        run.until_in_use([1, 1], NOTICED).await;
        pause(&far, "pg_wal_replay_pause()").await;
        run.until_in_use([1, 0], FAR_BEHIND).await;
        pause(&far, "pg_wal_replay_resume()").await;
        run.until_in_use([1, 1], NOTICED).await;
        tokio::time::sleep(part).await;
        run.stop.store(true, Ordering::Relaxed);
    };
    let people = stage.people.iter();
    let (written, followed, ()) = tokio::join!(
        futures_util::future::join_all(people.clone().map(|it| run.write(it))),
        futures_util::future::join_all(people.map(|it| run.follow(it))),
        faults
    );
    assert_eq!(written, followed, "who followed the feed has missed something");
    let tasks: usize = written.iter().map(HashMap::len).sum();
    let statements = run.statements().await;
    let went_on = run.without_primary(&primary, part, &written).await;
    for process in processes {
        process.stop().await;
    }
    let (writes, reads) = (run.writes.into_inner(), run.reads.into_inner());
    format!(
        "{writes} writes, each read at once at another instance: {reads} reads, none stale; 4 followers missed none of \
         {tasks} tasks; {statements}; \
         {went_on} reads in {seconds} s without a primary"
    )
}

async fn pause(replica: &Cluster, function: &str) {
    let mut connection = PgConnection::connect(replica.url().as_str()).await.unwrap();
    connection.execute(sqlx::AssertSqlSafe(format!("select {function}"))).await.unwrap();
}

impl Run<'_> {
    fn any(&self) -> &str {
        &self.bases[rand::rng().random_range(0..self.bases.len())]
    }

    async fn rest(&self, person: &Person, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
        let url = format!("{}/api/{}{path}", self.any(), person.id);
        let mut request = self.stage.http.request(method, url).bearer_auth(&person.token);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        (status, serde_json::from_str(&answer.text().await.unwrap()).unwrap_or(Value::Null))
    }

    async fn graphql(&self, person: &Person, query: &str, variables: Value) -> Value {
        let request = self.stage.http.post(format!("{}/graphql", self.any())).bearer_auth(&person.token);
        let answer = request.json(&json!({ "query": query, "variables": variables })).send().await.unwrap();
        let text = answer.text().await.unwrap();
        serde_json::from_str(&text).unwrap_or_else(|_| panic!("{text}"))
    }

    /// Writes until told to stop, and reads each write at any instance; the titles of all tasks at the end.
    async fn write(&self, person: &Person) -> HashMap<String, String> {
        let mut titles: HashMap<String, String> = HashMap::new();
        while !self.stop.load(Ordering::Relaxed) {
            let title = format!("word{} of {}", rand::rng().random::<u32>(), person.email);
            let known = titles.keys().next().cloned().filter(|_| rand::rng().random_bool(0.4));
            let (status, task) = match &known {
                None => self.rest(person, Method::POST, "/tasks", Some(json!({ "title": title }))).await,
                Some(id) => {
                    let query = "mutation($i: UpdateTaskInput!) { updateTask(input: $i) { task { id } } }";
                    let done = self.graphql(person, query, json!({ "i": { "id": id, "title": title } })).await;
                    (if done["errors"].is_null() { 200 } else { 500 }, done)
                }
            };
            assert!(status == 200 || status == 201, "{status} {task}");
            let id = match known {
                Some(id) => id,
                None => {
                    let (status, found) = self.rest(person, Method::GET, &format!("/tasks/{}", task["id"]), None).await;
                    assert!(status == 200 && found["title"] == title, "stale: {status} {found}");
                    self.id_of(person, &title).await
                }
            };
            self.writes.fetch_add(1, Ordering::Relaxed);
            titles.insert(id, title.clone());
            for _ in 0..3 {
                self.check(person, &titles, &title).await;
                // Sometimes the replicas have it meanwhile.
                let pause = rand::rng().random_range(0..500);
                tokio::time::sleep(Duration::from_millis(if pause < 250 { 0 } else { pause })).await;
            }
        }
        titles
    }

    async fn id_of(&self, person: &Person, title: &str) -> String {
        let word = title.split(' ').next().unwrap();
        let found = self.graphql(person, SEARCH, json!({ "text": word })).await;
        let nodes = found["data"]["searchTasks"]["nodes"].as_array().unwrap_or_else(|| panic!("{found}"));
        assert!(nodes.len() == 1 && nodes[0]["title"] == title, "stale: {found}");
        nodes[0]["id"].as_str().unwrap().to_owned()
    }

    /// Reads in any way; what was written last must be there.
    async fn check(&self, person: &Person, titles: &HashMap<String, String>, last: &str) {
        self.reads.fetch_add(1, Ordering::Relaxed);
        let is_there = |tasks: &Value| tasks.as_array().is_some_and(|it| it.iter().any(|task| task["title"] == last));
        match rand::rng().random_range(0..4) {
            0 => {
                let (status, tasks) = self.rest(person, Method::GET, "/tasks", None).await;
                assert!(status == 200 && is_there(&tasks), "stale: {status} {tasks}");
                assert_eq!(tasks.as_array().unwrap().len(), titles.len());
            }
            1 => {
                let (status, file) = self.rest(person, Method::GET, "/export", None).await;
                assert!(status == 200 && is_there(&file["tasks"]), "stale: {status} {file}");
            }
            2 => drop(self.id_of(person, last).await),
            _ => {
                let query = "{ tasks(first: 100, order: [{ by: UPDATED_AT, direction: DESC }]) { totalCount nodes { title } } }";
                let found = self.graphql(person, query, json!({})).await;
                let tasks = &found["data"]["tasks"];
                assert!(is_there(&tasks["nodes"]) && tasks["totalCount"] == titles.len(), "stale: {found}");
            }
        }
    }

    /// Follows the feed until nobody writes any more and it is at its end; the titles of all tasks.
    async fn follow(&self, person: &Person) -> HashMap<String, String> {
        let (mut titles, mut after) = (HashMap::new(), Value::Null);
        loop {
            let is_last = self.stop.load(Ordering::Relaxed);
            let answer = self.graphql(person, CHANGES, json!({ "after": after })).await;
            assert!(answer["errors"].is_null(), "{answer}");
            let page = &answer["data"]["changes"];
            for change in page["changes"].as_array().unwrap() {
                let title = change["node"]["title"].as_str().unwrap().to_owned();
                titles.insert(change["id"].as_str().unwrap().to_owned(), title);
            }
            after = page["syncToken"].clone();
            if page["hasMore"] == false {
                // Its writer may be about to end.
                if is_last && titles.len() as u64 > 0 && self.is_quiet().await {
                    let (_, tasks) = self.rest(person, Method::GET, "/tasks", None).await;
                    if tasks.as_array().unwrap().len() == titles.len() {
                        return titles;
                    }
                }
                tokio::time::sleep(Duration::from_millis(30)).await;
            }
        }
    }

    /// Whether nothing is written for two seconds, which is longer than a writer takes to end.
    async fn is_quiet(&self) -> bool {
        let before = self.writes.load(Ordering::Relaxed);
        tokio::time::sleep(Duration::from_secs(2)).await;
        self.writes.load(Ordering::Relaxed) == before
    }

    /// Where statements were answered.
    async fn statements(&self) -> String {
        let replica = self.metric("docket_reads_total{source=\"replica\"}").await;
        let primary = self.metric("docket_reads_total{source=\"primary\"}").await;
        let behind = self.metric("docket_replica_fallbacks_total{reason=\"behind\"}").await;
        assert!(
            replica > 0 && behind > 0,
            "{replica} statements at replicas, {behind} requests before one had the last write"
        );
        format!("{replica} statements at replicas, {primary} at the primary, {behind} requests found a replica behind")
    }

    /// The sum of a metric at both instances.
    async fn metric(&self, name: &str) -> u64 {
        let mut sum = 0;
        for url in &self.metrics {
            let text = self.stage.http.get(url).send().await.unwrap().text().await.unwrap();
            let line = text.lines().find_map(|it| it.strip_prefix(name));
            sum += line.unwrap_or_else(|| panic!("{name}: {text}")).trim().parse::<u64>().unwrap();
        }
        sum
    }

    /// Waits until both instances read those of the replicas.
    async fn until_in_use(&self, wanted: [u8; 2], within: Duration) {
        let start = Instant::now();
        loop {
            let mut found = Vec::new();
            for url in &self.metrics {
                let text = self.stage.http.get(url).send().await.unwrap().text().await.unwrap();
                let lines = text.lines().filter(|it| it.starts_with("docket_replica_in_use{"));
                found.extend(lines.map(|it| it.rsplit_once(' ').unwrap().1 == "1"));
            }
            let in_use = found.iter().filter(|it| **it).count();
            if in_use == 2 * usize::from(wanted[0] + wanted[1]) {
                return;
            }
            assert!(start.elapsed() < within, "not {wanted:?} after {within:?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn health(&self, path: &str) -> (u16, String) {
        let answer = self.stage.http.get(format!("{}/health/{path}", self.bases[0])).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    /// Reads with a session and an access token that no instance has seen, and is told nothing of a session that is not there.
    async fn is_known_without_primary(&self, person: &Person, unused: &String) {
        for base in &self.bases {
            for proof in [&person.session, unused] {
                let tasks = self.stage.http.get(format!("{base}/api/{}/tasks?limit=1", person.id));
                assert_eq!(tasks.bearer_auth(proof).send().await.unwrap().status(), 200);
                let me = self.stage.http.post(format!("{base}/graphql")).json(&json!({ "query": "{ me { email } }" }));
                let me: Value = me.bearer_auth(proof).send().await.unwrap().json().await.unwrap();
                assert_eq!(me, json!({ "data": { "me": { "email": person.email } } }));
            }
            let session = self.stage.http.get(format!("{base}/api/auth/get-session"));
            let session: Value = session.bearer_auth(&person.session).send().await.unwrap().json().await.unwrap();
            assert_eq!(session["user"]["id"], person.id);
            let other = self.stage.http.get(format!("{base}/api/{}/tasks", person.id)).bearer_auth("x".repeat(32));
            assert_eq!(other.send().await.unwrap().status(), 503, "nobody knows whether it has begun");
        }
    }

    /// Reads for so long while the primary is away; how often.
    async fn without_primary(&self, primary: &Cluster, part: Duration, written: &[HashMap<String, String>]) -> usize {
        let (mut tokens, mut unused, mut written) = (Vec::new(), Vec::new(), written.to_vec());
        for (person, titles) in self.stage.people.iter().zip(&mut written) {
            tokens.push(self.graphql(person, "{ syncToken }", json!({})).await["data"]["syncToken"].clone());
            let token = self.stage.http.get(format!("{}/api/auth/token", self.any())).bearer_auth(&person.session);
            let token: Value = token.send().await.unwrap().json().await.unwrap();
            unused.push(token["token"].as_str().unwrap().to_owned());
            let body = json!({ "title": format!("last of {}", person.email) });
            let (status, task) = self.rest(person, Method::POST, "/tasks", Some(body)).await;
            assert_eq!(status, 201);
            titles.insert("last".to_owned(), task["title"].as_str().unwrap().to_owned());
        }
        // Until then the replicas have all, though nobody has read it: both instances know of the writes alone.
        tokio::time::sleep(Duration::from_millis(500)).await;
        primary.kill();
        let killed = Instant::now();
        while killed.elapsed() < NOTICED {
            let (status, readable) = self.health("readable").await;
            assert_eq!(status, 200, "{readable}");
        }
        assert_eq!(self.health("readable").await.1, r#"{"database":"read-only","status":"healthy"}"#);
        assert_eq!(self.health("ready").await.0, 503);
        for (person, unused) in self.stage.people.iter().zip(&unused) {
            self.is_known_without_primary(person, unused).await;
        }
        let (start, mut reads) = (Instant::now(), 0);
        while start.elapsed() < part {
            for ((person, titles), token) in self.stage.people.iter().zip(&written).zip(&tokens) {
                self.check(person, titles, &titles["last"]).await;
                let answer = self.graphql(person, CHANGES, json!({ "after": token })).await;
                assert_eq!(answer["data"]["changes"]["changes"][0]["node"]["title"], titles["last"], "{answer}");
                let (status, _) = self.rest(person, Method::POST, "/tasks", Some(json!({ "title": "x" }))).await;
                assert_eq!(status, 503);
                reads += 2;
            }
        }
        primary.start();
        // The other instance may not have noticed yet that it is back.
        self.stage.until(&self.bases[0], 200).await;
        for number in 0..20 {
            let (person, title) = (&self.stage.people[0], format!("again{number}"));
            let url = format!("{}/api/{}/tasks", self.bases[0], person.id);
            let write = self.stage.http.post(url).bearer_auth(&person.token).json(&json!({ "title": title }));
            assert_eq!(write.send().await.unwrap().status(), 201);
            self.id_of(person, &title).await;
        }
        let start = Instant::now();
        while !self.health("readable").await.1.contains("connected") {
            assert!(start.elapsed() < NOTICED, "it is not noticed that the primary is back");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        reads
    }
}
