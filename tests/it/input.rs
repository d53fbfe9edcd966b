//! Input: what is refused, in which words, and what is stored exactly.
//! See docs/contracts/legacy-rest.md#validation and docs/contracts/reliability.md#input.

use serde_json::{Value, json};

use crate::support::{Answer, App, Person, text};

/// The first fault of a 422.
async fn fault(app: &App, person: &Person, method: &str, path: &str, body: Value) -> Value {
    let answer = app.rest(person, method, path, Some(body)).await;
    answer.expect(422)["detail"][0].clone()
}

#[tokio::test]
async fn fields_are_refused_with_pydantics_names_and_texts() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    for (body, kind, loc, msg) in [
        (json!({}), "missing", json!(["body", "title"]), "Field required"),
        (json!({ "title": 7 }), "string_type", json!(["body", "title"]), "Input should be a valid string"),
        (json!({ "title": null }), "string_type", json!(["body", "title"]), "Input should be a valid string"),
        (
            json!({ "title": "" }),
            "string_too_short",
            json!(["body", "title"]),
            "String should have at least 1 character",
        ),
        (
            json!({ "title": "  " }),
            "value_error",
            json!(["body", "title"]),
            "Value error, Title cannot be empty or whitespace only",
        ),
        (
            json!({ "title": "x".repeat(201) }),
            "string_too_long",
            json!(["body", "title"]),
            "String should have at most 200 characters",
        ),
        (
            json!({ "title": "a", "description": "x".repeat(1001) }),
            "string_too_long",
            json!(["body", "description"]),
            "String should have at most 1000 characters",
        ),
        (
            json!({ "title": "a", "priority": "huge" }),
            "literal_error",
            json!(["body", "priority"]),
            "Input should be 'low', 'medium', 'high' or 'urgent'",
        ),
        (
            json!({ "title": "a", "completed": "perhaps" }),
            "bool_parsing",
            json!(["body", "completed"]),
            "Input should be a valid boolean, unable to interpret input",
        ),
        (
            json!({ "title": "a", "completed": [] }),
            "bool_type",
            json!(["body", "completed"]),
            "Input should be a valid boolean",
        ),
        (
            json!([]),
            "model_attributes_type",
            json!(["body"]),
            "Input should be a valid dictionary or object to extract fields from",
        ),
        (
            json!("x"),
            "model_attributes_type",
            json!(["body"]),
            "Input should be a valid dictionary or object to extract fields from",
        ),
    ] {
        let fault = fault(&app, &ann, "POST", "", body.clone()).await;
        assert_eq!((&fault["type"], &fault["loc"], &fault["msg"]), (&json!(kind), &loc, &json!(msg)), "{body}");
    }
    let due = fault(&app, &ann, "POST", "", json!({ "title": "a", "due_date": "soon" })).await;
    assert_eq!(due["type"], "datetime_from_date_parsing");
    assert!(text(&due["msg"]).starts_with("Input should be a valid datetime or date, "), "{due}");
    assert_eq!(app.rest(&ann, "GET", "", None).await.expect(200), json!([]));
}

