//! The feed of changes, conflicts and safe retries, with restarts and kills in between.

use std::{
    collections::{BTreeMap, HashSet},
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use futures_util::StreamExt;
use serde_json::{Value, json};

use crate::support::{Answer, App, Person, Process, at_once, text, until};

const FEED: &str =
    "query($after: String) { changes(after: $after, first: 50) { syncToken hasMore changes { revision kind id: nodeId deleted
    node { ... on Task { title completed labels { name } } ... on TaskList { name } ... on Label { name } } } } }";

/// What a client that follows the feed knows.
#[derive(Default)]
struct Copy {
    after: Option<String>,
    last: i64,
    known: BTreeMap<String, Value>,
    seen: HashSet<i64>,
}

impl Copy {
    /// Reads the feed to its end.
    async fn follow(&mut self, app: &App, person: &Person) {
        loop {
            let feed = app.graphql(person, FEED, json!({ "after": self.after })).await.data()["changes"].clone();
            for change in feed["changes"].as_array().unwrap() {
                self.take(change);
            }
            self.after = feed["syncToken"].as_str().map(str::to_owned);
            if feed["hasMore"] == false {
                return;
            }
        }
    }

    fn take(&mut self, change: &Value) {
        let revision = change["revision"].as_i64().unwrap();
        assert!(revision > self.last, "{change} comes again");
        self.last = revision;
        assert!(self.seen.insert(revision), "{change} has a number that was there");
        if change["deleted"] == true {
            self.known.remove(&text(&change["id"]));
        } else {
            self.known.insert(text(&change["id"]), change["node"].clone());
        }
    }

    /// The titles of the copy, of one that is read from the beginning, and of what the server lists.
    async fn titles(&self, app: &App, person: &Person) -> [Vec<String>; 3] {
        let mut whole = Self::default();
        whole.follow(app, person).await;
        let tasks = app.rest(person, "GET", "", None).await.expect(200);
        let titles =
            |known: &Self| known.known.values().filter_map(|it| it["title"].as_str()).map(str::to_owned).collect();
        let listed = tasks.as_array().unwrap().iter().map(|it| text(&it["title"])).collect();
        [titles(self), titles(&whole), listed].map(|mut titles: Vec<String>| {
            titles.sort();
            titles
        })
    }

    /// Compares with what the server has.
    async fn assert_equal(&self, app: &App, person: &Person) {
        let [copy, whole, listed] = self.titles(app, person).await;
        assert_eq!(copy, listed);
        assert_eq!(whole, listed);
    }
}

/// One of many writers: makes, changes, completes, labels and deletes.
async fn write(app: &App, person: &Person, writer: usize) {
    for round in 0..6 {
        let title = format!("{writer}-{round}");
        let task = app.rest_task(person, json!({ "title": title, "tags": [format!("{}", writer % 3)] })).await;
        let path = format!("/{}", task["id"]);
        let again = json!({ "title": format!("{title}!"), "tags": [] });
        app.rest(person, "PUT", &path, Some(again)).await.expect(200);
        app.rest(person, "PATCH", &format!("{path}/complete"), None).await.expect(200);
        if round % 2 == 0 {
            assert_eq!(app.rest(person, "DELETE", &path, None).await.status, 204);
        }
    }
}

#[tokio::test]
async fn a_copy_that_follows_the_feed_misses_nothing_of_sixteen_writers() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let is_over = AtomicBool::new(false);
    let mut copy = Copy::default();
    let (_, copy) = tokio::join!(
        async {
            at_once(16, |writer| write(&app, &ann, writer)).await;
            is_over.store(true, Ordering::Relaxed);
        },
        async {
            while !is_over.load(Ordering::Relaxed) {
                copy.follow(&app, &ann).await;
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            copy.follow(&app, &ann).await;
            copy
        }
    );
    assert_eq!(copy.known.values().filter(|it| it["title"].is_string()).count(), 48);
    copy.assert_equal(&app, &ann).await;
}

#[tokio::test]
async fn a_copy_misses_nothing_when_the_server_is_killed_again_and_again() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let mut copy = Copy::default();
    let mut acknowledged = HashSet::new();
    for round in 0..4 {
        let process = Process::start(&app.database_url).await;
        let (process, ann) = (&process, &ann);
        let (writers, ()) = tokio::join!(
            at_once(16, |writer| async move {
                let mut done = Vec::new();
                for number in 0..40 {
                    let title = format!("{round}-{writer}-{number}");
                    match process_create(&process.base, ann, &title).await {
                        Some(201) => done.push(title),
                        _ => break,
                    }
                }
                done
            }),
            async {
                tokio::time::sleep(Duration::from_millis(150 + 60 * round)).await;
                process.kill();
            }
        );
        acknowledged.extend(writers.into_iter().flatten());
        copy.follow(&app, ann).await;
    }
    // PostgreSQL may end a statement of the killed server a moment later.
    until("the copy is equal", async || {
        copy.follow(&app, &ann).await;
        let [copy, whole, listed] = copy.titles(&app, &ann).await;
        copy == listed && whole == listed
    })
    .await;
    let known: HashSet<_> = copy.known.values().filter_map(|it| it["title"].as_str().map(str::to_owned)).collect();
    let lost: Vec<_> = acknowledged.difference(&known).collect();
    assert!(lost.is_empty() && !acknowledged.is_empty(), "lost: {lost:?}");
}

