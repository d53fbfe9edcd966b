//! Fills a database by SQL: users of equal size whose tasks were made in turn, as a server makes them.

use std::time::Instant;

use crate::support::{App, Person, Process, command};

/// How many tasks each user has.
pub const EACH: u64 = 100;
/// How many of the users have a session and send requests.
pub const PEOPLE: u64 = 16;
/// How many tasks one statement makes.
const PIECE: u64 = 500_000;

/// A database with users and their tasks, and a Docket on it.
pub struct Filled {
    pub app: App,
    pub process: Process,
    pub people: Vec<Person>,
}

impl Filled {
    /// So many tasks. Fails when `docket doctor` objects to them.
    pub async fn with(tasks: u64) -> Self {
        let start = Instant::now();
        let mut app = App::spawn().await;
        let mut people = Vec::new();
        for number in 0..PEOPLE {
            people.push(app.person(&format!("person{number}")).await);
        }
        // It would notice that indexes are away.
        app.stop().await;
        fill(&app, &people, tasks / EACH).await;
        let (code, said) = command(&app.database_url, &["doctor"], &[]);
        assert!(code == Some(0), "{code:?}: {said}");
        let process = Process::start(&app.database_url).await;
        app.base.clone_from(&process.base);
        let bytes: f64 =
            app.sql_text(if app.is_sqlite() { SQLITE_BYTES } else { POSTGRES_BYTES }).await.parse().unwrap();
        println!(
            "{tasks} tasks of {} users in {:.1?}: {:.0} bytes a task, users and all",
            tasks / EACH,
            start.elapsed(),
            bytes / tasks as f64
        );
        Self { app, process, people }
    }
}

async fn fill(app: &App, people: &[Person], users: u64) {
    let (make_users, make_tasks, indexes) = if app.is_sqlite() {
        (SQLITE_USERS, SQLITE_TASKS, SQLITE_INDEXES)
    } else {
        (POSTGRES_USERS, POSTGRES_TASKS, POSTGRES_INDEXES)
    };
    // They are spread over all.
    let step = (users / PEOPLE).max(1);
    let known: Vec<String> =
        people.iter().zip(0..).map(|(person, number)| format!("({}, '{}')", number * step, person.id)).collect();
    run(app, &make_users.replace("$users", &users.to_string()).replace("$known", &known.join(", "))).await;
    let indexes = app.sql_text(indexes).await;
    let names = indexes.lines().map(|it| it.split(' ').skip_while(|it| *it != "INDEX").nth(1).unwrap());
    for name in names {
        app.sql(&format!("drop index {name}")).await;
    }
    let rows = users * EACH;
    for first in (0..rows).step_by(usize::try_from(PIECE).unwrap()) {
        let piece = make_tasks
            .replace("$first", &first.to_string())
            .replace("$last", &(rows.min(first + PIECE) - 1).to_string())
            .replace("$users", &users.to_string());
        app.sql(&piece).await;
    }
    for index in indexes.lines() {
        let set =
            if app.is_sqlite() { "pragma cache_size = -200000; " } else { "set maintenance_work_mem = '256MB'; " };
        app.sql(&format!("{set}{index}")).await;
    }
    run(app, if app.is_sqlite() { "drop table growth; analyze" } else { "drop table growth;\nvacuum analyze" }).await;
}

/// Statements that end their lines.
async fn run(app: &App, script: &str) {
    for statement in script.split(";\n").filter(|it| !it.trim().is_empty()) {
        app.sql(statement).await;
    }
}

const SQLITE_INDEXES: &str = "
select group_concat(replace(sql, char(10), ' '), char(10)) from sqlite_master
where type = 'index' and tbl_name = 'tasks' and sql is not null";

const SQLITE_BYTES: &str = "select cast(page_count * page_size as text) from pragma_page_count, pragma_page_size";

