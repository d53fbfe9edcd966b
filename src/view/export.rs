//! A user's data as a file: what the export writes, the import reads.

mod entries;

use chrono::{NaiveDate, Utc};
use entity::{
    id::{LabelId, ListId, TaskId},
    label, list, task,
    time::Micros,
};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;
use uuid::Uuid;

use self::entries::{Entries, EntriesVisitor, EntryProblem, type_problem};
use crate::{
    error::{FileProblem, ValidationError},
    service::{
        import::{
            Import, LabelImport, ListImport, MAX_IMPORT, MAX_IMPORT_LABELS, MAX_IMPORT_LISTS, MAX_PROBLEMS, TaskImport,
        },
        labels::{LabelSelection, NewLabel},
        lists::NewList,
        tasks::{Date, Description, Due, ExtraFields, Instant, NewTask, TimeZone, Title},
        user_data::TaskWithLabels,
        values::{Color, LabelName, ListName},
    },
};

/// The version of the form of files that is written and read.
pub const EXPORT_VERSION: u32 = 1;

/// A whole file. Each entry is checked as soon as it is read, so that a large file is in memory once.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({
    "docket": 1,
    "lists": [{ "id": "01989b2a-7c1e-7d3f-8a4b-5c6d7e8f9a0b", "name": "Garden", "color": null, "archived": false }],
    "labels": [{ "id": "01989b2a-7c1e-7d3f-8a4b-5c6d7e8f9a0c", "name": "home", "color": "#a0b1c2" }],
    "tasks": [{
        "id": "01989b2a-7c1e-7d3f-8a4b-5c6d7e8f9a0d", "title": "Water the plants", "description": null,
        "completed": false, "completed_at": null, "priority": "medium", "due_date": "2030-01-31", "due_at": null,
        "due_time_zone": null, "list_id": "01989b2a-7c1e-7d3f-8a4b-5c6d7e8f9a0b", "parent_id": null,
        "label_ids": ["01989b2a-7c1e-7d3f-8a4b-5c6d7e8f9a0c"], "created_at": "2030-01-01T08:00:00Z",
    }],
})))]
pub struct Export {
    /// The version of the form of the file.
    #[serde(default, rename = "docket", deserialize_with = "read_version")]
    #[schema(value_type = u32)]
    version: Option<u32>,
    /// Lists, in their order.
    #[serde(default, deserialize_with = "read_lists")]
    #[schema(value_type = Vec<ExportList>)]
    lists: Entries<ListImport>,
    /// Labels, by name.
    #[serde(default, deserialize_with = "read_labels")]
    #[schema(value_type = Vec<ExportLabel>)]
    labels: Entries<LabelImport>,
    /// Tasks, in manual order if they are to have one.
    #[serde(default, deserialize_with = "read_tasks")]
    #[schema(value_type = Vec<ExportTask>)]
    tasks: Entries<TaskImport>,
}

/// A list in a file.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExportList {
    /// UUID of the list.
    #[schema(value_type = String, format = "uuid")]
    id: Uuid,
    /// Name, 1 to 100 characters.
    name: String,
    /// Color as `#rrggbb`.
    #[serde(default)]
    color: Option<String>,
    /// Whether the list is archived.
    #[serde(default)]
    archived: bool,
}

/// A label in a file.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExportLabel {
    /// UUID of the label.
    #[schema(value_type = String, format = "uuid")]
    id: Uuid,
    /// Name, 1 to 30 characters.
    name: String,
    /// Color as `#rrggbb`.
    #[serde(default)]
    color: Option<String>,
}

/// A task in a file.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExportTask {
    /// UUID of the task.
    #[schema(value_type = String, format = "uuid")]
    id: Uuid,
    /// Title, 1 to 200 characters.
    title: String,
    /// Description.
    #[serde(default)]
    description: Option<String>,
    /// Whether the task is completed.
    #[serde(default)]
    completed: bool,
    /// When it was completed; only of a completed task.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    completed_at: Option<chrono::DateTime<Utc>>,
    /// Priority of the task.
    #[serde(default)]
    priority: ExportPriority,
    /// Date on which it is due, if it is due on one.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = Date)]
    due_date: Option<NaiveDate>,
    /// Instant at which it is due, if it is due at one.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    due_at: Option<chrono::DateTime<Utc>>,
    /// IANA name of the time zone in which `due_at` was chosen.
    #[serde(default)]
    due_time_zone: Option<String>,
    /// UUID of its list.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = "uuid")]
    list_id: Option<Uuid>,
    /// UUID of its parent, if it is a subtask.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = "uuid")]
    parent_id: Option<Uuid>,
    /// UUIDs of its labels.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    label_ids: Vec<Uuid>,
    /// When it was created.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    created_at: Option<chrono::DateTime<Utc>>,
    /// Fields that clients keep with it.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    #[schema(value_type = Object)]
    extra: Map<String, Value>,
}

