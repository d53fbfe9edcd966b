//! What operators do to accounts and keys while a server runs: `docket user`, `docket keys`, `docket stats`.

use std::{
    fs,
    io::{self, Read, Write},
    process::{Command, Stdio},
};

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use docket::{config::reference, telemetry::SecurityEvent};
use migration::{Migrator, MigratorTrait};
use sea_orm::Database;
use serde_json::{Value, json};

use crate::support::{Answer, App, PASSWORD, Person, SECRET, text};

/// How a command ended.
#[derive(Debug)]
struct Ran {
    code: Option<i32>,
    output: String,
    log: String,
}

impl Ran {
    /// What was printed, if the command went well.
    #[track_caller]
    fn good(self) -> String {
        assert_eq!(self.code, Some(0), "{self:?}");
        self.output
    }

    /// The one object that was printed.
    #[track_caller]
    fn object(self) -> Value {
        let output = self.good();
        assert_eq!(output.lines().count(), 1, "{output}");
        serde_json::from_str(&output).unwrap()
    }

    /// That the command was refused with that reason, and printed nothing.
    #[track_caller]
    fn refused(self, reason: &str) {
        assert!(self.code == Some(2) && self.log.contains(reason) && self.output.is_empty(), "{reason}: {self:?}");
    }
}

/// Runs a command with a text on its standard input.
fn run_with(app: &App, arguments: &[&str], settings: &[(&str, &str)], input: &str) -> Ran {
    let mut child = Command::new(env!("CARGO_BIN_EXE_docket"))
        .args(arguments)
        .env_clear()
        .envs([("BETTER_AUTH_SECRET", SECRET), ("DATABASE_URL", &app.database_url), ("PASSWORD_WAIT_MS", "10000")])
        .env("BETTER_AUTH_URL", &app.base)
        .envs(settings.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that is refused at once reads nothing.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    Ran {
        code: output.status.code(),
        output: String::from_utf8(output.stdout).unwrap(),
        log: String::from_utf8(output.stderr).unwrap(),
    }
}

fn run(app: &App, arguments: &[&str]) -> Ran {
    run_with(app, arguments, &[], "")
}

async fn sign_in(app: &App, email: &str, password: &str) -> Answer {
    app.auth("/sign-in/email", json!({ "email": email, "password": password })).await
}

/// Whether a session of that person is still there.
async fn has_session(app: &App, session: &str) -> bool {
    let answer = Answer::of(app.request("GET", "/api/auth/get-session").bearer_auth(session)).await;
    answer.expect(200) != Value::Null
}

async fn count(app: &App, table: &str) -> String {
    app.sql_text(&format!("select cast(count(*) as text) from {table}")).await
}

#[tokio::test]
async fn an_account_that_was_made_signs_in_by_the_password_that_was_typed_or_made() {
    let app = App::spawn().await;
    let typed = "a-password-that-was-typed";
    let create = ["user", "create", "Ann@Example.com", "--name", "Ann", "--verified", "--password-stdin"];
    let made = run_with(&app, &create, &[], &format!("{typed}\r\n"));
    assert!(!made.log.contains(typed) && !made.output.contains(typed), "{made:?}");
    assert!(made.good().starts_with("Made the account ann@example.com with the id "));
    let user = sign_in(&app, "ann@example.com", typed).await.expect(200)["user"].clone();
    assert_eq!([&user["name"], &user["emailVerified"]], [&json!("Ann"), &json!(true)]);

    let made = run(&app, &["user", "create", "bob@example.com", "--generate", "--json"]);
    let password = text(&serde_json::from_str::<Value>(&made.output).unwrap()["password"]);
    assert!(!made.log.contains(&password) && password.len() == 24, "{made:?}");
    let made = made.object();
    let user = sign_in(&app, "bob@example.com", &password).await.expect(200)["user"].clone();
    assert_eq!([&user["id"], &user["emailVerified"]], [&made["id"], &json!(false)]);
}

/// Runs a command whose output goes where nothing can be written: a full disk, or a pipe that nobody reads.
fn run_unread(app: &App, arguments: &[&str], is_pipe: bool) -> (Option<i32>, String) {
    let full = || fs::File::options().write(true).open("/dev/full").unwrap();
    let output = if is_pipe { Stdio::from(io::pipe().unwrap().1) } else { Stdio::from(full()) };
    let ran = Command::new(env!("CARGO_BIN_EXE_docket"))
        .args(arguments)
        .env_clear()
        .envs([("BETTER_AUTH_SECRET", SECRET), ("DATABASE_URL", &app.database_url), ("PASSWORD_WAIT_MS", "10000")])
        .stdout(output)
        .output()
        .unwrap();
    (ran.status.code(), String::from_utf8(ran.stderr).unwrap())
}

#[tokio::test]
async fn a_secret_that_could_not_be_printed_is_an_error_that_says_how_to_get_another() {
    let app = App::spawn().await;
    for (email, is_pipe) in [("ann@example.com", false), ("bob@example.com", true)] {
        let advice = |arguments: &[&str], done: &str| {
            let (code, said) = run_unread(&app, arguments, is_pipe);
            assert!(code == Some(2) && said.contains(done) && !said.contains(email), "{said}");
            let command = said.split_once("docket user ").unwrap().1.split_once(" makes another").unwrap().0.to_owned();
            command.split(' ').map(str::to_owned).collect::<Vec<_>>()
        };
        advice(&["user", "create", email, "--generate"], "the account is made");
        let again =
            advice(&["user", "set-password", email, "--generate", "--json"], "the account has another password");
        let again: Vec<&str> = ["user", "--json"].into_iter().chain(again.iter().map(String::as_str)).collect();
        let password = text(&run(&app, &again).object()["password"]);
        sign_in(&app, email, &password).await.expect(200);
        let (code, said) = run_unread(&app, &["user", "token", email], is_pipe);
        assert!(code == Some(2) && said.contains("the access token could not be printed"), "{said}");
        let (code, said) = run_unread(&app, &["demo", "--reset"], is_pipe);
        assert!(code == Some(2) && said.contains("docket demo --reset makes it anew"), "{said}");
    }
}

#[tokio::test]
async fn a_full_disk_behind_the_output_is_told_from_what_was_done() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    for (arguments, said) in [
        (["user", "verify", &*ann.id], "it is done, but standard output cannot be written"),
        (["keys", "rotate", "--json"], "it is done, but standard output cannot be written"),
        (["user", "show", &ann.id], "docket: standard output cannot be written"),
        (["user", "list", "--json"], "docket: standard output cannot be written"),
        (["adopt", "--apply", "--skip-invalid"], "nothing was taken over"),
    ] {
        let (code, log) = run_unread(&app, &arguments, false);
        assert!(code == Some(2) && log.contains(said) && log.contains("No space left"), "{arguments:?}: {log}");
        let (code, log) = run_unread(&app, &arguments, true);
        assert_eq!(code, Some(if arguments[0] == "adopt" { 2 } else { 0 }), "{arguments:?}: {log}");
    }
}

