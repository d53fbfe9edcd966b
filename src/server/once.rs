//! Writes with an `Idempotency-Key`, at both doors: done once, and answered the same for a day. With a key a request
//! is done wholly or not at all, several mutations of one document too; an answer with an error is not remembered. A key
//! on what changes nothing is ignored: doing it again does no harm, and nothing is to be held or stored for it.

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
    error::{Error, ValidationError},
    graphql, rest,
    service::{
        Services,
        auth::{CurrentUser, Identity},
        idempotency::{IdempotencyKey, MAX_ANSWER, NothingApplied, Once, StoredResponse},
    },
};

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Says that an answer was given before.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
/// How many bytes a body has at most; the doors themselves take less.
const MAX_BODY: usize = 1 << 20;
/// How long the work may take, during which others cannot write to SQLite: less than they wait.
const WORK_TIMEOUT: Duration = Duration::from_secs(3);
/// The headers that belong to an answer.
const KEPT: [HeaderName; 4] = [header::CONTENT_TYPE, header::ETAG, header::VARY, header::LOCATION];

/// Lets requests without a key pass, and does those with one once. The engine is there for GraphQL's.
pub(super) async fn once(
    services: &Services,
    engine: Option<&graphql::Engine>,
    request: Request,
    next: Next,
) -> Response {
    let is_write = !matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    let mut keys = request.headers().get_all(IDEMPOTENCY_KEY).iter().filter(|_| is_write).cloned();
    let (Some(key), more) = (keys.next(), keys.next()) else { return next.run(request).await };
    // One of two keys would be left out; what is no text is no key.
    let key = key.to_str().ok().filter(|_| more.is_none()).unwrap_or("\0").to_owned();
    let user = match request.extensions().get::<Identity>() {
        Some(Identity::User(user)) => user.clone(),
        _ => return next.run(request).await,
    };
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, MAX_BODY).await else { return rest::too_large() };
    if engine.is_some_and(|it| !it.may_change(&body)) {
        return next.run(Request::from_parts(parts, Body::from(body))).await;
    }
    // In a place of its own, so that requests without a key carry no room for it.
    Box::pin(done(services, (user, key), (parts, body), next)).await.unwrap_or_else(|error| {
        if matches!(error, Error::Internal(_) | Error::Unavailable(_)) {
            error!(cause = error.causes(), "a request with a key failed");
        }
        if engine.is_some() { graphql::refused(&error) } else { rest::refused(&error) }
    })
}

async fn done(
    services: &Services,
    (user, key): (CurrentUser, String),
    (parts, body): (Parts, Bytes),
    next: Next,
) -> Result<Response, Error> {
    let key = IdempotencyKey::parse(&key).map_err(|fault| Error::invalid("Idempotency-Key", fault))?;
    let fingerprint = Sha256::new()
        .chain_update(parts.method.as_str())
        .chain_update([0])
        .chain_update(parts.uri.path_and_query().map_or("", |it| it.as_str()))
        .chain_update([0])
        .chain_update(&body)
        .finalize();
    let pending = match services.once(&user, key, fingerprint.into()).await? {
        Once::Again(stored) => return Ok(again(stored)),
        Once::First(pending) => pending,
    };
    let mut request = Request::from_parts(parts, Body::from(body));
    request.extensions_mut().insert(pending.services());
    let response = time::timeout(WORK_TIMEOUT, next.run(request)).await.map_err(|_| Error::Busy)?;
    if !response.status().is_success() || response.extensions().get::<NothingApplied>().is_some() {
        pending.undo().await?;
        return Ok(response);
    }
    let (parts, body) = response.into_parts();
    let too_large = |_| {
        Error::invalid("Idempotency-Key", ValidationError::Rule("is for an answer of at most 512 KiB; ask for less"))
    };
    let body: Bytes = to_bytes(body, MAX_ANSWER).await.map_err(too_large)?;
    let stored = StoredResponse {
        status: parts.status.as_u16(),
        headers: kept(&parts.headers)?,
        body: String::from_utf8(body.to_vec()).map_err(Error::internal)?,
    };
    pending.keep(&stored).await?;
    Ok(Response::from_parts(parts, Body::from(body)))
}

fn kept(headers: &HeaderMap) -> Result<String, Error> {
    let text = |name: &HeaderName| Some((name.to_string(), headers.get(name)?.to_str().ok()?.to_owned()));
    let kept: HashMap<String, String> = KEPT.iter().filter_map(text).collect();
    serde_json::to_string(&kept).map_err(Error::internal)
}

fn again(stored: StoredResponse) -> Response {
    let status = StatusCode::from_u16(stored.status).unwrap_or(StatusCode::OK);
    let mut response = (status, stored.body).into_response();
    response.headers_mut().remove(header::CONTENT_TYPE);
    let kept: HashMap<String, String> = serde_json::from_str(&stored.headers).unwrap_or_default();
    for (name, value) in kept {
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), value.parse()) {
            response.headers_mut().insert(name, value);
        }
    }
    response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    response
}
