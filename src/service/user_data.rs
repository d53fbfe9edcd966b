//! All of one user's data: exported, imported, erased.

use entity::{
    id::{LabelId, OwnerId, TaskId, UserId},
    idempotency_key, label, list, owner, task, user_revision,
};
use sea_orm::{
    ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
    sea_query::{Expr, ExprTrait},
};

use super::{
    import::{Import, Imported, Importer},
    labels::Labels,
    lists::Lists,
    owners::known_owner,
    scope::Scope,
};
use crate::{db::Db, error::Error};

/// How many rows one statement reads or writes.
const BATCH_SIZE: usize = 500;
/// How many tasks are removed at a time: some hundredths of a second on SQLite, where others wait for it.
const CHUNK_SIZE: u64 = 1000;
/// All of one user's data.
#[derive(Clone, Copy, Debug)]
pub struct UserData<'a> {
    scope: Scope<'a>,
}

/// A task with the labels that it has.
#[derive(Clone, Debug)]
pub struct TaskWithLabels {
    /// The task.
    pub task: task::Model,
    /// Its labels, in their order.
    pub labels: Vec<LabelId>,
}

impl<'a> UserData<'a> {
    pub(super) fn new(scope: Scope<'a>) -> Self {
        Self { scope }
    }

    /// All lists.
    pub async fn lists(self) -> Result<Vec<list::Model>, Error> {
        Lists::new(self.scope).all(None).await
    }

    /// All labels.
    pub async fn labels(self) -> Result<Vec<label::Model>, Error> {
        Labels::new(self.scope).all().await
    }

    /// Some hundreds of tasks behind that place and number, in manual order.
    pub async fn tasks_behind(self, behind: Option<(String, i64)>) -> Result<Vec<TaskWithLabels>, Error> {
        let here = || Expr::tuple([Expr::col(task::Column::Position), Expr::col(task::Column::Number)]);
        let rows = task::Entity::find()
            .filter(task::Column::OwnerId.eq(self.scope.owner))
            .filter(task::Column::DeletedAt.is_null())
            .apply_if(behind, |tasks, (position, number)| {
                tasks.filter(here().gt(Expr::tuple([Expr::value(position), Expr::value(number)])))
            })
            .order_by_asc(task::Column::Position)
            .order_by_asc(task::Column::Number)
            .limit(BATCH_SIZE as u64)
            .all(&*self.scope.reads())
            .await?;
        let ids: Vec<TaskId> = rows.iter().map(|row| row.id).collect();
        let mut labels = Labels::new(self.scope).of_tasks(&ids).await?;
        let labelled = |task: task::Model| {
            let labels = labels.remove(&task.id).unwrap_or_default();
            TaskWithLabels { task, labels: labels.into_iter().map(|label| label.id).collect() }
        };
        Ok(rows.into_iter().map(labelled).collect())
    }

    /// Brings data, all or nothing; a dry run tells what would happen.
    pub async fn import(self, import: Import, is_dry: bool) -> Result<Imported, Error> {
        Importer::new(self.scope).import(import, is_dry).await
    }
}

/// As many of the user's tasks as are removed at a time, of those for which that holds. Both statements name the user:
/// a task's number says nothing about whose it is.
pub(super) fn chunk(owner: OwnerId, of: Condition) -> Condition {
    let mine = || task::Column::OwnerId.eq(owner);
    let some =
        task::Entity::find().select_only().column(task::Column::Number).filter(mine()).filter(of).limit(CHUNK_SIZE);
    Condition::all().add(mine()).add(task::Column::Number.in_subquery(some.into_query()))
}

/// Removes everything that belongs to a user. Nobody is told: there is nobody left to be told. Tasks go in pieces,
/// between which others write.
pub(super) async fn erase(db: &Db, user: &UserId) -> Result<(), Error> {
    let Some(owner) = known_owner(db, user).await? else { return Ok(()) };
    let mine = || task::Column::OwnerId.eq(owner);
    loop {
        let gone = task::Entity::delete_many().filter(chunk(owner, Condition::all())).exec(db.writer()).await?;
        if gone.rows_affected < CHUNK_SIZE {
            break;
        }
    }
    let rest = db.transaction(async |transaction| {
        let connection = transaction.connection();
        // The counter goes first, for which all writes wait; without the number there is none any more.
        user_revision::Entity::delete_many().filter(user_revision::Column::OwnerId.eq(owner)).exec(connection).await?;
        task::Entity::delete_many().filter(mine()).exec(connection).await?;
        list::Entity::delete_many().filter(list::Column::OwnerId.eq(owner)).exec(connection).await?;
        label::Entity::delete_many().filter(label::Column::OwnerId.eq(owner)).exec(connection).await?;
        idempotency_key::Entity::delete_many()
            .filter(idempotency_key::Column::OwnerId.eq(owner))
            .exec(connection)
            .await?;
        owner::Entity::delete_by_id(owner).exec(connection).await?;
        Ok(())
    });
    rest.await
}
