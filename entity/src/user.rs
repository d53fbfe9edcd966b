//! The `user` table, as Better Auth writes it.

use sea_orm::entity::prelude::*;

use crate::{
    id::UserId,
    row::{FromRow, RowColumns},
    time::Millis,
};

/// An account.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "user")]
pub struct Model {
    /// Opaque text.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: UserId,
    /// Shown to people; may be empty.
    pub name: String,
    /// Lower case, unique.
    pub email: String,
    /// Whether a mailed link was followed.
    #[sea_orm(column_name = "emailVerified")]
    pub email_verified: bool,
    /// URL of a picture.
    pub image: Option<String>,
    /// When the account was made.
    #[sea_orm(column_name = "createdAt")]
    pub created_at: Millis,
    /// When the account last changed.
    #[sea_orm(column_name = "updatedAt")]
    pub updated_at: Millis,
    /// The user's sessions.
    #[sea_orm(has_many)]
    pub sessions: HasMany<super::session::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    /// A user whose first column is at that place.
    pub(crate) fn read_from(row: &impl RowColumns, first: usize) -> Result<Self, DbErr> {
        Ok(Self {
            id: UserId(row.at(first)?),
            name: row.at(first + 1)?,
            email: row.at(first + 2)?,
            email_verified: row.at(first + 3)?,
            image: row.at(first + 4)?,
            created_at: Millis::at(row, first + 5)?,
            updated_at: Millis::at(row, first + 6)?,
        })
    }
}

impl FromRow for Model {
    fn read(row: &impl RowColumns) -> Result<Self, DbErr> {
        Self::read_from(row, 0)
    }
}
