//! A to-do, and the task that it is.

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat, Utc};
use entity::id::TaskId;
use serde_json::{Map, Value};

use super::{
    Calendar,
    lines::{Property, When},
};
use crate::{
    error::ValidationError,
    rest::{
        calendar::TIME_ZONE,
        imports::tasks::{FileTask, FileTasks},
        pydantic::PydanticError,
    },
    service::{adoption::task_id, labels::MAX_LABELS},
};

/// A field of a body, and the property that says it.
const PROPERTIES: [(&str, &str); 11] = [
    ("title", "SUMMARY"),
    ("description", "DESCRIPTION"),
    ("completed", "STATUS"),
    ("completed_at", "COMPLETED"),
    ("priority", "PRIORITY"),
    ("due_date", "DUE"),
    ("due_time_zone", TIME_ZONE),
    ("created_at", "CREATED"),
    ("updated_at", "LAST-MODIFIED"),
    ("list", "X-DOCKET-LIST"),
    ("tags", "CATEGORIES"),
];
/// The properties that are read besides.
const OTHERS: [&str; 4] = ["UID", "RECURRENCE-ID", "PERCENT-COMPLETE", "RELATED-TO"];
const STATUSES: &str = "'NEEDS-ACTION', 'IN-PROCESS', 'COMPLETED' or 'CANCELLED'";

/// A to-do.
#[derive(Debug)]
pub(super) struct Todo {
    line: u64,
    /// The first of each property that is read, by its name.
    properties: BTreeMap<String, Property>,
    /// Its categories, and where the first is.
    categories: Vec<String>,
    categories_line: Option<u64>,
}

impl Todo {
    pub(super) fn at(line: u64) -> Self {
        Self { line, properties: BTreeMap::new(), categories: Vec::new(), categories_line: None }
    }

    /// Whether a property of that name says something of a task.
    pub(super) fn reads(name: &str) -> bool {
        PROPERTIES.iter().any(|(_, it)| *it == name) || OTHERS.contains(&name)
    }

    /// Takes a property, unless it says nothing of what tasks have.
    pub(super) fn take(&mut self, property: Property) {
        if property.name == "CATEGORIES" {
            self.categories_line.get_or_insert(property.line);
            // One more than a task may have is refused.
            let room = (MAX_LABELS + 1).saturating_sub(self.categories.len());
            let names = property.texts().map(|it| it.trim().to_owned()).filter(|it| !it.is_empty());
            self.categories.extend(names.take(room));
            return;
        }
        let is_parent = || property.parameter("RELTYPE").is_none_or(|it| it.eq_ignore_ascii_case("PARENT"));
        if Self::reads(&property.name) && (property.name != "RELATED-TO" || is_parent()) {
            self.properties.entry(property.name.clone()).or_insert(property);
        }
    }

    /// Adds the task that it is.
    pub(super) fn add(self, calendar: &Calendar, tasks: &mut FileTasks<'_>) {
        let mut problems = Vec::new();
        let mut task = FileTask {
            line: self.line,
            id: self.id(),
            text: self.properties.values().map(|it| format!("{}\0{}\0", it.name, it.value)).collect(),
            list: self.text("X-DOCKET-LIST").or_else(|| calendar.name.clone()),
            parent: self.text("RELATED-TO").filter(|it| !it.is_empty()).map(|uid| id_of(&uid, None)),
            created_at: self.time("CREATED", "created_at", &mut problems),
            updated_at: self.time("LAST-MODIFIED", "updated_at", &mut problems),
            ..FileTask::default()
        };
        let is_completed = self.is_completed(&mut problems);
        let completed_at = self.time("COMPLETED", "completed_at", &mut problems);
        task.completed_at = completed_at.filter(|_| is_completed);
        match self.properties.get("DUE").map(|due| due.when(calendar.time_zone)) {
            Some(Ok(When::Date(date))) => put(&mut task.body, "due_date", date.format("%Y-%m-%d").to_string()),
            Some(Ok(When::At(at, zone))) => {
                put(&mut task.body, "due_date", at.to_rfc3339_opts(SecondsFormat::Secs, true));
                task.due_time_zone = self.text(TIME_ZONE).or_else(|| zone.map(|it| it.name().to_owned()));
            }
            Some(Err(rule)) => problems.push(PydanticError::breaks(&["body", "due_date"], rule)),
            None => {}
        }
        if let Some(title) = self.text("SUMMARY") {
            put(&mut task.body, "title", title);
        }
        if let Some(description) = self.text("DESCRIPTION") {
            put(&mut task.body, "description", description);
        }
        put(&mut task.body, "completed", is_completed);
        if let Some(priority) = self.priority(&mut problems) {
            put(&mut task.body, "priority", priority);
        }
        put(&mut task.body, "tags", self.categories.clone());
        tasks.add(task, problems, |field| self.place(field));
    }

