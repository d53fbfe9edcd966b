//! The GraphQL door: tasks, pages, errors, limits, and what HTTP says around them.

use serde_json::{Value, json};

use crate::support::{Answer, App, Person, text};

const FIELDS: &str = "id number title description completed completedAt priority dueDate dueAt dueTimeZone position
    revision createdAt updatedAt";

async fn create(app: &App, person: &Person, input: Value) -> Value {
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
async fn a_task_is_made_read_changed_completed_and_deleted() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let input = json!({ "title": "  water the plants ", "description": "all", "priority": "HIGH",
        "due": { "at": { "instant": "2030-01-31T14:00:00.123456789+02:00", "timeZone": "Europe/Berlin" } } });
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
    let input = json!({ "title": " ", "description": "x".repeat(1001), "due": { "at": { "instant": "0000-01-01T00:00:00Z" } } });
    let answer = app.graphql(&ann, query, json!({ "input": input })).await;
    assert_eq!(answer.code(), "BAD_USER_INPUT");
    let error = answer.json()["errors"][0].clone();
    assert_eq!(error["path"], json!(["createTask"]));
    assert_eq!(
        error["extensions"]["problems"],
        json!([
            { "field": "title", "message": "must not be blank" },
            { "field": "description", "message": "must have at most 1000 characters" },
            { "field": "due", "message": "must be a date and time: the year must be from 1 to 9999" },
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
async fn every_order_pages_without_gap_or_repeat() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    for number in 0..9 {
        let (title, priority) = (["b", "A", "a"][number % 3], ["LOW", "URGENT"][number % 2]);
        let mut input = json!({ "title": title, "priority": priority });
        if number % 4 != 0 {
            let day = format!("2030-01-0{}", number % 2 + 1);
            input["due"] = if number % 3 == 0 {
                json!({ "date": day })
            } else {
                json!({ "at": { "instant": format!("{day}T00:00:00Z") } })
            };
        }
        create(&app, &ann, input).await;
    }
    for by in ["CREATED", "UPDATED", "TITLE", "DUE", "PRIORITY", "POSITION"] {
        for direction in ["ASC", "DESC"] {
            let (mut seen, mut after) = (Vec::new(), Value::Null);
            loop {
                let query = format!(
                    "query($after: String) {{ tasks(first: 2, after: $after, order: {{ by: {by}, direction: {direction} }})
                     {{ nodes {{ {FIELDS} }} pageInfo {{ endCursor hasNextPage }} }} }}"
                );
                let tasks = app.graphql(&ann, &query, json!({ "after": after })).await.data()["tasks"].clone();
                seen.extend(tasks["nodes"].as_array().unwrap().clone());
                after = tasks["pageInfo"]["endCursor"].clone();
                if tasks["pageInfo"]["hasNextPage"] == false {
                    break;
                }
            }
            let mut numbers: Vec<_> = seen.iter().map(|it| it["number"].as_i64().unwrap()).collect();
            numbers.sort_unstable();
            numbers.dedup();
            assert_eq!((seen.len(), numbers.len()), (9, 9), "{by} {direction}");
            assert_in_order(&seen, by, direction == "DESC");
        }
    }
}

fn assert_in_order(tasks: &[Value], by: &str, descending: bool) {
    let key = |task: &Value| match by {
        "TITLE" => text(&task["title"]).to_lowercase(),
        "CREATED" => text(&task["createdAt"]),
        "UPDATED" => text(&task["updatedAt"]),
        "PRIORITY" => (if task["priority"] == "LOW" { "0" } else { "3" }).to_owned(),
        "POSITION" => text(&task["position"]),
        // Tasks that are not due come last in both directions.
        _ => {
            let day = task["dueDate"].as_str().or_else(|| task["dueAt"].as_str().map(|it| &it[..10]));
            day.unwrap_or(if descending { "0" } else { "9" }).to_owned()
        }
    };
    for pair in tasks.windows(2) {
        let (one, next) = (key(&pair[0]), key(&pair[1]));
        assert!(if descending { one >= next } else { one <= next }, "{by} {descending}: {tasks:?}");
    }
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
        ("{ completed: false, priority: URGENT }", 1),
        ("{ completed: true, priority: URGENT }", 0),
        ("{ search: \"ÉCLAIR\" }", 2),
        ("{ search: \"100%\" }", 1),
        ("{ search: \"%\" }", 1),
        ("{ search: \"_\" }", 0),
        ("{ search: \"' or 1=1 --\" }", 0),
        ("{ search: \"\" }", 2),
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
        ("filter: { search: \"\\u0000\" }", "search"),
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
        let cursor = URL_SAFE_NO_PAD.encode(format!("{number}.t99999999999999999"));
        let answer =
            app.graphql(&bob, &format!("{{ tasks(after: \"{cursor}\") {{ nodes {{ title }} }} }}"), json!({})).await;
        assert!(!answer.text.contains("water"), "{answer:?}");
    }
}

