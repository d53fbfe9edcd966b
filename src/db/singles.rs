//! Connections to PostgreSQL for statements that are whole by themselves. The pool asks a connection that comes back
//! whether it still lives, which is a round trip for every statement; these are kept between statements and asked only
//! when they were idle.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use sea_orm::{DbErr, ExecResult, QueryResult, RuntimeErr, Statement};
use sqlx::{Connection, PgPool, Postgres, pool::PoolConnection};
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time,
};

use super::{
    connect::{ACQUIRE, TRUSTED},
    connection::{bound, now, unanswered},
};
use crate::telemetry::metrics::Pool;

/// How long a connection is kept at all.
const LIFETIME: Duration = Duration::from_secs(30 * 60);

/// Connections for single statements.
#[derive(Clone, Debug)]
pub(super) struct Singles {
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

impl Singles {
    /// As many connections as the pool may have.
    pub(super) fn new(pool: PgPool, most: u32) -> Self {
        let room = Semaphore::new(usize::try_from(most).unwrap_or(1).max(1));
        Self { pool, room: Arc::new(room), idle: Arc::default() }
    }

    /// The rows of a statement that reads, and is therefore done again when a connection broke while it was idle.
    pub(super) async fn read(&self, statement: &Statement) -> Result<Vec<QueryResult>, DbErr> {
        let _place = self.place().await?;
        if let Some(kept) = self.kept().await {
            match self.queried(kept, statement).await {
                Err(sqlx::Error::Io(_)) => {}
                answered => return answered.map_err(unanswered),
            }
        }
        let new = self.new_one().await?;
        self.queried(new, statement).await.map_err(unanswered)
    }

    /// The rows of a statement that writes.
    pub(super) async fn query(&self, statement: &Statement) -> Result<Vec<QueryResult>, DbErr> {
        let _place = self.place().await?;
        let connection = self.any().await?;
        self.queried(connection, statement).await.map_err(unanswered)
    }

    /// A statement that writes and gives no rows.
    pub(super) async fn execute(&self, statement: &Statement) -> Result<ExecResult, DbErr> {
        let _place = self.place().await?;
        let mut kept = self.any().await?;
        let done = bound(statement).execute(&mut *kept.connection).await.map_err(unanswered)?;
        self.keep(kept);
        Ok(done.into())
    }

    async fn place(&self) -> Result<SemaphorePermit<'_>, DbErr> {
        let gone = || unanswered(sqlx::Error::PoolTimedOut);
        time::timeout(ACQUIRE, self.room.acquire()).await.map_err(|_| gone())?.map_err(|_| gone())
    }

    async fn any(&self) -> Result<Kept, DbErr> {
        match self.kept().await {
            Some(kept) => Ok(kept),
            None => self.new_one().await,
        }
    }

    /// One of the pool's. Whatever kind of error stands in its way, the database cannot be reached: one that is cut off
    /// while a connection is made breaks the protocol as often as it ends the stream. It is made in a place of its own, so that statements over connections that are there do not carry room for it.
    async fn new_one(&self) -> Result<Kept, DbErr> {
        let connection =
            Box::pin(self.pool.acquire()).await.map_err(|cause| DbErr::Conn(RuntimeErr::SqlxError(cause.into())))?;
        let now = Instant::now();
        Ok(Kept { connection, made: now, used: now })
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
        let rows = bound(statement).fetch_all(&mut *kept.connection).await?;
        self.keep(kept);
        Ok(rows.into_iter().map(QueryResult::from).collect())
    }

    fn keep(&self, kept: Kept) {
        self.locked().push(Kept { used: Instant::now(), ..kept });
    }

    /// The connections as they are now: those that are kept do nothing.
    pub(super) fn now(&self) -> Pool {
        let now = now(&self.pool);
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
