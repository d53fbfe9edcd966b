//! Which timeline of PostgreSQL the primary writes, beside the epoch: a replica that has not the same follows another one.

use sea_orm_migration::prelude::*;

/// Adds the column.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::execute(manager, ADD, ADD).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::execute(manager, DROP, DROP).await
    }
}

const ADD: &str = "alter table database_epochs add column timeline bigint";
const DROP: &str = "alter table database_epochs drop column timeline";
