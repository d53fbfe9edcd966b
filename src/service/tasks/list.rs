//! Lists of tasks: filtered, ordered, whole or in pages.

use entity::task::{self, Priority};
use sea_orm::{
    ColumnTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, Select,
    sea_query::{self, Expr, ExprTrait, SimpleExpr},
};

use super::Tasks;
use crate::{
    db::{Db, due_value},
    error::{Error, Fault},
    service::page::{Cursor, CursorValue, Page, PageRequest},
};

/// How many characters a text to search for has at most.
const MAX_SEARCH: usize = 200;

/// Which tasks.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Only those in this state.
    pub completed: Option<bool>,
    /// Only those of this priority.
    pub priority: Option<Priority>,
    /// Only those whose title or description contains this.
    pub text: Option<SearchText>,
}

/// 1 to 200 characters to look for, whatever their case.
#[derive(Clone, Debug)]
pub struct SearchText(String);

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
    Created,
    /// Time of the last change.
    Updated,
    /// Title, ignoring case.
    Title,
    /// Due date; tasks without one come last in both directions.
    Due,
    /// Priority.
    Priority,
}

impl Default for Order {
    /// Newest first.
    fn default() -> Self {
        Self { by: OrderBy::Created, descending: true }
    }
}

impl SearchText {
    /// Checks the text; an empty one is none.
    pub fn parse(text: &str) -> Result<Option<Self>, Fault> {
        match text.chars().count() {
            0 => Ok(None),
            _ if text.contains('\0') => Err(Fault::Nul),
            1..=MAX_SEARCH => Ok(Some(Self(text.to_owned()))),
            _ => Err(Fault::TooLong(MAX_SEARCH)),
        }
    }
}

impl Tasks<'_> {
    /// A page of the tasks.
    pub async fn page(self, filter: &Filter, order: Order, page: &PageRequest) -> Result<Page<task::Model>, Error> {
        let key = order.key(self.db);
        let mut select = self.filtered(filter);
        for (field, cursor, behind) in [("after", &page.after, true), ("before", &page.before, false)] {
            if let Some(cursor) = cursor {
                let place = order.place(self.db, cursor).ok_or(Error::invalid(field, Fault::Cursor))?;
                let here = Expr::tuple([key.clone(), Expr::col(task::Column::Number)]);
                select = select.filter(if behind == order.descending { here.lt(place) } else { here.gt(place) });
            }
        }
        let direction = sea_order(order.descending != page.from_end);
        let rows = select
            .order_by(key, direction.clone())
            .order_by(task::Column::Number, direction)
            .limit(page.size as u64 + 1)
            .all(self.db.reader())
            .await?;
        Ok(page.cut(rows))
    }

    /// The tasks from `offset` on, all of them unless a limit is given.
    pub async fn list(
        self,
        filter: &Filter,
        order: Order,
        (offset, limit): (u64, Option<u64>),
    ) -> Result<Vec<task::Model>, Error> {
        let direction = sea_order(order.descending);
        let mut select = self
            .filtered(filter)
            .order_by(order.key(self.db), direction.clone())
            .order_by(task::Column::Number, direction);
        if limit.is_some() || offset > 0 {
            // SQLite knows no offset without a limit.
            select = select.limit(limit.unwrap_or(i64::MAX as u64)).offset(offset);
        }
        Ok(select.all(self.db.reader()).await?)
    }

    /// How many tasks there are, without loading them.
    pub async fn count(self, filter: &Filter) -> Result<u64, Error> {
        Ok(self.filtered(filter).count(self.db.reader()).await?)
    }

    fn filtered(self, filter: &Filter) -> Select<task::Entity> {
        let Filter { completed, priority, text } = filter;
        let mut select = self.mine();
        if let Some(completed) = completed {
            select = select.filter(task::Column::Completed.eq(*completed));
        }
        if let Some(priority) = priority {
            select = select.filter(task::Column::Priority.eq(*priority));
        }
        if let Some(SearchText(text)) = text {
            let within = |column| self.db.contains(column, text);
            select = select.filter(within(task::Column::Title).or(within(task::Column::Description)));
        }
        select
    }
}

impl Order {
    /// The place of a task in this order.
    pub fn cursor(self, row: &task::Model) -> Cursor {
        let value = match self.by {
            OrderBy::Created => CursorValue::Time(Some(row.created_at)),
            OrderBy::Updated => CursorValue::Time(Some(row.updated_at)),
            OrderBy::Due => CursorValue::Time(row.due),
            OrderBy::Title => CursorValue::Text(row.title.clone()),
            OrderBy::Priority => CursorValue::Rank(row.priority as i16),
        };
        Cursor { value, number: row.number }
    }

    fn key(self, db: &Db) -> SimpleExpr {
        match self.by {
            OrderBy::Created => Expr::col(task::Column::CreatedAt),
            OrderBy::Updated => Expr::col(task::Column::UpdatedAt),
            OrderBy::Priority => Expr::col(task::Column::Priority),
            OrderBy::Title => db.title_key(Expr::col(task::Column::Title)),
            OrderBy::Due => db.due_key(self.descending),
        }
    }

    /// The cursor in the terms of [`Order::key`]; nothing when it belongs to another order.
    fn place(self, db: &Db, cursor: &Cursor) -> Option<SimpleExpr> {
        let value = match (self.by, &cursor.value) {
            (OrderBy::Created | OrderBy::Updated, CursorValue::Time(Some(instant))) => Expr::value(*instant),
            (OrderBy::Due, CursorValue::Time(due)) => Expr::value(due_value(*due, self.descending)),
            (OrderBy::Title, CursorValue::Text(title)) => db.title_key(Expr::value(title.clone())),
            (OrderBy::Priority, CursorValue::Rank(rank)) => Expr::value(*rank),
            _ => return None,
        };
        Some(Expr::tuple([value, Expr::value(cursor.number)]))
    }
}

fn sea_order(descending: bool) -> sea_query::Order {
    if descending { sea_query::Order::Desc } else { sea_query::Order::Asc }
}
