//! Files that the build puts into the binary, and how they are sent. Which files there are is up to the pages that they
//! belong to.

use axum::{
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};

/// For files whose name has their version or a hash of what is in them.
pub const IMMUTABLE: &str = "public, max-age=31536000, immutable";

/// A file of a page.
#[derive(Debug)]
pub struct File {
    /// The name that the page calls it by.
    pub name: &'static str,
    /// Its bytes.
    pub plain: &'static [u8],
    /// The same, compressed by gzip, if they are fewer then.
    pub gzip: Option<&'static [u8]>,
}

impl File {
    /// The file of that name.
    pub fn find<'a>(files: &'a [Self], name: &str) -> Option<&'a Self> {
        files.iter().find(|it| it.name == name)
    }

    /// The file, compressed if the request allows it, to be stored as `cache_control` says.
    pub fn response(&self, request: &HeaderMap, cache_control: &'static str) -> Response {
        let headers = [
            (header::CONTENT_TYPE, self.media_type()),
            (header::CACHE_CONTROL, cache_control),
            (header::VARY, "Accept-Encoding"),
        ];
        match self.gzip.filter(|_| takes_gzip(request)) {
            Some(gzip) => (headers, [(header::CONTENT_ENCODING, "gzip")], gzip).into_response(),
            None => (headers, self.plain).into_response(),
        }
    }

    fn media_type(&self) -> &'static str {
        match self.name.rsplit('.').next() {
            Some("html") => "text/html; charset=utf-8",
            Some("js") => "text/javascript; charset=utf-8",
            Some("css") => "text/css; charset=utf-8",
            Some("svg") => "image/svg+xml",
            Some("png") => "image/png",
            Some("woff2") => "font/woff2",
            Some("webmanifest") => "application/manifest+json",
            _ => "text/plain; charset=utf-8",
        }
    }
}

fn takes_gzip(request: &HeaderMap) -> bool {
    let accepted = request.get(header::ACCEPT_ENCODING).and_then(|it| it.to_str().ok()).unwrap_or_default();
    accepted.split(',').any(|it| it.split(';').next().is_some_and(|it| it.trim() == "gzip"))
}
