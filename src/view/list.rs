//! A list of tasks, and what clients send about lists.

use async_graphql::{ID, InputObject, MaybeUndefined, SimpleObject};
use entity::{id::ListId, list};
use serde::Serialize;
use utoipa::ToSchema;

use super::{BigInt, DateTime, check::Check};
use crate::{
    error::{Error, ValidationError},
    service::{
        lists::{ListPatch, NewList},
        tasks::Counts,
        values::{Colour, ListName},
    },
};

/// A list of tasks.
#[derive(Clone, Debug, SimpleObject, Serialize, ToSchema)]
#[graphql(complex)]
pub struct TaskList {
    /// The list's id: a UUID.
    #[schema(value_type = String)]
    pub id: ID,
    /// 1 to 100 characters.
    pub name: String,
    /// As `#rrggbb`.
    pub colour: Option<String>,
    /// The place among the lists: compare as text, byte by byte.
    pub position: String,
    /// Whether it is out of the way.
    pub archived: bool,
    /// The number of the write that last changed the list: for `expectedRevision`.
    pub revision: BigInt,
    /// When it was made.
    pub created_at: DateTime,
    /// When it last changed.
    pub updated_at: DateTime,
    /// What its relations are found by.
    #[graphql(skip)]
    #[serde(skip)]
    pub key: ListId,
}

/// How many tasks a list has.
#[derive(Clone, Copy, Debug, SimpleObject)]
pub struct TaskCounts {
    /// Not done.
    pub open: i32,
    /// Done.
    pub completed: i32,
    /// Not done, and due in the past.
    pub overdue: i32,
}

/// A list to be made, the last of all.
#[derive(Clone, Debug, InputObject)]
pub struct CreateTaskListInput {
    /// A UUID that the client chose: sent twice, it makes one list, which both calls answer.
    pub id: Option<ID>,
    /// 1 to 100 characters after trimming.
    pub name: String,
    /// As `#rrggbb`.
    pub colour: Option<String>,
}

/// Changes to a list. A field that is absent stays as it is; null clears the colour.
#[derive(Clone, Debug, InputObject)]
pub struct UpdateTaskListInput {
    /// Which list.
    pub id: ID,
    /// Change it only if this is still its revision; otherwise the error `CONFLICT` shows what it is now.
    pub expected_revision: Option<BigInt>,
    /// 1 to 100 characters after trimming.
    pub name: MaybeUndefined<String>,
    /// As `#rrggbb`, or null for none.
    pub colour: MaybeUndefined<String>,
    /// Whether it is out of the way.
    pub archived: MaybeUndefined<bool>,
}

impl From<list::Model> for TaskList {
    fn from(row: list::Model) -> Self {
        let list::Model {
            id,
            user_id: _,
            name,
            colour,
            position,
            archived,
            revision,
            created_at,
            updated_at,
            deleted_at: _,
        } = row;
        Self {
            id: ID(id.to_string()),
            name,
            colour,
            position,
            archived,
            revision: BigInt(revision),
            created_at: created_at.into(),
            updated_at: updated_at.into(),
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
        let colour = check.optional("colour", input.colour.as_deref().map(Colour::parse));
        check.passed(name.map(|name| NewList { id, name, colour }))
    }
}

impl TryFrom<UpdateTaskListInput> for ListPatch {
    type Error = Error;

    fn try_from(input: UpdateTaskListInput) -> Result<Self, Error> {
        let mut check = Check::default();
        let name = check.required("name", input.name.map_value(|it| ListName::parse(&it)));
        let colour = check.clearable("colour", input.colour.map_value(|it| Colour::parse(&it)));
        let archived = check.required("archived", input.archived.map_value(Ok));
        check.passed(Some(ListPatch { name, colour, archived }))
    }
}

/// What is no id at all is the id of no list.
pub fn list_id(id: &ID) -> Result<ListId, Error> {
    id.parse().map(ListId).map_err(|_| Error::NotFound("list"))
}
