//! What one asker can take of what others need: the database's writer and disk, its connections, memory, and names.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{Answer, App, Person};

fn keyed(app: &App, person: &Person, key: &str, body: &Value) -> impl Future<Output = Answer> + use<> {
    let request = app.request("POST", "/graphql").bearer_auth(&person.token).header("idempotency-key", key);
    Answer::of(request.json(body))
}

fn create() -> Value {
    json!({ "query": "mutation { createTask(input: { title: \"a\" }) { task { id } } }" })
}

async fn remembered(app: &App) -> String {
    app.sql_text("select cast(count(*) as text) from idempotency_keys").await
}

#[tokio::test]
async fn a_key_on_what_changes_nothing_takes_no_write_and_stores_nothing() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let held = app.hold().await;
    let two = "query Q { me { id } } mutation M { createTask(input: { title: \"a\" }) { task { id } } }";
    for body in [
        json!({ "query": "{ me { id } }" }),
        json!({ "query": two, "operationName": "Q" }),
        json!({ "query": "mutation { nothing }" }),
        json!({ "query": "mutation {" }),
        json!({ "query": two }),
        json!({ "query": 7 }),
    ] {
        let start = Instant::now();
        let answer = keyed(&app, &ann, "k", &body).await;
        assert!(answer.status != 503 && start.elapsed() < Duration::from_secs(1), "{body}: {answer:?}");
        assert_eq!(answer.header("idempotency-replayed"), "", "{body}");
    }
    drop(held);
    assert_eq!(remembered(&app).await, "0");
    // The same key is still good for what changes something.
    keyed(&app, &ann, "k", &json!({ "query": two, "operationName": "M" })).await.data();
    assert_eq!(remembered(&app).await, "1");
    let dry = app.request("POST", &format!("/api/{}/import?dry_run=true", ann.id)).bearer_auth(&ann.token);
    let dry =
        dry.header("idempotency-key", "dry").json(&json!({ "docket": 1, "lists": [], "labels": [], "tasks": [] }));
    Answer::of(dry).await.expect(200);
    assert_eq!(remembered(&app).await, "1");
}

#[tokio::test]
async fn answers_that_are_remembered_have_a_share_of_the_disk_for_each_user() {
    let app = App::spawn().await;
    let (ann, bob) = (app.person("ann").await, app.person("bob").await);
    let tasks = |count: usize| {
        let tasks = vec![json!({ "title": "x".repeat(200), "description": "x".repeat(1000) }); count];
        let query = "mutation($tasks: [CreateTaskInput!]!) { createTasks(input: { tasks: $tasks }) { tasks { id title description } } }";
        json!({ "query": query, "variables": { "tasks": tasks } })
    };
    let refused = keyed(&app, &ann, "large", &tasks(450)).await;
    assert_eq!((refused.status.as_u16(), refused.code().as_str()), (400, "BAD_USER_INPUT"));
    assert!(refused.text.contains("Idempotency-Key is for an answer of at most 512 KiB"), "{}", refused.text);
    let counted = app.graphql(&ann, "{ tasks { totalCount } }", json!({})).await.data();
    assert_eq!((counted["tasks"]["totalCount"].clone(), remembered(&app).await.as_str()), (json!(0), "0"));

    keyed(&app, &ann, "k", &create()).await.data();
    let is_sqlite = app.is_sqlite();
    let long = if is_sqlite { "replace(hex(zeroblob(2097152)), '0', 'x')" } else { "repeat('x', 4194304)" };
    app.sql(&format!("update idempotency_keys set body = {long}")).await;
    let refused = keyed(&app, &ann, "l", &create()).await;
    assert_eq!((refused.status.as_u16(), refused.header("retry-after")), (429, "3600"), "{refused:?}");
    keyed(&app, &bob, "l", &create()).await.data();
    app.sql("update idempotency_keys set body = ''").await;
    app.sql(
        "insert into idempotency_keys (owner_id, key, fingerprint, status, headers, body, created_at)
         select owner_id, 'key' || n.i, fingerprint, status, headers, body, created_at from idempotency_keys,
         (with recursive n(i) as (select 1 union all select i + 1 from n where i < 4999) select i from n) n",
    )
    .await;
    let refused = keyed(&app, &ann, "l", &create()).await;
    assert_eq!((refused.status.as_u16(), refused.code().as_str()), (429, "RATE_LIMITED"), "{refused:?}");
    // What is remembered is answered again, and without a key everything is as it was.
    assert_eq!(keyed(&app, &ann, "k", &create()).await.header("idempotency-replayed"), "true");
    app.task(&ann, "b").await;
}

