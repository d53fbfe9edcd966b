//! How much a user or an address is answered in a minute, and how many requests are worked on at a time.

use std::time::Duration;

use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::support::{Answer, App, Held, Person, until};

const LIST: &str = "{ tasks(first: 1) { nodes { id } } }";

#[tokio::test]
async fn a_user_who_asks_too_much_waits_at_both_apis_and_others_do_not() {
    let app = App::spawn_with(&[("RATE_LIMIT", "on"), ("DOCKET_REQUEST_LIMITS", "user=10")]).await;
    let (ann, bob) = (app.person("ann").await, app.person("bob").await);
    for _ in 0..5 {
        app.rest(&ann, "GET", "", None).await.expect(200);
        app.graphql(&ann, LIST, json!({})).await.data();
    }
    let refused = app.graphql(&ann, LIST, json!({})).await;
    assert_eq!((refused.status.as_u16(), refused.code().as_str()), (429, "RATE_LIMITED"));
    let wait: u64 = refused.header("retry-after").parse().unwrap();
    assert!((1..=6).contains(&wait), "{refused:?}");
    assert_eq!(refused.header("ratelimit"), format!("\"quota\";r=0;t={wait}"));
    let refused = app.rest(&ann, "POST", "", Some(json!({ "title": "too much" }))).await;
    assert_eq!(refused.expect(429), json!({ "detail": "Too many requests, try again later" }));
    assert!(!refused.header("retry-after").is_empty());
    assert_eq!(app.rest(&bob, "GET", "", None).await.expect(200), json!([]));
    assert_eq!(Answer::of(app.request("GET", "/health/ready")).await.status, 200);
}

#[tokio::test]
async fn an_operation_counts_by_what_its_answer_may_have() {
    let app = App::spawn_with(&[("RATE_LIMIT", "on"), ("DOCKET_REQUEST_LIMITS", "user=12")]).await;
    let ann = app.person("ann").await;
    let large = "query($first: Int!) { tasks(first: $first) { nodes { id title labels { name } } } }";
    app.graphql(&ann, large, json!({ "first": 15 })).await.data();
    let refused = app.graphql(&ann, large, json!({ "first": 100 })).await;
    assert_eq!((refused.status.as_u16(), refused.code().as_str()), (429, "RATE_LIMITED"));
    app.graphql(&ann, LIST, json!({})).await.data();
}

#[tokio::test]
async fn who_shows_no_user_is_counted_by_address() {
    let app = App::spawn_with(&[("RATE_LIMIT", "on"), ("DOCKET_REQUEST_LIMITS", "address=4")]).await;
    let ann = app.person("ann").await;
    for _ in 0..2 {
        assert_eq!(Answer::of(app.request("GET", "/api/u/tasks")).await.status, 401);
        assert_eq!(Answer::of(app.request("GET", "/graphql?query={__typename}")).await.status, 200);
    }
    assert_eq!(Answer::of(app.request("GET", "/api/u/tasks").bearer_auth("broken")).await.status, 429);
    let refused = Answer::of(app.request("GET", "/graphql?query={__typename}")).await;
    assert_eq!((refused.status.as_u16(), refused.code().as_str()), (429, "RATE_LIMITED"));
    app.rest(&ann, "GET", "", None).await.expect(200);
}

#[tokio::test]
async fn requests_beyond_the_limit_are_refused_at_once_and_others_are_answered() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let (held, waiting) = fill(&app, &ann).await;
    until("a refusal", async || app.rest(&ann, "GET", "", None).await.status == 503).await;
    let refused = app.rest(&ann, "GET", "", None).await;
    assert_eq!((refused.status.as_u16(), refused.header("retry-after")), (503, "1"));
    let refused = app.graphql(&ann, LIST, json!({})).await;
    assert_eq!((refused.status.as_u16(), refused.code().as_str()), (503, "SERVICE_UNAVAILABLE"));
    // The page of a browser hears of it too.
    let page = "http://localhost:3000";
    let named = app.request("GET", "/api/x/tasks").header("origin", page).header("x-request-id", "mine");
    let refused = Answer::of(named).await;
    assert_eq!(refused.status, 503);
    assert_eq!((refused.header("access-control-allow-origin"), refused.header("x-request-id")), (page, "mine"));
    assert_eq!(Answer::of(app.request("GET", "/health/ready")).await.status, 200);
    let session = Answer::of(app.request("GET", "/api/auth/get-session").bearer_auth(&ann.session)).await;
    assert_eq!(session.status, 200, "accounts have permits of their own");
    drop(held);
    until("a permit is free again", async || app.rest(&ann, "GET", "", None).await.status == 200).await;
    assert_eq!(waiting.len(), 256);
}

