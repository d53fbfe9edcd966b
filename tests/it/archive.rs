//! Whole databases as files: written, read into a database of either kind, and equal there.

use std::{fs, path::Path};

use serde_json::{Value, json};

use crate::support::{Answer, App, Person, command};

/// Data with all kinds of values: of two users, in lists, with labels, due, deleted, with unknown fields.
async fn fill(app: &App) -> [Person; 2] {
    let people = [app.person("ann").await, app.person("bob").await];
    for person in &people {
        let list = "mutation { createTaskList(input: { name: \"Haus\", color: \"#a0b1c2\" }) { taskList { id } } }";
        let list = app.graphql(person, list, json!({})).await.data()["createTaskList"]["taskList"]["id"].clone();
        let label = "mutation { createLabel(input: { name: \"naß 🍎\" }) { label { id } } }";
        let label = app.graphql(person, label, json!({})).await.data()["createLabel"]["label"]["id"].clone();
        let create = "mutation($input: CreateTaskInput!) { createTask(input: $input) { task { id } } }";
        for due in [
            json!({ "date": "2030-01-31" }),
            json!({ "at": { "instant": "2030-01-31T12:00:00.000001Z", "timeZone": "Europe/Berlin" } }),
            Value::Null,
        ] {
            let input = json!({ "title": "it's \"quoted\"\n", "description": "a\tb", "due": due, "listId": list, "labelIds": [label], "priority": "URGENT", "completed": due.is_null() });
            let made =
                app.graphql(person, create, json!({ "input": input })).await.data()["createTask"]["task"]["id"].clone();
            app.graphql(person, create, json!({ "input": { "title": "part", "parentId": made } })).await.data();
        }
        app.rest_task(person, json!({ "title": "known", "mood": { "a": [1, null] } })).await;
        let last = app.rest_task(person, json!({ "title": "deleted" })).await["id"].clone();
        app.rest(person, "DELETE", &format!("/{last}"), None).await;
        app.request("GET", "/api/auth/token").bearer_auth(&person.token).send().await.unwrap();
    }
    people
}

fn exported(database_url: &str, file: &Path) -> String {
    let (code, said) = command(database_url, &["export", "--all", file.to_str().unwrap()], &[]);
    assert_eq!(code, Some(0), "{said}");
    fs::read_to_string(file).unwrap()
}

fn sorted(text: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort_unstable();
    lines
}

#[tokio::test]
async fn a_database_is_the_same_after_a_way_through_the_other_kind() {
    let app = App::spawn_with(&[("REST_UNKNOWN_FIELDS", "keep")]).await;
    let [ann, _] = fill(&app).await;
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let first = exported(&app.database_url, &path("first.jsonl"));
    let lite = format!("sqlite://{}?mode=rwc", path("lite.db").display());
    let back = App::unstarted().await;
    for (from, to) in [("first.jsonl", &lite), ("second.jsonl", &back.database_url)] {
        let from = path(from);
        let arguments = ["import", "--all", from.to_str().unwrap()];
        let (code, said) = command(to, &[&arguments[..2], &["--dry-run"], &arguments[2..]].concat(), &[]);
        assert!(code == Some(0) && said.contains("can be imported"), "{said}");
        let (code, said) = command(to, &arguments, &[]);
        assert!(code == Some(0) && said.contains("is imported"), "{said}");
        let next = if *to == lite { "second.jsonl" } else { "third.jsonl" };
        let text = exported(to, &path(next));
        assert_eq!(sorted(&text), sorted(&first));
    }
    // Who was signed in is, and the next task gets a number that none has had.
    let mut back = back;
    back.start(&[("REST_UNKNOWN_FIELDS", "keep")]).await;
    let shown = back.rest(&ann, "GET", "", None).await.expect(200);
    assert_eq!(shown, app.rest(&ann, "GET", "", None).await.expect(200));
    let number = |task: Value| task["id"].as_i64().unwrap();
    let next = number(back.rest_task(&ann, json!({ "title": "next" })).await);
    assert_eq!(next, number(app.rest_task(&ann, json!({ "title": "next" })).await));
    let sign_in = json!({ "email": "ann@example.com", "password": "correct-horse-1" });
    back.auth("/sign-in/email", sign_in).await.expect(200);
    let found = "{ searchTasks(text: \"quoted\") { totalCount } }";
    assert_eq!(back.graphql(&ann, found, json!({})).await.data()["searchTasks"]["totalCount"], 3);
}

#[tokio::test]
async fn a_file_that_was_cut_or_changed_is_refused_with_the_line() {
    let app = App::spawn().await;
    fill(&app).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file.jsonl");
    let text = exported(&app.database_url, &path);
    let lines: Vec<&str> = text.lines().collect();
    let ends = |count: usize| lines[..count].iter().map(|it| format!("{it}\n")).collect::<String>();
    let changed = |from: &str, to: &str| {
        assert!(text.contains(from), "{from}");
        text.replacen(from, to, 1)
    };
    let empty = App::unstarted().await;
    for (file, reason) in [
        (String::new(), "line 1: the first line must be"),
        (ends(1), "line 2: the file ends before its last line"),
        (ends(lines.len() - 1), "it was cut off"),
        (text.trim_end()[..text.len() - 9].to_owned(), "the line is cut off"),
        (changed("\"title\":\"part\"", "\"title\":\"Part\""), "it was changed"),
        (changed("\"completed\":true", "\"completed\":\"yes\""), "the column completed has no value of its type"),
        (changed("\"completed\":true", "\"complete\":true"), "the column completed has no value of its type"),
        (changed("\"table\":\"tasks\"", "\"table\":\"chores\""), "not a line of an export"),
        (changed("\"format\":1", "\"format\":2"), "the format is 2"),
        (changed("\"schema\":\"m", "\"schema\":\"x"), "by a Docket of the schema x"),
        (format!("{}\n{text}", lines[0]), "line 2: the first line is there twice"),
    ] {
        fs::write(&path, &file).unwrap();
        let file = path.to_str().unwrap();
        let (code, said) = command(&empty.database_url, &["import", "--all", "--dry-run", file], &[]);
        assert!(code == Some(2) && said.contains(reason), "{reason}: {said}");
        assert!(!said.contains("@example.com"), "{said}");
    }
    // One that was cut off is gone on with.
    fs::write(&path, ends(lines.len() - 5)).unwrap();
    let file = path.to_str().unwrap();
    assert_eq!(command(&empty.database_url, &["import", "--all", file], &[]).0, Some(2));
    fs::write(&path, &text).unwrap();
    let (code, said) = command(&empty.database_url, &["import", "--all", file], &[]);
    assert!(code == Some(2) && said.contains("2 accounts already"), "{said}");
    let (code, said) = command(&empty.database_url, &["import", "--all", "--resume", file], &[]);
    assert!(code == Some(0) && said.contains("is imported"), "{said}");
    let (code, said) = command(&app.database_url, &["export", "--all", file], &[]);
    assert!(code == Some(2) && said.contains("is there already"), "{said}");
    // Whoever is there already is not mixed up with those of the file.
    let other = App::spawn().await;
    other.person("ann").await;
    let (code, said) = command(&other.database_url, &["import", "--all", "--resume", file], &[]);
    assert!(code == Some(2) && said.contains("other rows were in the way"), "{said}");
    assert_eq!(Answer::of(other.request("GET", "/health/ready")).await.status, 200);
}
