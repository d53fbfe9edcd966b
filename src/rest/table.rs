//! Tasks as the rows of a table of comma-separated values (RFC 4180).

use chrono::{DateTime, SecondsFormat, Utc};
use entity::task::Priority;

use super::exports::Names;
use crate::service::{tasks::TimeZone, user_data::TaskWithLabels};

/// The columns, in their order.
pub(super) const COLUMNS: [&str; 12] = [
    "id",
    "title",
    "description",
    "completed",
    "completed_at",
    "priority",
    "due",
    "due_time_zone",
    "list",
    "labels",
    "parent_id",
    "created_at",
];

/// The row that names the columns.
pub(super) fn start() -> String {
    format!("{}\r\n", COLUMNS.join(","))
}

impl Names {
    /// A task as a row.
    pub(super) fn row(&self, TaskWithLabels { task, labels }: &TaskWithLabels) -> String {
        let due = task.due_date.map(|it| it.format("%Y-%m-%d").to_string());
        let priority = match task.priority {
            Priority::Low => "low",
            Priority::Medium => "medium",
            Priority::High => "high",
            Priority::Urgent => "urgent",
        };
        let cells = [
            task.id.to_string(),
            task.title.clone(),
            task.description.clone().unwrap_or_default(),
            task.completed.to_string(),
            task.completed_at.map(|it| instant(it.0)).unwrap_or_default(),
            priority.to_owned(),
            due.or(task.due_at.map(|it| instant(it.0))).unwrap_or_default(),
            task.due_zone.clone().filter(|it| *it != TimeZone::UTC.name()).unwrap_or_default(),
            self.of_list(task.list_id).unwrap_or_default().to_owned(),
            label_cell(self.of_labels(labels).collect()),
            task.parent_id.map(|it| it.to_string()).unwrap_or_default(),
            instant(task.created_at.0),
        ];
        let cells: [String; COLUMNS.len()] = cells.map(quoted);
        format!("{}\r\n", cells.join(","))
    }
}

/// Names with commas between, or as a list in JSON where a name would be taken for several.
fn label_cell(names: Vec<&str>) -> String {
    let is_plain = |name: &&str| !name.contains([',', ';']) && !name.starts_with(['[', '"']);
    match names.iter().all(is_plain) {
        true => names.join(", "),
        false => serde_json::json!(names).to_string(),
    }
}

fn instant(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

fn quoted(cell: String) -> String {
    match cell.contains([',', '"', '\r', '\n']) {
        true => format!("\"{}\"", cell.replace('"', "\"\"")),
        false => cell,
    }
}
