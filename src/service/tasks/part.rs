//! Tasks as REST shows them: with the names of their labels, in one statement.

use entity::{
    owner,
    place::{FromPlaces, Places},
    task,
};
use sea_orm::{DbErr, EntityTrait, QueryFilter, QuerySelect, QueryTrait, Select, sea_query::SimpleExpr};

use super::{Filter, Key, Order, Tasks, is, list::pace};
use crate::error::Error;

/// A task and the names of its labels, in their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tagged {
    /// The task.
    pub task: task::Model,
    /// The names.
    pub tags: Vec<String>,
}

/// Some of the tasks that meet a filter.
#[derive(Clone, Debug)]
pub struct Part {
    /// The tasks.
    pub tasks: Vec<Tagged>,
    /// How many meet the filter.
    pub total: u64,
    /// The number of the owner's last write before that.
    pub revision: i64,
}

/// A row of the statement.
struct Row {
    tagged: Tagged,
    revision: i64,
}

impl FromPlaces for Row {
    fn read(row: &impl Places) -> Result<Self, DbErr> {
        let task = task::Model::read(row)?;
        let names: String = row.at(task::COLUMNS)?;
        let tags = serde_json::from_str(&names).map_err(|cause| DbErr::Json(cause.to_string()))?;
        Ok(Self { tagged: Tagged { task, tags }, revision: row.at(task::COLUMNS + 1)? })
    }
}

impl Tasks<'_> {
    /// The tasks from `offset` on, all of them unless a limit is given.
    pub async fn part(self, filter: &Filter, order: Order, (offset, limit): (u64, Option<u64>)) -> Result<Part, Error> {
        let select = self.tagged(self.ordered(filter, order));
        let pace = pace((filter, order), (offset, limit));
        let rows: Vec<Row> = self.scope.db.reader().window(select, (offset, limit), pace).await?;
        let is_whole = limit.is_none() && offset == 0;
        let (revision, total) = match rows.first() {
            Some(row) if is_whole => (row.revision, rows.len() as u64),
            Some(row) => (row.revision, self.total_at(row.revision, filter).await?),
            None => self.summary(filter).await?,
        };
        Ok(Part { tasks: rows.into_iter().map(|it| it.tagged).collect(), total, revision })
    }

    /// One task, if it is there.
    pub async fn find_tagged(self, key: Key) -> Result<Option<Tagged>, Error> {
        let select = self.mine().filter(is(key));
        let found: Option<Row> = self.scope.db.reader().quick_row(self.tagged(select)).await?;
        Ok(found.map(|it| it.tagged))
    }

    /// How many tasks meet the filter, if the owner's data is at that revision.
    async fn total_at(self, revision: i64, filter: &Filter) -> Result<u64, Error> {
        match self.scope.totals.at(revision, (self.scope.owner, filter)) {
            Some(total) => Ok(total),
            None => Ok(self.summary(filter).await?.1),
        }
    }

    /// The columns of [`Row`], behind those of the task.
    fn tagged(self, select: Select<task::Entity>) -> Select<task::Entity> {
        let revision = owner::Entity::find_by_id(self.scope.owner.clone())
            .select_only()
            .column(owner::Column::Revision)
            .into_query();
        select
            .expr_as(self.scope.db.label_names(), "tags")
            .expr_as(SimpleExpr::SubQuery(None, Box::new(revision.into())), "last")
    }
}
