//! CSRF protection of the auth routes: which origins may send a request. Programs that are no browsers always may.
//! See docs/contracts/better-auth.md#origin-checks.

use axum::http::{HeaderMap, header};

use super::{
    errors::{AuthApiError, OriginError},
    post::Post,
};
use crate::{service::auth::Origins, telemetry::SecurityEvent};

const FETCH_METADATA: [&str; 3] = ["sec-fetch-site", "sec-fetch-mode", "sec-fetch-dest"];

/// Any write that brings a cookie along.
pub(super) fn check_cookie<T>(origins: &Origins, post: &Post<T>) -> Result<(), AuthApiError> {
    if post.headers().contains_key(header::COOKIE) { check(origins, post) } else { Ok(()) }
}

/// Signing in and up, where a foreign page would gain from a visitor without cookies too. Who brings cookies was
/// checked before.
pub(super) fn check_form<T>(origins: &Origins, post: &Post<T>) -> Result<(), AuthApiError> {
    let headers = post.headers();
    let has = |name: &str| headers.contains_key(name);
    if has(header::COOKIE.as_str()) {
        return Ok(());
    }
    if text(headers, "sec-fetch-site") == Some("cross-site") && text(headers, "sec-fetch-mode") == Some("navigate") {
        return refuse(OriginError::CrossSiteNavigation, post);
    }
    let is_browser = FETCH_METADATA.into_iter().any(has) || has("origin") || has("referer");
    if is_browser { check(origins, post) } else { Ok(()) }
}

fn check<T>(origins: &Origins, post: &Post<T>) -> Result<(), AuthApiError> {
    let headers = post.headers();
    let origin = text(headers, "origin").or_else(|| text(headers, "referer"));
    match origin {
        Some("null") if text(headers, "sec-fetch-site") == Some("same-origin") => Ok(()),
        None | Some("" | "null") => refuse(OriginError::Missing, post),
        Some(origin) if origins.trusts(origin) => Ok(()),
        Some(_) => refuse(OriginError::Untrusted, post),
    }
}

fn refuse<T>(fault: OriginError, post: &Post<T>) -> Result<(), AuthApiError> {
    SecurityEvent::AccessDenied.log("origin", post.client());
    Err(AuthApiError::Origin(fault))
}

/// One that cannot be read is there, and is nothing that is trusted.
fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).map(|it| it.to_str().unwrap_or_default())
}
