//! One user's data as a file, as `GET /api/{user_id}/export` writes it and `POST /api/{user_id}/import` reads it, for whoever
//! runs Docket.

use std::{
    fs,
    io::{BufWriter, Write},
    path::{Path, PathBuf},
};

use entity::id::UserId;

use super::{ArchiveError, lines::create};
use crate::{
    config::Config,
    error::Error,
    operators::{self, OperatorError},
    rest::{FileKind, FileWriter, MAX_FILE, ReadFile, sentences},
    service::{Services, import::Imported},
    telemetry::{OPERATOR, SecurityEvent},
};

/// Why a user's data was not exported or imported.
#[derive(Debug, thiserror::Error)]
pub enum UserFileError {
    /// The database failed.
    #[error("the database failed")]
    Database(#[from] Error),
    /// There is no such user, or no database that can be worked on.
    #[error(transparent)]
    Nobody(#[from] OperatorError),
    /// The kind of the file is not known.
    #[error("the name of the file must end in .json, .csv or .ics, which says what it is")]
    Kind,
    /// The file has too many bytes.
    #[error("the file has more than {} MiB", MAX_FILE >> 20)]
    TooLarge,
    /// A file cannot be read or written.
    #[error("{0} cannot be read or written")]
    Io(PathBuf, #[source] std::io::Error),
    /// A new file cannot be made.
    #[error(transparent)]
    New(#[from] ArchiveError),
    /// What is wrong with the file, a sentence each.
    #[error("the file cannot be imported, and nothing was written:\n  {}", .0.join("\n  "))]
    Invalid(Vec<String>),
}

impl From<sea_orm::DbErr> for UserFileError {
    fn from(cause: sea_orm::DbErr) -> Self {
        Self::Database(cause.into())
    }
}

/// What an import of a file brought.
#[derive(Clone, Copy, Debug)]
pub struct ImportedFile {
    /// What was made.
    pub counts: Imported,
    /// How many entries of a calendar are no tasks.
    pub ignored: usize,
}

/// Writes a user's data into a new file; the user is named by address or id. Returns how many tasks it has.
pub async fn export_user(config: &Config, user: &str, path: &Path) -> Result<u64, UserFileError> {
    let kind = FileKind::of_path(path).ok_or(UserFileError::Kind)?;
    let services = operators::open(config).await?;
    let written = write(&services, user, kind, path).await;
    services.close().await?;
    written
}

async fn write(services: &Services, user: &str, kind: FileKind, path: &Path) -> Result<u64, UserFileError> {
    let user = operators::find(services, user).await?.id;
    let mut to = BufWriter::new(create(path)?);
    let written = write_to(services, &user, kind, &mut to).await;
    SecurityEvent::DataExported.log(&user.0, OPERATOR);
    if written.is_err() {
        // A part of a file would pass for a whole one.
        let _ = fs::remove_file(path);
    }
    written.map_err(|error| match error {
        WriteError::Database(error) => error.into(),
        WriteError::Io(cause) => UserFileError::Io(path.to_owned(), cause),
    })
}

/// Why nothing more is written.
#[derive(Debug, thiserror::Error)]
enum WriteError {
    #[error("the database failed")]
    Database(#[from] Error),
    #[error("the file cannot be written")]
    Io(#[from] std::io::Error),
}

async fn write_to(services: &Services, user: &UserId, kind: FileKind, to: &mut impl Write) -> Result<u64, WriteError> {
    let data = services.adoption().data(user).await?;
    let mut writer = FileWriter::new(kind, data).await?;
    to.write_all(writer.start().as_bytes())?;
    let (mut behind, mut count) = (None, 0);
    loop {
        let some = data.tasks_behind(behind.take()).await?;
        let Some(last) = some.last() else { break };
        behind = Some((last.task.position.clone(), last.task.number));
        count += some.len() as u64;
        to.write_all(writer.tasks(some)?.as_bytes())?;
    }
    to.write_all(writer.end().as_bytes())?;
    to.flush()?;
    Ok(count)
}

/// Brings the data of a file to a user, who is named by address or id; a dry run tells what would happen.
pub async fn import_user(
    config: &Config,
    user: &str,
    path: &Path,
    is_dry: bool,
) -> Result<ImportedFile, UserFileError> {
    let kind = FileKind::of_path(path).ok_or(UserFileError::Kind)?;
    let failed = |cause| UserFileError::Io(path.to_owned(), cause);
    if fs::metadata(path).map_err(failed)?.len() > MAX_FILE as u64 {
        return Err(UserFileError::TooLarge);
    }
    let bytes = fs::read(path).map_err(failed)?;
    let services = operators::open(config).await?;
    let imported = async {
        let user = operators::find(&services, user).await?.id;
        let file = kind.read_or_say(&bytes, &user).map_err(UserFileError::Invalid)?;
        let read = read(&services, &user, file, is_dry).await?;
        if !is_dry {
            SecurityEvent::DataImported.log(&user.0, OPERATOR);
        }
        Ok(read)
    };
    let imported = imported.await;
    services.close().await?;
    imported
}

async fn read(services: &Services, user: &UserId, file: ReadFile, is_dry: bool) -> Result<ImportedFile, UserFileError> {
    let counts = services.adoption().data(user).await?.import(file.import, is_dry).await;
    let counts = counts.map_err(|error| match file.lines.place(error) {
        error @ Error::InvalidFile(_) => UserFileError::Invalid(sentences(error)),
        other => other.into(),
    })?;
    Ok(ImportedFile { counts, ignored: file.ignored.unwrap_or_default() })
}
