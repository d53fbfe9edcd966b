//! The `rateLimit` table, as Better Auth writes it when its limits are kept in the database.

use sea_orm::entity::prelude::*;

/// How often something happened lately.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "rateLimit")]
pub struct Model {
    /// 32 characters of `[A-Za-z0-9]`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// What is counted, such as an address and a path.
    pub key: String,
    /// How often.
    pub count: i32,
    /// When last, in milliseconds since 1970.
    #[sea_orm(column_name = "lastRequest")]
    pub last_request: i64,
}

impl ActiveModelBehavior for ActiveModel {}
