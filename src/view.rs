//! What clients see. One type for both doors; attributes say where the doors differ.

mod input;
mod scalar;

use async_graphql::{Enum, ID, SimpleObject};
use entity::{session, task, user};
use serde::Serialize;

pub(crate) use self::input::by_default;
pub use self::{
    input::{CreateTaskInput, DeleteTaskInput, SetTaskCompletedInput, TaskFilter, TaskOrder, UpdateTaskInput},
    scalar::{BigInt, DateTime},
};
use crate::service::auth::CurrentUser;

/// Something that a user means to do.
#[derive(Clone, Debug, SimpleObject, Serialize)]
pub struct Task {
    /// The task's id, stable for ever.
    #[serde(skip)]
    pub id: ID,
    /// The task's number, which is its `id` on the REST routes.
    #[serde(rename = "id")]
    pub number: BigInt,
    /// Whose task it is; GraphQL shows nobody else's.
    #[graphql(skip)]
    pub user_id: String,
    /// What to do: 1 to 200 characters.
    pub title: String,
    /// More about it: at most 1,000 characters.
    pub description: Option<String>,
    /// Whether it is done.
    pub completed: bool,
    /// Since when it is done; null while it is open.
    #[serde(skip)]
    pub completed_at: Option<DateTime>,
    /// How urgent it is.
    pub priority: Priority,
    /// Names of labels.
    #[graphql(skip)]
    pub tags: Vec<String>,
    /// When it is due.
    #[serde(rename = "due_date")]
    pub due_at: Option<DateTime>,
    /// When it was made.
    pub created_at: DateTime,
    /// When it last changed.
    pub updated_at: DateTime,
}

/// How urgent a task is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum, Serialize)]
#[graphql(remote = "task::Priority", name = "TaskPriority")]
#[serde(rename_all = "lowercase")]
pub enum Priority {
    /// Whenever.
    Low,
    /// As usual.
    Medium,
    /// Soon.
    High,
    /// Now.
    Urgent,
}

/// A user. The account's own data is null when the account is kept by another issuer of tokens.
#[derive(Clone, Debug, SimpleObject, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct User {
    /// The name that others see.
    pub name: Option<String>,
    /// The address that signs in.
    pub email: Option<String>,
    /// Whether the address is known to be the user's.
    pub email_verified: Option<bool>,
    /// URL of a picture.
    pub image: Option<String>,
    /// When the account was made.
    pub created_at: Option<DateTime>,
    /// When the account last changed.
    pub updated_at: Option<DateTime>,
    /// The user's id.
    pub id: ID,
}

/// A session, as Better Auth shows it to its user.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
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

impl From<task::Model> for Task {
    fn from(row: task::Model) -> Self {
        let task::Model {
            number,
            id,
            user_id,
            title,
            description,
            completed,
            completed_at,
            priority,
            due,
            created_at,
            updated_at,
        } = row;
        Self {
            id: id.into(),
            number: BigInt(number),
            user_id: user_id.0,
            title,
            description,
            completed,
            completed_at: completed_at.map(Into::into),
            priority: priority.into(),
            tags: Vec::new(),
            due_at: due.map(Into::into),
            created_at: created_at.into(),
            updated_at: updated_at.into(),
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