/// A priority in a file.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum ExportPriority {
    Low,
    #[default]
    Medium,
    High,
    Urgent,
}

impl From<list::Model> for ExportList {
    fn from(row: list::Model) -> Self {
        Self { id: row.id.0, name: row.name, color: row.color, archived: row.archived }
    }
}

impl From<label::Model> for ExportLabel {
    fn from(row: label::Model) -> Self {
        Self { id: row.id.0, name: row.name, color: row.color }
    }
}

impl From<TaskWithLabels> for ExportTask {
    fn from(TaskWithLabels { task, labels }: TaskWithLabels) -> Self {
        let task::Model {
            number: _,
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
            position: _,
            revision: _,
            created_at,
            updated_at: _,
            deleted_at: _,
            title_key: _,
            description_key: _,
            extra,
        } = task;
        Self {
            id: id.0,
            title,
            description,
            completed,
            completed_at: completed_at.map(|it| it.0),
            priority: priority.into(),
            due_date,
            due_at: due_at.map(|it| it.0),
            due_time_zone: due_zone,
            list_id: list_id.map(|it| it.0),
            parent_id: parent_id.map(|it| it.0),
            label_ids: labels.into_iter().map(|it| it.0).collect(),
            created_at: Some(created_at.0),
            extra: ExtraFields::read(extra.as_deref()).into(),
        }
    }
}

impl From<task::Priority> for ExportPriority {
    fn from(priority: task::Priority) -> Self {
        match priority {
            task::Priority::Low => Self::Low,
            task::Priority::Medium => Self::Medium,
            task::Priority::High => Self::High,
            task::Priority::Urgent => Self::Urgent,
        }
    }
}

impl From<ExportPriority> for task::Priority {
    fn from(importance: ExportPriority) -> Self {
        match importance {
            ExportPriority::Low => Self::Low,
            ExportPriority::Medium => Self::Medium,
            ExportPriority::High => Self::High,
            ExportPriority::Urgent => Self::Urgent,
        }
    }
}

/// Why a file cannot be imported.
#[derive(Debug)]
pub enum ExportError {
    /// It is no JSON.
    Json(serde_json::Error),
    /// Some of it is not as it must be.
    Problems(Vec<FileProblem>),
}

impl Export {
    /// Reads a file, and checks all that can be checked without knowing what is there.
    pub fn parse(bytes: &[u8]) -> Result<Import, ExportError> {
        let mut json = serde_json::Deserializer::from_slice(bytes);
        let file: Self =
            serde_path_to_error::deserialize(&mut json).map_err(|error| match error.inner().is_data() {
                true => ExportError::Problems(vec![type_problem(&error)]),
                false => ExportError::Json(error.into_inner()),
            })?;
        json.end().map_err(ExportError::Json)?;
        file.checked().map_err(ExportError::Problems)
    }

    /// What the file brings, or what is wrong with it and where.
    fn checked(self) -> Result<Import, Vec<FileProblem>> {
        let mut problems = Vec::new();
        if self.version.is_some_and(|version| version != EXPORT_VERSION) {
            let rule = ValidationError::Rule("must be 1, the version of the form that is known here");
            problems.push(FileProblem { path: "docket".to_owned(), rule });
        }
        let lists = self.lists.into_good("lists", MAX_IMPORT_LISTS, &mut problems);
        let labels = self.labels.into_good("labels", MAX_IMPORT_LABELS, &mut problems);
        let tasks = self.tasks.into_good("tasks", MAX_IMPORT, &mut problems);
        problems.truncate(MAX_PROBLEMS);
        if problems.is_empty() { Ok(Import { lists, are_lists_named: false, labels, tasks }) } else { Err(problems) }
    }
}

/// A version that is given: null is none that is known.
fn read_version<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u32>, D::Error> {
    u32::deserialize(from).map(Some)
}

