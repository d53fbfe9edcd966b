//! Sessions, passwords, profiles and limits of accounts.
//! See docs/contracts/reliability.md#accounts and docs/contracts/reliability.md#credentials.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
    time::Duration,
};

use docket::rest::Endpoint;
use serde_json::{Value, json};
use tracing_subscriber::fmt::MakeWriter;

use crate::{
    sink::Sink,
    support::{Answer, App, PASSWORD, Person, SECRET, at_once, statements::ask_always, text},
};

/// A hash of Better Auth's, of `password1234`.
const SCRYPT: &str = "477199940b820b268747f9abc20a9048:6c6f0d1b1c6b827d609502dbfdc0e58a2d47ef26072f7f091c81fc55c7872e979e31d3d6078a057525009fa28536f6602ff1dd5619738b48ebdb37387c08ee94";

async fn post(app: &App, session: &str, path: &str, body: Value) -> Answer {
    Answer::of(app.request("POST", &format!("/api/auth{path}")).bearer_auth(session).json(&body)).await
}

async fn is_live(app: &App, session: &str) -> bool {
    Answer::of(app.request("GET", "/api/auth/get-session").bearer_auth(session)).await.expect(200).is_object()
}

async fn sign_in(app: &App, person: &Person, password: &str) -> Answer {
    app.auth("/sign-in/email", json!({ "email": person.email, "password": password })).await
}

async fn session(app: &App, person: &Person) -> String {
    text(&sign_in(app, person, PASSWORD).await.expect(200)["token"])
}

#[tokio::test]
async fn sessions_are_listed_and_ended_by_their_user_only() {
    let app = App::spawn().await;
    let (ann, bob) = (app.person("ann").await, app.person("bob").await);
    let (phone, tablet) = (session(&app, &ann).await, session(&app, &ann).await);
    let list = || Answer::of(app.request("GET", "/api/auth/list-sessions").bearer_auth(&ann.session));
    assert_eq!(list().await.expect(200).as_array().unwrap().len(), 3);
    for token in [bob.session.as_str(), "nothing"] {
        let answer = post(&app, &ann.session, "/revoke-session", json!({ "token": token })).await;
        assert_eq!(answer.expect(200), json!({ "status": true }));
    }
    assert!(is_live(&app, &bob.session).await);
    post(&app, &ann.session, "/revoke-session", json!({ "token": phone })).await.expect(200);
    assert!(!is_live(&app, &phone).await && is_live(&app, &tablet).await);
    post(&app, &ann.session, "/revoke-other-sessions", json!({})).await.expect(200);
    assert!(!is_live(&app, &tablet).await && is_live(&app, &ann.session).await);
    let all = post(&app, &ann.session, "/revoke-sessions", json!({})).await;
    assert_eq!((all.expect(200), all.cookies().len()), (json!({ "status": true }), 3));
    assert!(!is_live(&app, &ann.session).await && is_live(&app, &bob.session).await);
}

#[tokio::test]
async fn a_session_that_was_ended_is_ended_on_every_instance() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let other = app.beside(&[]).await;
    assert!(is_live(&other, &ann.session).await);
    post(&app, &ann.session, "/revoke-sessions", json!({})).await.expect(200);
    assert!(!is_live(&other, &ann.session).await);
    let tasks = other.request("GET", &format!("/api/{}/tasks", ann.id)).bearer_auth(&ann.session);
    assert_eq!(Answer::of(tasks).await.status, 401);
}

#[tokio::test]
async fn an_old_session_shows_no_other_sessions() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    app.sql("update \"session\" set \"createdAt\" = '2020-01-01T00:00:00.000Z'").await;
    let list = Answer::of(app.request("GET", "/api/auth/list-sessions").bearer_auth(&ann.session)).await;
    assert_eq!((list.status.as_u16(), list.code()), (403, "SESSION_NOT_FRESH".into()));
    let lasting = app.beside(&[("SESSION_FRESH_AGE", "0")]).await;
    Answer::of(lasting.request("GET", "/api/auth/list-sessions").bearer_auth(&ann.session)).await.expect(200);
}

