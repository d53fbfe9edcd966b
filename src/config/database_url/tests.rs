//! What the URLs of other programs mean here.

use std::str::FromStr;

use sqlx::postgres::{PgConnectOptions, PgSslMode};

use super::*;

fn parse(url: &str) -> Result<Database, Faults> {
    Database::parse(url, |_| None)
}

fn options(url: &str) -> PgConnectOptions {
    match parse(url) {
        Ok(Database::Postgres(postgres)) => PgConnectOptions::from_str(postgres.url.reveal()).unwrap(),
        other => panic!("{url}: {other:?}"),
    }
}

fn faults(url: &str) -> String {
    parse(url).unwrap_err().join("; ")
}

fn file(url: &str) -> String {
    match parse(url) {
        Ok(Database::Sqlite(file)) => file.path.display().to_string(),
        other => panic!("{url}: {other:?}"),
    }
}

#[test]
fn encryption_that_is_asked_for_in_any_spelling_is_what_the_driver_does() {
    for (parameters, mode) in [
        ("ssl=require", PgSslMode::Require),
        ("ssl=verify-ca", PgSslMode::VerifyCa),
        ("ssl=verify-full", PgSslMode::VerifyFull),
        ("ssl=true", PgSslMode::VerifyFull),
        ("ssl=1", PgSslMode::VerifyFull),
        ("ssl=false", PgSslMode::Disable),
        ("ssl=prefer", PgSslMode::Prefer),
        ("sslmode=require", PgSslMode::Require),
        ("sslmode=no-verify", PgSslMode::Require),
        ("ssl=no-verify", PgSslMode::Require),
        ("sslmode=verify-full", PgSslMode::VerifyFull),
        ("sslmode=require&channel_binding=prefer", PgSslMode::Require),
        ("sslmode=require&ssl=require", PgSslMode::Require),
        ("sslmode=require&sslrootcert=/dev/null", PgSslMode::VerifyCa),
        ("sslrootcert=system", PgSslMode::VerifyFull),
    ] {
        for scheme in ["postgres://", "postgresql://", "postgresql+asyncpg://", "postgresql+pg8000://"] {
            let read = options(&format!("{scheme}a:b@c/d?{parameters}")).get_ssl_mode();
            assert!(std::mem::discriminant(&read) == std::mem::discriminant(&mode), "{scheme} {parameters}: {read:?}");
        }
    }
}

#[test]
fn what_is_not_understood_is_refused_by_name_and_without_its_value() {
    for (parameters, name) in [
        ("ssl=hunter2", "sslmode"),
        ("sslmode=verify_full", "sslmode"),
        ("sslmode=", "sslmode"),
        ("sslmode=disable&ssl=require", "sslmode twice"),
        ("sslpassword=hunter2", "sslpassword"),
        ("channel_binding=require", "channel_binding"),
        ("gssencmode=require", "gssencmode"),
        ("target_session_attrs=read-only", "target_session_attrs"),
        ("sslcrl=hunter2", "sslcrl"),
        ("pgbouncer=true", "pgbouncer"),
        ("schema=hunter2", "schema"),
        ("port=0", "port"),
        ("host=a,hunter2", "host"),
        ("hostaddr=hunter2", "hostaddr"),
        ("client_encoding=latin1", "client_encoding"),
        ("sslrootcert=/dev/null", "sslrootcert"),
        ("sslmode=require&sslrootcert=system", "sslmode"),
        ("user=b", "user twice"),
        ("sslmode=require&sslrootcert=/hunter2.pem", "sslrootcert that names no file"),
        ("sslcert=/hunter2.pem", "sslcert that names no file"),
        ("sslkey=/", "sslkey that names no file"),
        ("application_name=%zz", "write %25 for %"),
        ("hunter2%40=a", "a parameter"),
    ] {
        let said = faults(&format!("postgresql+asyncpg://a:hunter2@c/d?{parameters}"));
        assert!(said.contains(name) && !said.contains("hunter2"), "{parameters}: {said}");
    }
    for url in ["postgres://a:hunter2#x@c/d", "postgres://a:hunter2?b&x@c/d", "postgres://a:x/hunter2@c/d"] {
        let said = faults(url);
        assert!(said.contains("percent-encoded") && !said.contains("hunter2"), "{said}");
    }
    for url in ["postgres://a@c:port/d", "mysql://a@b/c", "postgres:a", ""] {
        assert!(parse(url).is_err(), "{url}");
    }
}

#[test]
fn what_others_paste_is_refused_with_what_to_write() {
    for (url, advice) in [
        ("postgres://a:hunter2@one,two/d", "name the primary alone"),
        ("postgres://a:hunter2@one:5432,two:5433/d", "name the primary alone"),
        ("postgres://a:hunter2@one:5432,two/d", "name the primary alone"),
        ("postgres:///d?host=one,two&password=hunter2", "name the primary alone"),
        ("postgresql+nothing://a:hunter2@c/d", "write postgresql://"),
        ("postgis://a:hunter2@c/d", "write postgresql://"),
        ("jdbc:postgresql://c/d?user=a&password=hunter2", "without jdbc:"),
        ("psql 'postgresql://a:hunter2@c/d'", "write the URL in it alone"),
        ("\"postgresql://a:hunter2@c/d\"", "without any"),
        ("host=c user=a password=hunter2 dbname=d", "postgresql://user:password@host/database"),
        ("file:./dev.db", "write sqlite:"),
        ("mysql://a:hunter2@c/d", "starts with sqlite:, postgres: or postgresql:"),
    ] {
        let said = faults(url);
        assert!(said.contains(advice) && !said.contains("hunter2"), "{url}: {said}");
    }
}

