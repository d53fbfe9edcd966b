//! Lists of tasks: filtered, ordered, whole or in pages.

use entity::{task, user_revision};
use sea_orm::{
    EntityTrait, QueryFilter, QuerySelect, QueryTrait, Select,
    sea_query::{Expr, SimpleExpr},
};

use super::{Filter, Order, Tasks};
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

impl Tasks<'_> {
    /// A page of the tasks.
    pub async fn page(self, filter: &Filter, order: &Order, page: &PageRequest) -> Result<Page<task::Model>, Error> {
        let select = self.sorted(filter, order, page.from_end);
        let select = order.beyond_page(self.scope.db, page)?.into_iter().fold(select, Select::filter);
        let window = Window { offset: 0, limit: Some(page.size as u64 + 1) };
        Ok(page.cut(self.scope.db.reader().window(select, window, pace(filter, order, window)).await?))
    }

    /// The tasks in their order, or from the end backwards.
    pub(super) fn sorted(self, filter: &Filter, order: &Order, from_end: bool) -> Select<task::Entity> {
        order.sort(self.scope.db, self.filtered(filter), from_end)
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
pub(super) fn pace(filter: &Filter, order: &Order, window: Window) -> Pace {
    let is_by_state_only = Filter { completed: None, ..filter.clone() } == Filter::default();
    let has_index = if filter.completed.is_none() { order.has_index() } else { order.is_by_creation() };
    let are_few = window.limit.is_some_and(|limit| window.offset.saturating_add(limit) <= MAX_QUICK_ROWS);
    if is_by_state_only && has_index && are_few { Pace::Quick } else { Pace::Any }
}
