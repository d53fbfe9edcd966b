//! What is looked at before Docket says that it can work: settings, files, servers, tables and rights.

use std::{
    fs,
    os::unix::{fs::PermissionsExt, process::CommandExt},
    process::{Command, Output},
};

use docket::server::Server;
use serde_json::json;

use crate::support::{Answer, App, Process, SECRET, command, free_port, text};

/// The file of the app's database, if it is SQLite's.
fn file(app: &App) -> Option<&str> {
    app.database_url.strip_prefix("sqlite://")?.strip_suffix("?mode=rwc")
}

/// What a start on this database says that cannot be made.
async fn refused(app: &App) -> String {
    let error = Server::bind(&app.config(&[]), None).await.unwrap_err();
    docket::error::causes(&error)
}

/// Docket's doctor in a folder, with no setting but those.
fn doctor_in(folder: &std::path::Path, settings: &[(&str, &str)]) -> (Option<i32>, String) {
    let mut docket = Command::new(env!("CARGO_BIN_EXE_docket"));
    let output = docket.arg("doctor").env_clear().envs(settings.iter().copied()).current_dir(folder).output().unwrap();
    said(&output)
}

fn said(output: &Output) -> (Option<i32>, String) {
    let said = [output.stdout.as_slice(), &output.stderr].concat();
    (output.status.code(), String::from_utf8(said).unwrap())
}

#[test]
fn a_file_of_settings_counts_in_its_own_folder_and_says_which_line_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let inside = folder.path().join("inside");
    fs::create_dir(&inside).unwrap();
    let write = |text: &str| fs::write(folder.path().join(".env"), text).unwrap();
    // A secret with a $ in it, a name with spaces, a mark at the begin: as other programs take them.
    write(&format!("\u{feff}BETTER_AUTH_SECRET=$word-{SECRET}\r\nAPP_NAME=My Todo App\r\nPORT=1x\r\n"));
    let (code, first) = doctor_in(folder.path(), &[]);
    assert!(code == Some(2) && first.contains("PORT: must be") && !first.contains("SECRET"), "{first}");
    let (code, above) = doctor_in(&inside, &[("BETTER_AUTH_SECRET", SECRET)]);
    assert!(code == Some(0), "a file above is somebody else's: {above}");
    write("PORT=8000\nhunter2\n");
    let (code, line) = doctor_in(folder.path(), &[("BETTER_AUTH_SECRET", SECRET)]);
    assert!(code == Some(2) && line.contains(".env: line 2") && !line.contains("hunter2"), "{line}");
    write("BETTER_AUTH_SECRET=hunter2#abcdefghijklmnopqrstuvwxyz0123456789\n");
    let (code, doubt) = doctor_in(folder.path(), &[]);
    assert!(code == Some(2) && doubt.contains("BETTER_AUTH_SECRET: line 1 of .env"), "{doubt}");
}

#[test]
fn what_a_file_puts_around_a_value_is_no_part_of_it_unnoticed() {
    let folder = tempfile::tempdir().unwrap();
    for (value, reason) in [
        (format!("\u{feff}{SECRET}"), "BETTER_AUTH_SECRET: begins with a byte order mark"),
        (format!("\"{SECRET}\""), "BETTER_AUTH_SECRET: is in quotes"),
        (format!("'{SECRET}'"), "BETTER_AUTH_SECRET: is in quotes"),
    ] {
        let (code, said) = doctor_in(folder.path(), &[("BETTER_AUTH_SECRET", &value)]);
        assert!(code == Some(2) && said.contains(reason) && !said.contains(SECRET), "{said}");
    }
    let (code, said) = doctor_in(folder.path(), &[("BETTER_AUTH_SECRET", SECRET), ("DATABASE_URL", "'sqlite://x.db'")]);
    assert!(code == Some(2) && said.contains("DATABASE_URL: is in quotes"), "{said}");
    let file = folder.path().join("secret");
    fs::write(&file, format!("\u{feff}{SECRET}\r\n")).unwrap();
    let (code, said) = doctor_in(folder.path(), &[("BETTER_AUTH_SECRET_FILE", file.to_str().unwrap())]);
    assert!(code == Some(0), "{said}");
    fs::write(&file, format!("'{SECRET}'\n")).unwrap();
    let (code, said) = doctor_in(folder.path(), &[("BETTER_AUTH_SECRET_FILE", file.to_str().unwrap())]);
    assert!(code == Some(2) && said.contains("BETTER_AUTH_SECRET_FILE: the value is in quotes"), "{said}");
}

