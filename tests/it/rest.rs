//! The REST API for legacy clients.
//! See docs/contracts/legacy-rest.md.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::{Answer, App, text};

#[tokio::test]
async fn two_names_of_a_field_may_not_have_two_values() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let id = app.rest_task(&ann, json!({ "title": "a", "completed": true, "is_completed": "yes" })).await["id"].clone();
    for (method, path) in [("POST", String::new()), ("PUT", format!("/{id}")), ("PATCH", format!("/{id}/complete"))] {
        let body = json!({ "title": "a", "completed": true, "is_completed": false });
        let refused = app.rest(&ann, method, &path, Some(body)).await.expect(422);
        let problem = &refused["detail"][0];
        assert_eq!((&problem["type"], &problem["loc"]), (&json!("value_error"), &json!(["body", "is_completed"])));
        assert!(problem["msg"].as_str().unwrap().contains("that of completed"), "{problem}");
    }
    for (one, other, status) in [
        (json!("2030-01-01"), json!("2030-01-02"), 422),
        (json!("2030-01-01"), json!(null), 422),
        (json!(""), json!(null), 200),
        (json!("2030-01-01T00:00:00Z"), json!("2030-01-01T02:00:00+02:00"), 200),
    ] {
        let body = json!({ "due_date": one, "dueDate": other });
        assert_eq!(app.rest(&ann, "PUT", &format!("/{id}"), Some(body)).await.status, status, "{one} {other}");
    }
    let done = app.rest(&ann, "GET", "?status=all", None).await.expect(200);
    assert_eq!((done.as_array().unwrap().len(), &done[0]["completed"]), (1, &json!(true)));
}

#[tokio::test]
async fn a_file_and_the_totals_refuse_parameters_that_would_be_left_out() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    for (path, name) in [
        ("export?status=pending", "status"),
        ("export.ics?list=Home", "list"),
        ("stats?status=pending", "status"),
        ("stats?Completed=true", "Completed"),
        ("stats?tags[]=a", "tags[]"),
    ] {
        let request = app.request("GET", &format!("/api/{}/{path}", ann.id)).bearer_auth(&ann.token);
        let problem = Answer::of(request).await.expect(422)["detail"][0].clone();
        assert_eq!((&problem["type"], &problem["loc"]), (&json!("extra_forbidden"), &json!(["query", name])), "{path}");
    }
    let request = app.request("GET", &format!("/api/{}/stats?_=1", ann.id)).bearer_auth(&ann.token);
    assert_eq!(Answer::of(request).await.status, 200);
}

#[tokio::test]
async fn a_task_has_the_legacy_shape() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let body =
        json!({ "title": "water the plants", "due_date": "2030-01-31", "id": 7, "user_id": "eve", "created_at": "x" });
    let task = app.rest_task(&ann, body).await;
    let keys: Vec<_> = task.as_object().unwrap().keys().cloned().collect();
    let mut expected = [
        "id",
        "user_id",
        "title",
        "description",
        "completed",
        "priority",
        "tags",
        "due_date",
        "created_at",
        "updated_at",
    ];
    let raw = app.rest(&ann, "GET", "", None).await.text;
    let places: Vec<_> = expected.iter().map(|key| raw.find(&format!("\"{key}\":")).unwrap()).collect();
    assert!(places.is_sorted(), "{raw}");
    expected.sort_unstable();
    assert_eq!(keys, expected);
    assert!(task["id"].as_i64().unwrap() > 0);
    assert_eq!(task["user_id"], json!(ann.id));
    assert_eq!((&task["description"], &task["completed"]), (&Value::Null, &json!(false)));
    assert_eq!((&task["priority"], &task["tags"]), (&json!("medium"), &json!([])));
    assert_eq!(task["due_date"], "2030-01-31T00:00:00Z");
    for name in ["created_at", "updated_at"] {
        assert!(text(&task[name]).ends_with('Z') && text(&task[name]).parse::<chrono::DateTime<chrono::Utc>>().is_ok());
    }
}

