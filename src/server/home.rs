//! `/`: a page for people who come with a browser, and a word for programs. The page says what there is and how to begin;
//! it loads nothing and runs no script.

use std::sync::Arc;

use axum::{
    Json, Router,
    http::{HeaderMap, HeaderName, HeaderValue, header},
    response::{Html, IntoResponse, Response},
    routing::get,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{
    guides::{self, GUIDES},
    pages::{Page, pages},
};
use crate::{config::Config, graphql, media_type::MediaType};

const PAGE: &str = include_str!("home/page.html");
const STYLE: &str = include_str!("home/style.css");
/// Browsers show it.
const SCHEMA_TYPE: &str = "text/plain; charset=utf-8";

/// What is sent to whom.
#[derive(Debug)]
struct Home {
    /// Nothing where neither the app nor the playground is on: what a server has is then nobody's business.
    page: Option<String>,
    policy: HeaderValue,
    word: Value,
}

/// The routes, for a server that clients see at that URL.
pub(super) fn router(config: &Config, base_url: &str) -> Router {
    let home = Arc::new(Home::new(config, base_url));
    let router = Router::new().route("/", get(move |headers: HeaderMap| async move { home.response(&headers) }));
    let router = if config.has_guides() { router.merge(guides::router()) } else { router };
    if !config.playground {
        return router;
    }
    router.route("/schema.graphql", get(async || ([(header::CONTENT_TYPE, SCHEMA_TYPE)], graphql::sdl())))
}

impl Home {
    fn new(config: &Config, base_url: &str) -> Self {
        let base = base_url.trim_end_matches('/');
        let prefix = url::Url::parse(base_url).map(|it| it.path().trim_end_matches('/').to_owned()).unwrap_or_default();
        let page = PAGE
            .replace("{style}", STYLE)
            .replace("{version}", env!("CARGO_PKG_VERSION"))
            .replace("{links}", &links(config))
            .replace("{guides}", &guides())
            .replace("{base}", base);
        let mut word = json!({ "name": "Docket", "status": "healthy" });
        if config.docs {
            word["docs"] = format!("{prefix}/docs").into();
        }
        Self { page: Some(page).filter(|_| config.has_guides()), policy: page_policy(STYLE), word }
    }

    fn response(&self, headers: &HeaderMap) -> Response {
        const VARY: (HeaderName, HeaderValue) = (header::VARY, HeaderValue::from_static("accept"));
        let accepted = MediaType::accepted(headers).unwrap_or_default();
        let is_browser = accepted.first().is_some_and(|first| first.essence == "text/html");
        match self.page.as_ref().filter(|_| is_browser) {
            Some(page) => {
                let headers = [VARY, (header::CONTENT_SECURITY_POLICY, self.policy.clone())];
                (headers, Html(page.clone())).into_response()
            }
            None => ([VARY], Json(self.word.clone())).into_response(),
        }
    }
}

/// What a page may do that loads nothing and has that style.
pub(super) fn page_policy(style: &str) -> HeaderValue {
    let hash = STANDARD.encode(Sha256::digest(style));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{hash}'; img-src data:; frame-ancestors 'none'; base-uri 'none'; \
         form-action 'none'"
    );
    HeaderValue::try_from(policy).unwrap_or(HeaderValue::from_static("default-src 'none'"))
}

/// Links to the guides, as relative as the others.
fn guides() -> String {
    GUIDES.iter().map(|it| format!("<a href=\"guides/{}\">{}</a>\n", it.path, it.name)).collect()
}

/// Relative, for a proxy may have the page below a path.
fn links(config: &Config) -> String {
    let link = |Page { path, name, about, .. }: Page| {
        format!("<a href=\"{path}\"><strong>{name}</strong><span>{about}</span></a>\n")
    };
    pages(config).into_iter().map(link).collect()
}
