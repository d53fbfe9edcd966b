//! Requests that are refused before any document is looked at.

use axum::{
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::Response,
};
use serde_json::json;

use super::{accept::Media, write};
use crate::service::auth::Identity;

/// Why, and how that is said.
pub(super) struct HttpRejection {
    status: StatusCode,
    code: &'static str,
    message: String,
    header: Option<Box<(HeaderName, HeaderValue)>>,
    /// The limit that the request is beyond: its name and its value.
    limit: Option<(&'static str, usize)>,
}

impl HttpRejection {
    pub(super) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), header: None, limit: None }
    }

    pub(super) fn with(mut self, name: HeaderName, value: &'static str) -> Self {
        self.header = Some(Box::new((name, HeaderValue::from_static(value))));
        self
    }

    /// Tells how long to wait.
    pub(super) fn later(mut self, seconds: u64) -> Self {
        self.header = Some(Box::new((header::RETRY_AFTER, seconds.into())));
        self
    }

    /// Names the limit that the request is beyond.
    pub(super) fn limit_exceeded(self, name: &'static str, most: usize) -> Self {
        Self { limit: Some((name, most)), ..self }
    }

    pub(super) fn response(self, media: Media) -> Response {
        let Self { status, code, message, header, limit } = self;
        let mut extensions = json!({ "code": code });
        if let Some((name, most)) = limit {
            extensions["limit"] = name.into();
            extensions["most"] = most.into();
        }
        let body = json!({ "errors": [{ "message": message, "extensions": extensions }] });
        let mut response = write(media, status, serde_json::to_vec(&body));
        if let Some((name, value)) = header.map(|it| *it) {
            response.headers_mut().insert(name, value);
        }
        response
    }
}

/// Credentials that do not hold are refused whatever is asked; to show none is for the resolvers to judge.
pub(super) fn of_identity(identity: &Identity) -> Result<(), HttpRejection> {
    match identity {
        Identity::User(_) | Identity::Nobody => Ok(()),
        Identity::Refused(_) => {
            Err(HttpRejection::new(StatusCode::UNAUTHORIZED, "UNAUTHENTICATED", "the credentials are not valid")
                .with(header::WWW_AUTHENTICATE, "Bearer error=\"invalid_token\""))
        }
        Identity::UntrustedOrigin => {
            let message = "a session cookie works only from a trusted origin";
            Err(HttpRejection::new(StatusCode::FORBIDDEN, "FORBIDDEN", message))
        }
        Identity::Unknown => {
            let message = "nobody can be identified now, try again";
            Err(HttpRejection::new(StatusCode::SERVICE_UNAVAILABLE, "SERVICE_UNAVAILABLE", message)
                .with(header::RETRY_AFTER, "1"))
        }
    }
}
