//! Access tokens of other issuers: which are accepted, and whose they are.
//! See docs/contracts/legacy-rest.md#tokens.

use aws_lc_rs::{
    encoding::AsDer,
    rand::SystemRandom,
    rsa::KeySize,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RsaKeyPair},
};
use axum::{Json, Router, routing::get};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};

use crate::{
    support::{Answer, App, SECRET, text},
    tokens::{hs256, in_seconds},
};

/// A key, and how it is published.
struct Key {
    alg: Algorithm,
    signing: EncodingKey,
    jwk: Value,
}

fn base64(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

impl Key {
    fn ed25519(kid: &str) -> Self {
        let pair = Ed25519KeyPair::from_seed_unchecked(&rand::random::<[u8; 32]>()).unwrap();
        let jwk = json!({ "kid": kid, "kty": "OKP", "crv": "Ed25519", "x": base64(pair.public_key().as_ref()) });
        let signing = EncodingKey::from_ed_der(pair.to_pkcs8v1().unwrap().as_ref());
        Self { alg: Algorithm::EdDSA, signing, jwk }
    }

    fn p256(kid: &str) -> Self {
        let random = SystemRandom::new();
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref()).unwrap();
        let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
        let jwk = json!({ "kid": kid, "kty": "EC", "crv": "P-256", "x": base64(x), "y": base64(y), "use": "sig" });
        Self { alg: Algorithm::ES256, signing: EncodingKey::from_ec_der(pkcs8.as_ref()), jwk }
    }

    fn rsa(kid: &str) -> Self {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        let public = pair.public_key();
        let (n, e) = (public.modulus(), public.exponent());
        let (n, e) = (base64(n.big_endian_without_leading_zero()), base64(e.big_endian_without_leading_zero()));
        // In PKCS #8 the key of PKCS #1 follows a head that is always as long.
        let signing = EncodingKey::from_rsa_der(&AsDer::as_der(&pair).unwrap().as_ref()[26..]);
        Self {
            alg: Algorithm::RS256,
            signing,
            jwk: json!({ "kid": kid, "kty": "RSA", "n": n, "e": e, "alg": "RS256" }),
        }
    }

    fn token(&self, claims: &Value) -> String {
        let header = Header { kid: Some(text(&self.jwk["kid"])), ..Header::new(self.alg) };
        encode(&header, claims, &self.signing).unwrap()
    }
}

/// Serves a list of keys, and says where.
async fn publish(keys: Value) -> String {
    let router = Router::new().route("/jwks", get(move || async move { Json(json!({ "keys": keys.clone() })) }));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/jwks", listener.local_addr().unwrap());
    tokio::spawn(async { axum::serve(listener, router).await });
    url
}

/// Whose tasks a token opens, or the status.
async fn opened(app: &App, token: &str) -> Result<String, u16> {
    let body = json!({ "query": "{ me { id } }" });
    let answer = Answer::of(app.request("POST", "/graphql").bearer_auth(token).json(&body)).await;
    let rest = Answer::of(app.request("GET", "/api/tasks").bearer_auth(token)).await;
    assert_eq!(answer.status, rest.status, "the APIs disagree");
    if answer.status == 200 { Ok(text(&answer.data()["me"]["id"])) } else { Err(answer.status.as_u16()) }
}

fn claims(subject: &str) -> Value {
    json!({ "sub": subject, "exp": in_seconds(60) })
}

#[tokio::test]
async fn tokens_by_eddsa_es256_and_rs256_are_accepted() {
    let keys = [Key::ed25519("a"), Key::p256("b"), Key::rsa("c")];
    let others = [json!({ "kid": 7 }), json!("no key"), json!({ "kty": "oct", "kid": "d", "k": "c2VjcmV0" })];
    let all: Vec<_> = others.iter().chain(keys.iter().map(|it| &it.jwk)).collect();
    let app = App::spawn_with(&[("JWKS_URL", &publish(json!(all)).await)]).await;
    for key in &keys {
        assert_eq!(opened(&app, &key.token(&claims("ann"))).await, Ok("ann".into()), "{:?}", key.alg);
        let expired = json!({ "sub": "ann", "exp": in_seconds(-60) });
        assert_eq!(opened(&app, &key.token(&expired)).await, Err(401), "{:?}", key.alg);
        assert_eq!(opened(&app, &key.token(&json!({ "sub": "ann" }))).await, Err(401), "{:?}", key.alg);
    }
    let changed = keys[2].token(&claims("ann"));
    let [header, _, signature] = changed.split('.').collect::<Vec<_>>()[..] else { unreachable!() };
    let forged = format!("{header}.{}.{signature}", base64(claims("bob").to_string().as_bytes()));
    assert_eq!(opened(&app, &forged).await, Err(401));
}

