//! An index by which tasks are found by when they were completed.

use sea_orm_migration::prelude::*;

/// Makes an index on the time of completion of each owner's tasks.
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

const INDEX: &str = "create index if not exists tasks_completed_at on tasks (user_id, completed_at, number) \
                     where completed_at is not null and deleted_at is null";
