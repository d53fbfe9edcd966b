//! Lists of tasks: filtered, ordered, whole or in pages.

use entity::{
    row::FromRow,
    task::{self, Priority},
    user_revision,
};
use sea_orm::{
    ColumnTrait, EntityTrait, Iterable, PaginatorTrait, QueryFilter, QuerySelect, QueryTrait, Select,
    sea_query::{self, Alias, Expr, Query, SelectStatement, SimpleExpr, UnionType},
};

use super::{Filter, Order, Tasks, order::Part};
use crate::{
    cache::Cached,
    db::{Pace, Window},
    error::Error,
    service::{
        page::{Page, PageRequest},
        scope::Scope,
    },
};

/// How many tasks are read in next to no time, if an index finds them.
const MAX_QUICK_ROWS: u64 = 51;
/// How many tasks are left out by reading them; more are counted first, where they may all be of one part.
const MAX_OFFSET_READ: u64 = 1000;

/// Tasks in their order, or from the end backwards.
pub(super) struct OrderedList<'a> {
    pub(super) filter: &'a Filter,
    pub(super) order: &'a Order,
    pub(super) from_end: bool,
    /// The parts that are read, in the direction in which they are.
    pub(super) parts: Vec<PartOfList>,
}

/// A part, and what is true of those of its tasks that are read.
pub(super) struct PartOfList {
    pub(super) part: Part,
    pub(super) conditions: Vec<SimpleExpr>,
}

