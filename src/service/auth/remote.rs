//! Public keys of another token issuer (RFC 7517), such as a Better Auth elsewhere. They are fetched when a token names
//! an unknown key, and stay when the issuer does not answer.
//! See docs/contracts/legacy-rest.md#tokens.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, Instant},
};

use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use tokio::sync::{Mutex, OwnedMutexGuard};
use tracing::{info, warn};
use url::Url;

use super::claims::{self, Claims, IssuerClaims};
use crate::{config::TokenIssuer, error::Error};

/// How often the issuer is asked at most.
const REFRESH_INTERVAL: Duration = Duration::from_secs(60);
/// How old the keys may be before they are looked at again, so that a key that was taken back does not stay for ever.
const MAX_AGE: Duration = Duration::from_secs(3600);
/// How long the issuer may take.
const TIMEOUT: Duration = Duration::from_secs(5);
/// How many bytes a list of keys has at most.
const MAX_BYTES: usize = 64 << 10;
/// How many keys are kept at most.
const MAX_KEYS: usize = 100;

/// Another issuer: what its tokens say, and what verifies them.
#[derive(Debug)]
pub(super) struct RemoteIssuer {
    pub(super) claims: IssuerClaims,
    pub(super) keys: Arc<RemoteKeys>,
}

/// A public key, and the one algorithm that it is for.
#[derive(Clone)]
pub(super) struct VerifyingKey {
    pub(super) key: DecodingKey,
    pub(super) alg: Algorithm,
}

/// The keys of another issuer.
pub(super) struct RemoteKeys {
    url: Url,
    client: reqwest::Client,
    keys: RwLock<HashMap<String, VerifyingKey>>,
    /// When the issuer was asked last, and when it last answered. The lock is held while it is asked.
    asked: Arc<Mutex<Asked>>,
}

#[derive(Clone, Copy, Default)]
struct Asked {
    tried: Option<Instant>,
    answered: Option<Instant>,
}

#[derive(Deserialize)]
struct Jwks {
    keys: Vec<serde_json::Value>,
}

#[derive(Deserialize)]
struct Jwk {
    kid: Option<String>,
    kty: String,
    crv: Option<String>,
    x: Option<String>,
    y: Option<String>,
    n: Option<String>,
    e: Option<String>,
    alg: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
}

impl RemoteIssuer {
    pub(super) fn new(TokenIssuer { jwks, issuer, audience }: TokenIssuer) -> Result<Self, Error> {
        Ok(Self { claims: IssuerClaims { issuer, audience }, keys: RemoteKeys::new(jwks)? })
    }

    /// Whether a token with these claims, which nobody has verified yet, may be this issuer's.
    pub(super) fn may_have_made(&self, claims: &Claims) -> bool {
        self.claims.issuer.as_deref().is_none_or(|wanted| claims::issuer(claims) == Some(wanted))
    }
}

impl RemoteKeys {
    fn new(url: Url) -> Result<Arc<Self>, Error> {
        let client = reqwest::Client::builder()
            .timeout(TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(Error::internal)?;
        Ok(Arc::new(Self { url, client, keys: RwLock::default(), asked: Arc::default() }))
    }

    /// The key of this id; the issuer is asked for one that is not known, at most once a minute.
    pub(super) async fn verifying(self: &Arc<Self>, id: &str) -> Option<VerifyingKey> {
        let known = self.known(id);
        let is_due = |since: Option<Instant>, age: Duration| since.is_none_or(|since| since.elapsed() >= age);
        // Whoever knows the key does not wait for somebody who asks.
        let asked = Arc::clone(&self.asked);
        let asked = match &known {
            Some(_) => match asked.try_lock_owned() {
                Ok(asked) => asked,
                Err(_) => return known,
            },
            None => asked.lock_owned().await,
        };
        let is_wanted = self.known(id).is_none() || is_due(asked.answered, MAX_AGE);
        if !is_wanted || !is_due(asked.tried, REFRESH_INTERVAL) {
            return self.known(id);
        }
        // On its own: who asks and hangs up would keep the keys from all others for a minute.
        let asking = tokio::spawn(Arc::clone(self).ask(asked));
        // A panic is in the log, and the keys stay as they are.
        let _ = asking.await;
        self.known(id)
    }

    async fn ask(self: Arc<Self>, mut asked: OwnedMutexGuard<Asked>) {
        asked.tried = Some(Instant::now());
        match self.fetch().await {
            Ok(keys) => {
                info!(count = keys.len(), "keys of the other issuer were read");
                asked.answered = asked.tried;
                *self.keys.write().unwrap_or_else(PoisonError::into_inner) = keys;
            }
            Err(cause) => warn!(cause, "the keys of the other issuer stay as they are"),
        }
    }

    fn known(&self, id: &str) -> Option<VerifyingKey> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).get(id).cloned()
    }

    async fn fetch(&self) -> Result<HashMap<String, VerifyingKey>, String> {
        let refused = |cause: reqwest::Error| cause.without_url().to_string();
        let mut response = self.client.get(self.url.clone()).send().await.map_err(refused)?;
        if !response.status().is_success() {
            return Err(format!("the issuer answered {}", response.status()));
        }
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(refused)? {
            if bytes.len() + chunk.len() > MAX_BYTES {
                return Err("the list of keys is too long".into());
            }
            bytes.extend_from_slice(&chunk);
        }
        let jwks: Jwks = serde_json::from_slice(&bytes).map_err(|_| "the answer is no list of keys".to_owned())?;
        // What is not understood of a list is left out (RFC 7517, section 5).
        let keys = jwks.keys.into_iter().filter_map(|it| serde_json::from_value(it).ok());
        Ok(keys.filter_map(usable).take(MAX_KEYS).collect())
    }
}

/// A key for signatures by an algorithm that is known, whatever a token says. RSA keys of less than 2,048 bits verify
/// nothing.
fn usable(jwk: Jwk) -> Option<(String, VerifyingKey)> {
    let (alg, names, key) = match (jwk.kty.as_str(), jwk.crv.as_deref()) {
        ("OKP", Some("Ed25519")) => {
            (Algorithm::EdDSA, ["EdDSA", "Ed25519"].as_slice(), DecodingKey::from_ed_components(&jwk.x?))
        }
        ("EC", Some("P-256")) => {
            (Algorithm::ES256, ["ES256"].as_slice(), DecodingKey::from_ec_components(&jwk.x?, &jwk.y?))
        }
        ("RSA", _) => (Algorithm::RS256, ["RS256"].as_slice(), DecodingKey::from_rsa_components(&jwk.n?, &jwk.e?)),
        _ => return None,
    };
    let is_of_alg = jwk.alg.is_none_or(|alg| names.contains(&alg.as_str()));
    let is_for_signatures = jwk.usage.is_none_or(|usage| usage == "sig");
    (is_of_alg && is_for_signatures).then_some((jwk.kid?, VerifyingKey { key: key.ok()?, alg }))
}

impl std::fmt::Debug for RemoteKeys {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("RemoteKeys").field("url", &self.url.as_str()).finish_non_exhaustive()
    }
}
