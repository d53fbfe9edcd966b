//! What front-ends show beside the tasks: how many there are, and which tags.
//! See docs/contracts/legacy-rest.md#routes.

use axum::{
    Json,
    extract::RawQuery,
    response::{IntoResponse, Response},
};
use entity::task::Priority;
use serde::Serialize;
use utoipa::ToSchema;

use super::{errors::RestError, extract::Caller, query::refuse_parameters};
use crate::service::tasks::{Counts, PriorityCounts};

/// How many tasks there are.
#[derive(Debug, Default, Serialize, ToSchema)]
#[schema(examples(json!({
    "total": 3, "completed": 1, "pending": 2, "overdue": 0,
    "by_priority": { "low": 0, "medium": 2, "high": 1, "urgent": 0 },
})))]
pub(super) struct Statistics {
    /// All of them.
    total: i64,
    /// Those that are done.
    completed: i64,
    /// Those that are not.
    pending: i64,
    /// Those that are not done, and due in the past.
    overdue: i64,
    /// All of them by priority.
    by_priority: ByPriority,
}

/// How many tasks there are of each priority.
#[derive(Debug, Default, Serialize, ToSchema)]
struct ByPriority {
    /// Those of low priority.
    low: i64,
    /// Those of medium priority.
    medium: i64,
    /// Those of high priority.
    high: i64,
    /// Those that are urgent.
    urgent: i64,
}

/// Count the tasks, by priority too.
///
/// It is about all tasks and takes no parameters.
#[utoipa::path(
    get,
    path = "/api/{user_id}/statistics",
    operation_id = "getStatistics",
    responses((status = 200, description = "The totals.", body = Statistics)),
)]
pub(super) async fn statistics(caller: Caller, RawQuery(query): RawQuery) -> Result<Response, RestError> {
    refuse_parameters(query.as_deref().unwrap_or_default()).map_err(RestError::Validation)?;
    let counted = caller.tasks().counts_by_priority().await?;
    Ok(Json(counted.into_iter().fold(Statistics::default(), Statistics::with)).into_response())
}

impl Statistics {
    fn with(
        mut self,
        PriorityCounts { priority, counts: Counts { open, completed, overdue } }: PriorityCounts,
    ) -> Self {
        let of_priority = match priority {
            Priority::Low => &mut self.by_priority.low,
            Priority::Medium => &mut self.by_priority.medium,
            Priority::High => &mut self.by_priority.high,
            Priority::Urgent => &mut self.by_priority.urgent,
        };
        *of_priority += open + completed;
        self.total += open + completed;
        self.completed += completed;
        self.pending += open;
        self.overdue += overdue;
        self
    }
}

/// List the tags.
///
/// They are those that tasks have, by name.
#[utoipa::path(
    get,
    path = "/api/{user_id}/tags",
    operation_id = "listTags",
    responses((status = 200, description = "The tags.", body = [String], example = json!(["garden", "home"]))),
)]
pub(super) async fn tags(caller: Caller, RawQuery(query): RawQuery) -> Result<Response, RestError> {
    refuse_parameters(query.as_deref().unwrap_or_default()).map_err(RestError::Validation)?;
    let names: Vec<String> = caller.labels().in_use().await?.into_iter().map(|it| it.name).collect();
    Ok(Json(names).into_response())
}
