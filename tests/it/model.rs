//! Lists, labels, parts of tasks, manual order and due dates.

use serde_json::{Value, json};

use crate::support::{Answer, App, Person, at_once, text};

async fn list(app: &App, person: &Person, name: &str) -> String {
    let query = "mutation($name: String!) { createTaskList(input: { name: $name }) { taskList { id } } }";
    text(&app.graphql(person, query, json!({ "name": name })).await.data()["createTaskList"]["taskList"]["id"])
}

async fn label(app: &App, person: &Person, name: &str) -> String {
    let query = "mutation($name: String!) { createLabel(input: { name: $name }) { label { id } } }";
    text(&app.graphql(person, query, json!({ "name": name })).await.data()["createLabel"]["label"]["id"])
}

async fn create(app: &App, person: &Person, input: Value) -> Answer {
    let query = "mutation($input: CreateTaskInput!) { createTask(input: $input) { task { id revision position
        dueDate dueAt dueTimeZone list { id } parent { id } labels { name } } } }";
    app.graphql(person, query, json!({ "input": input })).await
}

async fn made(app: &App, person: &Person, input: Value) -> String {
    text(&create(app, person, input).await.data()["createTask"]["task"]["id"])
}

async fn update(app: &App, person: &Person, input: Value) -> Answer {
    let query = "mutation($input: UpdateTaskInput!) { updateTask(input: $input) { task { id completed revision
        dueDate dueAt dueTimeZone list { id } parent { id } labels { name } } } }";
    app.graphql(person, query, json!({ "input": input })).await
}

/// Titles in manual order.
async fn order(app: &App, person: &Person) -> String {
    let query = "{ tasks(first: 100, order: { by: POSITION }) { nodes { title } } }";
    let tasks = app.graphql(person, query, json!({})).await.data();
    tasks["tasks"]["nodes"].as_array().unwrap().iter().map(|it| text(&it["title"])).collect()
}

#[tokio::test]
async fn a_list_is_made_changed_moved_and_deleted() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let (home, work) = (list(&app, &ann, "Home").await, list(&app, &ann, "Work").await);
    let change = "mutation($id: ID!) { updateTaskList(input: { id: $id, color: \"#A0B1C2\", archived: true }) {
        taskList { name color archived } } }";
    let changed = app.graphql(&ann, change, json!({ "id": home })).await.data();
    let expected = json!({ "name": "Home", "color": "#a0b1c2", "archived": true });
    assert_eq!(changed["updateTaskList"]["taskList"], expected);
    let names = |archived: &'static str| {
        let query = format!("{{ taskLists{archived} {{ name }} }}");
        let (app, ann) = (&app, &ann);
        async move { app.graphql(ann, &query, json!({})).await.data()["taskLists"].clone() }
    };
    assert_eq!(names("").await, json!([{ "name": "Home" }, { "name": "Work" }]));
    assert_eq!(names("(archived: false)").await, json!([{ "name": "Work" }]));
    let moved = "mutation($id: ID!, $to: ID!) { moveTaskList(input: { id: $id, position: { before: $to } }) { taskList { id } } }";
    app.graphql(&ann, moved, json!({ "id": work, "to": home })).await.data();
    assert_eq!(names("").await, json!([{ "name": "Work" }, { "name": "Home" }]));
    let third = list(&app, &ann, "Third").await;
    let behind = "mutation($id: ID!, $to: ID!) { moveTaskList(input: { id: $id, position: { after: $to } }) { taskList { id } } }";
    app.graphql(&ann, behind, json!({ "id": work, "to": third })).await.data();
    list(&app, &ann, "Fourth").await;
    assert_eq!(
        names("").await,
        json!([{ "name": "Home" }, { "name": "Third" }, { "name": "Work" }, { "name": "Fourth" }])
    );
}

#[tokio::test]
async fn the_tasks_of_a_deleted_list_stay_in_no_list() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let home = list(&app, &ann, "Home").await;
    let task = made(&app, &ann, json!({ "title": "a", "listId": home })).await;
    let gone = made(&app, &ann, json!({ "title": "b", "listId": home })).await;
    let delete = "mutation($id: ID!) { deleteTask(input: { id: $id }) { deletedTaskId } }";
    app.graphql(&ann, delete, json!({ "id": gone })).await.data();
    let delete = "mutation($id: ID!) { deleteTaskList(input: { id: $id }) { deletedTaskListId } }";
    app.graphql(&ann, delete, json!({ "id": home })).await.data();
    let restore = "mutation($id: ID!) { restoreTask(input: { id: $id }) { task { list { id } } } }";
    let back = app.graphql(&ann, restore, json!({ "id": gone })).await.data();
    assert_eq!(back["restoreTask"]["task"]["list"], Value::Null);
    let query = "query($id: ID!) { task(id: $id) { list { id } } }";
    assert_eq!(app.graphql(&ann, query, json!({ "id": task })).await.data()["task"]["list"], Value::Null);
    assert_eq!(create(&app, &ann, json!({ "title": "c", "listId": home })).await.code(), "NOT_FOUND");
}

