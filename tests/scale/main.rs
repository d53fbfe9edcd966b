//! A million tasks of one user: no list that a client can ask for may scan a table, a page at the far end may not cost
//! more than the first, and who deletes them keeps nobody from writing. Plans are read, not clocks; times are printed
//! for people. On SQLite, or on PostgreSQL when `DOCKET_TEST_POSTGRES` names a server.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a check that cannot go on has failed")]
#![expect(clippy::print_stdout, reason = "a program that reports to people")]

mod sessions;
mod size;
#[expect(dead_code, reason = "shared with the suite, which uses all of it")]
#[path = "../it/support.rs"]
mod support;

use std::time::{Duration, Instant};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::json;
use sqlx::{Connection, Row, SqliteConnection};

use self::support::{Answer, App, PASSWORD, Person, statements::Statements};

impl Statements {
    /// What the database itself told since the last call.
    fn take_notices(&self) -> Vec<String> {
        std::mem::take(&mut self.heard.lock().unwrap().1)
    }
}

const ROWS: u64 = 1_000_000;
/// How much more a far page may read than the first.
const FAR: f64 = 1.2;
/// How many more buffers it may be because its rows begin and end at other places of their pages.
const PAGES: f64 = 3.0;

/// Orders that no index has: all tasks of their owner are looked at, a million of them within this time.
const SORTED: [&str; 1] = ["[{ by: PRIORITY }, { by: DUE, nulls: FIRST }]"];
const SORTING: Duration = Duration::from_secs(5);

fn main() {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(check());
}

async fn check() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.as_slice() {
        [] => {}
        [one] if one.starts_with("sessions=") => return sessions::check(one["sessions=".len()..].parse().ok()).await,
        _ => panic!("usage: scale [sessions=NUMBER]"),
    }
    size::check().await;
    sessions::check(None).await;
    let mut app = App::spawn().await;
    let ann = app.person("ann").await;
    let is_sqlite = app.is_sqlite();
    let start = Instant::now();
    fill(&app, &ann, is_sqlite).await;
    println!("{ROWS} tasks on {} in {:?}", if is_sqlite { "SQLite" } else { "PostgreSQL" }, start.elapsed());
    // New connections, which explain what they do. There are few, so that the next statements bring what PostgreSQL
    // said about the last.
    app.restart(&[("DATABASE_MAX_CONNECTIONS", "2")]).await;

    let mut checked = 0;
    for (name, document) in documents() {
        let statements = Statements::listen();
        let answer = timed(&name, ask(&app, &ann, &document)).await;
        answer.data();
        let plans = plans(&app, &statements, is_sqlite).await;
        assert!(!plans.is_empty(), "{name}: nothing was heard");
        for plan in plans {
            assert_no_scan(&name, &plan);
            checked += 1;
        }
    }
    for order in SORTED {
        let document = format!("{{ tasks(order: {order}) {{ nodes {{ id }} pageInfo {{ endCursor }} }} }}");
        let start = Instant::now();
        timed(order, ask(&app, &ann, &document)).await.data();
        assert!(start.elapsed() < SORTING, "{order} takes too long");
    }
    for path in
        ["?limit=20", "?status=pending&limit=20", "?sort=title&limit=20&priority=high", "?sort=due_date&limit=20"]
    {
        let statements = Statements::listen();
        timed(path, app.rest(&ann, "GET", path, None)).await.expect(200);
        plans(&app, &statements, is_sqlite).await.iter().for_each(|plan| assert_no_scan(path, plan));
    }
    // Of five tasks one is due.
    let path = format!("?sort=due_date&limit=20&offset={}", ROWS / 5);
    let page = timed(&path, app.rest(&ann, "GET", &path, None)).await.expect(200);
    let first = app.sql_text("select cast(min(number) as text) from tasks where due_order is null").await;
    assert_eq!((page[0]["id"].to_string(), &page[0]["due_date"]), (first, &json!(null)), "the first that is not due");
    compare_ends(&app, &ann, is_sqlite).await;
    println!("{checked} plans read, none scans a table");
    delete_beside(&app, &ann).await;
    println!("1 passed, 0 failed");
}

