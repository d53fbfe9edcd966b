//! Which credentials are accepted.
//! See docs/contracts/legacy-rest.md#tokens and docs/contracts/reliability.md#credentials.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::Utc;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};

use crate::{
    socket::Socket,
    support::{Answer, App, Person, SECRET, statements::Statements, text},
};

/// An HS256 token of the shared secret.
pub fn hs256(claims: &Value) -> String {
    encode(&Header::new(Algorithm::HS256), claims, &EncodingKey::from_secret(SECRET.as_bytes())).unwrap()
}

pub fn in_seconds(seconds: i64) -> i64 {
    Utc::now().timestamp() + seconds
}

fn part(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

/// What the task list of a user answers to a token.
async fn status(app: &App, user: &str, authorization: &str) -> u16 {
    let request = app.request("GET", &format!("/api/{user}/tasks")).header("authorization", authorization);
    let rest = Answer::of(request).await;
    let body = json!({ "query": "{ me { id } }" });
    let graphql = Answer::of(app.request("POST", "/graphql").header("authorization", authorization).json(&body)).await;
    assert_eq!(rest.status, graphql.status, "the APIs disagree: {rest:?} {graphql:?}");
    if rest.status == 401 {
        assert!(rest.header("www-authenticate").starts_with("Bearer"), "{rest:?}");
    }
    rest.status.as_u16()
}

#[tokio::test]
async fn all_three_credentials_open_both_apis() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let signed = Answer::of(app.request("GET", "/api/auth/get-session").bearer_auth(&ann.session)).await;
    assert_eq!(signed.status, 200);
    let up = app.auth("/sign-in/email", json!({ "email": ann.email, "password": crate::support::PASSWORD })).await;
    let signed = up.header("set-auth-token");
    for credential in [&ann.token, &ann.session, signed] {
        assert_eq!(status(&app, &ann.id, &format!("Bearer {credential}")).await, 200, "{credential}");
        assert_eq!(status(&app, &ann.id, &format!("bearer {credential}")).await, 200, "{credential}");
    }
    let cookie = up.cookies()[0].split(';').next().unwrap().to_owned();
    let request = app.request("GET", &format!("/api/{}/tasks", ann.id)).header("cookie", cookie);
    assert_eq!(Answer::of(request).await.status, 200);
}

#[tokio::test]
async fn a_user_docket_has_never_seen_may_own_tasks() {
    let app = App::spawn().await;
    let token = hs256(&json!({ "sub": "made-elsewhere", "exp": in_seconds(60) }));
    let guest =
        Person { id: "made-elsewhere".into(), email: String::new(), session: String::new(), token: token.clone() };
    assert_eq!(app.rest(&guest, "GET", "", None).await.expect(200), json!([]));
    assert_eq!(app.rest_task(&guest, json!({ "title": "far away" })).await["user_id"], "made-elsewhere");
    let me = app.graphql(&guest, "{ me { id email } }", json!({})).await.data();
    assert_eq!(me, json!({ "me": { "id": "made-elsewhere", "email": null } }));
}

#[tokio::test]
async fn who_only_reads_leaves_nothing_and_sees_at_once_what_was_written_first() {
    let app = App::spawn().await;
    let token = hs256(&json!({ "sub": "made-elsewhere", "exp": in_seconds(60) }));
    let guest = Person { id: "made-elsewhere".into(), email: String::new(), session: String::new(), token };
    let list = "{ tasks { nodes { title } } }";
    let mut socket = Socket::of(&app, &guest.token).await;
    let seen = async |socket: &mut Socket| {
        let by_rest = app.rest(&guest, "GET", "", None).await.expect(200).as_array().unwrap().len();
        let titles = |data: &Value| data["tasks"]["nodes"].as_array().unwrap().len();
        let by_graphql = titles(&app.graphql(&guest, list, json!({})).await.data());
        socket.subscribe("1", list).await;
        let by_socket = titles(&socket.next().await["payload"]["data"]);
        assert_eq!(socket.next().await["type"], "complete");
        [by_rest, by_graphql, by_socket]
    };
    assert_eq!(seen(&mut socket).await, [0, 0, 0]);
    assert_eq!(app.sql_text("select cast(count(*) as text) from owners").await, "0");
    let create = "mutation { createTask(input: { title: \"first\" }) { task { title } } }";
    app.graphql(&guest, create, json!({})).await.data();
    assert_eq!(seen(&mut socket).await, [1, 1, 1]);
    let keyed = app.request("POST", "/api/other/tasks").header("idempotency-key", "k");
    let other = hs256(&json!({ "sub": "other", "exp": in_seconds(60) }));
    Answer::of(keyed.bearer_auth(other).json(&json!({ "title": "first" }))).await.expect(201);
    assert_eq!(app.sql_text("select cast(count(*) as text) from owners").await, "2");
}

