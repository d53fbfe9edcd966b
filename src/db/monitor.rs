//! What is noticed of statements: how long they took, and which were slow. Texts have no values in them.

use std::{
    future::Future,
    io,
    pin::Pin,
    sync::Arc,
    time::{Duration, Instant},
};

use sea_orm::DbErr;
use tokio::time;
use tracing::{Instrument, debug_span, trace, warn};

use super::connection::unanswered;
use crate::telemetry::{SQL, metrics::Statements};

/// Watches the statements of a database.
#[derive(Clone, Debug)]
pub(super) struct StatementMonitor {
    statements: Statements,
    slow: Duration,
    system: &'static str,
    timeout: Option<Duration>,
}

impl StatementMonitor {
    /// `timeout` is how long an answer is waited for, where the database is behind a network.
    pub(super) fn new(slow: Duration, system: &'static str, timeout: Option<Duration>) -> Arc<Self> {
        Arc::new(Self { statements: Statements::default(), slow, system, timeout })
    }

    /// Gives up what is not answered in time.
    pub(super) async fn in_time<T>(&self, work: impl Future<Output = Result<T, DbErr>>) -> Result<T, DbErr> {
        match self.timeout {
            Some(timeout) => time::timeout(timeout, work).await.unwrap_or_else(|_| Err(silent())),
            None => work.await,
        }
    }

    /// The times of all statements.
    pub(super) fn statements(&self) -> Statements {
        self.statements.clone()
    }

    /// Does a statement, in a span of its own, and notes its time under the name of its pool. The work is borrowed,
    /// because each of the steps around it would hold it twice.
    pub(super) async fn over<T>(
        &self,
        pool: &'static str,
        text: &str,
        work: Pin<&mut impl Future<Output = Result<T, DbErr>>>,
    ) -> Result<T, DbErr> {
        trace!(target: SQL, text, "statement");
        let span = debug_span!(
            target: SQL, "statement", otel.kind = "client", db.system.name = self.system, db.query.text = text
        );
        let start = Instant::now();
        let done = self.in_time(work.instrument(span)).await;
        let time = start.elapsed();
        self.statements.took(pool, time);
        if time >= self.slow {
            warn!(target: SQL, text, duration_ms = time.as_millis(), "a slow statement");
        }
        done
    }
}

fn silent() -> DbErr {
    let cause = io::Error::new(io::ErrorKind::TimedOut, "the database did not answer in time");
    unanswered(sqlx::Error::Io(cause))
}
