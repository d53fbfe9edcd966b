//! The context of a request: its id, which the client gets to see, the client's address, one line of the log, one
//! measurement, and the headers that every response has.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Instant,
};

use axum::{
    extract::{ConnectInfo, MatchedPath, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Version, header},
    middleware::Next,
    response::Response,
};
use ipnet::IpNet;
use tokio::sync::watch;
use tracing::{
    Instrument, Span,
    field::{Empty, display},
    info, info_span,
};
use uuid::Uuid;

use crate::{
    config::{Config, Environment},
    rest::{self, HelpfulSettings},
    service::auth::Client,
    telemetry::{
        SAMPLED, adopt,
        metrics::{Metrics, OperationLabels},
        sampled,
    },
};

pub(in crate::server) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
/// How many characters a request id of a client has at most.
const MAX_REQUEST_ID: usize = 64;
/// How many characters of a `User-Agent` are kept.
const MAX_USER_AGENT: usize = 512;

/// Headers of every response that does not set them itself.
const SAFETY_HEADERS: [(HeaderName, HeaderValue); 4] = [
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
];

/// Tells clients that come by https to use nothing else, for a year.
const HTTPS_ONLY: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// What the context of a request is made of.
#[derive(Clone)]
pub(in crate::server) struct RequestContext(Arc<ContextSettings>);

struct ContextSettings {
    trusted_proxies: Vec<IpNet>,
    instance: String,
    metrics: Metrics,
    closing: watch::Receiver<bool>,
    /// Whether clients come by https.
    is_https: bool,
    /// Whether a developer reads the log.
    is_development: bool,
}

impl RequestContext {
    pub(in crate::server) fn new(
        config: &Config,
        closing: &watch::Receiver<bool>,
        metrics: Metrics,
        is_https: bool,
    ) -> Self {
        Self(Arc::new(ContextSettings {
            trusted_proxies: config.trusted_proxies.clone(),
            instance: config.instance.clone(),
            metrics,
            closing: closing.clone(),
            is_https,
            is_development: config.environment == Environment::Development,
        }))
    }
}

/// Gives a request its id and its client, and logs and measures its response.
pub(in crate::server) async fn request_context(
    State(RequestContext(settings)): State<RequestContext>,
    mut request: Request,
    next: Next,
) -> Response {
    let start = Instant::now();
    let id = request_id(request.headers().get(REQUEST_ID));
    let client = client(&request, &settings.trusted_proxies);
    request.extensions_mut().insert(client);
    let method = request.method().clone();
    // The template, so that no id and no query string is logged.
    let route = request.extensions().get::<MatchedPath>().cloned();
    let route = route.as_ref().map_or("unmatched", MatchedPath::as_str);
    let span = settings.span(id.to_str().unwrap_or_default(), &request, route);
    let mut response = match names_one_host(&request) {
        true => next.run(request).instrument(span.clone()).await,
        false => rest::missing_host_response(),
    };
    let (status, time) = (response.status().as_u16(), start.elapsed());
    settings.metrics.answered(method.as_str(), route, status, time);
    span.record("http.response.status_code", status);
    let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
    let operation = response.extensions().get::<OperationLabels>().map(display);
    let setting = response.extensions().get::<HelpfulSettings>().filter(|_| settings.is_development).map(display);
    span.in_scope(
        || info!(%method, route, operation, status, setting, duration_us = micros, "{method} {route} {status}"),
    );
    settings.add_headers(&mut response);
    response.headers_mut().insert(REQUEST_ID, id);
    response
}

impl ContextSettings {
    /// The span of a request, which is a part of a trace if it is one that is sampled.
    fn span(&self, id: &str, request: &Request, route: &str) -> Span {
        let instance = self.instance.as_str();
        let Some(context) = sampled(request.headers()) else {
            return info_span!("request", id, instance, user = Empty);
        };
        let span = info_span!(
            target: SAMPLED,
            "request",
            id,
            instance,
            user = Empty,
            trace_id = Empty,
            http.response.status_code = Empty,
            otel.name = Empty,
            otel.kind = Empty,
        );
        adopt(&span, context, request.method().as_str(), route);
        span
    }

