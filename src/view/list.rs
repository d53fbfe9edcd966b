//! A list of tasks, and what clients send about lists.

use async_graphql::{ID, InputObject, MaybeUndefined, SimpleObject};
use entity::{id::ListId, list};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    BigInt, DateTime,
    check::Check,
    json::{self, WriteField},
};
use crate::{
    error::{Error, Thing, ValidationError},
    service::{
        lists::{ListPatch, NewList},
        tasks::Counts,
        values::{Color, ListName},
    },
};

/// A list of tasks.
#[derive(Clone, Debug, SimpleObject, Serialize, ToSchema)]
#[graphql(complex)]
#[schema(examples(json!({ "id": "01989b2a-7c1e-7d3f-8a4b-5c6d7e8f9a0b", "name": "Garden", "color": null, "position": "V", "archived": false,
    "revision": 2, "created_at": "2030-01-01T08:00:00Z", "updated_at": "2030-01-01T08:00:00Z" })))]
pub struct TaskList {
    /// UUID of the list. It never changes.
    #[schema(value_type = String)]
    pub id: ID,
    /// Name, 1 to 100 characters.
    pub name: String,
    /// Color as `#rrggbb`.
    #[schema(required)]
    pub color: Option<String>,
    /// Sort key of the order of the lists: compare as text, byte by byte.
    pub position: String,
    /// Whether the list is archived.
    pub archived: bool,
    /// Revision of the list: changes with every write, and is what `expectedRevision` takes.
    pub revision: BigInt,
    /// When it was created.
    pub created_at: DateTime,
    /// When it was last changed.
    pub updated_at: DateTime,
    /// When it was deleted; null unless it is in the trash.
    #[serde(skip)]
    pub deleted_at: Option<DateTime>,
    /// Ids by which its relations are loaded.
    #[graphql(skip)]
    #[serde(skip)]
    pub key: ListId,
}

/// Number of tasks in a list, by state.
#[derive(Clone, Copy, Debug, SimpleObject)]
pub struct TaskCounts {
    /// Number of open tasks.
    pub open: i32,
    /// Number of completed tasks.
    pub completed: i32,
    /// Number of open tasks that are overdue.
    pub overdue: i32,
}

/// Input of `createTaskList`.
#[derive(Clone, Debug, InputObject)]
pub struct CreateTaskListInput {
    /// UUID chosen by the client. A repeated call creates nothing and returns the list of the first; one with other
    /// content, or with the id of a deleted list, fails with `CONFLICT`.
    pub id: Option<ID>,
    /// Name, 1 to 100 characters after trimming.
    pub name: String,
    /// Color as `#rrggbb`.
    pub color: Option<String>,
}

/// Input of `updateTaskList`. Fields left out stay unchanged; null clears the color.
#[derive(Clone, Debug, InputObject)]
pub struct UpdateTaskListInput {
    /// Id of the list.
    pub id: ID,
    /// Fail with `CONFLICT`, which carries the current state, unless this is the current revision.
    pub expected_revision: Option<BigInt>,
    /// Name, 1 to 100 characters after trimming.
    pub name: MaybeUndefined<String>,
    /// Color as `#rrggbb`, or null for none.
    pub color: MaybeUndefined<String>,
    /// Whether the list is archived.
    pub archived: MaybeUndefined<bool>,
}

impl From<list::Model> for TaskList {
    fn from(row: list::Model) -> Self {
        let list::Model {
            id,
            owner_id: _,
            name,
            color,
            position,
            archived,
            revision,
            created_at,
            updated_at,
            deleted_at,
        } = row;
        Self {
            id: ID(id.to_string()),
            name,
            color,
            position,
            archived,
            revision: BigInt(revision),
            created_at: created_at.into(),
            updated_at: updated_at.into(),
            deleted_at: deleted_at.map(Into::into),
            key: id,
        }
    }
}

impl From<Counts> for TaskCounts {
    fn from(counts: Counts) -> Self {
        let int = |count: i64| i32::try_from(count).unwrap_or(i32::MAX);
        Self { open: int(counts.open), completed: int(counts.completed), overdue: int(counts.overdue) }
    }
}

impl TryFrom<CreateTaskListInput> for NewList {
    type Error = Error;

    fn try_from(input: CreateTaskListInput) -> Result<Self, Error> {
        let mut check = Check::default();
        let id =
            check.optional("id", input.id.as_ref().map(|it| it.parse().map(ListId).map_err(|_| ValidationError::Uuid)));
        let name = check.field("name", ListName::parse(&input.name));
        let color = check.optional("color", input.color.as_deref().map(Color::parse));
        check.passed(name.map(|name| NewList { id, name, color }))
    }
}

impl TryFrom<UpdateTaskListInput> for ListPatch {
    type Error = Error;

    fn try_from(input: UpdateTaskListInput) -> Result<Self, Error> {
        let mut check = Check::default();
        let name = check.required("name", input.name.map_value(|it| ListName::parse(&it)));
        let color = check.clearable("color", input.color.map_value(|it| Color::parse(&it)));
        let archived = check.required("archived", input.archived.map_value(Ok));
        check.passed(Some(ListPatch { name, color, archived }))
    }
}

/// What is no id at all is the id of no list.
pub fn list_id(id: &ID) -> Result<ListId, Error> {
    id.parse().map(ListId).map_err(|_| Error::NotFound(Thing::List))
}

impl WriteField for list::Model {
    const TYPE: &'static str = "TaskList";
    const FIELDS: &'static [&'static str] =
        &["id", "name", "color", "position", "archived", "revision", "createdAt", "updatedAt", "deletedAt"];

    fn write(&self, field: &str, into: &mut Vec<u8>) -> bool {
        match field {
            "id" => json::id(self.id.0, into),
            "name" => json::text(&self.name, into),
            "color" => json::text_if_any(self.color.as_deref(), into),
            "position" => json::text(&self.position, into),
            "archived" => json::json(self.archived, into),
            "revision" => json::json(BigInt(self.revision), into),
            "createdAt" => json::instant(self.created_at, into),
            "updatedAt" => json::instant(self.updated_at, into),
            "deletedAt" => json::instant_if_any(self.deleted_at, into),
            _ => false,
        }
    }
}
