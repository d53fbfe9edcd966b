//! Pushing what offline clients have changed: conflicts as data, repeated calls, and clients that converge.

use std::collections::BTreeMap;

use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{Answer, App, Person, at_once, text};

const PUSH: &str = "mutation($changes: [PushedChange!]!) { pushChanges(input: { changes: $changes }) {
    results { id status revision deleted code nameTakenBy problems { field message } current { ...T ...L ...N } } } }
    fragment T on Task { revision title description completed priority dueDate listId parentId labelIds }
    fragment L on TaskList { revision name color archived }
    fragment N on Label { revision name color }";
const PULL: &str = "query($after: String) { changes(after: $after, first: 5) { syncToken hasMore changes {
    id: nodeId kind revision deleted node { ...T ...L ...N } } } }
    fragment T on Task { revision title description completed priority dueDate listId parentId labelIds }
    fragment L on TaskList { revision name color archived }
    fragment N on Label { revision name color }";
/// Number of made-up histories of two clients, at a time and in all, and of what each client does in one.
const HISTORIES: usize = 50;
const AT_ONCE: usize = 4;
const ROUNDS: usize = 6;
const EDITS: usize = 5;
/// How often a client pushes until nothing is in conflict.
const MAX_PUSHES: usize = 20;

fn id(number: u128) -> Value {
    json!(Uuid::from_u128(number).to_string())
}

/// The state of a task with that title, and nothing else.
fn task(title: &str) -> Value {
    json!({ "title": title, "completed": false, "priority": "MEDIUM", "labelIds": [] })
}

async fn send(app: &App, person: &Person, changes: &[Value]) -> Answer {
    app.graphql(person, PUSH, json!({ "changes": changes })).await
}

/// What became of each row.
async fn push(app: &App, person: &Person, changes: &[Value]) -> Vec<Value> {
    send(app, person, changes).await.data()["pushChanges"]["results"].as_array().unwrap().clone()
}