#[tokio::test]
async fn lists_know_their_tasks_and_count_them_by_the_day_of_a_zone() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let (home, empty) = (list(&app, &ann, "Home").await, list(&app, &ann, "Empty").await);
    let yesterday = (chrono::Utc::now() - chrono::Duration::days(2)).date_naive().to_string();
    let tomorrow = (chrono::Utc::now() + chrono::Duration::days(2)).date_naive().to_string();
    for (title, due, completed) in [
        ("late", json!({ "date": yesterday }), false),
        ("later", json!({ "at": { "instant": "2020-01-01T00:00:00Z" } }), false),
        ("done late", json!({ "date": yesterday }), true),
        ("soon", json!({ "date": tomorrow }), false),
        ("ever", Value::Null, false),
    ] {
        made(&app, &ann, json!({ "title": title, "due": due, "completed": completed, "listId": home })).await;
    }
    let query = "{ taskLists { id counts { open completed overdue } tasks(first: 2) { nodes { title } } } }";
    let lists = app.graphql(&ann, query, json!({})).await.data()["taskLists"].clone();
    let counts = json!({ "open": 4, "completed": 1, "overdue": 2 });
    assert_eq!(
        lists[0],
        json!({ "id": home, "counts": counts, "tasks": { "nodes": [{ "title": "late" }, { "title": "later" }] } })
    );
    assert_eq!(
        lists[1],
        json!({ "id": empty, "counts": { "open": 0, "completed": 0, "overdue": 0 }, "tasks": { "nodes": [] } })
    );
    let filtered =
        "{ tasks(filter: { overdue: { timeZone: \"Europe/Berlin\" } }, order: { by: TITLE }) { nodes { title } } }";
    let late = app.graphql(&ann, filtered, json!({})).await.data();
    assert_eq!(late["tasks"]["nodes"], json!([{ "title": "late" }, { "title": "later" }]));
    let wrong = "{ tasks(filter: { overdue: { timeZone: \"Mars/Olympus\" } }) { totalCount } }";
    assert_eq!(app.graphql(&ann, wrong, json!({})).await.json()["errors"][0]["extensions"]["field"], "overdue");
}

#[tokio::test]
async fn the_name_of_a_label_is_unique_whatever_its_case() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let urgent = label(&app, &ann, "Éilig").await;
    let again = "mutation { createLabel(input: { name: \"éILIG\" }) { label { id } } }";
    assert_eq!(app.graphql(&ann, again, json!({})).await.code(), "NAME_TAKEN");
    let other = label(&app, &ann, "other").await;
    let rename = "mutation($id: ID!) { updateLabel(input: { id: $id, name: \"éilig\" }) { label { name } } }";
    assert_eq!(app.graphql(&ann, rename, json!({ "id": other })).await.code(), "NAME_TAKEN");
    assert_eq!(
        app.graphql(&ann, rename, json!({ "id": urgent })).await.data()["updateLabel"]["label"]["name"],
        "éilig"
    );
    let delete = "mutation($id: ID!) { deleteLabel(input: { id: $id }) { deletedLabelId } }";
    app.graphql(&ann, delete, json!({ "id": urgent })).await.data();
    label(&app, &ann, "ÉILIG").await;
}

