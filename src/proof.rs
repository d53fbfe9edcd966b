//! Proof that Docket can do its work on a database: the tables have the columns that statements need, rows can be written
//! and read back, and the server is set up as statements rely on. Nothing that is tried stays. The start, readiness and
//! `docket doctor` ask for the same proof.

mod catalog;
mod checkup;
mod contents;
mod objects;
mod readiness;
mod rows;
mod settings;
mod shape;
mod writing;

use std::path::Path;

use migration::{Migrator, MigratorTrait};
use sea_orm::DbErr;
use tracing::warn;

use self::catalog::Catalog;
pub use self::{
    checkup::{Checkup, checkup, is_behind},
    readiness::{NotReady, Readiness},
};
use crate::db::{AuthTables, Db, file, plain};

/// How many bytes a disk must have left for SQLite's log and what grows beside it.
const MIN_DISK_BYTES: u64 = 1 << 20;

/// How much is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// A row of one table.
    Quick,
    /// Rows of every table. On PostgreSQL each leaves some dead ones, as every write does that is undone.
    Whole,
}

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

fn none(obstacles: Option<Vec<String>>) -> Result<(), Unfit> {
    obstacles.filter(|it| !it.is_empty()).map_or(Ok(()), |it| Err(Unfit::Obstacles(it)))
}

/// Brings the schema up to date and proves that Docket can work with it; several instances may try at once. A schema
/// that is newer than this program is an error and stays as it is, as does one that is somebody else's.
pub async fn prepare(db: &Db) -> Result<(), Unfit> {
    let lock = db.lock_migrations().await?;
    let before = examine(db, Extent::Quick).await?;
    none(before.obstacles)?;
    // A role that only serves needs no right to make tables.
    if before.is_to_migrate {
        db.migrate(lock).await?;
    }
    none(obstacles(db, Extent::Whole).await?)?;
    db.keep_epoch().await?;
    none(db.listening_obstacle().await?.map(|it| vec![it.to_owned()]))?;
    for warning in warnings(db).await? {
        warn!("{warning}");
    }
    Ok(())
}

/// The names of all tables that Docket works with.
pub fn table_names() -> Vec<String> {
    shape::tables().into_iter().map(|it| it.name).collect()
}

/// How the tables of a Better Auth that are there differ from those that Docket makes, if they are there.
pub async fn better_auth(db: &Db) -> Result<Option<String>, DbErr> {
    let tables = db.tables().await?;
    let actual = |name: &str| db.auth_tables().map_or(name.to_owned(), |it| it.actual(name).to_owned());
    let is_there = |name: &str| {
        tables
            .iter()
            .any(|it| it.name == actual(name) && it.columns.iter().any(|it| plain(&it.name) == "emailverified"))
    };
    let difference = db.auth_tables().and_then(AuthTables::difference);
    Ok(is_there("user").then(|| difference.unwrap_or_else(|| "as Docket makes them".to_owned())))
}

/// The name of the last migration, which says what the schema is.
pub fn last_migration() -> String {
    Migrator::migrations().last().map(|it| it.name().to_owned()).unwrap_or_default()
}

/// What does not keep Docket from working and should be looked at, a sentence each: what it would be slow without, and
/// what others have added to its tables.
pub async fn warnings(db: &Db) -> Result<Vec<String>, DbErr> {
    Catalog(db.reader()).warnings().await
}

/// What the tables have beside columns, as the files in `proof/schema` list it.
pub async fn schema(db: &Db) -> Result<Vec<String>, DbErr> {
    Ok(objects::lines(&Catalog(db.reader()).objects().await?))
}

/// What keeps Docket from working on this database, a sentence each, without any value; nothing if it can work, and none
/// if that is not known because others hold up what is tried. An error means that the database cannot be asked.
pub async fn obstacles(db: &Db, extent: Extent) -> Result<Option<Vec<String>>, DbErr> {
    examine(db, extent).await.map(|it| it.obstacles)
}

/// What was found out about a database.
struct Examination {
    /// What stands in the way, if that is known.
    obstacles: Option<Vec<String>>,
    /// Whether migrations are to be applied, or are not known.
    is_to_migrate: bool,
}

async fn examine(db: &Db, extent: Extent) -> Result<Examination, DbErr> {
    let Examination { obstacles: found, is_to_migrate } = match tried(db, extent).await {
        Err(error) => {
            return damage(db, error).map(|damage| Examination { obstacles: Some(damage), is_to_migrate: false });
        }
        Ok(found) => found,
    };
    let Some(path) = db.path() else { return Ok(Examination { obstacles: found, is_to_migrate }) };
    let is_full = found.as_ref().is_none_or(Vec::is_empty) && is_full(path);
    let found = if is_full { Some(vec!["the disk is full".to_owned()]) } else { found };
    let obstacles = found.map(|it| it.into_iter().map(|it| named(path, &it)).collect());
    Ok(Examination { obstacles, is_to_migrate })
}

fn named(path: &Path, obstacle: &str) -> String {
    format!("{}: {obstacle}", path.display())
}

/// What stands in the way if the error says that SQLite's file is damaged; the error otherwise.
fn damage(db: &Db, error: DbErr) -> Result<Vec<String>, DbErr> {
    let damage = db.path().zip(file::damage_of(&error));
    damage.map(|(path, damage)| vec![named(path, &damage)]).ok_or(error)
}

async fn tried(db: &Db, extent: Extent) -> Result<Examination, DbErr> {
    let look = Catalog(db.reader()).look().await?;
    let is_to_migrate = !look.is_current || look.is_newer;
    let obstacles = match look.obstacles.is_empty() {
        true => writing::obstacles(db, look.is_current.then_some(extent)).await?,
        false => Some(look.obstacles),
    };
    Ok(Examination { obstacles, is_to_migrate })
}

/// Whether the disk has next to nothing left.
fn is_full(path: &Path) -> bool {
    rustix::fs::statvfs(path).is_ok_and(|disk| disk.f_bavail.saturating_mul(disk.f_frsize) < MIN_DISK_BYTES)
}
