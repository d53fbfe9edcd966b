//! Clients of the family of original back-ends, by the shapes in which they speak: what each sends and reads.
//! See docs/contracts/legacy-rest.md#accounts.

use docket::rest::{compat, paths};
use serde_json::{Value, json};

use crate::{
    support::{Answer, App, PASSWORD, Person, Process, command, text},
    tokens::{hs256, in_seconds},
};

/// How a client sends the fields of a form.
#[derive(Clone, Copy, Debug)]
enum Form {
    Json,
    Encoded,
    Parts,
}

async fn send(app: &App, path: &str, form: Form, fields: &[(&str, &str)]) -> Answer {
    let request = app.request("POST", path);
    Answer::of(match form {
        Form::Json => request.json(&fields.iter().copied().collect::<std::collections::BTreeMap<_, _>>()),
        Form::Encoded => {
            let body: String = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
            request.header("content-type", "application/x-www-form-urlencoded").body(body)
        }
        Form::Parts => {
            let part = |(name, value): &(&str, &str)| {
                format!("--x1\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
            };
            let file = "--x1\r\ncontent-disposition: form-data; name=\"email\"; filename=\"a\"\r\n\r\nno\r\n";
            let body: String = fields.iter().map(part).collect();
            request.header("content-type", "multipart/form-data; boundary=x1").body(format!("{body}{file}--x1--\r\n"))
        }
    })
    .await
}

/// Whether a token is good for the tasks of its user.
async fn is_live(app: &App, token: &str) -> bool {
    Answer::of(app.request("GET", "/api/tasks").bearer_auth(token)).await.status == 200
}

#[tokio::test]
async fn clients_sign_up_and_in_and_out_by_the_names_and_forms_of_the_family() {
    let app = App::spawn().await;
    for (number, (prefix, up, into, out, form, names)) in [
        ("/api/auth", "register", "login", "logout", Form::Json, ["email", "email", "name"]),
        ("/api/auth", "signup", "signin", "signout", Form::Json, ["email", "email", "full_name"]),
        ("/api/auth", "sign-up", "sign-in/", "logout/", Form::Json, ["email", "email", "username"]),
        ("/api/v1/auth", "register", "login", "logout", Form::Encoded, ["email", "username", "name"]),
        ("/auth", "register/", "login", "logout", Form::Encoded, ["username", "username", "name"]),
        ("/auth", "signup", "signin", "signout", Form::Parts, ["email", "username", "name"]),
    ]
    .into_iter()
    .enumerate()
    {
        let [up_email, in_email, name] = names;
        let email = format!("ann{number}@example.com");
        let fields = [(up_email, email.as_str()), ("password", PASSWORD), (name, "Ann")];
        let up = send(&app, &format!("{prefix}/{up}"), form, &fields).await;
        let signed_up = up.expect(201);
        let fields = [(in_email, email.as_str()), ("password", PASSWORD), ("grant_type", "password")];
        let signed_in = send(&app, &format!("{prefix}/{into}"), form, &fields).await.expect(200);
        assert!(up.cookies().is_empty(), "{up:?}");
        for answer in [&signed_up, &signed_in] {
            assert_eq!(answer["token_type"], "bearer");
            assert_eq!(answer["access_token"], answer["token"]);
            assert_eq!((&answer["user"]["email"], &answer["user"]["name"]), (&json!(email), &json!("Ann")));
        }
        let (token, id) = (text(&signed_in["access_token"]), text(&signed_in["user"]["id"]));
        assert_eq!(signed_up["user"]["id"], json!(id));
        for path in ["me", "session"] {
            let me = Answer::of(app.request("GET", &format!("{prefix}/{path}")).bearer_auth(&token)).await.expect(200);
            assert_eq!((&me["id"], &me["email"], &me["name"]), (&json!(id), &json!(email), &json!("Ann")), "{path}");
            assert_eq!(me["user"]["id"], json!(id), "{path}");
        }
        let made = app.request("POST", &format!("/api/{id}/tasks")).bearer_auth(&token).json(&json!({ "title": "a" }));
        assert_eq!(Answer::of(made).await.expect(201)["user_id"], json!(id));
        Answer::of(app.request("POST", &format!("{prefix}/{out}")).bearer_auth(&token)).await.expect(200);
        assert!(!is_live(&app, &token).await, "{prefix}/{out} does not end the session");
        assert!(is_live(&app, &text(&signed_up["token"])).await, "{prefix}/{out} ends another session");
    }
}

#[tokio::test]
async fn a_sign_out_that_ends_nothing_does_not_say_that_it_did() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let credentials = json!({ "email": ann.email, "password": PASSWORD });
    let signed_in = Answer::of(app.request("POST", "/api/auth/sign-in/email").json(&credentials)).await;
    let cookie = signed_in.cookies()[0].split(';').next().unwrap().to_owned();
    for (name, value) in [
        ("cookie", cookie),
        ("authorization", ann.session.clone()),
        ("authorization", format!("Token {}", ann.session)),
        ("authorization", format!("Bearer {}", ann.token)),
    ] {
        let answer = Answer::of(app.request("POST", "/auth/logout").header(name, &value)).await;
        assert!(answer.expect(401)["detail"].is_string(), "{name}: {value}");
    }
    Answer::of(app.request("POST", "/auth/logout")).await.expect(200);
    for _ in 0..2 {
        Answer::of(app.request("POST", "/auth/logout").bearer_auth(&ann.session)).await.expect(200);
        assert!(!is_live(&app, &ann.session).await);
    }
}

