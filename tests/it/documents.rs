//! GraphQL documents: what they may say and cost, how they are sent, and that they are executed as specified.
//! See docs/contracts/graphql-http.md#language,
//! docs/contracts/graphql-http.md#execution and docs/contracts/graphql-http.md#limits.

use serde_json::{Value, json};

use crate::{
    graphql::create,
    support::{Answer, App, text},
};

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
async fn of_three_mutations_the_one_that_fails_is_null_and_the_others_last() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let three = "mutation { a: createTask(input: { title: \"a\" }) { task { title } revision }
        b: createTask(input: { title: \" \" }) { task { title } revision }
        c: createTask(input: { title: \"c\" }) { task { title } revision } }";
    let answer = app.graphql(&ann, three, json!({})).await.expect(200);
    let made = |title: &str, revision: i64| json!({ "task": { "title": title }, "revision": revision });
    assert_eq!(answer["data"], json!({ "a": made("a", 1), "b": null, "c": made("c", 2) }));
    assert_eq!((&answer["errors"][0]["path"], answer["errors"].as_array().unwrap().len()), (&json!(["b"]), 1));
    let query = "{ me { id } tasks(first: 1000) { totalCount } labels { id } }";
    let answer = app.graphql(&ann, query, json!({})).await.expect(200);
    assert_eq!(answer["data"], json!({ "me": { "id": ann.id }, "tasks": null, "labels": [] }));
    assert_eq!(answer["errors"][0]["path"], json!(["tasks"]));
}

#[tokio::test]
async fn every_payload_says_the_revision_after_its_mutation() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let types =
        "{ __schema { mutationType { fields { type { kind name fields { name type { ofType { name } } } } } } } }";
    let fields = app.graphql(&ann, types, json!({})).await.data()["__schema"]["mutationType"]["fields"].clone();
    let fields = fields.as_array().unwrap();
    for payload in fields.iter().map(|it| &it["type"]) {
        let is_revision = |it: &&Value| it["name"] == "revision" && it["type"]["ofType"]["name"] == "BigInt";
        assert!(
            payload["kind"] == "OBJECT" && payload["fields"].as_array().unwrap().iter().any(|it| is_revision(&it)),
            "{payload}"
        );
    }
    assert!(fields.len() >= 17, "{fields:?}");
    let (a, b) = (app.task(&ann, "a").await, app.task(&ann, "b").await);
    let mutations = "mutation($ids: [ID!]!, $a: ID!) {
        done: setTasksCompleted(input: { selection: { ids: $ids }, completed: true }) { revision tasks { revision } }
        again: setTaskCompleted(input: { id: $a, completed: true }) { revision task { revision } }
        gone: deleteTasks(input: { selection: { ids: $ids } }) { revision } }";
    let data = app.graphql(&ann, mutations, json!({ "ids": [a, b], "a": a })).await.data();
    let seen = [&data["done"]["tasks"][1]["revision"], &data["again"]["task"]["revision"], &data["gone"]["revision"]];
    assert_eq!(seen, [&data["done"]["revision"], &data["again"]["revision"], &json!(9)], "{data}");
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
        ("cost", format!("{{ {} }}", times(100, &|n| format!("a{n}: tasks(first: 100) {{ nodes {{ id title }} }} ")))),
        (
            "cost",
            "{ tasks(first: 100) { nodes { subtasks { nodes { subtasks { nodes { labels { name } } } } } } } }"
                .to_owned(),
        ),
    ] {
        let start = std::time::Instant::now();
        let answer = app.graphql(&ann, &document, json!({})).await;
        let body = answer.expect(200);
        let error = &body["errors"][0]["extensions"];
        assert_eq!((&error["code"], &error["limit"]), (&json!("QUERY_TOO_EXPENSIVE"), &json!(limit)), "{body}");
        assert!(body.get("data").is_none() && start.elapsed().as_secs() < 5, "{body}");
    }
    let paged = "query($first: Int!) { tasks(first: $first) { nodes { subtasks { nodes { labels { id name } } } } } }";
    assert_eq!(app.graphql(&ann, paged, json!({ "first": 100 })).await.code(), "QUERY_TOO_EXPENSIVE");
    app.graphql(&ann, paged, json!({ "first": 10 })).await.data();
}