#[tokio::test]
async fn headers_that_are_no_bearer_token_get_401() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let good = &ann.token;
    for value in [
        "",
        "Bearer",
        "Bearer ",
        "Basic YTpi",
        good.as_str(),
        &format!("Bearer {good} {good}"),
        &format!("Bearer {good},{good}"),
        &format!("Token {good}"),
        "Bearer x",
        "Bearer ..",
        "Bearer a.b.c",
        &format!("Bearer {}", "x".repeat(6000)),
    ] {
        assert_eq!(status(&app, &ann.id, value).await, 401, "{value}");
    }
    let twice = app.request("GET", &format!("/api/{}/tasks", ann.id)).bearer_auth(good).bearer_auth(good);
    assert_eq!(Answer::of(twice).await.status, 401);
}

#[tokio::test]
async fn times_are_obeyed() {
    let app = App::spawn().await;
    for (claims, expected) in [
        (json!({ "sub": "u", "exp": in_seconds(60) }), 200),
        (json!({ "sub": "u", "exp": in_seconds(-30) }), 401),
        (json!({ "sub": "u" }), 401),
        (json!({ "sub": "u", "exp": in_seconds(60).to_string() }), 401),
        (json!({ "sub": "u", "exp": null }), 401),
        (json!({ "sub": "u", "exp": in_seconds(60), "nbf": in_seconds(30) }), 401),
        (json!({ "sub": "u", "exp": in_seconds(60), "nbf": in_seconds(-30) }), 200),
    ] {
        assert_eq!(status(&app, "u", &format!("Bearer {}", hs256(&claims))).await, expected, "{claims}");
    }
}

#[tokio::test]
async fn the_algorithm_is_never_the_tokens_choice() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let claims = json!({ "sub": ann.id, "exp": in_seconds(60) });
    let jwks = Answer::of(app.request("GET", "/api/auth/jwks")).await.expect(200);
    let (x, kid) = (text(&jwks["keys"][0]["x"]), text(&jwks["keys"][0]["kid"]));
    let public = URL_SAFE_NO_PAD.decode(&x).unwrap();
    let mut header = Header::new(Algorithm::HS256);
    header.kid = Some(kid);
    let with = |alg: Algorithm, key: &[u8]| encode(&Header::new(alg), &claims, &EncodingKey::from_secret(key)).unwrap();
    let mut tokens = vec![
        // The public key as a shared secret.
        encode(&header, &claims, &EncodingKey::from_secret(&public)).unwrap(),
        encode(&header, &claims, &EncodingKey::from_secret(x.as_bytes())).unwrap(),
        with(Algorithm::HS384, SECRET.as_bytes()),
        with(Algorithm::HS512, SECRET.as_bytes()),
        with(Algorithm::HS256, b"another-secret-of-the-same-length-000000"),
    ];
    // What is refused has one thing that this has not.
    let right = with(Algorithm::HS256, SECRET.as_bytes());
    assert_eq!(status(&app, &ann.id, &format!("Bearer {right}")).await, 200);
    for alg in ["none", "None", "nOnE", ""] {
        tokens.push(format!("{}.{}.", part(&json!({ "alg": alg, "typ": "JWT" })), part(&claims)));
        tokens.push(format!("{}.{}.x", part(&json!({ "alg": alg })), part(&claims)));
    }
    for token in tokens {
        assert_eq!(status(&app, &ann.id, &format!("Bearer {token}")).await, 401, "{token}");
    }
}

