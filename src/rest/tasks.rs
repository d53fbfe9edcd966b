//! The task routes: who, what, one service call.

use axum::{
    Json,
    body::{Body, Bytes},
    extract::RawQuery,
    http::{HeaderMap, HeaderName, StatusCode, header},
    response::{IntoResponse, Response},
};
use entity::task;
use futures_util::{Stream, stream};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    errors::{RestError, ResyncRequired},
    etag::{IfMatch, IfNoneMatch, Tags},
    extract::{Caller, Completion, TaskBody, TaskPath},
    fields::{CompletionBody, NewTaskBody, TaskChangesBody},
    query::{ChangesQuery, CompletionQuery, ListQuery, refuse_parameters},
    shape::{self, PagePosition, Shape},
    streaming, unserved,
};
use crate::{
    db::Window,
    error::{Error, Thing},
    service::{
        page::Cursor,
        tasks::{Counts, Filter, OrderKey, SummaryPage, TaskPatch, TaskRef},
    },
    view::{Change, Task, rest_list, rest_task},
};

/// How many tasks there are.
#[derive(Serialize, ToSchema)]
#[schema(examples(json!({ "total": 3, "pending": 2, "completed": 1 })))]
struct TaskCounts {
    /// All of them.
    total: i64,
    /// Those that are open.
    pending: i64,
    /// Those that are completed.
    completed: i64,
}

/// Some of the changes to a user's data.
#[derive(Serialize, ToSchema)]
#[schema(examples(json!({
    "changes": [{ "revision": 12, "kind": "label", "id": "01989b2a-7c1e-7d3f-8a4b-5c6d7e8f9a0b", "deleted": true }],
    "sync_token": "MS5hLjEyLg",
    "has_more": false,
})))]
struct ChangesPage {
    /// The changes, the oldest first.
    changes: Vec<Change>,
    /// What to ask with for the changes after these.
    sync_token: String,
    /// Whether there are more changes already.
    has_more: bool,
}

/// How many tasks meet the filter of a list.
const TOTAL_COUNT: HeaderName = HeaderName::from_static("x-total-count");