    /// Adds the headers that every response has.
    fn add_headers(&self, response: &mut Response) {
        let is_limited = response.status() == StatusCode::TOO_MANY_REQUESTS;
        let headers = response.headers_mut();
        add_safety_headers(headers, self.is_https);
        // While the server stops, every response asks its client to take another connection.
        if *self.closing.borrow() {
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        // What is refused because of a quota says so in the field of the `RateLimit` draft too.
        let wait = headers.get(header::RETRY_AFTER).and_then(|it| it.to_str().ok()).filter(|_| is_limited);
        if let Some(Ok(value)) = wait.map(|wait| format!("\"quota\";r=0;t={wait}").parse()) {
            headers.insert(RATE_LIMIT, value);
        }
    }
}

/// Adds the headers that make every response safe to receive.
pub(in crate::server) fn add_safety_headers(headers: &mut HeaderMap, is_https: bool) {
    for (name, value) in SAFETY_HEADERS {
        headers.entry(name).or_insert(value);
    }
    if is_https {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HTTPS_ONLY);
    }
}

/// Whether a request says to which host it goes, which HTTP/1.0 need not.
fn names_one_host(request: &Request) -> bool {
    request.version() < Version::HTTP_11 || request.headers().get_all(header::HOST).iter().count() == 1
}

/// The id that the client gave its request if it is harmless, or a new one.
pub(in crate::server) fn request_id(given: Option<&HeaderValue>) -> HeaderValue {
    let is_harmless = |it: &&HeaderValue| {
        (1..=MAX_REQUEST_ID).contains(&it.len())
            && it.as_bytes().iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    given.filter(is_harmless).cloned().unwrap_or_else(|| {
        let id = Uuid::now_v7().simple().to_string();
        HeaderValue::from_str(&id).unwrap_or_else(|_| HeaderValue::from_static("unknown"))
    })
}

fn client(request: &Request, proxies: &[IpNet]) -> Client {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip().to_canonical());
    let address = peer.map(|peer| client_address(peer, request.headers(), proxies));
    let agent = request.headers().get(header::USER_AGENT).map(|it| String::from_utf8_lossy(it.as_bytes()));
    Client {
        ip_address: address.map(|address| address.to_string()).unwrap_or_default(),
        user_agent: agent.unwrap_or_default().chars().take(MAX_USER_AGENT).collect(),
    }
}

/// The peer, or behind proxies that are trusted the right-most address that is none of theirs.
fn client_address(peer: IpAddr, headers: &HeaderMap, proxies: &[IpNet]) -> IpAddr {
    let is_proxy = |address: &IpAddr| proxies.iter().any(|network| network.contains(address));
    if !is_proxy(&peer) {
        return peer;
    }
    let hops = headers.get_all(FORWARDED_FOR).iter().flat_map(|it| it.as_bytes().split(|byte| *byte == b','));
    // A hop that is no text is no address.
    let hops: Vec<&str> = hops.map(|it| str::from_utf8(it).unwrap_or_default().trim()).collect();
    let mut nearest = peer;
    for hop in hops.into_iter().rev() {
        // Some proxies write the port too. What is no address was not written by a proxy of ours.
        let with_port = |_| hop.parse::<SocketAddr>().map(|it| it.ip());
        let Ok(hop) = hop.parse::<IpAddr>().or_else(with_port).map(|it| it.to_canonical()) else { break };
        nearest = hop;
        if !is_proxy(&hop) {
            break;
        }
    }
    nearest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forwarded_addresses_are_trusted_only_behind_trusted_proxies() {
        let proxies: Vec<IpNet> = vec!["10.0.0.0/8".parse().unwrap(), "127.0.0.1/32".parse().unwrap()];
        for (peer, forwarded, expected) in [
            ("192.0.2.1", "198.51.100.7", "192.0.2.1"),
            ("10.0.0.1", "198.51.100.7", "198.51.100.7"),
            ("10.0.0.1", "203.0.113.9, 198.51.100.7, 10.0.0.2", "198.51.100.7"),
            ("127.0.0.1", "", "127.0.0.1"),
            ("10.0.0.1", "nonsense", "10.0.0.1"),
            ("10.0.0.1", "198.51.100.7, nonsense", "10.0.0.1"),
            ("10.0.0.1", "Zürich, 198.51.100.7", "198.51.100.7"),
            ("10.0.0.1", "2001:db8::1", "2001:db8::1"),
            ("10.0.0.1", "198.51.100.7:4711", "198.51.100.7"),
            ("10.0.0.1", "[2001:db8::1]:4711, 10.0.0.2:80", "2001:db8::1"),
        ] {
            let forwarded_by = HeaderValue::from_bytes(forwarded.as_bytes()).unwrap();
            let headers = [(FORWARDED_FOR, forwarded_by)].into_iter().collect();
            let found = client_address(peer.parse().unwrap(), &headers, &proxies);
            assert_eq!(found.to_string(), expected, "{peer} {forwarded}");
        }
    }
}
