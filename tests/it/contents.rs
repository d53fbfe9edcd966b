//! What keeps Docket from writing though every table is as it should be: counters that a part of a backup brought back,
//! settings of a role. The start, readiness and the doctor name it.

use docket::server::Server;

use crate::support::{Answer, App, at_once, command, text};

/// Readiness, the doctor and a start say that of the database.
async fn is_named(app: &mut App, reason: &str) {
    let ready = text(&Answer::of(app.request("GET", "/health/ready")).await.expect(503)["reason"]);
    let (code, doctor) = command(&app.database_url, &["doctor"], &[]);
    app.stop().await;
    let start = Server::bind(&app.config(&[]), None).await.map(|_| ()).unwrap_err();
    for said in [ready, doctor, docket::error::causes(&start)] {
        assert!(said.contains(reason), "{reason}: {said}");
    }
    assert_eq!(code, Some(2), "{reason}");
}

#[tokio::test]
async fn counters_that_are_behind_or_used_up_are_named() {
    let behind = [
        ("delete from database_epochs", "the table database_epochs has no row"),
        ("update user_revisions set revision = 0", "the table user_revisions is behind the table tasks"),
        ("delete from user_revisions", "the table user_revisions is behind the table tasks"),
    ];
    let numbers: &[_] = if App::unstarted().await.is_sqlite() {
        &[(
            "update sqlite_sequence set seq = 9223372036854775807 where name = 'tasks'",
            "the table sqlite_sequence has no more numbers",
        )]
    } else {
        &[
            (
                "select setval('tasks_number_seq', 1)",
                "the sequence tasks_number_seq is behind the numbers of the tasks",
            ),
            ("alter sequence tasks_number_seq maxvalue 2", "the sequence tasks_number_seq has no more numbers"),
        ]
    };
    for (change, reason) in behind.iter().chain(numbers) {
        let mut app = App::spawn().await;
        let ann = app.person("ann").await;
        for title in ["a", "b"] {
            app.task(&ann, title).await;
        }
        app.sql(change).await;
        is_named(&mut app, reason).await;
    }
}

#[tokio::test]
async fn an_instance_starts_beside_others_that_create_tasks() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let writers = at_once(8, async |_| {
        for _ in 0..30 {
            app.task(&ann, "x").await;
        }
    });
    let starts = async {
        for _ in 0..20 {
            let start = Server::bind(&app.config(&[]), None).await.map(|_| ());
            assert!(start.is_ok(), "{}", docket::error::causes(&start.unwrap_err()));
        }
    };
    tokio::join!(writers, starts);
}

#[tokio::test]
async fn settings_of_the_role_that_keep_docket_from_its_tables_are_named() {
    let app = App::spawn().await;
    if app.is_sqlite() {
        return;
    }
    let (_, database) = app.database_url.rsplit_once('/').unwrap();
    let set = |setting: &str| format!("alter database {database} set {setting}");
    app.sql(&set("search_path = nowhere")).await;
    let (code, doctor) = command(&app.database_url, &["doctor"], &[]);
    assert!(code == Some(2) && doctor.contains("the search_path names no schema"), "{doctor}");
    app.sql(&set("search_path = public")).await;
    // What Docket can set itself is no obstacle.
    app.sql(&set("idle_session_timeout = '2s'")).await;
    let (code, doctor) = command(&app.database_url, &["doctor"], &[]);
    assert!(!doctor.contains("idle_session_timeout") && code == Some(0), "{doctor}");
}

#[tokio::test]
async fn a_role_that_may_make_no_tables_serves_and_does_not_migrate() {
    let mut app = App::spawn().await;
    if app.is_sqlite() {
        return;
    }
    let (_, database) = app.database_url.rsplit_once('/').unwrap();
    let role = format!("{database}_served");
    app.sql(&format!(
        "create role {role} login; grant all on all tables in schema public to {role}; \
         revoke create on schema public from public"
    ))
    .await;
    let url = app.database_url.replace("docket@", &format!("{role}@"));
    app.stop().await;
    let server = Server::bind(&app.config(&[("DATABASE_URL", url.as_str())]), None).await;
    assert!(server.is_ok(), "{:?}", server.err().map(|it| docket::error::causes(&it)));
    drop(server);
    app.sql("delete from seaql_migrations where version like '%trash'; drop index tasks_trash").await;
    let (code, doctor) = command(&url, &["doctor"], &[]);
    assert!(code == Some(2) && doctor.contains("1 to be applied, and Docket's role may make no tables"), "{doctor}");
    app.sql(&format!("drop owned by {role} cascade; drop role {role}")).await;
}

#[tokio::test]
async fn notifications_of_another_database_stop_the_start() {
    let app = App::spawn().await;
    if app.is_sqlite() {
        return;
    }
    let reason = "DATABASE_LISTEN_URL leads to another database than DATABASE_URL";
    for other in [App::spawn().await, App::unstarted().await] {
        let listen = [("DATABASE_LISTEN_URL", other.database_url.as_str())];
        let error = Server::bind(&app.config(&listen), None).await.map(|_| ()).unwrap_err();
        assert!(docket::error::causes(&error).contains(reason), "{error}");
        let (code, said) = command(&app.database_url, &["doctor"], &listen);
        assert!(code == Some(2) && said.contains(reason), "{said}");
    }
    let same = [("DATABASE_LISTEN_URL", app.database_url.as_str())];
    app.beside(&same).await.person("ann").await;
}

#[test]
fn the_doctor_says_when_notifications_go_nowhere() {
    let postgres = std::env::var("DOCKET_TEST_POSTGRES").unwrap_or_default();
    if postgres.is_empty() {
        return;
    }
    let listen = [("DATABASE_LISTEN_URL", "postgres://docket:hunter2@127.0.0.1:1/none")];
    let (code, said) = command(&postgres, &["doctor"], &listen);
    assert!(said.contains("DATABASE_LISTEN_URL") && !said.contains("hunter2"), "{said}");
    assert_eq!(code, Some(2), "{said}");
}

#[tokio::test]
async fn the_doctor_says_of_each_replica_why_it_is_not_read() {
    let app = App::spawn().await;
    if app.is_sqlite() {
        return;
    }
    let url = &app.database_url;
    let replicas = format!("postgres://docket:hunter2@127.0.0.1:1/none,{url}");
    let (_, said) = command(url, &["doctor"], &[("DATABASE_READ_URL", replicas.as_str())]);
    assert!(said.contains("DATABASE_READ_URL: 127.0.0.1:1 is not read") && !said.contains("hunter2"), "{said}");
    assert!(said.contains("is not read: it is no replica: it takes writes"), "{said}");
}

#[test]
fn a_folder_in_which_no_file_can_be_made_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let link = folder.path().join("link.db");
    std::os::unix::fs::symlink(folder.path().join("gone/docket.db"), &link).unwrap();
    let (code, said) = command(&format!("sqlite://{}?mode=rwc", link.display()), &["doctor"], &[]);
    assert!(code == Some(2) && said.contains("is a link to a file that is not there"), "{said}");
}
