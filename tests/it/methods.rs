//! What HEAD, OPTIONS and GET do: nothing, but for the few GETs that the auth routes list.

use std::collections::BTreeSet;

use docket::rest::auth::EFFECTS_OF_GET;
use reqwest::{Client, redirect::Policy};
use serde_json::json;

use crate::{
    sink::Sink,
    support::{Answer, App, PASSWORD, Person},
};

/// Somebody with a session that any use would extend, an access token, and two links that were mailed.
struct Visitor {
    person: Person,
    cookie: String,
    verification: String,
    deletion: String,
}

impl Visitor {
    async fn new(app: &App, sink: &Sink) -> Self {
        let person = app.person("ann").await;
        let sign_in = json!({ "email": person.email, "password": PASSWORD });
        let signed_in = app.auth("/sign-in/email", sign_in).await;
        let cookie = signed_in.cookies()[0].split(';').next().unwrap().to_owned();
        let post = async |path: &str, body| {
            let request = app.request("POST", &format!("/api/auth{path}")).bearer_auth(&person.session).json(&body);
            Answer::of(request).await.expect(200);
            sink.to(&person.email).await.token()
        };
        let verification = post("/send-verification-email", json!({ "email": person.email })).await;
        app.sql("update \"user\" set \"emailVerified\" = false").await;
        let deletion = loop {
            let token = post("/delete-user", json!({})).await;
            if token != verification {
                break token;
            }
        };
        // Due for an extension, which any use may be.
        let soon =
            (chrono::Utc::now() + chrono::Duration::days(1)).to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
        app.sql(&format!("update session set \"expiresAt\" = '{soon}'")).await;
        Self { person, cookie, verification, deletion }
    }

    /// The path and query of a route, such that it would do all that it can.
    fn path(&self, template: &str, task: &str) -> String {
        let path = template
            .replace("{user_id}", &self.person.id)
            .replace("{task_id}", task)
            .replace("{token}", &self.verification);
        match template {
            "/api/auth/verify-email" => format!("{path}?token={}", self.verification),
            "/api/auth/delete-user/callback" => format!("{path}?token={}", self.deletion),
            "/api/auth/reset-password/{token}" => format!("{path}?callbackURL=%2Freset"),
            _ => path,
        }
    }

    async fn visit(&self, app: &App, (method, path): (&str, &str), has_cookie: bool) -> Answer {
        let http = Client::builder().redirect(Policy::none()).build().unwrap();
        let request = http.request(method.parse().unwrap(), format!("{}{path}", app.base));
        // A stream would not end.
        let request = request.header("accept", "application/json");
        Answer::of(match has_cookie {
            true => request.header("cookie", &self.cookie),
            false => request.bearer_auth(&self.person.token),
        })
        .await
    }
}

/// A query for all rows of all tables, as one text.
async fn everything(app: &App) -> String {
    let is_sqlite = app.is_sqlite();
    let names = match is_sqlite {
        true => {
            "select group_concat(name, ' ') from sqlite_master where type = 'table' and name not like 'sqlite_%'
             and sql not like 'CREATE VIRTUAL%'"
        }
        false => "select string_agg(tablename, ' ') from pg_tables where schemaname = current_schema()",
    };
    let mut parts = Vec::new();
    for table in app.sql_text(names).await.split(' ') {
        let rows = match is_sqlite {
            true => {
                let columns =
                    format!("select group_concat('quote(\"' || name || '\")', '||') from pragma_table_info('{table}')");
                let columns = app.sql_text(&columns).await;
                format!(
                    "(select group_concat(row, char(10)) from (select {columns} as row from \"{table}\" order by 1))"
                )
            }
            false => format!("(select string_agg(it::text, chr(10) order by it::text) from \"{table}\" it)"),
        };
        parts.push(format!("select '{table}: ' || coalesce({rows}, '') as rows"));
    }
    let joined = if is_sqlite { "group_concat(rows, char(10))" } else { "string_agg(rows, chr(10))" };
    format!("select {joined} from ({}) every", parts.join(" union all "))
}

