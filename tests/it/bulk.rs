//! Many tasks at once, and how many SQL statements things take.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{Answer, App, Person, statements::Statements, text};

async fn bulk(app: &App, person: &Person, field: &str, input: Value) -> Answer {
    let name = format!("{}{}Input", field[..1].to_uppercase(), &field[1..]);
    let part = if field == "deleteTasks" {
        "deletedTaskIds"
    } else {
        "tasks { title completed list { name } labels { name } }"
    };
    let query = format!("mutation($input: {name}!) {{ {field}(input: $input) {{ {part} }} }}");
    app.graphql(person, &query, json!({ "input": input })).await
}

async fn ids(app: &App, person: &Person) -> Vec<String> {
    let query = "{ tasks(first: 100, order: { by: POSITION }) { nodes { id } } }";
    let tasks = app.graphql(person, query, json!({})).await.data();
    tasks["tasks"]["nodes"].as_array().unwrap().iter().map(|it| text(&it["id"])).collect()
}

#[tokio::test]
async fn five_hundred_tasks_are_made_in_one_call_and_one_more_is_refused() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let drafts =
        |count: usize| -> Vec<Value> { (0..count).map(|number| json!({ "title": format!("{number}") })).collect() };
    let refused = bulk(&app, &ann, "createTasks", json!({ "tasks": drafts(501) })).await;
    assert_eq!(refused.code(), "BAD_USER_INPUT");
    let query = "mutation($input: CreateTasksInput!) { createTasks(input: $input) { tasks { title } } }";
    let made = app.graphql(&ann, query, json!({ "input": { "tasks": drafts(500) } })).await.data();
    let titles: Vec<_> = made["createTasks"]["tasks"].as_array().unwrap().iter().map(|it| text(&it["title"])).collect();
    assert_eq!(titles, (0..500).map(|number| number.to_string()).collect::<Vec<_>>());
    let counted = app
        .graphql(&ann, "{ tasks { totalCount } changes(first: 500) { hasMore changes { revision } } }", json!({}))
        .await
        .data();
    assert_eq!((&counted["tasks"]["totalCount"], &counted["changes"]["hasMore"]), (&json!(500), &json!(false)));
    let changes = counted["changes"]["changes"].as_array().unwrap();
    assert_eq!((changes.len(), &changes[499]["revision"]), (500, &json!(501)));
}

#[tokio::test]
async fn all_or_nothing() {
    let app = App::spawn().await;
    let (ann, bob) = (app.person("ann").await, app.person("bob").await);
    let (own, foreign) = (app.task(&ann, "own").await, app.task(&bob, "foreign").await);
    for (field, more) in [
        ("setTasksCompleted", json!({ "completed": true })),
        ("moveTasks", json!({ "listId": null })),
        ("labelTasks", json!({})),
        ("deleteTasks", json!({})),
    ] {
        for other in [foreign.as_str(), "01890000-0000-7000-8000-000000000000"] {
            let mut input = more.clone();
            input["selection"] = json!({ "ids": [own, other] });
            let refused = bulk(&app, &ann, field, input).await;
            assert_eq!(refused.code(), "NOT_FOUND", "{field}: {refused:?}");
        }
    }
    let drafts = json!({ "tasks": [{ "title": "good" }, { "title": "part of nothing", "parentId": foreign }] });
    assert_eq!(bulk(&app, &ann, "createTasks", drafts).await.code(), "NOT_FOUND");
    let left = app.rest(&ann, "GET", "", None).await.expect(200);
    assert_eq!((left.as_array().unwrap().len(), &left[0]["completed"]), (1, &json!(false)));
}

