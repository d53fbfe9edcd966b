//! Mailed links: real mail, received by a server that the test starts. Each link does one thing, once, for one person.

use std::fs;

use serde_json::{Value, json};
use sha2::Digest;

use crate::{
    sink::Sink,
    support::{Answer, App, PASSWORD, Person, Process, at_once, statements::Statements, text},
};

async fn mailing(settings: &[(&str, &str)]) -> (App, Sink) {
    let sink = Sink::start().await;
    let mut all = vec![("SMTP_URL", sink.url.as_str()), ("MAIL_FROM", "Docket <docket@app.example>")];
    all.extend_from_slice(settings);
    (App::spawn_with(&all).await, sink)
}

async fn post(app: &App, person: Option<&Person>, path: &str, body: Value) -> Answer {
    let request = app.request("POST", &format!("/api/auth{path}")).json(&body);
    Answer::of(match person {
        Some(person) => request.bearer_auth(&person.session),
        None => request,
    })
    .await
}

async fn get(app: &App, person: Option<&Person>, path: &str) -> Answer {
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let request = client.get(format!("{}{path}", app.base));
    Answer::of(match person {
        Some(person) => request.bearer_auth(&person.session),
        None => request,
    })
    .await
}

async fn can_sign_in(app: &App, email: &str, password: &str) -> bool {
    app.auth("/sign-in/email", json!({ "email": email, "password": password })).await.status == 200
}

#[tokio::test]
async fn a_forgotten_password_is_set_anew_once() {
    let (app, sink) = mailing(&[]).await;
    let ann = app.person("ann").await;
    let ask = |email: &str| json!({ "email": email, "redirectTo": "/reset?x=1" });
    let known = post(&app, None, "/request-password-reset", ask(&ann.email)).await;
    let unknown = post(&app, None, "/request-password-reset", ask("nobody@example.com")).await;
    assert_eq!(known.expect(200), unknown.expect(200));

    let mail = sink.to(&ann.email).await;
    assert_eq!(mail.subject, "Set a new password");
    let followed = get(&app, None, &mail.path()).await;
    let location = format!("{}/reset?x=1&token={}", app.base, mail.token());
    assert_eq!((followed.status.as_u16(), followed.header("location")), (302, location.as_str()));
    let bad = get(&app, None, "/api/auth/reset-password/nope?callbackURL=%2Freset").await;
    assert_eq!(bad.header("location"), format!("{}/reset?error=INVALID_TOKEN", app.base));
    let foreign =
        get(&app, None, &format!("/api/auth/reset-password/{}?callbackURL=https%3A%2F%2Fevil.example", mail.token()))
            .await;
    assert_eq!((foreign.status.as_u16(), foreign.code()), (403, "INVALID_CALLBACK_URL".into()));

    let short = post(&app, None, "/reset-password", json!({ "newPassword": "short", "token": mail.token() })).await;
    assert_eq!(short.code(), "PASSWORD_TOO_SHORT");
    let attempts = at_once(8, |number| {
        let body = json!({ "newPassword": format!("another-horse-{number}"), "token": mail.token() });
        post(&app, None, "/reset-password", body)
    })
    .await;
    assert_eq!(attempts.iter().filter(|it| it.status == 200).count(), 1, "{attempts:?}");
    for refused in attempts.iter().filter(|it| it.status != 200) {
        assert_eq!((refused.status.as_u16(), refused.code()), (400, "INVALID_TOKEN".into()));
    }
    let winner = attempts.iter().position(|it| it.status == 200).unwrap();
    assert!(can_sign_in(&app, &ann.email, &format!("another-horse-{winner}")).await);
    assert!(!can_sign_in(&app, &ann.email, PASSWORD).await);
    assert_eq!(sink.count(), 1);
}

