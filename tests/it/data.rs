//! A user's data: exported, imported, erased.

use futures_util::FutureExt;
use serde_json::{Value, json};

use crate::support::{Answer, App, PASSWORD, Person, without_value};

async fn export(app: &App, person: &Person, name: &str) -> Answer {
    Answer::of(app.request("GET", &format!("/api/{}/{name}", person.id)).bearer_auth(&person.token)).await
}

async fn import(app: &App, person: &Person, query: &str, file: &Value) -> Answer {
    let path = format!("/api/{}/import{query}", person.id);
    Answer::of(app.request("POST", &path).bearer_auth(&person.token).json(file)).await
}

/// Somebody with a list, labels, a parent with a part, and tasks due in both ways.
async fn settled(app: &App) -> Person {
    let ann = app.person("ann").await;
    let list = "mutation { createTaskList(input: { name: \"Home\", color: \"#a0b1c2\" }) { taskList { id } } }";
    let list = app.graphql(&ann, list, json!({})).await.data()["createTaskList"]["taskList"]["id"].clone();
    let create = "mutation($input: CreateTaskInput!) { createTask(input: $input) { task { id } } }";
    let at = json!({ "at": { "instant": "2030-01-31T12:00:00Z", "timeZone": "Europe/Berlin" } });
    let first = json!({ "title": "pack; \"all\", \\ now", "description": "a\nb", "listId": list, "due": at, "priority": "URGENT" });
    let parent = app.graphql(&ann, create, json!({ "input": first })).await.data()["createTask"]["task"]["id"].clone();
    let part = json!({ "title": "jacket", "parentId": parent, "due": { "date": "2030-01-30" }, "completed": true });
    app.graphql(&ann, create, json!({ "input": part })).await.data();
    app.rest_task(&ann, json!({ "title": "labelled", "tags": ["b", "a"] })).await;
    ann
}

#[tokio::test]
async fn what_was_exported_comes_back_the_same() {
    let app = App::spawn().await;
    let ann = settled(&app).await;
    let file = export(&app, &ann, "export").await;
    assert_eq!(file.header("content-disposition"), "attachment; filename=\"docket.json\"");
    let file = file.expect(200);
    assert_eq!((file["lists"].as_array().unwrap().len(), file["labels"].as_array().unwrap().len()), (1, 2));
    assert_eq!(file["tasks"].as_array().unwrap().len(), 3);
    assert_eq!(without_value(&file["tasks"]), ["extra"]);

    let bob = app.person("bob").await;
    let counted = |is_dry: bool| json!({ "dry_run": is_dry, "lists": 1, "labels": 2, "tasks": 3, "skipped": 0 });
    assert_eq!(import(&app, &bob, "?dry_run=true", &file).await.expect(200), counted(true));
    assert_eq!(app.rest(&bob, "GET", "", None).await.expect(200), json!([]));
    assert_eq!(import(&app, &bob, "", &file).await.expect(200), counted(false));
    assert_eq!(export(&app, &bob, "export").await.expect(200), file);
    let again = json!({ "dry_run": false, "lists": 0, "labels": 0, "tasks": 0, "skipped": 6 });
    assert_eq!(import(&app, &bob, "", &file).await.expect(200), again);
    assert_eq!(export(&app, &bob, "export").await.expect(200), file);
}