#[tokio::test]
async fn head_options_and_get_change_nothing_but_for_the_gets_that_are_listed() {
    let sink = Sink::start().await;
    let app = App::spawn_with(&[
        ("SMTP_URL", sink.url.as_str()),
        ("MAIL_FROM", "Docket <docket@app.example>"),
        ("DELETE_CONFIRMATION", "on"),
        ("DOCKET_PLAYGROUND", "on"),
    ])
    .await;
    let ann = Visitor::new(&app, &sink).await;
    let task =
        app.rest_task(&ann.person, json!({ "title": "water the plants", "tags": ["home"] })).await["id"].to_string();
    let rest: BTreeSet<_> = docket::rest::endpoints().into_iter().map(|it| it.path).collect();
    // Of the paths that differ by `/v1` or a slash alone, one of each is among the others.
    let is_one_of_few = |path: &String| !path.ends_with('/') && !path.contains("/v1/");
    let rest = rest.iter().flat_map(|path| docket::rest::paths::served(path)).filter(is_one_of_few);
    let auth = docket::rest::auth::endpoints().into_iter().map(|it| it.path);
    let compat = docket::rest::compat::endpoints().into_iter().map(|it| it.path);
    let mutation = "mutation{createTask(input:{title:%22mine%22}){task{id}}}";
    let others = [
        "/health",
        "/api/health",
        "/health/ready",
        "/health/readable",
        "/openapi.json",
        "/schema.graphql",
        "/docs/",
        "/app/",
        "/app/sw.js",
        "/graphiql",
        "/graphiql/bar/bar.js",
        "/docs/bar/demo.js",
        "/graphql?query={tasks{nodes{id%20title}}}",
        "/graphql?query=subscription{changes{nodeId}}",
        "/nothing-at-all",
        "/api/auth",
        "/api/tasks/",
        "/api/v1/{user_id}/todos/{task_id}/",
    ]
    .map(str::to_owned);
    let all: Vec<String> =
        rest.chain(auth).chain(compat).chain(others).chain([format!("/graphql?query={mutation}")]).collect();
    let everything = everything(&app).await;
    let before = app.sql_text(&everything).await;
    assert!(before.contains("water the plants") && before.contains(&ann.person.email), "{before}");
    for template in &all {
        let is_listed = EFFECTS_OF_GET.iter().any(|(path, _)| path == template);
        let path = ann.path(template, &task);
        for method in ["HEAD", "OPTIONS", "GET"].into_iter().filter(|it| *it != "GET" || !is_listed) {
            for has_cookie in [true, false] {
                let answer = ann.visit(&app, (method, &path), has_cookie).await;
                assert!(answer.status.as_u16() < 500, "{method} {path}: {answer:?}");
                assert!(method != "HEAD" || !is_listed || answer.status == 404, "{method} {path}: {answer:?}");
                assert_eq!(app.sql_text(&everything).await, before, "{method} {path}: {answer:?}");
            }
        }
    }
    // The same links and session do act when they are followed.
    let follow = async |path: &str| ann.visit(&app, ("GET", &ann.path(path, &task)), true).await;
    let session = follow("/api/auth/get-session").await;
    assert!(!session.cookies().is_empty(), "the session is not extended: {session:?}");
    follow("/api/auth/verify-email").await.expect(200);
    assert_eq!(follow("/api/auth/get-session").await.json()["user"]["emailVerified"], true);
    follow("/api/auth/delete-user/callback").await.expect(200);
    assert_eq!(follow("/api/auth/get-session").await.json(), json!(null));
}

#[tokio::test]
async fn an_account_route_with_another_method_is_405_with_the_right_ones_or_not_there() {
    let app = App::spawn().await;
    let routes = || docket::rest::auth::endpoints().into_iter().chain(docket::rest::compat::endpoints());
    let paths: BTreeSet<_> = routes().map(|it| it.path).collect();
    for path in &paths {
        let mut served: BTreeSet<_> = routes().filter(|it| it.path == *path).map(|it| it.method).collect();
        let has_head = served.contains("GET")
            && (docket::rest::compat::endpoints().iter().any(|it| it.path == *path) || path.ends_with("/ok"));
        served.extend(has_head.then_some("HEAD"));
        for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE"] {
            let answer = Answer::of(app.request(method, &path.replace("{token}", "x"))).await;
            let allow = answer.headers.get("allow").map(|it| it.to_str().unwrap());
            let name = format!("{method} {path}: {answer:?}");
            match answer.status.as_u16() {
                405 => {
                    let allowed: BTreeSet<_> = allow.unwrap_or_default().split(',').map(str::trim).collect();
                    assert!(!served.contains(method) && allowed == served, "{name}");
                }
                _ => assert_eq!(allow, None, "{name}"),
            }
            if !served.contains(method) {
                assert!([404, 405].contains(&answer.status.as_u16()), "{name}");
                let body = if method == "HEAD" { json!({ "detail": "" }) } else { answer.json() };
                assert!(body["detail"].is_string() || body["code"].is_string(), "{name}");
            }
        }
    }
}
