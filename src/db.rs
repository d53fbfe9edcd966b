//! Connecting, pooling, migrating, and every difference between SQLite and PostgreSQL.

mod connect;
mod dialect;
mod hints;
mod readers;

use std::sync::Arc;

use migration::{Migrator, MigratorTrait};
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, ExecResult, QueryResult, RuntimeErr,
    SqliteTransactionMode, Statement, TransactionOptions, TransactionTrait, prelude::async_trait,
};
use tracing::trace;

use self::readers::Readers;
pub use self::{connect::connect, dialect::due_value, hints::Hints};

/// The database: a pool to read from and the connection, or pool, that writes.
/// SQLite has one writer, so that writers queue instead of failing; PostgreSQL has one pool for both.
#[derive(Clone, Debug)]
pub struct Db {
    reader: Connection,
    writer: Connection,
}

/// A pool or a transaction that stores values in the form that its database wants.
#[derive(Clone, Debug)]
pub struct Connection {
    link: Link,
}

#[derive(Clone, Debug)]
enum Link {
    Pool(DatabaseConnection),
    /// For statements that read, on PostgreSQL.
    Readers(Readers),
    Transaction(Arc<DatabaseTransaction>),
}

/// Work that is done wholly or not at all; dropped without [`Transaction::commit`], it is not done.
#[derive(Debug)]
pub struct Transaction {
    connection: Connection,
}

/// The lock that guards the making of signing keys on PostgreSQL: "docket" in ASCII.
const KEY_LOCK: i64 = 0x646f_636b_6574;
/// The lock that lets one instance at a time migrate a PostgreSQL database.
const MIGRATION_LOCK: i64 = KEY_LOCK + 1;

impl Db {
    /// For statements that only read.
    pub fn reader(&self) -> &Connection {
        &self.reader
    }

    /// For one statement that writes.
    pub fn writer(&self) -> &Connection {
        &self.writer
    }

    /// For several statements that must be true together. Inside another transaction it is a part of that one.
    pub async fn begin(&self) -> Result<Transaction, DbErr> {
        let options = TransactionOptions {
            // A transaction that reads first and then writes would otherwise fail under other writers.
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        let begun = match &self.writer.link {
            Link::Pool(pool) => pool.begin_with_options(options).await?,
            Link::Readers(_) => return Err(only_reads()),
            Link::Transaction(outer) => outer.begin().await?,
        };
        Ok(Transaction { connection: Connection { link: Link::Transaction(Arc::new(begun)) } })
    }

    /// Brings the schema up to date; several instances may try at once. A schema that is newer than this program is
    /// an error and stays as it is.
    pub async fn migrate(&self) -> Result<(), DbErr> {
        let Link::Pool(pool) = &self.writer.link else {
            return Err(DbErr::Migration("migrations run outside of transactions".into()));
        };
        if self.backend() == DbBackend::Sqlite {
            return Migrator::up(pool, None).await;
        }
        // The lock lives as long as its transaction, and the migrations run on another connection.
        let lock = self.begin().await?;
        lock.lock(MIGRATION_LOCK).await?;
        Migrator::up(pool, None).await?;
        lock.commit().await
    }

    /// Answers when the database does.
    pub async fn ping(&self) -> Result<(), DbErr> {
        let statement = Statement::from_string(self.backend(), "select 1");
        self.reader.query_one_raw(statement).await.map(drop)
    }

    /// Closes all connections, after the work in hand.
    pub async fn close(&self) -> Result<(), DbErr> {
        for connection in [&self.reader, &self.writer] {
            match &connection.link {
                Link::Pool(pool) => pool.clone().close().await?,
                Link::Readers(readers) => readers.close().await,
                Link::Transaction(_) => {}
            }
        }
        Ok(())
    }

    /// Whether several instances may work on it.
    pub fn is_shared(&self) -> bool {
        self.backend() != DbBackend::Sqlite
    }

    fn backend(&self) -> DbBackend {
        self.writer.get_database_backend()
    }
}

impl Connection {
    /// The pool itself, for what only PostgreSQL has.
    fn postgres_pool(&self) -> Option<&sqlx::PgPool> {
        match &self.link {
            Link::Pool(pool) if pool.get_database_backend() == DbBackend::Postgres => {
                Some(pool.get_postgres_connection_pool())
            }
            _ => None,
        }
    }