#[test]
fn names_that_are_no_settings_are_said() {
    let folder = tempfile::tempdir().unwrap();
    let with = |name| doctor_in(folder.path(), &[("BETTER_AUTH_SECRET", SECRET), (name, "hunter2")]);
    let (code, said) = with("DOCKET_PLAYGROUD");
    assert!(code == Some(2) && said.contains("DOCKET_PLAYGROUND is one") && !said.contains("hunter2"), "{said}");
    let (code, said) = with("DATABSE_URL");
    assert!(code == Some(0) && said.contains("is DATABASE_URL meant?") && !said.contains("hunter2"), "{said}");
}

#[tokio::test]
async fn a_folder_that_mail_cannot_be_written_to_is_said_at_the_start_and_by_the_doctor() {
    let app = App::unstarted().await;
    let settings = [("MAIL_FOLDER", "/dev/null/mail"), ("RUST_LOG", "warn")];
    let reason = "MAIL_FOLDER: /dev/null/mail cannot be written: /dev/null is no folder";
    let log = tempfile::NamedTempFile::new().unwrap();
    let process = Process::start_with(&app.database_url, &settings, log.reopen().unwrap()).await;
    process.stop().await;
    let said = fs::read_to_string(log.path()).unwrap();
    assert!(said.contains(reason), "{said}");
    let (code, said) = command(&app.database_url, &["doctor"], &settings);
    assert!(code == Some(2) && said.contains(&format!("BAD   mail          {reason}")), "{said}");
    let folder = tempfile::tempdir().unwrap();
    let (code, said) = doctor_in(folder.path(), &[("BETTER_AUTH_SECRET", SECRET)]);
    assert!(code == Some(0) && said.contains("written to .docket-mail"), "{said}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "the doctor makes nothing");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named_once_with_its_cause() {
    let port = free_port();
    let url = format!("postgresql+asyncpg://ann:hunter2@127.0.0.1:{port}/docket");
    for arguments in ["serve", "migrate", "doctor"] {
        let (code, said) = command(&url, &[arguments], &[("PORT", "0")]);
        let place = format!("DATABASE_URL: 127.0.0.1:{port}: Connection refused");
        assert!(code == Some(2) && said.matches(&place).count() == 1, "{said}");
        assert!(!said.contains("hunter2") && !said.contains("timed out"), "{said}");
    }
}

#[tokio::test]
async fn encryption_that_is_asked_for_is_not_dropped() {
    let app = App::unstarted().await;
    if file(&app).is_some() {
        return;
    }
    // The server of the tests has no certificate.
    for parameter in ["ssl=require", "ssl=verify-full", "ssl=true", "sslmode=require"] {
        let url = format!("{}?{parameter}", app.database_url.replace("postgres://", "postgresql+asyncpg://"));
        let (code, said) = command(&url, &["migrate"], &[]);
        assert!(code == Some(2) && said.contains("TLS"), "{parameter}: {said}");
    }
    let url = format!("{}?sslpassword=hunter2", app.database_url);
    let (code, said) = command(&url, &["migrate"], &[]);
    assert!(code == Some(2) && said.contains("sslpassword") && !said.contains("hunter2"), "{said}");
}

#[tokio::test]
async fn tables_of_somebody_else_are_noticed_before_any_is_made() {
    let app = App::unstarted().await;
    make_file(&app);
    app.sql("create table tasks (id integer primary key, user_id varchar not null, title varchar not null)").await;
    let said = refused(&app).await;
    assert!(said.contains("the table tasks is there already"), "{said}");
    assert_eq!(tables(&app).await, "tasks");
    let (code, said) = command(&app.database_url, &["doctor"], &[]);
    assert!(code == Some(2) && said.contains("the table tasks is there already"), "{said}");
}

/// SQLite's file, which only the server makes.
fn make_file(app: &App) {
    if let Some(path) = file(app) {
        fs::write(path, "").unwrap();
    }
}

async fn tables(app: &App) -> String {
    app.sql_text(if file(app).is_some() {
        "select group_concat(name) from sqlite_master where type = 'table'"
    } else {
        "select coalesce(string_agg(tablename, ','), '') from pg_tables where schemaname = 'public'"
    })
    .await
}

#[tokio::test]
async fn tables_of_another_better_auth_that_statements_would_stumble_over_stop_the_start() {
    let is_sqlite = file(&App::unstarted().await).is_some();
    let changes: &[(&str, &str)] = if is_sqlite {
        &[
            ("alter table jwks drop column alg", "the table jwks has no column alg"),
            ("alter table \"user\" add column role text not null default 'x'", ""),
            (
                "insert into \"user\" values ('1', 'a', 'a@b.c', 1, null, 1700000000000, '2026-01-01T00:00:00.000Z')",
                "the column createdAt of the table user has times as integer",
            ),
            (
                "drop table \"rateLimit\"; create table \"rateLimit\" (id text primary key, key text, count integer, \"lastRequest\" bigint)",
                "the column key of the table rateLimit must be unique",
            ),
            (
                "drop table verification; create table verification (id integer primary key, identifier text, value text, \
                 \"expiresAt\" real, \"createdAt\" date, \"updatedAt\" date)",
                "the column id of the table verification is INTEGER",
            ),
        ]
    } else {
        &[
            (
                "alter table session alter \"expiresAt\" type date",
                "the column expiresAt of the table session is date; it must be timestamp with time zone",
            ),
            ("alter table session alter \"expiresAt\" type timestamp", ""),
            ("alter table jwks drop column alg", "the table jwks has no column alg"),
            ("alter table \"user\" add column role text not null default 'x'", ""),
            (
                "alter table \"user\" add column role text not null",
                "the column role of the table user, which Docket does not know",
            ),
            ("alter table account alter scope set not null", "the column scope of the table account must allow null"),
            (
                "alter table \"rateLimit\" drop constraint \"rateLimit_key_key\"",
                "the column key of the table rateLimit must be unique",
            ),
            ("drop table labels cascade", "the table labels is missing"),
        ]
    };
    for (change, reason) in changes {
        let mut app = App::spawn().await;
        app.sql(change).await;
        let ready = Answer::of(app.request("GET", "/health/ready")).await;
        let (code, doctor) = command(&app.database_url, &["doctor"], &[]);
        app.stop().await;
        if reason.is_empty() {
            assert_eq!((ready.status.as_u16(), code), (200, Some(0)), "{change}: {ready:?} {doctor}");
            app.restart_stopped().await;
            continue;
        }
        assert!(ready.status == 503 && text(&ready.json()["reason"]).contains(reason), "{change}: {ready:?}");
        assert!(code == Some(2) && doctor.contains(reason), "{change}: {doctor}");
        let said = refused(&app).await;
        assert!(said.contains(reason), "{change}: {said}");
    }
}

/// What only looks like a table of Better Auth's is left alone.
#[tokio::test]
async fn tables_of_others_that_look_alike_are_left_alone() {
    let mut app = App::unstarted().await;
    app.sql(
        "create table sessions (id text primary key, token text not null, user_id text not null, expires_at text, \
         ip_address text, user_agent text, created_at text, updated_at text); \
         insert into sessions values ('1', 'x', '1', '2000-01-01', null, null, null, null)",
    )
    .await;
    app.start(&[]).await;
    app.person("ann").await;
    let (_, doctor) = command(&app.database_url, &["doctor"], &[]);
    assert!(!doctor.contains("accounts"), "{doctor}");
    assert_eq!(app.sql_text("select cast(count(*) as text) from sessions").await, "1");
}

/// The tables of a Better Auth may have other names than those that Docket gives them; while it runs they keep them.
#[tokio::test]
async fn other_names_of_a_better_auth_are_found_at_the_start() {
    let mut app = App::spawn().await;
    let ann = app.person("ann").await;
    app.sql("alter table \"user\" rename column \"emailVerified\" to email_verified").await;
    app.sql("alter table session rename to sessions").await;
    let ready = Answer::of(app.request("GET", "/health/ready")).await;
    assert!(ready.status == 503 && text(&ready.json()["reason"]).contains("the table session is missing"), "{ready:?}");
    app.stop().await;
    let (code, doctor) = command(&app.database_url, &["doctor"], &[]);
    assert!(code == Some(0), "{doctor}");
    assert!(doctor.contains("emailVerified is email_verified, session is sessions"), "{doctor}");
    app.restart_stopped().await;
    assert_eq!(app.graphql(&ann, "{ me { email } }", json!({})).await.data()["me"]["email"], "ann@example.com");
    assert_eq!(Answer::of(app.request("GET", "/health/ready")).await.status, 200);
    app.person("bob").await;
    // One name in two spellings cannot be fitted to.
    app.sql("alter table account rename column \"userId\" to user_id").await;
    app.stop().await;
    let said = refused(&app).await;
    assert!(said.contains("call userId userId in one place and user_id in another"), "{said}");
}

#[tokio::test]
async fn a_proof_leaves_nothing_behind() {
    let app = App::spawn().await;
    for _ in 0..3 {
        assert_eq!(Answer::of(app.request("GET", "/health/ready")).await.status, 200);
    }
    let count = "select cast(count(*) as text) from user_revisions";
    assert_eq!(app.sql_text(count).await, "0");
}

#[tokio::test]
async fn while_somebody_writes_docket_is_ready() {
    let app = App::spawn().await;
    let _held = app.hold().await;
    assert_eq!(Answer::of(app.request("GET", "/health/ready")).await.status, 200);
}

#[tokio::test]
async fn a_file_that_cannot_be_written_is_no_database_to_work_on() {
    let mut app = App::spawn().await;
    app.stop().await;
    let Some(path) = file(&app) else { return };
    // Root may write everything, so Docket is somebody else here.
    let folder = std::path::Path::new(path).parent().unwrap();
    fs::set_permissions(folder, fs::Permissions::from_mode(0o777)).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o444)).unwrap();
    fs::remove_file(format!("{path}.migrating")).unwrap();
    for what in ["serve", "migrate", "doctor", "stats"] {
        let (code, said) = run_as_somebody_else(&app.database_url, what, "development");
        let is_named = said.contains(&format!("may not write {path} (Permission denied"));
        assert!(code == Some(2) && is_named && said.contains("change its owner or mode"), "{what}: {said}");
        assert_eq!(said.matches("may not write").count(), 1, "{what}: {said}");
    }
}

