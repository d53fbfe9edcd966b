//! A user's data as a file: exported in pieces, so that any amount of it needs little memory; imported whole.

use std::sync::Arc;

use axum::{
    Json,
    extract::RawQuery,
    http::header,
    response::{IntoResponse, Response},
};
use entity::task::Priority;
use futures_util::{Stream, StreamExt, stream};
use icalendar::{Component, Todo, TodoStatus};
use serde_json::json;

use super::{
    extract::{Caller, LargeBody},
    failure::Failure,
    fault::Fault,
    pieces,
};
use crate::{
    error::Error,
    service::data::{Imported, Labelled},
    view::{Export, ExportLabel, ExportList, ExportTask},
};

/// `GET /api/{user_id}/export`
pub(super) async fn export(caller: Caller) -> Result<Response, Failure> {
    let data = caller.data();
    let lists: Vec<ExportList> = data.lists().await?.into_iter().map(Into::into).collect();
    let labels: Vec<ExportLabel> = data.labels().await?.into_iter().map(Into::into).collect();
    let start = json!({ "docket": 1, "lists": lists, "labels": labels }).to_string();
    let start = format!("{},\"tasks\":[", start.trim_end_matches('}'));
    let mut is_first = true;
    let tasks = tasks(caller).map(move |some| {
        let mut text = String::new();
        for task in some? {
            text.push_str(if std::mem::take(&mut is_first) { "" } else { "," });
            text.push_str(&serde_json::to_string(&ExportTask::from(task)).map_err(Error::internal)?);
        }
        Ok(text)
    });
    Ok(file(("application/json", "docket.json"), (start, tasks, "]}".to_owned())))
}

/// `GET /api/{user_id}/export.ics`
pub(super) async fn calendar(caller: Caller) -> Result<Response, Failure> {
    let start = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Docket//Docket//EN\r\n".to_owned();
    let tasks = tasks(caller).map(|some| Ok(some?.into_iter().map(|it| todo(it).to_string()).collect()));
    Ok(file(("text/calendar; charset=utf-8", "docket.ics"), (start, tasks, "END:VCALENDAR\r\n".to_owned())))
}

/// `POST /api/{user_id}/import`
pub(super) async fn import(
    caller: Caller,
    RawQuery(query): RawQuery,
    LargeBody(bytes, _room): LargeBody,
) -> Result<Response, Failure> {
    let is_dry = form_urlencoded::parse(query.as_deref().unwrap_or_default().as_bytes())
        .any(|(name, value)| name == "dry_run" && value != "false" && value != "0");
    // A list would pass for an object whose fields are all absent.
    if !bytes.trim_ascii_start().starts_with(b"{") {
        return Err(Failure::Faults(vec![Fault::not_an_object()]));
    }
    let file: Export = serde_json::from_slice(&bytes)
        .map_err(|cause| Failure::Faults(vec![Fault::json(cause.column(), &cause.to_string())]))?;
    drop(bytes);
    let import = file.checked().map_err(|faults| Failure::Faults(faults.into_iter().map(misplaced).collect()))?;
    let Imported { lists, labels, tasks, skipped } = caller.data().import(import, is_dry).await?;
    let body = json!({ "dry_run": is_dry, "lists": lists, "labels": labels, "tasks": tasks, "skipped": skipped });
    Ok(Json(body).into_response())
}

fn misplaced((place, rule): (String, crate::error::Fault)) -> Fault {
    let loc: Vec<&str> = std::iter::once("body").chain(place.split('.')).collect();
    Fault::breaks(&loc, rule)
}

/// All tasks, some hundreds at a time.
fn tasks(caller: Caller) -> impl Stream<Item = Result<Vec<Labelled>, Error>> + Send + 'static {
    let caller = Arc::new(caller);
    stream::unfold(Some((caller, None)), |state| async {
        let (caller, behind) = state?;
        match pieces::next(|| caller.data().tasks_behind(behind.clone())).await {
            Ok(some) => {
                let last = some.last().map(|it| (it.task.position.clone(), it.task.number))?;
                Some((Ok(some), Some((caller, Some(last)))))
            }
            Err(cause) => Some((Err(cause), None)),
        }
    })
}

/// A download in pieces.
fn file(
    (media, name): (&'static str, &str),
    (start, middle, end): (String, impl Stream<Item = Result<String, Error>> + Send + 'static, String),
) -> Response {
    let disposition = format!("attachment; filename=\"{name}\"");
    let headers = [(header::CONTENT_TYPE, media.to_owned()), (header::CONTENT_DISPOSITION, disposition)];
    (headers, pieces::body(start, middle, end)).into_response()
}

/// A task as RFC 5545, section 3.6.2, has it.
fn todo(Labelled { task, .. }: Labelled) -> Todo {
    let mut todo = Todo::new();
    todo.uid(&task.id.to_string()).summary(&task.title).timestamp(task.updated_at.0).created(task.created_at.0);
    if let Some(description) = &task.description {
        todo.description(description);
    }
    if let Some(date) = task.due_date {
        todo.due(date);
    }
    if let Some(instant) = task.due_at {
        todo.due(instant.0);
    }
    if let Some(parent) = task.parent_id {
        todo.add_property("RELATED-TO", parent.to_string());
    }
    todo.priority(match task.priority {
        Priority::Urgent => 1,
        Priority::High => 3,
        Priority::Medium => 5,
        Priority::Low => 9,
    });
    match task.completed_at {
        Some(instant) => todo.completed(instant.0).status(TodoStatus::Completed),
        None => todo.status(TodoStatus::NeedsAction),
    };
    todo.done()
}
