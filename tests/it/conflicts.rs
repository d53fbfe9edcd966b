//! Work that PostgreSQL rolls back because of what others do at the same time is done again; SQLite has one writer, and
//! nothing of the kind. See docs/contracts/reliability.md#concurrent-writes.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Executor};
use uuid::Uuid;

use crate::support::{Answer, App, Person, beside_servers, until};

/// How often work is rolled back before it is let through.
const ROLLED_BACK: u32 = 3;

/// Rolls back the first statements that do that to a table. What a sequence counts stays.
async fn roll_back(app: &App, what: &str, table: &str, code: &str, times: u32) {
    let sql = format!(
        "drop trigger if exists conflict on \"{table}\"; drop sequence if exists conflicts; create sequence conflicts; \
         create or replace function conflict() returns trigger language plpgsql as $$ begin \
           if nextval('conflicts') <= {times} then raise exception 'in the way' using errcode = '{code}'; end if; \
           return new; end $$; \
         create trigger conflict before {what} on \"{table}\" for each row execute function conflict()"
    );
    app.sql(&sql).await;
}

async fn remove(app: &App, table: &str) {
    app.sql(&format!("drop trigger conflict on \"{table}\"")).await;
}

async fn titles(app: &App, person: &Person) -> Vec<Value> {
    let tasks = app.rest(person, "GET", "", None).await.expect(200);
    tasks.as_array().unwrap().iter().map(|it| it["title"].clone()).collect()
}

async fn keyed(app: &App, person: &Person, key: &str, title: &str) -> Answer {
    let request = app.request("POST", &format!("/api/{}/tasks", person.id)).bearer_auth(&person.token);
    Answer::of(request.header("Idempotency-Key", key).json(&json!({ "title": title }))).await
}

#[tokio::test]
async fn what_is_rolled_back_is_done_again_and_once() {
    let app = App::spawn().await;
    if app.is_sqlite() {
        return;
    }
    let ann = app.person("ann").await;
    for code in ["40001", "40P01"] {
        roll_back(&app, "insert", "tasks", code, ROLLED_BACK).await;
        // By one statement, by a transaction, by one that has the answer in it, and by one with parts.
        app.rest_task(&ann, json!({ "title": "a" })).await;
        roll_back(&app, "insert", "tasks", code, ROLLED_BACK).await;
        app.rest_task(&ann, json!({ "title": "b", "tags": ["home"] })).await;
        roll_back(&app, "insert", "tasks", code, ROLLED_BACK).await;
        keyed(&app, &ann, code, "c").await.expect(201);
        roll_back(&app, "insert", "tasks", code, ROLLED_BACK).await;
        let state = json!({ "title": "d", "completed": false, "priority": "HIGH", "labelIds": [] });
        let row = json!({ "task": { "id": Uuid::now_v7(), "state": state } });
        let push = "mutation($row: PushedChange!) { pushChanges(input: { changes: [$row] }) { results { status } } }";
        let pushed = app.graphql(&ann, push, json!({ "row": row })).await.data();
        assert_eq!(pushed["pushChanges"]["results"][0]["status"], "APPLIED");
        assert_eq!(titles(&app, &ann).await, ["d", "c", "b", "a"]);
        assert_eq!(keyed(&app, &ann, code, "c").await.header("Idempotency-Replayed"), "true");

        roll_back(&app, "update", "tasks", code, ROLLED_BACK).await;
        let all = "mutation { setTasksCompleted(input: { selection: { filter: { completed: false } }, completed: true }) { tasks { id } } }";
        let done = app.graphql(&ann, all, json!({})).await.data();
        assert_eq!(done["setTasksCompleted"]["tasks"].as_array().unwrap().len(), 4);
        remove(&app, "tasks").await;
        app.sql("delete from tasks").await;
    }
    roll_back(&app, "insert", "session", "40001", ROLLED_BACK).await;
    let bob = app.person("bob").await;
    assert!(titles(&app, &bob).await.is_empty());
}

#[tokio::test]
async fn what_is_rolled_back_each_time_is_refused_and_leaves_nothing() {
    let app = App::spawn().await;
    if app.is_sqlite() {
        return;
    }
    let ann = app.person("ann").await;
    roll_back(&app, "insert", "tasks", "40001", 1000).await;
    let start = Instant::now();
    let body = json!({ "title": "a" });
    for answer in [app.rest(&ann, "POST", "", Some(body)).await, keyed(&app, &ann, "key", "a").await] {
        answer.expect(503);
        assert_eq!(answer.header("Retry-After"), "1");
    }
    assert!(start.elapsed() < Duration::from_secs(5));
    remove(&app, "tasks").await;
    assert!(titles(&app, &ann).await.is_empty());
    keyed(&app, &ann, "key", "a").await.expect(201);
    assert_eq!(titles(&app, &ann).await, ["a"]);
}

/// Somebody has the task and wants its owner's counter, where Docket has the counter and wants the task.
#[tokio::test]
async fn who_waits_for_each_other_is_no_error() {
    let app = App::spawn().await;
    if app.is_sqlite() {
        return;
    }
    let ann = app.person("ann").await;
    let number = app.rest_task(&ann, json!({ "title": "a" })).await["id"].clone();
    let mut other = beside_servers(&app.database_url).await;
    // Docket's transaction looks first whether they wait for each other.
    let begin = format!("set deadlock_timeout = '20s'; begin; select 1 from tasks where number = {number} for update");
    other.execute(AssertSqlSafe(begin)).await.unwrap();
    let path = format!("/{number}");
    let edited = app.rest(&ann, "PUT", &path, Some(json!({ "title": "b" })));
    let locked = async {
        let waits =
            "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
        until("it waits", async || app.sql_text(&format!("select ({waits})::text")).await != "0").await;
        other.execute("update user_revisions set purged_through = purged_through; commit").await.unwrap();
    };
    let (edited, ()) = tokio::join!(edited, locked);
    assert_eq!(edited.expect(200)["title"], "b");
    let deadlocks = "select deadlocks::text from pg_stat_database where datname = current_database()";
    until("they waited for each other", async || app.sql_text(deadlocks).await == "1").await;
}
