//! The `session` table, as Better Auth writes it.

use std::sync::LazyLock;

use sea_orm::{QuerySelect, entity::prelude::*, sea_query::Expr};

use crate::{
    id::UserId,
    row::{FromRow, RowColumns, columns},
    time::Millis,
    user,
};

/// A sign-in that lasts.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "session")]
pub struct Model {
    /// 32 characters of `[A-Za-z0-9]`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// From then on the session is dead.
    #[sea_orm(column_name = "expiresAt")]
    pub expires_at: Millis,
    /// The secret that a client shows: 32 characters of `[A-Za-z0-9]`.
    pub token: String,
    /// When the user signed in.
    #[sea_orm(column_name = "createdAt")]
    pub created_at: Millis,
    /// When the session was last extended.
    #[sea_orm(column_name = "updatedAt")]
    pub updated_at: Millis,
    /// Where the user signed in from.
    #[sea_orm(column_name = "ipAddress")]
    pub ip_address: Option<String>,
    /// What the user signed in with.
    #[sea_orm(column_name = "userAgent")]
    pub user_agent: Option<String>,
    /// Whose session it is.
    #[sea_orm(column_name = "userId")]
    pub user_id: UserId,
    /// The user.
    #[sea_orm(belongs_to, from = "user_id", to = "id", on_delete = "Cascade")]
    pub user: HasOne<user::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}

/// Sessions and their users, as one reads both.
pub fn with_user() -> Select<Entity> {
    static SELECT: LazyLock<Select<Entity>> = LazyLock::new(|| {
        let both = [columns::<Column>("session"), columns::<user::Column>("user")].join(", ");
        Entity::find().select_only().expr(Expr::cust(both)).inner_join(user::Entity)
    });
    SELECT.clone()
}

impl FromRow for Model {
    fn read(row: &impl RowColumns) -> Result<Self, DbErr> {
        Ok(Self {
            id: row.at(0)?,
            expires_at: Millis::at(row, 1)?,
            token: row.at(2)?,
            created_at: Millis::at(row, 3)?,
            updated_at: Millis::at(row, 4)?,
            ip_address: row.at(5)?,
            user_agent: row.at(6)?,
            user_id: UserId(row.at(7)?),
        })
    }
}

/// A session and its user: the columns of the one, then those of the other.
impl FromRow for (Model, user::Model) {
    fn read(row: &impl RowColumns) -> Result<Self, DbErr> {
        Ok((Model::read(row)?, user::Model::read_from(row, 8)?))
    }
}