#[test]
fn hosts_are_names_addresses_and_folders_of_sockets() {
    for (url, host, port, address) in [
        ("postgres://u:p%40w@db.example/d", "db.example", 5432, "db.example:5432"),
        ("postgres://u:p%40w@127.0.0.1:5433/d", "127.0.0.1", 5433, "127.0.0.1:5433"),
        ("postgres://u:p%40w@[::1]:5433/d", "::1", 5433, "[::1]:5433"),
        ("postgres://u:p%40w@[::1]/d", "::1", 5432, "[::1]:5432"),
        ("postgres:///d?user=u&password=p%40w&host=db&port=9", "db", 9, "db:9"),
        ("postgres://u:p%40w@db/d?hostaddr=10.0.0.1", "10.0.0.1", 5432, "10.0.0.1:5432"),
    ] {
        let read = options(url);
        assert_eq!((read.get_host(), read.get_port(), read.get_username()), (host, port, "u"), "{url}");
        assert_eq!(read.get_database(), Some("d"), "{url}");
        let Ok(Database::Postgres(postgres)) = parse(url) else { panic!("{url}") };
        assert_eq!(postgres.address, address);
        assert!(!format!("{postgres:?}").contains("p@w"));
    }
    for url in [
        "postgresql://u:pw@/d?host=/socket/folder",
        "postgresql:///d?host=/socket/folder",
        "postgres://u@%2Fsocket%2Ffolder/d",
    ] {
        let read = options(url);
        assert_eq!(read.get_socket().map(|it| it.display().to_string()).as_deref(), Some("/socket/folder"), "{url}");
        assert_eq!(read.get_database(), Some("d"), "{url}");
    }
}

#[test]
fn a_percent_sign_that_encodes_nothing_is_refused_wherever_it_stands() {
    for url in [
        "postgres://a:hunter2%@c/d",
        "postgres://a:hunter2%zz@c/d",
        "postgres://a:hunter2@c/d%4",
        "sqlite://100%.db",
        "sqlite://a.db?mode=%rw",
    ] {
        let said = faults(url);
        assert!(said.contains("write %25 for %") && !said.contains("hunter2"), "{url}: {said}");
    }
    assert_eq!(file("sqlite://100%25.db"), "100%.db");
}

#[test]
fn what_the_url_leaves_out_comes_from_the_variables_of_postgresql_and_is_checked_too() {
    let with = |name: &'static str, value: &'static str| {
        Database::parse("postgres://u@h/d", move |it| (it == name).then(|| value.to_owned()))
    };
    let Ok(Database::Postgres(postgres)) = with("PGSSLMODE", "verify-full") else { panic!() };
    assert!(postgres.url.reveal().contains("sslmode=verify-full"));
    let Ok(Database::Postgres(postgres)) = with("PGHOST", "elsewhere") else { panic!() };
    assert!(!postgres.url.reveal().contains("elsewhere"));
    for (name, value) in
        [("PGSSLMODE", "verify_full"), ("PGCHANNELBINDING", "require"), ("PGPORT", "x"), ("PGSSLCERT", "/nowhere.pem")]
    {
        assert!(with(name, value).unwrap_err().join("").contains(name));
    }
}

#[test]
fn files_are_where_the_program_meant_that_the_url_was_written_for() {
    let folder = tempfile::tempdir().unwrap();
    let absolute = folder.path().join("x.db").display().to_string();
    for (url, path) in [
        ("sqlite://docket.db?mode=rwc".to_owned(), "docket.db"),
        ("sqlite:docket.db".to_owned(), "docket.db"),
        ("sqlite:///./todo.db".to_owned(), "./todo.db"),
        ("sqlite:///../todo.db".to_owned(), "../todo.db"),
        ("sqlite+aiosqlite:///todo.db".to_owned(), "todo.db"),
        ("sqlite+aiosqlite:///./todo.db".to_owned(), "./todo.db"),
        ("sqlite+aiosqlite:///data/todo.db".to_owned(), "data/todo.db"),
        (format!("sqlite+aiosqlite:///{absolute}"), &absolute),
        (format!("sqlite:///{absolute}"), &absolute),
        (format!("sqlite://{absolute}"), &absolute),
        ("sqlite:////nowhere/todo.db".to_owned(), "/nowhere/todo.db"),
        ("sqlite://a%20b.db".to_owned(), "a b.db"),
    ] {
        assert_eq!(file(&url), path, "{url}");
    }
    for (url, reason) in [
        ("sqlite:///todo.db", "sqlite:///./"),
        ("sqlite:///no/such/folder/todo.db", "sqlite:///./"),
        ("sqlite://", "must name a file"),
        ("sqlite:", "must name a file"),
        ("sqlite:///", "must name a file"),
        ("sqlite+aiosqlite://", "must name a file"),
        ("sqlite://?mode=rwc", "must name a file"),
        ("sqlite::memory:", "must name a file"),
        ("sqlite://:memory:", "must name a file"),
        ("sqlite:///tmp", "names a folder"),
        ("sqlite://data/", "names a folder"),
        ("sqlite://a.db?mode=ro", "mode"),
        ("sqlite://a.db?mode=memory", "mode"),
        ("sqlite://a.db?cache=shared", "cache"),
        ("sqlite://a.db?key=hunter2", "key"),
    ] {
        let said = faults(url);
        assert!(said.contains(reason) && !said.contains("hunter2"), "{url}: {said}");
    }
    assert_eq!(
        parse("sqlite://a.db?mode=rw").unwrap(),
        Database::Sqlite(SqliteFile { path: "a.db".into(), may_be_made: false })
    );
}
