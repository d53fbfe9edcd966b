//! What the outside sees of the work: metrics, traces, log lines.

use std::{
    fs,
    sync::{Arc, Mutex},
};

use axum::{Router, body::Bytes, extract::State, routing::post};
use serde_json::{Value, json};

use crate::{
    socket::Socket,
    support::{Answer, App, PASSWORD, Process, text},
};

/// A word that only bodies have.
const TITLE: &str = "unmistakable-title";

pub async fn scraped(app: &App) -> String {
    Answer::of(app.http.get(app.metrics.as_ref().unwrap())).await.text
}

/// The value of the series that begins so.
pub fn value(metrics: &str, series: &str) -> f64 {
    let line = metrics.lines().find(|it| it.starts_with(series)).unwrap_or_else(|| panic!("no {series} in {metrics}"));
    line.rsplit_once(' ').unwrap().1.parse().unwrap()
}

#[tokio::test]
async fn metrics_tell_of_both_apis_and_of_what_takes_turns() {
    let app = App::spawn_with(&[("DOCKET_METRICS", "127.0.0.1:0")]).await;
    let ann = app.person("ann").await;
    app.rest_task(&ann, json!({ "title": TITLE })).await;
    let body = json!({ "query": "query Mine { tasks(first: 5) { nodes { title } } }" });
    Answer::of(app.request("POST", "/graphql").bearer_auth(&ann.token).json(&body)).await.data();
    app.graphql(&ann, "{ nothing }", json!({})).await;
    Answer::of(app.request("GET", "/graphql?query={me{id}}").bearer_auth("broken")).await;

    let metrics = scraped(&app).await;
    let request = |labels: &str| value(&metrics, &format!("http_server_request_duration_seconds_count{{{labels}}}"));
    let labels = "http_request_method=\"POST\",http_route=\"/api/{user_id}/tasks\",http_response_status_code=\"201\"";
    assert_eq!(request(labels), 1.0);
    let labels = "graphql_operation_type=\"query\",graphql_operation_name=\"Mine\"";
    assert_eq!(value(&metrics, &format!("graphql_server_operation_duration_seconds_count{{{labels}}}")), 1.0);
    assert_eq!(value(&metrics, "graphql_server_errors_total{code=\"GRAPHQL_VALIDATION_FAILED\"}"), 1.0);
    assert!(value(&metrics, "db_client_operation_duration_seconds_count{pool=\"read\"}") > 0.0);
    assert!(value(&metrics, "db_client_connection_max{pool=\"write\"}") >= 1.0);
    assert_eq!(value(&metrics, "docket_password_hashes{state=\"waiting\"}"), 0.0);
    assert!(value(&metrics, "docket_security_events_total{event=\"token_refused\"}") >= 1.0);
    assert!(value(&metrics, "http_server_open_connections") >= 1.0);
    assert!(metrics.contains("docket_build_info{version=\""));
    for private in [TITLE, &ann.id, &ann.email, &ann.token] {
        assert!(!metrics.contains(private), "{private} is in {metrics}");
    }
}

#[tokio::test]
async fn whatever_strangers_ask_for_there_is_one_series_for_it() {
    let app = App::spawn_with(&[("DOCKET_METRICS", "127.0.0.1:0")]).await;
    let series = |metrics: &str| metrics.lines().filter(|it| it.contains("_request_duration_seconds_count")).count();
    let operations =
        |metrics: &str| metrics.lines().filter(|it| it.contains("_operation_duration_seconds_count{graphql")).count();
    for number in 0..50 {
        let body = json!({ "query": format!("query Q{number} {{ __typename }}") });
        Answer::of(app.request("POST", "/graphql").json(&body)).await.data();
        Answer::of(app.request("GET", &format!("/nothing/{number}"))).await;
        Answer::of(app.request("BREW", &format!("/{number}"))).await;
    }
    let metrics = scraped(&app).await;
    assert!(series(&metrics) <= 4 && operations(&metrics) == 1, "{metrics}");
    assert_eq!(Answer::of(app.request("GET", "/metrics")).await.status, 404, "the public does not see metrics");
}

