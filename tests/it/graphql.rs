//! The GraphQL API: tasks and their pages, the playground, and what an error may tell.

use serde_json::{Value, json};

use crate::support::{Answer, App, Person, text};

const FIELDS: &str = "id number title description completed completedAt priority dueDate dueAt dueTimeZone position
    revision createdAt updatedAt";

pub async fn create(app: &App, person: &Person, input: Value) -> Value {
    let query = format!("mutation($input: CreateTaskInput!) {{ createTask(input: $input) {{ task {{ {FIELDS} }} }} }}");
    app.graphql(person, &query, json!({ "input": input })).await.data()["createTask"]["task"].clone()
}

async fn update(app: &App, person: &Person, input: Value) -> Answer {
    let query = format!("mutation($input: UpdateTaskInput!) {{ updateTask(input: $input) {{ task {{ {FIELDS} }} }} }}");
    app.graphql(person, &query, json!({ "input": input })).await
}

/// The titles of a page, and its `pageInfo`.
async fn page(app: &App, person: &Person, arguments: &str) -> (Vec<String>, Value) {
    let query = format!(
        "{{ tasks({arguments}) {{ nodes {{ title }} edges {{ cursor node {{ title }} }}
           pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }} }} }}"
    );
    let tasks = app.graphql(person, &query, json!({})).await.data()["tasks"].clone();
    let titles: Vec<_> = tasks["nodes"].as_array().unwrap().iter().map(|it| text(&it["title"])).collect();
    let of_edges: Vec<_> = tasks["edges"].as_array().unwrap().iter().map(|it| text(&it["node"]["title"])).collect();
    assert_eq!(titles, of_edges);
    (titles, tasks["pageInfo"].clone())
}

#[tokio::test]
async fn a_parameter_of_a_query_string_that_is_given_twice_is_refused_by_its_name() {
    let app = App::spawn().await;
    for (query, name) in [
        ("query={a:__typename}&query={b:__typename}", "query"),
        ("query={__typename}&query={__typename}", "query"),
        ("query={__typename}&variables={}&variables={\"a\":1}", "variables"),
        ("query=query+A{__typename}&operationName=A&operationName=B", "operationName"),
        ("query={__typename}&extensions={}&extensions={}", "extensions"),
        ("documentId=a&documentId=b", "documentId"),
    ] {
        let request = app.request("GET", &format!("/graphql?{query}")).header("accept", "application/json");
        let refused = Answer::of(request).await;
        assert!(refused.status == 400 && refused.text.contains(&format!("{name} must be given once")), "{refused:?}");
    }
    let request = app.request("GET", "/graphql?query={__typename}&query=&a=1&a=2").header("accept", "application/json");
    assert_eq!(Answer::of(request).await.status, 200);
}

#[tokio::test]
async fn a_task_is_made_read_changed_completed_and_deleted() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let input = json!({ "title": "  water the plants ", "description": "all", "priority": "HIGH",
        "due": { "at": { "instant": "2030-01-31T14:00:00.123456+02:00", "timeZone": "Europe/Berlin" } } });
    let task = create(&app, &ann, input).await;
    let id = text(&task["id"]);
    assert_eq!(task["title"], "water the plants");
    assert_eq!(task["dueAt"], "2030-01-31T12:00:00.123456Z");
    assert_eq!(
        (&task["completed"], &task["completedAt"], &task["priority"]),
        (&json!(false), &Value::Null, &json!("HIGH"))
    );
    let read =
        format!("query($id: ID!) {{ task(id: $id) {{ {FIELDS} }} node(id: $id) {{ ... on Task {{ {FIELDS} }} }} }}");
    let found = app.graphql(&ann, &read, json!({ "id": id })).await.data();
    assert_eq!(found, json!({ "task": task, "node": task }));

    let set = "mutation($id: ID!, $to: Boolean!) {
        setTaskCompleted(input: { id: $id, completed: $to }) { task { completed completedAt } } }";
    let done = app.graphql(&ann, set, json!({ "id": id, "to": true })).await.data();
    let done = &done["setTaskCompleted"]["task"];
    assert!(done["completed"] == true && done["completedAt"].is_string(), "{done}");
    let again = app.graphql(&ann, set, json!({ "id": id, "to": true })).await.data();
    assert_eq!(again["setTaskCompleted"]["task"], *done);
    let open = app.graphql(&ann, set, json!({ "id": id, "to": false })).await.data();
    assert_eq!(open["setTaskCompleted"]["task"], json!({ "completed": false, "completedAt": null }));

    let delete = "mutation($id: ID!) { deleteTask(input: { id: $id }) { deletedTaskId } }";
    let gone = app.graphql(&ann, delete, json!({ "id": id })).await.data();
    assert_eq!(gone, json!({ "deleteTask": { "deletedTaskId": id } }));
    assert_eq!(app.graphql(&ann, delete, json!({ "id": id })).await.code(), "NOT_FOUND");
    let found = app.graphql(&ann, &read, json!({ "id": id })).await.data();
    assert_eq!(found, json!({ "task": null, "node": null }));
}

