//! Transactions: several statements that must be true together.

use std::{future::Future, pin::pin, sync::Arc};

use sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement, TransactionTrait};
use tokio::sync::OwnedSemaphorePermit;

use super::{
    Connection, Db,
    conflict::{Attempts, OpenTransaction, is_conflict},
    connection::Backend,
    user_share,
};

/// Work that is done wholly or not at all. Who works in it has a clone; it ends, when that is gone, by
/// [`Transaction::commit`] or [`Transaction::rollback`]. Dropped without either, it is not done.
#[derive(Clone, Debug)]
pub struct Transaction {
    connection: Connection,
    /// A part of its user's share.
    _permit: Option<Arc<OwnedSemaphorePermit>>,
}

/// The lock that guards the making of signing keys on PostgreSQL: "docket" in ASCII.
const KEY_LOCK: i64 = 0x646f_636b_6574;
/// The lock that lets one instance at a time migrate a PostgreSQL database.
pub(super) const MIGRATION_LOCK: i64 = KEY_LOCK + 1;
/// The lock that lets one instance at a time remove a piece of what is to be forgotten.
const PURGE_LOCK: i64 = KEY_LOCK + 2;

impl Db {
    /// Does several statements that must be true together: all of them if the work is `Ok`, none of them otherwise.
    /// Whatever the work comes to is answered when all that it may have seen is on the disk: on SQLite a transaction
    /// sees what those wrote who are committed together with it.
    ///
    /// Work that the database rolled back because of what others did at the same time is done again.
    pub async fn transaction<T, E: From<DbErr>, F: Future<Output = Result<T, E>>>(
        &self,
        work: impl Fn(Transaction) -> F,
    ) -> Result<T, E> {
        let mut attempts = Attempts::default();
        loop {
            let transaction = self.begin().await?;
            let is_whole = transaction.is_whole();
            let (done, has_conflict) = match work(transaction.clone()).await {
                Ok(value) => match transaction.commit().await {
                    Ok(()) => return Ok(value),
                    Err(cause) => {
                        let has_conflict = is_conflict(&cause);
                        (Err(cause.into()), has_conflict)
                    }
                },
                Err(error) => {
                    let has_conflict = transaction.has_conflict();
                    transaction.rollback().await?;
                    (Err(error), has_conflict)
                }
            };
            if !(is_whole && has_conflict && attempts.pause().await) {
                return done;
            }
        }
    }

    /// Begins a transaction that the caller sees to the end of, which [`Db::transaction`] does by itself. Inside another
    /// transaction it is a part of that one.
    pub async fn begin(&self) -> Result<Transaction, DbErr> {
        // What it writes is not at a replica yet.
        self.leave_replica();
        let mut permit = None;
        let begun = match &self.writer.backend {
            Backend::Postgres { pool, .. } => {
                permit = user_share::transaction().await?;
                let begun = self.writer.monitor.in_time(pin!(pool.begin())).await?;
                Backend::Transaction(Arc::new(OpenTransaction::new(begun)))
            }
            Backend::Transaction(outer) => Backend::Transaction(Arc::new(outer.begin().await?)),
            Backend::Writer { writer, .. } => Backend::WriteGuard(Arc::new(writer.guard().await?)),
            Backend::WriteGuard(guard) => Backend::Savepoint(Arc::new(guard.savepoint().await?)),
            Backend::Savepoint(savepoint) => Backend::Savepoint(Arc::new(savepoint.guard().savepoint().await?)),
            Backend::BatchedReads(_) | Backend::OfOwner(_) | Backend::File { .. } => return Err(only_reads()),
        };
        let connection = Connection { backend: begun, ..self.writer.clone() };
        Ok(Transaction { connection, _permit: permit.map(Arc::new) })
    }

