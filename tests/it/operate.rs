//! What operators do: back up, restore, look for what is wrong, start twice.

use std::{
    fs,
    io::{self, BufRead},
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Stdio},
};

use serde_json::json;

use crate::support::{App, Process, SECRET, at_once, command, free_port};

/// The file of the app's database, if it is SQLite's.
fn file(app: &App) -> Option<&str> {
    app.database_url.strip_prefix("sqlite://")?.strip_suffix("?mode=rwc")
}

#[tokio::test]
async fn a_backup_is_one_moment_of_a_database_in_use_and_comes_back_whole() {
    let mut app = App::spawn().await;
    let ann = app.person("ann").await;
    let folder = tempfile::tempdir().unwrap();
    let backup = folder.path().join("backup.db").display().to_string();
    let url = app.database_url.clone();
    let Some(place) = file(&app).map(str::to_owned) else {
        let (code, said) = command(&url, &["backup", &backup], &[]);
        assert!(code == Some(2) && said.contains("pg_dump"), "{said}");
        return;
    };
    app.rest_task(&ann, json!({ "title": "before" })).await;
    let (copied, _) = tokio::join!(
        tokio::task::spawn_blocking({
            let (url, backup) = (url.clone(), backup.clone());
            move || command(&url, &["backup", &backup], &[])
        }),
        at_once(50, async |number| app.rest_task(&ann, json!({ "title": number.to_string() })).await)
    );
    assert_eq!(copied.unwrap().0, Some(0));
    let (code, said) = command(&url, &["backup", &backup], &[]);
    assert!(code == Some(2) && said.contains("is there already"), "{said}");
    let (code, said) = command(&url, &["restore", &backup], &[]);
    assert!(code == Some(2) && said.contains("is in use"), "{said}");
    let after = app.rest_task(&ann, json!({ "title": "after" })).await;
    let token = app.token_at(&ann, 1).await;
    app.stop().await;

    let (code, said) = command(&url, &["restore", &backup], &[]);
    assert!(code == Some(0) && said.contains("before-restore-"), "{said}");
    app.restart_stopped().await;
    let titles = app.rest(&ann, "GET", "", None).await.text;
    assert!(titles.contains("\"before\"") && !titles.contains("\"after\""), "{titles}");
    assert_eq!(app.rest(&ann, "GET", &format!("/{}", after["id"]), None).await.status, 404);
    // The revision is one that the restored database has too.
    let feed = "query($after: String) { changes(after: $after) { syncToken } }";
    assert_eq!(app.graphql(&ann, feed, json!({ "after": token })).await.code(), "RESYNC_REQUIRED");
    let kept = fs::read_dir(Path::new(&place).parent().unwrap()).unwrap();
    assert!(
        kept.filter(|it| it.as_ref().unwrap().file_name().to_string_lossy().contains("before-restore")).count() == 1
    );
}

#[tokio::test]
async fn what_is_no_backup_replaces_nothing() {
    let mut app = App::spawn().await;
    app.stop().await;
    let url = app.database_url.clone();
    let Some(place) = file(&app) else { return };
    let before = fs::read(place).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let named = |name: &str| folder.path().join(name).display().to_string();
    fs::write(named("text"), "no database at all, although it is longer than a header of SQLite's ".repeat(40))
        .unwrap();
    app.sql(&format!("vacuum into '{}'", named("newer"))).await;
    app.sql(&format!("vacuum into '{}'", named("damaged"))).await;
    app.sql(&format!("attach '{}' as newer; insert into newer.seaql_migrations values ('m3000', 0)", named("newer")))
        .await;
    app.sql(&format!("attach '{}' as other; create table other.t (a)", named("other"))).await;
    let mut damaged = fs::read(named("damaged")).unwrap();
    let middle = damaged.len() / 2;
    damaged[middle..middle + 8192].fill(0x5a);
    fs::write(named("damaged"), damaged).unwrap();
    for (name, reason) in [
        ("absent", "is not there"),
        ("text", "no SQLite database"),
        ("newer", "newer Docket"),
        ("other", "no database of Docket"),
        ("damaged", "cannot be restored"),
    ] {
        let (code, said) = command(&url, &["restore", &named(name)], &[]);
        assert!(code == Some(2) && said.contains(reason), "{name}: {said}");
    }
    assert!(fs::read(place).unwrap() == before, "the database was touched");
}

