//! Databases that earlier Dockets have made, one for each change of the schema: each is brought over with all that is in it.
//! `databases/` has them as SQL, each with one account and some tasks.

use std::{collections::BTreeSet, fs, path::Path};

use docket::{db, proof};
use migration::{Migrator, MigratorTrait};
use sea_orm::Database;
use serde_json::{Value, json};

use crate::support::{Answer, App, command, text};

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

/// A database as the migration before that of the owners left it.
async fn without_owners() -> App {
    let app = App::unstarted().await;
    let connection = Database::connect(&app.database_url).await.unwrap();
    Migrator::up(&connection, Some(15)).await.unwrap();
    connection.close().await.unwrap();
    app
}

#[tokio::test]
async fn a_table_of_others_with_the_name_of_a_new_one_stops_the_migration() {
    let app = without_owners().await;
    app.sql("create table owners (id integer primary key, first_name text)").await;
    for arguments in ["migrate", "doctor"] {
        let (code, said) = command(&app.database_url, &[arguments], &[]);
        assert!(code == Some(2) && said.contains("the table owners is there already and not Docket's"), "{said}");
    }
}

#[tokio::test]
async fn a_role_that_serves_may_use_what_the_migration_makes() {
    let app = without_owners().await;
    if app.is_sqlite() {
        return;
    }
    let role = format!("serves_{}", app.database_url.rsplit('/').next().unwrap());
    app.sql(&format!("create role {role}; grant select, insert on user_revisions to {role}")).await;
    let (code, said) = command(&app.database_url, &["migrate"], &[]);
    let may = |right: &str| format!("select has_table_privilege('{role}', 'owners', '{right}')::text");
    let rights = [app.sql_text(&may("insert")).await, app.sql_text(&may("delete")).await];
    app.sql(&format!("drop owned by {role}; drop role {role}")).await;
    assert_eq!((code, rights), (Some(0), ["true".to_owned(), "false".to_owned()]), "{said}");
}

#[tokio::test]
async fn a_migration_that_lacks_only_its_row_is_done_again() {
    let mut app = App::spawn_undistributed().await;
    if app.is_sqlite() {
        return;
    }
    let ann = app.person("ann").await;
    app.task(&ann, "first").await;
    app.stop().await;
    app.sql("delete from seaql_migrations where version like '%16_owners'").await;
    app.sql(
        "alter table user_revisions drop constraint user_revisions_owner_id_fkey;
         alter table user_revisions add constraint user_revisions_owner_id_fkey
           foreign key (owner_id) references owners (id) not valid",
    )
    .await;
    app.start(&[]).await;
    let unsure = "select count(*)::text from pg_constraint where contype = 'f' and not convalidated";
    assert_eq!(app.sql_text(unsure).await, "0");
    app.task(&ann, "second").await;
}
