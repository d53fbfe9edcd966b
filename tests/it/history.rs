//! Histories that are made up: whatever a user does, and in whatever order, their data keeps its rules, the feed of
//! changes leads to what is there, and nobody else's data changes.

use std::collections::{BTreeMap, VecDeque};

use rand::{Rng, RngExt, SeedableRng, rngs::StdRng};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{Answer, App, Person, text};

/// Number of mutations of a history.
const MUTATIONS: usize = 300;
/// Number of kinds of mutations; some count several times.
const KINDS: u32 = 26;
/// After how many it is looked at what came of them.
const LOOK: usize = 10;
/// What a client is shown of each kind of thing.
const SHOWN: &str = "
    fragment T on Task { id number title completed completedAt position revision updatedAt list { id } parent { id }
        labels { id } }
    fragment L on TaskList { id name archived revision }
    fragment N on Label { id name revision }";
/// What must be nowhere in the database, and what it would be.
const NOWHERE: [(&str, &str); 8] = [
    (
        "a part that is not where its parent is",
        "from tasks c left join tasks p on p.owner_id = c.owner_id and p.id = c.parent_id
         where c.deleted_at is null and c.parent_id is not null and (p.id is null or p.deleted_at is not null
           or p.parent_id is not null or (p.list_id is null) <> (c.list_id is null) or p.list_id <> c.list_id)",
    ),
    (
        "a task in a list that is gone",
        "from tasks t left join lists l on l.owner_id = t.owner_id and l.id = t.list_id
         where t.list_id is not null and (l.id is null or l.deleted_at is not null)",
    ),
    (
        "a mark of a label that is gone",
        "from task_labels m join labels l on l.owner_id = m.owner_id and l.id = m.label_id where l.deleted_at is not null",
    ),
    ("a time of completion without completion", "from tasks where (completed_at is not null) <> completed"),
    (
        "a number beyond the counter",
        "from tasks t join user_revisions o on o.owner_id = t.owner_id where t.revision > o.revision",
    ),
    (
        "a number that was given twice",
        "from (select owner_id, revision from tasks union all select owner_id, revision from lists
               union all select owner_id, revision from labels) a group by owner_id, revision having count(*) > 1",
    ),
    ("a place that was given twice", "from tasks group by owner_id, position having count(*) > 1"),
    ("a task with more than ten labels", "from task_labels group by owner_id, task_id having count(*) > 10"),
];

/// Somebody who makes a history, with two clients that hear of it now and then.
struct Actor {
    person: Person,
    dice: StdRng,
    /// Which of the mutations are done in this history: not all in each, so that some come closer together.
    mutations: Vec<u32>,
    clients: [Client; 2],
    file: Value,
    /// The ids of tasks, lists and labels that are there.
    there: [Vec<Value>; 3],
    done: VecDeque<String>,
}

/// What a client knows.
#[derive(Default)]
struct Client {
    after: Option<String>,
    known: BTreeMap<String, Value>,
}

impl Actor {
    async fn new(app: &App, name: &str, seed: u64) -> Self {
        let person = app.person(name).await;
        let mut dice = StdRng::seed_from_u64(seed);
        let mutations = (0..KINDS).filter(|kind| *kind < 4 || dice.random_range(0..100) < 60).collect();
        Self {
            person,
            dice,
            mutations,
            clients: Default::default(),
            file: json!({}),
            there: Default::default(),
            done: VecDeque::new(),
        }
    }

    fn chance(&mut self, percent: u32) -> bool {
        self.dice.random_range(0..100) < percent
    }

    /// One of a few ids that both users' clients choose from, of tasks (0), lists (1) or labels (2).
    fn any(&mut self, kind: usize) -> Value {
        let number = self.dice.random_range(0..[8, 3, 5][kind]);
        json!(Uuid::from_u128((kind as u128) << 72 | number << 64 | 0x7000))
    }

    /// Mostly one that is there.
    fn id(&mut self, kind: usize) -> Value {
        match self.there[kind].len() {
            0 => self.any(kind),
            _ if self.chance(10) => self.any(kind),
            count => self.there[kind][self.dice.random_range(0..count)].clone(),
        }
    }

    /// Such an id or none.
    fn perhaps(&mut self, kind: usize) -> Value {
        if self.chance(60) { self.id(kind) } else { Value::Null }
    }

    /// Mostly one that is not there.
    fn lost(&mut self, kind: usize) -> Value {
        let ids = [self.any(kind), self.any(kind), self.any(kind)];
        ids.iter().find(|id| !self.there[kind].contains(id)).unwrap_or(&ids[0]).clone()
    }

    fn ids(&mut self, kind: usize) -> Vec<Value> {
        let most = if self.chance(50) { 1 } else { 4 };
        (0..self.dice.random_range(0..most)).map(|_| self.id(kind)).collect()
    }

