//! The auth routes, as Better Auth answers them. The real client is driven by `tests/clients`.

use serde_json::{Value, json};

use crate::support::{Answer, App, PASSWORD, at_once, text};

fn registration(email: &str) -> Value {
    json!({ "name": "Ann", "email": email, "password": PASSWORD })
}

#[tokio::test]
async fn signing_up_answers_the_token_the_user_and_the_cookie() {
    let app = App::spawn().await;
    let answer = app.auth("/sign-up/email", registration("Ann@Example.com")).await;
    let mut body = answer.expect(200);
    let token = text(&body["token"]);
    assert!(token.len() == 32 && token.chars().all(|it| it.is_ascii_alphanumeric()), "{token}");
    for date in ["createdAt", "updatedAt"] {
        let shown = text(&body["user"][date]);
        assert!(shown.len() == 24 && shown.ends_with('Z'), "{shown}");
        body["user"][date] = json!("…");
    }
    let id = body["user"]["id"].clone();
    let user = json!({
        "name": "Ann", "email": "ann@example.com", "emailVerified": false, "image": null,
        "createdAt": "…", "updatedAt": "…", "id": id,
    });
    assert_eq!(body, json!({ "token": token, "user": user }));
    let signed = answer.header("set-auth-token");
    assert!(signed.starts_with(&format!("{token}.")), "{signed}");
    let encoded = signed.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
    let attributes = "Max-Age=604800; Path=/; HttpOnly; SameSite=Lax";
    assert_eq!(answer.cookies(), [format!("better-auth.session_token={encoded}; {attributes}")]);
}

#[tokio::test]
async fn one_address_has_one_account_however_it_is_written_and_however_many_try() {
    let app = App::spawn().await;
    let answers = at_once(12, |number| {
        let email = if number % 2 == 0 { "ann@example.com" } else { "ANN@example.COM" };
        app.auth("/sign-up/email", registration(email))
    })
    .await;
    assert_eq!(answers.iter().filter(|it| it.status == 200).count(), 1, "{answers:?}");
    for refused in answers.iter().filter(|it| it.status != 200) {
        assert_eq!((refused.status.as_u16(), refused.code()), (422, "USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL".into()));
    }
}

#[tokio::test]
async fn the_body_of_a_sign_up_sets_nothing_it_should_not() {
    let app = App::spawn().await;
    let mut body = registration("ann@example.com");
    for (name, value) in [("id", json!("admin")), ("emailVerified", json!(true)), ("createdAt", json!("2000-01-01"))] {
        body[name] = value;
    }
    let user = app.auth("/sign-up/email", body).await.expect(200)["user"].clone();
    assert_eq!(user["emailVerified"], false);
    assert_ne!(user["id"], "admin");
    assert!(!text(&user["createdAt"]).starts_with("2000"));
}

#[tokio::test]
async fn unknown_addresses_and_wrong_passwords_get_the_same_answer() {
    let app = App::spawn().await;
    app.person("ann").await;
    let wrong = app.auth("/sign-in/email", json!({ "email": "ann@example.com", "password": "wrong-horse-1" })).await;
    let unknown = app.auth("/sign-in/email", json!({ "email": "bob@example.com", "password": PASSWORD })).await;
    let body = json!({ "message": "Invalid email or password", "code": "INVALID_EMAIL_OR_PASSWORD" });
    assert_eq!((wrong.expect(401), unknown.expect(401)), (body.clone(), body));
}

#[tokio::test]
async fn every_sign_in_is_a_new_session() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let login = json!({ "email": ann.email, "password": PASSWORD });
    let attackers = format!("better-auth.session_token={}", "x".repeat(32));
    let request = app
        .request("POST", "/api/auth/sign-in/email")
        .header("cookie", attackers)
        .header("origin", &app.base)
        .json(&login);
    let first = text(&Answer::of(request).await.expect(200)["token"]);
    let second = text(&app.auth("/sign-in/email", login).await.expect(200)["token"]);
    assert!(first != second && first != ann.session && first != "x".repeat(32));
}

