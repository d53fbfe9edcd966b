//! Pushing what an offline client has changed: many rows of all kinds in one call. Conflicts are results, not errors.
//!
//! All rows are one transaction, and each is a savepoint in it: a row that fails undoes itself alone. What a row expects
//! is compared with the revision before the call, so that what one row does to another of the same call (a parent that is
//! completed completes its subtasks) is no conflict. A row that is as it was pushed already is applied, so that a call
//! can be repeated.

mod apply;
mod names;

use std::collections::{HashMap, HashSet};

use entity::{
    id::{LabelId, ListId, TaskId},
    label, list, task,
};

use self::names::{LabelRow, wanted_name};
use super::{
    changes::Changed,
    labels::{Labels, NewLabel},
    lists::NewList,
    revisioned::Revisioned,
    scope::Scope,
    tasks::{NewTask, Totals},
    values::LabelName,
};
use crate::error::{Error, ValidationError};

/// How many rows one call has at most.
pub const MAX_PUSHED: usize = 500;
/// What is wrong with rows of which two have one id.
const REPEATED: ValidationError = ValidationError::Rule("must not be given twice");

/// Pushing changes to one user's data.
#[derive(Clone, Copy, Debug)]
pub struct Push<'a> {
    scope: Scope<'a>,
}

/// A row as a client has it.
#[derive(Clone, Debug)]
pub enum PushedChange {
    /// A task.
    Task(Pushed<TaskId, NewTask>),
    /// A list.
    List(Pushed<ListId, ListState>),
    /// A label.
    Label(Pushed<LabelId, NewLabel>),
}

/// A row as a client has it.
#[derive(Clone, Debug)]
pub struct Pushed<I, S> {
    /// Its id.
    pub id: I,
    /// The revision that the client saw last; none if it knows of none.
    pub expected: Option<i64>,
    /// All of its state, which has the same id, or nothing if it is to be deleted.
    pub state: Option<S>,
}

/// A row that cannot be read.
#[derive(Debug)]
pub struct UnreadableRow {
    /// Its id, if that can be read.
    pub id: Option<RowId>,
    /// What is wrong with it.
    pub cause: Error,
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
    /// The label that has the name which the row wants, if that is what is wrong with it.
    pub name_taken_by: Option<LabelId>,
}

/// A row and its place in the call.
#[derive(Debug)]
struct RowChange {
    place: usize,
    change: PushedChange,
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
            Self::List(Pushed { state: None, .. }) => 0,
            Self::List(_) => 1,
            Self::Label(Pushed { state: None, .. }) => 2,
            Self::Label(_) => 3,
            Self::Task(Pushed { state: None, .. }) => 4,
            Self::Task(Pushed { state: Some(NewTask { parent: Some(_), .. }), .. }) => 6,
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
    pub async fn push(self, changes: Vec<Result<PushedChange, UnreadableRow>>) -> Result<Vec<PushOutcome>, Error> {
        if changes.len() > MAX_PUSHED {
            return Err(Error::invalid("changes", ValidationError::TooMany(MAX_PUSHED)));
        }
        let ids: Vec<_> = changes.iter().map(row_id).collect();
        let known: Vec<RowId> = ids.iter().flatten().copied().collect();
        let (mut rows, refused) = sort_out(changes, &repeated(&known));
        rows.sort_by_key(|row| row.change.rank());
        let names: HashMap<usize, &LabelName> =
            rows.iter().filter_map(|row| Some((row.place, wanted_name(&row.change)?))).collect();
        let pushed = self.scope.batch(async |db| {
            let totals = Totals::default();
            let scope = Scope { db: &db, totals: &totals, ..self.scope };
            let before = stored(scope, &known).await?;
            let mut outcomes = HashMap::new();
            for group in names::groups(&rows, &before) {
                apply_group(scope, &group, &before, &mut outcomes).await?;
            }
            let after = stored(scope, &known).await?;
            let is_taken = |place: &usize| matches!(outcomes.get(place), Some(Err(Error::NameTaken)));
            let taken = names.iter().filter(|(place, _)| is_taken(place));
            let holders = holders(scope, taken.map(|(_, name)| *name).collect()).await?;
            let outcome = |(place, id): (usize, &Option<RowId>)| {
                let is_applied = outcomes.remove(&place).unwrap_or(Ok(false));
                let name = names.get(&place).filter(|_| matches!(is_applied, Err(Error::NameTaken)));
                let name_taken_by = name.and_then(|it| holders.get(&it.folded()).copied());
                PushOutcome { is_applied, current: id.and_then(|id| after.get(&id).cloned()), name_taken_by }
            };
            Ok(ids.iter().enumerate().map(outcome).collect::<Vec<_>>())
        });
        let mut outcomes = pushed.await?;
        for (place, cause) in refused {
            outcomes[place].is_applied = Err(cause);
        }
        Ok(outcomes)
    }
}