#[tokio::test]
async fn a_link_that_is_too_old_does_nothing() {
    let (app, sink) = mailing(&[]).await;
    let ann = app.person("ann").await;
    post(&app, None, "/request-password-reset", json!({ "email": ann.email })).await.expect(200);
    let token = sink.to(&ann.email).await.token();
    app.sql("update verification set \"expiresAt\" = '2020-01-01T00:00:00.000Z'").await;
    let late = post(&app, None, "/reset-password", json!({ "newPassword": "another-horse-1", "token": token })).await;
    assert_eq!(late.code(), "INVALID_TOKEN");
    assert!(can_sign_in(&app, &ann.email, PASSWORD).await);
}

#[tokio::test]
async fn two_links_at_once_give_a_user_without_a_password_one_and_one_who_is_gone_none() {
    let app = App::spawn_with(&[("PASSWORD_RESET_SESSIONS", "keep")]).await;
    let ann = app.person("ann").await;
    let link = |token: String| {
        let columns = "id, identifier, value, \"expiresAt\", \"createdAt\", \"updatedAt\"";
        let (later, now) = ("2100-01-01T00:00:00.000Z", "2026-01-01T00:00:00.000Z");
        let row = format!("'{token}', 'reset-password:{token}', '{}', '{later}', '{now}', '{now}'", ann.id);
        format!("insert into verification ({columns}) values ({row})")
    };
    let app = &app;
    let reset = |token: String| async move {
        post(app, None, "/reset-password", json!({ "newPassword": "another-horse-1", "token": token })).await
    };
    for round in 0..10 {
        app.sql("delete from account").await;
        for number in 0..4 {
            app.sql(&link(format!("{round}-{number}"))).await;
        }
        let answers = at_once(4, |number| reset(format!("{round}-{number}"))).await;
        // The first that is used ends the others.
        assert_eq!(answers.iter().filter(|it| it.status == 200).count(), 1, "{answers:?}");
        assert_eq!(app.sql_text("select cast(count(*) as text) from account").await, "1", "{round}");
    }
    app.sql(&link("late".into())).await;
    post(app, Some(&ann), "/delete-user", json!({ "password": "another-horse-1" })).await.expect(200);
    let late = reset("late".into()).await;
    assert_eq!((late.status.as_u16(), late.code()), (400, "INVALID_TOKEN".into()));
}

#[tokio::test]
async fn nobody_fills_a_mailbox_from_wherever_they_ask() {
    let settings = [("RATE_LIMIT", "on"), ("TRUSTED_PROXIES", "127.0.0.1"), ("EMAIL_VERIFICATION", "on")];
    let (app, sink) = mailing(&settings).await;
    let body = json!({ "name": "Ann", "email": "ann@example.com", "password": PASSWORD });
    app.auth("/sign-up/email", body).await.expect(200);
    let ways = [
        ("/request-password-reset", json!({ "email": "ann@example.com" })),
        ("/send-verification-email", json!({ "email": "ANN@example.com" })),
    ];
    for number in 0..20 {
        let (path, body) = &ways[number % 2];
        let request = app.request("POST", &format!("/api/auth{path}"));
        let from = request.header("x-forwarded-for", format!("198.51.100.{number}"));
        Answer::of(from.json(body)).await.expect(200);
    }
    app.auth("/sign-up/email", json!({ "name": "Bob", "email": "bob@example.com", "password": PASSWORD })).await;
    // What was mailed before is there when this is.
    sink.to("bob@example.com").await;
    assert_eq!(sink.count(), 10 + 1);
}