/// Every filter and order that a list view uses.
fn documents() -> Vec<(String, String)> {
    let mut documents = Vec::new();
    for by in ["CREATED_AT", "UPDATED_AT", "TITLE", "DUE", "PRIORITY", "POSITION"] {
        for direction in ["ASC", "DESC"] {
            documents.push((
                format!("by {by} {direction}"),
                format!("{{ tasks(order: {{ by: {by}, direction: {direction} }}) {{ nodes {{ id title }} }} }}"),
            ));
        }
    }
    for order in [
        "{ by: COMPLETED_AT }",
        "{ by: COMPLETED_AT, direction: ASC, nulls: FIRST }",
        "{ by: DUE, nulls: FIRST }",
        "[{ by: DUE }, { by: TITLE }]",
    ] {
        documents.push((order.to_owned(), format!("{{ tasks(order: {order}) {{ nodes {{ id title }} }} }}")));
    }
    let list = "00000000-0000-0000-0000-000000000003";
    for filter in [
        "completed: false".to_owned(),
        "priority: { in: [HIGH, URGENT] }".to_owned(),
        format!("listId: {{ eq: \"{list}\" }}"),
        "listId: { isNull: true }".to_owned(),
        format!("labels: {{ any: [\"{list}\"] }}"),
        format!("labels: {{ all: [\"{list}\"] }}"),
        format!("labels: {{ none: [\"{list}\"] }}"),
        "labels: { isEmpty: true }".to_owned(),
        format!("ids: [\"{list}\"]"),
        "title: { eq: \"word77 task 77\" }".to_owned(),
        "priority: { gte: HIGH }".to_owned(),
        "dueDate: { gte: \"2030-01-01\", lt: \"2030-02-01\" }".to_owned(),
        "dueAt: { lt: \"2030-01-01T00:00:00Z\" }".to_owned(),
        "createdAt: { gte: \"2023-11-20T00:00:00Z\", lt: \"2023-11-21T00:00:00Z\" }".to_owned(),
        "updatedAt: { gte: \"2023-11-20T00:00:00Z\" }".to_owned(),
        "completedAt: { gte: \"2023-11-20T00:00:00Z\" }".to_owned(),
        format!("or: [{{ listId: {{ eq: \"{list}\" }} }}, {{ not: {{ labels: {{ any: [\"{list}\"] }} }} }}]"),
        "parentId: { isNull: true }".to_owned(),
        "due: { gte: \"2030-01-01T00:00:00Z\", lt: \"2030-01-02T00:00:00Z\" }".to_owned(),
        "overdue: { timeZone: \"Europe/Berlin\" }".to_owned(),
        "search: \"word77 common\"".to_owned(),
    ] {
        documents.push((filter.clone(), format!("{{ tasks(filter: {{ {filter} }}) {{ nodes {{ id }} }} }}")));
    }
    documents.extend([
        ("search".into(), "{ searchTasks(text: \"word77 common\") { nodes { title } } }".into()),
        ("relations".into(), "{ tasks { nodes { list { name } labels { name } subtasks { nodes { title } } } } }".into()),
        ("lists".into(), "{ taskLists { tasks(first: 5) { nodes { title } } } }".into()),
        ("labels".into(), "{ labels { tasks(first: 5) { nodes { title } } } }".into()),
        ("trash".into(), "{ deletedTasks { totalCount nodes { title } } }".into()),
        ("changes".into(), "{ changes(kinds: [TASK]) { changes { nodeId } } }".into()),
        (
            "a list in its order".into(),
            format!("{{ tasks(filter: {{ listId: {{ eq: \"{list}\" }} }}, order: {{ by: POSITION }}) {{ nodes {{ id }} }} }}"),
        ),
    ]);
    documents
}

async fn ask(app: &App, person: &Person, document: &str) -> Answer {
    app.graphql(person, document, json!({})).await
}

async fn timed<T>(name: &str, work: impl Future<Output = T>) -> T {
    let start = Instant::now();
    let result = work.await;
    println!("{:>10.1?}  {name}", start.elapsed());
    result
}

