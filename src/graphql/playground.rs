//! The playground: GraphiQL, pinned by version and checksum (Subresource Integrity).

use axum::{
    http::header,
    response::{Html, IntoResponse, Response},
};

const PAGE: &str = include_str!("playground/page.html");
const BOOT: &str = include_str!("playground/boot.js");

/// Scripts and styles come from us or from the pinned CDN; nothing else is loaded, and nobody may frame the page.
const POLICY: &str = "default-src 'none'; script-src 'self' https://unpkg.com; \
    style-src 'self' 'unsafe-inline' https://unpkg.com; font-src 'self' data: https://unpkg.com; \
    img-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; frame-ancestors 'none'; base-uri 'none'";

/// The page.
pub async fn page() -> Response {
    let headers =
        [(header::CONTENT_SECURITY_POLICY, POLICY), (header::CACHE_CONTROL, "no-cache"), (header::VARY, "Accept")];
    (headers, Html(PAGE)).into_response()
}

/// The script that starts it.
pub async fn boot() -> Response {
    ([(header::CONTENT_TYPE, "text/javascript; charset=utf-8")], BOOT).into_response()
}
