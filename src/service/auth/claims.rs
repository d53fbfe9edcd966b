//! What the claims of a token say: who made it and for whom, whose it is, and how long it holds.
//! See docs/contracts/legacy-rest.md#tokens.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use crate::config::USER_CLAIMS;

/// How long a user id is at most.
const MAX_USER_ID: usize = 255;
pub(super) type Claims = Map<String, Value>;

/// Who tokens of others are made by and for, where that is looked at.
#[derive(Debug, Default)]
pub(super) struct IssuerClaims {
    pub(super) issuer: Option<String>,
    pub(super) audience: Option<String>,
}

impl IssuerClaims {
    /// Whether a token was made by the right issuer and for us.
    pub(super) fn accept(&self, claims: &Claims, own: &str) -> bool {
        let is_ours = self.issuer.as_deref().is_none_or(|wanted| issuer(claims) == Some(wanted));
        is_ours && self.accept_audience(claims, own)
    }

    /// The same for tokens that whoever shares our secret has signed: our own say our origin for both.
    pub(super) fn accept_shared(&self, claims: &Claims, own: &str) -> bool {
        let is_right =
            self.issuer.as_deref().is_none_or(|wanted| issuer(claims).is_some_and(|it| it == wanted || it == own));
        is_right && self.accept_audience(claims, own)
    }

    fn accept_audience(&self, claims: &Claims, own: &str) -> bool {
        let Some(wanted) = &self.audience else { return true };
        let is_wanted = |it: &Value| it.as_str().is_some_and(|it| it == wanted || it == own);
        match claims.get("aud") {
            Some(Value::Array(all)) => all.iter().any(is_wanted),
            Some(one) => is_wanted(one),
            None => false,
        }
    }
}

/// Who says to have made the token.
pub(super) fn issuer(claims: &Claims) -> Option<&str> {
    claims.get("iss")?.as_str()
}

/// The user whom the claims name; nobody when they disagree, or when the token was made for another purpose.
pub(super) fn subject(claims: &Claims) -> Option<&str> {
    if claims.get("sub").is_some_and(|sub| !sub.is_string()) || is_of_another_purpose(claims) {
        return None;
    }
    let mut named = USER_CLAIMS
        .iter()
        .map(|name| claims.get(*name))
        .chain([claims.get("user").and_then(|user| user.get("id"))])
        .filter_map(|claim| claim?.as_str())
        .filter(|id| !id.is_empty());
    let first = named.next()?;
    (is_user_id(first) && named.all(|other| other == first)).then_some(first)
}

/// The user whom that one claim names, whatever the others say.
pub(super) fn subject_in<'a>(claims: &'a Claims, name: &str) -> Option<&'a str> {
    claims.get(name)?.as_str().filter(|id| is_user_id(id) && !is_of_another_purpose(claims))
}

/// The user of a JWT of Better Auth's cookie cache, and when the session ends that it is a copy of.
pub(super) fn cached_session(claims: &Claims) -> Option<(&str, DateTime<Utc>)> {
    let (session, user) = (claims.get("session")?, claims.get("user")?);
    let id = user.get("id")?.as_str().filter(|id| is_user_id(id))?;
    let ends_at = DateTime::parse_from_rfc3339(session.get("expiresAt")?.as_str()?).ok()?;
    (session.get("userId")?.as_str()? == id && !is_link(claims)).then_some((id, ends_at.to_utc()))
}

fn is_user_id(id: &str) -> bool {
    !id.is_empty() && id.chars().count() <= MAX_USER_ID && !id.contains('\0')
}

/// When the token ends; `exp` may have a fraction (RFC 7519, section 2).
pub(super) fn expiry(claims: &Claims) -> Option<DateTime<Utc>> {
    let expires_at = claims.get("exp")?;
    let seconds = expires_at.as_i64().or_else(|| {
        #[expect(clippy::cast_possible_truncation, reason = "what is beyond i64 is beyond all time, and saturates")]
        expires_at.as_f64().map(|it| it as i64)
    })?;
    Some(DateTime::from_timestamp(seconds, 0).unwrap_or(DateTime::<Utc>::MAX_UTC))
}

