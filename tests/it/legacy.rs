//! Variants of legacy clients: other paths, names and response shapes, and tokens of another issuer.
//! See docs/contracts/legacy-rest.md#query-aliases,
//! docs/contracts/legacy-rest.md#response-shapes and docs/contracts/legacy-rest.md#tokens.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU32, Ordering},
};

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use axum::{Json, Router, routing::get};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};

use crate::support::{Answer, App, Person, at_once, text};

async fn call(app: &App, person: &Person, (method, path): (&str, &str), body: Option<Value>) -> Answer {
    let request = app.request(method, path).bearer_auth(&person.token);
    Answer::of(match body {
        Some(body) => request.json(&body),
        None => request,
    })
    .await
}

fn titles(tasks: &Value) -> String {
    tasks.as_array().unwrap().iter().map(|it| text(&it["title"])).collect()
}

#[tokio::test]
async fn a_path_without_a_user_is_about_the_user_of_the_token() {
    let app = App::spawn().await;
    let (ann, bob) = (app.person("ann").await, app.person("bob").await);
    let task = call(&app, &ann, ("POST", "/api/tasks"), Some(json!({ "title": "a" }))).await.expect(201);
    assert_eq!(task["user_id"], json!(ann.id));
    let path = format!("/api/tasks/{}", task["id"]);
    for (method, path, body) in [
        ("GET", path.as_str(), None),
        ("PUT", path.as_str(), Some(json!({}))),
        ("PATCH", &format!("{path}/complete"), None),
        ("POST", &format!("{path}/toggle/"), None),
        ("GET", "/api/tasks/", None),
        ("GET", "/api/stats", None),
        ("GET", "/api/changes", None),
    ] {
        assert_eq!(call(&app, &ann, (method, path), body.clone()).await.status, 200, "{method} {path}");
        let nobody = Answer::of(app.request(method, path)).await;
        assert_eq!(nobody.status, 401, "{method} {path}");
        let others = call(&app, &bob, (method, path), body).await;
        assert!(others.status == 404 || !others.text.contains("\"a\""), "{method} {path}: {others:?}");
    }
    assert_eq!(call(&app, &ann, ("DELETE", &path), None).await.status, 204);
}

#[tokio::test]
async fn toggling_has_a_second_name_and_there_are_totals() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let id = app.rest_task(&ann, json!({ "title": "a" })).await["id"].clone();
    app.rest_task(&ann, json!({ "title": "b" })).await;
    for expected in [true, false, true] {
        let toggled = app.rest(&ann, "POST", &format!("/{id}/toggle"), None).await.expect(200);
        assert_eq!(toggled["completed"], expected);
    }
    let stats = call(&app, &ann, ("GET", &format!("/api/{}/stats", ann.id)), None).await.expect(200);
    assert_eq!(stats, json!({ "total": 2, "pending": 1, "completed": 1 }));
}

