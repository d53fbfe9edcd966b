//! Connections to PostgreSQL for statements that are whole by themselves. A pool asks a connection that comes back
//! whether it still lives, which is a round trip for every statement; these are kept between statements and asked only
//! when they were idle. Each thread that serves requests keeps its own: an answer that another thread waits for would
//! have to wake that one.

use std::{
    cell::Cell,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use sea_orm::{DbErr, ExecResult, QueryResult, Statement};
use sqlx::{
    Connection, PgConnection,
    postgres::{PgConnectOptions, PgQueryResult, PgRow},
};
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time,
};

use super::{
    connect::{ACQUIRE, TRUSTED, failed},
    connection::{bound, results, unanswered},
    is_away,
};
use crate::telemetry::metrics::Pool;

/// How long a connection is kept at all.
const LIFETIME: Duration = Duration::from_secs(30 * 60);

thread_local! {
    /// Which of the threads that serve requests this is, if it is one.
    static WORKER: Cell<usize> = const { Cell::new(usize::MAX) };
}

/// Which of them this thread is; a number behind all of theirs for any other thread.
fn worker() -> usize {
    WORKER.get()
}

/// Connections for single statements.
#[derive(Clone, Debug)]
pub(super) struct Singles(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    options: PgConnectOptions,
    /// One for each thread that serves requests, and one for all others; or only one, for all.
    shelves: Vec<Shelf>,
    most: usize,
    open: Arc<AtomicUsize>,
}

/// The connections of a thread.
#[derive(Debug)]
struct Shelf {
    room: Semaphore,
    idle: Mutex<Vec<Kept>>,
}

/// A connection between two statements.
#[derive(Debug)]
struct Kept {
    connection: PgConnection,
    made: Instant,
    used: Instant,
    _open: Open,
}

