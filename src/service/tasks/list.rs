//! Lists of tasks: filtered, ordered, whole or in pages.

use entity::{task, text::search_key, time::Micros, user_revision};
use sea_orm::{
    EntityTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait, Select,
    sea_query::{self, Expr, ExprTrait, SimpleExpr},
};

use super::{Filter, Tasks};
use crate::{
    cache::Cached,
    db::{Db, Pace, Window, due_value},
    error::{Error, ValidationError},
    service::{
        page::{Cursor, CursorValue, Page, PageRequest},
        scope::Scope,
    },
};

/// How many tasks are read in next to no time, if an index finds them.
const MAX_QUICK_ROWS: u64 = 51;

/// In which order; the number of the task decides between equals, in the same direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    /// By what.
    pub by: OrderBy,
    /// From the highest, latest or last.
    pub descending: bool,
}

/// What tasks can be ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderBy {
    /// Time of creation.
    CreatedAt,
    /// Time of the last change.
    UpdatedAt,
    /// Title, ignoring case.
    Title,
    /// Due date; tasks without one come last in both directions.
    Due,
    /// Priority.
    Priority,
    /// Manual order.
    Position,
}

impl Default for Order {
    /// Newest first.
    fn default() -> Self {
        Self { by: OrderBy::CreatedAt, descending: true }
    }
}

impl Tasks<'_> {
    /// A page of the tasks.
    pub async fn page(self, filter: &Filter, order: Order, page: &PageRequest) -> Result<Page<task::Model>, Error> {
        let select = self.sorted(filter, order, page.from_end);
        let select = order.beyond_page(self.scope.db, page)?.into_iter().fold(select, Select::filter);
        let window = Window { offset: 0, limit: Some(page.size as u64 + 1) };
        Ok(page.cut(self.scope.db.reader().window(select, window, pace(filter, order, window)).await?))
    }

    /// The tasks in their order, or from the end backwards.
    pub(super) fn sorted(self, filter: &Filter, order: Order, from_end: bool) -> Select<task::Entity> {
        let direction = sea_order(order.descending != from_end);
        self.filtered(filter)
            .order_by(order.key(self.scope.db), direction.clone())
            .order_by(task::Column::Number, direction)
    }

    /// How many tasks there are, without loading them.
    pub async fn count(self, filter: &Filter) -> Result<u64, Error> {
        if let Some(kept) = self.kept_total(filter) {
            let revision = self.scope.counter().await?.map_or(0, |row| row.revision);
            if let Some(total) = kept.at_revision(revision) {
                return Ok(total);
            }
        }
        Ok(self.summary(filter).await?.1)
    }

    /// The total that was counted last, if it may still hold.
    pub(super) fn kept_total(self, filter: &Filter) -> Option<Cached<u64>> {
        let Scope { owner, totals, events, .. } = self.scope;
        totals.get(owner, filter).filter(|it| events.is_same_database_since(it.read_at()))
    }

    /// The number of the owner's last write, and how many tasks there were at that moment, in one statement.
    pub(super) async fn summary(self, filter: &Filter) -> Result<(i64, u64), Error> {
        let count = self.filtered(filter).select_only().expr_as(Expr::cust("COUNT(*)"), "total").into_query();
        let total = SimpleExpr::SubQuery(None, Box::new(count.into()));
        let select = user_revision::Entity::find_by_id(self.scope.owner.clone())
            .select_only()
            .column(user_revision::Column::Revision)
            .expr_as(total, "total");
        let found: Option<(i64, i64)> = self.scope.db.reader().row(select).await?;
        // Who never wrote anything has no tasks.
        let (revision, total) = found.unwrap_or_default();
        let summary = (revision, total.unsigned_abs());
        self.scope.totals.insert(self.scope.owner, filter, summary.0, summary.1);
        Ok(summary)
    }
}