#[tokio::test]
async fn an_address_is_verified_and_changed_by_links() {
    let (app, sink) = mailing(&[("CHANGE_EMAIL_CONFIRMATION", "off")]).await;
    let (ann, bob) = (app.person("ann").await, app.person("bob").await);
    post(&app, Some(&ann), "/send-verification-email", json!({ "email": ann.email, "callbackURL": "/hi" }))
        .await
        .expect(200);
    let mail = sink.to(&ann.email).await;
    let foreign = get(&app, Some(&bob), &format!("/api/auth/verify-email?token={}", mail.token())).await;
    assert_eq!((foreign.status.as_u16(), foreign.code()), (401, "INVALID_USER".into()));
    let followed = get(&app, None, &mail.path()).await;
    assert_eq!((followed.status.as_u16(), followed.header("location")), (302, "/hi"));
    let session = get(&app, Some(&ann), "/api/auth/get-session").await.expect(200);
    assert_eq!(session["user"]["emailVerified"], true);
    let again = post(&app, Some(&ann), "/send-verification-email", json!({ "email": ann.email })).await;
    assert_eq!(again.code(), "EMAIL_ALREADY_VERIFIED");

    let taken = post(&app, Some(&ann), "/change-email", json!({ "newEmail": bob.email })).await;
    assert_eq!(taken.expect(200), json!({ "status": true }));
    let same = post(&app, Some(&ann), "/change-email", json!({ "newEmail": ann.email.to_uppercase() })).await;
    assert_eq!(same.expect(400), json!({ "message": "Email is the same" }));
    post(&app, Some(&ann), "/change-email", json!({ "newEmail": "new@example.com" })).await.expect(200);
    let mail = sink.to("new@example.com").await;
    let changed = get(&app, None, &format!("/api/auth/verify-email?token={}", mail.token())).await.expect(200);
    assert_eq!(changed["user"]["email"], "new@example.com");
    let twice = get(&app, None, &format!("/api/auth/verify-email?token={}", mail.token())).await;
    assert_eq!((twice.status.as_u16(), twice.code()), (401, "INVALID_TOKEN".into()));
    assert!(can_sign_in(&app, "new@example.com", PASSWORD).await && !can_sign_in(&app, &ann.email, PASSWORD).await);
    let told = sink.with(&ann.email, "Your address was changed").await;
    assert!(told.url.starts_with(&app.base), "{told:?}");
    assert_eq!(sink.count(), 3);
}

