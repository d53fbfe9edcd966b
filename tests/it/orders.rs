//! Orders against a model in memory: lists of keys that are made up give the tasks as the model sorts them, in pages
//! from either end.

use std::{
    cmp::Ordering,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
};

use chrono::{DateTime, Utc};
use rand::{RngExt, SeedableRng, rngs::SmallRng, seq::SliceRandom};
use serde_json::{Value, json};

use crate::support::{App, Person, text};

/// How many orders are made up.
const ORDERS: usize = 120;
const KEYS: [&str; 7] = ["CREATED_AT", "UPDATED_AT", "COMPLETED_AT", "TITLE", "DUE", "PRIORITY", "POSITION"];
const PRIORITIES: [&str; 4] = ["LOW", "MEDIUM", "HIGH", "URGENT"];
const QUERY: &str = "query($order: [TaskOrder!], $first: Int, $after: String, $last: Int, $before: String) {
    tasks(order: $order, first: $first, after: $after, last: $last, before: $before) {
        nodes { number title completedAt priority dueDate dueAt position createdAt updatedAt }
        pageInfo { startCursor endCursor hasNextPage hasPreviousPage }
    }
}";

/// Tasks many of which have the same values.
async fn fill(app: &App, ann: &Person) {
    for number in 0..23 {
        let due = match number % 5 {
            0 => Value::Null,
            1 => json!({ "date": "2030-01-02" }),
            _ => json!({ "at": { "instant": format!("2030-01-0{}T00:00:00Z", number % 2 + 1) } }),
        };
        let (title, priority) = (["b", "A", "a", "é"][number % 4], PRIORITIES[number / 3 % 4]);
        let input = json!({
            "title": title, "priority": priority, "due": due,
            "completed": number % 3 == 0,
        });
        let create = "mutation($input: CreateTaskInput!) { createTask(input: $input) { task { id } } }";
        app.graphql(ann, create, json!({ "input": input })).await.data();
    }
}

fn instant(value: &Value) -> Option<DateTime<Utc>> {
    value.as_str().map(|it| it.parse().unwrap())
}

/// The value of a task as text that sorts as it does.
fn value(task: &Value, by: &str) -> Option<String> {
    let due = || {
        instant(&task["dueAt"]).or_else(|| Some(format!("{}T00:00:00Z", task["dueDate"].as_str()?).parse().unwrap()))
    };
    let time = |time: DateTime<Utc>| format!("{:020}", time.timestamp_micros());
    match by {
        "CREATED_AT" => instant(&task["createdAt"]).map(time),
        "UPDATED_AT" => instant(&task["updatedAt"]).map(time),
        "COMPLETED_AT" => instant(&task["completedAt"]).map(time),
        "DUE" => due().map(time),
        "TITLE" => Some(text(&task["title"]).to_lowercase()),
        "PRIORITY" => PRIORITIES.iter().position(|it| task["priority"] == *it).map(|it| it.to_string()),
        _ => Some(text(&task["position"])),
    }
}

fn is_descending(key: &Value) -> bool {
    match key["direction"].as_str() {
        Some(direction) => direction == "DESC",
        None => ["CREATED_AT", "UPDATED_AT", "COMPLETED_AT", "PRIORITY"].contains(&key["by"].as_str().unwrap()),
    }
}

fn compare(one: &Value, other: &Value, order: &[Value]) -> Ordering {
    let by_key = |key: &Value| {
        let by = key["by"].as_str().unwrap();
        let null = if key["nulls"] == "FIRST" { Ordering::Less } else { Ordering::Greater };
        match (value(one, by), value(other, by)) {
            (None, None) => Ordering::Equal,
            (None, Some(_)) => null,
            (Some(_), None) => null.reverse(),
            (Some(one), Some(other)) if is_descending(key) => other.cmp(&one),
            (Some(one), Some(other)) => one.cmp(&other),
        }
    };
    let by_number = one["number"].as_i64().cmp(&other["number"].as_i64());
    let by_number = if is_descending(&order[0]) { by_number.reverse() } else { by_number };
    order.iter().map(by_key).find(|it| it.is_ne()).unwrap_or(by_number)
}

fn made_up(random: &mut SmallRng) -> Vec<Value> {
    let mut keys = KEYS;
    keys.shuffle(random);
    let count = random.random_range(1..=4);
    let key = |by: &&str| {
        let mut key = json!({ "by": by });
        if random.random_bool(0.7) {
            key["direction"] = json!(if random.random_bool(0.5) { "ASC" } else { "DESC" });
        }
        if ["COMPLETED_AT", "DUE"].contains(by) && random.random_bool(0.7) {
            key["nulls"] = json!(if random.random_bool(0.5) { "FIRST" } else { "LAST" });
        }
        key
    };
    keys[..count].iter().map(key).collect()
}

/// All tasks, in pages of five from one end.
async fn paged(app: &App, ann: &Person, order: &[Value], from_end: bool) -> Vec<Value> {
    let (mut seen, mut cursor) = (Vec::new(), Value::Null);
    let (size, behind, edge, more) = if from_end {
        ("last", "before", "startCursor", "hasPreviousPage")
    } else {
        ("first", "after", "endCursor", "hasNextPage")
    };
    loop {
        let variables = json!({ "order": order, size: 5, behind: cursor });
        let tasks = app.graphql(ann, QUERY, variables).await.data()["tasks"].clone();
        let mut nodes = tasks["nodes"].as_array().unwrap().clone();
        if from_end {
            nodes.extend(seen);
            seen = nodes;
        } else {
            seen.append(&mut nodes);
        }
        cursor = tasks["pageInfo"][edge].clone();
        if tasks["pageInfo"][more] == false {
            return seen;
        }
    }
}