    fn selection(&mut self) -> Value {
        match self.dice.random_range(0..4) {
            0 => match self.perhaps(1) {
                Value::Null => json!({ "filter": { "listId": { "isNull": true } } }),
                list => json!({ "filter": { "listId": { "eq": list } } }),
            },
            1 => json!({ "filter": { "labels": { "any": [self.id(2)] } } }),
            _ => json!({ "ids": [self.id(0)] }),
        }
    }

    fn draft(&mut self) -> Value {
        let place = if self.chance(60) { ("parentId", self.id(0)) } else { ("listId", self.perhaps(1)) };
        let title = format!("t{}", self.dice.random_range(0..1000));
        let mut draft =
            json!({ "id": self.lost(0), "title": title, "completed": self.chance(30), "labelIds": self.ids(2) });
        draft[place.0] = place.1;
        draft
    }

    /// A change of some fields of a task.
    fn edit(&mut self) -> Value {
        let mut edit = json!({ "id": self.id(0) });
        for (field, value) in [
            ("title", json!("edited")),
            ("completed", json!(self.chance(50))),
            ("listId", self.perhaps(1)),
            ("parentId", self.perhaps(0)),
            ("labelIds", json!(self.ids(2))),
        ] {
            if self.chance(35) {
                edit[field] = value;
            }
        }
        edit
    }

    /// A mutation: its field of the mutation, its input, and what it selects.
    fn mutation(&mut self) -> (&'static str, Value, &'static str) {
        let name = |actor: &mut Self| format!("n{}", actor.dice.random_range(0..12));
        let place = |actor: &mut Self, kind| {
            let anchor = actor.id(kind);
            if actor.chance(50) { json!({ "before": anchor }) } else { json!({ "after": anchor }) }
        };
        let kind = self.mutations[self.dice.random_range(0..self.mutations.len())];
        match kind {
            0..4 | 15..17 => ("createTask", self.draft(), "task { id }"),
            4 => ("createTasks", json!({ "tasks": [self.draft(), self.draft(), self.draft()] }), "tasks { id }"),
            5 => ("updateTask", self.edit(), "task { id }"),
            6 => ("updateTask", json!({ "id": self.id(0), "listId": self.perhaps(1) }), "task { id }"),
            7..9 => ("updateTask", json!({ "id": self.id(0), "parentId": self.id(0) }), "task { id }"),
            9 => ("setTaskCompleted", json!({ "id": self.id(0), "completed": self.chance(50) }), "task { id }"),
            10 => ("moveTask", json!({ "id": self.id(0), "position": place(self, 0) }), "task { id }"),
            11..13 => ("deleteTask", json!({ "id": self.id(0) }), "deletedTaskId"),
            13..15 => ("restoreTask", json!({ "id": self.lost(0) }), "task { id }"),
            17 => (
                "setTasksCompleted",
                json!({ "selection": self.selection(), "completed": self.chance(50) }),
                "tasks { id }",
            ),
            18 => ("moveTasks", json!({ "selection": self.selection(), "listId": self.perhaps(1) }), "tasks { id }"),
            19 => (
                "labelTasks",
                json!({ "selection": self.selection(), "addLabelIds": self.ids(2), "removeLabelIds": self.ids(2) }),
                "tasks { id }",
            ),
            20 if self.chance(20) => ("deleteTasks", json!({ "selection": self.selection() }), "deletedTaskIds"),
            21 => ("createTaskList", json!({ "id": self.lost(1), "name": name(self) }), "taskList { id }"),
            22 => ("moveTaskList", json!({ "id": self.id(1), "position": place(self, 1) }), "taskList { id }"),
            23 if self.chance(50) => ("deleteTaskList", json!({ "id": self.id(1) }), "deletedTaskListId"),
            24 if self.chance(50) => ("deleteLabel", json!({ "id": self.id(2) }), "deletedLabelId"),
            25 => ("updateLabel", json!({ "id": self.id(2), "name": name(self) }), "label { id }"),
            _ => ("createLabel", json!({ "id": self.lost(2), "name": name(self) }), "label { id }"),
        }
    }

    async fn act(&mut self, app: &App) {
        let (said, answer) = match self.dice.random_range(0..100) {
            0 => {
                self.file = self.rest(app, "GET", "export", &Value::Null).await.expect(200);
                return;
            }
            1 => {
                let file = self.file.clone();
                (format!("import {file}"), self.rest(app, "POST", "import", &file).await)
            }
            2 => {
                let purged = app.services().purge(chrono::Utc::now() + chrono::Duration::days(31)).await;
                assert!(purged.failed.is_empty(), "{purged:?}");
                self.done.push_back("purge".into());
                return;
            }
            _ => {
                let (field, input, selected) = self.mutation();
                let type_name = format!("{}{}Input", field[..1].to_uppercase(), &field[1..]);
                let query = format!("mutation($input: {type_name}!) {{ {field}(input: $input) {{ {selected} }} }}");
                let said = format!("{field} {input}");
                (said, app.graphql(&self.person, &query, json!({ "input": input })).await)
            }
        };
        let query = "{ tasks(first: 100) { nodes { id } } taskLists { id } labels { id } }";
        let data = app.graphql(&self.person, query, json!({})).await.data();
        let ids = |them: &Value| them.as_array().unwrap().iter().map(|it| it["id"].clone()).collect();
        self.there = [ids(&data["tasks"]["nodes"]), ids(&data["taskLists"]), ids(&data["labels"])];
        let error = answer.json()["errors"][0]["extensions"]["code"].clone();
        let is_answered = match error.as_str() {
            None => matches!(answer.status.as_u16(), 200 | 404 | 422),
            Some(code) => ["BAD_USER_INPUT", "NOT_FOUND", "CONFLICT", "NAME_TAKEN"].contains(&code),
        };
        assert!(is_answered, "{said}: {answer:?}");
        self.done.push_back(format!(
            "{said} → {}",
            if error.is_null() { answer.status.to_string() } else { error.to_string() }
        ));
        if self.done.len() > 3 * LOOK {
            self.done.pop_front();
        }
    }

