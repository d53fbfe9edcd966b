//! A task's number is unique among its owner's, so that PostgreSQL can distribute the table by owner: no key may be
//! without what it is distributed by. On SQLite the number is the key of the row, which full text needs, and stays as it is.

use sea_orm_migration::{prelude::*, sea_orm::DbBackend};

use crate::online::{self, NewIndex};

/// Replaces the key of numbers by one of owner and number.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if manager.get_database_backend() == DbBackend::Sqlite {
            return Ok(());
        }
        online::change(manager, &NEW, &[DROP_OLD.to_owned()]).await
    }

    async fn down(&self, _: &SchemaManager) -> Result<(), DbErr> {
        Err(DbErr::Migration("keys are never made as before by a migration".into()))
    }

    /// On PostgreSQL each statement is by itself.
    fn use_transaction(&self) -> Option<bool> {
        Some(false)
    }
}

/// The second says whether there are numbers above a given one, in a few pages however many tasks there are.
const NEW: [NewIndex; 2] = [
    NewIndex { name: "tasks_number", create: "create unique index", rest: "on tasks (user_id, number)" },
    NewIndex::plain("tasks_number_range", "on tasks using brin (number) with (autosummarize = on)"),
];

/// What holds a lock on the table is waited for a second at a time, so that others wait no longer behind.
const DROP_OLD: &str = "
do $$
begin
  for attempt in 1 .. 120 loop
    begin
      set local lock_timeout = '1s';
      alter table tasks drop constraint if exists tasks_number_key;
      return;
    exception when lock_not_available then
      perform pg_sleep(0.5);
    end;
  end loop;
  raise lock_not_available using message = 'the table tasks is locked by others all the time';
end
$$";
