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

use super::guides::{self, GUIDES};
use crate::{app, config::Config, graphql, media_type::MediaType};

const PAGE: &str = include_str!("home/page.html");
const STYLE: &str = include_str!("home/style.css");
const SCHEMA_TYPE: &str = "application/graphql; charset=utf-8";

/// What is sent to whom.
#[derive(Debug)]
struct Home {
    /// Nothing where neither the app nor the playground is on: what a server has is then nobody's business.
    page: Option<String>,
    policy: HeaderValue,
    word: Value,
}

/// A page that is linked.
struct Link {
    path: &'static str,
    name: &'static str,
    about: &'static str,
    is_there: bool,
}

/// The routes, for a server that clients see at that URL.
pub(super) fn router(config: &Config, base_url: &str) -> Router {
    let home = Arc::new(Home::new(config, base_url));
    let router = Router::new().route("/", get(move |headers: HeaderMap| async move { home.response(&headers) }));
    let router = if config.playground || config.app { router.merge(guides::router()) } else { router };
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
        Self {
            page: Some(page).filter(|_| config.playground || config.app),
            policy: page_policy(STYLE),
            word: json!({ "name": "Docket", "status": "healthy", "docs": format!("{prefix}/docs") }),
        }
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
    let all = [
        Link {
            path: "app/",
            name: "App",
            about: "tasks in the browser, live and offline",
            is_there: config.app && app::is_there(),
        },
        Link { path: "graphiql", name: "Playground", about: "try the GraphQL API", is_there: config.playground },
        Link { path: "schema.graphql", name: "Schema", about: "of the GraphQL API", is_there: config.playground },
        Link { path: "docs/", name: "REST API", about: "its routes, to read and to try", is_there: true },
        Link { path: "openapi.json", name: "OpenAPI", about: "what clients are generated from", is_there: true },
        Link { path: "health/ready", name: "Health", about: "whether it can work", is_there: true },
    ];
    let shown = all.into_iter().filter(|it| it.is_there);
    shown
        .map(|it| format!("<a href=\"{}\"><strong>{}</strong><span>{}</span></a>\n", it.path, it.name, it.about))
        .collect()
}