#[tokio::test]
async fn a_new_password_takes_the_place_of_the_old_and_may_end_all_sessions() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let phone = session(&app, &ann).await;
    let change = |current: &str, new: &str, ends: bool| {
        let body = json!({ "currentPassword": current, "newPassword": new, "revokeOtherSessions": ends });
        let (app, session) = (&app, ann.session.clone());
        async move { post(app, &session, "/change-password", body).await }
    };
    assert_eq!(change("wrong-horse-1", "another-horse-2", false).await.code(), "INVALID_PASSWORD");
    assert_eq!(change(PASSWORD, "short", false).await.code(), "PASSWORD_TOO_SHORT");
    let kept = change(PASSWORD, "another-horse-2", false).await.expect(200);
    assert_eq!((&kept["token"], &kept["user"]["id"]), (&Value::Null, &json!(ann.id)));
    assert!(is_live(&app, &phone).await);
    assert_eq!(sign_in(&app, &ann, PASSWORD).await.status, 401);
    // Who does not say whether other sessions are to end is alone afterwards.
    let unsaid = json!({ "currentPassword": "another-horse-2", "newPassword": "another-horse-4" });
    assert_eq!(post(&app, &ann.session, "/change-password", unsaid).await.expect(200)["token"], Value::Null);
    assert!(!is_live(&app, &phone).await && is_live(&app, &ann.session).await);
    let ended = change("another-horse-4", "another-horse-3", true).await;
    let token = text(&ended.expect(200)["token"]);
    assert!(ended.cookies()[0].contains(&token));
    assert!(!is_live(&app, &phone).await && !is_live(&app, &ann.session).await && is_live(&app, &token).await);
    assert_eq!(post(&app, &token, "/verify-password", json!({ "password": "another-horse-3" })).await.status, 200);
    assert_eq!(
        post(&app, &token, "/verify-password", json!({ "password": PASSWORD })).await.code(),
        "INVALID_PASSWORD"
    );
}

#[tokio::test]
async fn a_profile_is_changed_within_its_limits() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    for (body, code) in [
        (json!({ "name": null }), "VALIDATION_ERROR"),
        (json!({ "name": {} }), "VALIDATION_ERROR"),
        (json!({ "name": 5 }), "VALIDATION_ERROR"),
        (json!({ "name": "x".repeat(256) }), "VALIDATION_ERROR"),
        (json!({ "image": "x".repeat(2049) }), "VALIDATION_ERROR"),
        (json!({ "name": "a\0" }), "VALIDATION_ERROR"),
        (json!({ "email": "new@example.com" }), "EMAIL_CAN_NOT_BE_UPDATED"),
    ] {
        let refused = post(&app, &ann.session, "/update-user", body.clone()).await;
        assert_eq!((refused.status.as_u16(), refused.code()), (400, code.into()), "{body}");
    }
    let nothing = post(&app, &ann.session, "/update-user", json!({ "role": "admin" })).await;
    assert_eq!(nothing.expect(400), json!({ "message": "No fields to update" }));
    let body = json!({ "name": "Ann B", "image": "https://e.example/a.png", "emailVerified": true, "id": "x" });
    let changed = post(&app, &ann.session, "/update-user", body).await;
    assert_eq!((changed.expect(200), changed.cookies().len()), (json!({ "status": true }), 1));
    let seen =
        Answer::of(app.request("GET", "/api/auth/get-session").bearer_auth(&ann.session)).await.expect(200)["user"]
            .clone();
    assert_eq!((&seen["name"], &seen["emailVerified"], &seen["id"]), (&json!("Ann B"), &json!(false), &json!(ann.id)));
}

