//! What is read from the environment, and what is refused.

use std::fs;

use super::*;

const GOOD_SECRET: &str = "a-secret-of-tests-0123456789-ABCDEFGHIJ";

fn read(pairs: &[(&str, &str)]) -> Result<Config, Mistakes> {
    Config::from_vars(|name| pairs.iter().find(|(it, _)| *it == name).map(|(_, value)| (*value).to_owned()))
}

#[test]
fn all_mistakes_come_together_and_name_no_value() {
    let mistakes = read(&[
        ("DOCKET_ENV", "prod"),
        ("PORT", "eighty"),
        ("DATABASE_URL", "mysql://user:hunter2@host/db"),
        ("BETTER_AUTH_SECRET", "short"),
        ("CORS_ORIGINS", "*"),
        ("JWT_ALG", "none"),
        ("SMTP_URL", "http://user:hunter2@host"),
        ("MAIL_FROM", "nobody"),
        ("TRUSTED_PROXIES", "everybody"),
        ("PASSWORD_HASH", "md5"),
    ])
    .unwrap_err()
    .to_string();

    let names = ["DOCKET_ENV", "PORT", "DATABASE_URL", "BETTER_AUTH_SECRET", "CORS_ORIGINS", "JWT_ALG"];
    for name in names.into_iter().chain(["SMTP_URL", "MAIL_FROM", "TRUSTED_PROXIES", "PASSWORD_HASH"]) {
        assert!(mistakes.contains(name), "{mistakes}");
    }
    assert!(!mistakes.contains("hunter2") && !mistakes.contains("short"), "{mistakes}");
}

#[test]
fn what_the_url_of_the_mail_server_asks_for_is_not_left_out() {
    for (url, is_good) in [
        ("smtp://user:hunter2@host?tls=required", true),
        ("smtps://user:hunter2@host:465", true),
        ("smtp://user:hunter2@host?TLS=required", false),
        ("smtp://user:hunter2@host?starttls=required", false),
        ("smtp://user:hunter2@host?tls=required&sslmode=require", false),
        ("smtps://host?tls=none", false),
    ] {
        let mistakes = read(&[("SMTP_URL", url)]).err().map(|it| it.to_string());
        assert_eq!(mistakes.is_none(), is_good, "{url}: {mistakes:?}");
        assert!(mistakes.is_none_or(|it| it.contains("SMTP_URL") && !it.contains("hunter2")), "{url}");
    }
}

#[test]
fn the_host_is_an_address_or_the_name_of_this_machine_for_itself() {
    for (text, address) in
        [("localhost", "127.0.0.1"), ("127.0.0.1", "127.0.0.1"), ("0.0.0.0", "0.0.0.0"), ("::", "::"), ("::1", "::1")]
    {
        let config = read(&[("HOST", text), ("BETTER_AUTH_SECRET", GOOD_SECRET)]).unwrap();
        assert_eq!(config.host, address.parse::<IpAddr>().unwrap(), "{text}");
    }
    for text in ["docket.example", "localhost:8000", "LOCALHOST.", "[::1]", "*", "http://localhost"] {
        let mistakes = read(&[("HOST", text), ("BETTER_AUTH_SECRET", GOOD_SECRET)]).unwrap_err();
        assert!(mistakes.0[0].starts_with("HOST: must be localhost, or an IP address"), "{text}: {mistakes}");
    }
}

#[test]
fn production_wants_a_secret_of_its_own() {
    let mistakes = read(&[("DOCKET_ENV", "production")]).unwrap_err();
    assert!(mistakes.0[0].starts_with("BETTER_AUTH_SECRET"), "{mistakes}");
}

#[test]
fn a_secret_may_be_in_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("secret");
    fs::write(&path, format!("{GOOD_SECRET}\n")).unwrap();
    let path = path.display().to_string();
    let config = read(&[("BETTER_AUTH_SECRET_FILE", &path), ("DOCKET_ENV", "production")]).unwrap();
    assert_eq!(config.secret.reveal(), GOOD_SECRET);
    for wrong in [
        &[("BETTER_AUTH_SECRET_FILE", "/nowhere"), ("BETTER_AUTH_SECRET", "")],
        &[("BETTER_AUTH_SECRET_FILE", path.as_str()), ("BETTER_AUTH_SECRET", GOOD_SECRET)],
    ] {
        let mistakes = read(&[wrong[0], wrong[1], ("DOCKET_ENV", "production")]).unwrap_err();
        assert!(mistakes.0[0].starts_with("BETTER_AUTH_SECRET_FILE"), "{mistakes}");
    }
}