#[tokio::test]
async fn a_key_is_for_its_one_algorithm() {
    let (rsa, p256) = (Key::rsa("rsa"), Key::p256("p256"));
    let mut for_encryption = Key::p256("enc");
    for_encryption.jwk["use"] = json!("enc");
    let mut of_another = Key::rsa("pss");
    of_another.jwk["alg"] = json!("PS256");
    let keys = json!([rsa.jwk, p256.jwk, for_encryption.jwk, of_another.jwk]);
    let app = App::spawn_with(&[("JWKS_URL", &publish(keys).await)]).await;
    assert_eq!(opened(&app, &rsa.token(&claims("ann"))).await, Ok("ann".into()));
    let with = |alg: Algorithm, kid: &str, key: &EncodingKey| {
        let header = Header { kid: Some(kid.into()), ..Header::new(alg) };
        encode(&header, &claims("ann"), key).unwrap()
    };
    let secret = |jwk: &Value, name: &str| EncodingKey::from_secret(text(&jwk[name]).as_bytes());
    let mut tokens = vec![
        for_encryption.token(&claims("ann")),
        of_another.token(&claims("ann")),
        with(Algorithm::RS384, "rsa", &rsa.signing),
        with(Algorithm::PS256, "rsa", &rsa.signing),
        // A key under the id of another kind of key.
        with(Algorithm::RS256, "p256", &rsa.signing),
        with(Algorithm::ES256, "rsa", &p256.signing),
        with(Algorithm::EdDSA, "rsa", &Key::ed25519("x").signing),
        // Public keys as shared secrets.
        with(Algorithm::HS256, "rsa", &secret(&rsa.jwk, "n")),
        with(Algorithm::HS256, "p256", &secret(&p256.jwk, "x")),
        with(Algorithm::HS256, "rsa", &EncodingKey::from_secret(&URL_SAFE_NO_PAD.decode(text(&rsa.jwk["n"])).unwrap())),
    ];
    for alg in ["none", "None", "RS256"] {
        let header = json!({ "alg": alg, "kid": "rsa" }).to_string();
        tokens.push(format!("{}.{}.", base64(header.as_bytes()), base64(claims("ann").to_string().as_bytes())));
    }
    for token in tokens {
        assert_eq!(opened(&app, &token).await, Err(401), "{token}");
    }
}

#[tokio::test]
async fn no_issuer_signs_in_the_name_of_another() {
    // Both have a key of the same id.
    let (one, two) = (Key::ed25519("k1"), Key::rsa("k1"));
    let (first, second) = (publish(json!([one.jwk])).await, publish(json!([two.jwk])).await);
    let jwks = format!("{first} issuer=https://one.example audience=tasks, {second} issuer=https://two.example");
    let app = App::spawn_with(&[("JWKS_URL", &jwks)]).await;
    let of =
        |issuer: &str, audience: &str| json!({ "sub": "ann", "exp": in_seconds(60), "iss": issuer, "aud": audience });
    let (good_one, good_two) = (of("https://one.example", "tasks"), of("https://two.example", "anything"));
    assert_eq!(opened(&app, &one.token(&good_one)).await, Ok("ann".into()));
    assert_eq!(opened(&app, &two.token(&good_two)).await, Ok("ann".into()));
    for (key, claims) in [
        (&one, good_two),
        (&two, good_one),
        (&one, of("https://one.example", "mail")),
        (&one, of("https://three.example", "tasks")),
        (&one, claims("ann")),
        (&two, claims("ann")),
        (&one, of(&app.base, "tasks")),
    ] {
        assert_eq!(opened(&app, &key.token(&claims)).await, Err(401), "{claims}");
    }
    let ann = app.person("ann").await;
    assert_eq!(opened(&app, &ann.token).await, Ok(ann.id), "our own");
}

