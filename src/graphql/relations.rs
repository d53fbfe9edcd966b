//! How tasks, lists and labels lead to each other: always by DataLoaders. A relation that fails is null, and its
//! siblings stay.

use async_graphql::{ComplexObject, Context};

use super::{failure::GraphqlError, guard::Guard};
use crate::{
    error::{Error, ValidationError},
    service::{
        page::{DEFAULT_SIZE, MAX_SIZE},
        tasks::TimeZone,
    },
    view::{Change, ChangedNode, Label, Task, TaskCounts, TaskList},
};

type Many<T> = Option<Result<Vec<T>, GraphqlError>>;

/// Relations of a task.
#[ComplexObject]
impl Task {
    /// The list that the task is in.
    async fn list(&self, ctx: &Context<'_>) -> Option<Result<TaskList, GraphqlError>> {
        list_of(self, ctx).await.transpose()
    }

    /// The task that it is a part of.
    async fn parent(&self, ctx: &Context<'_>) -> Option<Result<Task, GraphqlError>> {
        parent_of(self, ctx).await.transpose()
    }

    /// Its labels, at most 10, in their order.
    async fn labels(&self, ctx: &Context<'_>) -> Many<Label> {
        Some(labels_of(self, ctx).await)
    }

    /// Its parts, at most 100, in manual order; a part has none.
    async fn parts(&self, ctx: &Context<'_>) -> Many<Task> {
        Some(parts_of(self, ctx).await)
    }
}

async fn list_of(task: &Task, ctx: &Context<'_>) -> Result<Option<TaskList>, GraphqlError> {
    let loaders = ctx.loaders()?;
    let Some(id) = task.keys.list else { return Ok(None) };
    Ok(loaders.load(&loaders.list, id).await?.map(TaskList::from))
}

async fn parent_of(task: &Task, ctx: &Context<'_>) -> Result<Option<Task>, GraphqlError> {
    let loaders = ctx.loaders()?;
    let Some(id) = task.keys.parent else { return Ok(None) };
    Ok(loaders.load(&loaders.task, id).await?.map(Task::from))
}

async fn labels_of(task: &Task, ctx: &Context<'_>) -> Result<Vec<Label>, GraphqlError> {
    let loaders = ctx.loaders()?;
    let rows = loaders.load(&loaders.labels_of_task, task.keys.task).await?.unwrap_or_default();
    Ok(rows.into_iter().map(Label::from).collect())
}

async fn parts_of(task: &Task, ctx: &Context<'_>) -> Result<Vec<Task>, GraphqlError> {
    let loaders = ctx.loaders()?;
    if task.keys.parent.is_some() {
        return Ok(Vec::new());
    }
    let rows = loaders.load(&loaders.parts_of_task, task.keys.task).await?.unwrap_or_default();
    Ok(rows.into_iter().map(Task::from).collect())
}

/// Relations of a list.
#[ComplexObject]
impl TaskList {
    /// The first tasks of the list in manual order; `tasks(filter: { listId: … })` has them all, in pages.
    async fn tasks(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many: 1 to 100.", default_with = "DEFAULT_SIZE")] first: i32,
    ) -> Many<Task> {
        Some(first_of_list(self, ctx, first).await)
    }

    /// How many tasks the list has.
    async fn counts(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The IANA name of the time zone whose day decides what is overdue.", default = "UTC")]
        time_zone: String,
    ) -> Option<Result<TaskCounts, GraphqlError>> {
        Some(counts_of(self, ctx, &time_zone).await)
    }
}

async fn first_of_list(list: &TaskList, ctx: &Context<'_>, first: i32) -> Result<Vec<Task>, GraphqlError> {
    let loaders = ctx.loaders()?;
    let rows = loaders.load(&loaders.first_of_list, (list.key, size(first)?)).await?.unwrap_or_default();
    Ok(rows.into_iter().map(Task::from).collect())
}

async fn counts_of(list: &TaskList, ctx: &Context<'_>, zone: &str) -> Result<TaskCounts, GraphqlError> {
    let loaders = ctx.loaders()?;
    let zone = TimeZone::parse(zone).map_err(|fault| Error::invalid("timeZone", fault))?;
    Ok(loaders.load(&loaders.counts_of_list, (list.key, zone)).await?.unwrap_or_default().into())
}

/// Relations of a label.
#[ComplexObject]
impl Label {
    /// The first tasks with the label in manual order; `tasks(filter: { labelIds: [ … ] })` has them all, in pages.
    async fn tasks(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many: 1 to 100.", default_with = "DEFAULT_SIZE")] first: i32,
    ) -> Many<Task> {
        Some(first_of_label(self, ctx, first).await)
    }
}

async fn first_of_label(label: &Label, ctx: &Context<'_>, first: i32) -> Result<Vec<Task>, GraphqlError> {
    let loaders = ctx.loaders()?;
    let rows = loaders.load(&loaders.first_of_label, (label.key, size(first)?)).await?.unwrap_or_default();
    Ok(rows.into_iter().map(Task::from).collect())
}

/// How many tasks are asked for.
pub(super) fn size(first: i32) -> Result<u64, Error> {
    let fault = ValidationError::NotBetween(1, MAX_SIZE.into());
    u64::try_from(first).ok().filter(|_| (1..=MAX_SIZE).contains(&first)).ok_or(Error::invalid("first", fault))
}

/// What changed.
#[ComplexObject]
impl Change {
    /// What it is now; null when it is deleted.
    async fn node(&self) -> Option<ChangedNode> {
        self.now.clone()
    }
}
