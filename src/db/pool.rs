//! The pool of connections to PostgreSQL for statements that are whole by themselves. sqlx's own pool pings a connection
//! each time it comes back, which is a round trip for every statement; this one pings a connection before it is used, and
//! only when it was idle.

use std::time::Duration;

use deadpool::{
    Runtime,
    managed::{self, Metrics, Object, PoolError, QueueMode, RecycleError, RecycleResult, TimeoutType},
};
use sea_orm::{DbErr, ExecResult, QueryResult, Statement};
use sqlx::{
    Connection, PgConnection,
    postgres::{PgQueryResult, PgRow},
};

use super::{
    connect::{ACQUIRE, TRUSTED, failed},
    connection::{bound, results, unanswered},
    is_away,
    session::Session,
};
use crate::telemetry::metrics::Pool;

/// How long a connection is kept at all.
const LIFETIME: Duration = Duration::from_secs(30 * 60);

/// Connections for single statements.
#[derive(Clone, Debug)]
pub(super) struct ConnectionPool(managed::Pool<Connector>);

/// Makes connections, and decides whether one is good for another statement.
#[derive(Debug)]
struct Connector(Session);

/// A connection, and whether its last statement was answered so that another one can follow.
#[derive(Debug)]
struct PooledConnection {
    connection: PgConnection,
    is_sound: bool,
}

impl managed::Manager for Connector {
    type Type = PooledConnection;
    type Error = sqlx::Error;

    // Boxed as what is rarely needed, so that the future of each statement is not larger for it.
    async fn create(&self) -> Result<PooledConnection, sqlx::Error> {
        let connection = Box::pin(self.0.connect()).await?;
        Ok(PooledConnection { connection, is_sound: true })
    }

    async fn recycle(&self, pooled: &mut PooledConnection, metrics: &Metrics) -> RecycleResult<sqlx::Error> {
        if !pooled.is_sound || metrics.age() > LIFETIME {
            return Err(RecycleError::message("not good for another statement"));
        }
        if metrics.last_used() > TRUSTED {
            Box::pin(pooled.connection.ping()).await?;
        }
        Ok(())
    }
}

impl PooledConnection {
    async fn fetch(&mut self, statement: &Statement) -> Result<Vec<PgRow>, sqlx::Error> {
        // A statement that is given up leaves it so.
        self.is_sound = false;
        let rows = bound(statement).fetch_all(&mut self.connection).await;
        self.is_sound = is_sound(&rows);
        rows
    }

    async fn execute(&mut self, statement: &Statement) -> Result<PgQueryResult, sqlx::Error> {
        self.is_sound = false;
        let done = bound(statement).execute(&mut self.connection).await;
        self.is_sound = is_sound(&done);
        done
    }
}

/// Whether a connection is good for another statement after this answer: its database could work.
fn is_sound<T>(answer: &Result<T, sqlx::Error>) -> bool {
    match answer {
        Ok(_) => true,
        Err(sqlx::Error::Database(cause)) => !cause.code().is_some_and(|code| is_away(&code)),
        Err(_) => false,
    }
}

impl ConnectionPool {
    /// A pool of at most so many connections, which are made when they are needed.
    pub(super) fn new(session: Session, max_connections: u32) -> Result<Self, DbErr> {
        let pool = managed::Pool::builder(Connector(session))
            .max_size(usize::try_from(max_connections).unwrap_or(1).max(1))
            // The connections that were used last are used next, and the others stay idle.
            .queue_mode(QueueMode::Lifo)
            .wait_timeout(Some(ACQUIRE))
            .create_timeout(Some(ACQUIRE))
            .recycle_timeout(Some(ACQUIRE))
            .runtime(Runtime::Tokio1)
            .build();
        pool.map(Self).map_err(|cause| DbErr::Custom(cause.to_string()))
    }

    /// The rows of a statement that reads, and is therefore done again when a connection broke while it was idle.
    pub(super) async fn read(&self, statement: &Statement) -> Result<Vec<QueryResult>, DbErr> {
        let mut pooled = self.acquire().await?;
        let was_idle = Object::metrics(&pooled).recycle_count > 0;
        match pooled.fetch(statement).await {
            Err(sqlx::Error::Io(_)) if was_idle => {}
            rows => return results(rows),
        }
        drop(pooled);
        // Where one has broken the others have too: the server was restarted, or is another one.
        self.0.retain(|_, _| false);
        results(self.acquire().await?.fetch(statement).await)
    }

    /// The rows of a statement that writes.
    pub(super) async fn query(&self, statement: &Statement) -> Result<Vec<QueryResult>, DbErr> {
        results(self.acquire().await?.fetch(statement).await)
    }

    /// A statement that writes and gives no rows.
    pub(super) async fn execute(&self, statement: &Statement) -> Result<ExecResult, DbErr> {
        self.acquire().await?.execute(statement).await.map(Into::into).map_err(unanswered)
    }

    /// Whatever error stands in the way of a new connection, the database cannot be reached: one that is cut off while a
    /// connection is made breaks the protocol as often as it ends the stream.
    async fn acquire(&self) -> Result<Object<Connector>, DbErr> {
        self.0.get().await.map_err(|cause| match cause {
            PoolError::Backend(cause) => failed(cause),
            PoolError::Timeout(TimeoutType::Create) => failed(sqlx::Error::PoolTimedOut),
            _ => unanswered(sqlx::Error::PoolTimedOut),
        })
    }

    /// The connections as they are now.
    pub(super) fn now(&self) -> Pool {
        let status = self.0.status();
        Pool { open: status.size, idle: status.available, most: status.max_size }
    }

    /// Closes the idle connections, and the others when their statements are answered.
    pub(super) async fn close(&self) {
        let idle = self.0.retain(|_, _| false).removed;
        self.0.close();
        for pooled in idle {
            // One that cannot be told is gone already.
            let _ = pooled.connection.close().await;
        }
    }
}
