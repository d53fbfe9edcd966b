//! Orders of tasks, and the cursors of the places in them.
//!
//! Tasks without the value of the first key come behind the others, or before them, and the index of that key has none of
//! them. So such an order has two parts, which are read one after the other.

use entity::{task, text::search_key, time::Micros};
use sea_orm::{
    ColumnTrait, QueryFilter, QueryOrder, Select,
    sea_query::{self, Alias, Expr, ExprTrait, SimpleExpr},
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

/// A part of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// All tasks.
    Whole,
    /// Those that have the value of the first key.
    Present,
    /// Those that do not, in the order of the other keys.
    Absent,
}

/// What a part of an order is sorted by, and the value that a cursor has for it.
struct KeyPlace {
    expression: SimpleExpr,
    descending: bool,
    value: SimpleExpr,
}

/// Which tasks of a part are beyond a cursor.
pub(super) enum Beyond {
    All,
    None,
    /// Those of which that is true.
    Some(SimpleExpr),
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

    /// The column that a part has whose tasks have the value, of a key that tasks may be without.
    fn column(self) -> Option<SimpleExpr> {
        match self.by {
            OrderBy::CompletedAt => Some(Expr::col(task::Column::CompletedAt.as_column_ref())),
            OrderBy::Due => Some(due_column()),
            _ => None,
        }
    }

    /// What all tasks are sorted by.
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
            OrderBy::Due => db.column_or_stand_in(due_column(), self.is_null_highest()),
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

    /// Whether an index has the tasks of a part in this order.
    pub(super) fn has_index(&self, part: Part) -> bool {
        part != Part::Absent && self.then.is_empty()
    }

    /// The parts, first the one that is first from that end.
    pub(super) fn parts(&self, from_end: bool) -> &'static [Part] {
        match (self.first.column(), self.first.nulls_first == from_end) {
            (None, _) => &[Part::Whole],
            (Some(_), true) => &[Part::Present, Part::Absent],
            (Some(_), false) => &[Part::Absent, Part::Present],
        }
    }

    /// Whether the tasks of a part have no key but their number.
    pub(super) fn is_by_number(&self, part: Part) -> bool {
        part == Part::Absent && self.then.is_empty()
    }

    /// The direction of the numbers, which decide between equals.
    pub(super) fn number_order(&self, from_end: bool) -> sea_query::Order {
        sea_order(self.first.descending != from_end)
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

    /// The keys of a part, and what they sort by there.
    fn sorted_by(&self, db: &Db, part: Part) -> impl Iterator<Item = (OrderKey, SimpleExpr)> {
        let first = match part {
            Part::Whole => Some(self.first.expression(db)),
            Part::Present => self.first.column(),
            Part::Absent => None,
        };
        let first = first.map(|expression| (self.first, expression));
        first.into_iter().chain(self.then.iter().map(|key| (*key, key.expression(db))))
    }

    /// The tasks of a part, in this order or in its opposite.
    pub(super) fn sort(
        &self,
        db: &Db,
        tasks: Select<task::Entity>,
        part: Part,
        from_end: bool,
    ) -> Select<task::Entity> {
        let mut tasks = match (part, self.first.column()) {
            (Part::Present, Some(column)) => tasks.filter(column.is_not_null()),
            (Part::Absent, Some(column)) => tasks.filter(column.is_null()),
            _ => tasks,
        };
        for (key, expression) in self.sorted_by(db, part) {
            tasks = tasks.order_by(expression, sea_order(key.descending != from_end));
        }
        tasks.order_by(task::Column::Number, self.number_order(from_end))
    }

    /// What is true of the tasks of a part between the cursors of a page; nothing when none of them is there.
    pub(super) fn beyond_page(
        &self,
        db: &Db,
        page: &PageRequest,
        part: Part,
    ) -> Result<Option<Vec<SimpleExpr>>, Error> {
        let mut conditions = Vec::new();
        for (field, cursor, is_after) in [("after", &page.after, true), ("before", &page.before, false)] {
            let Some(cursor) = cursor else { continue };
            match self.beyond(db, cursor, part, is_after).ok_or(Error::invalid(field, ValidationError::Cursor))? {
                Beyond::All => {}
                Beyond::None => return Ok(None),
                Beyond::Some(condition) => conditions.push(condition),
            }
        }
        Ok(Some(conditions))
    }

    /// Which tasks of a part are after the cursor in this order, or before it; nothing when it belongs to another order.
    pub(super) fn beyond(&self, db: &Db, cursor: &Cursor, part: Part, is_after: bool) -> Option<Beyond> {
        let values: Option<Vec<_>> = self.keys().zip(&cursor.values).map(|(key, value)| key.place(value)).collect();
        let values = values.filter(|it| cursor.order == self.code() && it.len() == cursor.values.len())?;
        if values.len() != 1 + self.then.len() {
            return None;
        }
        let is_absent = matches!(cursor.values.first(), Some(CursorValue::Time(None)));
        let of_other_part = if is_absent { Part::Present } else { Part::Absent };
        if part == of_other_part {
            // Behind the cursor is all of a part or nothing of it.
            let is_behind = self.first.nulls_first == is_absent;
            return Some(if is_behind == is_after { Beyond::All } else { Beyond::None });
        }
        let values = values.into_iter().skip(usize::from(part == Part::Absent));
        let place =
            |((key, expression), value): ((OrderKey, _), _)| KeyPlace { expression, descending: key.descending, value };
        let places = self.sorted_by(db, part).zip(values).map(place).collect();
        Some(Beyond::Some(self.beyond_places(places, cursor.number, is_after)))
    }

    fn beyond_places(&self, places: Vec<KeyPlace>, number: i64, is_after: bool) -> SimpleExpr {
        let is_greater = is_after != self.first.descending;
        let (here, its) = (Expr::col(task::Column::Number), Expr::value(number));
        let outermost = match places.as_slice() {
            [] => return beyond(here, its, is_greater),
            [KeyPlace { expression, descending, value }] if *descending == self.first.descending => {
                // One comparison, for which an index has the first row.
                let (here, place) = (Expr::tuple([expression.clone(), here]), Expr::tuple([value.clone(), its]));
                return beyond(here, place, is_greater);
            }
            [KeyPlace { expression, descending, value }, ..] if is_after == *descending => {
                expression.clone().lte(value.clone())
            }
            [KeyPlace { expression, value, .. }, ..] => expression.clone().gte(value.clone()),
        };
        let equal_or_beyond = |inner: SimpleExpr, KeyPlace { expression, descending, value }| {
            let is_equal = expression.clone().eq(value.clone());
            beyond(expression, value, is_after != descending).or(is_equal.and(inner))
        };
        // The first condition says nothing new, but an index can use it.
        outermost.and(places.into_iter().rev().fold(beyond(here, its, is_greater), equal_or_beyond))
    }
}

fn beyond(here: SimpleExpr, place: SimpleExpr, is_greater: bool) -> SimpleExpr {
    if is_greater { here.gt(place) } else { here.lt(place) }
}

/// When a task is due: an instant, or the midnight of its date in UTC.
pub(super) fn due_column() -> SimpleExpr {
    Expr::col((task::Entity, Alias::new("due_order")))
}

/// What that column holds.
fn due_order(row: &task::Model) -> Option<Micros> {
    let midnight = row.due_date.map(|date| Micros::from(date.and_time(chrono::NaiveTime::MIN).and_utc()));
    row.due_at.or(midnight)
}

pub(super) fn sea_order(descending: bool) -> sea_query::Order {
    if descending { sea_query::Order::Desc } else { sea_query::Order::Asc }
}
