//! On SQLite the tables are made anew, with all that belongs to them.

use sea_orm_migration::{
    prelude::*,
    sea_orm::{ConnectionTrait, DbBackend, Statement},
};

use super::INDEXES;
use crate::m2026_11_29_000005_text_keys::{begin, end};

pub(super) async fn up(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    begin(manager).await?;
    let done = bring_over(manager.get_connection()).await;
    end(manager, done).await
}

async fn bring_over(connection: &impl ConnectionTrait) -> Result<(), DbErr> {
    connection.execute_unprepared(OWNERS).await?;
    // A user whose number was taken gets another one.
    while has_users_without_number(connection).await? {
        connection.execute_unprepared(NUMBERS).await?;
    }
    connection.execute_unprepared(ASIDE).await?;
    connection.execute_unprepared(TABLES).await?;
    connection.execute_unprepared(ROWS).await?;
    connection.execute_unprepared(END).await?;
    let indexes = INDEXES.iter().map(|it| format!("{} {} on {};", it.create(), it.name, it.on));
    connection.execute_unprepared(&indexes.collect::<String>()).await?;
    connection.execute_unprepared(REST).await.map(drop)
}

async fn has_users_without_number(connection: &impl ConnectionTrait) -> Result<bool, DbErr> {
    let statement = Statement::from_string(DbBackend::Sqlite, "select 1 from users_without_number limit 1");
    connection.query_one_raw(statement).await.map(|it| it.is_some())
}

const OWNERS: &str = "
create table owners (
  id integer primary key,
  user_id text not null unique
);
create temp table users_without_number (user_id text not null primary key) without rowid;
insert into users_without_number
  select user_id from user_revisions union select user_id from tasks union select user_id from lists
  union select user_id from labels union select user_id from task_labels union select user_id from idempotency_keys;
";

const NUMBERS: &str = "
insert or ignore into owners (id, user_id)
  select abs(random() % 2147483646) + 1, user_id from users_without_number;
delete from users_without_number where user_id in (select user_id from owners)";

// The tables of before go with their indexes. Foreign keys between them go along, so that no row is deleted with another.
const ASIDE: &str = "
drop table users_without_number;
drop trigger tasks_search_insert;
drop trigger tasks_search_delete;
drop trigger tasks_search_update;
drop table tasks_search;
alter table user_revisions rename to old_user_revisions;
alter table tasks rename to old_tasks;
alter table lists rename to old_lists;
alter table labels rename to old_labels;
alter table task_labels rename to old_task_labels;
alter table idempotency_keys rename to old_idempotency_keys;
";

const TABLES: &str = "
create table user_revisions (
  owner_id integer not null primary key references owners (id),
  revision bigint not null default 0,
  purged_through bigint not null default 0
);
create table tasks (
  number integer not null primary key autoincrement,
  id blob not null,
  owner_id integer not null,
  parent_id blob,
  list_id blob,
  title text not null,
  description text,
  completed integer not null default 0,
  completed_at text,
  priority integer not null default 1,
  due_date text,
  due_at text,
  due_zone text,
  due_order text generated always as (coalesce(due_at, due_date || 'T00:00:00.000000Z')) virtual,
  position text not null,
  revision integer not null,
  created_at text not null,
  updated_at text not null,
  deleted_at text,
  title_key text not null default '',
  description_key text,
  extra text,
  unique (owner_id, id),
  check (due_date is null or due_at is null),
  check ((due_at is null) = (due_zone is null))
);
create table lists (
  id blob not null,
  owner_id integer not null,
  name text not null,
  color text,
  position text not null,
  archived integer not null default 0,
  revision integer not null,
  created_at text not null,
  updated_at text not null,
  deleted_at text,
  primary key (owner_id, id)
) without rowid;
create table labels (
  id blob not null,
  owner_id integer not null,
  name text not null,
  name_key text not null,
  color text,
  revision integer not null,
  created_at text not null,
  updated_at text not null,
  deleted_at text,
  primary key (owner_id, id)
) without rowid;
create table task_labels (
  owner_id integer not null,
  task_id blob not null,
  label_id blob not null,
  sort_order integer not null,
  primary key (owner_id, task_id, label_id),
  foreign key (owner_id, task_id) references tasks (owner_id, id) on delete cascade,
  foreign key (owner_id, label_id) references labels (owner_id, id) on delete cascade
) without rowid;
create table idempotency_keys (
  owner_id integer not null,
  key text not null,
  fingerprint blob not null,
  status integer not null default 0,
  headers text not null default '',
  body text not null default '',
  created_at text not null,
  primary key (owner_id, key)
) without rowid;
";

