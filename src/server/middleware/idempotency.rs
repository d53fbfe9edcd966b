//! Writes with an `Idempotency-Key`, at both APIs: done once, and answered the same for a day. With a key a request is
//! done wholly or not at all, several mutations of one document too; a response with an error is not stored. A key on what
//! changes nothing is ignored: doing it again does no harm, and nothing has to be held or stored for it.

use std::{collections::HashMap, time::Duration};

use axum::{
    body::{Body, Bytes, to_bytes},
    extract::Request,
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};
use sha2::{Digest, Sha256};
use tokio::time;
use tracing::error;

use crate::{
    db::Attempts,
    error::{Error, ValidationError},
    graphql, rest,
    service::{
        RequestScope, Services,
        auth::{CurrentUser, Identity},
        idempotency::{IdempotencyKey, KeyClaim, MAX_RESPONSE, NothingApplied, StoredResponse},
    },
};

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Says that a response was given before.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
/// How many bytes a body has at most; the APIs themselves take less.
const MAX_BODY: usize = 1 << 20;
/// How long the work may take, during which others cannot write to SQLite: less than they wait.
const WORK_TIMEOUT: Duration = Duration::from_secs(3);
/// The headers that are stored with a response.
const STORED_HEADERS: [HeaderName; 4] = [header::CONTENT_TYPE, header::ETAG, header::VARY, header::LOCATION];

/// Passes requests without a key on, and does those with one once. The engine is there at the GraphQL API.
pub(super) async fn do_once(
    scope: RequestScope,
    engine: Option<&graphql::Engine>,
    request: Request,
    next: Next,
) -> Response {
    let Some(key) = key(&request) else { return pass(scope, request, next).await };
    let Identity::User(user) = scope.identity.clone() else { return pass(scope, request, next).await };
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, MAX_BODY).await else { return rest::too_large_response() };
    if engine.is_some_and(|it| !it.may_change(&body)) {
        return pass(scope, Request::from_parts(parts, Body::from(body)), next).await;
    }
    let keyed = KeyedRequest { user, key, parts, body };
    let services = scope.services;
    // Boxed, so that the futures of requests without a key are not larger for it.
    Box::pin(keyed.run(&services, next)).await.unwrap_or_else(|error| {
        if matches!(error, Error::Internal(_) | Error::Unavailable(_)) {
            error!(cause = error.causes(), "a request with a key failed");
        }
        if engine.is_some() { graphql::rejection_response(&error) } else { rest::rejection_response(&error) }
    })
}

/// Does the work of a request in that scope.
async fn pass(scope: RequestScope, mut request: Request, next: Next) -> Response {
    request.extensions_mut().insert(scope);
    next.run(request).await
}

/// The key of a request that writes. One of two keys would be left out, and what is no text is no key: both become one
/// that does not parse.
fn key(request: &Request) -> Option<String> {
    if matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS) {
        return None;
    }
    let mut keys = request.headers().get_all(IDEMPOTENCY_KEY).iter();
    let (key, more) = (keys.next()?, keys.next());
    Some(key.to_str().ok().filter(|_| more.is_none()).unwrap_or("\0").to_owned())
}

/// A request with a key.
struct KeyedRequest {
    user: CurrentUser,
    key: String,
    parts: Parts,
    body: Bytes,
}

impl KeyedRequest {
    async fn run(self, services: &Services, next: Next) -> Result<Response, Error> {
        let key = IdempotencyKey::parse(&self.key).map_err(|fault| Error::invalid("Idempotency-Key", fault))?;
        let mut attempts = Attempts::default();
        loop {
            let mut has_conflict = false;
            let done = self.attempt(services, &key, next.clone(), &mut has_conflict).await;
            has_conflict |= done.as_ref().err().is_some_and(Error::is_conflict);
            if !(has_conflict && attempts.pause().await) {
                return done;
            }
        }
    }

    /// Does it once. If the database rolls it back because of what others do at the same time, that is noted.
    async fn attempt(
        &self,
        services: &Services,
        key: &IdempotencyKey,
        next: Next,
        has_conflict: &mut bool,
    ) -> Result<Response, Error> {
        let user = services.auth().as_owner(self.user.clone()).await?;
        let pending = match services.claim_key(&user, key.clone(), self.fingerprint()).await? {
            KeyClaim::Replay(stored) => return Ok(replay(stored)),
            KeyClaim::New(pending) => pending,
        };
        let request = Request::from_parts(self.parts.clone(), Body::from(self.body.clone()));
        let identity = Identity::User(user);
        let scope = RequestScope { identity, services: pending.services(), is_once: true };
        let response = time::timeout(WORK_TIMEOUT, pass(scope, request, next)).await.map_err(|_| Error::Busy)?;
        if !response.status().is_success() || response.extensions().get::<NothingApplied>().is_some() {
            *has_conflict = pending.has_conflict();
            pending.rollback().await?;
            return Ok(response);
        }
        let (parts, body) = response.into_parts();
        let too_large = |_| {
            Error::invalid(
                "Idempotency-Key",
                ValidationError::Rule("is for an answer of at most 512 KiB; ask for less"),
            )
        };
        let body: Bytes = to_bytes(body, MAX_RESPONSE).await.map_err(too_large)?;
        let stored = StoredResponse {
            status: parts.status.as_u16(),
            headers: stored_headers(&parts.headers)?,
            body: String::from_utf8(body.to_vec()).map_err(Error::internal)?,
        };
        pending.commit(&stored).await?;
        Ok(Response::from_parts(parts, Body::from(body)))
    }

    /// Tells a repeated request from another one with the same key.
    fn fingerprint(&self) -> [u8; 32] {
        let fingerprint = Sha256::new()
            .chain_update(self.parts.method.as_str())
            .chain_update([0])
            .chain_update(self.parts.uri.path_and_query().map_or("", |it| it.as_str()))
            .chain_update([0])
            .chain_update(&self.body)
            .finalize();
        fingerprint.into()
    }
}

fn stored_headers(headers: &HeaderMap) -> Result<String, Error> {
    let text = |name: &HeaderName| Some((name.to_string(), headers.get(name)?.to_str().ok()?.to_owned()));
    let stored: HashMap<String, String> = STORED_HEADERS.iter().filter_map(text).collect();
    serde_json::to_string(&stored).map_err(Error::internal)
}

/// The response that was stored.
fn replay(stored: StoredResponse) -> Response {
    let status = StatusCode::from_u16(stored.status).unwrap_or(StatusCode::OK);
    let mut response = (status, stored.body).into_response();
    response.headers_mut().remove(header::CONTENT_TYPE);
    let headers: HashMap<String, String> = serde_json::from_str(&stored.headers).unwrap_or_default();
    for (name, value) in headers {
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), value.parse()) {
            response.headers_mut().insert(name, value);
        }
    }
    response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    response
}
