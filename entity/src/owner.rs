//! The `owners` table: the numbers of users who own data.

use sea_orm::entity::prelude::*;

use crate::{
    id::{OwnerId, UserId},
    row::{Columns, FromRow, RowColumns},
};

/// A user who owns data, or may.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "owners")]
pub struct Model {
    /// The number, which no other user is given.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: OwnerId,
    /// The user. No foreign key: accounts may live elsewhere.
    #[sea_orm(unique)]
    pub user_id: UserId,
}

impl ActiveModelBehavior for ActiveModel {}

impl FromRow for Model {
    fn read(row: &mut Columns<'_, impl RowColumns>) -> Result<Self, DbErr> {
        Ok(Self { id: row.value()?, user_id: row.value()? })
    }
}