/// Takes what is sent by OTLP, undecoded: names and texts stand in it as they are.
async fn collector() -> (String, Arc<Mutex<Vec<u8>>>) {
    let sent = Arc::<Mutex<Vec<u8>>>::default();
    let keep = |State(sent): State<Arc<Mutex<Vec<u8>>>>, body: Bytes| async move {
        sent.lock().unwrap().extend_from_slice(&body);
    };
    let router = Router::new().route("/v1/traces", post(keep)).with_state(Arc::clone(&sent));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (url, sent)
}

fn count(haystack: &[u8], needle: &[u8]) -> usize {
    haystack.windows(needle.len()).filter(|it| *it == needle).count()
}

#[tokio::test]
async fn a_trace_goes_on_through_both_apis_to_the_statements_and_logs_name_it() {
    const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
    let mut app = App::spawn_undistributed().await;
    let ann = app.person("ann").await;
    app.stop().await;
    let (url, sent) = collector().await;
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let settings = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", url.as_str()),
        ("DOCKET_ENV", "staging"),
        ("DOCKET_INSTANCE", "one-of-many"),
        ("DOCKET_DRAIN_SECONDS", "0"),
        ("DOCKET_SLOW_STATEMENT_MS", "0"),
        ("BETTER_AUTH_URL", "http://localhost:1"),
        ("RUST_LOG", "info"),
    ];
    let process = Process::start_with(&app.database_url, &settings, fs::File::create(&log).unwrap()).await;
    let base = process.base.clone();
    let request = |path: String, body: Value| {
        let traceparent = format!("00-{TRACE}-b7ad6b7169203331-01");
        let request = app.http.post(format!("{base}{path}")).bearer_auth(&ann.session);
        Answer::of(request.header("traceparent", traceparent).json(&body))
    };
    let path = format!("/api/{}/tasks", ann.id);
    assert_eq!(request(path, json!({ "title": TITLE })).await.status, 201);
    let query = "query Mine($text: String) { tasks(first: 5, filter: { contains: $text }) { nodes { title } } }";
    let found = request("/graphql".into(), json!({ "query": query, "variables": { "text": "unmistakable" } })).await;
    assert_eq!(found.data()["tasks"]["nodes"][0]["title"], TITLE);
    let malformed = app.http.get(format!("{base}/health")).header("traceparent", "00-nonsense");
    assert_eq!(Answer::of(malformed).await.status, 200);
    let unsampled = app.http.get(format!("{base}/graphql?query={{me{{id}}}}")).bearer_auth(&ann.session);
    let unsampled = unsampled.header("traceparent", "00-1af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00");
    assert_eq!(Answer::of(unsampled).await.status, 200);
    process.stop().await;

    let sent = sent.lock().unwrap().clone();
    let trace: Vec<u8> = (0..16).map(|at| u8::from_str_radix(&TRACE[2 * at..2 * at + 2], 16).unwrap()).collect();
    let words = ["POST /api/{user_id}/tasks", "POST /graphql", "query Mine", "insert into", "one-of-many"];
    for word in words {
        let is_there = count(&sent.to_ascii_lowercase(), word.to_ascii_lowercase().as_bytes()) > 0;
        assert!(is_there, "no {word} in {}", String::from_utf8_lossy(&sent));
    }
    let unsampled: Vec<u8> = [&[0x1a], &trace[1..]].concat();
    assert_eq!(count(&sent, &unsampled), 0, "a trace that its caller does not sample");
    assert!(count(&sent, &trace) >= 5, "requests, operation and statements are of one trace");

    let log = fs::read_to_string(log).unwrap();
    let lines: Vec<Value> = log.lines().map(|it| serde_json::from_str(it).unwrap()).collect();
    let line = lines.iter().find(|it| it["fields"]["route"] == "/api/{user_id}/tasks").unwrap();
    assert_eq!(line["span"]["trace_id"], TRACE);
    assert_eq!((text(&line["span"]["user"]), text(&line["span"]["instance"])), (ann.id.clone(), "one-of-many".into()));
    let slow = lines.iter().filter(|it| it["fields"]["message"] == "a slow statement");
    assert!(slow.filter(|it| text(&it["fields"]["text"]).contains("tasks")).count() >= 2, "{log}");
    for private in [TITLE, "unmistakable", &ann.email, &ann.session] {
        assert!(!log.contains(private), "{private} is in {log}");
        assert_eq!(count(&sent, private.as_bytes()), 0, "{private} was sent");
    }
}

