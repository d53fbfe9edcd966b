//! What is noticed of statements: how long they took, and which were slow. Texts have no values in them.

use std::{
    future::Future,
    sync::Arc,
    time::{Duration, Instant},
};

use sea_orm::DbErr;
use tracing::{Instrument, debug_span, trace, warn};

use crate::telemetry::metrics::Statements;

/// Watches the statements of a database.
#[derive(Clone, Debug)]
pub(super) struct Watch {
    statements: Statements,
    slow: Duration,
    system: &'static str,
}

impl Watch {
    pub(super) fn new(slow: Duration, system: &'static str) -> Arc<Self> {
        Arc::new(Self { statements: Statements::default(), slow, system })
    }

    /// The times of all statements.
    pub(super) fn statements(&self) -> Statements {
        self.statements.clone()
    }

    /// Does a statement, in a span of its own, and notes its time under the name of its pool.
    pub(super) async fn over<T>(
        &self,
        (pool, text): (&'static str, &str),
        work: impl Future<Output = Result<T, DbErr>>,
    ) -> Result<T, DbErr> {
        trace!(target: "sql", text, "statement");
        let span = debug_span!(
            target: "sql", "statement", otel.kind = "client", db.system.name = self.system, db.query.text = text
        );
        let start = Instant::now();
        let done = work.instrument(span).await;
        let time = start.elapsed();
        self.statements.took(pool, time);
        if time >= self.slow {
            warn!(target: "sql", text, duration_ms = time.as_millis(), "a slow statement");
        }
        done
    }
}
