//! Request errors: nothing of the document is executed (GraphQL, 2.8, 5.6.1 and 6.1.2).
//! See docs/contracts/graphql-http.md#language.

use serde_json::{Value, json};

use crate::{
    socket::Socket,
    support::{Answer, App, Person},
};

const MAKE: &str = "made: createTask(input: { title: \"made\" }) { task { id } }";

/// Mutations that would make a task first, and then have a value that is not of its scalar, with their variables.
fn documents() -> Vec<(String, Value, &'static str)> {
    let literal = |field: &str| (format!("mutation {{ {MAKE} {field} }}"), json!({}), "GRAPHQL_VALIDATION_FAILED");
    let variable = |of: &str, field: &str, value: Value| {
        (format!("mutation($v: {of}) {{ {MAKE} {field} }}"), json!({ "v": value }), "BAD_USER_INPUT")
    };
    let create = |input: &str| format!("createTask(input: {{ title: \"b\" {input} }}) {{ task {{ id }} }}");
    let delete = |filter: &str| {
        format!("deleteTasks(input: {{ selection: {{ filter: {{ {filter} }} }} }}) {{ deletedTaskIds }}")
    };
    let many = "createTasks(input: { tasks: $v }) { tasks { id } }";
    let selected = "deleteTasks(input: { selection: $v }) { deletedTaskIds }";
    vec![
        literal(&create("due: { date: \"2030-02-30\" }")),
        literal(&create("due: { date: 20300101 }")),
        literal(&create("due: { at: { instant: \"tomorrow\" } }")),
        literal(&delete("due: { gte: \"2030-01-01\" }")),
        literal(&delete("due: { lt: [\"2030-01-01T00:00:00Z\"] }")),
        literal("deleteTask(input: { id: 1, expectedRevision: \"x1\" }) { deletedTaskId }"),
        literal("deleteTask(input: { id: 1, expectedRevision: 1.5 }) { deletedTaskId }"),
        literal("deleteTask(input: { id: 1, expectedRevision: 9223372036854775808 }) { deletedTaskId }"),
        literal(
            "createTasks(input: { tasks: [{ title: \"b\" }, { title: \"c\", due: { date: \"x\" } }] }) { tasks { id } }",
        ),
        literal("createTasks(input: { tasks: { title: \"c\", due: { date: \"x\" } } }) { tasks { id } }"),
        variable("Date!", &create("due: { date: $v }"), json!("2030-13-01")),
        variable("DateTime", &delete("due: { gte: $v }"), json!("2030-01-01T00:00:00")),
        variable("DateTime", &delete("due: { gte: $v }"), json!("2020-01-01T00:00:60Z")),
        variable("DateTime", &delete("due: { gte: $v }"), json!("0001-01-01T00:00:00+23:59")),
        variable("BigInt", "deleteTask(input: { id: 1, expectedRevision: $v }) { deletedTaskId }", json!("7.0")),
        variable("BigInt", "deleteTask(input: { id: 1, expectedRevision: $v }) { deletedTaskId }", json!(1e30)),
        variable("[CreateTaskInput!]!", many, json!([{ "title": "b" }, { "title": "c", "due": { "date": "x" } }])),
        variable("[CreateTaskInput!]!", many, json!({ "title": "c", "due": { "at": { "instant": 7 } } })),
        variable("TaskSelection!", selected, json!({ "filter": { "due": { "lt": "soon" } } })),
        (
            format!("mutation($v: Date! = \"x\") {{ {MAKE} {} }}", create("due: { date: $v }")),
            json!({}),
            "GRAPHQL_VALIDATION_FAILED",
        ),
        (
            format!("mutation {{ {MAKE} ...F }} fragment F on Mutation {{ {} }}", delete("due: { gte: \"x\" }")),
            json!({}),
            "GRAPHQL_VALIDATION_FAILED",
        ),
        (
            format!("mutation {{ {MAKE} }} query Q {{ changes(first: \"x\") {{ syncToken }} }}"),
            json!({}),
            "GRAPHQL_VALIDATION_FAILED",
        ),
        (
            format!("mutation {{ {MAKE} b: createTask(input: {{ title: \"b\" }}) {{ }} }}"),
            json!({}),
            "GRAPHQL_PARSE_FAILED",
        ),
        (format!("mutation {{ {MAKE} ... {{ }} }}"), json!({}), "GRAPHQL_PARSE_FAILED"),
        (format!("mutation {{ {MAKE} ...F }} fragment F on Mutation {{ }}"), json!({}), "GRAPHQL_PARSE_FAILED"),
    ]
}

