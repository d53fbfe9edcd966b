//! Which setting takes what a request was refused for, or what was left out of it: the log of a development server names it.
//! See docs/rest.md#what-the-log-names.

use std::fmt;

use axum::response::Response;

use crate::error::{AuthError, Error};

/// What a client asks for that the settings do not give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unserved {
    /// The task routes at the root.
    Root,
    /// A description that other settings allow.
    LongDescription,
    /// A word for a status in the query of a list.
    StatusWord,
    /// A status in the body of a task.
    StatusField,
    /// A field of a task that is not known.
    UnknownField,
    /// Fields of a task with names in camelCase.
    CamelCase,
    /// A word that no parameter of `Accept` has; the name of the parameter.
    Shape(&'static str),
    /// A page that is not trusted.
    Origin,
    /// A token that another issuer has signed.
    Issuer,
    /// A token for another audience, or of another issuer than its key is for.
    IssuerClaims,
    /// A token whose user is not where it is looked for.
    UserClaim,
    /// An address that is not verified.
    Unverified,
    /// A password that is common.
    CommonPassword,
}

/// The setting for each, and a value of it that helps.
pub const HELPFUL_SETTINGS: [(Unserved, &str); 16] = [
    (Unserved::Root, "REST_ROOT=on"),
    (Unserved::LongDescription, "DESCRIPTION_LENGTH=5000"),
    (Unserved::StatusWord, "REST_STATUS=on"),
    (Unserved::StatusField, "REST_STATUS=on"),
    (Unserved::UnknownField, "REST_UNKNOWN_FIELDS=keep"),
    (Unserved::CamelCase, "REST_CASE=camel"),
    (Unserved::Shape("delete"), "REST_DELETE=json"),
    (Unserved::Shape("list"), "REST_LIST=envelope"),
    (Unserved::Shape("case"), "REST_CASE=camel"),
    (Unserved::Shape("status"), "REST_STATUS=on"),
    (Unserved::Origin, "CORS_ORIGINS, BETTER_AUTH_URL"),
    (Unserved::Issuer, "JWKS_URL"),
    (Unserved::IssuerClaims, "JWT_ISSUER, JWT_AUDIENCE"),
    (Unserved::UserClaim, "JWT_USER_CLAIM, JWT_COOKIE_CACHE=on"),
    (Unserved::Unverified, "EMAIL_VERIFICATION=off"),
    (Unserved::CommonPassword, "PASSWORD_CHECK=off"),
];

/// In the extensions of a response: settings with which the request would have got more.
#[derive(Clone, Debug)]
pub struct HelpfulSettings(Vec<Unserved>);

impl fmt::Display for HelpfulSettings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut named: Vec<&str> = Vec::new();
        for (_, setting) in HELPFUL_SETTINGS.iter().filter(|(it, _)| self.0.contains(it)) {
            if !named.contains(setting) {
                named.push(setting);
            }
        }
        formatter.write_str(&named.join(", "))
    }
}

/// Notes with a response what its request did not get.
pub(super) fn note(response: &mut Response, unserved: Vec<Unserved>) {
    if !unserved.is_empty() {
        response.extensions_mut().insert(HelpfulSettings(unserved));
    }
}

/// Notes with the response to an error what another setting would have taken.
pub(super) fn note_error(mut response: Response, error: &Error) -> Response {
    let unserved = match error {
        Error::UntrustedOrigin => Some(Unserved::Origin),
        Error::BadCredentials("token issuer" | "token key") => Some(Unserved::Issuer),
        Error::BadCredentials("token issuer or audience") => Some(Unserved::IssuerClaims),
        Error::BadCredentials("token subject") => Some(Unserved::UserClaim),
        Error::Auth(AuthError::EmailNotVerified) => Some(Unserved::Unverified),
        Error::Auth(AuthError::PasswordCompromised) => Some(Unserved::CommonPassword),
        _ => None,
    };
    note(&mut response, unserved.into_iter().collect());
    response
}
