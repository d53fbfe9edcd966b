//! Isolation in the statements themselves: each names the owner of the rows that it reads or changes, and leans on no
//! constraint. `statements` looks at all that the suite sends.

use serde_json::json;
use sqlx::Executor;

use super::support::{
    App, PASSWORD, Person, beside_servers,
    statements::{of_several_partitions, unnamed_owner},
};

#[test]
fn a_statement_that_looks_at_partitions_of_several_owners_is_noticed() {
    let scan = |part: &u8| json!({ "Node Type": "Index Scan", "Relation Name": format!("tasks_part{part}") });
    let plan = |text, parts: &[u8]| {
        let plans: Vec<_> = parts.iter().map(scan).collect();
        json!({ "Query Text": text, "Plan": { "Node Type": "Append", "Plans": plans } }).to_string()
    };
    let text = "select * from tasks where number = $1";
    assert!(of_several_partitions(&plan(text, &[0, 3])).is_some_and(|it| it == format!("2 partitions: {text}")));
    assert_eq!(of_several_partitions(&plan(text, &[3, 3])), None);
    // Of those that are about all users it is expected.
    assert_eq!(
        of_several_partitions(&plan("select distinct tasks.owner_id from tasks where tasks.deleted_at < $1", &[0, 3])),
        None
    );
}

#[test]
fn a_statement_that_leans_on_a_constraint_is_noticed() {
    let outer = r#"UPDATE "tasks" SET "completed" = $1 FROM (SELECT "number" AS "n" FROM "tasks" WHERE
        "tasks"."owner_id" = $2) AS "ranked" WHERE "tasks"."number" = "ranked"."n""#;
    assert!(unnamed_owner(outer).is_some_and(|it| it.starts_with("update tasks")));
    let whole = format!("{outer} AND \"tasks\".\"owner_id\" = $3");
    assert_eq!(unnamed_owner(&whole), None);
    for (statement, is_named) in [
        (
            r#"DELETE FROM "tasks" WHERE "number" IN (SELECT "number" FROM "tasks" WHERE "owner_id" = $1 LIMIT 10)"#,
            false,
        ),
        (r#"SELECT "id" FROM "tasks" WHERE "tasks"."title" = ' owner_id = ' "#, false),
        (
            r#"SELECT "id" FROM "tasks" JOIN "lists" ON "lists"."id" = "tasks"."list_id" WHERE "tasks"."owner_id" = ?"#,
            false,
        ),
        (r#"insert into tasks (id, title) values (?, ?)"#, false),
        (
            r#"insert into user_revisions (owner_id, revision) values (?1, 1); select id from labels where id = ?"#,
            false,
        ),
        (
            r#"insert into user_revisions (owner_id, revision) values (?1, 1); select id from labels where owner_id = ?"#,
            true,
        ),
        (r#"select "id" from "session" where "token" = ?"#, true),
    ] {
        assert_eq!(unnamed_owner(statement).is_none(), is_named, "{statement}");
    }
}

/// As in databases that were merged: the owner is all that tells the tasks apart. On SQLite the number is the key of the
/// table, and cannot be the same.
#[tokio::test]
async fn equal_numbers_of_two_users_cross_nowhere() {
    let app = App::spawn().await;
    if app.is_sqlite() {
        return;
    }
    let (ann, bob) = (app.person("ann").await, app.person("bob").await);
    let mut ids = Vec::new();
    for person in [&ann, &bob] {
        for title in ["one", "two", "three"] {
            ids.push((person, app.task(person, title).await));
        }
    }
    let mut connection = beside_servers(&app.database_url).await;
    connection.execute("update tasks set number = revision").await.unwrap();
    let before = state(&app, &bob).await;
    let anns: Vec<&str> = ids.iter().filter(|(person, _)| person.id == ann.id).map(|(_, id)| id.as_str()).collect();

    let variables = json!({ "ids": anns, "one": anns[0], "two": anns[1] });
    for mutation in [
        "($ids: [ID!]!) { setTasksCompleted(input: { selection: { ids: $ids }, completed: true }) { __typename } }",
        "($one: ID!) { updateTask(input: { id: $one, title: \"of ann\", priority: HIGH }) { task { id } } }",
        "($one: ID!, $two: ID!) { moveTask(input: { id: $one, position: { after: $two } }) { task { id } } }",
        "($one: ID!) { deleteTask(input: { id: $one }) { __typename } }",
        "($one: ID!) { restoreTask(input: { id: $one }) { task { id } } }",
        "($ids: [ID!]!) { deleteTasks(input: { selection: { ids: $ids } }) { __typename } }",
    ] {
        app.graphql(&ann, &format!("mutation{mutation}"), variables.clone()).await.data();
        assert_eq!(state(&app, &bob).await, before, "{mutation}");
    }
    app.rest_task(&ann, json!({ "title": "four" })).await;
    connection
        .execute("update tasks set number = number + 1000 where title = 'two' and deleted_at is not null")
        .await
        .unwrap();
    connection.execute("update tasks set number = 2 where title = 'four'").await.unwrap();
    app.rest(&ann, "PATCH", "/2/complete", None).await.expect(200);
    app.rest(&ann, "PUT", "/2", Some(json!({ "title": "of ann" }))).await.expect(200);
    assert_eq!(app.rest(&ann, "DELETE", "/2", None).await.status, 204);
    assert_eq!(state(&app, &bob).await, before, "by number");
    connection
        .execute("update tasks set deleted_at = now() - interval '40 days' where deleted_at is not null")
        .await
        .unwrap();
    assert!(app.services().purge(chrono::Utc::now()).await.failed.is_empty());
    assert_eq!(state(&app, &bob).await, before, "a purge");
    let body = json!({ "password": PASSWORD });
    let gone = app.request("POST", "/api/auth/delete-user").bearer_auth(&ann.session).json(&body).send().await.unwrap();
    assert_eq!(gone.status(), 200);
    assert_eq!(state(&app, &bob).await, before, "the end of an account");
}

/// All that somebody's tasks are.
async fn state(app: &App, person: &Person) -> String {
    let sql = "select string_agg(tasks::text, ' ' order by id) from tasks where owner_id = ";
    app.sql_text(&format!("{sql}{}", app.owner(person).await)).await
}