#[tokio::test]
async fn the_only_way_to_sign_in_stays() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let list = Answer::of(app.request("GET", "/api/auth/list-accounts").bearer_auth(&ann.session)).await;
    let account = list.expect(200)[0].clone();
    assert_eq!(
        (&account["providerId"], &account["accountId"], &account["scopes"]),
        (&json!("credential"), &json!(ann.id), &json!([]))
    );
    assert!(!list.text.contains("argon2") && !list.text.contains("password"), "{list:?}");
    let unlink = |id: Value| post(&app, &ann.session, "/unlink-account", json!({ "accountId": id }));
    assert_eq!(unlink(account["id"].clone()).await.code(), "FAILED_TO_UNLINK_LAST_ACCOUNT");
    app.sql(&format!(
        "insert into account (id, \"accountId\", \"providerId\", \"userId\", \"createdAt\", \"updatedAt\")
         values ('second', 'g1', 'google', '{}', '2026-01-01T00:00:00.000Z', '2026-01-01T00:00:00.000Z')",
        ann.id
    ))
    .await;
    assert_eq!(unlink(json!("nope")).await.code(), "ACCOUNT_NOT_FOUND");
    assert_eq!(unlink(json!("second")).await.expect(200), json!({ "status": true }));
    // Of several that are taken away at the same time one stays, too.
    for round in 0..10 {
        for number in 0..4 {
            app.sql(&format!(
                "insert into account (id, \"accountId\", \"providerId\", \"userId\", \"createdAt\", \"updatedAt\")
                 values ('{round}-{number}', 'g{round}-{number}', 'google', '{}', '2026-01-01T00:00:00.000Z', '2026-01-01T00:00:00.000Z')",
                ann.id
            ))
            .await;
        }
        app.sql("delete from account where \"providerId\" = 'credential'").await;
        at_once(4, |number| unlink(json!(format!("{round}-{number}")))).await;
        assert_eq!(app.sql_text("select cast(count(*) as text) from account").await, "1", "{round}");
        app.sql("delete from account").await;
    }
}

#[tokio::test]
async fn a_hash_of_better_auth_becomes_argon2id_at_sign_in_unless_it_runs_beside_us() {
    for (setting, start) in [("argon2id", "$argon2id$"), ("scrypt", "477199940b")] {
        let app = App::spawn_with(&[("PASSWORD_HASH", setting)]).await;
        let ann = app.person("ann").await;
        app.sql(&format!("update account set password = '{SCRYPT}'")).await;
        assert_eq!(sign_in(&app, &ann, "password1235").await.status, 401);
        assert_eq!(sign_in(&app, &ann, "password1234").await.status, 200);
        let kept = app.sql_text("select password from account").await;
        assert!(kept.starts_with(start), "{setting}: {kept}");
        assert_eq!(sign_in(&app, &ann, "password1234").await.status, 200);
    }
}

/// Signs in again and again with that password while somebody else sets another one; who got in meanwhile.
async fn changed_meanwhile(app: &App, ann: &Person, current: &str) -> Vec<Answer> {
    let sign_in = |number: usize| async move {
        tokio::time::sleep(Duration::from_millis(10 * number as u64)).await;
        sign_in(app, ann, current).await
    };
    let change = async {
        tokio::time::sleep(Duration::from_millis(40)).await;
        let change =
            json!({ "currentPassword": current, "newPassword": "another-horse-1", "revokeOtherSessions": true });
        post(app, &ann.session, "/change-password", change).await.expect(200);
    };
    let (mut answers, ()) = tokio::join!(at_once(30, sign_in), change);
    answers.retain(|it| it.status == 200);
    assert!(!answers.is_empty(), "some came before");
    answers
}

#[tokio::test]
async fn who_signs_in_with_a_password_that_is_being_changed_does_not_stay_in() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    for answer in changed_meanwhile(&app, &ann, PASSWORD).await {
        assert!(!is_live(&app, &text(&answer.json()["token"])).await);
    }
    assert_eq!(sign_in(&app, &ann, "another-horse-1").await.status, 200);
}