const SQLITE_USERS: &str = r#"
create table growth (number integer primary key, id text not null, owner integer);
insert into growth (number, id) with recursive n (n) as (select 0 union all select n + 1 from n where n < $users - 1)
select n, lower(hex(randomblob(16))) from n;
insert or replace into growth (number, id) values $known;
insert or ignore into "user" ("id", "name", "email", "emailVerified", "createdAt", "updatedAt")
select id, 'Somebody', id || '@example.com', 0, '2026-01-01T00:00:00.000Z', '2026-01-01T00:00:00.000Z' from growth;
update growth set owner = coalesce((select id from owners where user_id = growth.id), (number + 1) * 48271 % 2147483647);
insert or ignore into owners (id, user_id) select owner, id from growth;
insert or replace into user_revisions (owner_id, revision) select owner, 100 from growth;
"#;

const SQLITE_TASKS: &str = "
pragma cache_size = -200000;
insert into tasks (id, owner_id, title, title_key, description, description_key, completed, priority, due_date, position, revision, created_at, updated_at)
with recursive n (n) as (select $first union all select n + 1 from n where n < $last),
  t (n, own, title, time) as (select n, n / $users, 'word' || (1000 + (n + n / $users * 7) % 1000) || ' task ' || n,
    strftime('%Y-%m-%dT%H:%M:%S', 1700000000 + n / 4, 'unixepoch') || printf('.%06dZ', n % 4 * 250000) from n)
select unhex(printf('%012x7', 1700000000000 + n * 250) || substr(hex(randomblob(10)), 1, 19)), growth.owner, title, title,
  case own % 3 when 0 then 'common' end, case own % 3 when 0 then 'common' end, own % 4 = 0, own % 4,
  case own % 5 when 0 then date('2026-01-01', '+' || (n % 3650) || ' days') end,
  printf('%013di', own), 1 + own, time, time
from t cross join growth on growth.number = n % $users";

const POSTGRES_INDEXES: &str = "
select string_agg(indexdef, chr(10)) from pg_indexes
where tablename = 'tasks' and schemaname = 'public' and indexname <> 'tasks_pkey'";

const POSTGRES_BYTES: &str = "select pg_database_size(current_database())::text";

const POSTGRES_USERS: &str = r#"
create table growth (number bigint primary key, id text not null, owner integer);
insert into growth (number, id) select n, md5('user' || n) from generate_series(0, $users - 1) as n;
insert into growth (number, id) values $known on conflict (number) do update set id = excluded.id;
insert into "user" ("id", "name", "email", "emailVerified")
select id, 'Somebody', id || '@example.com', false from growth on conflict do nothing;
update growth set owner = coalesce((select id from owners where user_id = growth.id), (number + 1) * 48271 % 2147483647);
insert into owners (id, user_id) select owner, id from growth on conflict do nothing;
insert into user_revisions (owner_id, revision) select owner, 100 from growth
on conflict (owner_id) do update set revision = excluded.revision;
analyze growth;
"#;

const POSTGRES_TASKS: &str = "
insert into tasks (id, owner_id, title, title_key, description, description_key, completed, priority, due_date, position, revision, created_at, updated_at)
select (lpad(to_hex(1700000000000 + n * 250), 12, '0') || '7' || substr(md5(n::text), 1, 19))::uuid, growth.owner, title, title,
  case own % 3 when 0 then 'common' end, case own % 3 when 0 then 'common' end, own % 4 = 0, own % 4,
  case own % 5 when 0 then date '2026-01-01' + (n % 3650)::int end,
  lpad(own::text, 13, '0') || 'i', 1 + own, to_timestamp(1700000000 + n / 4.0), to_timestamp(1700000000 + n / 4.0)
from (select n, n / $users as own, 'word' || (1000 + (n + n / $users * 7) % 1000) || ' task ' || n as title
  from generate_series($first::bigint, $last) as n) as t
join growth on growth.number = n % $users";
