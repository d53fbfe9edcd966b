//! Rows written straight to JSON by the names of the schema, for lists of many rows. What is written is what the views
//! of the same rows show; a test compares the two.

use entity::{label, list, task, time::Micros};
use serde::Serialize;
use uuid::Uuid;

use super::{BigInt, Date, DateTime, Priority};

/// How many bytes of JSON a task is expected to be.
pub const TASK_BYTES: usize = 400;

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
fn plain(text: &str, into: &mut Vec<u8>) -> bool {
    into.push(b'"');
    into.extend_from_slice(text.as_bytes());
    into.push(b'"');
    true
}

fn id(id: Uuid, into: &mut Vec<u8>) -> bool {
    plain(id.hyphenated().encode_lower(&mut Uuid::encode_buffer()), into)
}

fn instant(instant: Micros, into: &mut Vec<u8>) -> bool {
    DateTime::from(instant).shown(|text| plain(text, into))
}

fn instant_if_any(instant: Option<Micros>, into: &mut Vec<u8>) -> bool {
    match instant {
        Some(it) => self::instant(it, into),
        None => {
            into.extend_from_slice(b"null");
            true
        }
    }
}

impl WriteField for task::Model {
    const TYPE: &'static str = "Task";

    fn write(&self, field: &str, into: &mut Vec<u8>) -> bool {
        match field {
            "id" => id(self.id.0, into),
            "number" => json(BigInt(self.number), into),
            "title" => json(&self.title, into),
            "description" => json(&self.description, into),
            "completed" => json(self.completed, into),
            "completedAt" => instant_if_any(self.completed_at, into),
            "priority" => plain(Priority::from(self.priority).name(), into),
            "dueDate" => json(self.due_date.map(Date), into),
            "dueAt" => instant_if_any(self.due_at, into),
            "dueTimeZone" => json(&self.due_zone, into),
            "position" => json(&self.position, into),
            "revision" => json(BigInt(self.revision), into),
            "createdAt" => instant(self.created_at, into),
            "updatedAt" => instant(self.updated_at, into),
            _ => false,
        }
    }
}

impl WriteField for list::Model {
    const TYPE: &'static str = "TaskList";

    fn write(&self, field: &str, into: &mut Vec<u8>) -> bool {
        match field {
            "id" => id(self.id.0, into),
            "name" => json(&self.name, into),
            "colour" => json(&self.colour, into),
            "position" => json(&self.position, into),
            "archived" => json(self.archived, into),
            "revision" => json(BigInt(self.revision), into),
            "createdAt" => instant(self.created_at, into),
            "updatedAt" => instant(self.updated_at, into),
            _ => false,
        }
    }
}

impl WriteField for label::Model {
    const TYPE: &'static str = "Label";

    fn write(&self, field: &str, into: &mut Vec<u8>) -> bool {
        match field {
            "id" => id(self.id.0, into),
            "name" => json(&self.name, into),
            "colour" => json(&self.colour, into),
            "revision" => json(BigInt(self.revision), into),
            "createdAt" => instant(self.created_at, into),
            "updatedAt" => instant(self.updated_at, into),
            _ => false,
        }
    }
}
