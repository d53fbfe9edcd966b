//! Concurrent writes: no lock error, no lost update.
//! See docs/contracts/reliability.md#concurrent-writes.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use serde_json::json;
use tokio::time::sleep;

use crate::support::{Answer, App, at_once};

/// Connections that are kept for reading are not missing elsewhere.
#[tokio::test]
async fn two_connections_serve_everybody() {
    let app = App::spawn_with(&[("DATABASE_MAX_CONNECTIONS", "2")]).await;
    let ann = app.person("ann").await;
    for _ in 0..3 {
        let answers = at_once(20, async |number| {
            if number % 2 == 0 { app.rest(&ann, "GET", "?limit=5", None).await } else { ready(&app).await }
        });
        assert!(answers.await.iter().all(|answer| answer.status == 200));
        app.task(&ann, "x").await;
    }
}

async fn ready(app: &App) -> Answer {
    Answer::of(app.request("GET", "/health/ready")).await
}

#[tokio::test]
async fn sixty_four_writers_all_get_their_task() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let answers = at_once(64, |number| app.rest(&ann, "POST", "", Some(json!({ "title": format!("{number}") })))).await;
    let mut numbers: Vec<_> = answers.iter().map(|it| it.expect(201)["id"].as_i64().unwrap()).collect();
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers.len(), 64);
}

/// An empty list and the number of a write that came behind it are not kept together.
#[tokio::test]
async fn a_list_that_was_empty_while_a_task_was_made_has_it_afterwards() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    for round in 0..40 {
        let path = format!("?search=r{round}-");
        let title = json!({ "title": format!("r{round}-") });
        at_once(12, async |number| match number {
            6 => app.rest(&ann, "POST", "", Some(title.clone())).await.expect(201),
            _ => app.rest(&ann, "GET", &path, None).await.expect(200),
        })
        .await;
        assert_eq!(app.rest(&ann, "GET", &path, None).await.expect(200).as_array().unwrap().len(), 1, "{round}");
    }
}

#[tokio::test]
async fn tasks_made_at_the_same_time_are_each_their_owners() {
    let (app, mut people) = (App::spawn().await, Vec::new());
    for name in ["ann", "bob", "cid"] {
        people.push(app.person(name).await);
    }
    let busy = app.rest_task(&people[0], json!({ "title": "busy" })).await["id"].to_string();
    for round in 0..3 {
        let answers = at_once(60, async |number| {
            let person = &people[number % 3];
            // Writes that hold a counter while others are made.
            if number % 10 == 0 {
                app.rest(&people[0], "PUT", &format!("/{busy}"), Some(json!({ "title": "busy" }))).await.expect(200);
            }
            let title = format!("{round} {number}");
            let task = app.rest_task(person, json!({ "title": title })).await;
            assert_eq!((&task["title"], &task["user_id"]), (&json!(title), &json!(person.id)));
        });
        answers.await;
    }
    for (person, busy) in people.iter().zip([true, false, false]) {
        let query = "{ tasks(first: 100, order: { by: POSITION, direction: ASC }) { nodes { title revision } } }";
        let tasks = app.graphql(person, query, json!({})).await.data()["tasks"]["nodes"].clone();
        let revisions: Vec<_> = tasks.as_array().unwrap().iter().map(|it| it["revision"].as_i64().unwrap()).collect();
        assert_eq!(revisions.len(), if busy { 61 } else { 60 });
        let made = &revisions[usize::from(busy)..];
        assert!(made.is_sorted_by(|one, next| one < next), "manual order is the order of the numbers");
        assert!(busy || revisions.last() == Some(&60), "no number is left out");
    }
}

#[tokio::test]
async fn a_task_that_the_database_refuses_keeps_no_other_from_being_made() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    app.task(&ann, "first").await;
    app.sql(if app.is_sqlite() {
        "create trigger refuse before insert on tasks when new.title = 'refused' begin select raise(abort, 'no'); end"
    } else {
        "alter table tasks add check (title <> 'refused')"
    })
    .await;
    let title = |number| if number % 8 == 3 { "refused".to_owned() } else { format!("{number}") };
    let answers = at_once(32, |number| app.rest(&ann, "POST", "", Some(json!({ "title": title(number) })))).await;
    for (number, answer) in answers.iter().enumerate() {
        if number % 8 == 3 {
            answer.expect(500);
        } else {
            assert_eq!(answer.expect(201)["title"], title(number));
        }
    }
}

#[tokio::test]
async fn nobody_waits_for_a_counter_that_is_held_for_somebody_else() {
    let app = App::spawn().await;
    let (ann, bob) = (app.person("ann").await, app.person("bob").await);
    for person in [&ann, &bob] {
        app.task(person, "first").await;
    }
    let is_held = AtomicBool::new(true);
    let hold = async {
        // On SQLite there is no counter to hold: writes take turns.
        if !app.is_sqlite() {
            let owner = format!("select from user_revisions where owner_id = {} for update", app.owner(&ann).await);
            app.sql(&format!("begin; {owner}; select pg_sleep(1.5); commit")).await;
            is_held.store(false, Ordering::Relaxed);
        }
    };
    let work = async {
        sleep(Duration::from_millis(300)).await;
        let waiting = at_once(3, |_| app.task(&ann, "waits"));
        let others = async {
            at_once(20, |_| app.task(&bob, "does not wait")).await;
            assert!(is_held.load(Ordering::Relaxed));
        };
        tokio::join!(waiting, others)
    };
    tokio::join!(hold, work);
}

