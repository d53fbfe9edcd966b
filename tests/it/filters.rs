//! Conditions that select tasks: none is left out in silence, because a list that shows too much is a nuisance and a
//! deletion that does is a disaster.

use serde_json::{Value, json};

use crate::support::{Answer, App, Person, text};

const LIST: &str =
    "query($filter: TaskFilter) { tasks(filter: $filter, order: { by: TITLE }) { totalCount nodes { title } } }";
/// The mutations of a selection, with what else they need.
const BULK: [(&str, &str, &str); 4] = [
    ("deleteTasks", "", "deletedTaskIds"),
    ("setTasksCompleted", "completed: true", "tasks { id }"),
    ("labelTasks", "addLabelIds: []", "tasks { id }"),
    ("moveTasks", "listId: null", "tasks { id }"),
];

async fn titles(app: &App, person: &Person, filter: Value) -> Vec<String> {
    let found = app.graphql(person, LIST, json!({ "filter": filter })).await.data();
    let titles: Vec<_> = found["tasks"]["nodes"].as_array().unwrap().iter().map(|it| text(&it["title"])).collect();
    assert_eq!(found["tasks"]["totalCount"], titles.len(), "{filter}");
    titles
}

async fn bulk(app: &App, person: &Person, (field, more, answer): (&str, &str, &str), selection: Value) -> Answer {
    let query = format!(
        "mutation($selection: TaskSelection!) {{ {field}(input: {{ selection: $selection {more} }}) {{ {answer} }} }}"
    );
    app.graphql(person, &query, json!({ "selection": selection })).await
}

/// What a deletion would have gone wrong with, and the number of the last write.
async fn state(app: &App, person: &Person) -> Value {
    let query = "{ tasks(first: 100) { nodes { id completed revision } } syncToken }";
    app.graphql(person, query, json!({})).await.data()
}

#[tokio::test]
async fn a_condition_that_nothing_meets_selects_nothing_in_a_list_and_in_bulk() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    for title in ["milk", "bread"] {
        app.task(&ann, title).await;
    }
    let before = state(&app, &ann).await["tasks"].clone();
    for filter in [
        json!({ "search": "🍎" }),
        json!({ "search": "…" }),
        json!({ "search": " " }),
        json!({ "search": "🍎", "completed": false }),
        json!({ "labels": { "any": [] } }),
        json!({ "priority": { "in": [] } }),
        json!({ "priority": { "in": [] }, "search": "milk" }),
        json!({ "labels": { "none": [] } }),
        json!({ "labels": { "all": [] } }),
        json!({ "ids": [] }),
        json!({ "or": [] }),
        json!({ "and": [] }),
        json!({ "labels": { "any": [] }, "listId": { "isNull": true } }),
    ] {
        assert_eq!(titles(&app, &ann, filter.clone()).await, Vec::<String>::new(), "{filter}");
        for mutation in BULK {
            let answer = bulk(&app, &ann, mutation, json!({ "filter": filter })).await.data();
            assert!(answer[mutation.0].to_string().contains("[]"), "{filter}: {answer}");
        }
        assert_eq!(state(&app, &ann).await["tasks"], before, "{filter}");
    }
    assert_eq!(titles(&app, &ann, json!({ "search": "milk 🍎" })).await, ["milk"]);
    let found = app.graphql(&ann, "{ searchTasks(text: \"🍎\") { nodes { id } } }", json!({})).await.data();
    assert_eq!(found, json!({ "searchTasks": { "nodes": [] } }));
}

#[tokio::test]
async fn a_selection_without_a_condition_is_refused_and_one_of_no_ids_does_nothing() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    app.task(&ann, "milk").await;
    let before = state(&app, &ann).await;
    assert_eq!(titles(&app, &ann, json!({ "contains": "" })).await, ["milk"]);
    assert!(titles(&app, &ann, json!({ "search": "" })).await.is_empty());
    // An empty text is not left out beside another condition.
    for (field, filter) in [
        ("search", json!({ "search": "" })),
        ("search", json!({ "search": "", "completed": false })),
        ("contains", json!({ "contains": "" })),
        ("contains", json!({ "contains": "", "completed": false })),
    ] {
        for mutation in BULK {
            let answer = bulk(&app, &ann, mutation, json!({ "filter": filter })).await;
            let error = &answer.json()["errors"][0]["extensions"];
            assert_eq!((&error["code"], &error["field"]), (&json!("BAD_USER_INPUT"), &json!(field)), "{answer:?}");
        }
    }
    let unsaid = "mutation($s: TaskSelection!) { moveTasks(input: { selection: $s }) { tasks { id } } }";
    let unsaid = app.graphql(&ann, unsaid, json!({ "s": { "filter": { "completed": false } } })).await;
    assert_eq!(unsaid.json()["errors"][0]["extensions"]["field"], "listId", "{unsaid:?}");
    for filter in [json!({}), json!({ "completed": null })] {
        assert_eq!(titles(&app, &ann, filter.clone()).await, ["milk"], "{filter}");
        for mutation in BULK {
            let answer = bulk(&app, &ann, mutation, json!({ "filter": filter })).await;
            let error = &answer.json()["errors"][0]["extensions"];
            assert_eq!((&error["code"], &error["field"]), (&json!("BAD_USER_INPUT"), &json!("filter")), "{answer:?}");
        }
    }
    for mutation in BULK {
        let answer = bulk(&app, &ann, mutation, json!({ "ids": [] })).await.data();
        assert!(answer[mutation.0].to_string().contains("[]"), "{answer}");
    }
    assert_eq!(state(&app, &ann).await["tasks"], before["tasks"]);
}