#[tokio::test]
async fn made_up_orders_give_what_the_model_gives() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    fill(&app, &ann).await;
    let all = app.graphql(&ann, QUERY, json!({ "first": 100 })).await.data()["tasks"]["nodes"].clone();
    let mut random = SmallRng::seed_from_u64(24);
    let each = KEYS.map(|by| vec![json!({ "by": by })]);
    for order in each.into_iter().chain((0..ORDERS).map(|_| made_up(&mut random))) {
        let mut expected = all.as_array().unwrap().clone();
        expected.sort_by(|one, other| compare(one, other, &order));
        for from_end in [false, true] {
            let numbers = |tasks: &[Value]| tasks.iter().map(|it| it["number"].as_i64().unwrap()).collect::<Vec<_>>();
            let given = paged(&app, &ann, &order, from_end).await;
            assert_eq!(numbers(&given), numbers(&expected), "{order:?} from_end: {from_end}");
        }
    }
}

#[tokio::test]
async fn one_key_needs_no_list_and_no_keys_are_newest_first() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    for title in ["b", "a"] {
        app.task(&ann, title).await;
    }
    for (order, expected) in [("{ by: TITLE }", ["a", "b"]), ("[]", ["a", "b"]), ("[{ by: POSITION }]", ["b", "a"])] {
        let query = format!("{{ tasks(order: {order}) {{ nodes {{ title }} }} }}");
        let titles = app.graphql(&ann, &query, json!({})).await.data()["tasks"]["nodes"].clone();
        assert_eq!(titles, json!(expected.map(|title| json!({ "title": title }))), "{order}");
    }
}

#[tokio::test]
async fn a_window_of_tasks_by_due_date_begins_and_ends_where_it_should() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    fill(&app, &ann).await;
    for order in ["asc", "desc"] {
        let sorted = format!("?sort=due_date&order={order}");
        let all = app.rest(&ann, "GET", &sorted, None).await.expect(200);
        let all = all.as_array().unwrap();
        assert_eq!(all.iter().filter(|it| it["due_date"].is_null()).count(), 5);
        assert!(all[..18].iter().all(|it| !it["due_date"].is_null()), "those without come last: {all:?}");
        for offset in 0..25 {
            let page = app.rest(&ann, "GET", &format!("{sorted}&limit=4&offset={offset}"), None).await.expect(200);
            let expected: Vec<_> = all.iter().skip(offset).take(4).cloned().collect();
            assert_eq!(page, json!(expected), "{order} from {offset}");
        }
    }
}

/// The parts of such an order are both on the other side of one of the cursors.
#[tokio::test]
async fn nothing_is_between_cursors_in_the_wrong_order() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    fill(&app, &ann).await;
    for by in ["DUE", "COMPLETED_AT"] {
        let order = json!([{ "by": by }]);
        let ends = app.graphql(&ann, QUERY, json!({ "order": order, "first": 100 })).await.data();
        let ends = &ends["tasks"]["pageInfo"];
        let between = json!({ "order": order, "first": 5, "after": ends["endCursor"], "before": ends["startCursor"] });
        let page = app.graphql(&ann, QUERY, between).await.data();
        assert_eq!(page["tasks"]["nodes"], json!([]), "{by}");
    }
}

/// Such an order has two parts, and a task goes from one to the other while they are read.
#[tokio::test]
async fn a_task_whose_due_date_comes_and_goes_is_in_every_list_once() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let mut ids = Vec::new();
    for number in 0..12 {
        ids.push(app.task(&ann, &format!("task {number}")).await);
    }
    let is_over = AtomicBool::new(false);
    let write = async {
        for round in 0..150 {
            let due = if round / ids.len() % 2 == 0 { json!({ "date": "2030-01-02" }) } else { Value::Null };
            let input = json!({ "id": ids[round % ids.len()], "due": due });
            let update = "mutation($input: UpdateTaskInput!) { updateTask(input: $input) { task { id } } }";
            app.graphql(&ann, update, json!({ "input": input })).await.data();
        }
        is_over.store(true, Relaxed);
    };
    let read = async {
        while !is_over.load(Relaxed) {
            let order = json!({ "order": [{ "by": "DUE" }], "first": 100 });
            let nodes = app.graphql(&ann, QUERY, order).await.data()["tasks"]["nodes"].clone();
            let rows = app.rest(&ann, "GET", "?sort=due_date", None).await.expect(200);
            for (tasks, name) in [(&nodes, "number"), (&rows, "id")] {
                let mut numbers: Vec<_> = tasks.as_array().unwrap().iter().map(|it| it[name].as_i64()).collect();
                numbers.sort_unstable();
                numbers.dedup();
                assert_eq!((numbers.len(), tasks.as_array().unwrap().len()), (12, 12), "{tasks}");
            }
        }
    };
    tokio::join!(write, read, read_again(&app, &ann, &is_over));
}

/// Windows in the middle of the list have as many tasks as they should.
async fn read_again(app: &App, ann: &Person, is_over: &AtomicBool) {
    while !is_over.load(Relaxed) {
        for (offset, expected) in [(0, 12), (2, 10), (5, 4)] {
            let limit = if offset == 5 { 4 } else { 50 };
            let page = format!("?sort=due_date&limit={limit}&offset={offset}");
            assert_eq!(app.rest(ann, "GET", &page, None).await.expect(200).as_array().unwrap().len(), expected);
        }
    }
}
