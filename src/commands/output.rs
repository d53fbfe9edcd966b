//! What commands of operators print: lines for people, or a JSON object a line for scripts, on standard output alone.

use std::io::{self, BufWriter, StdoutLock, Write};

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;

use super::Done;

/// Standard output.
pub struct Output {
    is_json: bool,
    to: BufWriter<StdoutLock<'static>>,
}

impl Output {
    /// Prints JSON or text from now on.
    pub fn new(is_json: bool) -> Self {
        Self { is_json, to: BufWriter::new(io::stdout().lock()) }
    }

    /// Prints one thing: the object, or the text.
    pub fn print(&mut self, object: &impl Serialize, text: &str) -> io::Result<()> {
        if self.is_json {
            serde_json::to_writer(&mut self.to, object)?;
            self.to.write_all(b"\n")
        } else {
            writeln!(self.to, "{text}")
        }
    }

    /// Prints a line for people only, such as the names of columns.
    pub fn heading(&mut self, text: &str) -> io::Result<()> {
        if self.is_json { Ok(()) } else { writeln!(self.to, "{text}") }
    }

    /// Sends what is printed.
    pub fn finish(mut self) -> Done {
        Ok(self.to.flush()?)
    }
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
