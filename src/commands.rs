//! What the commands do and print. The command line itself is in `main.rs`.

pub mod data;
pub mod demo;
pub mod keys;
pub mod output;
pub mod password;
pub mod settings;
pub mod shell;
pub mod stats;
pub mod user;

use std::error::Error;

/// How a command ends.
pub type Done = Result<(), Box<dyn Error>>;

/// Whether nothing is wrong: whoever reads the output has had enough of it.
pub fn is_harmless(error: &(dyn Error + 'static)) -> bool {
    error.downcast_ref().is_some_and(output::OutputError::is_harmless)
}