#[tokio::test]
async fn a_user_has_so_many_requests_with_keys_open_and_others_have_their_own() {
    let app = App::spawn().await;
    let (ann, bob) = (app.person("ann").await, app.person("bob").await);
    let held = app.hold().await;
    let mut refused = Vec::new();
    let mut open: Vec<_> = (0..20)
        .map(|number| {
            let request = app.request("POST", "/graphql").bearer_auth(&ann.token).json(&create());
            tokio::spawn(Answer::of(request.header("idempotency-key", format!("k{number}"))))
        })
        .collect();
    while refused.len() < 4 {
        let (answer, _, rest) = futures_util::future::select_all(open).await;
        refused.push(answer.unwrap());
        open = rest;
    }
    for answer in &refused {
        assert_eq!((answer.status.as_u16(), answer.header("retry-after")), (429, "1"), "{answer:?}");
    }
    let (bobs, ()) = tokio::join!(keyed(&app, &bob, "k", &create()), async { drop(held) });
    bobs.data();
    for answer in futures_util::future::join_all(open).await {
        answer.unwrap().data();
    }
    assert_eq!(remembered(&app).await, "17");
}

#[tokio::test]
async fn one_operation_with_many_fields_leaves_connections_to_others() {
    let app = App::spawn().await;
    let (ann, bob) = (app.person("ann").await, app.person("bob").await);
    app.task(&bob, "quick").await;
    for _ in 0..8 {
        let tasks = vec![json!({ "title": "x", "description": "ab ".repeat(333) }); 500];
        let query = "mutation($tasks: [CreateTaskInput!]!) { createTasks(input: { tasks: $tasks }) { tasks { id } } }";
        app.graphql(&ann, query, json!({ "tasks": tasks })).await.data();
    }
    let fields: String = (0..100)
        .map(|it| format!("a{it}: tasks(first: 1, filter: {{ contains: \"abc{it}\" }}) {{ nodes {{ id }} }} "))
        .collect();
    let query = format!("{{ {fields} }}");
    let services = app.services();
    let reading = || services.sample().pools.into_iter().find(|(name, _)| *name == "read").unwrap().1;
    let attack = async { tokio::join!(app.graphql(&ann, &query, json!({})), app.graphql(&ann, &query, json!({}))) };
    tokio::pin!(attack);
    let mut most_used = 0;
    let (first, second) = loop {
        tokio::select! {
            done = &mut attack => break done,
            () = tokio::time::sleep(Duration::from_millis(1)) => {
                let pool = reading();
                most_used = most_used.max(pool.open - pool.idle);
            }
        }
    };
    // Either is done, or is told that it took too long; the others were not kept out.
    assert!(first.status == 200 && second.status == 200, "{first:?}");
    // Half of SQLite's eight, or of those that read on PostgreSQL.
    let share = if app.is_sqlite() { 4 } else { reading().most.div_ceil(2) };
    assert!(most_used > 0 && most_used <= share, "{most_used} of {} connections were used", reading().most);
    assert_eq!(app.graphql(&bob, "{ tasks { totalCount } }", json!({})).await.data()["tasks"]["totalCount"], 1);
}