#[tokio::test]
async fn a_changed_token_does_not_hold() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    assert_eq!(status(&app, &ann.id, &format!("Bearer {}", ann.token)).await, 200);
    let parts: Vec<_> = ann.token.split('.').collect();
    let other = part(&json!({ "sub": ann.id, "exp": in_seconds(60) }));
    for token in [
        format!("{}.{other}.{}", parts[0], parts[2]),
        format!("{}.{}.", parts[0], parts[1]),
        format!("{}.{}", parts[0], parts[1]),
        format!("{}.x", ann.token),
        ann.token[..ann.token.len() - 1].to_owned(),
        format!("{}=", ann.token),
    ] {
        assert_eq!(status(&app, &ann.id, &format!("Bearer {token}")).await, 401, "{token}");
    }
}

#[tokio::test]
async fn keys_are_named_by_our_own_table_only() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let claims = part(&json!({ "sub": ann.id, "exp": in_seconds(60) }));
    let signature = ann.token.rsplit('.').next().unwrap();
    for header in [
        json!({ "alg": "EdDSA" }),
        json!({ "alg": "EdDSA", "kid": "unknown" }),
        json!({ "alg": "EdDSA", "kid": "' or 1=1 --" }),
        json!({ "alg": "EdDSA", "jku": "http://127.0.0.1:1/keys" }),
        json!({ "alg": "EdDSA", "jwk": { "kty": "OKP", "crv": "Ed25519", "x": "AA" } }),
    ] {
        let token = format!("{}.{claims}.{signature}", part(&header));
        assert_eq!(status(&app, &ann.id, &format!("Bearer {token}")).await, 401, "{header}");
    }
}

/// A token with that header and a signature that is right.
fn signed(header: &Value, claims: &Value) -> String {
    let message = format!("{}.{}", part(header), part(claims));
    let key = EncodingKey::from_secret(SECRET.as_bytes());
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &key, Algorithm::HS256).unwrap();
    format!("{message}.{signature}")
}

#[tokio::test]
async fn what_a_header_says_beside_the_algorithm_is_understood_refused_or_not_read() {
    let app = App::spawn().await;
    let claims = json!({ "sub": "u", "exp": in_seconds(60) });
    for (header, expected) in [
        (json!({ "alg": "HS256" }), 200),
        (json!({ "alg": "HS256", "kid": "unknown" }), 200),
        (json!({ "alg": "HS256", "jku": "http://127.0.0.1:1/keys" }), 200),
        (json!({ "alg": "HS256", "crit": ["b64"] }), 401),
        (json!({ "alg": "HS256", "crit": ["b64"], "b64": false }), 401),
        (json!({ "alg": "HS256", "crit": [] }), 401),
        (json!({ "alg": "HS256", "crit": "b64" }), 401),
        (json!({ "alg": "HS256", "typ": 7 }), 401),
        (json!({ "alg": ["HS256"] }), 401),
        (json!({}), 401),
    ] {
        let token = signed(&header, &claims);
        assert_eq!(status(&app, "u", &format!("Bearer {token}")).await, expected, "{header}");
    }
}

#[tokio::test]
async fn unknown_keys_are_looked_up_once_a_minute_at_most() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let claims = part(&json!({ "sub": ann.id, "exp": in_seconds(60) }));
    let statements = Statements::listen();
    for number in 0..20 {
        let token = format!("{}.{claims}.x", part(&json!({ "alg": "EdDSA", "kid": format!("{number}") })));
        assert_eq!(status(&app, &ann.id, &format!("Bearer {token}")).await, 401);
    }
    let looked_up = statements.take().iter().filter(|it| it.contains("\"jwks\"")).count();
    assert!(looked_up <= 1, "{looked_up}");
}

