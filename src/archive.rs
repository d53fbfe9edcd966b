//! A whole database as lines of JSON. `docket export --all` writes them, and `docket import --all` reads them into an
//! empty database of either kind, where they are the same rows. See docs/takeover.md#moving-to-another-database.
//!
//! The first line says what the file is, each line behind it is a row of a table, and the last one has the number and
//! the digest of the rows. Not among them is what has no worth elsewhere: counts of requests and stored answers.
//! With `--user` both commands write and read the files of one user.

mod lines;
mod of_user;
mod row;
mod table;

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use sea_orm::Iterable;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tracing::info;
use uuid::Uuid;

use self::{
    lines::{LineReader, LineWriter},
    table::Table,
};
pub use self::{
    of_user::{ImportedFile, UserFileError, export_user, import_user},
    row::Row,
};
use crate::{
    config::{Config, Database, SqliteFile},
    db::{self, Db, file::FileError},
    error::Error,
    proof::{self, Unfit},
    telemetry::{OPERATOR, SecurityEvent},
};

/// The format of the lines.
const FORMAT: u32 = 1;
/// How many rows one statement reads or writes.
const ROWS_AT_ONCE: usize = 500;
/// After how many rows the log says how far it is.
const ROWS_OF_PROGRESS: u64 = 50_000;

/// Why a database was not exported or imported.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The database failed.
    #[error("the database failed")]
    Database(#[from] Error),
    /// Docket cannot work on the database.
    #[error("the database cannot be used")]
    Unfit(#[from] Unfit),
    /// A copy of SQLite's file could not be made.
    #[error("the database cannot be copied")]
    Copy(#[from] FileError),
    /// Nothing is overwritten.
    #[error("{0} is there already")]
    Taken(PathBuf),
    /// A file cannot be read or written.
    #[error("{0} cannot be read or written")]
    Io(PathBuf, #[source] io::Error),
    /// The file is not what an export is.
    #[error("line {line}: {reason}")]
    Line {
        /// Which line, from 1.
        line: u64,
        /// What is wrong with it.
        reason: String,
    },
    /// Something is in the database already.
    #[error("the database has {0} accounts already: import into an empty one, or go on with an import by --resume")]
    NotEmpty(u64),
    /// A row refers to one that another is in the way of, as an account with the same address.
    #[error("other rows were in the way: the database has accounts that the file does not have")]
    Mixed,
    /// What was imported is not what the file says.
    #[error("the database has {found} after the import, and the file says {expected}: other rows were in the way")]
    Different {
        /// Rows and digest of the database.
        found: Contents,
        /// Rows and digest of the file.
        expected: Contents,
    },
}

impl From<sea_orm::DbErr> for ArchiveError {
    fn from(cause: sea_orm::DbErr) -> Self {
        Self::Database(cause.into())
    }
}

/// How many rows there are, and a digest of them that does not depend on their order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contents {
    /// How many rows.
    pub rows: u64,
    /// The sum of the first 16 bytes of each row's SHA-256.
    #[serde(with = "hex")]
    pub digest: u128,
}

impl std::fmt::Display for Contents {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} rows with the digest {:032x}", self.rows, self.digest)
    }
}

/// The first line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    format: u32,
    /// The last migration of the Docket that wrote the file.
    schema: String,
    /// The last number that a task has had.
    last_task_number: i64,
}

/// A line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    Docket(Head),
    Row(TableRow),
    End(Contents),
}

/// A row and its table.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TableRow {
    table: Table,
    row: Row,
}

/// What an import does.
#[derive(Clone, Copy, Debug, Default)]
pub struct ImportOptions {
    /// Whether the file is only checked.
    pub is_dry_run: bool,
    /// Whether rows that are there already are left, as after an import that was cut off.
    pub is_resumed: bool,
}

/// A copy of SQLite's file, which is removed when it was read.
struct Copied(PathBuf);

impl Drop for Copied {
    fn drop(&mut self) {
        for end in ["", "-wal", "-shm"] {
            let mut path = self.0.clone().into_os_string();
            path.push(end);
            // What is not there need not be removed.
            let _ = fs::remove_file(path);
        }
    }
}

/// Writes all of a database into a new file, as it is at one moment, while others use it.
pub async fn export(config: &Config, path: &Path) -> Result<Contents, ArchiveError> {
    let mut to = LineWriter::create(path)?;
    let written = export_to(config, &mut to).await;
    if written.is_err() {
        // A part of an export is of no use, and would be in the way of the next one.
        let _ = fs::remove_file(path);
    }
    written
}

async fn export_to(config: &Config, to: &mut LineWriter) -> Result<Contents, ArchiveError> {
    match &config.database {
        Database::Postgres(_) => {
            let db = db::connect(config).await?;
            let snapshot = db.snapshot().await?;
            let written = write(&snapshot.database(), to).await;
            snapshot.rollback().await?;
            db.close().await?;
            written
        }
        Database::Sqlite(file) => {
            // A copy is of one moment, and keeps nobody waiting.
            let folder = db::file::folder(&file.path);
            let copy = Copied(folder.join(format!(".docket-export-{}.db", Uuid::new_v4().simple())));
            db::file::backup(config, &copy.0).await?;
            let copied = SqliteFile { path: copy.0.clone(), ..file.clone() };
            let mut config = config.clone();
            config.database = Database::Sqlite(copied);
            let db = db::connect(&config).await?;
            let written = write(&db, to).await;
            db.close().await?;
            written
        }
    }
}

