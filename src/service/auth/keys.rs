//! Ed25519 signing keys in the `jwks` table, encrypted as Better Auth does it.
//! See docs/contracts/better-auth.md#signing-keys.

mod operator;
mod sealed;

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, Instant},
};

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use entity::{jwks, time::Millis};
use jsonwebtoken::{DecodingKey, EncodingKey};
use sea_orm::{ActiveModelTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryOrder};
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;
use tracing::warn;

pub use self::operator::{KeyState, ListedKey, RotatedKeys};
use self::sealed::Seal;
use super::{Client, random_id};
use crate::{db::Db, error::Error, telemetry::SecurityEvent};

/// How often the keys are read again: one may have been withdrawn, or made by another instance.
const REFRESH_INTERVAL: Duration = Duration::from_secs(60);

/// How long a key is published before it signs, so that whoever keeps a copy of the list has it by then.
const PUBLISHED_BEFORE_USE: chrono::Duration = chrono::Duration::hours(1);
/// How long a key that signs no more is still published: longer than any token lives.
const PUBLISHED_AFTER_USE: chrono::Duration = chrono::Duration::days(30);

/// All keys that are known, and the one that signs.
#[derive(Debug)]
pub(super) struct Keys {
    seal: Seal,
    lifetime: Option<chrono::Duration>,
    ring: RwLock<Ring>,
    /// Held by the one who reads them again.
    looking: Mutex<()>,
}

#[derive(Default)]
struct Ring {
    verifying: HashMap<String, DecodingKey>,
    signing: Option<Arc<SigningKey>>,
    /// From then on the next key is to be made.
    renewal: Option<DateTime<Utc>>,
    read: Option<Instant>,
}

/// The key that signs access tokens.
pub(super) struct SigningKey {
    pub(super) id: String,
    pub(super) key: EncodingKey,
    expires_at: Option<Millis>,
}

/// A public key as a JWK (RFC 8037).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PublicKey {
    /// `EdDSA`.
    pub alg: &'static str,
    /// `Ed25519`.
    pub crv: &'static str,
    /// The key, in base64url.
    pub x: String,
    /// `OKP`.
    pub kty: &'static str,
    /// The key's id.
    pub kid: String,
}

/// A private JWK as it is sealed.
#[derive(Serialize, Deserialize)]
struct PrivateJwk {
    crv: String,
    d: String,
    x: String,
    kty: String,
}

#[derive(Serialize, Deserialize)]
struct PublicJwk {
    crv: String,
    x: String,
    kty: String,
}

impl Keys {
    /// Keys that sign for so many days, or for ever.
    pub(super) fn new(secret: &str, days: u32) -> Self {
        let lifetime = Some(chrono::Duration::days(days.into())).filter(|it| !it.is_zero());
        Self { seal: Seal::new(secret), lifetime, ring: RwLock::default(), looking: Mutex::default() }
    }

    /// The key to sign with; the first client of all makes it.
    pub(super) async fn signing(&self, db: &Db, client: &Client) -> Result<Arc<SigningKey>, Error> {
        self.look_again(db).await;
        let now = Utc::now();
        if let Some(key) = self.ready(now) {
            return Ok(key);
        }
        let found = db.transaction(async |transaction| {
            transaction.lock_keys().await?;
            let ring = self.ring(transaction.connection()).await?;
            if let Some(key) = ring.ready(now) {
                return Ok(Ok((ring, key)));
            }
            let row = self.make(now)?.into_active_model().insert(transaction.connection()).await?;
            Ok::<_, Error>(Err(row.id))
        });
        match found.await? {
            // Not before: somebody may have made it in the same transaction, and not be committed yet.
            Ok((ring, key)) => {
                self.keep(ring);
                return Ok(key);
            }
            Err(made) => SecurityEvent::KeyCreated.log(&made, client),
        }
        self.load(db.reader()).await?;
        self.read(|ring| ring.signing.clone()).ok_or_else(|| Error::internal("the new key cannot be read back"))
    }

    /// The key that signs now, unless none does or the next one is to be made.
    fn ready(&self, now: DateTime<Utc>) -> Option<Arc<SigningKey>> {
        self.read(|ring| ring.ready(now))
    }