/// Runs a command as a user who is not root.
fn run_as_somebody_else(database_url: &str, what: &str, environment: &str) -> (Option<i32>, String) {
    let mut docket = Command::new(env!("CARGO_BIN_EXE_docket"));
    docket.arg(what).env_clear().envs([
        ("BETTER_AUTH_SECRET", SECRET),
        ("DATABASE_URL", database_url),
        ("DOCKET_ENV", environment),
        ("BETTER_AUTH_URL", "https://docket.example"),
        ("SMTP_URL", "smtp://127.0.0.1:1"),
        ("RUST_LOG", "off"),
        ("PORT", "0"),
    ]);
    if is_root() {
        docket.uid(65534).gid(65534);
    }
    said(&docket.output().unwrap())
}

#[test]
fn a_folder_in_which_no_file_can_be_made_is_named_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().display();
    let url = format!("sqlite:///{path}/docket.db?mode=rwc");
    let mode = |mode: u32| fs::set_permissions(folder.path(), fs::Permissions::from_mode(mode)).unwrap();
    mode(0o555);
    for what in ["serve", "migrate", "doctor"] {
        let (code, said) = run_as_somebody_else(&url, what, "development");
        let is_named = said.contains(&format!("may not write the folder {path} (Permission denied"));
        assert!(code == Some(2) && is_named && said.contains("let DATABASE_URL name a file"), "{what}: {said}");
    }
    let (code, said) = run_as_somebody_else(&url, "serve", "production");
    assert!(code == Some(2) && said.contains("may not write the folder"), "{said}");
    assert!(!said.contains("another instance"), "{said}");
    // Nobody sees whether there is a database.
    mode(0);
    let (code, said) = run_as_somebody_else(&url, "stats", "development");
    assert!(code == Some(2) && said.contains("may not write the folder"), "{said}");
    let nowhere = format!("sqlite:///{path}/nowhere/docket.db?mode=rwc");
    mode(0o777);
    let (code, said) = run_as_somebody_else(&nowhere, "migrate", "development");
    assert!(code == Some(2) && said.contains("nowhere is not there: make it, or"), "{said}");
}

