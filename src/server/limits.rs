//! How often one address may call the auth routes; the counting is the service's.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};

use crate::{
    rest,
    service::{Services, auth::Client},
};

/// Refuses with 429 what comes too often.
pub(super) async fn limit(State(services): State<Arc<Services>>, request: Request, next: Next) -> Response {
    if let Some(client) = request.extensions().get::<Client>()
        && let Err(error) = services.auth().count_request(client, request.uri().path()).await
    {
        return rest::auth::refused(error);
    }
    next.run(request).await
}
