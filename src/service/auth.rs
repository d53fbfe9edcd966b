//! Accounts and who is asking. [`CurrentUser`] is made here and nowhere else.

mod account;
mod email;
mod keys;
mod origins;
mod password;
mod session;
mod signature;
mod token;

use entity::{id::UserId, session as session_row, user};
use rand::distr::{Alphanumeric, SampleString};
use sea_orm::EntityTrait;
use url::Url;

pub use self::{
    account::{Login, Registration, SignedIn},
    email::Email,
    keys::PublicKey,
    origins::Origins,
    session::{Client, Lifetime, LiveSession, REMEMBERED},
};
use self::{keys::Keys, password::Hasher, signature::Signer, token::Issuer};
use crate::{config::Config, db::Db, error::Error};

/// A verified user. Holding one is the proof: the fields are private, and only this module makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CurrentUser {
    id: UserId,
}

impl CurrentUser {
    /// Who it is.
    pub fn id(&self) -> &UserId {
        &self.id
    }
}

/// Who a request comes from, found out once, for both doors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identity {
    /// Nothing was shown.
    Nobody,
    /// A verified user.
    User(CurrentUser),
    /// What was shown does not hold.
    Refused(&'static str),
    /// A cookie that holds, with a request that a foreign page may have made.
    UntrustedOrigin,
    /// It cannot be found out now: the database is away.
    Unknown,
}

/// What somebody shows to say who they are.
#[derive(Clone, Copy, Debug)]
pub enum Credential<'a> {
    /// What follows `Bearer`: an access token, or a session token, raw or signed.
    Bearer(&'a str),
    /// The value of the session cookie: a signed session token.
    Cookie(&'a str),
}

/// Secrets, keys and rules that live as long as the process.
#[derive(Debug)]
pub struct Material {
    signer: Signer,
    hasher: Hasher,
    keys: Keys,
    issuer: Issuer,
    origins: Origins,
}

/// Accounts, sessions and tokens.
#[derive(Clone, Copy, Debug)]
pub struct Auth<'a> {
    db: &'a Db,
    material: &'a Material,
}

/// How long ids and session tokens are: 32 characters of 62 are 190 bits.
const ID_LENGTH: usize = 32;

impl Material {
    pub(super) fn new(config: &Config, base_url: &Url) -> Result<Self, Error> {
        let secret = config.secret.reveal();
        Ok(Self {
            signer: Signer::new(secret)?,
            hasher: Hasher::new(),
            keys: Keys::new(secret),
            issuer: Issuer::new(config.jwt_alg, secret, base_url),
            origins: Origins::new(config, base_url),
        })
    }
}

impl<'a> Auth<'a> {
    pub(super) fn new(db: &'a Db, material: &'a Material) -> Self {
        Self { db, material }
    }

    /// The front-ends that may act with a user's cookie, and that a link may lead to.
    pub fn origins(self) -> &'a Origins {
        &self.material.origins
    }

    /// Who shows this credential.
    pub async fn identify(self, credential: Credential<'_>) -> Result<CurrentUser, Error> {
        match credential {
            Credential::Bearer(token) if token.matches('.').count() == 2 => self.user_of_access_token(token).await,
            Credential::Bearer(token) => {
                let token = self.session_token(token).ok_or(Error::BadCredentials("session signature"))?;
                self.user_of_session(&token).await
            }
            Credential::Cookie(value) => {
                let token = self.material.signer.open(value).ok_or(Error::BadCredentials("cookie signature"))?;
                self.user_of_session(&token).await
            }
        }
    }

    /// The account of a user, unless it is kept elsewhere.
    pub async fn account(self, user: &CurrentUser) -> Result<Option<user::Model>, Error> {
        Ok(user::Entity::find_by_id(user.id.clone()).one(self.db.reader()).await?)
    }

    async fn user_of_session(self, token: &str) -> Result<CurrentUser, Error> {
        let live = self.session(token, Lifetime::Fixed).await?.ok_or(Error::BadCredentials("session"))?;
        Ok(CurrentUser { id: live.user.id })
    }
}

/// A new opaque id, or a session token.
fn random_id() -> String {
    Alphanumeric.sample_string(&mut rand::rng(), ID_LENGTH)
}

/// A session and its user, as stored.
type SessionAndUser = (session_row::Model, user::Model);
