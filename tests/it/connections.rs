//! Connections that are not at the root: tasks of lists and labels, subtasks, and the hits of a search, page by page.

use serde_json::{Value, json};

use crate::support::{App, Person, text};

const COUNT: usize = 7;

async fn made(app: &App, person: &Person, kind: &str, name: &str, input: Value) -> Value {
    let query = format!("mutation($i: Create{kind}Input!) {{ create{kind}(input: $i) {{ {name} {{ id }} }} }}");
    app.graphql(person, &query, json!({ "i": input })).await.data()[format!("create{kind}")][name]["id"].clone()
}

/// The titles of all pages of a field, three at a time; each page says how many there are.
async fn titles(app: &App, person: &Person, id: &Value, field: &str) -> Vec<String> {
    let (mut titles, mut after) = (Vec::new(), Value::Null);
    loop {
        let page = "totalCount edges { cursor node { title list { id } } } pageInfo { hasNextPage endCursor }";
        let query = match field {
            "searchTasks" => {
                format!("query($after: String) {{ searchTasks(text: \"task\", first: 3, after: $after) {{ {page} }} }}")
            }
            field => format!(
                "query($id: ID!, $after: String) {{ node(id: $id) {{ ... on {field}(first: 3, after: $after) {{ {page} }} }} }} }}"
            ),
        };
        let found = app.graphql(person, &query, json!({ "id": id, "after": after })).await.data();
        let found =
            found.get("searchTasks").unwrap_or_else(|| found["node"].as_object().unwrap().values().next().unwrap());
        let edges = found["edges"].as_array().unwrap();
        titles.extend(edges.iter().map(|it| text(&it["node"]["title"])));
        assert_eq!(found["totalCount"], COUNT, "{field}");
        assert_eq!(found["pageInfo"]["endCursor"], edges.last().unwrap()["cursor"], "{field}");
        after = found["pageInfo"]["endCursor"].clone();
        if found["pageInfo"]["hasNextPage"] == false {
            return titles;
        }
    }
}

#[tokio::test]
async fn tasks_of_lists_labels_parents_and_searches_come_whole_page_by_page() {
    let app = App::spawn().await;
    let (ann, bob) = (app.person("ann").await, app.person("bob").await);
    let list = made(&app, &ann, "TaskList", "taskList", json!({ "name": "a" })).await;
    let label = made(&app, &ann, "Label", "label", json!({ "name": "a" })).await;
    let parent = made(&app, &ann, "Task", "task", json!({ "title": "parent", "listId": null })).await;
    let mut expected = Vec::new();
    for number in 0..COUNT {
        let title = format!("task {number}");
        made(&app, &ann, "Task", "task", json!({ "title": title, "parentId": parent })).await;
        let placed = json!({ "title": format!("other {number}"), "listId": list, "labelIds": [label] });
        made(&app, &ann, "Task", "task", placed).await;
        app.task(&bob, &title).await;
        expected.push(title);
    }
    let others: Vec<String> = (0..COUNT).map(|it| format!("other {it}")).collect();
    assert_eq!(titles(&app, &ann, &list, "TaskList { tasks").await, others);
    assert_eq!(titles(&app, &ann, &label, "Label { tasks").await, others);
    assert_eq!(titles(&app, &ann, &parent, "Task { subtasks").await, expected);
    let mut hits = titles(&app, &ann, &parent, "searchTasks").await;
    hits.sort_unstable();
    assert_eq!(hits, expected);
}

#[tokio::test]
async fn a_cursor_of_another_connection_is_refused_by_name() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    app.task(&ann, "milk").await;
    made(&app, &ann, "TaskList", "taskList", json!({ "name": "a" })).await;
    let cursors = "{ tasks { pageInfo { endCursor } } searchTasks(text: \"milk\") { pageInfo { endCursor } } }";
    let cursors = app.graphql(&ann, cursors, json!({})).await.data();
    let of = |field: &str| cursors[field]["pageInfo"]["endCursor"].clone();
    let created =
        "query($after: String) { tasks(after: $after, order: [{ by: CREATED_AT, direction: ASC }]) { totalCount } }";
    let updated = "query($after: String) { tasks(after: $after, order: [{ by: UPDATED_AT }]) { totalCount } }";
    for (query, cursor) in [
        ("query($after: String) { tasks(after: $after) { totalCount } }", of("searchTasks")),
        ("query($after: String) { searchTasks(text: \"milk\", after: $after) { totalCount } }", of("tasks")),
        ("query($after: String) { taskLists { tasks(after: $after) { totalCount } } }", of("tasks")),
        ("query($after: String) { taskLists { tasks(after: $after) { totalCount } } }", json!("nonsense")),
        (created, of("tasks")),
        (updated, of("tasks")),
    ] {
        let error =
            app.graphql(&ann, query, json!({ "after": cursor })).await.json()["errors"][0]["extensions"].clone();
        assert_eq!((&error["code"], &error["field"]), (&json!("BAD_USER_INPUT"), &json!("after")), "{query}");
    }
}
