//! Changes to a user's data, as the feed shows them.

use async_graphql::{Enum, ID, SimpleObject};
use entity::task;
use serde::{Serialize, ser::SerializeMap};
use serde_json::json;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, Ref, RefOr, Schema, schema::Type},
};

use super::{BigInt, Label, Task, TaskList};
use crate::{
    error::Thing,
    service::changes::{Changed, Feed, SyncToken},
};

/// A change of a task, a list or a label: its current state, or that it was deleted.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub struct Change {
    /// Sync token of the change: `changes(after:)` goes on from there.
    pub sync_token: String,
    /// Revision of the object: unique among the changes of the user, and what `expectedRevision` takes.
    pub revision: BigInt,
    /// Kind of the object that changed.
    pub kind: ChangeKind,
    /// Id of the object that changed. A change has no id of its own.
    #[graphql(name = "nodeId")]
    pub id: ID,
    /// Whether the object was deleted.
    pub deleted: bool,
    /// Id of the object if it was deleted; null otherwise (for Relay's `@deleteRecord`).
    pub deleted_node_id: Option<ID>,
    /// What it is now; absent when it is deleted.
    #[graphql(skip)]
    pub now: Option<ChangedNode>,
}

/// Kind of the object that changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// A task.
    Task,
    /// A list of tasks.
    TaskList,
    /// A label.
    Label,
}

/// A task, a list or a label.
#[derive(Clone, Debug, Serialize, async_graphql::Union)]
#[serde(untagged)]
pub enum ChangedNode {
    /// A task.
    Task(Task),
    /// A list.
    TaskList(TaskList),
    /// A label.
    Label(Label),
}

impl From<Changed> for ChangedNode {
    fn from(changed: Changed) -> Self {
        match changed {
            Changed::Task(row) => Self::Task(row.into()),
            Changed::List(row) => Self::TaskList(row.into()),
            Changed::Label(row) => Self::Label(row.into()),
        }
    }
}

impl From<ChangeKind> for Thing {
    fn from(kind: ChangeKind) -> Self {
        match kind {
            ChangeKind::Task => Self::Task,
            ChangeKind::TaskList => Self::List,
            ChangeKind::Label => Self::Label,
        }
    }
}

impl Change {
    /// The changes of a page, with tasks as an API shows them.
    pub fn all(feed: &Feed, mut shown: impl FnMut(task::Model) -> Task) -> Vec<Self> {
        let change = |changed: &Changed| Self::new(changed.clone(), feed.token_at(changed.revision()), &mut shown);
        feed.changes.iter().map(change).collect()
    }

    fn new(changed: Changed, token: SyncToken, shown: &mut impl FnMut(task::Model) -> Task) -> Self {
        let (revision, deleted) = (BigInt(changed.revision()), changed.is_deleted());
        let (kind, id, now) = match changed {
            Changed::Task(row) => (ChangeKind::Task, ID(row.id.to_string()), ChangedNode::Task(shown(row))),
            Changed::List(row) => (ChangeKind::TaskList, ID(row.id.to_string()), ChangedNode::TaskList(row.into())),
            Changed::Label(row) => (ChangeKind::Label, ID(row.id.to_string()), ChangedNode::Label(row.into())),
        };
        let deleted_node_id = deleted.then(|| id.clone());
        let now = Some(now).filter(|_| !deleted);
        Self { sync_token: token.encode(), revision, kind, id, deleted, deleted_node_id, now }
    }
}

impl Serialize for Change {
    /// REST has the thing itself under the name of its kind.
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("revision", &self.revision)?;
        map.serialize_entry("kind", &self.kind)?;
        map.serialize_entry("id", self.id.as_str())?;
        map.serialize_entry("deleted", &self.deleted)?;
        if let Some(now) = &self.now {
            let name = match self.kind {
                ChangeKind::Task => "task",
                ChangeKind::TaskList => "task_list",
                ChangeKind::Label => "label",
            };
            map.serialize_entry(name, now)?;
        }
        map.end()
    }
}

impl PartialSchema for Change {
    fn schema() -> RefOr<Schema> {
        let text = |text: &str| ObjectBuilder::new().schema_type(Type::String).description(Some(text));
        let deleted = ObjectBuilder::new().schema_type(Type::Boolean).description(Some("Whether it was deleted."));
        ObjectBuilder::new()
            .description(Some("A change of a task, a list or a label: its current state, or that it was deleted."))
            .property("revision", Ref::from_schema_name("BigInt"))
            .required("revision")
            .property("kind", Ref::from_schema_name("ChangeKind"))
            .required("kind")
            .property("id", text("UUID of the object that changed."))
            .required("id")
            .property("deleted", deleted)
            .required("deleted")
            .property("task", Ref::from_schema_name("Task"))
            .property("task_list", Ref::from_schema_name("TaskList"))
            .property("label", Ref::from_schema_name("Label"))
            .examples([json!({
                "revision": 12, "kind": "label", "id": "01989b2a-7c1e-7d3f-8a4b-5c6d7e8f9a0b", "deleted": true,
            })])
            .into()
    }
}

impl ToSchema for Change {}
