//! CSRF protection of the auth routes: which origins may send a request. Programs that are no browsers always may.
//! See docs/contracts/better-auth.md#origin-checks.

use axum::http::{HeaderMap, header};

use super::{
    errors::{AuthApiError, OriginError},
    post::Post,
};
use crate::{rest::request_origin::RequestOrigin, service::auth::Origins, telemetry::SecurityEvent};

const FETCH_METADATA: [&str; 3] = ["sec-fetch-site", "sec-fetch-mode", "sec-fetch-dest"];

/// Checks any write with a cookie.
pub(super) fn check_cookie<T>(origins: &Origins, post: &Post<T>) -> Result<(), AuthApiError> {
    if post.headers().contains_key(header::COOKIE) { check(origins, post) } else { Ok(()) }
}

/// Checks signing in and up, where a foreign page would gain from a visitor without cookies too. A request with cookies
/// was checked before.
pub(super) fn check_form<T>(origins: &Origins, post: &Post<T>) -> Result<(), AuthApiError> {
    let headers = post.headers();
    let has = |name: &str| headers.contains_key(name);
    if has(header::COOKIE.as_str()) {
        return Ok(());
    }
    if says(headers, "sec-fetch-site", "cross-site") && says(headers, "sec-fetch-mode", "navigate") {
        return reject(OriginError::CrossSiteNavigation, post);
    }
    let is_browser = FETCH_METADATA.into_iter().any(has) || has("origin") || has("referer");
    if is_browser { check(origins, post) } else { Ok(()) }
}

fn check<T>(origins: &Origins, post: &Post<T>) -> Result<(), AuthApiError> {
    match RequestOrigin::of(post.headers(), |url| origins.trusts(url)) {
        RequestOrigin::Trusted => Ok(()),
        RequestOrigin::Null if says(post.headers(), "sec-fetch-site", "same-origin") => Ok(()),
        RequestOrigin::Absent | RequestOrigin::Unreadable | RequestOrigin::Null => reject(OriginError::Missing, post),
        RequestOrigin::Untrusted => reject(OriginError::Untrusted, post),
    }
}

fn reject<T>(error: OriginError, post: &Post<T>) -> Result<(), AuthApiError> {
    SecurityEvent::log_untrusted_origin(post.client());
    Err(AuthApiError::Origin(error))
}

fn says(headers: &HeaderMap, name: &str, value: &str) -> bool {
    headers.get(name).is_some_and(|it| it == value)
}
