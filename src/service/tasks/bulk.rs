//! Many tasks at once: all or nothing, one statement for each kind of change.

use std::collections::{HashMap, HashSet};

use entity::{
    id::{LabelId, ListId, TaskId},
    list, task,
    time::Micros,
};
use sea_orm::{
    ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, ExprTrait, SimpleExpr},
};

use super::{Filter, NewTask, Tasks, change::completion, numbered};
use crate::{
    error::{Error, Thing, ValidationError},
    service::{
        labels,
        scope::{Outcome, Write},
        values::new_id,
    },
};

/// How many tasks one call changes at most.
pub const MAX_BULK: usize = 500;

/// Which tasks.
#[derive(Clone, Debug)]
pub enum Selection {
    /// These; each must be there.
    Ids(Vec<TaskId>),
    /// Those that meet the filter, which has a condition.
    Filter(Filter),
}

impl Selection {
    /// Those that meet the filter. All tasks at once are not selected by leaving conditions out.
    pub fn meeting(filter: Filter) -> Result<Self, Error> {
        match filter.is_met_by_all() {
            true => Err(Error::invalid("filter", ValidationError::Rule("must have a condition"))),
            false => Ok(Self::Filter(filter)),
        }
    }
}

impl Tasks<'_> {
    /// Makes all of the tasks, in their order. A repeated request makes nothing: the tasks of the first are answered.
    pub async fn create_all(self, drafts: Vec<NewTask>) -> Result<Vec<task::Model>, Error> {
        check_count("tasks", drafts.len())?;
        check_ids(&drafts)?;
        self.scope
            .write_if_needed(async |mut write| {
                let known = self.known(&write, &drafts).await?;
                let (mut rows, mut marks, mut ids) = (Vec::new(), Vec::new(), Vec::new());
                let mut seen = HashSet::new();
                for (index, draft) in drafts.iter().enumerate() {
                    let id = draft.id.unwrap_or_else(|| TaskId(new_id()));
                    ids.push(id);
                    if let Some(known) = known.get(&id) {
                        self.check_same(&write, draft, known).await.map_err(|error| error.at(index))?;
                        continue;
                    }
                    if !seen.insert(id) {
                        continue;
                    }
                    let list = self.list_of_new(&write, draft).await;
                    let list = list.map_err(|error| error.at(index))?;
                    let labels = labels::resolve(&mut write, &draft.labels).await;
                    marks.push((id, labels.map_err(|error| error.at(index))?));
                    rows.push(NewTask { id: Some(id), list, ..draft.clone() });
                }
                let count = rows.len() as u64;
                if !rows.is_empty() {
                    let base = write.numbers(i64::try_from(rows.len()).map_err(Error::internal)?).await?;
                    let parents: Vec<TaskId> = rows.iter().filter_map(|it| it.parent).collect();
                    let rows =
                        (base + 1..).zip(rows).map(|(number, draft)| numbered(draft.row(self.scope.owner), number));
                    task::Entity::insert_many(rows).exec_without_returning(write.connection()).await?;
                    self.check_subtasks(&write, parents).await?;
                    labels::mark_each(&write, &marks).await?;
                }
                self.in_order(&write, &ids).await.map(|rows| outcome(count, rows))
            })
            .await
    }

    /// Completes or opens the tasks; completing completes their subtasks too.
    pub async fn set_all_completed(self, which: Selection, completed: bool) -> Result<Vec<task::Model>, Error> {
        self.scope
            .write_if_needed(async |mut write| {
                let ids = self.selected(&write, &which).await?;
                let them = if completed { with_parts(&ids) } else { are(&ids) };
                let them = them.and(task::Column::Completed.ne(completed));
                let count = self.change_all(&mut write, them, completion(Expr::value(completed))).await?;
                self.in_order(&write, &ids).await.map(|rows| outcome(count, rows))
            })
            .await
    }

    /// Moves the tasks into a list, or out of every list; their subtasks follow.
    pub async fn move_all(self, which: Selection, list: Option<ListId>) -> Result<Vec<task::Model>, Error> {
        self.scope
            .write_if_needed(async |mut write| {
                if let Some(list) = list {
                    write.check_exist::<list::Entity>(&[list]).await?;
                }
                let ids = self.selected(&write, &which).await?;
                let subtasks = self.mine().filter(are(&ids)).filter(task::Column::ParentId.is_not_null());
                if subtasks.count(write.connection()).await? > 0 {
                    return Err(Error::invalid("list", ValidationError::Rule("is the parent's; move the parent")));
                }
                let changes = vec![(task::Column::ListId, Expr::value(list))];
                let count = self.change_all(&mut write, with_parts(&ids), changes).await?;
                self.in_order(&write, &ids).await.map(|rows| outcome(count, rows))
            })
            .await
    }

    /// Adds labels to the tasks and takes others away.
    pub async fn label_all(
        self,
        which: Selection,
        add: Vec<LabelId>,
        remove: Vec<LabelId>,
    ) -> Result<Vec<task::Model>, Error> {
        self.scope
            .write_if_needed(async |mut write| {
                labels::check(&write, &[add.clone(), remove.clone()].concat()).await?;
                let ids = self.selected(&write, &which).await?;
                labels::alter(&write, &ids, &add, &remove).await?;
                let count = self.change_all(&mut write, are(&ids), Vec::new()).await?;
                self.in_order(&write, &ids).await.map(|rows| outcome(count, rows))
            })
            .await
    }

    /// Deletes the tasks and their subtasks, and tells which.
    pub async fn delete_all(self, which: Selection) -> Result<Vec<TaskId>, Error> {
        self.scope
            .write_if_needed(async |mut write| {
                let ids = self.selected(&write, &which).await?;
                let gone = vec![(task::Column::DeletedAt, Expr::value(Some(Micros::now())))];
                let count = self.change_all(&mut write, with_parts(&ids), gone).await?;
                Ok(outcome(count, ids))
            })
            .await
    }

    /// The ids of the selection, in its order, each once.
    async fn selected(self, write: &Write, which: &Selection) -> Result<Vec<TaskId>, Error> {
        match which {
            Selection::Ids(ids) => {
                check_count("ids", ids.len())?;
                let mut seen = HashSet::new();
                let unique: Vec<TaskId> = ids.iter().copied().filter(|id| seen.insert(*id)).collect();
                let there = self.mine().filter(are(&unique)).count(write.connection()).await?;
                if there == unique.len() as u64 {
                    return Ok(unique);
                }
                let known = self.mine().filter(are(&unique)).select_only().column(task::Column::Id);
                let known: Vec<TaskId> = known.into_tuple().all(write.connection()).await?;
                let index = ids.iter().position(|id| !known.contains(id)).unwrap_or_default();
                Err(Error::NotFound(Thing::Task).at(index))
            }
            Selection::Filter(filter) => {
                let ids: Vec<TaskId> = self
                    .filtered(filter)
                    .select_only()
                    .column(task::Column::Id)
                    .order_by_asc(task::Column::Number)
                    .limit(MAX_BULK as u64 + 1)
                    .into_tuple()
                    .all(write.connection())
                    .await?;
                check_count("filter", ids.len()).map(|()| ids)
            }
        }
    }

    /// The tasks that have ids of the drafts already, deleted or not.
    async fn known(self, write: &Write, drafts: &[NewTask]) -> Result<HashMap<TaskId, task::Model>, Error> {
        let ids: Vec<TaskId> = drafts.iter().filter_map(|it| it.id).collect();
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let rows: Vec<task::Model> = write.connection().rows(self.with_deleted().filter(are(&ids))).await?;
        Ok(rows.into_iter().map(|it| (it.id, it)).collect())
    }

    async fn in_order(self, write: &Write, ids: &[TaskId]) -> Result<Vec<task::Model>, Error> {
        let places: HashMap<_, _> = ids.iter().enumerate().map(|(at, id)| (*id, at)).collect();
        let mut rows = self.found(write.connection(), ids).await?;
        rows.sort_by_key(|row| places.get(&row.id).copied());
        Ok(rows)
    }
}

