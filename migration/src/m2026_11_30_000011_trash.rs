//! An index by which the deleted tasks of an owner are found, the last deleted first.

use sea_orm_migration::prelude::*;

/// Makes an index on the time of deletion of each owner's tasks.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::execute(manager, INDEX, INDEX).await
    }

    async fn down(&self, _: &SchemaManager) -> Result<(), DbErr> {
        Err(DbErr::Migration("indexes are never dropped by a migration".into()))
    }
}

const INDEX: &str =
    "create index if not exists tasks_trash on tasks (user_id, deleted_at, number) where deleted_at is not null";