#[tokio::test]
async fn a_file_that_cannot_be_written_or_read_is_named() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name).display().to_string();
    let (pages, nowhere) = (file("pages"), file("nowhere/file.json"));
    fs::create_dir(&pages).unwrap();
    // As on a full disk.
    std::os::unix::fs::symlink("/dev/full", file("pages/docket.1")).unwrap();
    run(&app, &["man", &pages]).refused(&format!("{pages}: No space left"));
    run(&app, &["man", "/proc/pages"]).refused("/proc/pages: ");
    run(&app, &["user", "export", &ann.id, &nowhere]).refused(&format!("{nowhere} cannot be read or written"));
    run(&app, &["export", "--user", &ann.id, &nowhere]).refused(&format!("{nowhere} cannot be read or written"));
    run(&app, &["import", "--user", &ann.id, &nowhere]).refused(&format!("{nowhere} cannot be read or written"));
    run(&app, &["export", "--all", &nowhere]).refused(&format!("{nowhere} cannot be read or written"));
    run(&app, &["import", "--all", &nowhere]).refused(&format!("{nowhere} cannot be read or written"));
    if app.is_sqlite() {
        run(&app, &["backup", &nowhere]).refused(&format!("{nowhere} cannot be read or written"));
    }
}

#[tokio::test]
async fn an_export_that_failed_leaves_no_file() {
    let nowhere = [("DATABASE_URL", "sqlite:///nowhere/at/all/docket.db?mode=rw")];
    let app = App::unstarted().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("all.jsonl").display().to_string();
    let ran = run_with(&app, &["export", "--all", &file], &nowhere, "");
    assert!(ran.code == Some(2) && !fs::exists(&file).unwrap(), "{ran:?}");
}

