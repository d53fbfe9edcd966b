//! Any request to the REST API: the first byte chooses method and route, the lines that follow are the rest of the
//! path with its query, a header's value, and the body.
#![no_main]

use std::sync::OnceLock;

use axum::{body::Body, http::Request};
use libfuzzer_sys::fuzz_target;
use stage::Stage;

const METHODS: [&str; 5] = ["GET", "POST", "PUT", "PATCH", "DELETE"];
const ROUTES: [&str; 8] = [
    "/api/{user}/tasks",
    "/api/{user}/tasks/1",
    "/api/{user}/tasks/1/complete",
    "/api/{user}/changes",
    "/api/{user}/import",
    "/api/{user}/export",
    "/api/auth/",
    "/graphql",
];
const HEADERS: [&str; 8] =
    ["if-match", "if-none-match", "idempotency-key", "cookie", "accept", "origin", "x-forwarded-for", "content-type"];

static STAGE: OnceLock<Stage> = OnceLock::new();

fuzz_target!(|bytes: &[u8]| {
    let [first, second, rest @ ..] = bytes else { return };
    let stage = STAGE.get_or_init(Stage::new);
    let mut parts = rest.splitn(3, |byte| *byte == b'\n');
    let mut next = || parts.next().unwrap_or_default();
    let (tail, value, body) = (String::from_utf8_lossy(next()).into_owned(), next(), next().to_vec());
    let method = METHODS[usize::from(first & 7) % METHODS.len()];
    let route = ROUTES[usize::from(first >> 3) % ROUTES.len()].replace("{user}", &stage.user);
    let mut request = Request::builder().method(method).uri(format!("{route}{tail}"));
    if second & 0x80 == 0 {
        request = request.header("content-type", "application/json");
    }
    request = request.header(HEADERS[usize::from(second & 7)], value);
    // What is no request at all is the business of hyper.
    if let Ok(request) = request.body(Body::from(body)) {
        stage.send(request);
    }
});
