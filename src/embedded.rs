//! Files that the build puts into the binary, and how they are sent. Which files there are is up to the pages that they
//! belong to.

use std::{borrow::Cow, io::Read};

use axum::{
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use flate2::read::GzDecoder;

/// For files whose name has their version or a hash of what is in them.
pub const IMMUTABLE: &str = "public, max-age=31536000, immutable";

/// A file of a page.
#[derive(Debug)]
pub struct File {
    /// The name that the page calls it by.
    pub name: &'static str,
    /// Its bytes.
    pub bytes: &'static [u8],
    /// Whether they are compressed by gzip, as they are where that makes them fewer.
    pub is_gzip: bool,
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
        if self.is_gzip && takes_gzip(request) {
            return (headers, [(header::CONTENT_ENCODING, "gzip")], self.bytes).into_response();
        }
        match self.plain() {
            Some(plain) => (headers, plain.into_owned()).into_response(),
            None => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        }
    }

    /// Its text.
    pub fn text(&self) -> Option<String> {
        String::from_utf8(self.plain()?.into_owned()).ok()
    }

    /// What is in it; nothing if it cannot be decompressed, which means that the binary is damaged.
    fn plain(&self) -> Option<Cow<'static, [u8]>> {
        if !self.is_gzip {
            return Some(self.bytes.into());
        }
        let mut plain = Vec::new();
        GzDecoder::new(self.bytes).read_to_end(&mut plain).ok()?;
        Some(plain.into())
    }

    fn media_type(&self) -> &'static str {
        match self.name.rsplit('.').next() {
            Some("html") => "text/html; charset=utf-8",
            Some("js") => "text/javascript; charset=utf-8",
            Some("css") => "text/css; charset=utf-8",
            Some("svg") => "image/svg+xml",
            Some("png") => "image/png",
            Some("ttf") => "font/ttf",
            Some("woff2") => "font/woff2",
            Some("webmanifest") => "application/manifest+json",
            _ => "text/plain; charset=utf-8",
        }
    }
}

/// Whether the client takes gzip; a weight of zero says that it does not (RFC 9110, section 12.5.3).
fn takes_gzip(request: &HeaderMap) -> bool {
    let accepted = request.get(header::ACCEPT_ENCODING).and_then(|it| it.to_str().ok()).unwrap_or_default();
    accepted.split(',').any(|coding| {
        let mut parts = coding.split(';').map(str::trim);
        let is_gzip = parts.next().is_some_and(|name| name.eq_ignore_ascii_case("gzip"));
        is_gzip && !parts.any(|it| it.strip_prefix("q=").is_some_and(|weight| weight.parse() == Ok(0.0)))
    })
}