#[tokio::test]
async fn a_task_is_listed_read_changed_toggled_and_deleted() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let task = app.rest_task(&ann, json!({ "title": "water", "description": "x" })).await;
    let path = format!("/{}", task["id"]);
    assert_eq!(app.rest(&ann, "GET", &path, None).await.expect(200), task);

    let unchanged = app.rest(&ann, "PUT", &path, Some(json!({}))).await.expect(200);
    assert_eq!(unchanged, task);
    let changed =
        app.rest(&ann, "PUT", &path, Some(json!({ "description": null, "priority": "urgent" }))).await.expect(200);
    assert_eq!((&changed["title"], &changed["description"]), (&json!("water"), &Value::Null));
    assert_eq!(changed["priority"], "urgent");
    let patched = app.rest(&ann, "PATCH", &path, Some(json!({ "title": "water more" }))).await.expect(200);
    assert_eq!(patched["title"], "water more");

    let toggle = format!("{path}/complete");
    for (body, expected) in [
        (None, true),
        (None, false),
        (Some(Value::Null), true),
        (Some(json!({})), false),
        (Some(json!({ "completed": true })), true),
        (Some(json!({ "completed": true })), true),
    ] {
        let answer = app.rest(&ann, "PATCH", &toggle, body.clone()).await.expect(200);
        assert_eq!(answer["completed"], expected, "{body:?}");
    }
    let bodiless = app
        .request("PATCH", &format!("/api/{}/tasks{toggle}", ann.id))
        .bearer_auth(&ann.token)
        .header("content-type", "application/json");
    assert_eq!(Answer::of(bodiless).await.expect(200)["completed"], false);

    let gone = app.rest(&ann, "DELETE", &path, None).await;
    assert_eq!((gone.status.as_u16(), gone.text.as_str()), (204, ""));
    for (method, body) in [("DELETE", None), ("GET", None), ("PUT", Some(json!({ "title": "x" })))] {
        assert_eq!(app.rest(&ann, method, &path, body).await.expect(404), json!({ "detail": "Task not found" }));
    }
    assert_eq!(app.rest(&ann, "GET", "", None).await.expect(200), json!([]));
}

/// Lists and single tasks are written from their rows, what was made or changed from its view.
#[tokio::test]
async fn a_task_is_written_in_the_same_way_wherever_it_is_shown() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let mut shown = Vec::new();
    for body in [
        json!({ "title": "plain" }),
        json!({ "title": "quote \" \\ \n \u{7f} \u{0b} 😀", "description": "more\u{1f}/", "tags": ["é\u{2028}", "b \"c\" \\"] }),
        json!({ "title": "day", "due_date": "2030-01-31", "priority": "urgent", "completed": true, "tags": ["z", "a"] }),
        json!({ "title": "at", "due_date": "2030-01-31T12:00:00.123456+02:00", "description": "" }),
    ] {
        shown.insert(0, app.rest(&ann, "POST", "", Some(body)).await.text);
    }
    for task in &shown {
        let id = serde_json::from_str::<Value>(task).unwrap()["id"].clone();
        assert_eq!(app.rest(&ann, "GET", &format!("/{id}"), None).await.text, *task);
    }
    let expected = format!("[{}]", shown.join(","));
    assert_eq!(app.rest(&ann, "GET", "", None).await.text, expected);
    assert_eq!(app.rest(&ann, "GET", "?limit=20", None).await.text, expected);
    assert_eq!(app.rest(&ann, "GET", "?limit=20&offset=9", None).await.text, "[]");
}

#[tokio::test]
async fn the_number_of_a_deleted_task_is_never_used_again() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let first = app.rest_task(&ann, json!({ "title": "a" })).await["id"].as_i64().unwrap();
    app.rest(&ann, "DELETE", &format!("/{first}"), None).await;
    assert!(app.rest_task(&ann, json!({ "title": "b" })).await["id"].as_i64().unwrap() > first);
}

