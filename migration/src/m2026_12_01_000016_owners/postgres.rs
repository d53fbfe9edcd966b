//! On PostgreSQL the tables get a column for the number while others write: a trigger fills it in new rows, those that
//! were there before are filled piece by piece, and the last step, which takes a moment, puts it in the place of the id.
//! What was done before an interruption is not done again.

use std::fmt::Write as _;

use sea_orm_migration::{
    prelude::*,
    sea_orm::sqlx::{self, AssertSqlSafe, PgConnection},
};

use super::{INDEXES, Index};
use crate::online::{self, failed, run};

/// The tables of a user's data.
const TABLES: [&str; 6] = ["idempotency_keys", "user_revisions", "tasks", "lists", "labels", "task_labels"];
/// The indexes that are keys of these tables, in this order.
const KEYS: [Index; 6] = [
    Index::unique("answers_pkey", "idempotency_keys (owner_id, key)"),
    Index::unique("owners_pkey", "user_revisions (owner_id)"),
    Index::unique("tasks_pkey", "tasks (owner_id, id)"),
    Index::unique("lists_pkey", "lists (owner_id, id)"),
    Index::unique("labels_pkey", "labels (owner_id, id)"),
    Index::unique("task_labels_pkey", "task_labels (owner_id, task_id, label_id)"),
];
/// What only PostgreSQL has an index for.
const NUMBERS: Index = Index::unique("tasks_number", "tasks (owner_id, number)");
/// How many pages of a table one statement fills: some thousand rows.
const PAGES_AT_ONCE: usize = 128;

/// All that begin with the owner.
fn indexes() -> impl Iterator<Item = &'static Index> {
    KEYS.iter().chain([&NUMBERS]).chain(&INDEXES)
}

pub(super) async fn up(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let mut connection = online::connect(manager).await?;
    // A statement whose instance was killed is not to go on beside the next one, where the server can tell.
    let _ = run(&mut connection, CHECK_CLIENT).await;
    let done = bring_over(&mut connection).await;
    connection.close().await.map_err(failed)?;
    done
}

async fn bring_over(connection: &mut PgConnection) -> Result<(), DbErr> {
    if is(connection, HAS_IDS).await.map_err(failed)? {
        if let Some(table) = distributed(connection).await.map_err(failed)? {
            return Err(DbErr::Migration(format!(
                "the table {table} is partitioned or distributed, and so its owners cannot be numbered: make the tables {} \
                 plain ones while no Docket runs (on Citus with undistribute_table), start Docket, which then brings the \
                 schema up to date, stop it, and distribute them again with deploy/citus.sql",
                TABLES.join(", ")
            )));
        }
        replace_ids(connection).await.map_err(failed)?;
    }
    validate(connection).await.map_err(failed)
}

async fn replace_ids(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    if !is(connection, ANY_ROW_OR_BEGUN).await? {
        run(connection, at_once()).await?;
    }
    if is(connection, HAS_IDS).await? { replace_beside_others(connection).await } else { Ok(()) }
}

async fn replace_beside_others(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    if is(connection, NOT_BEGUN).await? {
        run(connection, begin()).await?;
    }
    for table in TABLES {
        fill(connection, table).await?;
    }
    if is(connection, NOT_KNOWN).await? {
        run(connection, known()).await?;
    }
    for table in TABLES {
        run(connection, format!("alter table {table} validate constraint {table}_owner_known")).await?;
    }
    let names: Vec<String> = indexes().map(|it| format!("{}_new", it.name)).collect();
    online::drop_unfinished(connection, &names.iter().map(String::as_str).collect::<Vec<_>>()).await?;
    for index in indexes() {
        let (create, name, on) = (index.create(), index.name, index.on);
        run(connection, format!("{create} concurrently if not exists {name}_new on {on}")).await?;
    }
    // Until a table is looked at, nothing is known about its new column.
    run(connection, format!("analyze owners, {}", TABLES.join(", "))).await?;
    run(connection, end()).await
}

async fn is(connection: &mut PgConnection, condition: &str) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar(AssertSqlSafe(format!("select {condition}"))).fetch_one(connection).await
}

/// One of the tables that is not whole and at one place.
async fn distributed(connection: &mut PgConnection) -> Result<Option<String>, sqlx::Error> {
    let these = TABLES.map(|it| format!("'{it}'::regclass")).join(", ");
    let mut sql = format!("select oid::regclass::text from pg_class where oid in ({these}) and relkind = 'p'");
    if is(connection, "to_regclass('pg_dist_partition') is not null").await? {
        let citus = "select logicalrelid::regclass::text from pg_dist_partition where logicalrelid::oid in";
        sql = format!("{sql} union all {citus} ({these})");
    }
    sqlx::query_scalar(AssertSqlSafe(format!("{sql} limit 1"))).fetch_optional(connection).await
}