#[tokio::test]
async fn more_words_than_are_looked_for_are_refused_by_name() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let words = |count: usize| (0..count).map(|it| format!("w{it}")).collect::<Vec<_>>().join(" ");
    app.task(&ann, &words(16)).await;
    assert_eq!(titles(&app, &ann, json!({ "search": words(16) })).await.len(), 1);
    let (longer, before) = (words(17), state(&app, &ann).await);
    let listed = app.graphql(&ann, LIST, json!({ "filter": { "search": longer } })).await;
    let deleted = bulk(&app, &ann, BULK[0], json!({ "filter": { "search": longer } })).await;
    let searched = app
        .graphql(&ann, "query($text: String!) { searchTasks(text: $text) { nodes { id } } }", json!({ "text": longer }))
        .await;
    for (answer, field) in [(listed, "search"), (deleted, "search"), (searched, "text")] {
        let error = &answer.json()["errors"][0];
        let named = (&error["extensions"]["code"], &error["extensions"]["field"], &error["message"]);
        assert_eq!(
            named,
            (&json!("BAD_USER_INPUT"), &json!(field), &json!(format!("{field} must have at most 16 words")))
        );
    }
    assert_eq!(state(&app, &ann).await, before);
}

#[tokio::test]
async fn lists_of_values_are_folded_and_bounded_by_name() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    app.task(&ann, "milk").await;
    let many = vec!["LOW"; 40_000];
    assert_eq!(titles(&app, &ann, json!({ "priority": { "in": many } })).await, Vec::<String>::new());
    let many: Vec<_> = ["LOW", "MEDIUM", "HIGH"].into_iter().cycle().take(40_000).collect();
    assert_eq!(titles(&app, &ann, json!({ "priority": { "in": many } })).await, ["milk"]);
    let ids = |count: usize| (0..count).map(|it| uuid::Uuid::from_u128(it as u128).to_string()).collect::<Vec<_>>();
    assert_eq!(titles(&app, &ann, json!({ "labels": { "any": ids(1000) } })).await, Vec::<String>::new());
    let label =
        "mutation($ids: [ID!]!) { labelTasks(input: { selection: { ids: [] }, addLabelIds: $ids }) { tasks { id } } }";
    let create = "mutation($ids: [ID!]!) { createTask(input: { title: \"a\", labelIds: $ids }) { task { id } } }";
    for (query, variables, field) in [
        (LIST, json!({ "filter": { "labels": { "any": ids(1001) } } }), "labels"),
        (LIST, json!({ "filter": { "labels": { "any": ids(600), "none": ids(401) } } }), "labels"),
        (label, json!({ "ids": ids(20_000) }), "addLabelIds"),
        (create, json!({ "ids": ids(20_000) }), "labelIds"),
    ] {
        let answer = app.graphql(&ann, query, variables).await.json();
        let error = &answer["errors"][0]["extensions"];
        assert_eq!((&error["code"], &error["field"]), (&json!("BAD_USER_INPUT"), &json!(field)), "{answer}");
    }
    assert_eq!(titles(&app, &ann, json!({})).await, ["milk"]);
}

#[tokio::test]
async fn over_rest_tags_that_are_none_match_nothing_and_too_many_are_refused() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    app.rest_task(&ann, json!({ "title": "milk", "tags": ["a"] })).await;
    let listed = async |query: &str| app.rest(&ann, "GET", query, None).await;
    for (query, count) in [("?tags=", 1), ("?tags=,", 0), ("?tags=%20", 0), ("?tags=a,", 1), ("?tags=b,a", 1)] {
        assert_eq!(listed(query).await.expect(200).as_array().unwrap().len(), count, "{query}");
    }
    let many = (0..51).map(|it| format!("t{it}")).collect::<Vec<_>>().join(",");
    for (query, name) in [(format!("?tags=a,{many}"), "tags"), ("?priority=".to_owned(), "priority")] {
        assert_eq!(listed(&query).await.expect(422)["detail"][0]["loc"], json!(["query", name]), "{query}");
    }
}