fn statuses(results: &[Value]) -> Vec<&str> {
    results.iter().map(|it| it["status"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn rows_of_all_kinds_are_applied_in_one_call_and_repeating_it_changes_nothing() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let mut subtask = task("subtask");
    subtask["parentId"] = id(1);
    subtask["listId"] = id(9);
    let mut parent = task("parent");
    parent["listId"] = id(3);
    parent["labelIds"] = json!([id(4)]);
    parent["due"] = json!({ "date": "2030-01-31" });
    let changes = [
        json!({ "task": { "id": id(2), "state": subtask } }),
        json!({ "task": { "id": id(1), "state": parent } }),
        json!({ "label": { "id": id(4), "state": { "name": "m" } } }),
        json!({ "taskList": { "id": id(3), "state": { "name": "l", "archived": true } } }),
        json!({ "task": { "id": id(5), "deleted": true } }),
    ];
    let first = push(&app, &ann, &changes).await;
    assert_eq!(statuses(&first), ["APPLIED"; 5], "{first:?}");
    let ids: Vec<_> = first.iter().map(|it| it["id"].clone()).collect();
    assert_eq!(ids, [id(2), id(1), id(4), id(3), id(5)]);
    let shown = &first[1]["current"];
    assert_eq!(
        (&shown["listId"], &shown["labelIds"], &shown["dueDate"]),
        (&id(3), &json!([id(4)]), &json!("2030-01-31"))
    );
    assert_eq!((&first[0]["current"]["parentId"], &first[0]["current"]["listId"]), (&id(1), &id(3)));
    assert_eq!((&first[3]["current"]["archived"], &first[4]["deleted"]), (&json!(true), &json!(true)));
    assert_eq!(push(&app, &ann, &changes).await, first);
    let feed = app.graphql(&ann, PULL, json!({})).await.data();
    assert_eq!(feed["changes"]["changes"].as_array().unwrap().len(), 4);
}

#[tokio::test]
async fn conflicts_are_data_with_the_current_state_and_a_deleted_row_can_be_brought_back() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    for (kind, one, other) in [
        ("task", task("one"), task("other")),
        ("taskList", json!({ "name": "one", "archived": false }), json!({ "name": "other", "archived": true })),
        ("label", json!({ "name": "one" }), json!({ "name": "other", "color": "#a0b1c2" })),
    ] {
        let row = |expected: Value, state: &Value| json!({ kind: { "id": id(1), "expectedRevision": expected, "state": state } });
        let gone = |expected: Value| json!({ kind: { "id": id(1), "expectedRevision": expected, "deleted": true } });
        let one_result = async |change: Value| push(&app, &ann, &[change]).await.remove(0);
        let shown = |result: &Value| {
            (text(&result["status"]), result["deleted"] == true, result["current"]["revision"].clone())
        };
        // Nobody knows the revision of what is not there.
        let absent = one_result(row(json!(5), &one)).await;
        assert_eq!(shown(&absent), ("CONFLICT".into(), true, Value::Null));
        let made = one_result(row(Value::Null, &one)).await["revision"].clone();
        for stale in [row(Value::Null, &other), row(json!(1000), &other), gone(Value::Null), gone(json!(1000))] {
            assert_eq!(shown(&one_result(stale).await), ("CONFLICT".into(), false, made.clone()));
        }
        let changed = one_result(row(made.clone(), &other)).await;
        assert_eq!(changed["status"], "APPLIED", "{changed}");
        let deleted = one_result(gone(changed["revision"].clone())).await;
        assert_eq!(shown(&deleted), ("APPLIED".into(), true, Value::Null));
        assert_eq!(one_result(gone(made.clone())).await, deleted, "it is deleted already");
        let refused = one_result(row(made, &one)).await;
        assert_eq!(
            (shown(&refused), &refused["revision"]),
            (("CONFLICT".into(), true, Value::Null), &deleted["revision"])
        );
        let back = one_result(row(deleted["revision"].clone(), &one)).await;
        assert_eq!((&back["status"], &back["deleted"]), (&json!("APPLIED"), &json!(false)), "{back}");
    }
}

#[tokio::test]
async fn a_row_that_breaks_a_rule_is_invalid_and_the_others_are_applied() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let with = |name: &str, value: Value| {
        let mut state = task("x");
        state[name] = value;
        state
    };
    let row = |number: u128, state: Value| json!({ "task": { "id": id(number), "state": state } });
    let label = |number: u128| json!({ "label": { "id": id(number), "state": { "name": "same" } } });
    let results = push(
        &app,
        &ann,
        &[
            row(1, task(&"x".repeat(201))),
            row(2, with("listId", id(99))),
            row(3, with("parentId", id(99))),
            row(4, with("labelIds", json!([id(99)]))),
            row(5, with("listId", json!("nonsense"))),
            json!({ "task": { "id": id(6) } }),
            json!({ "task": { "id": id(7), "state": task("x"), "deleted": true } }),
            label(8),
            label(9),
            row(10, task("good")),
        ],
    )
    .await;
    let fields: Vec<_> = results.iter().map(|it| it["problems"][0]["field"].as_str().unwrap_or_default()).collect();
    assert_eq!(fields, ["title", "listId", "parentId", "labelIds", "listId", "state", "state", "", "name", ""]);
    assert_eq!(statuses(&results)[7..], ["APPLIED", "INVALID", "APPLIED"], "{results:?}");
    let left = app.graphql(&ann, "{ tasks { nodes { title } } labels { name } }", json!({})).await.data();
    assert_eq!(left, json!({ "tasks": { "nodes": [{ "title": "good" }] }, "labels": [{ "name": "same" }] }));
    // What stays of the row is shown, so that the client can go back to it.
    let broken = json!({ "task": { "id": id(10), "expectedRevision": results[9]["revision"], "state": task(" ") } });
    let broken = push(&app, &ann, &[broken]).await.remove(0);
    assert_eq!((&broken["status"], &broken["current"]["title"]), (&json!("INVALID"), &json!("good")));
}

