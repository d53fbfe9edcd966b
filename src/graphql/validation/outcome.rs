//! Refusals as GraphQL errors.

use apollo_compiler::{
    parser::{SourceMap, SourceSpan},
    validation::DiagnosticList,
};
use async_graphql::{Pos, ServerError, indexmap::IndexMap};

use super::DocumentErrors;
use crate::graphql::errors;

/// Why a document is refused.
#[derive(Clone, Copy, Debug)]
pub(super) enum DocumentErrorKind {
    /// It is not GraphQL.
    Unparsed,
    /// It breaks a rule of the language or the schema.
    Invalid,
    /// Its variables are not what it says.
    BadInput,
    /// It asks for too much.
    TooExpensive,
}

impl DocumentErrorKind {
    pub(super) fn code(self) -> &'static str {
        match self {
            Self::Unparsed => "GRAPHQL_PARSE_FAILED",
            Self::Invalid => "GRAPHQL_VALIDATION_FAILED",
            Self::BadInput => "BAD_USER_INPUT",
            Self::TooExpensive => "QUERY_TOO_EXPENSIVE",
        }
    }

    pub(super) fn error(self, message: String, at: Option<SourceSpan>, sources: &SourceMap) -> ServerError {
        let place = at.and_then(|span| span.line_column(sources));
        let locations = place.map(|it| Pos { line: it.line, column: it.column }).into_iter().collect();
        ServerError { locations, ..errors::error(self.code(), message) }
    }

    /// The first of many; the same fault in many places is one error.
    pub(super) fn errors(self, found: &DiagnosticList, most: usize) -> DocumentErrors {
        let mut errors: IndexMap<String, ServerError> = IndexMap::new();
        for fault in found.iter() {
            let shown = fault.to_json();
            let places = shown.locations.iter().map(|it| Pos { line: it.line, column: it.column });
            if let Some(known) = errors.get_mut(&shown.message) {
                let room = most.saturating_sub(known.locations.len());
                known.locations.extend(places.take(room));
            } else if errors.len() < most {
                let error = errors::error(self.code(), shown.message.clone());
                errors.insert(shown.message.clone(), ServerError { locations: places.collect(), ..error });
            }
        }
        errors.into_values().collect()
    }
}

/// A document beyond one of the limits.
pub(in crate::graphql) fn limit_exceeded(limit: &'static str, most: usize) -> DocumentErrors {
    let message = format!("the document is beyond the limit {limit} of {most}");
    vec![errors::limit_exceeded(limit, most, DocumentErrorKind::TooExpensive.code(), message)]
}

/// A document that costs more than the limit.
pub(super) fn cost_exceeded(cost: usize, most: usize) -> DocumentErrors {
    let message = format!("the document costs {cost}, which is beyond the limit cost of {most}");
    let mut error = errors::limit_exceeded("cost", most, DocumentErrorKind::TooExpensive.code(), message);
    error.extensions.get_or_insert_default().set("cost", cost);
    vec![error]
}
