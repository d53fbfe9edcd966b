//! The `user_revisions` table: one row for each user who ever wrote something.

use sea_orm::entity::prelude::*;

use crate::{
    id::OwnerId,
    row::{Columns, FromRow, RowColumns},
};

/// The counter of a user's writes.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "user_revisions")]
pub struct Model {
    /// The user.
    #[sea_orm(primary_key, auto_increment = false)]
    pub owner_id: OwnerId,
    /// The revision of the last write.
    pub revision: i64,
    /// Deletions up to this revision may have been purged.
    pub purged_through: i64,
}

impl ActiveModelBehavior for ActiveModel {}

impl FromRow for Model {
    fn read(row: &mut Columns<'_, impl RowColumns>) -> Result<Self, DbErr> {
        Ok(Self { owner_id: row.value()?, revision: row.value()?, purged_through: row.value()? })
    }
}
