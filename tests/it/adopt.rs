//! Databases of other back-ends: what cannot be taken is said before anything is changed, and nothing is lost.

use std::{fs, process::Command, thread, time::Duration};

use serde_json::json;

use crate::{
    support::{App, Person, SECRET, command},
    tokens::{hs256, in_seconds},
};

/// A back-end of the family, as FastAPI's tutorial has its accounts.
const TABLES: &str = "
    create table users (id integer primary key, email text, hashed_password text, disabled boolean);
    insert into users values (1, 'ann@example.com', '$2b$04$abcdefghijklmnopqrstuuKqzWKmkP7p4bVwSxMGPb1bJc4bNfyPO', false),
      (2, 'bob@example.com', '$2b$04$abcdefghijklmnopqrstuuKqzWKmkP7p4bVwSxMGPb1bJc4bNfyPO', true);
    create table todos (id integer, user_id integer, title text, is_deleted boolean, deleted_at text);";

fn adopt(app: &App, flags: &[&str]) -> (Option<i32>, String) {
    command(&app.database_url, &[&["adopt"], flags].concat(), &[])
}

async fn filled(rows: &str) -> App {
    let app = App::unstarted().await;
    app.sql(TABLES).await;
    app.sql(&format!("insert into todos values {rows}")).await;
    app
}

async fn count(app: &App, table: &str) -> String {
    app.sql_text(&format!("select cast(count(*) as text) from {table}")).await
}

#[tokio::test]
async fn what_cannot_be_taken_is_said_before_anything_is_changed() {
    for (rows, problem) in [
        ("(1, 1, 'a', false, null), (1, 2, 'b', false, null)", "todos 1: another task has the same id"),
        ("(0, 1, 'a', false, null)", "todos 0: its number must be from 1"),
        ("(-4, 1, 'a', false, null)", "todos -4: its number must be from 1"),
        ("(null, 1, 'a', false, null)", "todos without an id: it has no id"),
        ("(1, 3, 'a', false, null)", "todos 1: its owner has no account"),
    ] {
        let app = filled(rows).await;
        let (code, said) = adopt(&app, &[]);
        assert!(code == Some(0) && said.contains(problem), "{rows}: {said}");
        let (code, said) = adopt(&app, &["--apply"]);
        assert!(code == Some(2) && said.contains("cannot be taken"), "{rows}: {said}");
        assert_ne!(count(&app, "todos").await, "0", "nothing was renamed");
        let (code, said) = adopt(&app, &["--apply", "--skip-invalid"]);
        assert!(code == Some(0) && said.contains("left behind"), "{rows}: {said}");
        let (code, said) = adopt(&app, &["--drop"]);
        assert!(code == Some(2) && said.contains("nothing is dropped"), "{rows}: {said}");
        assert_ne!(count(&app, "todos_before_docket").await, "0");
    }
    let app = filled("(1, 1, 'a', false, null)").await;
    app.sql("create table labels (id integer)").await;
    let (code, said) = adopt(&app, &["--apply"]);
    assert!(code == Some(2) && said.contains("labels: in the way"), "{said}");
    assert_eq!(count(&app, "todos").await, "1", "nothing was renamed");
}

#[tokio::test]
async fn what_is_marked_as_deleted_stays_behind_and_who_is_disabled_has_no_password() {
    let app = filled("(1, 1, 'a', false, null), (2, 1, 'b', true, null), (3, 1, 'c', false, '2030-01-01')").await;
    let (_, said) = adopt(&app, &[]);
    assert!(said.contains("2 with a mark of deletion") && said.contains("1 with no password, or not active"), "{said}");
    let (code, said) = adopt(&app, &["--apply"]);
    assert!(code == Some(0) && said.contains("2 accounts and 1 tasks were taken over"), "{said}");
    assert_eq!((count(&app, "tasks").await, count(&app, "account").await), ("1".to_owned(), "1".to_owned()));
    let (code, said) = adopt(&app, &["--drop"]);
    assert!(code == Some(2) && said.contains("2 of the old rows"), "{said}");
    app.sql("delete from todos_before_docket where id > 1").await;
    let (code, said) = adopt(&app, &["--drop"]);
    assert!(code == Some(0) && said.contains("Dropped: todos_before_docket, users_before_docket"), "{said}");
    let mut app = app;
    app.start(&[]).await;
    let new = app.person("cem").await;
    assert_eq!(app.rest_task(&new, json!({ "title": "new" })).await["id"], 2);
}

