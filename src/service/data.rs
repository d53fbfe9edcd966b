//! All of one user's data: taken away, brought back, erased.

use std::collections::{HashMap, HashSet, hash_map::Entry};

use entity::{
    answer,
    id::{LabelId, TaskId, UserId},
    label, list, owner, task,
    time::Micros,
};
use sea_orm::{
    ActiveValue::{NotSet, Set},
    ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
    sea_query::{Expr, ExprTrait},
};

use super::{
    labels::{self, LabelDraft, Labels},
    lists::{ListDraft, Lists},
    scope::{Outcome, Scope, Write},
    tasks::{Draft, Tasks, numbered},
};
use crate::{
    db::Db,
    error::{Error, Fault},
};

/// How many rows one statement reads or writes.
const AT_ONCE: usize = 500;
/// How many tasks are removed at a time: some hundredths of a second on SQLite, where others wait for it.
const PIECE: u64 = 1000;
/// How many tasks one import brings at most.
pub const MAX_IMPORT: usize = 50_000;

/// All of one user's data.
#[derive(Clone, Copy, Debug)]
pub struct Data<'a> {
    scope: Scope<'a>,
}

/// A task with the labels that it has.
#[derive(Clone, Debug)]
pub struct Labelled {
    /// The task.
    pub task: task::Model,
    /// Its labels, in their order.
    pub labels: Vec<LabelId>,
}

/// What is brought: every id is known, so that what came before does not come twice.
#[derive(Clone, Debug, Default)]
pub struct Import {
    /// Lists, and whether they are archived.
    pub lists: Vec<(ListDraft, bool)>,
    /// Labels.
    pub labels: Vec<LabelDraft>,
    /// Tasks.
    pub tasks: Vec<TaskImport>,
}

/// A task that is brought.
#[derive(Clone, Debug)]
pub struct TaskImport {
    /// What it is.
    pub draft: Draft,
    /// When it was made.
    pub created_at: Micros,
    /// When it was completed.
    pub completed_at: Option<Micros>,
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

/// A task and the number that it takes.
type Numbered = (i64, TaskImport);

impl<'a> Data<'a> {
    pub(super) fn new(scope: Scope<'a>) -> Self {
        Self { scope }
    }

    /// All lists.
    pub async fn lists(self) -> Result<Vec<list::Model>, Error> {
        Lists::new(self.scope).all(None).await
    }

    /// All labels.
    pub async fn labels(self) -> Result<Vec<label::Model>, Error> {
        Labels::new(self.scope).all().await
    }

    /// Some hundreds of tasks behind that place and number, in manual order.
    pub async fn tasks_behind(self, behind: Option<(String, i64)>) -> Result<Vec<Labelled>, Error> {
        let here = || Expr::tuple([Expr::col(task::Column::Position), Expr::col(task::Column::Number)]);
        let rows = task::Entity::find()
            .filter(task::Column::UserId.eq(self.scope.owner.clone()))
            .filter(task::Column::DeletedAt.is_null())
            .apply_if(behind, |tasks, (position, number)| {
                tasks.filter(here().gt(Expr::tuple([Expr::value(position), Expr::value(number)])))
            })
            .order_by_asc(task::Column::Position)
            .order_by_asc(task::Column::Number)
            .limit(AT_ONCE as u64)
            .all(self.scope.db.reader())
            .await?;
        let ids: Vec<TaskId> = rows.iter().map(|row| row.id).collect();
        let mut labels = Labels::new(self.scope).of_tasks(&ids).await?;
        let labelled = |task: task::Model| {
            let labels = labels.remove(&task.id).unwrap_or_default();
            Labelled { task, labels: labels.into_iter().map(|label| label.id).collect() }
        };
        Ok(rows.into_iter().map(labelled).collect())
    }

    /// Brings data, all or nothing. What is there stays as it is, and what was deleted since comes back as the file has
    /// it. A dry run tells what would happen.
    pub async fn import(self, import: Import, is_dry: bool) -> Result<Imported, Error> {
        if import.tasks.len() > MAX_IMPORT {
            return Err(Error::invalid("tasks", Fault::TooMany(MAX_IMPORT)));
        }
        self.scope
            .write_if_needed(async |mut write| {
                let mut done = Imported::default();
                self.bring_lists(&mut write, import.lists, &mut done).await?;
                let labels = self.bring_labels(&mut write, import.labels, &mut done).await?;
                self.bring_tasks(&mut write, (import.tasks, labels), &mut done).await?;
                Ok(if is_dry { Outcome::Unchanged(done) } else { Outcome::Changed(done) })
            })
            .await
    }

    async fn bring_lists(
        self,
        write: &mut Write<'_>,
        drafts: Vec<(ListDraft, bool)>,
        done: &mut Imported,
    ) -> Result<(), Error> {
        for (draft, is_archived) in drafts {
            match Lists::new(self.scope).insert(write, draft, is_archived).await? {
                true => done.lists += 1,
                false => done.skipped += 1,
            }
        }
        Ok(())
    }

    /// Which labels here the labels of the import are: one with the same name takes the place of a new one.
    async fn bring_labels(
        self,
        write: &mut Write<'_>,
        drafts: Vec<LabelDraft>,
        done: &mut Imported,
    ) -> Result<HashMap<LabelId, LabelId>, Error> {
        let mut places = HashMap::new();
        for draft in drafts {
            let id = draft.id;
            let (label, is_new) = labels::find_or_insert(write, draft).await?;
            if is_new {
                done.labels += 1;
            } else {
                done.skipped += 1;
            }
            places.extend(id.map(|id| (id, label)));
        }
        Ok(places)
    }