#[tokio::test]
async fn an_account_is_made_by_the_rules_of_a_sign_up() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let create = |email: &str, input: &str, settings: &[(&str, &str)]| {
        run_with(&app, &["user", "create", email, "--password-stdin"], settings, input)
    };
    create(&ann.email, "long-enough-1", &[]).refused("User already exists");
    create("ann", "long-enough-1", &[]).refused("Invalid email");
    create("bob@example.com", "short", &[]).refused("Password too short");
    create("bob@example.com", &"long".repeat(40), &[]).refused("Password too long");
    create("bob@example.com", "password1", &[("PASSWORD_CHECK", "on")]).refused("password");
    create("bob@example.com", "", &[]).refused("has no password");
    create("bob@example.com", "one-password\ntwo-passwords\n", &[]).refused("more than one line");
    create("bob@example.com", &"long".repeat(2000), &[]).refused("longer than a password");
    run(&app, &["user", "create", "bob@example.com"]).refused("--password-stdin or --generate");
    for typed in [vec!["--password", "in-the-history"], vec!["--password=in-the-history"], vec!["-p", "in-the-history"]]
    {
        let ran = run(&app, &[&["user", "create", "bob@example.com"], &typed[..]].concat());
        assert!(!ran.log.contains("in-the-history") && !ran.log.contains("as a value"), "{ran:?}");
        ran.refused("--password-stdin, or make one with --generate");
    }
    let unknown = run(&app, &["user", "create", "bob@example.com", "--admin"]);
    assert!(!unknown.log.contains("tip:"), "{unknown:?}");
    unknown.refused("unexpected argument '--admin'");
    run(&app, &["user", "create", "bob@example.com", "--generate", "--name", "a\u{7}b"]).refused("--name");
    assert_eq!(count(&app, "\"user\"").await, "1");
}

#[tokio::test]
async fn a_password_that_was_set_is_the_only_one_and_ends_sessions() {
    let app = App::spawn().await;
    let (ann, bob) = (app.person("ann").await, app.person("bob").await);
    let set = |user: &str, settings: &[(&str, &str)]| {
        let arguments = ["user", "set-password", user, "--password-stdin", "--json"];
        run_with(&app, &arguments, settings, "another-password\n").object()
    };
    assert_eq!(set(&ann.email, &[])["sessionsEnded"], 1);
    assert!(!has_session(&app, &ann.session).await && has_session(&app, &bob.session).await);
    assert_eq!(sign_in(&app, &ann.email, PASSWORD).await.code(), "INVALID_EMAIL_OR_PASSWORD");
    sign_in(&app, &ann.email, "another-password").await.expect(200);
    // By id, and with the setting by which sessions go on.
    assert_eq!(set(&bob.id, &[("PASSWORD_RESET_SESSIONS", "keep")])["sessionsEnded"], 0);
    assert!(has_session(&app, &bob.session).await);
    // Somebody who has signed in elsewhere until now.
    app.sql("delete from account").await;
    set(&bob.email, &[]);
    sign_in(&app, &bob.email, "another-password").await.expect(200);
}

#[tokio::test]
async fn who_is_verified_or_signed_out_by_an_operator_is_so_at_a_running_server() {
    let app = App::spawn_with(&[("EMAIL_VERIFICATION", "on")]).await;
    run_with(&app, &["user", "create", "ann@example.com", "--password-stdin"], &[], PASSWORD).good();
    assert_eq!(sign_in(&app, "ann@example.com", PASSWORD).await.code(), "EMAIL_NOT_VERIFIED");
    assert_eq!(run(&app, &["user", "verify", "ann@example.com"]).good(), "ann@example.com is verified.\n");
    assert_eq!(run(&app, &["user", "verify", "ann@example.com"]).good(), "ann@example.com was verified already.\n");
    let sessions: Vec<String> = [
        sign_in(&app, "ann@example.com", PASSWORD).await.expect(200),
        sign_in(&app, "ann@example.com", PASSWORD).await.expect(200),
    ]
    .map(|it| text(&it["token"]))
    .to_vec();
    assert!(has_session(&app, &sessions[0]).await && has_session(&app, &sessions[1]).await);
    assert_eq!(run(&app, &["user", "sign-out", "ann@example.com", "--json"]).object()["sessionsEnded"], 2);
    assert!(!has_session(&app, &sessions[0]).await && !has_session(&app, &sessions[1]).await);
}