/// What was taken is known by its id there, whatever became of it here.
#[tokio::test]
async fn what_is_deleted_after_it_was_taken_does_not_come_back() {
    let mut app = filled("(1, 1, 'a', false, null), (2, 1, 'b', false, null)").await;
    assert_eq!(adopt(&app, &["--apply"]).0, Some(0));
    app.start(&[]).await;
    app.sql("update tasks set deleted_at = updated_at where number = 1").await;
    app.sql("delete from account where \"userId\" = '2'").await;
    app.sql("delete from \"user\" where id = '2'").await;
    let (_, said) = adopt(&app, &["--apply"]);
    assert!(said.contains("0 accounts and 0 tasks were taken over, 4 rows were here already"), "{said}");
    let (code, said) = adopt(&app, &["--drop"]);
    assert!(code == Some(0) && said.contains("Dropped"), "{said}");
    assert_eq!(
        (count(&app, "tasks where deleted_at is null").await, count(&app, "\"user\"").await),
        ("1".into(), "1".into())
    );
}

#[tokio::test]
async fn a_second_account_with_an_id_takes_no_tasks_from_the_first() {
    let app = App::unstarted().await;
    app.sql("create table users (id integer, email text, password text)").await;
    app.sql("insert into users values (1, 'ann@example.com', 'x'), (1, 'bob@example.com', 'x')").await;
    app.sql("create table todos (id integer, user_id integer, title text)").await;
    app.sql("insert into todos values (1, 1, 'a')").await;
    let (code, said) = adopt(&app, &["--apply", "--skip-invalid"]);
    assert!(code == Some(0) && said.contains("users 1: another account has the same id"), "{said}");
    assert!(said.contains("1 accounts and 1 tasks were taken over"), "{said}");
}

#[tokio::test]
async fn nothing_comes_for_whoever_has_deleted_the_account_here() {
    let app = filled("(1, 1, 'a', false, null), (2, 2, '', false, null)").await;
    assert_eq!(adopt(&app, &["--apply", "--skip-invalid"]).0, Some(0));
    app.sql("delete from account where \"userId\" = '2'").await;
    app.sql("delete from \"user\" where id = '2'").await;
    app.sql("update todos_before_docket set title = 'mended' where id = 2").await;
    let (_, said) = adopt(&app, &["--apply"]);
    assert!(said.contains("0 accounts and 0 tasks were taken over"), "{said}");
    assert_eq!((adopt(&app, &["--drop"]).0, count(&app, "tasks").await), (Some(0), "1".into()));
}

#[tokio::test]
async fn rows_of_another_back_end_with_the_same_ids_are_told_apart() {
    let mut app = filled("(3, 1, 'first', false, null)").await;
    assert_eq!((adopt(&app, &["--apply"]).0, adopt(&app, &["--drop"]).0), (Some(0), Some(0)));
    app.sql("create table users (id integer primary key, email text, hashed_password text)").await;
    app.sql("insert into users values (1, 'cem@example.com', 'x'), (5, 'dee@example.com', 'x')").await;
    app.sql("create table todos (id integer primary key, user_id integer, title text)").await;
    app.sql("insert into todos values (3, 5, 'collides'), (4, 1, 'of Cem'), (9, 5, 'of Dee')").await;
    let (_, said) = adopt(&app, &[]);
    assert!(said.contains("users 1: an account of Docket has its id"), "{said}");
    assert!(said.contains("todos 3: a task of Docket has its number or id"), "{said}");
    assert!(said.contains("todos 4: its owner has no account that is taken"), "{said}");
    let (code, said) = adopt(&app, &["--drop"]);
    assert!(code == Some(2) && said.contains("todos: not taken over"), "{said}");
    let (_, said) = adopt(&app, &["--apply", "--skip-invalid"]);
    assert!(said.contains("1 accounts and 1 tasks were taken over"), "{said}");
    assert_eq!(adopt(&app, &["--drop"]).0, Some(2), "rows were left behind");
    // Other rows under ids that were taken are not these.
    app.sql("update users_before_docket set email = 'eve@example.com' where id = 5").await;
    assert!(adopt(&app, &[]).1.contains("users_before_docket 5: an account of Docket has its id"));
    app.start(&[]).await;
}