#[tokio::test]
async fn whole_pages_of_whole_tasks_are_within_the_limit_of_cost() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let fragments = "
        fragment Whole on Task { id number title description completed completedAt priority dueDate dueAt dueTimeZone
            position revision createdAt updatedAt list { ...List } labels { ...Label } }
        fragment List on TaskList { id name color position archived revision createdAt updatedAt }
        fragment Label on Label { id name color revision createdAt updatedAt }";
    for document in [
        "{ changes { syncToken hasMore changes { syncToken revision kind nodeId deleted deletedNodeId node { __typename ...Whole ...List ...Label } } } }",
        "{ tasks(first: 100) { totalCount pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
            edges { cursor node { ...Whole subtasks { nodes { id title } } } } } }",
        "{ changes(first: 500) { syncToken hasMore changes { syncToken revision kind nodeId deleted node {
            ... on Task { id number title description completed completedAt priority dueDate dueAt dueTimeZone
                position revision createdAt updatedAt listId parentId labels { id name } }
            ...List ...Label } } } }",
    ] {
        let document = match document.contains("Whole") {
            true => format!("{document} {fragments}"),
            false => format!("{document} {}", &fragments[fragments.find("fragment List").unwrap()..]),
        };
        app.graphql(&ann, &document, json!({})).await.data();
    }
}

#[tokio::test]
async fn a_document_is_told_what_it_costs_when_it_asks_and_when_it_is_too_much() {
    let app = App::spawn_with(&[("DOCKET_GRAPHQL_LIMITS", "cost=100,batch=2")]).await;
    let ann = app.person("ann").await;
    let asked = |query: &str, header: &str| {
        let request = app.request("POST", "/graphql").bearer_auth(&ann.token).header("graphql-cost", header);
        Answer::of(request.json(&json!({ "query": query })))
    };
    for (query, cost) in [
        ("{ me { id } }", 2),
        ("{ tasks(first: 10) { nodes { id title } } }", 1 + 10 * (1 + 2)),
        ("{ tasks(first: null) { nodes { id } } }", 1 + 20 * (1 + 1)),
        ("{ tasks(first: 2) { nodes { labels { id } } } }", 1 + 2 * (1 + 1 + 10)),
        ("{ node(id: 1) { id ... on Task { title completed } ... on Label { name } } }", 1 + 1 + 2),
        ("{ node(id: 1) { ... on Node { id } ... on Label { name } ... on Label { color } } }", 1 + 1 + 2),
    ] {
        assert_eq!(asked(query, "1").await.expect(200)["extensions"], json!({ "cost": cost }), "{query}");
        assert!(asked(query, "0").await.expect(200).get("extensions").is_none(), "{query}");
    }
    let batch = json!([{ "query": "{ me { id } }" }, { "query": "{ __typename }" }]);
    let batch = app.request("POST", "/graphql").bearer_auth(&ann.token).header("graphql-cost", "1").json(&batch);
    let costs: Vec<Value> = Answer::of(batch)
        .await
        .expect(200)
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["extensions"]["cost"].clone())
        .collect();
    assert_eq!(costs, [json!(2), json!(1)]);
    let stream = app.request("POST", "/graphql").bearer_auth(&ann.token).header("graphql-cost", "1");
    let stream = stream.header("accept", "text/event-stream").json(&json!({ "query": "{ me { id } }" }));
    let stream = Answer::of(stream).await;
    assert!(stream.text.contains("\"extensions\":{\"cost\":2}"), "{stream:?}");
    let refused = asked("{ changes(first: null) { changes { nodeId } } }", "0").await.expect(200);
    let error = &refused["errors"][0];
    let expected = json!({ "code": "QUERY_TOO_EXPENSIVE", "limit": "cost", "most": 100, "cost": 1 + 100 * (1 + 1) });
    assert_eq!(error["extensions"], expected, "{refused}");
    assert!(text(&error["message"]).contains("201"), "{refused}");
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
    let made = "mutation { createTaskList(input: { name: \"list \\\"1\\\"\", color: \"#00ff00\" }) { taskList { id } }
        a: createLabel(input: { name: \"é\\u2028\" }) { label { id } } b: createLabel(input: { name: \"b\", color: \"#ffffff\" }) { label { id } } }";
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
    let parent = app.task(&ann, "parent").await;
    create(&app, &ann, json!({ "title": "subtask", "parentId": parent, "labelIds": labels })).await;
    let leaves = async |name: &str| {
        let query = "query($name: String!) { __type(name: $name) { fields { name type { kind ofType { kind } } } } }";
        let fields = app.graphql(&ann, query, json!({ "name": name })).await.data()["__type"]["fields"].clone();
        let is_leaf = |it: &&Value| {
            let kinds = [&it["type"]["kind"], &it["type"]["ofType"]["kind"]];
            kinds.iter().any(|kind| *kind == "SCALAR" || *kind == "ENUM")
        };
        let names = fields.as_array().unwrap().iter().filter(is_leaf).map(|it| text(&it["name"])).collect::<Vec<_>>();
        assert!(names.len() > 5, "{names:?}");
        names
    };
    let (task, list, label) = (leaves("Task").await, leaves("TaskList").await, leaves("Label").await);
    let of = |leaves: &[String]| format!("__typename x: id {}", leaves.join(" "));
    let selection = format!("{} labelIds list {{ {} }} labels {{ {} }}", of(&task), of(&list), of(&label));
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
    // Where a field is null in all of them, nothing was compared.
    let nodes = resolved["tasks"]["nodes"].as_array().unwrap();
    let label_of = |node: &Value| node["labels"].as_array().unwrap().clone();
    let kinds = [
        (task, nodes.clone()),
        (list, nodes.iter().map(|it| it["list"].clone()).collect()),
        (label, nodes.iter().flat_map(label_of).collect()),
    ];
    for (leaves, rows) in kinds {
        let is_compared = |leaf: &String| rows.iter().any(|row| row.get(leaf).is_some_and(|it| !it.is_null()));
        // What is deleted is in no list; the trash is looked at elsewhere.
        let missing: Vec<_> = leaves.iter().filter(|leaf| *leaf != "deletedAt" && !is_compared(leaf)).collect();
        assert!(missing.is_empty(), "no row has a value of {missing:?}");
    }
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
    let defaulted = "query($first: Int) { changes(first: $first) { changes { nodeId } } }";
    app.graphql(&ann, defaulted, json!({})).await.data();
}

#[tokio::test]
async fn scalars_name_the_specification_that_their_values_keep() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let types = app.graphql(&ann, "{ __schema { types { name specifiedByURL } } }", json!({})).await.data();
    let named: Vec<_> =
        types["__schema"]["types"].as_array().unwrap().iter().filter(|it| !it["specifiedByURL"].is_null()).collect();
    assert_eq!(named.len(), 3, "{named:?}");
    for scalar in named {
        let line = format!("scalar {} @specifiedBy(url: {})", text(&scalar["name"]), scalar["specifiedByURL"]);
        assert!(docket::graphql::sdl().contains(&line), "{line}");
    }
}