#[test]
fn what_is_wrong_with_a_database_url_is_said_with_the_other_mistakes_and_without_its_values() {
    let mistakes = read(&[
        ("DATABASE_URL", "postgresql+asyncpg://ann:hunter2@db/docket?sslpassword=hunter2&ssl=hunter2"),
        ("DATABASE_LISTEN_URL", "sqlite://hunter2"),
        ("DATABASE_READ_URL", "postgres://hunter2@one/docket?sslpassword=hunter2, hunter2"),
        ("DATABASE_MAX_CONNECTIONS", "0"),
        ("BETTER_AUTH_SECRET", GOOD_SECRET),
    ]);
    let said = mistakes.unwrap_err().to_string();
    for part in [
        "DATABASE_URL: has the parameter sslpassword",
        "DATABASE_URL: has a sslmode",
        "DATABASE_LISTEN_URL: ",
        "DATABASE_READ_URL: has the parameter sslpassword",
        "DATABASE_READ_URL: must have URLs",
        "DATABASE_MAX_CONNECTIONS: ",
    ] {
        assert!(said.contains(part), "{said}");
    }
    assert!(!said.contains("hunter2"), "{said}");
}

#[test]
fn replicas_are_named_each_once_and_only_with_postgresql() {
    let postgres = ("DATABASE_URL", "postgres://ann@one/docket");
    let replicas = |urls: &'static str, database: (&'static str, &'static str)| {
        read(&[database, ("DATABASE_READ_URL", urls), ("BETTER_AUTH_SECRET", GOOD_SECRET)])
    };
    let two = replicas("postgres://ann@two/docket, postgresql://ann@three:5433/docket", postgres).unwrap();
    let addresses: Vec<&str> = two.database_reads.iter().map(|it| it.address.as_str()).collect();
    assert_eq!(addresses, ["two:5432", "three:5433"]);
    for (urls, database) in [
        ("postgres://ann@two/docket", ("DATABASE_URL", "sqlite://docket.db")),
        ("postgres://ann@two/docket,postgres://ann@two/docket", postgres),
        ("postgres://ann@two/docket,", postgres),
        ("sqlite://docket.db", postgres),
        ("postgres://ann@two,three/docket", postgres),
    ] {
        let said = replicas(urls, database).unwrap_err().to_string();
        assert!(said.contains("DATABASE_READ_URL: ") && !said.contains("two"), "{said}");
    }
}

#[test]
fn lists_with_empty_or_unknown_parts_are_refused_by_name() {
    for (name, value) in [
        ("CORS_ORIGINS", "https://app.example,"),
        ("CORS_ORIGINS", "https://app.example/path"),
        ("CORS_ORIGINS", "https://*"),
        ("TRUSTED_PROXIES", "10.0.0.1,,10.0.0.2"),
        ("DOCKET_GRAPHQL_LIMITS", "cost=1,"),
        ("DOCKET_REQUEST_LIMITS", "user=1, user=2"),
        ("BETTER_AUTH_URL", "https://app.example/api"),
        ("BETTER_AUTH_URL", "https://app.example/graphql/docket"),
        ("BETTER_AUTH_URL", "https://app.example/app"),
        ("BETTER_AUTH_URL", "https://app.example/a//b"),
        ("BETTER_AUTH_URL", "https://app.example/a%20b"),
        ("BETTER_AUTH_URL", "https://app.example/docket?a"),
        ("BETTER_AUTH_URL", "https://ann@app.example"),
        ("RUST_LOG", "docket=loud=very"),
        ("DOCKET_GRAPHQL_LIMITS", "depth=0"),
        ("DOCKET_PERSISTED_MODE", "only"),
    ] {
        let said = read(&[(name, value), ("BETTER_AUTH_SECRET", GOOD_SECRET)]).unwrap_err().to_string();
        assert!(said.contains(&format!("{name}: must be")), "{said}");
    }
    for (path, prefix) in [
        ("", "/"),
        ("/", "/"),
        ("/api/auth", "/"),
        ("/api/auth/", "/"),
        ("/docket", "/docket"),
        ("/docket/", "/docket"),
        ("/tools/my_docket-1.0/api/auth", "/tools/my_docket-1.0"),
        ("/apis", "/apis"),
        ("/application", "/application"),
    ] {
        let url = format!("https://app.example{path}");
        let config = read(&[("BETTER_AUTH_URL", &url), ("BETTER_AUTH_SECRET", GOOD_SECRET)]).unwrap();
        assert_eq!(config.base_url.unwrap().path(), prefix, "{path}");
    }
}

