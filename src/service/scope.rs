//! One user's data, and the transactions that change it.

use std::{borrow::Cow, future::Future};

use entity::{
    database_epoch,
    id::OwnerId,
    row::{Columns, FromRow, RowColumns},
    task, user_revision,
};
use sea_orm::{
    ActiveValue::Set,
    DbErr, EntityTrait,
    sea_query::{Expr, ExprTrait, OnConflict, Query},
};

use super::{events::Events, owners::unless_gone, tasks::Totals};
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
    /// How many characters a description has at most.
    pub(super) max_description: usize,
    pub(super) owner: OwnerId,
}

/// A transaction in which nobody else changes this user's data: the user's counter is its lock. Each row that it
/// writes takes a number of the counter, so that numbers become visible in their order.
pub(super) struct Write {
    owner: OwnerId,
    transaction: Transaction,
    /// A number that was taken with the lock and is not yet used.
    spare: Option<i64>,
}

/// How the feed of a user's changes stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FeedState {
    /// The epoch of the database.
    pub(super) epoch: String,
    /// The revision of the user's last write.
    pub(super) revision: i64,
    /// Deletions up to this revision may have been purged.
    pub(super) purged_through: i64,
}

impl FromRow for FeedState {
    fn read(row: &mut Columns<'_, impl RowColumns>) -> Result<Self, DbErr> {
        Ok(Self {
            epoch: row.value()?,
            revision: row.value_if_any()?.unwrap_or_default(),
            purged_through: row.value_if_any()?.unwrap_or_default(),
        })
    }
}

/// What a write came to.
pub(super) enum Outcome<T> {
    /// What it did is to last, and whoever listens hears of it.
    Changed(T),
    /// There was nothing to do, and nothing is done.
    Unchanged(T),
}

/// Why the work of a transaction left nothing behind.
enum RolledBack<T> {
    Unchanged(T),
    Failed(Error),
}

impl<T, E: Into<Error>> From<E> for RolledBack<T> {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

impl<'a> Scope<'a> {
    /// For statements that only read the user's data.
    pub(super) fn reads(self) -> Cow<'a, Connection> {
        self.db.reads_of(self.owner)
    }

    /// Tells whoever listens that the user's data was written, and a revision from which on they have all of it, if one
    /// is known.
    fn publish(self, revision: Option<i64>) {
        self.db.note_write(self.owner, revision);
        self.events.publish(self.owner, revision);
    }

    /// Changes the user's data: all that the work does lasts if it is `Ok`, nothing of it otherwise. There is no other
    /// way out, and none is taken before what the work saw is on the disk.
    pub(super) async fn write<T, F: Future<Output = Result<T, Error>>>(
        self,
        work: impl Fn(Write) -> F,
    ) -> Result<T, Error> {
        self.write_if_needed(async |write| work(write).await.map(Outcome::Changed)).await
    }

    /// As [`Scope::write`], for work that may find nothing to do.
    pub(super) async fn write_if_needed<T, F: Future<Output = Result<Outcome<T>, Error>>>(
        self,
        work: impl Fn(Write) -> F,
    ) -> Result<T, Error> {
        let done = self.db.transaction(async |transaction| {
            let first = take(transaction.connection(), self.owner, 1).await?;
            match work(Write { owner: self.owner, transaction, spare: Some(first) }).await? {
                Outcome::Changed(value) => Ok((value, first)),
                Outcome::Unchanged(value) => Err(RolledBack::Unchanged(value)),
            }
        });
        match done.await {
            Ok((value, first)) => {
                // Whoever has the first of its numbers has the whole transaction.
                self.publish(Some(first));
                Ok(value)
            }
            Err(RolledBack::Unchanged(value)) => Ok(value),
            Err(RolledBack::Failed(error)) => Err(error),
        }
    }

    /// Does several writes as one transaction, in which nobody else changes this user's data: writes on the database
    /// that the work gets are parts of it, each of which lasts or not by itself.
    pub(super) async fn batch<T, F: Future<Output = Result<T, Error>>>(
        self,
        work: impl Fn(Db) -> F,
    ) -> Result<T, Error> {
        let done = self.db.transaction(async |transaction| {
            take(transaction.connection(), self.owner, 0).await?;
            work(transaction.database()).await
        });
        let value = done.await?;
        self.publish(None);
        Ok(value)
    }

    /// Makes a task by one message to the database, which is a whole write.
    pub(super) async fn create_at_once(self, row: task::ActiveModel) -> Result<task::Model, Error> {
        check(self.owner)?;
        let made = self.db.create_at_once(row).await.map_err(unless_gone)?;
        self.publish(Some(made.revision));
        Ok(made)
    }

    /// How the feed stands, in one statement: zeros if nothing was ever written.
    pub(super) async fn feed_state(self) -> Result<FeedState, Error> {
        let counter = |column| Expr::col((user_revision::Entity, column));
        let select = Query::select()
            .column((database_epoch::Entity, database_epoch::Column::Epoch))
            .expr(counter(user_revision::Column::Revision))
            .expr(counter(user_revision::Column::PurgedThrough))
            .from(database_epoch::Entity)
            .left_join(user_revision::Entity, counter(user_revision::Column::OwnerId).eq(self.owner))
            .to_owned();
        let states: Vec<FeedState> = self.reads().rows_of(&select).await?;
        let without_epoch = || Error::internal("the table database_epochs has no row");
        states.into_iter().next().ok_or_else(without_epoch)
    }

    /// The user's counter, if anything was ever written.
    pub(super) async fn counter(self) -> Result<Option<user_revision::Model>, Error> {
        Ok(self.reads().row(user_revision::Entity::find_by_id(self.owner)).await?)
    }
}

impl Write {
    /// The number for one row.
    pub(super) async fn number(&mut self) -> Result<i64, Error> {
        match self.spare.take() {
            Some(number) => Ok(number),
            None => take(self.connection(), self.owner, 1).await,
        }
    }

    /// Numbers for as many rows; the answer is the one before the first of them.
    pub(super) async fn numbers(&mut self, count: i64) -> Result<i64, Error> {
        match count {
            1 => Ok(self.number().await? - 1),
            _ => Ok(take(self.connection(), self.owner, count).await? - count),
        }
    }

    /// Whose data is written.
    pub(super) fn owner(&self) -> OwnerId {
        self.owner
    }

    pub(super) fn connection(&self) -> &Connection {
        self.transaction.connection()
    }
}

async fn take(connection: &Connection, owner: OwnerId, count: i64) -> Result<i64, Error> {
    check(owner)?;
    let first = user_revision::ActiveModel { owner_id: Set(owner), revision: Set(count), purged_through: Set(0) };
    let next = Expr::col((user_revision::Entity, user_revision::Column::Revision)).add(count);
    let row = user_revision::Entity::insert(first)
        .on_conflict(
            OnConflict::column(user_revision::Column::OwnerId).value(user_revision::Column::Revision, next).to_owned(),
        )
        .exec_with_returning(connection)
        .await
        .map_err(unless_gone)?;
    Ok(row.revision)
}

/// Whoever writes has a number.
fn check(owner: OwnerId) -> Result<(), Error> {
    if owner == OwnerId::NOBODY { Err(Error::internal("a write of nobody")) } else { Ok(()) }
}
