//! SQLite's file: a copy of it while it is used, and putting a copy in its place.

pub(crate) mod access;

use std::{
    fs::{self, File, Permissions, TryLockError},
    io,
    os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    time::Duration,
};

use chrono::Utc;
use migration::{Migrator, MigratorTrait};
use sea_orm::{DbErr, RuntimeErr};
use sqlx::{ConnectOptions, Connection, SqliteConnection, error::DatabaseError, sqlite::SqliteConnectOptions};
use tokio::time;

pub use self::access::out_of_reach;
use super::{
    connect::{BUSY, failed},
    sqlite_code,
};
use crate::config::{Config, Database, Environment};

/// Who may use what is made here: the user that Docket runs as.
const OWNERS: u32 = 0o600;
/// What follows the name of the database in that of a file that a restore has kept, before the time.
const BEFORE_RESTORE: &str = ".before-restore-";
/// How often to look whether another process has migrated.
const POLL_INTERVAL: Duration = Duration::from_millis(10);
/// How often a file is looked through whose schema changes.
const MAX_ATTEMPTS: u32 = 100;
/// SQLite's code for a schema that changed.
const SCHEMA: u32 = 17;
/// SQLite's codes for a file that is damaged, and for one that begins as no database does.
const CORRUPT: u32 = 11;
const NOT_A_DATABASE: u32 = 26;
/// Files up to this size are looked through at every start, which takes a few hundredths of a second.
const MAX_CHECKED_BYTES: u64 = 32 << 20;

