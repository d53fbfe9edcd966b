//! Connecting, pooling, migrating, and every difference between SQLite and PostgreSQL.

mod connect;
mod dialect;

use migration::{Migrator, MigratorTrait};
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, ExecResult, QueryResult, RuntimeErr,
    SqliteTransactionMode, Statement, TransactionOptions, TransactionTrait, prelude::async_trait,
};

pub use self::{connect::connect, dialect::due_value};

/// The database: a pool to read from and the connection, or pool, that writes.
/// SQLite has one writer, so that writers queue instead of failing; PostgreSQL has one pool for both.
#[derive(Clone, Debug)]
pub struct Db {
    reader: Connection<DatabaseConnection>,
    writer: Connection<DatabaseConnection>,
}

/// A connection or transaction that stores values in the form that its database wants.
#[derive(Clone, Debug)]
pub struct Connection<C> {
    inner: C,
}

/// Work that is done wholly or not at all; dropped without [`Transaction::commit`], it is not done.
pub type Transaction = Connection<DatabaseTransaction>;

/// The lock that guards the making of signing keys on PostgreSQL: "docket" in ASCII.
const KEY_LOCK: i64 = 0x646f_636b_6574;
/// The lock that lets one instance at a time migrate a PostgreSQL database.
const MIGRATION_LOCK: i64 = KEY_LOCK + 1;

impl Db {
    /// For statements that only read.
    pub fn reader(&self) -> &Connection<DatabaseConnection> {
        &self.reader
    }

    /// For one statement that writes.
    pub fn writer(&self) -> &Connection<DatabaseConnection> {
        &self.writer
    }

    /// For several statements that must be true together.
    pub async fn begin(&self) -> Result<Transaction, DbErr> {
        let options = TransactionOptions {
            // A transaction that reads first and then writes would otherwise fail under other writers.
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        Ok(Connection { inner: self.writer.inner.begin_with_options(options).await? })
    }

    /// Brings the schema up to date; several instances may try at once. A schema that is newer than this program is
    /// an error and stays as it is.
    pub async fn migrate(&self) -> Result<(), DbErr> {
        if self.backend() == DbBackend::Sqlite {
            Migrator::up(&self.writer.inner, None).await?;
        } else {
            // The lock lives as long as its transaction, and the migrations run on another connection.
            let lock = self.begin().await?;
            lock.lock(MIGRATION_LOCK).await?;
            Migrator::up(&self.writer.inner, None).await?;
            lock.commit().await?;
        }
        Ok(())
    }

    /// Answers when the database does.
    pub async fn ping(&self) -> Result<(), DbErr> {
        self.reader.inner.ping().await
    }

    /// Closes all connections, after the work in hand.
    pub async fn close(&self) -> Result<(), DbErr> {
        self.reader.inner.clone().close().await?;
        self.writer.inner.clone().close().await
    }

    fn backend(&self) -> DbBackend {
        self.writer.get_database_backend()
    }
}

impl Transaction {
    /// Makes the work last.
    pub async fn commit(self) -> Result<(), DbErr> {
        self.inner.commit().await
    }

    /// Waits until no other instance makes a signing key; the transaction's end lets the next one in.
    pub async fn lock_keys(&self) -> Result<(), DbErr> {
        self.lock(KEY_LOCK).await
    }

    async fn lock(&self, key: i64) -> Result<(), DbErr> {
        match self.get_database_backend() {
            // The one writer is the lock.
            DbBackend::Sqlite => Ok(()),
            _ => self.execute_unprepared(&format!("select pg_advisory_xact_lock({key})")).await.map(drop),
        }
    }
}

#[async_trait::async_trait]
impl<C: ConnectionTrait + Send> ConnectionTrait for Connection<C> {
    fn get_database_backend(&self) -> DbBackend {
        self.inner.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        self.inner.execute_raw(dialect::adapted(statement)).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.inner.execute_unprepared(sql).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        self.inner.query_one_raw(dialect::adapted(statement)).await
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        self.inner.query_all_raw(dialect::adapted(statement)).await
    }
}

/// Whether the error says that the database cannot be reached or cannot work now, rather than that we asked wrongly.
/// SQLSTATE classes 08 (connection), 53 (resources) and 57P (shutdown); SQLite codes BUSY, LOCKED, IOERR and FULL.
pub(crate) fn is_away(error: &DbErr) -> bool {
    let (DbErr::Exec(RuntimeErr::SqlxError(cause)) | DbErr::Query(RuntimeErr::SqlxError(cause))) = error else {
        return false;
    };
    match &**cause {
        sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => true,
        sqlx::Error::Database(cause) => cause.code().is_some_and(|code| {
            ["08", "53", "57P"].iter().any(|class| code.len() == 5 && code.starts_with(class))
                || code.parse().is_ok_and(|code: u32| matches!(code & 0xff, 5 | 6 | 10 | 13))
        }),
        _ => false,
    }
}
