//! Databases that earlier Dockets have made, one for each change of the schema: each is brought over with all that is in it.
//! `databases/` has them as SQL, each with one account and some tasks.

use std::{collections::BTreeSet, fs, path::Path};

use docket::{db, proof};
use migration::{Migrator, MigratorTrait};
use serde_json::{Value, json};

use crate::support::{Answer, App, text};

/// The files of this kind of database, oldest first.
fn files(kind: &str) -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/databases");
    let files = fs::read_dir(folder).unwrap().map(|it| it.unwrap().path());
    let files = files.filter(|it| it.to_str().unwrap().ends_with(&format!(".{kind}.sql")));
    let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
    let mut files: Vec<_> = files.map(|it| (name(&it), fs::read_to_string(&it).unwrap())).collect();
    files.sort();
    files
}

#[tokio::test]
async fn what_earlier_versions_have_made_is_brought_over() {
    let files = files(if App::unstarted().await.is_sqlite() { "sqlite" } else { "postgres" });
    let mut schemas = BTreeSet::new();
    for (name, sql) in &files {
        let mut app = App::unstarted().await;
        app.sql(sql).await;
        app.start(&[]).await;
        let sign_in = json!({ "email": "ann@example.com", "password": "correct-horse-1" });
        let signed_in = app.auth("/sign-in/email", sign_in).await.expect(200);
        let get = |path: &str| Answer::of(app.request("GET", path).bearer_auth(text(&signed_in["token"])));
        let tasks = get("/api/u1/tasks?sort=created_at&order=asc").await.expect(200);
        let shown = |task: &Value| (task["id"].as_i64().unwrap(), text(&task["title"]), task["completed"] == true);
        let shown: Vec<_> = tasks.as_array().unwrap().iter().map(shown).collect();
        let expected =
            [(1, "first".to_owned(), true), (2, "second".to_owned(), false), (4, "fourth".to_owned(), false)];
        assert_eq!(shown, expected, "{name}");
        assert_eq!(
            (&tasks[0]["description"], &tasks[0]["due_date"]),
            (&json!("Grüße"), &json!("2025-11-30T12:00:00Z")),
            "{name}"
        );
        assert_eq!(get("/api/u1/tasks?search=GR%C3%9CSSE").await.expect(200)[0]["id"], 1, "{name}");
        let new = app.request("POST", "/api/u1/tasks").bearer_auth(text(&signed_in["token"]));
        let new = Answer::of(new.json(&json!({ "title": "new" }))).await.expect(201);
        assert_eq!(new["id"], 6, "a number that was given is not given again: {name}");
        let feed = get("/api/u1/changes").await.expect(200);
        assert!(feed["changes"].as_array().unwrap().len() >= 4, "{name}: {feed}");
        let opened = db::connect(&app.config(&[])).await.unwrap();
        assert_eq!(proof::warnings(&opened).await.unwrap(), Vec::<String>::new(), "{name}");
        schemas.insert(proof::schema(&opened).await.unwrap());
        opened.close().await.unwrap();
    }
    assert_eq!(schemas.len(), 1, "all have the schema that a new one has");
    assert!(files.len() >= Migrator::migrations().len(), "the database of the last migration is to be kept too");
}
