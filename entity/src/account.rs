//! The `account` table, as Better Auth writes it: a user's ways to sign in.

use sea_orm::entity::prelude::*;

use crate::{id::UserId, time::Millis};

/// One way to sign in; `credential` is e-mail and password.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "account")]
pub struct Model {
    /// 32 characters of `[A-Za-z0-9]`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// The provider's id of the user; the user's own id for `credential`.
    #[sea_orm(column_name = "accountId")]
    pub account_id: String,
    /// `credential`, or the name of an OAuth provider.
    #[sea_orm(column_name = "providerId")]
    pub provider_id: String,
    /// Whose account it is.
    #[sea_orm(column_name = "userId")]
    pub user_id: UserId,
    /// OAuth access token.
    #[sea_orm(column_name = "accessToken")]
    pub access_token: Option<String>,
    /// OAuth refresh token.
    #[sea_orm(column_name = "refreshToken")]
    pub refresh_token: Option<String>,
    /// OpenID Connect id token.
    #[sea_orm(column_name = "idToken")]
    pub id_token: Option<String>,
    /// When the access token ends.
    #[sea_orm(column_name = "accessTokenExpiresAt")]
    pub access_token_expires_at: Option<Millis>,
    /// When the refresh token ends.
    #[sea_orm(column_name = "refreshTokenExpiresAt")]
    pub refresh_token_expires_at: Option<Millis>,
    /// OAuth scopes.
    pub scope: Option<String>,
    /// Password hash: `$argon2id$…`, or Better Auth's scrypt `salt:key`.
    pub password: Option<String>,
    /// When the account was linked.
    #[sea_orm(column_name = "createdAt")]
    pub created_at: Millis,
    /// When it last changed.
    #[sea_orm(column_name = "updatedAt")]
    pub updated_at: Millis,
}

impl ActiveModelBehavior for ActiveModel {}