#[tokio::test]
async fn the_list_is_filtered_sorted_and_cut() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    for (title, priority, due) in
        [("b", "low", json!("2030-01-02")), ("A", "urgent", Value::Null), ("c", "high", json!("2030-01-01"))]
    {
        app.rest_task(
            &ann,
            json!({ "title": title, "priority": priority, "due_date": due, "completed": title == "c" }),
        )
        .await;
    }
    for (query, expected, total) in [
        ("", "cAb", "3"),
        ("?order=asc", "bAc", "3"),
        ("?sort=title", "Abc", "3"),
        ("?sort=title&order=desc", "cbA", "3"),
        ("?sort=due_date", "cbA", "3"),
        ("?sort=due_date&order=desc", "bcA", "3"),
        ("?sort=priority", "Acb", "3"),
        ("?sort=priority&order=asc", "Acb", "3"),
        ("?sort=priority&order=desc", "bcA", "3"),
        ("?sort=updated_at&order=asc", "bAc", "3"),
        ("?status=pending", "Ab", "2"),
        ("?status=completed", "c", "1"),
        ("?status=all&_=1", "cAb", "3"),
        ("?priority=high", "c", "1"),
        ("?search=B", "b", "1"),
        ("?search=", "cAb", "3"),
        ("?limit=2", "cA", "3"),
        ("?limit=2&offset=2", "b", "3"),
        ("?offset=1", "Ab", "3"),
        ("?offset=9", "", "3"),
    ] {
        let answer = app.rest(&ann, "GET", query, None).await;
        let tasks = answer.expect(200);
        let titles: String = tasks.as_array().unwrap().iter().map(|it| text(&it["title"])).collect();
        assert_eq!((titles.as_str(), answer.header("x-total-count")), (expected, total), "{query}");
    }
}

#[tokio::test]
async fn a_long_list_is_whole() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    for number in 0..130 {
        app.rest_task(&ann, json!({ "title": format!("{number}") })).await;
    }
    assert_eq!(app.rest(&ann, "GET", "", None).await.expect(200).as_array().unwrap().len(), 130);
}

#[tokio::test]
async fn methods_and_paths_that_do_not_exist_are_said_before_the_token_is_looked_at() {
    let app = App::spawn().await;
    for (method, path, status, allow) in [
        ("PUT", "/api/u/tasks", 405, "GET,HEAD,POST"),
        ("DELETE", "/api/u/tasks/", 405, "GET,HEAD,POST"),
        ("POST", "/api/u/tasks/1", 405, "GET,HEAD,PUT,PATCH,DELETE"),
        ("GET", "/api/u/tasks/1/complete", 405, "PATCH,POST"),
        ("DELETE", "/api/v1/todos", 405, "GET,HEAD,POST"),
        ("GET", "/todos", 404, ""),
        ("GET", "/tasks/1", 404, ""),
        ("POST", "/health", 405, "GET,HEAD"),
        ("GET", "/api/u/tasks/1/nothing", 404, ""),
        ("GET", "/api/u", 404, ""),
        ("POST", "/", 405, "GET,HEAD"),
        ("GET", "/.env", 404, ""),
        ("GET", "/api/u/tasks/../../../etc/passwd", 404, ""),
    ] {
        let answer = Answer::of(app.request(method, path)).await;
        let detail = if status == 404 { "Not Found" } else { "Method Not Allowed" };
        assert_eq!(answer.expect(status), json!({ "detail": detail }), "{method} {path}");
        let mut found: Vec<_> = answer.header("allow").split(',').map(str::trim).collect();
        let mut expected: Vec<_> = allow.split(',').collect();
        found.sort_unstable();
        expected.sort_unstable();
        assert_eq!(found, expected, "{method} {path}");
    }
}

#[tokio::test]
async fn head_is_get_without_its_body() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let id = app.rest_task(&ann, json!({ "title": "a" })).await["id"].clone();
    for path in ["", &format!("/{id}")] {
        let answer = app.rest(&ann, "HEAD", path, None).await;
        assert_eq!((answer.status.as_u16(), answer.text.as_str()), (200, ""));
    }
    assert_eq!(Answer::of(app.request("HEAD", "/health")).await.status, 200);
}

