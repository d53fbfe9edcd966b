//! Errors of accounts, with Better Auth's codes and messages.
//! See docs/contracts/better-auth.md#errors.

use std::time::Duration;

use axum::http::StatusCode;

/// A rule of accounts that a request breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthError {
    /// Unknown address or wrong password: clients cannot tell which.
    WrongPassword,
    /// The password that was to confirm an action is wrong.
    InvalidPassword,
    /// An account with this address exists.
    EmailTaken,
    /// The address has not the form of one.
    InvalidEmail,
    /// Nobody signs in before a mailed link was followed.
    EmailNotVerified,
    /// The new address is the old one.
    SameEmail,
    /// The address is not the signed-in user's.
    EmailMismatch,
    /// The address is known to be the user's already.
    EmailAlreadyVerified,
    /// Fewer than 8 UTF-16 code units.
    PasswordTooShort,
    /// More than 128 UTF-16 code units.
    PasswordTooLong,
    /// One of those that are tried first.
    PasswordCompromised,
    /// The account has no password.
    NoCredential,
    /// The session began too long ago for an action without a password.
    SessionExpired,
    /// The session began too long ago.
    SessionNotFresh,
    /// A mailed token that is not valid, or was used.
    InvalidToken,
    /// A mailed token whose time is over.
    TokenExpired,
    /// The user of a mailed token is not there any more.
    UserNotFound,
    /// A mailed token of another user.
    InvalidUser,
    /// Deleting needs a session, and there is none.
    NoUserInfo,
    /// Not one of the user's ways to sign in.
    AccountNotFound,
    /// The user's only way to sign in.
    LastAccount,
    /// There is no such OAuth provider.
    ProviderNotFound,
    /// There is no mail, so no reset of passwords.
    ResetDisabled,
    /// There is no mail, so no verification of addresses.
    VerificationDisabled,
    /// There is no mail, so no change of addresses.
    ChangeEmailDisabled,
    /// Too many attempts; how long to wait.
    TooManyAttempts(Duration),
}

impl AuthError {
    /// Better Auth's code.
    pub fn code(self) -> &'static str {
        match self {
            Self::WrongPassword => "INVALID_EMAIL_OR_PASSWORD",
            Self::InvalidPassword => "INVALID_PASSWORD",
            Self::EmailTaken => "USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL",
            Self::InvalidEmail => "INVALID_EMAIL",
            Self::EmailNotVerified => "EMAIL_NOT_VERIFIED",
            Self::SameEmail => "SAME_EMAIL",
            Self::EmailMismatch => "EMAIL_MISMATCH",
            Self::EmailAlreadyVerified => "EMAIL_ALREADY_VERIFIED",
            Self::PasswordTooShort => "PASSWORD_TOO_SHORT",
            Self::PasswordTooLong => "PASSWORD_TOO_LONG",
            Self::PasswordCompromised => "PASSWORD_COMPROMISED",
            Self::NoCredential => "CREDENTIAL_ACCOUNT_NOT_FOUND",
            Self::SessionExpired => "SESSION_EXPIRED",
            Self::SessionNotFresh => "SESSION_NOT_FRESH",
            Self::InvalidToken => "INVALID_TOKEN",
            Self::TokenExpired => "TOKEN_EXPIRED",
            Self::UserNotFound => "USER_NOT_FOUND",
            Self::InvalidUser => "INVALID_USER",
            Self::NoUserInfo => "FAILED_TO_GET_USER_INFO",
            Self::AccountNotFound => "ACCOUNT_NOT_FOUND",
            Self::LastAccount => "FAILED_TO_UNLINK_LAST_ACCOUNT",
            Self::ProviderNotFound => "PROVIDER_NOT_FOUND",
            Self::ResetDisabled => "RESET_PASSWORD_DISABLED",
            Self::VerificationDisabled => "VERIFICATION_EMAIL_NOT_ENABLED",
            Self::ChangeEmailDisabled => "CHANGE_EMAIL_DISABLED",
            Self::TooManyAttempts(_) => "TOO_MANY_REQUESTS",
        }
    }

    /// Better Auth's status.
    pub fn status(self) -> StatusCode {
        match self {
            Self::WrongPassword => StatusCode::UNAUTHORIZED,
            Self::EmailNotVerified | Self::SessionNotFresh => StatusCode::FORBIDDEN,
            Self::ProviderNotFound => StatusCode::NOT_FOUND,
            Self::EmailTaken => StatusCode::UNPROCESSABLE_ENTITY,
            Self::TooManyAttempts(_) => StatusCode::TOO_MANY_REQUESTS,
            _ => StatusCode::BAD_REQUEST,
        }
    }

    /// Better Auth's words.
    pub fn message(self) -> &'static str {
        match self {
            Self::WrongPassword => "Invalid email or password",
            Self::InvalidPassword => "Invalid password",
            Self::EmailTaken => "User already exists. Use another email.",
            Self::InvalidEmail => "Invalid email",
            Self::EmailNotVerified => "Email not verified",
            Self::SameEmail => "Email is the same",
            Self::EmailMismatch => "Email mismatch",
            Self::EmailAlreadyVerified => "Email is already verified",
            Self::PasswordTooShort => "Password too short",
            Self::PasswordTooLong => "Password too long",
            Self::PasswordCompromised => {
                "The password you entered has been compromised. Please choose a different password."
            }
            Self::NoCredential => "Credential account not found",
            Self::SessionExpired => "Session expired. Re-authenticate to perform this action.",
            Self::SessionNotFresh => "Session is not fresh",
            Self::InvalidToken => "Invalid token",
            Self::TokenExpired => "Token expired",
            Self::UserNotFound => "User not found",
            Self::InvalidUser => "Invalid user",
            Self::NoUserInfo => "Failed to get user info",
            Self::AccountNotFound => "Account not found",
            Self::LastAccount => "You can't unlink your last account",
            Self::ProviderNotFound => "Provider not found",
            Self::ResetDisabled => "Reset password isn't enabled",
            Self::VerificationDisabled => "Verification email isn't enabled",
            Self::ChangeEmailDisabled => "Change email is disabled",
            Self::TooManyAttempts(_) => "Too many requests. Please try again later.",
        }
    }
}