/// List the tasks, newest first.
///
/// Without a limit the response has all of them; many are sent in chunks. Parameters narrow the list, sort it and cut a page
/// out of it. One that is not known is refused, because a list would have what was not asked for.
#[utoipa::path(
    get,
    path = "/api/{user_id}/tasks",
    operation_id = "listTasks",
    params(ListQuery, IfNoneMatch),
    responses(
        (status = 200, description = "The tasks.", body = [Task], headers(
            ("ETag" = String, description = "The version of the user's data in this shape."),
            ("X-Total-Count" = i64, description = "How many tasks there are on all pages."),
        )),
        (status = 304, description = "The client has the current version.", headers(
            ("ETag" = String, description = "The version of the user's data in this shape."),
        )),
    ),
)]
pub(super) async fn list(
    caller: Caller,
    shape: Shape,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, RestError> {
    let query = query.unwrap_or_default();
    let ListQuery { filter, order, offset, limit } = ListQuery::parse(&query, shape).map_err(RestError::Validation)?;
    let tags = Tags::new(caller.id(), shape);
    // What is overdue changes without a write.
    let is_lasting = filter.overdue.is_none();
    caller.note_seen(tags.last_known(&headers)?);
    if is_lasting && headers.contains_key(header::IF_NONE_MATCH) {
        let revision = caller.changes().revision().await?;
        if tags.is_known(&headers, revision)? {
            return Ok((StatusCode::NOT_MODIFIED, tags.of(revision)).into_response());
        }
    }
    let SummaryPage { tasks, total, revision, next } =
        caller.tasks().summaries(&filter, order, Window { offset, limit }).await?;
    let json = shape.tasks(rest_list(&tasks, caller.id()))?;
    let (before, behind) = shape.envelope(PagePosition { offset, limit, total });
    let body = match next {
        None => Body::from([before.as_bytes(), &json, behind.as_bytes()].concat()),
        Some(last) => {
            let start = [before.as_bytes(), json.strip_suffix(b"]").unwrap_or(&json)].concat();
            streaming::stream_body(start, tasks_after(caller, shape, filter, order, last), format!("]{behind}"))
        }
    };
    Ok((tags.of(revision), [(TOTAL_COUNT, total)], shape::json_response(body)).into_response())
}

/// The tasks behind that place, each piece as what follows in a list.
fn tasks_after(
    caller: Caller,
    shape: Shape,
    filter: Filter,
    order: OrderKey,
    last: Cursor,
) -> impl Stream<Item = Result<Bytes, Error>> + Send {
    stream::try_unfold((caller, filter, Some(last)), move |(caller, filter, last)| async move {
        let Some(last) = last else { return Ok(None) };
        let (tasks, rest) =
            streaming::read_with_retries(|| caller.read_on(caller.tasks().summaries_after(&filter, order, &last)))
                .await?;
        if tasks.is_empty() {
            return Ok(None);
        }
        let mut json = shape.tasks(rest_list(&tasks, caller.id()))?;
        // Without what ends a list, and with what follows a task instead of what begins it.
        json.pop();
        json[0] = b',';
        Ok(Some((Bytes::from(json), (caller, filter, rest))))
    })
}

/// Create a task.
///
/// Only the title is needed. Fields that the server sets itself are ignored, such as `id` and `created_at`.
#[utoipa::path(
    post,
    path = "/api/{user_id}/tasks",
    operation_id = "createTask",
    request_body = NewTaskBody,
    responses((status = 201, description = "The new task.", body = Task, headers(
        ("ETag" = String, description = "The version of the task in this shape."),
    ))),
)]
pub(super) async fn create(
    caller: Caller,
    shape: Shape,
    RawQuery(query): RawQuery,
    body: TaskBody,
) -> Result<Response, RestError> {
    let mut problems = refuse_parameters(query.as_deref().unwrap_or_default()).err().unwrap_or_default();
    let longest = caller.tasks().max_description();
    let read = body.read(&mut problems, |fields| {
        let fields = fields.shaped(shape, longest);
        (fields.unserved(), fields.new_task())
    });
    let (unserved, draft) = read.unwrap_or_default();
    let draft = draft.filter(|_| problems.is_empty()).ok_or(RestError::Validation(problems))?;
    let has_labels = !draft.labels.is_empty();
    let row = caller.tasks().create(draft).await?;
    let mut response = match has_labels {
        true => task_response(&caller, shape, row).await?,
        false => {
            let tag = Tags::new(caller.id(), shape).of(row.revision);
            (tag, shape.task(task_json(&Task::shown(row, caller.id(), Vec::new()))?)?).into_response()
        }
    };
    *response.status_mut() = StatusCode::CREATED;
    unserved::note(&mut response, unserved);
    Ok(response)
}

/// Get a task.
///
/// A task of another user and one that does not exist get the same response.
#[utoipa::path(
    get,
    path = "/api/{user_id}/tasks/{task_id}",
    operation_id = "getTask",
    params(TaskPath, IfNoneMatch),
    responses(
        (status = 200, description = "The task.", body = Task, headers(
            ("ETag" = String, description = "The version of the task in this shape."),
        )),
        (status = 304, description = "The client has the current version.", headers(
            ("ETag" = String, description = "The version of the task in this shape."),
        )),
    ),
)]
pub(super) async fn show(
    caller: Caller,
    shape: Shape,
    headers: HeaderMap,
    path: TaskPath,
) -> Result<Response, RestError> {
    let (key, tags) = (path.only_key()?, Tags::new(caller.id(), shape));
    caller.note_seen(tags.last_known(&headers)?);
    let found = caller.tasks().find_summary(key).await?;
    let (found, revision) = found.ok_or(Error::NotFound(Thing::Task))?;
    if tags.is_known(&headers, revision)? {
        return Ok((StatusCode::NOT_MODIFIED, tags.of(revision)).into_response());
    }
    Ok((tags.of(revision), shape.task(rest_task(&found, caller.id()))?).into_response())
}

