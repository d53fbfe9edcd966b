//! Orders of tasks, and the cursors of the places in them.

use entity::{task, text::search_key, time::Micros};
use sea_orm::{
    ColumnTrait, QueryOrder, Select,
    sea_query::{self, Expr, ExprTrait, SimpleExpr},
};

use crate::{
    db::{Db, time_or_stand_in},
    error::{Error, ValidationError},
    service::page::{Cursor, CursorValue, PageRequest},
};

/// How many keys an order has at most.
const MAX_KEYS: usize = 4;

/// In which order: by the first key, between equals by the next one, and in the end by the number of the task, in the
/// direction of the first key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    first: OrderKey,
    then: Vec<OrderKey>,
}

/// One key of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderKey {
    /// By what.
    pub by: OrderBy,
    /// From the highest, latest or last.
    pub descending: bool,
    /// Whether tasks without the value come first; they come last otherwise, in both directions.
    pub nulls_first: bool,
}

/// A key, and the value that a cursor has for it, in the terms of [`OrderKey::expression`].
struct KeyPlace {
    key: OrderKey,
    value: SimpleExpr,
}

/// What tasks can be ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderBy {
    /// Time of creation.
    CreatedAt,
    /// Time of the last change.
    UpdatedAt,
    /// Time of completion.
    CompletedAt,
    /// Title, ignoring case.
    Title,
    /// Due date.
    Due,
    /// Priority.
    Priority,
    /// Manual order.
    Position,
}

impl OrderKey {
    /// A key in the direction that people expect: times and priorities from the highest, except when a task is due.
    pub fn new(by: OrderBy) -> Self {
        use OrderBy::{CompletedAt, CreatedAt, Priority, UpdatedAt};
        Self { by, descending: matches!(by, CreatedAt | UpdatedAt | CompletedAt | Priority), nulls_first: false }
    }

    /// How many different keys there are.
    const CODES: u32 = 7 * 4;

    /// A number from 1 to [`OrderKey::CODES`] that no other key has.
    fn code(self) -> u32 {
        let direction = 2 * u32::from(self.descending) + u32::from(self.nulls_first);
        1 + 4 * self.by as u32 + direction
    }

    /// The value that a task is ordered by.
    fn value(self, row: &task::Model) -> CursorValue {
        match self.by {
            OrderBy::CreatedAt => CursorValue::Time(Some(row.created_at)),
            OrderBy::UpdatedAt => CursorValue::Time(Some(row.updated_at)),
            OrderBy::CompletedAt => CursorValue::Time(row.completed_at),
            OrderBy::Due => CursorValue::Time(due_order(row)),
            OrderBy::Position => CursorValue::Text(row.position.clone()),
            OrderBy::Title => CursorValue::Text(row.title.clone()),
            OrderBy::Priority => CursorValue::Rank(row.priority as i16),
        }
    }

    fn expression(self, db: &Db) -> SimpleExpr {
        match self.by {
            OrderBy::CreatedAt => Expr::col(task::Column::CreatedAt),
            OrderBy::UpdatedAt => Expr::col(task::Column::UpdatedAt),
            OrderBy::Priority => Expr::col(task::Column::Priority),
            OrderBy::Position => Expr::col(task::Column::Position),
            OrderBy::Title => Expr::col(task::Column::TitleKey),
            OrderBy::CompletedAt => {
                db.column_or_stand_in(Expr::col(task::Column::CompletedAt.as_column_ref()), self.is_null_highest())
            }
            OrderBy::Due => db.due_or_stand_in(self.is_null_highest()),
        }
    }

    /// A value of a cursor in the terms of [`OrderKey::expression`]; nothing when it belongs to another key.
    fn place(self, value: &CursorValue) -> Option<SimpleExpr> {
        Some(match (self.by, value) {
            (OrderBy::CreatedAt | OrderBy::UpdatedAt, CursorValue::Time(Some(instant))) => Expr::value(*instant),
            (OrderBy::Due | OrderBy::CompletedAt, CursorValue::Time(instant)) => {
                Expr::value(time_or_stand_in(*instant, self.is_null_highest()))
            }
            (OrderBy::Position, CursorValue::Text(position)) => Expr::value(position.clone()),
            (OrderBy::Title, CursorValue::Text(title)) => Expr::value(search_key(title)),
            (OrderBy::Priority, CursorValue::Rank(rank)) => Expr::value(*rank),
            _ => return None,
        })
    }

    fn is_null_highest(self) -> bool {
        self.descending == self.nulls_first
    }
}

impl From<OrderKey> for Order {
    fn from(first: OrderKey) -> Self {
        Self { first, then: Vec::new() }
    }
}

impl Default for Order {
    /// Newest first.
    fn default() -> Self {
        OrderKey::new(OrderBy::CreatedAt).into()
    }
}

impl Order {
    /// Manual order.
    pub const MANUAL: Self =
        Self { first: OrderKey { by: OrderBy::Position, descending: false, nulls_first: false }, then: Vec::new() };

