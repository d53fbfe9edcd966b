//! The task routes: who, what, one service call.

use axum::{
    Extension, Json,
    extract::RawQuery,
    http::{HeaderMap, HeaderName, StatusCode, header},
    response::{IntoResponse, Response},
};
use entity::task;

use super::{
    etag,
    extract::{Body, Caller, TaskPath},
    failure::Failure,
    query::{ListQuery, SinceQuery},
    shape::{Part, Shape},
};
use crate::{
    error::Error,
    service::tasks::{Counts, Edit},
    view::{BigInt, Change, Task},
};

/// How many tasks there are in all, when a page of them is sent.
const TOTAL_COUNT: HeaderName = HeaderName::from_static("x-total-count");

/// `GET /api/{user_id}/tasks`
pub(super) async fn list(
    caller: Caller,
    Extension(shape): Extension<Shape>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    let ListQuery { filter, order, offset, limit } =
        ListQuery::parse(query.as_deref().unwrap_or_default()).map_err(Failure::Faults)?;
    let is_whole = limit.is_none() && offset == 0;
    // What is overdue changes without a write.
    let is_asked = filter.overdue.is_none() && headers.contains_key(header::IF_NONE_MATCH);
    // The tag first: what is written in between makes it old, never the list.
    let (tag, total) = if is_whole || is_asked {
        let tag = caller.changes().revision().await?;
        if is_asked && etag::is_known(&headers, tag) {
            return Ok((StatusCode::NOT_MODIFIED, etag::tag(tag)).into_response());
        }
        (tag, if is_whole { None } else { Some(caller.tasks().count(&filter).await?) })
    } else {
        let (tag, total) = caller.tasks().summary(&filter).await?;
        (tag, Some(total))
    };
    let rows = caller.tasks().list(&filter, order, (offset, limit)).await?;
    let total = total.unwrap_or(rows.len() as u64);
    let tasks = tagged(&caller, rows).await?;
    let answer = shape.list(tasks, Part { offset, limit, total })?;
    Ok((etag::tag(tag), [(TOTAL_COUNT, total)], answer).into_response())
}

/// `POST /api/{user_id}/tasks`
pub(super) async fn create(
    caller: Caller,
    Extension(shape): Extension<Shape>,
    body: Body,
) -> Result<Response, Failure> {
    let mut faults = Vec::new();
    let draft = body.read(&mut faults, |fields| fields.draft()).flatten();
    let draft = draft.filter(|_| faults.is_empty()).ok_or(Failure::Faults(faults))?;
    let has_labels = !draft.labels.is_empty();
    let row = caller.tasks().create(draft).await?;
    if has_labels {
        return Ok((StatusCode::CREATED, one(&caller, shape, row).await?).into_response());
    }
    Ok((StatusCode::CREATED, etag::tag(row.revision), shape.task(Task::from(row))?).into_response())
}

/// `GET /api/{user_id}/tasks/{task_id}`
pub(super) async fn show(
    caller: Caller,
    Extension(shape): Extension<Shape>,
    headers: HeaderMap,
    path: TaskPath,
) -> Result<Response, Failure> {
    let found = caller.tasks().find(path.only_key()?).await?;
    let row = found.ok_or(Error::NotFound("task"))?;
    if etag::is_known(&headers, row.revision) {
        return Ok((StatusCode::NOT_MODIFIED, etag::tag(row.revision)).into_response());
    }
    one(&caller, shape, row).await
}

/// `PUT` and `PATCH /api/{user_id}/tasks/{task_id}`
pub(super) async fn edit(
    caller: Caller,
    Extension(shape): Extension<Shape>,
    (headers, path): (HeaderMap, TaskPath),
    body: Body,
) -> Result<Response, Failure> {
    let mut faults = Vec::new();
    let key = path.key(&mut faults);
    let edit = body.read(&mut faults, |fields| fields.edit());
    let (Some(key), Some(edit), true) = (key, edit, faults.is_empty()) else { return Err(Failure::Faults(faults)) };
    let row = caller.tasks().edit(key, edit, etag::expected(&headers)).await?;
    one(&caller, shape, row).await
}

/// `PATCH /api/{user_id}/tasks/{task_id}/complete`
pub(super) async fn complete(
    caller: Caller,
    Extension(shape): Extension<Shape>,
    (headers, path): (HeaderMap, TaskPath),
    body: Body,
) -> Result<Response, Failure> {
    let mut faults = Vec::new();
    let key = path.key(&mut faults);
    let completed = body.read_if_there(&mut faults, |fields| fields.completed()).flatten();
    let (Some(key), true) = (key, faults.is_empty()) else { return Err(Failure::Faults(faults)) };
    let expected = etag::expected(&headers);
    let row = match completed {
        Some(_) => caller.tasks().edit(key, Edit { completed, ..Edit::default() }, expected).await?,
        None => caller.tasks().toggle(key, expected).await?,
    };
    one(&caller, shape, row).await
}

/// `DELETE /api/{user_id}/tasks/{task_id}`
pub(super) async fn delete(
    caller: Caller,
    Extension(shape): Extension<Shape>,
    headers: HeaderMap,
    path: TaskPath,
) -> Result<Response, Failure> {
    let row = caller.tasks().delete(path.only_key()?, etag::expected(&headers)).await?;
    Ok(shape.deleted(row.number))
}

/// `GET /api/{user_id}/stats`
pub(super) async fn stats(caller: Caller) -> Result<Response, Failure> {
    let Counts { open, completed, overdue: _ } = caller.tasks().totals().await?;
    let body = serde_json::json!({ "total": open + completed, "pending": open, "completed": completed });
    Ok(Json(body).into_response())
}

/// `GET /api/{user_id}/changes`
pub(super) async fn changes(caller: Caller, RawQuery(query): RawQuery) -> Result<Response, Failure> {
    let SinceQuery { since, limit } =
        SinceQuery::parse(query.as_deref().unwrap_or_default()).map_err(Failure::Faults)?;
    let feed = caller.changes().since(since, limit).await?;
    let mut labels = caller.labels().of_tasks(&feed.tasks()).await?;
    let tagged = |changed| Change::tagged(changed, |id| labels.remove(id).unwrap_or_default());
    let changes: Vec<Change> = feed.changes.into_iter().map(tagged).collect();
    let body = serde_json::json!({
        "changes": changes, "revision": BigInt(feed.revision), "has_more": feed.has_more,
    });
    Ok(Json(body).into_response())
}

async fn one(caller: &Caller, shape: Shape, row: task::Model) -> Result<Response, Failure> {
    let tag = etag::tag(row.revision);
    let labels = caller.labels().of_tasks(&[row.id]).await?.remove(&row.id);
    Ok((tag, shape.task(Task::tagged(row, labels.unwrap_or_default()))?).into_response())
}

async fn tagged(caller: &Caller, rows: Vec<task::Model>) -> Result<Vec<Task>, Failure> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<_> = rows.iter().map(|row| row.id).collect();
    let mut labels = caller.labels().of_tasks(&ids).await?;
    let tagged = |row: task::Model| {
        let labels = labels.remove(&row.id).unwrap_or_default();
        Task::tagged(row, labels)
    };
    Ok(rows.into_iter().map(tagged).collect())
}
