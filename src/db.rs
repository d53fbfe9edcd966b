//! Connecting, pooling, migrating, and every difference between SQLite and PostgreSQL.

mod auth_tables;
mod batched_reads;
mod conflict;
mod connect;
mod connection;
mod create;
mod dialect;
mod epoch;
pub mod file;
mod in_process;
mod monitor;
mod notify;
mod open_files;
mod pool;
mod replicas;
mod selection;
mod session;
mod size;
mod tables;
mod transaction;
mod trial;
mod user_share;
mod writer;

use std::{fs::File, path::Path, sync::Arc, time::Duration};

use chrono::Utc;
use migration::{Migrator, MigratorTrait};
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, DbErr, Statement, TransactionTrait};
use sqlx::postgres::PgDatabaseError;
use tokio::time;
use tracing::info;

pub(crate) use self::{
    auth_tables::{AuthTables, plain},
    conflict::is_conflict,
    connect::ROLE_LIMIT,
    trial::{Trial, is_held_up, objection},
};
pub use self::{
    conflict::Attempts,
    connect::connect,
    connection::Connection,
    dialect::time_or_stand_in,
    notify::{Changes, Channel, Notification, Notifier},
    replicas::{AccountRow, RequestReads},
    selection::{Pace, Window},
    tables::{FoundColumn, FoundRow, FoundTable},
    transaction::Transaction,
    user_share::{RequestShare, UserShares, is_within, within},
};
use self::{
    conflict::CONFLICTS,
    connection::{Backend, sqlx_cause},
    replicas::SharedReplicas,
    transaction::MIGRATION_LOCK,
    user_share::MAX_QUICK_READS,
};
use crate::telemetry::metrics::{Pool, Statements};

/// How long to wait before it is asked again whether another instance still migrates.
const MIGRATION_PAUSE: Duration = Duration::from_millis(200);

/// The database: a pool to read from and the connection, or pool, that writes.
/// SQLite has one writer, so that writers queue instead of failing; PostgreSQL has one pool for both.
#[derive(Clone, Debug)]
pub struct Db {
    reader: Connection,
    writer: Connection,
    /// Where users can be read too.
    replicas: Option<SharedReplicas>,
    /// Whether notifications have an address of their own.
    listens_apart: bool,
}

/// What lets one instance at a time migrate, as long as it lives.
#[derive(Debug)]
pub(crate) enum MigrationLock {
    /// On SQLite.
    File(File),
    /// On PostgreSQL, where migrations run on another connection.
    Transaction(Transaction),
}

impl Db {
    /// The same, whose statements fit Better Auth's tables as they are here. What cannot be found out is as usual.
    async fn with_auth_tables(self) -> Self {
        let found = AuthTables::detect(&self).await.unwrap_or_default();
        let auth_tables = Some(found).filter(|it| *it != AuthTables::default()).map(Arc::new);
        let with = |connection| Connection { auth_tables: auth_tables.clone(), ..connection };
        Self { reader: with(self.reader), writer: with(self.writer), ..self }
    }

    /// For statements that only read.
    pub fn reader(&self) -> &Connection {
        &self.reader
    }

    /// For one statement that writes.
    pub fn writer(&self) -> &Connection {
        &self.writer
    }

    /// Waits until no other instance migrates. On PostgreSQL it asks again and again: an index that is made concurrently
    /// waits for all statements that have begun before, and so for one that waits for the lock.
    pub(crate) async fn lock_migrations(&self) -> Result<MigrationLock, DbErr> {
        if let Some(path) = self.path() {
            return file::alone(path).await.map(MigrationLock::File);
        }
        let mut is_logged = false;
        loop {
            let lock = self.begin().await?;
            // It does nothing while others of its connections migrate, for as long as that takes.
            lock.connection().execute_unprepared("set local idle_in_transaction_session_timeout = 0").await?;
            if lock.try_lock(MIGRATION_LOCK).await? {
                return Ok(MigrationLock::Transaction(lock));
            }
            lock.rollback().await?;
            if !is_logged {
                info!("another instance brings the database schema up to date: waiting for it");
                is_logged = true;
            }
            time::sleep(MIGRATION_PAUSE).await;
        }
    }