#[tokio::test]
async fn the_doctor_says_what_is_well_and_what_to_mend() {
    let app = App::spawn().await;
    app.person("ann").await;
    let (code, said) = command(&app.database_url, &["doctor"], &[]);
    assert_eq!(code, Some(0), "{said}");
    for what in [
        "configuration",
        "database",
        "migrations    all applied",
        "clock",
        "1 of 1 can sign",
        "mail",
        "origins",
        "REST          the usual",
    ] {
        assert!(said.contains(what), "{what}: {said}");
    }
    let (_, said) = command(&app.database_url, &["doctor"], &[("DOCKET_LEGACY", "nextjs"), ("REST_CASE", "camel")]);
    let shapes =
        "REST          for front-ends of the kind nextjs: REST_CASE=camel, REST_STATUS=on, REST_UNKNOWN_FIELDS=keep";
    assert!(said.contains(shapes), "{said}");
    let other = "another-secret-of-tests-9876543210-ZYXWVUTSRQ";
    let weak = [
        ("BETTER_AUTH_SECRET", other),
        ("DOCKET_ENV", "production"),
        ("SMTP_URL", "smtp://mailer:hunter2@127.0.0.1:1"),
    ];
    app.sql("insert into seaql_migrations (version, applied_at) values ('m2999_future', 0)").await;
    let (code, said) = command(&app.database_url, &["doctor"], &weak);
    assert_eq!(code, Some(2), "{said}");
    for advice in ["BETTER_AUTH_URL: set it", "newer Docket (m2999_future)", "the server of SMTP_URL cannot be used"] {
        assert!(said.contains(advice), "{advice}: {said}");
    }
    for secret in [other, SECRET, "hunter2"] {
        assert!(!said.contains(secret), "{said}");
    }
    app.sql("delete from seaql_migrations where version = 'm2999_future'").await;
    let (_, said) = command(&app.database_url, &["doctor"], &weak);
    assert!(said.contains("none can be opened"), "{said}");
}

#[test]
fn the_doctor_closes_files_that_others_may_read_if_it_is_told_to() {
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| {
        let mut docket = Command::new(env!("CARGO_BIN_EXE_docket"));
        let output = docket.args(arguments).env_clear().current_dir(folder.path()).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    run(&["demo"]);
    fs::copy(folder.path().join("docket.db"), folder.path().join("docket.db.before-restore-1")).unwrap();
    fs::write(folder.path().join("docket.db-notes"), "somebody else's").unwrap();
    let files = ["docket.db", "docket.db.before-restore-1", ".docket-secret", "docket.db-notes"];
    let set = |mode: u32| {
        for name in files {
            fs::set_permissions(folder.path().join(name), fs::Permissions::from_mode(mode)).unwrap();
        }
    };
    let modes = || files.map(|name| fs::metadata(folder.path().join(name)).unwrap().permissions().mode() & 0o777);
    set(0o644);
    let said = run(&["doctor"]);
    assert_eq!(said.matches("look  files").count(), 3, "{said}");
    assert_eq!(modes(), [0o644; 4], "the doctor was not told to");
    let said = run(&["doctor", "--fix"]);
    assert_eq!((said.matches("done  files").count(), said.matches("look  files").count()), (3, 0), "{said}");
    assert_eq!(modes(), [0o600, 0o600, 0o600, 0o644]);
    assert!(!run(&["doctor", "--fix"]).contains("done"));
}

#[tokio::test]
async fn that_no_mail_is_sent_is_said_at_the_start_and_by_the_doctor() {
    let mut app = App::spawn().await;
    app.stop().await;
    let said = "SMTP_URL is not set: who has forgotten a password gets no link";
    let mail = ("SMTP_URL", "smtps://user:hunter2@127.0.0.1:1");
    let production = [("DOCKET_ENV", "production"), ("DOCKET_DRAIN_SECONDS", "0"), ("RUST_LOG", "warn")];
    for (settings, is_said) in
        [(production.to_vec(), true), ([&production[..], &[mail]].concat(), false), (vec![], false)]
    {
        let (_, doctor) = command(&app.database_url, &["doctor"], &settings);
        assert_eq!(doctor.contains(said), is_said, "{doctor}");
        let log = tempfile::NamedTempFile::new().unwrap();
        let settings = [&settings[..], &[("RUST_LOG", "warn")]].concat();
        Process::start_with(&app.database_url, &settings, log.reopen().unwrap()).await.stop().await;
        let log = fs::read_to_string(log.path()).unwrap();
        assert_eq!(log.contains(said), is_said, "{log}");
    }
}

#[tokio::test]
async fn a_doctor_of_nothing_makes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("docket.db");
    let (code, said) = command(&format!("sqlite://{}?mode=rwc", place.display()), &["doctor"], &[]);
    assert!(code == Some(0) && said.contains("is not there yet") && !place.exists(), "{said}");
    let (code, said) = command("postgres://docket:hunter2@127.0.0.1:1/none", &["doctor"], &[]);
    assert!(code == Some(2) && said.contains("is the server there") && !said.contains("hunter2"), "{said}");
}

