//! Who may do what: every GraphQL root field and every REST route, called as nobody, with a broken token and as a
//! neighbour. A field or route without a row here fails the build.

use std::collections::BTreeSet;

use docket::rest::{Endpoint, paths};
use serde_json::{Value, json};

use crate::support::{Answer, App, Person, text};

/// How each root field is called. `$id` is the id of something of somebody's: a task, a list or a label.
const FIELDS: [(&str, &str); 37] = [
    ("Query.me", "{ me { id } }"),
    ("Query.node", "query($id: ID!) { node(id: $id) { id } }"),
    ("Query.nodes", "query($id: ID!) { nodes(ids: [$id]) { id } }"),
    ("Query.task", "query($id: ID!) { task(id: $id) { id title } }"),
    ("Query.tasks", "{ tasks { totalCount nodes { id } edges { cursor } pageInfo { hasNextPage } } }"),
    ("Query.taskLists", "{ taskLists { id name counts { open } tasks { nodes { title } } } }"),
    ("Query.deletedTasks", "{ deletedTasks { nodes { id title labels { name } } } }"),
    ("Query.deletedTaskLists", "{ deletedTaskLists { id name } }"),
    ("Query.deletedLabels", "{ deletedLabels { id name } }"),
    ("Query.labels", "{ labels { id name tasks { nodes { title } } } }"),
    ("Query.searchTasks", "{ searchTasks(text: \"water\") { nodes { id title } } }"),
    ("Query.changes", "{ changes { changes { nodeId } } }"),
    ("Query.syncToken", "{ syncToken }"),
    ("Mutation.createTask", "mutation { createTask(input: { title: \"mine\" }) { task { title } } }"),
    (
        "Mutation.updateTask",
        "mutation($id: ID!) { updateTask(input: { id: $id, title: \"mine now\" }) { task { id } } }",
    ),
    (
        "Mutation.setTaskCompleted",
        "mutation($id: ID!) { setTaskCompleted(input: { id: $id, completed: true }) { task { id } } }",
    ),
    (
        "Mutation.moveTask",
        "mutation($id: ID!) { moveTask(input: { id: $id, position: { before: $id } }) { task { id } } }",
    ),
    ("Mutation.deleteTask", "mutation($id: ID!) { deleteTask(input: { id: $id }) { deletedTaskId } }"),
    ("Mutation.restoreTask", "mutation($id: ID!) { restoreTask(input: { id: $id }) { task { id title } } }"),
    ("Mutation.createTasks", "mutation { createTasks(input: { tasks: [{ title: \"mine\" }] }) { tasks { title } } }"),
    (
        "Mutation.setTasksCompleted",
        "mutation($id: ID!) { setTasksCompleted(input: { selection: { ids: [$id] }, completed: true }) { tasks { id } } }",
    ),
    (
        "Mutation.moveTasks",
        "mutation($id: ID!) { moveTasks(input: { selection: { ids: [$id] }, listId: null }) { tasks { id } } }",
    ),
    ("Mutation.labelTasks", "mutation($id: ID!) { labelTasks(input: { selection: { ids: [$id] } }) { tasks { id } } }"),
    (
        "Mutation.deleteTasks",
        "mutation($id: ID!) { deleteTasks(input: { selection: { ids: [$id] } }) { deletedTaskIds } }",
    ),
    ("Mutation.createTaskList", "mutation { createTaskList(input: { name: \"mine\" }) { taskList { name } } }"),
    (
        "Mutation.updateTaskList",
        "mutation($id: ID!) { updateTaskList(input: { id: $id, name: \"mine now\" }) { taskList { id } } }",
    ),
    (
        "Mutation.moveTaskList",
        "mutation($id: ID!) { moveTaskList(input: { id: $id, position: { after: $id } }) { taskList { id } } }",
    ),
    ("Mutation.restoreTaskList", "mutation($id: ID!) { restoreTaskList(input: { id: $id }) { taskList { name } } }"),
    ("Mutation.restoreLabel", "mutation($id: ID!) { restoreLabel(input: { id: $id }) { label { name } } }"),
    ("Mutation.deleteTaskList", "mutation($id: ID!) { deleteTaskList(input: { id: $id }) { deletedTaskListId } }"),
    ("Mutation.createLabel", "mutation { createLabel(input: { name: \"mine\" }) { label { name } } }"),
    (
        "Mutation.updateLabel",
        "mutation($id: ID!) { updateLabel(input: { id: $id, name: \"mine now\" }) { label { id } } }",
    ),
    ("Mutation.deleteLabel", "mutation($id: ID!) { deleteLabel(input: { id: $id }) { deletedLabelId } }"),
    (
        "Mutation.pushChanges",
        "mutation($id: ID!) { pushChanges(input: { changes: [{ task: { id: $id, deleted: true } }] }) { results { current { __typename } problems { field } } } }",
    ),
    // Fields that take ids besides the one that they are about.
    (
        "Mutation.createTask in a list",
        "mutation($id: ID!) { createTask(input: { title: \"a\", listId: $id }) { task { id } } }",
    ),
    (
        "Mutation.createTask as a part",
        "mutation($id: ID!) { createTask(input: { title: \"a\", parentId: $id }) { task { id } } }",
    ),
    (
        "Mutation.createTask with a label",
        "mutation($id: ID!) { createTask(input: { title: \"a\", labelIds: [$id] }) { task { id } } }",
    ),
];

