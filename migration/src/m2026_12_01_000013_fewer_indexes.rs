//! Fewer and smaller indexes of tasks: most tasks are in no list, are no subtasks and are not due, and need not be where
//! such tasks are looked for.

use sea_orm_migration::{prelude::*, sea_orm::DbBackend};

use crate::online::{self, NewIndex};

/// Makes the indexes of lists, subtasks and due dates anew, of the tasks that have those.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if manager.get_database_backend() == DbBackend::Sqlite {
            let statements = NEW.iter().map(NewIndex::at_once);
            let statements: String = statements.chain(OLD.iter().map(|name| format!("drop index {name};"))).collect();
            return manager.get_connection().execute_unprepared(&statements).await.map(drop);
        }
        online::change(manager, &NEW, &OLD.map(online::drop_index)).await
    }

    async fn down(&self, _: &SchemaManager) -> Result<(), DbErr> {
        Err(DbErr::Migration("indexes are never made as before by a migration".into()))
    }

    /// On PostgreSQL each statement is by itself.
    fn use_transaction(&self) -> Option<bool> {
        Some(false)
    }
}

/// The new indexes.
const NEW: [NewIndex; 3] = [
    NewIndex::plain(
        "tasks_list_position",
        "on tasks (user_id, list_id, position, number) where list_id is not null and deleted_at is null",
    ),
    NewIndex::plain(
        "tasks_parent_position",
        "on tasks (user_id, parent_id, position, number) where parent_id is not null and deleted_at is null",
    ),
    NewIndex::plain(
        "tasks_due_order",
        "on tasks (user_id, due_order, number) where due_order is not null and deleted_at is null",
    ),
];
/// The indexes of before, which have all tasks.
const OLD: [&str; 4] = ["tasks_list", "tasks_parent", "tasks_due", "tasks_due_desc"];