#[tokio::test]
async fn what_was_deleted_since_the_export_is_brought_back() {
    let app = App::spawn().await;
    let ann = settled(&app).await;
    let file = export(&app, &ann, "export").await.expect(200);
    let query = "{ syncToken tasks { nodes { id } } taskLists { id } labels { id } }";
    let there = app.graphql(&ann, query, json!({})).await.data();
    for id in there["tasks"]["nodes"].as_array().unwrap() {
        let delete = "mutation($id: ID!) { deleteTask(input: { id: $id }) { deletedTaskId } }";
        app.graphql(&ann, delete, json!({ "id": id["id"] })).await;
    }
    let delete = "mutation($id: ID!) { deleteTaskList(input: { id: $id }) { deletedTaskListId } }";
    app.graphql(&ann, delete, json!({ "id": there["taskLists"][0]["id"] })).await.data();
    for label in there["labels"].as_array().unwrap() {
        let delete = "mutation($id: ID!) { deleteLabel(input: { id: $id }) { deletedLabelId } }";
        app.graphql(&ann, delete, json!({ "id": label["id"] })).await.data();
    }
    let deleted = app.graphql(&ann, query, json!({})).await.data();
    assert_eq!(
        (&deleted["tasks"]["nodes"], &deleted["taskLists"], &deleted["labels"]),
        (&json!([]), &json!([]), &json!([]))
    );
    let counted = |is_dry: bool| json!({ "dry_run": is_dry, "lists": 1, "labels": 2, "tasks": 3, "skipped": 0 });
    assert_eq!(import(&app, &ann, "?dry_run=true", &file).await.expect(200), counted(true));
    assert_eq!(import(&app, &ann, "", &file).await.expect(200), counted(false));
    assert_eq!(export(&app, &ann, "export").await.expect(200), file);
    // Whoever has heard of the deletions hears that they are back.
    let changes = "query($after: String!) { changes(after: $after) { changes { kind deleted } } }";
    let changes = app.graphql(&ann, changes, json!({ "after": deleted["syncToken"] })).await.data();
    let back = changes["changes"]["changes"].as_array().unwrap();
    assert!(back.len() == 6 && back.iter().all(|it| it["deleted"] == false), "{back:?}");
}

#[tokio::test]
async fn no_task_is_brought_more_than_a_hundred_parts() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let id = |number: u32| uuid::Uuid::from_u128(u128::from(number) << 64 | 7);
    let file = |parts: u32| {
        let part = |number: u32| json!({ "id": id(number), "title": format!("{number}"), "parent_id": id(0) });
        let tasks: Vec<_> =
            [json!({ "id": id(0), "title": "pack" })].into_iter().chain((1..=parts).map(part)).collect();
        json!({ "tasks": tasks })
    };
    import(&app, &ann, "", &file(101)).await.expect(422);
    import(&app, &ann, "", &file(100)).await.expect(200);
    import(&app, &ann, "", &file(101)).await.expect(422);
    assert_eq!(app.rest(&ann, "GET", "?limit=1", None).await.header("x-total-count"), "101");
}

#[tokio::test]
async fn a_file_with_a_fault_brings_nothing_and_every_fault_is_told() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let id = |digit: char| format!("01890000-0000-7000-8000-00000000000{digit}");
    let file = json!({
        "lists": [{ "id": id('1'), "name": "" }],
        "labels": [{ "id": id('2'), "name": "x".repeat(31) }],
        "tasks": [
            { "id": id('3'), "title": "good" },
            { "id": id('4'), "title": " ", "due_date": "2030-01-31" },
            { "id": id('5'), "title": "a", "due_date": "2030-01-31", "due_at": "2030-01-31T00:00:00Z" },
        ],
    });
    let faults = import(&app, &ann, "", &file).await.expect(422);
    let places: Vec<_> = faults["detail"].as_array().unwrap().iter().map(|it| it["loc"].clone()).collect();
    let expected = [
        json!(["body", "lists", 0, "name"]),
        json!(["body", "labels", 0, "name"]),
        json!(["body", "tasks", 1, "title"]),
        json!(["body", "tasks", 2, "due_at"]),
    ];
    assert_eq!(places, expected);
    let task = |digit, field: &str, value: Value| json!({ "id": id(digit), "title": "a", field: value });
    let dangling = json!({ "tasks": [
        task('3', "description", json!("good")),
        task('4', "list_id", json!(id('9'))),
        task('5', "parent_id", json!(id('9'))),
        task('6', "label_ids", json!([id('9')])),
    ] });
    let faults = import(&app, &ann, "", &dangling).await.expect(422);
    let places: Vec<_> = faults["detail"].as_array().unwrap().iter().map(|it| it["loc"].clone()).collect();
    let expected = [
        json!(["body", "tasks", 1, "list_id"]),
        json!(["body", "tasks", 2, "parent_id"]),
        json!(["body", "tasks", 3, "label_ids", 0]),
    ];
    assert_eq!(places, expected);
    for (field, value) in [
        ("titel", json!("misspelt")),
        ("due_time_zone", json!("Europe/Berlin")),
        ("completed_at", json!("2030-01-31T00:00:00Z")),
    ] {
        let file = json!({ "tasks": [task('3', field, value)] });
        let refused = import(&app, &ann, "", &file).await;
        assert!(refused.status == 422 && refused.text.contains(field), "{refused:?}");
    }
    for (file, name) in
        [(json!({ "task": [] }), "task"), (json!({ "docket": 2 }), "docket"), (json!({ "docket": null }), "docket")]
    {
        let refused = import(&app, &ann, "", &file).await;
        assert!(refused.status == 422 && refused.text.contains(name), "{refused:?}");
    }
    let own = json!({ "tasks": [task('3', "parent_id", json!(id('3')))] });
    let refused = import(&app, &ann, "", &own).await.expect(422);
    assert_eq!(refused["detail"][0]["msg"], "Value error, Value must not be the task itself", "{refused}");
    for broken in [json!([]), json!({ "tasks": [{ "title": "no id" }] }), json!({ "tasks": 7 })] {
        assert_eq!(import(&app, &ann, "", &broken).await.status, 422, "{broken}");
    }
    assert_eq!(app.rest(&ann, "GET", "", None).await.expect(200), json!([]));
}

