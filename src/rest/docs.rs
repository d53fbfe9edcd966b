//! The page that shows the OpenAPI document, at `/docs`: Swagger UI below the bar, by which one signs in.

use std::sync::Arc;

use axum::{
    Router,
    extract::Path,
    http::{HeaderMap, HeaderValue, StatusCode, Uri, header},
    response::{Html, IntoResponse, Response},
    routing::get,
};

use super::errors::not_found;
use crate::{
    embedded::File,
    page_bar::{self, PageBar, PageLocation},
};

const PAGE: &str = include_str!("docs/page.html");
const LOCATION: PageLocation = PageLocation { path: "docs/", guide: "guides/rest", root: "../", files: "bar/" };
const OWN_FILES: [File; 2] = [
    File { name: "docs.css", bytes: include_bytes!("docs/docs.css"), is_gzip: false },
    File { name: "docs.js", bytes: include_bytes!("docs/docs.js"), is_gzip: false },
];
/// The files of Swagger UI, which change with its version only.
const SWAGGER_UI: &[File] = include!(concat!(env!("OUT_DIR"), "/swagger_ui.rs"));

/// How long they may be out of date.
const A_DAY: &str = "public, max-age=86400";

/// The page loads nothing from elsewhere, and nobody may frame it. Swagger UI styles elements by attributes.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
     connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
);

/// The routes of the page, below that bar.
pub fn router<S: Clone + Send + Sync + 'static>(bar: &PageBar) -> Router<S> {
    let page: Arc<str> = bar.fill(PAGE, &LOCATION).into();
    Router::new()
        .route("/docs", get(add_slash))
        .route("/docs/", get(async move || respond(&page)))
        .route("/docs/{name}", get(file))
        .merge(page_bar::router("/docs/bar"))
}

/// The files are named from the folder that the page is in. The target is relative, so that it stays at the host, port and
/// path that the client has asked.
async fn add_slash() -> Response {
    (StatusCode::PERMANENT_REDIRECT, [(header::LOCATION, "docs/")]).into_response()
}

fn respond(page: &str) -> Response {
    let headers =
        [(header::CONTENT_SECURITY_POLICY, POLICY), (header::CACHE_CONTROL, HeaderValue::from_static("no-cache"))];
    (headers, Html(page.to_owned())).into_response()
}

/// A file of the page. A file that it does not have is refused as others are.
async fn file(Path(name): Path<String>, headers: HeaderMap) -> Response {
    if let Some(file) = File::find(SWAGGER_UI, &name) {
        return file.response(&headers, A_DAY);
    }
    match File::find(&OWN_FILES, &name) {
        Some(file) => file.response(&headers, "no-cache"),
        None => not_found(Uri::default()).await,
    }
}
