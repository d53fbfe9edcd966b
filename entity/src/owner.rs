//! The `owners` table: one row for each user who ever wrote something.

use sea_orm::entity::prelude::*;

use crate::{
    id::UserId,
    place::{FromRow, RowColumns},
};

/// The counter of a user's writes.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "owners")]
pub struct Model {
    /// The user.
    #[sea_orm(primary_key, auto_increment = false)]
    pub user_id: UserId,
    /// The number that was taken last.
    pub revision: i64,
    /// Deletions up to this number may have been purged.
    pub purged: i64,
}

impl ActiveModelBehavior for ActiveModel {}

impl FromRow for Model {
    fn read(row: &impl RowColumns) -> Result<Self, DbErr> {
        Ok(Self { user_id: UserId(row.at(0)?), revision: row.at(1)?, purged: row.at(2)? })
    }
}
