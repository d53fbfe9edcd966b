//! A row of another back-end's tasks, or of a file, read as the body with which one of its clients would make the task.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use super::{
    fields::{self, BodyFields},
    pydantic::PydanticError,
    shape::Shape,
};
use crate::service::tasks::{Date, LONGEST_DESCRIPTION, NewTask, instant};

/// The task, in any of the forms that settings allow, with unknown fields kept; or what is wrong, a sentence each.
pub fn read_task(body: &Map<String, Value>) -> Result<NewTask, Vec<String>> {
    let mut problems = Vec::new();
    match read_fields(body, &mut problems) {
        Some(task) if problems.is_empty() => Ok(task),
        _ => Err(problems.iter().map(PydanticError::sentence).collect()),
    }
}

/// The same, with the problems as a request would get them.
pub(super) fn read_fields(body: &Map<String, Value>, problems: &mut Vec<PydanticError>) -> Option<NewTask> {
    let shape = Shape { has_status: true, keeps_unknown: true, ..Shape::default() };
    BodyFields::new(body, problems).shaped(shape, LONGEST_DESCRIPTION).new_task()
}

/// Whether a priority has that name.
pub fn is_priority(name: &str) -> bool {
    fields::priority(name).is_some()
}

/// A time in any form that databases of the family and files hold: with a zone or in UTC, as a text or a number since 1970.
pub fn read_instant(value: &Value) -> Option<DateTime<Utc>> {
    match value {
        Value::Number(number) => entity::time::of_number(number.as_f64()?),
        Value::String(text) => {
            let day = || Some(Date::read(text.trim())?.and_hms_opt(0, 0, 0)?.and_utc());
            instant(text.trim()).or_else(day)
        }
        _ => None,
    }
}
