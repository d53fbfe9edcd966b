//! Which pages may send a request here (contracts: Better Auth, 4). Programs that send no browser headers may.

use axum::http::{HeaderMap, header};

use super::failure::{Failure, OriginFault};
use crate::{service::auth::Origins, telemetry::SecurityEvent};

const FETCH_METADATA: [&str; 3] = ["sec-fetch-site", "sec-fetch-mode", "sec-fetch-dest"];

/// Any write that brings a cookie along.
pub(super) fn check_cookie(origins: &Origins, headers: &HeaderMap) -> Result<(), Failure> {
    if headers.contains_key(header::COOKIE) { check(origins, headers) } else { Ok(()) }
}

/// Signing in and up, where a foreign page would gain from a visitor without cookies too.
pub(super) fn check_form(origins: &Origins, headers: &HeaderMap) -> Result<(), Failure> {
    let has = |name: &str| headers.contains_key(name);
    if text(headers, "sec-fetch-site") == Some("cross-site") && text(headers, "sec-fetch-mode") == Some("navigate") {
        return refuse(OriginFault::CrossSiteNavigation);
    }
    let is_browser = FETCH_METADATA.into_iter().any(has) || has("origin") || has("referer");
    if is_browser { check(origins, headers) } else { Ok(()) }
}

fn check(origins: &Origins, headers: &HeaderMap) -> Result<(), Failure> {
    let origin = text(headers, "origin").or_else(|| text(headers, "referer"));
    match origin {
        Some("null") if text(headers, "sec-fetch-site") == Some("same-origin") => Ok(()),
        None | Some("" | "null") => refuse(OriginFault::Missing),
        Some(origin) if origins.trusts(origin) => Ok(()),
        Some(_) => refuse(OriginFault::Untrusted),
    }
}

fn refuse(fault: OriginFault) -> Result<(), Failure> {
    SecurityEvent::AccessDenied.log("origin");
    Err(Failure::Origin(fault))
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}