async fn process_create(base: &str, person: &Person, title: &str) -> Option<u16> {
    let url = format!("{base}/api/{}/tasks", person.id);
    let request = reqwest::Client::new().post(url).bearer_auth(&person.token).json(&json!({ "title": title }));
    request.send().await.ok().map(|it| it.status().as_u16())
}

#[tokio::test]
async fn the_feed_tells_when_it_does_not_reach_back_so_far() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    for title in ["a", "b", "c"] {
        app.task(&ann, title).await;
    }
    let id = app.rest(&ann, "GET", "", None).await.expect(200)[0]["id"].clone();
    app.rest(&ann, "DELETE", &format!("/{id}"), None).await;
    app.sql("update tasks set deleted_at = '2020-01-01T00:00:00.000000Z' where deleted_at is not null").await;
    let services = app.services();
    let purged = services.purge(chrono::Utc::now()).await;
    assert_eq!((purged.users, purged.failed.len()), (1, 0));
    assert_eq!(app.sql_text("select cast(count(*) as text) from tasks").await, "2");
    for (revision, code) in
        [(1, "RESYNC_REQUIRED"), (3, "RESYNC_REQUIRED"), (-1, "BAD_USER_INPUT"), (99, "RESYNC_REQUIRED")]
    {
        let after = app.token_at(&ann, revision).await;
        assert_eq!(app.graphql(&ann, FEED, json!({ "after": after })).await.code(), code, "{revision}");
    }
    let path = format!("/api/{}/changes?after={}", ann.id, app.token_at(&ann, 1).await);
    let gone = Answer::of(app.request("GET", &path).bearer_auth(&ann.token)).await;
    assert_eq!((gone.status.as_u16(), gone.code()), (410, "RESYNC_REQUIRED".into()));
    let mut copy = Copy::default();
    copy.follow(&app, &ann).await;
    copy.assert_equal(&app, &ann).await;
    app.task(&ann, "d").await;
    copy.follow(&app, &ann).await;
    copy.assert_equal(&app, &ann).await;
}

#[tokio::test]
async fn rest_has_the_same_feed() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let task = app.rest_task(&ann, json!({ "title": "a", "tags": ["x"] })).await;
    let feed = |query: String| {
        Answer::of(app.request("GET", &format!("/api/{}/changes{query}", ann.id)).bearer_auth(&ann.token))
    };
    let first = feed("?limit=1".into()).await.expect(200);
    assert_eq!(
        (&first["has_more"], &first["changes"][0]["revision"], &first["changes"][0]["kind"]),
        (&json!(true), &json!(1), &json!("label"))
    );
    let after = |feed: &Value| format!("?after={}", text(&feed["sync_token"]));
    let second = feed(after(&first)).await.expect(200);
    let change = &second["changes"][0];
    assert_eq!(
        (&second["has_more"], &change["kind"], &change["deleted"]),
        (&json!(false), &json!("task"), &json!(false))
    );
    assert_eq!(change["task"]["id"], task["id"]);
    assert_eq!(change["task"]["tags"], json!(["x"]));
    app.rest(&ann, "DELETE", &format!("/{}", task["id"]), None).await;
    let third = feed(after(&second)).await.expect(200);
    assert_eq!((&third["changes"][0]["deleted"], third["changes"][0].get("task")), (&json!(true), None));
    let malformed = feed("?after=x".into()).await.expect(422);
    assert_eq!(malformed["detail"][0]["loc"], json!(["query", "after"]));
    assert_eq!(feed("?since=1".into()).await.status, 422);
    assert_eq!(feed("?limit=501".into()).await.status, 422);
}

/// The titles that a subscription brings, one at a time.
pub struct Live(futures_util::stream::BoxStream<'static, Value>);

impl Live {
    pub async fn open(app: &App, person: &Person, since: i64) -> Self {
        let body = json!({ "query": "subscription($after: String!) { changes(after: $after) { revision deleted
            node { ... on Task { title } } } }", "variables": { "after": app.token_at(person, since).await } });
        Self::of(app, person, body).await
    }

    async fn of(app: &App, person: &Person, body: Value) -> Self {
        let request = app.request("POST", "/graphql").bearer_auth(&person.token).header("accept", "text/event-stream");
        let response = request.json(&body).send().await.unwrap();
        assert_eq!(response.headers()["content-type"], "text/event-stream; charset=utf-8");
        let mut left = String::new();
        let events = response.bytes_stream().take_while(|it| std::future::ready(it.is_ok())).flat_map(move |bytes| {
            left.push_str(std::str::from_utf8(&bytes.unwrap()).unwrap());
            let mut events = Vec::new();
            while let Some((event, rest)) = left.split_once("\n\n") {
                if let Some(data) = event.strip_prefix("event: next\ndata: ") {
                    events.push(serde_json::from_str(data).unwrap());
                }
                left = rest.to_owned();
            }
            futures_util::stream::iter(events)
        });
        Self(events.boxed())
    }

    pub async fn next(&mut self) -> (i64, String) {
        let event = tokio::time::timeout(Duration::from_secs(10), self.0.next()).await.unwrap().unwrap();
        let change = &event["data"]["changes"];
        let title = change["node"]["title"].as_str().unwrap_or(if change["deleted"] == true { "deleted" } else { "-" });
        (change["revision"].as_i64().unwrap(), title.to_owned())
    }
}

#[tokio::test]
async fn a_subscription_starts_in_the_past_and_goes_on_live() {
    let app = App::spawn().await;
    let (ann, bob) = (app.person("ann").await, app.person("bob").await);
    app.task(&ann, "a").await;
    app.task(&ann, "b").await;
    let mut live = Live::open(&app, &ann, 1).await;
    assert_eq!(live.next().await, (2, "b".into()));
    app.task(&bob, "not for ann").await;
    for (revision, title) in [(3, "c"), (4, "d")] {
        app.task(&ann, title).await;
        assert_eq!(live.next().await, (revision, title.into()));
    }
    let id = app.rest(&ann, "GET", "", None).await.expect(200)[0]["id"].clone();
    app.rest(&ann, "DELETE", &format!("/{id}"), None).await;
    assert_eq!(live.next().await, (5, "deleted".into()));
}

#[tokio::test]
async fn a_subscription_goes_on_after_a_restart_without_a_gap() {
    let mut app = App::spawn().await;
    let ann = app.person("ann").await;
    app.task(&ann, "a").await;
    let mut live = Live::open(&app, &ann, 0).await;
    let (since, title) = live.next().await;
    assert_eq!(title, "a");
    app.restart(&[]).await;
    assert!(live.0.next().await.is_none());
    app.task(&ann, "b").await;
    let mut live = Live::open(&app, &ann, since).await;
    assert_eq!(live.next().await.1, "b");
    app.task(&ann, "c").await;
    assert_eq!(live.next().await.1, "c");
}

#[tokio::test]
async fn instances_on_one_database_hear_of_each_others_changes() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let other = app.beside(&[]).await;
    let mut live = Live::open(&other, &ann, 0).await;
    for title in ["a", "b", "c"] {
        app.task(&ann, title).await;
        assert_eq!(live.next().await.1, title);
    }
}

