//! One user's tasks. Every statement starts at [`Tasks::mine`] or filters by owner itself: not yours is not there.

mod any_of;
mod bulk;
mod change;
mod edit;
mod extra;
mod fields;
mod filter;
mod list;
mod order;
mod position;
mod relations;
mod search;
mod summaries;
mod totals;
mod tree;
mod values;

use entity::{id::TaskId, task, time::Micros};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, Select, sea_query::SimpleExpr};

pub use self::{
    any_of::{AnyOf, MAX_VALUES},
    bulk::{MAX_BULK, Selection},
    extra::{ExtraFields, MAX_EXTRA, MAX_EXTRA_BYTES},
    fields::{NewTask, TaskPatch},
    filter::{Comparison, Condition, Filter, Optional, SearchText, TimeField, TitleKey},
    order::{Order, OrderBy, OrderKey},
    relations::{Counts, PriorityCounts},
    search::{Hits, Words},
    summaries::{SummaryPage, TaskSummary},
    totals::Totals,
    tree::Position,
    values::{
        Date, Description, Due, Instant, LONGEST_DESCRIPTION, MAX_DESCRIPTION, MAX_TITLE, TimeZone, Title, instant,
    },
};
pub(super) use self::{
    position::{MAX_KEY_LENGTH, append_key, between},
    tree::{MAX_SUBTASKS, OWN_PARENT},
};
use super::{
    labels,
    revisioned::{CommonColumns, Revisioned, has_id_of, rows, rows_with_deleted},
    scope::{Outcome, Scope, Write},
};
use crate::{
    db::Connection,
    error::{Current, Error, Thing},
};

/// The tasks of one user.
#[derive(Clone, Copy, Debug)]
pub struct Tasks<'a> {
    scope: Scope<'a>,
}

/// What a task can be called by: its id, or the number that REST uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaskRef {
    /// The GraphQL id.
    Id(TaskId),
    /// The REST id.
    Number(i64),
}

/// A new task with the number of the counter that it gets, which also puts it last in manual order.
pub(super) fn numbered(row: task::ActiveModel, number: i64) -> task::ActiveModel {
    task::ActiveModel { position: Set(append_key(number)), revision: Set(number), ..row }
}

impl Revisioned for task::Entity {
    type Id = TaskId;

    const THING: Thing = Thing::Task;
    const COLUMNS: CommonColumns<task::Column> = CommonColumns {
        id: task::Column::Id,
        owner: task::Column::OwnerId,
        revision: task::Column::Revision,
        updated_at: task::Column::UpdatedAt,
        deleted_at: task::Column::DeletedAt,
    };

    fn select() -> Select<Self> {
        task::select()
    }

    fn revision(row: &task::Model) -> i64 {
        row.revision
    }

    fn deleted_at(row: &task::Model) -> Option<Micros> {
        row.deleted_at
    }

    fn current(row: task::Model) -> Current {
        Current::Task(row, Vec::new())
    }
}

impl<'a> Tasks<'a> {
    pub(super) fn new(scope: Scope<'a>) -> Self {
        Self { scope }
    }

    /// How many characters a description has at most here.
    pub fn max_description(self) -> usize {
        self.scope.max_description
    }

    /// One task, if it is there.
    pub async fn find(self, key: TaskRef) -> Result<Option<task::Model>, Error> {
        Ok(self.scope.reads().quick_row(self.mine().filter(is(key))).await?)
    }

    /// Those of the tasks that are there, in no order, in one statement.
    pub async fn find_many(self, ids: &[TaskId]) -> Result<Vec<task::Model>, Error> {
        self.scope.find_many::<task::Entity>(ids).await
    }

    /// Makes a task, the last in manual order. A repeated request makes nothing: the task of the first is answered.
    pub async fn create(self, draft: NewTask) -> Result<task::Model, Error> {
        // A statement that makes tasks of several owners cannot be sent to one node.
        if draft.is_plain() && !self.scope.db.is_distributed() {
            return self.scope.create_at_once(draft.row(self.scope.owner)).await;
        }
        self.scope
            .write_if_needed(async |mut write| {
                if let Some(known) = write.existing::<task::Entity>(draft.id, |_| true).await? {
                    self.check_same(&write, &draft, &known).await?;
                    return Ok(Outcome::Unchanged(known));
                }
                let list = self.list_of_new(&write, &draft).await?;
                let labels = labels::resolve(&mut write, &draft.labels).await?;
                let number = write.number().await?;
                let row = numbered(NewTask { list, ..draft.clone() }.row(self.scope.owner), number);
                let row = task::Entity::insert(row).exec_with_returning(write.connection()).await?;
                self.check_subtasks(&write, row.parent_id).await?;
                labels::mark_each(&write, &[(row.id, labels)]).await?;
                Ok(Outcome::Changed(row))
            })
            .await
    }

    /// Refuses to take a task for the one that is to be made unless they are the same.
    async fn check_same(self, write: &Write, draft: &NewTask, known: &task::Model) -> Result<(), Error> {
        let labels = labels::of_task(write, known.id).await?;
        let is_same = known.deleted_at.is_none() && draft.difference(known, &labels) == TaskPatch::default();
        if is_same { Ok(()) } else { Err(write.conflict::<task::Entity>(known.clone()).await) }
    }

    async fn found(self, connection: &Connection, ids: &[TaskId]) -> Result<Vec<task::Model>, Error> {
        Ok(connection.rows(self.mine().filter(has_id_of::<task::Entity>(ids))).await?)
    }

    fn mine(self) -> Select<task::Entity> {
        rows::<task::Entity>(self.scope.owner)
    }

    fn with_deleted(self) -> Select<task::Entity> {
        rows_with_deleted::<task::Entity>(self.scope.owner)
    }
}

fn is(key: TaskRef) -> SimpleExpr {
    match key {
        TaskRef::Id(id) => task::Column::Id.eq(id),
        TaskRef::Number(number) => task::Column::Number.eq(number),
    }
}