async fn write(db: &Db, to: &mut LineWriter) -> Result<Contents, ArchiveError> {
    SecurityEvent::DataExported.log("all", OPERATOR);
    let head = Head { format: FORMAT, schema: proof::last_migration(), last_task_number: db.last_task_number().await? };
    to.write(&Line::Docket(head))?;
    let mut contents = Contents::default();
    for table in Table::iter() {
        let mut after = None;
        loop {
            let rows = table.page(db, after.as_ref(), ROWS_AT_ONCE).await?;
            let Some(last) = rows.last().cloned() else { break };
            after = Some(last);
            for row in rows {
                contents.add(table, &row);
                to.write(&Line::Row(TableRow { table, row }))?;
            }
            contents.report("exported");
        }
    }
    to.write(&Line::End(contents))?;
    to.flush()?;
    Ok(contents)
}

/// Reads an export into the database of the configuration. What is wrong with the file is found before anything is
/// written if it is only checked; otherwise the rows before it are there, and an import of the mended file goes on.
pub async fn import(config: &Config, path: &Path, options: ImportOptions) -> Result<Contents, ArchiveError> {
    let lines = LineReader::open(path)?;
    let db = db::connect(config).await?;
    let imported = import_into(&db, lines, options).await;
    db.close().await?;
    imported
}

async fn import_into(db: &Db, mut lines: LineReader, options: ImportOptions) -> Result<Contents, ArchiveError> {
    if !options.is_dry_run {
        proof::prepare(db).await?;
        let accounts = Table::User.count(db).await?;
        if accounts > 0 && !options.is_resumed {
            return Err(ArchiveError::NotEmpty(accounts));
        }
    }
    let Some(Line::Docket(head)) = lines.next()? else {
        return Err(lines.wrong("the first line must be that of an export of Docket"));
    };
    check_head(&head).map_err(|reason| lines.wrong(&reason))?;
    if !options.is_dry_run {
        // Before the tasks, so that the database is whole if the import is cut off.
        db.skip_task_numbers(head.last_task_number).await?;
    }
    let (mut contents, mut waiting) = (Contents::default(), Waiting::default());
    let expected = loop {
        match lines.next()? {
            Some(Line::Row(TableRow { table, row })) => {
                table.check(&row).map_err(|reason| lines.wrong(&reason))?;
                contents.add(table, &row);
                if !options.is_dry_run {
                    waiting.add(db, table, row).await?;
                    contents.report("imported");
                }
            }
            Some(Line::End(contents)) => break contents,
            Some(Line::Docket(_)) => return Err(lines.wrong("the first line is there twice")),
            None => return Err(lines.wrong("the file ends before its last line: it was cut off")),
        }
    };
    if contents != expected {
        return Err(lines.wrong(&format!("the file has {contents}, and says {expected}: it was changed")));
    }
    if options.is_dry_run {
        return Ok(contents);
    }
    waiting.write(db).await?;
    SecurityEvent::DataImported.log("all", OPERATOR);
    let found = contents_of(db).await?;
    if found == expected { Ok(contents) } else { Err(ArchiveError::Different { found, expected }) }
}

fn check_head(head: &Head) -> Result<(), String> {
    if head.format != FORMAT {
        return Err(format!("the format is {}, and this Docket reads {FORMAT}", head.format));
    }
    let own = proof::last_migration();
    if head.schema != own {
        let theirs = &head.schema;
        return Err(format!(
            "the file was written by a Docket of the schema {theirs}, and this one has {own}: import it with that Docket, and migrate then"
        ));
    }
    Ok(())
}

/// What is in a database.
async fn contents_of(db: &Db) -> Result<Contents, ArchiveError> {
    let mut contents = Contents::default();
    for table in Table::iter() {
        let mut after = None;
        loop {
            let rows = table.page(db, after.as_ref(), ROWS_AT_ONCE).await?;
            rows.iter().for_each(|row| contents.add(table, row));
            match rows.last() {
                Some(last) => after = Some(last.clone()),
                None => break,
            }
        }
    }
    Ok(contents)
}

/// Rows of one table that are not written yet.
#[derive(Default)]
struct Waiting {
    table: Option<Table>,
    rows: Vec<Row>,
}

impl Waiting {
    async fn add(&mut self, db: &Db, table: Table, row: Row) -> Result<(), ArchiveError> {
        if self.table != Some(table) || self.rows.len() == ROWS_AT_ONCE {
            self.write(db).await?;
            self.table = Some(table);
        }
        self.rows.push(row);
        Ok(())
    }

    async fn write(&mut self, db: &Db) -> Result<(), ArchiveError> {
        let rows = std::mem::take(&mut self.rows);
        match self.table {
            Some(table) if !rows.is_empty() => table.insert(db, &rows).await,
            _ => Ok(()),
        }
    }
}

impl Contents {
    fn add(&mut self, table: Table, row: &Row) {
        let hash = Sha256::digest(format!("{table:?} {row}"));
        let first = hash.iter().take(16).fold(0, |sum: u128, byte| (sum << 8) | u128::from(*byte));
        self.digest = self.digest.wrapping_add(first);
        self.rows += 1;
    }

    fn report(&self, what: &str) {
        if self.rows.is_multiple_of(ROWS_OF_PROGRESS) && self.rows > 0 {
            info!(rows = self.rows, "{what}");
        }
    }
}

/// A number of 128 bits as 32 hexadecimal digits.
mod hex {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(number: &u128, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&format_args!("{number:032x}"))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<u128, D::Error> {
        let text = String::deserialize(from)?;
        u128::from_str_radix(&text, 16).map_err(|_| D::Error::custom("not a digest"))
    }
}
