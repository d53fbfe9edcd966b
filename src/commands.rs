//! What the commands do and print. The command line itself is in `main.rs`.

pub mod data;
pub mod demo;
pub mod settings;

use std::error::Error;

/// How a command ends.
pub type Done = Result<(), Box<dyn Error>>;
