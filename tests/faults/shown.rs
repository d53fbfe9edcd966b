//! What clients see while the disk is full: nobody sees a state that was never stored, in a conflict, a list or the
//! feed. Several edits of one task expect the same revision, so that all but one are refused by what the first wrote.
//! See docs/contracts/reliability.md#durability.

use std::{
    collections::HashSet,
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    time::Duration,
};

use futures_util::future::{join, join_all};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{stage::Stage, support::Person};

const CREATE: &str = "mutation($i: CreateTaskInput!) { createTask(input: $i) { task { id } } }";
const EDIT: &str = "mutation($i: UpdateTaskInput!) { updateTask(input: $i) { task { id } } }";
const SHOWN: &str = "query($id: ID!) { task(id: $id) { revision title } tasks(first: 5) { nodes { title } } \
                     changes(first: 100) { changes { node { ... on Task { title } } } } }";
/// How many edits expect the same revision.
const RIVALS: usize = 4;

/// The titles that were refused and those that were shown, of one task.
#[derive(Default)]
struct Titles {
    refused: HashSet<String>,
    shown: HashSet<String>,
}

/// What the rivals of all people saw.
#[derive(Debug, Default)]
pub struct Seen {
    /// Conflicts that were answered.
    pub conflicts: u64,
    /// Edits that were refused because nothing can be stored.
    pub refused: usize,
    /// Titles that were shown.
    pub shown: usize,
}

/// Edits one task of each of some people, who do nothing else, until told to stop.
pub async fn contest(stage: &Stage, base: &str, stop: &AtomicBool) -> Seen {
    let conflicts = AtomicU64::default();
    let people = stage.rivals.iter().map(|person| rivals(stage, base, person, stop, &conflicts));
    let mut seen = Seen::default();
    for titles in join_all(people).await {
        let lost: Vec<_> = titles.shown.intersection(&titles.refused).collect();
        assert!(lost.is_empty(), "{} titles were shown and never stored, such as {:?}", lost.len(), lost[0]);
        seen.refused += titles.refused.len();
        seen.shown += titles.shown.len();
    }
    seen.conflicts = conflicts.load(Ordering::Relaxed);
    seen
}

async fn rivals(stage: &Stage, base: &str, person: &Person, stop: &AtomicBool, conflicts: &AtomicU64) -> Titles {
    let (id, mut titles, mut revision) = (Uuid::now_v7(), Titles::default(), Value::Null);
    let create = json!({ "query": CREATE, "variables": { "i": { "id": id, "title": "contested" } } });
    assert!(stage.graphql(base, person, create).await.is_some_and(|(status, _)| status == 200));
    while !stop.load(Ordering::Relaxed) {
        let edits = (0..RIVALS).map(|_| {
            let title = format!("edit {}", Uuid::now_v7());
            let input = json!({ "id": id, "title": title, "expectedRevision": revision });
            let body = json!({ "query": EDIT, "variables": { "i": input } });
            async move { (title, stage.graphql(base, person, body).await) }
        });
        let look = json!({ "query": SHOWN, "variables": { "id": id } });
        let (answers, look) = join(join_all(edits), stage.graphql(base, person, look)).await;
        for (title, answer) in answers {
            let Some((_, answer)) = answer else { return titles };
            let extensions = &answer["errors"][0]["extensions"];
            match extensions["code"].as_str() {
                None => {}
                Some("CONFLICT") => {
                    conflicts.fetch_add(1, Ordering::Relaxed);
                    titles.shown.extend(extensions["current"]["title"].as_str().map(str::to_owned));
                }
                Some("SERVICE_UNAVAILABLE" | "TIMEOUT") => {
                    titles.refused.insert(title);
                }
                Some(_) => panic!("{answer}"),
            }
        }
        let Some((_, look)) = look else { return titles };
        let data = &look["data"];
        assert!(look.get("errors").is_none(), "reading needs no space: {look}");
        revision = data["task"]["revision"].clone();
        let listed = data["tasks"]["nodes"].as_array().into_iter().flatten().map(|it| &it["title"]);
        let fed = data["changes"]["changes"].as_array().into_iter().flatten().map(|it| &it["node"]["title"]);
        titles
            .shown
            .extend(listed.chain(fed).chain([&data["task"]["title"]]).filter_map(Value::as_str).map(str::to_owned));
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    titles
}