#[tokio::test]
async fn of_an_account_that_an_operator_deletes_nothing_is_left() {
    let app = App::spawn().await;
    let (ann, bob) = (app.person("ann").await, app.person("bob").await);
    for person in [&ann, &bob] {
        app.rest_task(person, json!({ "title": "water the plants" })).await;
        let list = "mutation { createTaskList(input: { name: \"Haus\" }) { taskList { id } } }";
        app.graphql(person, list, json!({})).await.data();
    }
    run(&app, &["user", "delete", &ann.email]).refused("--yes");
    assert_eq!(count(&app, "tasks").await, "2");
    let said = run(&app, &["user", "delete", &ann.email, "--yes"]).good();
    assert_eq!(said, "ann@example.com is deleted, with 1 task, 1 list and 0 labels.\n");
    for table in ["tasks", "lists", "user_revisions", "\"user\"", "account", "session"] {
        assert_eq!(count(&app, table).await, "1", "{table}");
    }
    assert!(!has_session(&app, &ann.session).await && has_session(&app, &bob.session).await);
    // The token was not shown yet; one that was is refused half a minute later.
    let other = app.beside(&[]).await;
    assert_eq!(other.rest(&ann, "GET", "", None).await.status, 401);
    assert_eq!(other.rest(&bob, "GET", "", None).await.status, 200);
    run(&app, &["user", "delete", &ann.email, "--yes"]).refused("no user has that");
}