#[tokio::test]
async fn parameters_have_the_names_of_the_family() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    for (title, priority, due, tags) in [
        ("a", "low", "2030-01-01", json!(["x"])),
        ("b", "critical", "2030-01-02T12:00:00Z", json!(["y"])),
        ("c", "normal", "2020-01-01", json!([])),
    ] {
        let body =
            json!({ "title": title, "priority": priority, "dueDate": due, "tags": tags, "is_completed": title == "a" });
        let task = app.rest_task(&ann, body).await;
        assert!(text(&task["due_date"]).starts_with(&due[..10]), "{task}");
    }
    for (query, expected) in [
        ("status_filter=pending", "cb"),
        ("status=incomplete", "cb"),
        ("status=active", "cb"),
        ("completed=true", "a"),
        ("completed=false", "cb"),
        ("sort_by=title", "abc"),
        ("sort=createdAt&sort_order=asc", "abc"),
        ("sort=due&sort_dir=desc", "bac"),
        ("sort=dueDate", "cab"),
        ("page=2&page_size=2", "a"),
        ("page=1&per_page=2", "cb"),
        ("page=2&limit=1", "b"),
        ("page=1", "cba"),
        ("q=B", "b"),
        ("priority_filter=urgent", "b"),
        ("priority=low,urgent", "ba"),
        ("priority=critical", "b"),
        ("tags=X,y", "ba"),
        ("tags=nothing", ""),
        ("tag=x", "a"),
        ("due_before=2030-01-02", "ca"),
        ("due_date_to=2030-01-02", "cba"),
        ("due_after=2030-01-02", "b"),
        ("due_date_from=2030-01-01", "ba"),
        ("overdue=true", "c"),
        ("overdue=false", "cba"),
        ("skip=1", "ba"),
        ("skip=1&limit=1", "b"),
        ("is_completed=false", "cb"),
        ("isCompleted=true", "a"),
        ("done=1", "a"),
        ("_=1&_t=2&t=3&ts=4&timestamp=5&cb=6&nocache=7", "cba"),
        ("category=&category=all", "cba"),
        (&format!("user_id={}", ann.id), "cba"),
    ] {
        let tasks = app.rest(&ann, "GET", &format!("?{query}"), None).await.expect(200);
        assert_eq!(titles(&tasks), expected, "{query}");
    }
    for (query, kind, name) in [
        ("status_filter=x", "literal_error", "status_filter"),
        ("page_size=0", "greater_than_equal", "page_size"),
        ("page=0", "greater_than_equal", "page"),
        ("priority=low,huge", "literal_error", "priority"),
        ("completed=perhaps", "bool_parsing", "completed"),
        ("due_after=soon", "datetime_from_date_parsing", "due_after"),
        ("tags=%00", "value_error", "tags"),
        ("is_completed=perhaps", "bool_parsing", "is_completed"),
        ("skip=-1", "greater_than_equal", "skip"),
        ("offset=1&skip=2", "value_error", "skip"),
        ("completed=true&is_completed=false", "value_error", "is_completed"),
        ("statu=completed", "extra_forbidden", "statu"),
        ("statu=", "extra_forbidden", "statu"),
        ("category=work", "extra_forbidden", "category"),
    ] {
        let fault = app.rest(&ann, "GET", &format!("?{query}"), None).await.expect(422)["detail"][0].clone();
        assert_eq!((&fault["type"], &fault["loc"]), (&json!(kind), &json!(["query", name])), "{query}");
    }
    let id = app.rest(&ann, "GET", "", None).await.expect(200)[0]["id"].clone();
    let emptied = app.rest(&ann, "PUT", &format!("/{id}"), Some(json!({ "due_date": "" }))).await.expect(200);
    assert_eq!(emptied["due_date"], Value::Null);
}

#[tokio::test]
async fn with_a_status_a_list_takes_the_words_that_bodies_take_and_fields_keep_their_order() {
    let app = App::spawn_with(&[("REST_STATUS", "on")]).await;
    let ann = app.person("ann").await;
    for (title, status) in [("a", "Done"), ("b", "in_progress"), ("c", "complete")] {
        app.rest_task(&ann, json!({ "title": title, "status": status })).await;
    }
    for (query, expected) in [
        ("status=done", "ca"),
        ("status=Complete", "ca"),
        ("status_filter=completed", "ca"),
        ("status=in_progress", "b"),
        ("status=in-progress", "b"),
        ("status=TODO", "b"),
        ("status=open", "b"),
        ("status=All", "cba"),
    ] {
        let tasks = app.rest(&ann, "GET", &format!("?{query}"), None).await.expect(200);
        assert_eq!(titles(&tasks), expected, "{query}");
    }
    let without = |word: &str| {
        let request = app.request("GET", &format!("/api/tasks?status={word}")).bearer_auth(&ann.token);
        Answer::of(request.header("accept", "application/json;status=off"))
    };
    for (answer, word) in [
        (app.rest(&ann, "GET", "?status=someday", None).await, "someday"),
        (app.rest(&ann, "GET", "?status=", None).await, ""),
        (without("done").await, "done"),
    ] {
        let problem = answer.expect(422)["detail"][0].clone();
        assert_eq!((&problem["type"], &problem["input"]), (&json!("literal_error"), &json!(word)), "{problem}");
    }
    assert_eq!(titles(&without("active").await.expect(200)), "b");
    let snake = r#""id" "user_id" "title" "description" "completed" "status" "priority" "tags" "due_date" "created_at" "updated_at""#;
    let camel = snake.replace("user_id", "userId").replace("due_date", "dueDate").replace("ed_at", "edAt");
    for (case, order) in [("snake", snake), ("camel", &camel)] {
        let accept = format!("application/json;case={case}");
        let of = |method: &str, path: &str| app.request(method, path).bearer_auth(&ann.token).header("accept", &accept);
        let made = Answer::of(of("POST", "/api/tasks").json(&json!({ "title": "d" }))).await;
        let path = format!("/api/tasks/{}", made.expect(201)["id"]);
        for answer in [made, Answer::of(of("GET", &path)).await, Answer::of(of("GET", "/api/tasks?limit=1")).await] {
            let places: Vec<_> = order.split(' ').map(|name| answer.text.find(&format!("{name}:")).unwrap()).collect();
            assert!(places.is_sorted(), "{case}: {answer:?}");
        }
    }
}