#[tokio::test]
async fn a_legacy_client_and_a_graphql_client_see_the_same_task() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let id = app.task(&ann, "water the plants").await;
    let listed = app.rest(&ann, "GET", "", None).await.expect(200);
    assert_eq!(listed[0]["title"], "water the plants");
    let by_uuid = app.rest(&ann, "GET", &format!("/{id}"), None).await.expect(200);
    assert_eq!(by_uuid, listed[0]);
    app.rest(&ann, "PATCH", &format!("/{}/complete", listed[0]["id"]), None).await.expect(200);
    let query = "query($id: ID!) { task(id: $id) { completed number } }";
    let seen = app.graphql(&ann, query, json!({ "id": id })).await.data();
    assert_eq!(seen["task"], json!({ "completed": true, "number": listed[0]["id"] }));
}

/// So many tasks with equal titles, priorities, instants of creation and days, some with a label.
fn many_alike(many: usize) -> Value {
    let id = |kind: usize, number: usize| format!("01890000-0000-7000-800{kind}-{number:012}");
    let priorities = ["low", "medium", "high", "urgent"];
    let task = |number: usize| {
        json!({
            "id": id(0, number), "title": format!("Task {}", number % 700), "completed": number.is_multiple_of(3),
            "priority": priorities[number % 4],
            "due_date": (number % 5 < 3).then(|| format!("2030-01-{:02}", number % 28 + 1)),
            "created_at": format!("2026-01-01T00:00:{:02}Z", number % 50),
            "label_ids": if number.is_multiple_of(10) { vec![id(1, 0)] } else { Vec::new() },
        })
    };
    json!({ "labels": [{ "id": id(1, 0), "name": "some" }], "tasks": (0..many).map(task).collect::<Vec<_>>() })
}

#[tokio::test]
async fn a_long_list_has_every_task_once_in_every_order() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let path = format!("/api/{}/import", ann.id);
    let import = app.request("POST", &path).bearer_auth(&ann.token).json(&many_alike(2000));
    Answer::of(import).await.expect(200);
    for query in [
        "sort=created",
        "sort=updated&order=asc",
        "sort=title",
        "sort=title&order=desc",
        "sort=due_date",
        "sort=due_date&order=desc",
        "sort=priority",
        "sort=priority&completed=false",
        "tags=some",
        "search=task",
    ] {
        let whole = app.rest(&ann, "GET", &format!("?{query}"), None).await;
        let mut pages = Vec::new();
        loop {
            let page = app.rest(&ann, "GET", &format!("?{query}&limit=100&offset={}", pages.len()), None).await;
            assert_eq!(page.header("x-total-count"), whole.header("x-total-count"), "{query}");
            assert_eq!(page.header("etag"), whole.header("etag"), "{query}");
            let page = page.expect(200);
            let page = page.as_array().unwrap();
            if page.is_empty() {
                break;
            }
            pages.extend_from_slice(page);
        }
        assert_eq!(whole.header("x-total-count"), pages.len().to_string(), "{query}");
        let behind = app.rest(&ann, "GET", &format!("?{query}&offset=150"), None).await.expect(200);
        assert!(whole.expect(200) == json!(pages), "{query}");
        assert!(behind == json!(pages[150..]), "{query} from 150 on");
    }

    let shaped = app.beside(&[("REST_LIST", "envelope"), ("REST_CASE", "camel")]).await;
    let list = shaped.rest(&ann, "GET", "", None).await.expect(200);
    assert_eq!((&list["total"], &list["page_size"]), (&json!(2000), &json!(2000)));
    let numbers: BTreeSet<u64> =
        list["tasks"].as_array().unwrap().iter().map(|it| it["id"].as_u64().unwrap()).collect();
    assert_eq!(numbers.len(), 2000);
    assert!(list["tasks"].as_array().unwrap().iter().all(|it| it["userId"] == ann.id && it["createdAt"].is_string()));
}

