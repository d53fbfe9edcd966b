//! Connecting, pooling, migrating, and every difference between SQLite and PostgreSQL.

mod checkup;
mod connect;
mod dialect;
pub mod file;
mod hints;
mod readers;
mod watch;

use std::sync::Arc;

use migration::{Migrator, MigratorTrait};
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, ExecResult, QueryResult, RuntimeErr,
    SqliteTransactionMode, Statement, TransactionOptions, TransactionTrait, prelude::async_trait,
};

pub use self::{
    checkup::Checkup,
    connect::connect,
    dialect::due_value,
    hints::{Channel, Hints},
};
use self::{readers::Readers, watch::Watch};
use crate::telemetry::metrics::{Pool, Statements};

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
    watch: Arc<Watch>,
}

#[derive(Clone, Debug)]
enum Link {
    Pool {
        pool: DatabaseConnection,
        is_reader: bool,
    },
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
            Link::Pool { pool, .. } => pool.begin_with_options(options).await?,
            Link::Readers(_) => return Err(only_reads()),
            Link::Transaction(outer) => outer.begin().await?,
        };
        let watch = Arc::clone(&self.writer.watch);
        Ok(Transaction { connection: Connection { link: Link::Transaction(Arc::new(begun)), watch } })
    }

    /// Brings the schema up to date; several instances may try at once. A schema that is newer than this program is
    /// an error and stays as it is.
    pub async fn migrate(&self) -> Result<(), DbErr> {
        let Link::Pool { pool, .. } = &self.writer.link else {
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
                Link::Pool { pool, .. } => pool.clone().close().await?,
                Link::Readers(readers) => readers.close().await,
                Link::Transaction(_) => {}
            }
        }
        Ok(())
    }

    /// The times of all statements.
    pub fn statements(&self) -> Statements {
        self.writer.watch.statements()
    }

    /// The pools as they are now, by name.
    pub fn pools(&self) -> Vec<(&'static str, Pool)> {
        [&self.reader, &self.writer].into_iter().filter_map(|it| Some((it.name(), it.pool_now()?))).collect()
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
            Link::Pool { pool, .. } if pool.get_database_backend() == DbBackend::Postgres => {
                Some(pool.get_postgres_connection_pool())
            }
            _ => None,
        }
    }

    /// What it is called in metrics.
    fn name(&self) -> &'static str {
        match &self.link {
            Link::Readers(_) | Link::Pool { is_reader: true, .. } => "read",
            Link::Pool { .. } => "write",
            Link::Transaction(_) => "transaction",
        }
    }

    fn pool_now(&self) -> Option<Pool> {
        match &self.link {
            Link::Pool { pool, .. } if pool.get_database_backend() == DbBackend::Postgres => {
                Some(now(pool.get_postgres_connection_pool()))
            }
            Link::Pool { pool, .. } => Some(now(pool.get_sqlite_connection_pool())),
            Link::Readers(readers) => Some(readers.now()),
            Link::Transaction(_) => None,
        }
    }
}

/// A pool as it is now.
fn now<DB: sqlx::Database>(pool: &sqlx::Pool<DB>) -> Pool {
    let most = usize::try_from(pool.options().get_max_connections()).unwrap_or(usize::MAX);
    Pool { open: usize::try_from(pool.size()).unwrap_or(usize::MAX), idle: pool.num_idle(), most }
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
                Some(inner) => self.connection.watch.over(("transaction", "commit"), inner.commit()).await,
                None => Err(DbErr::Custom("a transaction was committed while it was in use".into())),
            },
            Link::Pool { .. } | Link::Readers(_) => Ok(()),
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
            Link::Pool { pool, .. } => pool.get_database_backend(),
            Link::Readers(_) => DbBackend::Postgres,
            Link::Transaction(transaction) => transaction.get_database_backend(),
        }
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        let text = statement.sql.clone();
        let statement = dialect::adapted(statement);
        let work = async {
            match &self.link {
                Link::Pool { pool, .. } => pool.execute_raw(statement).await,
                Link::Readers(_) => Err(only_reads()),
                Link::Transaction(transaction) => transaction.execute_raw(statement).await,
            }
        };
        self.watch.over((self.name(), &text), work).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        let work = async {
            match &self.link {
                Link::Pool { pool, .. } => pool.execute_unprepared(sql).await,
                Link::Readers(_) => Err(only_reads()),
                Link::Transaction(transaction) => transaction.execute_unprepared(sql).await,
            }
        };
        self.watch.over((self.name(), sql), work).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        let statement = dialect::adapted(statement);
        match &self.link {
            Link::Readers(readers) => {
                let work = readers.query_all(&statement);
                Ok(self.watch.over((self.name(), &statement.sql), work).await?.into_iter().next())
            }
            Link::Pool { pool, .. } => {
                let text = statement.sql.clone();
                self.watch.over((self.name(), &text), pool.query_one_raw(statement)).await
            }
            Link::Transaction(transaction) => {
                let text = statement.sql.clone();
                self.watch.over((self.name(), &text), transaction.query_one_raw(statement)).await
            }
        }
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        let statement = dialect::adapted(statement);
        match &self.link {
            Link::Readers(readers) => {
                self.watch.over((self.name(), &statement.sql), readers.query_all(&statement)).await
            }
            Link::Pool { pool, .. } => {
                let text = statement.sql.clone();
                self.watch.over((self.name(), &text), pool.query_all_raw(statement)).await
            }
            Link::Transaction(transaction) => {
                let text = statement.sql.clone();
                self.watch.over((self.name(), &text), transaction.query_all_raw(statement)).await
            }
        }
    }
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
