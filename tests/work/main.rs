//! What a request costs, counted instead of timed: SQL statements exactly, allocations and their bytes within a tenth of
//! what is recorded. `UPDATE=1` records anew. On SQLite, or on PostgreSQL when `DOCKET_TEST_POSTGRES` names a server.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a check that cannot go on has failed")]
#![expect(clippy::print_stdout, reason = "a program that reports to people")]

#[path = "../../benches/load/fill.rs"]
mod fill;
#[expect(dead_code, reason = "shared with the suite, which uses all of it")]
#[path = "../it/support.rs"]
mod support;

use std::{collections::BTreeMap, env, fs, path::PathBuf};

use axum::{
    Router,
    body::{Body, to_bytes},
    http::Request,
};
use docket::server::Server;
use serde_json::{Value, json};
use tokio::runtime::{Builder, Runtime};
use tower::ServiceExt;

use self::support::{App, Person, statements::Statements};

/// How often each is done before it is counted, so that caches are full.
const WARM: usize = 30;
/// How often each is counted.
const TIMES: u64 = 50;
/// How far a count may be from what is recorded.
const TOLERANCE: f64 = 0.1;

/// A kind of request.
struct Work {
    name: &'static str,
    request: Box<dyn Fn() -> Request<Body>>,
}

fn main() {
    // One thread, whose allocations are all that is counted: the server's, and none of a client's.
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    // Connections are given back inside a runtime.
    let _inside = runtime.enter();
    let (app, ann) = runtime.block_on(prepare());
    let server = runtime.block_on(Server::bind(&app.config(&[]), None)).unwrap();
    let router = server.router();
    let database = if app.database_url.starts_with("sqlite:") { "sqlite" } else { "postgres" };

    let counted: BTreeMap<String, [f64; 3]> =
        works(&ann).into_iter().map(|work| (work.name.to_owned(), count(&runtime, &router, &work))).collect();
    let place = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/work/{database}.json"));
    if env::var_os("UPDATE").is_some() {
        fs::write(&place, serde_json::to_string_pretty(&counted).unwrap() + "\n").unwrap();
    }
    let recorded: BTreeMap<String, [f64; 3]> = serde_json::from_str(&fs::read_to_string(&place).unwrap()).unwrap();
    assert_eq!(counted.keys().collect::<Vec<_>>(), recorded.keys().collect::<Vec<_>>());
    println!("{database:<28}{:>12}{:>14}{:>12}", "statements", "allocations", "bytes");
    let mut wrong = 0;
    for (name, now) in &counted {
        let then = recorded[name];
        let is_near = |at: usize| (now[at] - then[at]).abs() <= then[at] * TOLERANCE;
        // The number of statements is exact.
        let is_right = (now[0] - then[0]).abs() < 0.01 && is_near(1) && is_near(2);
        wrong += u32::from(!is_right);
        let note = if is_right { String::new() } else { format!("  recorded: {then:?}") };
        println!("{name:<28}{:>12.0}{:>14.0}{:>12.0}{note}", now[0], now[1], now[2]);
    }
    assert_eq!(wrong, 0, "more or less work than recorded; UPDATE=1 records it");
    println!("1 passed, 0 failed");
}

/// Somebody with a list, labels and a hundred tasks.
async fn prepare() -> (App, Person) {
    let mut app = App::spawn().await;
    let ann = app.person("ann").await;
    let (list, labels) = fill::list_and_labels(&app, &ann).await;
    for number in 0..100 {
        let query = "mutation($input: CreateTaskInput!) { createTask(input: $input) { task { id } } }";
        let input = json!({ "title": format!("task {number:0>3}"), "listId": list, "labelIds": labels });
        app.graphql(&ann, query, json!({ "input": input })).await.data();
    }
    app.stop().await;
    (app, ann)
}

fn works(ann: &Person) -> Vec<Work> {
    let fields = "id title description completed priority dueAt createdAt updatedAt";
    let token = ann.token.clone();
    let graphql = move |query: String, variables: Value| {
        let token = token.clone();
        Box::new(move || {
            let body = json!({ "query": query, "variables": variables }).to_string();
            sent("POST", "/graphql", &token, body)
        }) as Box<dyn Fn() -> Request<Body>>
    };
    let (token, path) = (ann.token.clone(), format!("/api/{}/tasks", ann.id));
    let rest = move |method: &'static str, tail: &str, body: Value| {
        let (token, path) = (token.clone(), format!("{path}{tail}"));
        let body = if body.is_null() { String::new() } else { body.to_string() };
        Box::new(move || sent(method, &path, &token, body.clone())) as Box<dyn Fn() -> Request<Body>>
    };
    let session = ann.session.clone();
    let create = format!("mutation($i: CreateTaskInput!) {{ createTask(input: $i) {{ task {{ {fields} }} }} }}");
    vec![
        Work { name: "GraphQL __typename", request: graphql("{ __typename }".into(), json!({})) },
        Work {
            name: "GraphQL list of 20",
            request: graphql(format!("{{ tasks(first: 20) {{ nodes {{ {fields} }} }} }}"), json!({})),
        },
        Work {
            name: "GraphQL list with relations",
            request: graphql(
                format!("{{ tasks(first: 20) {{ nodes {{ {fields} list {{ name }} labels {{ name }} }} }} }}"),
                json!({}),
            ),
        },
        Work { name: "GraphQL create", request: graphql(create, json!({ "i": { "title": "new" } })) },
        Work { name: "REST list of 20", request: rest("GET", "?limit=20", Value::Null) },
        Work { name: "REST create", request: rest("POST", "", json!({ "title": "new" })) },
        Work {
            name: "get-session",
            request: Box::new(move || sent("GET", "/api/auth/get-session", &session, String::new())),
        },
    ]
}

fn sent(method: &str, path: &str, token: &str, body: String) -> Request<Body> {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("host", "localhost")
        .header("authorization", format!("Bearer {token}"));
    request.header("content-type", "application/json").body(Body::from(body)).unwrap()
}

/// Statements, allocations and bytes of one request.
fn count(runtime: &Runtime, router: &Router, work: &Work) -> [f64; 3] {
    let answer = |request: Request<Body>| {
        runtime.block_on(async {
            let answer = router.clone().oneshot(request).await.unwrap();
            let status = answer.status();
            let body = to_bytes(answer.into_body(), 1 << 20).await.unwrap();
            let is_well = status.is_success() && !body.windows(8).any(|it| it == b"\"errors\"");
            assert!(is_well, "{}: {status} {}", work.name, String::from_utf8_lossy(&body));
        });
    };
    for _ in 0..WARM {
        answer((work.request)());
    }
    let (mut allocations, mut bytes) = (0, 0);
    for _ in 0..TIMES {
        let request = (work.request)();
        let counted = allocation_counter::measure(|| answer(request));
        allocations += counted.count_total;
        bytes += counted.bytes_total;
    }
    let statements = Statements::listen();
    answer((work.request)());
    let statements = statements.take().len();
    let each = |sum: u64| (sum as f64 / TIMES as f64).round();
    [f64::from(u32::try_from(statements).unwrap()), each(allocations), each(bytes)]
}