#[tokio::test]
async fn what_was_read_before_a_fail_over_is_read_again() {
    let app = App::spawn().await;
    if app.is_sqlite() {
        return;
    }
    let ann = app.person("ann").await;
    app.task(&ann, "lost").await;
    // What a replica that has not heard of the last write makes of its number.
    let fail_over = async {
        app.sql("update tasks set title = 'other', completed = true").await;
        app.sql("select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and query like 'LISTEN %'")
            .await;
    };
    let shown = async || {
        let list = app.rest(&ann, "GET", "", None).await.expect(200);
        let open = app.graphql(&ann, "{ tasks(filter: { completed: false }) { totalCount } }", json!({})).await.data();
        (text(&list[0]["title"]), open["tasks"]["totalCount"].clone())
    };
    // Until the task's own notification came back, nothing is cached.
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(shown().await, ("lost".into(), json!(1)));
    fail_over.await;
    until("what was lost is not shown", async || shown().await == ("other".into(), json!(0))).await;
}

#[tokio::test]
async fn a_revision_that_is_expected_and_not_there_is_a_conflict() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let task = app.task(&ann, "a").await;
    let update = "mutation($id: ID!, $expected: BigInt!, $title: String!) {
        updateTask(input: { id: $id, expectedRevision: $expected, title: $title }) { task { revision } } }";
    let one = |expected: i64, title: &str| {
        app.graphql(&ann, update, json!({ "id": task, "expected": expected, "title": title }))
    };
    assert_eq!(one(1, "b").await.data()["updateTask"]["task"]["revision"], 2);
    let refused = one(1, "c").await;
    assert_eq!(refused.code(), "CONFLICT");
    let current = refused.json()["errors"][0]["extensions"]["current"].clone();
    assert_eq!((&current["title"], &current["revision"], &current["id"]), (&json!("b"), &json!(2), &json!(task)));
    for mutation in [
        "setTaskCompleted(input: { id: $id, expectedRevision: 1, completed: true }) { task { id } }",
        "deleteTask(input: { id: $id, expectedRevision: 1 }) { deletedTaskId }",
        "moveTask(input: { id: $id, expectedRevision: 1, position: { before: $id } }) { task { id } }",
    ] {
        let query = format!("mutation($id: ID!) {{ {mutation} }}");
        assert_eq!(app.graphql(&ann, &query, json!({ "id": task })).await.code(), "CONFLICT", "{mutation}");
    }
    let edits = at_once(16, |number| {
        app.graphql(&ann, update, json!({ "id": task, "expected": 2, "title": format!("{number}") }))
    })
    .await;
    let is_done = |it: &&Answer| it.json()["data"]["updateTask"].is_object();
    assert_eq!(edits.iter().filter(is_done).count(), 1);
    assert_eq!(edits.iter().filter(|it| !is_done(it) && it.code() == "CONFLICT").count(), 15);
}