#[tokio::test]
async fn a_sign_in_that_is_not_to_be_remembered_ends_with_the_browser() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let login = json!({ "email": ann.email, "password": PASSWORD, "rememberMe": false });
    let answer = app.auth("/sign-in/email", login).await;
    let cookies = answer.cookies();
    assert_eq!(cookies.len(), 2, "{cookies:?}");
    assert!(cookies.iter().all(|it| !it.contains("Max-Age")), "{cookies:?}");
    assert!(cookies[1].starts_with("better-auth.dont_remember=true."), "{cookies:?}");
}

#[tokio::test]
async fn a_callback_url_is_answered_only_if_it_leads_to_a_trusted_place() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let login = |url: &str| json!({ "email": ann.email, "password": PASSWORD, "callbackURL": url });
    let answer = app.auth("/sign-in/email", login("/tasks?x=1")).await;
    let body = answer.expect(200);
    assert_eq!((&body["redirect"], &body["url"]), (&json!(true), &json!("/tasks?x=1")));
    assert_eq!(answer.header("location"), "/tasks?x=1");
    for url in ["//evil.example", "/\\evil.example", "https://evil.example", "javascript:alert(1)"] {
        let refused = app.auth("/sign-in/email", login(url)).await;
        assert_eq!((refused.status.as_u16(), refused.code()), (403, "INVALID_CALLBACK_URL".into()), "{url}");
    }
}

#[tokio::test]
async fn get_session_shows_the_session_and_an_access_token() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let request = app.request("GET", "/api/auth/get-session").header("user-agent", "a browser");
    let answer = Answer::of(request.bearer_auth(&ann.session)).await;
    let body = answer.expect(200);
    assert_eq!(body["user"]["id"], json!(ann.id));
    assert_eq!(body["session"]["token"], json!(ann.session));
    assert_eq!(body["session"]["ipAddress"], "127.0.0.1");
    assert_eq!((answer.header("cache-control"), answer.header("pragma")), ("no-store", "no-cache"));
    assert_eq!(answer.header("set-auth-jwt").split('.').count(), 3);
    assert!(answer.header("access-control-expose-headers").contains("set-auth-jwt"));
    assert_eq!(answer.cookies(), Vec::<&str>::new());
}

#[tokio::test]
async fn a_dead_cookie_is_cleared_and_a_forged_one_is_not() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let login = app.auth("/sign-in/email", json!({ "email": ann.email, "password": PASSWORD })).await;
    let cookie = login.cookies()[0].split(';').next().unwrap().to_owned();
    let with = |cookie: &str, path: &str| Answer::of(app.request("GET", path).header("cookie", cookie));
    let forged = with(&cookie.replace("%3D", "%3d=").replace("token=", "token=x"), "/api/auth/get-session").await;
    assert_eq!((forged.expect(200), forged.cookies().len()), (Value::Null, 0));

    let out = app.request("POST", "/api/auth/sign-out").header("cookie", &cookie).header("origin", &app.base);
    let out = Answer::of(out).await;
    assert_eq!((out.expect(200), out.cookies().len()), (json!({ "success": true }), 3));

    let dead = with(&cookie, "/api/auth/get-session").await;
    assert_eq!((dead.expect(200), dead.cookies().len()), (Value::Null, 3));
    assert!(dead.cookies().iter().all(|it| it.contains("Max-Age=0")), "{dead:?}");
    let guarded = with(&cookie, "/api/auth/token").await;
    assert_eq!((guarded.status.as_u16(), guarded.code(), guarded.cookies().len()), (401, "UNAUTHORIZED".into(), 3));
}

