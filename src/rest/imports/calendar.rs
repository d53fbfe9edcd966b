//! The to-dos of iCalendar files (RFC 5545), as this server and other programs write them. Events and other entries are
//! counted, and what tasks do not have is left out: alarms, attachments, recurrences.

mod lines;
mod todo;

use self::{
    lines::{ContentLines, MAX_VALUE, Property},
    todo::Todo,
};
use super::{
    ReadFile,
    tasks::{Fault, FileTasks},
};
use crate::{error::ValidationError, rest::pydantic::PydanticError, service::tasks::TimeZone};

/// How deep entries are in each other at most.
const MAX_DEPTH: usize = 8;

/// What a calendar says of all its to-dos.
#[derive(Debug, Default)]
struct Calendar {
    /// What it is called, which is the list of to-dos that name none.
    name: Option<String>,
    /// In which zone times are that name none; UTC by default.
    time_zone: Option<TimeZone>,
}

/// Where the reader is.
#[derive(Default)]
struct Reader {
    /// The entries that are open, the outermost first, each with its line.
    open: Vec<(u64, String)>,
    calendar: Calendar,
    todo: Option<Todo>,
    has_calendar: bool,
    ignored: usize,
}

/// Reads a file of one or more calendars.
pub(super) fn read(bytes: &[u8], mut tasks: FileTasks<'_>) -> Result<ReadFile, Vec<PydanticError>> {
    let mut reader = Reader::default();
    let mut last = 1;
    for property in ContentLines::new(bytes) {
        // Behind a line that is none the entries cannot be told apart.
        let property = property.map_err(|fault| vec![fault.into()])?;
        last = property.line;
        reader.take(property, &mut tasks).map_err(|fault| vec![fault.into()])?;
        if tasks.is_full() {
            return tasks.finish(None);
        }
    }
    if let Some((line, name)) = reader.open.pop() {
        let rule = ValidationError::Rule("has no END: the file was cut off");
        return Err(vec![at(line, &format!("BEGIN:{name}"), rule).into()]);
    }
    if !reader.has_calendar {
        return Err(vec![at(last, "BEGIN", ValidationError::Rule("must be there: BEGIN:VCALENDAR")).into()]);
    }
    tasks.flatten();
    tasks.finish(Some(reader.ignored))
}

/// What is wrong with a property in a line.
fn at(line: u64, name: &str, rule: ValidationError) -> Fault {
    Fault { line, name: name.to_owned(), rule }
}

impl Reader {
    fn take(&mut self, property: Property, tasks: &mut FileTasks<'_>) -> Result<(), Fault> {
        match property.name.as_str() {
            "BEGIN" => self.begin(&property),
            "END" => self.end(&property, tasks),
            name => {
                match (&mut self.todo, self.open.as_slice()) {
                    (_, []) => {
                        let rule = ValidationError::Rule("must be inside of BEGIN:VCALENDAR");
                        return Err(at(property.line, name, rule));
                    }
                    (Some(_), [_, _]) if property.is_cut && Todo::reads(name) => {
                        return Err(at(property.line, name, ValidationError::TooLong(MAX_VALUE)));
                    }
                    (Some(todo), [_, _]) => todo.take(property),
                    (None, [_]) => self.calendar.take(&property),
                    _ => {}
                }
                Ok(())
            }
        }
    }

    fn begin(&mut self, property: &Property) -> Result<(), Fault> {
        let name = property.value.to_ascii_uppercase();
        match (self.open.len(), name.as_str()) {
            (0, "VCALENDAR") => (self.calendar, self.has_calendar) = (Calendar::default(), true),
            (0, _) => return Err(at(property.line, "BEGIN", ValidationError::Rule("must be BEGIN:VCALENDAR"))),
            (1, "VTODO") => self.todo = Some(Todo::at(property.line)),
            // A time zone is no entry: others refer to it.
            (1, "VTIMEZONE") => {}
            (1, _) => self.ignored += 1,
            (MAX_DEPTH.., _) => return Err(at(property.line, "BEGIN", ValidationError::Rule("is too deep"))),
            _ => {}
        }
        self.open.push((property.line, name));
        Ok(())
    }

    fn end(&mut self, property: &Property, tasks: &mut FileTasks<'_>) -> Result<(), Fault> {
        let name = property.value.to_ascii_uppercase();
        match self.open.pop() {
            Some((_, open)) if open == name => {}
            _ => return Err(at(property.line, "END", ValidationError::Rule("must end what began last"))),
        }
        if let Some(todo) = self.todo.take_if(|_| self.open.len() == 1) {
            todo.add(&self.calendar, tasks);
        }
        Ok(())
    }
}

impl Calendar {
    fn take(&mut self, property: &Property) {
        match property.name.as_str() {
            "X-WR-CALNAME" => self.name = Some(property.text()).filter(|it| !it.trim().is_empty()),
            "X-WR-TIMEZONE" => self.time_zone = lines::time_zone(&property.value),
            _ => {}
        }
    }
}