    /// The key of this id, if there is one; the database is asked at most once a minute.
    pub(super) async fn verifying(&self, db: &Db, id: &str) -> Result<Option<DecodingKey>, Error> {
        self.look_again(db).await;
        let known = self.read(|ring| ring.verifying.get(id).cloned());
        if known.is_some() || self.age().is_some_and(|age| age < REFRESH_INTERVAL) {
            return Ok(known);
        }
        self.load(db.reader()).await?;
        Ok(self.read(|ring| ring.verifying.get(id).cloned()))
    }

    /// Reads keys again that were read a while ago, once for all who ask meanwhile. Where that fails they stay.
    async fn look_again(&self, db: &Db) {
        let is_due = || self.age().is_some_and(|age| age >= REFRESH_INTERVAL);
        if !is_due() {
            return;
        }
        let Ok(_turn) = self.looking.try_lock() else { return };
        // Whoever had the turn before may have done it.
        if is_due()
            && let Err(cause) = self.load(db.reader()).await
        {
            warn!(cause = cause.causes(), "the keys stay as they were read last");
        }
    }

    /// How long ago they were read, if they were.
    fn age(&self) -> Option<Duration> {
        self.read(|ring| ring.read).map(|read| read.elapsed())
    }

    /// The public keys, newest first.
    pub(super) async fn public(&self, db: &Db) -> Result<Vec<PublicKey>, Error> {
        self.signing(db, &Client::default()).await?;
        let rows = newest_first(db.reader()).await?;
        let now = Utc::now();
        let is_published = |row: &&jwks::Model| row.expires_at.is_none_or(|end| end.utc() + PUBLISHED_AFTER_USE > now);
        Ok(rows.iter().filter(is_published).filter_map(public_key).collect())
    }

    /// How many keys there are, and how many of them the secret opens.
    pub(super) async fn count(&self, db: &Db) -> Result<(usize, usize), Error> {
        let rows = newest_first(db.reader()).await?;
        Ok((rows.len(), rows.iter().filter(|row| self.open(row).is_some()).count()))
    }

    async fn load(&self, connection: &impl ConnectionTrait) -> Result<(), Error> {
        self.keep(self.ring(connection).await?);
        Ok(())
    }

    fn keep(&self, ring: Ring) {
        *self.ring.write().unwrap_or_else(PoisonError::into_inner) = ring;
    }

    /// The keys as they are in the database.
    async fn ring(&self, connection: &impl ConnectionTrait) -> Result<Ring, Error> {
        let rows = newest_first(connection).await?;
        let now = Millis::now();
        let verifying = rows
            .iter()
            .filter_map(public_key)
            .filter_map(|it| Some((it.kid, DecodingKey::from_ed_components(&it.x).ok()?)))
            .collect();
        let opened = rows.iter().filter(|row| row.expires_at.is_none_or(|end| end > now)).filter_map(|row| {
            let key = self.open(row);
            if key.is_none() {
                warn!(key.id = row.id, "key {} was sealed with another secret and will not sign", row.id);
            }
            key.map(|key| (key, row.created_at.utc()))
        });
        let mut opened: Vec<_> = opened.collect();
        // The newest key that was published long enough; the one that was published longest when there is no such key.
        let newest = opened.first().map(|(key, _)| key.expires_at);
        let old_enough = opened.iter().position(|(_, created_at)| *created_at + PUBLISHED_BEFORE_USE <= now.utc());
        let at = old_enough.unwrap_or(opened.len().saturating_sub(1));
        let signing = (at < opened.len()).then(|| Arc::new(opened.swap_remove(at).0));
        // Somebody looks again when the next key has been published long enough, or is to be made.
        let end = newest.flatten().map(|end| end.utc() - PUBLISHED_BEFORE_USE - PUBLISHED_BEFORE_USE);
        let renewal =
            if at > 0 { Some(now.utc() + PUBLISHED_BEFORE_USE) } else { end.filter(|_| self.lifetime.is_some()) };
        Ok(Ring { verifying, signing, renewal, read: Some(Instant::now()) })
    }

