//! Query parameters of the routes that list no tasks.

use entity::id::UserId;
use utoipa::{
    IntoParams,
    openapi::{
        ObjectBuilder,
        path::{Parameter, ParameterIn},
        schema::Type,
    },
};

use super::{PydanticError, QueryReader, integer_schema, parameter};
use crate::{
    rest::{
        fields::{COMPLETED, STATUSES, status},
        openapi::text_schema,
    },
    service::changes::{FeedRequest, MAX_CHANGES, SyncToken},
};

const DEFAULT_CHANGES: u64 = 100;

/// Refuses all parameters, on routes that take none: they would be left out.
pub(in crate::rest) fn refuse_parameters(text: &str) -> Result<(), Vec<PydanticError>> {
    QueryReader::new(text, &[], &[]).finish(())
}

/// Which state a task is to have.
pub(in crate::rest) struct CompletionQuery;

impl CompletionQuery {
    /// Reads a query string.
    pub(in crate::rest) fn parse(text: &str) -> Result<Option<bool>, Vec<PydanticError>> {
        let mut read = QueryReader::new(text, &[&COMPLETED, &["status"]], &[]);
        let completed = read.bool(&COMPLETED);
        let status = read.choice(&["status"], STATUSES, status);
        if completed.zip(status).is_some_and(|(completed, status)| completed != status) {
            read.problems.push(PydanticError::contradicts(&["query", "status"], "completed"));
        }
        read.finish(completed.or(status))
    }
}

impl IntoParams for CompletionQuery {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let description = "The state to set, if the body does not say it.";
        vec![parameter("completed", ObjectBuilder::new().schema_type(Type::Boolean), description)]
    }
}

/// What an import was asked for.
#[derive(Debug)]
pub(in crate::rest) struct ImportQuery {
    pub(in crate::rest) is_dry_run: bool,
}

impl ImportQuery {
    /// Reads a query string.
    pub(in crate::rest) fn parse(text: &str) -> Result<Self, Vec<PydanticError>> {
        let mut read = QueryReader::new(text, &[&["dry_run"]], &[]);
        let is_dry_run = read.bool(&["dry_run"]).unwrap_or_default();
        read.finish(Self { is_dry_run })
    }
}

impl IntoParams for ImportQuery {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let is_dry_run = ObjectBuilder::new().schema_type(Type::Boolean);
        vec![parameter("dry_run", is_dry_run, "Check the file, and change nothing.")]
    }
}

/// What the feed of changes was asked for.
#[derive(Debug)]
pub(in crate::rest) struct ChangesQuery {
    pub(in crate::rest) request: FeedRequest,
}

impl ChangesQuery {
    /// Reads a query string of that user's.
    pub(in crate::rest) fn parse(text: &str, user: &UserId) -> Result<Self, Vec<PydanticError>> {
        let mut read = QueryReader::new(text, &[&["after"], &["limit"]], &[]);
        let after = read.parse_value(&["after"], |text| SyncToken::parse(text, user));
        let most = i64::try_from(MAX_CHANGES).unwrap_or(i64::MAX);
        let most = read.integer(&["limit"], 1, most).unwrap_or(DEFAULT_CHANGES);
        read.finish(Self { request: FeedRequest { after, kinds: None, most } })
    }
}

impl IntoParams for ChangesQuery {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        vec![
            parameter("after", text_schema(), "The `sync_token` of the last page; at first none."),
            parameter(
                "limit",
                integer_schema().minimum(Some(1)).maximum(Some(MAX_CHANGES)),
                "How many changes the page has at most: 100, by default.",
            ),
        ]
    }
}
