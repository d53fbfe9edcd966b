//! Rows written straight to JSON, for lists of many rows. What is written is what the views of the same rows show; tests
//! compare the two.

use entity::{id::UserId, label, list, task, time::Micros};
use serde::Serialize;
use uuid::Uuid;

use super::{BigInt, Date, DateTime, Priority};
use crate::service::tasks::TaskSummary;

/// How many bytes of JSON a task is expected to be.
pub const TASK_BYTES: usize = 400;

/// Writes one field of a row; false when the row has no such plain field.
pub trait WriteField {
    /// The type's name in the schema.
    const TYPE: &'static str;
    /// Writes the field's value.
    fn write(&self, field: &str, into: &mut Vec<u8>) -> bool;
}

/// Writes a list, each value of it by that.
pub fn array<T>(values: &[T], into: &mut Vec<u8>, mut write: impl FnMut(&T, &mut Vec<u8>)) {
    into.push(b'[');
    for (at, value) in values.iter().enumerate() {
        if at > 0 {
            into.push(b',');
        }
        write(value, into);
    }
    into.push(b']');
}

/// Tasks of one user as REST shows a list of them.
pub fn rest_list(tasks: &[TaskSummary], owner: &UserId) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(2 + tasks.len() * TASK_BYTES);
    array(tasks, &mut bytes, |task, into| write_shown(task, owner, into));
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
    json(task.number, into);
    name(",\"user_id\":", into);
    text(&owner.0, into);
    name(",\"title\":", into);
    text(&task.title, into);
    name(",\"description\":", into);
    text_if_any(task.description.as_deref(), into);
    name(",\"completed\":", into);
    json(task.completed, into);
    name(",\"priority\":", into);
    json(Priority::from(task.priority), into);
    name(",\"tags\":", into);
    name(&task.tags, into);
    name(",\"due_date\":", into);
    instant_if_any(task.due, into);
    name(",\"created_at\":", into);
    instant(task.created_at, into);
    name(",\"updated_at\":", into);
    instant(task.updated_at, into);
    into.push(b'}');
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

/// Text of which each character may have to be escaped, which hardly any has.
fn text(text: &str, into: &mut Vec<u8>) -> bool {
    // Without a branch for each byte, so that many are looked at in one step.
    let is_plain = text.bytes().fold(true, |so_far, byte| so_far & (byte >= b' ') & (byte != b'"') & (byte != b'\\'));
    if is_plain { plain(text, into) } else { json(text, into) }
}

fn text_if_any(text: Option<&str>, into: &mut Vec<u8>) -> bool {
    match text {
        Some(it) => self::text(it, into),
        None => null(into),
    }
}

fn null(into: &mut Vec<u8>) -> bool {
    into.extend_from_slice(b"null");
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
        None => null(into),
    }
}

impl WriteField for task::Model {
    const TYPE: &'static str = "Task";

    fn write(&self, field: &str, into: &mut Vec<u8>) -> bool {
        match field {
            "id" => id(self.id.0, into),
            "number" => json(BigInt(self.number), into),
            "title" => text(&self.title, into),
            "description" => text_if_any(self.description.as_deref(), into),
            "completed" => json(self.completed, into),
            "completedAt" => instant_if_any(self.completed_at, into),
            "priority" => plain(Priority::from(self.priority).name(), into),
            "dueDate" => json(self.due_date.map(Date), into),
            "dueAt" => instant_if_any(self.due_at, into),
            "dueTimeZone" => text_if_any(self.due_zone.as_deref(), into),
            "position" => text(&self.position, into),
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
            "name" => text(&self.name, into),
            "color" => text_if_any(self.color.as_deref(), into),
            "position" => text(&self.position, into),
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
            "name" => text(&self.name, into),
            "color" => text_if_any(self.color.as_deref(), into),
            "revision" => json(BigInt(self.revision), into),
            "createdAt" => instant(self.created_at, into),
            "updatedAt" => instant(self.updated_at, into),
            _ => false,
        }
    }
}
