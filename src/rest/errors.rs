//! Errors of the REST API: FastAPI's statuses and bodies.
//! See docs/contracts/legacy-rest.md#errors.

use std::borrow::Cow;

use axum::{
    Json,
    http::{StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    openapi::{
        ErrorDoc,
        Operations::{All, WithBody},
    },
    paths,
    pydantic::PydanticError,
    unserved::{self, Unserved},
};
use crate::{
    error::{AuthError, Error, FieldError, FileProblem, PublicError, ValidationError},
    service::{auth::PASSWORD_LENGTH, tasks::LONGEST_DESCRIPTION},
};

/// A request that failed.
#[derive(Debug)]
pub(super) enum RestError {
    /// An error of the service.
    Service(Error),
    /// The request is not in the form that the route takes; every validation error is listed.
    Validation(Vec<PydanticError>),
    /// The body has too many bytes.
    TooLarge,
}

/// The body did not arrive.
pub(super) const BODY_TIMEOUT: ErrorDoc =
    ErrorDoc::new(408, WithBody, "The body did not arrive in time.", "Request body did not arrive");
/// The body has too many bytes.
pub(super) const TOO_LARGE: ErrorDoc = ErrorDoc::new(413, WithBody, "The body is too large.", "Request body too large");
/// The body has an encoding.
pub(super) const ENCODED: ErrorDoc =
    ErrorDoc::new(415, WithBody, "The body is compressed.", "Request body must not be compressed");
/// A quota is used up.
pub(super) const TOO_MANY: ErrorDoc =
    ErrorDoc::new(429, All, "There were too many requests.", "Too many requests, try again later");
/// Docket failed.
pub(super) const FAILED: ErrorDoc = ErrorDoc::new(500, All, "The server failed.", "Internal server error");
/// There is no capacity.
pub(super) const BUSY: ErrorDoc = ErrorDoc::new(503, All, "The server is too busy.", "Service unavailable, try again");

/// The body of an error; keys stay in the order of the types, which a `Value` would sort.
#[derive(Serialize)]
struct Detail<'a> {
    detail: &'a str,
}

/// The changes since a sync token are not all known any more.
#[derive(Serialize, ToSchema)]
#[schema(examples(json!({
    "detail": "Changes since then are not all known any more, start again without a sync token", "code": "RESYNC_REQUIRED",
})))]
pub(super) struct ResyncRequired {
    /// A sentence for people.
    detail: Cow<'static, str>,
    /// `RESYNC_REQUIRED`.
    code: &'static str,
}

/// What is wrong with a request.
#[derive(Serialize, ToSchema)]
#[schema(as = HTTPValidationError)]
#[schema(examples(json!({
    "detail": [{
        "type": "missing", "loc": ["body", "title"], "msg": "Field required", "input": { "description": "Every second day" },
    }],
})))]
pub(super) struct ValidationErrors {
    /// Every problem, in the order of the fields.
    detail: Vec<PydanticError>,
}

impl From<AuthError> for RestError {
    fn from(rule: AuthError) -> Self {
        Self::Service(rule.into())
    }
}

impl From<Error> for RestError {
    /// What is deleted is not there, whatever revision of it is expected.
    fn from(error: Error) -> Self {
        match error {
            Error::Conflict(current) if current.is_deleted() => Self::Service(Error::NotFound(current.thing())),
            other => Self::Service(other),
        }
    }
}

impl IntoResponse for RestError {
    fn into_response(self) -> Response {
        match self {
            Self::Service(error) => service_response(&error),
            Self::Validation(problems) => validation_response(problems),
            Self::TooLarge => detail_response(StatusCode::PAYLOAD_TOO_LARGE, "Request body too large"),
        }
    }
}

fn service_response(error: &Error) -> Response {
    error.log_cause();
    unserved::note_error(response_to(error), error)
}

