//! Users, sessions and accounts, as Better Auth shows them.
//! See docs/contracts/better-auth.md#objects.

use async_graphql::{ID, SimpleObject};
use entity::{account, session, user};
use serde::Serialize;
use utoipa::ToSchema;

use super::DateTime;
use crate::service::auth::CurrentUser;

/// A user. The data of the account is null if another service issues the tokens.
#[derive(Clone, Debug, SimpleObject, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(examples(json!({
    "name": "Ann", "email": "ann@example.com", "emailVerified": false, "image": null,
    "createdAt": "2030-01-01T08:00:00.000Z", "updatedAt": "2030-01-01T08:00:00.000Z",
    "id": "yI5EnU3Wb8Qk0aZr7LxT2vPcGdMhJfSo",
})))]
pub struct User {
    /// Display name.
    #[schema(required)]
    pub name: Option<String>,
    /// E-mail address.
    #[schema(required)]
    pub email: Option<String>,
    /// Whether the e-mail address is verified.
    #[schema(required)]
    pub email_verified: Option<bool>,
    /// URL of the profile picture.
    #[schema(required)]
    pub image: Option<String>,
    /// When the account was created.
    #[schema(required)]
    pub created_at: Option<DateTime>,
    /// When the account was last changed.
    #[schema(required)]
    pub updated_at: Option<DateTime>,
    /// Id of the user.
    #[schema(value_type = String)]
    pub id: ID,
}

/// A session, as Better Auth shows it to its user.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(examples(json!({
    "expiresAt": "2030-01-08T08:00:00.000Z", "token": "Q3vN8rB1xJ6mT0wZk5hLsDf2YcPa9GeU",
    "createdAt": "2030-01-01T08:00:00.000Z", "updatedAt": "2030-01-01T08:00:00.000Z", "ipAddress": "192.0.2.7",
    "userAgent": "Mozilla/5.0", "userId": "yI5EnU3Wb8Qk0aZr7LxT2vPcGdMhJfSo", "id": "c7KpX4nR9sVb2LqJ0yTfWm8HdEzG1aUi",
})))]
pub struct Session {
    /// When it ends.
    pub expires_at: DateTime,
    /// The secret that stands for it.
    pub token: String,
    /// When the user signed in.
    pub created_at: DateTime,
    /// When it was last extended.
    pub updated_at: DateTime,
    /// Where the user signed in from; empty when not known.
    pub ip_address: String,
    /// What the user signed in with; empty when not known.
    pub user_agent: String,
    /// Whose it is.
    pub user_id: String,
    /// The session's id.
    pub id: String,
}

/// A way to sign in, as Better Auth shows it to its user: no token and no password.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(examples(json!({
    "accountId": "yI5EnU3Wb8Qk0aZr7LxT2vPcGdMhJfSo", "providerId": "credential",
    "userId": "yI5EnU3Wb8Qk0aZr7LxT2vPcGdMhJfSo", "createdAt": "2030-01-01T08:00:00.000Z",
    "updatedAt": "2030-01-01T08:00:00.000Z", "id": "f0RtB6uYw3ZsQ9xKc1LnJv7MgPdHa5Ei", "scopes": [],
})))]
pub struct Account {
    /// The provider's id of the user.
    pub account_id: String,
    /// `credential`, or the name of an OAuth provider.
    pub provider_id: String,
    /// Whose it is.
    pub user_id: String,
    /// When it was linked.
    pub created_at: DateTime,
    /// When it was last changed.
    pub updated_at: DateTime,
    /// The account's id.
    pub id: String,
    /// OAuth scopes.
    pub scopes: Vec<String>,
}

impl From<account::Model> for Account {
    fn from(row: account::Model) -> Self {
        let account::Model {
            id,
            account_id,
            provider_id,
            user_id,
            access_token: _,
            refresh_token: _,
            id_token: _,
            access_token_expires_at: _,
            refresh_token_expires_at: _,
            scope,
            password: _,
            created_at,
            updated_at,
        } = row;
        let scopes = scope.unwrap_or_default();
        Self {
            account_id,
            provider_id,
            user_id: user_id.0,
            created_at: created_at.into(),
            updated_at: updated_at.into(),
            id,
            scopes: scopes.split(',').filter(|it| !it.is_empty()).map(str::to_owned).collect(),
        }
    }
}

impl From<session::Model> for Session {
    fn from(row: session::Model) -> Self {
        let session::Model { id, expires_at, token, created_at, updated_at, ip_address, user_agent, user_id } = row;
        Self {
            expires_at: expires_at.into(),
            token,
            created_at: created_at.into(),
            updated_at: updated_at.into(),
            ip_address: ip_address.unwrap_or_default(),
            user_agent: user_agent.unwrap_or_default(),
            user_id: user_id.0,
            id,
        }
    }
}

impl From<user::Model> for User {
    fn from(row: user::Model) -> Self {
        let user::Model { id, name, email, email_verified, image, created_at, updated_at } = row;
        Self {
            name: Some(name),
            email: Some(email),
            email_verified: Some(email_verified),
            image,
            created_at: Some(created_at.into()),
            updated_at: Some(updated_at.into()),
            id: ID(id.0),
        }
    }
}

impl User {
    /// A user of whom only the id is known.
    pub fn elsewhere(user: &CurrentUser) -> Self {
        Self {
            name: None,
            email: None,
            email_verified: None,
            image: None,
            created_at: None,
            updated_at: None,
            id: ID(user.id().0.clone()),
        }
    }
}
