//! Response formats: the usual ones, or those of an old back-end, chosen at start-up for front-ends that cannot change.
//! See docs/contracts/legacy-rest.md#response-shapes.

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Map, Value, json};

use crate::{config::Config, error::Error};

/// The shapes of the responses of this installation.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Shape {
    /// The response to a deletion is 200 and JSON, for clients that read every response as JSON.
    pub(super) deletes_with_json: bool,
    /// A list is an object with the tasks in it.
    pub(super) wraps_lists: bool,
    /// Names of fields are in camelCase.
    pub(super) is_camel: bool,
    /// A task has a field `status`.
    pub(super) has_status: bool,
}

/// Where a page lies.
#[derive(Clone, Copy, Debug)]
pub(super) struct PagePosition {
    pub(super) offset: u64,
    pub(super) limit: Option<u64>,
    pub(super) total: u64,
}

impl Shape {
    /// What the configuration chose.
    pub(super) fn new(config: &Config) -> Self {
        Self {
            deletes_with_json: config.rest.delete_json,
            wraps_lists: config.rest.list_envelope,
            is_camel: config.rest.case_camel,
            has_status: config.rest.status,
        }
    }

    /// A task, whose JSON this is.
    pub(super) fn task(self, json: Vec<u8>) -> Result<Response, Error> {
        Ok(json_response(self.tasks(json)?))
    }

    /// Tasks of a list or one task, whose JSON this is.
    pub(super) fn tasks(self, json: Vec<u8>) -> Result<Vec<u8>, Error> {
        if !self.is_camel && !self.has_status {
            return Ok(json);
        }
        let mut value = serde_json::from_slice(&json).map_err(Error::internal)?;
        if self.has_status {
            add_status(&mut value);
        }
        if self.is_camel {
            value = camel(value);
        }
        serde_json::to_vec(&value).map_err(Error::internal)
    }

    /// What stands before the tasks of a list, and what behind them.
    pub(super) fn envelope(self, PagePosition { offset, limit, total }: PagePosition) -> (&'static str, String) {
        if !self.wraps_lists {
            return ("", String::new());
        }
        let size = limit.unwrap_or(total);
        let page = offset.checked_div(size).unwrap_or_default() + 1;
        let about = json!({
            "total": total, "count": total, "total_count": total, "page": page, "page_size": size, "per_page": size,
        });
        ("{\"tasks\":", about.to_string().replacen('{', ",", 1))
    }

    pub(super) fn deletion_response(self, number: i64) -> Response {
        if !self.deletes_with_json {
            return StatusCode::NO_CONTENT.into_response();
        }
        Json(json!({
            "message": "Task deleted successfully", "id": number, "deleted_id": number, "task_id": number,
            "deleted": true,
        }))
        .into_response()
    }
}

/// A response whose JSON is written already.
pub(super) fn json_response(json: impl IntoResponse) -> Response {
    ([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], json).into_response()
}

/// Adds to each task its status in a word.
fn add_status(value: &mut Value) {
    match value {
        Value::Array(tasks) => tasks.iter_mut().for_each(add_status),
        Value::Object(task) => {
            let status = if task.get("completed") == Some(&Value::Bool(true)) { "completed" } else { "pending" };
            task.insert("status".to_owned(), status.into());
        }
        _ => {}
    }
}

/// The names of the fields of objects, and of objects in a list, in camelCase.
fn camel(value: Value) -> Value {
    match value {
        Value::Array(values) => values.into_iter().map(camel).collect(),
        Value::Object(fields) => {
            Value::Object(fields.into_iter().map(|(name, value)| (camel_name(&name), value)).collect::<Map<_, _>>())
        }
        other => other,
    }
}

fn camel_name(name: &str) -> String {
    let mut words = name.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |name, word| {
        let (head, rest) = word.split_at_checked(1).unwrap_or_default();
        name + &head.to_ascii_uppercase() + rest
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_camel_case_and_values_stay() {
        let value = json!([{ "created_at": "a_b", "id": 1, "due_date": null }]);
        assert_eq!(camel(value), json!([{ "createdAt": "a_b", "id": 1, "dueDate": null }]));
    }
}