#[tokio::test]
async fn a_session_is_extended_by_use_once_it_is_a_day_old() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let get = |path: &'static str| Answer::of(app.request("GET", path).bearer_auth(&ann.session));
    let age = |days: i64| {
        let instant =
            (chrono::Utc::now() + chrono::Duration::days(days)).to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
        format!("update \"session\" set \"expiresAt\" = '{instant}'")
    };
    app.sql(&age(5)).await;
    let kept = get("/api/auth/get-session?disableRefresh=true").await;
    assert_eq!((kept.status.as_u16(), kept.cookies().len()), (200, 0));
    let extended = get("/api/auth/get-session").await;
    assert_eq!((extended.status.as_u16(), extended.cookies().len()), (200, 1), "{extended:?}");
    assert!(extended.header("set-auth-token").starts_with(&ann.session));

    app.sql(&age(-1)).await;
    assert_eq!(get("/api/auth/get-session").await.expect(200), Value::Null);
    assert_eq!(app.sql_text("select cast(count(*) as text) from \"session\"").await, "0");
}

#[tokio::test]
async fn what_is_no_route_is_not_found() {
    let app = App::spawn().await;
    for (method, path) in [
        ("GET", ""),
        ("GET", "/"),
        ("GET", "/nope"),
        ("GET", "/ok/"),
        ("GET", "/sign-in/email"),
        ("DELETE", "/ok"),
        ("POST", "/jwks"),
        ("GET", "/.well-known/jwks.json"),
        ("POST", "/forget-password"),
    ] {
        let answer = Answer::of(app.request(method, &format!("/api/auth{path}"))).await;
        assert_eq!(answer.expect(404), json!({ "detail": "Not Found" }), "{method} {path}");
    }
    let deferred = Answer::of(app.request("POST", "/api/auth/get-session")).await;
    assert_eq!(deferred.code(), "METHOD_NOT_ALLOWED_DEFER_SESSION_REQUIRED");
    assert_eq!(Answer::of(app.request("HEAD", "/api/auth/ok")).await.status, 200);
}

#[tokio::test]
async fn bodies_are_refused_in_better_auths_order_and_words() {
    let app = App::spawn().await;
    let send = |media: &str, body: &str| {
        let request = app.request("POST", "/api/auth/sign-up/email").header("content-type", media);
        Answer::of(request.body(body.to_owned()))
    };
    for (media, body, status, code) in [
        ("text/plain", "{}", 415, "UNSUPPORTED_MEDIA_TYPE"),
        ("multipart/form-data", "--x", 415, "UNSUPPORTED_MEDIA_TYPE"),
        ("multipart/form-data", "", 400, "VALIDATION_ERROR"),
        ("application/json", "{", 400, "BAD_REQUEST"),
        ("application/json", "[]", 400, "VALIDATION_ERROR"),
        ("application/json", "{}", 400, "VALIDATION_ERROR"),
        ("application/json; charset=utf-8", "null", 400, "VALIDATION_ERROR"),
        ("application/x-www-form-urlencoded", "name=a", 400, "VALIDATION_ERROR"),
    ] {
        let answer = send(media, body).await;
        assert_eq!((answer.status.as_u16(), answer.code()), (status, code.into()), "{media} {body}");
    }
    let none = send("application/json", "{}").await.json();
    let expected = "[body.name] Invalid input: expected string, received undefined; \
        [body.email] Invalid input: expected string, received undefined; \
        [body.password] Invalid input: expected string, received undefined";
    assert_eq!(none["message"], expected);
    let form =
        send("application/x-www-form-urlencoded", "name=A&email=form%40example.com&password=correct-horse-1").await;
    assert_eq!(form.status, 200, "{form:?}");
}