#[tokio::test]
async fn an_address_that_was_not_filled_in_is_not_there() {
    let app = App::spawn().await;
    for (number, form) in [Form::Json, Form::Encoded, Form::Parts].into_iter().enumerate() {
        let email = format!("ann{number}@example.com");
        for (path, empty) in [("/api/auth/register", ""), ("/api/auth/login", " ")] {
            let fields = [("email", empty), ("username", email.as_str()), ("password", PASSWORD)];
            let answer = send(&app, path, form, &fields).await;
            assert!(answer.status.is_success(), "{path} {form:?}: {answer:?}");
            assert_eq!(answer.json()["user"]["email"], json!(email), "{form:?}");
            let fields = [("email", empty), ("username", empty), ("password", PASSWORD)];
            let problem = send(&app, path, form, &fields).await.expect(422)["detail"][0].clone();
            assert_eq!((&problem["type"], &problem["loc"]), (&json!("missing"), &json!(["body", "email"])), "{form:?}");
        }
    }
    let null = json!({ "email": null, "username": "ann0@example.com", "password": PASSWORD });
    Answer::of(app.request("POST", "/api/auth/login").json(&null)).await.expect(200);
    let both = json!({ "email": "ann0@example.com", "username": "", "password": PASSWORD });
    Answer::of(app.request("POST", "/api/auth/login").json(&both)).await.expect(200);
}

#[tokio::test]
async fn an_account_is_the_same_at_both_kinds_of_routes() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let login = [("username", "ANN@example.com"), ("password", PASSWORD)];
    let signed_in = send(&app, "/api/auth/login", Form::Encoded, &login).await.expect(200);
    assert_eq!(signed_in["user"]["id"], json!(ann.id));
    let token = text(&signed_in["access_token"]);
    let session = Answer::of(app.request("GET", "/api/auth/get-session").bearer_auth(&token)).await.expect(200);
    assert_eq!(session["user"]["id"], json!(ann.id));
    let change = json!({ "currentPassword": PASSWORD, "newPassword": "another-horse-1" });
    let changed = app.request("POST", "/api/auth/change-password").bearer_auth(&ann.session).json(&change);
    Answer::of(changed).await.expect(200);
    assert!(!is_live(&app, &token).await, "a new password does not end the token");
    let bob = [("email", "bob@example.com"), ("password", PASSWORD)];
    let made = send(&app, "/auth/register", Form::Json, &bob).await.expect(201);
    assert_eq!(made["user"]["name"], "bob");
    app.auth("/sign-in/email", json!({ "email": "bob@example.com", "password": PASSWORD })).await.expect(200);
}

#[tokio::test]
async fn errors_of_accounts_have_the_statuses_and_bodies_that_clients_show() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let wrong = json!({ "detail": "Incorrect email or password" });
    for (email, password) in [(ann.email.as_str(), "wrong-horse-1"), ("nobody@example.com", PASSWORD), ("ann", "x")] {
        let answer = send(&app, "/api/auth/login", Form::Json, &[("email", email), ("password", password)]).await;
        assert_eq!(answer.expect(401), wrong, "{email}");
        assert_eq!(answer.header("www-authenticate"), "Bearer");
    }
    let taken = send(&app, "/api/auth/signup", Form::Json, &[("email", &ann.email), ("password", PASSWORD)]).await;
    assert_eq!(taken.expect(400), json!({ "detail": "Email already registered" }));
    for (body, kind, loc) in [
        (json!({ "email": "new@example.com" }), "missing", json!(["body", "password"])),
        (json!({ "password": PASSWORD }), "missing", json!(["body", "email"])),
        (json!({ "email": "new@example.com", "password": 7 }), "string_type", json!(["body", "password"])),
        (json!({ "email": "new", "password": PASSWORD }), "value_error", json!(["body", "email"])),
        (json!({ "email": "new@example.com", "password": "short" }), "string_too_short", json!(["body", "password"])),
        (
            json!({ "email": "new@example.com", "password": "x".repeat(129) }),
            "string_too_long",
            json!(["body", "password"]),
        ),
        (
            json!({ "email": "new@example.com", "password": PASSWORD, "name": "x".repeat(256) }),
            "string_too_long",
            json!(["body", "name"]),
        ),
        (
            json!({ "email": "new@example.com", "password": PASSWORD, "name": "a\0" }),
            "value_error",
            json!(["body", "name"]),
        ),
        (json!([]), "model_attributes_type", json!(["body"])),
    ] {
        let answer = Answer::of(app.request("POST", "/auth/sign-up").json(&body)).await.expect(422);
        let fault = &answer["detail"][0];
        assert_eq!((&fault["type"], &fault["loc"]), (&json!(kind), &loc), "{body}");
        assert!(!answer.to_string().contains(PASSWORD), "{answer}");
    }
    let answer = Answer::of(app.request("POST", "/auth/login")).await.expect(422);
    assert_eq!(answer["detail"][0]["type"], "missing");
    for path in ["/api/auth/me", "/api/v1/auth/session", "/auth/me/"] {
        let nobody = Answer::of(app.request("GET", path)).await;
        assert_eq!(nobody.expect(401), json!({ "detail": "Not authenticated" }), "{path}");
        let broken = Answer::of(app.request("GET", path).bearer_auth("a".repeat(32))).await;
        assert_eq!(broken.expect(401), json!({ "detail": "Invalid or expired token" }), "{path}");
    }
}