/// The one subscription, which is called like every other field.
const SUBSCRIPTION: (&str, &str) = ("Subscription.changes", "subscription { changes { nodeId } }");

/// An id that no task has.
const ABSENT: &str = "01890000-0000-7000-8000-000000000000";

fn document(name: &str) -> &'static str {
    FIELDS.iter().find(|(it, _)| *it == name).map(|(_, document)| *document).unwrap()
}

fn variables(document: &str, task: &str) -> Value {
    if document.contains("$id") { json!({ "id": task }) } else { json!({}) }
}

async fn call(app: &App, authorization: Option<&str>, document: &str, task: &str) -> Answer {
    let body = json!({ "query": document, "variables": variables(document, task) });
    let request = app.request("POST", "/graphql").json(&body);
    Answer::of(match authorization {
        Some(value) => request.header("authorization", value),
        None => request,
    })
    .await
}

#[tokio::test]
async fn every_root_field_has_a_row() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let query = "{ __schema { queryType { name fields { name } } mutationType { name fields { name } }
        subscriptionType { name fields { name } } } }";
    let schema = app.graphql(&ann, query, json!({})).await.data();
    let mut fields = BTreeSet::new();
    for root in ["queryType", "mutationType", "subscriptionType"] {
        let root = &schema["__schema"][root];
        for field in root["fields"].as_array().unwrap() {
            fields.insert(format!("{}.{}", text(&root["name"]), text(&field["name"])));
        }
    }
    let rows = FIELDS.iter().chain([&SUBSCRIPTION]).map(|(name, _)| (*name).to_owned());
    assert_eq!(fields, rows.filter(|name| !name.contains(' ')).collect());
}

#[tokio::test]
async fn nobody_gets_unauthenticated_from_every_field() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let task = app.task(&ann, "water the plants").await;
    for (name, document) in FIELDS {
        for id in [task.as_str(), "not an id"] {
            let answer = call(&app, None, document, id).await;
            assert_eq!(answer.code(), "UNAUTHENTICATED", "{name}: {answer:?}");
            let data = &answer.json()["data"];
            assert!(data.is_null() || data.as_object().unwrap().values().all(Value::is_null), "{name}: {answer:?}");
        }
    }
    assert_untouched(&app, &ann, &task).await;
}

#[tokio::test]
async fn a_broken_token_gets_401_from_every_field() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let task = app.task(&ann, "water the plants").await;
    for (name, document) in FIELDS {
        let broken = format!("Bearer {}x", &ann.token[..ann.token.len() - 4]);
        let answer = call(&app, Some(&broken), document, &task).await;
        assert_eq!(answer.status, 401, "{name}: {answer:?}");
        assert_eq!(answer.code(), "UNAUTHENTICATED", "{name}");
        assert_eq!(answer.header("www-authenticate"), "Bearer error=\"invalid_token\"", "{name}");
    }
    assert_untouched(&app, &ann, &task).await;
}

#[tokio::test]
async fn nobody_gets_a_stream() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let body = json!({ "query": SUBSCRIPTION.1 });
    let ask = |request: reqwest::RequestBuilder| Answer::of(request.header("accept", "text/event-stream").json(&body));
    let nobody = ask(app.request("POST", "/graphql")).await;
    assert!(
        nobody.text.contains("UNAUTHENTICATED") && nobody.text.ends_with("event: complete\ndata: \n\n"),
        "{nobody:?}"
    );
    let broken = ask(app.request("POST", "/graphql").bearer_auth(format!("{}x", ann.token))).await;
    assert_eq!(broken.status, 401, "{broken:?}");
}