fn response_to(error: &Error) -> Response {
    match error {
        Error::Invalid(problems) => validation_response(problems.iter().map(body_error).collect()),
        Error::InvalidFile(problems) => validation_response(problems.iter().map(file_error).collect()),
        Error::KeyReused => {
            validation_response(vec![PydanticError::header("Idempotency-Key", "was used for another request")])
        }
        Error::ResyncRequired => {
            let PublicError { status, code, text, .. } = error.public();
            (status, Json(ResyncRequired { detail: text, code })).into_response()
        }
        Error::Auth(rule) => account_response(*rule),
        other => {
            let public = other.public();
            let mut response = detail_response(public.status, &public.text);
            response.headers_mut().extend(public.headers());
            response
        }
    }
}

/// An error of accounts in the words of the original back-ends.
fn account_response(rule: AuthError) -> Response {
    let password = ["body", "password"];
    let invalid = |problem| validation_response(vec![problem]);
    match rule {
        AuthError::EmailTaken => detail_response(StatusCode::BAD_REQUEST, "Email already registered"),
        AuthError::WrongPassword => {
            let response = detail_response(StatusCode::UNAUTHORIZED, "Incorrect email or password");
            ([(header::WWW_AUTHENTICATE, "Bearer")], response).into_response()
        }
        AuthError::PasswordTooShort => invalid(PydanticError::too_short(&password, *PASSWORD_LENGTH.start())),
        AuthError::PasswordTooLong => {
            invalid(PydanticError::breaks(&password, ValidationError::TooLong(*PASSWORD_LENGTH.end())))
        }
        AuthError::PasswordCompromised => {
            invalid(PydanticError::breaks(&password, ValidationError::Rule("must not be common or easy to guess")))
        }
        AuthError::TooManyAttempts(wait) => service_response(&Error::TooMany(wait)),
        other => detail_response(other.status(), other.message()),
    }
}

/// What is wrong with a field of the body; only the service could find it.
fn body_error(problem: &FieldError) -> PydanticError {
    PydanticError::breaks(&["body", problem.field], problem.rule)
}

/// What is wrong with a field of a file.
fn file_error(problem: &FileProblem) -> PydanticError {
    let loc: Vec<&str> = std::iter::once("body").chain(problem.path.split('.')).collect();
    PydanticError::breaks(&loc, problem.rule).with_indexes()
}

fn validation_response(problems: Vec<PydanticError>) -> Response {
    let is_long = problems.iter().any(|it| it.is_too_long_below(&["body", "description"], LONGEST_DESCRIPTION));
    let unserved = problems.iter().filter_map(|it| it.unserved).chain(is_long.then_some(Unserved::LongDescription));
    let unserved = unserved.collect();
    let mut response = (StatusCode::UNPROCESSABLE_ENTITY, Json(ValidationErrors { detail: problems })).into_response();
    unserved::note(&mut response, unserved);
    response
}

fn detail_response(status: StatusCode, text: &str) -> Response {
    (status, Json(Detail { detail: text })).into_response()
}

/// The response to what the service refuses before a route is reached: only headers can be wrong.
pub fn rejection_response(error: &Error) -> Response {
    match error {
        Error::Invalid(problems) => validation_response(
            problems.iter().map(|it| PydanticError::header(it.field, &it.rule.to_string())).collect(),
        ),
        _ => service_response(error),
    }
}

/// The body has too many bytes.
pub fn too_large_response() -> Response {
    RestError::TooLarge.into_response()
}

/// The request does not say to which host it goes (RFC 9112, section 3.2).
pub fn missing_host_response() -> Response {
    detail_response(StatusCode::BAD_REQUEST, "One Host header is required")
}

/// No such route.
pub async fn not_found(uri: Uri) -> Response {
    let mut response = detail_response(StatusCode::NOT_FOUND, "Not Found");
    if paths::is_root(uri.path()) {
        unserved::note(&mut response, vec![Unserved::Root]);
    }
    response
}

/// The route has other methods.
pub async fn method_not_allowed() -> Response {
    detail_response(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed")
}

/// The request took too long.
pub fn timeout_response() -> Response {
    service_response(&Error::Busy)
}

/// A handler panicked.
pub fn panic_response() -> Response {
    detail_response(StatusCode::INTERNAL_SERVER_ERROR, "Internal server error")
}
