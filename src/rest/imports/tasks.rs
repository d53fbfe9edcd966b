//! The tasks of a file that is no JSON: each is read as the body with which a client would make it.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use entity::{
    id::{LabelId, ListId, TaskId, UserId},
    text::name_key,
    time::Micros,
};
use serde_json::{Map, Value};

use super::{Lines, ReadFile};
use crate::{
    error::ValidationError,
    rest::{adopted::read_fields, pydantic::PydanticError},
    service::{
        adoption::{labels_named, list_id, task_id},
        import::{Import, LabelImport, ListImport, MAX_IMPORT, MAX_PROBLEMS, TaskImport},
        lists::NewList,
        tasks::{Due, Instant, NewTask, TimeZone},
        values::ListName,
    },
};

/// What is wrong with a line, or with what has that name in it.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) line: u64,
    pub(super) name: String,
    pub(super) rule: ValidationError,
}

impl From<Fault> for PydanticError {
    fn from(Fault { line, name, rule }: Fault) -> Self {
        Self::breaks(&["body"], rule).at_line(|_| (line, name.clone()))
    }
}

/// A task as a file says it.
#[derive(Debug, Default)]
pub(super) struct FileTask {
    /// Where it is, from 1.
    pub(super) line: u64,
    /// Its id, if the file has one.
    pub(super) id: Option<TaskId>,
    /// What says all of it, from which the id is derived that the file does not have.
    pub(super) text: String,
    /// The body with which a client would make it.
    pub(super) body: Map<String, Value>,
    /// The name of its list.
    pub(super) list: Option<String>,
    /// Its parent.
    pub(super) parent: Option<TaskId>,
    /// The time zone in which the instant was chosen at which it is due.
    pub(super) due_time_zone: Option<String>,
    /// When it was completed.
    pub(super) completed_at: Option<DateTime<Utc>>,
    /// When it was made.
    pub(super) created_at: Option<DateTime<Utc>>,
    /// When it last changed.
    pub(super) updated_at: Option<DateTime<Utc>>,
}

/// The tasks of a file, and the problems of those that cannot be read.
#[derive(Debug)]
pub(super) struct FileTasks<'a> {
    owner: &'a UserId,
    lists: BTreeMap<ListId, ListImport>,
    labels: BTreeMap<LabelId, LabelImport>,
    tasks: Vec<TaskImport>,
    lines: Vec<u64>,
    /// How often a task without an id was there before.
    times: HashMap<TaskId, u32>,
    problems: Vec<PydanticError>,
}

impl<'a> FileTasks<'a> {
    pub(super) fn of(owner: &'a UserId) -> Self {
        Self {
            owner,
            lists: BTreeMap::new(),
            labels: BTreeMap::new(),
            tasks: Vec::new(),
            lines: Vec::new(),
            times: HashMap::new(),
            problems: Vec::new(),
        }
    }

    /// Whether there is no room for more problems, so that nothing more has to be read.
    pub(super) fn is_full(&self) -> bool {
        self.problems.len() >= MAX_PROBLEMS || self.tasks.len() > MAX_IMPORT
    }

    /// Adds a problem, if there is room.
    pub(super) fn refuse(&mut self, problem: impl Into<PydanticError>) {
        if self.problems.len() < MAX_PROBLEMS {
            self.problems.push(problem.into());
        }
    }

