//! Errors as GraphQL clients see them: a message, and `extensions.code`. Internal causes are logged here and not sent.

use std::sync::Arc;

use async_graphql::{ErrorExtensionValues, Value};
use tracing::error;

use crate::error::{Error, Problem};

/// A failed resolver. It has no `Display`, so that async-graphql cannot turn a stray `?` into a message to the client.
#[derive(Clone)]
pub struct Failure(Arc<Error>);

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self(Arc::new(error))
    }
}

impl From<Arc<Error>> for Failure {
    fn from(error: Arc<Error>) -> Self {
        Self(error)
    }
}

impl From<Failure> for async_graphql::Error {
    fn from(Failure(error): Failure) -> Self {
        if matches!(*error, Error::Internal(_) | Error::Unavailable(_)) {
            error!(cause = ?error, "a resolver failed");
        }
        let mut extensions = ErrorExtensionValues::default();
        extensions.set("code", error.code());
        let message = match &*error {
            Error::Invalid(problems) => {
                describe(problems, &mut extensions);
                problems.iter().map(text).collect::<Vec<_>>().join("; ")
            }
            other => other.to_string(),
        };
        Self { message, source: None, extensions: Some(extensions) }
    }
}

fn describe(problems: &[Problem], extensions: &mut ErrorExtensionValues) {
    if let Some(first) = problems.first() {
        extensions.set("field", field(first));
    }
    let list = problems.iter().map(|problem| {
        Value::from_json(serde_json::json!({ "field": field(problem), "message": problem.fault.to_string() }))
            .unwrap_or_default()
    });
    extensions.set("problems", Value::List(list.collect()));
}

fn text(problem: &Problem) -> String {
    format!("{} {}", field(problem), problem.fault)
}

/// The field's name in the schema.
fn field(problem: &Problem) -> &'static str {
    match problem.field {
        "due" => "dueAt",
        name => name,
    }
}