#[tokio::test]
async fn an_error_names_the_entry_that_is_at_fault() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let task = app.task(&ann, "water the plants").await;
    let absent = "01890000-0000-7000-8000-000000000000";
    let select = |ids: Value| json!({ "selection": { "ids": ids }, "completed": true });
    for (field, input, index, message) in [
        (
            "createTasks",
            json!({ "tasks": [{ "id": absent, "title": "a" }, { "id": absent, "title": "a" }, { "id": absent, "title": "b" }] }),
            2,
            "id must not be that of an earlier task (entry 2)",
        ),
        (
            "createTasks",
            json!({ "tasks": [{ "title": "a" }, { "title": " " }] }),
            1,
            "title must not be blank (entry 1)",
        ),
        (
            "createTasks",
            json!({ "tasks": [{ "title": "a" }, { "title": "b" }, { "title": "c", "listId": absent }] }),
            2,
            "list not found (entry 2)",
        ),
        ("createTasks", json!({ "tasks": [{ "title": "a", "labelIds": [absent] }] }), 0, "label not found (entry 0)"),
        ("setTasksCompleted", select(json!([task, task, absent])), 2, "task not found (entry 2)"),
        ("setTasksCompleted", select(json!([task, "no id"])), 1, "task not found (entry 1)"),
    ] {
        let refused = bulk(&app, &ann, field, input).await;
        let error = &refused.json()["errors"][0];
        assert_eq!((&error["message"], &error["extensions"]["index"]), (&json!(message), &json!(index)), "{refused:?}");
    }
    assert_eq!(ids(&app, &ann).await, [task]);
}

#[tokio::test]
async fn tasks_are_completed_moved_labelled_and_deleted_together() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let setup = "mutation { createTaskList(input: { name: \"Home\" }) { taskList { id } }
        a: createLabel(input: { name: \"a\" }) { label { id } } b: createLabel(input: { name: \"b\" }) { label { id } } }";
    let setup = app.graphql(&ann, setup, json!({})).await.data();
    let (list, a, b) =
        (&setup["createTaskList"]["taskList"]["id"], &setup["a"]["label"]["id"], &setup["b"]["label"]["id"]);
    let drafts: Vec<_> = ["1", "2", "3"].iter().map(|title| json!({ "title": title, "labelIds": [a] })).collect();
    bulk(&app, &ann, "createTasks", json!({ "tasks": drafts })).await.data();
    let all = ids(&app, &ann).await;
    let part = "mutation($id: ID!) { createTask(input: { title: \"part\", parentId: $id }) { task { id } } }";
    app.graphql(&ann, part, json!({ "id": all[0] })).await.data();

    let moved =
        bulk(&app, &ann, "moveTasks", json!({ "selection": { "ids": [all[1], all[0]] }, "listId": list })).await.data();
    let moved = &moved["moveTasks"]["tasks"];
    assert_eq!((&moved[0]["title"], &moved[1]["list"]["name"]), (&json!("2"), &json!("Home")));
    let selection = json!({ "filter": { "listId": { "eq": list } } });
    let done = bulk(&app, &ann, "setTasksCompleted", json!({ "selection": selection, "completed": true })).await.data();
    assert_eq!(done["setTasksCompleted"]["tasks"].as_array().unwrap().len(), 3);
    let labels = json!({ "selection": selection, "addLabelIds": [b], "removeLabelIds": [a] });
    let labelled = bulk(&app, &ann, "labelTasks", labels).await.data();
    assert!(
        labelled["labelTasks"]["tasks"].as_array().unwrap().iter().all(|it| it["labels"] == json!([{ "name": "b" }])),
        "{labelled}"
    );
    // What is added stands behind what was there, whatever it is called.
    let labels = json!({ "selection": selection, "addLabelIds": [a, b] });
    let labelled = bulk(&app, &ann, "labelTasks", labels).await.data();
    for task in labelled["labelTasks"]["tasks"].as_array().unwrap() {
        assert_eq!(task["labels"], json!([{ "name": "b" }, { "name": "a" }]));
    }
    let gone =
        bulk(&app, &ann, "deleteTasks", json!({ "selection": { "filter": { "completed": true } } })).await.data();
    assert_eq!(gone["deleteTasks"]["deletedTaskIds"].as_array().unwrap().len(), 3);
    assert_eq!(ids(&app, &ann).await, all[2..]);
}

#[tokio::test]
async fn statements_depend_on_the_query_and_not_on_the_rows() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let nested = "{ tasks(first: 100) { nodes { id title list { name } labels { name } } } }";
    let around = "{
        taskLists { name counts { open } tasks(first: 3) { totalCount nodes { title } } }
        labels { name tasks(first: 3) { totalCount edges { cursor node { title subtasks { totalCount nodes { title } } } } } }
    }";
    let mut counts = Vec::new();
    for _ in 0..3 {
        for number in 0..20 {
            let made =
                format!("mutation {{ createTaskList(input: {{ name: \"{number}\" }}) {{ taskList {{ id }} }} }}");
            let list = text(&app.graphql(&ann, &made, json!({})).await.data()["createTaskList"]["taskList"]["id"]);
            let task = app
                .rest_task(&ann, json!({ "title": format!("{number}"), "tags": ["a", "b", format!("{number}")] }))
                .await;
            let id = app.graphql(&ann, "{ tasks(first: 1) { nodes { id } } }", json!({})).await.data();
            let update =
                "mutation($id: ID!, $list: ID!) { updateTask(input: { id: $id, listId: $list }) { task { id } } }";
            let id = &id["tasks"]["nodes"][0]["id"];
            app.graphql(&ann, update, json!({ "id": id, "list": list })).await.data();
            assert!(task["id"].is_number());
        }
        let statements = Statements::listen();
        app.graphql(&ann, nested, json!({})).await.data();
        let first = statements.take_on_data().len();
        app.graphql(&ann, around, json!({})).await.data();
        let second = statements.take_on_data().len();
        app.rest(&ann, "GET", "?limit=100", None).await.expect(200);
        counts.push((first, second, statements.take_on_data().len()));
    }
    assert_eq!(counts, [(3, 9, 2), (3, 9, 2), (3, 9, 2)]);
}