    /// Adds a task, or what is wrong with it and with the values of which `problems` are; `place` says in which line a field
    /// of the body is, and what it is called there.
    pub(super) fn add(
        &mut self,
        task: FileTask,
        mut problems: Vec<PydanticError>,
        place: impl Fn(&str) -> (u64, String),
    ) {
        let mut draft = read_fields(&task.body, &mut problems);
        let breaks = |name, rule| PydanticError::breaks(&["body", name], rule);
        let list = task.list.as_deref().map(ListName::parse).transpose();
        let list = list.map_err(|rule| problems.push(breaks("list", rule))).ok().flatten();
        if let Some(draft) = &mut draft {
            draft.due = due(draft.due, task.due_time_zone.as_deref())
                .map_err(|rule| problems.push(breaks("due_time_zone", rule)))
                .unwrap_or_default();
            if task.completed_at.is_some() && !draft.completed {
                let rule = ValidationError::Rule("must not be given for an open task");
                problems.push(breaks("completed_at", rule));
            }
        }
        let mut time = |time: Option<DateTime<Utc>>, name| {
            let instant = time.map(Instant::new).transpose();
            instant.map_err(|rule| problems.push(breaks(name, rule))).ok().flatten().map(Micros::from)
        };
        let created_at = time(task.created_at, "created_at").unwrap_or_else(Micros::now);
        let completed_at = time(task.completed_at, "completed_at");
        let updated_at = time(task.updated_at, "updated_at");
        let (Some(draft), true) = (draft, problems.is_empty()) else {
            problems.into_iter().for_each(|it| self.refuse(it.at_line(&place)));
            return;
        };
        let id = task.id.unwrap_or_else(|| self.derived_id(&task.text));
        let completed_at = draft.completed.then(|| completed_at.unwrap_or_else(Micros::now));
        let list = list.filter(|_| task.parent.is_none()).map(|name| self.list(name));
        let (labels, label_ids) = labels_named(self.owner, draft.labels.clone());
        self.labels.extend(labels.into_iter().map(|it| (it.id, it)));
        let draft = NewTask { id: Some(id), list, parent: task.parent, labels: Default::default(), ..draft };
        let place = self.tasks.len();
        let labels = label_ids;
        self.tasks.push(TaskImport { place, id, draft, labels, created_at, completed_at, number: None, updated_at });
        self.lines.push(task.line);
    }

    /// What the file brings, or what is wrong with it.
    pub(super) fn finish(mut self, ignored: Option<usize>) -> Result<ReadFile, Vec<PydanticError>> {
        if self.tasks.len() > MAX_IMPORT {
            self.problems.truncate(MAX_PROBLEMS - 1);
            self.problems.push(PydanticError::breaks(&["body", "tasks"], ValidationError::TooMany(MAX_IMPORT)));
        }
        if !self.problems.is_empty() {
            return Err(self.problems);
        }
        let (lists, labels) = (self.lists.into_values().collect(), self.labels.into_values().collect());
        let import = Import { lists, are_lists_named: true, labels, tasks: self.tasks };
        Ok(ReadFile { import, lines: Lines(self.lines), ignored })
    }

    /// Gives subtasks of subtasks the task at the top as their parent: there is one level of them.
    pub(super) fn flatten(&mut self) {
        let parents: HashMap<TaskId, TaskId> =
            self.tasks.iter().filter_map(|it| Some((it.id, it.draft.parent?))).collect();
        for task in &mut self.tasks {
            let mut left = parents.len();
            while let Some(above) = task.draft.parent.and_then(|it| parents.get(&it)).filter(|_| left > 0) {
                task.draft.parent = Some(*above);
                left -= 1;
            }
        }
    }

    /// The id of the list of that name, which the file brings if it is not there.
    fn list(&mut self, name: ListName) -> ListId {
        let id = list_id(self.owner, &name_key(name.as_str()));
        let draft = NewList { id: Some(id), name, color: None };
        self.lists.entry(id).or_insert(ListImport { id, draft, is_archived: false });
        id
    }

    /// An id that is the same for the same text: of one that is there several times, for the first, the second and so on.
    fn derived_id(&mut self, text: &str) -> TaskId {
        let first = task_id(&format!("of a file {text}"));
        let times = self.times.entry(first).or_default();
        *times += 1;
        if *times == 1 { first } else { task_id(&format!("of a file {times} {text}")) }
    }
}

/// What is due at an instant, in the time zone in which that was chosen.
fn due(due: Option<Due>, time_zone: Option<&str>) -> Result<Option<Due>, ValidationError> {
    match (due, time_zone) {
        (due, None) => Ok(due),
        (Some(Due::ShownInstant(at)), Some(name)) => TimeZone::parse(name).map(|zone| Some(Due::At(at, zone))),
        _ => Err(ValidationError::Rule("must be given together with the instant at which it is due")),
    }
}
