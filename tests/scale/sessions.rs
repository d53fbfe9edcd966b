//! Sessions that have expired, many of them: they are removed in pieces while others write.

use std::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    time::{Duration, Instant},
};

use chrono::Utc;
use serde_json::json;

use super::support::App;

/// How many there are, unless the program is told.
const ROWS: u64 = 200_000;
/// How long a write may take meanwhile.
const BESIDE: Duration = Duration::from_secs(1);

/// Prints how long it takes, and fails when a session is left or a write waits for it.
pub async fn check(rows: Option<u64>) {
    let rows = rows.unwrap_or(ROWS);
    let app = App::spawn().await;
    let (ann, mut bob) = (app.person("ann").await, app.person("bob").await);
    // An access token would expire before millions are removed.
    bob.token.clone_from(&bob.session);
    let script = if app.is_sqlite() { SQLITE } else { POSTGRES };
    app.sql(&script.replace("$user", &ann.id).replace("$rows", &rows.to_string())).await;
    let services = app.services();
    let start = Instant::now();
    let (is_done, longest) = (AtomicBool::new(false), AtomicU64::new(0));
    let making = async {
        while !is_done.load(Ordering::Relaxed) {
            let start = Instant::now();
            app.rest_task(&bob, json!({ "title": "beside" })).await;
            longest.fetch_max(start.elapsed().as_millis() as u64, Ordering::Relaxed);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let purging = async {
        // The hourly purge of the server may be at it too, and then this one leaves it the rest.
        while app.sql_text(LEFT).await != "0" {
            assert_eq!(services.purge(Utc::now()).await.failed, [] as [&str; 0]);
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        is_done.store(true, Ordering::Relaxed);
    };
    tokio::join!(purging, making);
    let longest = Duration::from_millis(longest.into_inner());
    println!("{:>10.1?}  remove {rows} expired sessions", start.elapsed());
    println!("{longest:>10.1?}  make a task meanwhile, at most");
    assert!(longest < BESIDE, "a write waits for the purge");
    assert_eq!(app.sql_text(r#"select cast(count(*) as text) from "session""#).await, "2", "those of ann and bob");
}

const LEFT: &str =
    r#"select cast(count(*) as text) from (select 1 from "session" where "expiresAt" < '2021-01-01' limit 1) as one"#;

const SQLITE: &str = r#"
insert into "session" ("id", "expiresAt", "token", "createdAt", "updatedAt", "userId")
with recursive n (n) as (select 1 union all select n + 1 from n where n < $rows)
select 'old' || n, '2020-01-01T00:00:00.000Z', 'token' || n, '2020-01-01T00:00:00.000Z', '2020-01-01T00:00:00.000Z', '$user'
from n
"#;

const POSTGRES: &str = r#"
insert into "session" ("id", "expiresAt", "token", "createdAt", "updatedAt", "userId")
select 'old' || n, '2020-01-01T00:00:00Z', 'token' || n, '2020-01-01T00:00:00Z', '2020-01-01T00:00:00Z', '$user'
from generate_series(1, $rows) as n
"#;
