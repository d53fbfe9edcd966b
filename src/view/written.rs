//! Rows written straight to JSON by the names of the schema, for lists of many rows. What is written is what the views
//! of the same rows show; a test compares the two.

use entity::{label, list, task};
use serde::Serialize;

use super::{BigInt, Date, DateTime, Priority};

/// Writes one field of a row; false when the row has no such plain field.
pub trait WriteField {
    /// The type's name in the schema.
    const TYPE: &'static str;
    /// Writes the field's value.
    fn write(&self, field: &str, into: &mut Vec<u8>) -> bool;
}

fn json(value: impl Serialize, into: &mut Vec<u8>) -> bool {
    serde_json::to_writer(into, &value).is_ok()
}

/// Text without anything to escape.
fn plain(text: impl std::fmt::Display, into: &mut Vec<u8>) -> bool {
    use std::io::Write;
    write!(into, "\"{text}\"").is_ok()
}

impl WriteField for task::Model {
    const TYPE: &'static str = "Task";

    fn write(&self, field: &str, into: &mut Vec<u8>) -> bool {
        match field {
            "id" => plain(self.id, into),
            "number" => json(BigInt(self.number), into),
            "title" => json(&self.title, into),
            "description" => json(&self.description, into),
            "completed" => json(self.completed, into),
            "completedAt" => json(self.completed_at.map(DateTime::from), into),
            "priority" => plain(Priority::from(self.priority).name(), into),
            "dueDate" => json(self.due_date.map(Date), into),
            "dueAt" => json(self.due_at.map(DateTime::from), into),
            "dueTimeZone" => json(&self.due_zone, into),
            "position" => json(&self.position, into),
            "revision" => json(BigInt(self.revision), into),
            "createdAt" => json(DateTime::from(self.created_at), into),
            "updatedAt" => json(DateTime::from(self.updated_at), into),
            _ => false,
        }
    }
}

impl WriteField for list::Model {
    const TYPE: &'static str = "TaskList";

    fn write(&self, field: &str, into: &mut Vec<u8>) -> bool {
        match field {
            "id" => plain(self.id, into),
            "name" => json(&self.name, into),
            "colour" => json(&self.colour, into),
            "position" => json(&self.position, into),
            "archived" => json(self.archived, into),
            "revision" => json(BigInt(self.revision), into),
            "createdAt" => json(DateTime::from(self.created_at), into),
            "updatedAt" => json(DateTime::from(self.updated_at), into),
            _ => false,
        }
    }
}

impl WriteField for label::Model {
    const TYPE: &'static str = "Label";

    fn write(&self, field: &str, into: &mut Vec<u8>) -> bool {
        match field {
            "id" => plain(self.id, into),
            "name" => json(&self.name, into),
            "colour" => json(&self.colour, into),
            "revision" => json(BigInt(self.revision), into),
            "createdAt" => json(DateTime::from(self.created_at), into),
            "updatedAt" => json(DateTime::from(self.updated_at), into),
            _ => false,
        }
    }
}
