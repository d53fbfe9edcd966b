//! What clients of every API learn about an error: one row for each kind. The APIs add only the shape of their bodies.

use std::{borrow::Cow, time::Duration};

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use tracing::error;

use super::{Error, causes, whole_seconds};

/// What clients learn about an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicError {
    /// Our word for the error, stable over releases.
    pub code: &'static str,
    /// The status of a response that is nothing but this error.
    pub status: StatusCode,
    /// A sentence for people; see docs/contracts/legacy-rest.md#errors.
    pub text: Cow<'static, str>,
    /// How many seconds to wait before it is worth trying again, if it is.
    pub retry_after: Option<u64>,
    /// A header that says what would be accepted.
    hint: Option<(HeaderName, &'static str)>,
}

impl PublicError {
    fn new(code: &'static str, status: StatusCode, text: impl Into<Cow<'static, str>>) -> Self {
        Self { code, status, text: text.into(), retry_after: None, hint: None }
    }

    fn hint(self, name: HeaderName, value: &'static str) -> Self {
        Self { hint: Some((name, value)), ..self }
    }

    fn retry_after(self, seconds: u64) -> Self {
        Self { retry_after: Some(seconds), ..self }
    }

    /// The headers of a response that is nothing but this error.
    pub fn headers(&self) -> impl Iterator<Item = (HeaderName, HeaderValue)> {
        let hint = self.hint.clone().map(|(name, value)| (name, HeaderValue::from_static(value)));
        hint.into_iter().chain(self.retry_after.map(|seconds| (header::RETRY_AFTER, seconds.into())))
    }
}

impl Error {
    /// What clients learn about it.
    pub fn public(&self) -> PublicError {
        match self {
            Self::Unauthenticated => PublicError::new("UNAUTHENTICATED", StatusCode::UNAUTHORIZED, "Not authenticated")
                .hint(header::WWW_AUTHENTICATE, "Bearer"),
            Self::BadCredentials(_) => {
                PublicError::new("UNAUTHENTICATED", StatusCode::UNAUTHORIZED, "Invalid or expired token")
                    .hint(header::WWW_AUTHENTICATE, "Bearer error=\"invalid_token\"")
            }
            Self::Forbidden | Self::UntrustedOrigin => {
                PublicError::new("FORBIDDEN", StatusCode::FORBIDDEN, "Access denied")
            }
            Self::NotFound(_) => PublicError::new("NOT_FOUND", StatusCode::NOT_FOUND, self.sentence()),
            Self::Invalid(_) | Self::InvalidFile(_) => {
                PublicError::new("BAD_USER_INPUT", StatusCode::UNPROCESSABLE_ENTITY, self.sentence())
            }
            Self::Entry { cause, .. } => PublicError { text: self.sentence().into(), ..cause.public() },
            Self::Conflict(_) => PublicError::new("CONFLICT", StatusCode::PRECONDITION_FAILED, self.sentence()),
            Self::NameTaken => PublicError::new("NAME_TAKEN", StatusCode::CONFLICT, self.sentence()),
            Self::ResyncRequired => {
                let text = "Changes since then are not all known any more, start again without a sync token";
                PublicError::new("RESYNC_REQUIRED", StatusCode::GONE, text)
            }
            Self::KeyReused => {
                PublicError::new("IDEMPOTENCY_KEY_REUSED", StatusCode::UNPROCESSABLE_ENTITY, self.sentence())
            }
            Self::Auth(rule) => PublicError::new(rule.code(), rule.status(), rule.message()),
            Self::TooMany(wait) => {
                let text = "Too many requests, try again later";
                PublicError::new("RATE_LIMITED", StatusCode::TOO_MANY_REQUESTS, text)
                    .retry_after(at_least_a_second(*wait))
            }
            Self::BodyTimeout => {
                PublicError::new("REQUEST_TIMEOUT", StatusCode::REQUEST_TIMEOUT, "Request body did not arrive")
            }
            Self::EncodedBody => {
                let text = "Request body must not be compressed";
                PublicError::new("UNSUPPORTED_MEDIA_TYPE", StatusCode::UNSUPPORTED_MEDIA_TYPE, text)
                    .hint(header::ACCEPT_ENCODING, "identity")
            }
            Self::Busy | Self::Unavailable(_) => {
                let text = "Service unavailable, try again";
                PublicError::new("SERVICE_UNAVAILABLE", StatusCode::SERVICE_UNAVAILABLE, text).retry_after(1)
            }
            Self::Internal(_) => {
                PublicError::new("INTERNAL_SERVER_ERROR", StatusCode::INTERNAL_SERVER_ERROR, "Internal server error")
            }
        }
    }

    /// Logs what only the operator can act on. Each API calls it where it makes the response.
    pub fn log_cause(&self) {
        match self {
            Self::Internal(_) => error!(cause = causes(self), "a request failed"),
            Self::Unavailable(_) => error!(cause = causes(self), "the database is unavailable"),
            _ => {}
        }
    }

    /// The message with a capital letter.
    fn sentence(&self) -> String {
        let message = self.to_string();
        let mut letters = message.chars();
        letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
    }
}

fn at_least_a_second(wait: Duration) -> u64 {
    whole_seconds(wait).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Thing, ValidationError};

    #[test]
    fn who_waits_as_long_as_is_said_does_not_wait_again() {
        for (millis, seconds) in [(0, 1), (1, 1), (1000, 1), (1001, 2), (59_999, 60)] {
            let error = Error::TooMany(Duration::from_millis(millis));
            assert_eq!(error.public().retry_after, Some(seconds), "{millis} ms");
        }
    }

    #[test]
    fn an_entry_has_the_code_of_its_cause_and_says_which_it_is() {
        let error = Error::NotFound(Thing::List).at(3).public();
        assert_eq!((error.code, error.status), ("NOT_FOUND", StatusCode::NOT_FOUND));
        assert_eq!(error.text, "List not found (entry 3)");
        let error = Error::invalid("title", ValidationError::Blank).at(0).public();
        assert_eq!((error.code, error.status), ("BAD_USER_INPUT", StatusCode::UNPROCESSABLE_ENTITY));
    }

    #[test]
    fn what_is_no_fault_of_an_entry_does_not_name_one() {
        assert!(matches!(Error::Busy.at(3), Error::Busy));
    }
}
