//! Who sends a request: found out once, in front of both APIs.

use axum::http::{HeaderMap, Method, header};
use tracing::{Span, error};

use crate::{
    error::Error,
    rest::{cookie::session_cookie, request_origin::RequestOrigin},
    service::{
        Services,
        auth::{Client, Credential, CurrentUser, Identity, Origins},
    },
    telemetry::SecurityEvent,
};

/// Headers that no page can send to a foreign origin without a preflight.
const PREFLIGHTED: [&str; 3] = ["x-requested-with", "apollo-require-preflight", "graphql-require-preflight"];

/// Finds out who sends the request, and logs it.
pub(super) async fn identify(services: &Services, method: &Method, headers: &HeaderMap, client: &Client) -> Identity {
    let identity = identity(services, method, headers).await;
    match &identity {
        Identity::Refused(reason) => SecurityEvent::TokenRefused.log(reason, client),
        Identity::UntrustedOrigin => SecurityEvent::log_untrusted_origin(client),
        Identity::User(user) => {
            Span::current().record("user", user.id().0.as_str());
        }
        Identity::Nobody | Identity::Unknown => {}
    }
    identity
}

async fn identity(services: &Services, method: &Method, headers: &HeaderMap) -> Identity {
    let auth = services.auth();
    let mut given = headers.get_all(header::AUTHORIZATION).iter();
    match (given.next(), given.next()) {
        (Some(_), Some(_)) => Identity::Refused("two Authorization headers"),
        (Some(value), None) => match value.to_str().ok().and_then(Credential::bearer) {
            Some(credential) => known(auth.identify(credential).await),
            None => Identity::Refused("not a bearer token"),
        },
        (None, _) => match session_cookie(headers, auth.origins().is_https()) {
            None => Identity::Nobody,
            // A browser sends old cookies by itself: they are no attempt to break in.
            Some(value) => match auth.identify(Credential::Cookie(value)).await {
                Err(Error::BadCredentials(_)) => Identity::Nobody,
                Ok(_) if !is_own_page(auth.origins(), method, headers) => Identity::UntrustedOrigin,
                found => known(found),
            },
        },
    }
}

fn known(found: Result<CurrentUser, Error>) -> Identity {
    match found {
        Ok(user) => Identity::User(user),
        Err(Error::BadCredentials(reason)) => Identity::Refused(reason),
        Err(cause) => {
            error!(cause = cause.causes(), "nobody can be identified now");
            Identity::Unknown
        }
    }
}

/// Whether a request with a cookie can only have been made by a page that is trusted, or by no page at all.
fn is_own_page(origins: &Origins, method: &Method, headers: &HeaderMap) -> bool {
    match RequestOrigin::of(headers, |url| origins.trusts(url)) {
        // A WebSocket is opened by GET, across origins too, and then takes anything.
        _ if method.is_safe() && !headers.contains_key(header::UPGRADE) => true,
        RequestOrigin::Absent => PREFLIGHTED.into_iter().any(|name| headers.contains_key(name)),
        origin => origin == RequestOrigin::Trusted,
    }
}
