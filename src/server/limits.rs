//! How often one address may call the auth routes: Better Auth's own limits, path by path (contracts: Better Auth, 12).

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use axum::{
    Json,
    extract::{ConnectInfo, Request, State},
    http::{HeaderName, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use serde_json::json;

use crate::telemetry::SecurityEvent;

/// How many pairs of address and path are remembered; the oldest make room.
const MAX_ENTRIES: usize = 50_000;
const X_RETRY_AFTER: HeaderName = HeaderName::from_static("x-retry-after");

/// Counts of requests, in this process.
#[derive(Debug, Default)]
pub(super) struct Limiter {
    counts: Mutex<HashMap<(IpAddr, String), Count>>,
}

#[derive(Clone, Copy, Debug)]
struct Count {
    requests: u32,
    last_allowed: Instant,
    window: Duration,
}

/// Refuses with 429 what comes too often; lets everything through when there is no limiter.
pub(super) async fn limit(State(limiter): State<Option<Arc<Limiter>>>, request: Request, next: Next) -> Response {
    let address = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
    if let (Some(limiter), Some(address)) = (limiter, address)
        && let Err(wait) = limiter.count(address, request.uri().path(), Instant::now())
    {
        SecurityEvent::LimitHit.log("address");
        return refusal(wait);
    }
    next.run(request).await
}

fn refusal(wait: Duration) -> Response {
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    let headers = [(X_RETRY_AFTER, seconds.to_string()), (header::RETRY_AFTER, seconds.to_string())];
    let body = json!({ "message": "Too many requests. Please try again later." });
    (StatusCode::TOO_MANY_REQUESTS, headers, Json(body)).into_response()
}

/// How many requests a path allows in which time.
fn rule(path: &str) -> (u32, Duration) {
    let route = path.strip_prefix("/api/auth").unwrap_or(path);
    let starts = |names: &[&str]| names.iter().any(|name| route.starts_with(name));
    if starts(&["/sign-in", "/sign-up", "/change-password", "/change-email"]) {
        (3, Duration::from_secs(10))
    } else if starts(&["/request-password-reset", "/send-verification-email"]) {
        (3, Duration::from_secs(60))
    } else {
        (100, Duration::from_secs(10))
    }
}

impl Limiter {
    /// Counts a request, or tells how long to wait.
    fn count(&self, address: IpAddr, path: &str, now: Instant) -> Result<(), Duration> {
        let (most, window) = rule(path);
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (network(address), path.chars().take(100).collect());
        let fresh = Count { requests: 0, last_allowed: now, window };
        if counts.len() >= MAX_ENTRIES && !counts.contains_key(&key) {
            make_room(&mut counts, now);
        }
        let count = counts.entry(key).or_insert(fresh);
        let since = now.duration_since(count.last_allowed);
        if since > window {
            *count = fresh;
        }
        if count.requests >= most {
            return Err(window.saturating_sub(since));
        }
        count.requests += 1;
        count.last_allowed = now;
        Ok(())
    }
}

/// Forgets what is over, and everything when nothing is.
fn make_room(counts: &mut HashMap<(IpAddr, String), Count>, now: Instant) {
    counts.retain(|_, count| now.duration_since(count.last_allowed) <= count.window);
    if counts.len() >= MAX_ENTRIES {
        counts.clear();
    }
}

/// An IPv6 customer has a whole /64.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIGN_IN: &str = "/api/auth/sign-in/email";

    #[test]
    fn the_fourth_sign_in_waits_and_the_window_starts_at_the_last_allowed_one() {
        let (limiter, start) = (Limiter::default(), Instant::now());
        let address = IpAddr::from([192, 0, 2, 1]);
        let at = |seconds| limiter.count(address, SIGN_IN, start + Duration::from_secs(seconds));
        assert_eq!((at(0), at(1), at(2)), (Ok(()), Ok(()), Ok(())));
        assert_eq!(at(5), Err(Duration::from_secs(7)));
        assert_eq!(at(13), Ok(()));
    }

    #[test]
    fn addresses_and_paths_are_counted_apart() {
        let (limiter, now) = (Limiter::default(), Instant::now());
        let (one, other) = (IpAddr::from([192, 0, 2, 1]), IpAddr::from([192, 0, 2, 2]));
        for _ in 0..3 {
            assert_eq!(limiter.count(one, SIGN_IN, now), Ok(()));
        }
        assert!(limiter.count(one, SIGN_IN, now).is_err());
        assert_eq!(limiter.count(other, SIGN_IN, now), Ok(()));
        assert_eq!(limiter.count(one, "/api/auth/get-session", now), Ok(()));
    }

    #[test]
    fn an_ipv6_network_is_one_address() {
        let address = |text: &str| network(text.parse().unwrap());
        assert_eq!(address("2001:db8::1"), address("2001:db8::2:3"));
        assert_ne!(address("2001:db8::1"), address("2001:db8:0:1::1"));
        assert_eq!(address("::ffff:192.0.2.1"), IpAddr::from([192, 0, 2, 1]));
    }

    #[test]
    fn memory_is_bounded() {
        let (limiter, now) = (Limiter::default(), Instant::now());
        for number in 0..60_000_u32 {
            assert_eq!(limiter.count(IpAddr::from(number.to_be_bytes()), "/", now), Ok(()));
        }
        assert!(limiter.counts.lock().unwrap().len() <= MAX_ENTRIES);
    }
}
