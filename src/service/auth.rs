//! Accounts and who is asking. [`CurrentUser`] is made here and nowhere else.

mod account;
mod claims;
mod credential;
mod email;
mod foreign_hash;
mod keys;
mod links;
mod operator;
mod origins;
mod password;
mod password_queue;
mod profile;
mod remote;
mod reset;
mod revocation;
mod session;
mod signature;
mod throttle;
mod token;
mod verification;

use std::time::Duration;

use chrono::{DateTime, Utc};
use entity::{
    id::{OwnerId, UserId},
    session as session_row, user,
};
use rand::distr::{Alphanumeric, SampleString};
use sea_orm::EntityTrait;
use tokio::{sync::Notify, time};
use url::Url;

pub(super) use self::credential::credential;
pub use self::{
    account::{Login, Registration, SignedIn, SignedUp},
    credential::PasswordChange,
    email::Email,
    keys::{KeyState, ListedKey, PublicKey, RotatedKeys},
    operator::{IssuedToken, NewAccount},
    origins::Origins,
    password::{PASSWORD_LENGTH, hash_kind},
    profile::ProfilePatch,
    session::{Client, Lifetime, LiveSession, NOT_REMEMBERED, SESSION_LIFETIME},
    verification::VerificationOutcome,
};
use self::{
    keys::Keys,
    links::LinkKeys,
    password::Hasher,
    remote::RemoteIssuer,
    signature::Signer,
    throttle::Throttle,
    token::{Issuer, TokenCache},
};
use super::owners::{known_owner, owner_of};
use crate::{
    config::{Config, Secret},
    db::Db,
    error::Error,
    mail::Mailer,
};

/// A verified user. Holding one is the proof: the fields are private, and only this module makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CurrentUser {
    id: UserId,
    /// None before the first write.
    owner: Option<OwnerId>,
    proof: Proof,
}

/// What was shown, and how long it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Proof {
    /// An access token, until it expires.
    AccessToken(DateTime<Utc>),
    /// A session token, as long as there is a session.
    Session(Secret),
}

impl CurrentUser {
    /// Who it is.
    pub fn id(&self) -> &UserId {
        &self.id
    }

    /// The number that the user's data is stored under; that of nobody before there is any.
    pub fn owner(&self) -> OwnerId {
        self.owner.unwrap_or(OwnerId::NOBODY)
    }
}

/// Why what somebody has shown holds no longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccessEnd {
    /// The access token is over; its user may get another one.
    TokenExpired,
    /// The session has ended, or the account was deleted.
    Revoked,
}

/// Who a request comes from, found out once, for both APIs.
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

impl Identity {
    /// The user, or why there is none.
    pub fn user(&self) -> Result<&CurrentUser, Error> {
        match self {
            Self::User(user) => Ok(user),
            Self::Nobody => Err(Error::Unauthenticated),
            Self::Refused(reason) => Err(Error::BadCredentials(reason)),
            Self::UntrustedOrigin => Err(Error::UntrustedOrigin),
            Self::Unknown => Err(Error::Busy),
        }
    }
}

/// What somebody shows to say who they are.
#[derive(Clone, Copy, Debug)]
pub enum Credential<'a> {
    /// What follows `Bearer`: an access token, or a session token, raw or signed.
    Bearer(&'a str),
    /// The value of the session cookie: a signed session token.
    Cookie(&'a str),
}

impl<'a> Credential<'a> {
    /// What an `Authorization` header of `Bearer token` shows.
    pub fn bearer(header: &'a str) -> Option<Self> {
        bearer_token(header).map(Self::Bearer)
    }
}

/// The token of an `Authorization` header: one word, behind the scheme in any case (RFC 6750, section 2.1).
pub fn bearer_token(header: &str) -> Option<&str> {
    let (scheme, token) = header.split_once(' ')?;
    let token = token.trim();
    let is_one_word = !token.is_empty() && !token.contains([' ', ',']);
    (scheme.eq_ignore_ascii_case("bearer") && is_one_word).then_some(token)
}

/// Secrets, keys and rules that live as long as the process.
#[derive(Debug)]
pub struct AuthState {
    signer: Signer,
    hasher: Hasher,
    keys: Keys,
    remote: Vec<RemoteIssuer>,
    issuer: Issuer,
    verified: TokenCache,
    origins: Origins,
    links: LinkKeys,
    throttle: Throttle,
    /// Tells that something is left of an account that was deleted.
    leftovers: Notify,
    mailer: Mailer,
    policy: Policy,
}

impl AuthState {
    /// How many passwords are being hashed, and how many wait for it.
    pub(super) fn hashing(&self) -> (usize, usize) {
        self.hasher.now()
    }
}

/// What an installation may decide.
#[derive(Clone, Copy, Debug)]
pub struct Policy {
    /// Whether nobody signs in before a mailed link was followed.
    pub email_verification: bool,
    /// Whether deleting an account takes a mailed link.
    pub delete_confirmation: bool,
    /// How long a session counts as fresh; for ever when absent.
    pub fresh_age: Option<chrono::Duration>,
    /// Whether a verified address is asked before it is changed.
    pub change_confirmation: bool,
    /// Whether sessions go on when the password was set by a mailed link.
    pub reset_keeps_sessions: bool,
    /// How long a session lasts that begins at an account route of the original back-ends.
    pub rest_session: chrono::Duration,
}

/// Accounts, sessions and tokens.
#[derive(Clone, Copy, Debug)]
pub struct Auth<'a> {
    db: &'a Db,
    material: &'a AuthState,
}

