//! The app of `examples/web`, which a build with npm puts into the binary. It is a page of static files that asks the APIs
//! of the server that it comes from.

use axum::{
    Router,
    extract::Path,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};

use crate::embedded::{File, IMMUTABLE};

/// The path of the app.
pub const PATH: &str = "/app";

/// All files; none in a build without npm.
const FILES: &[File] = include!(concat!(env!("OUT_DIR"), "/app.rs"));
const PAGE: &str = "index.html";
/// The folder of the files whose names have a hash of what is in them.
const HASHED: &str = "assets/";
/// How long an icon may be out of date.
const A_DAY: &str = "public, max-age=86400";

/// Scripts, styles and answers come from this server alone, by WebSocket too, and nobody may frame the page.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self' data:; \
    connect-src 'self'; manifest-src 'self'; worker-src 'self'; form-action 'self'; frame-ancestors 'none'; \
    base-uri 'none'",
);

/// Whether the app is in this binary.
pub fn is_there() -> bool {
    !FILES.is_empty()
}

/// The routes of the app; none in a build without npm.
pub fn router() -> Router {
    if !is_there() {
        return Router::new();
    }
    Router::new()
        .route(PATH, get(add_slash))
        .route("/app/", get(|headers: HeaderMap| async move { respond(PAGE, &headers) }))
        .route(
            "/app/{*name}",
            get(|Path(name): Path<String>, headers: HeaderMap| async move { respond(&name, &headers) }),
        )
}

/// The files are named from the folder that the page is in. The target is relative, so that a proxy may put a path in front.
async fn add_slash() -> Response {
    (StatusCode::PERMANENT_REDIRECT, [(header::LOCATION, "app/")]).into_response()
}

fn respond(name: &str, request: &HeaderMap) -> Response {
    let Some(file) = File::find(FILES, name) else { return StatusCode::NOT_FOUND.into_response() };
    let cache = match name {
        // The page and its service worker say which other files there are.
        PAGE | "sw.js" => "no-cache",
        _ if name.starts_with(HASHED) => IMMUTABLE,
        _ => A_DAY,
    };
    let mut response = file.response(request, cache);
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, POLICY);
    response
}
