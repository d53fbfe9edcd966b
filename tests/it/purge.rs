//! What is removed when its time is over, and how instances notify each other of changes.

use std::time::Duration;

use chrono::Utc;
use futures_util::StreamExt;
use serde_json::json;
use sqlx::{Executor, postgres::PgListener};

use super::support::{App, beside_servers, statements::Statements};

/// Sessions of a user that have ended, as many as take several pieces.
const ENDED: usize = 1200;

/// An instant long ago, as the database has it.
fn long_ago(app: &App) -> &'static str {
    if app.is_sqlite() { "'2020-01-01T00:00:00.000Z'" } else { "'2020-01-01T00:00:00Z'" }
}

async fn count(app: &App, table: &str) -> String {
    app.sql_text(&format!("select cast(count(*) as text) from {table}")).await
}

async fn end_sessions(app: &App, user: &str) {
    let time = long_ago(app);
    let rows: Vec<String> =
        (0..ENDED).map(|it| format!("('old{it}', {time}, 'token{it}', {time}, {time}, '{user}')")).collect();
    let columns = r#"("id", "expiresAt", "token", "createdAt", "updatedAt", "userId")"#;
    app.sql(&format!(r#"insert into "session" {columns} values {}"#, rows.join(", "))).await;
}

#[tokio::test]
async fn a_step_that_fails_stops_no_other() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    end_sessions(&app, &ann.id).await;
    let task = app.rest_task(&ann, json!({ "title": "gone" })).await;
    app.rest(&ann, "DELETE", &format!("/{}", task["id"]), None).await;
    app.sql(&format!("update tasks set deleted_at = {}", long_ago(&app))).await;
    app.sql(r#"alter table "idempotency_keys" rename to "away""#).await;
    app.sql(r#"alter table "verification" rename to "away too""#).await;

    let purged = app.services().purge(Utc::now()).await;

    assert_eq!((purged.users, purged.rows), (1, ENDED as u64));
    assert_eq!(purged.failed, ["idempotency_keys", "links", "accounts"]);
    assert_eq!((count(&app, "tasks").await, count(&app, "session").await), ("0".into(), "1".into()));
}

#[tokio::test]
async fn every_kind_of_rows_is_in_the_feed_until_what_was_deleted_is_purged() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    app.rest_task(&ann, json!({ "title": "a", "tags": ["b"] })).await;
    app.graphql(&ann, "mutation { createTaskList(input: { name: \"c\" }) { revision } }", json!({})).await.data();
    let mut kinds = app.tables_with("deleted_at").await;
    for kind in &kinds {
        assert_eq!(count(&app, kind).await, "1", "{kind}");
    }
    let feed = "{ changes { changes { kind } } }";
    let feed = app.graphql(&ann, feed, json!({})).await.data()["changes"]["changes"].as_array().unwrap().len();
    assert!(kinds.len() >= 3 && feed == kinds.len(), "{feed} of {kinds:?}");
    // What belongs to a task goes with it.
    kinds.sort_by_key(|it| it == "tasks");
    for kind in &kinds {
        app.sql(&format!("update {kind} set deleted_at = {}", long_ago(&app))).await;
        assert_eq!(app.services().purge(Utc::now()).await.users, 1, "{kind}");
        assert_eq!(count(&app, kind).await, "0", "{kind}");
    }
}

#[tokio::test]
async fn one_instance_at_a_time_removes_what_is_over() {
    let app = App::spawn().await;
    if app.is_sqlite() {
        return;
    }
    let ann = app.person("ann").await;
    end_sessions(&app, &ann.id).await;
    let mut other = beside_servers(&app.database_url).await;
    let lock = i64::from_be_bytes(*b"\0\0docket") + 2;
    let hold = format!("begin; select pg_advisory_xact_lock({lock})");
    other.execute(sqlx::AssertSqlSafe(hold)).await.unwrap();

    let purged = app.services().purge(Utc::now()).await;
    assert_eq!((purged.rows, purged.failed), (0, vec![]), "another instance is at it");

    other.execute("commit").await.unwrap();
    assert_eq!(app.services().purge(Utc::now()).await.rows, ENDED as u64);
}

#[tokio::test]
async fn while_notifications_arrive_revisions_are_polled_only_now_and_then() {
    let statements = Statements::listen();
    let app = App::spawn().await;
    if app.is_sqlite() {
        return;
    }
    let ann = app.person("ann").await;
    let body = json!({ "query": "subscription { changes { revision } }" });
    let request = app.request("POST", "/graphql").bearer_auth(&ann.token).header("accept", "text/event-stream");
    let mut events = request.json(&body).send().await.unwrap().bytes_stream();
    // One for each half of a second until the instance hears itself, and then none.
    let quiet = async {
        loop {
            statements.take();
            tokio::time::sleep(Duration::from_millis(1800)).await;
            if !statements.take().iter().any(|it| it.contains(r#""user_revisions"."owner_id" IN"#)) {
                break;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), quiet).await.expect("the counters are looked at all the time");
    app.task(&ann, "heard of").await;
    let event = tokio::time::timeout(Duration::from_secs(10), async {
        while !events.next().await.unwrap().unwrap().starts_with(b"event: next") {}
    });
    event.await.expect("no notification came");
}

#[tokio::test]
async fn notifications_go_where_instances_listen() {
    let (mut app, elsewhere) = (App::spawn().await, App::unstarted().await);
    if app.is_sqlite() {
        return;
    }
    // It is taken for the same database, as behind another address.
    let epoch = app.sql_text("select epoch from database_epochs").await;
    elsewhere.sql(&format!("create table database_epochs as select '{epoch}' as epoch")).await;
    let mut listener = PgListener::connect(&elsewhere.database_url).await.unwrap();
    let channels: Vec<String> = (0..=255).map(|it| format!("docket_changes_{it:02x}")).collect();
    listener.listen_all(channels.iter().map(String::as_str)).await.unwrap();
    app.restart(&[("DATABASE_LISTEN_URL", &elsewhere.database_url)]).await;
    let ann = app.person("ann").await;
    app.task(&ann, "told elsewhere").await;
    let heard =
        tokio::time::timeout(Duration::from_secs(10), listener.recv()).await.expect("nothing was heard").unwrap();
    let lines: Vec<&str> = heard.payload().lines().collect();
    assert_eq!(
        lines.get(1),
        Some(&format!("1 {}", app.owner(&ann).await).as_str()),
        "the sender, and an owner with a revision: {lines:?}"
    );
}
