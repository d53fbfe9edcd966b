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
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Export {
    /// The version of the form of the file.
    #[serde(default, rename = "docket", deserialize_with = "read_version")]
    version: Option<u32>,
    /// Lists, in their order.
    #[serde(default, deserialize_with = "read_lists")]
    lists: Entries<ListImport>,
    /// Labels, by name.
    #[serde(default, deserialize_with = "read_labels")]
    labels: Entries<LabelImport>,
    /// Tasks, in manual order if they are to have one.
    #[serde(default, deserialize_with = "read_tasks")]
    tasks: Entries<TaskImport>,
}

/// A list in a file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExportList {
    id: Uuid,
    name: String,
    #[serde(default)]
    color: Option<String>,
    #[serde(default)]
    archived: bool,
}

/// A label in a file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExportLabel {
    id: Uuid,
    name: String,
    #[serde(default)]
    color: Option<String>,
}

/// A task in a file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExportTask {
    id: Uuid,
    title: String,
    #[serde(default)]
    description: Option<String>,
    #[serde(default)]
    completed: bool,
    #[serde(default)]
    completed_at: Option<chrono::DateTime<Utc>>,
    #[serde(default)]
    priority: ExportPriority,
    #[serde(default)]
    due_date: Option<NaiveDate>,
    #[serde(default)]
    due_at: Option<chrono::DateTime<Utc>>,
    #[serde(default)]
    due_time_zone: Option<String>,
    #[serde(default)]
    list_id: Option<Uuid>,
    #[serde(default)]
    parent_id: Option<Uuid>,
    #[serde(default)]
    label_ids: Vec<Uuid>,
    #[serde(default)]
    created_at: Option<chrono::DateTime<Utc>>,
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    extra: Map<String, Value>,
}

/// A priority in a file.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
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
            user_id: _,
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
        if problems.is_empty() { Ok(Import { lists, labels, tasks }) } else { Err(problems) }
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
