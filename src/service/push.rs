//! Pushing what an offline client has changed: many rows of all kinds in one call. Conflicts are results, not errors.
//!
//! All rows are one transaction, and each is a savepoint in it: a row that fails undoes itself alone. What a row expects
//! is compared with the revision before the call, so that what one row does to another of the same call (a parent that is
//! completed completes its subtasks) is no conflict. A row that is as it was pushed already is applied, so that a call
//! can be repeated.

use std::collections::{HashMap, HashSet};

use entity::{
    id::{LabelId, ListId, TaskId},
    label, list, task,
};

use super::{
    changes::Changed,
    labels::{LabelPatch, Labels, NewLabel},
    lists::{ListPatch, Lists, NewList},
    revisioned::Revisioned,
    scope::Scope,
    tasks::{NewTask, TaskPatch, TaskRef, Tasks, Totals},
};
use crate::error::{Error, ValidationError};

/// How many rows one call has at most.
pub const MAX_PUSHED: usize = 500;

/// Pushing changes to one user's data.
#[derive(Clone, Copy, Debug)]
pub struct Push<'a> {
    scope: Scope<'a>,
}

/// A row as a client has it.
#[derive(Debug)]
pub enum PushedChange {
    /// A task.
    Task(Pushed<TaskId, NewTask>),
    /// A list.
    List(Pushed<ListId, ListState>),
    /// A label.
    Label(Pushed<LabelId, NewLabel>),
}

/// A row as a client has it.
#[derive(Debug)]
pub struct Pushed<I, S> {
    /// Its id.
    pub id: I,
    /// The revision that the client saw last; none if it knows of none.
    pub expected: Option<i64>,
    /// All of its state, which has the same id, or nothing if it is to be deleted; or what is wrong with it.
    pub state: Result<Option<S>, Error>,
}

/// All of the state of a list.
#[derive(Clone, Debug)]
pub struct ListState {
    /// Its id, name and color.
    pub list: NewList,
    /// Whether it is archived.
    pub is_archived: bool,
}

/// What a row is called by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RowId {
    /// A task.
    Task(TaskId),
    /// A list.
    List(ListId),
    /// A label.
    Label(LabelId),
}

/// What became of a row.
#[derive(Debug)]
pub struct PushOutcome {
    /// Whether it is now as it was pushed: false for a conflict; an error if it breaks rules.
    pub is_applied: Result<bool, Error>,
    /// What is stored now, deleted or not.
    pub current: Option<Changed>,
}

/// What is stored of a row that is pushed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stored {
    Absent,
    Deleted,
    Same,
    Other,
}

/// What is to be done about a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Nothing,
    Create,
    Change,
    Revive,
    Delete,
    Conflict,
}

impl Stored {
    fn of<E: Revisioned>(row: Option<&E::Model>, is_same: impl Fn(&E::Model) -> bool) -> Self {
        match row {
            None => Self::Absent,
            Some(row) if E::is_deleted(row) => Self::Deleted,
            Some(row) if is_same(row) => Self::Same,
            Some(_) => Self::Other,
        }
    }

    fn step(self, is_wanted: bool, is_expected: bool) -> Step {
        match (self, is_wanted) {
            (Self::Absent | Self::Deleted, false) | (Self::Same, true) => Step::Nothing,
            _ if !is_expected => Step::Conflict,
            (Self::Absent, true) => Step::Create,
            (Self::Deleted, true) => Step::Revive,
            (Self::Other, true) => Step::Change,
            (Self::Same | Self::Other, false) => Step::Delete,
        }
    }
}

impl PushedChange {
    /// What it is called by.
    pub fn id(&self) -> RowId {
        match self {
            Self::Task(task) => RowId::Task(task.id),
            Self::List(list) => RowId::List(list.id),
            Self::Label(label) => RowId::Label(label.id),
        }
    }

    /// Which rows come first: what others refer to, and what is deleted before what may take its name.
    fn rank(&self) -> u8 {
        match self {
            Self::List(Pushed { state: Ok(None), .. }) => 0,
            Self::List(_) => 1,
            Self::Label(Pushed { state: Ok(None), .. }) => 2,
            Self::Label(_) => 3,
            Self::Task(Pushed { state: Ok(None), .. }) => 4,
            Self::Task(Pushed { state: Ok(Some(NewTask { parent: Some(_), .. })), .. }) => 6,
            Self::Task(_) => 5,
        }
    }
}

