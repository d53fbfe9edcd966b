//! How many bytes a task takes: tasks of some users, made in turn as a server does it, by table and index.

use serde_json::Value;

use super::support::App;

/// Whose tasks there are, and how many of all of them.
const USERS: u64 = 20;
const ROWS: u64 = 100_000;
/// How many bytes a task takes at most: a title of 20 characters, and nothing else that was said of it.
const MAX_ON_SQLITE: f64 = 525.0;
const MAX_ON_POSTGRES: f64 = 850.0;

/// Prints what a task takes, and fails when it is too much.
pub async fn check() {
    let app = App::spawn().await;
    let mut ids = Vec::new();
    for number in 0..USERS {
        let person = app.person(&format!("user{number}")).await;
        ids.push(format!("({number}, {})", app.owner(&person).await));
    }
    let (is_sqlite, users) = (app.is_sqlite(), ids.join(", "));
    let script = if is_sqlite { SQLITE } else { POSTGRES };
    app.sql(
        &script.replace("$users", &users).replace("$count", &USERS.to_string()).replace("$rows", &ROWS.to_string()),
    )
    .await;
    let sizes = app.sql_text(if is_sqlite { SQLITE_SIZES } else { POSTGRES_SIZES }).await;
    let mut sizes: Vec<(String, f64)> = serde_json::from_str::<Value>(&sizes)
        .unwrap()
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, bytes)| (name.clone(), bytes.as_f64().unwrap() / ROWS as f64))
        .collect();
    sizes.sort_by(|(_, one), (_, other)| other.total_cmp(one));
    for (name, bytes) in &sizes {
        println!("{bytes:>10.1} bytes of a task in {name}");
    }
    let all: f64 = sizes.iter().map(|(_, bytes)| bytes).sum();
    let most = if is_sqlite { MAX_ON_SQLITE } else { MAX_ON_POSTGRES };
    println!("{all:>10.1} bytes a task, at most {most}");
    assert!(sizes.len() > 10 && all > 100.0, "not all is counted: {sizes:?}");
    assert!(all <= most, "a task takes too much: {all} bytes");
}

const SQLITE: &str = "
insert into user_revisions (owner_id, revision) with users (number, id) as (values $users) select id, $rows from users;
insert into tasks (id, owner_id, title, title_key, position, revision, created_at, updated_at)
with recursive users (number, id) as (values $users),
  n (n) as (select 0 union all select n + 1 from n where n < $rows - 1),
  t (n, title, time) as (select n, 'plant' || (10 + n % 89) || ' with water' || (10 + n * 31 % 83),
    strftime('%Y-%m-%dT%H:%M:%S', 1700000000 + n / 4, 'unixepoch') || printf('.%06dZ', n % 4 * 250000) from n)
select unhex(printf('%012x7', 1700000000000 + n * 250) || substr(hex(randomblob(10)), 1, 19)), users.id, title, title,
  printf('%013di', n / $count), 1 + n / $count, time, time
from t join users on users.number = n % $count order by n;
";

const SQLITE_SIZES: &str = "
select json_group_object(name, bytes) from (
  select name, sum(pgsize) as bytes from dbstat
  where name in (select name from sqlite_master where tbl_name = 'tasks') or name like 'tasks_search%'
  group by name
)";

const POSTGRES: &str = "
insert into user_revisions (owner_id, revision) select column2, $rows from (values $users) as users;
insert into tasks (id, owner_id, title, title_key, position, revision, created_at, updated_at)
select (lpad(to_hex(1700000000000 + n * 250), 12, '0') || '7' || substr(md5(n::text), 1, 19))::uuid, users.column2, title, title,
  lpad((n / $count)::text, 13, '0') || 'i', 1 + n / $count, to_timestamp(1700000000 + n / 4.0), to_timestamp(1700000000 + n / 4.0)
from (select n, 'plant' || (10 + n % 89) || ' with water' || (10 + n * 31 % 83) as title
  from generate_series(0::bigint, $rows - 1) as n) as t
join (values $users) as users on users.column1 = n % $count order by n;
";

const POSTGRES_SIZES: &str = "
select json_object_agg(name, bytes)::text from (
  select 'tasks' as name, pg_table_size('tasks') as bytes
  union all select indexrelid::regclass::text, pg_relation_size(indexrelid) from pg_index
  where indrelid = 'tasks'::regclass
) as sizes";