#[tokio::test]
async fn fields_that_break_rules_are_refused_by_code() {
    let app = App::spawn().await;
    for (field, value, code) in [
        ("password", json!("seven77"), "PASSWORD_TOO_SHORT"),
        ("password", json!("x".repeat(129)), "PASSWORD_TOO_LONG"),
        ("password", json!(""), "VALIDATION_ERROR"),
        ("password", json!(null), "VALIDATION_ERROR"),
        ("email", json!("a@localhost"), "VALIDATION_ERROR"),
        ("email", json!("a b@example.com"), "VALIDATION_ERROR"),
        ("email", json!(format!("{}@example.com", "x".repeat(250))), "VALIDATION_ERROR"),
        ("name", json!("a\0b"), "VALIDATION_ERROR"),
        ("name", json!("x".repeat(256)), "VALIDATION_ERROR"),
        ("name", json!(7), "VALIDATION_ERROR"),
        ("image", json!({}), "VALIDATION_ERROR"),
        ("rememberMe", json!("yes"), "VALIDATION_ERROR"),
    ] {
        let mut body = registration("ann@example.com");
        body[field] = value.clone();
        let answer = app.auth("/sign-up/email", body).await;
        assert_eq!((answer.status.as_u16(), answer.code()), (400, code.into()), "{field}: {value}");
    }
    let bad = app.auth("/sign-in/email", json!({ "email": "bad", "password": PASSWORD })).await;
    assert_eq!((bad.status.as_u16(), bad.code()), (400, "INVALID_EMAIL".into()));
    let large = app.auth("/sign-in/email", json!({ "email": "x".repeat(70_000), "password": PASSWORD })).await;
    assert_eq!(large.status, 413);
}

#[tokio::test]
async fn what_may_be_absent_may_not_be_null_or_of_another_type() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let (login, change) = (json!({ "email": ann.email, "password": PASSWORD }), json!({ "currentPassword": PASSWORD }));
    for (path, fields, name, value, text) in [
        ("sign-in/email", &login, "rememberMe", json!(null), "expected boolean, received null"),
        ("sign-in/email", &login, "callbackURL", json!(0), "expected string, received number"),
        ("sign-up/email", &login, "image", json!(null), "expected string, received null"),
        ("change-password", &change, "revokeOtherSessions", json!(null), "expected boolean, received null"),
        ("request-password-reset", &login, "redirectTo", json!(null), "expected string, received null"),
        ("reset-password", &change, "token", json!(null), "expected string, received null"),
        ("delete-user", &json!({}), "callbackURL", json!(null), "expected string, received null"),
        ("sign-in/social", &json!({ "provider": "x" }), "callbackURL", json!(null), "expected string, received null"),
        ("sign-out", &json!({}), "state", json!(7), "expected string, received number"),
    ] {
        let mut body = json!({ "name": "Ann", "newPassword": "another-horse-1" });
        body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        body[name] = value;
        let request = app.request("POST", &format!("/api/auth/{path}")).bearer_auth(&ann.session).json(&body);
        let expected = json!({ "code": "VALIDATION_ERROR", "message": format!("[body.{name}] Invalid input: {text}") });
        assert_eq!(Answer::of(request).await.expect(400), expected, "{path}");
    }
    for (path, body, message) in [
        ("/sign-out", json!([]), "[body] Invalid input: expected object, received array"),
        ("/update-session", json!([]), "[body] Invalid input: expected record, received array"),
        ("/sign-in/email", json!({ "callbackURL": 7 }), "Invalid callbackURL: expected a string"),
        ("/request-password-reset", json!({ "redirectTo": {} }), "Invalid redirectURL: expected a string"),
    ] {
        assert_eq!(app.auth(path, body).await.expect(400)["message"], message, "{path}");
    }
}

#[tokio::test]
async fn passwords_that_are_tried_first_are_refused_where_that_is_asked_for() {
    let app = App::spawn_with(&[("PASSWORD_CHECK", "on")]).await;
    let ann = app.person("ann").await;
    let mut common = registration("bob@example.com");
    common["password"] = json!("password1");
    let change = json!({ "currentPassword": PASSWORD, "newPassword": "qwertyuiop" });
    let changed = app.request("POST", "/api/auth/change-password").bearer_auth(&ann.session).json(&change);
    for refused in [app.auth("/sign-up/email", common.clone()).await, Answer::of(changed).await] {
        assert_eq!((refused.status.as_u16(), refused.code()), (400, "PASSWORD_COMPROMISED".into()));
    }
    // A password is looked at only for somebody who may set it.
    let body = json!({ "newPassword": "qwertyuiop", "token": "nothing" });
    assert_eq!(app.auth("/reset-password", body).await.code(), "INVALID_TOKEN");
    let change = json!({ "currentPassword": "wrong-horse-1", "newPassword": "qwertyuiop" });
    let wrong = app.request("POST", "/api/auth/change-password").bearer_auth(&ann.session).json(&change);
    assert_eq!(Answer::of(wrong).await.code(), "INVALID_PASSWORD");
    let mut taken = common.clone();
    taken["email"] = json!(ann.email);
    assert_eq!(app.auth("/sign-up/email", taken).await.status, 422);
    let usual = App::spawn().await;
    usual.auth("/sign-up/email", common).await.expect(200);
}

