//! Bringing a user's data. The whole file is checked before anything is written, without a transaction; what it brings is
//! then written some rows at a time, so that no other user's write waits longer than for a few of them. A write that
//! fails takes back those before it. Every id is known, so that repeating an import that was cut off completes it.

mod plan;

use std::collections::{HashMap, HashSet};

use entity::{
    id::{LabelId, ListId, TaskId},
    task,
    time::Micros,
};
use sea_orm::{
    ActiveValue::{NotSet, Set},
    ColumnTrait, Condition, EntityTrait, QueryFilter, QuerySelect,
    sea_query::Expr,
};
use tracing::warn;

use self::plan::ImportPlan;
use super::{
    labels::{self, Labels, MAX_LABELS_PER_USER, NewLabel},
    lists::{Lists, MAX_LISTS_PER_USER, NewList},
    scope::{Scope, Write},
    tasks::{NewTask, Tasks, append_key},
};
use crate::error::Error;

/// How many tasks one import brings at most.
pub const MAX_IMPORT: usize = 50_000;
/// How many lists one import brings at most: as many as a user may have.
pub const MAX_IMPORT_LISTS: usize = MAX_LISTS_PER_USER;
/// How many labels one import brings at most: as many as a user may have.
pub const MAX_IMPORT_LABELS: usize = MAX_LABELS_PER_USER;
/// How many problems of a file are answered at most.
pub const MAX_PROBLEMS: usize = 100;
/// How many ids one statement names.
const IDS_AT_ONCE: usize = 500;
/// How many tasks one transaction writes: some milliseconds on SQLite, where others wait for it.
const TASKS_AT_ONCE: usize = 100;
/// How many lists or labels one transaction writes.
const NAMES_AT_ONCE: usize = 20;

/// What is brought.
#[derive(Clone, Debug, Default)]
pub struct Import {
    /// Lists.
    pub lists: Vec<ListImport>,
    /// Whether the file knows lists by their names alone: then one here with the same name takes the place of each.
    pub are_lists_named: bool,
    /// Labels.
    pub labels: Vec<LabelImport>,
    /// Tasks, in manual order.
    pub tasks: Vec<TaskImport>,
}

impl Import {
    /// How many rows the file has.
    pub fn rows(&self) -> usize {
        self.lists.len() + self.labels.len() + self.tasks.len()
    }
}

/// A list that is brought.
#[derive(Clone, Debug)]
pub struct ListImport {
    /// Its id.
    pub id: ListId,
    /// What it is.
    pub draft: NewList,
    /// Whether it is archived.
    pub is_archived: bool,
}

/// A label that is brought.
#[derive(Clone, Debug)]
pub struct LabelImport {
    /// Its id in the file; a label here with the same name takes its place.
    pub id: LabelId,
    /// What it is.
    pub draft: NewLabel,
}

/// A task that is brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskImport {
    /// Its index in the file.
    pub place: usize,
    /// Its id.
    pub id: TaskId,
    /// What it is.
    pub draft: NewTask,
    /// The ids of its labels in the file.
    pub labels: Vec<LabelId>,
    /// When it was made.
    pub created_at: Micros,
    /// When it was completed.
    pub completed_at: Option<Micros>,
    /// What it is called at REST, if it had a number elsewhere that nobody has here.
    pub number: Option<i64>,
    /// When it last changed, if that is to stay.
    pub updated_at: Option<Micros>,
}

/// What an import did, or would do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// Lists that were made.
    pub lists: usize,
    /// Labels that were made.
    pub labels: usize,
    /// Tasks that were made.
    pub tasks: usize,
    /// What was there already and stays as it is.
    pub skipped: usize,
}

/// What was written until now.
#[derive(Debug, Default)]
struct InsertedIds {
    lists: Vec<ListId>,
    labels: Vec<LabelId>,
    tasks: Vec<TaskId>,
}

/// Brings data into one user's.
#[derive(Clone, Copy, Debug)]
pub(super) struct Importer<'a> {
    scope: Scope<'a>,
}

impl<'a> Importer<'a> {
    pub(super) fn new(scope: Scope<'a>) -> Self {
        Self { scope }
    }

    /// Brings data. What is there stays as it is, and what was deleted since comes back as the file has it. A dry run
    /// tells what would happen, and takes no lock.
    pub(super) async fn import(self, import: Import, is_dry: bool) -> Result<Imported, Error> {
        let plan = self.plan(import).await?;
        let counts = plan.counts;
        if is_dry {
            return Ok(counts);
        }
        let mut written = InsertedIds::default();
        match self.write(plan, &mut written).await {
            Ok(()) => Ok(counts),
            Err(error) => {
                self.take_back(written).await;
                Err(error)
            }
        }
    }