/// Why a file was not copied.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// PostgreSQL has tools of its own.
    #[error("DATABASE_URL names no SQLite file; PostgreSQL is backed up and restored with pg_dump and pg_restore")]
    NotSqlite,
    /// There is nothing to copy.
    #[error("{0} is not there")]
    Absent(PathBuf),
    /// Nothing is overwritten.
    #[error("{0} is there already")]
    Taken(PathBuf),
    /// It is no database of Docket's, or a damaged one.
    #[error("{0} cannot be restored: {1}")]
    Unfit(PathBuf, String),
    /// Docket's user may not use it.
    #[error("DATABASE_URL: {0}: {1}")]
    OutOfReach(PathBuf, String),
    /// A server has it open.
    #[error("{0} is in use; stop the server first")]
    InUse(PathBuf),
    /// SQLite failed.
    #[error("{0} cannot be read or written by SQLite")]
    Sqlite(PathBuf, #[source] sqlx::Error),
    /// The disk failed, or the file is not Docket's to use.
    #[error("{0} cannot be read or written")]
    Io(PathBuf, #[source] io::Error),
}

impl FileError {
    /// A failure of SQLite's with this file.
    fn sqlite(path: &Path) -> impl Fn(sqlx::Error) -> Self {
        |cause| Self::Sqlite(path.to_owned(), cause)
    }

    /// A failure of the disk with this file.
    fn io(path: &Path) -> impl Fn(io::Error) -> Self {
        |cause| Self::Io(path.to_owned(), cause)
    }
}

/// The file that the configuration names, if it names one.
pub fn path(config: &Config) -> Option<PathBuf> {
    match &config.database {
        Database::Sqlite(file) => Some(file.path.clone()),
        Database::Postgres(_) => None,
    }
}

/// Copies the database into a new file, as it is at one moment, while others read and write it.
pub async fn backup(config: &Config, to: &Path) -> Result<(), FileError> {
    let from = path(config).ok_or(FileError::NotSqlite)?;
    if !from.exists() {
        return Err(FileError::Absent(from));
    }
    if to.exists() {
        return Err(FileError::Taken(to.to_owned()));
    }
    let mut connection = options(&from).connect().await.map_err(FileError::sqlite(&from))?;
    // SQLite takes a file that is empty, and others are not to read it before it is whole.
    File::options().create_new(true).write(true).mode(OWNERS).open(to).map_err(FileError::io(to))?;
    let copied = sqlx::query("vacuum into ?").bind(to.to_string_lossy().into_owned()).execute(&mut connection).await;
    if let Err(cause) = copied {
        fs::remove_file(to).map_err(FileError::io(to))?;
        return Err(FileError::Sqlite(to.to_owned(), cause));
    }
    connection.close().await.map_err(FileError::sqlite(&from))?;
    lasting(to)
}

/// Puts a copy in the place of the database, which is kept beside it; the answer is its new name, if there was one.
pub async fn restore(config: &Config, from: &Path) -> Result<Option<PathBuf>, FileError> {
    let to = path(config).ok_or(FileError::NotSqlite)?;
    if !from.exists() {
        return Err(FileError::Absent(from.to_owned()));
    }
    check(from).await.map_err(|cause| FileError::Unfit(from.to_owned(), cause))?;
    let copy = beside(&to, ".restoring");
    fs::copy(from, &copy).map_err(FileError::io(&copy))?;
    fs::set_permissions(&copy, Permissions::from_mode(OWNERS)).map_err(FileError::io(&copy))?;
    renew_epoch(&copy).await?;
    lasting(&copy)?;
    let mut kept = None;
    if to.exists() {
        if let Err(error) = set_aside(&to).await {
            fs::remove_file(&copy).map_err(FileError::io(&copy))?;
            return Err(error);
        }
        let old = beside(&to, &format!("{BEFORE_RESTORE}{}", Utc::now().format("%Y%m%dT%H%M%SZ")));
        fs::rename(&to, &old).map_err(FileError::io(&old))?;
        kept = Some(old);
    }
    fs::rename(&copy, &to).map_err(FileError::io(&to))?;
    lasting(&to)?;
    Ok(kept)
}

/// Gives the copy an epoch of its own, so that sync tokens of what it replaces are known as such. One from before there
/// were epochs gets its first by a migration.
async fn renew_epoch(path: &Path) -> Result<(), FileError> {
    let renewed = async {
        let mut connection = options(path).connect().await?;
        let count = "select count(*) from sqlite_master where name = 'database_epochs'";
        if sqlx::query_scalar::<_, i64>(count).fetch_one(&mut connection).await? > 0 {
            sqlx::query("update database_epochs set epoch = lower(hex(randomblob(8)))")
                .execute(&mut connection)
                .await?;
        }
        connection.close().await
    };
    renewed.await.map_err(FileError::sqlite(path))
}

/// Makes the file whole without its write-ahead log, which only its last user can do.
async fn set_aside(path: &Path) -> Result<(), FileError> {
    let mut connection = options(path).connect().await.map_err(FileError::sqlite(path))?;
    let mode = sqlx::query_scalar::<_, String>("pragma journal_mode = delete").fetch_one(&mut connection).await;
    connection.close().await.map_err(FileError::sqlite(path))?;
    match mode.as_deref() {
        Ok("delete") => Ok(()),
        Ok(_) => Err(FileError::InUse(path.to_owned())),
        Err(sqlx::Error::Database(cause)) if cause.code().is_some_and(|code| matches!(&*code, "5" | "6" | "261")) => {
            Err(FileError::InUse(path.to_owned()))
        }
        Err(_) => mode.map(drop).map_err(FileError::sqlite(path)),
    }
}

/// Looks through the file before anything is written to it, where that is quick or migrations are to come.
pub(super) async fn look(path: &Path) -> Result<(), DbErr> {
    // What a program has left half done that was killed is undone by whoever opens the file next, if it may write.
    let is_half_done = !is_empty(&beside(path, "-journal"));
    let mut connection = options(path).read_only(!is_half_done).connect().await.map_err(failed)?;
    let size = fs::metadata(path).map_or(0, |it| it.len());
    let applied = sqlx::query_scalar("select count(*) from seaql_migrations").fetch_one(&mut connection).await;
    let is_current = applied.is_ok_and(|count: i64| usize::try_from(count) == Ok(Migrator::migrations().len()));
    if size == 0 || (is_current && size > MAX_CHECKED_BYTES) {
        return Ok(());
    }
    let damage = damage(&mut connection).await.map_err(failed)?;
    connection.close().await.map_err(failed)?;
    damage.map_or(Ok(()), |damage| Err(DbErr::Conn(RuntimeErr::Internal(damaged(&damage)))))
}

/// What to do about a file that SQLite says that of.
pub(crate) fn damaged(words: &str) -> String {
    format!("the file is damaged, restore a backup ({words}); a server that works with it is to be stopped first")
}

/// What to do about the file, if the error says that it is damaged or no database at all.
pub(crate) fn damage_of(error: &DbErr) -> Option<String> {
    let (DbErr::Conn(RuntimeErr::SqlxError(cause))
    | DbErr::Exec(RuntimeErr::SqlxError(cause))
    | DbErr::Query(RuntimeErr::SqlxError(cause))) = error
    else {
        return None;
    };
    let cause = cause.as_database_error()?;
    let code = sqlite_code(&cause.code()?)?;
    matches!(code, CORRUPT | NOT_A_DATABASE).then(|| damaged(cause.message()))
}

/// Why a file cannot be opened, with its name.
pub(super) fn unusable(path: &Path, error: &DbErr) -> DbErr {
    let cause = damage_of(error).or_else(|| out_of_reach(path)).unwrap_or_else(|| match error {
        DbErr::Conn(RuntimeErr::SqlxError(cause)) => {
            cause.as_database_error().map_or_else(|| cause.to_string(), |it| it.message().to_owned())
        }
        DbErr::Conn(RuntimeErr::Internal(cause)) => cause.clone(),
        other => other.to_string(),
    });
    DbErr::Conn(RuntimeErr::Internal(format!("DATABASE_URL: {}: {cause}", path.display())))
}

/// Whether there is nothing in the file, if it is there at all.
pub(crate) fn is_empty(path: &Path) -> bool {
    fs::metadata(path).map_or(true, |it| it.len() == 0)
}

/// The file of the configuration, if there is nothing in it or it is not there.
pub(crate) fn absent(config: &Config) -> Option<PathBuf> {
    path(config).filter(|path| is_empty(path))
}

/// Why a file that is not there, or empty, is not to be made anew, if its log is still there: SQLite would throw that
/// away.
pub(crate) fn without_log(path: &Path) -> Option<String> {
    let log = beside(path, "-wal");
    let advice = "put the file back or restore a backup, or remove the log too to begin anew";
    let is_lost = is_empty(path) && !is_empty(&log);
    is_lost.then(|| format!("the file is not there or empty, but its log {} is not: {advice}", log.display()))
}

/// Whether Docket has worked with a file of that name.
pub fn was_there(path: &Path) -> bool {
    beside(path, ".migrating").exists()
}

/// Whether it is a whole database of Docket's, of this version or an older one.
async fn check(path: &Path) -> Result<(), String> {
    let mut connection = options(path).read_only(true).connect().await.map_err(|cause| cause.to_string())?;
    let damage = damage(&mut connection).await.map_err(|_| "it is no SQLite database".to_owned())?;
    if let Some(damage) = damage {
        return Err(damage);
    }
    let applied: Vec<String> = sqlx::query_scalar("select version from seaql_migrations")
        .fetch_all(&mut connection)
        .await
        .map_err(|_| "it is no database of Docket".to_owned())?;
    let known = Migrator::migrations();
    match applied.iter().find(|version| !known.iter().any(|it| it.name() == version.as_str())) {
        Some(newer) => Err(format!("it was made by a newer Docket ({newer})")),
        None => Ok(()),
    }
}

/// What SQLite finds wrong with the file, if anything. It cannot say while another process changes the schema, as one
/// that starts at the same moment may.
async fn damage(connection: &mut SqliteConnection) -> Result<Option<String>, sqlx::Error> {
    let code = |cause: &dyn DatabaseError| cause.code().and_then(|code| sqlite_code(&code)).unwrap_or_default();
    let mut tries = 0;
    loop {
        match sqlx::query_scalar::<_, String>("pragma quick_check(1)").fetch_one(&mut *connection).await {
            Ok(found) => return Ok(Some(found).filter(|it| it != "ok")),
            // So damaged that it cannot be looked through.
            Err(sqlx::Error::Database(cause)) if code(&*cause) == CORRUPT => {
                return Ok(Some(cause.message().to_owned()));
            }
            Err(sqlx::Error::Database(cause)) if code(&*cause) == SCHEMA && tries < MAX_ATTEMPTS => tries += 1,
            Err(cause) => return Err(cause),
        }
        time::sleep(POLL_INTERVAL).await;
    }
}

/// In production, takes SQLite's file for this instance alone, because several would count and listen each for itself.
/// The claim lives as long as what is returned.
pub fn claim(config: &Config) -> Result<Option<File>, FileError> {
    let Some(path) = path(config).filter(|_| config.environment == Environment::Production) else { return Ok(None) };
    let file = lock(&path, ".lock").map_err(|cause| match out_of_reach(&path) {
        Some(why) => FileError::OutOfReach(path.clone(), why),
        None => FileError::Io(beside(&path, ".lock"), cause),
    })?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Err(FileError::InUse(path)),
        Err(TryLockError::Error(cause)) => Err(FileError::Io(beside(&path, ".lock"), cause)),
    }
}

