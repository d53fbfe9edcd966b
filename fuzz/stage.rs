//! A Docket in this process, with somebody signed in, that takes requests without a network.

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{HeaderValue, Request, StatusCode},
};
use docket::{config::Config, server::Server};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};
use tower::ServiceExt;

/// What a fuzz target works on.
pub struct Stage {
    runtime: Runtime,
    router: Router,
    /// The id of the user.
    pub user: String,
    token: String,
    _folder: TempDir,
}

impl Stage {
    /// A new database, an account and its token.
    pub fn new() -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
        let folder = tempfile::tempdir().expect("a folder");
        let url = format!("sqlite://{}/docket.db?mode=rwc", folder.path().display());
        let config = Config::from_vars(|name| match name {
            "DATABASE_URL" => Some(url.clone()),
            "BETTER_AUTH_SECRET" => Some("a-secret-of-tests-0123456789-ABCDEFGHIJ".into()),
            "PORT" => Some("0".into()),
            _ => None,
        });
        let server = runtime.block_on(Server::bind(&config.expect("a configuration"), None)).expect("a server");
        let router = server.router();
        let mut stage = Self { runtime, router, user: String::new(), token: String::new(), _folder: folder };
        let account = json!({ "name": "Ann", "email": "ann@example.com", "password": "correct-horse-1" });
        let (_, body) = stage.send(post("/api/auth/sign-up/email", account.to_string().into_bytes()));
        let account: Value = serde_json::from_slice(&body).expect("an account");
        stage.user = account["user"]["id"].as_str().expect("an id").to_owned();
        stage.token = account["token"].as_str().expect("a token").to_owned();
        stage
    }

    /// Sends a request as the user, and wants an answer that is no fault of ours.
    pub fn send(&self, mut request: Request<Body>) -> (StatusCode, Vec<u8>) {
        request.headers_mut().insert("host", HeaderValue::from_static("localhost"));
        if let Ok(value) = format!("Bearer {}", self.token).parse()
            && !self.token.is_empty()
        {
            request.headers_mut().insert("authorization", value);
        }
        self.runtime.block_on(async {
            let answer = self.router.clone().oneshot(request).await.expect("an answer");
            let status = answer.status();
            let body = to_bytes(answer.into_body(), 64 << 20).await.expect("a body").to_vec();
            assert!(!status.is_server_error(), "{status}: {}", String::from_utf8_lossy(&body));
            (status, body)
        })
    }
}

impl Default for Stage {
    fn default() -> Self {
        Self::new()
    }
}

/// A request with a JSON body.
pub fn post(path: &str, body: Vec<u8>) -> Request<Body> {
    Request::post(path).header("content-type", "application/json").body(Body::from(body)).expect("a request")
}
