//! Filters against a model in memory: trees of conditions that are made up give the tasks that the model gives, in the
//! same order.

use proptest::{
    prelude::*,
    strategy::ValueTree,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use serde_json::{Map, Value, json};

use crate::support::{App, Person, text};

/// How many filters are made up.
const FILTERS: usize = 400;
/// How many conditions a filter of the API has at most.
const MAX_CONDITIONS: usize = 30;
const PRIORITIES: [&str; 4] = ["LOW", "MEDIUM", "HIGH", "URGENT"];
const TITLES: [&str; 4] = ["milk", "Milk and bread", "bread", "ÉCLAIR"];
const FIELDS: &str = "id title description completed priority dueDate dueAt createdAt updatedAt completedAt listId parentId labelIds number";

/// What filters can name.
struct World {
    tasks: Vec<Value>,
    lists: Vec<Value>,
    labels: Vec<Value>,
}

fn made(answer: &Value) -> Value {
    answer.as_object().unwrap().values().next().unwrap().as_object().unwrap().values().next().unwrap()["id"].clone()
}

/// Tasks with and without everything that a task may have.
async fn fill(app: &App, ann: &Person) -> World {
    let create = async |kind: &str, name: &str, input: Value| {
        let query = format!("mutation($i: Create{kind}Input!) {{ create{kind}(input: $i) {{ {name} {{ id }} }} }}");
        made(&app.graphql(ann, &query, json!({ "i": input })).await.data())
    };
    let (mut lists, mut labels) = (Vec::new(), Vec::new());
    for name in ["a", "b"] {
        lists.push(create("TaskList", "taskList", json!({ "name": name })).await);
        labels.push(create("Label", "label", json!({ "name": name })).await);
    }
    let mut parent = Value::Null;
    for number in 0..24 {
        let due = match number % 4 {
            0 => json!({ "date": format!("2030-01-0{}", 1 + number % 3) }),
            1 => json!({ "at": { "instant": format!("2030-01-0{}T12:00:00Z", 1 + number % 3) } }),
            _ => Value::Null,
        };
        let is_subtask = number % 7 == 6;
        let list = if number % 3 == 0 || is_subtask { Value::Null } else { lists[number % 2].clone() };
        let its: Vec<&Value> =
            labels.iter().enumerate().filter(|(at, _)| number >> at & 1 == 1).map(|it| it.1).collect();
        let input = json!({
            "title": TITLES[number % 4], "description": (number % 5 == 0).then_some("of milk"), "due": due,
            "completed": number % 3 == 1, "priority": PRIORITIES[number / 2 % 4], "listId": list, "labelIds": its,
            "parentId": if is_subtask { parent.clone() } else { Value::Null },
        });
        let id = create("Task", "task", input).await;
        parent = if is_subtask { parent } else { id };
    }
    let all = format!("{{ tasks(first: 100) {{ nodes {{ {FIELDS} }} }} }}");
    let tasks = app.graphql(ann, &all, json!({})).await.data()["tasks"]["nodes"].as_array().unwrap().clone();
    assert_eq!(tasks.len(), 24);
    World { tasks, lists, labels }
}

fn one(name: &'static str, value: impl Strategy<Value = Value> + 'static) -> BoxedStrategy<(String, Value)> {
    value.prop_map(move |value| (name.to_owned(), value)).boxed()
}

/// One of the values.
fn of(values: Vec<Value>) -> BoxedStrategy<Value> {
    prop::sample::select(values).boxed()
}

fn some(values: Vec<Value>) -> BoxedStrategy<Value> {
    prop::collection::vec(of(values), 0..3).prop_map(Value::Array).boxed()
}

fn is_null() -> BoxedStrategy<(String, Value)> {
    one("isNull", any::<bool>().prop_map(Value::from))
}

/// A comparison of one or two of these.
fn compared(ways: Vec<BoxedStrategy<(String, Value)>>) -> BoxedStrategy<Value> {
    prop::collection::vec(prop::strategy::Union::new(ways), 1..3)
        .prop_map(|them| Value::Object(them.into_iter().collect::<Map<_, _>>()))
        .boxed()
}

fn ranges(values: &[Value]) -> Vec<BoxedStrategy<(String, Value)>> {
    ["gt", "gte", "lt", "lte"].map(|name| one(name, of(values.to_vec()))).into()
}

fn with(
    mut ways: Vec<BoxedStrategy<(String, Value)>>,
    more: Vec<BoxedStrategy<(String, Value)>>,
) -> BoxedStrategy<Value> {
    ways.extend(more);
    compared(ways)
}

fn times_of(world: &World, field: &str) -> Vec<Value> {
    world.tasks.iter().map(|it| it[field].clone()).filter(|it| !it.is_null()).collect()
}

/// One condition.
fn condition(world: &World) -> BoxedStrategy<(String, Value)> {
    let texts: Vec<Value> = ["milk", "MILK", "bread", "éclair", "none"].map(Value::from).into();
    let priorities: Vec<Value> = PRIORITIES.map(Value::from).into();
    let dates: Vec<Value> = ["2029-12-31", "2030-01-01", "2030-01-02", "2030-01-03"].map(Value::from).into();
    let instants: Vec<Value> =
        ["0001-01-01T00:00:00Z", "2030-01-02T00:00:00Z", "2030-01-02T12:00:00Z", "9999-12-31T23:59:59.999999Z"]
            .map(Value::from)
            .into();
    let ids: Vec<Value> = world.tasks.iter().map(|it| it["id"].clone()).collect();
    let id = |ids: &[Value]| compared(vec![one("eq", of(ids.to_vec())), one("in", some(ids.to_vec())), is_null()]);
    let labels = ["any", "all", "none"].map(|name| one(name, some(world.labels.clone())));
    let empty = one("isEmpty", any::<bool>().prop_map(Value::from));
    prop::strategy::Union::new([
        one("ids", some(ids.clone())),
        one(
            "title",
            compared(vec![
                one("eq", of(texts.clone())),
                one("in", some(texts.clone())),
                one("contains", of(texts.clone())),
            ]),
        ),
        one("completed", any::<bool>().prop_map(Value::from)),
        one(
            "priority",
            with(ranges(&priorities), vec![one("eq", of(priorities.clone())), one("in", some(priorities))]),
        ),
        one("due", with(ranges(&instants), vec![is_null()])),
        one("dueDate", with(ranges(&dates), vec![one("eq", of(dates.clone())), is_null()])),
        one("dueAt", with(ranges(&instants), vec![is_null()])),
        one("createdAt", compared(ranges(&times_of(world, "createdAt")))),
        one("updatedAt", compared(ranges(&times_of(world, "updatedAt")))),
        one("completedAt", with(ranges(&times_of(world, "completedAt")), vec![is_null()])),
        one("overdue", Just(json!({ "timeZone": "UTC" }))),
        one("listId", id(&world.lists)),
        one("parentId", id(&ids)),
        one("labels", with(labels.into(), vec![empty])),
        one("search", of(["mil", "bread", "milk bread", "…"].map(Value::from).into())),
        one("contains", of(texts)),
    ])
    .boxed()
}

/// A tree of filters.
fn filter(world: &World) -> BoxedStrategy<Value> {
    let leaf = prop::collection::vec(condition(world), 1..3).prop_map(|them| Value::Object(them.into_iter().collect()));
    leaf.prop_recursive(4, 12, 3, |inner| {
        let many = prop::collection::vec(inner.clone(), 0..3).prop_map(Value::Array);
        compared(vec![one("and", many.clone()), one("or", many), one("not", inner)])
    })
    .prop_filter("the API takes no more", |it| conditions(it) <= MAX_CONDITIONS)
    .boxed()
}

/// How many conditions a filter has, at least as many as the API counts.
fn conditions(filter: &Value) -> usize {
    let of_one = |(name, value): (&String, &Value)| match (name.as_str(), value) {
        ("and" | "or", Value::Array(them)) => 1 + them.iter().map(conditions).sum::<usize>(),
        ("not", it) => 1 + conditions(it),
        (_, Value::Object(comparisons)) => comparisons.len(),
        _ => 1,
    };
    filter.as_object().unwrap().iter().map(of_one).sum()
}

/// Whether the task meets the filter.
fn meets(task: &Value, filter: &Value) -> bool {
    filter.as_object().unwrap().iter().all(|(name, value)| {
        let them = || value.as_array().unwrap();
        match name.as_str() {
            "and" => !them().is_empty() && them().iter().all(|it| meets(task, it)),
            "or" => them().iter().any(|it| meets(task, it)),
            "not" => !meets(task, value),
            "ids" => them().contains(&task["id"]),
            "completed" => task["completed"] == *value,
            "overdue" => false,
            "labels" => has_labels(&task["labelIds"], value),
            "contains" => has_text(&task["title"], value) || has_text(&task["description"], value),
            "search" => is_found(task, value.as_str().unwrap()),
            "priority" => value.as_object().unwrap().iter().all(|(how, bound)| {
                let rank = |it: &Value| json!(PRIORITIES.iter().position(|name| it == name));
                let bound =
                    if how == "in" { bound.as_array().unwrap().iter().map(rank).collect() } else { rank(bound) };
                compares(&rank(&task["priority"]), how, &bound)
            }),
            "due" => {
                let midnight = task["dueDate"].as_str().map(|it| json!(format!("{it}T00:00:00Z")));
                holds(&midnight.unwrap_or_else(|| task["dueAt"].clone()), value)
            }
            field => holds(&task[field], value),
        }
    })
}

fn holds(value: &Value, comparison: &Value) -> bool {
    comparison.as_object().unwrap().iter().all(|(how, bound)| compares(value, how, bound))
}

/// Values of one kind, none of which holds a comparison that it is absent from.
fn compares(value: &Value, how: &str, bound: &Value) -> bool {
    if how == "isNull" {
        return value.is_null() == (*bound == true);
    }
    if value.is_null() {
        return false;
    }
    let (here, there) = (key(value), key(bound));
    match how {
        "eq" => here == there,
        "in" => bound.as_array().unwrap().iter().any(|it| key(it) == here),
        "contains" => has_text(value, bound),
        "gt" => here > there,
        "gte" => here >= there,
        "lt" => here < there,
        "lte" => here <= there,
        how => panic!("{how}"),
    }
}

/// Instants are compared as instants, other texts whatever their case.
fn key(value: &Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_lowercase);
    match chrono::DateTime::parse_from_rfc3339(&text) {
        Ok(instant) => format!("{:020}", instant.timestamp_micros() + (1 << 60)),
        Err(_) => text,
    }
}