    /// Applies the migrations that are not yet applied, and gives the lock back.
    pub(crate) async fn migrate(&self, lock: MigrationLock) -> Result<(), DbErr> {
        match (&self.writer.backend, lock) {
            (Backend::Writer { writer, .. }, MigrationLock::File(_lock)) => {
                let pool = connect::for_migrations(writer.options()).await?;
                let migrated = self.apply_migrations(&pool).await;
                pool.close().await?;
                migrated
            }
            (Backend::Postgres { pool, .. }, MigrationLock::Transaction(lock)) => {
                self.apply_migrations(pool).await?;
                lock.commit().await
            }
            _ => Err(DbErr::Migration("migrations run outside of transactions".into())),
        }
    }

    async fn apply_migrations(&self, pool: &DatabaseConnection) -> Result<(), DbErr> {
        let usual = AuthTables::default();
        let tables = self.auth_tables().unwrap_or(&usual);
        self.add_columns(pool, tables).await?;
        Migrator::install(pool).await?;
        let pending = Migrator::get_pending_migrations(pool).await?;
        let Some(last) = pending.last() else { return Ok(()) };
        info!(migrations = pending.len(), last = last.name(), "bringing the database schema up to date");
        if self.auth_tables().is_none() && self.is_shared() {
            // Each is a transaction by itself, unless it is made outside of one.
            Migrator::up(pool, None).await?;
        } else {
            for migration in &pending {
                self.apply_migration(pool, tables, migration.name()).await?;
            }
        }
        info!("the database schema is up to date");
        Ok(())
    }

    /// Applies the next migration; one that is about Better Auth's tables is fitted to them.
    async fn apply_migration(&self, pool: &DatabaseConnection, tables: &AuthTables, name: &str) -> Result<(), DbErr> {
        let text = self.auth_tables().and_then(|_| migration::of_auth_tables(name, self.backend()));
        match text {
            Some(text) => {
                let applied = Utc::now().timestamp();
                let row = format!("insert into seaql_migrations values ('{name}', {applied})");
                let transaction = pool.begin().await?;
                transaction.execute_unprepared(&tables.fit_text(text)).await?;
                transaction.execute_unprepared(&row).await?;
                transaction.commit().await
            }
            None if self.is_shared() => Migrator::up(pool, Some(1)).await,
            // SeaORM begins none on SQLite, where the pool has one connection: one that is cut off is to leave nothing.
            None => {
                pool.execute_unprepared("begin immediate").await?;
                let done = Migrator::up(pool, Some(1)).await;
                pool.execute_unprepared(if done.is_ok() { "commit" } else { "rollback" }).await?;
                done
            }
        }
    }

    /// Adds what an older Better Auth has not made.
    async fn add_columns(&self, pool: &DatabaseConnection, tables: &AuthTables) -> Result<(), DbErr> {
        for addition in tables.additions(self).await? {
            pool.execute_unprepared(&addition).await?;
        }
        Ok(())
    }

    /// How Better Auth's tables differ from those that Docket makes, if they do.
    pub(crate) fn auth_tables(&self) -> Option<&AuthTables> {
        self.reader.auth_tables()
    }

    /// SQLite's file.
    pub(crate) fn path(&self) -> Option<&Path> {
        match &self.writer.backend {
            Backend::Writer { writer, .. } => Some(writer.options().get_filename()),
            _ => None,
        }
    }

    /// Says that SQLite's file was removed or replaced since it was opened, if it was, and what to do: what is written
    /// then is lost, and nothing is.
    pub(crate) fn lost_file(&self) -> Option<String> {
        match &self.writer.backend {
            Backend::Writer { writer, .. } => writer.lost_file(),
            _ => None,
        }
    }

    /// Answers when the database does.
    pub async fn ping(&self) -> Result<(), DbErr> {
        let statement = Statement::from_string(self.backend(), "select 1");
        self.reader.query_one_raw(statement).await.map(drop)
    }

