//! A task.

use async_graphql::{Enum, ID, SimpleObject, resolver_utils::EnumType};
use entity::{
    id::{ListId, TaskId, UserId},
    label, task,
    time::Micros,
};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::{
    BigInt, Date, DateTime,
    json::{self, WriteField},
};
use crate::service::tasks::{ExtraFields, TaskSummary};

/// A task.
#[derive(Clone, Debug, SimpleObject, Serialize, ToSchema)]
#[graphql(complex)]
#[schema(examples(json!({
    "id": 7,
    "user_id": "yI5EnU3Wb8Qk0aZr7LxT2vPcGdMhJfSo",
    "title": "Water the plants",
    "description": "Every second day",
    "completed": false,
    "priority": "medium",
    "tags": ["home"],
    "due_date": "2030-01-31T09:00:00Z",
    "created_at": "2030-01-01T08:00:00Z",
    "updated_at": "2030-01-02T08:00:00.250Z",
})))]
pub struct Task {
    /// UUID of the task. It never changes.
    #[serde(skip)]
    pub id: ID,
    /// Number of the task, unique in this installation: the `id` of the task in the REST API.
    #[serde(rename = "id")]
    pub number: BigInt,
    /// Id of the user who owns the task.
    #[graphql(skip)]
    pub user_id: String,
    /// Title, 1 to 200 characters.
    pub title: String,
    /// Description, at most 1,000 characters unless the server allows more.
    #[schema(required)]
    pub description: Option<String>,
    /// Whether the task is completed.
    pub completed: bool,
    /// When the task was completed; null while it is open.
    #[serde(skip)]
    pub completed_at: Option<DateTime>,
    /// Priority of the task.
    pub priority: Priority,
    /// Names of the task's labels.
    #[graphql(skip)]
    pub tags: Vec<String>,
    /// When the task is due, as an instant: a due date is sent as its midnight in UTC.
    #[graphql(skip)]
    #[serde(rename = "due_date")]
    #[schema(required)]
    pub due: Option<DateTime>,
    /// Calendar date on which the task is due, in the user's local time. A task has a due date or a due instant, never both.
    #[serde(skip)]
    pub due_date: Option<Date>,
    /// Instant at which the task is due. A task has a due date or a due instant, never both.
    #[serde(skip)]
    pub due_at: Option<DateTime>,
    /// IANA name of the time zone in which `dueAt` was chosen.
    #[serde(skip)]
    pub due_time_zone: Option<String>,
    /// Sort key of the manual order: compare as text, byte by byte.
    #[serde(skip)]
    pub position: String,
    /// Revision of the task: changes with every write, and is what `expectedRevision` takes.
    #[serde(skip)]
    pub revision: BigInt,
    /// When it was created.
    pub created_at: DateTime,
    /// When it was last changed.
    pub updated_at: DateTime,
    /// When it was deleted; null unless it is in the trash.
    #[serde(skip)]
    pub deleted_at: Option<DateTime>,
    /// What clients of REST keep with it.
    #[graphql(skip)]
    #[serde(flatten)]
    #[schema(ignore)]
    pub extra: Map<String, Value>,
    /// Ids by which its relations are loaded.
    #[graphql(skip)]
    #[serde(skip)]
    pub keys: TaskKeys,
}

/// Ids by which the relations of a task are loaded.
#[derive(Clone, Copy, Debug)]
pub struct TaskKeys {
    /// The task itself.
    pub task: TaskId,
    /// Its list.
    pub list: Option<ListId>,
    /// Parent task, if the task is a subtask.
    pub parent: Option<TaskId>,
}

/// Priority of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum, Serialize, ToSchema)]
#[graphql(remote = "task::Priority", name = "TaskPriority")]
#[serde(rename_all = "lowercase")]
pub enum Priority {
    /// Low priority.
    Low,
    /// Medium priority: the default.
    Medium,
    /// High priority.
    High,
    /// Urgent: the highest priority.
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
            extra,
            number,
            id,
            owner_id: _,
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
            deleted_at,
        } = row;
        let midnight = due_date.map(|date| Micros::from(date.and_time(chrono::NaiveTime::MIN).and_utc()));
        Self {
            id: ID(id.to_string()),
            number: BigInt(number),
            user_id: String::new(),
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
            deleted_at: deleted_at.map(Into::into),
            extra: ExtraFields::read(extra.as_deref()).into(),
            keys: TaskKeys { task: id, list: list_id, parent: parent_id },
        }
    }
}