    async fn rest(&self, app: &App, method: &str, name: &str, body: &Value) -> Answer {
        let path = format!("/api/{}/{name}", self.person.id);
        Answer::of(app.request(method, &path).bearer_auth(&self.person.token).json(body)).await
    }

    /// Everything that is there, by its id, as the lists show it.
    async fn there(&self, app: &App) -> BTreeMap<String, Value> {
        let query = format!(
            "{{ tasks(first: 100) {{ totalCount nodes {{ ...T }} }} labels {{ ...N }}
                taskLists {{ ...L counts {{ open completed }} }} }} {SHOWN}"
        );
        let mut data = app.graphql(&self.person, &query, json!({})).await.data();
        let tasks = data["tasks"]["nodes"].as_array().unwrap().clone();
        assert_eq!(data["tasks"]["totalCount"], tasks.len());
        for list in data["taskLists"].as_array_mut().unwrap() {
            let counts = list.as_object_mut().unwrap().remove("counts").unwrap();
            let count = |completed: bool| {
                tasks.iter().filter(|it| it["list"]["id"] == list["id"] && it["completed"] == completed).count()
            };
            assert_eq!(counts, json!({ "open": count(false), "completed": count(true) }), "{list}");
        }
        let lists = data["taskLists"].as_array().unwrap().iter();
        let all = tasks.iter().chain(lists).chain(data["labels"].as_array().unwrap());
        all.map(|it| (text(&it["id"]), it.clone())).collect()
    }

    async fn look(&mut self, app: &App) {
        let number = self.dice.random_range(0..self.clients.len());
        self.clients[number].catch_up(app, &self.person).await;
        assert_eq!(self.clients[number].known, self.there(app).await, "{:#?}", self.done);
    }
}

impl Client {
    async fn catch_up(&mut self, app: &App, person: &Person) {
        let query = format!(
            "query($after: String) {{ changes(after: $after, first: 3) {{ syncToken hasMore changes {{
                id: nodeId deleted node {{ ...T ...L ...N }} }} }} }} {SHOWN}"
        );
        for _ in 0..100 {
            let answer = app.graphql(person, &query, json!({ "after": self.after })).await;
            if answer.json()["errors"][0]["extensions"]["code"] == "RESYNC_REQUIRED" {
                *self = Self::default();
                continue;
            }
            let feed = answer.data()["changes"].clone();
            for change in feed["changes"].as_array().unwrap() {
                let id = text(&change["id"]);
                match change["deleted"].as_bool().unwrap() {
                    true => self.known.remove(&id),
                    false => self.known.insert(id, change["node"].clone()),
                };
            }
            self.after = feed["syncToken"].as_str().map(str::to_owned);
            if feed["hasMore"] == false {
                return;
            }
        }
        panic!("the feed has no end");
    }
}

#[expect(clippy::print_stdout, reason = "who sees it fail can repeat it")]
async fn history(seed: u64) {
    println!("seed {seed}");
    let app = App::spawn().await;
    let (mut ann, mut bob) = (Actor::new(&app, "ann", seed).await, Actor::new(&app, "bob", !seed).await);
    let mut bobs = bob.there(&app).await;
    for mutation in 1..=MUTATIONS {
        ann.act(&app).await;
        if mutation % LOOK == 0 {
            assert_eq!(bob.there(&app).await, bobs, "{:#?}", ann.done);
            bob.act(&app).await;
            bob.look(&app).await;
            bobs = bob.there(&app).await;
            for (what, from) in NOWHERE {
                let count = format!("select cast(count(*) as text) from (select 1 as one {from}) them");
                assert_eq!(app.sql_text(&count).await, "0", "{what}: {:#?}", ann.done);
            }
            ann.look(&app).await;
        }
    }
}

#[tokio::test]
async fn whatever_a_user_does_their_data_keeps_its_rules() {
    // Two that came upon faults once, and others.
    for seed in [32, 36].into_iter().chain((0..4).map(|_| rand::rng().next_u64())) {
        history(seed).await;
    }
}
