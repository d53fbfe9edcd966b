//! Changing one task, and what follows for its subtasks.

use entity::task;
use sea_orm::{
    ColumnTrait,
    sea_query::{Expr, ExprTrait},
};

use super::{
    TaskRef, Tasks,
    change::completion,
    fields::{Relations, TaskPatch},
    is,
};
use crate::{
    error::{Error, Thing},
    service::{
        labels,
        scope::{Outcome, Write},
    },
};

impl Tasks<'_> {
    /// Changes a task; no changes leave it as it is, its time of change too. With `expected`, only if that is still
    /// its revision. Completing a task completes its subtasks, and its subtasks follow it into another list.
    pub async fn edit(self, key: TaskRef, edit: TaskPatch, expected: Option<i64>) -> Result<task::Model, Error> {
        let completed = edit.completed;
        let (changes, Relations { list, parent, labels, extra }) = edit.split();
        let is_moved = list.is_some() || parent.is_some();
        let is_unchanged = changes.is_empty() && !is_moved && labels.is_none() && extra.is_empty();
        if is_unchanged && expected.is_none() {
            return self.find(key).await?.ok_or(Error::NotFound(Thing::Task));
        }
        self.scope
            .write_if_needed(async |mut write| {
                let mut changes = changes.clone();
                if is_moved || expected.is_some() || !extra.is_empty() {
                    let row = write.find_expected::<task::Entity>(is(key), expected).await?;
                    if is_unchanged {
                        return Ok(Outcome::Unchanged(row));
                    }
                    changes.extend(self.relocate(&write, &row, parent, list).await?);
                    if !extra.is_empty() {
                        changes.push((task::Column::Extra, Expr::value(extra.clone().over(row.extra.as_deref())?)));
                    }
                }
                let labels = match &labels {
                    Some(labels) => Some(labels::resolve(&mut write, labels).await?),
                    None => None,
                };
                let row = write.update::<task::Entity>(is(key), changes).await?;
                if let Some(labels) = labels {
                    labels::replace(&write, &[(row.id, labels)]).await?;
                }
                if completed == Some(true) {
                    self.complete_subtasks(&mut write, &row).await?;
                }
                if is_moved {
                    self.check_subtasks(&write, row.parent_id).await?;
                    self.move_subtasks(&mut write, &row).await?;
                }
                Ok(Outcome::Changed(row))
            })
            .await
    }

    /// Completes an open task and opens a completed one, however many do so at once.
    pub async fn toggle(self, key: TaskRef, expected: Option<i64>) -> Result<task::Model, Error> {
        self.scope
            .write(async |mut write| {
                if expected.is_some() {
                    write.find_expected::<task::Entity>(is(key), expected).await?;
                }
                let flipped = completion(Expr::col(task::Column::Completed).not());
                let row = write.update::<task::Entity>(is(key), flipped).await?;
                if row.completed {
                    self.complete_subtasks(&mut write, &row).await?;
                }
                Ok(row)
            })
            .await
    }

    async fn complete_subtasks(self, write: &mut Write, parent: &task::Model) -> Result<(), Error> {
        if parent.parent_id.is_some() {
            return Ok(());
        }
        let open_subtasks = task::Column::ParentId.eq(parent.id).and(task::Column::Completed.eq(false));
        self.change_all(write, open_subtasks, completion(Expr::value(true))).await.map(drop)
    }

    async fn move_subtasks(self, write: &mut Write, parent: &task::Model) -> Result<(), Error> {
        if parent.parent_id.is_some() {
            return Ok(());
        }
        let changes = vec![(task::Column::ListId, Expr::value(parent.list_id))];
        self.change_all(write, task::Column::ParentId.eq(parent.id), changes).await.map(drop)
    }
}