/// Runs a command at a terminal of its own, where that is typed.
fn at_terminal(app: &App, command: &str, typed: &str) -> (bool, String) {
    let docket = env!("CARGO_BIN_EXE_docket");
    let mut child = Command::new("script")
        .args(["--quiet", "--return", "--command", &format!("{docket} {command}"), "/dev/null"])
        .envs([("BETTER_AUTH_SECRET", SECRET), ("DATABASE_URL", &app.database_url), ("RUST_LOG", "error")])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.as_mut().unwrap().write_all(typed.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    (output.status.success(), String::from_utf8(output.stdout).unwrap())
}

#[tokio::test]
async fn output_that_nobody_reads_is_no_fault() {
    let app = App::spawn().await;
    for command in ["openapi", "schema", "settings", "doctor", "stats", "completions bash"] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_docket"))
            .args(command.split(' '))
            .envs([("BETTER_AUTH_SECRET", SECRET), ("DATABASE_URL", &app.database_url), ("RUST_LOG", "error")])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

#[tokio::test]
async fn at_a_terminal_one_is_asked() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let command = format!("user delete {}", ann.id);
    let (is_done, said) = at_terminal(&app, &command, "yes\n");
    assert!(
        !is_done && said.contains("Type ann@example.com to go on") && said.contains("nothing was deleted"),
        "{said}"
    );
    let (is_done, said) = at_terminal(&app, &command, "ann@example.com\n");
    assert!(is_done && said.contains("is deleted"), "{said}");
}

/// Reads until that text.
fn read_until(from: &mut impl Read, text: &str) -> String {
    let mut said = Vec::new();
    let mut byte = [0];
    while !String::from_utf8_lossy(&said).contains(text) {
        assert!(from.read(&mut byte).unwrap() == 1, "{text}: {}", String::from_utf8_lossy(&said));
        said.push(byte[0]);
    }
    String::from_utf8(said).unwrap()
}

/// Waits until the terminal shows nothing of what is typed.
fn wait_until_hidden(terminal: &str) {
    loop {
        let state = Command::new("stty").args(["-F", terminal, "-a"]).output().unwrap();
        if String::from_utf8(state.stdout).unwrap().contains(" -echo ") {
            return;
        }
    }
}

#[tokio::test]
async fn at_a_terminal_a_password_is_typed_twice_and_not_shown() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let docket = env!("CARGO_BIN_EXE_docket");
    for (second, is_set) in [("typed-otherwise-1", false), ("typed-at-a-terminal", true)] {
        let mut child = Command::new("script")
            .args(["--quiet", "--return", "--command", &format!("tty; {docket} user set-password {}", ann.email)])
            .arg("/dev/null")
            .envs([("BETTER_AUTH_SECRET", SECRET), ("DATABASE_URL", &app.database_url), ("RUST_LOG", "error")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (mut keys, mut screen) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let terminal = read_until(&mut screen, "\n").trim().to_owned();
        let mut said = String::new();
        for (prompt, typed) in [("Password: ", "typed-at-a-terminal"), ("The same again: ", second)] {
            said += &read_until(&mut screen, prompt);
            wait_until_hidden(&terminal);
            keys.write_all(format!("{typed}\n").as_bytes()).unwrap();
        }
        screen.read_to_string(&mut said).unwrap();
        assert!(child.wait().unwrap().success() == is_set && !said.contains("typed-"), "{said}");
        let answer = sign_in(&app, &ann.email, "typed-at-a-terminal").await;
        assert_eq!(answer.status == 200, is_set, "{answer:?}");
    }
}

#[tokio::test]
async fn a_token_of_an_operator_is_one_of_the_user() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    app.rest_task(&ann, json!({ "title": "water the plants" })).await;
    let issued = run(&app, &["user", "token", &ann.email, "--json"]).object();
    let end: DateTime<Utc> = issued["expiresAt"].as_str().unwrap().parse().unwrap();
    assert!(end - Utc::now() <= TimeDelta::minutes(15), "{issued}");
    let alone = run(&app, &["user", "token", &ann.id]);
    assert!(!alone.log.contains(alone.output.trim()), "{alone:?}");
    for token in [text(&issued["token"]), alone.good().trim().to_owned()] {
        let person = Person { token, ..ann.clone() };
        let titles = app.graphql(&person, "{ me { id } tasks { nodes { title } } }", json!({})).await.data();
        assert_eq!(
            [&titles["me"]["id"], &titles["tasks"]["nodes"][0]["title"]],
            [&json!(ann.id), &json!("water the plants")]
        );
    }
}

#[tokio::test]
async fn all_accounts_are_listed_once_however_many_there_are() {
    let app = App::spawn().await;
    app.person("zoe").await;
    let rows: Vec<String> = (0..1100)
        .map(|it| format!("('u{it}', 'Name {it}', 'u_{it}@example.com', {}, '2026-01-01T00:00:00.000Z', '2026-01-01T00:00:00.000Z')", it % 2 == 0))
        .collect();
    let columns = "id, name, email, \"emailVerified\", \"createdAt\", \"updatedAt\"";
    app.sql(&format!("insert into \"user\" ({columns}) values {}", rows.join(", "))).await;
    let listed = |arguments: &[&str]| -> Vec<Value> {
        let output = run(&app, &[&["user", "list", "--json"], arguments].concat()).good();
        output.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let all = listed(&[]);
    let mut emails: Vec<String> = all.iter().map(|it| text(&it["email"])).collect();
    assert_eq!(emails.len(), 1101);
    let middle = emails[600].clone();
    assert_eq!(listed(&["--after", &middle.to_uppercase(), "--limit", "2"]), all[601..603]);
    emails.sort();
    emails.dedup();
    assert_eq!(emails.len(), 1101);
    // What stands for others in LIKE stands for itself.
    assert_eq!(listed(&["--email", "_1000@"]).len(), 1);
    assert_eq!(listed(&["--email", "%"]).len(), 0);
    let zoe = listed(&["--email", "ZOE"]);
    assert_eq!([&zoe[0]["sessions"], &zoe[0]["emailVerified"]], [&json!(1), &json!(false)]);
    let table = run(&app, &["user", "list", "--limit", "3"]).good();
    assert!(table.lines().count() == 4 && table.contains("u_0@example.com  Name 0"), "{table}");
}

#[tokio::test]
async fn names_say_nothing_to_a_terminal() {
    let app = App::spawn().await;
    app.person("ann").await;
    app.sql("update \"user\" set name = 'a\u{1b}[31mb'").await;
    for arguments in [vec!["user", "list"], vec!["user", "show", "ann@example.com"]] {
        let output = run(&app, &arguments).good();
        assert!(!output.contains('\u{1b}') && output.contains("[31mb"), "{output:?}");
    }
}

#[tokio::test]
async fn what_is_shown_of_a_user_is_what_there_is() {
    let app = App::spawn().await;
    let (ann, bob) = (app.person("ann").await, app.person("bob").await);
    app.rest_task(&bob, json!({ "title": "another's" })).await;
    for completed in [true, false, false] {
        app.rest_task(&ann, json!({ "title": "water the plants", "completed": completed })).await;
    }
    let last = app.rest_task(&ann, json!({ "title": "deleted" })).await["id"].clone();
    app.rest(&ann, "DELETE", &format!("/{last}"), None).await;
    let settings = [("RATE_LIMIT", "on"), ("DOCKET_REQUEST_LIMITS", "user=77")];
    let shown = run_with(&app, &["user", "show", &ann.id, "--json"], &settings, "").object();
    for (name, value) in [
        ("id", json!(ann.id)),
        ("email", json!(ann.email)),
        ("providers", json!(["credential"])),
        ("sessions", json!(1)),
        ("openTasks", json!(2)),
        ("completedTasks", json!(1)),
        ("deletedTasks", json!(1)),
        ("lists", json!(0)),
        ("quota", json!(77)),
    ] {
        assert_eq!(shown[name], value, "{name} of {shown}");
    }
    let shown = run(&app, &["user", "show", &ann.email]).good();
    assert!(shown.contains("tasks       2 open, 1 completed, 1 deleted"), "{shown}");
}

#[tokio::test]
async fn of_a_user_whose_account_is_elsewhere_data_are_shown_and_deleted() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    app.rest_task(&ann, json!({ "title": "water the plants" })).await;
    app.sql("delete from session; delete from account; delete from \"user\"").await;
    let shown = run(&app, &["user", "show", &ann.id, "--json"]).object();
    assert_eq!([&shown["email"], &shown["openTasks"]], [&Value::Null, &json!(1)]);
    for arguments in [["verify", &ann.id], ["sign-out", &ann.id], ["token", &ann.id]] {
        run(&app, &["user", arguments[0], arguments[1]]).refused("is elsewhere");
    }
    run(&app, &["user", "delete", &ann.id, "--yes"]).good();
    assert_eq!(count(&app, "tasks").await, "0");
}

#[tokio::test]
async fn a_rotated_key_signs_an_hour_later_and_the_old_one_still_verifies() {
    let mut app = App::spawn().await;
    let ann = app.person("ann").await;
    let key_of = |token: &str| {
        let header = jsonwebtoken::decode_header(token).unwrap();
        header.kid.unwrap()
    };
    let first = key_of(&ann.token);
    let states = |app: &App| -> Vec<(String, String)> {
        let output = run(app, &["keys", "list", "--json"]).good();
        let keys = output.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        keys.map(|it| (text(&it["id"]), text(&it["state"]))).collect()
    };
    assert_eq!(states(&app), [(first.clone(), "signs".to_owned())]);
    let second = text(&run(&app, &["keys", "rotate", "--json"]).object()["id"]);
    let both = |one: &str, other: &str| [(second.clone(), one.to_owned()), (first.clone(), other.to_owned())];
    assert_eq!(states(&app), both("next", "signs"));
    app.restart(&[]).await;
    let token = async |app: &App| {
        let answer = Answer::of(app.request("GET", "/api/auth/token").bearer_auth(&ann.session)).await;
        text(&answer.expect(200)["token"])
    };
    let published = Answer::of(app.request("GET", "/api/auth/jwks")).await.expect(200);
    assert_eq!(published["keys"].as_array().unwrap().len(), 2, "{published}");
    assert_eq!(key_of(&token(&app).await), first);

    // An hour passes.
    let (created, end) = (Utc::now() - TimeDelta::minutes(61), Utc::now() - TimeDelta::minutes(1));
    let written = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Millis, true);
    app.sql(&format!("update jwks set \"createdAt\" = '{}' where id = '{second}'", written(created))).await;
    app.sql(&format!(
        "update jwks set \"createdAt\" = '2026-01-01T00:00:00.000Z', \"expiresAt\" = '{}' where id = '{first}'",
        written(end)
    ))
    .await;
    assert_eq!(states(&app), both("signs", "verifies"));
    app.restart(&[]).await;
    assert_eq!(key_of(&token(&app).await), second);
    assert_eq!(app.rest(&ann, "GET", "", None).await.status, 200, "a token of the old key still holds");
    let published = Answer::of(app.request("GET", "/api/auth/jwks")).await.expect(200);
    assert_eq!(published["keys"].as_array().unwrap().len(), 2, "{published}");

    let third = run(&app, &["keys", "rotate", "--remove-others", "--json"]).object();
    let mut removed: Vec<String> = third["removed"].as_array().unwrap().iter().map(text).collect();
    removed.sort();
    let mut others = vec![first.clone(), second.clone()];
    others.sort();
    assert_eq!(removed, others);
    app.restart(&[]).await;
    assert_eq!(app.rest(&ann, "GET", "", None).await.status, 401);
    assert_eq!(key_of(&token(&app).await), text(&third["id"]));
    run_with(&app, &["keys", "rotate"], &[("JWT_ALG", "HS256")], "").refused("JWT_ALG is HS256");
}