    /// The database as it is at one moment, on PostgreSQL; whoever reads it may take its time.
    pub async fn snapshot(&self) -> Result<Transaction, DbErr> {
        let transaction = self.begin().await?;
        if self.is_shared() {
            let settings = [
                "set transaction isolation level repeatable read, read only",
                "set local idle_in_transaction_session_timeout = 0",
            ];
            for setting in settings {
                transaction.connection().execute_unprepared(setting).await?;
            }
        }
        Ok(transaction)
    }
}

impl Transaction {
    /// For statements of this transaction.
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// The database as this transaction sees it: what is done through it is done when this transaction commits.
    pub fn database(&self) -> Db {
        let connection = || self.connection.clone();
        Db { reader: connection(), writer: connection(), replicas: None, listens_apart: false }
    }

    /// Makes the work last. Everything that was made by [`Transaction::database`] must be gone by then.
    pub async fn commit(self) -> Result<(), DbErr> {
        let Self { connection: Connection { backend, monitor, .. }, _permit } = self;
        monitor.over("transaction", "commit", pin!(backend.commit())).await
    }

    /// Ends without having done anything, as soon as all that was seen is on the disk. Everything that was made by
    /// [`Transaction::database`] must be gone by then.
    pub async fn rollback(self) -> Result<(), DbErr> {
        self.connection.backend.rollback().await
    }

    /// Whether it is no part of another one, so that all that was done in it can be done again.
    fn is_whole(&self) -> bool {
        matches!(&self.connection.backend, Backend::Transaction(open) if open.is_whole())
    }

    /// Whether the database rolled it back because of what others did at the same time.
    pub fn has_conflict(&self) -> bool {
        matches!(&self.connection.backend, Backend::Transaction(open) if open.has_conflict())
    }

    /// Waits until no other instance makes a signing key; the transaction's end lets the next one in.
    pub async fn lock_keys(&self) -> Result<(), DbErr> {
        match self.connection.get_database_backend() {
            // The one writer is the lock.
            DbBackend::Sqlite => Ok(()),
            _ => {
                let sql = format!("select pg_advisory_xact_lock({KEY_LOCK})");
                self.connection.execute_unprepared(&sql).await.map(drop)
            }
        }
    }

    /// Whether no other instance removes a piece of what is to be forgotten; none does until the transaction's end.
    pub async fn try_lock_purge(&self) -> Result<bool, DbErr> {
        self.try_lock(PURGE_LOCK).await
    }

    pub(super) async fn try_lock(&self, key: i64) -> Result<bool, DbErr> {
        // On SQLite the one writer is the lock.
        if self.connection.get_database_backend() == DbBackend::Sqlite {
            return Ok(true);
        }
        let sql = format!("select pg_try_advisory_xact_lock({key})");
        let row = self.connection.query_one_raw(Statement::from_string(DbBackend::Postgres, sql)).await?;
        row.map_or(Ok(false), |row| row.try_get_by_index(0))
    }
}

/// The transaction, if nobody works in it any more.
fn alone<T>(transaction: Arc<T>) -> Result<T, DbErr> {
    Arc::into_inner(transaction).ok_or_else(|| DbErr::Custom("a transaction was ended while it was in use".into()))
}

impl Backend {
    /// Makes a transaction last.
    pub(super) async fn commit(self) -> Result<(), DbErr> {
        match self {
            Self::Transaction(inner) => alone(inner)?.commit().await,
            Self::WriteGuard(guard) => alone(guard)?.commit().await,
            Self::Savepoint(savepoint) => alone(savepoint)?.keep().await,
            _ => Ok(()),
        }
    }

    /// Undoes a transaction, and returns when what it saw is on the disk.
    pub(super) async fn rollback(self) -> Result<(), DbErr> {
        match self {
            // What others have not committed is not seen there.
            Self::Transaction(inner) => alone(inner)?.rollback().await,
            Self::WriteGuard(guard) => alone(guard)?.rollback().await,
            // The transaction around it waits for the disk.
            Self::Savepoint(savepoint) => alone(savepoint).map(drop),
            _ => Ok(()),
        }
    }
}

pub(super) fn only_reads() -> DbErr {
    DbErr::Custom("a connection that reads was asked to write".into())
}