#[tokio::test]
async fn what_cannot_be_read_in_a_file_is_told_with_its_place() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let id = uuid::Uuid::now_v7();
    let good = json!({ "id": uuid::Uuid::now_v7(), "title": "good" });
    for (field, value, kind, behind) in [
        ("titel", json!("x"), "extra_forbidden", json!(["titel"])),
        ("priority", json!("huge"), "value_error", json!(["priority"])),
        ("priority", json!(7), "value_error", json!(["priority"])),
        ("title", json!(7), "value_error", json!(["title"])),
        ("completed", json!("yes"), "value_error", json!(["completed"])),
        ("due_date", json!("2030-02-30"), "value_error", json!(["due_date"])),
        ("due_at", json!("tomorrow"), "value_error", json!(["due_at"])),
        ("id", json!("7"), "value_error", json!(["id"])),
        ("label_ids", json!("x"), "value_error", json!(["label_ids"])),
        ("label_ids", json!([id, 7]), "value_error", json!(["label_ids", 1])),
        ("a.b", json!([[]]), "extra_forbidden", json!(["a", "b"])),
    ] {
        let mut task = json!({ "id": id, "title": "a" });
        task[field] = value.clone();
        let file = json!({ "tasks": [good, task, { "id": id }, 7, [id, "a"]] });
        let refused = import(&app, &ann, "", &file).await.expect(422);
        let place = [json!(["body", "tasks", 1]).as_array().unwrap().clone(), behind.as_array().unwrap().clone()];
        let problems = refused["detail"].as_array().unwrap();
        assert_eq!((&problems[0]["type"], &problems[0]["loc"]), (&json!(kind), &json!(place.concat())), "{field}");
        let others: Vec<_> = problems[1..].iter().map(|it| (it["type"].clone(), it["loc"].clone())).collect();
        let expected = [
            (json!("missing"), json!(["body", "tasks", 2, "title"])),
            (json!("value_error"), json!(["body", "tasks", 3])),
            (json!("value_error"), json!(["body", "tasks", 4])),
        ];
        assert_eq!(others, expected, "{field}");
    }
    for (file, kind, loc) in [
        ("{\"task\":[]}", "extra_forbidden", json!(["body", "task"])),
        ("{\"tasks\":7}", "value_error", json!(["body", "tasks"])),
        ("{\"tasks\":[],\"tasks\":[]}", "value_error", json!(["body", "tasks"])),
        ("{\"tasks\":[{\"title\":\"a\",\"title\":\"b\"}]}", "value_error", json!(["body", "tasks", 0, "title"])),
        ("{\"docket\":\"1\"}", "value_error", json!(["body", "docket"])),
        ("{\"labels\":[{}]}", "missing", json!(["body", "labels", 0, "id"])),
        ("{\"tasks\":\n[}", "json_invalid", json!(["body", 11])),
        ("{\"tasks\":[]} x", "json_invalid", json!(["body", 13])),
    ] {
        let path = format!("/api/{}/import", ann.id);
        let refused = Answer::of(app.request("POST", &path).bearer_auth(&ann.token).body(file)).await.expect(422);
        let problem = &refused["detail"][0];
        assert_eq!((&problem["type"], &problem["loc"]), (&json!(kind), &loc), "{file}: {problem}");
    }
    assert_eq!(app.rest(&ann, "GET", "", None).await.expect(200), json!([]));
}

