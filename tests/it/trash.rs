//! What is deleted can be seen and brought back.

use serde_json::{Value, json};

use crate::support::{App, text};

const DELETED_TASKS: &str = "query($first: Int, $after: String) { deletedTasks(first: $first, after: $after) {
    totalCount nodes { id title deletedAt labels { name } } pageInfo { endCursor hasNextPage } } }";

#[tokio::test]
async fn deleted_tasks_are_listed_last_deleted_first_in_pages() {
    let app = App::spawn().await;
    let (ann, bob) = (app.person("ann").await, app.person("bob").await);
    let mut ids = Vec::new();
    for title in ["a", "b", "c"] {
        ids.push(app.task(&ann, title).await);
    }
    app.task(&ann, "stays").await;
    assert_eq!(app.graphql(&ann, DELETED_TASKS, json!({})).await.data()["deletedTasks"]["totalCount"], 0);
    for id in [&ids[1], &ids[0], &ids[2]] {
        let delete = "mutation($id: ID!) { deleteTask(input: { id: $id }) { deletedTaskId } }";
        app.graphql(&ann, delete, json!({ "id": id })).await.data();
    }
    let (mut titles, mut after) = (Vec::new(), Value::Null);
    loop {
        let page = app.graphql(&ann, DELETED_TASKS, json!({ "first": 2, "after": after })).await.data()["deletedTasks"]
            .clone();
        assert_eq!(page["totalCount"], 3);
        for task in page["nodes"].as_array().unwrap() {
            assert!(task["deletedAt"].is_string(), "{task}");
            titles.push(text(&task["title"]));
        }
        after = page["pageInfo"]["endCursor"].clone();
        if page["pageInfo"]["hasNextPage"] == false {
            break;
        }
    }
    assert_eq!(titles, ["c", "a", "b"]);
    assert_eq!(
        app.graphql(&bob, DELETED_TASKS, json!({ "after": after })).await.data()["deletedTasks"]["totalCount"],
        0
    );

    let restore = "mutation($id: ID!) { restoreTask(input: { id: $id }) { task { title deletedAt } } }";
    let restored = app.graphql(&ann, restore, json!({ "id": ids[0] })).await.data();
    assert_eq!(restored["restoreTask"]["task"], json!({ "title": "a", "deletedAt": null }));
    assert_eq!(app.graphql(&ann, DELETED_TASKS, json!({})).await.data()["deletedTasks"]["totalCount"], 2);
    let foreign = app.graphql(&ann, "{ deletedTasks(after: \"MS5uAA\") { totalCount } }", json!({})).await;
    assert_eq!(foreign.code(), "BAD_USER_INPUT", "{foreign:?}");
}

#[tokio::test]
async fn lists_and_labels_come_back_once_and_only_to_their_owner() {
    let app = App::spawn().await;
    let (ann, bob) = (app.person("ann").await, app.person("bob").await);
    for (kind, field, deleted) in [("TaskList", "taskList", "deletedTaskLists"), ("Label", "label", "deletedLabels")] {
        let create = format!(
            "mutation {{ create{kind}(input: {{ name: \"home\", color: \"#00ff00\" }}) {{ {field} {{ id revision }} }} }}"
        );
        let made = app.graphql(&ann, &create, json!({})).await.data()[format!("create{kind}")][field].clone();
        let id = json!({ "id": made["id"] });
        let delete = format!("mutation($id: ID!) {{ delete{kind}(input: {{ id: $id }}) {{ revision }} }}");
        app.graphql(&ann, &delete, id.clone()).await.data();

        let trash = format!("{{ {deleted} {{ id name deletedAt }} }}");
        let shown = app.graphql(&ann, &trash, json!({})).await.data()[deleted].clone();
        assert_eq!((&shown[0]["id"], &shown[0]["name"]), (&made["id"], &json!("home")));
        assert!(shown[0]["deletedAt"].is_string());
        assert_eq!(app.graphql(&bob, &trash, json!({})).await.data()[deleted], json!([]));

        let restore = format!(
            "mutation($id: ID!) {{ restore{kind}(input: {{ id: $id }}) {{ {field} {{ name color revision deletedAt }} }} }}"
        );
        assert_eq!(app.graphql(&bob, &restore, id.clone()).await.code(), "NOT_FOUND");
        let restored = app.graphql(&ann, &restore, id.clone()).await.data()[format!("restore{kind}")][field].clone();
        assert_eq!(
            (&restored["name"], &restored["color"], &restored["deletedAt"]),
            (&json!("home"), &json!("#00ff00"), &Value::Null)
        );
        assert!(restored["revision"].as_i64() > made["revision"].as_i64(), "{restored}");
        let again = app.graphql(&ann, &restore, id).await.data()[format!("restore{kind}")][field].clone();
        assert_eq!(again, restored, "restoring twice changes nothing");
        assert_eq!(app.graphql(&ann, &trash, json!({})).await.data()[deleted], json!([]));
    }
}

#[tokio::test]
async fn a_label_whose_name_is_taken_stays_in_the_trash() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let create = "mutation { createLabel(input: { name: \"Home\" }) { label { id } } }";
    let id = app.graphql(&ann, create, json!({})).await.data()["createLabel"]["label"]["id"].clone();
    let delete = "mutation($id: ID!) { deleteLabel(input: { id: $id }) { deletedLabelId } }";
    app.graphql(&ann, delete, json!({ "id": id })).await.data();
    app.graphql(&ann, create, json!({})).await.data();
    let restore = "mutation($id: ID!) { restoreLabel(input: { id: $id }) { label { id } } }";
    assert_eq!(app.graphql(&ann, restore, json!({ "id": id })).await.code(), "NAME_TAKEN");
    let trash = app.graphql(&ann, "{ deletedLabels { id } }", json!({})).await.data();
    assert_eq!(trash["deletedLabels"], json!([{ "id": id }]));
}

#[tokio::test]
async fn a_subtask_whose_task_has_become_a_subtask_comes_back_as_a_task_of_its_own() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let (parent, other) = (app.task(&ann, "parent").await, app.task(&ann, "other").await);
    let create = "mutation($id: ID!) { createTask(input: { title: \"subtask\", parentId: $id }) { task { id } } }";
    let subtask = app.graphql(&ann, create, json!({ "id": parent })).await.data()["createTask"]["task"]["id"].clone();
    let delete = "mutation($id: ID!) { deleteTask(input: { id: $id }) { revision } }";
    app.graphql(&ann, delete, json!({ "id": subtask })).await.data();
    let under = "mutation($id: ID!, $parent: ID!) { updateTask(input: { id: $id, parentId: $parent }) { revision } }";
    app.graphql(&ann, under, json!({ "id": parent, "parent": other })).await.data();
    let restore = "mutation($id: ID!) { restoreTask(input: { id: $id }) { task { title parentId } } }";
    let restored = app.graphql(&ann, restore, json!({ "id": subtask })).await.data();
    assert_eq!(restored["restoreTask"]["task"], json!({ "title": "subtask", "parentId": null }));
}