#[test]
fn files_beside_the_database_that_are_somebody_elses_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
    let url = format!("sqlite://{}?mode=rwc", file("docket.db").display());
    // As root leaves it that has run a command.
    fs::write(file("docket.db.migrating"), "").unwrap();
    fs::set_permissions(file("docket.db.migrating"), fs::Permissions::from_mode(0o400)).unwrap();
    let (code, said) = run_as_somebody_else(&url, "migrate", "development");
    let advice = format!("may not write {} (Permission denied", file("docket.db.migrating").display());
    assert!(code == Some(2) && said.contains(&advice), "{said}");
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().unwrap().stdout.trim_ascii() == b"0"
}

#[tokio::test]
async fn what_is_made_is_for_the_user_that_docket_runs_as() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("docket.db").display().to_string();
    let mail = folder.path().join("mail");
    // Whatever the shell that starts it allows to others.
    let mut shell = Command::new("sh");
    shell.args(["-c", "umask 000 && exec \"$0\"", env!("CARGO_BIN_EXE_docket")]);
    let url = format!("sqlite://{path}?mode=rwc");
    let settings = [("MAIL_FOLDER", mail.to_str().unwrap())];
    let process = Process::start_by(shell, &url, &settings, std::process::Stdio::null()).await;
    let client = reqwest::Client::new();
    let up = json!({ "name": "ann", "email": "ann@example.com", "password": "correct-horse-1" });
    let post = |route: &str, body| client.post(format!("{}/api/auth{route}", process.base)).json(&body).send();
    assert_eq!(post("/sign-up/email", up).await.unwrap().status(), 200);
    let reset = json!({ "email": "ann@example.com", "redirectTo": "/" });
    assert_eq!(post("/request-password-reset", reset).await.unwrap().status(), 200);
    for _ in 0..500 {
        if fs::read_dir(&mail).is_ok_and(|files| files.count() > 0) {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    let mut seen = 0;
    for folder in [folder.path(), &mail] {
        for entry in fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
            let wanted = if entry.file_type().unwrap().is_dir() { 0o700 } else { 0o600 };
            assert_eq!(mode, wanted, "{:?}", entry.path());
            seen += 1;
        }
    }
    assert!(seen >= 5, "{seen}");
    process.stop().await;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let (_, said) = command(&url, &["doctor"], &[]);
    assert!(said.contains("chmod 600"), "{said}");
}

