//! Whether the process lives, and whether it can work.

use std::{sync::Arc, time::Duration};

use axum::{
    Extension, Json, Router,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::get,
};
use serde_json::json;
use tokio::{sync::watch, time};

use crate::{
    proof::NotReady,
    service::{Readable, Services},
};

/// How long the database may take to say that it is there.
const READINESS_TIMEOUT: Duration = Duration::from_millis(1500);

/// The health routes, with and without a trailing slash.
pub(super) fn router(closing: &watch::Receiver<bool>) -> Router<Arc<Services>> {
    let live = ["/health", "/health/", "/api/health", "/api/health/", "/api/v1/health", "/api/v1/health/"];
    let (ready, readable) = (["/health/ready", "/health/ready/"], ["/health/readable", "/health/readable/"]);
    let router = live.into_iter().fold(Router::new(), |router, path| router.route(path, get(live_answer)));
    let router = ready.into_iter().fold(router, |router, path| router.route(path, get(ready_answer)));
    let router = readable.into_iter().fold(router, |router, path| router.route(path, get(readable_answer)));
    router.layer(Extension(closing.clone()))
}

/// The process lives; nothing is asked of the database.
async fn live_answer() -> Response {
    Json(json!({ "status": "healthy" })).into_response()
}

/// The database can be worked on, and the server is not about to stop.
async fn ready_answer(
    State(services): State<Arc<Services>>,
    Extension(closing): Extension<watch::Receiver<bool>>,
) -> Response {
    answer(&closing, async { services.ready().await.map(|()| Readable::ByAll) }).await
}

/// Data can be read, by replicas while the primary is away, and the server is not about to stop.
async fn readable_answer(
    State(services): State<Arc<Services>>,
    Extension(closing): Extension<watch::Receiver<bool>>,
) -> Response {
    answer(&closing, services.readable()).await
}

async fn answer(closing: &watch::Receiver<bool>, check: impl Future<Output = Result<Readable, NotReady>>) -> Response {
    if *closing.borrow() {
        let body = json!({ "status": "unhealthy", "database": "connected" });
        return (StatusCode::SERVICE_UNAVAILABLE, Json(body)).into_response();
    }
    match time::timeout(READINESS_TIMEOUT, check).await {
        Ok(Ok(Readable::ByAll)) => Json(json!({ "status": "healthy", "database": "connected" })).into_response(),
        Ok(Ok(Readable::ByReplicas)) => Json(json!({ "status": "healthy", "database": "read-only" })).into_response(),
        Ok(Err(why @ NotReady::Obstacles(_))) => {
            let body = json!({ "status": "unhealthy", "database": "connected", "reason": why.to_string() });
            (StatusCode::SERVICE_UNAVAILABLE, Json(body)).into_response()
        }
        Ok(Err(NotReady::Away(_))) | Err(_) => {
            let body = json!({ "status": "unhealthy", "database": "disconnected" });
            (StatusCode::SERVICE_UNAVAILABLE, Json(body)).into_response()
        }
    }
}
