//! Docket below a path of a host, behind proxies that take the path off and that pass it on.

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::Request,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use url::Url;

use crate::{
    sink::Sink,
    support::{Answer, App, PASSWORD, text},
};

const PREFIX: &str = "/tools/docket";

/// A host that has Docket below a path, and what a browser knows of it.
struct Host {
    origin: String,
    browser: reqwest::Client,
}

/// A proxy on that listener, which sends what is below the path to a server, with the path or without it.
fn start_proxy(listener: std::net::TcpListener, to: String, strips: bool) {
    listener.set_nonblocking(true).unwrap();
    let listener = tokio::net::TcpListener::from_std(listener).unwrap();
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let forward = move |request: Request| {
        let (client, to) = (client.clone(), to.clone());
        async move {
            let (parts, body) = request.into_parts();
            let path = parts.uri.path_and_query().unwrap().as_str();
            let Some(rest) = path.strip_prefix(PREFIX) else { return StatusCode::BAD_GATEWAY.into_response() };
            let path = if strips { rest } else { path };
            let body = to_bytes(body, 1 << 20).await.unwrap();
            let sent = client.request(parts.method, format!("{to}{path}")).headers(parts.headers).body(body);
            let received = sent.send().await.unwrap();
            let (status, headers) = (received.status(), received.headers().clone());
            let mut response = Response::new(Body::from(received.bytes().await.unwrap()));
            (*response.status_mut(), *response.headers_mut()) = (status, headers);
            response.headers_mut().remove("transfer-encoding");
            response
        }
    };
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(forward)).await.unwrap() });
}

impl Host {
    /// A server behind a proxy, and the mail that it sends.
    async fn start(strips: bool) -> (Self, App, Sink) {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let origin = format!("http://localhost:{}", listener.local_addr().unwrap().port());
        let sink = Sink::start().await;
        let url = format!("{origin}{PREFIX}/api/auth/");
        let settings =
            [("BETTER_AUTH_URL", url.as_str()), ("SMTP_URL", &sink.url), ("MAIL_FROM", "Docket <docket@app.example>")];
        let app = App::spawn_with(&settings).await;
        start_proxy(listener, app.base.clone(), strips);
        let none = reqwest::redirect::Policy::none();
        (Self { origin, browser: reqwest::Client::builder().redirect(none).build().unwrap() }, app, sink)
    }

    fn url(&self, path: &str) -> Url {
        Url::parse(&format!("{}{PREFIX}{path}", self.origin)).unwrap()
    }

    async fn get(&self, url: Url) -> Answer {
        Answer::of(self.browser.get(url)).await
    }

    async fn post(&self, path: &str, cookie: &str, body: Value) -> Answer {
        let request = self.browser.post(self.url(path)).header("origin", &self.origin).header("cookie", cookie);
        Answer::of(request.json(&body)).await
    }

    /// Fetches what a page names by relative URLs, as a browser that shows it at that URL; how many files.
    async fn fetch_files(&self, page: &Url, html: &str) -> usize {
        let named = html.split("src=\"").skip(1).chain(html.split("href=\"").skip(1));
        let named =
            named.filter_map(|it| it.split('"').next()).filter(|it| it.ends_with(".js") || it.ends_with(".css"));
        let mut count = 0;
        for name in named {
            let file = self.get(page.join(name).unwrap()).await;
            assert_eq!(file.status, 200, "{name} of {page}");
            count += 1;
        }
        count
    }
}

