//! Whether the database can be worked on now. The proof is asked for at most every few seconds, however often a balancer
//! asks, and by one request at a time.

use std::time::{Duration, Instant};

use sea_orm::DbErr;
use tokio::{sync::Mutex, time};

use super::{Extent, catalog::Catalog, damage, obstacles};
use crate::db::Db;

/// How long a proof that Docket can work holds.
const SUCCESS_MAX_AGE: Duration = Duration::from_secs(5);
/// How long a failure holds.
const FAILURE_MAX_AGE: Duration = Duration::from_secs(1);
/// How long it holds that rows of all tables can be written, if no schema changed. On PostgreSQL each try leaves dead
/// rows, so that it is not done every few seconds; what else than the schema could stop writes to single tables does so
/// seldom.
const WHOLE_MAX_AGE: Duration = Duration::from_secs(300);

/// How long a proof may take.
const PROBE_TIMEOUT: Duration = Duration::from_millis(800);

/// The last proofs.
#[derive(Debug, Default)]
pub struct Readiness(Mutex<Proofs>);

#[derive(Debug, Default)]
struct Proofs {
    last: Option<Proof>,
    whole: Option<Whole>,
}

#[derive(Debug)]
struct Proof {
    since: Instant,
    obstacles: Vec<String>,
}

/// The last proof that all tables can be written.
#[derive(Debug)]
struct Whole {
    since: Instant,
    schema: String,
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
        if let Some(why) = db.lost_file() {
            return Err(NotReady::Obstacles(vec![why]));
        }
        db.ping().await?;
        let mut proofs = self.0.lock().await;
        if proofs.last.as_ref().is_none_or(|it| !it.holds()) {
            // Where much is going on the last one stands: to be busy is no reason to send nobody here.
            let proven = time::timeout(PROBE_TIMEOUT, proofs.prove(db)).await.unwrap_or(Ok(None));
            let before = proofs.last.take().map(|it| it.obstacles).unwrap_or_default();
            let obstacles = proven.map(|it| it.unwrap_or(before));
            if obstacles.as_ref().map_or(true, |it| !it.is_empty()) {
                proofs.whole = None;
            }
            proofs.last = Some(Proof { since: Instant::now(), obstacles: obstacles? });
        }
        let obstacles = proofs.last.as_ref().map(|it| it.obstacles.clone()).unwrap_or_default();
        if obstacles.is_empty() { Ok(()) } else { Err(NotReady::Obstacles(obstacles)) }
    }
}

impl Proofs {
    async fn prove(&mut self, db: &Db) -> Result<Option<Vec<String>>, DbErr> {
        let schema = match Catalog(db.reader()).schema().await {
            Err(error) => return damage(db, error).map(Some),
            Ok(schema) => schema,
        };
        let holds = |it: &Whole| it.schema == schema && it.since.elapsed() < WHOLE_MAX_AGE;
        if self.whole.as_ref().is_some_and(holds) {
            return obstacles(db, Extent::Quick).await;
        }
        // One that takes too long is not tried again at once: it would take as long.
        self.whole = Some(Whole { since: Instant::now(), schema });
        obstacles(db, Extent::Whole).await
    }
}