#[tokio::test]
async fn a_hash_that_is_replaced_at_sign_in_takes_no_new_password_back() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    app.sql(&format!("update account set password = '{SCRYPT}'")).await;
    for answer in at_once(8, |_| sign_in(&app, &ann, "password1234")).await {
        assert_eq!(answer.status, 200, "all of them replace it at the same time");
    }
    app.sql(&format!("update account set password = '{SCRYPT}'")).await;
    changed_meanwhile(&app, &ann, "password1234").await;
    assert_eq!(sign_in(&app, &ann, "password1234").await.status, 401);
    assert_eq!(sign_in(&app, &ann, "another-horse-1").await.status, 200);
}

#[tokio::test]
async fn wrong_passwords_lock_out_strangers_and_not_the_user_at_home() {
    let sink = Sink::start().await;
    let settings = [("RATE_LIMIT", "on"), ("TRUSTED_PROXIES", "127.0.0.1"), ("SMTP_URL", sink.url.as_str())];
    let app = App::spawn_with(&settings).await;
    let from = |address: String, email: &str, password: &str| {
        let request = app.request("POST", "/api/auth/sign-in/email").header("x-forwarded-for", address);
        Answer::of(request.json(&json!({ "email": email, "password": password })))
    };
    let register = app.request("POST", "/api/auth/sign-up/email").header("x-forwarded-for", "192.0.2.1");
    Answer::of(register.json(&json!({ "name": "Ann", "email": "ann@example.com", "password": PASSWORD })))
        .await
        .expect(200);
    for number in 0..10 {
        let refused = from(format!("198.51.100.{number}"), "ann@example.com", "wrong-horse-1").await;
        assert_eq!(refused.status, 401, "{number}");
    }
    let locked = from("198.51.100.99".into(), "ann@example.com", PASSWORD).await;
    assert_eq!(locked.expect(429), json!({ "message": "Too many requests. Please try again later." }));
    assert!(locked.header("retry-after").parse::<u32>().unwrap() > 60, "{locked:?}");
    assert_eq!(from("192.0.2.1".into(), "ann@example.com", PASSWORD).await.status, 200);
    assert_eq!(from("198.51.100.98".into(), "bob@example.com", PASSWORD).await.status, 401);
    // Who proves by a link that the account is theirs is let in from anywhere.
    app.auth("/request-password-reset", json!({ "email": "ann@example.com" })).await.expect(200);
    let token = sink.to("ann@example.com").await.token();
    app.auth("/reset-password", json!({ "newPassword": "another-horse-1", "token": token })).await.expect(200);
    assert_eq!(from("198.51.100.99".into(), "ann@example.com", "another-horse-1").await.status, 200);
}

#[tokio::test]
async fn many_wrong_passwords_at_the_same_time_are_no_more_than_one_after_the_other() {
    let app = App::spawn_with(&[("RATE_LIMIT", "on"), ("TRUSTED_PROXIES", "127.0.0.1")]).await;
    let ann = app.person("ann").await;
    let (app, ann) = (&app, &ann);
    let sign_in = |number: usize| async move {
        let body = json!({ "email": ann.email, "password": "wrong-horse-1" });
        let request = app.request("POST", "/api/auth/sign-in/email");
        Answer::of(request.header("x-forwarded-for", format!("198.51.100.{number}")).json(&body)).await.status.as_u16()
    };
    let show = |number: usize| async move {
        let request = app.request("POST", "/api/auth/verify-password").bearer_auth(&ann.session);
        let request = request.header("x-forwarded-for", format!("198.51.100.{number}"));
        Answer::of(request.json(&json!({ "password": "wrong-horse-1" }))).await.status.as_u16()
    };
    let (signed_in, shown) = tokio::join!(at_once(50, sign_in), at_once(50, show));
    for (statuses, wrong) in [(signed_in, 401), (shown, 400)] {
        let compared = statuses.iter().filter(|it| **it == wrong).count();
        assert!((1..=10).contains(&compared), "{statuses:?}");
        assert_eq!(statuses.iter().filter(|it| **it == 429).count(), 50 - compared, "{statuses:?}");
    }
}

