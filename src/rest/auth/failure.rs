//! Errors as Better Auth words them (contracts: Better Auth, 3): a status, a message and a code.

use axum::{
    Json,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::json;
use tracing::error;

use crate::error::Error;

/// A request to this door that failed.
#[derive(Debug)]
pub(super) enum Failure {
    /// The service refused it.
    Service(Error),
    /// Fields are not what they must be; each issue in Better Auth's words.
    Validation(Vec<String>),
    /// The body is not JSON.
    BadJson,
    /// The body has a media type that the route does not take.
    MediaType(String),
    /// The body has too many bytes.
    TooLarge,
    /// No session.
    Unauthorized,
    /// A page that is not trusted may have sent it.
    Origin(OriginFault),
    /// A link would lead to somewhere that is not trusted; the name of the link.
    Callback(&'static str),
    /// `POST /get-session` belongs to a mode that is off.
    DeferredSession,
}

/// What is wrong with where a request comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OriginFault {
    /// It does not say.
    Missing,
    /// It is not trusted.
    Untrusted,
    /// A foreign page navigates here.
    CrossSiteNavigation,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Service(error)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let (status, code, message) = match self {
            Self::Service(error) => return service(&error),
            Self::Validation(issues) => (StatusCode::BAD_REQUEST, "VALIDATION_ERROR", issues.join("; ")),
            Self::BadJson => (StatusCode::BAD_REQUEST, "BAD_REQUEST", "Invalid JSON in request body".into()),
            Self::MediaType(message) => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "UNSUPPORTED_MEDIA_TYPE", message),
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "PAYLOAD_TOO_LARGE", "Request body too large".to_owned()),
            Self::Unauthorized => (StatusCode::UNAUTHORIZED, "UNAUTHORIZED", "Unauthorized".into()),
            Self::Origin(fault) => return origin(fault),
            Self::Callback(name) => return callback(name),
            Self::DeferredSession => (
                StatusCode::METHOD_NOT_ALLOWED,
                "METHOD_NOT_ALLOWED_DEFER_SESSION_REQUIRED",
                "POST method requires deferSessionRefresh to be enabled in session config".into(),
            ),
        };
        answer(status, code, &message)
    }
}

fn service(error: &Error) -> Response {
    let (status, message) = match error {
        Error::WrongPassword => (StatusCode::UNAUTHORIZED, "Invalid email or password"),
        Error::EmailTaken => (StatusCode::UNPROCESSABLE_ENTITY, "User already exists. Use another email."),
        Error::InvalidEmail => (StatusCode::BAD_REQUEST, "Invalid email"),
        Error::PasswordTooShort => (StatusCode::BAD_REQUEST, "Password too short"),
        Error::PasswordTooLong => (StatusCode::BAD_REQUEST, "Password too long"),
        Error::InvalidPassword => (StatusCode::BAD_REQUEST, "Invalid password"),
        Error::SessionExpired => (StatusCode::BAD_REQUEST, "Session expired. Re-authenticate to perform this action."),
        Error::Busy => return unavailable(error),
        Error::Unavailable(cause) => {
            error!(?cause, "the database is away");
            return unavailable(error);
        }
        other => {
            error!(cause = ?other, "a request to an auth route failed");
            (StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error")
        }
    };
    answer(status, error.code(), message)
}

fn unavailable(error: &Error) -> Response {
    let mut response = answer(StatusCode::SERVICE_UNAVAILABLE, error.code(), "Service unavailable, try again");
    response.headers_mut().insert(header::RETRY_AFTER, 1.into());
    response
}

fn origin(fault: OriginFault) -> Response {
    let (code, message) = match fault {
        OriginFault::Missing => ("MISSING_OR_NULL_ORIGIN", "Missing or null Origin"),
        OriginFault::Untrusted => ("INVALID_ORIGIN", "Invalid origin"),
        OriginFault::CrossSiteNavigation => (
            "CROSS_SITE_NAVIGATION_LOGIN_BLOCKED",
            "Cross-site navigation login blocked. This request appears to be a CSRF attack.",
        ),
    };
    answer(StatusCode::FORBIDDEN, code, message)
}

fn callback(name: &str) -> Response {
    let (code, message) = match name {
        "redirectTo" => ("INVALID_REDIRECT_URL", "Invalid redirectURL"),
        "errorCallbackURL" => ("INVALID_ERROR_CALLBACK_URL", "Invalid errorCallbackURL"),
        "newUserCallbackURL" => ("INVALID_NEW_USER_CALLBACK_URL", "Invalid newUserCallbackURL"),
        _ => ("INVALID_CALLBACK_URL", "Invalid callbackURL"),
    };
    answer(StatusCode::FORBIDDEN, code, message)
}

fn answer(status: StatusCode, code: &str, message: &str) -> Response {
    (status, Json(json!({ "message": message, "code": code }))).into_response()
}
