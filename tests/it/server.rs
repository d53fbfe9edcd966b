//! The server around both APIs: health, request ids, CORS, security headers, slow clients, stopping.
//! See docs/contracts/reliability.md.

use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::support::{Answer, App, Process};

#[tokio::test]
async fn health_is_told_without_a_token() {
    let app = App::spawn().await;
    for path in ["/health", "/health/", "/api/health", "/api/health/"] {
        assert_eq!(Answer::of(app.request("GET", path)).await.expect(200), json!({ "status": "healthy" }));
    }
    let ready = Answer::of(app.request("GET", "/health/ready")).await.expect(200);
    assert_eq!(ready, json!({ "status": "healthy", "database": "connected" }));
}

#[tokio::test]
async fn a_request_id_is_given_and_a_harmless_one_is_kept() {
    let app = App::spawn().await;
    let id = |sent: &'static str| {
        let request = app.request("GET", "/health").header("x-request-id", sent);
        async { Answer::of(request).await.header("x-request-id").to_owned() }
    };
    assert_eq!(id("Trace_1-a").await, "Trace_1-a");
    for sent in ["", "a b", "a;b", "ünsafe", "x\ty"] {
        let given = id(sent).await;
        assert!(given.len() == 32 && given != sent, "{given}");
    }
    let long = app.request("GET", "/health").header("x-request-id", "x".repeat(65));
    assert_eq!(Answer::of(long).await.header("x-request-id").len(), 32);
}

#[tokio::test]
async fn every_answer_is_safe_to_receive() {
    let app = App::spawn().await;
    for path in ["/health", "/nothing", "/graphiql", "/api/auth/ok", "/api/u/tasks", "/graphql"] {
        let answer = Answer::of(app.request("GET", path)).await;
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("x-frame-options"), "DENY", "{path}");
        assert_eq!(answer.header("referrer-policy"), "no-referrer", "{path}");
        assert_eq!(answer.header("server"), "", "{path}");
        assert!(!answer.header("cache-control").is_empty(), "{path}");
    }
}

#[tokio::test]
async fn https_alone_is_asked_for_where_clients_come_by_https() {
    let app = App::spawn().await;
    assert_eq!(Answer::of(app.request("GET", "/health")).await.header("strict-transport-security"), "");
    let app = App::spawn_with(&[("BETTER_AUTH_URL", "https://tasks.example")]).await;
    assert_eq!(Answer::of(app.request("GET", "/health")).await.header("strict-transport-security"), "max-age=31536000");
}

/// A body may take twelve seconds (docs/contracts/reliability.md#slow-clients). Slow headers and idle connections are
/// tested at the listener: `src/server/listener.rs`.
#[tokio::test]
async fn a_client_that_sends_its_body_too_slowly_is_cut_and_others_do_not_notice() {
    let app = App::spawn().await;
    let address = app.base.trim_start_matches("http://").to_owned();
    let slow = async {
        let mut socket = TcpStream::connect(&address).await.unwrap();
        let start = "POST /api/auth/sign-in/email HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n\
                     content-length: 900\r\n\r\n{";
        socket.write_all(start.as_bytes()).await.unwrap();
        let (began, mut answer) = (std::time::Instant::now(), [0; 1024]);
        loop {
            tokio::select! {
                read = socket.read(&mut answer) => match read {
                    Ok(0) | Err(_) => return began.elapsed().as_secs(),
                    Ok(_) => {}
                },
                () = tokio::time::sleep(std::time::Duration::from_millis(500)) => drop(socket.write_all(b" ").await),
            }
        }
    };
    let others = async {
        for _ in 0..20 {
            assert_eq!(Answer::of(app.request("GET", "/health")).await.status, 200);
        }
    };
    let (cut_after, ()) = tokio::join!(slow, others);
    assert!((10..=18).contains(&cut_after), "{cut_after}");
}

#[tokio::test]
async fn there_are_as_many_connections_as_files_are_allowed_and_not_as_are_usual() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let app = App::spawn().await;
    let mut command = std::process::Command::new("sh");
    command.args(["-c", "ulimit -Sn 256 && exec \"$0\"", env!("CARGO_BIN_EXE_docket")]);
    let process = Process::start_by(command, &app.database_url, &[], std::process::Stdio::null()).await;
    let mut open = Vec::new();
    for _ in 0..400 {
        let mut socket = TcpStream::connect(process.base.trim_start_matches("http://")).await.unwrap();
        socket.write_all(b"GET /health HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
        let mut answer = [0; 1024];
        let read = tokio::time::timeout(std::time::Duration::from_secs(10), socket.read(&mut answer));
        let count = read.await.expect("it is accepted").unwrap();
        assert!(answer[..count].starts_with(b"HTTP/1.1 200"));
        open.push(socket);
    }
}

