//! What commands print, on standard output alone: text, or for scripts a JSON object a line; and what is said where that
//! cannot be written.

use std::io::{self, BufWriter, StdoutLock, Write};

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;

use super::Done;

/// Standard output cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    /// What was asked for was only to be shown.
    #[error("standard output cannot be written")]
    Unshown(#[source] io::Error),
    /// Something was changed or made.
    #[error("it is done, but standard output cannot be written")]
    Unreported(#[source] io::Error),
    /// What had to be read, such as a secret that is shown once: what is so now, and what to do.
    #[error("{0}")]
    Lost(String, #[source] io::Error),
}

impl OutputError {
    /// Whether whoever reads the output has had enough of it, as `head` has, of what need not be read.
    pub fn is_harmless(&self) -> bool {
        match self {
            Self::Unshown(cause) | Self::Unreported(cause) => cause.kind() == io::ErrorKind::BrokenPipe,
            Self::Lost(..) => false,
        }
    }
}

/// Prints a text that ends in a line break.
pub fn show(text: &str) -> Result<(), OutputError> {
    written(text).map_err(OutputError::Unshown)
}

/// Prints a line about what was done.
pub fn report(line: &str) -> Result<(), OutputError> {
    written(&format!("{line}\n")).map_err(OutputError::Unreported)
}

/// Prints what has to be read, such as a secret that was made, or says the other text.
pub fn reveal(text: &str, if_lost: &str) -> Result<(), OutputError> {
    written(text).map_err(|cause| OutputError::Lost(if_lost.to_owned(), cause))
}

fn written(text: &str) -> io::Result<()> {
    let mut to = io::stdout().lock();
    to.write_all(text.as_bytes())?;
    to.flush()
}

/// Standard output, for lines or objects.
pub struct Output {
    is_json: bool,
    /// Whether what is printed tells of something that was done.
    is_report: bool,
    to: BufWriter<StdoutLock<'static>>,
}

impl Output {
    /// Prints JSON or text from now on.
    pub fn new(is_json: bool) -> Self {
        Self { is_json, is_report: false, to: BufWriter::new(io::stdout().lock()) }
    }

    /// Prints one thing: the object, or the text.
    pub fn print(&mut self, object: &impl Serialize, text: &str) -> Result<(), OutputError> {
        let is_report = self.is_report;
        self.write(object, text).map_err(|cause| unwritten(is_report, cause))
    }

    /// Prints what was done.
    pub fn report(&mut self, object: &impl Serialize, text: &str) -> Result<(), OutputError> {
        self.is_report = true;
        self.print(object, text)
    }

    /// Prints and sends what has to be read, such as a secret that was made, or says the other text.
    pub fn reveal(&mut self, object: &impl Serialize, text: &str, if_lost: &str) -> Result<(), OutputError> {
        let sent = self.write(object, text).and_then(|()| self.to.flush());
        sent.map_err(|cause| OutputError::Lost(if_lost.to_owned(), cause))
    }

    fn write(&mut self, object: &impl Serialize, text: &str) -> io::Result<()> {
        if self.is_json {
            serde_json::to_writer(&mut self.to, object)?;
            self.to.write_all(b"\n")
        } else {
            writeln!(self.to, "{text}")
        }
    }

    /// Prints a line for people only, such as the names of columns.
    pub fn heading(&mut self, text: &str) -> Result<(), OutputError> {
        if self.is_json { Ok(()) } else { writeln!(self.to, "{text}").map_err(OutputError::Unshown) }
    }

    /// Sends what is printed.
    pub fn finish(mut self) -> Done {
        Ok(self.to.flush().map_err(|cause| unwritten(self.is_report, cause))?)
    }
}

fn unwritten(is_report: bool, cause: io::Error) -> OutputError {
    if is_report { OutputError::Unreported(cause) } else { OutputError::Unshown(cause) }
}

/// Text of a user for a terminal, to which it says nothing: control characters are shown as what they are.
pub fn shown(text: &str) -> String {
    text.chars().flat_map(|it| if it.is_control() { it.escape_debug().collect() } else { vec![it] }).collect()
}

/// An instant in UTC, to the millisecond.
pub fn instant(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// A number of things: `1 task`, `2 tasks`.
pub fn counted(count: impl TryInto<u64> + Copy + std::fmt::Display, thing: &str) -> String {
    let is_one = count.try_into().is_ok_and(|it: u64| it == 1);
    format!("{count} {thing}{}", if is_one { "" } else { "s" })
}