/// A role of its own with these properties, and the URL by which it comes to the app's database.
async fn role(app: &App, name: &str, properties: &str) -> String {
    let (_, database) = app.database_url.rsplit_once('/').unwrap();
    let role = format!("{database}_{name}");
    app.sql(&format!("create role {role} login {properties}; grant all on schema public to {role}")).await;
    app.database_url.replace("docket@", &format!("{role}@"))
}

async fn drop_role(app: &App, url: &str) {
    let role = url.trim_start_matches("postgres://").split('@').next().unwrap();
    app.sql(&format!("drop owned by {role} cascade; drop role {role}")).await;
}

#[tokio::test]
async fn a_role_with_few_connections_uses_what_it_has() {
    let app = App::unstarted().await;
    if file(&app).is_some() {
        return;
    }
    let url = role(&app, "few", "connection limit 6").await;
    // Forty passwords take longer than one may wait on a machine that has other things to do.
    let process = Process::start_with(&url, &[("PASSWORD_WAIT_MS", "20000")], std::process::Stdio::null()).await;
    let client = reqwest::Client::new();
    let up = |number: usize| {
        let body = json!({ "name": "a", "email": format!("a{number}@example.com"), "password": "correct-horse-1" });
        client.post(format!("{}/api/auth/sign-up/email", process.base)).json(&body).send()
    };
    for answer in futures_util::future::join_all((0..40).map(up)).await {
        assert_eq!(answer.unwrap().status(), 200);
    }
    process.stop().await;
    let (code, said) = command(&url, &["doctor"], &[]);
    assert!(code == Some(0) && said.contains("DATABASE_MAX_CONNECTIONS is 20"), "{said}");
    drop_role(&app, &url).await;
    let url = role(&app, "fewest", "connection limit 4").await;
    let (code, said) = command(&url, &["serve"], &[("PORT", "0")]);
    assert!(code == Some(2) && said.contains("may have 4 connections and needs 5"), "{said}");
    drop_role(&app, &url).await;
}

