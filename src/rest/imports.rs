//! Files that an import takes: JSON as an export writes it, tables of comma-separated values, and calendars. What the last
//! two bring is read as a body of these routes is, and calls lists and labels by their names.

mod calendar;
mod table;
mod tasks;

use std::path::Path;

use axum::http::HeaderMap;
use entity::id::UserId;

use self::tasks::FileTasks;
use super::{errors::RestError, pydantic::PydanticError};
use crate::{
    error::{Error, FileProblem},
    media_type::MediaType,
    service::import::Import,
    view::{Export, ExportError},
};

/// A kind of files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// JSON, which holds all of a user's data.
    Json,
    /// Comma-separated values (RFC 4180).
    Table,
    /// iCalendar (RFC 5545).
    Calendar,
}

/// What a file brings.
#[derive(Debug)]
pub struct ReadFile {
    /// The data.
    pub import: Import,
    /// Where tasks are in it.
    pub lines: Lines,
    /// How many entries of a calendar are no tasks.
    pub ignored: Option<usize>,
}

/// The line of each task, in a file that has lines.
#[derive(Debug, Default)]
pub struct Lines(Vec<u64>);

impl FileKind {
    /// The kind of a body. One that is not called a table or a calendar is JSON, whatever else it is called.
    pub(super) fn of_body(headers: &HeaderMap) -> Result<Self, RestError> {
        let Some(media_type) = MediaType::of_body(headers) else { return Ok(Self::Json) };
        let kind = match media_type.essence.as_str() {
            "text/csv" => Self::Table,
            "text/calendar" => Self::Calendar,
            _ => return Ok(Self::Json),
        };
        match media_type.parameter("charset") {
            Some(charset) if !charset.eq_ignore_ascii_case("utf-8") && !charset.eq_ignore_ascii_case("utf8") => Err(
                RestError::Validation(vec![PydanticError::header("Content-Type", "must name no charset but UTF-8")]),
            ),
            _ => Ok(kind),
        }
    }

    /// The kind of a file with that name, by its ending.
    pub fn of_path(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "json" => Some(Self::Json),
            "csv" => Some(Self::Table),
            "ics" => Some(Self::Calendar),
            _ => None,
        }
    }

    /// Reads a file for a user, and checks all that can be checked without knowing what is there.
    pub(super) fn read(self, bytes: &[u8], owner: &UserId) -> Result<ReadFile, RestError> {
        match self {
            Self::Json => read_json(bytes).map(|import| ReadFile { import, lines: Lines::default(), ignored: None }),
            Self::Table => table::read(bytes, FileTasks::of(owner)).map_err(RestError::Validation),
            Self::Calendar => calendar::read(bytes, FileTasks::of(owner)).map_err(RestError::Validation),
        }
    }

    /// The same; what is wrong is a sentence each.
    pub fn read_or_say(self, bytes: &[u8], owner: &UserId) -> Result<ReadFile, Vec<String>> {
        self.read(bytes, owner).map_err(|error| match error {
            RestError::Validation(problems) => problems.iter().map(PydanticError::placed_sentence).collect(),
            RestError::Service(error) => sentences(error),
            RestError::TooLarge => vec!["the file is too large".to_owned()],
        })
    }
}

impl Lines {
    /// An error about a file, whose tasks are called by their lines.
    pub fn place(&self, error: Error) -> Error {
        let Error::InvalidFile(problems) = error else { return error };
        let placed = |problem: FileProblem| {
            let field = problem.path.strip_prefix("tasks.").and_then(|it| it.split_once('.'));
            let line = field.and_then(|(place, field)| Some((self.0.get(place.parse::<usize>().ok()?)?, field)));
            match line {
                Some((line, field)) => FileProblem { path: format!("lines.{line}.{field}"), ..problem },
                None => problem,
            }
        };
        Error::InvalidFile(problems.into_iter().map(placed).collect())
    }
}

/// What is wrong with a file, a sentence each.
pub fn sentences(error: Error) -> Vec<String> {
    match error {
        Error::InvalidFile(problems) => problems.iter().map(|it| format!("{}: {}", it.path, it.rule)).collect(),
        other => vec![other.causes()],
    }
}

fn read_json(bytes: &[u8]) -> Result<Import, RestError> {
    // What a program sends that does not say what it is, such as curl.
    let is_calendar = bytes.trim_ascii_start().starts_with(b"BEGIN:VCALENDAR");
    let is_table = || bytes.first().is_some_and(|it| it.is_ascii_alphabetic() || *it == 0xef) && bytes.contains(&b',');
    if is_calendar || is_table() {
        let kind = if is_calendar { "must be text/calendar for a calendar" } else { "must be text/csv for a table" };
        return Err(RestError::Validation(vec![PydanticError::header("Content-Type", kind)]));
    }
    // A list would pass for an object whose fields are all absent.
    if !bytes.trim_ascii_start().starts_with(b"{") {
        return Err(RestError::Validation(vec![PydanticError::not_an_object()]));
    }
    Export::parse(bytes).map_err(|error| match error {
        ExportError::Json(cause) => RestError::Validation(vec![PydanticError::json(bytes, &cause)]),
        ExportError::Problems(problems) => Error::InvalidFile(problems).into(),
    })
}