    fn read<T>(&self, look: impl FnOnce(&Ring) -> T) -> T {
        look(&self.ring.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn open(&self, row: &jwks::Model) -> Option<SigningKey> {
        let jwk: PrivateJwk = serde_json::from_slice(&self.seal.open(&row.private_key)?).ok()?;
        let pair = Ed25519KeyPair::from_seed_unchecked(&URL_SAFE_NO_PAD.decode(jwk.d).ok()?).ok()?;
        let document = pair.to_pkcs8v1().ok()?;
        let key = EncodingKey::from_ed_der(document.as_ref());
        Some(SigningKey { id: row.id.clone(), key, expires_at: row.expires_at })
    }

    fn make(&self, now: DateTime<Utc>) -> Result<jwks::Model, Error> {
        let seed: [u8; 32] = rand::random();
        let pair = Ed25519KeyPair::from_seed_unchecked(&seed).map_err(|_| Error::internal("no key pair"))?;
        let (crv, kty) = ("Ed25519".to_owned(), "OKP".to_owned());
        let x = URL_SAFE_NO_PAD.encode(pair.public_key());
        let d = URL_SAFE_NO_PAD.encode(seed);
        let public = PublicJwk { crv: crv.clone(), x: x.clone(), kty: kty.clone() };
        let private = serde_json::to_vec(&PrivateJwk { crv, d, x, kty }).map_err(Error::internal)?;
        Ok(jwks::Model {
            id: random_id(),
            public_key: serde_json::to_string(&public).map_err(Error::internal)?,
            private_key: self.seal.close(&private)?,
            created_at: now.into(),
            expires_at: self.lifetime.map(|lifetime| (now + lifetime).into()),
            alg: None,
            crv: None,
        })
    }
}

impl Ring {
    fn ready(&self, now: DateTime<Utc>) -> Option<Arc<SigningKey>> {
        let is_fresh = self.renewal.is_none_or(|renewal| now < renewal);
        self.signing.clone().filter(|key| is_fresh && key.signs_at(now.into()))
    }
}

impl SigningKey {
    fn signs_at(&self, now: Millis) -> bool {
        self.expires_at.is_none_or(|end| end > now)
    }
}

async fn newest_first(connection: &impl ConnectionTrait) -> Result<Vec<jwks::Model>, Error> {
    Ok(jwks::Entity::find().order_by_desc(jwks::Column::CreatedAt).all(connection).await?)
}

/// Only Ed25519 keys are ours; rows of other algorithms are left alone.
fn public_key(row: &jwks::Model) -> Option<PublicKey> {
    let PublicJwk { crv, x, kty } = serde_json::from_str(&row.public_key).ok()?;
    (crv == "Ed25519" && kty == "OKP").then(|| PublicKey {
        alg: "EdDSA",
        crv: "Ed25519",
        x,
        kty: "OKP",
        kid: row.id.clone(),
    })
}

impl std::fmt::Debug for Ring {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_set().entries(self.verifying.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{config::Config, db, proof};

    #[tokio::test]
    async fn a_key_that_is_withdrawn_neither_signs_nor_verifies_a_minute_later() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("docket.db").display());
        let vars = [("DATABASE_URL", url.as_str()), ("BETTER_AUTH_SECRET", "Ff7-a-secret-of-tests-0123456789-abc")];
        let var = |name: &str| vars.iter().find(|it| it.0 == name).map(|it| it.1.to_owned());
        let db = db::connect(&Config::from_vars(var).unwrap()).await.unwrap();
        proof::prepare(&db).await.unwrap();
        let keys = Keys::new("secret", 0);
        let id = keys.signing(&db, &Client::default()).await.unwrap().id.clone();
        jwks::Entity::delete_many().exec(db.writer()).await.unwrap();
        assert!(keys.verifying(&db, &id).await.unwrap().is_some(), "nobody has looked again");
        keys.ring.write().unwrap().read = Instant::now().checked_sub(REFRESH_INTERVAL);
        assert!(keys.verifying(&db, &id).await.unwrap().is_none());
        assert_ne!(keys.signing(&db, &Client::default()).await.unwrap().id, id);
    }
}