    fn pool(pool: DatabaseConnection) -> Self {
        Self { link: Link::Pool(pool) }
    }

    fn readers(readers: Readers) -> Self {
        Self { link: Link::Readers(readers) }
    }
}

impl Transaction {
    /// For statements of this transaction.
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// The database as this transaction sees it: what is done through it is done when this transaction commits.
    pub fn database(&self) -> Db {
        Db { reader: self.connection.clone(), writer: self.connection.clone() }
    }

    /// Makes the work last. Everything that was made by [`Transaction::database`] must be gone by then.
    pub async fn commit(self) -> Result<(), DbErr> {
        match self.connection.link {
            Link::Transaction(inner) => match Arc::into_inner(inner) {
                Some(inner) => inner.commit().await,
                None => Err(DbErr::Custom("a transaction was committed while it was in use".into())),
            },
            Link::Pool(_) | Link::Readers(_) => Ok(()),
        }
    }

    /// Waits until no other instance makes a signing key; the transaction's end lets the next one in.
    pub async fn lock_keys(&self) -> Result<(), DbErr> {
        self.lock(KEY_LOCK).await
    }

    async fn lock(&self, key: i64) -> Result<(), DbErr> {
        match self.connection.get_database_backend() {
            // The one writer is the lock.
            DbBackend::Sqlite => Ok(()),
            _ => self.connection.execute_unprepared(&format!("select pg_advisory_xact_lock({key})")).await.map(drop),
        }
    }
}

#[async_trait::async_trait]
impl ConnectionTrait for Connection {
    fn get_database_backend(&self) -> DbBackend {
        match &self.link {
            Link::Pool(pool) => pool.get_database_backend(),
            Link::Readers(_) => DbBackend::Postgres,
            Link::Transaction(transaction) => transaction.get_database_backend(),
        }
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        let statement = prepared(statement);
        match &self.link {
            Link::Pool(pool) => pool.execute_raw(statement).await,
            Link::Readers(_) => Err(only_reads()),
            Link::Transaction(transaction) => transaction.execute_raw(statement).await,
        }
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        match &self.link {
            Link::Pool(pool) => pool.execute_unprepared(sql).await,
            Link::Readers(_) => Err(only_reads()),
            Link::Transaction(transaction) => transaction.execute_unprepared(sql).await,
        }
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        let statement = prepared(statement);
        match &self.link {
            Link::Pool(pool) => pool.query_one_raw(statement).await,
            Link::Readers(readers) => Ok(readers.query_all(&statement).await?.into_iter().next()),
            Link::Transaction(transaction) => transaction.query_one_raw(statement).await,
        }
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        let statement = prepared(statement);
        match &self.link {
            Link::Pool(pool) => pool.query_all_raw(statement).await,
            Link::Readers(readers) => readers.query_all(&statement).await,
            Link::Transaction(transaction) => transaction.query_all_raw(statement).await,
        }
    }
}

/// The statement as the database wants it; its text, without values, is told to whoever traces `sql`.
fn prepared(statement: Statement) -> Statement {
    trace!(target: "sql", text = statement.sql.as_str(), "statement");
    dialect::adapted(statement)
}

fn only_reads() -> DbErr {
    DbErr::Custom("a connection that reads was asked to write".into())
}

/// How PostgreSQL says that it cannot work now: connection, resources, shutdown, read-only standby; a lock or a
/// statement that took too long; transactions that stood in each other's way.
const AWAY: [&str; 8] = ["08", "53", "57P", "25006", "55P03", "57014", "40001", "40P01"];

/// Whether the error says that the database cannot be reached or cannot work now, rather than that we asked wrongly.
/// SQLite says so by the codes BUSY, LOCKED, IOERR and FULL.
pub(crate) fn is_away(error: &DbErr) -> bool {
    let (DbErr::Exec(RuntimeErr::SqlxError(cause)) | DbErr::Query(RuntimeErr::SqlxError(cause))) = error else {
        return false;
    };
    match &**cause {
        sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => true,
        sqlx::Error::Database(cause) => cause.code().is_some_and(|code| {
            AWAY.iter().any(|class| code.len() == 5 && code.starts_with(class))
                || code.parse().is_ok_and(|code: u32| matches!(code & 0xff, 5 | 6 | 10 | 13))
        }),
        _ => false,
    }
}