#[test]
fn numbers_have_bounds_which_are_said() {
    for (name, bounds, wrong) in [
        ("TOKIO_WORKER_THREADS", "threads from 1 to 1024", ["0", "1025"]),
        ("DATABASE_MAX_CONNECTIONS", "connections from 1 to 10000", ["0", "10001"]),
        ("PASSWORD_WAIT_MS", "milliseconds from 0 to 60000", ["-1", "60001"]),
        ("DOCKET_DRAIN_SECONDS", "seconds from 0 to 300", ["1.5", "301"]),
        ("DOCKET_SLOW_STATEMENT_MS", "milliseconds from 0 to 3600000", ["x", "18446744073709551616"]),
        ("SESSION_FRESH_AGE", "seconds from 0 to 31536000", ["-1", "31536001"]),
        ("JWT_KEY_DAYS", "days from 0 to 3650", ["-1", "3651"]),
        ("DESCRIPTION_LENGTH", "characters from 1000 to 5000", ["999", "5001"]),
        ("REST_TOKEN_DAYS", "days from 1 to 3650", ["0", "3651"]),
    ] {
        for wrong in wrong {
            let said = read(&[(name, wrong), ("BETTER_AUTH_SECRET", GOOD_SECRET)]).unwrap_err().0;
            assert_eq!(said, [format!("{name}: must be a number of {bounds}")], "{wrong}");
        }
        let (_, ends) = bounds.split_once("from ").unwrap();
        for end in ends.split(" to ") {
            assert!(read(&[(name, end), ("BETTER_AUTH_SECRET", GOOD_SECRET)]).is_ok(), "{name}={end}");
        }
    }
}

#[test]
fn a_name_that_is_none_is_said_where_it_stands_in_a_setting() {
    for (name, value, said) in [
        ("DOCKET_GRAPHQL_LIMITS", "cost=1, dept=2", "names and numbers such as cost=40000; dept is none of tokens, "),
        ("DOCKET_REQUEST_LIMITS", "adress=2", "names and numbers such as user=6000; adress is none of user, address"),
        ("RUST_LOG", "wran", "a filter such as info or docket=debug,warn; wran is no level"),
        ("RUST_LOG", "info, docket", "a filter such as info or docket=debug,warn; docket is no level"),
        ("RUST_LOG", "docket=wran", "a filter such as info or docket=debug,warn"),
    ] {
        let mistakes = read(&[(name, value), ("BETTER_AUTH_SECRET", GOOD_SECRET)]).unwrap_err().0;
        assert!(mistakes[0].starts_with(&format!("{name}: must be {said}")), "{mistakes:?}");
    }
    for filter in ["INFO", "off", "info,docket=debug", "warn,security=error", "3", "docket[request{a=1}]=trace,warn"] {
        assert!(read(&[("RUST_LOG", filter), ("BETTER_AUTH_SECRET", GOOD_SECRET)]).is_ok(), "{filter}");
    }
}

#[test]
fn traces_go_by_no_protocol_that_docket_does_not_speak() {
    let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://localhost:4317");
    for name in ["OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"] {
        let with = |value| read(&[endpoint, (name, value), ("BETTER_AUTH_SECRET", GOOD_SECRET)]);
        for wrong in ["grpc", "http/json"] {
            let said = with(wrong).unwrap_err().to_string();
            assert!(said.contains(&format!("{name}: must be http/protobuf")), "{said}");
        }
        assert!(with("http/protobuf").is_ok() && read(&[(name, "grpc"), ("BETTER_AUTH_SECRET", GOOD_SECRET)]).is_ok());
    }
}

#[test]
fn production_trusts_no_front_end_that_it_was_not_told_of() {
    for (environment, base_url, origins) in [
        ("production", None, 0),
        ("staging", None, 1),
        ("development", None, 3),
        ("development", Some("http://127.0.0.1:8000"), 3),
        ("development", Some("https://docket.example"), 1),
    ] {
        let settings = [("DOCKET_ENV", environment), ("BETTER_AUTH_SECRET", GOOD_SECRET)];
        let base_url = base_url.map(|url| ("BETTER_AUTH_URL", url));
        let config = read(&settings.into_iter().chain(base_url).collect::<Vec<_>>()).unwrap();
        assert_eq!(config.cors_origins.len(), origins, "{environment} {base_url:?}");
    }
}

