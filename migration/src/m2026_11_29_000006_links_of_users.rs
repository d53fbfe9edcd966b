//! An index by which the mailed links of a user are found, so that ending them does not look at those of all the others.

use sea_orm_migration::prelude::*;

/// Makes an index on what a row of `verification` stands for; Better Auth makes none.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::execute(manager, SQLITE, POSTGRES).await
    }

    async fn down(&self, _: &SchemaManager) -> Result<(), DbErr> {
        Err(DbErr::Migration("indexes are never dropped by a migration".into()))
    }
}

/// On SQLite and on PostgreSQL.
pub(crate) const STATEMENTS: [&str; 2] = [SQLITE, POSTGRES];

const SQLITE: &str = r#"create index if not exists "verification_value_idx" on "verification" ("value")"#;
/// Values of Better Auth's own may be longer than an entry of a B-tree.
const POSTGRES: &str = r#"create index if not exists "verification_value_idx" on "verification" using hash ("value")"#;
