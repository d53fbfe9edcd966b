//! What DataLoaders ask for: the tasks of many parents, lists or labels, each kind in one statement.

use std::collections::HashMap;

use chrono::Utc;
use entity::{
    id::{LabelId, ListId, TaskId},
    row::{Columns, FromRow, RowColumns},
    task::{self, Priority},
    task_label,
};
use sea_orm::{
    ColumnTrait, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
    sea_query::{Alias, CaseStatement, Expr, ExprTrait, Func, Query, SelectStatement, SimpleExpr, UnionType},
};
use uuid::Uuid;

use super::{
    Order, Tasks, TimeZone,
    filter::is_overdue,
    order::{Part, sea_order},
};
use crate::{
    error::Error,
    service::page::{Page, PageRequest},
};

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

/// How many tasks of a priority there are, by state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PriorityCounts {
    /// How urgent they are.
    pub priority: Priority,
    /// How many there are.
    pub counts: Counts,
}

/// SQLite joins no more than 500 statements into one.
const MOST_AT_ONCE: usize = 500;

impl Tasks<'_> {
    /// A page of the subtasks of each task, in manual order; of a task without subtasks there is none.
    pub async fn pages_of_parents(
        self,
        parents: &[TaskId],
        page: &PageRequest,
    ) -> Result<HashMap<TaskId, Page<task::Model>>, Error> {
        let pages = self.pages(parents.iter().map(|it| (it.0, task::Column::ParentId.eq(*it))), page).await?;
        Ok(pages.into_iter().map(|(id, page)| (TaskId(id), page)).collect())
    }

    /// A page of the tasks of each list, in manual order.
    pub async fn pages_of_lists(
        self,
        lists: &[ListId],
        page: &PageRequest,
    ) -> Result<HashMap<ListId, Page<task::Model>>, Error> {
        let pages = self.pages(lists.iter().map(|it| (it.0, task::Column::ListId.eq(*it))), page).await?;
        Ok(pages.into_iter().map(|(id, page)| (ListId(id), page)).collect())
    }

    /// A page of the tasks with each label, in manual order.
    pub async fn pages_of_labels(
        self,
        labels: &[LabelId],
        page: &PageRequest,
    ) -> Result<HashMap<LabelId, Page<task::Model>>, Error> {
        let of = |label: &LabelId| (label.0, self.labelled(task_label::Column::LabelId.eq(*label)));
        let pages = self.pages(labels.iter().map(of), page).await?;
        Ok(pages.into_iter().map(|(id, page)| (LabelId(id), page)).collect())
    }

    /// How many subtasks each task has; a task without subtasks is not among the answers.
    pub async fn totals_of_parents(self, parents: &[TaskId]) -> Result<HashMap<TaskId, i64>, Error> {
        let select = self
            .mine()
            .select_only()
            .column(task::Column::ParentId)
            .expr(task::Column::Number.count())
            .filter(task::Column::ParentId.is_in(parents.iter().copied()))
            .group_by(task::Column::ParentId);
        let rows: Vec<(Uuid, i64)> = self.scope.reads().rows(select).await?;
        Ok(rows.into_iter().map(|(id, total)| (TaskId(id), total)).collect())
    }

    /// How many tasks have each label; a label without tasks is not among the answers.
    pub async fn totals_of_labels(self, labels: &[LabelId]) -> Result<HashMap<LabelId, i64>, Error> {
        let tasks = self.mine().select_only().column(task::Column::Id).into_query();
        let select = task_label::Entity::find()
            .select_only()
            .column(task_label::Column::LabelId)
            .expr(task_label::Column::TaskId.count())
            .filter(task_label::Column::OwnerId.eq(self.scope.owner))
            .filter(task_label::Column::LabelId.is_in(labels.iter().copied()))
            .filter(task_label::Column::TaskId.in_subquery(tasks))
            .group_by(task_label::Column::LabelId);
        let rows: Vec<(Uuid, i64)> = self.scope.reads().rows(select).await?;
        Ok(rows.into_iter().map(|(id, total)| (LabelId(id), total)).collect())
    }

    /// How many tasks there are of each priority, which is due by UTC; a priority without tasks is not among the answers.
    pub async fn counts_by_priority(self) -> Result<Vec<PriorityCounts>, Error> {
        let [open, completed, overdue] = self.sums(TimeZone::UTC);
        let select = self
            .mine()
            .select_only()
            .column(task::Column::Priority)
            .expr(open)
            .expr(completed)
            .expr(overdue)
            .group_by(task::Column::Priority);
        let rows: Vec<(Priority, i64, i64, i64)> = self.scope.reads().rows(select).await?;
        let counts = |(priority, open, completed, overdue)| PriorityCounts {
            priority,
            counts: Counts { open, completed, overdue },
        };
        Ok(rows.into_iter().map(counts).collect())
    }

    /// The numbers of [`Counts`], of whatever tasks are grouped.
    fn sums(self, zone: TimeZone) -> [SimpleExpr; 3] {
        let sum = |condition: SimpleExpr| {
            let one: SimpleExpr = CaseStatement::new().case(condition, 1).finally(0).into();
            SimpleExpr::from(Func::cast_as(Func::sum(one), "bigint"))
        };
        let overdue = is_overdue(zone, Utc::now());
        [sum(task::Column::Completed.eq(false)), sum(task::Column::Completed.eq(true)), sum(overdue)]
    }

    /// How many tasks each list has; a list without tasks is not among the answers.
    pub async fn counts_of_lists(self, lists: &[ListId], zone: TimeZone) -> Result<Vec<(ListId, Counts)>, Error> {
        let [open, completed, overdue] = self.sums(zone);
        let select = self
            .mine()
            .select_only()
            .column(task::Column::ListId)
            .expr(open)
            .expr(completed)
            .expr(overdue)
            .filter(task::Column::ListId.is_in(lists.iter().copied()))
            .group_by(task::Column::ListId);
        let rows: Vec<(Uuid, i64, i64, i64)> = self.scope.reads().rows(select).await?;
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
        let counted: Vec<(bool, i64)> = self.scope.reads().rows(select).await?;
        let of = |state: bool| counted.iter().find(|(it, _)| *it == state).map_or(0, |(_, count)| *count);
        Ok(Counts { open: of(false), completed: of(true), overdue: 0 })
    }

    /// One limited statement for each that has tasks, joined into one: each walks its index and stops.
    async fn pages(
        self,
        which: impl Iterator<Item = (Uuid, SimpleExpr)>,
        page: &PageRequest,
    ) -> Result<HashMap<Uuid, Page<task::Model>>, Error> {
        let beyond = Order::MANUAL.beyond_page(self.scope.db, page, Part::Whole)?.unwrap_or_default();
        let conditions: Vec<_> =
            which.map(|(of, condition)| (of, beyond.iter().cloned().fold(condition, and))).collect();
        let mut found: HashMap<Uuid, Vec<task::Model>> = HashMap::new();
        for some in conditions.chunks(MOST_AT_ONCE) {
            let mut statements = some.iter().map(|(of, condition)| self.limited(*of, condition.clone(), page));
            let Some(mut statement) = statements.next() else { break };
            statement.unions(statements.map(|it| (UnionType::All, it)));
            let rows: Vec<OfOne> = self.scope.reads().rows_of(&statement).await?;
            rows.into_iter().for_each(|row| found.entry(row.of).or_default().push(row.task));
        }
        Ok(found.into_iter().map(|(of, rows)| (of, page.cut(rows))).collect())
    }

    fn limited(self, of: Uuid, condition: SimpleExpr, page: &PageRequest) -> SelectStatement {
        let direction = sea_order(page.from_end);
        let inner = self
            .mine()
            .filter(condition)
            .order_by(task::Column::Position, direction.clone())
            .order_by(task::Column::Number, direction)
            .limit(page.size as u64 + 1)
            .into_query();
        Query::select()
            .expr(Expr::value(of))
            .columns(task::columns())
            .from_subquery(inner, Alias::new("some"))
            .to_owned()
    }
}

fn and(one: SimpleExpr, other: SimpleExpr) -> SimpleExpr {
    one.and(other)
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