#[tokio::test]
async fn rest_has_entity_tags_and_preconditions() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let id = app.rest_task(&ann, json!({ "title": "a" })).await["id"].clone();
    let send = |method: &str, path: &str, (name, value): (&str, &str), body: Option<Value>| {
        let request = app.request(method, &format!("/api/{}/tasks{path}", ann.id)).bearer_auth(&ann.token);
        let request = if name.is_empty() { request } else { request.header(name, value) };
        Answer::of(match body {
            Some(body) => request.json(&body),
            None => request,
        })
    };
    let path = format!("/{id}");
    let tag = send("GET", &path, ("", ""), None).await.header("etag").to_owned();
    let list_tag = send("GET", "", ("", ""), None).await.header("etag").to_owned();
    for (path, tag) in [(path.as_str(), &tag), ("", &list_tag)] {
        let known = send("GET", path, ("if-none-match", tag), None).await;
        assert_eq!((known.status.as_u16(), known.text.as_str(), known.header("etag")), (304, "", tag.as_str()));
    }
    let edit = Some(json!({ "title": "b" }));
    let changed = send("PUT", &path, ("if-match", &tag), edit.clone()).await;
    assert_eq!(changed.status, 200);
    assert_ne!(changed.header("etag"), tag);
    for (name, value, status) in
        [("if-match", tag.as_str(), 412), ("if-match", "\"x\"", 412), ("if-match", "*", 200), ("", "", 200)]
    {
        assert_eq!(send("PATCH", &path, (name, value), edit.clone()).await.status, status, "{value}");
    }
    assert_eq!(send("PATCH", &format!("{path}/complete"), ("if-match", &tag), None).await.status, 412);
    assert_eq!(send("DELETE", &path, ("if-match", &tag), None).await.status, 412);
    assert_eq!(send("GET", "", ("if-none-match", &list_tag), None).await.status, 200);
    let now = send("GET", &path, ("", ""), None).await.header("etag").to_owned();
    assert_eq!(send("DELETE", &path, ("if-match", &now), None).await.status, 204);
    assert_eq!(send("DELETE", &path, ("if-match", &now), None).await.status, 404);
}

#[tokio::test]
async fn a_write_is_done_when_any_of_its_tags_is_the_tasks_and_refused_when_they_cannot_be_read() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let id = app.rest_task(&ann, json!({ "title": "a" })).await["id"].clone();
    let path = format!("/api/{}/tasks/{id}", ann.id);
    let tag = async || app.rest(&ann, "GET", &format!("/{id}"), None).await.header("etag").to_owned();
    let revision = |tag: &str| tag.trim_start_matches('"').split('-').next().unwrap().to_owned();
    for (before, behind, status) in [
        ("\"999\", ", "", 200),
        ("", ", \"999\"", 200),
        ("W/", "", 412),
        ("\"a,b\",", ",", 200),
        ("\"999", "", 422),
        ("", " \"999\"", 422),
        ("*, ", "", 422),
    ] {
        let value = format!("{before}{}{behind}", tag().await);
        let request = app.request("PATCH", &path).bearer_auth(&ann.token).header("if-match", &value);
        let answer = Answer::of(request.json(&json!({ "title": value }))).await;
        assert_eq!(answer.status, status, "{value}: {answer:?}");
        assert!(status != 422 || answer.text.contains("if-match"), "{answer:?}");
        // Clients that know the revision alone go on.
        let bare = format!("\"{}\"", revision(&tag().await));
        let request = app.request("PATCH", &path).bearer_auth(&ann.token).header("if-match", bare);
        Answer::of(request.json(&json!({ "title": "b" }))).await.expect(200);
    }
    for value in ["\"998\", \"999\"", "\"x\""] {
        let request = app.request("DELETE", &path).bearer_auth(&ann.token).header("if-match", value);
        assert_eq!(Answer::of(request).await.status, 412, "{value}");
    }
    for (method, name) in [("GET", "if-none-match"), ("DELETE", "if-match")] {
        let request = app.request(method, &path).bearer_auth(&ann.token).header(name, "7");
        let answer = Answer::of(request).await;
        assert!(answer.status == 422 && answer.text.contains(name), "{answer:?}");
    }
    let request = app.request("PUT", &path).bearer_auth(&ann.token).header("if-none-match", "*");
    assert_eq!(Answer::of(request.json(&json!({ "title": "c" }))).await.status, 422);
}

#[tokio::test]
async fn a_task_whose_label_gets_another_name_has_changed() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let marked = app.rest_task(&ann, json!({ "title": "a", "tags": ["home"] })).await["id"].clone();
    app.rest_task(&ann, json!({ "title": "b", "tags": ["work"] })).await;
    let path = format!("/api/{}/tasks/{marked}", ann.id);
    let get = async |tag: &str| {
        Answer::of(app.request("GET", &path).bearer_auth(&ann.token).header("if-none-match", tag)).await
    };
    let tag = get("\"none\"").await.header("etag").to_owned();
    assert_eq!(get(&tag).await.status, 304);
    let changes = async |query: &str| {
        let path = format!("/api/{}/changes{query}", ann.id);
        Answer::of(app.request("GET", &path).bearer_auth(&ann.token)).await.expect(200)
    };
    let labels = app.graphql(&ann, "{ labels { id name } }", json!({})).await.data()["labels"].clone();
    let home = labels.as_array().unwrap().iter().find(|it| it["name"] == "home").unwrap()["id"].clone();
    let edit = "mutation($input: UpdateLabelInput!) { updateLabel(input: $input) { label { name } } }";
    // What REST does not show changes no task.
    app.graphql(&ann, edit, json!({ "input": { "id": home, "color": "#a0b1c2" } })).await.data();
    assert_eq!(get(&tag).await.status, 304);
    let after = format!("?after={}", text(&changes("").await["sync_token"]));
    app.graphql(&ann, edit, json!({ "input": { "id": home, "name": "house" } })).await.data();
    let renamed = get(&tag).await;
    assert_eq!(renamed.expect(200)["tags"], json!(["house"]));
    assert_ne!(renamed.header("etag"), tag);
    let changed = changes(&after).await["changes"].clone();
    let tasks: Vec<_> = changed.as_array().unwrap().iter().filter(|it| it["kind"] == "task").collect();
    assert_eq!(tasks.len(), 1, "{changed}");
    assert!(tasks[0].to_string().contains("house"), "{changed}");
}