#[tokio::test]
async fn the_figures_are_those_of_the_database() {
    let app = App::spawn().await;
    let (ann, bob) = (app.person("ann").await, app.person("bob").await);
    for person in [&ann, &bob, &bob] {
        app.rest_task(person, json!({ "title": "water the plants" })).await;
    }
    app.rest_task(&bob, json!({ "title": "done", "completed": true })).await;
    let last = app.rest_task(&bob, json!({ "title": "deleted" })).await["id"].clone();
    app.rest(&bob, "DELETE", &format!("/{last}"), None).await;
    let figures = run(&app, &["stats", "--json"]).object();
    for (name, value) in [
        ("users", 2),
        ("verifiedUsers", 0),
        ("usersWithData", 2),
        ("sessions", 2),
        ("tasks", 5),
        ("openTasks", 3),
        ("completedTasks", 1),
        ("deletedTasks", 1),
        ("lists", 0),
    ] {
        assert_eq!(figures[name], value, "{name} of {figures}");
    }
    assert!(figures["bytes"].as_i64().unwrap() > 10_000 && figures["oldestDeletion"].is_string(), "{figures}");
    let said = run(&app, &["stats"]).good();
    assert!(said.contains("users       2, of whom 0") && said.contains("deleted   1, the oldest since 20"), "{said}");
}