#[tokio::test]
async fn a_nullable_field_that_fails_leaves_its_siblings_alone() {
    let app = App::spawn().await;
    let body = json!({ "query": "{ a: task(id: \"x\") { id } __typename b: node(id: \"x\") { id } }" });
    let answer = Answer::of(app.request("POST", "/graphql").json(&body)).await.expect(200);
    assert_eq!(answer["data"], json!({ "a": null, "__typename": "Query", "b": null }));
    assert_eq!(answer["errors"][0]["path"], json!(["a"]));
    assert_eq!(answer["errors"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn documents_beyond_a_limit_are_refused_by_its_name_before_any_work() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let times = |count: usize, text: &dyn Fn(usize) -> String| (0..count).map(text).collect::<String>();
    let doubled = |levels: usize| {
        let spreads = times(levels, &|n| format!("fragment F{n} on Query {{ ...F{0} ...F{0} }} ", n + 1));
        format!("{{ ...F0 }} {spreads} fragment F{levels} on Query {{ __typename me {{ id }} }}")
    };
    let parts =
        |levels: usize| format!("{{ task(id: 1) {{ {} id {} }} }}", "parent { ".repeat(levels), "}".repeat(levels));
    for (limit, document) in [
        ("fields", doubled(28)),
        ("fields", doubled(60)),
        ("recursion", parts(100)),
        ("depth", parts(20)),
        ("tokens", format!("{{ {} }}", "__typename ".repeat(5001))),
        ("root_fields", format!("{{ {} }}", times(101, &|n| format!("a{n}: __typename ")))),
        ("mutations", format!("mutation {{ {} }}", times(21, &|n| format!("a{n}: __typename ")))),
        ("cost", format!("{{ {} }}", times(50, &|n| format!("a{n}: tasks(first: 100) {{ nodes {{ id title }} }} ")))),
        ("cost", "{ tasks(first: 100) { nodes { parts { parts { labels { name } } } } } }".to_owned()),
    ] {
        let start = std::time::Instant::now();
        let answer = app.graphql(&ann, &document, json!({})).await;
        let body = answer.expect(200);
        let error = &body["errors"][0]["extensions"];
        assert_eq!((&error["code"], &error["limit"]), (&json!("QUERY_TOO_EXPENSIVE"), &json!(limit)), "{body}");
        assert!(body.get("data").is_none() && start.elapsed().as_secs() < 5, "{body}");
    }
    let paged = "query($first: Int!) { tasks(first: $first) { nodes { parts { labels { name } } } } }";
    assert_eq!(app.graphql(&ann, paged, json!({ "first": 100 })).await.code(), "QUERY_TOO_EXPENSIVE");
    app.graphql(&ann, paged, json!({ "first": 10 })).await.data();
}

#[tokio::test]
async fn an_answer_has_at_most_twenty_errors_and_says_each_once() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let many = format!("{{ {} }}", (0..100).map(|n| format!("x{n} ")).collect::<String>());
    let errors = app.graphql(&ann, &many, json!({})).await.json()["errors"].as_array().unwrap().len();
    assert_eq!(errors, 20);
    let same = app.graphql(&ann, &format!("{{ __typename {} }}", "@nothing ".repeat(10)), json!({})).await.json();
    let errors = same["errors"].as_array().unwrap();
    assert!(errors.len() < 3 && errors[0]["locations"].as_array().unwrap().len() == 10, "{same}");
}

#[tokio::test]
async fn limits_can_be_set() {
    let app = App::spawn_with(&[("DOCKET_GRAPHQL_LIMITS", "depth=2, batch=2")]).await;
    let ann = app.person("ann").await;
    assert_eq!(app.graphql(&ann, "{ tasks { nodes { id } } }", json!({})).await.code(), "QUERY_TOO_EXPENSIVE");
    let batch = |count: usize| {
        let batch = vec![json!({ "query": "{ me { id } }" }); count];
        Answer::of(app.request("POST", "/graphql").bearer_auth(&ann.token).json(&batch))
    };
    assert_eq!(batch(2).await.expect(200)[1]["data"]["me"]["id"], ann.id);
    assert_eq!((batch(3).await.status.as_u16(), batch(0).await.status.as_u16()), (400, 400));
}

#[tokio::test]
async fn one_response_key_is_done_once() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let twice = "mutation { createTask(input: { title: \"x\" }) { task { id } } ...F
        ... on Mutation { createTask(input: { title: \"x\" }) { task { title } } } }
        fragment F on Mutation { createTask(input: { title: \"x\" }) { task { completed } } }";
    let made = app.graphql(&ann, twice, json!({})).await;
    assert!(made.text.contains(r#""completed":false,"title":"x""#), "{made:?}");
    let asked = "query($yes: Boolean!, $no: Boolean!) {
        tasks { totalCount @skip(if: $no) nodes @include(if: $no) { id } ...F @skip(if: $yes) edges { node { id @include(if: $yes) } } }
    } fragment F on TaskConnection { pageInfo { hasNextPage } }";
    let tasks = app.graphql(&ann, asked, json!({ "yes": true, "no": false })).await.data()["tasks"].clone();
    assert_eq!((tasks["totalCount"].as_i64(), tasks.as_object().unwrap().len()), (Some(1), 2), "{tasks}");
}

/// Lists of tasks are written in one go where the selection is plain, and field by field where it is not.
#[tokio::test]
async fn what_is_written_in_one_go_is_what_is_resolved_field_by_field() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let made = "mutation { createTaskList(input: { name: \"list \\\"1\\\"\", colour: \"#00ff00\" }) { taskList { id } }
        a: createLabel(input: { name: \"é\\u2028\" }) { label { id } } b: createLabel(input: { name: \"b\", colour: \"#ffffff\" }) { label { id } } }";
    let made = app.graphql(&ann, made, json!({})).await.data();
    let (list, labels) =
        (&made["createTaskList"]["taskList"]["id"], json!([made["a"]["label"]["id"], made["b"]["label"]["id"]]));
    for input in [
        json!({ "title": "plain" }),
        json!({ "title": "quote \" \\ \n \u{7f} 😀", "description": "more\u{1f}", "listId": list, "labelIds": labels, "completed": true }),
        json!({ "title": "day", "due": { "date": "2030-01-31" }, "priority": "URGENT", "labelIds": [labels[1]] }),
        json!({ "title": "at", "due": { "at": { "instant": "2030-01-31T12:00:00.123456+02:00", "timeZone": "Europe/Paris" } }, "listId": list }),
    ] {
        create(&app, &ann, input).await;
    }
    let leaves = async |name: &str| {
        let query = "query($name: String!) { __type(name: $name) { fields { name type { kind ofType { kind } } } } }";
        let fields = app.graphql(&ann, query, json!({ "name": name })).await.data()["__type"]["fields"].clone();
        let is_leaf = |it: &&Value| {
            let kinds = [&it["type"]["kind"], &it["type"]["ofType"]["kind"]];
            kinds.iter().any(|kind| *kind == "SCALAR" || *kind == "ENUM")
        };
        let names = fields.as_array().unwrap().iter().filter(is_leaf).map(|it| text(&it["name"])).collect::<Vec<_>>();
        assert!(names.len() > 5, "{names:?}");
        format!("__typename x: id {}", names.join(" "))
    };
    let (task, list, label) = (leaves("Task").await, leaves("TaskList").await, leaves("Label").await);
    let selection = format!("{task} list {{ {list} }} labels {{ {label} }}");
    let asked = |more: &str| {
        let node = format!("{selection} {more}");
        format!("{{ tasks {{ nodes {{ {node} }} edges {{ __typename cursor node {{ {node} }} }} }} }}")
    };
    let mut resolved = app.graphql(&ann, &asked("parent { id }"), json!({})).await.data();
    let written = app.graphql(&ann, &asked(""), json!({})).await;
    for node in resolved["tasks"]["nodes"].as_array_mut().unwrap() {
        node.as_object_mut().unwrap().remove("parent");
    }
    for edge in resolved["tasks"]["edges"].as_array_mut().unwrap() {
        edge["node"].as_object_mut().unwrap().remove("parent");
    }
    assert_eq!(written.data(), resolved);
}

#[tokio::test]
async fn what_is_not_given_is_as_if_it_were_not_written() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let id = app.task(&ann, "x").await;
    let update = "mutation($id: ID!, $title: String, $description: String) {
        updateTask(input: { id: $id, title: $title, description: $description }) { task { title description } } }";
    let set = app.graphql(&ann, update, json!({ "id": id, "description": "more" })).await.data();
    assert_eq!(set["updateTask"]["task"], json!({ "title": "x", "description": "more" }));
    let cleared = app.graphql(&ann, update, json!({ "id": id, "description": null })).await.data();
    assert_eq!(cleared["updateTask"]["task"], json!({ "title": "x", "description": null }));
    let defaulted = "query($first: Int) { changes(since: 0, first: $first) { changes { nodeId } } }";
    app.graphql(&ann, defaulted, json!({})).await.data();
}

#[tokio::test]
async fn a_client_may_send_the_hash_of_a_query_instead() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let hash = "2ae0c8e35b5ad8e9fd8a4a4e1a4a3c1c8b5e1a94ff2e8d9ed7e0a1a1f0000000";
    let named = |query: Option<&str>, hash: &str| {
        let mut body = json!({ "extensions": { "persistedQuery": { "version": 1, "sha256Hash": hash } } });
        body["query"] = query.into();
        Answer::of(app.request("POST", "/graphql").bearer_auth(&ann.token).json(&body))
    };
    assert_eq!(named(None, hash).await.code(), "PERSISTED_QUERY_NOT_FOUND");
    assert_eq!(named(None, hash).await.json()["errors"][0]["message"], "PersistedQueryNotFound");
    assert_eq!(named(Some("{ me { id } }"), hash).await.code(), "PERSISTED_QUERY_HASH_MISMATCH");
    let hash = sha256("{ me { id } }");
    named(Some("{ me { id } }"), &hash).await.data();
    assert_eq!(named(None, &hash).await.data()["me"]["id"], ann.id);
}

fn sha256(text: &str) -> String {
    use sha2::{Digest, Sha256};
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test]
async fn errors_of_the_language_have_codes_and_no_data() {
    let app = App::spawn().await;
    for (query, code) in [
        ("{", "GRAPHQL_PARSE_FAILED"),
        ("{ nothing }", "GRAPHQL_VALIDATION_FAILED"),
        ("query A { __typename } query B { __typename }", "GRAPHQL_VALIDATION_FAILED"),
        ("query($a: Int!) { tasks(first: $a) { totalCount } }", "BAD_USER_INPUT"),
        ("{ a: task(id: 1) { id } a: me { id } }", "GRAPHQL_VALIDATION_FAILED"),
        ("mutation { createTask(input: { title: \"a\", title: \"b\" }) { task { id } } }", "GRAPHQL_VALIDATION_FAILED"),
    ] {
        for (accept, status) in [("application/json", 200), ("application/graphql-response+json", 400)] {
            let request = app.request("POST", "/graphql").header("accept", accept).json(&json!({ "query": query }));
            let answer = Answer::of(request).await;
            assert_eq!(answer.expect(status).get("data"), None, "{query}");
            assert_eq!(answer.code(), code, "{query}");
            assert_eq!(answer.header("content-type"), format!("{accept}; charset=utf-8"));
        }
    }
}

#[tokio::test]
async fn what_a_form_or_a_link_could_send_changes_nothing() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let mutation = "mutation { createTask(input: { title: \"x\" }) { task { id } } }";
    let get = app.request("GET", "/graphql").query(&[("query", mutation)]).bearer_auth(&ann.token);
    let answer = Answer::of(get).await;
    assert_eq!((answer.status.as_u16(), answer.header("allow")), (405, "POST"));
    for media in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""] {
        let body = json!({ "query": mutation }).to_string();
        let mut request = app.request("POST", "/graphql").bearer_auth(&ann.token).body(body);
        if !media.is_empty() {
            request = request.header("content-type", media);
        }
        assert_eq!(Answer::of(request).await.status, 415, "{media}");
    }
    let batch = json!([{ "query": mutation }]);
    let batch = Answer::of(app.request("POST", "/graphql").bearer_auth(&ann.token).json(&batch)).await;
    assert_eq!(batch.status, 400);
    assert_eq!(app.graphql(&ann, "{ tasks { totalCount } }", json!({})).await.data()["tasks"]["totalCount"], 0);
}

#[tokio::test]
async fn a_query_may_come_by_get() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let asked = [
        ("query", "query A($n: Int) { tasks(first: $n) { totalCount } }"),
        ("variables", "{\"n\":1}"),
        ("operationName", "A"),
    ];
    let answer = Answer::of(app.request("GET", "/graphql").query(&asked).bearer_auth(&ann.token)).await;
    assert_eq!(answer.data(), json!({ "tasks": { "totalCount": 0 } }));
}

#[tokio::test]
async fn the_playground_is_a_page_only_where_it_is_on() {
    let app = App::spawn().await;
    for path in ["/graphql", "/graphiql"] {
        let page = Answer::of(app.request("GET", path).header("accept", "text/html,*/*;q=0.8")).await;
        assert!(page.status == 200 && page.text.contains("GraphiQL"), "{page:?}");
        assert!(page.header("content-security-policy").contains("frame-ancestors 'none'"), "{page:?}");
    }
    let off = App::spawn_with(&[("DOCKET_PLAYGROUND", "off")]).await;
    assert_eq!(Answer::of(off.request("GET", "/graphiql")).await.status, 404);
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