#[tokio::test]
async fn who_got_hold_of_a_session_does_not_guess_the_password_by_it() {
    let app = App::spawn_with(&[("RATE_LIMIT", "on"), ("TRUSTED_PROXIES", "127.0.0.1")]).await;
    let (ann, bob) = (app.person("ann").await, app.person("bob").await);
    let show = |number: u32, person: &Person, path: &str, body: Value| {
        let request = app.request("POST", &format!("/api/auth{path}")).bearer_auth(&person.session);
        Answer::of(request.header("x-forwarded-for", format!("198.51.100.{number}")).json(&body))
    };
    let change = |current: &str| json!({ "currentPassword": current, "newPassword": "another-horse-1" });
    for number in 0..10 {
        let refused = match number % 2 {
            0 => show(number, &ann, "/verify-password", json!({ "password": "wrong-horse-1" })).await,
            _ => show(number, &ann, "/change-password", change("wrong-horse-1")).await,
        };
        assert_eq!((refused.status.as_u16(), refused.code()), (400, "INVALID_PASSWORD".into()), "{number}");
    }
    for (path, body) in [
        ("/verify-password", json!({ "password": PASSWORD })),
        ("/change-password", change(PASSWORD)),
        ("/delete-user", json!({ "password": PASSWORD })),
    ] {
        assert_eq!(show(99, &ann, path, body).await.status, 429, "{path}");
    }
    assert_eq!(show(98, &bob, "/verify-password", json!({ "password": PASSWORD })).await.status, 200);
    assert_eq!(sign_in(&app, &ann, PASSWORD).await.status, 200);
}

#[tokio::test]
async fn one_password_for_many_accounts_is_slowed_down() {
    let app = App::spawn_with(&[("RATE_LIMIT", "on"), ("TRUSTED_PROXIES", "127.0.0.1")]).await;
    // The path's own limit is three in ten seconds; other addresses of one network share the count of failures.
    let mut refused_at = None;
    for number in 0..40 {
        let address = format!("2001:db8::{number:x}");
        let request = app.request("POST", "/api/auth/sign-in/email").header("x-forwarded-for", address);
        let body = json!({ "email": format!("user{number}@example.com"), "password": "spring-2026" });
        if Answer::of(request.json(&body)).await.status == 429 {
            refused_at = Some(number);
            break;
        }
    }
    assert!(refused_at.is_some_and(|it| it <= 20), "{refused_at:?}");
}

#[tokio::test]
async fn instances_count_together_on_a_shared_database() {
    let app = App::spawn_with(&[("RATE_LIMIT", "on")]).await;
    let other = app.beside(&[("RATE_LIMIT", "on")]).await;
    let is_shared = !app.is_sqlite();
    let login = json!({ "email": "ann@example.com", "password": PASSWORD });
    let mut statuses = Vec::new();
    for number in 0..6 {
        let server = if number % 2 == 0 { &app } else { &other };
        statuses.push(server.auth("/sign-in/email", login.clone()).await.status.as_u16());
    }
    let expected = if is_shared { [401, 401, 401, 429, 429, 429] } else { [401; 6] };
    assert_eq!(statuses, expected);
}

#[tokio::test]
async fn more_sign_ins_than_can_wait_are_told_to_come_back() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let answers = at_once(400, |_| sign_in(&app, &ann, PASSWORD)).await;
    let busy: Vec<_> = answers.iter().filter(|it| it.status == 503).collect();
    assert!(answers.iter().all(|it| it.status == 200 || it.status == 503), "{:?}", answers[0]);
    assert!(!busy.is_empty() && busy.len() < 400);
    assert!(busy.iter().all(|it| it.header("retry-after") == "1" && it.code() == "SERVICE_UNAVAILABLE"));
}

