//! Errors of the REST API: FastAPI's statuses and bodies.
//! See docs/contracts/legacy-rest.md#errors.

use axum::{
    Json,
    http::{HeaderName, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use serde_json::json;
use tracing::error;

use super::pydantic::PydanticError;
use crate::error::{Current, Error, FieldError, FileProblem};

/// A request that failed.
#[derive(Debug)]
pub(super) enum RestError {
    /// The service refused it.
    Service(Error),
    /// The request is not in the form that the route takes; every fault is listed.
    Validation(Vec<PydanticError>),
    /// The body has too many bytes.
    TooLarge,
}

/// The body of an error; keys stay in the order of the types, which a `Value` would sort.
#[derive(Serialize)]
struct Detail<T> {
    detail: T,
}

impl From<Error> for RestError {
    fn from(error: Error) -> Self {
        Self::Service(error)
    }
}

impl IntoResponse for RestError {
    fn into_response(self) -> Response {
        match self {
            Self::Service(error) => service(&error),
            Self::Validation(problems) => unprocessable(problems),
            Self::TooLarge => detail(StatusCode::PAYLOAD_TOO_LARGE, "Request body too large"),
        }
    }
}

fn service(error: &Error) -> Response {
    match error {
        Error::Unauthenticated => challenge("Bearer", "Not authenticated"),
        Error::BadCredentials(_) => challenge("Bearer error=\"invalid_token\"", "Invalid or expired token"),
        Error::Forbidden => detail(StatusCode::FORBIDDEN, "Access denied"),
        Error::NotFound(what) => detail(StatusCode::NOT_FOUND, &format!("{} not found", capitalised(what))),
        Error::Conflict(current) => {
            let what = match **current {
                Current::Task(_) => "Task",
                Current::List(_) => "List",
                Current::Label(_) => "Label",
            };
            detail(StatusCode::PRECONDITION_FAILED, &format!("{what} was changed in the meantime"))
        }
        Error::ResyncRequired => resync(),
        Error::Invalid(problems) => invalid(problems),
        Error::InvalidFile(problems) => unprocessable(problems.iter().map(misplaced).collect()),
        Error::KeyReused => {
            unprocessable(vec![PydanticError::header("Idempotency-Key", "was used for another request")])
        }
        Error::TooMany(_) => {
            let mut response = detail(StatusCode::TOO_MANY_REQUESTS, "Too many requests, try again later");
            response.headers_mut().extend(error.wait().map(|seconds| (header::RETRY_AFTER, seconds.into())));
            response
        }
        Error::BodyTimeout => detail(StatusCode::REQUEST_TIMEOUT, "Request body did not arrive"),
        Error::EncodedBody => {
            let answer = detail(StatusCode::UNSUPPORTED_MEDIA_TYPE, "Request body must not be compressed");
            ([(header::ACCEPT_ENCODING, "identity")], answer).into_response()
        }
        Error::Busy => unavailable(),
        Error::Unavailable(_) => {
            error!(cause = error.causes(), "the database is away");
            unavailable()
        }
        // Values are checked field by field at this API, and accounts have their own.
        other => {
            error!(cause = other.causes(), "a request failed");
            detail(StatusCode::INTERNAL_SERVER_ERROR, "Internal server error")
        }
    }
}

/// The word as a sentence begins with it.
fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// The feed does not reach back so far.
fn resync() -> Response {
    let text = "Changes since then are not all known any more, start again from 0";
    (StatusCode::GONE, Json(json!({ "detail": text, "code": "RESYNC_REQUIRED" }))).into_response()
}

/// What is wrong at a place of a file.
pub(super) fn misplaced((place, fault): &FileProblem) -> PydanticError {
    let loc: Vec<&str> = std::iter::once("body").chain(place.split('.')).collect();
    PydanticError::breaks(&loc, *fault)
}

/// What only the service could find.
fn invalid(problems: &[FieldError]) -> Response {
    unprocessable(problems.iter().map(|it| PydanticError::breaks(&["body", it.field], it.rule)).collect())
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

fn unprocessable(problems: Vec<PydanticError>) -> Response {
    (StatusCode::UNPROCESSABLE_ENTITY, Json(Detail { detail: problems })).into_response()
}

fn detail(status: StatusCode, text: &str) -> Response {
    (status, Json(Detail { detail: text })).into_response()
}

/// What the service refuses before a route is reached.
pub fn refused(error: &Error) -> Response {
    match error {
        Error::Invalid(problems) => {
            unprocessable(problems.iter().map(|it| PydanticError::header(it.field, &it.rule.to_string())).collect())
        }
        _ => service(error),
    }
}

/// The body has too many bytes.
pub fn too_large() -> Response {
    RestError::TooLarge.into_response()
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
