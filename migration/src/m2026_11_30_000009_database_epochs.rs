//! The epoch of the database: a random value in its sync tokens, which tells them from tokens of another database, or of what
//! a restored backup has replaced.

use sea_orm_migration::prelude::*;

/// Makes the table, and its one row.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::execute(manager, SQLITE, POSTGRES).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::execute(manager, DROP, DROP).await
    }
}

const SQLITE: &str = "
create table database_epochs (epoch text not null primary key);
insert into database_epochs (epoch) values (lower(hex(randomblob(8))));
";
const POSTGRES: &str = "
create table database_epochs (epoch text not null primary key);
insert into database_epochs (epoch) values (substr(md5(gen_random_uuid()::text), 1, 16));
";
const DROP: &str = "drop table database_epochs";