fn assert_no_scan(name: &str, plan: &str) {
    // Counting all of somebody's tasks looks at all of them, by index or not.
    if plan.contains("COUNT(*)") {
        return;
    }
    for word in ["SCAN tasks", "SCAN lists", "SCAN labels", "SCAN task_labels", "Seq Scan on tasks"] {
        // SQLite's full-text index says SCAN of a virtual table, which is the look-up itself.
        let is_scan = plan
            .lines()
            .any(|line| line.contains(word) && !line.contains("VIRTUAL TABLE") && !line.contains("tasks_search"));
        assert!(!is_scan, "{name} scans:\n{plan}");
    }
}

/// The plans of the statements that were heard.
async fn plans(app: &App, statements: &Statements, is_sqlite: bool) -> Vec<String> {
    if !is_sqlite {
        for _ in 0..4 {
            Answer::of(app.request("GET", "/health/ready")).await.expect(200);
        }
        return statements.take_notices().into_iter().filter(|it| it.contains("owner_id")).collect();
    }
    let mut connection = SqliteConnection::connect(&app.database_url).await.unwrap();
    let mut plans = Vec::new();
    for statement in statements.take().into_iter().filter(|it| it.starts_with("SELECT")) {
        let explain = sqlx::AssertSqlSafe(format!("explain query plan {statement}"));
        let rows = sqlx::query(explain).fetch_all(&mut connection).await.unwrap();
        let lines: Vec<String> = rows.iter().map(|row| row.get::<String, _>("detail")).collect();
        plans.push(format!("{}\n  {statement}", lines.join("\n")));
    }
    plans
}

/// The first page and one near the other end, in the default order and by title.
async fn compare_ends(app: &App, person: &Person, is_sqlite: bool) {
    // With the code of the default order.
    let row = "select cast(number as text) || '.3.' || created from far_task";
    let cursor = URL_SAFE_NO_PAD.encode(app.sql_text(row).await);
    let first = "{ tasks { nodes { id title } } }".to_owned();
    let far = format!("{{ tasks(after: \"{cursor}\") {{ nodes {{ id title }} }} }}");
    let (mut costs, mut times) = (Vec::new(), Vec::new());
    for document in [first, far] {
        let statements = Statements::listen();
        let answer = ask(app, person, &document).await.data();
        assert_eq!(answer["tasks"]["nodes"].as_array().unwrap().len(), 20);
        if !is_sqlite {
            costs.push(plans(app, &statements, false).await.iter().map(|plan| buffers(plan)).sum::<f64>());
        }
        let mut durations = Vec::new();
        for _ in 0..200 {
            let start = Instant::now();
            ask(app, person, &document).await.data();
            durations.push(start.elapsed());
        }
        durations.sort_unstable();
        times.push(durations[100]);
    }
    println!("first page {:?}, far page {:?}", times[0], times[1]);
    if !is_sqlite {
        println!("first page {} buffers, far page {} buffers", costs[0], costs[1]);
        assert!(costs[1] <= costs[0] * FAR + PAGES, "a far page reads more: {costs:?}");
    }
    assert!(times[1] < times[0] * 10 + Duration::from_millis(50), "a far page is another kind of query: {times:?}");
}

/// How many buffers the top of a plan of PostgreSQL has touched.
fn buffers(plan: &str) -> f64 {
    let line = plan.lines().find(|it| it.trim_start().starts_with("Buffers:")).unwrap_or_default();
    let numbers = line.split(['=', ' ']).filter_map(|it| it.parse::<f64>().ok());
    numbers.sum()
}

