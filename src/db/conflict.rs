//! Work that the database rolled back because of what others did at the same time: transactions that waited for each
//! other, or could not be put in an order. Whole transactions, and statements that are whole by themselves, have left
//! nothing behind then, and are done again after a pause. See docs/contracts/reliability.md#database-failures.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use rand::RngExt;
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbErr, ExecResult, QueryResult, Statement, TransactionTrait};
use tokio::time;

use super::connection::{Backend, Connection, sqlx_cause};

/// What PostgreSQL calls it: serialization_failure and deadlock_detected.
pub(super) const CONFLICTS: [&str; 2] = ["40001", "40P01"];
/// How often work is done at most.
const MAX_ATTEMPTS: u32 = 7;
/// How long after its start work is not done again: a request may take a few times that.
const MAX_TIME: Duration = Duration::from_secs(5);
/// The longest pause before the second attempt; before each further one it is twice as long.
const PAUSE: Duration = Duration::from_millis(10);

/// Whether the database rolled work back because of what others did at the same time.
pub(crate) fn is_conflict(error: &DbErr) -> bool {
    let code = sqlx_cause(error).and_then(|cause| cause.as_database_error()).and_then(|cause| cause.code());
    code.is_some_and(|code| CONFLICTS.contains(&&*code))
}

/// The attempts at one piece of work.
#[derive(Debug)]
pub struct Attempts {
    count: u32,
    start: Instant,
}

impl Default for Attempts {
    fn default() -> Self {
        Self { count: 1, start: Instant::now() }
    }
}

impl Attempts {
    /// Whether there is another attempt, which may begin when this returns. Those that stood in each other's way wait for
    /// different times.
    pub async fn pause(&mut self) -> bool {
        let longest = PAUSE * 2_u32.pow(self.count - 1);
        if self.count >= MAX_ATTEMPTS || self.start.elapsed() + longest > MAX_TIME {
            return false;
        }
        self.count += 1;
        let pause = longest.mul_f64(rand::rng().random_range(0.5..=1.0));
        // Boxed as what is rarely needed, so that the future of each statement is not larger for it.
        Box::pin(time::sleep(pause)).await;
        true
    }
}

impl Connection {
    /// Does a statement, again if it is whole by itself and the database rolled it back because of what others did at the
    /// same time.
    pub(super) async fn again<T, F: Future<Output = Result<T, DbErr>>>(
        &self,
        work: impl Fn() -> F,
    ) -> Result<T, DbErr> {
        let mut attempts = Attempts::default();
        loop {
            let done = work().await;
            let is_rolled_back = self.is_pool() && done.as_ref().err().is_some_and(is_conflict);
            if !(is_rolled_back && attempts.pause().await) {
                return done;
            }
        }
    }

    /// Whether each statement is whole by itself.
    fn is_pool(&self) -> bool {
        matches!(self.backend, Backend::BatchedReads(_) | Backend::OfOwner(_) | Backend::Postgres { .. })
    }
}

/// A transaction on PostgreSQL, or a part of another one.
#[derive(Debug)]
pub(super) struct OpenTransaction {
    inner: DatabaseTransaction,
    /// The transaction that it is a part of.
    outer: Option<Arc<Self>>,
    has_conflict: AtomicBool,
}

impl OpenTransaction {
    pub(super) fn new(inner: DatabaseTransaction) -> Self {
        Self { inner, outer: None, has_conflict: AtomicBool::new(false) }
    }

    /// A part of it, which can be undone by itself.
    pub(super) async fn begin(self: &Arc<Self>) -> Result<Self, DbErr> {
        let inner = self.inner.begin().await?;
        Ok(Self { outer: Some(Arc::clone(self)), ..Self::new(inner) })
    }

    pub(super) async fn execute(&self, statement: &Statement) -> Result<ExecResult, DbErr> {
        self.noted(self.inner.execute_raw(statement.clone()).await)
    }

    pub(super) async fn query(&self, statement: &Statement) -> Result<Vec<QueryResult>, DbErr> {
        self.noted(self.inner.query_all_raw(statement.clone()).await)
    }

    pub(super) async fn commit(self) -> Result<(), DbErr> {
        self.inner.commit().await
    }

    pub(super) async fn rollback(self) -> Result<(), DbErr> {
        self.inner.rollback().await
    }

    /// Whether it is no part of another one.
    pub(super) fn is_whole(&self) -> bool {
        self.outer.is_none()
    }

    /// Whether a conflict has ended it, or a part of it.
    pub(super) fn has_conflict(&self) -> bool {
        self.has_conflict.load(Ordering::Relaxed)
    }

    fn noted<T>(&self, done: Result<T, DbErr>) -> Result<T, DbErr> {
        if done.as_ref().err().is_some_and(is_conflict) {
            let mut noted = Some(self);
            while let Some(transaction) = noted {
                transaction.has_conflict.store(true, Ordering::Relaxed);
                noted = transaction.outer.as_deref();
            }
        }
        done
    }
}