#[tokio::test]
async fn an_id_that_a_file_has_twice_is_refused_unless_it_is_the_same_task() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let at = "2026-01-01T00:00:00Z";
    let task =
        |id: u128, title: &str| json!({ "id": uuid::Uuid::from_u128(id << 64 | 7), "title": title, "created_at": at });
    let named = |id: u128| json!({ "id": uuid::Uuid::from_u128(id << 64 | 7), "name": format!("{id}") });
    for (file, loc) in [
        (json!({ "tasks": [task(1, "a"), task(2, "a"), task(1, "b")] }), json!(["body", "tasks", 2, "id"])),
        (json!({ "lists": [named(1), named(1)] }), json!(["body", "lists", 1, "id"])),
        (json!({ "labels": [named(1), named(2), named(2)] }), json!(["body", "labels", 2, "id"])),
    ] {
        for query in ["?dry_run=true", ""] {
            let refused = import(&app, &ann, query, &file).await.expect(422);
            assert_eq!(
                (refused["detail"].as_array().unwrap().len(), &refused["detail"][0]["loc"]),
                (1, &loc),
                "{file}"
            );
        }
    }
    let file = json!({ "tasks": [task(1, "a"), task(2, "b"), task(1, "a")] });
    let done = json!({ "dry_run": false, "lists": 0, "labels": 0, "tasks": 2, "skipped": 1 });
    assert_eq!(import(&app, &ann, "", &file).await.expect(200), done);
}

#[tokio::test]
async fn a_dry_run_is_asked_for_as_pydantic_reads_it_and_waits_for_no_writer() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let file = json!({ "tasks": [{ "id": uuid::Uuid::now_v7(), "title": "a" }] });
    let held = app.hold().await;
    for yes in ["true", "True", "1", "yes", "on", "t", "Y"] {
        let done = import(&app, &ann, &format!("?dry_run={yes}"), &file).await.expect(200);
        assert_eq!((&done["dry_run"], &done["tasks"]), (&json!(true), &json!(1)), "{yes}");
    }
    drop(held);
    for unclear in ["?dry_run=maybe", "?dry_run=", "?dry_run=2", "?dryrun=true"] {
        assert_eq!(import(&app, &ann, unclear, &file).await.status, 422, "{unclear}");
    }
    assert_eq!(app.rest(&ann, "GET", "", None).await.expect(200), json!([]));
    for no in ["False", "0", "no", "OFF", "f", "n"] {
        let done = import(&app, &ann, &format!("?dry_run={no}"), &file).await.expect(200);
        assert_eq!(done["dry_run"], json!(false), "{no}");
    }
    assert_eq!(app.rest(&ann, "GET", "", None).await.expect(200).as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn an_import_brings_no_more_lists_and_labels_than_a_user_may_have() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let many = |count: u32| {
        (0..count).map(|it| json!({ "id": uuid::Uuid::now_v7(), "name": format!("{it}") })).collect::<Vec<_>>()
    };
    for (name, most) in [("lists", 500), ("labels", 1000)] {
        let refused = import(&app, &ann, "?dry_run=true", &json!({ name: many(most + 1) })).await.expect(422);
        assert_eq!(refused["detail"][0]["loc"], json!(["body", name]));
        import(&app, &ann, "", &json!({ name: many(most - 1) })).await.expect(200);
        let two =
            json!({ name: [{ "id": uuid::Uuid::now_v7(), "name": "x" }, { "id": uuid::Uuid::now_v7(), "name": "y" }] });
        let refused = import(&app, &ann, "", &two).await.expect(422);
        assert_eq!(refused["detail"][0]["loc"], json!(["body", name]));
    }
}

