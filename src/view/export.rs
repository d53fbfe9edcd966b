//! A user's data as a file: what the export writes, the import reads.

use chrono::{NaiveDate, Utc};
use entity::{
    id::{LabelId, ListId, TaskId},
    label, list,
    time::Micros,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    error::{Fault, Misplaced},
    service::{
        data::Labelled,
        import::{Import, LabelImport, ListImport, MAX_PROBLEMS, TaskImport},
        labels::{LabelDraft, Marks},
        lists::ListDraft,
        tasks::{Date, Description, Draft, Due, Instant, TimeZone, Title},
        values::{Colour, LabelName, ListName},
    },
};

/// The version of the form of files that is written and read.
pub const EXPORT_VERSION: u32 = 1;

/// A whole file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Export {
    /// The version of the form of the file.
    #[serde(default, rename = "docket")]
    version: Option<u32>,
    /// Lists, in their order.
    #[serde(default)]
    pub lists: Vec<ExportList>,
    /// Labels, by name.
    #[serde(default)]
    pub labels: Vec<ExportLabel>,
    /// Tasks, in manual order if they are to have one.
    #[serde(default)]
    pub tasks: Vec<ExportTask>,
}

/// A list in a file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExportList {
    id: Uuid,
    name: String,
    #[serde(default)]
    colour: Option<String>,
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
    colour: Option<String>,
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
    priority: Importance,
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
}

/// A priority in a file.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Importance {
    Low,
    #[default]
    Medium,
    High,
    Urgent,
}

impl From<list::Model> for ExportList {
    fn from(row: list::Model) -> Self {
        Self { id: row.id.0, name: row.name, colour: row.colour, archived: row.archived }
    }
}

impl From<label::Model> for ExportLabel {
    fn from(row: label::Model) -> Self {
        Self { id: row.id.0, name: row.name, colour: row.colour }
    }
}

impl From<Labelled> for ExportTask {
    fn from(Labelled { task, labels }: Labelled) -> Self {
        Self {
            id: task.id.0,
            title: task.title,
            description: task.description,
            completed: task.completed,
            completed_at: task.completed_at.map(|it| it.0),
            priority: task.priority.into(),
            due_date: task.due_date,
            due_at: task.due_at.map(|it| it.0),
            due_time_zone: task.due_zone,
            list_id: task.list_id.map(|it| it.0),
            parent_id: task.parent_id.map(|it| it.0),
            label_ids: labels.into_iter().map(|it| it.0).collect(),
            created_at: Some(task.created_at.0),
        }
    }
}

impl From<entity::task::Priority> for Importance {
    fn from(priority: entity::task::Priority) -> Self {
        match priority {
            entity::task::Priority::Low => Self::Low,
            entity::task::Priority::Medium => Self::Medium,
            entity::task::Priority::High => Self::High,
            entity::task::Priority::Urgent => Self::Urgent,
        }
    }
}

impl From<Importance> for entity::task::Priority {
    fn from(importance: Importance) -> Self {
        match importance {
            Importance::Low => Self::Low,
            Importance::Medium => Self::Medium,
            Importance::High => Self::High,
            Importance::Urgent => Self::Urgent,
        }
    }
}

impl Export {
    /// Checks everything; the faults say where in the file they are.
    pub fn checked(self) -> Result<Import, Vec<Misplaced>> {
        let mut faults = Vec::new();
        if self.version.is_some_and(|version| version != EXPORT_VERSION) {
            faults.push(("docket".to_owned(), Fault::Rule("must be 1, the version of the form that is known here")));
        }
        let lists = each("lists", self.lists, &mut faults, ExportList::checked);
        let labels = each("labels", self.labels, &mut faults, ExportLabel::checked);
        let tasks = each("tasks", self.tasks, &mut faults, ExportTask::checked);
        if faults.is_empty() { Ok(Import { lists, labels, tasks }) } else { Err(faults) }
    }
}