/// Tokens of the other back-end may have been accepted here before its accounts came.
#[tokio::test]
async fn an_account_comes_to_whom_has_tasks_here_already() {
    let mut app = App::spawn().await;
    let token = hs256(&json!({ "sub": "1", "exp": in_seconds(60) }));
    let ann = Person { id: "1".into(), email: String::new(), session: String::new(), token };
    app.rest_task(&ann, json!({ "title": "of before" })).await;
    app.stop().await;
    app.sql(TABLES).await;
    app.sql("insert into todos values (7, 1, 'taken over', false, null)").await;
    let (code, said) = adopt(&app, &["--apply"]);
    assert!(code == Some(0) && said.contains("2 accounts and 1 tasks were taken over"), "{said}");
    app.start(&[]).await;
    let tasks = app.rest(&ann, "GET", "", None).await.expect(200);
    assert_eq!(tasks.as_array().unwrap().len(), 2, "{tasks}");
}

/// The numbers of tasks go on behind those that were taken, whenever the work is cut off.
#[tokio::test]
async fn work_that_is_killed_is_gone_on_with() {
    let app = App::unstarted().await;
    app.sql(TABLES).await;
    let rows: Vec<String> = (1..=4000).map(|id| format!("({id}, {}, 'task {id}', false, null)", id % 2 + 1)).collect();
    app.sql(&format!("insert into todos values {}", rows.join(", "))).await;
    let mut adopt_it = Command::new(env!("CARGO_BIN_EXE_docket"));
    adopt_it.args(["adopt", "--apply"]).env_clear().env("RUST_LOG", "error");
    adopt_it.envs([("DATABASE_URL", &*app.database_url), ("BETTER_AUTH_SECRET", SECRET)]);
    let mut killed = adopt_it.stdout(std::process::Stdio::null()).spawn().unwrap();
    for _ in 0..2000 {
        thread::sleep(Duration::from_millis(5));
        let is_made = adopted_tables(&app).await;
        if is_made && count(&app, "tasks").await != "0" {
            break;
        }
    }
    killed.kill().unwrap();
    killed.wait().unwrap();
    assert_ne!(count(&app, "tasks").await, "4000", "it was killed in the middle");
    let (code, said) = adopt(&app, &["--apply"]);
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(count(&app, "tasks").await, "4000");
    assert_eq!(count(&app, "docket_adopted where is_taken").await, "4002");
    assert_eq!(adopt(&app, &["--drop"]).0, Some(0));
}

/// Whether the record of what was taken is made, which is the last table.
async fn adopted_tables(app: &App) -> bool {
    let there = match app.is_sqlite() {
        true => "select cast(count(*) as text) from sqlite_master where name = 'docket_adopted'",
        false => "select count(*)::text from pg_tables where tablename = 'docket_adopted'",
    };
    app.sql_text(there).await == "1"
}

#[tokio::test]
async fn ids_and_names_of_any_kind_are_read_to_the_end() {
    let mut app = App::unstarted().await;
    let (uuid, other) = ("0190a8f0c0de7000800000000000aaaa", "0190a8f0-c0de-7000-8000-00000000bbbb");
    app.sql("create table \"User\" (id char(32) primary key, \"emailAddress\" text, password text)").await;
    app.sql(&format!("insert into \"User\" values ('{uuid}', 'ann@example.com', 'x')")).await;
    app.sql("create table \"Todo\" (id text primary key, \"userId\" char(32) references \"User\" (id), title text)")
        .await;
    for (id, title) in [("7", "seven"), ("007", "a text"), ("abc", "b"), (other, "c")] {
        app.sql(&format!("insert into \"Todo\" values ('{id}', '{uuid}', '{title}')")).await;
    }
    // Names that Docket's own indexes have.
    for (index, column) in [("tasks_priority", "title"), ("tasks_position", "\"userId\"")] {
        app.sql(&format!("create index {index} on \"Todo\" ({column})")).await;
    }
    let (code, said) = adopt(&app, &["--apply"]);
    assert!(code == Some(0) && said.contains("1 accounts and 4 tasks were taken over"), "{said}");
    let owner = app.sql_text("select min(user_id) from tasks join owners on owners.id = owner_id").await;
    assert_eq!(owner, "0190a8f0-c0de-7000-8000-00000000aaaa", "as its clients know it");
    assert_eq!(app.sql_text("select title from tasks where number = 7").await, "seven");
    let (code, said) = adopt(&app, &["--drop"]);
    assert!(code == Some(0) && said.contains("Dropped: Todo_before_docket, User_before_docket"), "{said}");
    app.start(&[]).await;
}