#[tokio::test]
async fn a_body_that_says_two_things_or_half_of_one_is_refused() {
    let app = App::spawn().await;
    app.person("ann").await;
    let form = "application/x-www-form-urlencoded";
    let parts = "multipart/form-data; boundary=x1";
    let part =
        |name: &str, value: &str| format!("--x1\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}");
    let email = part("email", "ann@example.com");
    let password = part("password", PASSWORD);
    for (media_type, body, loc) in [
        (form, format!("email=ann@example.com&email=b@example.com&password={PASSWORD}"), json!(["body", "email"])),
        (form, format!("email=ann@example.com&password=x&password={PASSWORD}"), json!(["body", "password"])),
        (
            form,
            format!("email=ann@example.com&username=bob@example.com&password={PASSWORD}"),
            json!(["body", "username"]),
        ),
        (parts, format!("{email}\r\n{email}\r\n{password}\r\n--x1--\r\n"), json!(["body", "email"])),
        (parts, format!("{email}\r\n{password}\r\n"), json!(["body"])),
        (parts, format!("{email}\r\n{password}"), json!(["body"])),
        (parts, email.clone(), json!(["body"])),
        (parts, "--x1\r\nContent-Disp".to_owned(), json!(["body"])),
        ("multipart/form-data", format!("{email}\r\n{password}\r\n--x1--\r\n"), json!(["body"])),
        (
            "application/json",
            format!(r#"{{"email":"ann@example.com","email":"b@example.com","password":"{PASSWORD}"}}"#),
            json!(["body", "email"]),
        ),
        (
            "application/json",
            format!(r#"{{"email":"ann@example.com","username":"bob@example.com","password":"{PASSWORD}"}}"#),
            json!(["body", "username"]),
        ),
        ("", format!("email=ann@example.com&password={PASSWORD}"), json!(["body", 0])),
        ("text/plain", format!("email=ann@example.com&password={PASSWORD}"), json!(["body"])),
    ] {
        for path in ["/api/auth/login", "/auth/register"] {
            let request = app.request("POST", path).header("content-type", media_type).body(body.clone());
            let refused = Answer::of(request).await.expect(422);
            assert_eq!(refused["detail"][0]["loc"], loc, "{path} {media_type} {body}");
        }
    }
    let names = json!({ "email": "c@example.com", "password": PASSWORD, "name": "C", "full_name": "D" });
    let refused = Answer::of(app.request("POST", "/auth/register").json(&names)).await.expect(422);
    assert_eq!(refused["detail"][0]["loc"], json!(["body", "full_name"]));
    let json = format!(r#"{{"email":"ann@example.com","username":"ANN@example.com","password":"{PASSWORD}"}}"#);
    let whole = format!("{email}\r\n{password}\r\n--x1--");
    let boxes = format!("username=ann@example.com&password={PASSWORD}&scope=a&scope=b");
    for (media_type, body) in [("", json), (parts, whole), (form, boxes)] {
        let request = app.request("POST", "/api/auth/login").header("content-type", media_type).body(body);
        Answer::of(request).await.expect(200);
    }
    let bob = app.person("bob").await;
    let task = app.rest_task(&bob, json!({ "title": "a" })).await["id"].clone();
    let path = format!("/api/{}/tasks/{task}/complete", bob.id);
    let twice = app.request("PATCH", &path).bearer_auth(&bob.token).header("content-type", "application/json");
    let refused = Answer::of(twice.body(r#"{"completed":true,"completed":false}"#)).await.expect(422);
    assert_eq!(refused["detail"][0]["loc"], json!(["body", "completed"]));
}

#[tokio::test]
async fn a_second_name_of_a_route_gives_no_second_try() {
    let app = App::spawn_with(&[("RATE_LIMIT", "on")]).await;
    let login = [("email", "ann@example.com"), ("password", PASSWORD)];
    for path in ["/api/auth/login", "/auth/sign-in", "/api/v1/auth/signin/"] {
        assert_eq!(send(&app, path, Form::Json, &login).await.status, 401, "{path}");
    }
    let body = json!({ "email": "ann@example.com", "password": PASSWORD });
    assert_eq!(app.auth("/sign-in/email", body).await.status, 429);
    for path in paths::served("/api/auth/login") {
        let refused = send(&app, &path, Form::Json, &login).await;
        assert_eq!(refused.expect(429), json!({ "detail": "Too many requests, try again later" }), "{path}");
        assert!((1..=10).contains(&refused.header("retry-after").parse::<u32>().unwrap()), "{refused:?}");
    }
    for path in paths::served("/api/auth/register").iter().take(3) {
        assert_eq!(send(&app, path, Form::Json, &[("email", "ann")]).await.status, 422, "{path}");
    }
    for path in paths::served("/api/auth/register") {
        assert_eq!(send(&app, &path, Form::Json, &login).await.status, 429, "{path}");
    }
}

#[tokio::test]
async fn a_token_lasts_as_long_as_the_setting_says() {
    for (settings, days) in [(&[][..], 7), (&[("REST_TOKEN_DAYS", "30")][..], 30)] {
        let app = App::spawn_with(settings).await;
        let ann = [("email", "ann@example.com"), ("password", PASSWORD)];
        send(&app, "/auth/register", Form::Json, &ann).await.expect(201);
        let token = text(&send(&app, "/auth/login", Form::Json, &ann).await.expect(200)["token"]);
        let session = Answer::of(app.request("GET", "/api/auth/get-session").bearer_auth(&token)).await.expect(200);
        let end: chrono::DateTime<chrono::Utc> = text(&session["session"]["expiresAt"]).parse().unwrap();
        assert_eq!((end - chrono::Utc::now() + chrono::Duration::minutes(1)).num_days(), days);
    }
}

#[tokio::test]
async fn every_account_route_is_served_under_all_its_paths_and_does_nothing_for_a_cookie() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let signed_in = app.auth("/sign-in/email", json!({ "email": ann.email, "password": PASSWORD })).await;
    let cookie = signed_in.cookies()[0].split(';').next().unwrap().to_owned();
    let token = text(&signed_in.json()["token"]);
    for endpoint in compat::endpoints() {
        for path in paths::served(&endpoint.path) {
            let foreign = app.request(endpoint.method, &path).header("origin", "https://evil.example");
            let answer = Answer::of(foreign.header("cookie", &cookie).json(&Value::Null)).await;
            let expected = match endpoint.path.rsplit('/').next().unwrap() {
                "register" | "login" => 422,
                // A cookie ends nothing there, which is said.
                "logout" => 401,
                _ => 200,
            };
            assert_eq!(answer.status, expected, "{} {path}: {answer:?}", endpoint.method);
            assert!(answer.cookies().is_empty() && answer.header("access-control-allow-origin").is_empty(), "{path}");
            assert!(is_live(&app, &token).await, "{path} ends the session of a cookie");
            let other = if endpoint.method == "GET" { "POST" } else { "GET" };
            let refused = Answer::of(app.request(other, &path)).await;
            assert_eq!(refused.expect(405), json!({ "detail": "Method Not Allowed" }), "{other} {path}");
        }
    }
}

#[tokio::test]
async fn tasks_are_the_same_under_every_path_of_the_family() {
    let app = App::spawn_with(&[("REST_ROOT", "on")]).await;
    let ann = app.person("ann").await;
    let call = async |method: &str, path: &str, body: Option<Value>| {
        let request = app.request(method, path).bearer_auth(&ann.token);
        Answer::of(if let Some(body) = body { request.json(&body) } else { request }).await
    };
    let id = &ann.id;
    for base in [
        format!("/api/{id}/tasks"),
        "/api/tasks".to_owned(),
        format!("/api/v1/{id}/tasks"),
        "/api/v1/tasks".to_owned(),
        format!("/api/users/{id}/tasks"),
        format!("/api/v1/users/{id}/todos"),
        "/api/todos".to_owned(),
        "/api/v1/todos".to_owned(),
        "/todos".to_owned(),
        "/tasks".to_owned(),
    ] {
        let task = call("POST", &base, Some(json!({ "title": base }))).await.expect(201);
        let one = format!("{base}/{}", task["id"]);
        assert_eq!((&task["user_id"], &task["title"]), (&json!(id), &json!(base)));
        assert_eq!(call("GET", &format!("{base}/"), None).await.expect(200), json!([task]), "{base}");
        assert_eq!(call("GET", &one, None).await.expect(200), task, "{base}");
        for (method, path, body, expected) in [
            ("PATCH", "complete", None, true),
            ("POST", "complete", None, false),
            ("PATCH", "toggle/", None, true),
            ("POST", "toggle", Some(json!({})), false),
            ("PATCH", "toggle-status", Some(Value::Null), true),
            ("POST", "toggle-status", Some(json!({ "completed": null })), false),
            ("PATCH", "status", Some(json!({ "status": "Completed" })), true),
            ("PATCH", "status", Some(json!({ "status": "done", "completed": null })), true),
            ("POST", "status", Some(json!({ "status": "todo" })), false),
            ("PATCH", "status", Some(json!({ "status": "in_progress", "completed": false })), false),
            ("PATCH", "status", Some(json!({ "completed": true })), true),
            ("PATCH", "complete?completed=true", None, true),
            ("PATCH", "complete?completed=false", None, false),
            ("POST", "toggle?completed=false", Some(json!({ "status": "pending" })), false),
            ("PATCH", "complete", Some(json!({ "is_completed": true, "done": null })), true),
            ("PATCH", "complete", Some(json!({ "isCompleted": false })), false),
            ("PATCH", "complete", Some(json!({ "done": true, "complete": true })), true),
            ("PATCH", "toggle?is_completed=false&_t=1", None, false),
            ("PATCH", "toggle?complete=true", None, true),
            ("PATCH", "toggle?status=Pending&completed=false", None, false),
        ] {
            let toggled = call(method, &format!("{one}/{path}"), body).await.expect(200);
            assert_eq!(toggled["completed"], expected, "{method} {one}/{path}");
        }
        for (path, body, loc) in [
            ("status", Some(json!({ "status": "archived" })), json!(["body", "status"])),
            ("status", Some(json!({ "status": "done", "completed": false })), json!(["body", "status"])),
            ("complete?completed=true", Some(json!({ "completed": false })), json!(["body", "completed"])),
            ("complete?completed=perhaps", None, json!(["query", "completed"])),
            ("complete?completd=true", None, json!(["query", "completd"])),
            ("complete?status=archived", None, json!(["query", "status"])),
            ("complete?status=done&is_completed=false", None, json!(["query", "status"])),
            ("complete", Some(json!({ "completd": true })), json!(["body", "completd"])),
            ("complete", Some(json!({ "completed": true, "title": "c" })), json!(["body", "title"])),
            ("complete", Some(json!({ "done": true, "isCompleted": false })), json!(["body", "done"])),
        ] {
            let refused = call("PATCH", &format!("{one}/{path}"), body).await.expect(422);
            assert_eq!(refused["detail"][0]["loc"], loc, "{path}");
        }
        assert_eq!(call("GET", &one, None).await.expect(200)["completed"], false, "{base}");
        assert_eq!(call("PUT", &one, Some(json!({ "title": "b" }))).await.expect(200)["title"], "b", "{base}");
        assert_eq!(call("DELETE", &one, None).await.status, 204, "{base}");
    }
    let stats = call("GET", "/api/v1/stats", None).await.expect(200);
    assert_eq!(stats, json!({ "total": 0, "pending": 0, "completed": 0 }));
    assert_eq!(call("GET", "/api/v1/health", None).await.expect(200), json!({ "status": "healthy" }));
}

#[tokio::test]
async fn no_page_stays_blank_because_an_answer_has_no_body() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    for (method, path, status) in [
        ("GET", "/api/auth/nothing", 404),
        ("PUT", "/api/auth/sign-in/email", 404),
        ("GET", "/api/v1/auth/nothing", 404),
        ("GET", "/auth", 404),
        ("GET", "/auth/nothing", 404),
        ("GET", "/api", 404),
        ("GET", "/api/v1", 404),
        ("GET", "/api/v1/nothing", 404),
        ("GET", "/api/auth/login", 405),
        ("DELETE", "/auth/me", 405),
        ("PUT", "/api/v1/tasks", 405),
    ] {
        let answer = Answer::of(app.request(method, path).bearer_auth(&ann.token)).await.expect(status);
        let detail = if status == 404 { "Not Found" } else { "Method Not Allowed" };
        assert_eq!(answer, json!({ "detail": detail }), "{method} {path}");
    }
    for path in ["/api/auth/login", "/api/v1/auth/signin", "/auth/register", "/api/v1/tasks", "/api/todos"] {
        let large = json!({ "email": "a", "title": "x".repeat(5 << 20) });
        let large = app.request("POST", path).bearer_auth(&ann.token).json(&large);
        assert!(Answer::of(large).await.expect(413)["detail"].is_string(), "{path}");
        let compressed = app.request("POST", path).bearer_auth(&ann.token).header("content-encoding", "gzip");
        let compressed = compressed.header("content-type", "application/json").body("{}");
        assert!(Answer::of(compressed).await.expect(415)["detail"].is_string(), "{path}");
    }
    let root = Answer::of(app.request("GET", "/")).await.expect(200);
    assert_eq!(root, json!({ "name": "Docket", "status": "healthy", "docs": "/docs" }));
}

#[tokio::test]
async fn a_picture_does_not_stop_a_sign_up() {
    let app = App::spawn().await;
    let picture = |length: usize| format!("data:image/png;base64,{}", "A".repeat(length));
    for (number, path) in ["/api/auth/sign-up/email", "/api/auth/register", "/auth/signup/"].into_iter().enumerate() {
        for (name, length, is_kept) in [("small", 1000, true), ("large", 500_000, false), ("photo", 3_000_000, false)] {
            let email = format!("{name}{number}@example.com");
            let body = json!({ "name": "Ann", "email": email, "password": PASSWORD, "image": picture(length) });
            let made = Answer::of(app.request("POST", path).json(&body)).await;
            assert!(made.status.is_success(), "{path} {name}: {made:?}");
            let expected = if is_kept { json!(picture(length)) } else { Value::Null };
            assert_eq!(made.json()["user"]["image"], expected, "{path} {name}");
        }
    }
    let large = json!({ "email": "x@example.com", "password": PASSWORD, "image": picture(500_000) });
    assert_eq!(app.auth("/sign-in/email", large).await.status, 413);
}

#[tokio::test]
async fn values_are_read_as_clients_of_the_family_send_them() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let tagged = json!({ "title": "a", "tags": ["home"], "completed": true });
    let tagged = app.rest_task(&ann, tagged).await["id"].to_string();
    for (field, value, read) in [
        ("priority", json!("High"), json!("high")),
        ("priority", json!("URGENT"), json!("urgent")),
        ("tags", Value::Null, json!([])),
        ("completed", Value::Null, json!(false)),
        ("due_date", json!(1_893_456_000), json!("2030-01-01T00:00:00Z")),
        ("due_date", json!(1_893_456_000_500_i64), json!("2030-01-01T00:00:00.500Z")),
        ("due_date", json!("2030-01-01T10:00:00"), json!("2030-01-01T10:00:00Z")),
        ("due_date", json!(""), Value::Null),
    ] {
        let made = app.rest_task(&ann, json!({ "title": "a", field: value })).await;
        match (made[field].as_str(), read.as_str()) {
            (Some(one), Some(other)) if field == "due_date" => {
                let instant = |text: &str| text.parse::<chrono::DateTime<chrono::Utc>>().unwrap();
                assert_eq!(instant(one), instant(other), "{field}: {value}");
            }
            _ => assert_eq!(made[field], read, "{field}: {value}"),
        }
        assert!(made.get("status").is_none(), "{made}");
    }
    let nothing = json!({ "tags": null, "completed": null, "status": "todo" });
    let kept = app.rest(&ann, "PUT", &format!("/{tagged}"), Some(nothing)).await.expect(200);
    assert_eq!((&kept["tags"], &kept["completed"]), (&json!(["home"]), &json!(true)));
    for (field, value) in [("title", Value::Null), ("priority", Value::Null), ("due_date", json!(true))] {
        app.rest(&ann, "PUT", &format!("/{tagged}"), Some(json!({ field: value }))).await.expect(422);
    }
    let far = app.rest(&ann, "PUT", &format!("/{tagged}"), Some(json!({ "due_date": 1e300 }))).await.expect(422);
    assert_eq!(far["detail"][0]["loc"], json!(["body", "due_date"]));
}

#[tokio::test]
async fn a_task_has_a_status_where_front_ends_read_one() {
    let app = App::spawn_with(&[("REST_STATUS", "on")]).await;
    let ann = app.person("ann").await;
    let open = app.rest_task(&ann, json!({ "title": "a" })).await;
    assert_eq!((&open["status"], &open["completed"]), (&json!("pending"), &json!(false)));
    let done = app.rest_task(&ann, json!({ "title": "b", "status": "Done" })).await;
    assert_eq!((&done["status"], &done["completed"]), (&json!("completed"), &json!(true)));
    assert_eq!(app.rest(&ann, "GET", "", None).await.expect(200), json!([done, open]));
    let one = format!("/{}", done["id"]);
    let opened = app.rest(&ann, "PUT", &one, Some(json!({ "status": "pending", "title": "c" }))).await.expect(200);
    assert_eq!((&opened["status"], &opened["completed"]), (&json!("pending"), &json!(false)));
    assert_eq!(app.rest(&ann, "GET", &one, None).await.expect(200), opened);
    let refused = app.rest(&ann, "PUT", &one, Some(json!({ "status": "archived" }))).await.expect(422);
    assert_eq!(refused["detail"][0]["loc"], json!(["body", "status"]));
    let app = App::spawn_with(&[("REST_STATUS", "on"), ("REST_CASE", "camel")]).await;
    let both = app.rest_task(&app.person("ann").await, json!({ "title": "a" })).await;
    assert_eq!((&both["status"], both.get("createdAt").is_some()), (&json!("pending"), true));
}

#[tokio::test]
async fn statistics_and_tags_are_those_of_the_users_tasks() {
    let app = App::spawn().await;
    let (ann, bob) = (app.person("ann").await, app.person("bob").await);
    let of = async |path: &str| Answer::of(app.request("GET", path).bearer_auth(&ann.token)).await.expect(200);
    let none = json!({ "low": 0, "medium": 0, "high": 0, "urgent": 0 });
    let empty = json!({ "total": 0, "completed": 0, "pending": 0, "overdue": 0, "by_priority": none });
    assert_eq!((of("/api/statistics").await, of("/api/tags").await), (empty, json!([])));
    for (person, body) in [
        (&ann, json!({ "title": "a", "priority": "urgent", "due_date": "2020-01-01", "tags": ["Work", "home"] })),
        (&ann, json!({ "title": "b", "priority": "urgent", "completed": true, "due_date": "2020-01-01" })),
        (&ann, json!({ "title": "c", "priority": "low", "due_date": "2999-01-01", "tags": ["work"] })),
        (&bob, json!({ "title": "d", "tags": ["secret"] })),
    ] {
        app.rest_task(person, body).await;
    }
    let gone = app.rest_task(&ann, json!({ "title": "e", "tags": ["gone"] })).await;
    assert_eq!(app.rest(&ann, "DELETE", &format!("/{}", gone["id"]), None).await.status, 204);
    let by_priority = json!({ "low": 1, "medium": 0, "high": 0, "urgent": 2 });
    let counted = json!({ "total": 3, "completed": 1, "pending": 2, "overdue": 1, "by_priority": by_priority });
    for prefix in ["/api", "/api/v1", &format!("/api/{}", ann.id), &format!("/api/v1/users/{}", ann.id)] {
        assert_eq!(of(&format!("{prefix}/statistics")).await, counted, "{prefix}");
        assert_eq!(of(&format!("{prefix}/tags/")).await, json!(["home", "Work"]), "{prefix}");
    }
    let refused = app.request("GET", "/api/tags?status=all").bearer_auth(&ann.token);
    assert_eq!(Answer::of(refused).await.expect(422)["detail"][0]["type"], "extra_forbidden");
}

#[tokio::test]
async fn two_front_ends_share_a_docket_by_the_shapes_that_they_accept() {
    let app = App::spawn_with(&[("REST_LIST", "envelope")]).await;
    let ann = app.person("ann").await;
    let task = app.rest_task(&ann, json!({ "title": "a" })).await;
    let path = format!("/api/tasks/{}", task["id"]);
    let ask = async |method: &str, path: &str, accept: &str| {
        Answer::of(app.request(method, path).bearer_auth(&ann.token).header("accept", accept)).await
    };
    let envelope = ask("GET", "/api/tasks", "application/json").await;
    assert_eq!(envelope.expect(200)["tasks"], json!([task]));
    let array = ask("GET", "/api/tasks", "application/json; list=array; case=camel").await;
    assert_eq!(array.expect(200)[0]["createdAt"], task["created_at"]);
    assert_ne!(array.header("etag"), envelope.header("etag"));
    for answer in [&array, &envelope] {
        let vary: Vec<_> = answer.headers.get_all("vary").iter().map(|it| it.to_str().unwrap()).collect();
        assert!(vary.contains(&"accept"), "{vary:?}");
        assert_eq!(answer.header("content-type"), "application/json");
    }
    // A tag of one shape says nothing about another.
    let known =
        app.request("GET", "/api/tasks").bearer_auth(&ann.token).header("if-none-match", envelope.header("etag"));
    assert_eq!(Answer::of(known.header("accept", "application/json;list=array")).await.status, 200);
    let done = app.request("PUT", &path).bearer_auth(&ann.token).header("accept", "application/json;status=on");
    assert_eq!(Answer::of(done.json(&json!({ "status": "done" }))).await.expect(200)["status"], "completed");
    assert_eq!(ask("GET", &path, "*/*").await.expect(200).get("status"), None);
    for wrong in ["application/json;case=kebab", "application/json;list=array, */*;list=envelope"] {
        let refused = ask("DELETE", &path, wrong).await.expect(422);
        assert_eq!(refused["detail"][0]["loc"], json!(["header", "Accept"]), "{wrong}");
    }
    assert_eq!(ask("DELETE", &path, "application/json;delete=json").await.expect(200)["deleted"], true);
}

#[tokio::test]
async fn a_token_of_a_few_days_is_not_extended_by_use() {
    let app = App::spawn_with(&[("REST_TOKEN_DAYS", "3")]).await;
    let ann = app.person("ann").await;
    let login = json!({ "email": ann.email, "password": PASSWORD });
    let answer = Answer::of(app.request("POST", "/api/auth/login").json(&login)).await.expect(200);
    let token = text(&answer["access_token"]);
    let of = async |path: &str| Answer::of(app.request("GET", path).bearer_auth(&token)).await.expect(200);
    let first = of("/api/auth/get-session").await["session"]["expiresAt"].clone();
    of("/api/auth/token").await;
    of("/api/auth/me").await;
    assert_eq!(of("/api/auth/get-session").await["session"]["expiresAt"], first);
    let left = chrono::DateTime::parse_from_rfc3339(first.as_str().unwrap()).unwrap().to_utc() - chrono::Utc::now();
    assert!((2..=3).contains(&left.num_days()), "{left}");
    // One that is not remembered, and has less, is extended as Better Auth does it.
    let body = json!({ "email": ann.email, "password": PASSWORD, "rememberMe": false });
    let token = text(&app.auth("/sign-in/email", body).await.expect(200)["token"]);
    let session = Answer::of(app.request("GET", "/api/auth/get-session").bearer_auth(&token)).await.expect(200);
    let ends_at = chrono::DateTime::parse_from_rfc3339(session["session"]["expiresAt"].as_str().unwrap()).unwrap();
    assert!((ends_at.to_utc() - chrono::Utc::now()).num_days() >= 6, "{session}");
}

#[tokio::test]
async fn a_kind_of_front_ends_is_served_by_one_setting() {
    let app = App::spawn_with(&[("DOCKET_LEGACY", "fastapi-envelope"), ("REST_STATUS", "off")]).await;
    let ann = app.person("ann").await;
    let body = json!({ "title": "a", "category": "work", "description": "x".repeat(5000) });
    let task = Answer::of(app.request("POST", "/todos").bearer_auth(&ann.token).json(&body)).await.expect(201);
    assert_eq!((&task["category"], task.get("status")), (&json!("work"), None));
    let list = Answer::of(app.request("GET", "/tasks").bearer_auth(&ann.token)).await.expect(200);
    assert_eq!((&list["total"], &list["tasks"]), (&json!(1), &json!([task])));
    assert_eq!(app.rest(&ann, "DELETE", &format!("/{}", task["id"]), None).await.expect(200)["deleted"], true);
}

/// A request that a setting would help, and what the log says then.
async fn ask_for_more(app: &App, base: &str, ann: &Person, setting: &str) -> u16 {
    let token = |claims: Value| {
        let mut claims = claims;
        claims["exp"] = in_seconds(60).into();
        hs256(&claims)
    };
    let own = token(json!({ "sub": ann.id }));
    let of = |method: &str, path: &str| app.http.request(method.parse().unwrap(), format!("{base}{path}"));
    let task = |body: Value| of("POST", "/api/tasks").bearer_auth(&own).json(&body);
    let shape =
        |word: &str| of("GET", "/api/tasks").bearer_auth(&own).header("accept", format!("application/json;{word}"));
    let foreign = "eyJhbGciOiJFZERTQSIsImtpZCI6IngifQ.eyJzdWIiOiJhIn0.AA";
    let request = match setting {
        "REST_ROOT=on" => of("GET", "/todos"),
        "DESCRIPTION_LENGTH=5000" => task(json!({ "title": "a", "description": "x".repeat(1001) })),
        "status word: REST_STATUS=on" => of("GET", "/api/tasks?status=done").bearer_auth(&own),
        "status field: REST_STATUS=on" => task(json!({ "title": "a", "status": "done" })),
        "REST_UNKNOWN_FIELDS=keep" => task(json!({ "title": "a", "category": "x" })),
        "camel: REST_CASE=camel" => task(json!({ "title": "a", "isCompleted": true })),
        "REST_DELETE=json" => shape("delete=none"),
        "REST_LIST=envelope" => shape("list=tree"),
        "REST_CASE=camel" => shape("case=kebab"),
        "REST_STATUS=on" => shape("status=done"),
        "CORS_ORIGINS, BETTER_AUTH_URL" => of("POST", "/api/auth/sign-in/email")
            .header("origin", "https://front.example")
            .json(&json!({ "email": "ann@example.com", "password": PASSWORD })),
        "JWKS_URL" => of("GET", "/api/tasks").bearer_auth(foreign),
        "JWT_USER_CLAIM, JWT_COOKIE_CACHE=on" => {
            of("GET", "/api/tasks").bearer_auth(token(json!({ "sub": "a", "id": "b" })))
        }
        "JWT_ISSUER, JWT_AUDIENCE" => {
            of("GET", "/api/tasks").bearer_auth(token(json!({ "sub": ann.id, "iss": "https://other.example" })))
        }
        "EMAIL_VERIFICATION=off" => {
            of("POST", "/api/auth/login").json(&json!({ "email": ann.email, "password": PASSWORD }))
        }
        "PASSWORD_CHECK=off" => {
            of("POST", "/auth/register").json(&json!({ "email": "new@example.com", "password": "password123" }))
        }
        other => panic!("{other}"),
    };
    Answer::of(request).await.status.as_u16()
}

/// What is asked for, and the status of the answer.
const UNSERVED: [(&str, u16); 16] = [
    ("REST_ROOT=on", 404),
    ("DESCRIPTION_LENGTH=5000", 422),
    ("status word: REST_STATUS=on", 422),
    ("status field: REST_STATUS=on", 201),
    ("REST_UNKNOWN_FIELDS=keep", 201),
    ("camel: REST_CASE=camel", 201),
    ("REST_DELETE=json", 422),
    ("REST_LIST=envelope", 422),
    ("REST_CASE=camel", 422),
    ("REST_STATUS=on", 422),
    ("CORS_ORIGINS, BETTER_AUTH_URL", 403),
    ("JWKS_URL", 401),
    ("JWT_ISSUER, JWT_AUDIENCE", 401),
    ("JWT_USER_CLAIM, JWT_COOKIE_CACHE=on", 401),
    ("EMAIL_VERIFICATION=off", 403),
    ("PASSWORD_CHECK=off", 422),
];

#[tokio::test]
async fn development_logs_the_setting_that_would_have_helped() {
    let named: Vec<_> = UNSERVED.iter().map(|(it, _)| it.split(": ").last().unwrap()).collect();
    let table: Vec<_> = docket::rest::HELPFUL_SETTINGS.iter().map(|it| it.1).collect();
    assert_eq!(named, table);
    let guide = std::fs::read_to_string("docs/rest.md").unwrap();
    assert!(table.iter().all(|it| guide.contains(&format!("`{it}`"))), "docs/rest.md does not name all of {table:?}");
    let other = App::spawn().await;
    let ann = other.person("ann").await;
    for (environment, is_named) in [("development", true), ("staging", false)] {
        for (setting, status) in UNSERVED {
            let is_account = ["EMAIL_VERIFICATION=off", "PASSWORD_CHECK=off"].contains(&setting);
            // Only where a check was asked for is there something to refuse.
            if is_account && !is_named {
                continue;
            }
            let log = tempfile::NamedTempFile::new().unwrap();
            let mut settings = vec![("DOCKET_ENV", environment), ("RUST_LOG", "info"), ("DOCKET_DRAIN_SECONDS", "0")];
            match setting {
                "EMAIL_VERIFICATION=off" => settings.push(("EMAIL_VERIFICATION", "on")),
                "PASSWORD_CHECK=off" => settings.push(("PASSWORD_CHECK", "on")),
                "JWT_ISSUER, JWT_AUDIENCE" => settings.push(("JWT_ISSUER", "https://issuer.example")),
                _ => {}
            }
            let process = Process::start_with(&other.database_url, &settings, log.reopen().unwrap()).await;
            assert_eq!(ask_for_more(&other, &process.base, &ann, setting).await, status, "{environment}, {setting}");
            process.stop().await;
            let said = std::fs::read_to_string(log.path()).unwrap();
            let setting = setting.split(": ").last().unwrap();
            assert_eq!(said.contains(&format!("setting={setting}")), is_named, "{environment}, {setting}: {said}");
        }
    }
    let (_, doctor) = command(&other.database_url, &["doctor"], &[]);
    assert!(doctor.contains("its line of the log has setting="), "{doctor}");
}