/// What `.cargo/config.toml` asks for, which a build from elsewhere would not hear of.
#[tokio::test]
async fn sqlite_is_built_as_it_was_measured() {
    let app = App::spawn().await;
    if file(&app).is_none() {
        return;
    }
    let options = app.sql_text("select group_concat(compile_options) from pragma_compile_options").await;
    assert!(options.contains("DEFAULT_MEMSTATUS=0"), "{options}");
}

#[test]
fn the_secret_of_development_is_made_by_what_needs_it_and_stays() {
    let folder = tempfile::tempdir().unwrap();
    let run = |command: &str| {
        let mut docket = Command::new(env!("CARGO_BIN_EXE_docket"));
        docket.arg(command).env_clear().current_dir(folder.path()).output().unwrap()
    };
    let secrets = || -> Vec<_> {
        let entries = fs::read_dir(folder.path()).unwrap().map(|it| it.unwrap());
        entries.filter(|it| it.file_name().to_string_lossy().starts_with(".docket-secret")).collect()
    };
    assert!(run("doctor").status.success());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "the doctor changes nothing");
    assert!(run("demo").status.success());
    let file = folder.path().join(".docket-secret");
    let (secret, mode) = (fs::read(&file).unwrap(), fs::metadata(&file).unwrap().permissions().mode());
    assert_eq!((secret.len(), mode & 0o777, secrets().len()), (48, 0o600, 1));
    assert!(!run("demo").status.success(), "the account is there already");
    assert_eq!((fs::read(&file).unwrap(), secrets().len()), (secret, 1));
}

#[test]
fn the_command_line_chooses_port_and_database_and_says_why_it_cannot_listen() {
    let folder = tempfile::tempdir().unwrap();
    let docket = |arguments: &[&str]| {
        let mut docket = Command::new(env!("CARGO_BIN_EXE_docket"));
        docket.args(arguments).env_clear().envs([("DATABASE_URL_FILE", "/nowhere"), ("PORT", "x"), ("HOST", "x")]);
        docket.current_dir(folder.path()).stdout(Stdio::piped()).stderr(Stdio::piped());
        docket
    };
    let chosen = ["--database", "sqlite://chosen.db?mode=rwc", "--host", "127.0.0.1", "--port", "0"];
    let mut server = docket(&[&["serve"], &chosen[..]].concat()).spawn().unwrap();
    let mut lines = io::BufReader::new(server.stdout.take().unwrap()).lines();
    let home = lines.find_map(|it| Some(it.unwrap().split_once("home ")?.1.trim().to_owned())).unwrap();
    let port = home.trim_end_matches('/').rsplit(':').next().unwrap().to_owned();
    assert!(folder.path().join("chosen.db").exists() && !folder.path().join("docket.db").exists());
    let healthy = docket(&[&["health"], &chosen[..4], &["--port", &port]].concat()).output().unwrap();
    assert!(healthy.status.success(), "{healthy:?}");
    let other = ["--database", "sqlite://other.db?mode=rwc", "--host", "127.0.0.1", "--port"];
    let refused = docket(&[&other[..], &[&port]].concat()).output().unwrap();
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && said.contains("another program has that port") && said.contains("--port"));
    let elsewhere =
        docket(&["--database", "sqlite://other.db", "--host", "192.0.2.1", "--port", "0"]).output().unwrap();
    let said = String::from_utf8_lossy(&elsewhere.stderr).into_owned();
    assert!(said.contains("HOST is no address of this machine"), "{said}");
    server.kill().unwrap();
    server.wait().unwrap();
    fs::write(folder.path().join("settings"), "PORT=x\n").unwrap();
    for (file, mistake) in [("settings", "PORT: must be a port"), ("nothing", "nothing: cannot be read")] {
        let mut docket = docket(&["--env-file", file]);
        let refused = docket.env_remove("PORT").env_remove("HOST").output().unwrap();
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(!refused.status.success() && said.contains(mistake), "{said}");
    }
}

