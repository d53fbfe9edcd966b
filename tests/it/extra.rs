//! What front-ends keep with a task beyond its fields, and longer descriptions, where the settings allow it.
//! See docs/contracts/legacy-rest.md#unknown-fields.

use serde_json::{Value, json};

use crate::support::{Answer, App, text};

const KEEP: (&str, &str) = ("REST_UNKNOWN_FIELDS", "keep");

#[tokio::test]
async fn unknown_fields_are_kept_and_shown_again() {
    let app = App::spawn_with(&[KEEP]).await;
    let ann = app.person("ann").await;
    let body = json!({ "title": "a", "category": "work", "estimated_minutes": 5, "meta": { "due_date": [1, null] },
        "id": 77, "user_id": "bob", "createdAt": "2000-01-01", "nothing": null });
    let task = app.rest_task(&ann, body).await;
    assert_eq!((&task["category"], &task["estimated_minutes"]), (&json!("work"), &json!(5)));
    assert_eq!((&task["meta"], task.get("nothing")), (&json!({ "due_date": [1, null] }), None));
    assert_eq!((&task["user_id"], task.get("createdAt")), (&json!(ann.id), None));
    let path = format!("/{}", task["id"]);
    assert_eq!(app.rest(&ann, "GET", &path, None).await.expect(200), task);
    assert_eq!(app.rest(&ann, "GET", "", None).await.expect(200), json!([task]));
    let tagged = app.rest_task(&ann, json!({ "title": "b", "tags": ["x"], "category": "home" })).await;
    assert_eq!((&tagged["category"], &tagged["tags"]), (&json!("home"), &json!(["x"])));
    // What a change does not name stays, and null takes away.
    let change = json!({ "category": null, "color": "red", "completed": true });
    let changed = app.rest(&ann, "PATCH", &path, Some(change)).await.expect(200);
    assert_eq!((changed.get("category"), &changed["color"]), (None, &json!("red")));
    assert_eq!((&changed["estimated_minutes"], &changed["completed"]), (&json!(5), &json!(true)));
    let again = app.rest(&ann, "PUT", &path, Some(json!({ "color": "blue" }))).await.expect(200);
    assert_eq!((&again["color"], &again["estimated_minutes"]), (&json!("blue"), &json!(5)));
    // Whoever does not know them leaves them alone.
    let id = app.graphql(&ann, "{ tasks(order: [{ by: CREATED_AT, direction: ASC }]) { nodes { id } } }", json!({}));
    let id = text(&id.await.data()["tasks"]["nodes"][0]["id"]);
    let rename = "mutation($id: ID!) { updateTask(input: { id: $id, title: \"new\" }) { task { title } } }";
    app.graphql(&ann, rename, json!({ "id": id })).await.data();
    let renamed = app.rest(&ann, "GET", &path, None).await.expect(200);
    assert_eq!((&renamed["title"], &renamed["color"]), (&json!("new"), &json!("blue")));
    let camel = app.request("GET", "/api/tasks?search=new").bearer_auth(&ann.token);
    let camel = Answer::of(camel.header("accept", "application/json;case=camel")).await.expect(200);
    assert_eq!((&camel[0]["estimated_minutes"], &camel[0]["meta"]["due_date"]), (&json!(5), &json!([1, null])));
    assert!(camel[0]["createdAt"].is_string());
}

#[tokio::test]
async fn unknown_fields_without_room_are_refused_and_nothing_changes() {
    let app = App::spawn_with(&[KEEP]).await;
    let ann = app.person("ann").await;
    let many = |from: usize, to: usize| {
        let fields = (from..to).map(|it| (format!("f{it:02}"), json!(it)));
        Value::Object(fields.chain([("title".to_owned(), json!("a"))]).collect())
    };
    let refused = app.rest(&ann, "POST", "", Some(many(0, 21))).await.expect(422);
    assert_eq!(refused["detail"][0]["loc"], json!(["body", "f20"]));
    for nul in [
        json!({ "title": "a", "k": ["\0"] }),
        json!({ "title": "a", "k\0": 1 }),
        json!({ "title": "a", "k": { "\0": 1 } }),
    ] {
        app.rest(&ann, "POST", "", Some(nul)).await.expect(422);
    }
    let refused = app.rest(&ann, "POST", "", Some(json!({ "title": "a", "long": "x".repeat(2048) }))).await.expect(422);
    assert_eq!(refused["detail"][0]["loc"], json!(["body", "long"]));
    assert_eq!(app.rest(&ann, "GET", "", None).await.expect(200), json!([]));
    let task = app.rest_task(&ann, many(0, 20)).await;
    let path = format!("/{}", task["id"]);
    let more = json!({ "title": "b", "one_more": 1 });
    let refused = app.rest(&ann, "PATCH", &path, Some(more.clone())).await.expect(422);
    assert_eq!(refused["detail"][0]["type"], "value_error", "{refused}");
    assert_eq!(app.rest(&ann, "GET", &path, None).await.expect(200), task);
    let mut exchanged = more;
    exchanged["f00"] = Value::Null;
    assert_eq!(app.rest(&ann, "PATCH", &path, Some(exchanged)).await.expect(200)["one_more"], 1);
}

