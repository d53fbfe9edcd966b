//! Applying one row of a push.

use entity::{
    id::{LabelId, ListId, TaskId},
    label, list, task,
};

use super::{ListState, Pushed, PushedChange, Step, Stored};
use crate::{
    error::Error,
    service::{
        labels::{LabelPatch, Labels, NewLabel},
        lists::{ListPatch, Lists},
        revisioned::Revisioned,
        scope::Scope,
        tasks::{NewTask, TaskPatch, TaskRef, Tasks},
    },
};

/// Applies one row, whose revision before the call was that; whether it is now as it was pushed.
pub(super) async fn row(scope: Scope<'_>, change: PushedChange, base: Option<i64>) -> Result<bool, Error> {
    match change {
        PushedChange::Task(pushed) => task(scope, pushed, base).await,
        PushedChange::List(pushed) => list(scope, pushed, base).await,
        PushedChange::Label(pushed) => label(scope, pushed, base).await,
    }
}

/// The row as rows before it in the call have left it. None of them has made it.
async fn stored_row<E: Revisioned>(scope: Scope<'_>, id: E::Id, base: Option<i64>) -> Result<Option<E::Model>, Error> {
    match base {
        None => Ok(None),
        Some(_) => Ok(scope.find_with_deleted::<E>(&[id]).await?.pop()),
    }
}

async fn task(
    scope: Scope<'_>,
    Pushed { id, expected, state }: Pushed<TaskId, NewTask>,
    base: Option<i64>,
) -> Result<bool, Error> {
    let tasks = Tasks::new(scope);
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

async fn list(
    scope: Scope<'_>,
    Pushed { id, expected, state }: Pushed<ListId, ListState>,
    base: Option<i64>,
) -> Result<bool, Error> {
    let lists = Lists::new(scope);
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

pub(super) async fn label(
    scope: Scope<'_>,
    Pushed { id, expected, state }: Pushed<LabelId, NewLabel>,
    base: Option<i64>,
) -> Result<bool, Error> {
    let labels = Labels::new(scope);
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
