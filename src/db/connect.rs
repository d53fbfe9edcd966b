//! Opening a database with the settings that Docket's promises rest on.

use std::{
    io,
    sync::Arc,
    time::{Duration, Instant},
};

use sea_orm::{DatabaseConnection, DbErr, RuntimeErr, SqlxPostgresConnector, SqlxSqliteConnector};
use sqlx::{
    ConnectOptions, Connection as _, PgConnection,
    postgres::{PgPool, PgPoolOptions},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use tokio::time;
use tracing::warn;

use super::{
    Connection, Db,
    batched_reads::BatchedReads,
    connection::Backend,
    create::{self, Maker},
    file,
    in_process::InProcessReads,
    monitor::StatementMonitor,
    pool::ConnectionPool,
    replicas::Replicas,
    session::{Session, is_refused_at_start},
    writer::Writer,
};
use crate::config::{Config, Database, Postgres, SqliteFile};

/// How long a request waits for a connection before it is refused.
pub(super) const ACQUIRE: Duration = Duration::from_secs(2);
/// How many connections there are at least: one for each kind of statement, and two for transactions, because migrating
/// takes two, one for the lock.
const FEWEST: u32 = 4;
const LEAST: u32 = 2;
/// How long a connection may have been idle to be taken without a test.
pub(super) const TRUSTED: Duration = Duration::from_secs(1);
/// How long SQLite waits for another process's lock.
pub(super) const BUSY: Duration = Duration::from_secs(5);
/// How many connections read one SQLite file; more would only share the cores.
const SQLITE_READERS: u32 = 8;
/// How many bytes a page of a new SQLite file has: each that is touched is written whole, and each user has pages of
/// their own in every index.
const PAGE: u32 = 2048;
/// How many pages SQLite's log has when they go into the database: one that was written often goes there once. They are
/// 16 MB.
const CHECKPOINT: &str = "8000";
/// How long its answer is waited for, in case that it is away and nobody says so.
const ANSWER_TIMEOUT: Duration = Duration::from_millis(3500);

/// How long to wait for a server that is just starting, and what it says meanwhile.
const PAUSE: Duration = Duration::from_millis(100);
const STARTING: &str = "57P03";

/// How many connections Docket's role may have at all, if something limits it: its own limit and the database's, which
/// superusers are above, and the server's without what it keeps back. Not behind a pooler, which drops the settings that
/// Docket asks for and has limits of its own.
pub(crate) const ROLE_LIMIT: &str = "select least(\
      case when rolconnlimit >= 0 and not rolsuper then rolconnlimit end, \
      case when datconnlimit >= 0 and not rolsuper then datconnlimit end, \
      current_setting('max_connections')::int \
        - case when rolsuper then 0 else current_setting('superuser_reserved_connections')::int end) \
    from pg_roles, pg_database where rolname = current_user and datname = current_database() \
    and current_setting('docket.session', true) = 'on'";

/// Opens the database of the configuration, making the file when it is SQLite's and not there.
pub async fn connect(config: &Config) -> Result<Db, DbErr> {
    let db = match &config.database {
        Database::Sqlite(file) => sqlite(file, config).await.map_err(|error| file::unusable(&file.path, &error))?,
        Database::Postgres(server) => postgres(server, config).await?,
    };
    Ok(db.with_auth_tables().await)
}

async fn sqlite(file: &SqliteFile, config: &Config) -> Result<Db, DbErr> {
    let options = SqliteConnectOptions::new()
        .filename(&file.path)
        .create_if_missing(file.may_be_made)
        .page_size(PAGE)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .pragma("wal_autocheckpoint", CHECKPOINT)
        .foreign_keys(true)
        .busy_timeout(BUSY)
        .disable_statement_logging();
    if let Some(why) = file::without_log(&file.path) {
        return Err(DbErr::Conn(RuntimeErr::Internal(why)));
    }
    file::access::check(&file.path)?;
    if file.path.exists() {
        file::look(&file.path).await?;
    } else if file.may_be_made {
        file::make(&file.path)?;
    }
    let pool = || SqlitePoolOptions::new().acquire_timeout(ACQUIRE).test_before_acquire(false);
    // The writer goes first: it makes the file, which the readers open without the right to write.
    // What a savepoint would undo stays in memory, instead of going to a file page by page.
    let writer = Writer::open(options.clone().pragma("temp_store", "memory")).await?;
    let pool = pool()
        .max_connections(config.database_connections.min(SQLITE_READERS))
        .connect_with(options.create_if_missing(false).pragma("query_only", "on"))
        .await
        .map_err(failed)?;
    let pool = SqlxSqliteConnector::from_sqlx_sqlite_pool(pool);
    let readers = Backend::File { in_process: InProcessReads::new(&file.path), pool };
    let monitor = StatementMonitor::new(config.slow_statement, "sqlite", None);
    let creates = create::creates(Maker::Sqlite(writer.clone()), &monitor, 1);
    Ok(assemble(&monitor, readers, Backend::Writer { writer, creates }, false))
}

/// A connection to SQLite for migrations, which have transactions of their own.
pub(super) async fn for_migrations(options: &SqliteConnectOptions) -> Result<DatabaseConnection, DbErr> {
    let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options.clone()).await.map_err(failed)?;
    Ok(SqlxSqliteConnector::from_sqlx_sqlite_pool(pool))
}