#[tokio::test]
async fn numbers_in_unknown_fields_are_shown_as_they_were_sent_or_refused() {
    let app = App::spawn_with(&[KEEP]).await;
    let ann = app.person("ann").await;
    let send = async |method: &str, path: &str, number: &str| {
        let request = app.request(method, path).bearer_auth(&ann.token).header("accept", "application/json;status=on");
        let body = format!(r#"{{"title":"a","chat_id":{number},"deep":[{{"n":{number}}}]}}"#);
        Answer::of(request.header("content-type", "application/json").body(body)).await
    };
    for number in ["9007199254740993", "18446744073709551615", "-9223372036854775808"] {
        let made = send("POST", "/api/tasks", number).await;
        let path = format!("/api/tasks/{}", made.expect(201)["id"]);
        let list = app.rest(&ann, "GET", "?limit=1", None).await;
        let export = Answer::of(app.request("GET", "/api/export").bearer_auth(&ann.token)).await;
        for answer in [made, send("PUT", &path, number).await, list, export] {
            assert!(answer.text.contains(&format!(r#""chat_id":{number},"deep":[{{"n":{number}}}]"#)), "{answer:?}");
        }
        let refused = send("PUT", &path, "18446744073709551616").await.expect(422);
        assert_eq!(refused["detail"][0]["loc"], json!(["body", "chat_id"]));
        assert!(text(&refused["detail"][0]["msg"]).contains("rounded"), "{refused}");
        app.rest(&ann, "DELETE", path.strip_prefix("/api/tasks").unwrap(), None).await;
    }
    for number in ["18446744073709551616", "-9223372036854775809", "1e30"] {
        send("POST", "/api/tasks", number).await.expect(422);
    }
    assert_eq!(app.rest(&ann, "GET", "", None).await.expect(200), json!([]));
}

#[tokio::test]
async fn without_the_setting_unknown_fields_are_ignored() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let task = app.rest_task(&ann, json!({ "title": "a", "category": "work" })).await;
    assert_eq!(task.get("category"), None);
    let changed = app.rest(&ann, "PATCH", &format!("/{}", task["id"]), Some(json!({ "category": "x" }))).await;
    assert_eq!(changed.expect(200), task);
}

#[tokio::test]
async fn an_export_has_the_unknown_fields_and_an_import_brings_them() {
    let app = App::spawn_with(&[KEEP]).await;
    let (ann, bob) = (app.person("ann").await, app.person("bob").await);
    app.rest_task(&ann, json!({ "title": "a", "category": "work" })).await;
    app.rest_task(&ann, json!({ "title": "b" })).await;
    let of = |path: &str| app.request("GET", path).bearer_auth(&ann.token);
    let file = Answer::of(of("/api/export")).await.expect(200);
    assert_eq!(file["tasks"][0]["extra"], json!({ "category": "work" }));
    assert_eq!(file["tasks"][1].get("extra"), None);
    let import = |file: &Value| Answer::of(app.request("POST", "/api/import").bearer_auth(&bob.token).json(file));
    for (extra, field) in
        [(json!({ "title": "x" }), "extra"), (json!(7), "extra"), (json!({ "a": "x".repeat(3000) }), "extra")]
    {
        let mut wrong = file.clone();
        wrong["tasks"][0]["extra"] = extra;
        let refused = import(&wrong).await.expect(422);
        assert_eq!(refused["detail"][0]["loc"], json!(["body", "tasks", 0, field]), "{refused}");
    }
    import(&file).await.expect(200);
    let found = app.rest(&bob, "GET", "?search=a&sort=title", None).await.expect(200);
    assert_eq!(found[0]["category"], "work");
}

#[tokio::test]
async fn descriptions_are_as_long_as_the_setting_allows() {
    let app = App::spawn_with(&[("DESCRIPTION_LENGTH", "5000")]).await;
    let ann = app.person("ann").await;
    let long = |length: usize| "x".repeat(length);
    let create = "mutation($i: CreateTaskInput!) { createTask(input: $i) { task { id description } } }";
    let update = "mutation($i: UpdateTaskInput!) { updateTask(input: $i) { task { description } } }";
    let create_all =
        "mutation($i: [CreateTaskInput!]!) { createTasks(input: { tasks: $i }) { tasks { description } } }";
    let push = "mutation($i: [PushedChange!]!) { pushChanges(input: { changes: $i }) { results { status } } }";
    let task = app.rest_task(&ann, json!({ "title": "a", "description": long(5000) })).await;
    let path = format!("/{}", task["id"]);
    let made = app.graphql(&ann, create, json!({ "i": { "title": "b", "description": long(5000) } })).await.data();
    let id = text(&made["createTask"]["task"]["id"]);
    let state = |length| json!({ "title": "a", "description": long(length), "completed": false, "priority": "LOW", "labelIds": [] });
    for (length, is_good) in [(5000, true), (5001, false)] {
        let changed = app.rest(&ann, "PUT", &path, Some(json!({ "description": long(length) }))).await;
        assert_eq!(changed.status == 200, is_good, "{changed:?}");
        if !is_good {
            assert!(changed.text.contains("at most 5000 characters"), "{changed:?}");
        }
        for (query, input) in [
            (create, json!({ "title": "b", "description": long(length) })),
            (update, json!({ "id": id, "description": long(length) })),
            (create_all, json!([{ "title": "b", "description": long(length) }])),
        ] {
            let answer = app.graphql(&ann, query, json!({ "i": input })).await;
            assert_eq!(answer.json().get("errors").is_none(), is_good, "{query}: {answer:?}");
        }
        let new = uuid::Uuid::now_v7();
        let pushed = app.graphql(&ann, push, json!({ "i": [{ "task": { "id": new, "state": state(length) } }] })).await;
        let status = if is_good { "APPLIED" } else { "INVALID" };
        assert_eq!(pushed.data()["pushChanges"]["results"][0]["status"], status);
    }
}