#[tokio::test]
async fn no_parameter_of_a_query_is_left_out_for_another_one() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    for (title, priority, tag) in [("a", "low", "one"), ("b", "high", "two"), ("c", "medium", "three")] {
        app.rest_task(&ann, json!({ "title": title, "priority": priority, "tags": [tag] })).await;
    }
    for (query, name) in [
        ("?status=pending&completed=true", "completed"),
        ("?status=pending&status=completed", "status"),
        ("?status=pending&status_filter=completed", "status_filter"),
        ("?search=a&q=b", "q"),
        ("?sort=title&sort_by=created", "sort_by"),
        ("?order=asc&sort_dir=desc", "sort_dir"),
        ("?limit=1&page_size=2", "page_size"),
        ("?page=2&limit=1&offset=2", "offset"),
        ("?due_after=2030-01-01&due_after=2031-01-01", "due_after"),
        ("?overdue=true&overdue=false", "overdue"),
        ("?Status=pending", "Status"),
        ("?tags[]=one", "tags[]"),
        ("?sortBy=title", "sortBy"),
    ] {
        let refused = app.rest(&ann, "GET", query, None).await;
        let detail = refused.expect(422)["detail"].clone();
        let locs: Vec<_> = detail.as_array().unwrap().iter().map(|it| it["loc"].clone()).collect();
        assert_eq!(locs, [json!(["query", name])], "{query}: {refused:?}");
    }
    for (query, titles) in [
        ("?status=all&completed=false", "cba"),
        ("?status=pending&completed=false&status=pending", "cba"),
        ("?priority=low&priority=high", "ba"),
        ("?tags=one&tag=two", "ba"),
        ("?page=2&limit=1&offset=1", "b"),
        ("?due_after=2031-01-01&due_before=2030-01-01", ""),
    ] {
        let found = app.rest(&ann, "GET", query, None).await.expect(200);
        let found: String = found.as_array().unwrap().iter().map(|it| it["title"].as_str().unwrap()).collect();
        assert_eq!(found, titles, "{query}");
    }
    let path = format!("/api/{}/changes?after=a&after=b", ann.id);
    assert_eq!(Answer::of(app.request("GET", &path).bearer_auth(&ann.token)).await.status, 422);
}

/// Paths that are no routes, or have something that cannot be read.
const ODD_PATHS: [&str; 33] = [
    "/api",
    "/api/",
    "/api/v1",
    "/api/v1/",
    "/auth",
    "/auth/",
    "/auth/x",
    "/auth/login/x",
    "/api/auth",
    "/api/auth/",
    "/api/auth/x",
    "/api/auth/%ff",
    "/api/auth//login",
    "/api/auth/get-session/",
    "/api/auth/reset-password/%ff?callbackURL=/x",
    "/api/v1/auth",
    "/api/v1/auth/x",
    "/api/nothing",
    "/api//tasks",
    "//api/tasks",
    "/api/tasks//",
    "/api/%zz/tasks",
    "/api/%ff/tasks",
    "/api/tasks/%ff",
    "/api/tasks/%zz",
    "/api/tasks/%00",
    "/api/tasks/1%2Fcomplete",
    "/api/tasks/1/2/3",
    "/api/tasks?%ff=%zz",
    "/api/x/y/z",
    "/%ff",
    "/docs/x",
    "/todos/1",
];

#[tokio::test]
async fn whatever_is_refused_says_so_in_json() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    for path in ODD_PATHS.into_iter().chain([format!("/api/{}/tasks", "x".repeat(6000)).as_str()]) {
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "TRACE", "FOO"] {
            for host in ["localhost", "evil.example"] {
                let request = app.request(method, path).bearer_auth(&ann.token).header("host", host);
                let answer = Answer::of(request).await;
                let name = format!("{method} {path}: {answer:?}");
                assert!((400..500).contains(&answer.status.as_u16()), "{name}");
                assert_eq!(answer.header("content-type"), "application/json", "{name}");
                assert!(answer.json()["detail"].is_string() || answer.json()["detail"].is_array(), "{name}");
                assert_eq!(answer.headers.contains_key("allow"), answer.status == 405, "{name}");
            }
        }
    }
}