/// What was counted holds until the owner writes something, through whichever API and instance.
#[tokio::test]
async fn tasks_are_counted_once_until_something_is_written() {
    let app = App::spawn().await;
    let (ann, bob) = (app.person("ann").await, app.person("bob").await);
    let beside = app.beside(&[]).await;
    let made = app.rest_task(&ann, json!({ "title": "a", "tags": ["x", "y"] })).await;
    app.rest_task(&ann, json!({ "title": "b" })).await;
    app.rest_task(&bob, json!({ "title": "c" })).await;
    let task = format!("/{}", made["id"]);
    let done = format!("{task}/complete");
    let count = "{ tasks(filter: { completed: false }) { totalCount } }";
    let writes = [("PATCH", done.as_str(), Some(json!({}))), ("DELETE", task.as_str(), None)];
    for (total, write) in [2, 1, 1].into_iter().zip(writes.map(Some).into_iter().chain([None])) {
        let statements = Statements::listen();
        for needed in [2, 1] {
            // Another question each time, as the answer itself is kept too.
            let asked = Uuid::new_v4();
            let answer = app.rest(&ann, "GET", &format!("?status=pending&limit=1&_={asked}"), None).await;
            assert_eq!(answer.header("x-total-count"), total.to_string());
            assert_eq!(statements.take_on_data().len(), needed);
        }
        assert_eq!(app.graphql(&ann, count, json!({})).await.data()["tasks"]["totalCount"], total);
        let other = beside.rest(&ann, "GET", "?status=pending&limit=1", None).await;
        assert_eq!(other.header("x-total-count"), total.to_string());
        if let Some((method, path, body)) = write {
            beside.rest(&ann, method, path, body).await;
        }
    }
    assert_eq!(app.rest(&bob, "GET", "?status=pending&limit=1", None).await.header("x-total-count"), "1");
}