#[tokio::test]
async fn an_instant_that_would_be_cut_or_is_no_rfc_3339_is_refused() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let create = "mutation($at: DateTime!) {
        createTask(input: { title: \"x\", due: { at: { instant: $at } } }) { task { dueAt } } }";
    for (at, shown) in [
        ("2030-01-31T12:00:00Z", "2030-01-31T12:00:00Z"),
        ("2030-01-31t12:00:00.5z", "2030-01-31T12:00:00.500Z"),
        ("2030-01-31T12:00:00.123456+01:00", "2030-01-31T11:00:00.123456Z"),
    ] {
        assert_eq!(app.graphql(&ann, create, json!({ "at": at })).await.data()["createTask"]["task"]["dueAt"], shown);
    }
    for (at, wrong) in [
        ("2030-01-31T12:00:00.1234567Z", "at most 6 fraction digits"),
        ("2030-01-31T12:00:00.0000000Z", "at most 6 fraction digits"),
        ("2030-01-31 12:00:00Z", "RFC 3339"),
        ("2030-01-31T12:00:00", "RFC 3339"),
    ] {
        let answer = app.graphql(&ann, create, json!({ "at": at })).await;
        let said = text(&answer.json()["errors"][0]["message"]);
        assert!(answer.code() == "BAD_USER_INPUT" && said.contains("$at") && said.contains(wrong), "{at}: {said}");
        let literal = create.replace("($at: DateTime!)", "").replace("$at", &format!("\"{at}\""));
        assert_eq!(app.graphql(&ann, &literal, json!({})).await.code(), "GRAPHQL_VALIDATION_FAILED", "{at}");
    }
}

#[tokio::test]
async fn a_large_number_may_be_a_string_of_digits() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let id = "01890a5d-ac96-774b-bcce-b302099a8057";
    let asked = format!(
        "mutation($revision: BigInt!) {{ deleteTask(input: {{ id: \"{id}\", expectedRevision: $revision }}) {{ deletedTaskId }} }}"
    );
    let literal = asked.replace("($revision: BigInt!)", "").replace("$revision", "\"7\"");
    assert_eq!(app.graphql(&ann, &literal, json!({})).await.code(), "NOT_FOUND");
    for revision in [json!(0), json!("0"), json!("-0")] {
        assert_eq!(app.graphql(&ann, &asked, json!({ "revision": revision })).await.code(), "NOT_FOUND", "{revision}");
    }
    for wrong in ["", "x", "+1", " 1", "1.0", "1e3", "9223372036854775808"] {
        assert_eq!(app.graphql(&ann, &asked, json!({ "revision": wrong })).await.code(), "BAD_USER_INPUT", "{wrong}");
    }
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

#[tokio::test]
async fn documents_of_a_file_are_executed_by_their_ids_and_a_wrong_id_is_said_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("persisted-documents.json");
    let write = |id: &str, text: &str| std::fs::write(&file, json!({ id: text }).to_string()).unwrap();
    let id = format!("sha256:{}", sha256("{ me { id } }"));
    let settings = [("DOCKET_PERSISTED_DOCUMENTS", file.to_str().unwrap()), ("DOCKET_PERSISTED_MODE", "only")];
    write(&id, "{ me { id } }");
    let app = App::spawn_with(&settings).await;
    let ann = app.person("ann").await;
    let post = |body: &Value| Answer::of(app.request("POST", "/graphql").bearer_auth(&ann.token).json(body));
    assert_eq!(post(&json!({ "documentId": id })).await.data()["me"]["id"], ann.id);
    let read = app.request("GET", "/graphql").bearer_auth(&ann.token).query(&[("documentId", &id[7..])]);
    assert_eq!(Answer::of(read).await.data()["me"]["id"], ann.id);
    assert_eq!(post(&json!({ "query": "{ me { id } }" })).await.data()["me"]["id"], ann.id);
    assert_eq!(post(&json!({ "query": "{ me { name } }" })).await.code(), "PERSISTED_DOCUMENT_REQUIRED");
    write(&id, "{ me { name } }");
    let refused = docket::server::Server::bind(&app.config(&settings), None).await.unwrap_err();
    let said = docket::error::causes(&refused);
    assert!(said.contains("DOCKET_PERSISTED_DOCUMENTS") && said.contains(&id), "{said}");
}