fn each<T, U>(
    name: &str,
    entries: Vec<T>,
    faults: &mut Vec<Misplaced>,
    checked: fn(T) -> Result<U, (&'static str, Fault)>,
) -> Vec<U> {
    let mut good = Vec::new();
    for (at, entry) in entries.into_iter().enumerate() {
        match checked(entry) {
            Ok(entry) => good.push(entry),
            Err((field, fault)) if faults.len() < MAX_PROBLEMS => faults.push((format!("{name}.{at}.{field}"), fault)),
            Err(_) => {}
        }
    }
    good
}

impl ExportList {
    fn checked(self) -> Result<ListImport, (&'static str, Fault)> {
        let (id, name) = (ListId(self.id), ListName::parse(&self.name).map_err(|fault| ("name", fault))?);
        let draft = ListDraft { id: Some(id), name, colour: colour(self.colour.as_deref())? };
        Ok(ListImport { id, draft, is_archived: self.archived })
    }
}

impl ExportLabel {
    fn checked(self) -> Result<LabelImport, (&'static str, Fault)> {
        let (id, name) = (LabelId(self.id), LabelName::parse(&self.name).map_err(|fault| ("name", fault))?);
        let draft = LabelDraft { id: Some(id), name, colour: colour(self.colour.as_deref())? };
        Ok(LabelImport { id, draft })
    }
}

impl ExportTask {
    fn checked(self) -> Result<TaskImport, (&'static str, Fault)> {
        let at = |field: &'static str| move |fault| (field, fault);
        let due = self.due()?;
        let instant = |it: chrono::DateTime<Utc>, field| Instant::new(it).map(Micros::from).map_err(at(field));
        let created_at = self.created_at.map(|it| instant(it, "created_at")).transpose()?;
        if self.completed_at.is_some() && !self.completed {
            return Err(("completed_at", Fault::Rule("must not be given for an open task")));
        }
        let completed_at = self.completed_at.map(|it| instant(it, "completed_at")).transpose()?;
        if self.label_ids.len() > crate::service::labels::MAX_LABELS {
            return Err(("label_ids", Fault::TooMany(crate::service::labels::MAX_LABELS)));
        }
        let draft = Draft {
            id: Some(TaskId(self.id)),
            title: Title::parse(&self.title).map_err(at("title"))?,
            description: self.description.as_deref().map(Description::parse).transpose().map_err(at("description"))?,
            completed: self.completed,
            priority: self.priority.into(),
            due,
            list: self.list_id.filter(|_| self.parent_id.is_none()).map(ListId),
            parent: self.parent_id.map(TaskId),
            labels: Marks::default(),
        };
        let labels = self.label_ids.into_iter().map(LabelId).collect();
        let created_at = created_at.unwrap_or_else(Micros::now);
        let completed_at = completed_at.or(Some(Micros::now()).filter(|_| self.completed));
        Ok(TaskImport { id: TaskId(self.id), draft, labels, created_at, completed_at })
    }

    fn due(&self) -> Result<Option<Due>, (&'static str, Fault)> {
        if self.due_time_zone.is_some() && self.due_at.is_none() {
            return Err(("due_time_zone", Fault::Rule("must be given together with due_at")));
        }
        match (self.due_date, self.due_at) {
            (None, None) => Ok(None),
            (Some(_), Some(_)) => Err(("due_at", Fault::Contradiction("due_date"))),
            (Some(date), None) => Date::new(date).map(Due::Date).map(Some).map_err(|fault| ("due_date", fault)),
            (None, Some(at)) => {
                let zone = TimeZone::parse(self.due_time_zone.as_deref().unwrap_or("UTC"));
                let zone = zone.map_err(|fault| ("due_time_zone", fault))?;
                Instant::new(at).map(|at| Some(Due::At(at, zone))).map_err(|fault| ("due_at", fault))
            }
        }
    }
}

fn colour(text: Option<&str>) -> Result<Option<Colour>, (&'static str, Fault)> {
    text.map(Colour::parse).transpose().map_err(|fault| ("colour", fault))
}