/// How long ids and session tokens are: 32 characters of 62 are 190 bits.
const ID_LENGTH: usize = 32;
/// How often a session, or a user, is looked for while something is open in its name.
const RECHECK_INTERVAL: Duration = Duration::from_secs(6);

impl AuthState {
    /// What sends mail.
    pub(super) fn mailer(&self) -> &Mailer {
        &self.mailer
    }

    /// Returns when something is left of an account that was deleted.
    pub(super) async fn leftovers(&self) {
        self.leftovers.notified().await;
    }

    pub(super) fn new(config: &Config, base_url: &Url) -> Result<Self, Error> {
        let secret = config.secret.reveal();
        Ok(Self {
            signer: Signer::new(secret),
            hasher: Hasher::new(config.password_hash, config.password_wait, config.password_check)?,
            keys: Keys::new(secret, config.jwt_key_days),
            remote: config.tokens.issuers.iter().cloned().map(RemoteIssuer::new).collect::<Result<_, _>>()?,
            issuer: Issuer::new(config, base_url),
            verified: token::verified_tokens(),
            origins: Origins::new(config, base_url),
            links: LinkKeys::new(secret),
            throttle: Throttle::new(config.rate_limit),
            leftovers: Notify::new(),
            mailer: Mailer::new(config).map_err(Error::internal)?,
            policy: Policy {
                email_verification: config.email_verification,
                delete_confirmation: config.delete_confirmation,
                fresh_age: Some(chrono::Duration::seconds(config.session_fresh_age.into())).filter(|it| !it.is_zero()),
                change_confirmation: config.change_confirmation,
                reset_keeps_sessions: config.reset_keeps_sessions,
                rest_session: chrono::Duration::days(config.rest.token_days.into()),
            },
        })
    }
}

impl<'a> Auth<'a> {
    pub(super) fn new(db: &'a Db, material: &'a AuthState) -> Self {
        Self { db, material }
    }

    /// The front-ends that may act with a user's cookie, and that a link may lead to.
    pub fn origins(self) -> &'a Origins {
        &self.material.origins
    }

    /// What this installation decided.
    pub fn policy(self) -> Policy {
        self.material.policy
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

    /// The user with a number, which is given now if there is none: for whoever writes, or listens to what is written.
    pub async fn as_owner(self, mut user: CurrentUser) -> Result<CurrentUser, Error> {
        if user.owner.is_none() {
            user.owner = Some(Box::pin(owner_of(self.db, &user.id)).await?);
        }
        Ok(user)
    }

    /// The user with the number that was given since they showed who they are, if one was.
    pub async fn as_known_owner(self, mut user: CurrentUser) -> Result<CurrentUser, Error> {
        if user.owner.is_none() {
            user.owner = Box::pin(known_owner(self.db, &user.id)).await?;
        }
        Ok(user)
    }

    /// The account of a user, unless it is kept elsewhere.
    pub async fn account(self, user: &CurrentUser) -> Result<Option<user::Model>, Error> {
        Ok(self.db.account_row(user::Entity::find_by_id(user.id.clone())).await?.row)
    }

    async fn user_of_session(self, token: &str) -> Result<CurrentUser, Error> {
        let live = self.session(token, Lifetime::Fixed).await?.ok_or(Error::BadCredentials("session"))?;
        let proof = Proof::Session(Secret::new(token.to_owned()));
        Ok(CurrentUser { id: live.user.id, owner: live.owner, proof })
    }

    /// Returns when what the user has shown holds no longer, and says why. To be waited for by whatever stays open.
    pub async fn until_expired(self, user: &CurrentUser) -> AccessEnd {
        let left = match &user.proof {
            // A time that has passed is no duration.
            Proof::AccessToken(expires_at) => (*expires_at - Utc::now()).to_std().unwrap_or_default(),
            Proof::Session(_) => Duration::MAX,
        };
        let ended = async {
            loop {
                time::sleep(RECHECK_INTERVAL).await;
                // While the database is away nobody can say that it has ended.
                if matches!(self.has_ended(user).await, Ok(true)) {
                    return;
                }
            }
        };
        time::timeout(left, ended).await.map_or(AccessEnd::TokenExpired, |()| AccessEnd::Revoked)
    }

    /// Whether the session that was shown has ended, or the account of the access token was deleted.
    async fn has_ended(self, user: &CurrentUser) -> Result<bool, Error> {
        match &user.proof {
            Proof::AccessToken(_) => self.is_deleted(&user.id).await,
            Proof::Session(token) => Ok(self.session(token.reveal(), Lifetime::Fixed).await?.is_none()),
        }
    }
}

/// A new opaque id, or a session token.
fn random_id() -> String {
    Alphanumeric.sample_string(&mut rand::rng(), ID_LENGTH)
}

/// A session and its user, as stored.
type SessionAndUser = (session_row::Model, user::Model);
