//! Access tokens: JWTs that Docket signs, and how it verifies one (RFC 8725).
//! See docs/contracts/better-auth.md#access-tokens and docs/contracts/legacy-rest.md#tokens.

use std::time::{Duration, Instant};

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use entity::{id::UserId, user};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, decode_header, encode};
use serde::Serialize;
use serde_json::{Map, Value};
use url::Url;

use super::{Auth, CurrentUser, Proof, PublicKey};
use crate::{
    cache::{ByteBoundedCache, byte_bounded},
    config::{Config, JwtAlg},
    error::Error,
};

/// How long an access token lives.
const LIFETIME_SECONDS: i64 = 900;
/// How far clocks may differ.
const LEEWAY_SECONDS: u64 = 5;
/// No token of a client of ours is longer.
const MAX_LENGTH: usize = 8192;
/// How long a user id is at most.
const MAX_USER_ID: usize = 255;

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
    others: Others,
}

/// What tokens have that others sign, where that is looked at.
#[derive(Debug, Default)]
struct Others {
    issuer: Option<String>,
    audience: Option<String>,
}

/// The claims, in Better Auth's order.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Claims<'a> {
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

impl CurrentUser {
    /// Whether an access token of this user's has not expired yet.
    fn holds(&self, now: DateTime<Utc>) -> bool {
        let leeway = TimeDelta::seconds(LEEWAY_SECONDS.cast_signed());
        matches!(&self.proof, Proof::AccessToken(expires_at) if now.checked_sub_signed(leeway).is_some_and(|it| it < *expires_at))
    }
}

impl Issuer {
    pub(super) fn new(config: &Config, base_url: &Url) -> Self {
        let secret = config.secret.reveal();
        Self {
            others: Others { issuer: config.jwt_issuer.clone(), audience: config.jwt_audience.clone() },
            alg: config.jwt_alg,
            shared: EncodingKey::from_secret(secret.as_bytes()),
            shared_verifying: DecodingKey::from_secret(secret.as_bytes()),
            origin: base_url.origin().ascii_serialization(),
        }
    }
}

impl Others {
    /// Whether a token was made by the right issuer and for us. Our own say our origin for both.
    fn accept(&self, claims: &Map<String, Value>, own: &str) -> bool {
        let is_right = |claim: &str, wanted: &Option<String>| {
            let Some(wanted) = wanted else { return true };
            let is_wanted = |it: &Value| it.as_str().is_some_and(|it| it == wanted || it == own);
            match claims.get(claim) {
                Some(Value::Array(all)) => all.iter().any(is_wanted),
                Some(one) => is_wanted(one),
                None => false,
            }
        };
        is_right("iss", &self.issuer) && is_right("aud", &self.audience)
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
        let issuer = &self.material.issuer;
        let shared = (issuer.alg == JwtAlg::Hs256).then_some(user.id.0.as_str());
        let claims = Claims {
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
                let signing = self.material.keys.signing(self.db).await?;
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
        if let Some(VerifiedToken { user, since }) = verified.get(token)
            && since.elapsed() < CACHE_LIFETIME
            && user.holds(Utc::now())
        {
            return Ok(user);
        }
        let user = self.verified_user(token).await?;
        if self.is_deleted(&user.id).await? {
            return Err(Error::BadCredentials("token of a deleted user"));
        }
        verified.insert(token.to_owned(), VerifiedToken { user: user.clone(), since: Instant::now() });
        Ok(user)
    }

    /// The user of an access token that is verified now. The algorithm is the key's, never the token's choice.
    async fn verified_user(self, token: &str) -> Result<CurrentUser, Error> {
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
            (Algorithm::EdDSA, Some(id)) => {
                let own = self.material.keys.verifying(self.db, id).await?;
                let is_ours = own.is_some();
                let key = match (own, &self.material.remote) {
                    (None, Some(remote)) => remote.verifying(id).await,
                    (own, _) => own,
                };
                (checked(token, &key.ok_or(Error::BadCredentials("token key"))?, Algorithm::EdDSA)?, is_ours)
            }
            (Algorithm::HS256, _) => (checked(token, &issuer.shared_verifying, Algorithm::HS256)?, false),
            _ => return Err(Error::BadCredentials("token algorithm")),
        };
        // The keys of our table are ours and those of a Better Auth beside us.
        if !is_ours && !issuer.others.accept(&claims, &issuer.origin) {
            return Err(Error::BadCredentials("token issuer or audience"));
        }
        let id = subject(&claims).ok_or(Error::BadCredentials("token subject"))?;
        let expires_at = expiry(&claims).ok_or(Error::BadCredentials("token time"))?;
        Ok(CurrentUser { id: UserId(id.to_owned()), proof: Proof::AccessToken(expires_at) })
    }
}

fn checked(token: &str, key: &DecodingKey, alg: Algorithm) -> Result<Map<String, Value>, Error> {
    let mut rules = Validation::new(alg);
    rules.leeway = LEEWAY_SECONDS;
    rules.validate_nbf = true;
    // Tokens of a Better Auth that shares our database or secret name its own URL. `Others` looks at the rest.
    rules.validate_aud = false;
    decode(token, key, &rules).map(|it| it.claims).map_err(|_| Error::BadCredentials("token signature or time"))
}

