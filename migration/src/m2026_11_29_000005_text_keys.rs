//! Keys by which titles, descriptions and names of labels are searched, ordered and compared, made by one folding and one
//! division into words for both databases (`entity::text`). Rows that are there get theirs.

use std::collections::HashSet;

use entity::text::{name_key, search_key};
use sea_orm_migration::{
    prelude::*,
    sea_orm::{ConnectionTrait, DbBackend, QueryResult, Statement, Value},
};

/// Adds the keys of tasks and their index of words, and folds the names of labels anew.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// How many tasks one statement changes.
const TASKS_AT_ONCE: usize = 500;
/// What is read of a task.
const TEXTS: &str = "title, description, title_key, description_key";
/// How many characters the name of a label has at most.
const MAX_LABEL_NAME: usize = 30;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        begin(manager).await?;
        let done = self.bring_over(manager).await;
        end(manager, done).await
    }

    async fn down(&self, _: &SchemaManager) -> Result<(), DbErr> {
        Err(DbErr::Migration("keys are never dropped by a migration".into()))
    }
}

impl Migration {
    async fn bring_over(&self, manager: &SchemaManager<'_>) -> Result<(), DbErr> {
        crate::execute(manager, SQLITE_COLUMNS, POSTGRES_COLUMNS).await?;
        let connection = manager.get_connection();
        key_tasks(connection).await?;
        key_labels(connection).await?;
        crate::execute(manager, SQLITE_SEARCH, POSTGRES_SEARCH).await
    }
}

/// Begins what is done wholly or not at all. On PostgreSQL all migrations are one transaction; SQLite has one connection
/// here, and a transaction or none.
pub(crate) async fn begin(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    crate::execute(manager, "savepoint bring_over", UNLIMITED).await
}

/// Ends it.
pub(crate) async fn end(manager: &SchemaManager<'_>, done: Result<(), DbErr>) -> Result<(), DbErr> {
    if manager.get_database_backend() == DbBackend::Sqlite {
        let connection = manager.get_connection();
        let undo = "rollback to bring_over; release bring_over";
        connection.execute_unprepared(if done.is_ok() { "release bring_over" } else { undo }).await?;
    }
    done
}

/// Gives all tasks the keys of today.
pub(crate) async fn key_tasks(connection: &impl ConnectionTrait) -> Result<(), DbErr> {
    let mut behind = None;
    while let Some(last) = key_some_tasks(connection, behind).await? {
        behind = Some(last);
    }
    Ok(())
}

/// The key of a task that no other has, as the database has it.
type TaskKey = (String, String);

/// Gives some tasks behind that one their keys, and tells which was the last of them.
async fn key_some_tasks(connection: &impl ConnectionTrait, behind: Option<TaskKey>) -> Result<Option<TaskKey>, DbErr> {
    let backend = connection.get_database_backend();
    let is_sqlite = backend == DbBackend::Sqlite;
    let (user, id) = behind.unwrap_or_default();
    let (sql, values): (String, Vec<Value>) = if is_sqlite {
        let number: i64 = id.parse().unwrap_or(i64::MIN);
        let sql = format!("select '', cast(number as text), {TEXTS} from tasks where number > ? order by number");
        (sql, vec![number.into()])
    } else {
        let from = if id.is_empty() { "$1 <> $2" } else { "(user_id, id) > ($1, $2::uuid)" };
        // Without a first one both are empty.
        let from = if id.is_empty() { from.replace("<>", "=") } else { from.to_owned() };
        let sql = format!("select user_id, id::text, {TEXTS} from tasks where {from} order by user_id, id");
        (sql, vec![user.into(), id.into()])
    };
    let sql = format!("{sql} limit {TASKS_AT_ONCE}");
    let rows = connection.query_all_raw(Statement::from_sql_and_values(backend, sql, values)).await?;
    let Some(last) = rows.last() else { return Ok(None) };
    let last = (last.try_get_by_index(0)?, last.try_get_by_index(1)?);
    let mut values: Vec<Value> = Vec::new();
    let mut count = 0;
    for row in &rows {
        let (user, id): (String, String) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        let (title, description): (String, Option<String>) = (row.try_get_by_index(2)?, row.try_get_by_index(3)?);
        let keys = (search_key(&title), description.map(|it| search_key(&it)));
        if keys == (row.try_get_by_index(4)?, row.try_get_by_index(5)?) {
            continue;
        }
        count += 1;
        if is_sqlite {
            values.push(id.parse::<i64>().map_err(|cause| DbErr::Type(cause.to_string()))?.into());
        } else {
            values.extend([user.into(), id.into()]);
        }
        values.extend([keys.0.into(), keys.1.into()]);
    }
    if count > 0 {
        let sql = if is_sqlite { sqlite_update(count) } else { postgres_update(count) };
        connection.execute_raw(Statement::from_sql_and_values(backend, sql, values)).await?;
    }
    Ok(Some(last))
}

