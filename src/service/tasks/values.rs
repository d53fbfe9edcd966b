//! Values of a task, checked when they are made.
//! See docs/contracts/legacy-rest.md#values.

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, Timelike, Utc};
use chrono_tz::Tz;
use entity::time::Micros;

use crate::{
    error::ValidationError,
    service::values::{stored, trimmed},
};

/// How many characters a title has at most.
pub const MAX_TITLE: usize = 200;
/// How many characters a description has at most, unless an installation allows more.
pub const MAX_DESCRIPTION: usize = 1000;
/// How many it may allow.
pub const LONGEST_DESCRIPTION: usize = 5000;
/// The form of a date, with which an instant begins too.
const DATE: &str = "2030-01-31";
/// What to do when it is no date and no instant.
const DATE_TIME_HINT: &str = "use the form 2030-01-31T12:00:00Z";

/// 1 to 200 characters, without white space around.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Title(String);

/// 0 to 1,000 characters, or as many as the installation allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description(String);

/// When a task is due: a day, or an instant. Neither is ever turned into the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// A calendar date, wherever its owner is that day.
    Date(Date),
    /// An instant, and the time zone in which it was chosen.
    At(Instant, TimeZone),
    /// An instant from a client that knows no dates: what it was shown for a date leaves the date as it is.
    ShownInstant(Instant),
}

/// A calendar date between the years 1 and 9999.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Date(NaiveDate);

/// An instant between the years 1 and 9999, UTC, in whole microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Instant(Micros);

/// A time zone of the IANA database, such as `Europe/Berlin`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TimeZone(Tz);

impl Title {
    /// Trims and checks the text.
    pub fn parse(text: &str) -> Result<Self, ValidationError> {
        trimmed(text, MAX_TITLE).map(Self)
    }

    /// Trims and checks the text of a file, which may be older than the rules.
    pub fn stored(text: &str) -> Result<Self, ValidationError> {
        stored(text, MAX_TITLE).map(Self)
    }
}

impl Description {
    /// Checks the text, which has at most so many characters.
    pub fn parse(text: &str, most: usize) -> Result<Self, ValidationError> {
        if text.contains('\0') {
            return Err(ValidationError::Nul);
        }
        if text.chars().count() > most { Err(ValidationError::TooLong(most)) } else { Ok(Self(text.to_owned())) }
    }

    /// Checks the text of a file, which may come from an installation that allows more.
    pub fn stored(text: &str) -> Result<Self, ValidationError> {
        Self::parse(text, LONGEST_DESCRIPTION)
    }
}

/// The greatest number that counts seconds and not milliseconds.
const MAX_UNIX_SECONDS: f64 = 2e10;

impl Due {
    /// Reads what legacy clients send: RFC 3339, or ISO 8601 without seconds or with an offset like `+0200`; without
    /// an offset it is UTC; without a time it is a date.
    pub fn parse(text: &str) -> Result<Self, ValidationError> {
        let text = text.trim();
        let Some((date, time)) = text.split_at_checked(DATE.len()) else {
            return Err(ValidationError::Instant(DATE_TIME_HINT));
        };
        let date = Date::read(date).ok_or(ValidationError::Instant(DATE_TIME_HINT))?;
        if time.is_empty() {
            return Date::new(date).map(Self::Date);
        }
        instant(text).ok_or(ValidationError::Instant(DATE_TIME_HINT)).and_then(Instant::new).map(Self::ShownInstant)
    }

    /// Reads a number as Pydantic does: seconds since 1970, or milliseconds if that would be after the year 2603.
    pub fn from_unix(number: f64) -> Result<Self, ValidationError> {
        let seconds = if number.abs() > MAX_UNIX_SECONDS { number / 1000.0 } else { number };
        // What is beyond i64 saturates, and is beyond all years.
        let instant = DateTime::from_timestamp_micros((seconds * 1e6).round() as i64);
        instant.ok_or(ValidationError::Instant(DATE_TIME_HINT)).and_then(Instant::new).map(Self::ShownInstant)
    }
}

impl Date {
    /// Reads `YYYY-MM-DD`. chrono would take fewer digits, spaces and signs as well.
    pub fn read(text: &str) -> Option<NaiveDate> {
        let fits = |(byte, form): (u8, u8)| if form == b'-' { byte == form } else { byte.is_ascii_digit() };
        let is_whole = text.len() == DATE.len() && text.bytes().zip(DATE.bytes()).all(fits);
        text.parse().ok().filter(|_| is_whole)
    }

    /// Checks the year.
    pub fn new(date: NaiveDate) -> Result<Self, ValidationError> {
        match date.year() {
            1..=9999 => Ok(Self(date)),
            _ => Err(ValidationError::Instant("the year must be from 1 to 9999")),
        }
    }
}

impl Instant {
    /// Checks the year, and that it is no leap second.
    pub fn new(instant: DateTime<Utc>) -> Result<Self, ValidationError> {
        match instant.year() {
            1..=9999 if instant.nanosecond() < 1_000_000_000 => Ok(Self(instant.into())),
            1..=9999 => Err(ValidationError::Instant("a leap second cannot be stored")),
            _ => Err(ValidationError::Instant("the year must be from 1 to 9999")),
        }
    }
}

impl TimeZone {
    /// Coordinated universal time.
    pub const UTC: Self = Self(Tz::UTC);

