//! The playground: GraphiQL from pinned and checked npm packages, which a build with npm puts into the binary. Without
//! them the page loads the same files from a CDN, and the browser checks them (Subresource Integrity).

use axum::{
    extract::Path,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{Html, IntoResponse, Response},
};

const PAGE_HTML: &str = include_str!("playground/page.html");
const BOOT_JS: &str = include_str!("playground/boot.js");

/// A file: the name that the page calls it by, its bytes, and these compressed by gzip.
type File = (&'static str, &'static [u8], &'static [u8]);

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
    let Some((name, plain, gzip)) = FILES.iter().find(|(it, ..)| *it == name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let kind = match name.rsplit('.').next() {
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        _ => "text/plain; charset=utf-8",
    };
    let accepted = headers.get(header::ACCEPT_ENCODING).and_then(|it| it.to_str().ok()).unwrap_or_default();
    let takes_gzip = accepted.split(',').any(|it| it.split(';').next().is_some_and(|it| it.trim() == "gzip"));
    let described = [
        (header::CONTENT_TYPE, kind),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
        (header::VARY, "Accept-Encoding"),
    ];
    let mut response = (described, if takes_gzip { *gzip } else { *plain }).into_response();
    if takes_gzip {
        response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    response
}