#[test]
fn names_that_are_no_settings_are_refused_or_warned_of() {
    let named = |names: &'static [&'static str]| {
        let secret = [("BETTER_AUTH_SECRET", GOOD_SECRET)];
        Config::from_source(&Source::of(names.iter().map(|name| (*name, "set")).chain(secret)))
    };
    let said = named(&["DOCKET_PLAYGROUD", "DOCKET_FUTURE", "DOCKET_TEST_POSTGRES"]).unwrap_err().0;
    assert_eq!(
        said,
        [
            "DOCKET_FUTURE: is no setting of this Docket",
            "DOCKET_PLAYGROUD: is no setting of this Docket; DOCKET_PLAYGROUND is one",
        ]
    );
    let config = named(&["DATABSE_URL", "CORS_ORIGIN", "HOME", "PGPASSWORD"]).unwrap();
    assert_eq!(
        config.warnings,
        ["CORS_ORIGIN: is not read; is CORS_ORIGINS meant?", "DATABSE_URL: is not read; is DATABASE_URL meant?",]
    );
}

#[test]
fn a_setting_in_small_letters_or_in_a_file_where_none_is_read_is_not_left_out() {
    let source = |pairs: &[(&'static str, &'static str)]| {
        let secret = ("BETTER_AUTH_SECRET", GOOD_SECRET);
        Config::from_source(&Source::of(pairs.iter().copied().chain([secret])))
    };
    for (name, said) in [
        ("database_url", "database_url: is not read; write DATABASE_URL"),
        ("Smtp_Url", "Smtp_Url: is not read; write SMTP_URL"),
        ("database_url_file", "database_url_file: is not read; write DATABASE_URL_FILE"),
        ("docket_playground", "docket_playground: is not read; write DOCKET_PLAYGROUND"),
        ("MAIL_FROM_FILE", "MAIL_FROM_FILE: is not read; MAIL_FROM may not be in a file"),
        ("JWT_ISSUER_FILE", "JWT_ISSUER_FILE: is not read; JWT_ISSUER may not be in a file"),
    ] {
        assert_eq!(source(&[(name, "hunter2")]).unwrap_err().0, [said]);
    }
    // Another program may read these.
    for (name, set, warnings) in [
        ("database_url", ("DATABASE_URL", "sqlite://a.db"), 1),
        ("database_url", ("DATABASE_URL", ""), 0),
        ("port", ("HOST", "127.0.0.1"), 1),
        ("port", ("PORT", "8001"), 0),
        ("PORT_FILE", ("PORT", "8001"), 0),
        ("no_proxy", ("PORT", "8001"), 0),
    ] {
        match source(&[(name, "x"), set]) {
            Ok(config) => assert_eq!(config.warnings.len(), warnings, "{name}: {:?}", config.warnings),
            Err(mistakes) => assert!(set.1.is_empty() && mistakes.0.len() == 1, "{name}: {mistakes}"),
        }
    }
}

#[test]
fn nothing_secret_is_printed() {
    let config = read(&[("DATABASE_URL", "postgres://a:hunter2@b/c"), ("BETTER_AUTH_SECRET", GOOD_SECRET)]).unwrap();
    let printed = format!("{config:?}");
    assert!(!printed.contains("hunter2") && !printed.contains(GOOD_SECRET), "{printed}");
}

#[test]
fn the_document_of_the_rest_api_is_shown_everywhere_unless_it_is_switched_off() {
    let set =
        |value| read(&[("DOCKET_ENV", "production"), ("BETTER_AUTH_SECRET", GOOD_SECRET), ("DOCKET_DOCS", value)]);
    assert!(set("").unwrap().docs && set("on").unwrap().docs && !set("off").unwrap().docs);
    assert_eq!(set("no").unwrap_err().0, ["DOCKET_DOCS: must be on or off"]);
}

#[test]
fn the_limiter_is_on_and_playground_and_app_are_off_in_production_only() {
    for (environment, expected) in [("production", true), ("staging", false), ("development", false)] {
        let config = read(&[("DOCKET_ENV", environment), ("BETTER_AUTH_SECRET", GOOD_SECRET)]).unwrap();
        let switches = (config.rate_limit, config.playground, config.app);
        assert_eq!(switches, (expected, !expected, !expected), "{environment}");
    }
}