fn sqlite_update(rows: usize) -> String {
    format!(
        "update tasks set title_key = given.column2, description_key = given.column3 \
         from (values {}) as given where tasks.number = given.column1",
        vec!["(?, ?, ?)"; rows].join(", ")
    )
}

fn postgres_update(rows: usize) -> String {
    let row = |at: usize| format!("(${}::text, ${}::uuid, ${}::text, ${}::text)", at + 1, at + 2, at + 3, at + 4);
    let rows: Vec<String> = (0..rows).map(|number| row(number * 4)).collect();
    format!(
        "update tasks set title_key = given.title, description_key = given.description \
         from (values {}) as given (owner, id, title, description) \
         where tasks.user_id = given.owner and tasks.id = given.id",
        rows.join(", ")
    )
}

/// Folds the names of labels. Of two that look the same from now on the newer one gets a number behind its name.
async fn key_labels(connection: &impl ConnectionTrait) -> Result<(), DbErr> {
    let backend = connection.get_database_backend();
    let sql = "select user_id, id, name, folded, case when deleted_at is null then 1 else 0 end from labels \
               order by user_id, created_at, id";
    let rows = connection.query_all_raw(Statement::from_string(backend, sql)).await?;
    let (mut owner, mut taken) = (String::new(), HashSet::new());
    for row in rows {
        let user: String = row.try_get_by_index(0)?;
        if user != owner {
            (owner, taken) = (user.clone(), HashSet::new());
        }
        let (name, folded): (String, String) = (row.try_get_by_index(2)?, row.try_get_by_index(3)?);
        let is_there = row.try_get_by_index::<i32>(4)? == 1;
        let (new_name, key) = free_name(&name, &taken, is_there);
        if is_there {
            taken.insert(key.clone());
        }
        if key != folded || new_name != name {
            rename_label(connection, &row, (&user, &new_name, &key), new_name != name).await?;
        }
    }
    Ok(())
}

/// The name and its key, or the first with a number behind it that none of those has.
pub(crate) fn free_name(name: &str, taken: &HashSet<String>, must_be_free: bool) -> (String, String) {
    let key_of = |name: &str| Some(name_key(name)).filter(|it| !it.is_empty()).unwrap_or_else(|| name.to_owned());
    let named = |number: usize| {
        let end = if number == 1 { String::new() } else { format!(" ({number})") };
        let begin: String = name.chars().take(MAX_LABEL_NAME.saturating_sub(end.len())).collect();
        format!("{}{end}", if number == 1 { name } else { begin.trim_end() })
    };
    let candidates = (1..).map(|number| (named(number), key_of(&named(number))));
    let mut free = candidates.filter(|(_, key)| !must_be_free || !taken.contains(key));
    free.next().unwrap_or_else(|| (name.to_owned(), key_of(name)))
}