#[tokio::test]
async fn whoever_was_deleted_or_barred_there_cannot_sign_in_here() {
    let app = App::unstarted().await;
    app.sql("create table users (id integer primary key, email text, password text, status text, deleted_at text, locked integer, enabled text)")
        .await;
    app.sql("insert into users values (1, 'ann@example.com', 'x', 'active', null, 0, 'yes')").await;
    app.sql("insert into users values (2, 'bob@example.com', 'x', ' Banned ', null, 0, null)").await;
    app.sql("insert into users values (3, 'cem@example.com', 'x', 'active', '2025-01-01', 0, null)").await;
    app.sql("insert into users values (4, 'dee@example.com', 'x', 'active', null, 1, 'yes')").await;
    app.sql("insert into users values (5, 'eve@example.com', 'x', 'active', null, 0, 'no')").await;
    app.sql("create table tasks (id integer primary key, user_id integer, title text)").await;
    app.sql("insert into tasks values (1, 1, 'a'), (2, 2, 'b'), (3, 3, 'c')").await;
    let (code, said) = adopt(&app, &["--apply"]);
    assert!(code == Some(0) && said.contains("4 accounts and 2 tasks were taken over"), "{said}");
    assert!(said.contains("3 with no password, or not active") && said.contains("1 with a mark of deletion"), "{said}");
    assert_eq!((count(&app, "\"user\"").await, count(&app, "account").await), ("4".into(), "1".into()));
}

#[tokio::test]
async fn tags_are_read_in_their_forms_and_what_is_none_is_refused() {
    let app = filled("(1, 1, 'a', false, null), (2, 1, 'b', false, null), (3, 1, 'c', false, null)").await;
    app.sql("alter table todos add column tags json").await;
    app.sql("update todos set tags = 'null' where id = 1").await;
    app.sql("update todos set tags = '[\"x\", \"y, z\"]' where id = 2").await;
    app.sql("update todos set tags = '{\"a\": 1}' where id = 3").await;
    let (_, said) = adopt(&app, &["--apply", "--skip-invalid"]);
    assert!(
        said.contains("todos 3: tags: must be a list of names") && said.contains("2 tasks were taken over"),
        "{said}"
    );
    assert_eq!(app.sql_text("select min(name) || '|' || max(name) from labels").await, "x|y, z");
}

/// Where SQLite takes anything, what cannot be read is one row.
#[tokio::test]
async fn a_row_that_cannot_be_read_is_refused_alone() {
    let app = filled("(1, 1, 'a', false, null), (2, 1, 'b', false, null)").await;
    if !app.is_sqlite() {
        return;
    }
    app.sql("insert into todos values (3, 1, cast(x'61ff62' as text), false, null)").await;
    app.sql("alter table todos add column weight real").await;
    app.sql("update todos set weight = 9e999 where id = 1").await;
    let (_, said) = adopt(&app, &["--apply", "--skip-invalid"]);
    assert!(said.contains("todos 3: a text is not UTF-8") && said.contains("2 tasks were taken over"), "{said}");
}

