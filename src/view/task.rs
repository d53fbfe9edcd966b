//! A task.

use async_graphql::{Enum, ID, SimpleObject, resolver_utils::EnumType};
use entity::{
    id::{ListId, TaskId},
    label, task,
    time::Micros,
};
use serde::Serialize;
use utoipa::ToSchema;

use super::{BigInt, Date, DateTime};

/// Something that a user means to do.
#[derive(Clone, Debug, SimpleObject, Serialize, ToSchema)]
#[graphql(complex)]
pub struct Task {
    /// The task's id, stable for ever: a UUID.
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
    /// Names of its labels.
    #[graphql(skip)]
    pub tags: Vec<String>,
    /// When it is due, for clients that know no dates: a date is its midnight in UTC.
    #[graphql(skip)]
    #[serde(rename = "due_date")]
    pub due: Option<DateTime>,
    /// The calendar date on which it is due, wherever its owner is that day; never together with an instant.
    #[serde(skip)]
    pub due_date: Option<Date>,
    /// The instant at which it is due; never together with a date.
    #[serde(skip)]
    pub due_at: Option<DateTime>,
    /// The IANA name of the time zone that the instant was chosen in.
    #[serde(skip)]
    pub due_time_zone: Option<String>,
    /// The place in manual order: compare as text, byte by byte.
    #[serde(skip)]
    pub position: String,
    /// The number of the write that last changed the task: for `expectedRevision`.
    #[serde(skip)]
    pub revision: BigInt,
    /// When it was made.
    pub created_at: DateTime,
    /// When it last changed.
    pub updated_at: DateTime,
    /// What its relations are found by.
    #[graphql(skip)]
    #[serde(skip)]
    pub keys: TaskKeys,
}

/// What the relations of a task are found by.
#[derive(Clone, Copy, Debug)]
pub struct TaskKeys {
    /// The task itself.
    pub task: TaskId,
    /// Its list.
    pub list: Option<ListId>,
    /// The task that it is a part of.
    pub parent: Option<TaskId>,
}

/// How urgent a task is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum, Serialize, ToSchema)]
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

impl Priority {
    /// The name in the schema.
    pub fn name(self) -> &'static str {
        Self::items().iter().find(|it| it.value == self).map_or("", |it| it.name)
    }
}

impl From<task::Model> for Task {
    fn from(row: task::Model) -> Self {
        let task::Model {
            title_key: _,
            description_key: _,
            number,
            id,
            user_id,
            parent_id,
            list_id,
            title,
            description,
            completed,
            completed_at,
            priority,
            due_date,
            due_at,
            due_zone,
            position,
            revision,
            created_at,
            updated_at,
            deleted_at: _,
        } = row;
        let midnight = due_date.map(|date| Micros::from(date.and_time(chrono::NaiveTime::MIN).and_utc()));
        Self {
            id: ID(id.to_string()),
            number: BigInt(number),
            user_id: user_id.0,
            title,
            description,
            completed,
            completed_at: completed_at.map(Into::into),
            priority: priority.into(),
            tags: Vec::new(),
            due: due_at.or(midnight).map(Into::into),
            due_date: due_date.map(Date),
            due_at: due_at.map(Into::into),
            due_time_zone: due_zone,
            position,
            revision: BigInt(revision),
            created_at: created_at.into(),
            updated_at: updated_at.into(),
            keys: TaskKeys { task: id, list: list_id, parent: parent_id },
        }
    }
}

impl Task {
    /// The task with its labels, whose names REST shows.
    pub fn tagged(row: task::Model, labels: Vec<label::Model>) -> Self {
        Self { tags: labels.into_iter().map(|label| label.name).collect(), ..row.into() }
    }
}