async fn tasks(app: &App, person: &Person) -> Value {
    app.graphql(person, "{ tasks { totalCount } }", json!({})).await.data()["tasks"]["totalCount"].clone()
}

fn post(app: &App, person: &Person, accept: &str, body: &Value) -> reqwest::RequestBuilder {
    app.request("POST", "/graphql").bearer_auth(&person.token).header("accept", accept).json(body)
}

#[tokio::test]
async fn a_value_of_no_scalar_and_a_selection_of_nothing_refuse_the_request_before_anything_runs() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    for (query, variables, code) in documents() {
        // Of two operations the one that has no name cannot be chosen.
        let query = if query.contains("query Q") { query.replacen("mutation", "mutation M", 1) } else { query };
        let mut body = json!({ "query": query, "variables": variables });
        if query.contains("mutation M") {
            body["operationName"] = "M".into();
        }
        for (accept, status) in [("application/json", 200), ("application/graphql-response+json", 400)] {
            let answer = Answer::of(post(&app, &ann, accept, &body)).await;
            assert_eq!(answer.expect(status).get("data"), None, "{body}");
            assert_eq!(answer.code(), code, "{body}: {answer:?}");
        }
        for accept in ["text/event-stream", "multipart/mixed;subscriptionSpec=1.0"] {
            let answer = Answer::of(post(&app, &ann, accept, &body)).await;
            assert!(answer.text.contains(code) && !answer.text.contains("\"data\""), "{body}: {answer:?}");
        }
        assert_eq!(tasks(&app, &ann).await, 0, "{body}");
    }
    let empty = Answer::of(post(&app, &ann, "application/json", &json!({ "query": "{ me { } }" }))).await;
    assert_eq!(empty.json()["errors"][0]["locations"], json!([{ "line": 1, "column": 3 }]), "{empty:?}");
}

/// A problem in a variable names the field and the way to it, through rows and fields.
#[tokio::test]
async fn problems_in_variables_say_where_they_are() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let many = "mutation($rows: [CreateTaskInput!]!) { createTasks(input: { tasks: $rows }) { tasks { id } } }";
    let filtered = "query($filter: TaskFilter) { tasks(filter: $filter) { totalCount } }";
    let push = "mutation($changes: [PushedChange!]!) { pushChanges(input: { changes: $changes }) { revision } }";
    let row = |input: Value| json!([{ "title": "a" }, input]);
    let cases = [
        (many, json!({ "rows": row(json!({ "title": 7 })) }), "title", json!(["rows", 1, "title"])),
        (many, json!({ "rows": row(json!({})) }), "title", json!(["rows", 1, "title"])),
        (many, json!({ "rows": row(json!({ "title": null })) }), "title", json!(["rows", 1, "title"])),
        (many, json!({ "rows": row(json!({ "title": "b", "prio": 1 })) }), "prio", json!(["rows", 1, "prio"])),
        (
            many,
            json!({ "rows": row(json!({ "title": "b", "priority": "SOON" })) }),
            "priority",
            json!(["rows", 1, "priority"]),
        ),
        (
            many,
            json!({ "rows": row(json!({ "title": "b", "completed": "yes" })) }),
            "completed",
            json!(["rows", 1, "completed"]),
        ),
        (
            many,
            json!({ "rows": row(json!({ "title": "b", "labelIds": [[]] })) }),
            "labelIds",
            json!(["rows", 1, "labelIds", 0]),
        ),
        (
            many,
            json!({ "rows": row(json!({ "title": "b", "due": { "date": "x" } })) }),
            "date",
            json!(["rows", 1, "due", "date"]),
        ),
        (many, json!({ "rows": row(json!("b")) }), "rows", json!(["rows", 1])),
        (many, json!({}), "rows", json!(["rows"])),
        (many, json!({ "rows": null }), "rows", json!(["rows"])),
        (
            filtered,
            json!({ "filter": { "or": [{ "due": { "lt": "soon" } }] } }),
            "lt",
            json!(["filter", "or", 0, "due", "lt"]),
        ),
        (
            push,
            json!({ "changes": [{ "label": { "id": {}, "deleted": true } }] }),
            "id",
            json!(["changes", 0, "label", "id"]),
        ),
        (push, json!({ "changes": [{}] }), "changes", json!(["changes", 0])),
    ];
    for (document, variables, field, path) in cases {
        let answer = app.graphql(&ann, document, variables.clone()).await.json();
        let extensions = &answer["errors"][0]["extensions"];
        assert_eq!((&extensions["code"], &extensions["field"]), (&json!("BAD_USER_INPUT"), &json!(field)), "{answer}");
        let problem = &extensions["problems"][0];
        assert_eq!((&problem["field"], &problem["path"]), (&json!(field), &path), "{variables} {answer}");
    }
    let both = json!({ "rows": [{ "title": 1 }, { "title": "b" }, { "title": 2 }] });
    let answer = app.graphql(&ann, many, both).await.json();
    let places: Vec<&Value> =
        answer["errors"][0]["extensions"]["problems"].as_array().unwrap().iter().map(|it| &it["path"][1]).collect();
    assert_eq!(places, [&json!(0), &json!(2)], "{answer}");
    assert_eq!(tasks(&app, &ann).await, json!(0));
}

