//! The `user` table, as Better Auth writes it.

use sea_orm::entity::prelude::*;

use crate::{
    id::UserId,
    row::{Columns, FromRow, RowColumns},
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

impl FromRow for Model {
    fn read(row: &mut Columns<'_, impl RowColumns>) -> Result<Self, DbErr> {
        Ok(Self {
            id: row.value()?,
            name: row.value()?,
            email: row.value()?,
            email_verified: row.value()?,
            image: row.value_if_any()?,
            created_at: row.value()?,
            updated_at: row.value()?,
        })
    }
}