#[tokio::test]
async fn arguments_that_contradict_each_other_or_mean_nothing_are_refused() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    app.task(&ann, "milk").await;
    for field in [
        "tasks(first: -1) { totalCount }",
        "tasks(last: -1) { totalCount }",
        "tasks(first: 101) { totalCount }",
        "tasks(first: 1, last: 1) { totalCount }",
        "tasks(after: \"nonsense\") { totalCount }",
        "tasks(filter: { listId: { eq: \"nonsense\" } }) { totalCount }",
        "tasks(filter: { labels: { any: [\"nonsense\"] } }) { totalCount }",
        "tasks(filter: { priority: { in: [HUGE] } }) { totalCount }",
        "searchTasks(text: \"milk\", first: -1) { nodes { id } }",
        "changes(first: 0) { syncToken }",
        "changes(after: \"\") { syncToken }",
        "changes(after: \"nonsense\") { syncToken }",
    ] {
        let answer = app.graphql(&ann, &format!("{{ {field} }}"), json!({})).await.json();
        assert!(answer["errors"][0]["extensions"]["code"].is_string(), "{field}: {answer}");
    }
    for selection in ["{}", "{ ids: null }", "{ ids: [], filter: { completed: true } }", "{ filter: null }"] {
        let field = format!("deleteTasks(input: {{ selection: {selection} }}) {{ deletedTaskIds }}");
        let answer = app.graphql(&ann, &format!("mutation {{ {field} }}"), json!({})).await;
        assert_eq!(answer.code(), "GRAPHQL_VALIDATION_FAILED", "{answer:?}");
    }
    for selection in [json!({}), json!({ "ids": null }), json!({ "ids": [], "filter": {} }), json!({ "filter": null })]
    {
        assert_eq!(bulk(&app, &ann, BULK[0], selection).await.code(), "BAD_USER_INPUT");
    }
    assert_eq!(titles(&app, &ann, json!({})).await, ["milk"]);
}

#[tokio::test]
async fn a_filter_that_is_empty_inside_another_is_refused_by_name() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    app.task(&ann, "milk").await;
    for (filter, field) in [
        (json!({ "and": [{ "completed": false }, {}] }), "and"),
        (json!({ "or": [{}] }), "or"),
        (json!({ "not": {} }), "not"),
        (json!({ "not": { "completed": null } }), "not"),
        (json!({ "or": [{ "contains": "" }] }), "contains"),
        (json!({ "title": {} }), "title"),
        (json!({ "title": { "contains": "" } }), "title"),
        (json!({ "priority": { "eq": null } }), "priority"),
        (json!({ "listId": { "eq": null } }), "listId"),
        (json!({ "due": {} }), "due"),
        (json!({ "labels": {} }), "labels"),
    ] {
        let listed = app.graphql(&ann, LIST, json!({ "filter": filter })).await;
        for answer in [listed, bulk(&app, &ann, BULK[0], json!({ "filter": filter })).await] {
            let error = &answer.json()["errors"][0]["extensions"];
            assert_eq!((&error["code"], &error["field"]), (&json!("BAD_USER_INPUT"), &json!(field)), "{answer:?}");
        }
    }
    assert_eq!(titles(&app, &ann, json!({})).await, ["milk"]);
}

#[tokio::test]
async fn an_empty_list_inside_not_selects_nothing_to_change() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    app.task(&ann, "milk").await;
    for (inner, field) in [
        (json!({ "ids": [] }), "ids"),
        (json!({ "or": [] }), "or"),
        (json!({ "search": "…" }), "search"),
        (json!({ "or": [{ "priority": { "in": [] } }, { "completed": true }] }), "priority"),
        (json!({ "not": { "labels": { "none": [] } } }), "labels"),
    ] {
        let filter = json!({ "not": inner });
        app.graphql(&ann, LIST, json!({ "filter": filter })).await.data();
        let answer = bulk(&app, &ann, BULK[0], json!({ "filter": filter })).await;
        let error = &answer.json()["errors"][0]["extensions"];
        assert_eq!((&error["code"], &error["field"]), (&json!("BAD_USER_INPUT"), &json!(field)), "{answer:?}");
    }
    assert_eq!(titles(&app, &ann, json!({})).await, ["milk"]);
}

#[tokio::test]
async fn a_filter_has_30_conditions_and_5_levels_at_most() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    app.task(&ann, "milk").await;
    let wide = |count: usize| json!({ "or": vec![json!({ "completed": false }); count] });
    let deep = |depth: usize| (1..depth).fold(json!({ "completed": false }), |inner, _| json!({ "and": [inner] }));
    for filter in [wide(29), deep(5)] {
        assert_eq!(titles(&app, &ann, filter).await, ["milk"]);
    }
    for (filter, message) in [
        (wide(30), "filter must have at most 30 conditions"),
        (wide(10_000), "filter must have at most 30 conditions"),
        (deep(6), "filter must have at most 5 levels of filters"),
        (deep(60), "filter must have at most 5 levels of filters"),
    ] {
        let listed = app.graphql(&ann, LIST, json!({ "filter": filter })).await;
        for answer in [listed, bulk(&app, &ann, BULK[0], json!({ "filter": filter })).await] {
            assert_eq!(answer.json()["errors"][0]["message"], message);
        }
    }
}
