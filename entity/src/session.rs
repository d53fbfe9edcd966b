//! The `session` table, as Better Auth writes it.

use std::sync::LazyLock;

use sea_orm::{Iterable, QuerySelect, entity::prelude::*, sea_query::Expr};

use crate::{
    id::{OwnerId, UserId},
    row::{Columns, FromRow, RowColumns, columns},
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

/// Sessions, their users, and the numbers that what these own is stored under, as one reads them together.
pub fn with_user() -> Select<Entity> {
    static SELECT: LazyLock<Select<Entity>> = LazyLock::new(|| {
        let [session, user] = [columns("session", Column::iter()), columns("user", user::Column::iter())];
        let owner = r#"(select "owners"."id" from "owners" where "owners"."user_id" = "user"."id")"#;
        Entity::find().select_only().expr(Expr::cust(format!("{session}, {user}, {owner}"))).inner_join(user::Entity)
    });
    SELECT.clone()
}

impl FromRow for Model {
    fn read(row: &mut Columns<'_, impl RowColumns>) -> Result<Self, DbErr> {
        Ok(Self {
            id: row.value()?,
            expires_at: row.value()?,
            token: row.value()?,
            created_at: row.value()?,
            updated_at: row.value()?,
            ip_address: row.value_if_any()?,
            user_agent: row.value_if_any()?,
            user_id: row.value()?,
        })
    }
}

/// A session, its user, and the user's number.
impl FromRow for (Model, user::Model, Option<OwnerId>) {
    fn read(row: &mut Columns<'_, impl RowColumns>) -> Result<Self, DbErr> {
        Ok((row.read()?, row.read()?, row.value_if_any()?))
    }
}