    /// Looks the name up.
    pub fn parse(name: &str) -> Result<Self, ValidationError> {
        name.parse().map(Self).map_err(|_| ValidationError::TimeZone)
    }

    /// The IANA name.
    pub fn name(self) -> &'static str {
        self.0.name()
    }

    /// Which day it is there at an instant.
    pub fn day(self, instant: DateTime<Utc>) -> NaiveDate {
        instant.with_timezone(&self.0).date_naive()
    }
}

/// An instant by RFC 3339, or ISO 8601 without seconds, with a space, or with an offset like `+0200` or `+02`; without an
/// offset it is UTC.
pub fn instant(text: &str) -> Option<DateTime<Utc>> {
    const DATE_TIME_FORMATS: [&str; 4] =
        ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d %H:%M"];
    let offsetless = |form: &&str| NaiveDateTime::parse_from_str(text, form).ok().map(|it| it.and_utc());
    let offset = |form: &&str| DateTime::parse_from_str(text, &format!("{form}%#z")).ok().map(|it| it.to_utc());
    let exact = DateTime::parse_from_rfc3339(text).ok().map(|it| it.to_utc());
    exact
        .or_else(|| DATE_TIME_FORMATS.iter().find_map(offsetless))
        .or_else(|| DATE_TIME_FORMATS.iter().find_map(offset))
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

impl From<Date> for NaiveDate {
    fn from(date: Date) -> Self {
        date.0
    }
}

impl From<Instant> for Micros {
    fn from(instant: Instant) -> Self {
        instant.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_trimmed_then_counted_in_characters() {
        assert_eq!(Title::parse("\u{3000}water the plants \n").map(String::from), Ok("water the plants".into()));
        assert!(Title::parse(&format!(" {} ", "😀".repeat(200))).is_ok());
        assert_eq!(Title::parse(&"é".repeat(201)), Err(ValidationError::TooLong(200)));
    }

    #[test]
    fn a_title_without_substance_is_refused() {
        assert_eq!(Title::parse(""), Err(ValidationError::Empty));
        for unseen in [" \t\u{2003}", "\u{200b}", "\u{3164} \u{fe0f}", "\u{301}", "\u{fffc}\n\u{1d159}"] {
            assert_eq!(Title::parse(unseen), Err(ValidationError::Blank), "{unseen:?}");
        }
        assert_eq!(Title::parse("a\0b"), Err(ValidationError::Nul));
    }

    #[test]
    fn legacy_clients_send_instants_in_many_forms_and_dates_in_one() {
        for (text, expected) in [
            ("2030-01-31T14:00:00+02:00", "2030-01-31T12:00:00Z"),
            ("2030-01-31T12:00:00.1234567", "2030-01-31T12:00:00.123456Z"),
            ("2030-01-31T12:00", "2030-01-31T12:00:00Z"),
            ("2030-01-31T12:00Z", "2030-01-31T12:00:00Z"),
            ("2030-01-31T14:00:00+0200", "2030-01-31T12:00:00Z"),
            ("2030-01-31 10:30:00.5-01:30", "2030-01-31T12:00:00.5Z"),
        ] {
            let expected = Instant::new(expected.parse().unwrap()).unwrap();
            assert_eq!(Due::parse(text), Ok(Due::ShownInstant(expected)), "{text}");
        }
        let day = NaiveDate::from_ymd_opt(2030, 1, 31).unwrap();
        assert_eq!(Due::parse("2030-01-31"), Ok(Due::Date(Date(day))));
    }

    #[test]
    fn a_number_counts_seconds_or_milliseconds() {
        for (number, expected) in [
            (0.0, "1970-01-01T00:00:00Z"),
            (-1.5, "1969-12-31T23:59:58.5Z"),
            (1_893_456_000.25, "2030-01-01T00:00:00.25Z"),
            (1_893_456_000_250.0, "2030-01-01T00:00:00.25Z"),
        ] {
            let expected = Instant::new(expected.parse().unwrap()).unwrap();
            assert_eq!(Due::from_unix(number), Ok(Due::ShownInstant(expected)), "{number}");
        }
        for number in [1e30, -1e30, f64::MAX, 1e15] {
            assert!(Due::from_unix(number).is_err(), "{number}");
        }
    }

    #[test]
    fn a_day_is_the_day_of_its_zone() {
        let noon: DateTime<Utc> = "2030-01-31T12:00:00Z".parse().unwrap();
        let day = |zone: &str| TimeZone::parse(zone).unwrap().day(noon).day();
        assert_eq!((day("Etc/GMT+12"), day("UTC"), day("Pacific/Kiritimati")), (31, 31, 1));
        assert_eq!(TimeZone::parse("Mars/Olympus"), Err(ValidationError::TimeZone));
        assert_eq!(TimeZone::parse("+02:00"), Err(ValidationError::TimeZone));
    }

    #[test]
    fn due_dates_that_are_none_are_refused() {
        for text in ["", "tomorrow", "2026-02-30", "0001-01-01T00:00:00+14:00", "10000-01-01", "2026-12-31T23:59:60Z"] {
            assert!(Due::parse(text).is_err(), "{text}");
        }
        for text in ["2026-1-2", "2026-1-2T12:00:00Z", "2026-01-02T", "2026-01-02Z", "ééééé", "2026- 1-2", "+2026-1-2"]
        {
            assert_eq!(Due::parse(text), Err(ValidationError::Instant(DATE_TIME_HINT)), "{text}");
        }
    }
}
