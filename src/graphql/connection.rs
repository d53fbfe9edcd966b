//! Pages as Relay connections.

use async_graphql::{Context, Object, SimpleObject};
use entity::task;

use super::{
    errors::GraphqlError,
    guard::Guard,
    task_output::{EdgeRows, TaskRows},
};
use crate::{
    service::{
        page::Page,
        tasks::{Filter, Order},
    },
    view::Task,
};

/// A page of tasks, and the list that it is cut from.
pub(super) struct TaskConnection {
    page: Page<task::Model>,
    order: Order,
    filter: Filter,
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
    pub(super) fn new(row: &task::Model, order: Order) -> Self {
        Self { node: row.clone().into(), cursor: order.cursor(row).encode() }
    }
}

impl TaskConnection {
    pub(super) fn new(page: Page<task::Model>, order: Order, filter: Filter) -> Self {
        Self { page, order, filter }
    }

    fn cursor(&self, row: Option<&task::Model>) -> Option<String> {
        row.map(|row| self.order.cursor(row).encode())
    }
}

/// A page of tasks (Relay Cursor Connections).
#[Object]
impl TaskConnection {
    /// Tasks of the page, with their cursors.
    async fn edges(&self) -> EdgeRows<'_> {
        EdgeRows(&self.page.rows, self.order)
    }

    /// Tasks of the page.
    async fn nodes(&self) -> TaskRows<'_> {
        TaskRows(&self.page.rows)
    }

    /// Cursors of the page, and whether there are more.
    async fn page_info(&self) -> PageInfo {
        PageInfo {
            has_next_page: self.page.has_next,
            has_previous_page: self.page.has_previous,
            start_cursor: self.cursor(self.page.rows.first()),
            end_cursor: self.cursor(self.page.rows.last()),
        }
    }

    /// Number of tasks that match the filter, on all pages together.
    async fn total_count(&self, ctx: &Context<'_>) -> Result<i32, GraphqlError> {
        let tasks = ctx.tasks()?;
        Ok(i32::try_from(tasks.count(&self.filter).await?).unwrap_or(i32::MAX))
    }
}
