//! Security events, logged and counted under fixed names.

use std::{
    fmt,
    sync::atomic::{AtomicU64, Ordering},
};

use tracing::{info, warn};

/// The events of the security log (docs/contracts/reliability.md#security-events).
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
    /// A user has another e-mail address.
    EmailChanged,
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
    /// Too many requests from one address or of one user.
    LimitHit,
    /// A setting is not safe enough for where it is used.
    ConfigWeak,
    /// An operator made an account.
    AccountCreated,
    /// An operator looked at accounts.
    AccountRead,
    /// An operator set a password.
    PasswordSet,
    /// An operator marked an address as verified.
    EmailVerified,
    /// An operator got an access token of a user.
    TokenIssued,
    /// An operator removed a signing key.
    KeyRemoved,
    /// An operator wrote a user's data, or all data, into a file.
    DataExported,
    /// An operator brought a file to a user, or into the database.
    DataImported,
}

/// What stands for an address where a command did it.
pub const OPERATOR: &str = "operator";

/// How often each happened since the process started.
static COUNTS: [AtomicU64; SecurityEvent::ALL.len()] = [const { AtomicU64::new(0) }; SecurityEvent::ALL.len()];

impl SecurityEvent {
    /// All of them, in their order.
    pub const ALL: [Self; 22] = [
        Self::SignUp,
        Self::SignIn,
        Self::SignInFailed,
        Self::AccountDeleted,
        Self::PasswordChanged,
        Self::PasswordReset,
        Self::EmailChanged,
        Self::LockedOut,
        Self::SessionRevoked,
        Self::TokenRefused,
        Self::AccessDenied,
        Self::KeyCreated,
        Self::LimitHit,
        Self::ConfigWeak,
        Self::AccountCreated,
        Self::AccountRead,
        Self::PasswordSet,
        Self::EmailVerified,
        Self::TokenIssued,
        Self::KeyRemoved,
        Self::DataExported,
        Self::DataImported,
    ];

    /// How often it happened since the process started.
    pub fn count(self) -> u64 {
        COUNTS[self as usize].load(Ordering::Relaxed)
    }

    /// The name in the log.
    pub fn name(self) -> &'static str {
        match self {
            Self::SignUp => "sign_up",
            Self::SignIn => "sign_in",
            Self::SignInFailed => "sign_in_failed",
            Self::AccountDeleted => "account_deleted",
            Self::PasswordChanged => "password_changed",
            Self::PasswordReset => "password_reset",
            Self::EmailChanged => "email_changed",
            Self::LockedOut => "locked_out",
            Self::SessionRevoked => "session_revoked",
            Self::TokenRefused => "token_refused",
            Self::AccessDenied => "access_denied",
            Self::KeyCreated => "key_created",
            Self::LimitHit => "limit_hit",
            Self::ConfigWeak => "config_weak",
            Self::AccountCreated => "account_created",
            Self::AccountRead => "account_read",
            Self::PasswordSet => "password_set",
            Self::EmailVerified => "email_verified",
            Self::TokenIssued => "token_issued",
            Self::KeyRemoved => "key_removed",
            Self::DataExported => "data_exported",
            Self::DataImported => "data_imported",
        }
    }

    /// Whether somebody should look at it: something was refused, or is weak.
    fn is_warning(self) -> bool {
        matches!(
            self,
            Self::SignInFailed
                | Self::LockedOut
                | Self::TokenRefused
                | Self::AccessDenied
                | Self::LimitHit
                | Self::ConfigWeak
        )
    }

    /// Logs the event; `subject` is a user id, a key id or a reason, never an e-mail address, token or password.
    /// `address` is the client's network address, if it is known, or [`OPERATOR`].
    pub fn log(self, subject: &str, address: impl fmt::Display) {
        let event = self.counted();
        if self.is_warning() {
            warn!(target: "security", event, subject, %address, "{event}");
        } else {
            info!(target: "security", event, subject, %address, "{event}");
        }
    }

    /// The same for an event that a setting may be the cause of, with what to do about it.
    pub fn advise(self, subject: &str, advice: &str, address: impl fmt::Display) {
        let event = self.counted();
        warn!(target: "security", event, subject, advice, %address, "{event}");
    }

    /// Logs that a page asked for something whose origin is not trusted.
    pub fn log_untrusted_origin(address: impl fmt::Display) {
        const ADVICE: &str = "BETTER_AUTH_URL must be the URL at which pages see Docket, and CORS_ORIGINS name the \
                              origins of pages that are elsewhere";
        Self::AccessDenied.advise("origin", ADVICE, address);
    }

    fn counted(self) -> &'static str {
        COUNTS[self as usize].fetch_add(1, Ordering::Relaxed);
        self.name()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_stands_at_its_own_place() {
        for (place, event) in SecurityEvent::ALL.into_iter().enumerate() {
            assert_eq!(event as usize, place, "{event:?}");
        }
    }
}
