//! What migrations make of a table beside its columns: the start, readiness and the doctor know when it is gone, and
//! what others have added.

use std::fs;

use docket::{db, proof, server::Server};
use migration::{Migrator, MigratorTrait};
use sea_orm::Database;

use crate::{
    contract::assert_pinned,
    support::{Answer, App, Process, command, text},
};

/// The columns of all tables but the one of the migrations.
async fn columns(app: &App) -> String {
    app.sql_text(if app.is_sqlite() {
        "select coalesce(group_concat(t.name || '.' || c.name order by t.name, c.name), '') \
         from sqlite_master as t join pragma_table_info(t.name) as c \
         where t.type = 'table' and t.name not like 'tasks_search%' and t.name <> 'seaql_migrations'"
    } else {
        "select coalesce(string_agg(table_name || '.' || column_name, ',' order by table_name, column_name), '') \
         from information_schema.columns where table_schema = 'public' and table_name <> 'seaql_migrations' \
         and is_generated = 'NEVER'"
    })
    .await
}

#[tokio::test]
async fn the_lists_of_the_proof_are_what_migrations_make() {
    let app = App::unstarted().await;
    let connection = Database::connect(&app.database_url).await.unwrap();
    let (mut before, mut last) = (String::new(), String::new());
    for migration in Migrator::migrations() {
        Migrator::up(&connection, Some(1)).await.unwrap();
        let after = columns(&app).await;
        if after != before {
            (before, last) = (after, migration.name().to_owned());
        }
    }
    connection.close().await.unwrap();
    let db = db::connect(&app.config(&[])).await.unwrap();
    let objects = proof::schema(&db).await.unwrap();
    db.close().await.unwrap();
    let file = if app.is_sqlite() { "sqlite" } else { "postgres" };
    assert_pinned(&format!("src/proof/schema/{file}.txt"), &format!("columns {last}\n{}\n", objects.join("\n")));
}

/// Makes the change under a server; then readiness, the doctor and the start name it.
async fn is_refused(change: &str, reason: &str) {
    let mut app = App::spawn().await;
    app.sql(change).await;
    let ready = Answer::of(app.request("GET", "/health/ready")).await;
    let (code, doctor) = command(&app.database_url, &["doctor"], &[]);
    app.stop().await;
    let start = Server::bind(&app.config(&[]), None).await.map(|_| ()).unwrap_err();
    let ready = text(&ready.expect(503)["reason"]);
    for said in [ready, doctor, docket::error::causes(&start)] {
        assert!(said.contains(reason), "{change}: {said}");
    }
    assert_eq!(code, Some(2), "{change}");
}

#[tokio::test]
async fn what_statements_rely_on_is_named_when_it_is_gone() {
    let changes: &[(&str, &str)] = if App::unstarted().await.is_sqlite() {
        &[
            ("drop index labels_folded", "the columns name_key, owner_id of the table labels must be unique together"),
            ("drop index tasks_revision", "the columns owner_id, revision of the table tasks must be unique together"),
            ("drop index lists_revision", "the columns owner_id, revision of the table lists must be unique together"),
            ("drop trigger tasks_search_update", "the table tasks has no trigger tasks_search_update"),
            (
                "drop table user_revisions; create table user_revisions \
                 (owner_id integer not null, revision bigint not null default 0, purged_through bigint not null default 0)",
                "the column owner_id of the table user_revisions must be unique",
            ),
            (
                "drop table task_labels; create table task_labels (owner_id integer not null, task_id blob not null, \
                 label_id blob not null, sort_order integer not null, primary key (owner_id, task_id, label_id))",
                "the table task_labels has no foreign key (owner_id, task_id) references tasks (owner_id, id)",
            ),
            (
                "drop index tasks_due_order; alter table tasks drop column due_order; \
                 alter table tasks add column due_order text",
                "the column due_order of the table tasks must be generated",
            ),
        ]
    } else {
        &[
            (
                "alter table user_revisions drop constraint owners_pkey",
                "the column owner_id of the table user_revisions must be unique",
            ),
            (
                "alter table task_labels drop constraint task_labels_pkey",
                "the columns label_id, owner_id, task_id of the table task_labels must be unique together",
            ),
            (
                "alter table idempotency_keys drop constraint answers_pkey",
                "the columns key, owner_id of the table idempotency_keys must be unique together",
            ),
            (
                "alter table tasks drop constraint tasks_pkey cascade",
                "the columns id, owner_id of the table tasks must be unique together",
            ),
            ("drop index tasks_number", "the columns number, owner_id of the table tasks must be unique together"),
            ("drop index labels_folded", "the columns name_key, owner_id of the table labels must be unique together"),
            (
                "drop index labels_folded; create unique index labels_folded on labels (owner_id, name_key)",
                "must be unique together where (deleted_at IS NULL)",
            ),
            ("drop index tasks_revision", "the columns owner_id, revision of the table tasks must be unique together"),
            ("drop index lists_revision", "the columns owner_id, revision of the table lists must be unique together"),
            (
                "drop index labels_revision",
                "the columns owner_id, revision of the table labels must be unique together",
            ),
            ("alter table session drop constraint session_pkey", "the column id of the table session must be unique"),
            (
                "alter table task_labels drop constraint task_labels_user_id_task_id_fkey",
                "the table task_labels has no foreign key (owner_id, task_id) REFERENCES tasks",
            ),
            ("alter table tasks drop column search", "the column search of the table tasks must be generated"),
            (
                "alter table tasks drop column search; alter table tasks add column search tsvector",
                "the column search of the table tasks must be generated",
            ),
            (
                "alter table tasks alter column due_order drop expression",
                "the column due_order of the table tasks must be generated",
            ),
            (
                "alter table tasks alter column position type text collate \"und-x-icu\"",
                "the column position of the table tasks must have the collation \"C\"",
            ),
        ]
    };
    for (change, reason) in changes {
        is_refused(change, reason).await;
    }
}

