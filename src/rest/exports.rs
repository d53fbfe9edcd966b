//! A user's data as a file of one of the kinds that an import takes, written in pieces: any amount needs little memory.

use std::collections::HashMap;

use axum::http::HeaderValue;
use entity::id::{LabelId, ListId};
use serde_json::json;

use super::{calendar, imports::FileKind, table};
use crate::{
    error::Error,
    service::user_data::{TaskWithLabels, UserData},
    view::{EXPORT_VERSION, ExportLabel, ExportList, ExportTask},
};

/// What lists and labels are called.
#[derive(Debug)]
pub(super) struct Names {
    lists: HashMap<ListId, String>,
    labels: HashMap<LabelId, String>,
}

/// Writes a file.
#[derive(Debug)]
pub struct FileWriter {
    kind: FileKind,
    names: Names,
    start: String,
    is_first: bool,
}

impl Names {
    /// The name of a list.
    pub(super) fn of_list(&self, list: Option<ListId>) -> Option<&str> {
        self.lists.get(&list?).map(String::as_str)
    }

    /// The names of labels.
    pub(super) fn of_labels(&self, labels: &[LabelId]) -> impl Iterator<Item = &str> {
        labels.iter().filter_map(|it| self.labels.get(it)).map(String::as_str)
    }
}

impl FileKind {
    /// The media type of such a file.
    pub(super) fn media_type(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Json => "application/json",
            Self::Table => "text/csv; charset=utf-8; header=present",
            Self::Calendar => "text/calendar; charset=utf-8",
        })
    }

    /// A name for such a file, as a header.
    pub(super) fn disposition(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Json => "attachment; filename=\"docket.json\"",
            Self::Table => "attachment; filename=\"docket.csv\"",
            Self::Calendar => "attachment; filename=\"docket.ics\"",
        })
    }
}

impl FileWriter {
    /// Reads what stands before the tasks.
    pub async fn new(kind: FileKind, data: UserData<'_>) -> Result<Self, Error> {
        let (lists, labels) = (data.lists().await?, data.labels().await?);
        let names = Names {
            lists: lists.iter().map(|list| (list.id, list.name.clone())).collect(),
            labels: labels.iter().map(|label| (label.id, label.name.clone())).collect(),
        };
        let start = match kind {
            FileKind::Json => {
                let lists: Vec<ExportList> = lists.into_iter().map(Into::into).collect();
                let labels: Vec<ExportLabel> = labels.into_iter().map(Into::into).collect();
                let start = json!({ "docket": EXPORT_VERSION, "lists": lists, "labels": labels }).to_string();
                format!("{},\"tasks\":[", start.trim_end_matches('}'))
            }
            FileKind::Table => table::start(),
            FileKind::Calendar => calendar::START.to_owned(),
        };
        Ok(Self { kind, names, start, is_first: true })
    }

    /// What stands before the tasks.
    pub fn start(&mut self) -> String {
        std::mem::take(&mut self.start)
    }

    /// Some tasks, which come in their order.
    pub fn tasks(&mut self, some: Vec<TaskWithLabels>) -> Result<String, Error> {
        let mut text = String::new();
        for task in some {
            match self.kind {
                FileKind::Json => {
                    text.push_str(if std::mem::take(&mut self.is_first) { "" } else { "," });
                    text.push_str(&serde_json::to_string(&ExportTask::from(task)).map_err(Error::internal)?);
                }
                FileKind::Table => text.push_str(&self.names.row(&task)),
                FileKind::Calendar => text.push_str(&self.names.todo(&task)),
            }
        }
        Ok(text)
    }

    /// What stands behind them.
    pub fn end(&self) -> &'static str {
        match self.kind {
            FileKind::Json => "]}",
            FileKind::Table => "",
            FileKind::Calendar => calendar::END,
        }
    }
}
