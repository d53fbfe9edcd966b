//! A user's data as a file: exported in pieces, so that any amount of it needs little memory; imported
//! whole.

use std::sync::Arc;

use axum::{
    Json,
    extract::RawQuery,
    http::header,
    response::{IntoResponse, Response},
};
use futures_util::{Stream, StreamExt, stream};
use serde::Serialize;
use serde_json::json;
use tokio::{runtime::Handle, task::spawn_blocking};
use utoipa::ToSchema;

use super::{
    calendar::{self, Names},
    errors::RestError,
    extract::Caller,
    pydantic::PydanticError,
    query::{ImportQuery, refuse_parameters},
    streaming,
    upload::Upload,
};
use crate::{
    error::Error,
    service::{
        idempotency::NothingApplied,
        import::{Import, Imported},
        user_data::TaskWithLabels,
    },
    view::{EXPORT_VERSION, Export, ExportError, ExportLabel, ExportList, ExportTask},
};

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
    let data = caller.data();
    let lists: Vec<ExportList> = data.lists().await?.into_iter().map(Into::into).collect();
    let labels: Vec<ExportLabel> = data.labels().await?.into_iter().map(Into::into).collect();
    let start = json!({ "docket": EXPORT_VERSION, "lists": lists, "labels": labels }).to_string();
    let start = format!("{},\"tasks\":[", start.trim_end_matches('}'));
    let mut is_first = true;
    let tasks = all_tasks(caller).map(move |some| {
        let mut text = String::new();
        for task in some? {
            text.push_str(if std::mem::take(&mut is_first) { "" } else { "," });
            text.push_str(&serde_json::to_string(&ExportTask::from(task)).map_err(Error::internal)?);
        }
        Ok(text)
    });
    Ok(download_response("application/json", "docket.json", start, tasks, "]}".to_owned()))
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
    let data = caller.data();
    let names = Names {
        lists: data.lists().await?.into_iter().map(|list| (list.id, list.name)).collect(),
        labels: data.labels().await?.into_iter().map(|label| (label.id, label.name)).collect(),
    };
    let tasks = all_tasks(caller).map(move |some| Ok(some?.iter().map(|it| names.todo(it)).collect()));
    let (start, end) = (calendar::START.to_owned(), calendar::END.to_owned());
    Ok(download_response("text/calendar; charset=utf-8", "docket.ics", start, tasks, end))
}

/// Import exported data.
///
/// The file is checked as a whole before anything is written. What is there already stays as it is, and what was deleted
/// since comes back, so that an import can be repeated.
#[utoipa::path(
    post,
    path = "/api/{user_id}/import",
    operation_id = "importData",
    params(ImportQuery),
    request_body = Export,
    responses((status = 200, description = "What was imported.", body = ImportSummary)),
)]
pub(super) async fn import(caller: Caller, RawQuery(query): RawQuery, upload: Upload) -> Result<Response, RestError> {
    let is_dry = ImportQuery::parse(query.as_deref().unwrap_or_default()).map_err(RestError::Validation)?.is_dry_run;
    let (bytes, held) = upload.into_parts();
    // A large file takes longer to read than others are to wait for this thread.
    let import = spawn_blocking(move || parse(&bytes)).await.map_err(Error::internal)??;
    caller.count(import.rows())?;
    // Whoever hangs up leaves no half of a file behind; and to look through it is work for a thread of its own, too.
    let runtime = Handle::current();
    let done = spawn_blocking(move || {
        let done = runtime.block_on(caller.data().import(import, is_dry));
        drop(held);
        done
    });
    let Imported { lists, labels, tasks, skipped } = done.await.map_err(Error::internal)??;
    let summary = ImportSummary { dry_run: is_dry, lists, labels, tasks, skipped };
    let mut response = Json(summary).into_response();
    if is_dry {
        response.extensions_mut().insert(NothingApplied);
    }
    Ok(response)
}

/// Reads a file, and checks all that can be checked without knowing what is there.
fn parse(bytes: &[u8]) -> Result<Import, RestError> {
    // A list would pass for an object whose fields are all absent.
    if !bytes.trim_ascii_start().starts_with(b"{") {
        return Err(RestError::Validation(vec![PydanticError::not_an_object()]));
    }
    Export::parse(bytes).map_err(|error| match error {
        ExportError::Json(cause) => RestError::Validation(vec![PydanticError::json(bytes, &cause)]),
        ExportError::Problems(problems) => Error::InvalidFile(problems).into(),
    })
}

/// All tasks, some hundreds at a time.
fn all_tasks(caller: Caller) -> impl Stream<Item = Result<Vec<TaskWithLabels>, Error>> + Send + 'static {
    let caller = Arc::new(caller);
    stream::unfold(Some((caller, None)), |state| async {
        let (caller, behind) = state?;
        match streaming::read_with_retries(|| caller.data().tasks_behind(behind.clone())).await {
            Ok(some) => {
                let last = some.last().map(|it| (it.task.position.clone(), it.task.number))?;
                Some((Ok(some), Some((caller, Some(last)))))
            }
            Err(cause) => Some((Err(cause), None)),
        }
    })
}

/// A download in pieces.
fn download_response(
    media: &'static str,
    name: &str,
    start: String,
    middle: impl Stream<Item = Result<String, Error>> + Send + 'static,
    end: String,
) -> Response {
    let disposition = format!("attachment; filename=\"{name}\"");
    let headers = [(header::CONTENT_TYPE, media.to_owned()), (header::CONTENT_DISPOSITION, disposition)];
    (headers, streaming::stream_body(start, middle, end)).into_response()
}