#[tokio::test]
async fn a_table_that_cannot_be_counted_in_time_is_estimated() {
    let app = App::spawn().await;
    if app.is_sqlite() {
        return;
    }
    let ann = app.person("ann").await;
    app.rest_task(&ann, json!({ "title": "water the plants" })).await;
    app.sql("analyze tasks").await;
    let mut holder = <sqlx::PgConnection as sqlx::Connection>::connect(&app.database_url).await.unwrap();
    sqlx::Executor::execute(&mut holder, "begin; lock table tasks in access exclusive mode").await.unwrap();
    let figures = run(&app, &["stats", "--json"]).object();
    assert_eq!([&figures["tasks"], &figures["openTasks"]], [&json!(1), &Value::Null], "{figures}");
    assert_eq!(figures["estimated"], json!(["tasks"]));
}

#[tokio::test]
async fn each_command_leaves_an_event_without_a_name_or_a_secret() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name).display().to_string();
    let (one, all) = (file("ann.json"), file("all.jsonl"));
    let password = "a-password-of-an-operator";
    for (arguments, event, subject) in [
        (vec!["user", "create", "bob@example.com", "--password-stdin"], "account_created", ""),
        (vec!["user", "list"], "account_read", "all"),
        (vec!["user", "show", &ann.id], "account_read", &*ann.id),
        (vec!["user", "set-password", &ann.id, "--password-stdin"], "password_set", &ann.id),
        (vec!["user", "verify", &ann.id], "email_verified", &ann.id),
        (vec!["user", "sign-out", &ann.id], "session_revoked", &ann.id),
        (vec!["user", "token", &ann.id], "token_issued", &ann.id),
        (vec!["user", "export", &ann.id, &one], "data_exported", &ann.id),
        (vec!["import", "--user", &ann.id, &one], "data_imported", &ann.id),
        (vec!["export", "--all", &all], "data_exported", "all"),
        (vec!["keys", "rotate"], "key_created", ""),
        (vec!["user", "delete", &ann.id, "--yes"], "account_deleted", &ann.id),
    ] {
        let ran = run_with(&app, &arguments, &[("DOCKET_ENV", "staging")], password);
        assert_eq!(ran.code, Some(0), "{ran:?}");
        let lines = ran.log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let events: Vec<Value> = lines.filter(|it| it["target"] == "security").collect();
        assert_eq!(events.len(), 1, "{arguments:?}: {ran:?}");
        let fields = &events[0]["fields"];
        assert_eq!([&fields["event"], &fields["address"]], [event, "operator"], "{events:?}");
        assert!(subject.is_empty() || fields["subject"] == subject, "{events:?}");
        for secret in [password, "@example.com", "eyJ", SECRET] {
            assert!(!ran.log.contains(secret), "{secret}: {ran:?}");
        }
    }
}

