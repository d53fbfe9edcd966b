//! Whether the database can be worked on now. The proof is asked for at most every few seconds, however often a balancer
//! asks, and by one request at a time.

use std::time::{Duration, Instant};

use sea_orm::DbErr;
use tokio::sync::Mutex;

use super::Db;

/// How long a proof is believed.
const BELIEVED: Duration = Duration::from_secs(5);
/// How long it is believed that Docket cannot work.
const DOUBTED: Duration = Duration::from_secs(1);

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
        self.since.elapsed() < if self.obstacles.is_empty() { BELIEVED } else { DOUBTED }
    }
}

impl Readiness {
    /// Answers when the database does, with what stands in the way, if anything.
    pub async fn check(&self, db: &Db) -> Result<(), NotReady> {
        db.ping().await?;
        let mut last = self.0.lock().await;
        let proof = match last.take().filter(Proof::holds) {
            Some(proof) => proof,
            None => Proof { obstacles: db.obstacles().await?, since: Instant::now() },
        };
        let obstacles = proof.obstacles.clone();
        *last = Some(proof);
        if obstacles.is_empty() { Ok(()) } else { Err(NotReady::Obstacles(obstacles)) }
    }
}