#[tokio::test]
async fn labels_tie_tasks_together_and_rest_calls_them_tags() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let task = app.rest_task(&ann, json!({ "title": "a", "tags": ["Phone", " errand ", "phone"] })).await;
    assert_eq!(task["tags"], json!(["Phone", "errand"]));
    let other = app.rest_task(&ann, json!({ "title": "b", "tags": ["PHONE"] })).await;
    assert_eq!(other["tags"], json!(["Phone"]));
    let labels = app.graphql(&ann, "{ labels { name tasks { nodes { title } } } }", json!({})).await.data();
    let expected = json!([
        { "name": "errand", "tasks": { "nodes": [{ "title": "a" }] } },
        { "name": "Phone", "tasks": { "nodes": [{ "title": "a" }, { "title": "b" }] } },
    ]);
    assert_eq!(labels["labels"], expected);
    let path = format!("/{}", task["id"]);
    let kept = app.rest(&ann, "PUT", &path, Some(json!({ "title": "c" }))).await.expect(200);
    assert_eq!(kept["tags"], json!(["Phone", "errand"]));
    let replaced = app.rest(&ann, "PUT", &path, Some(json!({ "tags": ["new"] }))).await.expect(200);
    assert_eq!(replaced["tags"], json!(["new"]));
    assert_eq!(app.rest(&ann, "GET", &path, None).await.expect(200)["tags"], json!(["new"]));
    assert_eq!(app.rest(&ann, "GET", "", None).await.expect(200)[1]["tags"], json!(["new"]));
    let phone = text(&app.graphql(&ann, "{ labels { id } }", json!({})).await.data()["labels"][2]["id"]);
    let filtered = "query($id: ID!) { tasks(filter: { labels: { any: [$id] } }) { nodes { title } } }";
    let found = app.graphql(&ann, filtered, json!({ "id": phone })).await.data();
    assert_eq!(found["tasks"]["nodes"], json!([{ "title": "b" }]));
}

#[tokio::test]
async fn tags_that_break_rules_are_refused_in_their_place() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let eleven: Vec<_> = (0..11).map(|number| format!("{number}")).collect();
    for (tags, kind, loc) in [
        (json!("a"), "list_type", json!(["body", "tags"])),
        (json!(eleven), "too_long", json!(["body", "tags"])),
        (json!(["a", "x".repeat(31)]), "string_too_long", json!(["body", "tags", 1])),
        (json!(["", "a"]), "string_too_short", json!(["body", "tags", 0])),
        (json!([7]), "string_type", json!(["body", "tags", 0])),
        (json!([" "]), "string_too_short", json!(["body", "tags", 0])),
    ] {
        let answer = app.rest(&ann, "POST", "", Some(json!({ "title": "a", "tags": tags }))).await.expect(422);
        let fault = &answer["detail"][0];
        assert_eq!((&fault["type"], &fault["loc"]), (&json!(kind), &loc), "{tags}");
    }
    let ids: Vec<_> = at_once(11, |number| async move { number }).await;
    let mut labels = Vec::new();
    for number in ids {
        labels.push(label(&app, &ann, &format!("{number}")).await);
    }
    let refused = create(&app, &ann, json!({ "title": "a", "labelIds": labels })).await;
    assert_eq!(
        (refused.code(), refused.json()["errors"][0]["extensions"]["field"].clone()),
        ("BAD_USER_INPUT".into(), json!("labelIds"))
    );
    assert_eq!(app.rest(&ann, "GET", "", None).await.expect(200), json!([]));
}

#[tokio::test]
async fn parts_go_one_level_deep_and_stay_with_their_parent() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let (home, work) = (list(&app, &ann, "Home").await, list(&app, &ann, "Work").await);
    let parent = made(&app, &ann, json!({ "title": "pack", "listId": home })).await;
    let part = create(&app, &ann, json!({ "title": "jacket", "parentId": parent })).await.data();
    let part = &part["createTask"]["task"];
    assert_eq!((&part["list"]["id"], &part["parent"]["id"]), (&json!(home), &json!(parent)));
    let part = part["id"].clone();
    let unknown = uuid::Uuid::now_v7();

    for (input, field) in [
        (json!({ "title": "x", "parentId": part }), "parentId"),
        (json!({ "title": "x", "parentId": parent, "listId": work }), "listId"),
        (json!({ "title": "x", "id": unknown, "parentId": unknown }), "parentId"),
    ] {
        let refused = create(&app, &ann, input.clone()).await;
        assert_eq!(refused.code(), "BAD_USER_INPUT", "{input}");
        assert_eq!(refused.json()["errors"][0]["extensions"]["field"], field, "{input}");
    }
    let other = made(&app, &ann, json!({ "title": "other" })).await;
    for (input, field) in [
        (json!({ "id": parent, "parentId": other }), "parentId"),
        (json!({ "id": parent, "parentId": parent }), "parentId"),
        (json!({ "id": other, "parentId": part }), "parentId"),
        (json!({ "id": part, "listId": work }), "listId"),
    ] {
        let refused = update(&app, &ann, input.clone()).await;
        assert_eq!(refused.json()["errors"][0]["extensions"]["field"], field, "{input}");
    }

    update(&app, &ann, json!({ "id": parent, "listId": work })).await.data();
    let query = "query($id: ID!) { task(id: $id) { subtasks { nodes { title completed list { id } } } } }";
    let moved = app.graphql(&ann, query, json!({ "id": parent })).await.data();
    assert_eq!(
        moved["task"]["subtasks"]["nodes"],
        json!([{ "title": "jacket", "completed": false, "list": { "id": work } }])
    );
    update(&app, &ann, json!({ "id": parent, "completed": true })).await.data();
    let done = app.graphql(&ann, query, json!({ "id": parent })).await.data();
    assert_eq!(done["task"]["subtasks"]["nodes"][0]["completed"], true);
    update(&app, &ann, json!({ "id": parent, "completed": false })).await.data();
    let open = app.graphql(&ann, query, json!({ "id": parent })).await.data();
    assert_eq!(open["task"]["subtasks"]["nodes"][0]["completed"], true);
    let freed = update(&app, &ann, json!({ "id": part, "parentId": null })).await.data();
    assert_eq!(freed["updateTask"]["task"]["parent"], Value::Null);
    let only = "{ tasks(filter: { parentId: { isNull: true } }) { totalCount } }";
    assert_eq!(app.graphql(&ann, only, json!({})).await.data()["tasks"]["totalCount"], 3);
}