/// A client that sends all of a task back has changed one of the two fields that say whether it is completed.
#[tokio::test]
async fn a_whole_task_that_is_sent_back_is_as_its_changed_field_says() {
    let app = App::spawn_with(&[("DOCKET_LEGACY", "fastapi")]).await;
    let ann = app.person("ann").await;
    let mut shown = app.rest_task(&ann, json!({ "title": "a", "category": "home" })).await;
    let path = format!("/{}", shown["id"]);
    for (field, value, completed) in [
        ("completed", json!(true), true),
        ("title", json!("b"), true),
        ("status", json!("pending"), false),
        ("status", json!("in_progress"), false),
        ("status", json!("completed"), true),
        ("completed", json!(false), false),
        ("completed", json!("yes"), true),
    ] {
        for method in ["PUT", "PATCH"] {
            let mut body = shown.clone();
            body[field] = value.clone();
            let changed = app.rest(&ann, method, &path, Some(body)).await.expect(200);
            let status = if completed { "completed" } else { "pending" };
            assert_eq!(
                (&changed["completed"], &changed["status"]),
                (&json!(completed), &json!(status)),
                "{field} {value}"
            );
            assert_eq!(changed["category"], "home");
            shown = changed;
        }
    }
    let made = json!({ "title": "c", "completed": false, "status": "completed" });
    assert_eq!(app.rest_task(&ann, made).await["completed"], true);
}

#[tokio::test]
async fn a_task_shows_under_another_name_too_whether_it_is_completed() {
    for name in ["is_completed", "isCompleted", "done"] {
        let app = App::spawn_with(&[("REST_COMPLETED", name), ("REST_UNKNOWN_FIELDS", "keep")]).await;
        let ann = app.person("ann").await;
        let mut made = app.rest_task(&ann, json!({ "title": "a", name: true })).await;
        assert_eq!((&made["completed"], &made[name]), (&json!(true), &json!(true)));
        let path = format!("/{}", made["id"]);
        made[name] = json!(false);
        let sent_back = app.rest(&ann, "PUT", &path, Some(made)).await.expect(200);
        assert_eq!((&sent_back["completed"], &sent_back[name]), (&json!(false), &json!(false)));
        assert_eq!(app.rest(&ann, "GET", "", None).await.expect(200), json!([sent_back]));
    }
}

