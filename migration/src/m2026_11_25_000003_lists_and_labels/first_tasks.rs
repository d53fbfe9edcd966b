//! The table `tasks` of the first day, before tasks had revisions and positions: its rows are brought into the one that
//! `m2026_11_24_000002_tasks` makes now.

use sea_orm_migration::prelude::*;

use crate::m2026_11_24_000002_tasks as tasks;

pub(super) async fn bring_over(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    crate::execute(manager, SQLITE_ASIDE, POSTGRES_ASIDE).await?;
    tasks::Migration.up(manager).await?;
    let copy = copy();
    crate::execute(manager, &copy, &copy).await?;
    crate::execute(manager, SQLITE_END, POSTGRES_END).await
}

const SQLITE_ASIDE: &str = "
alter table tasks rename to first_tasks;
drop index tasks_created; drop index tasks_completed_created; drop index tasks_updated; drop index tasks_title;
drop index tasks_priority; drop index tasks_due; drop index tasks_due_desc;
";

const POSTGRES_ASIDE: &str = "
alter table tasks rename to first_tasks;
alter table first_tasks drop constraint tasks_pkey, drop constraint tasks_number_key;
alter sequence tasks_number_seq rename to first_tasks_number_seq;
drop index tasks_created, tasks_completed_created, tasks_updated, tasks_title, tasks_priority, tasks_due, tasks_due_desc;
";

/// Each task gets the revision that it would have had, and the place behind those that were made before.
fn copy() -> String {
    const DIGITS: &str = "0123456789abcdefghijklmnopqrstuvwxyz";
    let digit = |power: u32| {
        let unit = 36_u64.pow(power);
        format!("substr('{DIGITS}', cast(place / {unit} % 36 as integer) + 1, 1) || ")
    };
    let position: String = (0..13).rev().map(digit).collect();
    format!(
        "insert into owners (user_id, revision) select user_id, count(*) from first_tasks group by user_id;
        insert into tasks (number, id, user_id, title, description, completed, completed_at, priority, due_at, due_zone,
          position, revision, created_at, updated_at)
        select number, id, user_id, title, description, completed, completed_at, priority, due,
          case when due is not null then 'UTC' end, {position}'i', place, created_at, updated_at
        from (select first_tasks.*, row_number() over (partition by user_id order by number) as place from first_tasks)
          as numbered;"
    )
}

const SQLITE_END: &str = "
update sqlite_sequence set seq = (select seq from sqlite_sequence where name = 'first_tasks')
  where name = 'tasks' and exists (select 1 from sqlite_sequence where name = 'first_tasks');
drop table first_tasks;
";

const POSTGRES_END: &str = "
select setval('tasks_number_seq', greatest((select last_value from first_tasks_number_seq), 1));
drop table first_tasks;
";