#[tokio::test]
async fn parts_go_and_come_back_with_their_parent() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let parent = made(&app, &ann, json!({ "title": "pack" })).await;
    let mut parts = Vec::new();
    for title in ["jacket", "charger"] {
        parts.push(made(&app, &ann, json!({ "title": title, "parentId": parent })).await);
    }
    let delete = "mutation($id: ID!) { deleteTask(input: { id: $id }) { deletedTaskId } }";
    let restore = "mutation($id: ID!) { restoreTask(input: { id: $id }) { task { subtasks { nodes { title } } } } }";
    app.graphql(&ann, delete, json!({ "id": parts[0] })).await.data();
    app.graphql(&ann, delete, json!({ "id": parent })).await.data();
    assert_eq!(app.rest(&ann, "GET", "", None).await.expect(200), json!([]));
    let refused = app.graphql(&ann, restore, json!({ "id": parts[1] })).await;
    assert_eq!(refused.code(), "BAD_USER_INPUT", "{refused:?}");
    let back = app.graphql(&ann, restore, json!({ "id": parent })).await.data();
    assert_eq!(back["restoreTask"]["task"]["subtasks"]["nodes"], json!([{ "title": "charger" }]));
    let back = app.graphql(&ann, restore, json!({ "id": parts[0] })).await;
    assert_eq!(back.data()["restoreTask"]["task"]["subtasks"]["nodes"], json!([]));
    app.graphql(&ann, delete, json!({ "id": parent })).await.data();
    app.sql("update tasks set deleted_at = '2020-01-01T00:00:00.000000Z' where deleted_at is not null").await;
    assert_eq!(app.graphql(&ann, restore, json!({ "id": parent })).await.code(), "NOT_FOUND");
}

#[tokio::test]
async fn a_part_comes_back_to_where_its_parent_is_by_now() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let (home, work) = (list(&app, &ann, "Home").await, list(&app, &ann, "Work").await);
    let parent = made(&app, &ann, json!({ "title": "pack", "listId": home })).await;
    let part = made(&app, &ann, json!({ "title": "jacket", "parentId": parent })).await;
    let delete = "mutation($id: ID!) { deleteTask(input: { id: $id }) { deletedTaskId } }";
    let restore = "mutation($id: ID!) { restoreTask(input: { id: $id }) { task { list { id } parent { id } } } }";
    app.graphql(&ann, delete, json!({ "id": part })).await.data();
    update(&app, &ann, json!({ "id": parent, "listId": work })).await.data();
    let back = app.graphql(&ann, restore, json!({ "id": part })).await.data();
    assert_eq!(back["restoreTask"]["task"], json!({ "list": { "id": work }, "parent": { "id": parent } }));
    // A parent that has become a part itself takes none back, which is then a task of its own.
    app.graphql(&ann, delete, json!({ "id": part })).await.data();
    let journey = made(&app, &ann, json!({ "title": "travel" })).await;
    update(&app, &ann, json!({ "id": parent, "parentId": journey })).await.data();
    let back = app.graphql(&ann, restore, json!({ "id": part })).await.data();
    assert_eq!(back["restoreTask"]["task"], json!({ "list": null, "parent": null }));
}

