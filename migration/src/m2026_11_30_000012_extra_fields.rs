//! Fields of tasks that clients of REST keep there and that mean nothing to Docket.

use sea_orm_migration::prelude::*;

/// Adds the column that holds them, an object in JSON.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::execute(manager, COLUMN, COLUMN).await
    }

    async fn down(&self, _: &SchemaManager) -> Result<(), DbErr> {
        Err(DbErr::Migration("what clients keep is never dropped by a migration".into()))
    }
}

const COLUMN: &str = "alter table tasks add column extra text";