#[tokio::test]
async fn a_row_without_an_id_of_its_own_is_invalid_and_the_others_are_applied() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let row = |id: Value, title: &str| json!({ "task": { "id": id, "state": task(title) } });
    let there = push(&app, &ann, &[row(id(3), "there")]).await.remove(0);
    let results = push(
        &app,
        &ann,
        &[
            row(json!("nonsense"), "a"),
            row(id(1), "b"),
            row(id(2), "c"),
            row(json!(Uuid::from_u128(0xABC).to_string().to_uppercase()), "d"),
            row(id(1), "e"),
            row(id(0xABC), "f"),
            json!({ "task": { "id": id(3), "expectedRevision": there["revision"], "deleted": true } }),
            json!({ "task": { "id": id(3), "expectedRevision": there["revision"], "state": task("g") } }),
            json!({ "label": { "id": "", "state": { "name": "h" } } }),
            json!({ "label": { "id": id(1), "state": { "name": "i" } } }),
        ],
    )
    .await;
    let shown = |it: &Value| text(&it["status"])[..1].to_owned() + it["problems"][0]["field"].as_str().unwrap_or("");
    let shown: Vec<String> = results.iter().map(shown).collect();
    assert_eq!(shown, ["Iid", "Iid", "A", "Iid", "Iid", "Iid", "Iid", "Iid", "Iid", "A"], "{results:?}");
    assert_eq!((&results[0]["id"], &results[0]["current"]), (&json!("nonsense"), &Value::Null));
    assert_eq!(results[6]["current"]["title"], "there");
    let left = app.graphql(&ann, "{ tasks { nodes { title } } labels { name } }", json!({})).await.data();
    let titles = json!([{ "title": "c" }, { "title": "there" }]);
    assert_eq!(left, json!({ "tasks": { "nodes": titles }, "labels": [{ "name": "i" }] }));
}

/// What each label is called, by its number.
async fn label_names(app: &App, person: &Person) -> BTreeMap<String, String> {
    let labels = app.graphql(person, "{ labels { id name } }", json!({})).await.data()["labels"].clone();
    labels.as_array().unwrap().iter().map(|it| (text(&it["id"]), text(&it["name"]))).collect()
}

#[tokio::test]
async fn labels_take_the_names_of_each_other_in_one_call() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let label = |number: u128, name: &str, revision: &Value| json!({ "label": { "id": id(number), "expectedRevision": revision, "state": { "name": name } } });
    let made: Vec<Value> =
        ["a", "b", "c", "d", "e"].iter().zip(1..).map(|(name, number)| label(number, name, &Value::Null)).collect();
    let made = push(&app, &ann, &made).await;
    let revision = |number: usize| &made[number - 1]["revision"];
    // Two exchange their names; the others pass them on, the last of them a new one.
    let changes = [
        label(1, "b", revision(1)),
        label(2, "A", revision(2)),
        label(3, "d", revision(3)),
        label(4, "e", revision(4)),
        label(5, "new", revision(5)),
    ];
    let results = push(&app, &ann, &changes).await;
    assert_eq!(statuses(&results), ["APPLIED"; 5], "{results:?}");
    let names: Vec<String> = label_names(&app, &ann).await.into_values().collect();
    assert_eq!(names, ["b", "A", "d", "e", "new"]);
    assert_eq!(push(&app, &ann, &changes).await, results, "it can be repeated");
    // Three in a round, of which one was changed meanwhile: none of its neighbours gets a name that is taken.
    let revision = |number: usize| &results[number - 1]["revision"];
    let round = [label(3, "e", revision(3)), label(4, "new", revision(4)), label(5, "d", &json!(0))];
    let results = push(&app, &ann, &round).await;
    assert_eq!(statuses(&results), ["INVALID", "INVALID", "CONFLICT"], "{results:?}");
    assert_eq!((&results[0]["code"], &results[0]["nameTakenBy"]), (&json!("NAME_TAKEN"), &id(4)));
    assert_eq!((&results[1]["code"], &results[1]["nameTakenBy"]), (&json!("NAME_TAKEN"), &id(5)));
    assert_eq!((&results[2]["code"], &results[2]["nameTakenBy"]), (&Value::Null, &Value::Null));
    let now: Vec<String> = label_names(&app, &ann).await.into_values().collect();
    assert_eq!(now, names);
    let round = [label(3, "e", revision(3)), label(4, "new", revision(4)), label(5, "d", revision(5))];
    assert_eq!(statuses(&push(&app, &ann, &round).await), ["APPLIED"; 3]);
    let now: Vec<String> = label_names(&app, &ann).await.into_values().collect();
    assert_eq!(now, ["b", "A", "e", "new", "d"]);
}

