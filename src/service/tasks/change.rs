//! Statements that change tasks, each row under a number of its own.

use entity::{task, time::Micros};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
    sea_query::{Alias, CaseStatement, Expr, ExprTrait, Query, SimpleExpr, TableRef},
};

use super::{Due, Tasks, TimeZone, position};
use crate::{error::Error, service::scope::Write};

/// How many tasks get new places by one statement, which PostgreSQL gives three seconds.
const BATCH_SIZE: u64 = 2000;

/// New values of columns.
pub(super) type ColumnValues = Vec<(task::Column, SimpleExpr)>;

impl Tasks<'_> {
    /// Counts all tasks that are there and meet the condition as changed.
    pub(in crate::service) async fn touch(self, write: &mut Write, which: SimpleExpr) -> Result<(), Error> {
        self.change_all(write, which, ColumnValues::new()).await.map(drop)
    }

    /// Changes all of the owner's tasks that are there and meet the condition, in one statement; how many there are.
    pub(in crate::service) async fn change_all(
        self,
        write: &mut Write,
        which: SimpleExpr,
        changes: ColumnValues,
    ) -> Result<u64, Error> {
        self.change_with_deleted(write, task::Column::DeletedAt.is_null().and(which), changes).await
    }

    /// As [`Tasks::change_all`], but deleted tasks too if they meet the condition.
    pub(super) async fn change_with_deleted(
        self,
        write: &mut Write,
        which: SimpleExpr,
        changes: ColumnValues,
    ) -> Result<u64, Error> {
        let now = (task::Column::UpdatedAt, Expr::value(Micros::now()));
        let changes = changes.into_iter().chain([now]).collect();
        self.change_in_order(write, which, "number", |_| changes).await
    }

    /// Puts all tasks, deleted ones too, at new places in the order that they have, where there is room between any two.
    /// Their owner has not changed them, and their time of change stays.
    pub(super) async fn rebalance(self, write: &mut Write) -> Result<(), Error> {
        let last = write.numbers(0).await?;
        loop {
            let first = self
                .with_deleted()
                .select_only()
                .column(task::Column::Number)
                .filter(task::Column::Revision.lte(last))
                .order_by_asc(task::Column::Position)
                .order_by_asc(task::Column::Number)
                .limit(BATCH_SIZE);
            let which = task::Column::Number.in_subquery(first.into_query());
            let place = |number: &str| vec![(task::Column::Position, position::behind_all_in_sql(number))];
            if self.change_in_order(write, which, "position, number", place).await? == 0 {
                return Ok(());
            }
        }
    }

    /// Changes tasks of the owner, which take their numbers in an order, to what those lead to; how many there are.
    /// Both the statement and the one inside it name the owner: a task's number says nothing about whose it is.
    async fn change_in_order(
        self,
        write: &mut Write,
        which: SimpleExpr,
        order: &str,
        changes: impl FnOnce(&str) -> ColumnValues,
    ) -> Result<u64, Error> {
        let mine = task::Column::OwnerId.eq(write.owner());
        let which = mine.clone().and(which);
        let count = task::Entity::find().filter(which.clone()).count(write.connection()).await?;
        if count == 0 {
            return Ok(0);
        }
        let base = write.numbers(i64::try_from(count).map_err(Error::internal)?).await?;
        let (ranked, number, rank) = (Alias::new("ranked"), Alias::new("n"), Alias::new("rank"));
        let ranks = Query::select()
            .expr_as(Expr::col(task::Column::Number), number.clone())
            .expr_as(Expr::cust(format!("row_number() over (order by {order})")), rank.clone())
            .from(task::Entity)
            .and_where(which)
            .to_owned();
        let mut update = Query::update()
            .table(task::Entity)
            .values(changes(&format!("(ranked.rank + {base})")))
            .value(task::Column::Revision, Expr::col((ranked.clone(), rank)).add(base))
            .and_where(mine)
            .and_where(Expr::col((task::Entity, task::Column::Number)).equals((ranked.clone(), number)))
            .to_owned();
        update.from(TableRef::SubQuery(ranks.into(), ranked.into()));
        write.connection().execute(&update).await?;
        Ok(count)
    }
}

/// Sets the state, and the time of completion with it: kept when the task was completed already.
pub(super) fn completion(completed: SimpleExpr) -> ColumnValues {
    let since = CaseStatement::new()
        .case(completed.clone(), Expr::col(task::Column::CompletedAt).if_null(Expr::value(Micros::now())))
        .finally(Expr::value(None::<Micros>));
    vec![(task::Column::Completed, completed), (task::Column::CompletedAt, since.into())]
}

/// Sets when a task is due.
pub(super) fn due(due: Option<Due>) -> ColumnValues {
    let date = |value: Option<chrono::NaiveDate>| Expr::value(value);
    let at = |value: Option<Micros>| Expr::value(value);
    let zone = |zone: Option<TimeZone>| Expr::value(zone.map(TimeZone::name));
    let columns =
        |date, at, zone| vec![(task::Column::DueDate, date), (task::Column::DueAt, at), (task::Column::DueZone, zone)];
    match due {
        None => columns(date(None), at(None), zone(None)),
        Some(Due::Date(day)) => columns(date(Some(day.into())), at(None), zone(None)),
        Some(Due::At(instant, tz)) => columns(date(None), at(Some(instant.into())), zone(Some(tz))),
        Some(Due::ShownInstant(instant)) => {
            let instant = Micros::from(instant);
            let day = instant.0.date_naive();
            let is_what_was_shown = day.and_time(chrono::NaiveTime::MIN).and_utc() == instant.0;
            let (now, utc) = (at(Some(instant)), zone(Some(TimeZone::UTC)));
            if !is_what_was_shown {
                return columns(date(None), now, utc);
            }
            let unless = |kept: SimpleExpr, otherwise: SimpleExpr| {
                let is_that_day = task::Column::DueDate.eq(day);
                CaseStatement::new().case(is_that_day, kept).finally(otherwise).into()
            };
            columns(unless(date(Some(day)), date(None)), unless(at(None), now), unless(zone(None), utc))
        }
    }
}
