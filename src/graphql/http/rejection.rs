//! Requests that are rejected before a document is read.

use axum::{
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::Response,
};
use serde_json::json;

use super::{accept::Media, write};
use crate::{error::Error, graphql::errors, service::auth::Identity};

/// Why a request is rejected, and the status and header that say so.
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

    /// An error of the service.
    pub(super) fn of(error: &Error) -> Self {
        let public = error.public();
        let status = match error {
            // A header that is not valid makes the request a bad one; only documents can be unprocessable.
            Error::Invalid(_) => StatusCode::BAD_REQUEST,
            _ => public.status,
        };
        let header = public.headers().next().map(Box::new);
        Self { status, code: public.code, message: errors::message(error), header, limit: None }
    }

    /// Names the limit that the request is beyond.
    pub(super) fn limit_exceeded(self, name: &'static str, most: usize) -> Self {
        Self { limit: Some((name, most)), ..self }
    }

    pub(super) fn response(self, media: Media) -> Response {
        let Self { status, code, message, header: with, limit } = self;
        let mut extensions = json!({ "code": code });
        if let Some((name, most)) = limit {
            extensions["limit"] = name.into();
            extensions["most"] = most.into();
        }
        let wait = with.as_ref().filter(|it| it.0 == header::RETRY_AFTER).and_then(|it| it.1.to_str().ok());
        if let Some(wait) = wait.and_then(|it| it.parse::<u64>().ok()) {
            extensions["retryAfter"] = wait.into();
        }
        let body = json!({ "errors": [{ "message": message, "extensions": extensions }] });
        let mut response = write(media, status, serde_json::to_vec(&body));
        if let Some((name, value)) = with.map(|it| *it) {
            response.headers_mut().insert(name, value);
        }
        response
    }
}

/// Refuses credentials that are not valid, whatever the document asks for. Resolvers decide what nobody may see.
pub(super) fn check_identity(identity: &Identity) -> Result<(), HttpRejection> {
    match identity.user() {
        Ok(_) | Err(Error::Unauthenticated) => Ok(()),
        Err(error) => Err(HttpRejection::of(&error)),
    }
}