    async fn bring_tasks(
        self,
        write: &mut Write<'_>,
        (tasks, labels): (Vec<TaskImport>, HashMap<LabelId, LabelId>),
        done: &mut Imported,
    ) -> Result<(), Error> {
        let base = write.numbers(i64::try_from(tasks.len()).map_err(Error::internal)?).await?;
        let tasks: Vec<Numbered> = (base + 1..).zip(tasks).collect();
        self.make_room(write, &tasks).await?;
        let mut known = self.known(write, &tasks).await?;
        let is_new = |(_, it): &Numbered| it.draft.id.is_some_and(|id| known.insert(id));
        let (new, old): (Vec<_>, Vec<_>) = tasks.into_iter().partition(is_new);
        done.skipped += old.len();
        done.tasks += new.len();
        // The order of the file is the manual order, but parents come first: a part takes its list from them.
        let (parts, wholes): (Vec<_>, Vec<_>) = new.into_iter().partition(|(_, it)| it.draft.parent.is_some());
        for some in wholes.chunks(AT_ONCE).chain(parts.chunks(AT_ONCE)) {
            self.insert(write, some, &labels).await?;
        }
        Tasks::new(self.scope).check_parts(write, parts.iter().filter_map(|(_, it)| it.draft.parent)).await
    }

    /// Removes what is left of those that were deleted.
    async fn make_room(self, write: &Write<'_>, tasks: &[Numbered]) -> Result<(), Error> {
        for some in tasks.chunks(AT_ONCE) {
            let deleted = self.these(some).add(task::Column::DeletedAt.is_not_null());
            task::Entity::delete_many().filter(deleted).exec(write.connection()).await?;
        }
        Ok(())
    }

    /// Which of them are there. To be asked before any is written: PostgreSQL does not know of rows that it was given in
    /// the same transaction, and would look at all of them each time.
    async fn known(self, write: &Write<'_>, tasks: &[Numbered]) -> Result<HashSet<TaskId>, Error> {
        let mut known = HashSet::new();
        for some in tasks.chunks(AT_ONCE) {
            let ids = task::Entity::find().select_only().column(task::Column::Id).filter(self.these(some));
            known.extend(ids.into_tuple::<TaskId>().all(write.connection()).await?);
        }
        Ok(known)
    }

    /// The owner's tasks with these ids.
    fn these(self, tasks: &[Numbered]) -> Condition {
        Condition::all()
            .add(task::Column::UserId.eq(self.scope.owner.clone()))
            .add(task::Column::Id.is_in(tasks.iter().filter_map(|(_, it)| it.draft.id)))
    }

    async fn insert(
        self,
        write: &mut Write<'_>,
        new: &[Numbered],
        labels: &HashMap<LabelId, LabelId>,
    ) -> Result<(), Error> {
        let tasks = Tasks::new(self.scope);
        let (mut rows, mut marks) = (Vec::new(), Vec::new());
        // Many are in the same place.
        let mut places = HashMap::new();
        for (number, it) in new {
            let TaskImport { draft, created_at, completed_at } = it.clone();
            let list = match places.entry((draft.parent, draft.list)) {
                Entry::Occupied(known) => *known.get(),
                Entry::Vacant(place) => *place.insert(tasks.list_of_new(write, draft.parent, draft.list).await?),
            };
            let ids = match &draft.labels {
                labels::Marks::Ids(ids) => ids.iter().map(|id| *labels.get(id).unwrap_or(id)).collect(),
                labels::Marks::Names(_) => Vec::new(),
            };
            marks.extend(draft.id.map(|id| (id, ids)));
            let mut row = numbered(tasks.row(Draft { list, ..draft }), *number);
            row.number = NotSet;
            row.created_at = Set(created_at);
            row.completed_at = Set(completed_at);
            rows.push(row);
        }
        task::Entity::insert_many(rows).exec_without_returning(write.connection()).await?;
        let all: Vec<LabelId> = marks.iter().flat_map(|(_, ids): &(TaskId, Vec<LabelId>)| ids.clone()).collect();
        labels::check(write, &all).await?;
        labels::mark_each(write, &marks).await
    }
}

/// As many of the user's tasks as are removed at a time, of those for which that holds. Both statements name the user:
/// a task's number says nothing about whose it is.
pub(super) fn piece(user: &UserId, of: Condition) -> Condition {
    let mine = || task::Column::UserId.eq(user.clone());
    let some = task::Entity::find().select_only().column(task::Column::Number).filter(mine()).filter(of).limit(PIECE);
    Condition::all().add(mine()).add(task::Column::Number.in_subquery(some.into_query()))
}

/// Removes everything that belongs to a user. Nobody is told: there is nobody left to be told. Tasks go in pieces,
/// between which others write.
pub(super) async fn erase(db: &Db, user: &UserId) -> Result<(), Error> {
    let mine = || task::Column::UserId.eq(user.clone());
    loop {
        let gone = task::Entity::delete_many().filter(piece(user, Condition::all())).exec(db.writer()).await?;
        if gone.rows_affected < PIECE {
            break;
        }
    }
    let rest = db.transaction(async |transaction| {
        let connection = transaction.connection();
        // The counter goes first, for which all writes wait: what is written later has another one, by which it is found.
        owner::Entity::delete_many().filter(owner::Column::UserId.eq(user.clone())).exec(connection).await?;
        task::Entity::delete_many().filter(mine()).exec(connection).await?;
        list::Entity::delete_many().filter(list::Column::UserId.eq(user.clone())).exec(connection).await?;
        label::Entity::delete_many().filter(label::Column::UserId.eq(user.clone())).exec(connection).await?;
        answer::Entity::delete_many().filter(answer::Column::UserId.eq(user.clone())).exec(connection).await?;
        Ok(())
    });
    rest.await
}