/// Waits until no other process migrates the file. SQLite has no lock that outlives the transactions of migrations.
pub(super) async fn alone(path: &Path) -> Result<File, DbErr> {
    let failed = |cause: io::Error| {
        let locked = beside(path, ".migrating");
        let why = out_of_reach(path).unwrap_or_else(|| format!("{} cannot be locked: {cause}", locked.display()));
        DbErr::Conn(RuntimeErr::Internal(format!("DATABASE_URL: {}: {why}", path.display())))
    };
    let file = lock(path, ".migrating").map_err(failed)?;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => time::sleep(POLL_INTERVAL).await,
            Err(TryLockError::Error(cause)) => return Err(failed(cause)),
        }
    }
}

/// A file beside the database that is there to be locked.
fn lock(path: &Path, end: &str) -> io::Result<File> {
    File::options().create(true).truncate(false).write(true).mode(OWNERS).open(beside(path, end))
}

/// Makes the file, empty and for its owner alone. SQLite gives its log the same mode.
pub(super) fn make(path: &Path) -> Result<(), DbErr> {
    match File::options().create_new(true).write(true).mode(OWNERS).open(path) {
        Ok(_) => Ok(()),
        // Another process was faster.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(DbErr::Conn(RuntimeErr::Internal(format!("the file cannot be made: {error}")))),
    }
}

