//! Tables of comma-separated values (RFC 4180). They are read here, because a fault is to be told with its line, and a row
//! that has no end must not take all memory.

use serde_json::Value;
use uuid::Uuid;

use super::{
    ReadFile,
    tasks::{Fault, FileTask, FileTasks},
};
use crate::{
    error::ValidationError,
    rest::{adopted::read_instant, pydantic::PydanticError},
    service::labels::MAX_LABELS,
};

/// How many cells a row has at most.
const MAX_CELLS: usize = 64;
/// How many bytes a cell has at most: more than the longest description.
const MAX_CELL: usize = 64 << 10;
const LONG_CELL: &str = "must have cells of at most 65536 bytes";
/// How many bytes the names of a task's labels have at most.
const MAX_NAMES: usize = 32 << 10;
/// What a column may be called, in small letters with `_` for what is between words, and what it is.
const COLUMNS: [(&str, &str); 15] = [
    ("id", "id"),
    ("title", "title"),
    ("description", "description"),
    ("completed", "completed"),
    ("status", "status"),
    ("completed_at", "completed_at"),
    ("priority", "priority"),
    ("due", "due_date"),
    ("due_date", "due_date"),
    ("due_time_zone", "due_time_zone"),
    ("list", "list"),
    ("labels", "tags"),
    ("tags", "tags"),
    ("parent_id", "parent_id"),
    ("created_at", "created_at"),
];

/// A row and the line in which it begins.
#[derive(Debug)]
struct Row {
    line: u64,
    cells: Vec<String>,
}

/// The rows of a table.
struct Rows<'a> {
    rest: &'a str,
    line: u64,
}

/// A column: what it is, and what it is called in the file.
struct Column {
    field: &'static str,
    name: String,
}

/// Reads a table whose first row names the columns.
pub(super) fn read(bytes: &[u8], mut tasks: FileTasks<'_>) -> Result<ReadFile, Vec<PydanticError>> {
    let text = std::str::from_utf8(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes));
    let text = text.map_err(|cause| vec![not_utf8(&bytes[..cause.valid_up_to()]).into()])?;
    let mut rows = Rows { rest: text, line: 1 };
    let first = rows.next().transpose().map_err(|fault| vec![fault.into()])?;
    let columns = columns(first.unwrap_or(Row { line: 1, cells: Vec::new() }))?;
    for row in rows {
        match row {
            Ok(row) if row.cells.len() == columns.len() => add(row, &columns, &mut tasks),
            Ok(row) => {
                let rule = ValidationError::Rule("must have as many cells as the first row");
                tasks.refuse(fault(row.line, rule));
            }
            Err(fault) => tasks.refuse(fault),
        }
        if tasks.is_full() {
            break;
        }
    }
    tasks.finish(None)
}

/// What is wrong with a line.
fn fault(line: u64, rule: ValidationError) -> Fault {
    Fault { line, name: String::new(), rule }
}

/// A text that ends where it is not UTF-8.
fn not_utf8(before: &[u8]) -> Fault {
    let line = 1 + before.iter().filter(|it| **it == b'\n').count() as u64;
    fault(line, ValidationError::Rule("must be UTF-8"))
}

/// The columns that the first row names.
fn columns(row: Row) -> Result<Vec<Column>, Vec<PydanticError>> {
    let mut columns: Vec<Column> = Vec::new();
    let mut problems = Vec::new();
    let line = row.line;
    if let [name] = row.cells.as_slice()
        && name.contains([';', '\t'])
    {
        return Err(vec![
            fault(line, ValidationError::Rule("must have commas between the names of the columns")).into(),
        ]);
    }
    for name in row.cells {
        let plain = name.trim().to_lowercase().replace([' ', '-'], "_");
        let field = COLUMNS.iter().find(|(it, _)| *it == plain).map(|(_, field)| *field);
        let place = |_: &str| (line, name.clone());
        match field {
            None => problems.push(PydanticError::unknown(&["body", "column"]).at_line(place)),
            Some(field) if columns.iter().any(|it| it.field == field) => {
                let rule = ValidationError::Rule("must be given once");
                problems.push(PydanticError::breaks(&["body", "column"], rule).at_line(place));
            }
            Some(field) => columns.push(Column { field, name }),
        }
    }
    if !columns.iter().any(|it| it.field == "title") {
        problems.push(PydanticError::missing(&["body", "title"]).at_line(|name| (line, name.to_owned())));
    }
    if problems.is_empty() { Ok(columns) } else { Err(problems) }
}

/// Adds the task of a row. An empty cell says nothing, but for the title.
fn add(row: Row, columns: &[Column], tasks: &mut FileTasks<'_>) {
    let mut problems = Vec::new();
    let mut task = FileTask { line: row.line, ..FileTask::default() };
    let given = columns.iter().zip(row.cells).filter(|(column, cell)| column.field == "title" || !cell.is_empty());
    let given: Vec<(&str, String)> = given.map(|(column, cell)| (column.field, cell)).collect();
    // The same for the same row, whatever the order of its columns is.
    let mut all: Vec<&(&str, String)> = given.iter().collect();
    all.sort_unstable();
    task.text = all.iter().map(|(field, cell)| format!("{field}\0{cell}\0")).collect();
    for (field, cell) in given {
        let loc = ["body", field];
        let mut time = || {
            let time = read_instant(&Value::from(cell.as_str()));
            if time.is_none() {
                problems.push(PydanticError::not_a_datetime(&loc).of(&Value::from(cell.as_str())));
            }
            time
        };
        match field {
            "completed_at" => task.completed_at = time(),
            "created_at" => task.created_at = time(),
            "list" => task.list = Some(cell),
            "due_time_zone" => task.due_time_zone = Some(cell),
            "tags" => match label_names(&cell) {
                Ok(names) => drop(task.body.insert(field.to_owned(), Value::from(names))),
                Err(rule) => problems.push(PydanticError::breaks(&loc, rule)),
            },
            "id" | "parent_id" => match cell.trim().parse::<Uuid>() {
                Ok(id) if field == "id" => task.id = Some(entity::id::TaskId(id)),
                Ok(id) => task.parent = Some(entity::id::TaskId(id)),
                Err(_) => problems.push(PydanticError::breaks(&loc, ValidationError::Uuid).of(&Value::from(cell))),
            },
            "title" | "description" => drop(task.body.insert(field.to_owned(), Value::from(cell))),
            // Words and dates, around which nobody means the white space.
            field => drop(task.body.insert(field.to_owned(), Value::from(cell.trim()))),
        }
    }
    let name =
        |field: &str| columns.iter().find(|it| it.field == field).map_or(field, |it| it.name.as_str()).to_owned();
    tasks.add(task, problems, |field| (row.line, name(field)));
}