#[tokio::test]
async fn keys_are_published_before_they_sign_and_verify_after_they_did() {
    let app = App::spawn_with(&[("JWT_KEY_DAYS", "1")]).await;
    let ann = app.person("ann").await;
    let kid = |token: &str| jsonwebtoken::decode_header(token).unwrap().kid.unwrap();
    let published = || async {
        let keys = Answer::of(app.request("GET", "/api/auth/jwks")).await.expect(200)["keys"].clone();
        keys.as_array().unwrap().iter().map(|it| text(&it["kid"])).collect::<Vec<_>>()
    };
    assert_eq!(published().await, [kid(&ann.token)]);
    // The key is near its end: another instance makes the next one, and signs with the old.
    let soon =
        (chrono::Utc::now() + chrono::Duration::minutes(90)).to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
    app.sql(&format!("update jwks set \"expiresAt\" = '{soon}', \"createdAt\" = '2026-01-01T00:00:00.000Z'")).await;
    let next = app.beside(&[("JWT_KEY_DAYS", "1")]).await;
    let fetch = |app: &App| Answer::of(app.request("GET", "/api/auth/token").bearer_auth(&ann.session));
    let token = text(&fetch(&next).await.expect(200)["token"]);
    assert_eq!(kid(&token), kid(&ann.token));
    assert_eq!(published().await.len(), 2);
    // An hour later the new one signs, and tokens of the old one still verify.
    app.sql(
        "update jwks set \"createdAt\" = '2026-01-02T00:00:00.000Z' where \"createdAt\" > '2026-01-01T00:00:00.000Z'",
    )
    .await;
    app.sql(
        "update jwks set \"expiresAt\" = '2026-01-03T00:00:00.000Z' where \"createdAt\" = '2026-01-01T00:00:00.000Z'",
    )
    .await;
    let later = app.beside(&[("JWT_KEY_DAYS", "1")]).await;
    let token = text(&fetch(&later).await.expect(200)["token"]);
    assert_ne!(kid(&token), kid(&ann.token));
    for token in [&token, &ann.token] {
        let tasks = later.request("GET", &format!("/api/{}/tasks", ann.id)).bearer_auth(token);
        assert_eq!(Answer::of(tasks).await.status, 200);
    }
}

#[tokio::test]
async fn session_tokens_are_all_different_and_hard_to_guess() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let mut tokens = std::collections::HashSet::new();
    for _ in 0..30 {
        let token = session(&app, &ann).await;
        assert!(token.len() == 32 && token.bytes().all(|it| it.is_ascii_alphanumeric()));
        assert!(tokens.insert(token));
    }
}

#[tokio::test]
async fn any_body_is_answered_without_a_fault_of_ours() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let values = [
        json!(null),
        json!(true),
        json!(-1),
        json!(1e300),
        json!(""),
        json!("\u{0}"),
        json!("x".repeat(9000)),
        json!([]),
        json!({}),
        json!([[[[]]]]),
        json!("../../etc/passwd"),
        json!("a@b.co"),
        json!({ "$ne": 1 }),
    ];
    let compat = docket::rest::compat::endpoints();
    let all = docket::rest::auth::endpoints().into_iter().chain(compat);
    for Endpoint { method, path } in all.filter(|it| it.method == "POST") {
        for value in &values {
            let mut body = json!({});
            for field in [
                "email",
                "password",
                "name",
                "token",
                "newPassword",
                "currentPassword",
                "newEmail",
                "accountId",
                "image",
                "callbackURL",
                "provider",
            ] {
                body[field] = value.clone();
            }
            for body in [body, value.clone()] {
                let answer = Answer::of(app.request(method, &path).bearer_auth(&ann.session).json(&body)).await;
                assert!(answer.status.as_u16() < 500, "{path} {body}: {answer:?}");
            }
        }
    }
    for Endpoint { method, path } in docket::rest::auth::endpoints().into_iter().filter(|it| it.method == "GET") {
        for query in ["", "?token=%00", "?token=a&token=b", "?callbackURL=%00&token=x", "?error=%F0%9F%98%80", "?%"] {
            let answer = Answer::of(app.request(method, &format!("{path}{query}"))).await;
            assert!(answer.status.as_u16() < 500, "{path}{query}: {answer:?}");
        }
    }
}

