//! What DataLoaders ask for: the tasks of many parents, lists or labels, each kind in one statement.

use chrono::Utc;
use entity::{
    id::{LabelId, ListId, TaskId},
    row::{Columns, FromRow, RowColumns},
    task, task_label,
};
use sea_orm::{
    ColumnTrait, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
    sea_query::{Alias, CaseStatement, Expr, Func, Query, SelectStatement, SimpleExpr, UnionType},
};
use uuid::Uuid;

use super::{Tasks, TimeZone, filter::is_overdue};
use crate::error::Error;

/// How many tasks a list has, by state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Not done.
    pub open: i64,
    /// Done.
    pub completed: i64,
    /// Not done, and due in the past.
    pub overdue: i64,
}

/// SQLite joins no more than 500 statements into one.
const MOST_AT_ONCE: usize = 500;

impl Tasks<'_> {
    /// The subtasks of these tasks, in manual order.
    pub async fn subtasks_of(self, parents: &[TaskId]) -> Result<Vec<task::Model>, Error> {
        let subtasks = self.mine().filter(task::Column::ParentId.is_in(parents.iter().copied()));
        let subtasks = subtasks.order_by_asc(task::Column::Position).order_by_asc(task::Column::Number);
        Ok(self.scope.db.reader().rows(subtasks).await?)
    }

    /// The first tasks of each list, in manual order.
    pub async fn first_of_lists(self, lists: &[ListId], most: u64) -> Result<Vec<(ListId, task::Model)>, Error> {
        let of = |list: &ListId| (list.0, task::Column::ListId.eq(*list));
        let rows = self.first_of(lists.iter().map(of), most).await?;
        Ok(rows.into_iter().map(|(id, row)| (ListId(id), row)).collect())
    }

    /// The first tasks with each label, in manual order.
    pub async fn first_of_labels(self, labels: &[LabelId], most: u64) -> Result<Vec<(LabelId, task::Model)>, Error> {
        let of = |label: &LabelId| {
            let marked = task_label::Entity::find()
                .select_only()
                .column(task_label::Column::TaskId)
                .filter(task_label::Column::UserId.eq(self.scope.owner.clone()))
                .filter(task_label::Column::LabelId.eq(*label));
            (label.0, task::Column::Id.in_subquery(marked.into_query()))
        };
        let rows = self.first_of(labels.iter().map(of), most).await?;
        Ok(rows.into_iter().map(|(id, row)| (LabelId(id), row)).collect())
    }

    /// How many tasks each list has; a list without tasks is not among the answers.
    pub async fn counts_of_lists(self, lists: &[ListId], zone: TimeZone) -> Result<Vec<(ListId, Counts)>, Error> {
        let sum = |condition: SimpleExpr| {
            let one: SimpleExpr = CaseStatement::new().case(condition, 1).finally(0).into();
            SimpleExpr::from(Func::cast_as(Func::sum(one), "bigint"))
        };
        let select = self
            .mine()
            .select_only()
            .column(task::Column::ListId)
            .expr(sum(task::Column::Completed.eq(false)))
            .expr(sum(task::Column::Completed.eq(true)))
            .expr(sum(is_overdue(self.scope.db, zone, Utc::now())))
            .filter(task::Column::ListId.is_in(lists.iter().copied()))
            .group_by(task::Column::ListId);
        let rows: Vec<(Uuid, i64, i64, i64)> = self.scope.db.reader().rows(select).await?;
        let counts = |(list, open, completed, overdue)| (ListId(list), Counts { open, completed, overdue });
        Ok(rows.into_iter().map(counts).collect())
    }

    /// How many tasks there are, by state.
    pub async fn totals(self) -> Result<Counts, Error> {
        let select = self
            .mine()
            .select_only()
            .column(task::Column::Completed)
            .expr(task::Column::Number.count())
            .group_by(task::Column::Completed);
        let counted: Vec<(bool, i64)> = self.scope.db.reader().rows(select).await?;
        let of = |state: bool| counted.iter().find(|(it, _)| *it == state).map_or(0, |(_, count)| *count);
        Ok(Counts { open: of(false), completed: of(true), overdue: 0 })
    }

    /// One limited statement for each owner of tasks, joined into one: each walks its index and stops.
    async fn first_of(
        self,
        which: impl Iterator<Item = (Uuid, SimpleExpr)>,
        most: u64,
    ) -> Result<Vec<(Uuid, task::Model)>, Error> {
        let which: Vec<_> = which.collect();
        let mut found = Vec::new();
        for some in which.chunks(MOST_AT_ONCE) {
            let mut statements = some.iter().map(|(of, condition)| self.limited(*of, condition.clone(), most));
            let Some(mut statement) = statements.next() else { break };
            statement.unions(statements.map(|it| (UnionType::All, it)));
            let rows: Vec<OfOne> = self.scope.db.reader().rows_of(&statement).await?;
            found.extend(rows.into_iter().map(|row| (row.of, row.task)));
        }
        Ok(found)
    }

    fn limited(self, of: Uuid, condition: SimpleExpr, most: u64) -> SelectStatement {
        let inner = self
            .mine()
            .filter(condition)
            .order_by_asc(task::Column::Position)
            .order_by_asc(task::Column::Number)
            .limit(most)
            .into_query();
        Query::select()
            .expr(Expr::value(of))
            .columns(task::columns())
            .from_subquery(inner, Alias::new("some"))
            .to_owned()
    }
}

/// What a task is one of, and the task.
struct OfOne {
    of: Uuid,
    task: task::Model,
}

impl FromRow for OfOne {
    fn read(row: &mut Columns<'_, impl RowColumns>) -> Result<Self, DbErr> {
        Ok(Self { of: row.value()?, task: row.read()? })
    }
}