#[tokio::test]
async fn every_fault_of_a_request_is_in_one_answer() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let fields = [
        ("title", json!("")),
        ("description", json!(1)),
        ("completed", json!(1.5)),
        ("priority", json!(1)),
        ("tags", json!([" "])),
        ("due_date", json!("soon")),
    ];
    let body: serde_json::Map<_, _> = fields.map(|(name, value)| (name.to_owned(), value)).into_iter().collect();
    let answer = app.rest(&ann, "PUT", "/nonsense", Some(Value::Object(body.clone()))).await;
    // In the order of a task's fields, and each with its keys in the documented order.
    let first = r#"{"detail":[{"type":"int_parsing","loc":["path","task_id"],"msg":"Input should be a valid integer, unable to parse string as an integer","input":"nonsense"},{"type":"string_too_short","loc":["body","title"],"msg":"String should have at least 1 character","input":"","ctx":{"min_length":1}},"#;
    assert!(answer.text.starts_with(first), "{}", answer.text);
    let faults = answer.expect(422)["detail"].as_array().unwrap().clone();
    let found: Vec<_> = faults.iter().map(|it| (text(&it["loc"][1]), text(&it["type"]))).collect();
    let expected = [
        ("task_id", "int_parsing"),
        ("title", "string_too_short"),
        ("description", "string_type"),
        ("completed", "bool_type"),
        ("priority", "literal_error"),
        ("tags", "string_too_short"),
        ("due_date", "datetime_from_date_parsing"),
    ];
    assert_eq!(found, expected.map(|(name, kind)| (name.to_owned(), kind.to_owned())));
    let untitled = body.into_iter().filter(|(name, _)| name != "title").collect();
    let missing = app.rest(&ann, "POST", "", Some(Value::Object(untitled))).await.expect(422)["detail"][0].clone();
    assert_eq!((&missing["type"], &missing["loc"]), (&json!("missing"), &json!(["body", "title"])));
    let query = app.rest(&ann, "GET", "?status=x&sort=x&order=x&limit=0&offset=-1&priority=x", None).await.expect(422);
    assert_eq!(query["detail"].as_array().unwrap().len(), 6, "{query}");
}

#[tokio::test]
async fn query_parameters_are_refused_by_name() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    for (query, kind, name) in [
        ("status=done", "literal_error", "status"),
        ("priority=x", "literal_error", "priority"),
        ("sort=x", "literal_error", "sort"),
        ("order=up", "literal_error", "order"),
        ("limit=0", "greater_than_equal", "limit"),
        ("limit=101", "less_than_equal", "limit"),
        ("limit=x", "int_parsing", "limit"),
        ("limit=1.5", "int_parsing", "limit"),
        ("offset=-1", "greater_than_equal", "offset"),
        ("offset=100000000000000000000", "int_parsing_size", "offset"),
        ("search=%00", "value_error", "search"),
    ] {
        let answer = app.rest(&ann, "GET", &format!("?{query}"), None).await.expect(422);
        let fault = &answer["detail"][0];
        assert_eq!((&fault["type"], &fault["loc"]), (&json!(kind), &json!(["query", name])), "{query}");
    }
}

#[tokio::test]
async fn ids_beyond_every_number_are_404_or_422() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    for id in ["0", "-1", "2147483648", "9223372036854775807", "9223372036854775808", "100000000000000000000"] {
        assert_eq!(app.rest(&ann, "GET", &format!("/{id}"), None).await.status, 404, "{id}");
    }
    for id in ["x", "1.5", "1e3", "%00", "0x10"] {
        let answer = app.rest(&ann, "GET", &format!("/{id}"), None).await.expect(422);
        assert_eq!(answer["detail"][0]["type"], "int_parsing", "{id}");
    }
}

#[tokio::test]
async fn broken_json_is_a_fault_with_its_place() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let send = |body: Vec<u8>| {
        let request = app.request("POST", &format!("/api/{}/tasks", ann.id)).bearer_auth(&ann.token);
        Answer::of(request.header("content-type", "application/json").body(body))
    };
    let surrogate = br#"{"title": "\ud800"}"#.to_vec();
    let deep = [b"{\"title\":".to_vec(), b"[".repeat(10_000), b"]".repeat(10_000), b"}".to_vec()].concat();
    for body in [b"{".to_vec(), b"{\"title\": NaN}".to_vec(), b"{\"title\": \xff}".to_vec(), surrogate, deep] {
        let fault = send(body.clone()).await.expect(422)["detail"][0].clone();
        assert_eq!((&fault["type"], &fault["msg"]), (&json!("json_invalid"), &json!("JSON decode error")), "{body:?}");
        assert_eq!((fault["loc"][0].as_str(), fault["loc"][1].is_u64()), (Some("body"), true), "{fault}");
    }
    let cut = send(b"{\n\"title\": \"a\"".to_vec()).await.expect(422)["detail"][0].clone();
    assert_eq!(cut["loc"], json!(["body", 14]));
    let none = send(Vec::new()).await.expect(422)["detail"][0].clone();
    assert_eq!((&none["type"], &none["loc"]), (&json!("missing"), &json!(["body"])));
    let huge = send(br#"{"title": 1e400}"#.to_vec()).await;
    assert_eq!(huge.status, 422, "{huge:?}");
}

