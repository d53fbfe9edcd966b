//! Task summaries: what REST shows of tasks, with the names of their labels, in one statement. Long lists are read in
//! chunks.

use entity::{
    row::{Columns, FromRow, RowColumns},
    task::{self, Priority},
    time::Micros,
    user_revision,
};
use sea_orm::{
    ColumnTrait, DbErr, QueryFilter, QuerySelect, Select,
    sea_query::{Expr, Query, SimpleExpr},
};

use super::{Filter, Order, OrderBy, OrderKey, TaskRef, Tasks, is, list::OrderedList};
use crate::{
    db::Window,
    error::Error,
    service::page::{Cursor, CursorValue, PageRequest},
};

/// How many tasks of a list without a limit are read at once.
const CHUNK_SIZE: u64 = 250;

/// What REST shows of a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskSummary {
    /// The task's number.
    pub number: i64,
    /// What to do.
    pub title: String,
    /// More about it.
    pub description: Option<String>,
    /// Whether it is done.
    pub completed: bool,
    /// How urgent it is.
    pub priority: Priority,
    /// When it is due: an instant, or the midnight of a date in UTC.
    pub due: Option<Micros>,
    /// When it was made.
    pub created_at: Micros,
    /// When it last changed.
    pub updated_at: Micros,
    /// The names of its labels in their order, as a list in JSON.
    pub tags: String,
    /// What clients of REST keep with it: an object in JSON.
    pub extra: Option<String>,
}

/// The first chunk of a list of tasks.
#[derive(Clone, Debug)]
pub struct SummaryPage {
    /// The tasks.
    pub tasks: Vec<TaskSummary>,
    /// How many tasks match the filter.
    pub total: u64,
    /// The revision of the owner's data at which they were read.
    pub revision: i64,
    /// Cursor of the next chunk, if there is one.
    pub next: Option<Cursor>,
}

/// A row of the statement: what is shown, and the number of the last write, to the task or to any of its owner's data.
struct SummaryRow {
    shown: TaskSummary,
    revision: i64,
}

/// The columns of tasks in [`SummaryRow`].
const SUMMARY_COLUMNS: &str = r#""tasks"."number", "tasks"."title", "tasks"."description", "tasks"."completed", "tasks"."priority", "tasks"."due_order", "tasks"."created_at", "tasks"."updated_at", "tasks"."extra""#;

impl FromRow for SummaryRow {
    fn read(row: &mut Columns<'_, impl RowColumns>) -> Result<Self, DbErr> {
        let shown = TaskSummary {
            number: row.value()?,
            title: row.value()?,
            description: row.value_if_any()?,
            completed: row.value()?,
            priority: row.value()?,
            due: row.value_if_any()?,
            created_at: row.value()?,
            updated_at: row.value()?,
            extra: row.value_if_any()?,
            tags: row.value()?,
        };
        Ok(Self { shown, revision: row.value()? })
    }
}

/// How many tasks one statement reads; all of them in an order that a summary has no cursor for.
fn chunk_size(order: OrderKey) -> Option<u64> {
    (!matches!(order.by, OrderBy::Position | OrderBy::CompletedAt)).then_some(CHUNK_SIZE)
}

/// Cursor of the next chunk, if there is one.
fn next_cursor(rows: &[SummaryRow], order: OrderKey) -> Option<Cursor> {
    let SummaryRow { shown, .. } = rows.last().filter(|_| rows.len() as u64 >= CHUNK_SIZE)?;
    let value = match order.by {
        OrderBy::CreatedAt => CursorValue::Time(Some(shown.created_at)),
        OrderBy::UpdatedAt => CursorValue::Time(Some(shown.updated_at)),
        OrderBy::Title => CursorValue::Text(shown.title.clone()),
        OrderBy::Due => CursorValue::Time(shown.due),
        OrderBy::Priority => CursorValue::Rank(shown.priority as i16),
        OrderBy::Position | OrderBy::CompletedAt => return None,
    };
    Some(Cursor { order: Order::from(order).code(), values: vec![value], number: shown.number })
}