/// What the server answers at once to a request of which no more comes.
async fn raw(app: &App, head: &str) -> String {
    let mut socket = TcpStream::connect(app.base.trim_start_matches("http://")).await.unwrap();
    socket.write_all(head.as_bytes()).await.unwrap();
    let mut answer = [0; 2048];
    let read = tokio::time::timeout(std::time::Duration::from_secs(5), socket.read(&mut answer));
    let count = read.await.unwrap().unwrap();
    String::from_utf8_lossy(&answer[..count]).into_owned()
}

#[tokio::test]
async fn a_request_that_names_no_host_or_several_is_refused() {
    let app = App::spawn().await;
    for path in ["/health", "/graphql", "/api/auth/ok", "/api/tasks"] {
        for hosts in ["", "host: a\r\nhost: b\r\n"] {
            let answer = raw(&app, &format!("GET {path} HTTP/1.1\r\n{hosts}\r\n")).await;
            assert!(answer.starts_with("HTTP/1.1 400") && answer.contains("Host header"), "{path}: {answer}");
        }
    }
    for good in ["GET /health HTTP/1.0\r\n\r\n", "GET /health HTTP/1.1\r\nhost:\r\n\r\n"] {
        assert!(raw(&app, good).await.contains(" 200 OK"), "{good}");
    }
}

#[tokio::test]
async fn what_is_no_request_yet_is_refused_without_a_body() {
    let app = App::spawn().await;
    for (request, status) in [
        (format!("GET /api/tasks HTTP/1.1\r\nhost: a\r\nx-long: {}\r\n\r\n", "x".repeat(17 << 10)), 431),
        (format!("GET /api/{} HTTP/1.1\r\nhost: a\r\n\r\n", "x".repeat(17 << 10)), 431),
        ("nonsense\r\n\r\n".to_owned(), 400),
    ] {
        let answer = raw(&app, &request).await;
        let start: String = request.chars().take(40).collect();
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{start}: {answer}");
        assert!(answer.ends_with("\r\n\r\n"), "{start}: {answer}");
    }
}

#[tokio::test]
async fn an_account_route_does_not_wait_for_a_body_that_says_it_is_too_large() {
    let app = App::spawn().await;
    for endpoint in docket::rest::auth::endpoints().into_iter().filter(|it| it.method == "POST") {
        let path = endpoint.path;
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 9000000\r\n\r\n"
        );
        let answer = raw(&app, &head).await;
        assert!(answer.starts_with("HTTP/1.1 413") && answer.contains("PAYLOAD_TOO_LARGE"), "{path}: {answer}");
    }
}

/// A body that is refused before it is read is still being sent when the answer comes.
#[tokio::test]
async fn who_sends_far_too_much_gets_to_see_the_answer() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let body = format!("{{\"title\":\"{}\"}}", "x".repeat(20 << 20));
    for path in ["/graphql".to_owned(), format!("/api/{}/tasks", ann.id), "/api/auth/sign-in/email".to_owned()] {
        let request = app.request("POST", &path).bearer_auth(&ann.token).header("content-type", "application/json");
        assert_eq!(Answer::of(request.body(body.clone())).await.status, 413, "{path}");
    }
}

#[tokio::test]
async fn a_server_that_stops_says_so_before_it_refuses() {
    let mut app = App::spawn_with(&[("DOCKET_DRAIN_SECONDS", "2")]).await;
    let (base, http) = (app.base.clone(), app.http.clone());
    let watch = async {
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        let ready = http.get(format!("{base}/health/ready")).send().await.unwrap();
        let live = http.get(format!("{base}/health")).send().await.unwrap();
        assert_eq!((ready.status().as_u16(), live.status().as_u16()), (503, 200));
        assert_eq!(live.headers()["connection"], "close");
    };
    tokio::join!(app.stop(), watch);
    assert!(http.get(format!("{base}/health")).send().await.is_err());
}