/// A list is the one that a client has until the owner writes something, through whichever API and instance.
#[tokio::test]
async fn a_list_that_a_client_has_is_not_read_again_until_something_is_written() {
    let app = App::spawn().await;
    let (ann, bob) = (app.person("ann").await, app.person("bob").await);
    let beside = app.beside(&[]).await;
    let task = app.rest_task(&ann, json!({ "title": "a", "tags": ["x", "y"] })).await;
    app.rest_task(&bob, json!({ "title": "b" })).await;
    let found = beside.graphql(&ann, "{ tasks { nodes { id } } labels { id } }", json!({})).await.data();
    let (id, label) = (&found["tasks"]["nodes"][0]["id"], &found["labels"][0]["id"]);
    let read = async || {
        let list = app.rest(&ann, "GET", "?limit=20", None).await;
        let statements = Statements::listen();
        let path = format!("/api/{}/tasks?limit=20", ann.id);
        let request =
            app.request("GET", &path).bearer_auth(&ann.token).header("if-none-match", list.header("etag").to_owned());
        let again = Answer::of(request).await;
        assert!(again.status == 304 && again.text.is_empty(), "{again:?}");
        assert!(statements.take().iter().all(|it| !it.contains("tasks")), "it is read each time");
        list.text
    };
    let mut shown = vec![read().await];
    let path = format!("/{}", task["id"]);
    for (method, path, body) in [
        ("PUT", path.clone(), Some(json!({ "title": "c" }))),
        ("PATCH", format!("{path}/complete"), None),
        ("POST", String::new(), Some(json!({ "title": "d" }))),
    ] {
        beside.rest(&ann, method, &path, body).await.json();
        shown.push(read().await);
    }
    for write in [
        format!("updateLabel(input: {{ id: {label}, name: \"z\" }}) {{ label {{ id }} }}"),
        format!("deleteLabel(input: {{ id: {label} }}) {{ deletedLabelId }}"),
        "setTasksCompleted(input: { completed: true, selection: { filter: { parentId: { isNull: true } } } }) { tasks { id } }"
            .to_owned(),
        "createTasks(input: { tasks: [{ title: \"e\" }] }) { tasks { id } }".to_owned(),
        format!("deleteTask(input: {{ id: {id} }}) {{ deletedTaskId }}"),
        format!("restoreTask(input: {{ id: {id} }}) {{ task {{ id }} }}"),
    ] {
        beside.graphql(&ann, &format!("mutation {{ {write} }}"), json!({})).await.data();
        shown.push(read().await);
    }
    // Each write made a difference.
    shown.dedup();
    assert_eq!(shown.len(), 10, "{shown:?}");
    assert!(shown.iter().all(|it| !it.contains(&bob.id)));
}

/// What is overdue changes without a write.
#[tokio::test]
async fn a_list_that_changes_by_itself_is_read_each_time() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    app.rest_task(&ann, json!({ "title": "a", "due_date": "2020-01-31" })).await;
    for _ in 0..2 {
        let statements = Statements::listen();
        assert_eq!(app.rest(&ann, "GET", "?overdue=true", None).await.header("x-total-count"), "1");
        assert!(statements.take().iter().any(|it| it.contains("tasks")));
    }
}

#[tokio::test]
async fn a_change_of_many_tasks_is_one_statement() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let drafts: Vec<_> = (0..300).map(|number| json!({ "title": format!("{number}") })).collect();
    let statements = Statements::listen();
    bulk(&app, &ann, "createTasks", json!({ "tasks": drafts })).await.data();
    let inserts = statements.take().iter().filter(|it| it.starts_with("INSERT INTO \"tasks\"")).count();
    let selection = json!({ "filter": { "parentId": { "isNull": true } } });
    bulk(&app, &ann, "setTasksCompleted", json!({ "selection": selection, "completed": true })).await.data();
    bulk(&app, &ann, "moveTasks", json!({ "selection": selection, "listId": null })).await.data();
    bulk(&app, &ann, "labelTasks", json!({ "selection": selection })).await.data();
    bulk(&app, &ann, "deleteTasks", json!({ "selection": selection })).await.data();
    let updates = statements.take().iter().filter(|it| it.starts_with("UPDATE \"tasks\"")).count();
    assert_eq!((inserts, updates), (1, 4));
}

/// A client waits for the revision of a payload in the feed.
#[tokio::test]
async fn a_bulk_mutation_that_changes_nothing_takes_no_revision() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    app.task(&ann, "milk").await;
    let last = app.graphql(&ann, "{ changes { changes { revision } } }", json!({})).await.data();
    let last = &last["changes"]["changes"][0]["revision"];
    let none = "selection: { filter: { title: { eq: \"none\" } } }";
    for mutation in [
        format!("deleteTasks(input: {{ {none} }})"),
        format!("setTasksCompleted(input: {{ {none}, completed: true }})"),
        "setTasksCompleted(input: { selection: { filter: { title: { eq: \"milk\" } } }, completed: false })".to_owned(),
        "setTasksCompleted(input: { selection: { ids: [] }, completed: true })".to_owned(),
        format!("moveTasks(input: {{ {none}, listId: null }})"),
        format!("labelTasks(input: {{ {none}, addLabelIds: [] }})"),
        "createTasks(input: { tasks: [] })".to_owned(),
    ] {
        let answer =
            app.graphql(&ann, &format!("mutation {{ it: {mutation} {{ revision }} }}"), json!({})).await.data();
        assert_eq!(&answer["it"]["revision"], last, "{mutation}");
    }
}