#[tokio::test]
async fn ids_are_shown_in_one_spelling() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let upper = "AB0E5D1C-3F0A-4A4E-9A53-6F1F0E6F7D11";
    let results = push(&app, &ann, &[json!({ "task": { "id": upper, "state": task("x") } })]).await;
    assert_eq!((&results[0]["status"], &results[0]["id"]), (&json!("APPLIED"), &json!(upper.to_lowercase())));
}

#[tokio::test]
async fn a_call_with_too_many_rows_changes_nothing() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let many: Vec<Value> = (0..501).map(|number| json!({ "task": { "id": id(number), "state": task("x") } })).collect();
    assert_eq!(send(&app, &ann, &many).await.code(), "BAD_USER_INPUT");
    assert_eq!(app.rest(&ann, "GET", "", None).await.expect(200), json!([]));
}

#[tokio::test]
async fn what_one_row_does_to_another_of_the_same_call_is_no_conflict() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let state = |title: &str, parent: Option<u128>, completed: bool| json!({ "title": title, "completed": completed, "priority": "LOW", "parentId": parent.map(id), "labelIds": [id(4)] });
    let row = |number: u128, expected: &Value, state: Value| json!({ "task": { "id": id(number), "expectedRevision": expected, "state": state } });
    let label = |expected: &Value, name: &str| json!({ "label": { "id": id(4), "expectedRevision": expected, "state": { "name": name } } });
    let none = Value::Null;
    let made = push(
        &app,
        &ann,
        &[
            label(&none, "m"),
            row(1, &none, state("parent", None, false)),
            row(2, &none, state("subtask", Some(1), false)),
        ],
    )
    .await;
    let [label_was, parent, subtask] = [0, 1, 2].map(|at: usize| made[at]["revision"].clone());
    let edit = [
        row(2, &subtask, state("renamed", Some(1), false)),
        row(1, &parent, state("parent", None, true)),
        label(&label_was, "n"),
    ];
    let edited = push(&app, &ann, &edit).await;
    assert_eq!(statuses(&edited), ["APPLIED"; 3], "{edited:?}");
    assert_eq!(
        (&edited[0]["current"]["title"], &edited[0]["current"]["completed"]),
        (&json!("renamed"), &json!(false))
    );
    assert_eq!(push(&app, &ann, &edit).await, edited);
    // A subtask that is taken out of a parent that is deleted stays.
    let out = [
        json!({ "task": { "id": id(1), "expectedRevision": edited[1]["revision"], "deleted": true } }),
        row(2, &edited[0]["revision"], state("saved", None, false)),
    ];
    let saved = push(&app, &ann, &out).await;
    assert_eq!(statuses(&saved), ["APPLIED"; 2], "{saved:?}");
    assert_eq!((&saved[1]["current"]["title"], &saved[1]["current"]["parentId"]), (&json!("saved"), &none));
    assert_eq!(push(&app, &ann, &out).await, saved);
}