#[tokio::test]
async fn in_a_flood_of_sign_ins_who_would_wait_too_long_is_told_to_come_back() {
    let app = App::spawn_with(&[("PASSWORD_WAIT_MS", "0")]).await;
    let ann = app.person("ann").await;
    let body = json!({ "email": ann.email, "password": PASSWORD });
    let answers = at_once(40, |_| app.auth("/sign-in/email", body.clone())).await;
    let (signed_in, refused): (Vec<_>, Vec<_>) = answers.iter().partition(|it| it.status == 200);
    assert!(!signed_in.is_empty() && !refused.is_empty(), "{answers:?}");
    for answer in refused {
        assert_eq!((answer.status.as_u16(), answer.header("retry-after")), (503, "1"), "{answer:?}");
    }
}

#[tokio::test]
async fn foreign_pages_cannot_sign_anybody_in() {
    let app = App::spawn().await;
    app.person("ann").await;
    let login = json!({ "email": "ann@example.com", "password": PASSWORD });
    for (headers, expected) in [
        (vec![("origin", "https://evil.example")], "INVALID_ORIGIN"),
        (vec![("origin", "null")], "MISSING_OR_NULL_ORIGIN"),
        (vec![("cookie", "a=b")], "MISSING_OR_NULL_ORIGIN"),
        (vec![("sec-fetch-mode", "cors")], "MISSING_OR_NULL_ORIGIN"),
        (vec![("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate")], "CROSS_SITE_NAVIGATION_LOGIN_BLOCKED"),
        (vec![("cookie", "a=b"), ("referer", "http://localhost:3000/login")], ""),
        (
            vec![
                ("cookie", "a=b"),
                ("origin", "http://localhost:3000"),
                ("sec-fetch-site", "cross-site"),
                ("sec-fetch-mode", "navigate"),
            ],
            "",
        ),
        (vec![("origin", "null"), ("sec-fetch-site", "same-origin")], ""),
    ] {
        let request = app.request("POST", "/api/auth/sign-in/email").json(&login);
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let answer = Answer::of(request).await;
        if expected.is_empty() {
            assert_eq!(answer.status, 200, "{headers:?}");
        } else {
            assert_eq!((answer.status.as_u16(), answer.code()), (403, expected.into()), "{headers:?}");
        }
    }
}

#[tokio::test]
async fn the_first_token_requests_of_all_make_one_key() {
    let app = App::spawn().await;
    let answers = at_once(16, |_| Answer::of(app.request("GET", "/api/auth/jwks"))).await;
    let first = answers[0].expect(200);
    assert_eq!(first["keys"].as_array().unwrap().len(), 1);
    assert!(answers.iter().all(|it| it.expect(200) == first));
    let key = &first["keys"][0];
    assert_eq!((&key["alg"], &key["crv"], &key["kty"]), (&json!("EdDSA"), &json!("Ed25519"), &json!("OKP")));
    assert!(key.get("d").is_none());
}

#[tokio::test]
async fn the_limiter_refuses_the_fourth_sign_in() {
    let app = App::spawn_with(&[("RATE_LIMIT", "on")]).await;
    let login = json!({ "email": "ann@example.com", "password": PASSWORD });
    for _ in 0..3 {
        assert_eq!(app.auth("/sign-in/email", login.clone()).await.status, 401);
    }
    let refused = app.auth("/sign-in/email", login).await;
    assert_eq!(refused.expect(429), json!({ "message": "Too many requests. Please try again later." }));
    let (one, other) = (refused.header("retry-after"), refused.header("x-retry-after"));
    assert!(one == other && (1..=10).contains(&one.parse::<u32>().unwrap()), "{refused:?}");
}

