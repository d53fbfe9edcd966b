//! Reading the entries of a file, each checked before the next one is read. A value that is not of its type is a problem
//! with a place, as one that breaks a rule is.

use std::fmt;

use serde::de::{DeserializeOwned, SeqAccess, Visitor};
use serde_json::value::RawValue;
use serde_path_to_error::Segment;

use crate::{
    error::{FileProblem, ValidationError},
    service::import::MAX_PROBLEMS,
};

/// How many characters of a name that is not known are shown.
const MAX_NAME: usize = 64;

/// The entries of one kind that passed their checks, and the problems of the others.
#[derive(Debug)]
pub(super) struct Entries<T> {
    good: Vec<T>,
    count: usize,
    problems: Vec<FileProblem>,
}

/// Reads the entries of one kind.
pub(super) struct EntriesVisitor<T, U> {
    /// The name of the kind in the file.
    pub(super) name: &'static str,
    /// How many one import brings at most; those beyond are checked, not stored.
    pub(super) max: usize,
    pub(super) check: fn(usize, T) -> Result<U, EntryProblem>,
}

/// A field of an entry, and what is wrong with it.
pub(super) type EntryProblem = (&'static str, ValidationError);

impl<T> Default for Entries<T> {
    fn default() -> Self {
        Self { good: Vec::new(), count: 0, problems: Vec::new() }
    }
}

impl<T> Entries<T> {
    pub(super) fn into_good(self, name: &str, max: usize, problems: &mut Vec<FileProblem>) -> Vec<T> {
        if self.count > max {
            problems.push(FileProblem { path: name.to_owned(), rule: ValidationError::TooMany(max) });
        }
        problems.extend(self.problems);
        self.good
    }
}

impl<'de, T: DeserializeOwned, U> Visitor<'de> for EntriesVisitor<T, U> {
    type Value = Entries<U>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Entries<U>, A::Error> {
        let mut entries = Entries::default();
        // Its text first, so that the next entry can be read whatever is wrong with this one.
        while let Some(text) = seq.next_element::<&RawValue>()? {
            let place = entries.count;
            entries.count += 1;
            // The answer has no room for more.
            if entries.problems.len() == MAX_PROBLEMS {
                continue;
            }
            let of_field = |(field, rule): EntryProblem| FileProblem { path: field.to_owned(), rule };
            match read(text).and_then(|entry| (self.check)(place, entry).map_err(of_field)) {
                Ok(entry) if place < self.max => entries.good.push(entry),
                Err(FileProblem { path, rule }) => {
                    let path = format!("{}.{place}.{path}", self.name);
                    entries.problems.push(FileProblem { path: path.trim_end_matches('.').to_owned(), rule });
                }
                Ok(_) => {}
            }
        }
        Ok(entries)
    }
}

/// Reads one entry.
fn read<T: DeserializeOwned>(text: &RawValue) -> Result<T, FileProblem> {
    // A list would pass for an object whose fields are in their order.
    if !text.get().starts_with('{') {
        return Err(FileProblem { path: String::new(), rule: ValidationError::Rule("must be an object") });
    }
    let mut json = serde_json::Deserializer::from_str(text.get());
    serde_path_to_error::deserialize(&mut json).map_err(|error| type_problem(&error))
}

/// Where a value is that is not of its type, and of which type it must be.
pub(super) fn type_problem(error: &serde_path_to_error::Error<serde_json::Error>) -> FileProblem {
    let cause = error.inner().to_string();
    // Of these the place is that of the object around the field.
    for (start, rule) in [
        ("missing field `", ValidationError::Missing),
        ("duplicate field `", ValidationError::Rule("must be given once")),
    ] {
        if let Some(field) = cause.strip_prefix(start).and_then(|it| it.split('`').next()) {
            return FileProblem { path: field.to_owned(), rule };
        }
    }
    let step = |segment: &Segment| match segment {
        Segment::Seq { index } => Some(index.to_string()),
        Segment::Map { key } => Some(key.chars().take(MAX_NAME).collect()),
        Segment::Enum { .. } | Segment::Unknown => None,
    };
    let steps: Vec<String> = error.path().iter().filter_map(step).collect();
    let rule = match steps.first() {
        Some(field) if !cause.starts_with("unknown field") => wanted(field, steps.len()),
        _ => ValidationError::Unknown,
    };
    FileProblem { path: steps.join("."), rule }
}

/// What the value of a field must be; a second step leads into a list.
fn wanted(field: &str, steps: usize) -> ValidationError {
    ValidationError::Rule(match field {
        "lists" | "labels" | "tasks" => "must be a list",
        "label_ids" if steps == 1 => "must be a list",
        "id" | "list_id" | "parent_id" | "label_ids" => return ValidationError::Uuid,
        "docket" => "must be a number",
        "extra" => "must be an object",
        "completed" | "archived" => "must be true or false",
        "priority" => "must be low, medium, high or urgent",
        "due_date" => "must be a date such as 2030-01-31",
        "due_at" | "created_at" | "completed_at" => "must be a date and time such as 2030-01-31T12:00:00Z",
        _ => "must be a string",
    })
}
