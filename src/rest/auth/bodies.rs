//! Bodies of responses that say little beside the status.

use serde::Serialize;
use utoipa::ToSchema;

use crate::{service::auth::PublicKey, view::User};

/// What was done.
#[derive(Serialize, ToSchema)]
#[schema(examples(json!({ "status": true })))]
pub(super) struct StatusBody {
    /// Whether it was done.
    status: bool,
    /// A sentence for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'static str>,
}

/// What was done about an account.
#[derive(Serialize, ToSchema)]
#[schema(examples(json!({ "success": true })))]
pub(super) struct SuccessBody {
    /// Whether it was done.
    success: bool,
    /// A sentence for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'static str>,
}

/// What a link has verified: the address of a user if it is another one now.
#[derive(Serialize, ToSchema)]
#[schema(examples(json!({ "status": true, "user": null })))]
pub(super) struct VerifiedBody {
    /// Whether it was done.
    pub(super) status: bool,
    /// The user, if the address is another one now.
    #[schema(required)]
    pub(super) user: Option<User>,
}

/// That the routes are served.
#[derive(Serialize, ToSchema)]
#[schema(examples(json!({ "ok": true })))]
pub(super) struct OkBody {
    /// Always true.
    pub(super) ok: bool,
}

/// An access token.
#[derive(Serialize, ToSchema)]
#[schema(examples(json!({ "token": "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl" })))]
pub(super) struct AccessTokenBody {
    /// The token.
    pub(super) token: String,
}

/// A JWKS (RFC 7517).
#[derive(Serialize, ToSchema)]
#[schema(examples(json!({ "keys": [{
    "alg": "EdDSA", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", "kty": "OKP",
    "kid": "wXz5bL1cR8nTq0KpVyJ3sGdMhUoEaF7i",
}] })))]
pub(super) struct KeysBody {
    /// The keys, also those that sign no more but still verify.
    keys: Vec<KeyBody>,
}

/// A public key as a JWK.
#[derive(Serialize, ToSchema)]
struct KeyBody {
    /// The algorithm.
    alg: &'static str,
    /// The curve.
    crv: &'static str,
    /// The public key.
    x: String,
    /// The kind of the key.
    kty: &'static str,
    /// The id of the key, which tokens name.
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
