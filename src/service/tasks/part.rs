//! Tasks as REST shows them: what it shows of their columns, and the names of their labels, in one statement.

use entity::{
    owner,
    place::{FromPlaces, Places},
    task::{self, Priority},
    time::Micros,
};
use sea_orm::{
    ColumnTrait, DbErr, QueryFilter, QuerySelect, Select,
    sea_query::{Expr, Query, SimpleExpr},
};

use super::{Filter, Key, Order, Tasks, is, list::pace};
use crate::error::Error;

/// What REST shows of a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
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
}

/// Some of the tasks that meet a filter.
#[derive(Clone, Debug)]
pub struct Part {
    /// The tasks.
    pub tasks: Vec<Shown>,
    /// How many meet the filter.
    pub total: u64,
    /// The number of the owner's last write before that.
    pub revision: i64,
}

/// A row of the statement: what is shown, and the number of the last write, to the task or to any of its owner's data.
struct Row {
    shown: Shown,
    revision: i64,
}

/// The columns of tasks in [`Row`].
const COLUMNS: &str = r#""tasks"."number", "tasks"."title", "tasks"."description", "tasks"."completed", "tasks"."priority", "tasks"."due_order", "tasks"."created_at", "tasks"."updated_at""#;

impl FromPlaces for Row {
    fn read(row: &impl Places) -> Result<Self, DbErr> {
        let shown = Shown {
            number: row.at(0)?,
            title: row.at(1)?,
            description: row.at(2)?,
            completed: row.at(3)?,
            priority: Priority::read(row, 4)?,
            due: Micros::maybe_at(row, 5)?,
            created_at: Micros::at(row, 6)?,
            updated_at: Micros::at(row, 7)?,
            tags: row.at(8)?,
        };
        Ok(Self { shown, revision: row.at(9)? })
    }
}

impl Tasks<'_> {
    /// The tasks from `offset` on, all of them unless a limit is given.
    pub async fn part(self, filter: &Filter, order: Order, (offset, limit): (u64, Option<u64>)) -> Result<Part, Error> {
        let pace = pace((filter, order), (offset, limit));
        let is_whole = limit.is_none() && offset == 0;
        loop {
            let select = self.shown(self.ordered(filter, order), self.last());
            let rows: Vec<Row> = self.scope.db.reader().window(select, (offset, limit), pace).await?;
            let (revision, total) = match rows.first() {
                Some(row) if is_whole => (row.revision, rows.len() as u64),
                Some(row) => (row.revision, self.total_at(row.revision, filter).await?),
                None => self.summary(filter).await?,
            };
            // Where there was nothing, something may have come before it was counted.
            if !rows.is_empty() || total <= offset {
                return Ok(Part { tasks: rows.into_iter().map(|it| it.shown).collect(), total, revision });
            }
        }
    }

    /// One task and the number of the write that last changed it, if it is there.
    pub async fn find_shown(self, key: Key) -> Result<Option<(Shown, i64)>, Error> {
        let revision = Expr::col((task::Entity, task::Column::Revision));
        let select = self.shown(self.mine().filter(is(key)), revision);
        let found: Option<Row> = self.scope.db.reader().quick_row(select).await?;
        Ok(found.map(|it| (it.shown, it.revision)))
    }

    /// How many tasks meet the filter, if the owner's data is at that revision.
    async fn total_at(self, revision: i64, filter: &Filter) -> Result<u64, Error> {
        match self.kept_total(filter).and_then(|it| it.at(revision)) {
            Some(total) => Ok(total),
            None => Ok(self.summary(filter).await?.1),
        }
    }

    /// The number of the owner's last write.
    fn last(self) -> SimpleExpr {
        let last = Query::select()
            .column(owner::Column::Revision)
            .from(owner::Entity)
            .and_where(owner::Column::UserId.eq(self.scope.owner.clone()))
            .take();
        SimpleExpr::SubQuery(None, Box::new(last.into()))
    }

    /// The columns of [`Row`] of these tasks.
    fn shown(self, select: Select<task::Entity>, revision: SimpleExpr) -> Select<task::Entity> {
        select
            .select_only()
            .expr(Expr::cust(COLUMNS))
            .expr_as(self.scope.db.label_names(), "tags")
            .expr_as(revision, "revision")
    }
}
