//! What writers asked for and what was acknowledged, to be compared with what is there.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use rand::RngExt;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{stage::Stage, support::Person};

const CREATE: &str = "mutation($i: CreateTaskInput!) { createTask(input: $i) { task { id } } }";
const EDIT: &str = "mutation($i: UpdateTaskInput!) { updateTask(input: $i) { task { id } } }";
const COMPLETE: &str = "mutation($i: SetTaskCompletedInput!) { setTaskCompleted(input: $i) { task { id } } }";
const DELETE: &str = "mutation($i: DeleteTaskInput!) { deleteTask(input: $i) { __typename } }";

/// A task as it may be.
#[derive(Clone, Debug, PartialEq)]
pub enum State {
    Gone,
    There { title: String, completed: bool },
}

/// What is known of one task: what was acknowledged last, and what was asked for without an answer.
#[derive(Clone, Debug)]
struct Known {
    acknowledged: State,
    asked: Option<State>,
}

/// One writer's tasks.
pub struct Ledger {
    pub person: Person,
    tasks: HashMap<Uuid, Known>,
}

/// How the writers fare.
#[derive(Default)]
pub struct WriteCounters {
    pub acknowledged: AtomicU64,
    pub refused: AtomicU64,
    pub stop: AtomicBool,
}

impl Ledger {
    pub fn new(person: Person) -> Self {
        Self { person, tasks: HashMap::new() }
    }

    /// Writes until told to stop, or until nobody answers.
    pub async fn write(mut self, stage: &Stage, base: &str, counters: Arc<WriteCounters>) -> Self {
        while !counters.stop.load(Ordering::Relaxed) {
            let (id, wanted, body) = self.next();
            self.tasks.entry(id).or_insert(Known { acknowledged: State::Gone, asked: None }).asked = Some(wanted);
            let Some((status, answer)) = stage.graphql(base, &self.person, body).await else { return self };
            let known = self.tasks.get_mut(&id).unwrap();
            if status == 200 && answer.get("errors").is_none() {
                counters.acknowledged.fetch_add(1, Ordering::Relaxed);
                known.acknowledged = known.asked.take().unwrap();
            } else {
                let code = &answer["errors"][0]["extensions"]["code"];
                assert!(code == "SERVICE_UNAVAILABLE" || code == "TIMEOUT", "{status} {answer}");
                counters.refused.fetch_add(1, Ordering::Relaxed);
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
        }
        self
    }

    /// What to do next: the task, what it is to be, and the request.
    fn next(&mut self) -> (Uuid, State, Value) {
        let mut random = rand::rng();
        // A task whose state is not known for sure is left alone until it was compared.
        let sure = self.tasks.iter().filter(|(_, it)| it.asked.is_none() && it.acknowledged != State::Gone);
        let sure: Vec<Uuid> = sure.map(|(id, _)| *id).take(20).collect();
        let what = if sure.is_empty() { 0 } else { random.random_range(0..6) };
        if what < 3 {
            let (id, title) = (Uuid::now_v7(), format!("task {}", random.random::<u32>()));
            let input = json!({ "i": { "id": id, "title": title } });
            return (id, State::There { title, completed: false }, json!({ "query": CREATE, "variables": input }));
        }
        let id = sure[random.random_range(0..sure.len())];
        let State::There { title, completed } = self.tasks[&id].acknowledged.clone() else { panic!("{id} is gone") };
        let (query, input, wanted) = match what {
            3 => {
                let title = format!("title {}", random.random::<u32>());
                (EDIT, json!({ "id": id, "title": title }), State::There { title, completed })
            }
            4 => {
                let input = json!({ "id": id, "completed": !completed });
                (COMPLETE, input, State::There { title, completed: !completed })
            }
            _ => (DELETE, json!({ "id": id }), State::Gone),
        };
        (id, wanted, json!({ "query": query, "variables": { "i": input } }))
    }
}

/// Compares all ledgers with what is there, and takes what is there as known. Returns how many tasks were compared.
pub async fn compare(stage: &Stage, base: &str, ledgers: &mut [Ledger]) -> usize {
    let mut compared = 0;
    for person in &stage.people {
        let mut there = HashMap::new();
        for task in stage.tasks(base, person).await {
            let id: Uuid = task["id"].as_str().unwrap().parse().unwrap();
            let state = State::There {
                title: task["title"].as_str().unwrap().to_owned(),
                completed: task["completed"].as_bool().unwrap(),
            };
            assert!(there.insert(id, state).is_none(), "{id} is there twice");
        }
        for (id, known) in ledgers.iter_mut().filter(|it| it.person.id == person.id).flat_map(|it| &mut it.tasks) {
            let found = there.remove(id).unwrap_or(State::Gone);
            let is_allowed = found == known.acknowledged || known.asked.as_ref() == Some(&found);
            assert!(is_allowed, "{id} is {found:?}, and ought to be {known:?}");
            *known = Known { acknowledged: found, asked: None };
            compared += 1;
        }
        assert!(there.is_empty(), "nobody asked for {there:?}");
    }
    compared
}

/// Writers of all people on a process, until it is told to stop or ends.
pub async fn write_all(stage: &Stage, base: &str, ledgers: Vec<Ledger>, counters: &Arc<WriteCounters>) -> Vec<Ledger> {
    futures_util::future::join_all(ledgers.into_iter().map(|it| it.write(stage, base, Arc::clone(counters)))).await
}

/// So many writers, spread over the people.
pub fn writers(stage: &Stage, count: usize) -> Vec<Ledger> {
    (0..count).map(|number| Ledger::new(stage.people[number % stage.people.len()].clone())).collect()
}
