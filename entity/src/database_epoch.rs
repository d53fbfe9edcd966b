//! The `database_epochs` table: one row, made with the database.

use sea_orm::entity::prelude::*;

/// The epoch of the database, which tells its sync tokens from those of others.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "database_epochs")]
pub struct Model {
    /// A random value, changed when a backup is restored.
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub epoch: String,
    /// The timeline of PostgreSQL that the primary writes, once an instance with replicas has seen it.
    pub timeline: Option<i64>,
}

impl ActiveModelBehavior for ActiveModel {}