/// As many requests as there are permits, which wait for what is held in the database.
async fn fill(app: &App, person: &Person) -> (Held, Vec<TcpStream>) {
    let held = app.hold().await;
    let mut waiting = Vec::new();
    for _ in 0..256 {
        waiting
            .push(begun(app, &format!("/api/{}/tasks", person.id), (&person.token, 15), "{\"title\":\"one\"}").await);
    }
    (held, waiting)
}

/// A request whose body has so many bytes, of which these have come.
async fn begun(app: &App, path: &str, (token, length): (&str, usize), body: &str) -> TcpStream {
    let mut stream = connected(app).await;
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\n\r\n{body}"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream
}

async fn connected(app: &App) -> TcpStream {
    let address = app.base.trim_start_matches("http://").replace("localhost", "127.0.0.1");
    TcpStream::connect(address).await.unwrap()
}

#[tokio::test]
async fn bodies_that_come_slowly_keep_nobody_from_room() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let tasks = format!("/api/{}/tasks", ann.id);
    let mut slow = Vec::new();
    for path in ["/graphql", "/api/auth/sign-in/email", &tasks] {
        for _ in 0..300 {
            slow.push(begun(&app, path, (&ann.token, 15), "{").await);
        }
    }
    // Those that say that they will not be small take no more, whoever sends them.
    let (ann, bob) = (ann, app.person("bob").await);
    let mut large = Vec::new();
    for token in [ann.token.as_str(), "broken", &ann.session] {
        for path in ["/graphql", "/api/auth/sign-in/email", &tasks] {
            for length in [20_000, 60_000] {
                for _ in 0..35 {
                    large.push(begun(&app, path, (token, length), "{").await);
                }
            }
        }
    }
    for _ in 0..3 {
        app.rest(&bob, "POST", "", Some(json!({ "title": "small" }))).await.expect(201);
        app.graphql(&bob, LIST, json!({})).await.data();
        let sign_in = json!({ "email": "nobody@example.com", "password": "wrong-password" });
        let refused = Answer::of(app.request("POST", "/api/auth/sign-in/email").json(&sign_in)).await;
        assert_eq!(refused.status, 401);
    }
    let spaces = " ".repeat(20_000);
    let send = |person: &Person| {
        let request = app.request("POST", &format!("/api/{}/tasks", person.id)).bearer_auth(&person.token);
        let request = request.header("content-type", "application/json");
        Answer::of(request.body(format!("{{\"title\":{spaces}\"large\"}}")))
    };
    send(&bob).await.expect(201);
    let query = json!({ "query": format!("{LIST}{spaces}") });
    Answer::of(app.request("POST", "/graphql").bearer_auth(&bob.token).json(&query)).await.data();
    // Who sends so many waits for their own.
    let refused = send(&ann).await;
    assert_eq!((refused.status.as_u16(), refused.header("retry-after")), (429, "1"));
    let mut last = slow.pop().unwrap();
    assert_eq!(asked(&mut last, "\"title\":\"one\"}").await.0, 201);
}

#[tokio::test]
async fn a_body_that_does_not_come_ends_its_connection_with_408() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let tasks = format!("/api/{}/tasks", ann.id);
    let import = format!("/api/{}/import", ann.id);
    let mut begun_ones = Vec::new();
    for (path, code) in [
        ("/graphql", "REQUEST_TIMEOUT"),
        ("/api/auth/sign-in/email", "REQUEST_TIMEOUT"),
        (tasks.as_str(), "{\"detail\":\"Request body did not arrive\"}"),
        (import.as_str(), "{\"detail\":\"Request body did not arrive\"}"),
    ] {
        for length in [15, 20_000] {
            begun_ones.push((path, length, code, begun(&app, path, (&ann.token, length), "{").await));
        }
    }
    for (path, length, code, mut stream) in begun_ones {
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 408 ") && answer.contains(code), "{path} {length}: {answer}");
        assert!(answer.contains("connection: close\r\n"), "{path} {length}: {answer}");
    }
}

