//! Errors of the auth routes as Better Auth words them: a status, a message and a code.
//! See docs/contracts/better-auth.md#errors.

use std::time::Duration;

use axum::{
    Json,
    http::{HeaderName, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use serde_json::json;

use crate::{
    error::{AuthError, Error, whole_seconds},
    rest::unserved::{self, Unserved},
};

const X_RETRY_AFTER: HeaderName = HeaderName::from_static("x-retry-after");

/// A request to this API that failed.
#[derive(Debug)]
pub(super) enum AuthApiError {
    /// An error of the service.
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
    Origin(OriginError),
    /// A link would lead to somewhere that is not trusted; the name of the link.
    Callback(&'static str),
    /// A link is no text; its name.
    NoCallback(&'static str),
    /// A mailed link that is not valid: 401 instead of 400.
    Link(AuthError),
    /// What a link leads to is not there: 404 instead of 400.
    Gone(AuthError),
    /// There is nothing in the body that can be changed.
    NothingToUpdate,
    /// The address has a route of its own.
    EmailElsewhere,
    /// `POST /get-session` belongs to a mode that is off.
    DeferredSession,
}

/// What is wrong with where a request comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OriginError {
    /// It does not say.
    Missing,
    /// It is not trusted.
    Untrusted,
    /// A foreign page navigates here.
    CrossSiteNavigation,
}

impl From<AuthError> for AuthApiError {
    fn from(fault: AuthError) -> Self {
        Self::Service(fault.into())
    }
}

impl From<Error> for AuthApiError {
    fn from(error: Error) -> Self {
        Self::Service(error)
    }
}

impl IntoResponse for AuthApiError {
    fn into_response(self) -> Response {
        let (status, code, message) = match self {
            Self::Service(error) => return unserved::note_error(service_response(&error), &error),
            Self::Validation(issues) => (StatusCode::BAD_REQUEST, "VALIDATION_ERROR", issues.join("; ")),
            Self::BadJson => (StatusCode::BAD_REQUEST, "BAD_REQUEST", "Invalid JSON in request body".into()),
            Self::MediaType(message) => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "UNSUPPORTED_MEDIA_TYPE", message),
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "PAYLOAD_TOO_LARGE", "Request body too large".to_owned()),
            Self::Unauthorized => (StatusCode::UNAUTHORIZED, "UNAUTHORIZED", "Unauthorized".into()),
            Self::Link(fault) => (StatusCode::UNAUTHORIZED, fault.code(), fault.message().into()),
            Self::Gone(fault) => (StatusCode::NOT_FOUND, fault.code(), fault.message().into()),
            Self::NothingToUpdate => return error_without_code(StatusCode::BAD_REQUEST, "No fields to update"),
            Self::EmailElsewhere => {
                (StatusCode::BAD_REQUEST, "EMAIL_CAN_NOT_BE_UPDATED", "Email can not be updated".into())
            }
            Self::Origin(fault) => return origin_response(fault),
            Self::Callback(name) => return callback_response(name),
            Self::NoCallback(name) => {
                let text = format!("Invalid {}: expected a string", label(name));
                return error_without_code(StatusCode::BAD_REQUEST, &text);
            }
            Self::DeferredSession => {
                let code = "METHOD_NOT_ALLOWED_DEFER_SESSION_REQUIRED";
                let message = "POST method requires deferSessionRefresh to be enabled in session config";
                let response = error_response(StatusCode::METHOD_NOT_ALLOWED, code, message);
                return ([(header::ALLOW, "GET")], response).into_response();
            }
        };
        error_response(status, code, &message)
    }
}

fn service_response(error: &Error) -> Response {
    error.log_cause();
    match error {
        Error::Auth(AuthError::TooManyAttempts(wait)) | Error::TooMany(wait) => rate_limit_response(*wait),
        // Better Auth has no code for it.
        Error::Auth(rule @ AuthError::SameEmail) => error_without_code(rule.status(), rule.message()),
        Error::Internal(_) => error_response(error.public().status, error.public().code, "Internal Server Error"),
        other => {
            let public = other.public();
            let mut response = error_response(public.status, public.code, &public.text);
            response.headers_mut().extend(public.headers());
            response
        }
    }
}

/// The 429 of docs/contracts/better-auth.md#rate-limits: no code, and the time in both headers.
fn rate_limit_response(wait: Duration) -> Response {
    let seconds = whole_seconds(wait).to_string();
    let headers = [(X_RETRY_AFTER, seconds.clone()), (header::RETRY_AFTER, seconds)];
    let body = json!({ "message": "Too many requests. Please try again later." });
    (StatusCode::TOO_MANY_REQUESTS, headers, Json(body)).into_response()
}

fn error_without_code(status: StatusCode, message: &str) -> Response {
    (status, Json(json!({ "message": message }))).into_response()
}

fn origin_response(fault: OriginError) -> Response {
    let (code, message) = match fault {
        OriginError::Missing => ("MISSING_OR_NULL_ORIGIN", "Missing or null Origin"),
        OriginError::Untrusted => ("INVALID_ORIGIN", "Invalid origin"),
        OriginError::CrossSiteNavigation => (
            "CROSS_SITE_NAVIGATION_LOGIN_BLOCKED",
            "Cross-site navigation login blocked. This request appears to be a CSRF attack.",
        ),
    };
    let mut response = error_response(StatusCode::FORBIDDEN, code, message);
    if fault == OriginError::Untrusted {
        unserved::note(&mut response, vec![Unserved::Origin]);
    }
    response
}

fn callback_response(name: &str) -> Response {
    let code = match name {
        "redirectTo" => "INVALID_REDIRECT_URL",
        "errorCallbackURL" => "INVALID_ERROR_CALLBACK_URL",
        "newUserCallbackURL" => "INVALID_NEW_USER_CALLBACK_URL",
        _ => "INVALID_CALLBACK_URL",
    };
    error_response(StatusCode::FORBIDDEN, code, &format!("Invalid {}", label(name)))
}

/// What messages call a link.
fn label(name: &str) -> &str {
    if name == "redirectTo" { "redirectURL" } else { name }
}

fn error_response(status: StatusCode, code: &str, message: &str) -> Response {
    (status, Json(ErrorBody { message, code })).into_response()
}

/// The body of every error; clients see the keys in this order.
#[derive(Serialize)]
struct ErrorBody<'a> {
    message: &'a str,
    code: &'a str,
}
