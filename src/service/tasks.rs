//! One user's tasks. Every statement starts at [`Tasks::mine`] or filters by owner itself: not yours is not there.

mod list;
mod values;

use entity::{
    id::TaskId,
    task::{self, Priority},
    time::Micros,
};
use sea_orm::{
    ActiveValue::{NotSet, Set},
    ColumnTrait, EntityTrait, QueryFilter, Select, UpdateMany,
    sea_query::{CaseStatement, Expr, ExprTrait, SimpleExpr},
};

pub use self::{
    list::{Filter, Order, OrderBy, SearchText},
    values::{Description, Due, Title},
};
use super::auth::CurrentUser;
use crate::{db::Db, error::Error};

/// The tasks of one user.
#[derive(Clone, Copy, Debug)]
pub struct Tasks<'a> {
    db: &'a Db,
    owner: &'a CurrentUser,
}

/// What a task can be called by: its id, or the number that REST uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// The GraphQL id.
    Id(TaskId),
    /// The REST id.
    Number(i64),
}

/// A task that is to be made.
#[derive(Clone, Debug)]
pub struct Draft {
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
}

/// Changes to a task: an absent field stays, an inner `None` clears.
#[derive(Clone, Debug, Default)]
pub struct Edit {
    /// What to do.
    pub title: Option<Title>,
    /// More about it.
    pub description: Option<Option<Description>>,
    /// Whether it is done.
    pub completed: Option<bool>,
    /// How urgent it is.
    pub priority: Option<Priority>,
    /// When it is due.
    pub due: Option<Option<Due>>,
}

impl<'a> Tasks<'a> {
    pub(super) fn new(db: &'a Db, owner: &'a CurrentUser) -> Self {
        Self { db, owner }
    }

    /// One task, if it is there.
    pub async fn find(self, key: Key) -> Result<Option<task::Model>, Error> {
        Ok(self.mine().filter(is(key)).one(self.db.reader()).await?)
    }

    /// Those of the tasks that are there, in no order, in one statement.
    pub async fn find_many(self, ids: &[TaskId]) -> Result<Vec<task::Model>, Error> {
        Ok(self.mine().filter(task::Column::Id.is_in(ids.iter().copied())).all(self.db.reader()).await?)
    }

    /// Makes a task.
    pub async fn create(self, draft: Draft) -> Result<task::Model, Error> {
        let Draft { title, description, completed, priority, due } = draft;
        let now = Micros::now();
        let row = task::ActiveModel {
            number: NotSet,
            id: Set(TaskId::new()),
            user_id: Set(self.owner.id().clone()),
            title: Set(title.into()),
            description: Set(description.map(Into::into)),
            completed: Set(completed),
            completed_at: Set(completed.then_some(now)),
            priority: Set(priority),
            due: Set(due.map(Into::into)),
            created_at: Set(now),
            updated_at: Set(now),
        };
        Ok(task::Entity::insert(row).exec_with_returning(self.db.writer()).await?)
    }

    /// Changes a task; no changes leave it as it is, its time of change too.
    pub async fn edit(self, key: Key, edit: Edit) -> Result<task::Model, Error> {
        let Edit { title, description, completed, priority, due } = edit;
        let mut changes: Vec<(task::Column, SimpleExpr)> = Vec::new();
        if let Some(title) = title {
            changes.push((task::Column::Title, Expr::value(String::from(title))));
        }
        if let Some(description) = description {
            changes.push((task::Column::Description, Expr::value(description.map(String::from))));
        }
        if let Some(priority) = priority {
            changes.push((task::Column::Priority, Expr::value(priority)));
        }
        if let Some(due) = due {
            changes.push((task::Column::Due, Expr::value(due.map(Micros::from))));
        }
        if let Some(completed) = completed {
            changes.extend(completion(Expr::value(completed)));
        }
        if changes.is_empty() {
            return self.find(key).await?.ok_or(Error::NotFound("task"));
        }
        self.update(key, changes).await
    }

    /// Completes an open task and opens a completed one, however many do so at once.
    pub async fn toggle(self, key: Key) -> Result<task::Model, Error> {
        self.update(key, completion(Expr::col(task::Column::Completed).not()).to_vec()).await
    }

    /// Removes a task.
    pub async fn delete(self, key: Key) -> Result<task::Model, Error> {
        let deleted = task::Entity::delete_many()
            .filter(self.is_mine())
            .filter(is(key))
            .exec_with_returning(self.db.writer())
            .await?;
        deleted.into_iter().next().ok_or(Error::NotFound("task"))
    }

    async fn update(self, key: Key, changes: Vec<(task::Column, SimpleExpr)>) -> Result<task::Model, Error> {
        let update: UpdateMany<task::Entity> = task::Entity::update_many().filter(self.is_mine()).filter(is(key));
        let update = changes.into_iter().fold(update, |update, (column, value)| update.col_expr(column, value));
        let updated = update
            .col_expr(task::Column::UpdatedAt, Expr::value(Micros::now()))
            .exec_with_returning(self.db.writer())
            .await?;
        updated.into_iter().next().ok_or(Error::NotFound("task"))
    }

    fn mine(self) -> Select<task::Entity> {
        task::Entity::find().filter(self.is_mine())
    }

    fn is_mine(self) -> SimpleExpr {
        task::Column::UserId.eq(self.owner.id().clone())
    }
}

fn is(key: Key) -> SimpleExpr {
    match key {
        Key::Id(id) => task::Column::Id.eq(id),
        Key::Number(number) => task::Column::Number.eq(number),
    }
}

/// Sets the state, and the time of completion with it: kept when the task was completed already.
fn completion(completed: SimpleExpr) -> [(task::Column, SimpleExpr); 2] {
    let since = CaseStatement::new()
        .case(completed.clone(), Expr::col(task::Column::CompletedAt).if_null(Expr::value(Micros::now())))
        .finally(Expr::value(None::<Micros>));
    [(task::Column::Completed, completed), (task::Column::CompletedAt, since.into())]
}