#[test]
fn the_demo_account_is_made_anew_on_request_and_in_production_by_force_only() {
    let folder = tempfile::tempdir().unwrap();
    let demo = |arguments: &[&str], environment: &str| {
        let mut docket = Command::new(env!("CARGO_BIN_EXE_docket"));
        docket.arg("demo").args(arguments).env_clear().current_dir(folder.path());
        docket.envs([("DOCKET_ENV", environment), ("BETTER_AUTH_SECRET", SECRET), ("PORT", "8123")]);
        let output = docket.env("DATABASE_URL", "sqlite://demo.db?mode=rwc").output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.success(), text(&output.stdout), text(&output.stderr))
    };
    let (is_done, said, _) = demo(&[], "development");
    let lines: Vec<_> = said.lines().map(str::trim).collect();
    assert!(is_done && lines[1].starts_with("at        http://localhost:8123/"), "{said}");
    assert!(lines[2] == "e-mail    demo@docket.example" && lines[3].starts_with("password  demo-"), "{said}");
    let (is_done, _, complaint) = demo(&[], "development");
    assert!(!is_done && complaint.contains("--reset"), "{complaint}");
    let (is_done, again, log) = demo(&["--reset"], "development");
    let password = |said: &str| said.lines().last().unwrap().to_owned();
    assert!(is_done && password(&again) != password(&said), "{again}{log}");
    assert!(!log.contains(password(&again).split_whitespace().last().unwrap()), "{log}");
    let (is_done, _, complaint) = demo(&["--reset"], "production");
    assert!(!is_done && complaint.contains("--force"), "{complaint}");
    assert!(demo(&["--reset", "--force"], "production").0);
}

#[test]
fn what_is_printed_has_one_host_and_no_page_that_is_off() {
    let folder = tempfile::tempdir().unwrap();
    let off = [("DOCKET_APP", "off"), ("DOCKET_PLAYGROUND", "off"), ("DOCKET_DOCS", "off")];
    let port = free_port().to_string();
    let local = |host: &str| format!("http://{host}:{port}");
    for (settings, host, address) in [
        (vec![], None, local("localhost")),
        (off[..2].to_vec(), None, local("localhost")),
        (off.to_vec(), None, local("localhost")),
        (vec![], Some(local("127.0.0.1")), local("127.0.0.1")),
        (vec![], Some(local("localhost")), local("localhost")),
    ] {
        let docket = |arguments: &[&str]| {
            let mut docket = Command::new(env!("CARGO_BIN_EXE_docket"));
            docket.args(arguments).env_clear().envs(settings.iter().copied()).current_dir(folder.path());
            docket.env("PORT", &port).envs(host.iter().map(|it| ("BETTER_AUTH_URL", it)));
            docket.stdout(Stdio::piped()).stderr(Stdio::null());
            docket
        };
        let demo = String::from_utf8(docket(&["demo", "--reset"]).output().unwrap().stdout).unwrap();
        let mut server = docket(&["serve"]).spawn().unwrap();
        let lines = io::BufReader::new(server.stdout.take().unwrap()).lines().map(Result::unwrap);
        let banner: Vec<String> = lines.take_while(|it| !it.contains("  health")).collect();
        server.kill().unwrap();
        server.wait().unwrap();
        let printed = format!("{demo}{}", banner.join("\n"));
        let addresses: Vec<&str> = printed.split_whitespace().filter(|it| it.starts_with("http")).collect();
        assert!(addresses.len() > 3 && addresses.iter().all(|it| it.starts_with(&address)), "{printed}");
        let is_off = |name: &str| settings.iter().any(|(it, _)| *it == name);
        for (name, page) in [("DOCKET_APP", "/app/"), ("DOCKET_PLAYGROUND", "/graphiql"), ("DOCKET_DOCS", "/docs/")] {
            assert!(!is_off(name) || !printed.contains(page), "{page}: {printed}");
        }
        let place = if is_off("DOCKET_DOCS") { "/api/auth/sign-in/email" } else { "/" };
        assert!(demo.lines().nth(1).unwrap().ends_with(place), "{demo}");
    }
}

