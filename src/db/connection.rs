//! What statements go through: a pool, SQLite's writer, or a transaction.

use std::{
    pin::pin,
    sync::Arc,
    time::{Duration, Instant},
};

use entity::row::{self, FromRow};
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DbBackend, DbErr, ExecResult, QueryResult, QueryTrait, RuntimeErr, Statement,
    Values, prelude::async_trait, sea_query::SelectStatement,
};
use sea_query_sqlx::SqlxValues;
use sqlx::{AssertSqlSafe, PgPool, Sqlite};
use tokio::task::{self, coop};

use super::{
    auth_tables::AuthTables,
    batched_reads::BatchedReads,
    conflict::OpenTransaction,
    create::Creates,
    dialect,
    in_process::InProcessReads,
    monitor::StatementMonitor,
    pool::ConnectionPool,
    replicas::OwnerReads,
    selection::{Pace, Window},
    transaction::only_reads,
    user_share,
    writer::{Savepoint, WriteGuard, Writer},
};
use crate::telemetry::metrics::Pool;

/// How many of the steps that a task may take at a time, 128 of tokio's, a read in its thread counts as.
const STEPS_OF_A_READ: usize = 12;
/// How long statements of one request may keep their thread before others get a turn.
const WITHOUT_PAUSE: Duration = Duration::from_millis(1);

/// A pool or a transaction.
#[derive(Clone, Debug)]
pub struct Connection {
    pub(super) backend: Backend,
    pub(super) monitor: Arc<StatementMonitor>,
    /// How Better Auth's tables differ here from those that Docket makes, if they do.
    pub(super) auth_tables: Option<Arc<AuthTables>>,
    /// Whether the tables of users are distributed by owner.
    pub(super) is_distributed: bool,
}

#[derive(Clone, Debug)]
pub(super) enum Backend {
    /// For statements that read, on PostgreSQL.
    BatchedReads(BatchedReads),
    /// For single statements that write, and for transactions, on PostgreSQL.
    Postgres { statements: ConnectionPool, creates: Creates, pool: DatabaseConnection, listening: PgPool },
    /// For statements that read the data of one user, on PostgreSQL with replicas.
    OfOwner(OwnerReads),
    /// A transaction on PostgreSQL.
    Transaction(Arc<OpenTransaction>),
    /// For statements that read, on SQLite: in the thread that asks, or in others if that takes long.
    File { in_process: InProcessReads, pool: DatabaseConnection },
    /// For statements that write, on SQLite.
    Writer { writer: Writer, creates: Creates },
    /// A transaction on SQLite.
    WriteGuard(Arc<WriteGuard>),
    /// A transaction inside another one, on SQLite.
    Savepoint(Arc<Savepoint>),
}

impl Connection {
    /// The pool for notifications, which only PostgreSQL has.
    pub(super) fn listening(&self) -> Option<&PgPool> {
        match &self.backend {
            Backend::Postgres { listening, .. } => Some(listening),
            _ => None,
        }
    }

    /// What is selected, read by the places of the columns.
    pub async fn rows<T: FromRow>(
        &self,
        select: impl QueryTrait<QueryStatement = SelectStatement>,
    ) -> Result<Vec<T>, DbErr> {
        self.rows_of(select.as_query()).await
    }

    /// The first of what is selected, if there is anything.
    pub async fn row<T: FromRow>(
        &self,
        select: impl QueryTrait<QueryStatement = SelectStatement>,
    ) -> Result<Option<T>, DbErr> {
        Ok(self.rows(select).await?.into_iter().next())
    }

    /// The first of what is selected by a statement that is quick, as one that finds a row by its key.
    pub async fn quick_row<T: FromRow>(
        &self,
        select: impl QueryTrait<QueryStatement = SelectStatement>,
    ) -> Result<Option<T>, DbErr> {
        let statement = self.get_database_backend().build(select.as_query());
        Ok(self.read(statement, Pace::Quick).await?.into_iter().next())
    }

    /// What is selected from `offset` on, all of it unless a limit is given. The limit is a part of the text: one that
    /// PostgreSQL does not know it takes for a tenth of all rows, which looks so much worse than the one that is given
    /// then that it plans the statement anew each time. There are more offsets than statements that can be kept.
    pub async fn window<T: FromRow>(
        &self,
        select: &SelectStatement,
        Window { offset, limit }: Window,
        pace: Pace,
    ) -> Result<Vec<T>, DbErr> {
        let mut statement = self.get_database_backend().build(select);
        if limit.is_some() || offset > 0 {
            // SQLite knows no offset without a limit.
            let limit = limit.unwrap_or(i64::MAX.unsigned_abs());
            statement.sql.push_str(&format!(" LIMIT {limit}"));
        }
        if offset > 0 {
            let values = &mut statement.values.get_or_insert_with(|| Values(Vec::new())).0;
            values.push(offset.into());
            let place =
                if statement.db_backend == DbBackend::Sqlite { "?".into() } else { format!("${}", values.len()) };
            statement.sql.push_str(&format!(" OFFSET {place}"));
        }
        self.read(statement, pace).await
    }