impl Tasks<'_> {
    /// A page of the tasks.
    pub async fn page(self, filter: &Filter, order: &Order, page: &PageRequest) -> Result<Page<task::Model>, Error> {
        let list = self.list_of_page(filter, order, page)?;
        let window = Window { offset: 0, limit: Some(page.size as u64 + 1) };
        Ok(page.cut(self.rows(&list, window, |it| it).await?))
    }

    /// What is between the cursors of a page.
    pub(super) fn list_of_page<'a>(
        self,
        filter: &'a Filter,
        order: &'a Order,
        page: &PageRequest,
    ) -> Result<OrderedList<'a>, Error> {
        let mut parts = Vec::new();
        for part in order.parts(page.from_end) {
            let beyond = order.beyond_page(self.scope.db, page, *part)?;
            parts.extend(beyond.map(|conditions| PartOfList { part: *part, conditions }));
        }
        Ok(OrderedList { filter, order, from_end: page.from_end, parts })
    }

    /// The columns of the tasks of a window.
    pub(super) async fn rows<T: FromRow>(
        self,
        list: &OrderedList<'_>,
        window: Window,
        columns: impl Fn(Select<task::Entity>) -> Select<task::Entity>,
    ) -> Result<Vec<T>, Error> {
        match list.parts.as_slice() {
            // The cursors of a page have nothing between them.
            [] => Ok(Vec::new()),
            [part] => self.part(list, part, window, &columns).await,
            // What is rare is not to make every list's future larger.
            [first, second, ..] => Box::pin(self.parts(list, [first, second], window, columns)).await,
        }
    }

    /// One part of their order after the other, in one statement if the first does not fill the window: a task may go over
    /// to another part at any moment.
    async fn parts<T: FromRow>(
        self,
        list: &OrderedList<'_>,
        [first, second]: [&PartOfList; 2],
        window: Window,
        columns: impl Fn(Select<task::Entity>) -> Select<task::Entity>,
    ) -> Result<Vec<T>, Error> {
        if let Window { offset: 0, limit: Some(limit) } = window {
            let found = self.part(list, first, window, &columns).await?;
            if found.len() as u64 >= limit {
                return Ok(found);
            }
        }
        let skipped = if window.offset > MAX_OFFSET_READ { window.offset } else { 0 };
        if skipped > 0 {
            let count = self.sorted(list, first).count(&*self.scope.reads()).await?;
            if count <= skipped {
                return self.part(list, second, Window { offset: skipped - count, ..window }, &columns).await;
            }
        }
        let are_quick = list.parts.iter().all(|it| matches!(pace(list, it.part, window), Pace::Quick));
        let pace = if are_quick { Pace::Quick } else { Pace::Any };
        let window = Window { offset: window.offset - skipped, ..window };
        let many = window.limit.map(|limit| window.offset.saturating_add(limit));
        Ok(self.scope.reads().window(&self.joined(list, skipped, many, &columns), window, pace).await?)
    }

    /// The statement that reads all parts one after the other, so many of each, and leaves out so many of the first. Each
    /// row has its place behind its columns, because what is joined has no order by itself.
    fn joined(
        self,
        list: &OrderedList<'_>,
        skipped: u64,
        many: Option<u64>,
        columns: &impl Fn(Select<task::Entity>) -> Select<task::Entity>,
    ) -> SelectStatement {
        let mut parts = list.parts.iter().enumerate().map(|(number, part)| {
            let offset = if number == 0 { skipped } else { 0 };
            let mut tasks = self.part_statement(list, part, Window { offset, limit: many }, columns);
            if let Some(many) = many {
                tasks.limit(many);
            }
            if offset > 0 {
                // SQLite knows no offset without a limit.
                tasks.limit(many.unwrap_or(i64::MAX.unsigned_abs())).offset(offset);
            }
            Query::select()
                .expr(Expr::cust("*"))
                .expr_as(Expr::cust(number.to_string()), Alias::new("part"))
                .expr_as(Expr::cust("row_number() over ()"), Alias::new("place"))
                .from_subquery(tasks, Alias::new("some"))
                .to_owned()
        });
        let mut all = parts.next().unwrap_or_default();
        all.unions(parts.map(|it| (UnionType::All, it)));
        all.order_by(Alias::new("part"), sea_query::Order::Asc).order_by(Alias::new("place"), sea_query::Order::Asc);
        all
    }

    async fn part<T: FromRow>(
        self,
        list: &OrderedList<'_>,
        part: &PartOfList,
        window: Window,
        columns: &impl Fn(Select<task::Entity>) -> Select<task::Entity>,
    ) -> Result<Vec<T>, Error> {
        let statement = self.part_statement(list, part, window, columns);
        Ok(self.scope.reads().window(&statement, window, pace(list, part.part, window)).await?)
    }

    /// The statement that reads a window of a part.
    fn part_statement(
        self,
        list: &OrderedList<'_>,
        part: &PartOfList,
        window: Window,
        columns: impl Fn(Select<task::Entity>) -> Select<task::Entity>,
    ) -> SelectStatement {
        let select = columns(self.sorted(list, part));
        match window.limit {
            Some(limit) if list.order.is_by_number(part.part) => {
                self.by_number(&select, list, window.offset.saturating_add(limit))
            }
            _ => select.into_query(),
        }
    }

    /// The tasks of a part in their order.
    fn sorted(self, list: &OrderedList<'_>, PartOfList { part, conditions }: &PartOfList) -> Select<task::Entity> {
        let tasks = conditions.iter().cloned().fold(self.filtered(list.filter), Select::filter);
        list.order.sort(self.scope.db, tasks, *part, list.from_end)
    }

    /// The first of the tasks by their numbers, which the index of priorities has for each priority.
    fn by_number(self, sorted: &Select<task::Entity>, list: &OrderedList<'_>, count: u64) -> SelectStatement {
        let direction = list.order.number_order(list.from_end);
        let mut of_each = Priority::iter().map(|priority| {
            let mut some = sorted.clone().filter(task::Column::Priority.eq(priority)).into_query();
            if self.scope.db.is_shared() {
                let first = some.limit(count).to_owned();
                Query::select().expr(Expr::cust("*")).from_subquery(first, Alias::new("some")).to_owned()
            } else {
                // SQLite takes from each what it needs, and has no order inside of such a statement.
                some.clear_order_by().to_owned()
            }
        });
        let mut all = of_each.next().unwrap_or_default();
        all.unions(of_each.map(|it| (UnionType::All, it)));
        all.order_by(Alias::new("number"), direction);
        all
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
        let select = user_revision::Entity::find_by_id(self.scope.owner)
            .select_only()
            .column(user_revision::Column::Revision)
            .expr_as(total, "total");
        let found: Option<(i64, i64)> = self.scope.reads().row(select).await?;
        // Who never wrote anything has no tasks.
        let (revision, total) = found.unwrap_or_default();
        let summary = (revision, total.unsigned_abs());
        self.scope.totals.insert(self.scope.owner, filter, summary.0, summary.1);
        Ok(summary)
    }
}

/// How long a page takes: an index finds the first of all tasks in any order, and of those in a state by their time of
/// creation. What else meets a filter may be far apart.
fn pace(list: &OrderedList<'_>, part: Part, window: Window) -> Pace {
    let OrderedList { filter, order, .. } = list;
    let is_by_state_only = Filter { completed: None, ..(*filter).clone() } == Filter::default();
    let has_index = if filter.completed.is_none() { order.has_index(part) } else { order.is_by_creation() };
    let are_few = window.limit.is_some_and(|limit| window.offset.saturating_add(limit) <= MAX_QUICK_ROWS);
    if is_by_state_only && has_index && are_few { Pace::Quick } else { Pace::Any }
}