#[tokio::test]
async fn over_a_websocket_such_a_request_is_an_error_and_nothing_of_it_runs() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let mut socket = Socket::of(&app, &ann.token).await;
    for (query, variables, code) in documents().into_iter().filter(|(query, ..)| !query.contains("query Q")) {
        let payload = json!({ "query": query, "variables": variables });
        socket.send(json!({ "type": "subscribe", "id": "a", "payload": payload })).await;
        let answer = socket.next().await;
        assert_eq!((&answer["type"], &answer["payload"][0]["extensions"]["code"]), (&json!("error"), &json!(code)));
    }
    let since = json!({ "query": "subscription($s: String) { changes(after: $s) { kind } }", "variables": { "s": 0 } });
    socket.send(json!({ "type": "subscribe", "id": "a", "payload": since })).await;
    assert_eq!(socket.next().await["type"], "error");
    assert_eq!(tasks(&app, &ann).await, 0);
}

#[tokio::test]
async fn a_well_formed_value_that_a_rule_refuses_is_an_error_of_its_field() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    for field in [
        format!("createTask(input: {{ title: \"{}\" }}) {{ task {{ id }} }}", "x".repeat(201)),
        "createTask(input: { title: \"b\", due: { at: { instant: \"2030-01-01T00:00:00Z\", timeZone: \"Nowhere\" } } }) { task { id } }".to_owned(),
        "createTask(input: { title: \"b\", id: \"no-uuid\" }) { task { id } }".to_owned(),
        "deleteTasks(input: { selection: { filter: { overdue: { timeZone: \"Nowhere\" } } } }) { deletedTaskIds }".to_owned(),
    ] {
        let body = json!({ "query": format!("mutation {{ {MAKE} b: {field} }}") });
        let answer = Answer::of(post(&app, &ann, "application/graphql-response+json", &body)).await;
        let path = &answer.expect(200)["errors"][0]["path"];
        assert_eq!((path, answer.code().as_str()), (&json!(["b"]), "BAD_USER_INPUT"), "{answer:?}");
    }
    assert_eq!(tasks(&app, &ann).await, 4);
    // Values that are written in more than one way are taken in all of them.
    let asked = "query($a: DateTime) { tasks(filter: { due: { gte: $a } }) { totalCount } }";
    app.graphql(&ann, asked, json!({ "a": "2030-01-01T00:00:00+02:00" })).await.data();
    let id = app.task(&ann, "x").await;
    let edit = "mutation($id: ID!, $b: BigInt) { updateTask(input: { id: $id, expectedRevision: $b }) { revision } }";
    for revision in [json!(5), json!(5.0)] {
        app.graphql(&ann, edit, json!({ "id": id, "b": revision })).await.data();
    }
}
