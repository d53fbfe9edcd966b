//! Access tokens: JWTs that Docket signs, and how it verifies one (RFC 8725).
//! See docs/contracts/better-auth.md#access-tokens and docs/contracts/legacy-rest.md#tokens.

use std::time::{Duration, Instant};

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use entity::{id::UserId, user};
use jsonwebtoken::{
    Algorithm, DecodingKey, EncodingKey, Header, Validation, dangerous::insecure_decode_claims, decode, decode_header,
    encode,
};
use serde::Serialize;
use url::Url;

use super::{
    Auth, Client, CurrentUser, Proof, PublicKey,
    claims::{self, Claims, IssuerClaims},
};
use crate::{
    cache::{ByteBoundedCache, byte_bounded},
    config::{Config, JwtAlg, UserClaim},
    error::Error,
};

/// How long an access token lives.
pub(super) const LIFETIME_SECONDS: i64 = 900;
/// How far clocks may differ.
const LEEWAY_SECONDS: u64 = 5;
/// No token of a client of ours is longer.
const MAX_LENGTH: usize = 8192;

/// How long a verified token is accepted without verifying it again; a key that is withdrawn is accepted so
/// long.
const CACHE_LIFETIME: Duration = Duration::from_secs(30);
/// How many bytes of verified tokens are kept: a user's name and picture are in each of theirs.
const CACHE_BYTES: u64 = 8 << 20;
/// How many are expected.
const EXPECTED: usize = 10_000;
/// What a token takes beside its text and the name of its user, which is a part of that.
const OVERHEAD: usize = 128;

/// Access tokens that were verified a moment ago, and whose they are.
pub(super) type TokenCache = ByteBoundedCache<String, VerifiedToken>;

/// The user of a token, and since when that is known.
#[derive(Clone, Debug)]
pub(super) struct VerifiedToken {
    user: CurrentUser,
    since: Instant,
}

/// Room for tokens that will be verified.
pub(super) fn verified_tokens() -> TokenCache {
    byte_bounded(CACHE_BYTES, EXPECTED, |token: &String, _| OVERHEAD + 2 * token.len())
}

/// What tokens are signed with, and what they say about us.
pub(super) struct Issuer {
    alg: JwtAlg,
    shared: EncodingKey,
    shared_verifying: DecodingKey,
    origin: String,
    /// What tokens of others say that are signed with our secret.
    others: IssuerClaims,
    /// The claim that names the user of tokens of others, if it is a certain one.
    user_claim: Option<UserClaim>,
    takes_cookie_cache: bool,
}

/// The claims, in Better Auth's order.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct OwnClaims<'a> {
    iat: i64,
    name: &'a str,
    email: &'a str,
    email_verified: bool,
    image: Option<&'a str>,
    created_at: String,
    updated_at: String,
    id: &'a str,
    sub: &'a str,
    exp: i64,
    iss: &'a str,
    aud: &'a str,
    /// For back-ends that share the secret and look for these names.
    #[serde(rename = "user_id", skip_serializing_if = "Option::is_none")]
    user_id_snake: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<&'a str>,
}

/// Whom a verified token names, and until when.
struct TokenUser {
    id: UserId,
    expires_at: DateTime<Utc>,
}

/// Whether a token that expires then has not expired yet.
fn holds(expires_at: DateTime<Utc>) -> bool {
    let leeway = TimeDelta::seconds(LEEWAY_SECONDS.cast_signed());
    Utc::now().checked_sub_signed(leeway).is_some_and(|it| it < expires_at)
}

impl VerifiedToken {
    /// Whether it has not expired since.
    fn holds(&self) -> bool {
        matches!(self.user.proof, Proof::AccessToken(expires_at) if holds(expires_at))
    }
}

impl Issuer {
    pub(super) fn new(config: &Config, base_url: &Url) -> Self {
        let secret = config.secret.reveal();
        Self {
            others: IssuerClaims { issuer: config.tokens.issuer.clone(), audience: config.tokens.audience.clone() },
            user_claim: config.tokens.user_claim,
            takes_cookie_cache: config.tokens.cookie_cache,
            alg: config.jwt_alg,
            shared: EncodingKey::from_secret(secret.as_bytes()),
            shared_verifying: DecodingKey::from_secret(secret.as_bytes()),
            origin: base_url.origin().ascii_serialization(),
        }
    }

