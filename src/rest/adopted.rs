//! A row of another back-end's tasks, read as the body with which one of its clients would make the task.

use serde_json::{Map, Value};

use super::{fields::BodyFields, shape::Shape};
use crate::service::tasks::{LONGEST_DESCRIPTION, NewTask};

/// The task, in any of the forms that settings allow, with unknown fields kept; or what is wrong, a sentence each.
pub fn read_task(body: &Map<String, Value>) -> Result<NewTask, Vec<String>> {
    let mut problems = Vec::new();
    let shape = Shape { has_status: true, keeps_unknown: true, ..Shape::default() };
    let task = BodyFields::new(body, &mut problems).shaped(shape, LONGEST_DESCRIPTION).new_task();
    match task {
        Some(task) if problems.is_empty() => Ok(task),
        _ => Err(problems.iter().map(|it| it.sentence()).collect()),
    }
}
