//! Where tasks stand: subtasks of tasks (one level), lists, manual order; deleting and restoring, which take the subtasks
//! along.

use std::collections::HashSet;

use entity::{
    id::{ListId, TaskId},
    list, task,
    time::Micros,
};
use sea_orm::{
    ColumnTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, ExprTrait, Order},
};

use super::{
    NewTask, TaskPatch, TaskRef, Tasks,
    change::ColumnValues,
    is,
    position::{self, MAX_KEY_LENGTH},
};
use crate::{
    error::{Error, ValidationError},
    service::scope::{Outcome, Scope, Write},
};

/// How many subtasks a task has at most.
pub(in crate::service) const MAX_SUBTASKS: i64 = 100;
/// A task is no subtask of its own.
pub(in crate::service) const OWN_PARENT: ValidationError = ValidationError::Rule("must not be the task itself");
/// How many tasks one statement names.
const BATCH_SIZE: usize = 500;

/// Where a task is to stand in manual order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Position {
    /// In front of another task.
    Before(TaskId),
    /// Behind another task.
    After(TaskId),
}

impl Tasks<'_> {
    /// Moves a task in manual order. Moves at the same time all come true, one after the other.
    pub async fn move_to(self, key: TaskRef, place: Position, expected: Option<i64>) -> Result<task::Model, Error> {
        self.scope
            .write(async |mut write| {
                let row = write.find_expected::<task::Entity>(is(key), expected).await?;
                let (Position::Before(anchor) | Position::After(anchor)) = place;
                if anchor == row.id {
                    return Err(Error::invalid("position", ValidationError::Rule("must name another task")));
                }
                let mut position = self.position(&mut write, place).await?;
                if position.len() > MAX_KEY_LENGTH {
                    self.rebalance(&mut write).await?;
                    position = self.position(&mut write, place).await?;
                }
                let changes = vec![(task::Column::Position, Expr::value(position))];
                write.update::<task::Entity>(is(key), changes).await
            })
            .await
    }

    async fn position(self, write: &mut Write, place: Position) -> Result<String, Error> {
        let (Position::Before(anchor) | Position::After(anchor)) = place;
        let anchor = write.find::<task::Entity>(is(TaskRef::Id(anchor))).await?;
        let column = || Expr::col(task::Column::Position);
        let beyond = match place {
            Position::Before(_) => column().lt(anchor.position.clone()),
            Position::After(_) => column().gt(anchor.position.clone()),
        };
        let nearest = if matches!(place, Position::Before(_)) { Order::Desc } else { Order::Asc };
        let neighbour: Option<String> = self
            .with_deleted()
            .filter(beyond)
            .select_only()
            .column(task::Column::Position)
            .order_by(task::Column::Position, nearest)
            .into_tuple()
            .one(write.connection())
            .await?;
        Ok(match (place, neighbour) {
            (Position::Before(_), before) => position::between(before.as_deref(), Some(&anchor.position)),
            (Position::After(_), Some(behind)) => position::between(Some(&anchor.position), Some(&behind)),
            (Position::After(_), None) => position::append_key(write.number().await?),
        })
    }

    /// Deletes a task and its subtasks; they can be restored for 30 days.
    pub async fn delete(self, key: TaskRef, expected: Option<i64>) -> Result<task::Model, Error> {
        self.scope
            .write(async |mut write| {
                if expected.is_some() {
                    write.find_expected::<task::Entity>(is(key), expected).await?;
                }
                let now = Expr::value(Some(Micros::now()));
                let deletion = || vec![(task::Column::DeletedAt, now.clone())];
                let row = write.update::<task::Entity>(is(key), deletion()).await?;
                if row.parent_id.is_none() {
                    self.change_all(&mut write, task::Column::ParentId.eq(row.id), deletion()).await?;
                }
                Ok(row)
            })
            .await
    }

    /// Brings a deleted task back, with the subtasks that were deleted together with it.
    pub async fn restore(self, id: TaskId) -> Result<task::Model, Error> {
        self.scope
            .write_if_needed(async |mut write| {
                let row = write.find_restorable::<task::Entity>(id).await?;
                let Some(deleted_at) = row.deleted_at else {
                    return Ok(Outcome::Unchanged(row));
                };
                let mut back = vec![(task::Column::DeletedAt, Expr::value(None::<Micros>))];
                if let Some(parent) = row.parent_id {
                    let advice = ValidationError::Rule("is a subtask of a deleted task; restore that one");
                    let parent =
                        write.find::<task::Entity>(is(TaskRef::Id(parent))).await.map_err(|error| match error {
                            Error::NotFound(_) => Error::invalid("id", advice),
                            other => other,
                        })?;
                    // It may have been moved meanwhile, or have become a subtask, which has none itself.
                    back.push((task::Column::ListId, Expr::value(parent.list_id)));
                    if parent.parent_id.is_some() {
                        back.push((task::Column::ParentId, Expr::value(None::<TaskId>)));
                    }
                }
                let with_it = task::Column::Id.eq(id).or(task::Column::ParentId.eq(id));
                let which = with_it.and(task::Column::DeletedAt.eq(deleted_at));
                self.change_with_deleted(&mut write, which, back).await?;
                self.check_subtasks(&write, row.parent_id).await?;
                write.find::<task::Entity>(is(TaskRef::Id(id))).await.map(Outcome::Changed)
            })
            .await
    }

    /// Brings a deleted task back alone, with a state that differs from what it was.
    pub(in crate::service) async fn revive(
        self,
        id: TaskId,
        state: &NewTask,
        difference: TaskPatch,
    ) -> Result<(), Error> {
        // Its parent or list may be gone.
        let list = state.parent.is_none().then_some(state.list);
        let edit = TaskPatch { parent: Some(state.parent), list, ..difference };
        let revived = self.scope.batch(async |db| {
            let tasks = Tasks::new(Scope { db: &db, ..self.scope });
            tasks.scope.write(async |mut write| write.revive::<task::Entity>(id, Vec::new()).await).await?;
            tasks.edit(TaskRef::Id(id), edit.clone(), None).await
        });
        revived.await.map(drop)
    }

    /// The list of a task that is to be made: its parent's, or the one asked for.
    pub(in crate::service) async fn list_of_new(self, write: &Write, draft: &NewTask) -> Result<Option<ListId>, Error> {
        match (draft.parent, draft.list) {
            (Some(parent), _) if draft.id == Some(parent) => Err(Error::invalid("parent", OWN_PARENT)),
            (None, None) => Ok(None),
            (None, Some(list)) => write.check_exist::<list::Entity>(&[list]).await.map(|()| Some(list)),
            (Some(_), Some(_)) => Err(Error::invalid("list", ValidationError::Contradiction("the parent"))),
            (Some(parent), None) => Ok(self.parent(write, parent).await?.list_id),
        }
    }

    /// The changes that put a task under another parent or into another list, if the rules allow it.
    pub(super) async fn relocate(
        self,
        write: &Write,
        row: &task::Model,
        parent: Option<Option<TaskId>>,
        list: Option<Option<ListId>>,
    ) -> Result<ColumnValues, Error> {
        let mut changes = ColumnValues::new();
        match (parent, list) {
            (Some(Some(_)), Some(_)) => {
                return Err(Error::invalid("list", ValidationError::Contradiction("the parent")));
            }
            (Some(Some(parent)), None) => {
                let parent = self.parent_for(write, row, parent).await?;
                changes.push((task::Column::ParentId, Expr::value(Some(parent.id))));
                changes.push((task::Column::ListId, Expr::value(parent.list_id)));
            }
            (Some(None), _) => changes.push((task::Column::ParentId, Expr::value(None::<TaskId>))),
            (None, Some(_)) if row.parent_id.is_some() => {
                return Err(Error::invalid("list", ValidationError::Rule("is the parent's; move the parent")));
            }
            (None, _) => {}
        }
        if let Some(list) = list {
            if let Some(list) = list {
                write.check_exist::<list::Entity>(&[list]).await?;
            }
            changes.push((task::Column::ListId, Expr::value(list)));
        }
        Ok(changes)
    }

    async fn parent_for(self, write: &Write, row: &task::Model, parent: TaskId) -> Result<task::Model, Error> {
        if parent == row.id {
            return Err(Error::invalid("parent", OWN_PARENT));
        }
        if self.subtasks(write, row.id).await? > 0 {
            return Err(Error::invalid(
                "parent",
                ValidationError::Rule("cannot be given to a task that has subtasks itself"),
            ));
        }
        self.parent(write, parent).await
    }

    /// A task that may have subtasks.
    async fn parent(self, write: &Write, id: TaskId) -> Result<task::Model, Error> {
        let parent = write.find::<task::Entity>(is(TaskRef::Id(id))).await?;
        match parent.parent_id {
            Some(_) => Err(Error::invalid("parent", ValidationError::Rule("must not be a subtask"))),
            None => Ok(parent),
        }
    }

    /// Refuses a write that has given one of these tasks too many subtasks.
    pub(in crate::service) async fn check_subtasks(
        self,
        write: &Write,
        parents: impl IntoIterator<Item = TaskId>,
    ) -> Result<(), Error> {
        let parents: HashSet<TaskId> = parents.into_iter().collect();
        let parents: Vec<TaskId> = parents.into_iter().collect();
        for some in parents.chunks(BATCH_SIZE) {
            let crowded = self
                .mine()
                .filter(task::Column::ParentId.is_in(some.iter().copied()))
                .select_only()
                .column(task::Column::ParentId)
                .group_by(task::Column::ParentId)
                .having(task::Column::Number.count().gt(MAX_SUBTASKS))
                .into_tuple::<TaskId>()
                .one(write.connection())
                .await?;
            if crowded.is_some() {
                return Err(Error::invalid("parent", ValidationError::Rule("has 100 subtasks already")));
            }
        }
        Ok(())
    }

    async fn subtasks(self, write: &Write, parent: TaskId) -> Result<u64, Error> {
        let subtasks = self.mine().filter(task::Column::ParentId.eq(parent));
        Ok(subtasks.count(write.connection()).await?)
    }
}