/// Better Auth signs mailed links and its cookie cache with the same secret; neither is an access token.
fn is_of_another_purpose(claims: &Claims) -> bool {
    is_link(claims) || claims.contains_key("session")
}

fn is_link(claims: &Claims) -> bool {
    let has = |name: &str| claims.contains_key(name);
    has("requestType") || has("updateTo") || (has("email") && has("userId") && !has("sub"))
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
    fn one_claim_counts_where_it_is_chosen() {
        let of = |claims: Value, name| subject_in(claims.as_object().unwrap(), name).map(str::to_owned);
        let both = json!({ "sub": "ann@x.test", "id": "ann" });
        assert_eq!(of(both.clone(), "id").as_deref(), Some("ann"));
        assert_eq!(of(both.clone(), "sub").as_deref(), Some("ann@x.test"));
        assert_eq!(of(both, "userId"), None);
        for claims in [json!({ "id": 7 }), json!({ "id": "" }), json!({ "id": "a", "session": {} })] {
            assert_eq!(of(claims.clone(), "id"), None, "{claims}");
        }
        assert_eq!(of(json!({ "email": "ann@x.test", "userId": "ann" }), "userId"), None, "a mailed link");
    }

    #[test]
    fn a_cached_session_is_that_of_its_user() {
        let of = |claims: &Value| cached_session(claims.as_object().unwrap()).map(|(id, _)| id.to_owned());
        let end = "2030-01-01T00:00:00.000Z";
        let good = json!({ "session": { "userId": "ann", "expiresAt": end }, "user": { "id": "ann" }, "version": "1" });
        assert_eq!(of(&good).as_deref(), Some("ann"));
        for claims in [
            json!({ "session": { "userId": "bob", "expiresAt": end }, "user": { "id": "ann" } }),
            json!({ "session": { "expiresAt": end }, "user": { "id": "ann" } }),
            json!({ "session": { "userId": "ann" }, "user": { "id": "ann" } }),
            json!({ "session": { "userId": "ann", "expiresAt": "soon" }, "user": { "id": "ann" } }),
            json!({ "session": { "userId": "", "expiresAt": end }, "user": { "id": "" } }),
            json!({ "session": { "userId": "ann", "expiresAt": end } }),
            json!({ "session": { "userId": "ann", "expiresAt": end }, "user": { "id": "ann" }, "requestType": "x" }),
        ] {
            assert_eq!(of(&claims), None, "{claims}");
        }
    }

    #[test]
    fn issuer_and_audience_count_where_they_are_set() {
        let wanted = |issuer: Option<&str>, audience: Option<&str>| IssuerClaims {
            issuer: issuer.map(str::to_owned),
            audience: audience.map(str::to_owned),
        };
        let none = json!({});
        assert!(wanted(None, None).accept_shared(none.as_object().unwrap(), "own"));
        let both = wanted(Some("them"), Some("us"));
        for (claims, is_accepted, is_accepted_shared) in [
            (json!({"iss": "them", "aud": "us"}), true, true),
            (json!({"iss": "them", "aud": ["x", "us"]}), true, true),
            (json!({"iss": "them", "aud": "own"}), true, true),
            (json!({"iss": "own", "aud": "own"}), false, true),
            (json!({"iss": ["them"], "aud": "us"}), false, false),
            (json!({}), false, false),
            (json!({"iss": "them"}), false, false),
            (json!({"iss": "them", "aud": ["x"]}), false, false),
            (json!({"iss": "x", "aud": "us"}), false, false),
        ] {
            let object = claims.as_object().unwrap();
            assert_eq!(both.accept(object, "own"), is_accepted, "{claims}");
            assert_eq!(both.accept_shared(object, "own"), is_accepted_shared, "{claims}");
        }
    }
}