// `cross join` goes through the rows of before in their order.
const ROWS: &str = "
insert into user_revisions (owner_id, revision, purged_through)
  select owners.id, revision, purged_through
  from old_user_revisions as old cross join owners on owners.user_id = old.user_id;
insert into tasks (number, id, owner_id, parent_id, list_id, title, description, completed, completed_at, priority,
    due_date, due_at, due_zone, position, revision, created_at, updated_at, deleted_at, title_key, description_key, extra)
  select number, old.id, owners.id, parent_id, list_id, title, description, completed, completed_at, priority,
    due_date, due_at, due_zone, position, revision, created_at, updated_at, deleted_at, title_key, description_key, extra
  from old_tasks as old cross join owners on owners.user_id = old.user_id order by number;
insert into lists (id, owner_id, name, color, position, archived, revision, created_at, updated_at, deleted_at)
  select old.id, owners.id, name, color, position, archived, revision, created_at, updated_at, deleted_at
  from old_lists as old cross join owners on owners.user_id = old.user_id;
insert into labels (id, owner_id, name, name_key, color, revision, created_at, updated_at, deleted_at)
  select old.id, owners.id, name, name_key, color, revision, created_at, updated_at, deleted_at
  from old_labels as old cross join owners on owners.user_id = old.user_id;
insert into task_labels (owner_id, task_id, label_id, sort_order)
  select owners.id, task_id, label_id, sort_order
  from old_task_labels as old cross join owners on owners.user_id = old.user_id;
insert into idempotency_keys (owner_id, key, fingerprint, status, headers, body, created_at)
  select owners.id, key, fingerprint, status, headers, body, created_at
  from old_idempotency_keys as old cross join owners on owners.user_id = old.user_id;
";

// The numbers of tasks go on where they were, and are never given again.
const END: &str = "
delete from sqlite_sequence where name = 'tasks';
update sqlite_sequence set name = 'tasks' where name = 'old_tasks';
drop table old_task_labels;
drop table old_tasks;
drop table old_lists;
drop table old_labels;
drop table old_user_revisions;
drop table old_idempotency_keys;
";

// The owner is indexed with the words, so that a common word does not lead through everybody's tasks.
const REST: &str = "
create index tasks_deleted on tasks (deleted_at) where deleted_at is not null;
create index lists_deleted on lists (deleted_at) where deleted_at is not null;
create index labels_deleted on labels (deleted_at) where deleted_at is not null;
create index answers_created on idempotency_keys (created_at);
create virtual table tasks_search using fts5 (
  owner_id, title_key, description_key, content = 'tasks', content_rowid = 'number', tokenize = 'ascii'
);
insert into tasks_search (tasks_search) values ('rebuild');
create trigger tasks_search_insert after insert on tasks begin
  insert into tasks_search (rowid, owner_id, title_key, description_key)
  values (new.number, new.owner_id, new.title_key, new.description_key);
end;
create trigger tasks_search_delete after delete on tasks begin
  insert into tasks_search (tasks_search, rowid, owner_id, title_key, description_key)
  values ('delete', old.number, old.owner_id, old.title_key, old.description_key);
end;
create trigger tasks_search_update after update of title_key, description_key on tasks begin
  insert into tasks_search (tasks_search, rowid, owner_id, title_key, description_key)
  values ('delete', old.number, old.owner_id, old.title_key, old.description_key);
  insert into tasks_search (rowid, owner_id, title_key, description_key)
  values (new.number, new.owner_id, new.title_key, new.description_key);
end;
";
