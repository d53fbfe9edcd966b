//! Query parameters of the routes that list no tasks.

use utoipa::{
    IntoParams,
    openapi::{
        ObjectBuilder,
        path::{Parameter, ParameterIn},
        schema::Type,
    },
};

use super::{NAMES, PydanticError, QueryReader, integer_schema, known_names, parameter, plain};
use crate::{
    rest::openapi::text_schema,
    service::changes::{FeedRequest, MAX_CHANGES, SyncToken},
};

const DEFAULT_CHANGES: u64 = 100;

/// Refuses what a file would be asked for: it has everything.
pub(in crate::rest) fn check_export_query(text: &str) -> Result<(), Vec<PydanticError>> {
    QueryReader::of_only(text, &[]).finish(())
}

/// Refuses a filter of the list, in any spelling, where all tasks are counted. Other parameters are ignored.
pub(in crate::rest) fn check_stats_query(text: &str) -> Result<(), Vec<PydanticError>> {
    let mut read = QueryReader::new(text);
    let is_filter = |name: &str| known_names(&NAMES).any(|it| plain(it) == plain(name));
    let filters = read.given.iter().map(|(name, _)| name).filter(|name| is_filter(name));
    read.problems = filters.map(|name| PydanticError::unknown(&["query", name])).collect();
    read.finish(())
}

/// Which state a task is to have; other parameters are ignored.
pub(in crate::rest) struct CompletionQuery;

impl CompletionQuery {
    /// Reads a query string.
    pub(in crate::rest) fn parse(text: &str) -> Result<Option<bool>, Vec<PydanticError>> {
        let mut read = QueryReader::new(text);
        read.refuse_second_values(&[&["completed"]]);
        let completed = read.bool("completed");
        read.finish(completed)
    }
}

impl IntoParams for CompletionQuery {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        vec![parameter("completed", ObjectBuilder::new().schema_type(Type::Boolean))]
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
        let mut read = QueryReader::of_only(text, &["dry_run"]);
        let is_dry_run = read.bool("dry_run").unwrap_or_default();
        read.finish(Self { is_dry_run })
    }
}

impl IntoParams for ImportQuery {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let is_dry_run = ObjectBuilder::new().schema_type(Type::Boolean);
        vec![parameter("dry_run", is_dry_run.description(Some("Check the file, and change nothing.")))]
    }
}

/// What the feed of changes was asked for.
#[derive(Debug)]
pub(in crate::rest) struct ChangesQuery {
    pub(in crate::rest) request: FeedRequest,
}

impl ChangesQuery {
    /// Reads a query string.
    pub(in crate::rest) fn parse(text: &str) -> Result<Self, Vec<PydanticError>> {
        let mut read = QueryReader::of_only(text, &["after", "limit"]);
        let after = read.parse_value(&["after"], SyncToken::parse);
        let most = i64::try_from(MAX_CHANGES).unwrap_or(i64::MAX);
        let most = read.integer(&["limit"], 1, most).unwrap_or(DEFAULT_CHANGES);
        read.finish(Self { request: FeedRequest { after, kinds: None, most } })
    }
}

impl IntoParams for ChangesQuery {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        vec![
            parameter("after", text_schema().description(Some("The `sync_token` of the last page; at first none."))),
            parameter("limit", integer_schema().minimum(Some(1)).maximum(Some(MAX_CHANGES))),
        ]
    }
}
