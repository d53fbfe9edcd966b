//! What shells, `man` and people learn of the command line and of settings.

use std::{fs, path::Path};

use clap::Command;
use clap_complete::Shell;
use docket::config::reference;

use super::{Done, output};

/// Prints the completions for a shell.
pub fn completions(mut command: Command, shell: Shell) -> Done {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, "docket", &mut script);
    Ok(output::show(&String::from_utf8(script)?)?)
}

/// Writes a manual page for Docket and for each command into a folder.
pub fn manual_pages(command: Command, folder: &Path) -> Done {
    let made = fs::create_dir_all(folder).and_then(|()| clap_mangen::generate_to(command, folder));
    made.map_err(|cause| format!("the manual pages cannot be written to {}: {cause}", folder.display()))?;
    Ok(output::report(&format!("The manual pages are in {}.", folder.display()))?)
}

/// Prints all settings with their meaning.
pub fn settings() -> Done {
    Ok(output::show(&reference::explanation())?)
}
