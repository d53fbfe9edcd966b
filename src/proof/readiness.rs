//! Whether the database can be worked on now. The proof is asked for at most every few seconds, however often a balancer
//! asks, and by one request at a time.

use std::time::{Duration, Instant};

use sea_orm::DbErr;
use tokio::{sync::Mutex, time};

use super::obstacles;
use crate::db::Db;

/// How long a proof that Docket can work holds.
const SUCCESS_MAX_AGE: Duration = Duration::from_secs(5);
/// How long a failure holds.
const FAILURE_MAX_AGE: Duration = Duration::from_secs(1);

/// How long a proof may take.
const PROBE_TIMEOUT: Duration = Duration::from_millis(800);

/// The last proof.
#[derive(Debug, Default)]
pub struct Readiness(Mutex<Option<Proof>>);

#[derive(Debug)]
struct Proof {
    since: Instant,
    obstacles: Vec<String>,
}

/// Why no work can be done now.
#[derive(Debug, thiserror::Error)]
pub enum NotReady {
    /// The database answers, and something stands in the way.
    #[error("{}", .0.join("; "))]
    Obstacles(Vec<String>),
    /// The database does not answer.
    #[error("the database does not answer")]
    Away(#[from] DbErr),
}

impl Proof {
    fn holds(&self) -> bool {
        self.since.elapsed() < if self.obstacles.is_empty() { SUCCESS_MAX_AGE } else { FAILURE_MAX_AGE }
    }
}

impl Readiness {
    /// Answers when the database does, with what stands in the way, if anything.
    pub async fn check(&self, db: &Db) -> Result<(), NotReady> {
        db.ping().await?;
        let mut last = self.0.lock().await;
        if last.as_ref().is_none_or(|it| !it.holds()) {
            // Where much is going on the last one stands: to be busy is no reason to send nobody here.
            let proven = time::timeout(PROBE_TIMEOUT, obstacles(db)).await;
            let mut before = || last.take().map(|it| it.obstacles).unwrap_or_default();
            let obstacles = proven.unwrap_or_else(|_| Ok(before()))?;
            *last = Some(Proof { since: Instant::now(), obstacles });
        }
        let obstacles = last.as_ref().map(|it| it.obstacles.clone()).unwrap_or_default();
        if obstacles.is_empty() { Ok(()) } else { Err(NotReady::Obstacles(obstacles)) }
    }
}