/// Names with commas or semicolons between, or a list of them in JSON.
fn label_names(cell: &str) -> Result<Vec<String>, ValidationError> {
    if cell.len() > MAX_NAMES {
        return Err(ValidationError::TooLong(MAX_NAMES));
    }
    if let Ok(names) = serde_json::from_str(cell) {
        return Ok(names);
    }
    let names = cell.split([',', ';']).map(str::trim).filter(|it| !it.is_empty());
    Ok(names.map(str::to_owned).take(MAX_LABELS + 1).collect())
}

impl Iterator for Rows<'_> {
    type Item = Result<Row, Fault>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.take_line_break() {}
        if self.rest.is_empty() {
            return None;
        }
        let mut row = Row { line: self.line, cells: Vec::new() };
        loop {
            match self.cell() {
                Ok(cell) if row.cells.len() < MAX_CELLS => row.cells.push(cell),
                Ok(_) => return Some(Err(self.give_up(row.line, "must have at most 64 cells"))),
                Err(rule) => return Some(Err(self.give_up(row.line, rule))),
            }
            if let Some(rest) = self.rest.strip_prefix(',') {
                self.rest = rest;
            } else if self.rest.is_empty() || self.take_line_break() {
                return Some(Ok(row));
            } else {
                return Some(Err(self.give_up(row.line, "has text behind a quote that ends a cell")));
            }
        }
    }
}

impl Rows<'_> {
    /// What is behind a fault cannot be told apart.
    fn give_up(&mut self, line: u64, rule: &'static str) -> Fault {
        self.rest = "";
        fault(line, ValidationError::Rule(rule))
    }

    fn take_line_break(&mut self) -> bool {
        let rest = ["\r\n", "\n", "\r"].iter().find_map(|it| self.rest.strip_prefix(it));
        self.line += u64::from(rest.is_some());
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn cell(&mut self) -> Result<String, &'static str> {
        let Some(mut rest) = self.rest.strip_prefix('"') else {
            let end = self.rest.find([',', '\r', '\n']).unwrap_or(self.rest.len());
            let (cell, rest) = self.rest.split_at(end);
            self.rest = rest;
            return if cell.len() > MAX_CELL { Err(LONG_CELL) } else { Ok(cell.to_owned()) };
        };
        let mut cell = String::new();
        loop {
            let (text, behind) = rest.split_once('"').ok_or("has a quote that is not closed")?;
            if cell.len() + text.len() > MAX_CELL {
                return Err(LONG_CELL);
            }
            cell.push_str(text);
            // Two quotes are one.
            let Some(more) = behind.strip_prefix('"') else {
                self.rest = behind;
                self.line += cell.matches('\n').count() as u64;
                return Ok(cell);
            };
            cell.push('"');
            rest = more;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str) -> Vec<Result<(u64, Vec<String>), String>> {
        let rows = Rows { rest: text, line: 1 };
        rows.map(|it| it.map(|it| (it.line, it.cells)).map_err(|it| PydanticError::from(it).placed_sentence()))
            .collect()
    }

    #[test]
    fn rows_are_read_as_the_standard_has_them_with_their_lines() {
        let row = |line: u64, cells: &[&str]| Ok((line, cells.iter().map(|it| (*it).to_owned()).collect()));
        for text in ["a,b\r\n\r\n\"c\"\"\",\n\"d,\n\ne\",5\" nail", "a,b\n\n\"c\"\"\",\n\"d,\n\ne\",5\" nail\n"] {
            let expected = [row(1, &["a", "b"]), row(3, &["c\"", ""]), row(4, &["d,\n\ne", "5\" nail"])];
            assert_eq!(rows(text), expected, "{text:?}");
        }
        assert_eq!(rows(""), []);
    }

    #[test]
    fn what_is_no_table_is_refused_with_its_line() {
        for (text, said) in [
            ("a\n\"b\nc\nd", "lines.2: Value error, Value has a quote that is not closed"),
            ("a\n\"b\"c", "lines.2: Value error, Value has text behind a quote that ends a cell"),
            ("a\n\"b\"\n\"\"\"c", "lines.3: Value error, Value has a quote that is not closed"),
            (&"x".repeat(65_537), "lines.1: Value error, Value must have cells of at most 65536 bytes"),
            (
                &format!("\"{}\"", "\"\"x\n".repeat(30_000)),
                "lines.1: Value error, Value must have cells of at most 65536 bytes",
            ),
            (&",".repeat(64), "lines.1: Value error, Value must have at most 64 cells"),
        ] {
            assert_eq!(rows(text).pop().unwrap(), Err(said.to_owned()), "{text:?}");
        }
    }
}