#[tokio::test]
async fn absent_null_and_value_differ() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let task = create(&app, &ann, json!({ "title": "a", "description": "b", "due": { "date": "2030-01-31" } })).await;
    let id = task["id"].clone();

    let unchanged = update(&app, &ann, json!({ "id": id })).await.data();
    assert_eq!(unchanged["updateTask"]["task"], task);
    let cleared = update(&app, &ann, json!({ "id": id, "description": null, "due": null })).await.data();
    let cleared = &cleared["updateTask"]["task"];
    assert_eq!(
        (&cleared["title"], &cleared["description"], &cleared["dueAt"]),
        (&json!("a"), &Value::Null, &Value::Null)
    );
    assert_ne!(cleared["updatedAt"], task["updatedAt"]);
    for field in ["title", "completed", "priority"] {
        let refused = update(&app, &ann, json!({ "id": id, field: null })).await;
        assert_eq!(refused.code(), "BAD_USER_INPUT", "{field}: {refused:?}");
        assert_eq!(refused.json()["errors"][0]["extensions"]["field"], field);
    }
}

#[tokio::test]
async fn every_problem_of_an_input_is_named_at_once() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let query = "mutation($input: CreateTaskInput!) { createTask(input: $input) { task { id } } }";
    let input = json!({ "title": " ", "description": "x".repeat(1001), "due": { "at": { "instant": "2030-01-01T00:00:00Z", "timeZone": "Mars/Olympus" } } });
    let answer = app.graphql(&ann, query, json!({ "input": input })).await;
    assert_eq!(answer.code(), "BAD_USER_INPUT");
    let error = answer.json()["errors"][0].clone();
    assert_eq!(error["path"], json!(["createTask"]));
    assert_eq!(
        error["extensions"]["problems"],
        json!([
            { "field": "title", "message": "must not be blank" },
            { "field": "description", "message": "must have at most 1000 characters" },
            { "field": "due", "message": "must be a name of the IANA time zone database" },
        ])
    );
}

#[tokio::test]
async fn pages_lead_forwards_and_backwards_through_the_same_list() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    for title in ["1", "2", "3", "4", "5"] {
        app.task(&ann, title).await;
    }
    let (titles, info) = page(&app, &ann, "first: 2").await;
    assert_eq!(titles, ["5", "4"]);
    assert_eq!((&info["hasNextPage"], &info["hasPreviousPage"]), (&json!(true), &json!(false)));
    let (titles, info) = page(&app, &ann, &format!("first: 2, after: {}", info["endCursor"])).await;
    assert_eq!(titles, ["3", "2"]);
    let (back, back_info) = page(&app, &ann, &format!("last: 2, before: {}", info["startCursor"])).await;
    assert_eq!(back, ["5", "4"]);
    assert_eq!((&back_info["hasNextPage"], &back_info["hasPreviousPage"]), (&json!(true), &json!(false)));
    let (rest, end) = page(&app, &ann, &format!("first: 2, after: {}", info["endCursor"])).await;
    assert_eq!(rest, ["1"]);
    assert_eq!((&end["hasNextPage"], &end["hasPreviousPage"]), (&json!(false), &json!(true)));
    assert_eq!(page(&app, &ann, "last: 2").await.0, ["2", "1"]);
    assert_eq!(page(&app, &ann, "first: 0").await.0, Vec::<String>::new());
    let between = format!("after: {}, before: {}", back_info["startCursor"], end["endCursor"]);
    assert_eq!(page(&app, &ann, &between).await.0, ["4", "3", "2"]);
}

#[tokio::test]
async fn filters_narrow_the_list_and_the_count() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    create(&app, &ann, json!({ "title": "Éclair 100%", "completed": true })).await;
    create(&app, &ann, json!({ "title": "b", "description": "an éCLAIR", "priority": "URGENT" })).await;
    for (filter, expected) in [
        ("{}", 2),
        ("{ completed: true }", 1),
        ("{ completed: false, priority: { eq: URGENT } }", 1),
        ("{ completed: true, priority: { eq: URGENT } }", 0),
        ("{ contains: \"ÉCLAIR\" }", 2),
        ("{ contains: \"100%\" }", 1),
        ("{ contains: \"%\" }", 1),
        ("{ contains: \"_\" }", 0),
        ("{ contains: \"' or 1=1 --\" }", 0),
        ("{ contains: \"\" }", 2),
    ] {
        let query = format!("{{ tasks(filter: {filter}) {{ totalCount nodes {{ id }} }} }}");
        let tasks = app.graphql(&ann, &query, json!({})).await.data()["tasks"].clone();
        assert_eq!(tasks["totalCount"], expected, "{filter}");
        assert_eq!(tasks["nodes"].as_array().unwrap().len(), expected, "{filter}");
    }
}

