//! SQLite's files while they are open. SQLite goes on writing into a file that has lost its name, and one that begins
//! there is another: what is written to either is lost.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use rusqlite::{Connection, OpenFlags};
use sea_orm::{DbErr, RuntimeErr};

use super::file::{beside, identity, is_empty};

/// The database, its log, and the index of that.
#[derive(Clone, Debug)]
pub(super) struct OpenFiles(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// Their names, and which files these were at the beginning.
    files: [(PathBuf, Option<(u64, u64)>); 3],
    /// The last connection that closes removes log and index. This one keeps them, so that nothing else may.
    keeper: Mutex<Option<Connection>>,
}

impl OpenFiles {
    /// Of a database that another connection has opened already.
    pub(super) fn of(path: &Path) -> Result<Self, DbErr> {
        let keeper = keeper(path).map_err(|cause| DbErr::Conn(RuntimeErr::Internal(cause.to_string())))?;
        let files = [path.to_owned(), beside(path, "-wal"), beside(path, "-shm")];
        let files = files.map(|path| {
            let identity = identity(&path);
            (path, identity)
        });
        Ok(Self(Arc::new(Inner { files, keeper: Mutex::new(Some(keeper)) })))
    }

    /// Says which of them was removed, replaced or emptied since then, if one was, and what to do.
    pub(super) fn lost(&self) -> Option<String> {
        let [(path, _), ..] = &self.0.files;
        let replaced = || self.0.files.iter().position(|(path, before)| identity(path) != *before);
        // Whoever opens an empty one throws the log away.
        let place = if is_empty(path) { 0 } else { replaced()? };
        let path = self.0.files.get(place)?.0.display();
        let advice = match place {
            0 => "stop Docket, put the file back or restore a backup, and start it again",
            // What is in it comes into the database when the last connection is closed.
            _ => "stop Docket, without killing it, and start it again",
        };
        Some(format!("{path} was removed, replaced or emptied under Docket: {advice}"))
    }

    /// Lets them go.
    pub(super) fn close(&self) {
        self.0.keeper.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

/// A connection that does nothing. One that has read has the log open, and a lock by which others see that.
fn keeper(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(super::connect::BUSY)?;
    connection.query_row("select count(*) from sqlite_master", [], |_| Ok(()))?;
    Ok(connection)
}