#[tokio::test]
async fn paths_that_a_client_makes_up_are_counted_together() {
    let app = App::spawn_with(&[("RATE_LIMIT", "on")]).await;
    for path in ["/nothing", "/reset-password"] {
        let ask = |number| Answer::of(app.request("GET", &format!("/api/auth{path}/{number}")));
        let answers = at_once(104, ask).await;
        assert_eq!(answers.iter().filter(|it| it.status == 429).count(), 4, "{path}");
    }
}

#[tokio::test]
async fn behind_https_cookies_are_secure() {
    let app = App::spawn_with(&[("BETTER_AUTH_URL", "https://docket.example")]).await;
    let answer = app.auth("/sign-up/email", registration("ann@example.com")).await;
    let cookies = answer.cookies();
    assert!(cookies[0].starts_with("__Secure-better-auth.session_token="), "{cookies:?}");
    assert!(cookies[0].ends_with("; HttpOnly; Secure; SameSite=Lax"), "{cookies:?}");
}

#[tokio::test]
async fn a_cookie_of_others_in_any_bytes_signs_nobody_out() {
    let app = App::spawn().await;
    app.person("ann").await;
    let signed_in = app.auth("/sign-in/email", json!({ "email": "ann@example.com", "password": PASSWORD })).await;
    let session = signed_in.cookies()[0].split(';').next().unwrap().to_owned();
    let (name, value) = session.split_once('=').unwrap();
    let task = json!({ "title": "mine" });
    let created = app.request("POST", "/api/tasks").header("cookie", &session).header("x-requested-with", "x");
    Answer::of(created.json(&task)).await.expect(201);
    let latin = b"y=Z\xfcrich".to_vec();
    let joined = |first: &[u8], second: &[u8]| vec![[first, b"; ", second].concat()];
    for cookies in [
        joined("y=Zürich".as_bytes(), session.as_bytes()),
        joined(session.as_bytes(), &latin),
        joined(b"y=1", format!("{name}=\"{value}\"").as_bytes()),
        vec![latin.clone(), session.clone().into_bytes()],
    ] {
        for (path, shown) in [
            ("/api/auth/get-session", "ann@example.com"),
            ("/api/tasks", "mine"),
            ("/graphql?query={me{email}}", "ann@"),
        ] {
            let request = cookies.iter().fold(app.request("GET", path), |request, cookie| {
                request.header("cookie", reqwest::header::HeaderValue::from_bytes(cookie).unwrap())
            });
            let answer = Answer::of(request).await;
            assert!(answer.status == 200 && answer.text.contains(shown), "{path} {cookies:?}: {answer:?}");
        }
    }
}

#[tokio::test]
async fn an_origin_that_cannot_be_read_is_not_one_that_is_absent() {
    let app = App::spawn_with(&[("CORS_ORIGINS", "https://app.example")]).await;
    app.person("ann").await;
    let signed_in = app.auth("/sign-in/email", json!({ "email": "ann@example.com", "password": PASSWORD })).await;
    let session = signed_in.cookies()[0].split(';').next().unwrap().to_owned();
    let unreadable = || reqwest::header::HeaderValue::from_bytes("https://Zürich.example".as_bytes()).unwrap();
    for path in ["/api/tasks", "/graphql", "/api/auth/update-user"] {
        let request = app.request("POST", path).header("cookie", &session).header("origin", unreadable());
        let request = request.header("referer", "https://app.example/page").header("x-requested-with", "x");
        let answer = Answer::of(request.json(&json!({ "title": "a", "name": "b", "query": "{__typename}" }))).await;
        assert_eq!(answer.status, 403, "{path}: {answer:?}");
    }
}