#[tokio::test]
async fn nothing_private_is_logged_however_much_is_to_be() {
    let mut app = App::unstarted().await;
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let settings = [("RUST_LOG", "trace")];
    let process = Process::start_with(&app.database_url, &settings, fs::File::create(&log).unwrap()).await;
    app.base.clone_from(&process.base);
    let ann = app.person("ann").await;
    let wrong = json!({ "email": ann.email, "password": "unmistakable-password" });
    assert_eq!(app.auth("/sign-in/email", wrong).await.status, 401);
    app.rest_task(&ann, json!({ "title": TITLE, "tags": ["unmistakable-tag"] })).await;
    app.rest(&ann, "GET", "?search=unmistakable", None).await.expect(200);
    let query = "query($text: String) { tasks(filter: { contains: $text }) { nodes { title } } }";
    app.graphql(&ann, query, json!({ "text": "unmistakable" })).await.data();
    app.graphql(&ann, "{ tasks(filter: { contains: \"unmistakable\" }) { unmistakable } }", json!({})).await;
    let mut socket = Socket::of(&app, &ann.token).await;
    socket.subscribe("1", "{ tasks { nodes { title } } }").await;
    assert_eq!(socket.next().await["payload"]["data"]["tasks"]["nodes"][0]["title"], TITLE);
    drop(socket);
    process.stop().await;
    let log = fs::read_to_string(log).unwrap();
    assert!(log.lines().filter(|it| it.contains("TRACE")).count() > 20, "{log}");
    for private in ["unmistakable", PASSWORD, &ann.email, &ann.session, &ann.token] {
        assert!(!log.contains(private), "{private} is in {log}");
    }
}

#[tokio::test]
async fn what_the_database_says_of_a_row_that_it_refuses_is_not_logged() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    app.sql(if app.is_sqlite() {
        "create trigger refuse before insert on tasks when new.title like 'unmist%' begin select raise(abort, 'no'); end"
    } else {
        "alter table tasks add check (title not like 'unmist%')"
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let process = Process::start_with(&app.database_url, &[], fs::File::create(&log).unwrap()).await;
    let query = format!("mutation {{ createTask(input: {{ title: \"{TITLE}\" }}) {{ task {{ id }} }} }}");
    for (path, body) in
        [(format!("/api/{}/tasks", ann.id), json!({ "title": TITLE })), ("/graphql".into(), json!({ "query": query }))]
    {
        let request = app.http.post(format!("{}{path}", process.base)).bearer_auth(&ann.token).json(&body);
        assert!(Answer::of(request).await.text.to_lowercase().contains("internal"), "{path}");
    }
    process.stop().await;
    let log = fs::read_to_string(log).unwrap();
    assert_eq!(log.matches("returned from database").count(), 2, "{log}");
    assert!(!log.contains(TITLE), "{log}");
}

#[tokio::test]
async fn a_log_that_nobody_reads_holds_up_no_request() {
    let app = App::spawn().await;
    // Nobody reads from the pipe, which is full after 64 KiB.
    let process = Process::start_with(&app.database_url, &[("RUST_LOG", "trace")], std::process::Stdio::piped()).await;
    for _ in 0..300 {
        let answer = Answer::of(app.http.get(format!("{}/health/ready", process.base)));
        let answer = tokio::time::timeout(std::time::Duration::from_secs(5), answer).await.unwrap();
        assert_eq!(answer.status, 200);
    }
}