/// Deletes the account beside somebody who makes tasks, and is not kept from it.
async fn delete_beside(app: &App, person: &Person) {
    let bob = app.person("bob").await;
    let password = json!({ "password": PASSWORD });
    let request = app.request("POST", "/api/auth/delete-user").bearer_auth(&person.session).json(&password);
    let deleting = timed("delete the account", Answer::of(request));
    let making = async {
        let mut longest = Duration::ZERO;
        for _ in 0..50 {
            let start = Instant::now();
            app.rest_task(&bob, json!({ "title": "beside" })).await;
            longest = longest.max(start.elapsed());
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        println!("{longest:>10.1?}  make a task meanwhile, at most");
    };
    let (deleted, ()) = tokio::join!(deleting, making);
    deleted.expect(200);
}

async fn fill(app: &App, person: &Person, is_sqlite: bool) {
    let script = if is_sqlite { SQLITE } else { POSTGRES };
    for statement in script.replace("$owner", &app.owner(person).await).replace("$rows", &ROWS.to_string()).split(";\n")
    {
        if !statement.trim().is_empty() {
            app.sql(statement).await;
        }
    }
    if !is_sqlite {
        let name = app.database_url.rsplit('/').next().unwrap();
        for setting in [
            "session_preload_libraries = 'auto_explain'",
            "auto_explain.log_min_duration = 0",
            "auto_explain.log_level = 'notice'",
            "auto_explain.log_analyze = on",
            "auto_explain.log_buffers = on",
        ] {
            app.sql(&format!("alter database {name} set {setting}")).await;
        }
    }
}

const SQLITE: &str = "
insert into user_revisions (owner_id, revision) values ($owner, $rows + 100);
insert into lists (id, owner_id, name, position, revision, created_at, updated_at)
values (x'00000000000000000000000000000003', $owner, 'list', 'a', $rows + 1, '2026-01-01T00:00:00.000000Z', '2026-01-01T00:00:00.000000Z');
insert into labels (id, owner_id, name, name_key, revision, created_at, updated_at)
values (x'00000000000000000000000000000003', $owner, 'label', 'label', $rows + 2, '2026-01-01T00:00:00.000000Z', '2026-01-01T00:00:00.000000Z');
insert into tasks (id, owner_id, list_id, title, title_key, description, description_key, completed, priority, due_date, position, revision, created_at, updated_at)
with recursive n (n) as (select 1 union all select n + 1 from n where n < $rows)
select randomblob(16), $owner, case n % 50 when 3 then x'00000000000000000000000000000003' end,
  'word' || (n % 1000) || ' task ' || n, 'word' || (n % 1000) || ' task ' || n,
  case n % 3 when 0 then 'common' end, case n % 3 when 0 then 'common' end, n % 4 = 0, n % 4,
  case n % 5 when 0 then date('2026-01-01', '+' || (n % 3650) || ' days') end,
  printf('%013di', n), n, strftime('%Y-%m-%dT%H:%M:%S', 1700000000 + n, 'unixepoch') || '.000000Z',
  strftime('%Y-%m-%dT%H:%M:%S', 1700000000 + n, 'unixepoch') || '.000000Z' from n;
insert into task_labels (owner_id, task_id, label_id, sort_order)
select owner_id, id, x'00000000000000000000000000000003', 0 from tasks where number % 100 = 0;
create table far_task as select number, 't' || (strftime('%s', substr(created_at, 1, 19)) * 1000000) as created from tasks order by number limit 1 offset 30;
analyze;
";

const POSTGRES: &str = "
insert into user_revisions (owner_id, revision) values ($owner, $rows + 100);
insert into lists (id, owner_id, name, position, revision) values ('00000000-0000-0000-0000-000000000003', $owner, 'list', 'a', $rows + 1);
insert into labels (id, owner_id, name, name_key, revision)
values ('00000000-0000-0000-0000-000000000003', $owner, 'label', 'label', $rows + 2);
insert into tasks (id, owner_id, list_id, title, title_key, description, description_key, completed, priority, due_date, position, revision, created_at, updated_at)
select gen_random_uuid(), $owner, case n % 50 when 3 then '00000000-0000-0000-0000-000000000003'::uuid end,
  'word' || (n % 1000) || ' task ' || n, 'word' || (n % 1000) || ' task ' || n,
  case n % 3 when 0 then 'common' end, case n % 3 when 0 then 'common' end, n % 4 = 0, n % 4,
  case n % 5 when 0 then date '2026-01-01' + (n % 3650) end,
  lpad(n::text, 13, '0') || 'i', n, to_timestamp(1700000000 + n), to_timestamp(1700000000 + n)
from generate_series(1, $rows) as n;
insert into task_labels (owner_id, task_id, label_id, sort_order)
select owner_id, id, '00000000-0000-0000-0000-000000000003', 0 from tasks where number % 100 = 0;
create table far_task as select number, 't' || (extract(epoch from created_at)::bigint * 1000000) as created from tasks order by number limit 1 offset 30;
vacuum analyze;
";