/// Counts a connection as long as it is there.
#[derive(Debug)]
struct Open(Arc<AtomicUsize>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Singles {
    /// So many connections for so many threads that serve requests, and one for all others.
    pub(super) fn new(options: PgConnectOptions, most: u32, workers: usize) -> Self {
        let rooms = rooms(usize::try_from(most).unwrap_or(1).max(1), workers);
        let shelf = |room: &usize| Shelf { room: Semaphore::new(*room), idle: Mutex::default() };
        Self(Arc::new(Inner {
            options,
            shelves: rooms.iter().map(shelf).collect(),
            most: rooms.iter().sum(),
            open: Arc::default(),
        }))
    }

    /// The rows of a statement that reads, and is therefore done again when a connection broke while it was idle.
    pub(super) async fn read(&self, statement: &Statement) -> Result<Vec<QueryResult>, DbErr> {
        let (shelf, _place) = self.place().await?;
        if let Some(kept) = shelf.kept().await {
            match shelf.queried(kept, statement).await {
                Err(sqlx::Error::Io(_)) => {}
                answered => return results(answered),
            }
        }
        let new = self.new_one().await?;
        results(shelf.queried(new, statement).await)
    }

    /// The rows of a statement that writes.
    pub(super) async fn query(&self, statement: &Statement) -> Result<Vec<QueryResult>, DbErr> {
        let (shelf, _place) = self.place().await?;
        let connection = self.any(shelf).await?;
        results(shelf.queried(connection, statement).await)
    }

    /// A statement that writes and gives no rows.
    pub(super) async fn execute(&self, statement: &Statement) -> Result<ExecResult, DbErr> {
        let (shelf, _place) = self.place().await?;
        let mut kept = self.any(shelf).await?;
        let done: Result<PgQueryResult, _> = bound(statement).execute(&mut kept.connection).await;
        shelf.keep(kept, done).map(Into::into).map_err(unanswered)
    }

    /// Room for a statement among this thread's connections; or among another's, if there is some at once and here is
    /// none.
    async fn place(&self) -> Result<(&Shelf, SemaphorePermit<'_>), DbErr> {
        let shelves = &self.0.shelves;
        let own = worker().min(shelves.len() - 1);
        let others = shelves.iter().take(shelves.len() - 1);
        if let Some(place) = [&shelves[own]].into_iter().chain(others).find_map(Shelf::free) {
            return Ok(place);
        }
        let gone = || unanswered(sqlx::Error::PoolTimedOut);
        let place = time::timeout(ACQUIRE, shelves[own].room.acquire()).await.map_err(|_| gone())?;
        Ok((&shelves[own], place.map_err(|_| gone())?))
    }

    async fn any(&self, shelf: &Shelf) -> Result<Kept, DbErr> {
        match shelf.kept().await {
            Some(kept) => Ok(kept),
            None => self.new_one().await,
        }
    }

    /// Whatever kind of error stands in its way, the database cannot be reached: one that is cut off while a connection
    /// is made breaks the protocol as often as it ends the stream. It is made in a place of its own, so that statements
    /// over connections that are there do not carry room for it.
    async fn new_one(&self) -> Result<Kept, DbErr> {
        let connection = Box::pin(time::timeout(ACQUIRE, PgConnection::connect_with(&self.0.options)));
        let connection = connection.await.map_err(|_| sqlx::Error::PoolTimedOut).flatten();
        let connection = connection.map_err(failed)?;
        let now = Instant::now();
        self.0.open.fetch_add(1, Ordering::Relaxed);
        Ok(Kept { connection, made: now, used: now, _open: Open(Arc::clone(&self.0.open)) })
    }

    /// The connections as they are now: those that are kept do nothing.
    pub(super) fn now(&self) -> Pool {
        let idle = self.0.shelves.iter().map(|it| it.locked().len()).sum();
        Pool { open: self.0.open.load(Ordering::Relaxed), idle, most: self.0.most }
    }

    /// Lets the connections go.
    pub(super) async fn close(&self) {
        for shelf in &self.0.shelves {
            shelf.room.close();
            let kept = std::mem::take(&mut *shelf.locked());
            for kept in kept {
                // One that cannot be told is gone already.
                let _ = kept.connection.close().await;
            }
        }
    }
}

impl Shelf {
    /// Room, if there is some at once.
    fn free(&self) -> Option<(&Self, SemaphorePermit<'_>)> {
        self.room.try_acquire().ok().map(|place| (self, place))
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

    async fn queried(&self, mut kept: Kept, statement: &Statement) -> Result<Vec<PgRow>, sqlx::Error> {
        let rows = bound(statement).fetch_all(&mut kept.connection).await;
        self.keep(kept, rows)
    }

    /// Keeps the connection if its database could work. One whose statement is given up is not kept either.
    fn keep<T>(&self, kept: Kept, done: Result<T, sqlx::Error>) -> Result<T, sqlx::Error> {
        let is_well = match &done {
            Ok(_) => true,
            Err(sqlx::Error::Database(cause)) => !cause.code().is_some_and(|code| is_away(&code)),
            Err(_) => false,
        };
        if is_well {
            self.locked().push(Kept { used: Instant::now(), ..kept });
        }
        done
    }

    fn locked(&self) -> MutexGuard<'_, Vec<Kept>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How many connections each thread that serves requests may have, and the others; one number for all of them when
/// there are not enough to be shared out.
fn rooms(most: usize, workers: usize) -> Vec<usize> {
    if workers == 0 || most < workers {
        return vec![most];
    }
    let share = |number| most / workers + usize::from(number < most % workers);
    (0..workers).map(share).chain([1]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_are_shared_out_to_threads() {
        for (most, workers, expected) in
            [(10, 0, vec![10]), (10, 4, vec![3, 3, 2, 2, 1]), (4, 4, vec![1, 1, 1, 1, 1]), (3, 4, vec![3])]
        {
            assert_eq!(rooms(most, workers), expected);
        }
    }
}
