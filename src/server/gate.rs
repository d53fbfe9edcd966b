//! Room for requests: so many of one kind are worked on or wait for the database at a time. What is more would only wait
//! longer than its client does, and is refused before anything else is done for it, because under load refusing must
//! cost next to nothing.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use axum::response::Response;
use prometheus_client::metrics::counter::Counter;
use tokio::sync::{Semaphore, SemaphorePermit};
use tracing::warn;

use crate::{error::Error, graphql, rest};

/// How many requests of one kind there are at a time.
const AT_ONCE: usize = 256;
/// How many refusals make a line of the log.
const A_LINE: u64 = 1000;

/// Room for requests of one kind.
#[derive(Clone, Debug)]
pub(super) struct Room(Arc<Semaphore>);

impl Room {
    fn new() -> Self {
        Self(Arc::new(Semaphore::new(AT_ONCE)))
    }

    /// Room for one more, at once or not at all. Streams and WebSockets take it only until they are open.
    pub(super) fn place(&self) -> Result<SemaphorePermit<'_>, Error> {
        self.0.try_acquire().map_err(|_| Error::Busy)
    }

    fn is_full(&self) -> bool {
        self.0.available_permits() == 0
    }
}

/// The rooms. Accounts have one of their own: many who sign in do not keep others from their tasks.
#[derive(Clone, Debug)]
pub(super) struct Gate {
    pub(super) tasks: Room,
    pub(super) accounts: Room,
    refused: Counter,
    refusals: Arc<AtomicU64>,
}

impl Gate {
    /// With nobody in it; refusals are counted there.
    pub(super) fn new(refused: Counter) -> Self {
        Self { tasks: Room::new(), accounts: Room::new(), refused, refusals: Arc::default() }
    }

    /// The answer to a request for which there is no room, if there is none.
    pub(super) fn refusal(&self, path: &str) -> Option<Response> {
        let (room, answer): (_, fn(Error) -> Response) = match path {
            graphql::PATH => (&self.tasks, |error| graphql::refused(&error)),
            _ if path.starts_with("/api/auth/") => (&self.accounts, rest::auth::refused),
            _ if path.starts_with("/api/") => (&self.tasks, |error| rest::refused(&error)),
            _ => return None,
        };
        if !room.is_full() {
            return None;
        }
        self.refused.inc();
        if self.refusals.fetch_add(1, Ordering::Relaxed).is_multiple_of(A_LINE) {
            warn!(total = self.refused.get(), "too many requests at a time: some are refused");
        }
        let mut answer = answer(Error::Busy);
        super::front::make_safe(answer.headers_mut());
        Some(answer)
    }
}
