//! Tables of users that are distributed by their owner, as on a cluster: each statement is about one owner, and what is away
//! keeps others from nothing. See docs/operations.md#several-nodes. With `DOCKET_TEST_DISTRIBUTED` the whole suite has such
//! tables, and `statements` looks at the plan of each statement.

use serde_json::json;

use crate::support::{App, at_once, distributed_database, statements::Statements};

#[tokio::test]
async fn what_several_users_do_at_the_same_time_shares_no_statement() {
    if App::unstarted().await.is_sqlite() {
        return;
    }
    let mut app = App::on(distributed_database().await);
    app.start(&[]).await;
    let people = [app.person("ann").await, app.person("bob").await];
    let statements = Statements::listen();
    at_once(40, async |number| {
        let person = &people[number % 2];
        app.rest_task(person, json!({ "title": format!("task {number}") })).await;
        app.graphql(person, "{ tasks(first: 3) { edges { node { title } } } }", json!({})).await.data();
    })
    .await;
    let heard = statements.take_on_data();
    assert!(heard.len() > 80, "{heard:#?}");
    for statement in &heard {
        assert!(!statement.contains("union all") && !statement.contains("skip locked"), "{statement}");
    }
    for person in &people {
        let tasks = app.rest(person, "GET", "", None).await.expect(200);
        assert_eq!(tasks.as_array().unwrap().len(), 20);
    }
}

/// What PostgreSQL says there where the node of an owner does not answer.
#[tokio::test]
async fn a_node_that_is_away_concerns_its_users_alone() {
    let app = App::spawn_with(&[("RATE_LIMIT", "off")]).await;
    if app.is_sqlite() {
        return;
    }
    let (ann, bob) = (app.person("ann").await, app.person("bob").await);
    app.sql(&format!(
        "create function away() returns trigger language plpgsql as $$ begin \
           if new.owner_id <> {} then raise 'connection to the remote node failed' using errcode = '08006'; end if; \
           return new; end $$; \
         create trigger away before insert on user_revisions for each row execute function away()",
        app.owner(&ann).await
    ))
    .await;
    let refused = app.rest(&bob, "POST", "", Some(json!({ "title": "of bob" }))).await;
    refused.expect(503);
    assert_eq!(refused.header("Retry-After"), "1");
    app.rest_task(&ann, json!({ "title": "of ann" })).await;
    // Of which a proof knows nothing new.
    let ready = app.request("GET", "/health/ready").send().await.unwrap();
    assert_eq!(ready.status(), 200, "{}", ready.text().await.unwrap());
}