    /// The user of a token whose claims name one and end at some time that has not come.
    fn user(id: Option<&str>, expires_at: Option<DateTime<Utc>>) -> Result<TokenUser, Error> {
        let id = UserId(id.ok_or(Error::BadCredentials("token subject"))?.to_owned());
        let expires_at = expires_at.filter(|it| holds(*it)).ok_or(Error::BadCredentials("token time"))?;
        Ok(TokenUser { id, expires_at })
    }
}

/// Whether the type that a token says it has is that of an access token (RFC 8725, section 3.11).
fn is_access_token(typ: Option<&str>) -> bool {
    let typ = typ.map(str::to_ascii_lowercase);
    typ.is_none_or(|typ| matches!(typ.strip_prefix("application/").unwrap_or(&typ), "jwt" | "at+jwt"))
}

impl Auth<'_> {
    /// An access token for the user, good for 15 minutes from `now` on.
    pub async fn access_token(self, user: &user::Model, now: DateTime<Utc>) -> Result<String, Error> {
        self.access_token_for(&Client::default(), user, now).await
    }

    /// The same for a client that is known.
    pub(super) async fn access_token_for(
        self,
        client: &Client,
        user: &user::Model,
        now: DateTime<Utc>,
    ) -> Result<String, Error> {
        let issuer = &self.material.issuer;
        let shared = (issuer.alg == JwtAlg::Hs256).then_some(user.id.0.as_str());
        let claims = OwnClaims {
            iat: now.timestamp(),
            name: &user.name,
            email: &user.email,
            email_verified: user.email_verified,
            image: user.image.as_deref(),
            created_at: user.created_at.utc().to_rfc3339_opts(SecondsFormat::Millis, true),
            updated_at: user.updated_at.utc().to_rfc3339_opts(SecondsFormat::Millis, true),
            id: &user.id.0,
            sub: &user.id.0,
            exp: now.timestamp() + LIFETIME_SECONDS,
            iss: &issuer.origin,
            aud: &issuer.origin,
            user_id_snake: shared,
            user_id: shared,
        };
        let signed = match issuer.alg {
            JwtAlg::Hs256 => encode(&Header::new(Algorithm::HS256), &claims, &issuer.shared),
            JwtAlg::EdDsa => {
                let signing = self.material.keys.signing(self.db, client).await?;
                let header = Header { typ: None, kid: Some(signing.id.clone()), ..Header::new(Algorithm::EdDSA) };
                encode(&header, &claims, &signing.key)
            }
        };
        signed.map_err(Error::internal)
    }

    /// The public keys that verify our tokens.
    pub async fn public_keys(self) -> Result<Vec<PublicKey>, Error> {
        self.material.keys.public(self.db).await
    }

    /// How many keys there are, and how many of them can sign here.
    pub async fn count_keys(self) -> Result<(usize, usize), Error> {
        self.material.keys.count(self.db).await
    }

    /// The user of an access token. What was verified a moment ago is not verified again.
    pub(super) async fn user_of_access_token(self, token: &str) -> Result<CurrentUser, Error> {
        if token.len() > MAX_LENGTH {
            return Err(Error::BadCredentials("token length"));
        }
        let verified = &self.material.verified;
        let known = verified.get(token).filter(VerifiedToken::holds);
        if let Some(VerifiedToken { user, since }) = &known
            && since.elapsed() < CACHE_LIFETIME
        {
            return Ok(user.clone());
        }
        let user = match Box::pin(self.verified_user_if_there(token)).await {
            // Replicas are read then, and nobody can delete an account.
            Err(Error::Unavailable(_)) if self.db.has_stand_in() && known.is_some() => {
                return known.map(|it| it.user).ok_or(Error::Busy);
            }
            user => user?,
        };
        // Who has no number may have one with the next request.
        if user.owner.is_some() {
            verified.insert(token.to_owned(), VerifiedToken { user: user.clone(), since: Instant::now() });
        }
        Ok(user)
    }

    /// The user of an access token that is verified now, unless the account was deleted.
    async fn verified_user_if_there(self, token: &str) -> Result<CurrentUser, Error> {
        let TokenUser { id, expires_at } = self.verified_user(token).await?;
        let owner = self.owner_if_there(&id).await?;
        Ok(CurrentUser { id, owner, proof: Proof::AccessToken(expires_at) })
    }

    /// The user of an access token that is verified now. The algorithm is the key's, never the token's choice.
    async fn verified_user(self, token: &str) -> Result<TokenUser, Error> {
        let header = decode_header(token).map_err(|_| Error::BadCredentials("token header"))?;
        // What has to be understood is not (RFC 7515, section 4.1.11).
        if header.crit.is_some() {
            return Err(Error::BadCredentials("token header"));
        }
        if !is_access_token(header.typ.as_deref()) {
            return Err(Error::BadCredentials("token type"));
        }
        let issuer = &self.material.issuer;
        let (claims, is_ours) = match (header.alg, &header.kid) {
            (Algorithm::HS256, _) => {
                let claims = checked(token, &issuer.shared_verifying, Algorithm::HS256)?;
                if issuer.takes_cookie_cache
                    && let Some((id, ends_at)) = claims::cached_session(&claims)
                {
                    return Issuer::user(Some(id), claims::expiry(&claims).map(|it| it.min(ends_at)));
                }
                if !issuer.others.accept_shared(&claims, &issuer.origin) {
                    return Err(Error::BadCredentials("token issuer or audience"));
                }
                (claims, false)
            }
            (Algorithm::EdDSA | Algorithm::ES256 | Algorithm::RS256, Some(id)) => {
                match self.own_key(header.alg, id).await? {
                    Some(key) => (checked(token, &key, Algorithm::EdDSA)?, true),
                    None => (self.claims_of_other_issuer(token, id).await?, false),
                }
            }
            _ => return Err(Error::BadCredentials("token algorithm")),
        };
        let named = issuer.user_claim.filter(|_| !is_ours);
        let id = named.map_or_else(|| claims::subject(&claims), |UserClaim(name)| claims::subject_in(&claims, name));
        Issuer::user(id, claims::expiry(&claims))
    }

    /// The key of our table, whose keys are ours and those of a Better Auth beside us: all of them are Ed25519.
    async fn own_key(self, alg: Algorithm, id: &str) -> Result<Option<DecodingKey>, Error> {
        if alg == Algorithm::EdDSA { self.material.keys.verifying(self.db, id).await } else { Ok(None) }
    }

    /// The claims of a token that another issuer has signed. What it says about its issuer chooses whose keys may have
    /// signed it, so that no issuer signs in the name of another.
    async fn claims_of_other_issuer(self, token: &str, id: &str) -> Result<Claims, Error> {
        let said: Claims = insecure_decode_claims(token).map_err(|_| Error::BadCredentials("token claims"))?;
        let issuer = self.material.remote.iter().find(|it| it.may_have_made(&said));
        let issuer = issuer.ok_or(Error::BadCredentials("token issuer"))?;
        let key = issuer.keys.verifying(id).await.ok_or(Error::BadCredentials("token key"))?;
        let claims = checked(token, &key.key, key.alg)?;
        if !issuer.claims.accept(&claims, &self.material.issuer.origin) {
            return Err(Error::BadCredentials("token issuer or audience"));
        }
        Ok(claims)
    }
}

fn checked(token: &str, key: &DecodingKey, alg: Algorithm) -> Result<Claims, Error> {
    let mut rules = Validation::new(alg);
    rules.leeway = LEEWAY_SECONDS;
    rules.validate_nbf = true;
    // Tokens of a Better Auth that shares our database or secret name its own URL. `IssuerClaims` looks at the rest.
    rules.validate_aud = false;
    decode(token, key, &rules).map(|it| it.claims).map_err(|_| Error::BadCredentials("token signature or time"))
}

impl std::fmt::Debug for Issuer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Issuer").field("alg", &self.alg).field("origin", &self.origin).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_that_say_to_be_something_else_are_no_access_tokens() {
        for typ in [None, Some("JWT"), Some("jwt"), Some("at+jwt"), Some("application/at+JWT")] {
            assert!(is_access_token(typ), "{typ:?}");
        }
        for typ in ["logout+jwt", "dpop+jwt", "id+jwt", "secevent+jwt", "", "JWE"] {
            assert!(!is_access_token(Some(typ)), "{typ}");
        }
    }
}