#[tokio::test]
async fn the_key_that_a_token_of_an_operator_needs_is_the_operators_too() {
    let app = App::spawn().await;
    run_with(&app, &["user", "create", "ann@example.com", "--password-stdin"], &[], PASSWORD).good();
    let ran = run_with(&app, &["user", "token", "ann@example.com"], &[("DOCKET_ENV", "staging")], "");
    let lines = ran.log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let events: Vec<Value> = lines.filter(|it| it["target"] == "security").map(|it| it["fields"].clone()).collect();
    let named: Vec<_> = events.iter().map(|it| [&it["event"], &it["address"]]).collect();
    assert_eq!(named, [["key_created", "operator"], ["token_issued", "operator"]], "{ran:?}");
}

#[test]
fn the_events_that_are_documented_are_those_that_there_are() {
    let document = include_str!("../../docs/contracts/reliability.md");
    let section = document.split("## Security events").nth(1).unwrap();
    let named: Vec<&str> = section.split('`').skip(1).step_by(2).filter(|it| it.contains('_')).collect();
    for event in SecurityEvent::ALL {
        assert!(named.contains(&event.name()), "{event:?} is not documented");
    }
}

#[tokio::test]
async fn commands_of_operators_make_and_migrate_nothing() {
    let app = App::spawn().await;
    for arguments in [vec!["user", "show", "nobody@example.com"], vec!["user", "verify", "nobody"]] {
        run(&app, &arguments).refused("no user has that e-mail address or id");
    }
    // As before the last migration.
    let app = App::unstarted().await;
    let connection = Database::connect(&app.database_url).await.unwrap();
    Migrator::up(&connection, u32::try_from(Migrator::migrations().len()).ok().map(|it| it - 1)).await.unwrap();
    connection.close().await.unwrap();
    let applied = count(&app, "seaql_migrations").await;
    for arguments in [vec!["user", "list"], vec!["keys", "rotate"], vec!["stats"]] {
        run(&app, &arguments).refused("the schema is older than this Docket");
    }
    assert_eq!(count(&app, "seaql_migrations").await, applied);
    let empty = App::unstarted().await;
    run(&empty, &["user", "list"]).refused(if empty.is_sqlite() { "is not there or empty" } else { "is older than" });
    if let Some(file) = empty.database_url.strip_prefix("sqlite://").and_then(|it| it.strip_suffix("?mode=rwc")) {
        assert!(!std::path::Path::new(file).exists());
    }
}

#[test]
fn help_lists_the_settings_which_are_explained_even_if_they_are_wrong() {
    let docket = |arguments: &[&str]| {
        let mut docket = Command::new(env!("CARGO_BIN_EXE_docket"));
        let output = docket.args(arguments).env_clear().env("PORT", "eighty").output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let (long, short, all) = (docket(&["--help"]), docket(&["-h"]), docket(&["settings"]));
    for setting in reference::groups().iter().flat_map(|it| it.settings) {
        assert!(long.contains(&format!("\n  {} ", setting.name)), "{} is not in {long}", setting.name);
        assert!(all.contains(&format!("\n{}", setting.name)), "{} is not in {all}", setting.name);
    }
    assert!(!short.contains("SMTP_URL") && short.contains("docket settings"), "{short}");
    assert!(!all.contains("](") && !all.contains('`') && all.lines().all(|line| line.chars().count() <= 100), "{all}");
}

#[test]
fn shells_and_man_know_every_command() {
    let folder = tempfile::tempdir().unwrap();
    let docket = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_docket")).args(arguments).env_clear().output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        assert!(docket(&["completions", shell]).contains("set-password"), "{shell}");
    }
    let script = folder.path().join("docket.bash");
    fs::write(&script, docket(&["completions", "bash"])).unwrap();
    assert!(Command::new("bash").arg("-n").arg(&script).status().unwrap().success());
    docket(&["man", folder.path().to_str().unwrap()]);
    let page = fs::read_to_string(folder.path().join("docket-user-set-password.1")).unwrap();
    assert!(page.starts_with(".ie") && page.contains("password\\-stdin"), "{page}");
}
