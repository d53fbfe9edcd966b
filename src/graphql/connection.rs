//! Pages as Relay connections.

use async_graphql::{Context, Object, SimpleObject};
use entity::{
    id::{LabelId, ListId, TaskId},
    task,
};

use super::{
    errors::GraphqlError,
    guard::Guard,
    task_output::{EdgeRows, TaskRows},
};
use crate::{
    service::{
        page::{Cursor, CursorValue, Page},
        tasks::{Filter, Order, TimeZone},
        trash,
    },
    view::Task,
};

/// A page of tasks, and the list that it is cut from.
pub(super) struct TaskConnection {
    page: Page<task::Model>,
    cursors: Cursors,
    source: TaskSource,
}

/// What the cursors of a list are.
pub(super) enum Cursors {
    /// Places in this order.
    Ordered(Order),
    /// Places among the hits of a search, of which so many are before the page.
    Hits(u64),
    /// Places in the trash.
    Trash,
}

/// What has the tasks of a list.
pub(super) enum TaskSource {
    /// This filter matches them.
    Filter(Filter),
    /// They are in this list.
    List(ListId),
    /// They have this label.
    Label(LabelId),
    /// They are subtasks of this task.
    Parent(TaskId),
    /// They are in the trash.
    Trash,
}

impl Cursors {
    /// The cursor of a task, which is so many behind the first of the page.
    pub(super) fn cursor(&self, index: usize, row: &task::Model) -> String {
        let cursor = match self {
            Self::Ordered(order) => order.cursor(row),
            Self::Trash => trash::cursor(row),
            Self::Hits(before) => {
                let number = i64::try_from(before.saturating_add(index as u64)).unwrap_or(i64::MAX);
                Cursor { order: 0, values: vec![CursorValue::Hit], number }
            }
        };
        cursor.encode()
    }
}

/// A task of a page, with its cursor.
#[derive(SimpleObject)]
pub(super) struct TaskEdge {
    /// Task.
    node: Task,
    /// Cursor of the task, for `after` and `before`.
    cursor: String,
}

/// Information about a page (Relay Cursor Connections).
#[derive(SimpleObject)]
pub(super) struct PageInfo {
    /// Whether there are more edges after this page, when paging forwards.
    has_next_page: bool,
    /// Whether there are more edges before this page, when paging backwards.
    has_previous_page: bool,
    /// Cursor of the first edge of the page.
    start_cursor: Option<String>,
    /// Cursor of the last edge of the page.
    end_cursor: Option<String>,
}

impl TaskEdge {
    pub(super) fn new(row: &task::Model, cursor: String) -> Self {
        Self { node: row.clone().into(), cursor }
    }
}

impl TaskConnection {
    pub(super) fn new(page: Page<task::Model>, cursors: Cursors, source: TaskSource) -> Self {
        Self { page, cursors, source }
    }

    /// Of what has its tasks in manual order.
    pub(super) fn manual(page: Page<task::Model>, source: TaskSource) -> Self {
        Self::new(page, Cursors::Ordered(Order::MANUAL), source)
    }

    async fn total(&self, ctx: &Context<'_>) -> Result<i64, GraphqlError> {
        let whole = |total: u64| Some(i64::try_from(total).unwrap_or(i64::MAX));
        let loaders = ctx.loaders()?;
        let total = match &self.source {
            TaskSource::Filter(filter) => whole(ctx.tasks()?.count(filter).await?),
            TaskSource::Trash => whole(ctx.trash()?.task_count().await?),
            TaskSource::Label(id) => loaders.load(&loaders.total_of_label, *id).await?,
            TaskSource::Parent(id) => loaders.load(&loaders.total_of_parent, *id).await?,
            TaskSource::List(id) => {
                let counts = loaders.load(&loaders.counts_of_list, (*id, TimeZone::UTC)).await?;
                counts.map(|it| it.open + it.completed)
            }
        };
        Ok(total.unwrap_or_default())
    }
}

/// A page of tasks (Relay Cursor Connections).
#[Object]
impl TaskConnection {
    /// Tasks of the page, with their cursors.
    async fn edges(&self) -> EdgeRows<'_> {
        EdgeRows(&self.page.rows, &self.cursors)
    }

    /// Tasks of the page.
    async fn nodes(&self) -> TaskRows<'_> {
        TaskRows(&self.page.rows)
    }

    /// Cursors of the page, and whether there are more.
    async fn page_info(&self) -> PageInfo {
        let rows = &self.page.rows;
        let cursor = |(index, row)| self.cursors.cursor(index, row);
        PageInfo {
            has_next_page: self.page.has_next,
            has_previous_page: self.page.has_previous,
            start_cursor: rows.first().map(|row| cursor((0, row))),
            end_cursor: rows.iter().enumerate().next_back().map(cursor),
        }
    }

    /// Number of tasks on all pages together.
    async fn total_count(&self, ctx: &Context<'_>) -> Result<i32, GraphqlError> {
        Ok(i32::try_from(self.total(ctx).await?).unwrap_or(i32::MAX))
    }
}
