//! Changes to a user's data, as the feed shows them.

use async_graphql::{Enum, ID, SimpleObject};
use entity::{id::TaskId, label};
use serde::{Serialize, ser::SerializeMap};

use super::{BigInt, Label, Task, TaskList};
use crate::service::changes::Changed;

/// A change of a task, a list or a label: its current state, or that it was deleted.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub struct Change {
    /// Revision of the change: unique among the changes of the user, and what `since` takes.
    pub revision: BigInt,
    /// Kind of the object that changed.
    pub kind: ChangeKind,
    /// Id of the object that changed. A change has no id of its own.
    #[graphql(name = "nodeId")]
    pub id: ID,
    /// Whether the object was deleted.
    pub deleted: bool,
    /// What it is now; absent when it is deleted.
    #[graphql(skip)]
    pub now: Option<ChangedNode>,
}

/// Kind of the object that changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum, Serialize)]
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

impl From<Changed> for Change {
    fn from(changed: Changed) -> Self {
        Self::tagged(changed, |_| Vec::new())
    }
}

impl Change {
    /// The change with the names of a task's labels, which REST shows.
    pub fn tagged(changed: Changed, labels: impl FnOnce(&TaskId) -> Vec<label::Model>) -> Self {
        let (revision, deleted) = (BigInt(changed.revision()), changed.is_deleted());
        let (kind, id, now) = match changed {
            Changed::Task(row) => (ChangeKind::Task, ID(row.id.to_string()), {
                let labels = labels(&row.id);
                ChangedNode::Task(Task::tagged(row, labels))
            }),
            Changed::List(row) => (ChangeKind::TaskList, ID(row.id.to_string()), ChangedNode::TaskList(row.into())),
            Changed::Label(row) => (ChangeKind::Label, ID(row.id.to_string()), ChangedNode::Label(row.into())),
        };
        Self { revision, kind, id, deleted, now: Some(now).filter(|_| !deleted) }
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