#[tokio::test]
async fn a_task_has_no_more_than_a_hundred_parts_whichever_way_they_come() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let parent = made(&app, &ann, json!({ "title": "pack" })).await;
    let part = |number: usize| json!({ "title": format!("{number}"), "parentId": parent });
    let many = "mutation($tasks: [CreateTaskInput!]!) { createTasks(input: { tasks: $tasks }) { tasks { id } } }";
    let parts = |count: usize| json!({ "tasks": (0..count).map(part).collect::<Vec<_>>() });
    let refused = app.graphql(&ann, many, parts(101)).await;
    assert_eq!(refused.json()["errors"][0]["extensions"]["field"], "parentId", "{refused:?}");
    app.graphql(&ann, many, parts(99)).await.data();
    let last = made(&app, &ann, part(100)).await;
    assert_eq!(create(&app, &ann, part(101)).await.code(), "BAD_USER_INPUT");
    let other = made(&app, &ann, json!({ "title": "other" })).await;
    let moved = update(&app, &ann, json!({ "id": other, "parentId": parent })).await;
    assert_eq!(moved.json()["errors"][0]["extensions"]["field"], "parentId", "{moved:?}");
    let delete = "mutation($id: ID!) { deleteTask(input: { id: $id }) { deletedTaskId } }";
    app.graphql(&ann, delete, json!({ "id": last })).await.data();
    update(&app, &ann, json!({ "id": other, "parentId": parent })).await.data();
    let restore = "mutation($id: ID!) { restoreTask(input: { id: $id }) { task { id } } }";
    assert_eq!(app.graphql(&ann, restore, json!({ "id": last })).await.code(), "BAD_USER_INPUT");
    let query = "query($id: ID!) { task(id: $id) { subtasks(first: 100) { nodes { id } } } }";
    let parts = app.graphql(&ann, query, json!({ "id": parent })).await.data()["task"]["subtasks"]["nodes"].clone();
    assert_eq!(parts.as_array().unwrap().len(), 100);
}

#[tokio::test]
async fn manual_order_survives_moves_at_the_same_time() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let mut ids = Vec::new();
    for title in ["a", "b", "c", "d"] {
        ids.push(app.task(&ann, title).await);
    }
    let to = |id: usize, place: &'static str, anchor: usize| {
        let query = format!(
            "mutation($id: ID!, $to: ID!) {{ moveTask(input: {{ id: $id, position: {{ {place}: $to }} }}) {{ task {{ id }} }} }}"
        );
        let (app, ann, variables) = (&app, &ann, json!({ "id": ids[id], "to": ids[anchor] }));
        async move { app.graphql(ann, &query, variables).await.data() }
    };
    to(3, "before", 0).await;
    assert_eq!(order(&app, &ann).await, "dabc");
    to(0, "after", 2).await;
    assert_eq!(order(&app, &ann).await, "dbca");
    app.task(&ann, "e").await;
    to(1, "after", 0).await;
    assert_eq!(order(&app, &ann).await, "dcabe");
    at_once(24, |number| to(number % 4, if number % 2 == 0 { "before" } else { "after" }, (number + 1) % 4)).await;
    let mut letters: Vec<_> = order(&app, &ann).await.chars().collect();
    letters.sort_unstable();
    assert_eq!(letters, ['a', 'b', 'c', 'd', 'e']);
    let positions = app.sql_text("select cast(count(distinct position) as text) from tasks").await;
    assert_eq!(positions, "5");
    let onto_itself = "mutation($id: ID!) { moveTask(input: { id: $id, position: { before: $id } }) { task { id } } }";
    assert_eq!(app.graphql(&ann, onto_itself, json!({ "id": ids[0] })).await.code(), "BAD_USER_INPUT");
}