impl<'a> Push<'a> {
    /// How many characters a description has at most here.
    pub fn max_description(self) -> usize {
        self.scope.max_description
    }

    pub(super) fn new(scope: Scope<'a>) -> Self {
        Self { scope }
    }

    /// Applies the rows, each for itself; what became of them, in their order. A row without an id is only its error.
    pub async fn push(self, changes: Vec<Result<PushedChange, Error>>) -> Result<Vec<PushOutcome>, Error> {
        if changes.len() > MAX_PUSHED {
            return Err(Error::invalid("changes", ValidationError::TooMany(MAX_PUSHED)));
        }
        let ids: Vec<_> = changes.iter().map(|change| change.as_ref().ok().map(PushedChange::id)).collect();
        let known: Vec<RowId> = ids.iter().flatten().copied().collect();
        let changes = refuse_repeated(changes, &repeated(&known));
        self.scope
            .batch(async |db| {
                let totals = Totals::default();
                let scope = Scope { db: &db, totals: &totals, ..self.scope };
                let before = stored(scope, &known).await?;
                let mut rows: Vec<_> = changes.into_iter().enumerate().collect();
                rows.sort_by_key(|(_, change)| change.as_ref().map_or(0, PushedChange::rank));
                let mut outcomes = HashMap::new();
                for (index, change) in rows {
                    let is_applied = match change {
                        Ok(change) => {
                            let base = before.get(&change.id()).map(Changed::revision);
                            apply(scope, change, base).await
                        }
                        Err(error) => Err(error),
                    };
                    match is_applied {
                        Err(error) if !is_of_row(&error) => return Err(error),
                        outcome => outcomes.insert(index, outcome),
                    };
                }
                let after = stored(scope, &known).await?;
                let outcome = |(index, id): (usize, Option<RowId>)| {
                    let is_applied = outcomes.remove(&index).unwrap_or(Ok(false));
                    PushOutcome { is_applied, current: id.and_then(|id| after.get(&id).cloned()) }
                };
                Ok(ids.into_iter().enumerate().map(outcome).collect())
            })
            .await
    }
}

/// Of two rows of one object neither is applied: nobody knows which is meant.
fn refuse_repeated(
    changes: Vec<Result<PushedChange, Error>>,
    repeated: &HashSet<RowId>,
) -> Vec<Result<PushedChange, Error>> {
    let refuse = |change: PushedChange| match repeated.contains(&change.id()) {
        true => Err(Error::invalid("id", ValidationError::Rule("must not be given twice"))),
        false => Ok(change),
    };
    changes.into_iter().map(|change| change.and_then(refuse)).collect()
}

/// The ids that are there more than once.
fn repeated(ids: &[RowId]) -> HashSet<RowId> {
    let mut seen = HashSet::new();
    ids.iter().filter(|id| !seen.insert(**id)).copied().collect()
}

/// Whether an error is about one row.
fn is_of_row(error: &Error) -> bool {
    matches!(error, Error::Invalid(_) | Error::NotFound(_) | Error::NameTaken)
}

/// What is stored of these, deleted or not.
async fn stored(scope: Scope<'_>, ids: &[RowId]) -> Result<HashMap<RowId, Changed>, Error> {
    let (mut tasks, mut lists, mut labels) = (Vec::new(), Vec::new(), Vec::new());
    for id in ids {
        match id {
            RowId::Task(id) => tasks.push(*id),
            RowId::List(id) => lists.push(*id),
            RowId::Label(id) => labels.push(*id),
        }
    }
    let tasks = scope.find_with_deleted::<task::Entity>(&tasks).await?;
    let lists = scope.find_with_deleted::<list::Entity>(&lists).await?;
    let labels = scope.find_with_deleted::<label::Entity>(&labels).await?;
    let tasks = tasks.into_iter().map(|row| (RowId::Task(row.id), Changed::Task(row)));
    let lists = lists.into_iter().map(|row| (RowId::List(row.id), Changed::List(row)));
    let labels = labels.into_iter().map(|row| (RowId::Label(row.id), Changed::Label(row)));
    Ok(tasks.chain(lists).chain(labels).collect())
}

