//! The task routes: who, what, one service call.

use axum::{
    Json,
    extract::RawQuery,
    http::{HeaderName, StatusCode},
    response::{IntoResponse, Response},
};

use super::{
    extract::{Body, Caller, TaskPath},
    failure::Failure,
    query::ListQuery,
};
use crate::{
    service::tasks::{Edit, Filter},
    view::Task,
};

/// How many tasks there are in all, when a page of them is sent.
const TOTAL_COUNT: HeaderName = HeaderName::from_static("x-total-count");

/// `GET /api/{user_id}/tasks`
pub(super) async fn list(caller: Caller, RawQuery(query): RawQuery) -> Result<Response, Failure> {
    let ListQuery { filter, order, offset, limit } =
        ListQuery::parse(query.as_deref().unwrap_or_default()).map_err(Failure::Faults)?;
    let rows = caller.tasks().list(&filter, order, (offset, limit)).await?;
    let is_whole = limit.is_none() && offset == 0;
    let total = if is_whole { rows.len() as u64 } else { total(&caller, &filter).await? };
    let tasks: Vec<Task> = rows.into_iter().map(Task::from).collect();
    Ok(([(TOTAL_COUNT, total)], Json(tasks)).into_response())
}

/// `POST /api/{user_id}/tasks`
pub(super) async fn create(caller: Caller, body: Body) -> Result<(StatusCode, Json<Task>), Failure> {
    let mut faults = Vec::new();
    let draft = body.read(&mut faults, |fields| fields.draft()).flatten();
    let draft = draft.filter(|_| faults.is_empty()).ok_or(Failure::Faults(faults))?;
    let row = caller.tasks().create(draft).await?;
    Ok((StatusCode::CREATED, Json(row.into())))
}

/// `GET /api/{user_id}/tasks/{task_id}`
pub(super) async fn show(caller: Caller, path: TaskPath) -> Result<Json<Task>, Failure> {
    let found = caller.tasks().find(path.only_key()?).await?;
    let row = found.ok_or(crate::error::Error::NotFound("task"))?;
    Ok(Json(row.into()))
}

/// `PUT` and `PATCH /api/{user_id}/tasks/{task_id}`
pub(super) async fn edit(caller: Caller, path: TaskPath, body: Body) -> Result<Json<Task>, Failure> {
    let mut faults = Vec::new();
    let key = path.key(&mut faults);
    let edit = body.read(&mut faults, |fields| fields.edit());
    let (Some(key), Some(edit), true) = (key, edit, faults.is_empty()) else { return Err(Failure::Faults(faults)) };
    Ok(Json(caller.tasks().edit(key, edit).await?.into()))
}

/// `PATCH /api/{user_id}/tasks/{task_id}/complete`
pub(super) async fn complete(caller: Caller, path: TaskPath, body: Body) -> Result<Json<Task>, Failure> {
    let mut faults = Vec::new();
    let key = path.key(&mut faults);
    let completed = body.read_if_there(&mut faults, |fields| fields.completed()).flatten();
    let (Some(key), true) = (key, faults.is_empty()) else { return Err(Failure::Faults(faults)) };
    let row = match completed {
        Some(_) => caller.tasks().edit(key, Edit { completed, ..Edit::default() }).await?,
        None => caller.tasks().toggle(key).await?,
    };
    Ok(Json(row.into()))
}

/// `DELETE /api/{user_id}/tasks/{task_id}`
pub(super) async fn delete(caller: Caller, path: TaskPath) -> Result<StatusCode, Failure> {
    caller.tasks().delete(path.only_key()?).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn total(caller: &Caller, filter: &Filter) -> Result<u64, Failure> {
    Ok(caller.tasks().count(filter).await?)
}