fn read_lists<'de, D: Deserializer<'de>>(from: D) -> Result<Entries<ListImport>, D::Error> {
    from.deserialize_seq(EntriesVisitor {
        name: "lists",
        max: MAX_IMPORT_LISTS,
        check: |_, it: ExportList| it.checked(),
    })
}

fn read_labels<'de, D: Deserializer<'de>>(from: D) -> Result<Entries<LabelImport>, D::Error> {
    from.deserialize_seq(EntriesVisitor {
        name: "labels",
        max: MAX_IMPORT_LABELS,
        check: |_, it: ExportLabel| it.checked(),
    })
}

fn read_tasks<'de, D: Deserializer<'de>>(from: D) -> Result<Entries<TaskImport>, D::Error> {
    from.deserialize_seq(EntriesVisitor {
        name: "tasks",
        max: MAX_IMPORT,
        check: |place, it: ExportTask| it.checked(place),
    })
}

impl ExportList {
    fn checked(self) -> Result<ListImport, EntryProblem> {
        let (id, name) = (ListId(self.id), ListName::stored(&self.name).map_err(|fault| ("name", fault))?);
        let draft = NewList { id: Some(id), name, color: color(self.color.as_deref())? };
        Ok(ListImport { id, draft, is_archived: self.archived })
    }
}

impl ExportLabel {
    fn checked(self) -> Result<LabelImport, EntryProblem> {
        let (id, name) = (LabelId(self.id), LabelName::stored(&self.name).map_err(|fault| ("name", fault))?);
        let draft = NewLabel { id: Some(id), name, color: color(self.color.as_deref())? };
        Ok(LabelImport { id, draft })
    }
}

impl ExportTask {
    fn checked(self, place: usize) -> Result<TaskImport, EntryProblem> {
        let at = |field: &'static str| move |fault| (field, fault);
        let due = self.due()?;
        let instant = |it: chrono::DateTime<Utc>, field| Instant::new(it).map(Micros::from).map_err(at(field));
        let created_at = self.created_at.map(|it| instant(it, "created_at")).transpose()?;
        if self.completed_at.is_some() && !self.completed {
            return Err(("completed_at", ValidationError::Rule("must not be given for an open task")));
        }
        let completed_at = self.completed_at.map(|it| instant(it, "completed_at")).transpose()?;
        if self.label_ids.len() > crate::service::labels::MAX_LABELS {
            return Err(("label_ids", ValidationError::TooMany(crate::service::labels::MAX_LABELS)));
        }
        let draft = NewTask {
            id: Some(TaskId(self.id)),
            title: Title::stored(&self.title).map_err(at("title"))?,
            description: self.description.as_deref().map(Description::stored).transpose().map_err(at("description"))?,
            completed: self.completed,
            priority: self.priority.into(),
            due,
            list: self.list_id.filter(|_| self.parent_id.is_none()).map(ListId),
            parent: self.parent_id.map(TaskId),
            labels: LabelSelection::default(),
            extra: ExtraFields::parse(self.extra).map_err(at("extra"))?,
        };
        let labels = self.label_ids.into_iter().map(LabelId).collect();
        let created_at = created_at.unwrap_or_else(Micros::now);
        let completed_at = completed_at.or(Some(Micros::now()).filter(|_| self.completed));
        let id = TaskId(self.id);
        Ok(TaskImport { place, id, draft, labels, created_at, completed_at, number: None, updated_at: None })
    }

    fn due(&self) -> Result<Option<Due>, EntryProblem> {
        if self.due_time_zone.is_some() && self.due_at.is_none() {
            return Err(("due_time_zone", ValidationError::Rule("must be given together with due_at")));
        }
        match (self.due_date, self.due_at) {
            (None, None) => Ok(None),
            (Some(_), Some(_)) => Err(("due_at", ValidationError::Contradiction("due_date"))),
            (Some(date), None) => Date::new(date).map(Due::Date).map(Some).map_err(|fault| ("due_date", fault)),
            (None, Some(at)) => {
                let zone = TimeZone::parse(self.due_time_zone.as_deref().unwrap_or("UTC"));
                let zone = zone.map_err(|fault| ("due_time_zone", fault))?;
                Instant::new(at).map(|at| Some(Due::At(at, zone))).map_err(|fault| ("due_at", fault))
            }
        }
    }
}

fn color(text: Option<&str>) -> Result<Option<Color>, EntryProblem> {
    text.map(Color::parse).transpose().map_err(|fault| ("color", fault))
}