#[tokio::test]
async fn where_there_is_little_room_left_tasks_and_lists_are_spaced_out() {
    let app = App::spawn().await;
    let (ann, bob) = (app.person("ann").await, app.person("bob").await);
    app.task(&bob, "x").await;
    let mut ids = Vec::new();
    for title in ["a", "b", "c", "d", "e"] {
        ids.push(app.task(&ann, title).await);
        list(&app, &ann, title).await;
    }
    // As after a thousand moves to one spot.
    for table in ["tasks", "lists"] {
        let name = if table == "tasks" { "title" } else { "name" };
        for (which, tail) in [("b", ""), ("c", "i"), ("e", "ii")] {
            let long = format!("0000000000001{}{tail}", "i".repeat(300));
            app.sql(&format!("update {table} set position = '{long}' where {name} = '{which}'")).await;
        }
    }
    let delete = "mutation($id: ID!) { deleteTask(input: { id: $id }) { deletedTaskId } }";
    app.graphql(&ann, delete, json!({ "id": ids[4] })).await.data();
    let others = "select position || revision from tasks where title = 'x'";
    let time = "select cast(max(updated_at) as text) from tasks where title in ('a', 'b', 'c')";
    let changed = app.sql_text(time).await;
    let before = app.sql_text(others).await;
    let since = app.graphql(&ann, "{ syncToken }", json!({})).await.data();
    let moved = "mutation($id: ID!, $to: ID!) { moveTask(input: { id: $id, position: { before: $to } }) { task { position } } }";
    let moved = app.graphql(&ann, moved, json!({ "id": ids[3], "to": ids[2] })).await.data();
    assert!(text(&moved["moveTask"]["task"]["position"]).len() < 30, "{moved}");
    assert_eq!(order(&app, &ann).await, "abdc");
    let restore = "mutation($id: ID!) { restoreTask(input: { id: $id }) { task { id } } }";
    app.graphql(&ann, restore, json!({ "id": ids[4] })).await.data();
    assert_eq!(order(&app, &ann).await, "abdce");
    // Whoever keeps a copy hears of all the new places, and nobody else's tasks have any.
    let feed = "query($after: String!) { changes(after: $after) { changes { revision } } }";
    let feed = app.graphql(&ann, feed, json!({ "after": since["syncToken"] })).await.data();
    assert_eq!(feed["changes"]["changes"].as_array().unwrap().len(), 5, "{feed}");
    assert_eq!((app.sql_text(others).await, app.sql_text(time).await), (before, changed));

    let names = || async {
        let lists = app.graphql(&ann, "{ taskLists { id name } }", json!({})).await.data()["taskLists"].clone();
        let lists = lists.as_array().unwrap().clone();
        (lists.iter().map(|it| text(&it["name"])).collect::<String>(), lists)
    };
    let (known, lists) = names().await;
    assert_eq!(known, "bcead");
    let moved = "mutation($id: ID!, $to: ID!) { moveTaskList(input: { id: $id, position: { before: $to } }) { taskList { id } } }";
    app.graphql(&ann, moved, json!({ "id": lists[4]["id"], "to": lists[2]["id"] })).await.data();
    assert_eq!(names().await.0, "bcdea");
    let longest = app.sql_text("select cast(max(length(position)) as text) from lists").await;
    assert!(longest.parse::<usize>().unwrap() < 30, "{longest}");
}

#[tokio::test]
async fn a_day_is_that_day_in_every_time_zone() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    // Days on which clocks change, the ends of years, and leap days.
    for day in ["2026-03-29", "2026-10-25", "2026-12-31", "2027-01-01", "2028-02-29", "0001-01-01", "9999-12-31"] {
        let task = create(&app, &ann, json!({ "title": day, "due": { "date": day } })).await.data();
        let task = &task["createTask"]["task"];
        assert_eq!((&task["dueDate"], &task["dueAt"]), (&json!(day), &Value::Null));
        let listed = app.rest(&ann, "GET", "", None).await.expect(200)[0].clone();
        assert_eq!(listed["due_date"], format!("{day}T00:00:00Z"));
        // A legacy client sends back what it was shown, together with a change.
        let body = json!({ "title": "changed", "due_date": listed["due_date"] });
        app.rest(&ann, "PUT", &format!("/{}", listed["id"]), Some(body)).await.expect(200);
        let query = "query($id: ID!) { task(id: $id) { title dueDate dueAt } }";
        let kept = app.graphql(&ann, query, json!({ "id": task["id"] })).await.data();
        assert_eq!(kept["task"], json!({ "title": "changed", "dueDate": day, "dueAt": null }));
    }
    let task = app.rest_task(&ann, json!({ "title": "a", "due_date": "2026-03-29" })).await;
    let query = "query($id: ID!) { tasks(first: 1) { nodes { dueDate dueAt } } task(id: $id) { id } }";
    let seen = app.graphql(&ann, query, json!({ "id": "x" })).await.data();
    assert_eq!(seen["tasks"]["nodes"][0], json!({ "dueDate": "2026-03-29", "dueAt": null }));
    let later = json!({ "due_date": "2026-03-29T12:00:00Z" });
    let later = app.rest(&ann, "PUT", &format!("/{}", task["id"]), Some(later)).await.expect(200);
    assert_eq!(later["due_date"], "2026-03-29T12:00:00Z");
    let seen = app.graphql(&ann, query, json!({ "id": "x" })).await.data();
    assert_eq!(seen["tasks"]["nodes"][0], json!({ "dueDate": null, "dueAt": "2026-03-29T12:00:00Z" }));
}