/// The user whom the claims name; nobody when they disagree, or when the token was made for another purpose.
fn subject(claims: &Map<String, Value>) -> Option<&str> {
    if claims.get("sub").is_some_and(|sub| !sub.is_string()) || is_of_another_purpose(claims) {
        return None;
    }
    let mut named = ["sub", "user_id", "userId", "id"]
        .iter()
        .map(|name| claims.get(*name))
        .chain([claims.get("user").and_then(|user| user.get("id"))])
        .filter_map(|claim| claim?.as_str())
        .filter(|id| !id.is_empty());
    let first = named.next()?;
    let is_id = first.chars().count() <= MAX_USER_ID && !first.contains('\0');
    (is_id && named.all(|other| other == first)).then_some(first)
}

/// When the token ends; `exp` may have a fraction (RFC 7519, section 2).
fn expiry(claims: &Map<String, Value>) -> Option<DateTime<Utc>> {
    let expires_at = claims.get("exp")?;
    let seconds = expires_at.as_i64().or_else(|| {
        #[expect(clippy::cast_possible_truncation, reason = "what is beyond i64 is beyond all time, and saturates")]
        expires_at.as_f64().map(|it| it as i64)
    })?;
    Some(DateTime::from_timestamp(seconds, 0).unwrap_or(DateTime::<Utc>::MAX_UTC))
}

/// Better Auth signs mailed links and its cookie cache with the same secret; neither is an access token.
fn is_of_another_purpose(claims: &Map<String, Value>) -> bool {
    let has = |name: &str| claims.contains_key(name);
    let is_link = has("requestType") || has("updateTo") || (has("email") && has("userId") && !has("sub"));
    is_link || has("session")
}

impl std::fmt::Debug for Issuer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Issuer").field("alg", &self.alg).field("origin", &self.origin).finish()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(claims: &Value) -> Option<String> {
        subject(claims.as_object().unwrap()).map(str::to_owned)
    }

    #[test]
    fn the_user_is_the_first_of_five_claims() {
        for claims in [
            json!({"sub": "ann"}),
            json!({"user_id": "ann"}),
            json!({"userId": "ann"}),
            json!({"id": "ann"}),
            json!({"user": {"id": "ann"}}),
            json!({"sub": "", "user_id": "ann"}),
            json!({"sub": "ann", "id": "ann"}),
        ] {
            assert_eq!(of(&claims).as_deref(), Some("ann"), "{claims}");
        }
    }

    #[test]
    fn claims_that_disagree_or_say_nothing_name_nobody() {
        for claims in [
            json!({}),
            json!({"sub": ""}),
            json!({"sub": 7}),
            json!({"sub": null}),
            json!({"sub": ["ann"]}),
            json!({"sub": "ann", "user_id": "bob"}),
            json!({"sub": "ann", "user": {"id": "bob"}}),
            json!({"sub": "a\0b"}),
            json!({"sub": "x".repeat(10_000)}),
            json!({"sub": 7, "id": "ann"}),
        ] {
            assert_eq!(of(&claims), None, "{claims}");
        }
    }

    #[test]
    fn tokens_of_another_purpose_name_nobody() {
        for claims in [
            json!({"email": "ann@x.test", "userId": "ann"}),
            json!({"email": "ann@x.test", "updateTo": "bob@x.test", "sub": "ann"}),
            json!({"sub": "ann", "requestType": "change-email-verification"}),
            json!({"session": {"userId": "ann"}, "user": {"id": "ann"}, "version": "1"}),
        ] {
            assert_eq!(of(&claims), None, "{claims}");
        }
    }

    #[test]
    fn tokens_that_say_to_be_something_else_are_no_access_tokens() {
        for typ in [None, Some("JWT"), Some("jwt"), Some("at+jwt"), Some("application/at+JWT")] {
            assert!(is_access_token(typ), "{typ:?}");
        }
        for typ in ["logout+jwt", "dpop+jwt", "id+jwt", "secevent+jwt", "", "JWE"] {
            assert!(!is_access_token(Some(typ)), "{typ}");
        }
    }

    #[test]
    fn issuer_and_audience_count_where_they_are_set() {
        let others = |issuer: Option<&str>, audience: Option<&str>| Others {
            issuer: issuer.map(str::to_owned),
            audience: audience.map(str::to_owned),
        };
        let accepts = |others: Others, claims: Value| others.accept(claims.as_object().unwrap(), "own");
        assert!(accepts(others(None, None), json!({})));
        let both = || others(Some("them"), Some("us"));
        for claims in [
            json!({"iss": "them", "aud": "us"}),
            json!({"iss": "them", "aud": ["x", "us"]}),
            json!({"iss": "own", "aud": "own"}),
        ] {
            assert!(accepts(both(), claims.clone()), "{claims}");
        }
        for claims in
            [json!({}), json!({"iss": "them"}), json!({"iss": "them", "aud": ["x"]}), json!({"iss": "x", "aud": "us"})]
        {
            assert!(!accepts(both(), claims.clone()), "{claims}");
        }
    }
}