#[tokio::test]
async fn nobody_has_what_another_one_was_sent() {
    let app = App::spawn().await;
    let (ann, bob) = (app.person("ann").await, app.person("bob").await);
    for person in [&ann, &bob] {
        app.rest_task(person, json!({ "title": person.email })).await;
    }
    let get = async |app: &App, person: &Person, tag: &str| {
        let path = format!("/api/{}/tasks", person.id);
        Answer::of(app.request("GET", &path).bearer_auth(&person.token).header("if-none-match", tag)).await
    };
    let anns = get(&app, &ann, "\"none\"").await;
    let bobs = get(&app, &bob, anns.header("etag")).await;
    assert!(bobs.status == 200 && bobs.text.contains(&bob.email), "{bobs:?}");
    for answer in [&anns, &bobs, &Answer::of(app.request("GET", "/api/u/tasks")).await] {
        let vary: Vec<_> = answer.headers.get_all("vary").iter().map(|it| it.to_str().unwrap()).collect();
        let vary = vary.join(",").to_lowercase();
        assert!(["authorization", "cookie", "origin"].iter().all(|it| vary.contains(it)), "{vary}");
    }
    let camel = app.beside(&[("REST_CASE", "camel")]).await;
    let other = get(&camel, &ann, anns.header("etag")).await;
    assert!(other.status == 200 && other.text.contains("createdAt"), "{other:?}");
    assert_eq!(get(&camel, &ann, other.header("etag")).await.status, 304);
}

#[tokio::test]
async fn an_id_of_the_client_makes_one_task() {
    let app = App::spawn().await;
    let (ann, bob) = (app.person("ann").await, app.person("bob").await);
    let id = "01890000-0000-7000-8000-00000000000a";
    let create = "mutation($id: ID!) { createTask(input: { id: $id, title: \"a\" }) { task { id number createdAt } } }";
    let answers = at_once(16, |_| app.graphql(&ann, create, json!({ "id": id }))).await;
    assert!(answers.iter().all(|it| it.data() == answers[0].data()), "{answers:?}");
    assert_eq!(app.rest(&ann, "GET", "", None).await.expect(200).as_array().unwrap().len(), 1);
    // The ids of one user are nothing to another.
    assert_ne!(
        app.graphql(&bob, create, json!({ "id": id })).await.data()["createTask"]["task"]["number"],
        answers[0].data()["createTask"]["task"]["number"]
    );
    app.rest(&ann, "DELETE", &format!("/{id}"), None).await;
    assert_eq!(app.graphql(&ann, create, json!({ "id": id })).await.code(), "CONFLICT");
    assert_eq!(app.graphql(&ann, create, json!({ "id": "mine" })).await.code(), "BAD_USER_INPUT");
}

fn keyed(
    app: &App,
    person: &Person,
    (method, path, key): (&str, &str, &str),
    body: &Value,
) -> impl Future<Output = Answer> + use<> {
    let request = app.request(method, path).bearer_auth(&person.token).header("idempotency-key", key);
    Answer::of(request.json(body))
}