#[tokio::test]
async fn a_token_of_a_megabyte_is_refused_without_work() {
    let app = App::spawn().await;
    let request = app.request("GET", "/api/u/tasks").bearer_auth("x".repeat(1 << 20));
    // The server may hang up on such a header while it is still being sent.
    match request.send().await {
        Ok(answer) => assert!(matches!(answer.status().as_u16(), 401 | 413 | 431), "{answer:?}"),
        Err(error) => assert!(!error.is_timeout(), "{error:?}"),
    }
    assert_eq!(Answer::of(app.request("GET", "/health")).await.status, 200);
}

#[tokio::test]
async fn subjects_that_are_none_or_two_get_401() {
    let app = App::spawn().await;
    let right = json!({ "sub": "u", "x": 1, "exp": in_seconds(60) });
    assert_eq!(status(&app, "u", &format!("Bearer {}", hs256(&right))).await, 200);
    for claims in [
        json!({}),
        json!({ "sub": "" }),
        json!({ "sub": 7 }),
        json!({ "sub": null, "x": 1 }),
        json!({ "sub": "a\0" }),
        json!({ "sub": "x".repeat(300) }),
        json!({ "sub": "u", "user_id": "v" }),
        json!({ "sub": ["u"] }),
    ] {
        let mut claims = claims;
        claims["exp"] = json!(in_seconds(60));
        assert_eq!(status(&app, "u", &format!("Bearer {}", hs256(&claims))).await, 401, "{claims}");
    }
}

#[tokio::test]
async fn mailed_links_and_the_cookie_cache_are_no_access_tokens() {
    let app = App::spawn().await;
    let exp = in_seconds(60);
    for claims in [json!({ "userId": "u", "exp": exp }), json!({ "user": { "id": "u" }, "exp": exp })] {
        assert_eq!(status(&app, "u", &format!("Bearer {}", hs256(&claims))).await, 200, "{claims}");
    }
    for claims in [
        json!({ "email": "u@example.com", "userId": "u", "exp": exp }),
        json!({ "email": "u@example.com", "userId": "u", "updateTo": "v@example.com", "exp": exp }),
        json!({ "sub": "u", "requestType": "change-email-verification", "exp": exp }),
        json!({ "session": { "token": "t" }, "user": { "id": "u" }, "exp": exp }),
    ] {
        assert_eq!(status(&app, "u", &format!("Bearer {}", hs256(&claims))).await, 401, "{claims}");
    }
}

#[tokio::test]
async fn a_token_in_the_query_string_opens_nothing() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    for name in ["token", "access_token", "authorization"] {
        let path = format!("/api/{}/tasks?{name}={}", ann.id, ann.token);
        assert_eq!(Answer::of(app.request("GET", &path)).await.status, 401);
    }
}

#[tokio::test]
async fn a_session_ends_with_sign_out() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let bearer = format!("Bearer {}", ann.session);
    assert_eq!(status(&app, &ann.id, &bearer).await, 200);
    Answer::of(app.request("POST", "/api/auth/sign-out").bearer_auth(&ann.session)).await.expect(200);
    assert_eq!(status(&app, &ann.id, &bearer).await, 401);
}

#[tokio::test]
async fn a_cookie_writes_only_from_a_trusted_page() {
    let app = App::spawn().await;
    app.person("ann").await;
    let login = json!({ "email": "ann@example.com", "password": crate::support::PASSWORD });
    let signed_in = app.auth("/sign-in/email", login).await;
    let cookie = signed_in.cookies()[0].split(';').next().unwrap().to_owned();
    let query = json!({ "query": "mutation { createTask(input: { title: \"x\" }) { task { title } } }" });
    for (header, value, expected) in [
        ("origin", "http://localhost:3000", 200),
        ("origin", app.base.as_str(), 200),
        ("x-requested-with", "docket", 200),
        ("origin", "https://evil.example", 403),
        ("origin", "null", 403),
        ("referer", "https://evil.example/page", 403),
        ("x-nothing", "at all", 403),
    ] {
        let request = app.request("POST", "/graphql").header("cookie", &cookie).header(header, value).json(&query);
        let answer = Answer::of(request).await;
        assert_eq!(answer.status, expected, "{header}: {value}: {answer:?}");
    }
}