#[tokio::test]
async fn an_import_that_fails_in_the_middle_leaves_nothing_and_can_be_repeated() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let id = || uuid::Uuid::now_v7().to_string();
    let (list, label) = (id(), id());
    let task = |number: u32| json!({ "id": id(), "title": format!("{number}"), "list_id": list, "label_ids": [label] });
    let file = json!({
        "lists": [{ "id": list, "name": "Home" }],
        "labels": [{ "id": label, "name": "red" }],
        "tasks": (0..250).map(task).collect::<Vec<_>>(),
    });
    if app.is_sqlite() {
        app.sql(
            "create trigger broken before insert on tasks when new.title = '240' begin select raise(abort, 'no'); end",
        )
        .await;
    } else {
        app.sql("create function broken() returns trigger language plpgsql as $$ begin raise exception 'no'; end $$")
            .await;
        app.sql("create trigger broken before insert on tasks for each row when (new.title = '240') execute function broken()")
            .await;
    }
    assert_eq!(import(&app, &ann, "", &file).await.status, 500);
    let query = "{ taskLists { id } labels { id } tasks { totalCount } }";
    let seen = app.graphql(&ann, query, json!({})).await.data();
    assert_eq!(seen, json!({ "taskLists": [], "labels": [], "tasks": { "totalCount": 0 } }));
    app.sql(if app.is_sqlite() { "drop trigger broken" } else { "drop trigger broken on tasks" }).await;
    let done = json!({ "dry_run": false, "lists": 1, "labels": 1, "tasks": 250, "skipped": 0 });
    assert_eq!(import(&app, &ann, "", &file).await.expect(200), done);
    let titles = export(&app, &ann, "export").await.expect(200)["tasks"].as_array().unwrap().clone();
    assert_eq!(
        titles.iter().map(|it| it["title"].clone()).collect::<Vec<_>>(),
        (0..250).map(|it| json!(it.to_string())).collect::<Vec<_>>()
    );
}

#[tokio::test]
async fn one_import_of_a_user_goes_on_at_a_time_and_keeps_nobody_else_from_theirs() {
    let app = App::spawn().await;
    let (ann, bob) = (app.person("ann").await, app.person("bob").await);
    let file = json!({ "tasks": [{ "id": uuid::Uuid::now_v7(), "title": "a" }] });
    let path = format!("/api/{}/import?dry_run=true", ann.id);
    let (sender, receiver) = tokio::sync::mpsc::channel::<Result<Vec<u8>, std::io::Error>>(1);
    let body = futures_util::stream::unfold(receiver, |mut it| async { it.recv().await.map(|bytes| (bytes, it)) });
    let slow = app.request("POST", &path).bearer_auth(&ann.token).header("content-type", "application/json");
    let slow = tokio::spawn(slow.body(reqwest::Body::wrap_stream(body)).send());
    // So much that it is not all on the way when the last of it was taken.
    for _ in 0..16 {
        sender.send(Ok(vec![b' '; 1 << 20])).await.unwrap();
    }
    let refused = import(&app, &ann, "?dry_run=true", &file).await;
    assert_eq!(refused.status, 429);
    assert_eq!(refused.header("retry-after"), "1");
    import(&app, &bob, "?dry_run=true", &file).await.expect(200);
    sender.send(Ok(file.to_string().into_bytes())).await.unwrap();
    drop(sender);
    assert_eq!(slow.await.unwrap().unwrap().status(), 200);
    import(&app, &ann, "?dry_run=true", &file).await.expect(200);
}

#[tokio::test]
async fn a_large_import_and_its_export_are_whole() {
    const MANY: u32 = 5003;
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    // Ids in no order, and long texts: all pages are touched again and again.
    let task = |number: u32| {
        let id = uuid::Uuid::from_u128(u128::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835));
        json!({ "id": id, "title": format!("{number}"), "description": "a long text. ".repeat(20) })
    };
    import(&app, &ann, "", &json!({ "tasks": (0..MANY).map(task).collect::<Vec<_>>() })).await.expect(200);
    let file = export(&app, &ann, "export").await.expect(200);
    let titles: Vec<_> = file["tasks"].as_array().unwrap().iter().map(|it| it["title"].clone()).collect();
    assert_eq!(titles, (0..MANY).map(|number| json!(number.to_string())).collect::<Vec<_>>());
}

