//! Connections that only read from PostgreSQL. The pool asks a connection that comes back whether it still lives, which
//! is a round trip for every statement; these are kept between statements and asked only when they were idle.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use sea_orm::{DbErr, QueryResult, RuntimeErr, Statement, Values};
use sea_query_sqlx::SqlxValues;
use sqlx::{AssertSqlSafe, Connection, PgPool, Postgres, pool::PoolConnection};
use tokio::{sync::Semaphore, time};

use super::connect::{ACQUIRE, TRUSTED};
use crate::telemetry::metrics::Pool;

/// How long a connection is kept at all.
const LIFETIME: Duration = Duration::from_secs(30 * 60);

/// Connections for single statements that read.
#[derive(Clone, Debug)]
pub(super) struct Readers {
    pool: PgPool,
    room: Arc<Semaphore>,
    idle: Arc<Mutex<Vec<Kept>>>,
}

/// A connection between two statements.
#[derive(Debug)]
struct Kept {
    connection: PoolConnection<Postgres>,
    made: Instant,
    used: Instant,
}

impl Readers {
    /// As many connections as the pool may have.
    pub(super) fn new(pool: PgPool, most: u32) -> Self {
        let room = Semaphore::new(usize::try_from(most).unwrap_or(1).max(1));
        Self { pool, room: Arc::new(room), idle: Arc::default() }
    }

    pub(super) async fn query_all(&self, statement: &Statement) -> Result<Vec<QueryResult>, DbErr> {
        let room = time::timeout(ACQUIRE, self.room.acquire());
        let _place = room.await.map_err(|_| failed(sqlx::Error::PoolTimedOut))?;
        if let Some(kept) = self.kept().await {
            match self.queried(kept, statement).await {
                // It broke while it was idle: a read can be done again.
                Err(sqlx::Error::Io(_)) => {}
                answered => return answered.map_err(failed),
            }
        }
        let now = Instant::now();
        let connection = self.pool.acquire().await.map_err(failed)?;
        self.queried(Kept { connection, made: now, used: now }, statement).await.map_err(failed)
    }

    /// The connection that was used last, if it can be trusted.
    async fn kept(&self) -> Option<Kept> {
        loop {
            let mut kept = self.locked().pop()?;
            let is_old = kept.made.elapsed() > LIFETIME;
            if !is_old && (kept.used.elapsed() < TRUSTED || kept.connection.ping().await.is_ok()) {
                return Some(kept);
            }
        }
    }

    /// A connection whose statement fails or is given up goes back to the pool, which looks at it.
    async fn queried(&self, mut kept: Kept, statement: &Statement) -> Result<Vec<QueryResult>, sqlx::Error> {
        let values = statement.values.clone().unwrap_or_else(|| Values(Vec::new()));
        let query = sqlx::query_with(AssertSqlSafe(statement.sql.as_str()), SqlxValues(values));
        let rows = query.fetch_all(&mut *kept.connection).await?;
        self.locked().push(Kept { used: Instant::now(), ..kept });
        Ok(rows.into_iter().map(QueryResult::from).collect())
    }

    /// The connections as they are now: those that are kept do nothing.
    pub(super) fn now(&self) -> Pool {
        let now = super::connection::now(&self.pool);
        Pool { idle: now.idle + self.locked().len(), ..now }
    }

    /// Lets the connections go.
    pub(super) async fn close(&self) {
        self.locked().clear();
        self.pool.close().await;
    }

    fn locked(&self) -> MutexGuard<'_, Vec<Kept>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn failed(error: sqlx::Error) -> DbErr {
    DbErr::Query(RuntimeErr::SqlxError(error.into()))
}