/// Change a task.
///
/// Fields that are absent stay as they are, with both methods. Null clears `description` and `due_date`.
#[utoipa::path(
    method(put, patch),
    path = "/api/{user_id}/tasks/{task_id}",
    operation_id = "updateTask",
    params(TaskPath, IfMatch),
    request_body = TaskChangesBody,
    responses((status = 200, description = "The task.", body = Task, headers(
        ("ETag" = String, description = "The version of the task in this shape."),
    ))),
)]
pub(super) async fn edit(
    caller: Caller,
    shape: Shape,
    headers: HeaderMap,
    path: TaskPath,
    body: TaskBody,
) -> Result<Response, RestError> {
    let mut problems = Vec::new();
    let key = path.key(&mut problems);
    let longest = caller.tasks().max_description();
    let edit = body.read(&mut problems, |fields| {
        let fields = fields.shaped(shape, longest);
        (fields.unserved(), fields.task_patch())
    });
    let (Some(key), Some((unserved, mut edit)), true) = (key, edit, problems.is_empty()) else {
        return Err(RestError::Validation(problems));
    };
    let expected = expected_revision(&caller, shape, &headers, key).await?;
    if edit.is_opposite {
        let (found, _) = caller.tasks().find_summary(key).await?.ok_or(Error::NotFound(Thing::Task))?;
        edit.patch.completed = Some(!found.completed);
    }
    let row = caller.tasks().edit(key, edit.patch, expected).await?;
    let mut response = task_response(&caller, shape, row).await?;
    unserved::note(&mut response, unserved);
    Ok(response)
}

/// Set whether a task is completed.
///
/// The body or the query says which; if neither does, the task changes to the opposite.
#[utoipa::path(
    method(patch, post),
    path = "/api/{user_id}/tasks/{task_id}/complete",
    operation_id = "setTaskCompleted",
    params(TaskPath, CompletionQuery, IfMatch),
    request_body = Option<CompletionBody>,
    responses((status = 200, description = "The task.", body = Task, headers(
        ("ETag" = String, description = "The version of the task in this shape."),
    ))),
)]
pub(super) async fn complete(
    caller: Caller,
    shape: Shape,
    headers: HeaderMap,
    path: TaskPath,
    completion: Completion,
) -> Result<Response, RestError> {
    let mut problems = Vec::new();
    let key = path.id(&mut problems);
    let completed = completion.read(&mut problems);
    let (Some(key), true) = (key, problems.is_empty()) else { return Err(RestError::Validation(problems)) };
    let expected = expected_revision(&caller, shape, &headers, key).await?;
    let row = match completed {
        Some(_) => caller.tasks().edit(key, TaskPatch { completed, ..TaskPatch::default() }, expected).await?,
        None => caller.tasks().toggle(key, expected).await?,
    };
    task_response(&caller, shape, row).await
}

/// Change a task to completed or open.
///
/// The same as `complete`, under the name that other front-ends use.
#[utoipa::path(
    method(patch, post),
    path = "/api/{user_id}/tasks/{task_id}/toggle",
    operation_id = "toggleTask",
    params(TaskPath, CompletionQuery, IfMatch),
    request_body = Option<CompletionBody>,
    responses((status = 200, description = "The task.", body = Task, headers(
        ("ETag" = String, description = "The version of the task in this shape."),
    ))),
)]
pub(super) async fn toggle(
    caller: Caller,
    shape: Shape,
    headers: HeaderMap,
    path: TaskPath,
    completion: Completion,
) -> Result<Response, RestError> {
    complete(caller, shape, headers, path, completion).await
}

