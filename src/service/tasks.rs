//! One user's tasks. Every statement starts at [`Tasks::mine`] or filters by owner itself: not yours is not there.

mod any_of;
mod bulk;
mod change;
mod edit;
mod list;
mod position;
mod relations;
mod search;
mod summaries;
mod totals;
mod tree;
mod values;

use entity::{
    id::{ListId, TaskId},
    task::{self, Priority},
    text::search_key,
    time::Micros,
};
use sea_orm::{
    ActiveValue::{NotSet, Set},
    ColumnTrait, EntityTrait, QueryFilter, Select,
    sea_query::SimpleExpr,
};

pub use self::{
    any_of::{AnyOf, MAX_VALUES},
    bulk::{MAX_BULK, Selection},
    edit::TaskPatch,
    list::{Filter, Order, OrderBy, SearchText},
    relations::Counts,
    search::Words,
    summaries::{SummaryPage, TaskSummary},
    totals::Totals,
    tree::{Position, RESTORABLE},
    values::{Date, Description, Due, Instant, MAX_DESCRIPTION, MAX_TITLE, TimeZone, Title},
};
pub(super) use self::{
    position::{MAX_KEY_LENGTH, append_key, between},
    tree::MAX_SUBTASKS,
};
use super::{
    labels::{self, LabelSelection},
    revisioned::{has_id_of, rows, rows_with_deleted},
    scope::{Outcome, Scope},
    values::new_id,
};
use crate::{db::Connection, error::Error};

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

/// A task that is to be made.
#[derive(Clone, Debug)]
pub struct NewTask {
    /// The id, if the client chose it: a second task with it is not made, the first is answered.
    pub id: Option<TaskId>,
    /// What to do.
    pub title: Title,
    /// More about it.
    pub description: Option<Description>,
    /// Whether it is done already.
    pub completed: bool,
    /// How urgent it is.
    pub priority: Priority,
    /// When it is due.
    pub due: Option<Due>,
    /// The list that it is in.
    pub list: Option<ListId>,
    /// Its parent task, in whose list it is.
    pub parent: Option<TaskId>,
    /// Its labels.
    pub labels: LabelSelection,
}

impl NewTask {
    /// Whether nothing has to be looked up to make it.
    fn is_plain(&self) -> bool {
        self.id.is_none() && self.list.is_none() && self.parent.is_none() && self.labels.is_empty()
    }
}

/// A new task with the number of the counter that it gets, which also puts it last in manual order.
pub(super) fn numbered(row: task::ActiveModel, number: i64) -> task::ActiveModel {
    task::ActiveModel { position: Set(append_key(number)), revision: Set(number), ..row }
}

impl<'a> Tasks<'a> {
    pub(super) fn new(scope: Scope<'a>) -> Self {
        Self { scope }
    }

    /// One task, if it is there.
    pub async fn find(self, key: TaskRef) -> Result<Option<task::Model>, Error> {
        Ok(self.scope.db.reader().quick_row(self.mine().filter(is(key))).await?)
    }

    /// Those of the tasks that are there, in no order, in one statement.
    pub async fn find_many(self, ids: &[TaskId]) -> Result<Vec<task::Model>, Error> {
        self.scope.find_many::<task::Entity>(ids).await
    }

    /// Makes a task, the last in manual order. An id that is there already makes nothing: its task is answered.
    pub async fn create(self, draft: NewTask) -> Result<task::Model, Error> {
        if draft.is_plain() {
            return self.scope.create_at_once(self.row(draft)).await;
        }
        self.scope
            .write_if_needed(async |mut write| {
                if let Some(known) = write.existing::<task::Entity>(draft.id).await? {
                    return Ok(Outcome::Unchanged(known));
                }
                let list = self.list_of_new(&write, draft.parent, draft.list).await?;
                let labels = labels::resolve(&mut write, &draft.labels).await?;
                let number = write.number().await?;
                let row = numbered(self.row(NewTask { list, ..draft }), number);
                let row = task::Entity::insert(row).exec_with_returning(write.connection()).await?;
                self.check_subtasks(&write, row.parent_id).await?;
                labels::mark_each(&write, &[(row.id, labels)]).await?;
                Ok(Outcome::Changed(row))
            })
            .await
    }

    /// The row of a draft whose rules were checked; it has no number of the counter yet.
    pub(super) fn row(self, draft: NewTask) -> task::ActiveModel {
        let NewTask { id, title, description, completed, priority, due, list, parent, labels: _ } = draft;
        let now = Micros::now();
        let (title, description) = (String::from(title), description.map(String::from));
        let (title_key, description_key) = (search_key(&title), description.as_deref().map(search_key));
        let (due_date, due_at, due_zone) = match due {
            None => (None, None, None),
            Some(Due::Date(date)) => (Some(date.into()), None, None),
            Some(Due::At(at, zone)) => (None, Some(at.into()), Some(zone.name().to_owned())),
            Some(Due::ShownInstant(at)) => (None, Some(at.into()), Some(TimeZone::UTC.name().to_owned())),
        };
        task::ActiveModel {
            number: NotSet,
            id: Set(id.unwrap_or_else(|| TaskId(new_id()))),
            user_id: Set(self.scope.owner.clone()),
            parent_id: Set(parent),
            list_id: Set(list),
            title: Set(title),
            description: Set(description),
            completed: Set(completed),
            completed_at: Set(completed.then_some(now)),
            priority: Set(priority),
            due_date: Set(due_date),
            due_at: Set(due_at),
            due_zone: Set(due_zone),
            position: NotSet,
            revision: NotSet,
            created_at: Set(now),
            updated_at: Set(now),
            deleted_at: Set(None),
            title_key: Set(title_key),
            description_key: Set(description_key),
        }
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
