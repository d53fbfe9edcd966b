//! Limits on every request: how many are worked on, and for how long. A panic ends here too.

use std::{panic::AssertUnwindSafe, time::Duration};

use axum::{
    extract::{Request, State},
    http::StatusCode,
    middleware::Next,
    response::Response,
};
use futures_util::FutureExt;
use tokio::time;

use crate::{
    rest,
    server::concurrency::{ConcurrencyLimit, closing},
};

/// How long a request may take, its body included.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(15);

/// Responds to a request that gets a permit, in time, whatever becomes of the work.
pub(in crate::server) async fn limit(State(limit): State<ConcurrencyLimit>, request: Request, next: Next) -> Response {
    let work = async {
        match limit.admit(request).await {
            Ok((request, _permit)) => next.run(request).await,
            Err(refusal) => refusal,
        }
    };
    let work = AssertUnwindSafe(work).catch_unwind();
    match time::timeout(REQUEST_TIMEOUT, work).await {
        // What is left of a body that did not arrive is not waited for.
        Ok(Ok(response)) if response.status() == StatusCode::REQUEST_TIMEOUT => closing(response),
        Ok(Ok(response)) => response,
        Ok(Err(_)) => rest::panic_response(),
        Err(_) => rest::timeout_response(),
    }
}

#[cfg(test)]
mod tests {
    use axum::{Router, body::Body, middleware, routing::get};
    use prometheus_client::metrics::counter::Counter;
    use tower::ServiceExt;
    use tower_http::cors::CorsLayer;

    use super::*;
    use crate::server::concurrency::RefusalHeaders;

    #[tokio::test]
    async fn a_handler_that_panics_is_answered_with_500_and_the_next_request_is_served() {
        async fn handler(request: Request) -> &'static str {
            assert!(request.uri().query().is_none(), "the value of a user");
            "served"
        }
        let headers = RefusalHeaders { cors: CorsLayer::new(), is_https: false };
        let limits = ConcurrencyLimit::new(Counter::default(), headers);
        let router = Router::new().route("/", get(handler)).layer(middleware::from_fn_with_state(limits, limit));
        for (path, status, text) in [("/?a=b", 500, r#"{"detail":"Internal server error"}"#), ("/", 200, "served")] {
            let request = Request::get(path).body(Body::empty()).unwrap();
            let answer = router.clone().oneshot(request).await.unwrap();
            assert_eq!(answer.status(), status);
            assert_eq!(axum::body::to_bytes(answer.into_body(), 1 << 10).await.unwrap(), text);
        }
    }
}
