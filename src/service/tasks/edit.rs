//! Changing one task, and what follows for its subtasks.

use entity::{
    id::{ListId, TaskId},
    task::{self, Priority},
    text::search_key,
};
use sea_orm::{
    ColumnTrait,
    sea_query::{Expr, ExprTrait},
};

use super::{
    Description, Due, TaskRef, Tasks, Title,
    change::{ColumnValues, completion, due},
    is,
};
use crate::{
    error::{Error, Thing},
    service::{
        labels::{self, LabelSelection},
        revisioned::check_expected,
        scope::Write,
    },
};

/// Changes to a task: an absent field stays, an inner `None` clears.
#[derive(Clone, Debug, Default)]
pub struct TaskPatch {
    /// What to do.
    pub title: Option<Title>,
    /// More about it.
    pub description: Option<Option<Description>>,
    /// Whether it is done.
    pub completed: Option<bool>,
    /// How urgent it is.
    pub priority: Option<Priority>,
    /// When it is due.
    pub due: Option<Option<Due>>,
    /// The list that it is in.
    pub list: Option<Option<ListId>>,
    /// Its parent task.
    pub parent: Option<Option<TaskId>>,
    /// All its labels.
    pub labels: Option<LabelSelection>,
}

impl Tasks<'_> {
    /// Changes a task; no changes leave it as it is, its time of change too. With `expected`, only if that is still
    /// its revision. Completing a task completes its subtasks, and its subtasks follow it into another list.
    pub async fn edit(self, key: TaskRef, edit: TaskPatch, expected: Option<i64>) -> Result<task::Model, Error> {
        let TaskPatch { title, description, completed, priority, due: new_due, list, parent, labels } = edit;
        let mut changes = ColumnValues::new();
        if let Some(title) = title {
            let title = String::from(title);
            changes.push((task::Column::TitleKey, Expr::value(search_key(&title))));
            changes.push((task::Column::Title, Expr::value(title)));
        }
        if let Some(description) = description {
            let description = description.map(String::from);
            changes.push((task::Column::DescriptionKey, Expr::value(description.as_deref().map(search_key))));
            changes.push((task::Column::Description, Expr::value(description)));
        }
        if let Some(priority) = priority {
            changes.push((task::Column::Priority, Expr::value(priority)));
        }
        if let Some(new_due) = new_due {
            changes.extend(due(new_due));
        }
        if let Some(completed) = completed {
            changes.extend(completion(Expr::value(completed)));
        }
        let is_moved = list.is_some() || parent.is_some();
        if changes.is_empty() && !is_moved && labels.is_none() {
            let row = self.find(key).await?.ok_or(Error::NotFound(Thing::Task))?;
            return check_expected::<task::Entity>(expected, &row).map(|()| row);
        }
        self.scope
            .write(async |mut write| {
                if is_moved || expected.is_some() {
                    let row = write.find::<task::Entity>(is(key)).await?;
                    check_expected::<task::Entity>(expected, &row)?;
                    changes.extend(self.relocate(&write, &row, parent, list).await?);
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
                Ok(row)
            })
            .await
    }

    /// Completes an open task and opens a completed one, however many do so at once.
    pub async fn toggle(self, key: TaskRef, expected: Option<i64>) -> Result<task::Model, Error> {
        self.scope
            .write(async |mut write| {
                if expected.is_some() {
                    check_expected::<task::Entity>(expected, &write.find::<task::Entity>(is(key)).await?)?;
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

    async fn complete_subtasks(self, write: &mut Write<'_>, parent: &task::Model) -> Result<(), Error> {
        if parent.parent_id.is_some() {
            return Ok(());
        }
        let open_subtasks = task::Column::ParentId.eq(parent.id).and(task::Column::Completed.eq(false));
        self.change_all(write, open_subtasks, completion(Expr::value(true))).await
    }

    async fn move_subtasks(self, write: &mut Write<'_>, parent: &task::Model) -> Result<(), Error> {
        if parent.parent_id.is_some() {
            return Ok(());
        }
        let changes = vec![(task::Column::ListId, Expr::value(parent.list_id))];
        self.change_all(write, task::Column::ParentId.eq(parent.id), changes).await
    }
}