#[tokio::test]
async fn the_claim_of_the_user_is_that_of_the_setting() {
    let key = Key::rsa("k1");
    let claims = json!({ "sub": "ann@example.com", "id": "1", "userId": "2", "user_id": "3", "exp": in_seconds(60) });
    let url = publish(json!([key.jwk])).await;
    let app = App::spawn_with(&[("JWKS_URL", &url)]).await;
    assert_eq!(opened(&app, &key.token(&claims)).await, Err(401), "they disagree");
    for (claim, id) in [("sub", "ann@example.com"), ("id", "1"), ("userId", "2"), ("user_id", "3")] {
        let app = App::spawn_with(&[("JWKS_URL", &url), ("JWT_USER_CLAIM", claim)]).await;
        assert_eq!(opened(&app, &key.token(&claims)).await, Ok(id.into()), "{claim}");
        assert_eq!(opened(&app, &hs256(&claims)).await, Ok(id.into()), "{claim}");
        let mut without = claims.clone();
        without.as_object_mut().unwrap().remove(claim);
        assert_eq!(opened(&app, &key.token(&without)).await, Err(401), "{claim}");
        let ann = app.person("ann").await;
        assert_eq!(opened(&app, &ann.token).await, Ok(ann.id), "our own, {claim}");
    }
}

#[tokio::test]
async fn a_cached_session_of_better_auth_is_accepted_where_the_setting_says_so() {
    let cached = |ends_in: i64, exp: i64| {
        let ends_at = chrono::DateTime::from_timestamp(in_seconds(ends_in), 0).unwrap().to_rfc3339();
        let session = json!({ "id": "s", "userId": "ann", "token": "t", "expiresAt": ends_at });
        let user = json!({ "id": "ann", "email": "ann@example.com", "name": "Ann" });
        json!({ "session": session, "user": user, "updatedAt": 1, "version": "1", "iat": in_seconds(-1), "exp": in_seconds(exp) })
    };
    let good = cached(3600, 300);
    let usual = App::spawn().await;
    assert_eq!(opened(&usual, &hs256(&good)).await, Err(401));
    let key = Key::ed25519("k1");
    let url = publish(json!([key.jwk])).await;
    let settings = [("JWT_COOKIE_CACHE", "on"), ("JWKS_URL", &url), ("JWT_ISSUER", "https://one.example")];
    let app = App::spawn_with(&settings).await;
    assert_eq!(opened(&app, &hs256(&good)).await, Ok("ann".into()));
    let mut others = good.clone();
    others["session"]["userId"] = json!("bob");
    for claims in [cached(3600, -300), cached(-300, 300), others] {
        assert_eq!(opened(&app, &hs256(&claims)).await, Err(401), "{claims}");
    }
    let secret = EncodingKey::from_secret(SECRET.replace('a', "b").as_bytes());
    assert_eq!(opened(&app, &encode(&Header::new(Algorithm::HS256), &good, &secret).unwrap()).await, Err(401));
    let mut signed_elsewhere = good;
    signed_elsewhere["iss"] = json!("https://one.example");
    assert_eq!(opened(&app, &key.token(&signed_elsewhere)).await, Err(401), "only by the shared secret");
}

#[tokio::test]
async fn our_keys_are_at_the_well_known_path_too() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let keys = |path: &'static str| Answer::of(app.request("GET", path));
    let known = keys("/.well-known/jwks.json").await.expect(200);
    assert_eq!(known, keys("/api/auth/jwks").await.expect(200));
    // Whoever reads it verifies our tokens.
    let jwks = format!("{}/.well-known/jwks.json issuer={}", app.base, app.base);
    let other = App::spawn_with(&[("JWKS_URL", &jwks)]).await;
    assert_eq!(opened(&other, &ann.token).await, Ok(ann.id));
}