/// Where nothing changes, no revision is taken: a client would wait for it in the feed.
fn outcome<T>(count: u64, value: T) -> Outcome<T> {
    if count == 0 { Outcome::Unchanged(value) } else { Outcome::Changed(value) }
}

fn are(ids: &[TaskId]) -> SimpleExpr {
    task::Column::Id.is_in(ids.iter().copied())
}

fn with_parts(ids: &[TaskId]) -> SimpleExpr {
    are(ids).or(task::Column::ParentId.is_in(ids.iter().copied()))
}

/// Refuses two tasks of one id, of which one would be left out. The same task twice is made once.
fn check_ids(drafts: &[NewTask]) -> Result<(), Error> {
    let mut firsts: HashMap<TaskId, &NewTask> = HashMap::new();
    for (index, draft) in drafts.iter().enumerate() {
        let first = draft.id.map(|id| *firsts.entry(id).or_insert(draft));
        if first.is_some_and(|first| first != draft) {
            return Err(Error::invalid("id", ValidationError::Rule("must not be that of an earlier task")).at(index));
        }
    }
    Ok(())
}

fn check_count(field: &'static str, count: usize) -> Result<(), Error> {
    if count > MAX_BULK { Err(Error::invalid(field, ValidationError::TooMany(MAX_BULK))) } else { Ok(()) }
}