fn sha256(text: &str) -> String {
    use sha2::{Digest, Sha256};
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test]
async fn null_stands_for_the_default_of_an_argument() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let create = "mutation { createTaskList(input: { name: \"x\" }) { taskList { id } } }";
    app.graphql(&ann, create, json!({})).await.data();
    let asked = "query($first: Int, $zone: String) {
        changes(first: $first) { changes { nodeId } }
        searchTasks(text: \"x\", first: $first) { nodes { id } }
        taskLists { tasks(first: $first) { nodes { id } } counts(timeZone: $zone) { open } }
    }";
    let expected = app.graphql(&ann, asked, json!({})).await.data();
    assert_eq!(app.graphql(&ann, asked, json!({ "first": null, "zone": null })).await.data(), expected);
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
        ("{ nodes(ids: []) { id } ... on Query { nodes(ids: [1]) { id } } }", "GRAPHQL_VALIDATION_FAILED"),
        ("mutation { deleteTask(input: { id: 1 force }) { deletedTaskId } }", "GRAPHQL_PARSE_FAILED"),
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
    let query = "{\n  me { id } # é\n  task(id) { id }\n}";
    let answer = Answer::of(app.request("POST", "/graphql").json(&json!({ "query": query }))).await.expect(200);
    assert_eq!(answer["errors"][0]["locations"], json!([{ "line": 3, "column": 8 }]));
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
