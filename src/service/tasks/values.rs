//! The values that a task is made of. Holding one is the proof that it keeps the rules (contracts: legacy REST, 3).

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, Timelike, Utc};
use entity::time::Micros;

use crate::error::Fault;

/// How many characters a title has at most.
pub const MAX_TITLE: usize = 200;
/// How many characters a description has at most.
pub const MAX_DESCRIPTION: usize = 1000;

/// 1 to 200 characters, without white space around.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Title(String);

/// 0 to 1,000 characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description(String);

/// An instant between the years 1 and 9999, UTC, in whole microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due(Micros);

impl Title {
    /// Trims and checks the text.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        if text.is_empty() {
            return Err(Fault::Empty);
        }
        let text = text.trim();
        match text.chars().count() {
            0 => Err(Fault::Blank),
            _ if text.contains('\0') => Err(Fault::Nul),
            1..=MAX_TITLE => Ok(Self(text.to_owned())),
            _ => Err(Fault::TooLong(MAX_TITLE)),
        }
    }
}

impl Description {
    /// Checks the text.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        if text.contains('\0') {
            return Err(Fault::Nul);
        }
        match text.chars().count() {
            0..=MAX_DESCRIPTION => Ok(Self(text.to_owned())),
            _ => Err(Fault::TooLong(MAX_DESCRIPTION)),
        }
    }
}

impl Due {
    /// Checks the instant.
    pub fn new(instant: DateTime<Utc>) -> Result<Self, Fault> {
        match instant.year() {
            1..=9999 if instant.nanosecond() < 1_000_000_000 => Ok(Self(instant.into())),
            1..=9999 => Err(Fault::Instant("a leap second cannot be stored")),
            _ => Err(Fault::Instant("the year must be from 1 to 9999")),
        }
    }

    /// Reads RFC 3339; without an offset it is UTC, without a time it is midnight.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        let text = text.trim();
        let instant = DateTime::parse_from_rfc3339(text)
            .map(|it| it.to_utc())
            .or_else(|_| offsetless(text).map(|it| it.and_utc()))
            .map_err(|_| Fault::Instant("use the form 2030-01-31T12:00:00Z"))?;
        Self::new(instant)
    }
}

fn offsetless(text: &str) -> chrono::ParseResult<NaiveDateTime> {
    let midnight = |date: NaiveDate| date.and_time(chrono::NaiveTime::MIN);
    ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"]
        .iter()
        .find_map(|form| NaiveDateTime::parse_from_str(text, form).ok())
        .map_or_else(|| NaiveDate::parse_from_str(text, "%Y-%m-%d").map(midnight), Ok)
}

impl From<Title> for String {
    fn from(title: Title) -> Self {
        title.0
    }
}

impl From<Description> for String {
    fn from(description: Description) -> Self {
        description.0
    }
}

impl From<Due> for Micros {
    fn from(due: Due) -> Self {
        due.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_trimmed_then_counted_in_characters() {
        assert_eq!(Title::parse("\u{3000}water the plants \n").map(String::from), Ok("water the plants".into()));
        assert!(Title::parse(&format!(" {} ", "😀".repeat(200))).is_ok());
        assert_eq!(Title::parse(&"é".repeat(201)), Err(Fault::TooLong(200)));
    }

    #[test]
    fn a_title_without_substance_is_refused() {
        assert_eq!(Title::parse(""), Err(Fault::Empty));
        assert_eq!(Title::parse(" \t\u{2003}"), Err(Fault::Blank));
        assert_eq!(Title::parse("a\0b"), Err(Fault::Nul));
    }

    #[test]
    fn due_dates_come_in_four_forms() {
        for (text, expected) in [
            ("2030-01-31T14:00:00+02:00", "2030-01-31T12:00:00Z"),
            ("2030-01-31T12:00:00.1234567", "2030-01-31T12:00:00.123456Z"),
            ("2030-01-31T12:00", "2030-01-31T12:00:00Z"),
            ("2030-01-31", "2030-01-31T00:00:00Z"),
        ] {
            let expected: DateTime<Utc> = expected.parse().unwrap();
            assert_eq!(Due::parse(text).map(|it| it.0.0), Ok(expected), "{text}");
        }
    }

    #[test]
    fn due_dates_that_are_none_are_refused() {
        for text in ["", "tomorrow", "2026-02-30", "0001-01-01T00:00:00+14:00", "10000-01-01", "2026-12-31T23:59:60Z"] {
            assert!(Due::parse(text).is_err(), "{text}");
        }
    }
}