    /// An order by these keys, each of which orders by something else; without keys the newest is first.
    pub fn parse(keys: Vec<OrderKey>) -> Result<Self, Error> {
        if keys.len() > MAX_KEYS {
            return Err(Error::invalid("order", ValidationError::TooMany(MAX_KEYS)));
        }
        let is_twice = |index: usize| keys[..index].iter().any(|it| it.by == keys[index].by);
        if (1..keys.len()).any(is_twice) {
            return Err(Error::invalid("order", ValidationError::Rule("must not order by a field twice")));
        }
        let mut keys = keys.into_iter();
        Ok(keys.next().map(|first| Self { first, then: keys.collect() }).unwrap_or_default())
    }

    /// Whether an index has all tasks in this order, and that of all of a state.
    pub(super) fn is_by_creation(&self) -> bool {
        self.first.by == OrderBy::CreatedAt && self.then.is_empty()
    }

    /// Whether an index has all tasks in this order.
    pub(super) fn has_index(&self) -> bool {
        self.first.by != OrderBy::CompletedAt && self.then.is_empty()
    }

    fn keys(&self) -> impl DoubleEndedIterator<Item = OrderKey> {
        std::iter::once(self.first).chain(self.then.iter().copied())
    }

    /// A number that no other order has, for its cursors.
    pub(super) fn code(&self) -> u32 {
        self.keys().fold(0, |code, key| code * (OrderKey::CODES + 1) + key.code())
    }

    /// The place of a task in this order.
    pub fn cursor(&self, row: &task::Model) -> Cursor {
        let values = self.keys().map(|key| key.value(row)).collect();
        Cursor { order: self.code(), values, number: row.number }
    }

    /// Puts tasks in this order, or in its opposite.
    pub(super) fn sort(&self, db: &Db, tasks: Select<task::Entity>, from_end: bool) -> Select<task::Entity> {
        let sort =
            |tasks: Select<_>, key: OrderKey| tasks.order_by(key.expression(db), sea_order(key.descending != from_end));
        let number = sea_order(self.first.descending != from_end);
        self.keys().fold(tasks, sort).order_by(task::Column::Number, number)
    }

    /// What is true of tasks between the cursors of a page.
    pub(super) fn beyond_page(&self, db: &Db, page: &PageRequest) -> Result<Vec<SimpleExpr>, Error> {
        let cursors = [("after", &page.after, true), ("before", &page.before, false)];
        let beyond = |(field, cursor, is_after): (_, &Option<Cursor>, _)| {
            let cursor = cursor.as_ref()?;
            Some(self.beyond(db, cursor, is_after).ok_or(Error::invalid(field, ValidationError::Cursor)))
        };
        cursors.into_iter().filter_map(beyond).collect()
    }

    /// What is true of tasks after the cursor in this order, or before it; nothing when it belongs to another order.
    pub(super) fn beyond(&self, db: &Db, cursor: &Cursor, is_after: bool) -> Option<SimpleExpr> {
        if cursor.order != self.code() || cursor.values.len() != 1 + self.then.len() {
            return None;
        }
        let places =
            self.keys().zip(&cursor.values).map(|(key, value)| Some(KeyPlace { key, value: key.place(value)? }));
        let places: Vec<KeyPlace> = places.collect::<Option<_>>()?;
        let is_greater = is_after != self.first.descending;
        let (number, its) = (Expr::col(task::Column::Number), Expr::value(cursor.number));
        if let [KeyPlace { key, value }] = places.as_slice() {
            // One comparison, for which an index has the first row.
            let (here, place) = (Expr::tuple([key.expression(db), number]), Expr::tuple([value.clone(), its]));
            return Some(beyond(here, place, is_greater));
        }
        let outermost = places.first().map(|KeyPlace { key, value }| {
            let here = key.expression(db);
            if is_greater { here.gte(value.clone()) } else { here.lte(value.clone()) }
        })?;
        let equal_or_beyond = |inner: SimpleExpr, KeyPlace { key, value }| {
            let is_equal = key.expression(db).eq(value.clone());
            beyond(key.expression(db), value, is_after != key.descending).or(is_equal.and(inner))
        };
        // The first condition says nothing new, but an index can use it.
        Some(outermost.and(places.into_iter().rev().fold(beyond(number, its, is_greater), equal_or_beyond)))
    }
}

fn beyond(here: SimpleExpr, place: SimpleExpr, is_greater: bool) -> SimpleExpr {
    if is_greater { here.gt(place) } else { here.lt(place) }
}

/// What the column `due_order` holds.
fn due_order(row: &task::Model) -> Option<Micros> {
    let midnight = row.due_date.map(|date| Micros::from(date.and_time(chrono::NaiveTime::MIN).and_utc()));
    row.due_at.or(midnight)
}

pub(super) fn sea_order(descending: bool) -> sea_query::Order {
    if descending { sea_query::Order::Desc } else { sea_query::Order::Asc }
}
