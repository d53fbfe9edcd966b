//! The playground: GraphiQL with examples, which a build with npm makes of the folder `playground` and puts into the
//! binary. Without them the page says what to do.

use std::sync::Arc;

use axum::{
    Router,
    extract::Path,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{Html, IntoResponse, Response},
    routing::get,
};

use crate::{
    embedded::{File, IMMUTABLE},
    page_bar::{self, PageBar, PageLocation},
};

/// The page and its files; none in a build without npm.
const FILES: &[File] = include!(concat!(env!("OUT_DIR"), "/playground.rs"));
const PLAIN_PAGE: &str = include_str!("playground/plain.html");
const LOCATION: PageLocation =
    PageLocation { path: "graphiql", guide: "guides/graphql", root: "./", files: "graphiql/bar/" };

/// Nothing is loaded from elsewhere, and nobody may frame the page. The editors make style sheets of their own.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; font-src 'self'; img-src 'self' data:; \
    connect-src 'self'; worker-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
);

/// The page as this server shows it.
#[derive(Clone, Debug)]
pub struct Playground(Arc<str>);

/// Whether the playground is in this binary.
pub fn is_whole() -> bool {
    !FILES.is_empty()
}

impl Playground {
    /// The page below that bar.
    pub fn new(bar: &PageBar) -> Self {
        let page = File::find(FILES, "index.html").and_then(File::text);
        Self(bar.fill(page.as_deref().unwrap_or(PLAIN_PAGE), &LOCATION).into())
    }

    /// The page.
    pub fn response(&self) -> Response {
        let headers = [
            (header::CONTENT_SECURITY_POLICY, POLICY),
            (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
            (header::VARY, HeaderValue::from_static("Accept")),
        ];
        (headers, Html(self.0.to_string())).into_response()
    }

    /// The routes of the page and of its files.
    pub fn router(self) -> Router {
        Router::new()
            .route("/graphiql", get(async move || self.response()))
            .route("/graphiql/files/{*name}", get(file))
            .merge(page_bar::router("/graphiql/bar"))
    }
}

/// A file of the page. Its name has a hash of what is in it, so that it never changes. Workers have the policy of their own
/// file, which is the page's.
async fn file(Path(name): Path<String>, headers: HeaderMap) -> Response {
    let Some(file) = File::find(FILES, &format!("graphiql/files/{name}")) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let mut response = file.response(&headers, IMMUTABLE);
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, POLICY);
    response
}