#[tokio::test]
async fn no_parameter_is_left_out_where_none_is_known() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let id = app.rest_task(&ann, json!({ "title": "a" })).await["id"].clone();
    for (method, path, body) in [
        ("POST", String::new(), Some(json!({ "title": "b" }))),
        ("GET", format!("/{id}"), None),
        ("PUT", format!("/{id}"), Some(json!({ "title": "b" }))),
        ("PATCH", format!("/{id}"), Some(json!({ "title": "b" }))),
        ("PATCH", format!("/{id}/complete"), None),
        ("POST", format!("/{id}/toggle"), None),
        ("DELETE", format!("/{id}"), None),
    ] {
        let refused = app.rest(&ann, method, &format!("{path}?dry_run=true&_=1"), body.clone()).await.expect(422);
        let problem = &refused["detail"][0];
        assert_eq!((&problem["type"], &problem["loc"]), (&json!("extra_forbidden"), &json!(["query", "dry_run"])));
        let other = app.rest(&ann, method, &format!("{path}?user_id=other"), body).await;
        assert_eq!(other.expect(403), json!({ "detail": "Access denied" }), "{method} {path}");
    }
    let kept = app.rest(&ann, "GET", &format!("?user_id={}", ann.id), None).await.expect(200);
    assert_eq!((titles(&kept), &kept[0]["completed"]), ("a".to_owned(), &json!(false)));
    assert_eq!(app.rest(&ann, "DELETE", &format!("/{id}?_t=1"), None).await.status, 204);
}