#[tokio::test]
async fn tasks_are_to_dos_of_a_calendar() {
    let app = App::spawn().await;
    let ann = settled(&app).await;
    let calendar = export(&app, &ann, "export.ics").await;
    assert_eq!(calendar.header("content-type"), "text/calendar; charset=utf-8");
    let text = calendar.text.replace("\r\n ", "");
    assert!(
        text.starts_with("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:") && text.ends_with("END:VCALENDAR\r\n"),
        "{text}"
    );
    assert_eq!(text.matches("BEGIN:VTODO\r\n").count(), 3);
    for line in [
        "SUMMARY:pack\\; \"all\"\\, \\\\ now",
        "DESCRIPTION:a\\nb",
        "DUE:20300131T120000Z",
        "DUE;VALUE=DATE:20300130",
        "PRIORITY:1",
        "STATUS:COMPLETED",
        "STATUS:NEEDS-ACTION",
        "SUMMARY:jacket",
    ] {
        assert!(text.contains(&format!("{line}\r\n")), "{line}: {text}");
    }
}

/// Reads a calendar as strictly as RFC 5545 has it: its content lines, each a name with its value.
fn content_lines(text: &str) -> Vec<(String, String)> {
    assert!(text.ends_with("\r\n"), "{text}");
    let bare = text.replace("\r\n", "");
    assert!(!bare.contains(|it: char| it.is_control() && it != '\t'), "{bare:?}");
    for line in text.split("\r\n") {
        assert!(line.len() <= 75, "{line}");
    }
    let unfolded = text.replace("\r\n ", "");
    let lines = unfolded.trim_end_matches("\r\n").split("\r\n").map(|line| {
        let (name, value) = line.split_once(':').unwrap_or_else(|| panic!("no content line: {line}"));
        let is_name = |it: char| it.is_ascii_alphanumeric() || matches!(it, '-' | ';' | '=');
        assert!(!name.is_empty() && name.chars().all(is_name), "{line}");
        (name.to_owned(), value.to_owned())
    });
    lines.collect()
}

#[tokio::test]
async fn whatever_is_in_a_text_the_calendar_stays_one_that_strict_readers_take() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let list = "mutation { createTaskList(input: { name: \"Home, away\" }) { taskList { id } } }";
    let list = app.graphql(&ann, list, json!({})).await.data()["createTaskList"]["taskList"]["id"].clone();
    let create = "mutation($input: CreateTaskInput!) { createTask(input: $input) { task { id } } }";
    let first =
        json!({ "title": "a\u{7}b\u{2028}c", "description": "one\r\ntwo\rEND:VTODO\nthree\u{1b}", "listId": list });
    app.graphql(&ann, create, json!({ "input": first })).await.data();
    let long = format!("{}{}", "ü".repeat(90), "🍎 ".repeat(50));
    app.rest_task(&ann, json!({ "title": long, "tags": ["at home", "a,b;c"] })).await;

    let calendar = export(&app, &ann, "export.ics").await;
    let lines = content_lines(&calendar.text);
    let count = |name: &str, value: &str| lines.iter().filter(|it| **it == (name.into(), value.into())).count();
    assert_eq!((count("BEGIN", "VTODO"), count("END", "VTODO"), count("END", "VCALENDAR")), (2, 2, 1), "{lines:?}");
    for (name, value) in [
        ("SUMMARY", "ab\\nc"),
        ("DESCRIPTION", "one\\ntwo\\nEND:VTODO\\nthree"),
        ("SUMMARY", long.trim_end()),
        ("CATEGORIES", "at home,a\\,b\\;c"),
        ("X-DOCKET-LIST", "Home\\, away"),
    ] {
        assert_eq!(count(name, value), 1, "{name}: {value}: {lines:?}");
    }
    assert_eq!(lines.iter().filter(|(name, _)| name == "LAST-MODIFIED").count(), 2, "{lines:?}");
}