async fn postgres(server: &Postgres, config: &Config) -> Result<Db, DbErr> {
    let session = Session::new(server)?;
    let Start { connections, session, is_distributed } = start(session, server, config.database_connections).await?;
    session.check_pooler(server).await?;
    let listening = match &config.database_listen {
        Some(server) => notification_pool(&Session::new(server)?),
        None => notification_pool(&session),
    };
    let pool = |most| {
        PgPoolOptions::new()
            .max_connections(most)
            .acquire_timeout(ACQUIRE)
            // A test before each use would be a round trip more; a connection that was used a moment ago is taken as it
            // is.
            .test_before_acquire(false)
            .before_acquire(|connection, about| {
                Box::pin(async move {
                    if about.idle_for > TRUSTED {
                        connection.ping().await?;
                    }
                    Ok(true)
                })
            })
    };
    let (reading, single, transactions) = shares(connections);
    let pool = session.pool(pool(transactions)).await.map_err(|cause| away(server, &cause))?;
    let readers = ConnectionPool::new(session.clone(), reading)?;
    let replicas = replicas(&session, config, reading)?;
    let statements = ConnectionPool::new(session, single)?;
    let pool = SqlxPostgresConnector::from_sqlx_postgres_pool(pool);
    let monitor = StatementMonitor::new(config.slow_statement, "postgresql", Some(ANSWER_TIMEOUT));
    // As many batches of a kind as there are threads that could do something with the answers.
    let batches = config.workers.max(1);
    let creates = create::creates(Maker::Postgres(statements.clone()), &monitor, batches);
    let batched = BatchedReads::new(readers, Arc::clone(&monitor), (!is_distributed).then_some(batches));
    let writer = Backend::Postgres { statements, creates, pool, listening };
    let db = assemble(&monitor, Backend::BatchedReads(batched), writer, is_distributed);
    Ok(Db { replicas, listens_apart: config.database_listen.is_some(), ..db })
}

/// The replicas, with as many connections each as read at the primary, which are made when they are needed.
fn replicas(session: &Session, config: &Config, reading: u32) -> Result<Option<Arc<Replicas>>, DbErr> {
    if config.database_reads.is_empty() {
        return Ok(None);
    }
    let pool = |server: &Postgres| {
        Ok::<_, DbErr>((ConnectionPool::new(session.clone().to(server)?, reading)?, server.address.clone()))
    };
    let pools = config.database_reads.iter().map(pool).collect::<Result<_, _>>()?;
    Ok(Some(Arc::new(Replicas::new(ConnectionPool::new(session.clone(), 1)?, pools))))
}

/// What the first connection finds out.
struct Start {
    /// How many connections there can be: as many as are wanted, or as Docket's role may have. One more listens.
    connections: u32,
    /// How they are set up, which older servers and poolers want in their own way.
    session: Session,
    /// Whether the tables of users are distributed by owner.
    is_distributed: bool,
}

