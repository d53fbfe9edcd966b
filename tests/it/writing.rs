//! Readiness, the start and the doctor try to write every table before they say that Docket can work.

use std::{fs, time::Duration};

use docket::server::Server;
use serde_json::json;
use tempfile::NamedTempFile;

use crate::support::{Answer, App, Person, Process, command, text};

/// The file of the app's database, if it is SQLite's.
fn file(app: &App) -> Option<&str> {
    app.database_url.strip_prefix("sqlite://")?.strip_suffix("?mode=rwc")
}

/// What a trigger does that refuses something.
fn refusing(what: &str, table: &str, is_sqlite: bool) -> String {
    if is_sqlite {
        return format!(
            "create trigger no before {what} on \"{table}\" begin select raise(abort, 'not on Sundays'); end"
        );
    }
    format!(
        "create function no() returns trigger language plpgsql as $$ begin raise exception 'not on Sundays'; end $$; \
         create trigger no before {what} on \"{table}\" for each row execute function no()"
    )
}

/// Waits until readiness has another status, and gives the reason.
async fn readiness(app: &App, status: u16) -> String {
    for _ in 0..600 {
        let answer = Answer::of(app.request("GET", "/health/ready")).await;
        if answer.status == status {
            return answer.json()["reason"].as_str().unwrap_or_default().to_owned();
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("readiness is never {status}");
}

/// Makes the change; then readiness, the doctor and the start say why Docket cannot work.
async fn is_refused(change: &str, reasons: &[&str]) {
    let mut app = App::spawn_undistributed().await;
    app.sql(change).await;
    let ready = readiness(&app, 503).await;
    let (code, doctor) = command(&app.database_url, &["doctor"], &[]);
    app.stop().await;
    let start = Server::bind(&app.config(&[]), None).await.map(|_| ()).unwrap_err();
    for said in [ready, doctor, docket::error::causes(&start)] {
        assert!(reasons.iter().all(|it| said.contains(it)), "{change}: {said}");
    }
    assert_eq!(code, Some(2), "{change}");
}

#[tokio::test]
async fn a_table_whose_rows_cannot_be_written_is_named() {
    let is_sqlite = file(&App::unstarted().await).is_some();
    for (what, table) in [
        ("insert", "user"),
        ("insert", "session"),
        ("insert", "account"),
        ("insert", "verification"),
        ("insert", "jwks"),
        ("insert", "rateLimit"),
        ("insert", "idempotency_keys"),
        ("insert", "task_labels"),
        ("update", "user_revisions"),
        ("update", "lists"),
        ("delete", "labels"),
        ("delete", "tasks"),
    ] {
        is_refused(&refusing(what, table, is_sqlite), &[&format!("the table {table}: not on Sundays"), what]).await;
    }
}

#[tokio::test]
async fn a_trigger_that_drops_what_is_written_is_told_by_what_it_keeps_from_happening() {
    let is_sqlite = file(&App::unstarted().await).is_some();
    for (what, said) in [
        ("insert", "inserted into the table labels is not there: a trigger or policy drops it"),
        ("update", "updated in the table labels is as it was: a trigger or policy drops the change"),
        ("delete", "deleted from the table labels is still there: a trigger or policy keeps it"),
    ] {
        let change = if is_sqlite {
            format!("create trigger no before {what} on labels begin select raise(ignore); end")
        } else {
            refusing(what, "labels", false).replace("raise exception 'not on Sundays'", "return null")
        };
        is_refused(&change, &[&format!("a row that was {said}")]).await;
    }
}

#[tokio::test]
async fn an_index_that_keeps_users_from_what_they_may_do_is_named() {
    let is_sqlite = file(&App::unstarted().await).is_some();
    for (table, columns) in [
        ("tasks", "owner_id, title"),
        ("tasks", "owner_id"),
        ("tasks", "id"),
        ("lists", "owner_id, name"),
        ("labels", "name"),
        ("task_labels", "label_id"),
        ("session", "\"userId\""),
        ("verification", "value"),
        ("user", "name"),
        ("idempotency_keys", "key"),
    ] {
        let first = columns.split(',').next().unwrap().trim_matches('"');
        let named = if is_sqlite { format!("{table}.{first}") } else { "only_one".to_owned() };
        let change = format!("create unique index only_one on \"{table}\" ({columns})");
        is_refused(&change, &[&format!("a row cannot be inserted into the table {table}"), &named]).await;
    }
}

#[tokio::test]
async fn columns_that_refuse_what_docket_writes_are_named() {
    if file(&App::unstarted().await).is_some() {
        return;
    }
    for (change, reason) in [
        (
            "alter table \"user\" alter name type varchar(3)",
            "the column name of the table user holds 3 characters; it must hold at least 255",
        ),
        (
            "alter table session alter \"userAgent\" type varchar(255)",
            "the column userAgent of the table session holds 255 characters; it must hold at least 512",
        ),
        (
            "alter table lists alter name type varchar(50)",
            "the column name of the table lists holds 50 characters; it must hold any number of them",
        ),
        ("alter table tasks alter number drop identity", "the column number of the table tasks must be numbered"),
        ("alter table labels add constraint long check (length(name) > 100)", "violates check constraint \"long\""),
        ("alter table verification add n int check (n is not null) not null default 1", ""),
    ] {
        if !reason.is_empty() {
            is_refused(change, &[reason]).await;
            continue;
        }
        let app = App::spawn().await;
        app.sql(change).await;
        assert_eq!(Answer::of(app.request("GET", "/health/ready")).await.status, 200, "{change}");
    }
}

#[tokio::test]
async fn a_policy_that_hides_rows_is_named() {
    let mut app = App::spawn().await;
    app.stop().await;
    if file(&app).is_some() {
        return;
    }
    let url = plain_role(&app).await;
    let role = role_of(&url);
    app.sql(&format!(
        "alter table lists enable row level security; alter table jwks enable row level security; \
         create policy writes on jwks for all to {role} using (false) with check (true)"
    ))
    .await;
    let (code, said) = command(&url, &["doctor"], &[]);
    app.sql(&format!("drop owned by {role} cascade; drop role {role}")).await;
    assert_eq!(code, Some(2), "{said}");
    for table in ["lists", "jwks"] {
        assert!(said.contains(&format!("row-level security policy for table \"{table}\"")), "{said}");
    }
}

#[tokio::test]
async fn a_change_of_the_schema_under_a_server_is_noticed_and_so_is_its_end() {
    let app = App::spawn().await;
    let is_sqlite = file(&app).is_some();
    assert_eq!(Answer::of(app.request("GET", "/health/ready")).await.status, 200);
    app.sql(&refusing("update", "tasks", is_sqlite)).await;
    let reason = readiness(&app, 503).await;
    assert!(reason.contains("a row cannot be updated in the table tasks: not on Sundays"), "{reason}");
    app.sql(if is_sqlite { "drop trigger no" } else { "drop trigger no on tasks" }).await;
    readiness(&app, 200).await;
}

#[tokio::test]
async fn what_is_tried_leaves_no_row_and_takes_no_number() {
    let mut app = App::spawn().await;
    let ann = app.person("ann").await;
    let first = app.rest_task(&ann, json!({ "title": "a" })).await["id"].as_i64().unwrap();
    for _ in 0..3 {
        app.restart(&[]).await;
        assert_eq!(Answer::of(app.request("GET", "/health/ready")).await.status, 200);
        assert_eq!(command(&app.database_url, &["doctor"], &[]).0, Some(0));
    }
    let second = app.rest_task(&ann, json!({ "title": "b" })).await["id"].as_i64().unwrap();
    assert_eq!(second, first + 1);
    for (table, count) in [
        ("user", 1),
        ("account", 1),
        ("session", 1),
        ("verification", 0),
        ("user_revisions", 1),
        ("tasks", 2),
        ("lists", 0),
        ("labels", 0),
        ("task_labels", 0),
        ("idempotency_keys", 0),
    ] {
        let counted = app.sql_text(&format!("select cast(count(*) as text) from \"{table}\"")).await;
        assert_eq!(counted, count.to_string(), "{table}");
    }
}

#[tokio::test]
async fn what_is_tried_reaches_no_disk() {
    let app = App::spawn().await;
    let Some(path) = file(&app) else { return };
    let files = || ["", "-wal"].map(|end| fs::read(format!("{path}{end}")).unwrap());
    let before = files();
    assert_eq!(Answer::of(app.request("GET", "/health/ready")).await.status, 200);
    assert!(files() == before);
}

/// A server of its own whose log goes into the file, and somebody with an account there.
async fn logged(database_url: &str, log: &NamedTempFile) -> (App, Person, Process) {
    let process = Process::start_with(database_url, &[("RUST_LOG", "warn")], log.reopen().unwrap()).await;
    let mut app = App::on(database_url.to_owned());
    app.base.clone_from(&process.base);
    let ann = app.person("ann").await;
    (app, ann, process)
}

/// The log as soon as it has these words, without marks around quotes.
async fn logged_by(log: &NamedTempFile, words: &str) -> String {
    for _ in 0..500 {
        let said = fs::read_to_string(log.path()).unwrap().replace('\\', "");
        if said.contains(words) {
            return said;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{words} is never logged: {}", fs::read_to_string(log.path()).unwrap());
}

#[tokio::test]
async fn nothing_is_written_into_a_file_that_was_removed_or_replaced_under_a_server() {
    for (end, is_replaced) in [("", false), ("", true), ("-wal", false), ("-wal", true), ("-shm", false)] {
        let home = App::unstarted().await;
        let Some(path) = file(&home) else { return };
        let log = NamedTempFile::new().unwrap();
        let (app, ann, process) = logged(&home.database_url, &log).await;
        let first = app.rest_task(&ann, json!({ "title": "first" })).await;
        let (lost, aside) = (format!("{path}{end}"), format!("{path}.aside"));
        fs::rename(&lost, &aside).unwrap();
        if is_replaced {
            fs::copy(&aside, &lost).unwrap();
        }
        let reason = format!("{lost} was removed, replaced or emptied under Docket: stop Docket");
        let create = async || app.rest(&ann, "POST", "", Some(json!({ "title": "second" }))).await;
        let change = async || app.rest(&ann, "PUT", &format!("/{}", first["id"]), Some(json!({ "title": "x" }))).await;
        for answer in [create().await, change().await, create().await] {
            assert_eq!((answer.status.as_u16(), answer.header("retry-after")), (503, "1"), "{lost}: {answer:?}");
            assert!(!answer.text.contains("removed"), "{answer:?}");
        }
        let ready = Answer::of(app.request("GET", "/health/ready")).await;
        assert!(text(&ready.expect(503)["reason"]).contains(&reason), "{ready:?}");
        logged_by(&log, &reason).await;
        if end.is_empty() && !is_replaced {
            let (code, doctor) = command(&home.database_url, &["doctor"], &[]);
            assert!(code == Some(2) && doctor.contains("a server that still runs has lost it"), "{doctor}");
            let (code, start) = command(&home.database_url, &["serve"], &[("PORT", "0")]);
            assert!(code == Some(2) && start.contains("the file is not there or empty, but its log"), "{start}");
        }
        if end.is_empty() {
            fs::rename(&aside, path).unwrap();
            assert_eq!(create().await.status, 201, "it is back");
            readiness(&app, 200).await;
        }
        process.stop().await;
        let app = App::on(home.database_url.clone());
        let kept = "select group_concat(title order by number) from tasks";
        let titles = if end.is_empty() { "first,second" } else { "first" };
        assert_eq!(app.sql_text(kept).await, titles, "{lost}");
    }
}

#[tokio::test]
async fn nothing_is_thrown_away_when_a_file_was_emptied_under_a_server() {
    let app = App::spawn().await;
    let Some(path) = file(&app) else { return };
    let ann = app.person("ann").await;
    let log = || fs::metadata(format!("{path}-wal")).unwrap().len();
    let before = log();
    fs::File::create(path).unwrap();
    let ready = Answer::of(app.request("GET", "/health/ready")).await;
    let reason = text(&ready.expect(503)["reason"]);
    assert!(reason.contains(&format!("{path} was removed, replaced or emptied")), "{reason}");
    assert_eq!(app.rest(&ann, "POST", "", Some(json!({ "title": "a" }))).await.status, 503);
    for what in ["doctor", "serve"] {
        let (code, said) = command(&app.database_url, &[what], &[("PORT", "0")]);
        assert!(code == Some(2) && said.contains("is not there or empty, but its log"), "{what}: {said}");
    }
    assert_eq!(log(), before);
}

#[tokio::test]
async fn a_file_that_docket_has_worked_with_is_not_one_that_is_not_there_yet() {
    let mut app = App::spawn().await;
    app.stop().await;
    let Some(path) = file(&app) else { return };
    fs::remove_file(path).unwrap();
    let (code, said) = command(&app.database_url, &["doctor"], &[]);
    assert!(
        code == Some(0)
            && said.contains("is not there, and Docket has worked with it")
            && said.contains("restore a backup"),
        "{said}"
    );
    fs::write(path, "").unwrap();
    let (code, said) = command(&app.database_url, &["doctor"], &[]);
    assert!(code == Some(0) && said.contains("is empty, and Docket has worked with it"), "{said}");
    fs::remove_file(path).unwrap();
    let (code, said) = command(&app.database_url.replace("rwc", "rw"), &["doctor"], &[]);
    assert!(code == Some(2) && said.contains("its mode in DATABASE_URL makes none"), "{said}");
}

#[tokio::test]
async fn a_damaged_file_is_named_with_what_to_do() {
    for (is_running, keep) in [(false, 0), (false, 20_000), (true, 0), (true, 20_000)] {
        let mut app = App::spawn().await;
        let Some(path) = file(&app).map(str::to_owned) else { return };
        let url = app.database_url.clone();
        let damage = async || {
            App::on(url.clone()).sql("pragma wal_checkpoint(truncate)").await;
            let mut bytes = fs::read(&path).unwrap();
            match keep {
                0 => bytes[..4096].fill(0x5a),
                _ => bytes.truncate(keep),
            }
            fs::write(&path, bytes).unwrap();
        };
        let (named, advice) = (format!("{path}: the file is damaged"), "restore a backup");
        if is_running {
            damage().await;
            let reason = readiness(&app, 503).await;
            assert!(reason.contains(&named) && reason.contains(advice), "{keep}: {reason}");
            continue;
        }
        app.stop().await;
        damage().await;
        for what in ["serve", "doctor"] {
            let (code, said) = command(&app.database_url, &[what], &[("PORT", "0")]);
            assert!(code == Some(2) && said.contains(&named) && said.contains(advice), "{what} {keep}: {said}");
            assert!(!said.contains("is the server there"), "{said}");
        }
    }
}

#[tokio::test]
async fn a_constraint_that_refuses_only_some_rows_is_named() {
    let is_sqlite = file(&App::unstarted().await).is_some();
    for condition in [
        "new.priority > 2",
        "new.priority < 1",
        "new.due_date is not null",
        "new.due_at is not null",
        "new.completed_at is null",
        "new.deleted_at is not null",
        "new.parent_id is not null",
        "new.list_id is null",
        "new.description is null",
        "length(new.title) > 150",
        "length(new.description) > 900",
    ] {
        let condition = if is_sqlite { condition.to_owned() } else { condition.replace("new.", "") };
        let change = if is_sqlite {
            format!("create trigger most before insert on tasks when {condition} begin select raise(abort, 'no'); end")
        } else {
            format!("alter table tasks add constraint most check (not ({condition}))")
        };
        is_refused(&change, &["a row cannot be inserted into the table tasks"]).await;
    }
}

#[tokio::test]
async fn what_a_rule_of_others_refuses_is_an_error_that_is_logged_by_its_name() {
    let home = App::spawn_undistributed().await;
    let is_sqlite = file(&home).is_some();
    let url = if is_sqlite { home.database_url.clone() } else { plain_role(&home).await };
    let changes: &[(&str, &str)] = if is_sqlite {
        &[
            (
                "alter table lists add column weight integer check (name <> 'hunter2')",
                "CHECK constraint failed: name <> 'hunter2'",
            ),
            (
                "alter table lists drop column weight; create trigger no before insert on lists \
                 when new.name = 'hunter2' begin select raise(abort, 'no hunter2'); end",
                "error returned from database: a trigger has refused a row (1811)",
            ),
        ]
    } else {
        &[
            (
                "alter table lists add constraint weak check (name not like 'hunt%')",
                "relation \"lists\" violates check constraint \"weak\"",
            ),
            (
                "alter table lists drop constraint weak; alter table lists enable row level security; \
                 create policy weak on lists using (name not like 'hunt%')",
                "row-level security policy for table \"lists\"",
            ),
            (
                "alter table lists disable row level security; \
                 create function no() returns trigger language plpgsql as $$ begin \
                 if new.name = 'hunter2' then raise exception 'no %', new.name; end if; return new; end $$; \
                 create trigger no before insert on lists for each row execute function no()",
                "error returned from database: a trigger has refused a row (P0001, PL/pgSQL function no() line 1 at RAISE)",
            ),
            (
                "create or replace function no() returns trigger language plpgsql as $$ begin \
                 if new.name = 'hunter2' then perform new.name::integer; end if; return new; end $$",
                "error returned from database: a trigger has refused a row (22P02, PL/pgSQL function no() line 1 at PERFORM)",
            ),
        ]
    };
    let log = NamedTempFile::new().unwrap();
    let (app, ann, process) = logged(&url, &log).await;
    let query = "mutation { createTaskList(input: { name: \"hunter2\" }) { taskList { id } } }";
    for (change, reason) in changes {
        home.sql(change).await;
        let answer = app.graphql(&ann, query, json!({})).await;
        assert_eq!(answer.code(), "INTERNAL_SERVER_ERROR", "{change}: {answer:?}");
        assert_eq!(answer.header("retry-after"), "");
        let said = logged_by(&log, reason).await;
        let line = said.lines().find(|it| it.contains(reason)).unwrap_or_default();
        assert!(!line.contains("unavailable"), "{line}");
        // SQLite says the condition of a check, which is no value.
        assert!(!said.replace("name <> 'hunter2'", "").contains("hunter2"), "{said}");
        assert_eq!(Answer::of(app.request("GET", "/health/ready")).await.status, 200, "{change}");
    }
    process.stop().await;
    if !is_sqlite {
        let role = role_of(&url);
        home.sql(&format!("drop owned by {role} cascade; drop role {role}")).await;
    }
}

fn role_of(url: &str) -> &str {
    url.trim_start_matches("postgres://").split('@').next().unwrap()
}

/// The URL of a role that may use the tables, and does not own them.
async fn plain_role(app: &App) -> String {
    let (_, database) = app.database_url.rsplit_once('/').unwrap();
    let role = format!("{database}_plain");
    app.sql(&format!(
        "create role {role} login; grant all on all tables in schema public to {role}; \
         grant all on all sequences in schema public to {role}; grant all on schema public to {role}"
    ))
    .await;
    app.database_url.replace("docket@", &format!("{role}@"))
}

#[tokio::test]
async fn a_migration_that_is_no_longer_written_down_is_not_applied_again() {
    for lost in ["plain_names", "plain_names' or version like '%unseen_characters"] {
        let mut app = App::spawn().await;
        app.stop().await;
        app.sql(&format!("delete from seaql_migrations where version like '%{lost}'")).await;
        let (code, doctor) = command(&app.database_url, &["doctor"], &[]);
        let start = Server::bind(&app.config(&[]), None).await.map(|_| ()).unwrap_err();
        for said in [doctor, docket::error::causes(&start)] {
            assert!(said.contains("lacks the row of m2026_11_29_000007_plain_names"), "{said}");
        }
        assert_eq!(code, Some(2));
    }
}
