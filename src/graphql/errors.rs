//! Errors as GraphQL clients see them: a message, and `extensions.code`. Internal causes are logged here and not sent.

use std::sync::Arc;

use async_graphql::{ErrorExtensionValues, ServerError, SimpleObject, Value};

use super::error_code::ErrorCode;
use crate::{
    error::{Current, Error, FieldError, Thing},
    view::plain_fields,
};

/// A failed resolver. It has no `Display`, so that async-graphql cannot turn a stray `?` into a message to the client.
#[derive(Clone)]
pub struct GraphqlError(Arc<Error>);

impl From<Error> for GraphqlError {
    fn from(error: Error) -> Self {
        Self(Arc::new(error))
    }
}

impl From<Arc<Error>> for GraphqlError {
    fn from(error: Arc<Error>) -> Self {
        Self(error)
    }
}

impl From<GraphqlError> for async_graphql::Error {
    fn from(GraphqlError(error): GraphqlError) -> Self {
        error.log_cause();
        let mut extensions = ErrorExtensionValues::default();
        extensions.set("code", error.public().code);
        let cause = match &*error {
            Error::Entry { index, cause } => {
                extensions.set("index", *index);
                cause
            }
            other => other,
        };
        match cause {
            Error::Invalid(problems) => set_problems(problems, &mut extensions),
            Error::Conflict(current) => {
                extensions.set("current", Value::from_json(current_json(current)).unwrap_or_default());
            }
            _ => {}
        }
        Self { message: message(&error), source: None, extensions: Some(extensions) }
    }
}

/// What an error says to people.
pub(super) fn message(error: &Error) -> String {
    match error {
        Error::Invalid(problems) => problem_texts(problems),
        Error::Entry { index, cause } => format!("{} (entry {index})", message(cause)),
        other => other.to_string(),
    }
}

/// An error that no resolver made: of the language, of a limit, of a bug.
pub(super) fn error(code: &'static str, message: impl Into<String>) -> ServerError {
    let mut extensions = ErrorExtensionValues::default();
    extensions.set("code", code);
    ServerError { extensions: Some(extensions), ..ServerError::new(message, None) }
}

/// An error of the service that no resolver made; `extensions.retryAfter` is how many seconds to wait.
pub(super) fn service_error(cause: &Error) -> ServerError {
    let public = cause.public();
    let mut error = error(public.code, cause.to_string());
    if let Some(wait) = public.retry_after {
        error.extensions.get_or_insert_default().set("retryAfter", wait);
    }
    error
}

/// An error that names the limit that was passed.
pub(super) fn limit_exceeded(limit: &'static str, most: usize, code: &'static str, message: String) -> ServerError {
    let mut error = error(code, message);
    let extensions = error.extensions.get_or_insert_default();
    extensions.set("limit", limit);
    extensions.set("most", most);
    error
}

/// The current state of the object, by the names of the schema.
fn current_json(current: &Current) -> serde_json::Value {
    let mut fields = match current {
        Current::Task(row, labels) => {
            let mut fields = plain_fields(row);
            fields["labelIds"] = labels.iter().map(ToString::to_string).collect();
            fields
        }
        Current::List(row) => plain_fields(row),
        Current::Label(row) => plain_fields(row),
    };
    fields["deleted"] = current.is_deleted().into();
    fields
}

/// What is wrong with one field.
#[derive(Clone, Debug, SimpleObject)]
pub(super) struct Problem {
    /// Name of the field.
    field: &'static str,
    /// What is wrong with it.
    message: String,
}

/// What an error says about the fields of one row.
pub(super) fn row_problems(error: &Error) -> Vec<Problem> {
    let one = |field| vec![Problem { field, message: error.to_string() }];
    match error {
        Error::Invalid(problems) => {
            problems.iter().map(|it| Problem { field: field(it), message: it.rule.to_string() }).collect()
        }
        Error::NotFound(Thing::Task) => one("parentId"),
        Error::NotFound(Thing::List) => one("listId"),
        Error::NotFound(Thing::Label) => one("labelIds"),
        _ => one("name"),
    }
}

/// The code of what is wrong with one row.
pub(super) fn row_code(error: &Error) -> ErrorCode {
    match error {
        Error::NotFound(_) => ErrorCode::NotFound,
        Error::NameTaken => ErrorCode::NameTaken,
        _ => ErrorCode::BadUserInput,
    }
}

fn set_problems(problems: &[FieldError], extensions: &mut ErrorExtensionValues) {
    if let Some(first) = problems.first() {
        extensions.set("field", field(first));
    }
    let list = problems.iter().map(|problem| {
        Value::from_json(serde_json::json!({ "field": field(problem), "message": problem.rule.to_string() }))
            .unwrap_or_default()
    });
    extensions.set("problems", Value::List(list.collect()));
}

/// What is wrong with each field.
fn problem_texts(problems: &[FieldError]) -> String {
    let texts = problems.iter().map(|problem| format!("{} {}", field(problem), problem.rule));
    texts.collect::<Vec<_>>().join("; ")
}

/// The field's name in the schema.
fn field(problem: &FieldError) -> &'static str {
    match problem.field {
        "list" => "listId",
        "parent" => "parentId",
        "labels" => "labelIds",
        "filter_labels" => "labels",
        name => name,
    }
}
