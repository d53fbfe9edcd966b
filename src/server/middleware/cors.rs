//! Which pages of other origins may read responses, and what they may send (CORS).

use std::{
    collections::HashSet,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use axum::http::{HeaderName, HeaderValue, Method, header, request::Parts};
use tower_http::cors::{AllowHeaders, AllowOrigin, CorsLayer};
use tracing::warn;
use url::Url;

use crate::service::auth::Origins;

/// How long a browser remembers what it may send.
const PREFLIGHT_AGE: Duration = Duration::from_secs(600);
/// The methods that front-ends may use.
const METHODS: [Method; 7] =
    [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS];
/// The headers that front-ends may read.
const RESPONSE_HEADERS: [HeaderName; 13] = [
    header::ALLOW,
    header::CONTENT_DISPOSITION,
    header::ETAG,
    header::RETRY_AFTER,
    header::WWW_AUTHENTICATE,
    HeaderName::from_static("idempotency-replayed"),
    HeaderName::from_static("ratelimit"),
    HeaderName::from_static("ratelimit-policy"),
    HeaderName::from_static("set-auth-jwt"),
    HeaderName::from_static("set-auth-token"),
    HeaderName::from_static("x-request-id"),
    HeaderName::from_static("x-retry-after"),
    HeaderName::from_static("x-total-count"),
];
/// How many origins are named in the log at most, and how long one may be.
const MAX_LOGGED: usize = 64;
const MAX_ORIGIN: usize = 300;

/// Lets trusted origins read responses and send whatever headers they ask for. Clones log an origin once together.
pub(in crate::server) fn cors(origins: &Origins) -> CorsLayer {
    let (origins, refused) = (origins.clone(), RefusedOrigins::default());
    let may_read = move |origin: &HeaderValue, _: &Parts| {
        let Ok(origin) = origin.to_str() else { return false };
        let may_read = origins.may_read(origin);
        if !may_read {
            refused.log(origin);
        }
        may_read
    };
    CorsLayer::new()
        .allow_origin(AllowOrigin::predicate(may_read))
        .allow_credentials(true)
        .allow_methods(METHODS)
        .allow_headers(AllowHeaders::mirror_request())
        .expose_headers(RESPONSE_HEADERS)
        .max_age(PREFLIGHT_AGE)
}

/// The origins that were refused and are in the log.
#[derive(Default)]
struct RefusedOrigins(Mutex<HashSet<String>>);

impl RefusedOrigins {
    /// Logs an origin that a setting could allow, the first time.
    fn log(&self, origin: &str) {
        let is_web = origin.len() <= MAX_ORIGIN
            && origin.starts_with("http")
            && Url::parse(origin).is_ok_and(|url| url.origin().ascii_serialization() == origin);
        let mut logged = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if is_web && logged.len() < MAX_LOGGED && logged.insert(origin.to_owned()) {
            warn!(origin, "pages of {origin} may not read responses; if it is a front-end, add it to CORS_ORIGINS");
        }
    }
}