/// What is behind a cursor.
fn from_start(behind: Option<&Cursor>) -> PageRequest {
    PageRequest { size: 0, from_end: false, after: behind.cloned(), before: None }
}

fn shown(rows: Vec<SummaryRow>) -> Vec<TaskSummary> {
    rows.into_iter().map(|it| it.shown).collect()
}

impl Tasks<'_> {
    /// The tasks of a window. Without a limit these are all tasks; of a long list they are the first chunk, and
    /// [`Tasks::summaries_after`] reads the next one.
    pub async fn summaries(
        self,
        filter: &Filter,
        order: OrderKey,
        Window { offset, limit }: Window,
    ) -> Result<SummaryPage, Error> {
        let window = Window { offset, limit: limit.or(chunk_size(order)) };
        let sorted = Order::from(order);
        let list = self.list_of_page(filter, &sorted, &from_start(None))?;
        loop {
            let rows = self.summary_rows(&list, window).await?;
            let next = if limit.is_none() { next_cursor(&rows, order) } else { None };
            let is_whole = limit.is_none() && offset == 0 && next.is_none();
            let (revision, total) = match rows.first() {
                Some(row) if is_whole => (row.revision, rows.len() as u64),
                Some(row) => (row.revision, self.total_at(row.revision, filter).await?),
                None => self.summary(filter).await?,
            };
            // Where there was nothing, something may have come before it was counted.
            if !rows.is_empty() || total <= offset {
                return Ok(SummaryPage { tasks: shown(rows), total, revision, next });
            }
        }
    }

    /// The next chunk of tasks after a cursor, and the cursor of the chunk after that, if there is one. A task whose
    /// position changes meanwhile may be read twice or not at all.
    pub async fn summaries_after(
        self,
        filter: &Filter,
        order: OrderKey,
        behind: &Cursor,
    ) -> Result<(Vec<TaskSummary>, Option<Cursor>), Error> {
        let sorted = Order::from(order);
        let list = self.list_of_page(filter, &sorted, &from_start(Some(behind)))?;
        let rows = self.summary_rows(&list, Window { offset: 0, limit: chunk_size(order) }).await?;
        let next = next_cursor(&rows, order);
        Ok((shown(rows), next))
    }

    async fn summary_rows(self, list: &OrderedList<'_>, window: Window) -> Result<Vec<SummaryRow>, Error> {
        let columns = |select| self.shown(select, self.last());
        self.rows(list, window, columns).await
    }

    /// One task and the number of the write that last changed it, if it is there.
    pub async fn find_summary(self, key: TaskRef) -> Result<Option<(TaskSummary, i64)>, Error> {
        let revision = Expr::col((task::Entity, task::Column::Revision));
        let select = self.shown(self.mine().filter(is(key)), revision);
        let found: Option<SummaryRow> = self.scope.reads().quick_row(select).await?;
        Ok(found.map(|it| (it.shown, it.revision)))
    }

    /// How many tasks meet the filter, if the owner's data is at that revision.
    async fn total_at(self, revision: i64, filter: &Filter) -> Result<u64, Error> {
        match self.kept_total(filter).and_then(|it| it.at_revision(revision)) {
            Some(total) => Ok(total),
            None => Ok(self.summary(filter).await?.1),
        }
    }

    /// The number of the owner's last write.
    fn last(self) -> SimpleExpr {
        let last = Query::select()
            .column(user_revision::Column::Revision)
            .from(user_revision::Entity)
            .and_where(user_revision::Column::OwnerId.eq(self.scope.owner))
            .take();
        SimpleExpr::SubQuery(None, Box::new(last.into()))
    }

    /// The columns of [`SummaryRow`] of these tasks.
    fn shown(self, select: Select<task::Entity>, revision: SimpleExpr) -> Select<task::Entity> {
        select
            .select_only()
            .expr(Expr::cust(SUMMARY_COLUMNS))
            .expr_as(self.scope.db.label_names(self.scope.owner), "tags")
            .expr_as(revision, "revision")
    }
}
