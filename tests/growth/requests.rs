//! The main requests of users of equal size, on a database and on one that is many times as large: alternately, so that
//! what else the machine does is the same for both.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{
    Growth,
    fill::{EACH, Filled, PEOPLE},
};
use crate::support::{App, Person, text};

/// How much longer a request may take on the large database.
const FLAT: f64 = 1.3;
/// How often each request is sent to each database in a round.
const ROUND: u64 = PEOPLE * 4;
/// How often a request that took longer is measured again: a machine may have been busy.
const ROUNDS: usize = 4;

/// What is known to take longer, and is printed without a limit: the index of words is not by owner
/// (docs/performance.md#growth).
const GROWING: [Request; 2] = [Request::RareWord, Request::CommonWord];

const FIELDS: &str = "id title description completed priority dueDate createdAt revision";

/// A request that is compared.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Request {
    List,
    FilteredList,
    /// A search for a word that one task in 1,000 has.
    RareWord,
    /// A search for one that every third task has.
    CommonWord,
    ById,
    Create,
    Update,
    Feed,
    RestList,
}

/// Somebody, a task of theirs, a word of another one, and a token of half of their changes.
struct Client {
    person: Person,
    task: String,
    word: String,
    token: String,
}

/// Times of a request on both databases, sorted.
#[derive(Default)]
struct Times {
    small: Vec<Duration>,
    large: Vec<Duration>,
}

impl Request {
    const ALL: [Self; 9] = [
        Self::List,
        Self::FilteredList,
        Self::RareWord,
        Self::CommonWord,
        Self::ById,
        Self::Create,
        Self::Update,
        Self::Feed,
        Self::RestList,
    ];

    /// Sends it. Fails unless the answer has what it should have of users of that size.
    async fn send(self, app: &App, client: &Client) {
        let (person, task) = (&client.person, &client.task);
        let ask = async |query: String, variables| app.graphql(person, &query, variables).await.data();
        let nodes = |answer: &Value, field: &str| answer[field]["nodes"].as_array().map_or(0, Vec::len);
        match self {
            Self::List => {
                let answer = ask(format!("{{ tasks(first: 20) {{ nodes {{ {FIELDS} }} }} }}"), json!({})).await;
                assert_eq!(nodes(&answer, "tasks"), 20);
            }
            Self::FilteredList => {
                let filter = "filter: { completed: false, priority: { in: [HIGH, URGENT] } }";
                let query = format!("{{ tasks({filter}, first: 20) {{ nodes {{ {FIELDS} }} }} }}");
                assert_eq!(nodes(&ask(query, json!({})).await, "tasks"), 20);
            }
            Self::RareWord | Self::CommonWord => {
                let (text, hits) = if self == Self::RareWord { (client.word.as_str(), 1) } else { ("common", 20) };
                let query = "query($text: String!) { searchTasks(text: $text, first: 20) { nodes { id title } } }";
                assert_eq!(nodes(&ask(query.to_owned(), json!({ "text": text })).await, "searchTasks"), hits);
            }
            Self::ById => {
                let query = format!("query($id: ID!) {{ task(id: $id) {{ {FIELDS} }} }}");
                assert_eq!(ask(query, json!({ "id": task })).await["task"]["id"], task.as_str());
            }
            Self::Create => drop(app.task(person, "one more task").await),
            Self::Update => {
                let query = "mutation($input: UpdateTaskInput!) { updateTask(input: $input) { task { revision } } }";
                ask(query.to_owned(), json!({ "input": { "id": task, "title": "another title" } })).await;
            }
            Self::Feed => {
                let query =
                    "query($after: String) { changes(after: $after, first: 20) { changes { nodeId revision } } }";
                let answer = ask(query.to_owned(), json!({ "after": client.token })).await;
                assert_eq!(answer["changes"]["changes"].as_array().map(Vec::len), Some(20), "{answer}");
            }
            Self::RestList => {
                let page = app.rest(person, "GET", "?limit=20", None).await.expect(200);
                assert_eq!(page.as_array().map(Vec::len), Some(20));
            }
        }
    }
}

impl Client {
    async fn of(app: &App, person: &Person) -> Self {
        let answer = app.graphql(person, "{ tasks(first: 2) { nodes { id title } } }", json!({})).await.data();
        let task = text(&answer["tasks"]["nodes"][0]["id"]);
        let word = text(&answer["tasks"]["nodes"][1]["title"]).split(' ').next().unwrap().to_owned();
        let token = app.token_at(person, i64::try_from(EACH / 2).unwrap()).await;
        Self { person: person.clone(), task, word, token }
    }

    async fn all(of: &Filled) -> Vec<Self> {
        let mut clients = Vec::new();
        for person in &of.people {
            clients.push(Self::of(&of.app, person).await);
        }
        clients
    }
}

impl Times {
    fn medians(&self) -> (Duration, Duration) {
        (self.small[self.small.len() / 2], self.large[self.large.len() / 2])
    }

    fn ratio(&self) -> f64 {
        let (small, large) = self.medians();
        large.as_secs_f64() / small.as_secs_f64()
    }
}

/// Prints what each request takes on both, and fails when one takes longer on the large one.
pub async fn check(growth: Growth) {
    let small = Filled::with(growth.tasks / growth.factor).await;
    let large = Filled::with(growth.tasks).await;
    let (of_small, of_large) = (Client::all(&small).await, Client::all(&large).await);
    let mut slow = Vec::new();
    for request in Request::ALL {
        let mut best: Option<Times> = None;
        for _ in 0..ROUNDS {
            let times = measure(request, (&small.app, &of_small), (&large.app, &of_large)).await;
            if best.as_ref().is_none_or(|best| times.ratio() < best.ratio()) {
                best = Some(times);
            }
            if GROWING.contains(&request) || best.as_ref().is_some_and(|best| best.ratio() <= FLAT) {
                break;
            }
        }
        let best = best.unwrap();
        let ((before, after), ratio) = (best.medians(), best.ratio());
        println!("{before:>10.1?} {after:>10.1?} {ratio:>6.2}  {request:?}");
        if ratio > FLAT && !GROWING.contains(&request) {
            slow.push(request);
        }
    }
    for filled in [small, large] {
        filled.process.stop().await;
    }
    assert!(
        slow.is_empty(),
        "takes more than {FLAT} times as long beside {} times as many tasks: {slow:?}",
        growth.factor
    );
}

async fn measure(request: Request, small: (&App, &[Client]), large: (&App, &[Client])) -> Times {
    let mut times = Times::default();
    for number in 0..ROUND {
        for ((app, clients), times) in [(small, &mut times.small), (large, &mut times.large)] {
            let start = Instant::now();
            request.send(app, &clients[usize::try_from(number % PEOPLE).unwrap()]).await;
            times.push(start.elapsed());
        }
    }
    times.small.sort();
    times.large.sort();
    times
}