/// Writes name and key of a label; a new name is a change that clients hear of.
async fn rename_label(
    connection: &impl ConnectionTrait,
    row: &QueryResult,
    (user, name, key): (&str, &str, &str),
    is_renamed: bool,
) -> Result<(), DbErr> {
    let backend = connection.get_database_backend();
    let is_sqlite = backend == DbBackend::Sqlite;
    let id: uuid::Uuid = row.try_get_by_index(1)?;
    let marks = |sql: &str| if is_sqlite { sql.to_owned() } else { numbered(sql) };
    let sql = "update labels set name = ?, folded = ? where user_id = ? and id = ?";
    let values: Vec<Value> = vec![name.into(), key.into(), user.into(), id.into()];
    connection.execute_raw(Statement::from_sql_and_values(backend, marks(sql), values)).await?;
    if is_renamed {
        let sql = "update owners set revision = revision + 1 where user_id = ?";
        connection.execute_raw(Statement::from_sql_and_values(backend, marks(sql), [user.into()])).await?;
        let sql = "update labels set revision = (select revision from owners where owners.user_id = labels.user_id) \
                   where user_id = ? and id = ?";
        let values: Vec<Value> = vec![user.into(), id.into()];
        connection.execute_raw(Statement::from_sql_and_values(backend, marks(sql), values)).await?;
    }
    Ok(())
}

/// The text with PostgreSQL's marks for values.
pub(crate) fn numbered(sql: &str) -> String {
    let mut parts = sql.split('?');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.zip(1..).fold(first, |text, (part, number)| format!("{text}${number}{part}"))
}

// Tables of any size are brought over, whatever a statement of a request may take.
const UNLIMITED: &str = "set local statement_timeout = 0; set local lock_timeout = 0";

const SQLITE_COLUMNS: &str = "
drop trigger tasks_search_insert;
drop trigger tasks_search_delete;
drop trigger tasks_search_update;
drop table tasks_search;
drop index tasks_title;
drop index labels_folded;
alter table tasks add column title_key text not null default '';
alter table tasks add column description_key text;
";

const POSTGRES_COLUMNS: &str = r#"
alter table tasks drop column search;
drop index tasks_title;
drop index labels_folded;
alter table tasks add column title_key text collate "C" not null default '';
alter table tasks add column description_key text collate "C";
"#;

// The owner is indexed with the words, so that a common word does not lead through everybody's tasks.
const SQLITE_SEARCH: &str = "
create index tasks_title on tasks (user_id, title_key, number) where deleted_at is null;
create unique index labels_folded on labels (user_id, folded) where deleted_at is null;
create virtual table tasks_search using fts5 (
  user_id, title_key, description_key, content = 'tasks', content_rowid = 'number', tokenize = 'ascii'
);
insert into tasks_search (tasks_search) values ('rebuild');
create trigger tasks_search_insert after insert on tasks begin
  insert into tasks_search (rowid, user_id, title_key, description_key)
  values (new.number, new.user_id, new.title_key, new.description_key);
end;
create trigger tasks_search_delete after delete on tasks begin
  insert into tasks_search (tasks_search, rowid, user_id, title_key, description_key)
  values ('delete', old.number, old.user_id, old.title_key, old.description_key);
end;
create trigger tasks_search_update after update of title_key, description_key on tasks begin
  insert into tasks_search (tasks_search, rowid, user_id, title_key, description_key)
  values ('delete', old.number, old.user_id, old.title_key, old.description_key);
  insert into tasks_search (rowid, user_id, title_key, description_key)
  values (new.number, new.user_id, new.title_key, new.description_key);
end;
";

// PostgreSQL's parsers have ideas of their own of what a word is. This divides as SQLite's `ascii` tokenizer does; a word
// has 64 characters at most, because PostgreSQL refuses a lexeme of more than 2 kB.
const POSTGRES_SEARCH: &str = r"
create index tasks_title on tasks (user_id, title_key, number) where deleted_at is null;
create unique index labels_folded on labels (user_id, folded) where deleted_at is null;
create function docket_words(key text) returns tsvector language sql immutable strict parallel safe as $$
  select coalesce(
    string_agg('''' || left(word, 64) || ''':' || least(place, 16383)::text, ' ')::tsvector, ''::tsvector
  )
  from regexp_split_to_table(key, '[\u0001-\u002F\u003A-\u0040\u005B-\u0060\u007B-\u007F]+') with ordinality as words (word, place)
  where word <> ''
$$;
alter table tasks add column search tsvector generated always as (
  setweight(docket_words(title_key), 'A') || setweight(docket_words(coalesce(description_key, '')), 'B')
) stored;
create index tasks_search on tasks using gin (search);
";
