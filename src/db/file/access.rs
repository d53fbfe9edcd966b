//! Whether the user that Docket runs as may use SQLite's file and those beside it, and what to do if not.

use std::{io, path::Path};

use rustix::fs::Access;
use sea_orm::{DbErr, RuntimeErr};

use super::{beside, folder};

/// What the names of a database's files end in: it, its log, the index of that, and what is there to be locked.
const ENDS: [&str; 5] = ["", "-wal", "-shm", ".migrating", ".lock"];

/// Why the file cannot be made, read or written, with what to do, if that can be seen.
pub fn out_of_reach(path: &Path) -> Option<String> {
    if path.is_symlink() && !path.exists() {
        return Some("is a link to a file that is not there".to_owned());
    }
    let folder = folder(path);
    let files = ENDS.map(|end| beside(path, end));
    let files = files.into_iter().filter_map(|it| Some((denied_file(&it)?, it.display().to_string())));
    let folder = denied(folder, Access::WRITE_OK | Access::EXEC_OK)
        .map(|cause| (cause, format!("the folder {}", folder.display())));
    let (causes, places): (Vec<_>, Vec<_>) = files.chain(folder).unzip();
    let cause = causes.into_iter().next()?;
    let places = places.join(", ");
    let elsewhere = "let DATABASE_URL name a file elsewhere";
    let advice = match cause.kind() {
        io::ErrorKind::NotFound => return Some(format!("{places} is not there: make it, or {elsewhere}")),
        io::ErrorKind::PermissionDenied => format!("change its owner or mode, or {elsewhere}"),
        _ => elsewhere.to_owned(),
    };
    let user = rustix::process::getuid();
    Some(format!("Docket runs as the user {user}, who may not write {places} ({cause}): {advice}"))
}

/// Refuses a file that is there and cannot be read or written: SQLite would open it all the same.
pub(in crate::db) fn check(path: &Path) -> Result<(), DbErr> {
    match denied_file(path).and_then(|_| out_of_reach(path)) {
        Some(why) => Err(DbErr::Conn(RuntimeErr::Internal(why))),
        None => Ok(()),
    }
}

/// Whether it cannot be seen if the file is there.
pub(crate) fn is_hidden(path: &Path) -> bool {
    path.metadata().is_err_and(|cause| cause.kind() == io::ErrorKind::PermissionDenied)
}

fn denied_file(path: &Path) -> Option<io::Error> {
    path.exists().then(|| denied(path, Access::READ_OK | Access::WRITE_OK))?
}

fn denied(path: &Path, needed: Access) -> Option<io::Error> {
    rustix::fs::access(path, needed).err().map(io::Error::from)
}
