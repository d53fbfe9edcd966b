//! How tasks, lists and labels lead to each other: always by DataLoaders. A relation that fails is null, and its
//! siblings stay.

use async_graphql::{ComplexObject, Context, ID};

use super::{
    connection::{TaskConnection, TaskSource},
    errors::GraphqlError,
    guard::Guard,
};
use crate::{
    error::Error,
    service::{
        page::{PageArguments, PageRequest},
        tasks::TimeZone,
    },
    view::{Change, ChangedNode, Label, Task, TaskCounts, TaskList},
};

/// The time zone that counts by default.
const UTC: &str = "UTC";

type Tasks = Option<Result<TaskConnection, GraphqlError>>;
type Many<T> = Option<Result<Vec<T>, GraphqlError>>;

/// Relations of a task.
#[ComplexObject]
impl Task {
    /// Id of the list of the task, if it is in one.
    async fn list_id(&self) -> Option<ID> {
        self.keys.list.map(|id| ID(id.to_string()))
    }

    /// Id of the parent task, if the task is a subtask.
    async fn parent_id(&self) -> Option<ID> {
        self.keys.parent.map(|id| ID(id.to_string()))
    }

    /// List of the task, if it is in one.
    async fn list(&self, ctx: &Context<'_>) -> Option<Result<TaskList, GraphqlError>> {
        list_of(self, ctx).await.transpose()
    }

    /// Parent task, if the task is a subtask.
    async fn parent(&self, ctx: &Context<'_>) -> Option<Result<Task, GraphqlError>> {
        parent_of(self, ctx).await.transpose()
    }

    /// Ids of the labels of the task, at most 10, in the order of `labels`.
    async fn label_ids(&self, ctx: &Context<'_>) -> Many<ID> {
        Some(labels_of(self, ctx).await.map(|labels| labels.into_iter().map(|label| label.id).collect()))
    }

    /// Labels of the task, at most 10, in the order of their names.
    async fn labels(&self, ctx: &Context<'_>) -> Many<Label> {
        Some(labels_of(self, ctx).await)
    }

    /// Subtasks, at most 100, in manual order. A subtask has none.
    async fn subtasks(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Number of tasks: 0 to 100, by default 20.")] first: Option<i32>,
        #[graphql(desc = "Only tasks after this cursor.")] after: Option<String>,
    ) -> Tasks {
        Some(subtasks_of(self, ctx, first, after).await)
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

async fn subtasks_of(
    task: &Task,
    ctx: &Context<'_>,
    first: Option<i32>,
    after: Option<String>,
) -> Result<TaskConnection, GraphqlError> {
    let (loaders, page) = (ctx.loaders()?, page_from(first, after)?);
    let rows = match task.keys.parent {
        Some(_) => None,
        None => loaders.load(&loaders.page_of_parent, (task.keys.task, page.clone())).await?,
    };
    let rows = rows.unwrap_or_else(|| page.cut(Vec::new()));
    Ok(TaskConnection::manual(rows, TaskSource::Parent(task.keys.task)))
}

/// Relations of a list.
#[ComplexObject]
impl TaskList {
    /// Tasks of the list in manual order.
    async fn tasks(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Number of tasks: 0 to 100, by default 20.")] first: Option<i32>,
        #[graphql(desc = "Only tasks after this cursor.")] after: Option<String>,
    ) -> Tasks {
        Some(tasks_of_list(self, ctx, first, after).await)
    }

    /// Number of tasks in the list, by state.
    async fn counts(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "IANA name of the time zone that decides which due dates are over.",
            default_with = "Some(UTC.to_owned())"
        )]
        time_zone: Option<String>,
    ) -> Option<Result<TaskCounts, GraphqlError>> {
        Some(counts_of(self, ctx, time_zone.as_deref().unwrap_or(UTC)).await)
    }
}

async fn tasks_of_list(
    list: &TaskList,
    ctx: &Context<'_>,
    first: Option<i32>,
    after: Option<String>,
) -> Result<TaskConnection, GraphqlError> {
    let (loaders, page) = (ctx.loaders()?, page_from(first, after)?);
    let rows = loaders.load(&loaders.page_of_list, (list.key, page.clone())).await?;
    Ok(TaskConnection::manual(rows.unwrap_or_else(|| page.cut(Vec::new())), TaskSource::List(list.key)))
}

async fn counts_of(list: &TaskList, ctx: &Context<'_>, zone: &str) -> Result<TaskCounts, GraphqlError> {
    let loaders = ctx.loaders()?;
    let zone = TimeZone::parse(zone).map_err(|fault| Error::invalid("timeZone", fault))?;
    Ok(loaders.load(&loaders.counts_of_list, (list.key, zone)).await?.unwrap_or_default().into())
}

/// Relations of a label.
#[ComplexObject]
impl Label {
    /// Tasks with the label in manual order.
    async fn tasks(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Number of tasks: 0 to 100, by default 20.")] first: Option<i32>,
        #[graphql(desc = "Only tasks after this cursor.")] after: Option<String>,
    ) -> Tasks {
        Some(tasks_of_label(self, ctx, first, after).await)
    }
}

async fn tasks_of_label(
    label: &Label,
    ctx: &Context<'_>,
    first: Option<i32>,
    after: Option<String>,
) -> Result<TaskConnection, GraphqlError> {
    let (loaders, page) = (ctx.loaders()?, page_from(first, after)?);
    let rows = loaders.load(&loaders.page_of_label, (label.key, page.clone())).await?;
    Ok(TaskConnection::manual(rows.unwrap_or_else(|| page.cut(Vec::new())), TaskSource::Label(label.key)))
}

/// The page after a cursor.
pub(super) fn page_from(first: Option<i32>, after: Option<String>) -> Result<PageRequest, Error> {
    PageRequest::parse(&PageArguments { first, after, ..PageArguments::default() })
}

/// What changed.
#[ComplexObject]
impl Change {
    /// Current state of the object; null if it is deleted.
    async fn node(&self) -> Option<ChangedNode> {
        self.now.clone()
    }
}