/// How long a page takes: an index finds the first of all tasks in any order, and of those in a state by their time of
/// creation. What else meets a filter may be far apart.
pub(super) fn pace(filter: &Filter, order: Order, window: Window) -> Pace {
    let is_by_state_only = Filter { completed: None, ..filter.clone() } == Filter::default();
    let has_index = filter.completed.is_none() || order.by == OrderBy::CreatedAt;
    let are_few = window.limit.is_some_and(|limit| window.offset.saturating_add(limit) <= MAX_QUICK_ROWS);
    if is_by_state_only && has_index && are_few { Pace::Quick } else { Pace::Any }
}

impl Order {
    /// Manual order.
    pub const MANUAL: Self = Self { by: OrderBy::Position, descending: false };

    /// The place of a task in this order.
    pub fn cursor(self, row: &task::Model) -> Cursor {
        let value = match self.by {
            OrderBy::CreatedAt => CursorValue::Time(Some(row.created_at)),
            OrderBy::UpdatedAt => CursorValue::Time(Some(row.updated_at)),
            OrderBy::Due => CursorValue::Time(due_order(row)),
            OrderBy::Position => CursorValue::Text(row.position.clone()),
            OrderBy::Title => CursorValue::Text(row.title.clone()),
            OrderBy::Priority => CursorValue::Rank(row.priority as i16),
        };
        Cursor { value, number: row.number }
    }

    fn key(self, db: &Db) -> SimpleExpr {
        match self.by {
            OrderBy::CreatedAt => Expr::col(task::Column::CreatedAt),
            OrderBy::UpdatedAt => Expr::col(task::Column::UpdatedAt),
            OrderBy::Priority => Expr::col(task::Column::Priority),
            OrderBy::Position => Expr::col(task::Column::Position),
            OrderBy::Title => Expr::col(task::Column::TitleKey),
            OrderBy::Due => db.due_key(self.descending),
        }
    }

    /// What is true of tasks between the cursors of a page.
    pub(super) fn beyond_page(self, db: &Db, page: &PageRequest) -> Result<Vec<SimpleExpr>, Error> {
        let cursors = [("after", &page.after, true), ("before", &page.before, false)];
        let beyond = |(field, cursor, is_after): (_, &Option<Cursor>, _)| {
            let cursor = cursor.as_ref()?;
            Some(self.beyond(db, cursor, is_after).ok_or(Error::invalid(field, ValidationError::Cursor)))
        };
        cursors.into_iter().filter_map(beyond).collect()
    }

    /// What is true of tasks after the cursor in this order, or before it; nothing when it belongs to another order.
    pub(super) fn beyond(self, db: &Db, cursor: &Cursor, is_after: bool) -> Option<SimpleExpr> {
        let here = Expr::tuple([self.key(db), Expr::col(task::Column::Number)]);
        let place = self.place(cursor)?;
        Some(if is_after == self.descending { here.lt(place) } else { here.gt(place) })
    }

    /// The cursor in the terms of [`Order::key`]; nothing when it belongs to another order.
    fn place(self, cursor: &Cursor) -> Option<SimpleExpr> {
        let value = match (self.by, &cursor.value) {
            (OrderBy::CreatedAt | OrderBy::UpdatedAt, CursorValue::Time(Some(instant))) => Expr::value(*instant),
            (OrderBy::Due, CursorValue::Time(due)) => Expr::value(due_value(*due, self.descending)),
            (OrderBy::Position, CursorValue::Text(position)) => Expr::value(position.clone()),
            (OrderBy::Title, CursorValue::Text(title)) => Expr::value(search_key(title)),
            (OrderBy::Priority, CursorValue::Rank(rank)) => Expr::value(*rank),
            _ => return None,
        };
        Some(Expr::tuple([value, Expr::value(cursor.number)]))
    }
}

/// What the column `due_order` holds.
fn due_order(row: &task::Model) -> Option<Micros> {
    let midnight = row.due_date.map(|date| Micros::from(date.and_time(chrono::NaiveTime::MIN).and_utc()));
    row.due_at.or(midnight)
}

pub(super) fn sea_order(descending: bool) -> sea_query::Order {
    if descending { sea_query::Order::Desc } else { sea_query::Order::Asc }
}