    /// Where a field of the body is, and which property says it.
    fn place(&self, field: &str) -> (u64, String) {
        let name = PROPERTIES.iter().find(|(it, _)| *it == field).map_or(field, |(_, name)| *name);
        let of_property = self.properties.get(name).map(|it| it.line);
        let line = if name == "CATEGORIES" { self.categories_line } else { of_property };
        (line.unwrap_or(self.line), name.to_owned())
    }

    fn text(&self, name: &str) -> Option<String> {
        self.properties.get(name).map(Property::text)
    }

    fn id(&self) -> Option<TaskId> {
        let uid = self.text("UID").filter(|it| !it.trim().is_empty())?;
        // One occurrence that differs from the others has the same UID.
        Some(id_of(&uid, self.properties.get("RECURRENCE-ID").map(|it| it.value.as_str())))
    }

    fn time(&self, name: &str, field: &str, problems: &mut Vec<PydanticError>) -> Option<DateTime<Utc>> {
        match self.properties.get(name)?.when(None) {
            Ok(When::At(at, _)) => Some(at),
            Ok(When::Date(date)) => date.and_hms_opt(0, 0, 0).map(|it| it.and_utc()),
            Err(rule) => {
                problems.push(PydanticError::breaks(&["body", field], rule));
                None
            }
        }
    }

    /// Whether it is done, or will not be.
    fn is_completed(&self, problems: &mut Vec<PydanticError>) -> bool {
        let Some(status) = self.text("STATUS") else {
            return self.properties.contains_key("COMPLETED")
                || self.text("PERCENT-COMPLETE").is_some_and(|it| it.trim() == "100");
        };
        match status.trim().to_ascii_uppercase().as_str() {
            "COMPLETED" | "CANCELLED" => true,
            "NEEDS-ACTION" | "IN-PROCESS" => false,
            _ => {
                problems.push(PydanticError::not_one_of(&["body", "completed"], STATUSES).of(&Value::from(status)));
                false
            }
        }
    }

    /// The priority: 1 is the highest, 9 the lowest, and 0 is none.
    fn priority(&self, problems: &mut Vec<PydanticError>) -> Option<&'static str> {
        match self.properties.get("PRIORITY")?.value.trim().parse() {
            Ok(0_u8) => None,
            Ok(1) => Some("urgent"),
            Ok(2..=4) => Some("high"),
            Ok(5) => Some("medium"),
            Ok(6..=9) => Some("low"),
            _ => {
                problems.push(PydanticError::breaks(&["body", "priority"], ValidationError::NotBetween(0, 9)));
                None
            }
        }
    }
}

fn put(body: &mut Map<String, Value>, field: &str, value: impl Into<Value>) {
    body.insert(field.to_owned(), value.into());
}

/// The id of the task of that UID, which is the same one if it is a UUID.
fn id_of(uid: &str, occurrence: Option<&str>) -> TaskId {
    match (uid.trim().parse(), occurrence) {
        (Ok(id), None) => TaskId(id),
        (_, None) => task_id(&format!("of a calendar {uid}")),
        (_, Some(occurrence)) => task_id(&format!("of a calendar {uid} {occurrence}")),
    }
}