#[tokio::test]
async fn a_compressed_body_is_refused_everywhere_before_it_is_read() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let tasks = format!("/api/{}/tasks", ann.id);
    for path in ["/graphql", "/api/auth/sign-in/email", &tasks, &format!("/api/{}/import", ann.id)] {
        for encoding in ["gzip", "br", "identity, gzip"] {
            let request = app.request("POST", path).bearer_auth(&ann.token).header("content-encoding", encoding);
            let answer = Answer::of(request.header("content-type", "application/json").body("{\"title\":\"a\"}")).await;
            assert_eq!(
                (answer.status.as_u16(), answer.header("accept-encoding")),
                (415, "identity"),
                "{path} {encoding}"
            );
            assert!(answer.json().is_object(), "{path} {encoding}: {answer:?}");
        }
    }
    let plain = app.request("POST", &tasks).bearer_auth(&ann.token).header("content-encoding", "identity");
    Answer::of(plain.json(&json!({ "title": "plain" }))).await.expect(201);
    assert_eq!(app.rest(&ann, "GET", "", None).await.expect(200).as_array().unwrap().len(), 1);
}

/// Sends a part of a request, and reads the answer to it: its status, and the rest.
async fn asked(stream: &mut TcpStream, text: &str) -> (u16, String) {
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    loop {
        assert_ne!(stream.read_buf(&mut answer).await.unwrap(), 0, "{answer:?}");
        let text = String::from_utf8(answer.clone()).unwrap();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|it| it.strip_prefix("content-length: ")).unwrap();
        if body.len() == length.parse::<usize>().unwrap() {
            return (head[9..12].parse().unwrap(), text);
        }
    }
}

#[tokio::test]
async fn a_connection_whose_request_is_refused_stays_open_and_is_served_later() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let (held, waiting) = fill(&app, &ann).await;
    let request = |method: &str, rest: &str| {
        let (id, token) = (&ann.id, &ann.token);
        format!("{method} /api/{id}/tasks HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n{rest}")
    };
    let get = request("GET", "\r\n");
    let mut stays = connected(&app).await;
    until("a refusal", async || asked(&mut stays, &get).await.0 == 503).await;
    for _ in 0..3 {
        let (status, answer) = asked(&mut stays, &get).await;
        assert!(status == 503 && answer.contains("retry-after: 1\r\n") && !answer.contains("connection: close"));
        assert!(answer.ends_with("{\"detail\":\"Service unavailable, try again\"}"), "{answer}");
    }
    // A request that comes in two parts.
    stays.write_all(request("POST", "content-length: 15\r\n\r\n").as_bytes()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(asked(&mut stays, "{\"title\":\"one\"}").await.0, 503);
    // A large one is answered before it has come, and is not cut off while it is sent.
    let mut large = connected(&app).await;
    let (status, answer) = asked(&mut large, &request("POST", "content-length: 1000000\r\n\r\n{")).await;
    assert!(status == 503 && answer.contains("connection: close\r\n"), "{answer}");
    large.write_all(&[b' '; 500_000]).await.unwrap();
    assert_eq!(large.read(&mut [0; 10]).await.unwrap(), 0);
    drop((held, waiting));
    until("it is served", async || asked(&mut stays, &get).await.0 == 200).await;
}

#[tokio::test]
async fn files_that_are_announced_and_do_not_come_take_no_room() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let mut unfinished = Vec::new();
    for name in ["bob", "eve", "joe"] {
        let person = app.person(name).await;
        let path = format!("/api/{}/import", person.id);
        unfinished.push(begun(&app, &path, (&person.token, 32 << 20), "").await);
    }
    let import = app.request("POST", &format!("/api/{}/import", ann.id)).bearer_auth(&ann.token);
    Answer::of(import.json(&json!({ "tasks": [] }))).await.expect(200);
    app.rest(&ann, "GET", "", None).await.expect(200);
}

