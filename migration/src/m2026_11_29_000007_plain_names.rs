//! Plain names for tables and columns: what a reader of the schema looks for.

use sea_orm_migration::prelude::*;

/// Renames tables and columns. Instances of a version before this one cannot work beside it.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::execute(manager, RENAMES, RENAMES).await
    }

    async fn down(&self, _: &SchemaManager) -> Result<(), DbErr> {
        Err(DbErr::Migration("names are never taken back by a migration".into()))
    }
}

const RENAMES: &str = "
alter table answers rename to idempotency_keys;
alter table owners rename to user_revisions;
alter table user_revisions rename column purged to purged_through;
alter table labels rename column folded to name_key;
alter table labels rename column colour to color;
alter table lists rename column colour to color;
alter table task_labels rename column place to sort_order;
";