#[tokio::test]
async fn a_full_text_index_that_finds_nothing_is_named() {
    let app = App::unstarted().await;
    let change = if app.is_sqlite() {
        "drop table tasks_search; create virtual table tasks_search using fts5 (owner_id, title_key, description_key); \
         drop trigger tasks_search_insert; \
         create trigger tasks_search_insert after insert on tasks begin select 1; end; \
         drop trigger tasks_search_delete; \
         create trigger tasks_search_delete after delete on tasks begin select 1; end; \
         drop trigger tasks_search_update; \
         create trigger tasks_search_update after update of title_key on tasks begin select 1; end"
    } else {
        "create or replace function docket_words(key text) returns tsvector language sql immutable strict \
         as $$ select ''::tsvector $$; comment on column tasks.search is 'changed'"
    };
    is_refused(change, "a row that was written to the table tasks is not found by its words").await;
}

#[tokio::test]
async fn what_others_have_added_and_what_makes_statements_fast_is_looked_at() {
    let changes: &[(&str, &str)] = if App::unstarted().await.is_sqlite() {
        &[
            ("drop index tasks_created", "the table tasks has no index tasks_created"),
            ("create unique index one on tasks (owner_id, number, title)", "unique index on (number, owner_id, title)"),
            (
                "create trigger sundays before insert on lists when new.name = 'x' begin select raise(abort, 'no'); end",
                "the table lists has a trigger sundays that is not Docket's",
            ),
            (
                "alter table lists add column weight integer check (weight < (3 + 4))",
                "the table lists has a check constraint weight < (3 + 4) that is not Docket's",
            ),
        ]
    } else {
        &[
            ("drop index tasks_created", "the table tasks has no index tasks_created"),
            ("alter table tasks drop constraint tasks_check", "the table tasks has no check tasks_check"),
            ("create unique index one on tasks (owner_id, number, title)", "unique index on (number, owner_id, title)"),
            (
                "alter table tasks add constraint short check (title <> 'x')",
                "the table tasks has a check constraint short that is not Docket's",
            ),
            (
                "create function no() returns trigger language plpgsql as $$ begin return new; end $$; \
                 create trigger sundays before insert on lists for each row execute function no()",
                "the table lists has a trigger sundays that is not Docket's",
            ),
            (
                "alter table labels enable row level security; create policy odd on labels using (name <> 'x')",
                "the table labels has a policy odd that is not Docket's",
            ),
            (
                "create rule quiet as on delete to jwks where old.alg = 'x' do also nothing",
                "the table jwks has a rule quiet that is not Docket's",
            ),
        ]
    };
    for (change, warning) in changes {
        let mut app = App::spawn().await;
        app.sql(change).await;
        assert_eq!(Answer::of(app.request("GET", "/health/ready")).await.status, 200, "{change}");
        let (code, said) = command(&app.database_url, &["doctor"], &[]);
        assert_eq!(code, Some(0), "{change}: {said}");
        assert!(said.lines().any(|it| it.starts_with("look  database") && it.contains(warning)), "{change}: {said}");
        app.stop().await;
        let log = tempfile::NamedTempFile::new().unwrap();
        Process::start_with(&app.database_url, &[("RUST_LOG", "warn")], log.reopen().unwrap()).await.stop().await;
        let said = fs::read_to_string(log.path()).unwrap();
        assert!(said.contains(warning), "{change}: {said}");
    }
}

/// As while instances are replaced by newer ones.
#[tokio::test]
async fn what_a_newer_docket_has_made_otherwise_stops_no_older_one() {
    let app = App::spawn().await;
    app.sql("insert into seaql_migrations (version, applied_at) values ('m2999_future', 0); drop index labels_folded")
        .await;
    assert_eq!(Answer::of(app.request("GET", "/health/ready")).await.status, 200);
}
