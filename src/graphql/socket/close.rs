//! Close codes of the WebSocket sub-protocol.
//! See docs/graphql.md#close-codes.

use std::{borrow::Cow, error::Error as _};

use axum::extract::ws::CloseFrame;

use crate::service::auth::AccessEnd;

/// A close code and its reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Close {
    code: u16,
    reason: Cow<'static, str>,
}

/// How many bytes a reason has at most (RFC 6455, section 5.5).
const MAX_REASON: usize = 123;

impl Close {
    pub(super) const RESTART: Self = Self::of(1012, "Service restart");
    pub(super) const UNAVAILABLE: Self = Self::of(1013, "Try again later");
    pub(super) const TOO_SLOW: Self = Self::of(1013, "Too slow");
    pub(super) const PING_UNANSWERED: Self = Self::of(1001, "No answer to pings");
    pub(super) const INTERNAL_ERROR: Self = Self::of(4500, "Internal server error");
    pub(super) const UNAUTHORIZED: Self = Self::of(4401, "Unauthorized");
    pub(super) const FORBIDDEN: Self = Self::of(4403, "Forbidden");
    pub(super) const INIT_TIMEOUT: Self = Self::of(4408, "Connection initialisation timeout");
    pub(super) const TOO_MANY_INITS: Self = Self::of(4429, "Too many initialisation requests");
    pub(super) const TOO_MANY: Self = Self::of(1013, "Too many streams");
    pub(super) const TOO_LONG: Self = Self::of(1009, "Message too long");

    const fn of(code: u16, reason: &'static str) -> Self {
        Self { code, reason: Cow::Borrowed(reason) }
    }

    /// Clients such as graphql-ws come back by themselves after 4403, with the token that they have then, and not after 4401.
    pub(super) const fn of_end(end: AccessEnd) -> Self {
        match end {
            AccessEnd::TokenExpired => Self::of(4403, "Token expired"),
            AccessEnd::Revoked => Self::of(4401, "Access ended"),
        }
    }

    /// A message that breaks the protocol.
    pub(super) const fn invalid(reason: &'static str) -> Self {
        Self::of(4400, reason)
    }

    /// An id that is in use.
    pub(super) fn duplicate(id: &str) -> Self {
        Self { code: 4409, reason: format!("Subscriber for {id} already exists").into() }
    }

    /// What to say when a message could not be read; nothing when the connection is lost.
    pub(super) fn of_error(error: &axum::Error) -> Option<Self> {
        let cause = error.source().map_or_else(|| error.to_string(), ToString::to_string);
        cause.contains("too long").then_some(Self::TOO_LONG)
    }

    pub(super) fn frame(&self) -> CloseFrame {
        let mut end = self.reason.len().min(MAX_REASON);
        while !self.reason.is_char_boundary(end) {
            end -= 1;
        }
        CloseFrame { code: self.code, reason: self.reason[..end].into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_fit_into_a_close_frame() {
        let frame = Close::duplicate(&"é".repeat(200)).frame();
        assert!(frame.reason.len() <= MAX_REASON && frame.reason.starts_with("Subscriber for é"));
    }
}
