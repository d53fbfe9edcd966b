//! A user's data as a file: exported in pieces, so that any amount of it needs little memory; imported
//! whole.

use std::sync::Arc;

use axum::{
    Json,
    extract::RawQuery,
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};
use futures_util::{Stream, StreamExt, stream};
use serde::Serialize;
use tokio::{runtime::Handle, task::spawn_blocking};
use utoipa::ToSchema;

use super::{
    errors::RestError,
    exports::FileWriter,
    extract::Caller,
    imports::FileKind,
    query::{ImportQuery, refuse_parameters},
    streaming,
    upload::Upload,
};
use crate::{
    error::Error,
    service::{idempotency::NothingApplied, import::Imported, user_data::TaskWithLabels},
    view::Export,
};

/// A table that an import takes.
const TABLE_EXAMPLE: &str =
    "title,priority,due,list,labels\r\nWater the plants,high,2030-01-31,Garden,\"home, green\"\r\n";
/// A calendar that it takes.
const CALENDAR_EXAMPLE: &str = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Example//EN\r\nBEGIN:VTODO\r\nUID:1@example.com\r\n\
    SUMMARY:Water the plants\r\nDUE;VALUE=DATE:20300131\r\nPRIORITY:1\r\nCATEGORIES:home,green\r\nEND:VTODO\r\n\
    END:VCALENDAR\r\n";

/// What an import brought.
#[derive(Serialize, ToSchema)]
#[schema(examples(json!({ "dry_run": false, "lists": 1, "labels": 1, "tasks": 1, "skipped": 0 })))]
struct ImportSummary {
    /// Whether nothing was written.
    dry_run: bool,
    /// How many lists were created.
    lists: usize,
    /// How many labels were created.
    labels: usize,
    /// How many tasks were created.
    tasks: usize,
    /// How much was there already, and stays as it is.
    skipped: usize,
    /// How many entries of a calendar are no tasks, and were left out; absent of other files.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = usize)]
    ignored: Option<usize>,
}

/// Export all data as JSON.
///
/// The file has the lists, the labels and the tasks of the user, deleted ones left out. An import takes it.
#[utoipa::path(
    get,
    path = "/api/{user_id}/export",
    operation_id = "exportData",
    responses((status = 200, description = "The file.", body = Export, headers(
        ("Content-Disposition" = String, description = "A name for the file."),
    ))),
)]
pub(super) async fn export(caller: Caller, RawQuery(query): RawQuery) -> Result<Response, RestError> {
    refuse_parameters(query.as_deref().unwrap_or_default()).map_err(RestError::Validation)?;
    download(caller, FileKind::Json).await
}

/// Export all tasks as comma-separated values.
///
/// The first row names the columns. Colors, archived lists and fields that clients keep with a task are in the JSON alone.
#[utoipa::path(
    get,
    path = "/api/{user_id}/export.csv",
    operation_id = "exportTable",
    responses((
        status = 200,
        description = "The file.",
        body = String,
        content_type = "text/csv",
        headers(("Content-Disposition" = String, description = "A name for the file.")),
        example = json!(crate::rest::table::start()),
    )),
)]
pub(super) async fn table(caller: Caller, RawQuery(query): RawQuery) -> Result<Response, RestError> {
    refuse_parameters(query.as_deref().unwrap_or_default()).map_err(RestError::Validation)?;
    download(caller, FileKind::Table).await
}

/// Export all tasks as iCalendar.
///
/// Each task is a `VTODO`, with its labels as categories and its list as `X-DOCKET-LIST`.
#[utoipa::path(
    get,
    path = "/api/{user_id}/export.ics",
    operation_id = "exportCalendar",
    responses((
        status = 200,
        description = "The file.",
        body = String,
        content_type = "text/calendar",
        headers(("Content-Disposition" = String, description = "A name for the file.")),
        example = json!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Docket//Docket//EN\r\nEND:VCALENDAR\r\n"),
    )),
)]
pub(super) async fn calendar(caller: Caller, RawQuery(query): RawQuery) -> Result<Response, RestError> {
    refuse_parameters(query.as_deref().unwrap_or_default()).map_err(RestError::Validation)?;
    download(caller, FileKind::Calendar).await
}

/// Import data.
///
/// The file is what an export wrote, or a table or calendar of another program. It is checked as a whole before anything is
/// written. What is there already stays as it is, and what was deleted since comes back, so that an import can be repeated.
#[utoipa::path(
    post,
    path = "/api/{user_id}/import",
    operation_id = "importData",
    params(ImportQuery),
    request_body(content(
        (Export = "application/json"),
        (String = "text/csv", example = json!(TABLE_EXAMPLE)),
        (String = "text/calendar", example = json!(CALENDAR_EXAMPLE)),
    )),
    responses((status = 200, description = "What was imported.", body = ImportSummary)),
)]
pub(super) async fn import(
    caller: Caller,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    upload: Upload,
) -> Result<Response, RestError> {
    let is_dry = ImportQuery::parse(query.as_deref().unwrap_or_default()).map_err(RestError::Validation)?.is_dry_run;
    let kind = FileKind::of_body(&headers)?;
    let (bytes, held) = upload.into_parts();
    let owner = caller.id().clone();
    // A large file takes longer to read than others are to wait for this thread.
    let file = spawn_blocking(move || kind.read(&bytes, &owner)).await.map_err(Error::internal)??;
    caller.count(file.import.rows())?;
    // Whoever hangs up leaves no half of a file behind; and to look through it is work for a thread of its own, too.
    let runtime = Handle::current();
    let done = spawn_blocking(move || {
        let done = runtime.block_on(caller.data().import(file.import, is_dry));
        drop(held);
        done.map_err(|error| file.lines.place(error))
    });
    let Imported { lists, labels, tasks, skipped } = done.await.map_err(Error::internal)??;
    let summary = ImportSummary { dry_run: is_dry, lists, labels, tasks, skipped, ignored: file.ignored };
    let mut response = Json(summary).into_response();
    if is_dry {
        response.extensions_mut().insert(NothingApplied);
    }
    Ok(response)
}

/// A download in pieces.
async fn download(caller: Caller, kind: FileKind) -> Result<Response, RestError> {
    let mut writer = FileWriter::new(kind, caller.data()).await?;
    let (start, end) = (writer.start(), writer.end().to_owned());
    let tasks = all_tasks(caller).map(move |some| writer.tasks(some?));
    let headers = [(header::CONTENT_TYPE, kind.media_type()), (header::CONTENT_DISPOSITION, kind.disposition())];
    Ok((headers, streaming::stream_body(start, tasks, end)).into_response())
}

/// All tasks, some hundreds at a time.
fn all_tasks(caller: Caller) -> impl Stream<Item = Result<Vec<TaskWithLabels>, Error>> + Send + 'static {
    let caller = Arc::new(caller);
    stream::unfold(Some((caller, None)), |state| async {
        let (caller, behind) = state?;
        match streaming::read_with_retries(|| caller.read_on(caller.data().tasks_behind(behind.clone()))).await {
            Ok(some) => {
                let last = some.last().map(|it| (it.task.position.clone(), it.task.number))?;
                Some((Ok(some), Some((caller, Some(last)))))
            }
            Err(cause) => Some((Err(cause), None)),
        }
    })
}