/// Fills the column in the rows that were there before the trigger. Where others change a row meanwhile it moves, and may
/// be found the next time only.
async fn fill(connection: &mut PgConnection, table: &str) -> Result<(), sqlx::Error> {
    while is(connection, &format!("exists (select from {table} where owner_id is null)")).await? {
        let pages = format!("select pg_relation_size('{table}') / current_setting('block_size')::bigint");
        let pages: i64 = sqlx::query_scalar(AssertSqlSafe(pages)).fetch_one(&mut *connection).await?;
        for from in (0..pages).step_by(PAGES_AT_ONCE) {
            run(connection, fill_pages(table, from)).await?;
        }
    }
    Ok(())
}

/// Makes keys that refer to others sure of the rows that were there before them.
async fn validate(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    let these = TABLES.map(|it| format!("'{it}'::regclass")).join(", ");
    let unsure = format!(
        "select format('alter table %s validate constraint %I', conrelid::regclass, conname) from pg_constraint \
         where conrelid in ({these}) and contype = 'f' and not convalidated and conparentid = 0"
    );
    let statements: Vec<String> = sqlx::query_scalar(AssertSqlSafe(unsure)).fetch_all(&mut *connection).await?;
    for statement in statements {
        run(connection, statement).await?;
    }
    Ok(())
}

const CHECK_CLIENT: &str =
    "select set_config(name, '2000', false) from pg_settings where name = 'client_connection_check_interval'";

// How far it is.
const HAS_IDS: &str = "exists (
  select from pg_attribute where attrelid = 'user_revisions'::regclass and attname = 'user_id' and not attisdropped
)";
const NOT_BEGUN: &str = "to_regclass('owners') is null";
const NOT_KNOWN: &str = "exists (
  select from pg_attribute where attrelid = 'tasks'::regclass and attname = 'user_id' and not attisdropped
) and not exists (select from pg_constraint where conrelid = 'tasks'::regclass and conname = 'tasks_owner_known')";
const ANY_ROW_OR_BEGUN: &str = "to_regclass('owners') is not null
  or exists (select from idempotency_keys) or exists (select from user_revisions) or exists (select from tasks)
  or exists (select from lists) or exists (select from labels) or exists (select from task_labels)";

// `owners_pkey` is the key of `user_revisions`, which was called so once. Roles that serve have the same rights as there.
const OWNERS: &str = "
create table owners (
  id integer constraint owners_id_key primary key,
  user_id text not null unique
);
declare
  allowed record;
begin
  for allowed in
    select grantee, privilege_type from information_schema.role_table_grants
    where table_schema = current_schema and table_name = 'user_revisions' and grantee <> grantor
  loop
    execute format('grant %s on owners to %s', allowed.privilege_type,
      case allowed.grantee when 'PUBLIC' then 'public' else quote_ident(allowed.grantee) end);
  end loop;
end;";

/// It has the rights of its owner: who writes the tables need not have any on `owners`. A number is tried again when
/// somebody has it, and found when another transaction has made it.
const SET_OWNER: &str = "
create function docket_set_owner() returns trigger language plpgsql
  security definer set search_path from current as $function$
begin
  loop
    select id into new.owner_id from owners where owners.user_id = new.user_id;
    exit when found;
    insert into owners (id, user_id) values (floor(random() * 2147483646)::integer + 1, new.user_id)
      on conflict do nothing;
  end loop;
  return new;
end
$function$;";

/// Does that while nobody else uses the tables, unless it is done. What cleans up behind them is waited for or sent away
/// first, which keeps nobody from writing; then the six tables are waited for about a second at a time, so that others
/// wait no longer behind. Requests take first a key, if they have one, and then the counter; what else writes may take
/// them the other way round, and would never let go of one of them: each way has its turn.
fn locked(is_undone: &str, statements: &str) -> String {
    let tables = TABLES.join(", ");
    let other_way = [&TABLES[1..], &TABLES[..1]].concat().join(", ");
    format!(
        "
do $$
begin
  lock table {tables} in share update exclusive mode;
  if not ({is_undone}) then return; end if;
  for attempt in 1 .. 120 loop
    begin
      set local lock_timeout = '200ms';
      if attempt % 2 = 1 then
        lock table {tables} in access exclusive mode;
      else
        lock table {other_way} in access exclusive mode;
      end if;
{statements}
      return;
    exception when lock_not_available or deadlock_detected then
      perform pg_sleep(0.5);
    end;
  end loop;
  raise lock_not_available using message = 'the tables of users are locked by others all the time';
end
$$"
    )
}