#[tokio::test]
async fn only_trusted_origins_may_read() {
    let app = App::spawn_with(&[("CORS_ORIGINS", "https://app.example, http://localhost:3000")]).await;
    for path in ["/health", "/api/u/tasks", "/nothing", "/api/auth/token"] {
        for (origin, trusted) in [
            ("https://app.example", true),
            ("http://localhost:3000", true),
            ("https://app.example.evil.example", false),
            ("https://APP.example.", false),
            ("null", false),
            ("http://app.example", false),
        ] {
            let answer = Answer::of(app.request("GET", path).header("origin", origin)).await;
            let allowed = if trusted { origin } else { "" };
            assert_eq!(answer.header("access-control-allow-origin"), allowed, "{path} {origin}");
            let vary = answer.headers.get_all("vary").iter().map(|it| it.to_str().unwrap().to_lowercase());
            assert!(vary.collect::<Vec<_>>().join(",").contains("origin"), "{path}");
        }
    }
    let preflight = app
        .request("OPTIONS", "/api/u/tasks/1")
        .header("origin", "https://app.example")
        .header("access-control-request-method", "PATCH")
        .header("access-control-request-headers", "authorization,content-type,traceparent,apollographql-client-name");
    let answer = Answer::of(preflight).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("access-control-allow-credentials"), "true");
    for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] {
        assert!(answer.header("access-control-allow-methods").contains(method), "{answer:?}");
    }
    for name in ["authorization", "content-type", "traceparent", "apollographql-client-name"] {
        assert!(answer.header("access-control-allow-headers").contains(name), "{answer:?}");
    }
    let answer = Answer::of(app.request("GET", "/health").header("origin", "https://app.example")).await;
    for name in ["ratelimit", "ratelimit-policy", "retry-after", "etag", "idempotency-replayed", "x-request-id"] {
        assert!(answer.header("access-control-expose-headers").split(',').any(|it| it == name), "{name} {answer:?}");
    }
}

#[tokio::test]
async fn front_ends_on_this_machine_are_trusted_in_development() {
    let (app, elsewhere) =
        (App::spawn().await, App::spawn_with(&[("BETTER_AUTH_URL", "https://docket.example")]).await);
    let may_read = async |app: &App, origin: &str| {
        let answer = Answer::of(app.request("GET", "/health").header("origin", origin)).await;
        answer.header("access-control-allow-origin") == origin
    };
    for origin in ["http://localhost:5173", "http://127.0.0.1:4321", "http://[::1]:5173"] {
        assert!(may_read(&app, origin).await && !may_read(&elsewhere, origin).await, "{origin}");
        let body = json!({ "email": "nobody@example.com", "password": "correct-horse-1" });
        let sign_in = app.request("POST", "/api/auth/sign-in/email").header("origin", origin).json(&body);
        assert_eq!(Answer::of(sign_in).await.status, 401, "{origin}");
    }
    for origin in
        ["http://localhost.evil.example:5173", "http://127.0.0.1.evil.example:80", "http://[::2]:5173", "null"]
    {
        assert!(!may_read(&app, origin).await, "{origin}");
    }
}

#[tokio::test]
async fn an_origin_that_may_not_read_is_in_the_log_once_with_the_setting() {
    let app = App::unstarted().await;
    let log = tempfile::NamedTempFile::new().unwrap();
    let settings = [("RUST_LOG", "warn"), ("CORS_ORIGINS", "https://app.example")];
    let process = Process::start_with(&app.database_url, &settings, log.reopen().unwrap()).await;
    for origin in ["https://other.example", "https://other.example", "https://app.example", "null"] {
        let request = app.http.get(format!("{}/health", process.base)).header("origin", origin);
        assert_eq!(Answer::of(request).await.status, 200);
    }
    process.stop().await;
    let said = std::fs::read_to_string(log.path()).unwrap();
    let lines: Vec<_> = said.lines().filter(|it| it.contains("CORS_ORIGINS")).collect();
    assert!(lines.len() == 1 && lines[0].contains("https://other.example"), "{said}");
}

#[tokio::test]
async fn the_log_says_what_to_do_about_a_refused_page_and_a_weak_setting() {
    let app = App::unstarted().await;
    let log = tempfile::NamedTempFile::new().unwrap();
    let settings = [("RUST_LOG", "warn"), ("DOCKET_ENV", "staging"), ("CORS_ORIGINS", "http://app.example")];
    let process = Process::start_with(&app.database_url, &settings, log.reopen().unwrap()).await;
    let body = json!({ "name": "ann", "email": "ann@example.com", "password": crate::support::PASSWORD });
    let request = app.http.post(format!("{}/api/auth/sign-up/email", process.base)).json(&body);
    Answer::of(request.header("origin", "https://docket.example")).await.expect(403);
    process.stop().await;
    let said = std::fs::read_to_string(log.path()).unwrap();
    for (event, advice) in [("access_denied", "BETTER_AUTH_URL"), ("config_weak", "allow https origins only")] {
        assert!(said.lines().any(|it| it.contains(event) && it.contains(advice)), "{event}: {said}");
    }
}

#[tokio::test]
async fn data_survives_a_restart() {
    let mut app = App::spawn().await;
    let ann = app.person("ann").await;
    let task = app.rest_task(&ann, json!({ "title": "water the plants" })).await;
    app.restart(&[]).await;
    assert_eq!(app.rest(&ann, "GET", "", None).await.expect(200), json!([task]));
}