#[tokio::test]
async fn five_hundred_rows_go_in_one_call_and_count_in_the_quota() {
    let app = App::spawn_with(&[("RATE_LIMIT", "on"), ("DOCKET_REQUEST_LIMITS", "user=90")]).await;
    let (ann, bob) = (app.person("ann").await, app.person("bob").await);
    let rows = |title: &str| -> Vec<Value> {
        (0..500).map(|number| json!({ "task": { "id": id(number), "state": task(title) } })).collect()
    };
    let results = push(&app, &ann, &rows("x")).await;
    assert!(results.len() == 500 && statuses(&results).iter().all(|it| *it == "APPLIED"));
    assert_eq!(send(&app, &ann, &rows("y")).await.code(), "RATE_LIMITED");
    // The ids of one user are nothing to another.
    let bobs = push(&app, &bob, &rows("bob's")[..1]).await;
    assert_eq!((&bobs[0]["status"], &bobs[0]["current"]["title"]), (&json!("APPLIED"), &json!("bob's")));
}

/// What a client knows, and what it has changed since it pushed last.
struct Client {
    dice: StdRng,
    after: Option<String>,
    /// Kind, revision, and state unless it is deleted.
    known: BTreeMap<String, (String, Value, Option<Value>)>,
    /// Kind, revision on which the change is based, and state unless it is deleted.
    changed: BTreeMap<String, (String, Value, Option<Value>)>,
}

impl Client {
    fn new(seed: u64) -> Self {
        let dice = StdRng::seed_from_u64(seed);
        Self { dice, after: None, known: BTreeMap::new(), changed: BTreeMap::new() }
    }

    /// Reads the feed to its end.
    async fn pull(&mut self, app: &App, person: &Person) {
        loop {
            let feed = app.graphql(person, PULL, json!({ "after": self.after })).await.data()["changes"].clone();
            for change in feed["changes"].as_array().unwrap() {
                let node = Some(change["node"].clone()).filter(|_| change["deleted"] == false);
                self.known.insert(text(&change["id"]), (text(&change["kind"]), change["revision"].clone(), node));
            }
            self.after = Some(text(&feed["syncToken"]));
            if feed["hasMore"] == false {
                return;
            }
        }
    }

    /// The ids of a kind that this client takes to be there, or deleted.
    fn ids(&self, kind: &str, is_deleted: bool) -> Vec<String> {
        let rows = self.known.iter().chain(&self.changed).collect::<BTreeMap<_, _>>();
        let is_it = |row: &&(String, Value, Option<Value>)| row.0 == kind && row.2.is_none() == is_deleted;
        rows.into_iter().filter(|(_, row)| is_it(row)).map(|(id, _)| id.clone()).collect()
    }

    fn one_of(&mut self, kind: &str, is_deleted: bool) -> Option<String> {
        let ids = self.ids(kind, is_deleted);
        (!ids.is_empty()).then(|| ids[self.dice.random_range(0..ids.len())].clone())
    }

    fn state(&mut self, kind: &str) -> Value {
        let number = self.dice.random_range(0..20);
        let color = [json!(null), json!("#a0b1c2")][self.dice.random_range(0..2)].clone();
        match kind {
            "TASK_LIST" => json!({ "name": format!("list {number}"), "color": color, "archived": number % 2 == 0 }),
            "LABEL" => json!({ "name": format!("label {number}"), "color": color }),
            _ => {
                let (list, parent) = (self.one_of("TASK_LIST", false), self.one_of("TASK", false));
                let parent = parent.filter(|_| number % 3 == 0);
                let labels: Vec<_> = self.one_of("LABEL", false).into_iter().collect();
                let due = [json!(null), json!({ "date": "2030-01-31" })][usize::from(number % 2 == 0)].clone();
                json!({ "title": format!("task {number}"), "description": null, "completed": number % 4 == 0, "due": due,
                    "priority": "HIGH", "listId": list, "parentId": parent, "labelIds": labels })
            }
        }
    }