/// What became of rows, by their places.
type Outcomes = HashMap<usize, Result<bool, Error>>;

/// Applies the rows of a group together, or each for itself when that fails.
async fn apply_group(
    scope: Scope<'_>,
    group: &[&RowChange],
    before: &HashMap<RowId, Changed>,
    outcomes: &mut Outcomes,
) -> Result<(), Error> {
    if group.len() > 1 && exchange_names(scope, group, before).await? {
        outcomes.extend(group.iter().map(|row| (row.place, Ok(true))));
        return Ok(());
    }
    for RowChange { place, change } in group {
        let base = before.get(&change.id()).map(Changed::revision);
        match apply::row(scope, change.clone(), base).await {
            Err(error) if !is_of_row(&error) => return Err(error),
            outcome => outcomes.insert(*place, outcome),
        };
    }
    Ok(())
}

/// Gives labels the names of each other, all of them or none; whether that was done.
async fn exchange_names(
    scope: Scope<'_>,
    group: &[&RowChange],
    before: &HashMap<RowId, Changed>,
) -> Result<bool, Error> {
    let labels = names::labels(group);
    let ids: Vec<LabelId> = labels.iter().map(|it| it.id).collect();
    let exchanged = scope.batch(async |db| {
        let scope = Scope { db: &db, ..scope };
        Labels::new(scope).free_names(&ids).await?;
        for LabelRow { id, expected, state } in labels.iter().cloned() {
            let base = before.get(&RowId::Label(id)).map(Changed::revision);
            if !apply::label(scope, Pushed { id, expected, state: Some(state) }, base).await? {
                return Err(Error::NameTaken);
            }
        }
        Ok(())
    });
    match exchanged.await {
        Ok(()) => Ok(true),
        Err(error) if is_of_row(&error) => Ok(false),
        Err(error) => Err(error),
    }
}

/// The labels that have these names, by the keys of the names.
async fn holders(scope: Scope<'_>, names: Vec<&LabelName>) -> Result<HashMap<String, LabelId>, Error> {
    let keys: Vec<String> = names.into_iter().map(LabelName::folded).collect();
    let labels = if keys.is_empty() { Vec::new() } else { Labels::new(scope).named(&keys).await? };
    Ok(labels.into_iter().map(|label| (label.name_key, label.id)).collect())
}

/// The rows to apply, and what is wrong with the others, by their places. Of two rows of one object neither is applied:
/// nobody knows which is meant.
fn sort_out(
    changes: Vec<Result<PushedChange, UnreadableRow>>,
    repeated: &HashSet<RowId>,
) -> (Vec<RowChange>, Vec<(usize, Error)>) {
    let (mut rows, mut refused) = (Vec::new(), Vec::new());
    for (place, change) in changes.into_iter().enumerate() {
        let is_repeated = row_id(&change).is_some_and(|id| repeated.contains(&id));
        match change {
            _ if is_repeated => refused.push((place, Error::invalid("id", REPEATED))),
            Ok(change) => rows.push(RowChange { place, change }),
            Err(row) => refused.push((place, row.cause)),
        }
    }
    (rows, refused)
}

/// The id of a row, if it has one.
fn row_id(change: &Result<PushedChange, UnreadableRow>) -> Option<RowId> {
    match change {
        Ok(change) => Some(change.id()),
        Err(row) => row.id,
    }
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
