//! The `lists` table.

use sea_orm::entity::prelude::*;

use crate::{
    id::{ListId, OwnerId},
    row::{Columns, FromRow, RowColumns},
    time::Micros,
};

/// A list of tasks.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "lists")]
pub struct Model {
    /// The id, unique together with the owner.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ListId,
    /// The owner.
    #[sea_orm(primary_key, auto_increment = false)]
    pub owner_id: OwnerId,
    /// 1 to 100 characters.
    pub name: String,
    /// `#rrggbb`.
    pub color: Option<String>,
    /// The place among the owner's lists: text that sorts byte by byte.
    pub position: String,
    /// Whether it is out of the way.
    pub archived: bool,
    /// The number of the owner's write that last changed the list.
    pub revision: i64,
    /// When it was made.
    pub created_at: Micros,
    /// When it last changed.
    pub updated_at: Micros,
    /// When it was deleted.
    pub deleted_at: Option<Micros>,
}

impl ActiveModelBehavior for ActiveModel {}

impl FromRow for Model {
    fn read(row: &mut Columns<'_, impl RowColumns>) -> Result<Self, DbErr> {
        Ok(Self {
            id: row.value()?,
            owner_id: row.value()?,
            name: row.value()?,
            color: row.value_if_any()?,
            position: row.value()?,
            archived: row.value()?,
            revision: row.value()?,
            created_at: row.value()?,
            updated_at: row.value()?,
            deleted_at: row.value_if_any()?,
        })
    }
}
