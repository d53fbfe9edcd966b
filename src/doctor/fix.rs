//! `docket doctor --fix`: mends what can be mended without asking. Nothing that is stored is changed.

use std::path::{Path, PathBuf};

use super::{Finding, Level, bad};
use crate::{
    config::{Config, Environment, SECRET_FILE},
    db,
};

/// Lets nobody else on this machine read the files that hold sessions or the secret. Returns what was done.
pub fn fix(config: &Config) -> Vec<Finding> {
    open_files(config).iter().map(|path| close(path)).collect()
}

fn close(path: &Path) -> Finding {
    let shown = path.display();
    match db::file::close_to_others(path) {
        Ok(()) => {
            let text = format!("{shown} can be read by its owner alone now (0600)");
            Finding { level: Level::Done, what: "files", text }
        }
        Err(cause) => bad("files", format!("{shown} cannot be closed to others: {cause}")),
    }
}

/// Files that others on this machine may read and should not.
pub(super) fn open_files(config: &Config) -> Vec<PathBuf> {
    let mut files = db::file::path(config).map(|path| db::file::open_to_others(&path)).unwrap_or_default();
    let secret = Path::new(SECRET_FILE);
    if config.environment == Environment::Development && db::file::is_open_to_others(secret) {
        files.push(secret.to_owned());
    }
    files
}