#[tokio::test]
async fn hs256_mode_signs_what_back_ends_of_the_family_read() {
    let app = App::spawn_with(&[("JWT_ALG", "HS256")]).await;
    let ann = app.person("ann").await;
    let key = jsonwebtoken::DecodingKey::from_secret(SECRET.as_bytes());
    let mut rules = jsonwebtoken::Validation::new(Algorithm::HS256);
    rules.validate_aud = false;
    let claims = jsonwebtoken::decode::<Value>(&ann.token, &key, &rules).unwrap().claims;
    for name in ["sub", "user_id", "userId", "id"] {
        assert_eq!(claims[name], json!(ann.id), "{name}");
    }
    assert_eq!(status(&app, &ann.id, &format!("Bearer {}", ann.token)).await, 200);
}

#[tokio::test]
async fn tokens_of_another_issuer_audience_or_type_are_refused() {
    let app = App::spawn_with(&[("JWT_ISSUER", "https://auth.example"), ("JWT_AUDIENCE", "tasks")]).await;
    let ann = app.person("ann").await;
    let claims = |iss: &str, aud: Value| json!({ "sub": ann.id, "exp": in_seconds(60), "iss": iss, "aud": aud });
    let bearer = |claims: &Value| format!("Bearer {}", hs256(claims));
    let right = claims("https://auth.example", json!(["mail", "tasks"]));
    assert_eq!(status(&app, &ann.id, &bearer(&right)).await, 200);
    assert_eq!(status(&app, &ann.id, &format!("Bearer {}", ann.token)).await, 200, "our own");
    for wrong in [
        claims("https://evil.example", json!("tasks")),
        claims("https://auth.example", json!("mail")),
        claims("https://auth.example", json!(null)),
        json!({ "sub": ann.id, "exp": in_seconds(60) }),
    ] {
        assert_eq!(status(&app, &ann.id, &bearer(&wrong)).await, 401, "{wrong}");
    }
    for (typ, expected) in [("at+jwt", 200), ("logout+jwt", 401)] {
        let header = Header { typ: Some(typ.to_owned()), ..Header::new(Algorithm::HS256) };
        let token = encode(&header, &right, &EncodingKey::from_secret(SECRET.as_bytes())).unwrap();
        assert_eq!(status(&app, &ann.id, &format!("Bearer {token}")).await, expected, "{typ}");
    }
}

#[tokio::test]
async fn a_token_of_one_instance_holds_on_another_and_after_a_restart() {
    let mut app = App::spawn().await;
    let ann = app.person("ann").await;
    let other = app.beside(&[]).await;
    assert_eq!(status(&other, &ann.id, &format!("Bearer {}", ann.token)).await, 200);
    app.restart(&[]).await;
    assert_eq!(status(&app, &ann.id, &format!("Bearer {}", ann.token)).await, 200);
}

#[tokio::test]
async fn a_key_sealed_with_another_secret_is_replaced_and_still_verifies() {
    let mut app = App::spawn().await;
    let ann = app.person("ann").await;
    app.restart(&[("BETTER_AUTH_SECRET", "quite-another-secret-0123456789-ZYXWVUTS")]).await;
    assert_eq!(status(&app, &ann.id, &format!("Bearer {}", ann.token)).await, 200);
    let bob = app.person("bob").await;
    assert_eq!(status(&app, &bob.id, &format!("Bearer {}", bob.token)).await, 200);
    let jwks = Answer::of(app.request("GET", "/api/auth/jwks")).await.expect(200);
    assert_eq!(jwks["keys"].as_array().unwrap().len(), 2);
}
