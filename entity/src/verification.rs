//! The `verification` table, as Better Auth writes it: links that were mailed and not yet used, and accounts that were
//! deleted.

use sea_orm::entity::prelude::*;

use crate::time::Millis;

/// A mailed secret and what it stands for, or a user whose access tokens hold no longer.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "verification")]
pub struct Model {
    /// 32 characters of `[A-Za-z0-9]`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// Purpose and secret, such as `reset-password:…`.
    pub identifier: String,
    /// What it stands for, such as a user id.
    pub value: String,
    /// From then on it is void.
    #[sea_orm(column_name = "expiresAt")]
    pub expires_at: Millis,
    /// When it was made.
    #[sea_orm(column_name = "createdAt")]
    pub created_at: Millis,
    /// When it last changed.
    #[sea_orm(column_name = "updatedAt")]
    pub updated_at: Millis,
}

impl ActiveModelBehavior for ActiveModel {}