async fn start(session: Session, server: &Postgres, wanted: u32) -> Result<Start, DbErr> {
    let wanted = wanted.max(FEWEST);
    let (mut connection, session) = first(session, server).await?;
    let can_end_idle_sessions = connection.server_version_num().is_some_and(|it| it >= 140_000);
    let session = if can_end_idle_sessions { session.with("idle_session_timeout", "0") } else { session };
    let limit = sqlx::query_scalar::<_, Option<i32>>(ROLE_LIMIT).fetch_one(&mut connection).await;
    let is_distributed = is_distributed(&mut connection).await.map_err(failed)?;
    // One that cannot say goodbye is gone.
    let _ = connection.close().await;
    // A database that does not tell may have no limit.
    let Some(limit) = limit.ok().flatten().and_then(|limit| u32::try_from(limit).ok()) else {
        return Ok(Start { connections: wanted, session, is_distributed });
    };
    if limit < FEWEST + 1 {
        let cause = format!(
            "DATABASE_URL: Docket's role may have {limit} connections and needs {}: raise its connection limit",
            FEWEST + 1
        );
        return Err(DbErr::Conn(RuntimeErr::Internal(cause)));
    }
    if limit <= wanted {
        warn!(wanted, limit, "DATABASE_MAX_CONNECTIONS is more than Docket's role may have; fewer are used");
    }
    Ok(Start { connections: wanted.min(limit - 1), session, is_distributed })
}

/// Whether the tables of users are distributed by owner, among the nodes of a Citus cluster or in partitions: then a statement
/// is to be about one owner alone.
async fn is_distributed(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    let (is_partitioned, is_cluster): (bool, bool) = sqlx::query_as(
        "select exists (select from pg_class where oid = to_regclass('tasks') and relkind = 'p'), \
         to_regclass('pg_catalog.pg_dist_partition') is not null",
    )
    .fetch_one(&mut *connection)
    .await?;
    if is_partitioned || !is_cluster {
        return Ok(is_partitioned);
    }
    let distributed = "select exists (select from pg_dist_partition \
                       where logicalrelid = to_regclass('tasks') and partmethod = 'h')";
    sqlx::query_scalar(distributed).fetch_one(connection).await
}

/// The first connection, and how others are made. A server that is just starting is waited for, as a pool would.
async fn first(mut session: Session, server: &Postgres) -> Result<(PgConnection, Session), DbErr> {
    let start = Instant::now();
    loop {
        let connected = time::timeout(ACQUIRE, session.connect()).await;
        let cause = match connected.unwrap_or(Err(sqlx::Error::PoolTimedOut)) {
            Ok(connection) => return Ok((connection, session)),
            Err(cause) if is_refused_at_start(&cause) && !session.is_after_start() => {
                session = session.after_start();
                continue;
            }
            Err(cause) => cause,
        };
        let is_starting = match &cause {
            sqlx::Error::Io(cause) => cause.kind() == io::ErrorKind::ConnectionRefused,
            sqlx::Error::Database(cause) => cause.code().is_some_and(|code| code == STARTING),
            _ => false,
        };
        if !is_starting || start.elapsed() + PAUSE > ACQUIRE {
            return Err(away(server, &cause));
        }
        time::sleep(PAUSE).await;
    }
}

/// Why a server cannot be used, and where it should be.
fn away(server: &Postgres, cause: &sqlx::Error) -> DbErr {
    let cause = match cause {
        sqlx::Error::PoolTimedOut => format!("no answer in {ACQUIRE:?}"),
        sqlx::Error::Io(cause) => cause.to_string(),
        sqlx::Error::Database(cause) => cause.message().to_owned(),
        cause => cause.to_string(),
    };
    DbErr::Conn(RuntimeErr::Internal(format!("DATABASE_URL: {}: {cause}", server.address)))
}

/// How many of so many connections are for statements that read, for single statements that write, and for transactions,
/// so that none of them waits for another kind. Those that write wait for the disk, together if there are many of them.
fn shares(connections: u32) -> (u32, u32, u32) {
    let reading = (connections * 3 / 10).max(1);
    let together = (connections / 5).max(LEAST);
    (reading, connections.saturating_sub(reading + together), together)
}

/// One connection that receives notifications and one that sends them, which are made when they are needed.
fn notification_pool(session: &Session) -> PgPool {
    session.lazy_pool(PgPoolOptions::new().max_connections(2).acquire_timeout(ACQUIRE))
}

fn assemble(monitor: &Arc<StatementMonitor>, reader: Backend, writer: Backend, is_distributed: bool) -> Db {
    let connection = |backend| Connection { backend, monitor: Arc::clone(monitor), auth_tables: None, is_distributed };
    Db { reader: connection(reader), writer: connection(writer), replicas: None, listens_apart: false }
}

pub(super) fn failed(error: sqlx::Error) -> DbErr {
    DbErr::Conn(RuntimeErr::SqlxError(error.into()))
}
