//! One log line a request, under a request id that the client gets to see.

use std::{net::SocketAddr, time::Instant};

use axum::{
    extract::{ConnectInfo, MatchedPath, Request},
    http::{HeaderMap, HeaderName, HeaderValue, header},
    middleware::Next,
    response::Response,
};
use tracing::{Instrument, info, info_span};
use uuid::Uuid;

use crate::service::auth::Client;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// How long a request id of a client may be.
const MAX_ID: usize = 64;
/// How much of a `User-Agent` is kept.
const MAX_USER_AGENT: usize = 512;

/// Names the request, says where it came from, and logs what became of it.
pub(super) async fn observe(mut request: Request, next: Next) -> Response {
    let start = Instant::now();
    let id = request_id(request.headers());
    let client = client(&request);
    request.extensions_mut().insert(client);
    let method = request.method().clone();
    // The template, so that no id and no query string is logged.
    let route = request.extensions().get::<MatchedPath>().cloned();
    let span = info_span!("request", id = id.to_str().unwrap_or_default());
    let mut response = next.run(request).instrument(span.clone()).await;
    let (route, status) = (route.as_ref().map_or("unmatched", MatchedPath::as_str), response.status().as_u16());
    let micros = u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX);
    span.in_scope(|| info!(%method, route, status, duration_us = micros, "{method} {route} {status}"));
    response.headers_mut().insert(REQUEST_ID, id);
    response
}

/// The client's own id if it is harmless, or a new one.
fn request_id(headers: &HeaderMap) -> HeaderValue {
    let is_harmless = |it: &&HeaderValue| {
        (1..=MAX_ID).contains(&it.len())
            && it.as_bytes().iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    headers.get(REQUEST_ID).filter(is_harmless).cloned().unwrap_or_else(|| {
        let id = Uuid::now_v7().simple().to_string();
        HeaderValue::from_str(&id).unwrap_or_else(|_| HeaderValue::from_static("unknown"))
    })
}

fn client(request: &Request) -> Client {
    let address = request.extensions().get::<ConnectInfo<SocketAddr>>();
    let agent = request.headers().get(header::USER_AGENT).and_then(|it| it.to_str().ok()).unwrap_or_default();
    Client {
        ip_address: address.map(|info| info.0.ip().to_canonical().to_string()).unwrap_or_default(),
        user_agent: agent.chars().take(MAX_USER_AGENT).collect(),
    }
}