#[tokio::test]
async fn an_instant_stays_that_instant_and_keeps_its_zone() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    for (zone, instant, utc) in [
        ("Etc/GMT+12", "2030-01-31T23:30:00-12:00", "2030-02-01T11:30:00Z"),
        ("Pacific/Kiritimati", "2030-01-31T00:30:00+14:00", "2030-01-30T10:30:00Z"),
        ("Europe/Berlin", "2026-03-29T02:30:00+01:00", "2026-03-29T01:30:00Z"),
        ("America/New_York", "2026-11-01T01:30:00-04:00", "2026-11-01T05:30:00Z"),
        ("America/New_York", "2026-11-01T01:30:00-05:00", "2026-11-01T06:30:00Z"),
        ("Asia/Kathmandu", "2030-01-31T00:00:00+05:45", "2030-01-30T18:15:00Z"),
    ] {
        let due = json!({ "at": { "instant": instant, "timeZone": zone } });
        let task = create(&app, &ann, json!({ "title": zone, "due": due })).await.data();
        let task = &task["createTask"]["task"];
        assert_eq!((&task["dueAt"], &task["dueTimeZone"], &task["dueDate"]), (&json!(utc), &json!(zone), &Value::Null));
    }
    for due in [
        json!({ "at": { "instant": "2030-01-31T00:00:00Z", "timeZone": "Nowhere" } }),
        json!({ "date": "2030-02-30" }),
        json!({ "date": "2030-01-31", "at": null }),
        json!({}),
        json!({ "date": "20300131" }),
        json!({ "date": "2030- 1-31" }),
    ] {
        let refused = create(&app, &ann, json!({ "title": "a", "due": due })).await;
        assert!(refused.json()["errors"][0]["message"].is_string(), "{due}: {refused:?}");
    }
    assert_eq!(app.rest(&ann, "GET", "", None).await.expect(200).as_array().unwrap().len(), 6);
}

#[tokio::test]
async fn tasks_are_found_by_all_their_words() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    for (title, description) in [
        ("Water the plants", "on the balcony"),
        ("Éclair recipe", "butter, water, eggs"),
        ("Call the plumber", "water-pipe in the kitchen"),
        ("foo_bar@example.com", "C++ & friends"),
    ] {
        made(&app, &ann, json!({ "title": title, "description": description })).await;
    }
    let found = |words: &'static str| {
        let (app, ann) = (&app, &ann);
        async move {
            let query = "query($text: String!) { searchTasks(text: $text) { nodes { title } }
                tasks(filter: { search: $text }) { totalCount } }";
            let data = app.graphql(ann, query, json!({ "text": words })).await.data();
            let titles: Vec<_> =
                data["searchTasks"]["nodes"].as_array().unwrap().iter().map(|it| text(&it["title"])).collect();
            (titles, data["tasks"]["totalCount"].as_u64().unwrap())
        }
    };
    let (titles, count) = found("water").await;
    assert_eq!((titles[0].as_str(), titles.len(), count), ("Water the plants", 3, 3));
    for (words, expected) in [
        ("WATER plants", "Water the plants"),
        ("pla wat", "Water the plants"),
        ("éCLAIR", "Éclair recipe"),
        ("pipe", "Call the plumber"),
        ("example foo", "foo_bar@example.com"),
        ("friends c", "foo_bar@example.com"),
    ] {
        assert_eq!(found(words).await.0, [expected], "{words}");
    }
    for words in ["nothing", "water nothing", "lants"] {
        assert_eq!(found(words).await, (Vec::new(), 0), "{words}");
    }
    assert_eq!(found("").await, (Vec::new(), 0));
    let id = text(
        &app.graphql(&ann, "{ searchTasks(text: \"plumber\") { nodes { id } } }", json!({})).await.data()["searchTasks"]
            ["nodes"][0]["id"],
    );
    update(&app, &ann, json!({ "id": id, "title": "Phone her", "description": null })).await.data();
    assert_eq!(found("plumber").await.1, 0);
    assert_eq!(found("phone").await.1, 1);
    let delete = "mutation($id: ID!) { deleteTask(input: { id: $id }) { deletedTaskId } }";
    app.graphql(&ann, delete, json!({ "id": id })).await.data();
    assert_eq!(found("phone").await, (Vec::new(), 0));
}