#[tokio::test]
async fn answers_have_the_shapes_that_were_chosen_at_the_start() {
    let app = App::spawn_with(&[("REST_DELETE", "json"), ("REST_LIST", "envelope"), ("REST_CASE", "camel")]).await;
    let ann = app.person("ann").await;
    let task = app.rest_task(&ann, json!({ "title": "a", "dueDate": "2030-01-01" })).await;
    let keys: Vec<_> = task.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(
        keys,
        ["completed", "createdAt", "description", "dueDate", "id", "priority", "tags", "title", "updatedAt", "userId"]
    );
    app.rest_task(&ann, json!({ "title": "b" })).await;
    let list = app.rest(&ann, "GET", "?page=2&page_size=1", None).await.expect(200);
    assert_eq!(list["tasks"], json!([task]));
    let raw = app.rest(&ann, "GET", "", None).await.text;
    let counts = r#"}],"total":2,"count":2,"total_count":2,"page":1,"page_size":2,"per_page":2}"#;
    assert!(raw.starts_with(r#"{"tasks":[{"id":"#) && raw.ends_with(counts), "{raw}");
    for (name, value) in
        [("total", 2), ("count", 2), ("total_count", 2), ("page", 2), ("page_size", 1), ("per_page", 1)]
    {
        assert_eq!(list[name], value, "{name}");
    }
    let whole = app.rest(&ann, "GET", "", None).await.expect(200);
    assert_eq!((&whole["page"], &whole["page_size"], &whole["total"]), (&json!(1), &json!(2), &json!(2)));
    let gone = app.rest(&ann, "DELETE", &format!("/{}", task["id"]), None).await;
    assert!(gone.text.starts_with(r#"{"message":"Task deleted successfully","id":"#), "{gone:?}");
    let gone = gone.expect(200);
    let id = &task["id"];
    let expected =
        json!({ "message": "Task deleted successfully", "id": id, "deleted_id": id, "task_id": id, "deleted": true });
    assert_eq!(gone, expected);
    assert_eq!(app.rest(&ann, "DELETE", &format!("/{id}"), None).await.status, 404);
}

/// Another issuer: its key, and how often it was asked.
struct Issuer {
    url: String,
    asked: Arc<AtomicU32>,
    keys: Arc<Mutex<Value>>,
}

fn key_pair() -> (Ed25519KeyPair, EncodingKey) {
    let pair = Ed25519KeyPair::from_seed_unchecked(&rand::random::<[u8; 32]>()).unwrap();
    let key = EncodingKey::from_ed_der(pair.to_pkcs8v1().unwrap().as_ref());
    (pair, key)
}

fn jwk(kid: &str, pair: &Ed25519KeyPair) -> Value {
    let x = URL_SAFE_NO_PAD.encode(pair.public_key());
    json!({ "kid": kid, "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "x": x })
}

/// How long the issuer takes.
const SLOWNESS: std::time::Duration = std::time::Duration::from_millis(400);

impl Issuer {
    async fn start(keys: Value) -> Self {
        let (asked, keys) = (Arc::new(AtomicU32::new(0)), Arc::new(Mutex::new(keys)));
        let (counted, served) = (Arc::clone(&asked), Arc::clone(&keys));
        let router = Router::new().route(
            "/jwks",
            get(move || {
                counted.fetch_add(1, Ordering::Relaxed);
                let keys = served.lock().unwrap().clone();
                async move {
                    tokio::time::sleep(SLOWNESS).await;
                    Json(json!({ "keys": keys }))
                }
            }),
        );
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/jwks", listener.local_addr().unwrap());
        tokio::spawn(async { axum::serve(listener, router).await });
        Self { url, asked, keys }
    }

    fn token(key: &EncodingKey, kid: &str, subject: &str) -> String {
        let header = Header { kid: Some(kid.into()), ..Header::new(Algorithm::EdDSA) };
        encode(&header, &json!({ "sub": subject, "exp": chrono::Utc::now().timestamp() + 60 }), key).unwrap()
    }
}

async fn status(app: &App, token: &str) -> u16 {
    Answer::of(app.request("GET", "/api/tasks").bearer_auth(token)).await.status.as_u16()
}

#[tokio::test]
async fn users_of_another_issuer_own_tasks_here() {
    let (pair, key) = key_pair();
    let (_, other_key) = key_pair();
    let issuer =
        Issuer::start(json!([jwk("k1", &pair), { "kid": "rsa", "kty": "RSA", "n": "AQAB", "e": "AQAB" }])).await;
    let app = App::spawn_with(&[("JWKS_URL", &issuer.url)]).await;
    let ann = app.person("ann").await;
    let token = Issuer::token(&key, "k1", "remote-user");
    let answers = at_once(8, |_| status(&app, &token)).await;
    assert_eq!((answers, issuer.asked.load(Ordering::Relaxed)), (vec![200; 8], 1));
    // Our own tokens do not ask; unknown and forged ones ask no more than once a minute.
    assert_eq!(status(&app, &ann.token).await, 200);
    for token in [
        Issuer::token(&other_key, "k1", "remote-user"),
        Issuer::token(&key, "k2", "remote-user"),
        Issuer::token(&key, "rsa", "remote-user"),
    ] {
        assert_eq!(status(&app, &token).await, 401);
    }
    assert_eq!(issuer.asked.load(Ordering::Relaxed), 1);
    issuer.keys.lock().unwrap().as_array_mut().unwrap().clear();
    assert_eq!(status(&app, &Issuer::token(&key, "k1", "remote-user")).await, 200);
}

#[tokio::test]
async fn who_hangs_up_keeps_no_keys_from_others() {
    let (pair, key) = key_pair();
    let issuer = Issuer::start(json!([jwk("k1", &pair)])).await;
    let app = App::spawn_with(&[("JWKS_URL", &issuer.url)]).await;
    let hasty = app.request("GET", "/api/tasks").bearer_auth(Issuer::token(&key, "unknown", "nobody"));
    assert!(hasty.timeout(SLOWNESS / 4).send().await.is_err_and(|it| it.is_timeout()));
    assert_eq!(status(&app, &Issuer::token(&key, "k1", "remote-user")).await, 200);
    assert_eq!(issuer.asked.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn an_issuer_that_is_away_or_talks_nonsense_takes_nobody_down() {
    for url in ["http://127.0.0.1:1/jwks".to_owned(), Issuer::start(json!("nonsense")).await.url] {
        let app = App::spawn_with(&[("JWKS_URL", &url)]).await;
        let ann = app.person("ann").await;
        let (_, key) = key_pair();
        assert_eq!(status(&app, &Issuer::token(&key, "k1", "remote-user")).await, 401);
        assert_eq!(status(&app, &ann.token).await, 200);
    }
}