#[tokio::test]
async fn a_body_over_the_limit_is_413_and_an_echo_is_short() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let large = app.rest(&ann, "POST", "", Some(json!({ "title": "x".repeat(70_000) }))).await;
    assert_eq!(large.expect(413), json!({ "detail": "Request body too large" }));
    let refused = app.rest(&ann, "POST", "", Some(json!({ "title": "x".repeat(60_000) }))).await;
    assert_eq!(refused.status, 422);
    assert!(refused.text.len() < 4096, "{}", refused.text.len());
    let largest = json!({ "title": "\u{1f600}".repeat(200), "description": "\u{1f600}".repeat(1000) });
    assert_eq!(app.rest(&ann, "POST", "", Some(largest)).await.status, 201);
}

#[tokio::test]
async fn nothing_is_said_about_a_body_or_an_id_before_the_token_is_known() {
    let app = App::spawn().await;
    let send = |path: &str, body: String| Answer::of(app.request("PUT", path).body(body));
    for (path, body) in [("/api/u/tasks/1", "{".to_owned()), ("/api/u/tasks/x", "x".repeat(100_000))] {
        assert_eq!(send(path, body).await.status, 401, "{path}");
    }
}

#[tokio::test]
async fn texts_are_kept_exactly_or_refused() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    for title in [
        "'; drop table tasks; --",
        "%_\\*?[a]",
        "<script>alert(1)</script>",
        "\u{202e}abc\u{200b}",
        "👩‍👩‍👧‍👦",
        "e\u{301}",
        "a\r\nb\u{1b}[31m",
        "2030-01-31T12:00:00.000Z",
    ] {
        let rest = app.rest_task(&ann, json!({ "title": title })).await;
        assert_eq!(rest["title"], title);
        let query = "mutation($input: CreateTaskInput!) { createTask(input: $input) { task { title } } }";
        let made = app.graphql(&ann, query, json!({ "input": { "title": title } })).await.data();
        assert_eq!(made["createTask"]["task"]["title"], title);
        let found = app.request("GET", &format!("/api/{}/tasks", ann.id)).query(&[("search", title)]);
        let found = Answer::of(found.bearer_auth(&ann.token)).await.expect(200);
        assert_eq!(found.as_array().unwrap().len(), 2, "{title}");
    }
    let nul = fault(&app, &ann, "POST", "", json!({ "title": "a\0b" })).await;
    assert_eq!((&nul["type"], &nul["loc"]), (&json!("value_error"), &json!(["body", "title"])));
    let query = "mutation { createTask(input: { title: \"a\\u0000b\" }) { task { title } } }";
    assert_eq!(app.graphql(&ann, query, json!({})).await.code(), "BAD_USER_INPUT");
}

#[tokio::test]
async fn dates_out_of_range_are_refused_and_dates_in_range_come_back() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    for date in
        ["0000-01-01", "10000-01-01", "0001-01-01T00:00:00+14:00", "2026-02-30", "2026-12-31T23:59:60Z", "1e400", "12"]
    {
        let fault = fault(&app, &ann, "POST", "", json!({ "title": "a", "due_date": date })).await;
        assert_eq!(fault["loc"], json!(["body", "due_date"]), "{date}");
    }
    for (date, expected) in [
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
        ("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z"),
        ("2030-01-31T12:00:00-12:00", "2030-02-01T00:00:00Z"),
        ("2030-01-31T12:00", "2030-01-31T12:00:00Z"),
    ] {
        let task = app.rest_task(&ann, json!({ "title": "a", "due_date": date })).await;
        assert_eq!(task["due_date"], expected, "{date}");
        assert_eq!(app.rest(&ann, "GET", &format!("/{}", task["id"]), None).await.expect(200), task);
    }
}