#[tokio::test]
async fn a_neighbours_id_is_an_id_that_does_not_exist() {
    let app = App::spawn().await;
    let (ann, bob) = (app.person("ann").await, app.person("bob").await);
    let task = app.task(&ann, "water the plants").await;
    let made = "mutation { createTaskList(input: { name: \"water\" }) { taskList { id } }
        createLabel(input: { name: \"water\" }) { label { id } } }";
    let made = app.graphql(&ann, made, json!({})).await.data();
    let (list, label) = (&made["createTaskList"]["taskList"]["id"], &made["createLabel"]["label"]["id"]);
    for (name, document) in FIELDS.into_iter().filter(|(_, document)| document.contains("$id")) {
        for id in [task.clone(), text(list), text(label)] {
            let foreign = app.graphql(&bob, document, json!({ "id": id })).await.text;
            let absent = app.graphql(&bob, document, json!({ "id": ABSENT })).await.text;
            assert_eq!(foreign.replace(&id, "ID"), absent.replace(ABSENT, "ID"), "{name}");
            assert!(!foreign.contains("water"), "{name}: {foreign}");
        }
    }
    let bobs = app.graphql(&bob, "{ tasks { totalCount } taskLists { id } labels { id } }", json!({})).await.data();
    assert_eq!(bobs, json!({ "tasks": { "totalCount": 0 }, "taskLists": [], "labels": [] }));
    assert_untouched(&app, &ann, &task).await;
}

#[tokio::test]
async fn lists_and_counts_stay_inside_the_owner() {
    let app = App::spawn().await;
    let (ann, bob) = (app.person("ann").await, app.person("bob").await);
    app.task(&ann, "water the plants").await;
    let found = app.graphql(&bob, document("Query.tasks"), json!({})).await.data();
    assert_eq!((&found["tasks"]["totalCount"], &found["tasks"]["nodes"]), (&json!(0), &json!([])));
    for field in ["Query.taskLists", "Query.labels"] {
        let found = app.graphql(&bob, document(field), json!({})).await.data();
        assert!(found.as_object().unwrap().values().all(|it| *it == json!([])), "{field}: {found}");
    }
    let found = app.graphql(&bob, document("Query.searchTasks"), json!({})).await.data();
    assert_eq!(found, json!({ "searchTasks": { "nodes": [] } }));
    let changes = app.graphql(&bob, document("Query.changes"), json!({})).await.data();
    assert_eq!(changes["changes"]["changes"], json!([]));
    let searched = app.rest(&bob, "GET", "?search=water", None).await;
    assert_eq!((searched.expect(200), searched.header("x-total-count")), (json!([]), "0"));
    let me = app.graphql(&bob, "query($id: ID!) { node(id: $id) { id } }", json!({ "id": ann.id })).await;
    assert_eq!(me.data(), json!({ "node": null }));
}

#[tokio::test]
async fn no_answer_to_one_holds_a_word_that_only_the_other_has() {
    let app = App::spawn().await;
    let (ann, bob) = (app.person("ann").await, app.person("bob").await);
    let marker = "zanzibar";
    let made = format!(
        "mutation {{ createTaskList(input: {{ name: \"{marker}\" }}) {{ taskList {{ id }} }}
           createLabel(input: {{ name: \"{marker}\" }}) {{ label {{ id }} }}
           createTask(input: {{ title: \"{marker} water\", description: \"{marker}\" }}) {{ task {{ id number }} }} }}"
    );
    let made = app.graphql(&bob, &made, json!({})).await.data();
    app.rest_task(&bob, json!({ "title": marker, "tags": [marker] })).await;
    let number = made["createTask"]["task"]["number"].to_string();
    let ids = ["createTaskList.taskList", "createLabel.label", "createTask.task"].map(|path| {
        let (field, part) = path.split_once('.').unwrap();
        text(&made[field][part]["id"])
    });
    let mut answers = Vec::new();
    for (_, document) in FIELDS {
        for id in &ids {
            answers.push(app.graphql(&ann, document, variables(document, id)).await.text);
        }
    }
    let bearer = format!("Bearer {}", ann.token);
    for Endpoint { method, path: template } in task_routes() {
        for user in [&ann.id, &bob.id] {
            for id in ids.iter().chain([&number]) {
                let path = template.replace("{user_id}", user).replace("{task_id}", id);
                let query = if path.ends_with("tasks") { "?search=z&tags=zanzibar" } else { "" };
                answers.push(visit(&app, Some(&bearer), method, &format!("{path}{query}")).await.text);
            }
        }
    }
    for answer in answers {
        assert!(!answer.contains(marker), "{answer}");
    }
    assert_eq!(app.rest(&bob, "GET", "", None).await.expect(200).as_array().unwrap().len(), 2);
}

async fn assert_untouched(app: &App, owner: &Person, task: &str) {
    let query = "query($task: ID!) { task(id: $task) { title completed } tasks { totalCount } }";
    let found = app.graphql(owner, query, json!({ "task": task })).await.data();
    let expected = json!({ "task": { "title": "water the plants", "completed": false }, "tasks": { "totalCount": 1 } });
    assert_eq!(found, expected);
}

/// A body that each method takes.
fn body(method: &str, path: &str) -> Option<Value> {
    let toggles = ["/complete", "/toggle", "/status", "/toggle-status"];
    let is_toggle = toggles.iter().any(|it| path.trim_end_matches('/').ends_with(it));
    match method {
        "POST" | "PUT" | "PATCH" if !is_toggle => Some(json!({ "title": "mine now" })),
        _ => None,
    }
}

/// Every task route under all its paths.
fn task_routes() -> Vec<Endpoint> {
    let all = |it: Endpoint| paths::served(&it.path).into_iter().map(move |path| Endpoint { method: it.method, path });
    docket::rest::endpoints().into_iter().flat_map(all).collect()
}

async fn visit(app: &App, authorization: Option<&str>, method: &str, path: &str) -> Answer {
    let mut request = app.request(method, path);
    if let Some(body) = body(method, path) {
        request = request.json(&body);
    }
    if let Some(value) = authorization {
        request = request.header("authorization", value);
    }
    Answer::of(request).await
}

#[tokio::test]
async fn every_task_route_wants_a_token_that_holds() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let task = app.rest_task(&ann, json!({ "title": "water the plants" })).await;
    for Endpoint { method, path: template } in task_routes() {
        let path = template.replace("{user_id}", &ann.id).replace("{task_id}", &task["id"].to_string());
        let nobody = visit(&app, None, method, &path).await;
        assert_eq!(nobody.expect(401), json!({ "detail": "Not authenticated" }), "{method} {path}");
        assert_eq!(nobody.header("www-authenticate"), "Bearer", "{method} {path}");
        let broken = visit(&app, Some("Bearer a.b.c"), method, &path).await;
        assert_eq!(broken.expect(401), json!({ "detail": "Invalid or expired token" }), "{method} {path}");
        assert_eq!(broken.header("www-authenticate"), "Bearer error=\"invalid_token\"", "{method} {path}");
    }
    assert_eq!(app.rest(&ann, "GET", "", None).await.expect(200), json!([task]));
}

#[tokio::test]
async fn a_neighbour_gets_403_on_every_task_route_as_for_a_user_who_does_not_exist() {
    let app = App::spawn().await;
    let (ann, bob) = (app.person("ann").await, app.person("bob").await);
    let task = app.rest_task(&ann, json!({ "title": "water the plants" })).await;
    let bearer = format!("Bearer {}", bob.token);
    for Endpoint { method, path: template } in task_routes().into_iter().filter(|it| it.path.contains("{user_id}")) {
        for user in [ann.id.as_str(), "nobody-at-all"] {
            let path = template.replace("{user_id}", user).replace("{task_id}", &task["id"].to_string());
            let answer = visit(&app, Some(&bearer), method, &path).await;
            assert_eq!(answer.expect(403), json!({ "detail": "Access denied" }), "{method} {path}");
        }
    }
    assert_eq!(app.rest(&ann, "GET", "", None).await.expect(200), json!([task]));
}

#[tokio::test]
async fn a_neighbours_task_is_not_found_under_the_own_path() {
    let app = App::spawn().await;
    let (ann, bob) = (app.person("ann").await, app.person("bob").await);
    let task = app.rest_task(&ann, json!({ "title": "water the plants" })).await;
    let id = app.graphql(&ann, "{ tasks { nodes { id } } }", json!({})).await.data();
    let id = text(&id["tasks"]["nodes"][0]["id"]);
    let bearer = format!("Bearer {}", bob.token);
    for Endpoint { method, path: template } in task_routes().into_iter().filter(|it| it.path.contains("{task_id}")) {
        for key in [task["id"].to_string(), id.clone(), "999999".into(), ABSENT.into()] {
            let path = template.replace("{user_id}", &bob.id).replace("{task_id}", &key);
            let answer = visit(&app, Some(&bearer), method, &path).await;
            assert_eq!(answer.expect(404), json!({ "detail": "Task not found" }), "{method} {path}");
        }
    }
    assert_eq!(app.rest(&ann, "GET", "", None).await.expect(200), json!([task]));
}

#[tokio::test]
async fn every_auth_route_of_a_session_refuses_a_broken_one() {
    let app = App::spawn().await;
    let body = json!({ "currentPassword": "correct-horse-1", "newPassword": "correct-horse-2", "password": "x", "accountId": "x",
        "token": "x", "newEmail": "new@example.com", "name": "x" });
    for path in [
        "token",
        "update-user",
        "update-session",
        "change-email",
        "change-password",
        "verify-password",
        "list-accounts",
        "unlink-account",
        "list-sessions",
        "revoke-session",
        "revoke-sessions",
        "revoke-other-sessions",
        "delete-user",
    ] {
        let method = if path.starts_with("list") || path == "token" { "GET" } else { "POST" };
        let request = app.request(method, &format!("/api/auth/{path}")).bearer_auth("a".repeat(32));
        let answer = Answer::of(if method == "POST" { request.json(&body) } else { request }).await;
        assert_eq!((answer.status.as_u16(), answer.code()), (401, "UNAUTHORIZED".into()), "{path}");
    }
}

#[tokio::test]
async fn every_auth_route_says_what_nobody_gets() {
    let app = App::spawn().await;
    let (session, schema) = ((401, "UNAUTHORIZED"), (400, "VALIDATION_ERROR"));
    let expected = [
        ("GET", "/api/auth/ok", (200, "{\"ok\":true}")),
        ("GET", "/api/auth/error", (200, "<!doctype html>")),
        ("POST", "/api/auth/sign-up/email", schema),
        ("POST", "/api/auth/sign-in/email", schema),
        ("POST", "/api/auth/sign-in/social", schema),
        ("POST", "/api/auth/sign-out", (200, "{\"success\":true}")),
        ("GET", "/api/auth/get-session", (200, "null")),
        ("GET", "/api/auth/token", session),
        ("GET", "/api/auth/jwks", (200, "\"kty\":\"OKP\"")),
        ("GET", "/.well-known/jwks.json", (200, "\"kty\":\"OKP\"")),
        ("POST", "/api/auth/update-user", schema),
        ("POST", "/api/auth/update-session", schema),
        ("POST", "/api/auth/change-email", schema),
        ("POST", "/api/auth/change-password", schema),
        ("POST", "/api/auth/verify-password", schema),
        ("GET", "/api/auth/list-accounts", session),
        ("POST", "/api/auth/unlink-account", schema),
        ("GET", "/api/auth/list-sessions", session),
        ("POST", "/api/auth/revoke-session", schema),
        ("POST", "/api/auth/revoke-sessions", session),
        ("POST", "/api/auth/revoke-other-sessions", session),
        ("POST", "/api/auth/request-password-reset", schema),
        ("POST", "/api/auth/reset-password", schema),
        ("GET", "/api/auth/reset-password/{token}", schema),
        ("POST", "/api/auth/send-verification-email", schema),
        ("GET", "/api/auth/verify-email", schema),
        ("POST", "/api/auth/delete-user", schema),
        ("GET", "/api/auth/delete-user/callback", schema),
    ];
    let routes: Vec<_> =
        expected.iter().map(|(method, path, ..)| Endpoint { method, path: (*path).to_owned() }).collect();
    assert_eq!(routes, docket::rest::auth::endpoints());
    for (method, path, (status, part)) in expected {
        let answer = Answer::of(app.request(method, path)).await;
        assert_eq!(answer.status, status, "{method} {path}: {answer:?}");
        assert!(answer.text.contains(part), "{method} {path}: {answer:?}");
    }
}