/// Applies one row, whose revision before the call was that; whether it is now as it was pushed.
async fn apply(scope: Scope<'_>, change: PushedChange, base: Option<i64>) -> Result<bool, Error> {
    match change {
        PushedChange::Task(pushed) => apply_task(scope, pushed, base).await,
        PushedChange::List(pushed) => apply_list(scope, pushed, base).await,
        PushedChange::Label(pushed) => apply_label(scope, pushed, base).await,
    }
}

/// The row as rows before it in the call have left it. None of them has made it.
async fn stored_row<E: Revisioned>(scope: Scope<'_>, id: E::Id, base: Option<i64>) -> Result<Option<E::Model>, Error> {
    match base {
        None => Ok(None),
        Some(_) => Ok(scope.find_with_deleted::<E>(&[id]).await?.pop()),
    }
}

async fn apply_task(
    scope: Scope<'_>,
    Pushed { id, expected, state }: Pushed<TaskId, NewTask>,
    base: Option<i64>,
) -> Result<bool, Error> {
    let (state, tasks) = (state?, Tasks::new(scope));
    let row = stored_row::<task::Entity>(scope, id, base).await?;
    let difference = match (&row, &state) {
        (Some(row), Some(state)) => {
            let labels = Labels::new(scope).of_tasks(&[id]).await?.remove(&id).unwrap_or_default();
            let labels: Vec<LabelId> = labels.into_iter().map(|label| label.id).collect();
            state.difference(row, &labels)
        }
        _ => TaskPatch::default(),
    };
    let is_same = |_: &task::Model| difference == TaskPatch::default();
    let stored = Stored::of::<task::Entity>(row.as_ref(), is_same);
    match (stored.step(state.is_some(), expected == base), state) {
        (Step::Conflict, _) => return Ok(false),
        (Step::Create, Some(state)) => drop(tasks.create(state).await?),
        (Step::Change, _) => drop(tasks.edit(TaskRef::Id(id), difference, None).await?),
        (Step::Revive, Some(state)) => tasks.revive(id, &state, difference).await?,
        (Step::Delete, _) => drop(tasks.delete(TaskRef::Id(id), None).await?),
        (Step::Nothing | Step::Create | Step::Revive, _) => {}
    }
    Ok(true)
}

async fn apply_list(
    scope: Scope<'_>,
    Pushed { id, expected, state }: Pushed<ListId, ListState>,
    base: Option<i64>,
) -> Result<bool, Error> {
    let (state, lists) = (state?, Lists::new(scope));
    let row = stored_row::<list::Entity>(scope, id, base).await?;
    let is_same =
        |row: &list::Model| state.as_ref().is_some_and(|it| it.list.is_same(row) && it.is_archived == row.archived);
    let stored = Stored::of::<list::Entity>(row.as_ref(), is_same);
    let step = stored.step(state.is_some(), expected == base);
    let patch = |ListState { list, is_archived }| ListPatch {
        name: Some(list.name),
        color: Some(list.color),
        archived: Some(is_archived),
    };
    match (step, state) {
        (Step::Conflict, _) => return Ok(false),
        (Step::Create, Some(state)) => lists.create_with(state.list, state.is_archived).await?,
        (Step::Change, Some(state)) => drop(lists.edit(id, patch(state), None).await?),
        (Step::Revive, Some(state)) => lists.revive(id, patch(state)).await?,
        (Step::Delete, _) => drop(lists.delete(id, None).await?),
        _ => {}
    }
    Ok(true)
}

async fn apply_label(
    scope: Scope<'_>,
    Pushed { id, expected, state }: Pushed<LabelId, NewLabel>,
    base: Option<i64>,
) -> Result<bool, Error> {
    let (state, labels) = (state?, Labels::new(scope));
    let row = stored_row::<label::Entity>(scope, id, base).await?;
    let is_same = |row: &label::Model| state.as_ref().is_some_and(|it| it.is_same(row));
    let stored = Stored::of::<label::Entity>(row.as_ref(), is_same);
    let step = stored.step(state.is_some(), expected == base);
    let patch = |NewLabel { id: _, name, color }| LabelPatch { name: Some(name), color: Some(color) };
    match (step, state) {
        (Step::Conflict, _) => return Ok(false),
        (Step::Create, Some(state)) => drop(labels.create(state).await?),
        (Step::Change, Some(state)) => drop(labels.edit(id, patch(state), None).await?),
        (Step::Revive, Some(state)) => labels.revive(id, patch(state)).await?,
        (Step::Delete, _) => drop(labels.delete(id, None).await?),
        _ => {}
    }
    Ok(true)
}
