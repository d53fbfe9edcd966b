//! Pages as Relay connections.

use async_graphql::{Context, Object, SimpleObject};
use entity::task;

use super::{
    failure::GraphqlError,
    guard::Guard,
    written::{EdgeRows, TaskRows},
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

/// A task in a list.
#[derive(SimpleObject)]
pub(super) struct TaskEdge {
    /// The task.
    node: Task,
    /// Its place in the list, for `after` and `before`.
    cursor: String,
}

/// Where a page lies in its list.
#[derive(SimpleObject)]
pub(super) struct PageInfo {
    /// Whether more follow when paging forwards.
    has_next_page: bool,
    /// Whether more precede when paging backwards.
    has_previous_page: bool,
    /// The cursor of the page's first edge.
    start_cursor: Option<String>,
    /// The cursor of the page's last edge.
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

/// A list of tasks, a page at a time (Relay cursor connections).
#[Object]
impl TaskConnection {
    /// The tasks of the page with their places in the list.
    async fn edges(&self) -> EdgeRows<'_> {
        EdgeRows(&self.page.rows, self.order)
    }

    /// The tasks of the page alone.
    async fn nodes(&self) -> TaskRows<'_> {
        TaskRows(&self.page.rows)
    }

    /// Where the page lies in the list.
    async fn page_info(&self) -> PageInfo {
        PageInfo {
            has_next_page: self.page.has_next,
            has_previous_page: self.page.has_previous,
            start_cursor: self.cursor(self.page.rows.first()),
            end_cursor: self.cursor(self.page.rows.last()),
        }
    }

    /// How many tasks meet the filter, on all pages together.
    async fn total_count(&self, ctx: &Context<'_>) -> Result<i32, GraphqlError> {
        let tasks = ctx.tasks()?;
        Ok(i32::try_from(tasks.count(&self.filter).await?).unwrap_or(i32::MAX))
    }
}