/// Delete a task.
///
/// A second deletion is 404. The GraphQL API can restore the task for 30 days.
#[utoipa::path(
    delete,
    path = "/api/{user_id}/tasks/{task_id}",
    operation_id = "deleteTask",
    params(TaskPath, IfMatch),
    responses((status = 204, description = "The task is deleted.")),
)]
pub(super) async fn delete(
    caller: Caller,
    shape: Shape,
    headers: HeaderMap,
    path: TaskPath,
) -> Result<Response, RestError> {
    let key = path.only_key()?;
    let expected = expected_revision(&caller, shape, &headers, key).await?;
    let row = caller.tasks().delete(key, expected).await?;
    Ok(shape.deletion_response(row.number))
}

/// Count the tasks.
///
/// It is about all tasks and takes no parameters.
#[utoipa::path(
    get,
    path = "/api/{user_id}/stats",
    operation_id = "countTasks",
    responses((status = 200, description = "The totals.", body = TaskCounts)),
)]
pub(super) async fn stats(caller: Caller, RawQuery(query): RawQuery) -> Result<Response, RestError> {
    refuse_parameters(query.as_deref().unwrap_or_default()).map_err(RestError::Validation)?;
    let Counts { open, completed, overdue: _ } = caller.tasks().totals().await?;
    Ok(Json(TaskCounts { total: open + completed, pending: open, completed }).into_response())
}

/// List what changed after a sync token.
///
/// Deletions are among the changes. Ask again with the `sync_token` of the response until `has_more` is false, and later on.
#[utoipa::path(
    get,
    path = "/api/{user_id}/changes",
    operation_id = "listChanges",
    params(ChangesQuery),
    responses(
        (status = 200, description = "The changes.", body = ChangesPage),
        (
            status = 410,
            description = "The changes after the token are no longer all known: start again without one.",
            body = ResyncRequired,
        ),
    ),
)]
pub(super) async fn changes(caller: Caller, RawQuery(query): RawQuery) -> Result<Response, RestError> {
    let ChangesQuery { request } =
        ChangesQuery::parse(query.as_deref().unwrap_or_default(), caller.id()).map_err(RestError::Validation)?;
    let feed = caller.changes().page(&request).await?;
    let mut labels = caller.labels().of_tasks(&feed.tasks()).await?;
    let changes = Change::all(&feed, |row| {
        let labels = labels.remove(&row.id).unwrap_or_default();
        Task::shown(row, caller.id(), labels)
    });
    let page = ChangesPage { changes, sync_token: feed.token().encode(), has_more: feed.has_more };
    Ok(Json(page).into_response())
}

async fn task_response(caller: &Caller, shape: Shape, row: task::Model) -> Result<Response, RestError> {
    let tag = Tags::new(caller.id(), shape).of(row.revision);
    let labels = caller.labels().of_tasks(&[row.id]).await?.remove(&row.id);
    Ok((tag, shape.task(task_json(&Task::shown(row, caller.id(), labels.unwrap_or_default()))?)?).into_response())
}

/// The revision that a write is to find, if it is to find any. Of several that would do, it is the one that is there.
async fn expected_revision(
    caller: &Caller,
    shape: Shape,
    headers: &HeaderMap,
    key: TaskRef,
) -> Result<Option<i64>, RestError> {
    let Some(revisions) = Tags::new(caller.id(), shape).expected(headers)? else { return Ok(None) };
    let [first, _, ..] = revisions.as_slice() else {
        // A tag that is none of the task's is one of a revision that it never has.
        return Ok(Some(revisions.first().copied().unwrap_or(i64::MIN)));
    };
    let now = caller.tasks().find_summary(key).await?.map(|(_, revision)| revision);
    Ok(now.filter(|it| revisions.contains(it)).or(Some(*first)))
}

fn task_json(task: &Task) -> Result<Vec<u8>, Error> {
    serde_json::to_vec(task).map_err(Error::internal)
}
