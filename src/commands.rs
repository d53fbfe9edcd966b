//! What the commands do and print. The command line itself is in `main.rs`.

pub mod data;
pub mod demo;
pub mod keys;
mod output;
mod password;
pub mod settings;
pub mod shell;
pub mod stats;
pub mod user;

use std::{error::Error, io};

/// How a command ends.
pub type Done = Result<(), Box<dyn Error>>;

/// Whether whoever reads the output has had enough of it, as `head` has.
pub fn is_pipe_closed(error: &(dyn Error + 'static)) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|it| it.kind() == io::ErrorKind::BrokenPipe)
}
