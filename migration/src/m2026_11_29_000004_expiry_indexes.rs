//! Indexes by which rows are found whose time is over, so that removing some of them does not look at all the others.

use sea_orm_migration::prelude::*;

/// Makes an index on the time of each table that is purged by it; Better Auth makes none.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::execute(manager, INDEXES, INDEXES).await
    }

    async fn down(&self, _: &SchemaManager) -> Result<(), DbErr> {
        Err(DbErr::Migration("indexes are never dropped by a migration".into()))
    }
}

/// On SQLite and on PostgreSQL.
pub(crate) const STATEMENTS: [&str; 2] = [INDEXES, INDEXES];

// The first databases have no table of limits.
const INDEXES: &str = r#"
create table if not exists "rateLimit" (
  "id" text not null primary key,
  "key" text not null unique,
  "count" integer not null,
  "lastRequest" bigint not null
);
create index if not exists "session_expiresAt_idx" on "session" ("expiresAt");
create index if not exists "verification_expiresAt_idx" on "verification" ("expiresAt");
create index if not exists "rateLimit_lastRequest_idx" on "rateLimit" ("lastRequest");
"#;
