//! Proof that Docket can do its work on a database: the tables have the columns that statements need, rows can be written
//! and read back, and the server is set up as statements rely on. Nothing that is tried stays. The start, readiness and
//! `docket doctor` ask for the same proof.

mod catalog;
mod checkup;
mod readiness;
mod shape;

use std::{path::Path, time::Duration};

use sea_orm::{ConnectionTrait, DbErr, Statement};
use tokio::time;

use self::catalog::Catalog;
pub use self::{
    checkup::{Checkup, checkup},
    readiness::{NotReady, Readiness},
};
use crate::db::{Db, is_held_up, objection};

/// How long it may take to write what is tried: what takes longer waits for others, and is known no better than before.
const WRITE_TIMEOUT: Duration = Duration::from_millis(300);
/// How many bytes a disk must have left for SQLite's log and what grows beside it.
const MIN_DISK_BYTES: u64 = 1 << 20;

/// Why Docket cannot work on a database.
#[derive(Debug, thiserror::Error)]
pub enum Unfit {
    /// What stands in the way, a sentence each.
    #[error("{}", .0.join("\n  because: "))]
    Obstacles(Vec<String>),
    /// It cannot be asked.
    #[error(transparent)]
    Failed(#[from] DbErr),
}

fn none(obstacles: Vec<String>) -> Result<(), Unfit> {
    if obstacles.is_empty() { Ok(()) } else { Err(Unfit::Obstacles(obstacles)) }
}

/// Brings the schema up to date and proves that Docket can work with it; several instances may try at once. A schema
/// that is newer than this program is an error and stays as it is, as does one that is somebody else's.
pub async fn prepare(db: &Db) -> Result<(), Unfit> {
    let lock = db.lock_migrations().await?;
    none(obstacles(db).await?)?;
    db.migrate(lock).await?;
    none(obstacles(db).await?)
}

/// What keeps Docket from working on this database, a sentence each, without any value; nothing if it can work. An
/// error means that the database cannot be asked.
pub async fn obstacles(db: &Db) -> Result<Vec<String>, DbErr> {
    let look = Catalog(db.reader()).look().await?;
    if !look.obstacles.is_empty() {
        return Ok(look.obstacles);
    }
    let written = time::timeout(WRITE_TIMEOUT, write(db, look.is_current)).await.unwrap_or(Ok(None));
    let written = match written {
        Err(error) if is_held_up(&error) => None,
        Err(error) => Some(format!("nothing can be written: {}", objection(&error).ok_or(error)?)),
        Ok(obstacle) => obstacle.or_else(|| db.path().and_then(full)),
    };
    let place = db.path().map(|path| format!("{}: ", path.display())).unwrap_or_default();
    Ok(written.map(|it| format!("{place}{it}")).into_iter().collect())
}

/// Makes a row in a transaction that is given up, if the tables are there.
async fn write(db: &Db, has_tables: bool) -> Result<Option<String>, DbErr> {
    let mut trial = db.trial().await?;
    if !has_tables {
        trial.end().await;
        return Ok(None);
    }
    let name = format!("docket-probe-{}", uuid::Uuid::new_v4());
    let probe = format!("insert into user_revisions (user_id) values ('{name}') returning user_id");
    let rows = trial.query(&Statement::from_string(db.reader().get_database_backend(), probe)).await;
    trial.end().await;
    Ok(rows?.is_empty().then(|| "a row of the table user_revisions cannot be read back".to_owned()))
}

/// Says so if the disk has next to nothing left.
fn full(path: &Path) -> Option<String> {
    let is_full =
        |path| rustix::fs::statvfs(path).is_ok_and(|disk| disk.f_bavail.saturating_mul(disk.f_frsize) < MIN_DISK_BYTES);
    is_full(path).then(|| "the disk is full".to_owned())
}