#[tokio::test]
async fn docket_works_below_a_path_whether_a_proxy_takes_it_off_or_passes_it_on() {
    for strips in [true, false] {
        let (host, _app, sink) = Host::start(strips).await;
        let base = host.url("").to_string();

        // An account, by the cookie of a browser.
        let ann = json!({ "name": "Ann", "email": "ann@example.com", "password": PASSWORD });
        let signed_up = host.post("/api/auth/sign-up/email", "", ann).await;
        let id = text(&signed_up.expect(200)["user"]["id"]);
        let cookies = signed_up.cookies().join("\n");
        assert!(cookies.contains("better-auth.session_token=") && cookies.contains("Path=/;"), "{cookies}");
        let cookie = cookies.split(';').next().unwrap().to_owned();
        let made = host.post(&format!("/api/{id}/tasks?a=b"), &cookie, json!({ "title": "water" })).await;
        assert_eq!(made.status, 422, "the query is passed on: {made:?}");
        host.post(&format!("/api/{id}/tasks"), &cookie, json!({ "title": "water" })).await.expect(201);
        let asked = host.post("/graphql", &cookie, json!({ "query": "{ tasks { totalCount } }" })).await;
        assert_eq!(asked.data()["tasks"]["totalCount"], 1);

        // Issuer, audience and trust are those of the origin.
        let token =
            Answer::of(host.browser.get(host.url("/api/auth/token")).header("cookie", &cookie)).await.expect(200);
        let claims = URL_SAFE_NO_PAD.decode(text(&token["token"]).split('.').nth(1).unwrap()).unwrap();
        let claims: Value = serde_json::from_slice(&claims).unwrap();
        assert_eq!((&claims["iss"], &claims["aud"]), (&json!(host.origin), &json!(host.origin)));
        let foreign = host.browser.post(host.url("/api/auth/sign-out")).header("cookie", &cookie);
        let foreign = Answer::of(foreign.header("origin", "http://evil.example").json(&json!({}))).await;
        assert_eq!((foreign.status.as_u16(), foreign.code()), (403, "INVALID_ORIGIN".into()));

        // A mailed link leads through the proxy to a page of the front-end.
        let body = json!({ "email": "ann@example.com", "redirectTo": "/reset" });
        host.post("/api/auth/request-password-reset", "", body).await.expect(200);
        let mail = sink.to("ann@example.com").await;
        assert!(mail.url.starts_with(&format!("{base}/api/auth/reset-password/")), "{}", mail.url);
        let followed = host.get(mail.url.parse().unwrap()).await;
        let location: Url = followed.header("location").parse().unwrap();
        assert_eq!((followed.status.as_u16(), location.path()), (302, "/reset"));
        assert_eq!(location.origin().ascii_serialization(), host.origin);
        let token = location.query_pairs().find(|(name, _)| name == "token").unwrap().1.into_owned();
        let body = json!({ "newPassword": "another-horse-1", "token": token });
        host.post("/api/auth/reset-password", "", body).await.expect(200);
        let body = json!({ "email": "ann@example.com", "password": "another-horse-1" });
        host.post("/api/auth/sign-in/email", "", body).await.expect(200);
        let bad = host.get(host.url("/api/auth/reset-password/nope?callbackURL=")).await;
        let page = host.get(bad.header("location").parse().unwrap()).await;
        assert!(page.status == 200 && page.text.contains("INVALID_TOKEN"), "{page:?}");
    }
}

#[tokio::test]
async fn pages_below_a_path_load_their_files_and_call_what_is_there() {
    for strips in [true, false] {
        let (host, app, _sink) = Host::start(strips).await;
        for path in ["/graphiql", "/graphql"] {
            let url = host.url(path);
            let page = Answer::of(host.browser.get(url.clone()).header("accept", "text/html")).await;
            assert_eq!(page.status, 200, "{path}");
            let least = if docket::graphql::is_whole() { 4 } else { 2 };
            assert!(host.fetch_files(&url, &page.text).await >= least, "{page:?}");
        }
        for bar in ["/graphiql/bar/bar.js", "/docs/bar/bar.js"] {
            let script = host.get(host.url(bar)).await.text;
            for called in ["new URL(\"../../\", import.meta.url)", "new URL(`api/auth/${path}`, root)", "\"./demo.js\""]
            {
                assert!(script.contains(called), "{bar}: {called}");
            }
        }
        let docs = host.get(host.url("/docs")).await;
        assert_eq!(docs.header("location"), "docs/", "of whatever host and port the proxy has");
        let url = host.url("/docs").join(docs.header("location")).unwrap();
        assert_eq!(url, host.url("/docs/"));
        let page = host.get(url.clone()).await.text;
        assert!(host.fetch_files(&url, &page).await >= 6, "{page}");
        let start = host.get(url.join("docs.js").unwrap()).await.text;
        assert!(start.contains("fetch(\"../openapi.json\")"), "{start}");
        let document = host.get(url.join("../openapi.json").unwrap()).await.expect(200);
        assert_eq!(document["servers"], json!([{ "url": PREFIX }]));
        if docket::app::is_there() {
            let moved = host.get(host.url("/app")).await;
            let url = host.url("/app").join(moved.header("location")).unwrap();
            assert_eq!(url, host.url("/app/"));
            assert!(host.fetch_files(&url, &host.get(url.clone()).await.text).await >= 2);
        }
        let root = host.get(host.url("")).await.expect(200);
        assert_eq!(root["docs"], format!("{PREFIX}/docs"));
        // Who is beside the proxy needs no path, and only whole segments are it.
        for (path, status) in [("/health", 200), ("/tools/docket/health/ready", 200), ("/tools/dockets/health", 404)] {
            assert_eq!(Answer::of(app.request("GET", path)).await.status, status, "{path}");
        }
    }
}
