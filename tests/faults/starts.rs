//! Several instances start at once on one database, empty or old: the migrations run once, and all become ready.
//! See docs/contracts/reliability.md#starting-and-stopping.

use std::process::Stdio;

use migration::{Migrator, MigratorTrait};
use sea_orm::Database;
use serde_json::json;

use super::support::{App, Process, at_once};

const INSTANCES: usize = 6;

/// So many times on an empty database, and so many on one of the first version.
pub async fn starts(rounds: u32) -> String {
    for round in 0..rounds * 2 {
        let is_old = round % 2 == 1;
        let app = App::unstarted().await;
        if is_old {
            let pool = Database::connect(&app.database_url).await.unwrap();
            Migrator::up(&pool, Some(1)).await.unwrap();
            pool.close().await.unwrap();
        }
        let url = &app.database_url;
        let instances = at_once(INSTANCES, async |_| Process::start_with(url, &[], Stdio::inherit()).await).await;
        let applied = app.sql_text("select cast(count(*) as text) from seaql_migrations").await;
        assert_eq!(applied, Migrator::migrations().len().to_string());
        let account = json!({ "name": "Ann", "email": "ann@example.com", "password": "correct-horse-1" });
        let url = format!("{}/api/auth/sign-up/email", instances[0].base);
        assert_eq!(app.http.post(url).json(&account).send().await.unwrap().status(), 200);
        for instance in &instances {
            let url = format!("{}/api/auth/sign-in/email", instance.base);
            assert_eq!(app.http.post(url).json(&account).send().await.unwrap().status(), 200);
        }
    }
    format!("{INSTANCES} instances at once, {rounds} times on an empty and on an old database: all became ready")
}