/// Keeps what is logged.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Kept {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn the_log_tells_what_happened_and_no_secret() {
    ask_always();
    let kept = Kept::default();
    let subscriber =
        tracing_subscriber::fmt().json().with_max_level(tracing::Level::TRACE).with_writer(kept.clone()).finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let sink = Sink::start().await;
    let settings = [("DOCKET_ENV", "staging"), ("RATE_LIMIT", "on"), ("SMTP_URL", sink.url.as_str())];
    let app = App::spawn_with(&settings).await;
    let ann = app.person("ann").await;
    let task = app.rest_task(&ann, json!({ "title": "a title of mine", "description": "a description of mine" })).await;
    assert!(task["id"].is_number());
    app.graphql(&ann, "query Mine { tasks { totalCount } }", json!({})).await.expect(200);
    sign_in(&app, &ann, "a-wrong-password").await;
    post(
        &app,
        &ann.session,
        "/change-password",
        json!({ "currentPassword": PASSWORD, "newPassword": "another-horse-2" }),
    )
    .await;
    let evil = app.request("GET", "/api/nobody/tasks").bearer_auth(&ann.token).header("user-agent", "a\u{9}b");
    assert_eq!(Answer::of(evil).await.status, 403);
    Answer::of(app.request("GET", "/api/nobody/tasks").bearer_auth("a.broken.token")).await;
    for _ in 0..4 {
        sign_in(&app, &ann, "a-wrong-password").await;
    }
    let new = json!({ "newEmail": "new@example.com" });
    post(&app, &ann.session, "/change-email", new).await.expect(200);
    let link = format!("/api/auth/verify-email?token={}", sink.to("new@example.com").await.token());
    Answer::of(app.request("GET", &link)).await.expect(200);
    post(&app, &ann.session, "/revoke-sessions", json!({})).await.expect(200);
    tokio::time::sleep(Duration::from_millis(30)).await;

    let log = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
    for (event, level) in [
        ("key_created", "INFO"),
        ("sign_up", "INFO"),
        ("sign_in_failed", "WARN"),
        ("password_changed", "INFO"),
        ("email_changed", "INFO"),
        ("access_denied", "WARN"),
        ("token_refused", "WARN"),
        ("limit_hit", "WARN"),
        ("session_revoked", "INFO"),
    ] {
        let line = log.lines().find(|it| it.contains(&format!("\"event\":\"{event}\"")));
        let line = line.unwrap_or_else(|| panic!("{event} is not in the log"));
        assert!(line.contains(&format!("\"level\":\"{level}\"")), "{line}");
    }
    assert!(log.contains(&ann.id) && log.contains("\"address\":\"127.0.0.1\""));
    assert!(
        log.contains("\"route\":\"/api/{user_id}/tasks\"")
            && log.contains("\"operation\":\"query Mine\"")
            && log.lines().all(|it| serde_json::from_str::<Value>(it).is_ok())
    );
    // Libraries may log what they are given at their lowest levels; ours may not.
    let ours: String = log
        .lines()
        .filter(|it| {
            it.contains("\"target\":\"docket")
                || it.contains("\"target\":\"security\"")
                || it.contains("\"target\":\"sql\"")
        })
        .collect();
    for secret in [
        ann.email.as_str(),
        "new@example.com",
        PASSWORD,
        "another-horse-2",
        "a-wrong-password",
        SECRET,
        ann.session.as_str(),
        ann.token.as_str(),
        "a title of mine",
        "a description of mine",
        "a.broken.token",
        "$argon2id$",
    ] {
        assert!(!ours.contains(secret), "the log holds {secret}");
    }
}