    async fn write(self, plan: ImportPlan, written: &mut InsertedIds) -> Result<(), Error> {
        for some in plan.lists.chunks(NAMES_AT_ONCE) {
            let insert = self.scope.write(async |mut write| {
                for ListImport { draft, is_archived, .. } in some.iter().cloned() {
                    Lists::new(self.scope).insert(&mut write, draft, is_archived).await?;
                }
                Ok(())
            });
            insert.await?;
            written.lists.extend(some.iter().map(|it| it.id));
        }
        for some in plan.labels.chunks(NAMES_AT_ONCE) {
            let insert = self.scope.write(async |mut write| {
                for LabelImport { draft, .. } in some.iter().cloned() {
                    labels::find_or_insert(&mut write, draft).await?;
                }
                Ok(())
            });
            insert.await?;
            written.labels.extend(some.iter().map(|it| it.id));
        }
        // Positions go by the index in the file, in which some tasks may be skipped.
        let span = plan.tasks.iter().map(|it| it.place + 1).max().unwrap_or_default();
        let first = self.first_position(span).await?;
        let (wholes, subtasks) = plan.tasks.split_at(plan.tasks.partition_point(|it| it.draft.parent.is_none()));
        for some in wholes.chunks(TASKS_AT_ONCE).chain(subtasks.chunks(TASKS_AT_ONCE)) {
            self.scope.write(async |mut write| self.insert(&mut write, some, first).await).await?;
            written.tasks.extend(some.iter().map(|it| it.id));
        }
        Ok(())
    }

    /// Reserves places in manual order, behind all others, for as many tasks: the numbers behind this one.
    async fn first_position(self, tasks: usize) -> Result<i64, Error> {
        let count = i64::try_from(tasks).map_err(Error::internal)?;
        self.scope.write(async |mut write| if count == 0 { Ok(0) } else { write.numbers(count).await }).await
    }

    /// Writes some tasks; those that somebody else has made meanwhile stay as they are.
    async fn insert(self, write: &mut Write, some: &[TaskImport], first: i64) -> Result<(), Error> {
        let tasks = Tasks::new(self.scope);
        let these = Condition::all()
            .add(task::Column::OwnerId.eq(self.scope.owner))
            .add(task::Column::Id.is_in(some.iter().map(|it| it.id)));
        let deleted = these.clone().add(task::Column::DeletedAt.is_not_null());
        task::Entity::delete_many().filter(deleted).exec(write.connection()).await?;
        let known = task::Entity::find().select_only().column(task::Column::Id).filter(these);
        let known: HashSet<TaskId> = known.into_tuple().all(write.connection()).await?.into_iter().collect();
        let some: Vec<&TaskImport> = some.iter().filter(|it| !known.contains(&it.id)).collect();
        let base = write.numbers(i64::try_from(some.len()).map_err(Error::internal)?).await?;
        let (mut rows, mut marks, mut lists) = (Vec::new(), Vec::new(), HashMap::new());
        for (revision, it) in (base + 1..).zip(&some) {
            let of = (it.draft.parent, it.draft.list);
            let list = match lists.get(&of) {
                Some(list) => *list,
                None => tasks.list_of_new(write, &it.draft).await?,
            };
            lists.insert(of, list);
            marks.push((it.id, it.labels.clone()));
            let position = first + 1 + i64::try_from(it.place).map_err(Error::internal)?;
            rows.push(task::ActiveModel {
                number: it.number.map_or(NotSet, Set),
                position: Set(append_key(position)),
                revision: Set(revision),
                created_at: Set(it.created_at),
                updated_at: Set(it.updated_at.unwrap_or_else(Micros::now)),
                completed_at: Set(it.completed_at),
                ..NewTask { list, id: Some(it.id), ..it.draft.clone() }.row(write.owner())
            });
        }
        if rows.is_empty() {
            return Ok(());
        }
        task::Entity::insert_many(rows).exec_without_returning(write.connection()).await?;
        tasks.check_subtasks(write, some.iter().filter_map(|it| it.draft.parent)).await?;
        let all: Vec<LabelId> = marks.iter().flat_map(|(_, ids)| ids.clone()).collect();
        labels::check(write, &all).await?;
        labels::mark_each(write, &marks).await
    }

    /// Deletes what was written before a write failed. What cannot be deleted either is there when the import is
    /// repeated, and then skipped.
    async fn take_back(self, written: InsertedIds) {
        let InsertedIds { lists, labels, tasks } = written;
        let taken_back = async {
            for some in tasks.chunks(IDS_AT_ONCE) {
                let gone = || vec![(task::Column::DeletedAt, Expr::value(Some(Micros::now())))];
                let these = task::Column::Id.is_in(some.iter().copied());
                let delete = self.scope.write(async |mut write| {
                    Tasks::new(self.scope).change_all(&mut write, these.clone(), gone()).await.map(drop)
                });
                delete.await?;
            }
            for list in lists {
                Lists::new(self.scope).delete(list, None).await?;
            }
            for label in labels {
                Labels::new(self.scope).delete(label, None).await?;
            }
            Ok::<_, Error>(())
        };
        if let Err(cause) = taken_back.await {
            warn!(cause = cause.causes(), "an import failed and could not be taken back");
        }
    }
}
