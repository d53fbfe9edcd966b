//! Errors as legacy clients see them: FastAPI's statuses and bodies.

use axum::{
    Json,
    http::{HeaderName, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::json;
use tracing::error;

use super::fault::Fault;
use crate::error::Error;

/// A request that failed.
#[derive(Debug)]
pub(super) enum Failure {
    /// The service refused it.
    Service(Error),
    /// The request is not in the form that the route takes; every fault is listed.
    Faults(Vec<Fault>),
    /// The body has too many bytes.
    TooLarge,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Service(error)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        match self {
            Self::Service(error) => service(&error),
            Self::Faults(faults) => {
                (StatusCode::UNPROCESSABLE_ENTITY, Json(json!({ "detail": faults }))).into_response()
            }
            Self::TooLarge => detail(StatusCode::PAYLOAD_TOO_LARGE, "Request body too large"),
        }
    }
}

fn service(error: &Error) -> Response {
    match error {
        Error::Unauthenticated => challenge("Bearer", "Not authenticated"),
        Error::BadCredentials(_) => challenge("Bearer error=\"invalid_token\"", "Invalid or expired token"),
        Error::Forbidden => detail(StatusCode::FORBIDDEN, "Access denied"),
        Error::NotFound(_) => detail(StatusCode::NOT_FOUND, "Task not found"),
        Error::Busy => unavailable(),
        Error::Unavailable(cause) => {
            error!(?cause, "the database is away");
            unavailable()
        }
        // Values are checked field by field at this door, and accounts have their own.
        other => {
            error!(cause = ?other, "a request failed");
            detail(StatusCode::INTERNAL_SERVER_ERROR, "Internal server error")
        }
    }
}

fn unavailable() -> Response {
    let mut response = detail(StatusCode::SERVICE_UNAVAILABLE, "Service unavailable, try again");
    response.headers_mut().insert(header::RETRY_AFTER, 1.into());
    response
}

fn challenge(scheme: &'static str, text: &str) -> Response {
    const CHALLENGE: HeaderName = header::WWW_AUTHENTICATE;
    ([(CHALLENGE, scheme)], detail(StatusCode::UNAUTHORIZED, text)).into_response()
}

fn detail(status: StatusCode, text: &str) -> Response {
    (status, Json(json!({ "detail": text }))).into_response()
}

/// No such route.
pub async fn not_found() -> Response {
    detail(StatusCode::NOT_FOUND, "Not Found")
}

/// The route has other methods.
pub async fn method_not_allowed() -> Response {
    detail(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed")
}

/// The request took too long.
pub fn overdue() -> Response {
    unavailable()
}

/// A handler panicked.
pub fn panicked() -> Response {
    detail(StatusCode::INTERNAL_SERVER_ERROR, "Internal server error")
}
