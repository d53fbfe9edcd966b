//! The playground: GraphiQL from pinned and checked npm packages, which a build with npm puts into the binary. Without
//! them the page loads the same files from a CDN, and the browser checks them (Subresource Integrity).

use axum::{
    extract::Path,
    http::{HeaderMap, StatusCode, header},
    response::{Html, IntoResponse, Response},
};

use crate::embedded::{File, IMMUTABLE};

const PAGE_HTML: &str = include_str!("playground/page.html");
const BOOT_JS: &str = include_str!("playground/boot.js");

/// The files of the page, and their licences; none in a build without npm.
const FILES: &[File] = include!(concat!(env!("OUT_DIR"), "/playground.rs"));

/// Where the files are, seen from the page: a proxy may have it below a path of its own.
const FILES_PATH: &str = "graphiql/files/";
const CDN: &str = "https://unpkg.com/";

/// Nothing is loaded from elsewhere, and nobody may frame the page.
const OWN_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
    font-src 'self' data:; img-src 'self' data:; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; \
    base-uri 'none'";
/// As above, with the pinned files of the CDN.
const CDN_POLICY: &str = "default-src 'none'; script-src 'self' https://unpkg.com; \
    style-src 'self' 'unsafe-inline' https://unpkg.com; font-src 'self' data: https://unpkg.com; \
    img-src 'self' data:; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// Whether the page needs nothing but this server.
pub fn is_whole() -> bool {
    !FILES.is_empty()
}

/// The page.
pub async fn page() -> Response {
    let (files, policy) = if is_whole() { (FILES_PATH, OWN_POLICY) } else { (CDN, CDN_POLICY) };
    let headers =
        [(header::CONTENT_SECURITY_POLICY, policy), (header::CACHE_CONTROL, "no-cache"), (header::VARY, "Accept")];
    (headers, Html(PAGE_HTML.replace("{files}", files))).into_response()
}

/// The script that starts it.
pub async fn boot() -> Response {
    ([(header::CONTENT_TYPE, "text/javascript; charset=utf-8")], BOOT_JS).into_response()
}

/// A file of the page. Its name has its version, so that it never changes.
pub async fn file(Path(name): Path<String>, headers: HeaderMap) -> Response {
    match File::find(FILES, &name) {
        Some(file) => file.response(&headers, IMMUTABLE),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