#[tokio::test]
async fn a_request_in_flight_is_finished_when_the_server_stops() {
    let mut app = App::spawn().await;
    app.person("ann").await;
    let login = json!({ "email": "ann@example.com", "password": crate::support::PASSWORD });
    let request = app.request("POST", "/api/auth/sign-in/email").json(&login);
    let (answer, ()) = tokio::join!(Answer::of(request), async {
        // The hash takes longer than this, and the sign-in must still be answered.
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        app.stop().await;
    });
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn who_begins_in_http_2_is_refused_at_once() {
    let app = App::spawn().await;
    let address = app.base.trim_start_matches("http://").replace("localhost", "127.0.0.1");
    let settings = [0, 0, 0, 4, 0, 0, 0, 0, 0].as_slice();
    for start in ["PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "PRI * HTTP/2.0\r\n\r\n"] {
        let mut stream = TcpStream::connect(&address).await.unwrap();
        stream.write_all(&[start.as_bytes(), settings].concat()).await.unwrap();
        let mut answer = Vec::new();
        // The connection ends by itself; a client that asks for HTTP/2 may find it reset.
        let ended = tokio::time::timeout(std::time::Duration::from_secs(5), stream.read_to_end(&mut answer)).await;
        assert!(ended.is_ok(), "the connection stays: {answer:?}");
        assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 400 "), "{answer:?}");
    }
}

#[tokio::test]
async fn a_database_that_is_newer_than_the_program_is_left_alone() {
    let mut app = App::spawn().await;
    app.sql("insert into seaql_migrations (version, applied_at) values ('m2999_01_01_000001_future', 0)").await;
    app.stop().await;
    let config = docket::config::Config::from_vars(|name| match name {
        "BETTER_AUTH_SECRET" => Some(crate::support::SECRET.into()),
        "DATABASE_URL" => Some(app.database_url.clone()),
        "PORT" => Some("0".into()),
        _ => None,
    });
    let refused = docket::server::Server::bind(&config.unwrap(), None).await.unwrap_err();
    assert_eq!(refused.to_string(), "the database cannot be used");
}

#[tokio::test]
async fn the_rest_api_is_documented_by_a_page_that_needs_no_other_host() {
    let app = App::spawn().await;
    let document = Answer::of(app.request("GET", "/openapi.json")).await.expect(200);
    assert_eq!(document, serde_json::to_value(docket::rest::openapi::document()).unwrap());
    let page = Answer::of(app.request("GET", "/docs/")).await;
    assert!(page.status == 200 && page.header("content-security-policy").contains("script-src 'self';"), "{page:?}");
    let mut files = 0;
    for part in page.text.split(['"', '\'']).filter(|it| it.ends_with(".js") || it.ends_with(".css")) {
        assert!(!part.contains("//"), "{part} is elsewhere");
        let path = format!("/docs/{}", part.trim_start_matches("./"));
        assert_eq!(Answer::of(app.request("GET", &path)).await.status, 200, "{path}");
        files += 1;
    }
    assert!(files >= 6, "{page:?}");
}

#[tokio::test]
async fn the_page_and_the_document_of_the_rest_api_can_be_switched_off() {
    let app = App::spawn_with(&[("DOCKET_DOCS", "off")]).await;
    for path in ["/docs", "/docs/", "/docs/docs.js", "/docs/swagger-ui.css", "/docs/bar/bar.js", "/openapi.json"] {
        let answer = Answer::of(app.request("GET", path)).await;
        assert_eq!(answer.expect(404)["detail"], "Not Found", "{path}");
    }
    let word = Answer::of(app.request("GET", "/")).await.expect(200);
    assert_eq!(word, serde_json::json!({ "name": "Docket", "status": "healthy" }));
    let home = Answer::of(app.request("GET", "/").header("accept", "text/html")).await;
    let playground = Answer::of(app.request("GET", "/graphiql")).await;
    for page in [home, playground] {
        assert!(page.status == 200 && !page.text.contains("docs/") && !page.text.contains("openapi"), "{page:?}");
    }
}

#[tokio::test]
async fn files_of_pages_are_sent_compressed_to_those_who_take_that() {
    let app = App::spawn().await;
    let get = |accepted: &str| app.request("GET", "/docs/swagger-ui.css").header("accept-encoding", accepted);
    let plain = Answer::of(get("identity")).await;
    let gzip = get("br, gzip;q=0.8").send().await.unwrap();
    assert_eq!(gzip.headers()["content-encoding"], "gzip");
    let gzip = gzip.bytes().await.unwrap();
    assert!(plain.text.starts_with(".swagger-ui") && gzip.starts_with(&[0x1f, 0x8b]), "{} bytes", gzip.len());
    assert!(gzip.len() * 3 < plain.text.len(), "{} of {} bytes", gzip.len(), plain.text.len());
}