/// The tables that have rows of a person.
async fn tables_of(app: &App, person: &Person, owner: &str) -> Vec<String> {
    let of = |column: &'static str| app.tables_with(column).map(move |it| it.into_iter().map(move |it| (it, column)));
    let (credentials, data) = (of("userId").await, of("owner_id").await);
    let named = [("user".to_owned(), "id"), ("owners".to_owned(), "user_id")];
    let mut tables = Vec::new();
    for (table, column) in credentials.chain(data).chain(named) {
        let whose = if column == "owner_id" { owner.to_owned() } else { format!("'{}'", person.id) };
        let count = format!("select cast(count(*) as text) from \"{table}\" where \"{column}\" = {whose}");
        if app.sql_text(&count).await != "0" {
            tables.push(table);
        }
    }
    tables
}

async fn assert_nothing_left(app: &App, person: &Person, owner: &str) {
    assert_eq!(tables_of(app, person, owner).await, [] as [String; 0]);
}

#[tokio::test]
async fn what_came_late_for_a_deleted_account_is_erased() {
    let app = App::spawn().await;
    let (ann, bob) = (app.person("ann").await, app.person("bob").await);
    app.rest_task(&bob, json!({ "title": "stays" })).await;
    // An instance that has lately seen a token believes it for some seconds.
    let other = app.beside(&[]).await;
    other.rest(&ann, "GET", "", None).await.expect(200);
    let owner = app.owner(&ann).await;
    let request = app.request("POST", "/api/auth/delete-user").bearer_auth(&ann.session);
    Answer::of(request.json(&json!({ "password": PASSWORD }))).await.expect(200);
    other.rest(&ann, "POST", "", Some(json!({ "title": "late" }))).await.expect(401);
    other.rest(&ann, "POST", "", Some(json!({ "title": "late", "tags": ["late"] }))).await.expect(401);
    assert_nothing_left(&app, &ann, &owner).await;
    assert!(app.services().purge(chrono::Utc::now()).await.failed.is_empty());
    assert_nothing_left(&app, &ann, &owner).await;
    assert_eq!(app.rest(&bob, "GET", "", None).await.expect(200).as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_deleted_account_leaves_nothing_behind() {
    let app = App::spawn().await;
    let ann = settled(&app).await;
    let bob = app.person("bob").await;
    let other = app.beside(&[]).await;
    app.rest_task(&bob, json!({ "title": "stays", "tags": ["x"] })).await;
    let key =
        app.request("POST", &format!("/api/{}/tasks", ann.id)).bearer_auth(&ann.token).header("idempotency-key", "k");
    Answer::of(key.json(&json!({ "title": "keyed" }))).await.expect(201);
    let all = app.tables_with("userId").await.len() + app.tables_with("owner_id").await.len() + 2;
    let owner = app.owner(&ann).await;
    let had = tables_of(&app, &ann, &owner).await;
    assert_eq!(had.len(), all, "a row in each table that has an owner: {had:?}");
    let delete = |password: &str| {
        let request = app.request("POST", "/api/auth/delete-user").bearer_auth(&ann.session);
        Answer::of(request.json(&json!({ "password": password })))
    };
    let wrong = delete("wrong-horse-1").await;
    assert_eq!((wrong.status.as_u16(), wrong.code()), (400, "INVALID_PASSWORD".into()));
    let gone = delete(PASSWORD).await;
    assert_eq!(gone.expect(200), json!({ "success": true, "message": "User deleted" }));
    assert_eq!(gone.cookies().len(), 3);
    assert_nothing_left(&app, &ann, &owner).await;
    assert_eq!(delete(PASSWORD).await.code(), "UNAUTHORIZED");
    // The access token that is still good makes nothing that nobody would ever delete.
    for server in [&app, &other] {
        assert_eq!(server.rest(&ann, "POST", "", Some(json!({ "title": "late" }))).await.status, 401);
        assert_eq!(server.graphql(&ann, "{ me { id } }", json!({})).await.status, 401);
        assert_eq!(server.rest(&bob, "GET", "", None).await.status, 200);
    }
    assert_eq!(app.rest(&bob, "GET", "", None).await.expect(200).as_array().unwrap().len(), 1);
    app.person("ann").await;
}

#[tokio::test]
async fn very_many_tasks_are_removed_piece_by_piece() {
    let app = App::spawn().await;
    let (ann, bob) = (app.person("ann").await, app.person("bob").await);
    app.rest_task(&bob, json!({ "title": "stays" })).await;
    let task = |number: u32| json!({ "id": uuid::Uuid::now_v7(), "title": format!("{number}") });
    let many = || json!({ "tasks": (0..2_500).map(task).collect::<Vec<_>>() });
    import(&app, &ann, "", &many()).await.expect(200);
    // Those that were deleted a month ago.
    let owner = app.owner(&ann).await;
    app.sql(&format!("update tasks set deleted_at = '2020-01-01T00:00:00.000000Z' where owner_id = {owner}")).await;
    assert!(app.services().purge(chrono::Utc::now()).await.failed.is_empty());
    assert_eq!(app.sql_text("select cast(count(*) as text) from tasks").await, "1");
    let after = app.token_at(&ann, 1).await;
    let feed = app.request("GET", &format!("/api/{}/changes?after={after}", ann.id)).bearer_auth(&ann.token);
    assert_eq!(Answer::of(feed).await.code(), "RESYNC_REQUIRED");
    // Those of an account that is deleted.
    import(&app, &ann, "", &many()).await.expect(200);
    let request = app.request("POST", "/api/auth/delete-user").bearer_auth(&ann.session);
    Answer::of(request.json(&json!({ "password": PASSWORD }))).await.expect(200);
    assert_nothing_left(&app, &ann, &owner).await;
    assert_eq!(app.rest(&bob, "GET", "", None).await.expect(200).as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn an_old_session_needs_the_password_to_delete_the_account() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    app.sql("update \"session\" set \"createdAt\" = '2020-01-01T00:00:00.000Z'").await;
    let request = app.request("POST", "/api/auth/delete-user").bearer_auth(&ann.session).json(&json!({}));
    assert_eq!(Answer::of(request).await.code(), "SESSION_EXPIRED");
    assert_eq!(app.rest(&ann, "GET", "", None).await.status, 200);
}

#[tokio::test]
async fn the_demo_account_shows_what_there_is() {
    let app = App::spawn().await;
    let config = app.config(&[]);
    let password = docket::demo::fill(&config).await.unwrap().password;
    let signed_in =
        app.auth("/sign-in/email", json!({ "email": docket::demo::EMAIL, "password": password })).await.expect(200);
    let query =
        json!({ "query": "{ taskLists { name counts { open overdue } } labels { name } tasks { totalCount } }" });
    let request = app.request("POST", "/graphql").bearer_auth(signed_in["token"].as_str().unwrap()).json(&query);
    let seen = Answer::of(request).await.data();
    assert_eq!(seen["taskLists"].as_array().unwrap().len(), 3);
    assert!(seen["taskLists"][0]["counts"]["overdue"].as_u64().unwrap() >= 1, "{seen}");
    assert!(seen["tasks"]["totalCount"].as_u64().unwrap() > 15, "{seen}");
    assert!(docket::demo::fill(&config).await.is_err());
}

#[tokio::test]
async fn what_is_brought_beside_tasks_that_are_there_has_positions_of_its_own() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let file = |count: u128| {
        let task = |it: u128| json!({ "id": uuid::Uuid::from_u128(it), "title": format!("{it}") });
        json!({ "tasks": (1..=count).map(task).collect::<Vec<_>>() })
    };
    let path = format!("/api/{}/import", ann.id);
    for count in [20, 21] {
        Answer::of(app.request("POST", &path).bearer_auth(&ann.token).json(&file(count))).await.expect(200);
    }
    for number in 0..30 {
        app.task(&ann, &format!("later {number}")).await;
    }
    let twice =
        "select cast(count(*) as text) from (select position from tasks group by position having count(*) > 1) p";
    assert_eq!(app.sql_text(twice).await, "0");
}