#[tokio::test]
async fn health_is_asked_for_without_a_shell() {
    let mut app = App::spawn().await;
    app.stop().await;
    let process = Process::start(&app.database_url).await;
    let port = process.base.rsplit(':').next().unwrap();
    for host in ["127.0.0.1", "0.0.0.0"] {
        let (code, said) = command(&app.database_url, &["health"], &[("PORT", port), ("HOST", host)]);
        assert_eq!((code, said.as_str()), (Some(0), "healthy\n"), "{host}");
    }
    process.stop().await;
    let (code, said) = command(&app.database_url, &["health"], &[("PORT", port)]);
    assert!(code == Some(2) && said.contains("error sending request"), "{said}");
}

#[tokio::test]
async fn in_production_a_sqlite_file_has_one_instance() {
    let mut app = App::spawn().await;
    app.stop().await;
    let settings = [("DOCKET_ENV", "production"), ("DOCKET_DRAIN_SECONDS", "0")];
    let first = Process::start_with(&app.database_url, &settings, Stdio::null()).await;
    if file(&app).is_some() {
        let (code, said) = command(&app.database_url, &["serve"], &[("DOCKET_ENV", "production"), ("PORT", "0")]);
        assert!(code == Some(2) && said.contains("several need PostgreSQL"), "{said}");
    }
    first.stop().await;
    Process::start_with(&app.database_url, &settings, Stdio::null()).await.stop().await;
}

#[tokio::test]
async fn who_is_told_to_stop_while_it_starts_stops() {
    // A database that is silent.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("postgres://ann@{}/docket", silent.local_addr().unwrap());
    let mut starting = Command::new(env!("CARGO_BIN_EXE_docket"))
        .env_clear()
        .envs([("BETTER_AUTH_SECRET", SECRET), ("DATABASE_URL", &url), ("RUST_LOG", "error"), ("PORT", "0")])
        .spawn()
        .unwrap();
    let _connected = silent.accept().await.unwrap();
    let told = Command::new("kill").args(["-TERM", &starting.id().to_string()]).status();
    assert!(told.unwrap().success());
    // Without that it would say that the database cannot be used.
    assert!(starting.wait().unwrap().success());
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("docket.db");
    let text = "this was somebody's diary, and not a database of tasks. ".repeat(100);
    fs::write(&place, &text).unwrap();
    let (code, said) = command(&format!("sqlite://{}?mode=rwc", place.display()), &["serve"], &[("PORT", "0")]);
    assert!(code == Some(2) && said.contains("file is not a database"), "{said}");
    assert_eq!(fs::read_to_string(&place).unwrap(), text);
}

#[tokio::test]
async fn a_damaged_file_is_refused_and_left_as_it_is() {
    let mut app = App::spawn().await;
    let ann = app.person("ann").await;
    at_once(100, async |number| app.rest_task(&ann, json!({ "title": format!("{number:0>100}") })).await).await;
    app.stop().await;
    let Some(place) = file(&app) else { return };
    let mut bytes = fs::read(place).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 16_384].fill(0x5a);
    fs::write(place, &bytes).unwrap();
    let (code, said) = command(&app.database_url, &["serve"], &[("PORT", "0")]);
    assert!(code == Some(2) && said.contains("is damaged, restore a backup"), "{said}");
    assert!(fs::read(place).unwrap() == bytes, "the file was touched");
}