impl Task {
    /// A task of that user with its labels, whose names REST shows.
    pub fn shown(row: task::Model, owner: &UserId, labels: Vec<label::Model>) -> Self {
        let tags = labels.into_iter().map(|label| label.name).collect();
        Self { user_id: owner.0.clone(), tags, ..row.into() }
    }
}

impl WriteField for task::Model {
    const TYPE: &'static str = "Task";
    const FIELDS: &'static [&'static str] = &[
        "id",
        "number",
        "title",
        "description",
        "completed",
        "completedAt",
        "priority",
        "dueDate",
        "dueAt",
        "dueTimeZone",
        "listId",
        "parentId",
        "position",
        "revision",
        "createdAt",
        "updatedAt",
        "deletedAt",
    ];

    fn write(&self, field: &str, into: &mut Vec<u8>) -> bool {
        match field {
            "id" => json::id(self.id.0, into),
            "number" => json::json(BigInt(self.number), into),
            "title" => json::text(&self.title, into),
            "description" => json::text_if_any(self.description.as_deref(), into),
            "completed" => json::json(self.completed, into),
            "completedAt" => json::instant_if_any(self.completed_at, into),
            "priority" => json::plain(Priority::from(self.priority).name(), into),
            "dueDate" => json::json(self.due_date.map(Date), into),
            "dueAt" => json::instant_if_any(self.due_at, into),
            "dueTimeZone" => json::text_if_any(self.due_zone.as_deref(), into),
            "listId" => json::id_if_any(self.list_id.map(|it| it.0), into),
            "parentId" => json::id_if_any(self.parent_id.map(|it| it.0), into),
            "position" => json::text(&self.position, into),
            "revision" => json::json(BigInt(self.revision), into),
            "createdAt" => json::instant(self.created_at, into),
            "updatedAt" => json::instant(self.updated_at, into),
            "deletedAt" => json::instant_if_any(self.deleted_at, into),
            _ => false,
        }
    }
}

/// How many bytes of JSON a task is expected to be.
pub const TASK_BYTES: usize = 400;

/// Tasks of one user as REST shows a list of them.
pub fn rest_list(tasks: &[TaskSummary], owner: &UserId) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(2 + tasks.len() * TASK_BYTES);
    json::array(tasks, &mut bytes, |task, into| write_shown(task, owner, into));
    bytes
}

/// A task of that user as REST shows it.
pub fn rest_task(task: &TaskSummary, owner: &UserId) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(TASK_BYTES);
    write_shown(task, owner, &mut bytes);
    bytes
}

fn write_shown(task: &TaskSummary, owner: &UserId, into: &mut Vec<u8>) {
    let name = |name: &str, into: &mut Vec<u8>| into.extend_from_slice(name.as_bytes());
    name("{\"id\":", into);
    json::json(task.number, into);
    name(",\"user_id\":", into);
    json::text(&owner.0, into);
    name(",\"title\":", into);
    json::text(&task.title, into);
    name(",\"description\":", into);
    json::text_if_any(task.description.as_deref(), into);
    name(",\"completed\":", into);
    json::json(task.completed, into);
    name(",\"priority\":", into);
    json::json(Priority::from(task.priority), into);
    name(",\"tags\":", into);
    name(&task.tags, into);
    name(",\"due_date\":", into);
    json::instant_if_any(task.due, into);
    name(",\"created_at\":", into);
    json::instant(task.created_at, into);
    name(",\"updated_at\":", into);
    json::instant(task.updated_at, into);
    // An object that is stored is never empty.
    match task.extra.as_deref().and_then(|it| it.strip_prefix('{')) {
        Some(fields) => name(&format!(",{fields}"), into),
        None => into.push(b'}'),
    }
}