#[tokio::test]
async fn any_text_may_be_searched_for() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    app.task(&ann, "water").await;
    for text in [
        "\"",
        "'",
        "water\" OR \"x",
        "NEAR(a b)",
        "a AND",
        "NOT",
        "*",
        "^water",
        "title:water",
        "{",
        "user_id:x",
        "water:*",
        "a & b |",
        "!x",
        "\\",
        "(",
        ")",
        "--",
        ";",
        "\u{202e}",
        "😀",
        "日本語",
        "İstanbul",
        "a\nb",
        "%",
        "_",
    ] {
        let query = "query($text: String!) { searchTasks(text: $text) { nodes { id } } tasks(filter: { search: $text, contains: $text }) { totalCount } }";
        app.graphql(&ann, query, json!({ "text": text })).await.data();
    }
    let nul = app.graphql(&ann, "{ searchTasks(text: \"a\\u0000\") { nodes { id } } }", json!({})).await;
    assert_eq!(nul.code(), "BAD_USER_INPUT");
    let long = json!({ "text": "x ".repeat(101) });
    let long = app.graphql(&ann, "query($text: String!) { searchTasks(text: $text) { nodes { id } } }", long).await;
    assert_eq!(long.code(), "BAD_USER_INPUT");
}

#[tokio::test]
async fn filters_combine() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let home = list(&app, &ann, "Home").await;
    for (title, priority, due, in_list) in
        [("a", "LOW", "2030-01-01", true), ("b", "HIGH", "2030-01-02", false), ("c", "URGENT", "2030-01-03", true)]
    {
        let list = if in_list { json!(home) } else { Value::Null };
        made(&app, &ann, json!({ "title": title, "priority": priority, "due": { "date": due }, "listId": list })).await;
    }
    for (filter, expected) in [
        (json!({ "listId": { "eq": home } }), "ac"),
        (json!({ "listId": { "isNull": true } }), "b"),
        (json!({ "priority": { "in": ["LOW", "HIGH"] } }), "ab"),
        (json!({ "priority": { "eq": "URGENT" } }), "c"),
        (json!({ "due": { "gte": "2030-01-02T00:00:00Z" } }), "bc"),
        (json!({ "due": { "lt": "2030-01-02T00:00:00Z" } }), "a"),
        (
            json!({ "due": { "gte": "2030-01-01T00:00:00Z", "lt": "2030-01-03T00:00:00Z" }, "listId": { "eq": home } }),
            "a",
        ),
        (json!({ "parentId": { "isNull": true }, "listId": { "eq": home }, "priority": { "eq": "LOW" } }), "a"),
    ] {
        let query = "query($filter: TaskFilter) { tasks(filter: $filter, order: { by: TITLE }) { totalCount nodes { title } } }";
        let tasks = app.graphql(&ann, query, json!({ "filter": filter })).await.data()["tasks"].clone();
        let titles: String = tasks["nodes"].as_array().unwrap().iter().map(|it| text(&it["title"])).collect();
        assert_eq!(
            (titles.as_str(), tasks["totalCount"].as_u64()),
            (expected, Some(expected.len() as u64)),
            "{filter}"
        );
    }
}

#[tokio::test]
async fn every_object_is_found_by_its_id() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let (list, label, task) =
        (list(&app, &ann, "Home").await, label(&app, &ann, "phone").await, app.task(&ann, "a").await);
    let query = "query($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }";
    let ids = [task.as_str(), "nothing", label.as_str(), ann.id.as_str(), list.as_str()];
    let found = app.graphql(&ann, query, json!({ "ids": ids })).await.data();
    let names: Vec<_> =
        found["nodes"].as_array().unwrap().iter().map(|it| it["__typename"].as_str().unwrap_or("-")).collect();
    assert_eq!(names, ["Task", "-", "Label", "User", "TaskList"]);
    let many = vec!["x"; 101];
    assert_eq!(app.graphql(&ann, query, json!({ "ids": many })).await.code(), "BAD_USER_INPUT");
}
