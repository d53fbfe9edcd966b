//! Logs, and the fixed names of security events.

use std::{fmt, io::IsTerminal};

use tracing::warn;
use tracing_subscriber::{EnvFilter, layer::SubscriberExt, util::SubscriberInitExt};

use crate::config::{Config, Environment};

/// Starts logging to standard error: text for people in development, a JSON object a line elsewhere.
pub fn start(config: &Config) {
    let filter = EnvFilter::try_new(&config.log_filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let registry = tracing_subscriber::registry().with(filter);
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    // A second start in one process keeps the first one's settings.
    let _ = match config.environment {
        Environment::Development => registry.with(lines.with_ansi(std::io::stderr().is_terminal())).try_init(),
        Environment::Staging | Environment::Production => registry.with(lines.json()).try_init(),
    };
}

/// What the security log tells, by fixed names (contracts: reliability, H2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecurityEvent {
    /// An account was made.
    SignUp,
    /// Somebody signed in.
    SignIn,
    /// Unknown address or wrong password.
    SignInFailed,
    /// An account and all that belongs to it was deleted.
    AccountDeleted,
    /// A password was changed by its user.
    PasswordChanged,
    /// A password was set by a mailed link.
    PasswordReset,
    /// Too many wrong passwords for one account.
    LockedOut,
    /// A session was ended by its user.
    SessionRevoked,
    /// A token was shown that does not hold.
    TokenRefused,
    /// Somebody asked for another user's data, or came from an origin that is not trusted.
    AccessDenied,
    /// A signing key was made.
    KeyCreated,
    /// Too many requests from one address.
    LimitHit,
}

impl SecurityEvent {
    /// The name in the log.
    pub fn name(self) -> &'static str {
        match self {
            Self::SignUp => "sign_up",
            Self::SignIn => "sign_in",
            Self::SignInFailed => "sign_in_failed",
            Self::AccountDeleted => "account_deleted",
            Self::PasswordChanged => "password_changed",
            Self::PasswordReset => "password_reset",
            Self::LockedOut => "locked_out",
            Self::SessionRevoked => "session_revoked",
            Self::TokenRefused => "token_refused",
            Self::AccessDenied => "access_denied",
            Self::KeyCreated => "key_created",
            Self::LimitHit => "limit_hit",
        }
    }

    /// Logs the event; `subject` is a user id, a key id or a reason, never an e-mail address, token or password.
    /// `address` is the client's network address, if it is known.
    pub fn log(self, subject: &str, address: impl fmt::Display) {
        let event = self.name();
        warn!(target: "security", event, subject, %address, "{event}");
    }
}
