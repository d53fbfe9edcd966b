//! Bodies of responses that say little beside the status.

use serde::Serialize;
use utoipa::ToSchema;

use crate::{service::auth::PublicKey, view::User};

/// What was done.
#[derive(Serialize, ToSchema)]
pub(super) struct StatusBody {
    status: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'static str>,
}

/// What was done about an account.
#[derive(Serialize, ToSchema)]
pub(super) struct SuccessBody {
    success: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'static str>,
}

/// What a link has verified: the address of a user if it is another one now.
#[derive(Serialize, ToSchema)]
pub(super) struct VerifiedBody {
    pub(super) status: bool,
    pub(super) user: Option<User>,
}

/// That the routes are served.
#[derive(Serialize, ToSchema)]
pub(super) struct OkBody {
    pub(super) ok: bool,
}

/// An access token.
#[derive(Serialize, ToSchema)]
pub(super) struct AccessTokenBody {
    pub(super) token: String,
}

/// A JWKS (RFC 7517).
#[derive(Serialize, ToSchema)]
pub(super) struct KeysBody {
    keys: Vec<KeyBody>,
}

/// A public key as a JWK.
#[derive(Serialize, ToSchema)]
struct KeyBody {
    alg: &'static str,
    crv: &'static str,
    x: String,
    kty: &'static str,
    kid: String,
}

impl StatusBody {
    pub(super) fn done() -> Self {
        Self { status: true, message: None }
    }

    pub(super) fn saying(message: &'static str) -> Self {
        Self { status: true, message: Some(message) }
    }
}

impl SuccessBody {
    pub(super) fn done() -> Self {
        Self { success: true, message: None }
    }

    pub(super) fn saying(message: &'static str) -> Self {
        Self { success: true, message: Some(message) }
    }
}

impl From<Vec<PublicKey>> for KeysBody {
    fn from(keys: Vec<PublicKey>) -> Self {
        let key = |PublicKey { alg, crv, x, kty, kid }| KeyBody { alg, crv, x, kty, kid };
        Self { keys: keys.into_iter().map(key).collect() }
    }
}