fn has_text(text: &Value, part: &Value) -> bool {
    text.as_str().is_some_and(|it| it.to_lowercase().contains(&key(part)))
}

fn is_found(task: &Value, search: &str) -> bool {
    let text = format!("{} {}", text(&task["title"]), task["description"].as_str().unwrap_or_default()).to_lowercase();
    let wanted: Vec<&str> = search.split_whitespace().filter(|it| it.chars().any(char::is_alphanumeric)).collect();
    !wanted.is_empty() && wanted.iter().all(|word| text.split_whitespace().any(|it| it.starts_with(word)))
}

fn has_labels(its: &Value, filter: &Value) -> bool {
    let its = its.as_array().unwrap();
    filter.as_object().unwrap().iter().all(|(how, value)| {
        let them = || value.as_array().unwrap();
        match how.as_str() {
            "any" => them().iter().any(|it| its.contains(it)),
            "all" => !them().is_empty() && them().iter().all(|it| its.contains(it)),
            "none" => !them().is_empty() && !them().iter().any(|it| its.contains(it)),
            _ => its.is_empty() == (*value == true),
        }
    })
}

#[tokio::test]
async fn a_filter_gives_the_tasks_that_a_model_gives_in_the_same_order() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let world = fill(&app, &ann).await;
    let seed = rand::random::<[u8; 32]>();
    let mut runner = TestRunner::new_with_rng(Config::default(), TestRng::from_seed(RngAlgorithm::ChaCha, &seed));
    let (made_up, mut kinds) = (filter(&world), [0, 0, 0]);
    for _ in 0..FILTERS {
        let filter = made_up.new_tree(&mut runner).unwrap().current();
        let query = "query($filter: TaskFilter) { tasks(first: 100, filter: $filter) { totalCount nodes { id } } }";
        let found = app.graphql(&ann, query, json!({ "filter": filter })).await.data()["tasks"].clone();
        let found: Vec<&Value> = found["nodes"].as_array().unwrap().iter().map(|it| &it["id"]).collect();
        let expected: Vec<&Value> =
            world.tasks.iter().filter(|task| meets(task, &filter)).map(|task| &task["id"]).collect();
        assert_eq!(found, expected, "{filter} with the seed {seed:?}");
        kinds[usize::from(!expected.is_empty()) + usize::from(expected.len() == world.tasks.len())] += 1;
    }
    assert!(kinds[1] > FILTERS / 10, "few filters are met by some: {kinds:?}");
}