/// Which file has that name, whatever it is called.
pub(super) fn identity(path: &Path) -> Option<(u64, u64)> {
    fs::metadata(path).ok().map(|it| (it.dev(), it.ino()))
}

/// Whether others on this machine may read or change the file, which holds session tokens.
pub fn is_open_to_others(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|it| it.permissions().mode() & 0o077 != 0)
}

/// The files of a database that others on this machine may read or change: it, its log, and what restores have kept.
pub fn open_to_others(path: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = ["", "-wal", "-shm"].map(|end| beside(path, end)).to_vec();
    let kept = beside(path, BEFORE_RESTORE).file_name().map(|it| it.to_string_lossy().into_owned());
    for entry in fs::read_dir(folder(path)).into_iter().flatten().flatten() {
        if kept.as_ref().is_some_and(|start| entry.file_name().to_string_lossy().starts_with(start)) {
            files.push(path.with_file_name(entry.file_name()));
        }
    }
    files.retain(|it| is_open_to_others(it));
    files
}

/// Lets the owner of the file alone read and change it.
pub fn close_to_others(path: &Path) -> io::Result<()> {
    fs::set_permissions(path, Permissions::from_mode(OWNERS))
}

pub(super) fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new().filename(path).busy_timeout(BUSY).disable_statement_logging()
}

/// The folder of a file.
pub(crate) fn folder(path: &Path) -> &Path {
    path.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Another file in the same folder, whose name ends in that.
pub(super) fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(end);
    path.with_file_name(name)
}

/// Waits until the file and its name are on the disk.
fn lasting(path: &Path) -> Result<(), FileError> {
    let synced = |path: &Path| File::open(path).and_then(|it| it.sync_all()).map_err(FileError::io(path));
    synced(path)?;
    synced(folder(path))
}