#[tokio::test]
async fn a_request_with_a_key_is_done_once_and_answered_the_same() {
    let app = App::spawn().await;
    let (ann, bob) = (app.person("ann").await, app.person("bob").await);
    let path = format!("/api/{}/tasks", ann.id);
    let body = json!({ "title": "a", "tags": ["x"] });
    let answers = at_once(12, |_| keyed(&app, &ann, ("POST", &path, "k1"), &body)).await;
    for answer in &answers {
        assert_eq!((answer.status.as_u16(), &answer.text), (201, &answers[0].text));
        assert_eq!(answer.header("etag"), answers[0].header("etag"));
        assert_eq!(answer.header("content-type"), "application/json");
    }
    assert_eq!(answers.iter().filter(|it| it.header("idempotency-replayed") == "true").count(), 11);
    let task = format!("{path}/{}", answers[0].json()["id"]);
    app.request("PUT", &task).bearer_auth(&ann.token).json(&json!({ "title": "changed" })).send().await.unwrap();
    assert_eq!(keyed(&app, &ann, ("POST", &path, "k1"), &body).await.text, answers[0].text);

    let toggle = format!("{task}/complete");
    let toggles = at_once(4, |_| keyed(&app, &ann, ("PATCH", &toggle, "k2"), &json!({}))).await;
    assert!(toggles.iter().all(|it| it.expect(200)["completed"] == true));
    let deleted = at_once(2, |_| keyed(&app, &ann, ("DELETE", &task, "k3"), &json!({}))).await;
    assert!(deleted.iter().all(|it| it.status == 204), "{deleted:?}");

    let other = keyed(&app, &ann, ("POST", &path, "k1"), &json!({ "title": "b" })).await;
    assert_eq!(other.expect(422)["detail"][0]["loc"], json!(["header", "Idempotency-Key"]));
    let bobs = format!("/api/{}/tasks", bob.id);
    assert_eq!(keyed(&app, &bob, ("POST", &bobs, "k1"), &json!({ "title": "b" })).await.status, 201);
    for key in ["", &"x".repeat(256), "ü"] {
        assert_eq!(keyed(&app, &ann, ("POST", &path, key), &body).await.status, 422, "{key}");
    }
    assert_eq!(keyed(&app, &ann, ("POST", &path, "k4"), &json!({})).await.status, 422);
    assert_eq!(keyed(&app, &ann, ("POST", &path, "k4"), &body).await.status, 201);
    assert_eq!(app.rest(&ann, "GET", "", None).await.expect(200).as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_document_with_a_key_is_done_wholly_or_not_at_all() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let two = json!({ "query": "mutation { a: createTask(input: { title: \"a\" }) { task { id labels { name } } }
        b: createTask(input: { title: \"b\" }) { task { id } } }" });
    let answers = at_once(6, |_| keyed(&app, &ann, ("POST", "/graphql", "k1"), &two)).await;
    assert!(answers.iter().all(|it| it.data() == answers[0].data()), "{answers:?}");
    let failing = json!({ "query": "mutation { a: createTask(input: { title: \"c\" }) { task { id } }
        b: createTask(input: { title: \" \" }) { task { id } } }" });
    for _ in 0..2 {
        let refused = keyed(&app, &ann, ("POST", "/graphql", "k2"), &failing).await;
        assert_eq!((refused.code(), refused.header("idempotency-replayed")), ("BAD_USER_INPUT".into(), ""));
        assert_eq!(refused.json()["data"], Value::Null, "what is undone is not shown: {refused:?}");
    }
    assert_eq!(keyed(&app, &ann, ("POST", "/graphql", "k1"), &failing).await.code(), "IDEMPOTENCY_KEY_REUSED");
    // Nobody can tell whether a stream was done before it has ended.
    let stream = |document: Value| {
        let request = app.request("POST", "/graphql").bearer_auth(&ann.token).header("accept", "text/event-stream");
        Answer::of(request.header("idempotency-key", "k3").json(&document))
    };
    let refused = stream(failing).await;
    assert_eq!((refused.status.as_u16(), refused.code()), (400, "BAD_REQUEST".into()));
    assert!(stream(json!({ "query": "mutation { nothing }" })).await.text.contains("GRAPHQL_VALIDATION_FAILED"));
    keyed(&app, &ann, ("POST", "/graphql", "k3"), &json!({ "query": "{ __typename }" })).await.data();
    assert_eq!(app.rest(&ann, "GET", "", None).await.expect(200).as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_key_holds_across_kills() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let path = format!("/api/{}/tasks", ann.id);
    for round in 0..6_u64 {
        let process = Process::start(&app.database_url).await;
        let send = || {
            let request = reqwest::Client::new().post(format!("{}{path}", process.base)).bearer_auth(&ann.token);
            request.header("idempotency-key", format!("k{round}")).json(&json!({ "title": format!("{round}") })).send()
        };
        let (_, ()) = tokio::join!(send(), async {
            tokio::time::sleep(Duration::from_millis(round * 2)).await;
            process.kill();
        });
        let body = json!({ "title": format!("{round}") });
        assert_eq!(keyed(&app, &ann, ("POST", &path, &format!("k{round}")), &body).await.status, 201);
    }
    assert_eq!(app.rest(&ann, "GET", "", None).await.expect(200).as_array().unwrap().len(), 6);
}

/// The names of the plain fields of a type of the schema.
async fn plain_fields(app: &App, person: &Person, name: &str) -> Vec<String> {
    let query = "query($name: String!) { __type(name: $name) { fields { name type { kind ofType { kind } } } } }";
    let fields = app.graphql(person, query, json!({ "name": name })).await.data()["__type"]["fields"].clone();
    let is_plain = |it: &&Value| {
        let kinds = [&it["type"]["kind"], &it["type"]["ofType"]["kind"]];
        kinds.iter().any(|kind| *kind == "SCALAR" || *kind == "ENUM")
    };
    fields.as_array().unwrap().iter().filter(is_plain).map(|it| text(&it["name"])).collect()
}

/// What a conflict shows.
fn current(answer: &Answer) -> Value {
    assert_eq!(answer.code(), "CONFLICT", "{answer:?}");
    answer.json()["errors"][0]["extensions"]["current"].clone()
}

#[tokio::test]
async fn a_conflict_shows_all_that_a_client_merges_and_that_an_object_is_deleted() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let made = "mutation { list: createTaskList(input: { name: \"l\" }) { object: taskList { id } }
        label: createLabel(input: { name: \"m\" }) { object: label { id } } }";
    let made = app.graphql(&ann, made, json!({})).await.data();
    let [list, label] = ["list", "label"].map(|it| made[it]["object"]["id"].clone());
    let input = json!({ "title": "t", "listId": list, "labelIds": [label], "completed": true, "due": { "date": "2030-01-31" } });
    let create = "mutation($input: CreateTaskInput!) { createTask(input: $input) { task { id } } }";
    let task = app.graphql(&ann, create, json!({ "input": input })).await.data()["createTask"]["task"]["id"].clone();
    for (name, input, id, delete) in [
        ("Task", "updateTask(input: { title: \"x\", completed: false", &task, "deleteTask"),
        ("TaskList", "updateTaskList(input: { name: \"x\"", &list, "deleteTaskList"),
        ("Label", "updateLabel(input: { name: \"x\"", &label, "deleteLabel"),
    ] {
        let plain = plain_fields(&app, &ann, name).await;
        let query = format!("query($id: ID!) {{ node(id: $id) {{ ... on {name} {{ {} }} }} }}", plain.join(" "));
        let mut expected = app.graphql(&ann, &query, json!({ "id": id })).await.data()["node"].clone();
        expected["deleted"] = false.into();
        if name == "Task" {
            expected["labelIds"] = json!([label]);
        }
        let edit = format!("mutation($id: ID!) {{ {input}, id: $id, expectedRevision: 1000 }}) {{ revision }} }}");
        let conflict = app.graphql(&ann, &edit, json!({ "id": id })).await;
        assert_eq!(current(&conflict), expected);
        let delete = |expected: i64| {
            let delete = format!(
                "mutation($id: ID!) {{ {delete}(input: {{ id: $id, expectedRevision: {expected} }}) {{ revision }} }}"
            );
            let app = &app;
            let ann = &ann;
            async move { app.graphql(ann, &delete, json!({ "id": id })).await }
        };
        delete(expected["revision"].as_i64().unwrap()).await.data();
        for answer in [app.graphql(&ann, &edit, json!({ "id": id })).await, delete(1).await] {
            assert_eq!((&current(&answer)["deleted"], &current(&answer)["id"]), (&json!(true), id));
        }
        let absent = json!({ "id": "01890000-0000-7000-8000-00000000000f" });
        assert_eq!(app.graphql(&ann, &edit, absent).await.code(), "NOT_FOUND");
    }
    let unchanged = "mutation($id: ID!) { updateTask(input: { id: $id, expectedRevision: 1 }) { revision } }";
    assert_eq!(current(&app.graphql(&ann, unchanged, json!({ "id": task })).await)["deleted"], true);
}

#[tokio::test]
async fn a_known_id_with_other_content_is_a_conflict_and_the_same_request_is_answered_again() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let [task, other, list, label] =
        [1, 2, 3, 4].map(|number| json!(format!("01890000-0000-7000-8000-00000000000{number}")));
    let send = async |field: &str, input: Value| {
        let name = format!("{}{}Input", field[..1].to_uppercase(), &field[1..]);
        let query = format!("mutation($input: {name}!) {{ {field}(input: $input) {{ revision }} }}");
        app.graphql(&ann, &query, json!({ "input": input })).await
    };
    let state = json!({ "id": task, "title": "t", "description": "d", "completed": true, "priority": "HIGH",
        "due": { "at": { "instant": "2030-01-31T12:00:00Z" } }, "listId": list, "labelIds": [label] });
    for (field, input, changes) in [
        (
            "createTaskList",
            json!({ "id": list, "name": "l", "color": "#a0b1c2" }),
            json!({ "name": "x", "color": null }),
        ),
        ("createLabel", json!({ "id": label, "name": "m", "color": "#a0b1c2" }), json!({ "name": "x", "color": null })),
        ("createTask", json!({ "id": other, "title": "other" }), json!({ "title": "x" })),
        (
            "createTask",
            state.clone(),
            json!({ "title": "x", "description": null, "completed": false, "priority": "LOW", "due": null,
                "listId": null, "labelIds": [] }),
        ),
    ] {
        let revision = send(field, input.clone()).await.data();
        assert_eq!(send(field, input.clone()).await.data(), revision, "{input}");
        for (name, value) in changes.as_object().unwrap() {
            let mut changed = input.clone();
            changed[name] = value.clone();
            let conflict = current(&send(field, changed).await);
            assert_eq!((&conflict["id"], &conflict["deleted"]), (&input["id"], &json!(false)), "{name}");
        }
        assert_eq!(send(field, input.clone()).await.data(), revision, "{input}");
    }
    let bulk = |title: &str| json!({ "tasks": [state, { "id": other, "title": title }] });
    send("createTasks", bulk("other")).await.data();
    let conflict = send("createTasks", bulk("x")).await;
    assert_eq!((&current(&conflict)["id"], &conflict.json()["errors"][0]["extensions"]["index"]), (&other, &json!(1)));
    let delete = "mutation($id: ID!) { deleteTask(input: { id: $id }) { revision } }";
    app.graphql(&ann, delete, json!({ "id": task })).await.data();
    assert_eq!(current(&send("createTask", state.clone()).await)["deleted"], true);
    assert_eq!(current(&send("createTasks", bulk("other")).await)["deleted"], true);
}

#[tokio::test]
async fn a_feed_of_one_kind_goes_on_however_many_others_lie_before_it() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let label = |number: usize| format!("a{number}: createLabel(input: {{ name: \"{number}\" }}) {{ revision }} ");
    for labels in [0..15, 15..30] {
        let labels: String = labels.map(label).collect();
        app.graphql(&ann, &format!("mutation {{ {labels} }}"), json!({})).await.data();
    }
    let feed = "query($after: String, $kinds: [ChangeKind!], $first: Int) { changes(after: $after, kinds: $kinds, first: $first) {
        syncToken hasMore changes { kind syncToken deleted deletedNodeId nodeId } } }";
    let page = async |after: &Value, kinds: Value, first: Value| {
        let variables = json!({ "after": after, "kinds": kinds, "first": first });
        app.graphql(&ann, feed, variables).await.data()["changes"].clone()
    };
    let none = page(&Value::Null, json!(["TASK"]), json!(5)).await;
    assert_eq!((&none["hasMore"], &none["changes"]), (&json!(false), &json!([])));
    let (a, b) = (app.task(&ann, "a").await, app.task(&ann, "b").await);
    let first = page(&none["syncToken"], json!(["TASK", "TASK_LIST"]), json!(1)).await;
    assert_eq!((&first["hasMore"], &first["changes"][0]["nodeId"]), (&json!(true), &json!(a)));
    assert_eq!(first["changes"][0]["syncToken"], first["syncToken"]);
    app.graphql(&ann, "mutation($id: ID!) { deleteTask(input: { id: $id }) { revision } }", json!({ "id": b }))
        .await
        .data();
    let second = page(&first["syncToken"], json!(["TASK"]), Value::Null).await;
    assert_eq!((&second["hasMore"], &second["changes"][0]["deletedNodeId"]), (&json!(false), &json!(b)));
    let all = page(&Value::Null, Value::Null, json!(500)).await;
    let kinds = |kind: &str| all["changes"].as_array().unwrap().iter().filter(|it| it["kind"] == kind).count();
    assert_eq!((kinds("LABEL"), kinds("TASK"), &all["syncToken"]), (30, 2, &second["syncToken"]));
    let now = app.graphql(&ann, "{ syncToken }", json!({})).await.data()["syncToken"].clone();
    assert_eq!((&now, page(&now, Value::Null, json!(1)).await["changes"].clone()), (&second["syncToken"], json!([])));
    assert_eq!(page(&Value::Null, json!([]), json!(1)).await["syncToken"], now);
}

#[tokio::test]
async fn a_token_of_another_database_is_noticed() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    app.task(&ann, "a").await;
    let after = app.token_at(&ann, 1).await;
    app.graphql(&ann, FEED, json!({ "after": after })).await.data();
    app.sql("update database_epochs set epoch = 'another'").await;
    assert_eq!(app.graphql(&ann, FEED, json!({ "after": after })).await.code(), "RESYNC_REQUIRED");
    let ahead = app.token_at(&ann, 2).await;
    assert_eq!(app.graphql(&ann, FEED, json!({ "after": ahead })).await.code(), "RESYNC_REQUIRED");
    for malformed in ["", "0", "x"] {
        let refused = app.graphql(&ann, FEED, json!({ "after": malformed })).await;
        let extensions = &refused.json()["errors"][0]["extensions"];
        assert_eq!((&extensions["code"], &extensions["field"]), (&json!("BAD_USER_INPUT"), &json!("after")));
    }
}

/// As `cp` puts a copy in the place of a file, and `pg_restore` makes tables anew.
#[tokio::test]
async fn what_was_restored_is_noticed_at_the_next_start() {
    let mut app = App::spawn().await;
    let ann = app.person("ann").await;
    app.task(&ann, "a").await;
    let after = app.token_at(&ann, 1).await;
    app.restart(&[]).await;
    app.graphql(&ann, FEED, json!({ "after": after })).await.data();
    app.stop().await;
    if let Some(path) = app.database_url.strip_prefix("sqlite://").and_then(|it| it.strip_suffix("?mode=rwc")) {
        std::fs::copy(path, format!("{path}.copy")).unwrap();
        std::fs::rename(format!("{path}.copy"), path).unwrap();
    } else {
        app.sql(
            "create table anew (like database_epochs including all); insert into anew select * from database_epochs; \
             drop table database_epochs; alter table anew rename to database_epochs; \
             alter index anew_pkey rename to database_epochs_pkey",
        )
        .await;
    }
    app.restart_stopped().await;
    app.task(&ann, "b").await;
    assert_eq!(app.graphql(&ann, FEED, json!({ "after": after })).await.code(), "RESYNC_REQUIRED");
}

#[tokio::test]
async fn a_token_of_another_user_is_no_token() {
    let app = App::spawn().await;
    let (ann, bob) = (app.person("ann").await, app.person("bob").await);
    for title in ["a", "b", "c"] {
        app.task(&bob, title).await;
    }
    app.task(&ann, "mine").await;
    for after in [app.token_at(&ann, 1).await, app.token_at(&ann, 0).await] {
        let refused = app.graphql(&bob, FEED, json!({ "after": after })).await;
        let nonsense = app.graphql(&bob, FEED, json!({ "after": "nonsense" })).await;
        assert_eq!((refused.code(), &refused.text), ("BAD_USER_INPUT".to_owned(), &nonsense.text));
        let path = format!("/api/{}/changes?after={after}", bob.id);
        let refused = Answer::of(app.request("GET", &path).bearer_auth(&bob.token)).await.expect(422);
        assert_eq!(refused["detail"][0]["loc"], json!(["query", "after"]));
        let own = app.graphql(&ann, FEED, json!({ "after": after })).await.data();
        assert_eq!(own["changes"]["hasMore"], false);
    }
}

#[tokio::test]
async fn a_subscription_without_a_token_begins_now_and_follows_the_kinds_that_are_asked_for() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    app.task(&ann, "before").await;
    let query = "subscription { changes(kinds: [TASK]) { revision deleted node { ... on Task { title } } } }";
    let mut live = Live::of(&app, &ann, json!({ "query": query })).await;
    for number in 0..200 {
        let label = format!("mutation {{ createLabel(input: {{ name: \"{number}\" }}) {{ revision }} }}");
        app.graphql(&ann, &label, json!({})).await.data();
        app.task(&ann, "now").await;
        if let Ok(first) = tokio::time::timeout(Duration::from_millis(50), live.next()).await {
            assert_eq!(first.1, "now");
            return;
        }
    }
    panic!("nothing came");
}