#[tokio::test]
async fn a_role_without_rights_or_that_only_reads_stops_the_start() {
    let mut app = App::spawn().await;
    app.stop().await;
    if file(&app).is_some() {
        return;
    }
    let url = role(&app, "reader", "").await;
    app.sql(&format!("grant select on all tables in schema public to {}", url[11..].split('@').next().unwrap())).await;
    let (code, said) = command(&url, &["serve"], &[("PORT", "0")]);
    assert!(code == Some(2) && said.contains("no right to insert in the table"), "{said}");
    drop_role(&app, &url).await;
    let name = app.database_url.rsplit_once('/').unwrap().1.to_owned();
    app.sql(&format!("alter database {name} set default_transaction_read_only = on")).await;
    let (code, said) = command(&app.database_url, &["serve"], &[("PORT", "0")]);
    assert!(code == Some(2) && said.contains("default_transaction_read_only is on"), "{said}");
    let (code, said) = command(&app.database_url, &["doctor"], &[]);
    assert!(code == Some(2) && said.contains("default_transaction_read_only is on"), "{said}");
}

#[tokio::test]
async fn what_the_database_has_for_transactions_makes_no_difference() {
    let app = App::unstarted().await;
    if file(&app).is_some() {
        return;
    }
    let name = app.database_url.rsplit_once('/').unwrap().1.to_owned();
    for (setting, value) in [
        ("default_transaction_isolation", "serializable"),
        ("timezone", "Asia/Kolkata"),
        ("datestyle", "German"),
        ("standard_conforming_strings", "off"),
        ("client_encoding", "latin1"),
    ] {
        app.sql(&format!("alter database {name} set {setting} = '{value}'")).await;
    }
    let mut app = app;
    app.start(&[]).await;
    let ann = app.person("ann").await;
    let made = crate::support::at_once(60, async |number| {
        app.rest(&ann, "POST", "", Some(json!({ "title": format!("{number} 🍎 \\ü") }))).await
    });
    for answer in made.await {
        assert_eq!(answer.status, 201, "{answer:?}");
    }
}

#[tokio::test]
async fn a_database_of_another_encoding_is_refused() {
    let app = App::unstarted().await;
    if file(&app).is_some() {
        return;
    }
    let (place, name) = app.database_url.rsplit_once('/').unwrap();
    let latin = format!("{name}_latin");
    app.sql(&format!("create database {latin} encoding latin1 locale 'C' template template0")).await;
    let (code, said) = command(&format!("{place}/{latin}"), &["serve"], &[("PORT", "0")]);
    assert!(code == Some(2) && said.contains("encoding is LATIN1"), "{said}");
    assert_eq!(tables(&App::on(format!("{place}/{latin}"))).await, "");
    app.sql(&format!("drop database {latin}")).await;
}

#[tokio::test]
async fn front_ends_that_fit_a_pattern_may_read_and_sign_in() {
    let app = App::spawn_with(&[("CORS_ORIGINS", "https://*.vercel.app")]).await;
    for (origin, is_trusted) in [
        ("https://a.vercel.app", true),
        ("https://vercel.app", false),
        ("https://a.vercel.app.evil.example", false),
        ("http://a.vercel.app", false),
        ("http://localhost:3000", false),
    ] {
        let answer = Answer::of(app.request("GET", "/health").header("origin", origin)).await;
        assert_eq!(answer.header("access-control-allow-origin"), if is_trusted { origin } else { "" }, "{origin}");
        let body = json!({ "email": "nobody@example.com", "password": "correct-horse-1" });
        let sign_in = app.request("POST", "/api/auth/sign-in/email").header("origin", origin).json(&body);
        assert_eq!(Answer::of(sign_in).await.status.as_u16(), if is_trusted { 401 } else { 403 }, "{origin}");
    }
}