    /// Closes all connections, after the work in hand.
    pub async fn close(&self) -> Result<(), DbErr> {
        for connection in [&self.reader, &self.writer] {
            connection.close().await?;
        }
        if let Some(replicas) = &self.replicas {
            replicas.close().await;
        }
        Ok(())
    }

    /// The times of all statements.
    pub fn statements(&self) -> Statements {
        self.writer.monitor.statements()
    }

    /// The pools as they are now, by name.
    pub fn pools(&self) -> Vec<(&'static str, Pool)> {
        let pools = [&self.reader, &self.writer].into_iter().filter_map(|it| Some((it.name(), it.now()?)));
        pools.chain(self.replicas.as_ref().map(|it| ("replica", it.now()))).collect()
    }

    /// Shares of users: a fifth of the connections that read, so that four who ask for much leave some to others, one
    /// transaction, and some quick reads.
    pub fn shares(&self) -> UserShares {
        let reading = self.reader.now().map_or(1, |it| it.most);
        UserShares::new([(reading / 5).max(1), 1, MAX_QUICK_READS])
    }

    /// Whether the tables of users are distributed by owner, so that a statement about several is sent to several nodes.
    pub fn is_distributed(&self) -> bool {
        self.writer.is_distributed
    }

    /// Whether several instances may work on it.
    pub fn is_shared(&self) -> bool {
        self.backend() != DbBackend::Sqlite
    }

    fn backend(&self) -> DbBackend {
        self.writer.get_database_backend()
    }
}

/// How PostgreSQL says that it cannot work now, beside conflicts: connection, resources, shutdown, read-only standby; a
/// lock or a statement that took too long.
const AWAY: [&str; 6] = ["08", "53", "57P", "25006", "55P03", "57014"];

/// The codes of what functions and triggers raise by themselves.
const RAISED: &str = "P0001";
const RAISED_BY_SQLITE: &str = "1811";
/// How PostgreSQL says that it was in a function.
const FUNCTION: &str = "PL/pgSQL function ";

/// Whether the error says that the database cannot be reached or cannot work now, rather than that we asked wrongly.
pub(crate) fn is_unavailable(error: &DbErr) -> bool {
    use sqlx::Error::{Database, Io, PoolClosed, PoolTimedOut, WorkerCrashed};
    match sqlx_cause(error) {
        Some(Io(_) | PoolTimedOut | PoolClosed | WorkerCrashed) => true,
        Some(Database(cause)) => cause.code().is_some_and(|code| is_away(&code)),
        _ => false,
    }
}

/// Whether the code is one of those; SQLite's are BUSY, LOCKED, IOERR and FULL.
fn is_away(code: &str) -> bool {
    match sqlite_code(code) {
        Some(code) => matches!(code, 5 | 6 | 10 | 13),
        None => AWAY.iter().chain(&CONFLICTS).any(|class| code.starts_with(class)),
    }
}

/// SQLite's primary code in a code of either database: PostgreSQL's have five characters, which may all be digits.
fn sqlite_code(code: &str) -> Option<u32> {
    code.parse::<u32>().ok().filter(|_| code.len() < 5).map(|code| code & 0xff)
}

/// What a function that is not Docket's has refused, without the words of that function, which may have values of a row
/// in them.
pub(crate) fn without_words(error: DbErr) -> DbErr {
    let Some(cause) = sqlx_cause(&error).and_then(|it| it.as_database_error()) else { return error };
    let code = cause.code().unwrap_or_default();
    let context = cause.try_downcast_ref::<PgDatabaseError>().and_then(PgDatabaseError::r#where).unwrap_or_default();
    let place = context.lines().find(|line| line.starts_with(FUNCTION));
    if place.is_none() && !matches!(&*code, RAISED | RAISED_BY_SQLITE) {
        return error;
    }
    let place = place.map(|it| format!(", {it}")).unwrap_or_default();
    DbErr::Custom(format!("error returned from database: a trigger has refused a row ({code}{place})"))
}