/// A route, and the body that it takes.
type Way = (&'static str, fn() -> Value);

/// What a user does to keep others out.
const WAYS_OUT: [Way; 5] = [
    ("/change-password", || json!({ "currentPassword": PASSWORD, "newPassword": "another-horse-1" })),
    ("/reset-password", || json!({ "newPassword": "another-horse-1" })),
    ("/revoke-sessions", || json!({})),
    ("/revoke-other-sessions", || json!({})),
    ("/delete-user", || json!({ "password": PASSWORD })),
];

/// A link of that user's to set a password.
async fn reset_token(app: &App, sink: &Sink, person: &Person) -> String {
    let before = sink.count_with(&person.email, RESET);
    post(app, None, "/request-password-reset", json!({ "email": person.email })).await.expect(200);
    sink.next_with(&person.email, RESET, before).await.token()
}

/// The subject of mail with a link to set a password.
const RESET: &str = "Set a new password";

/// The same user in a session of their own.
async fn at_home(app: &App, person: &Person) -> Person {
    let signed_in = app.auth("/sign-in/email", json!({ "email": person.email, "password": PASSWORD })).await;
    Person { session: text(&signed_in.expect(200)["token"]), ..person.clone() }
}

/// Does it, with a link of its own where it takes one.
async fn keep_others_out(app: &App, sink: &Sink, home: &Person, (path, body): Way) {
    let mut body = body();
    if path == "/reset-password" {
        body["token"] = json!(reset_token(app, sink, home).await);
    }
    post(app, Some(home), path, body).await.expect(200);
}

#[tokio::test]
async fn a_link_that_changes_the_address_ends_with_what_it_was_asked_for_with() {
    let (app, sink) = mailing(&[]).await;
    let follow = async |token: &str| get(&app, None, &format!("/api/auth/verify-email?token={token}")).await;
    let sign_out: Way = ("/sign-out", || json!({}));
    for (number, way) in WAYS_OUT.into_iter().chain([sign_out]).enumerate() {
        let thief = app.person(&format!("ann{number}")).await;
        let new = format!("thief{number}@example.com");
        post(&app, Some(&thief), "/change-email", json!({ "newEmail": new })).await.expect(200);
        let link = sink.to(&new).await.token();
        let home = if way.0 == "/sign-out" { thief.clone() } else { at_home(&app, &thief).await };
        keep_others_out(&app, &sink, &home, way).await;
        let followed = follow(&link).await;
        assert_eq!((followed.status.as_u16(), followed.code()), (401, "INVALID_TOKEN".into()), "{}", way.0);
        assert!(!can_sign_in(&app, &new, PASSWORD).await && !can_sign_in(&app, &new, "another-horse-1").await);
    }
    // Nor does it hold when the address is another one already, and who does nothing of that gets the new one.
    let ann = app.person("ann").await;
    let mut links = Vec::new();
    for new in ["one@example.com", "two@example.com"] {
        post(&app, Some(&ann), "/change-email", json!({ "newEmail": new })).await.expect(200);
        links.push(sink.to(new).await.token());
    }
    assert_eq!(follow(&links[0]).await.expect(200)["user"]["email"], "one@example.com");
    assert_eq!(follow(&links[1]).await.code(), "INVALID_TOKEN");
}

#[tokio::test]
async fn a_link_that_changes_the_address_and_names_no_session_does_nothing() {
    let (app, sink) = mailing(&[]).await;
    let ann = app.person("ann").await;
    post(&app, Some(&ann), "/change-email", json!({ "newEmail": "new@example.com" })).await.expect(200);
    let link = sink.to("new@example.com").await.token();
    let mut key = sha2::Sha256::new();
    key.update("docket link\0");
    key.update(crate::support::SECRET);
    let key = key.finalize();
    let decoding = jsonwebtoken::DecodingKey::from_secret(&key);
    let claims = jsonwebtoken::decode::<Value>(&link, &decoding, &Default::default()).unwrap().claims;
    for (claim, expected) in [("sessionId", 401), ("state", 401), ("iat", 200)] {
        let mut without = claims.clone();
        without.as_object_mut().unwrap().remove(claim);
        if claim == "iat" {
            without["iat"] = json!(0);
        }
        let encoding = jsonwebtoken::EncodingKey::from_secret(&key);
        let token = jsonwebtoken::encode(&Default::default(), &without, &encoding).unwrap();
        let followed = get(&app, None, &format!("/api/auth/verify-email?token={token}")).await;
        assert_eq!(followed.status.as_u16(), expected, "{claim}: {followed:?}");
    }
}

#[tokio::test]
async fn a_verified_address_is_asked_before_it_is_changed() {
    let (app, sink) = mailing(&[]).await;
    let (ann, bob) = (app.person("ann").await, app.person("bob").await);
    app.sql("update \"user\" set \"emailVerified\" = true").await;
    let ask = async |new: &str| {
        let body = json!({ "newEmail": new, "callbackURL": "/done" });
        let before = sink.count();
        assert_eq!(post(&app, Some(&ann), "/change-email", body).await.expect(200), json!({ "status": true }));
        let asked = sink.after(before).await;
        assert_eq!(
            (asked.to.as_str(), asked.subject.as_str()),
            (ann.email.as_str(), "Confirm that you want another address")
        );
        asked
    };
    // Whether an address is taken is not told.
    let taken = ask(&bob.email).await;
    assert_eq!(get(&app, None, &taken.path()).await.header("location"), "/done");
    let asked = ask("new@example.com").await;
    let thief = at_home(&app, &ann).await;
    assert_eq!(get(&app, Some(&bob), &asked.path()).await.header("location"), "/done?error=INVALID_USER");
    let confirmed = get(&app, Some(&thief), &asked.path()).await;
    assert_eq!((confirmed.status.as_u16(), confirmed.header("location")), (302, "/done"));
    assert!(!can_sign_in(&app, "new@example.com", PASSWORD).await, "the new address was not asked yet");
    let last = sink.to("new@example.com").await;
    assert_eq!(last.subject, "Confirm your new address");
    assert_eq!(get(&app, None, &last.path()).await.header("location"), "/done");
    assert!(can_sign_in(&app, "new@example.com", PASSWORD).await);
    // The question ends with the session, too.
    let ann = Person { email: "new@example.com".into(), ..ann };
    let body = json!({ "newEmail": "third@example.com" });
    let confirm = "Confirm that you want another address";
    post(&app, Some(&ann), "/change-email", body).await.expect(200);
    let asked = sink.with(&ann.email, confirm).await;
    post(&app, Some(&ann), "/sign-out", json!({})).await.expect(200);
    let late = get(&app, None, &format!("/api/auth/verify-email?token={}", asked.token())).await;
    assert_eq!(late.code(), "INVALID_TOKEN");
}

#[tokio::test]
async fn links_to_set_a_password_end_when_others_are_kept_out_and_when_the_address_changes() {
    let (app, sink) = mailing(&[]).await;
    let change: Way = ("/change-email", || Value::Null);
    for (number, way) in WAYS_OUT.into_iter().chain([change]).enumerate() {
        let ann = app.person(&format!("ann{number}")).await;
        let link = reset_token(&app, &sink, &ann).await;
        if way == change {
            post(&app, Some(&ann), way.0, json!({ "newEmail": "new@example.com" })).await.expect(200);
            get(&app, None, &sink.to("new@example.com").await.path()).await;
        } else {
            keep_others_out(&app, &sink, &ann, way).await;
        }
        let body = json!({ "newPassword": "thiefs-horse-1", "token": link });
        assert_eq!(post(&app, None, "/reset-password", body).await.code(), "INVALID_TOKEN", "{}", way.0);
        let followed = get(&app, None, &format!("/api/auth/reset-password/{link}?callbackURL=/reset")).await;
        assert!(followed.header("location").ends_with("?error=INVALID_TOKEN"), "{}", way.0);
    }
    // Those of somebody else stay.
    let (ann, bob) = (app.person("ann").await, app.person("bob").await);
    let link = reset_token(&app, &sink, &bob).await;
    post(&app, Some(&ann), "/revoke-sessions", json!({})).await.expect(200);
    post(&app, None, "/reset-password", json!({ "newPassword": "bobs-horse-2", "token": link })).await.expect(200);
}

#[tokio::test]
async fn a_password_that_is_set_by_a_link_ends_all_sessions_unless_that_is_turned_off() {
    for (settings, goes_on) in [(vec![], false), (vec![("PASSWORD_RESET_SESSIONS", "keep")], true)] {
        let (app, sink) = mailing(&settings).await;
        let (ann, bob) = (app.person("ann").await, app.person("bob").await);
        let body = json!({ "newPassword": "another-horse-1", "token": reset_token(&app, &sink, &ann).await });
        post(&app, None, "/reset-password", body).await.expect(200);
        for (person, goes_on) in [(&ann, goes_on), (&bob, true)] {
            let session = get(&app, Some(person), "/api/auth/get-session").await.expect(200);
            assert_eq!(session.is_object(), goes_on, "{settings:?}");
            let tasks = app.request("GET", &format!("/api/{}/tasks", person.id)).bearer_auth(&person.session);
            assert_eq!(Answer::of(tasks).await.status == 200, goes_on, "{settings:?}");
        }
    }
}

#[tokio::test]
async fn a_link_that_deletes_the_account_ends_with_the_password() {
    let (app, sink) = mailing(&[("DELETE_CONFIRMATION", "on")]).await;
    let ann = app.person("ann").await;
    post(&app, Some(&ann), "/delete-user", json!({})).await.expect(200);
    let mail = sink.to(&ann.email).await;
    keep_others_out(&app, &sink, &ann, WAYS_OUT[0]).await;
    let followed = get(&app, Some(&ann), &mail.path()).await;
    assert_eq!((followed.status.as_u16(), followed.code()), (404, "INVALID_TOKEN".into()));
    assert!(can_sign_in(&app, &ann.email, "another-horse-1").await);
}

/// What the database does for a request: the first word of each statement.
async fn work(statements: &Statements, request: impl Future<Output = Answer>) -> (u16, Vec<String>) {
    statements.take();
    let status = request.await.status.as_u16();
    let word = |it: &String| it.split_whitespace().next().unwrap_or_default().to_lowercase();
    (status, statements.take().iter().map(word).collect())
}

#[tokio::test]
async fn an_address_with_an_account_is_as_much_work_as_one_without() {
    let statements = Statements::listen();
    let settings = [("EMAIL_VERIFICATION", "on"), ("RATE_LIMIT", "on"), ("TRUSTED_PROXIES", "127.0.0.1")];
    let (app, _sink) = mailing(&settings).await;
    let from = |number: usize, path: &str, body: Value| {
        let request = app.request("POST", &format!("/api/auth{path}")).json(&body);
        Answer::of(request.header("x-forwarded-for", format!("198.51.100.{number}")))
    };
    let up = |email: &str| json!({ "name": "Ann", "email": email, "password": PASSWORD });
    let sign_in = |email: &str| json!({ "email": email, "password": "wrong-horse-1" });
    from(0, "/sign-up/email", up("known@example.com")).await.expect(200);
    let ways = ["/sign-up/email", "/sign-in/email", "/send-verification-email", "/request-password-reset"];
    for (number, path) in ways.into_iter().enumerate() {
        let body = |email: &str| match path {
            "/sign-up/email" => up(email),
            "/sign-in/email" => sign_in(email),
            _ => json!({ "email": email }),
        };
        // What is counted is not counted for the first time.
        let _ = from(1 + 4 * number, path, body("known@example.com")).await;
        let _ = from(2 + 4 * number, path, body(&format!("unknown{number}@example.com"))).await;
        if path == "/sign-up/email" {
            app.sql("delete from \"user\" where email like 'unknown%'").await;
        }
        let known = work(&statements, from(1 + 4 * number, path, body("known@example.com"))).await;
        let unknown =
            work(&statements, from(2 + 4 * number, path, body(&format!("unknown{number}@example.com")))).await;
        assert_eq!(known, unknown, "{path}");
        assert!(!known.1.is_empty(), "{path}: {known:?}");
    }
    // Who is signed in learns nothing of others either.
    app.sql("update \"user\" set \"emailVerified\" = true where email = 'known@example.com'").await;
    let signed_in = from(100, "/sign-in/email", json!({ "email": "known@example.com", "password": PASSWORD })).await;
    let session = text(&signed_in.expect(200)["token"]);
    app.sql("update \"user\" set \"emailVerified\" = false where email = 'known@example.com'").await;
    from(101, "/sign-up/email", up("taken@example.com")).await.expect(200);
    let change = |number: usize, new: &str| {
        let request = app.request("POST", "/api/auth/change-email").json(&json!({ "newEmail": new }));
        Answer::of(request.bearer_auth(&session).header("x-forwarded-for", format!("198.51.100.{number}")))
    };
    let taken = work(&statements, change(102, "taken@example.com")).await;
    assert_eq!(taken, work(&statements, change(103, "free@example.com")).await);
}

#[tokio::test]
async fn a_link_that_does_not_hold_leads_on_with_its_error() {
    let app = App::spawn_with(&[("BETTER_AUTH_URL", "https://docket.example")]).await;
    let own = "https://docket.example";
    for (path, location) in [
        ("verify-email?token=x&callbackURL=/a?b=c%23d", "/a?b=c&error=INVALID_TOKEN#d".to_owned()),
        ("verify-email?token=x&callbackURL=/a%23d", "/a?error=INVALID_TOKEN#d".to_owned()),
        ("reset-password/x?callbackURL=/a?b=c%23d", format!("{own}/a?b=c&error=INVALID_TOKEN#d")),
        ("reset-password/x?callbackURL=", format!("{own}/api/auth/error?error=INVALID_TOKEN")),
    ] {
        let answer = get(&app, None, &format!("/api/auth/{path}")).await;
        assert_eq!((answer.status.as_u16(), answer.header("location")), (302, location.as_str()), "{path}");
    }
}

#[tokio::test]
async fn a_mailed_token_opens_no_api_and_an_access_token_follows_no_link() {
    let (app, sink) = mailing(&[("JWT_ALG", "HS256")]).await;
    let ann = app.person("ann").await;
    post(&app, Some(&ann), "/send-verification-email", json!({ "email": ann.email })).await.expect(200);
    post(&app, Some(&ann), "/change-email", json!({ "newEmail": "new@example.com" })).await.expect(200);
    let (verify, change) = (sink.to(&ann.email).await, sink.to("new@example.com").await);
    post(&app, None, "/request-password-reset", json!({ "email": ann.email })).await.expect(200);
    for token in [verify.token(), change.token()] {
        let tasks = app.request("GET", &format!("/api/{}/tasks", ann.id)).bearer_auth(&token);
        assert_eq!(Answer::of(tasks).await.status, 401);
        assert_eq!(Answer::of(app.request("GET", "/api/auth/token").bearer_auth(&token)).await.status, 401);
    }
    let followed = get(&app, None, &format!("/api/auth/verify-email?token={}", ann.token)).await;
    assert_eq!((followed.status.as_u16(), followed.code()), (401, "INVALID_TOKEN".into()));
    // Not even one that the same secret signed.
    let claims = json!({ "email": ann.email, "userId": ann.id, "iat": 0, "exp": 4_000_000_000_u64 });
    let key = jsonwebtoken::EncodingKey::from_secret(crate::support::SECRET.as_bytes());
    let forged = jsonwebtoken::encode(&jsonwebtoken::Header::default(), &claims, &key).unwrap();
    assert_eq!(get(&app, None, &format!("/api/auth/verify-email?token={forged}")).await.code(), "INVALID_TOKEN");
}

#[tokio::test]
async fn where_addresses_must_be_verified_a_taken_one_looks_like_a_new_one() {
    let (app, sink) = mailing(&[("EMAIL_VERIFICATION", "on")]).await;
    let body = |name: &str| json!({ "name": name, "email": "ann@example.com", "password": PASSWORD });
    let shape = |answer: &Answer| {
        let mut body = answer.expect(200);
        for field in ["id", "createdAt", "updatedAt"] {
            body["user"][field] = json!("…");
        }
        assert_eq!(answer.cookies(), Vec::<&str>::new());
        body
    };
    let first = app.auth("/sign-up/email", body("Ann")).await;
    let mail = sink.to("ann@example.com").await;
    let second = app.auth("/sign-up/email", body("Ann")).await;
    assert_eq!((shape(&first), &first.json()["token"]), (shape(&second), &Value::Null));
    // At the same moment, too.
    for round in 0..5 {
        let email = format!("bob{round}@example.com");
        let body = || json!({ "name": "Ann", "email": email, "password": PASSWORD });
        let answers = at_once(3, |_| app.auth("/sign-up/email", body())).await;
        assert!(answers.iter().all(|it| shape(it)["user"]["name"] == "Ann"), "{answers:?}");
    }
    let early = app.auth("/sign-in/email", json!({ "email": "ann@example.com", "password": PASSWORD })).await;
    assert_eq!((early.status.as_u16(), early.code()), (403, "EMAIL_NOT_VERIFIED".into()));
    get(&app, None, &format!("/api/auth/verify-email?token={}", mail.token())).await.expect(200);
    assert!(can_sign_in(&app, "ann@example.com", PASSWORD).await);
}

#[tokio::test]
async fn an_account_is_deleted_by_its_own_link_where_that_is_asked_for() {
    let (app, sink) = mailing(&[("DELETE_CONFIRMATION", "on")]).await;
    let (ann, bob) = (app.person("ann").await, app.person("bob").await);
    let asked = post(&app, Some(&ann), "/delete-user", json!({ "callbackURL": "/bye" })).await;
    assert_eq!(asked.expect(200), json!({ "success": true, "message": "Verification email sent" }));
    let mail = sink.to(&ann.email).await;
    for (person, code) in [(None, "FAILED_TO_GET_USER_INFO"), (Some(&bob), "INVALID_TOKEN")] {
        let refused = get(&app, person, &mail.path()).await;
        assert_eq!((refused.status.as_u16(), refused.code()), (404, code.into()));
    }
    assert_eq!(post(&app, Some(&ann), "/delete-user", json!({ "token": "nope" })).await.code(), "INVALID_TOKEN");
    let gone = get(&app, Some(&ann), &mail.path()).await;
    assert_eq!((gone.status.as_u16(), gone.header("location"), gone.cookies().len()), (302, "/bye", 3));
    assert!(!can_sign_in(&app, &ann.email, PASSWORD).await && can_sign_in(&app, &bob.email, PASSWORD).await);
}

#[tokio::test]
async fn without_mail_what_needs_it_says_so() {
    let app = App::spawn_with(&[("DOCKET_ENV", "staging")]).await;
    let ann = app.person("ann").await;
    for (path, body, code) in [
        ("/request-password-reset", json!({ "email": ann.email }), "RESET_PASSWORD_DISABLED"),
        ("/send-verification-email", json!({ "email": ann.email }), "VERIFICATION_EMAIL_NOT_ENABLED"),
        ("/change-email", json!({ "newEmail": "new@example.com" }), "CHANGE_EMAIL_DISABLED"),
    ] {
        let answer = post(&app, Some(&ann), path, body).await;
        assert_eq!((answer.status.as_u16(), answer.code()), (400, code.into()), "{path}");
    }
}

#[tokio::test]
async fn a_mail_server_that_is_away_delays_nobody() {
    let app = App::spawn_with(&[("SMTP_URL", "smtp://127.0.0.1:1")]).await;
    let ann = app.person("ann").await;
    let answer = post(&app, None, "/request-password-reset", json!({ "email": ann.email })).await;
    assert_eq!(
        text(&answer.expect(200)["message"]),
        "If this email exists in our system, check your email for the reset link"
    );
}

#[tokio::test]
async fn mail_that_cannot_be_taken_now_is_sent_again_and_no_log_names_its_address() {
    let sink = Sink::answering(&["451 4.3.0 later", "250 2.1.5 taken", "550 5.1.1 unknown"]).await;
    let app = App::unstarted().await;
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let settings = [("SMTP_URL", sink.url.as_str()), ("EMAIL_VERIFICATION", "on"), ("RUST_LOG", "warn")];
    let process = Process::start_with(&app.database_url, &settings, fs::File::create(&log).unwrap()).await;
    for email in ["ann@example.com", "bob@example.com", "cem@example.com"] {
        let body = json!({ "name": "A", "email": email, "password": PASSWORD });
        let answer = Answer::of(app.http.post(format!("{}/api/auth/sign-up/email", process.base)).json(&body)).await;
        assert_eq!(answer.status, 200);
    }
    // Ann's is sent again, Bob is not known, and Cem's waits behind them until the process ends.
    process.stop().await;
    sink.to("ann@example.com").await;
    sink.to("cem@example.com").await;
    assert_eq!(sink.count(), 2);
    let log = fs::read_to_string(log).unwrap();
    assert!(log.contains("451") && log.contains("550") && !log.contains("@example.com"), "{log}");
}

#[tokio::test]
async fn a_page_that_tells_of_an_error_shows_no_foreign_markup() {
    let app = App::spawn().await;
    for (query, shown) in [("INVALID_TOKEN", "INVALID_TOKEN"), ("%3Cscript%3Ex", "UNKNOWN"), ("", "UNKNOWN")] {
        let page = get(&app, None, &format!("/api/auth/error?error={query}")).await;
        assert!(page.status == 200 && page.text.contains(&format!("<code>{shown}</code>")), "{page:?}");
        assert!(page.header("content-type").starts_with("text/html") && !page.text.contains("<script"), "{page:?}");
    }
}
