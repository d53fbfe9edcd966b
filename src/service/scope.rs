//! One user's data, and the transactions that change it.

use entity::{id::UserId, owner, task};
use sea_orm::{
    ActiveValue::Set,
    EntityTrait,
    sea_query::{Expr, ExprTrait, OnConflict},
};

use super::{events::Events, tasks::Totals};
use crate::{
    db::{Connection, Db, Transaction},
    error::Error,
};

/// What every service of a user's data works on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scope<'a> {
    pub(super) db: &'a Db,
    pub(super) events: &'a Events,
    pub(super) totals: &'a Totals,
    pub(super) owner: &'a UserId,
}

/// A transaction in which nobody else changes this user's data: the user's counter is its lock. Each row that it
/// writes takes a number of the counter, so that numbers become visible in their order.
pub(super) struct Write<'a> {
    scope: Scope<'a>,
    transaction: Transaction,
    /// A number that was taken with the lock and is not yet used.
    spare: Option<i64>,
}

impl<'a> Scope<'a> {
    /// Starts a write.
    pub(super) async fn write(self) -> Result<Write<'a>, Error> {
        let transaction = self.db.begin().await?;
        let spare = Some(take(transaction.connection(), self.owner, 1).await?);
        Ok(Write { scope: self, transaction, spare })
    }

    /// Makes a task by one message to the database, which is a whole write.
    pub(super) async fn create_at_once(self, row: task::ActiveModel) -> Result<task::Model, Error> {
        let made = self.db.create_at_once(row).await?;
        self.events.publish(self.owner);
        Ok(made)
    }

    /// The user's counter, if anything was ever written.
    pub(super) async fn counter(self) -> Result<Option<owner::Model>, Error> {
        Ok(self.db.reader().row(owner::Entity::find_by_id(self.owner.clone())).await?)
    }
}

impl Write<'_> {
    /// The number for one row.
    pub(super) async fn number(&mut self) -> Result<i64, Error> {
        match self.spare.take() {
            Some(number) => Ok(number),
            None => take(self.connection(), self.scope.owner, 1).await,
        }
    }

    /// Numbers for as many rows; the answer is the one before the first of them.
    pub(super) async fn numbers(&mut self, count: i64) -> Result<i64, Error> {
        match count {
            1 => Ok(self.number().await? - 1),
            _ => Ok(take(self.connection(), self.scope.owner, count).await? - count),
        }
    }

    /// Whose data is written.
    pub(super) fn owner(&self) -> &UserId {
        self.scope.owner
    }

    pub(super) fn connection(&self) -> &Connection {
        self.transaction.connection()
    }

    /// Writes nothing; what was seen can be told to others.
    pub(super) async fn leave(self) -> Result<(), Error> {
        Ok(self.transaction.leave().await?)
    }

    /// Makes the write last, and tells whoever listens.
    pub(super) async fn commit(self) -> Result<(), Error> {
        self.transaction.commit().await?;
        self.scope.events.publish(self.scope.owner);
        Ok(())
    }
}

async fn take(connection: &Connection, owner: &UserId, count: i64) -> Result<i64, Error> {
    let first = owner::ActiveModel { user_id: Set(owner.clone()), revision: Set(count), purged: Set(0) };
    let next = Expr::col((owner::Entity, owner::Column::Revision)).add(count);
    let row = owner::Entity::insert(first)
        .on_conflict(OnConflict::column(owner::Column::UserId).value(owner::Column::Revision, next).to_owned())
        .exec_with_returning(connection)
        .await?;
    Ok(row.revision)
}