    /// Makes, changes, deletes or brings back something without the server.
    fn edit(&mut self) {
        let kind = ["TASK", "TASK", "TASK", "TASK_LIST", "LABEL"][self.dice.random_range(0..5)];
        let action = self.dice.random_range(0..10);
        let id = match action {
            0..4 => None,
            4..9 => self.one_of(kind, false),
            _ => self.one_of(kind, true),
        };
        let id = id.unwrap_or_else(|| Uuid::from_u128(self.dice.random()).to_string());
        let state = if (7..9).contains(&action) { None } else { Some(self.state(kind)) };
        let base = self.known.get(&id).map(|row| row.1.clone()).unwrap_or_default();
        let base = self.changed.get(&id).map(|row| row.1.clone()).unwrap_or(base);
        self.changed.insert(id, (kind.to_owned(), base, state));
    }

    /// Pushes until nothing is left: of what is in conflict, the server's or the client's own state wins.
    async fn push(&mut self, app: &App, person: &Person) {
        for _ in 0..MAX_PUSHES {
            let row = |(id, (kind, base, state)): (&String, &(String, Value, Option<Value>))| {
                let kind = match kind.as_str() {
                    "TASK" => "task",
                    "TASK_LIST" => "taskList",
                    _ => "label",
                };
                json!({ kind: { "id": id, "expectedRevision": base, "state": state, "deleted": state.is_none() } })
            };
            let rows: Vec<Value> = self.changed.iter().map(row).collect();
            if rows.is_empty() {
                return;
            }
            for result in push(app, person, &rows).await {
                let id = text(&result["id"]);
                let (kind, _, state) = self.changed.remove(&id).unwrap();
                if result["status"] == "CONFLICT" && self.dice.random() {
                    self.changed.insert(id, (kind, result["revision"].clone(), state));
                }
            }
        }
        panic!("it is never done: {:#?}", self.changed);
    }
}

async fn history(app: &App, person: &Person, seed: u64) {
    let mut clients = [Client::new(seed), Client::new(!seed)];
    for _ in 0..ROUNDS {
        for client in &mut clients {
            for _ in 0..EDITS {
                client.edit();
            }
            match client.dice.random_range(0..3) {
                0 => client.pull(app, person).await,
                1 => client.push(app, person).await,
                _ => {}
            }
        }
    }
    for client in &mut clients {
        client.push(app, person).await;
    }
    let mut server = Client::new(seed);
    server.pull(app, person).await;
    assert!(server.known.len() > 3, "seed {seed}");
    for client in &mut clients {
        client.pull(app, person).await;
        assert_eq!(client.known, server.known, "seed {seed}");
    }
    let there = app.graphql(person, "{ tasks { totalCount } taskLists { id } labels { id } }", json!({})).await.data();
    let counts = ["TASK", "TASK_LIST", "LABEL"].map(|kind| server.ids(kind, false).len());
    let count = |name: &str| there[name].as_array().unwrap().len();
    let tasks = usize::try_from(there["tasks"]["totalCount"].as_u64().unwrap()).unwrap();
    assert_eq!(counts, [tasks, count("taskLists"), count("labels")], "seed {seed}");
}

#[tokio::test]
async fn two_clients_that_work_offline_converge_to_what_the_server_has() {
    let app = App::spawn().await;
    let mut people = Vec::new();
    for number in 0..HISTORIES {
        people.push(app.person(&format!("person{number}")).await);
    }
    let (app, people) = (&app, &people);
    at_once(AT_ONCE, |first| async move {
        for seed in (first..HISTORIES).step_by(AT_ONCE) {
            history(app, &people[seed], u64::try_from(seed).unwrap()).await;
        }
    })
    .await;
}