#[tokio::test]
async fn page_arguments_that_make_no_sense_are_refused_by_name() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    for (arguments, field) in [
        ("first: -1", "first"),
        ("first: 101", "first"),
        ("last: 101", "last"),
        ("first: 1, last: 1", "first"),
        ("after: \"garbage\"", "after"),
        ("before: \"\"", "before"),
        ("after: \"MS50MQ\", order: { by: TITLE }", "after"),
        ("after: \"MS50MQ\", order: [{ by: DUE }, { by: COMPLETED_AT }]", "after"),
        ("order: [{ by: TITLE }, { by: DUE }, { by: TITLE, direction: DESC }]", "order"),
        ("order: [{ by: TITLE }, { by: DUE }, { by: PRIORITY }, { by: POSITION }, { by: CREATED_AT }]", "order"),
        ("order: { by: TITLE, nulls: FIRST }", "nulls"),
        ("filter: { contains: \"\\u0000\" }", "contains"),
    ] {
        let answer = app.graphql(&ann, &format!("{{ tasks({arguments}) {{ nodes {{ id }} }} }}"), json!({})).await;
        assert_eq!(answer.code(), "BAD_USER_INPUT", "{arguments}: {answer:?}");
        assert_eq!(answer.json()["errors"][0]["extensions"]["field"], field, "{arguments}");
    }
}

#[tokio::test]
async fn an_edited_cursor_gives_only_own_tasks() {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    let app = App::spawn().await;
    let (ann, bob) = (app.person("ann").await, app.person("bob").await);
    app.task(&ann, "water the plants").await;
    app.task(&bob, "own").await;
    for number in [0, 1, 2, i64::MAX] {
        // That is the code of the default order.
        let cursor = URL_SAFE_NO_PAD.encode(format!("{number}.3.t99999999999999999"));
        let answer =
            app.graphql(&bob, &format!("{{ tasks(after: \"{cursor}\") {{ nodes {{ title }} }} }}"), json!({})).await;
        assert!(answer.data()["tasks"]["nodes"].is_array() && !answer.text.contains("water"), "{answer:?}");
    }
}

#[tokio::test]
async fn the_playground_is_a_page_only_where_it_is_on() {
    let app = App::spawn().await;
    for path in ["/graphql", "/graphiql"] {
        let page = Answer::of(app.request("GET", path).header("accept", "text/html,*/*;q=0.8")).await;
        assert!(page.status == 200 && page.text.contains("Playground"), "{page:?}");
        assert!(page.header("content-security-policy").contains("frame-ancestors 'none'"), "{page:?}");
    }
    let demo = "name=\"demo\"";
    assert!(
        Answer::of(app.request("GET", "/graphiql")).await.text.contains(demo),
        "in development there is a demo account"
    );
    let staging = App::spawn_with(&[("DOCKET_ENV", "staging"), ("BETTER_AUTH_URL", "https://app.example")]).await;
    assert!(!Answer::of(staging.request("GET", "/graphiql")).await.text.contains(demo));
    let off = App::spawn_with(&[("DOCKET_PLAYGROUND", "off")]).await;
    for path in ["/graphiql", "/graphiql/bar/bar.js"] {
        assert_eq!(Answer::of(off.request("GET", path)).await.status, 404, "{path}");
    }
    let body = json!({ "query": "{ __schema { queryType { name } } }" });
    let answer = Answer::of(off.request("POST", "/graphql").json(&body)).await;
    assert!(!answer.text.contains("queryType\":{"), "{answer:?}");
}

#[tokio::test]
async fn no_word_of_the_database_reaches_a_client() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    app.sql("alter table tasks rename to gone").await;
    for query in [
        "{ tasks { nodes { id } } }",
        "{ tasks(first: 0) { totalCount } }",
        "{ task(id: \"01890000-0000-7000-8000-000000000000\") { id } }",
        "{ node(id: \"01890000-0000-7000-8000-000000000000\") { id } }",
        "mutation { createTask(input: { title: \"x\" }) { task { id } } }",
        "mutation { updateTask(input: { id: \"01890000-0000-7000-8000-000000000000\", title: \"x\" }) { task { id } } }",
        "mutation { deleteTask(input: { id: \"01890000-0000-7000-8000-000000000000\" }) { deletedTaskId } }",
    ] {
        let answer = app.graphql(&ann, query, json!({})).await;
        assert_eq!(answer.code(), "INTERNAL_SERVER_ERROR", "{query}: {answer:?}");
        assert_eq!(answer.json()["errors"][0]["message"], "internal error", "{query}");
        assert_silent(&answer);
    }
    for (method, path, body) in [("GET", "", None), ("POST", "", Some(json!({ "title": "x" }))), ("DELETE", "/1", None)]
    {
        let answer = app.rest(&ann, method, path, body).await;
        assert_eq!(answer.expect(500), json!({ "detail": "Internal server error" }));
        assert_silent(&answer);
    }
    app.sql("alter table \"session\" rename to gone_too").await;
    let answer = Answer::of(app.request("GET", "/api/auth/get-session").bearer_auth(&ann.session)).await;
    assert_eq!((answer.status.as_u16(), answer.code()), (500, "INTERNAL_SERVER_ERROR".into()));
    assert_silent(&answer);
}

fn assert_silent(answer: &Answer) {
    let text = answer.text.to_lowercase();
    for word in ["sql", "table", "relation", "select", "query error", "dberr", "exec", "sea"] {
        assert!(!text.contains(word), "{word}: {answer:?}");
    }
}