    /// The rows of a statement, read by the places of their columns.
    pub async fn rows_of<T: FromRow>(&self, select: &SelectStatement) -> Result<Vec<T>, DbErr> {
        self.read(self.get_database_backend().build(select), Pace::Any).await
    }

    /// How Better Auth's tables differ from those that Docket makes, if they do.
    pub(crate) fn auth_tables(&self) -> Option<&AuthTables> {
        self.auth_tables.as_deref()
    }

    /// The statement for the tables that are here.
    pub(super) fn fitted(&self, statement: Statement) -> Statement {
        match &self.auth_tables {
            Some(tables) => tables.fit(statement),
            None => statement,
        }
    }

    async fn read<T: FromRow>(&self, statement: Statement, pace: Pace) -> Result<Vec<T>, DbErr> {
        let statement = self.fitted(statement);
        if let Some(rows) = self.replica_rows(&statement).await {
            return rows.iter().map(row::read).collect();
        }
        let statement = &statement;
        self.again(|| async move {
            self.monitor.over(self.name(), &statement.sql, pin!(self.backend.rows(statement, pace))).await
        })
        .await
    }

    /// What it is called in metrics.
    pub(super) fn name(&self) -> &'static str {
        match &self.backend {
            Backend::BatchedReads(_) | Backend::OfOwner(_) | Backend::File { .. } => "read",
            Backend::Postgres { .. } | Backend::Writer { .. } => "write",
            Backend::Transaction(_) | Backend::WriteGuard(_) | Backend::Savepoint(_) => "transaction",
        }
    }

    /// Its connections as they are now.
    pub(super) fn now(&self) -> Option<Pool> {
        match &self.backend {
            Backend::Postgres { pool, statements, .. } => {
                let (pool, statements) = (now(pool.get_postgres_connection_pool()), statements.now());
                Some(Pool {
                    open: pool.open + statements.open,
                    idle: pool.idle + statements.idle,
                    most: pool.most + statements.most,
                })
            }
            Backend::File { in_process, pool } => {
                let (pool, more) = (now(pool.get_sqlite_connection_pool()), in_process.now());
                Some(Pool { open: pool.open + more, idle: pool.idle + more, most: pool.most + more })
            }
            Backend::BatchedReads(batched_reads) => Some(batched_reads.statements().now()),
            Backend::OfOwner(_) => None,
            Backend::Writer { writer, .. } => Some(writer.now()),
            Backend::Transaction(_) | Backend::WriteGuard(_) | Backend::Savepoint(_) => None,
        }
    }

    /// Closes its connections, after the work in hand.
    pub(super) async fn close(&self) -> Result<(), DbErr> {
        match &self.backend {
            Backend::File { in_process, pool } => {
                in_process.close();
                pool.clone().close().await
            }
            Backend::Postgres { statements, pool, .. } => {
                statements.close().await;
                pool.clone().close().await
            }
            Backend::Writer { writer, .. } => writer.close().await,
            Backend::BatchedReads(batched_reads) => {
                batched_reads.statements().close().await;
                Ok(())
            }
            Backend::OfOwner(_) | Backend::Transaction(_) | Backend::WriteGuard(_) | Backend::Savepoint(_) => Ok(()),
        }
    }
}

/// A pool as it is now.
pub(super) fn now<DB: sqlx::Database>(pool: &sqlx::Pool<DB>) -> Pool {
    let most = usize::try_from(pool.options().get_max_connections()).unwrap_or(usize::MAX);
    Pool { open: usize::try_from(pool.size()).unwrap_or(usize::MAX), idle: pool.num_idle(), most }
}

impl Backend {
    async fn execute(&self, statement: &Statement) -> Result<ExecResult, DbErr> {
        match self {
            Self::Postgres { statements, .. } => statements.execute(statement).await,
            Self::Transaction(transaction) => transaction.execute(statement).await,
            Self::WriteGuard(guard) => guard.execute(statement).await,
            Self::Savepoint(savepoint) => savepoint.guard().execute(statement).await,
            Self::Writer { writer, .. } => {
                let guard = writer.guard().await?;
                match guard.execute(statement).await {
                    Ok(done) => guard.commit().await.map(|()| done),
                    Err(cause) => {
                        guard.rollback().await?;
                        Err(cause)
                    }
                }
            }
            Self::BatchedReads(_) | Self::OfOwner(_) | Self::File { .. } => Err(only_reads()),
        }
    }