#[tokio::test]
async fn tasks_read_at_the_same_time_are_each_their_owners() {
    let (app, mut people, mut tasks) = (App::spawn().await, Vec::new(), Vec::new());
    for name in ["ann", "bob", "cid"] {
        let person = app.person(name).await;
        for number in 0..3 {
            let title = format!("{name} {number}");
            let id = app.task(&person, &title).await;
            tasks.push((people.len(), title, id));
        }
        people.push(person);
    }
    let numbers = at_once(people.len(), async |of| app.rest(&people[of], "GET", "", None).await.expect(200));
    let numbers: Vec<_> = numbers.await.iter().flat_map(|list| list.as_array().unwrap().clone()).collect();
    let answers = at_once(4 * people.len() * tasks.len(), async |turn| {
        let (who, (owner, title, id)) = (turn / 4 % people.len(), &tasks[turn / 4 / people.len()]);
        let (person, is_mine) = (&people[who], who == *owner);
        match turn % 4 {
            0 => {
                let task =
                    app.graphql(person, "query($id: ID!) { task(id: $id) { title } }", json!({ "id": id })).await;
                assert_eq!(task.data()["task"], if is_mine { json!({ "title": title }) } else { json!(null) });
            }
            1 => {
                let number = &numbers.iter().find(|it| it["title"] == **title).unwrap()["id"];
                let task = app.rest(person, "GET", &format!("/{number}"), None).await;
                assert_eq!(task.expect(if is_mine { 200 } else { 404 })["title"] == **title, is_mine);
            }
            2 => {
                let list = app.graphql(person, "{ tasks(first: 10) { nodes { title } } }", json!({})).await.data();
                let titles: Vec<_> = tasks.iter().rev().filter(|it| it.0 == who).map(|it| &it.1).collect();
                assert_eq!(
                    list["tasks"]["nodes"],
                    json!(titles.iter().map(|it| json!({ "title": it })).collect::<Vec<_>>())
                );
            }
            _ => {
                let session = app.request("GET", "/api/auth/get-session").bearer_auth(&person.session);
                assert_eq!(Answer::of(session).await.expect(200)["user"]["id"], person.id);
            }
        }
    });
    answers.await;
}

#[tokio::test]
async fn a_task_that_cannot_be_read_keeps_no_other_from_being_read() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let mut ids = Vec::new();
    for title in ["a", "b", "broken", "d", "e", "f"] {
        ids.push(app.task(&ann, title).await);
    }
    let is_shared = !app.is_sqlite();
    if is_shared {
        app.sql(
            "alter table tasks rename to kept; create view tasks as select number, id, owner_id, parent_id, list_id, title, \
               case title when 'broken' then (1 / (length(title) - 6))::text end as description, completed, \
               completed_at, priority, due_date, due_at, due_zone, position, revision, created_at, updated_at, \
               deleted_at, extra from kept",
        )
        .await;
    }
    let query = "query($id: ID!) { task(id: $id) { description } }";
    let answers = at_once(ids.len() * 4, |number| app.graphql(&ann, query, json!({ "id": ids[number % ids.len()] })));
    for (number, answer) in answers.await.iter().enumerate() {
        if is_shared && number % ids.len() == 2 {
            assert_eq!(answer.code(), "INTERNAL_SERVER_ERROR");
        } else {
            assert_eq!(answer.data()["task"]["description"], json!(null));
        }
    }
}

#[tokio::test]
async fn sixty_four_toggles_end_where_sixty_four_toggles_end() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let path = format!("/{}/complete", app.rest_task(&ann, json!({ "title": "a" })).await["id"]);
    let answers = at_once(64, |_| app.rest(&ann, "PATCH", &path, None)).await;
    let completed = answers.iter().filter(|it| it.expect(200)["completed"] == true).count();
    assert_eq!(completed, 32);
    assert_eq!(app.rest(&ann, "GET", "", None).await.expect(200)[0]["completed"], false);
}

#[tokio::test]
async fn several_instances_start_on_one_empty_database() {
    let first = App::spawn().await;
    let others = at_once(4, |_| first.beside(&[])).await;
    let ann = others[3].person("ann").await;
    assert_eq!(first.rest(&ann, "GET", "", None).await.expect(200), json!([]));
}

#[tokio::test]
async fn sign_ins_queue_and_everybody_gets_in() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let login = json!({ "email": ann.email, "password": crate::support::PASSWORD });
    let answers = at_once(24, |_| app.auth("/sign-in/email", login.clone())).await;
    assert!(answers.iter().all(|it| it.status == 200), "{answers:?}");
}

#[tokio::test]
async fn sessions_that_are_asked_for_at_the_same_time_are_each_answered() {
    let app = App::spawn().await;
    let mut people = Vec::new();
    for name in ["ann", "bob", "cem", "dea"] {
        people.push(app.person(name).await);
    }
    let ask = |number: usize| {
        let person = &people[number % 4];
        let token = if number.is_multiple_of(7) { "nobody-has-this-token" } else { person.session.as_str() };
        Answer::of(app.request("GET", "/api/auth/get-session").bearer_auth(token))
    };
    for (number, answer) in at_once(150, ask).await.iter().enumerate() {
        let body = answer.expect(200);
        let expected = if number.is_multiple_of(7) { json!(null) } else { json!(people[number % 4].id) };
        assert_eq!(body["user"]["id"], expected, "{number}");
    }
}