fn of_each_table(statement: impl Fn(&str) -> String) -> String {
    TABLES.iter().map(|table| statement(table)).collect()
}

/// All of it, where there are no rows.
fn at_once() -> String {
    let mut statements = format!("if {ANY_ROW_OR_BEGUN} then return; end if;\n{OWNERS}\n");
    statements += &of_each_table(|table| format!("alter table {table} add column owner_id integer;\n"));
    for index in indexes() {
        let _ = writeln!(statements, "{} {}_new on {};", index.create(), index.name, index.on);
    }
    locked(HAS_IDS, &(statements + &put_in_place("")))
}

/// Makes the column, which new rows get filled from then on.
fn begin() -> String {
    let columns = of_each_table(|table| {
        format!(
            "alter table {table} add column owner_id integer;
create trigger {table}_owner before insert on {table} for each row when (new.owner_id is null)
  execute function docket_set_owner();\n"
        )
    });
    locked(NOT_BEGUN, &format!("{OWNERS}{SET_OWNER}\n{columns}"))
}

/// Fills the column in some pages. Who waits here for a row gives up before PostgreSQL looks for a deadlock, so that no
/// writer is told of one.
fn fill_pages(table: &str, from: i64) -> String {
    let to = from.saturating_add_unsigned(PAGES_AT_ONCE as u64);
    let unfilled = format!("{table}.ctid >= '({from},0)' and {table}.ctid < '({to},0)' and {table}.owner_id is null");
    format!(
        "
do $$
begin
  for attempt in 1 .. 120 loop
    begin
      set local lock_timeout = '500ms';
      insert into owners (id, user_id)
        select floor(random() * 2147483646)::integer + 1, user_id
        from (select distinct user_id from {table} where {unfilled}) as found
        where (select id from owners where owners.user_id = found.user_id) is null
        on conflict do nothing;
      update {table} set owner_id = (select id from owners where owners.user_id = {table}.user_id) where {unfilled};
      return;
    exception when lock_not_available or deadlock_detected then
      perform pg_sleep(0.1);
    end;
  end loop;
  raise lock_not_available using message = 'rows of the table {table} are locked by others all the time';
end
$$"
    )
}

/// What spares the last step a look at all rows.
fn known() -> String {
    let constraints = of_each_table(|table| {
        format!("alter table {table} add constraint {table}_owner_known check (owner_id is not null) not valid;\n")
    });
    locked(NOT_KNOWN, &constraints)
}

/// The last step, after which the version before does not work any more.
fn end() -> String {
    let columns = of_each_table(|table| format!("drop trigger {table}_owner on {table};\n"));
    let constraints = of_each_table(|table| format!("alter table {table} drop constraint {table}_owner_known;\n"));
    locked(HAS_IDS, &format!("{columns}drop function docket_set_owner();\n{}", put_in_place(&constraints)))
}

/// Puts the column and its indexes in the place of the id and of those that go with it, keys that refer to others too.
fn put_in_place(unneeded: &str) -> String {
    let mut statements = of_each_table(|table| format!("alter table {table} alter column owner_id set not null;\n"));
    statements += unneeded;
    // First the table that refers to others.
    statements += "alter table task_labels drop column user_id;\n";
    for table in TABLES.iter().filter(|it| **it != "task_labels") {
        let _ = writeln!(statements, "alter table {table} drop column user_id;");
    }
    for Index { name, .. } in indexes() {
        let _ = writeln!(statements, "alter index {name}_new rename to {name};");
    }
    for (table, Index { name, .. }) in TABLES.iter().zip(&KEYS) {
        let _ = writeln!(statements, "alter table {table} add constraint {name} primary key using index {name};");
    }
    statements + REFERENCES
}

const REFERENCES: &str = "
alter table task_labels
  add constraint task_labels_user_id_task_id_fkey foreign key (owner_id, task_id)
    references tasks (owner_id, id) on delete cascade not valid,
  add constraint task_labels_user_id_label_id_fkey foreign key (owner_id, label_id)
    references labels (owner_id, id) on delete cascade not valid;
alter table user_revisions
  add constraint user_revisions_owner_id_fkey foreign key (owner_id) references owners (id) not valid;
";