    async fn query(&self, statement: &Statement) -> Result<Vec<QueryResult>, DbErr> {
        match self {
            Self::File { pool, .. } => {
                let mut connection = pool.get_sqlite_connection_pool().acquire().await.map_err(unanswered)?;
                let rows = bound::<Sqlite>(statement).fetch_all(&mut *connection).await;
                // Dropped, it would come back some time after the place in its user's share is free.
                connection.return_to_pool().await;
                results(rows)
            }
            Self::BatchedReads(reads) | Self::OfOwner(OwnerReads { primary: reads, .. }) => {
                reads.statements().read(statement).await
            }
            Self::Postgres { statements, .. } => statements.query(statement).await,
            Self::Transaction(transaction) => transaction.query(statement).await,
            Self::WriteGuard(guard) => guard.query_all(statement).await,
            Self::Savepoint(savepoint) => savepoint.guard().query_all(statement).await,
            Self::Writer { writer, .. } => writer.query(statement).await,
        }
    }

    async fn rows<T: FromRow>(&self, statement: &Statement, pace: Pace) -> Result<Vec<T>, DbErr> {
        let rows = match (self, pace) {
            (Self::File { in_process, pool: _ }, _) => {
                let permit = user_share::statement().await?;
                // A task may read some ten times before others of its thread come first, however many reads it has at
                // the same time: tokio lets a task take so many steps that one read counts as several.
                for _ in 0..STEPS_OF_A_READ {
                    coop::consume_budget().await;
                }
                let start = Instant::now();
                match in_process.rows(statement) {
                    Some(rows) => {
                        if permit.is_some() && start.elapsed() > WITHOUT_PAUSE {
                            // Others of this thread come first, before more of the same request.
                            task::yield_now().await;
                        }
                        return Ok(rows);
                    }
                    None => self.query(statement).await?,
                }
            }
            (Self::BatchedReads(reads) | Self::OfOwner(OwnerReads { primary: reads, .. }), Pace::Quick) => {
                let _permit = user_share::quick_read().await?;
                reads.quick(statement).await?
            }
            (Self::BatchedReads(_) | Self::OfOwner(_), Pace::Any) => {
                let _permit = user_share::statement().await?;
                self.query(statement).await?
            }
            _ => self.query(statement).await?,
        };
        rows.iter().map(row::read).collect()
    }
}

#[async_trait::async_trait]
impl ConnectionTrait for Connection {
    fn get_database_backend(&self) -> DbBackend {
        match &self.backend {
            Backend::File { .. } | Backend::Writer { .. } | Backend::WriteGuard(_) | Backend::Savepoint(_) => {
                DbBackend::Sqlite
            }
            _ => DbBackend::Postgres,
        }
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        let statement = self.fitted(statement);
        let statement = &statement;
        self.again(|| async move {
            self.monitor.over(self.name(), &statement.sql, pin!(self.backend.execute(statement))).await
        })
        .await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.execute_raw(Statement::from_string(self.get_database_backend(), sql)).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        Ok(self.query_all_raw(statement).await?.into_iter().next())
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        let statement = self.fitted(statement);
        if let Some(rows) = self.replica_rows(&statement).await {
            return Ok(rows);
        }
        let statement = &statement;
        self.again(|| async move {
            self.monitor.over(self.name(), &statement.sql, pin!(self.backend.query(statement))).await
        })
        .await
    }
}

/// The statement for sqlx, with its values.
pub(super) fn bound<DB: sqlx::Database>(statement: &Statement) -> sqlx::query::Query<'_, DB, SqlxValues>
where
    SqlxValues: sqlx::IntoArguments<DB>,
{
    sqlx::query_with(AssertSqlSafe(statement.sql.as_str()), values(statement))
}

/// The statement's values for sqlx, in the form that the database wants.
pub(super) fn values(statement: &Statement) -> SqlxValues {
    let mut values = statement.values.clone().unwrap_or_else(|| Values(Vec::new()));
    if statement.db_backend == DbBackend::Sqlite {
        for value in &mut values.0 {
            if let Some(text) = dialect::instant(value) {
                *value = text.into();
            }
        }
    }
    SqlxValues(values)
}

/// Rows as SeaORM has them.
pub(super) fn results<R>(rows: Result<Vec<R>, sqlx::Error>) -> Result<Vec<QueryResult>, DbErr>
where
    QueryResult: From<R>,
{
    Ok(rows.map_err(unanswered)?.into_iter().map(QueryResult::from).collect())
}

/// A statement that was not answered as it should have been.
pub(super) fn unanswered(cause: sqlx::Error) -> DbErr {
    DbErr::Query(RuntimeErr::SqlxError(cause.into()))
}

/// What sqlx says of a statement that failed.
pub(super) fn sqlx_cause(error: &DbErr) -> Option<&sqlx::Error> {
    match error {
        DbErr::Exec(RuntimeErr::SqlxError(cause)) | DbErr::Query(RuntimeErr::SqlxError(cause)) => Some(cause),
        _ => None,
    }
}

/// Whether the database refused a statement, so that nothing of it was done.
pub(super) fn is_refused(error: &DbErr) -> bool {
    matches!(error, DbErr::Query(RuntimeErr::SqlxError(cause)) if cause.as_database_error().is_some())
}
