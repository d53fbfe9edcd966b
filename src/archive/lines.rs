//! The lines of an export, in a file: making it, writing and reading them.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, BufWriter, Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use super::{ArchiveError, Line};

/// How many bytes a line has at most. The longest is of a task, whose description and unknown fields are bounded.
const MAX_LINE: u64 = 1 << 20;

/// A new file for an export, which nobody else may read: it holds passwords and sessions.
pub(super) fn create(path: &Path) -> Result<File, ArchiveError> {
    match File::options().create_new(true).write(true).mode(0o600).open(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(ArchiveError::Taken(path.to_owned())),
        opened => opened.map_err(|cause| ArchiveError::Io(path.to_owned(), cause)),
    }
}

/// A file that lines are written to.
pub(super) struct LineWriter {
    path: PathBuf,
    to: BufWriter<File>,
}

impl LineWriter {
    pub(super) fn create(path: &Path) -> Result<Self, ArchiveError> {
        Ok(Self { path: path.to_owned(), to: BufWriter::new(create(path)?) })
    }

    pub(super) fn write(&mut self, line: &Line) -> Result<(), ArchiveError> {
        let written = serde_json::to_writer(&mut self.to, line).map_err(io::Error::from);
        let written = written.and_then(|()| self.to.write_all(b"\n"));
        self.named(written)
    }

    /// Sends what is written.
    pub(super) fn flush(&mut self) -> Result<(), ArchiveError> {
        let flushed = self.to.flush();
        self.named(flushed)
    }

    fn named(&self, done: io::Result<()>) -> Result<(), ArchiveError> {
        done.map_err(|cause| ArchiveError::Io(self.path.clone(), cause))
    }
}

/// A file that lines are read from.
pub(super) struct LineReader {
    path: PathBuf,
    from: BufReader<File>,
    number: u64,
}

impl LineReader {
    pub(super) fn open(path: &Path) -> Result<Self, ArchiveError> {
        let file = File::open(path).map_err(|cause| ArchiveError::Io(path.to_owned(), cause))?;
        Ok(Self { path: path.to_owned(), from: BufReader::new(file), number: 0 })
    }

    /// The next line, if there is one.
    pub(super) fn next(&mut self) -> Result<Option<Line>, ArchiveError> {
        let mut text = String::new();
        self.number += 1;
        let read = self.from.by_ref().take(MAX_LINE).read_line(&mut text);
        match read.map_err(|cause| ArchiveError::Io(self.path.clone(), cause))? {
            0 => Ok(None),
            _ if !text.ends_with('\n') => Err(self.wrong("the line is cut off, or too long")),
            // serde names what it wanted, and no value.
            _ => serde_json::from_str(&text).map(Some).map_err(|cause| {
                self.wrong(&format!("not a line of an export ({:?} at column {})", cause.classify(), cause.column()))
            }),
        }
    }

    /// What is wrong with the line that was read last.
    pub(super) fn wrong(&self, reason: &str) -> ArchiveError {
        ArchiveError::Line { line: self.number, reason: reason.to_owned() }
    }
}