#[tokio::test]
async fn what_stands_in_the_way_or_is_not_taken_is_said_and_a_look_makes_no_file() {
    let app = filled("(1, 1, 'a', false, null)").await;
    app.sql("create table todo_tags (todo_id integer, tag text)").await;
    app.sql("create table notes (id integer primary key, user_id integer references users (id))").await;
    let (_, said) = adopt(&app, &[]);
    assert!(said.contains("Not taken, though they refer to these tables: notes"), "{said}");
    assert_eq!(adopt(&app, &["--apply"]).0, Some(0));
    assert!(adopt(&app, &[]).1.contains("All of it is in Docket; docket adopt --drop"));
    // The old back-end is started again, and makes its tables.
    app.sql("create table users (id integer primary key, email text, hashed_password text, disabled boolean)").await;
    let (code, said) = adopt(&app, &["--apply"]);
    assert!(code == Some(2) && said.contains("users_before_docket: there already"), "{said}");
    let folder = tempfile::tempdir().unwrap();
    let nowhere = format!("sqlite://{}?mode=rwc", folder.path().join("nothere.db").display());
    let (code, said) = command(&nowhere, &["adopt"], &[]);
    assert!(code == Some(2) && said.contains("is not there or empty"), "{said}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn what_docket_has_already_is_said_before_anything_is_changed() {
    let mut app = App::spawn().await;
    let bob = app.person("bob").await;
    let id = app.rest_task(&bob, json!({ "title": "of Docket" })).await["id"].as_i64().unwrap();
    app.stop().await;
    app.sql(TABLES).await;
    app.sql(&format!("insert into todos values ({id}, 1, 'a', false, null), (99, 1, 'b', false, null)")).await;
    let (_, said) = adopt(&app, &[]);
    assert!(said.contains(&format!("todos {id}: a task of Docket has its number or id")), "{said}");
    assert!(said.contains("users 2: an account of Docket has its address") && !said.contains(&bob.email), "{said}");
    assert_eq!(adopt(&app, &["--apply"]).0, Some(2));
    assert_eq!(count(&app, "todos").await, "2", "nothing was renamed");
    let (code, said) = adopt(&app, &["--apply", "--skip-invalid"]);
    assert!(code == Some(0) && said.contains("1 accounts and 1 tasks were taken over"), "{said}");
    let again = adopt(&app, &["--apply", "--skip-invalid"]).1;
    assert!(again.contains("0 accounts and 0 tasks were taken over, 2 rows were here already"), "{again}");
    assert_eq!(count(&app, "tasks").await, "2");
}

#[tokio::test]
async fn a_rule_says_what_priorities_mean_and_that_titles_may_be_cut() {
    let mut app = filled("(1, 1, 'a', false, null)").await;
    app.sql("alter table todos add column priority text").await;
    app.sql("alter table todos add column status text").await;
    let long = "word ".repeat(60);
    app.sql(&format!(
        "insert into todos values (2, 1, 'b', false, null, '1', 'pending'), \
         (3, 1, '{long}', false, null, 'Ganz wichtig', 'On hold')"
    ))
    .await;
    let (_, said) = adopt(&app, &[]);
    assert!(said.contains("Helps: --priority") && said.contains("Helps: --shorten-titles"), "{said}");
    assert!(said.contains("Helps: --status") && said.contains("(it is \"On hold\")"), "{said}");
    for (flag, rule, complaint) in [
        ("--priority", "1", "such as 1=low"),
        ("--priority", "1=best", "low, medium, high or urgent"),
        ("--status", "on hold=waiting", "completed or pending"),
    ] {
        let (code, said) = adopt(&app, &[flag, rule]);
        assert!(code == Some(2) && said.contains(complaint), "{said}");
    }
    let rules =
        ["--priority", "1=low", "--priority", "ganz wichtig=urgent", "--status", "on hold=pending", "--shorten-titles"];
    let (code, said) = adopt(&app, &[&["--apply"], &rules[..]].concat());
    assert!(code == Some(0) && said.contains("3 tasks were taken over"), "{said}");
    let title = app.sql_text("select title from tasks where number = 3").await;
    assert!(title.chars().count() <= 200 && title.ends_with('…'), "{title}");
    assert_eq!(app.sql_text("select description from tasks where number = 3").await, long.trim());
    let priorities = app.sql_text("select cast(sum(priority * number) as text) from tasks where number > 1").await;
    assert_eq!(priorities, "9", "low is 0, urgent is 3");
    assert_eq!(adopt(&app, &["--drop"]).0, Some(0), "they were taken, by whatever rules");
    app.start(&[]).await;
}

#[tokio::test]
async fn accounts_without_an_address_and_views_are_said_and_stop_it() {
    for (sql, said_of_it) in [
        ("alter table users rename column email to username", "users: accounts are known by e-mail addresses"),
        ("alter table users rename to people; create view users as select * from people", "users: a view is not read"),
        ("alter table todos rename to old; create view todos as select * from old", "todos: a view is not read"),
    ] {
        let app = filled("(1, 1, 'a', false, null)").await;
        app.sql(sql).await;
        let (code, said) = adopt(&app, &[]);
        assert!(code == Some(0) && said.contains(&format!("To be changed first: {said_of_it}")), "{sql}: {said}");
        let (code, said) = adopt(&app, &["--apply"]);
        assert!(code == Some(2) && said.contains(said_of_it), "{sql}: {said}");
    }
}

#[tokio::test]
async fn nothing_is_dropped_that_a_view_or_another_table_needs() {
    let app = filled("(1, 1, 'a', false, null)").await;
    app.sql("create table notes (id integer primary key, user_id integer references users (id))").await;
    app.sql("create view open_todos as select id, title from todos where not is_deleted").await;
    let (code, said) = adopt(&app, &["--apply"]);
    assert_eq!(code, Some(0), "{said}");
    for (needs, named, cure) in [
        ("todos_before_docket", "open_todos", "drop view open_todos"),
        ("users_before_docket", "notes", "drop table notes"),
    ] {
        let (code, said) = adopt(&app, &["--drop"]);
        assert!(code == Some(2) && said.contains(&format!("{needs} is needed by {named}")), "{said}");
        app.sql(cure).await;
    }
    let (code, said) = adopt(&app, &["--drop"]);
    assert!(code == Some(0) && said.contains("Dropped: todos_before_docket, users_before_docket"), "{said}");
}

#[tokio::test]
async fn other_columns_keep_their_types() {
    let mut app = filled("(1, 1, 'a', false, null)").await;
    for column in ["flagged boolean", "meta json", "points integer"] {
        app.sql(&format!("alter table todos add column {column}")).await;
    }
    app.sql("update todos set flagged = true, meta = '{\"by\": [1, null]}', points = 1").await;
    assert_eq!(adopt(&app, &["--apply"]).0, Some(0));
    let kept = app.sql_text("select cast(extra as text) from tasks").await;
    let kept: serde_json::Value = serde_json::from_str(&kept).unwrap();
    assert_eq!(kept, json!({ "flagged": true, "meta": { "by": [1, null] }, "points": 1 }));
    app.start(&[]).await;
}

/// Its journal is there, and whoever opens the file next undoes what the program had begun.
#[tokio::test]
async fn a_file_whose_last_program_was_killed_is_opened_and_its_half_write_undone() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    let theirs = rusqlite::Connection::open(file("theirs.db")).unwrap();
    theirs.execute_batch(&TABLES.replace("true", "1").replace("false", "0")).unwrap();
    theirs.execute_batch("insert into todos values (1, 1, 'kept', 0, null)").unwrap();
    // So that some of the transaction is in the file before it ends.
    theirs.execute_batch("pragma cache_size = 1; begin immediate").unwrap();
    for id in 2..2000 {
        theirs.execute("insert into todos values (?1, 1, hex(randomblob(90)), 0, null)", [id]).unwrap();
    }
    for end in ["", "-journal"] {
        fs::copy(file(&format!("theirs.db{end}")), file(&format!("left.db{end}"))).unwrap();
    }
    let url = format!("sqlite://{}", file("left.db").display());
    let (code, said) = command(&url, &["adopt"], &[]);
    assert!(code == Some(0) && said.contains("todos: 1 rows, of which"), "{said}");
    assert!(!file("left.db-journal").exists());
}

/// A migration that is cut off leaves nothing, so that the next start does all of it.
#[tokio::test]
async fn migrations_that_are_killed_are_gone_on_with() {
    for millis in (0..60).step_by(3) {
        let app = App::unstarted().await;
        let mut migrate = Command::new(env!("CARGO_BIN_EXE_docket"));
        migrate.arg("migrate").env_clear().env("RUST_LOG", "error");
        migrate.envs([("DATABASE_URL", &*app.database_url), ("BETTER_AUTH_SECRET", SECRET)]);
        let mut killed = migrate.spawn().unwrap();
        thread::sleep(Duration::from_millis(millis));
        killed.kill().unwrap();
        killed.wait().unwrap();
        let (code, said) = command(&app.database_url, &["migrate"], &[]);
        assert_eq!(code, Some(0), "after {millis} ms: {said}");
    }
}