#[tokio::test]
async fn files_that_do_not_come_keep_nobody_but_their_sender_waiting() {
    let app = App::spawn().await;
    let (ann, bob) = (app.person("ann").await, app.person("bob").await);
    let path = |person: &Person| format!("/api/{}/import", person.id);
    let import = async |person: &Person| {
        let request = app.request("POST", &path(person)).bearer_auth(&person.token);
        Answer::of(request.json(&json!({ "tasks": [] }))).await
    };
    let mut unfinished = Vec::new();
    for _ in 0..100 {
        unfinished.push(begun(&app, &path(&ann), (&ann.token, 32 << 20), "{").await);
    }
    for _ in 0..100 {
        if import(&ann).await.status == 429 {
            import(&bob).await.expect(200);
            return app.rest(&ann, "GET", "", None).await.expect(200).as_array().map(drop).unwrap();
        }
    }
    panic!("the files of one user come at the same time");
}

#[tokio::test]
async fn a_document_that_is_refused_costs_its_user_too_and_a_new_one_by_its_length() {
    let app = App::spawn_with(&[("RATE_LIMIT", "on"), ("DOCKET_REQUEST_LIMITS", "user=20")]).await;
    let (ann, bob) = (app.person("ann").await, app.person("bob").await);
    for query in ["{", "{ nothing }", "query($a: Int!) { tasks(first: $a) { totalCount } }", "mutation { }"].repeat(5) {
        assert_eq!(app.graphql(&ann, query, json!({})).await.status, 200);
    }
    let refused = app.graphql(&ann, "{ nothing }", json!({})).await;
    assert_eq!((refused.status.as_u16(), refused.code().as_str()), (429, "RATE_LIMITED"));
    let long = format!("{{ nothing {} }}", "#".repeat(18_500));
    assert_eq!(app.graphql(&bob, &long, json!({})).await.code(), "GRAPHQL_PARSE_FAILED");
    app.graphql(&bob, LIST, json!({})).await.data();
    assert_eq!(app.graphql(&bob, LIST, json!({})).await.status, 429);
}

#[tokio::test]
async fn a_stranger_may_explore_the_schema_and_send_no_more_than_that() {
    let app = App::spawn().await;
    let ask = |body: serde_json::Value| Answer::of(app.request("POST", "/graphql").json(&body));
    let introspection = "query IntrospectionQuery { __schema { description queryType { name kind } mutationType { name kind }
        subscriptionType { name kind } types { ...FullType } directives { name description isRepeatable locations
        args(includeDeprecated: true) { ...InputValue } } } }
        fragment FullType on __Type { kind name description specifiedByURL isOneOf fields(includeDeprecated: true) { name
        description args(includeDeprecated: true) { ...InputValue } type { ...TypeRef } isDeprecated deprecationReason }
        inputFields(includeDeprecated: true) { ...InputValue } interfaces { ...TypeRef } enumValues(includeDeprecated: true) {
        name description isDeprecated deprecationReason } possibleTypes { ...TypeRef } }
        fragment InputValue on __InputValue { name description type { ...TypeRef } defaultValue isDeprecated deprecationReason }
        fragment TypeRef on __Type { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType {
        kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name } } } } } } } } } }";
    assert!(ask(json!({ "query": introspection })).await.data()["__schema"]["types"].is_array());
    for (limit, query) in [
        ("tokens", format!("{{ {} }}", "__typename ".repeat(500))),
        ("fields", format!("{{ {} }} fragment F on Query {{ {} }}", "...F ".repeat(10), "me { id } ".repeat(30))),
    ] {
        let answer = ask(json!({ "query": query })).await;
        assert_eq!(
            (answer.code().as_str(), &answer.json()["errors"][0]["extensions"]["limit"]),
            ("QUERY_TOO_EXPENSIVE", &json!(limit))
        );
    }
    assert_eq!(ask(json!({ "query": "{ __typename }", "variables": { "a": "x".repeat(64 << 10) } })).await.status, 413);
    let ann = app.person("ann").await;
    let long = format!("{{ me {{ {} }} }}", "__typename ".repeat(500));
    app.graphql(&ann, &long, json!({ "a": "x".repeat(64 << 10) })).await.data();
}
