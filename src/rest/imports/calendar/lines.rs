//! Content lines: properties with their parameters and values (RFC 5545, section 3.1).

use std::{iter::Peekable, slice};

use chrono::{DateTime, NaiveDate, NaiveDateTime, TimeDelta, TimeZone as _, Utc};
use chrono_tz::Tz;

use super::at;
use crate::{error::ValidationError, rest::imports::tasks::Fault, service::tasks::TimeZone};

/// How many bytes of a value are kept: more than those of the longest description.
pub(super) const MAX_VALUE: usize = 64 << 10;

/// A property.
#[derive(Debug, Default)]
pub(super) struct Property {
    /// The line in which it begins, from 1.
    pub(super) line: u64,
    /// Its name, in capitals.
    pub(super) name: String,
    /// The names of its parameters in capitals, and their values.
    parameters: Vec<(String, String)>,
    /// Its value, or the beginning of one that is longer than any that is read.
    pub(super) value: String,
    /// Whether there is more of it.
    pub(super) is_cut: bool,
}

/// When something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum When {
    Date(NaiveDate),
    /// An instant, and the zone in which it was said, if that is not UTC.
    At(DateTime<Utc>, Option<TimeZone>),
}

/// The lines of a file, as they are.
type Split<'a> = slice::Split<'a, u8, fn(&u8) -> bool>;

/// The properties of a file.
pub(super) struct ContentLines<'a> {
    lines: Peekable<Split<'a>>,
    line: u64,
}

impl<'a> ContentLines<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let is_break: fn(&u8) -> bool = |it| *it == b'\n';
        Self { lines: bytes.split(is_break).peekable(), line: 0 }
    }

    /// The next line with those that go on with it: bytes first, for some programs fold in the middle of a character.
    fn next_line(&mut self) -> Option<(u64, Vec<u8>)> {
        loop {
            let mut line = without_end(self.lines.next()?).to_vec();
            self.line += 1;
            let first = self.line;
            while let Some(more) = self.lines.next_if(|it| it.starts_with(b" ") || it.starts_with(b"\t")) {
                self.line += 1;
                line.extend_from_slice(&without_end(more)[1..]);
            }
            if !line.is_empty() {
                return Some((first, line));
            }
        }
    }
}

fn without_end(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

impl Iterator for ContentLines<'_> {
    type Item = Result<Property, Fault>;

    fn next(&mut self) -> Option<Self::Item> {
        let (line, bytes) = self.next_line()?;
        let Ok(text) = String::from_utf8(bytes) else {
            return Some(Err(at(line, "", ValidationError::Rule("must be UTF-8"))));
        };
        let no_property = || at(line, "", ValidationError::Rule("must be a property such as SUMMARY:Water the plants"));
        Some(Property::parse(&text).map(|it| Property { line, ..it }).ok_or_else(no_property))
    }
}

impl Property {
    fn parse(text: &str) -> Option<Self> {
        let is_name = |it: &str| !it.is_empty() && it.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'-');
        let (name, mut rest) = text.split_at(text.find([';', ':'])?);
        let mut parameters = Vec::new();
        while let Some(parameter) = rest.strip_prefix(';') {
            let (name, value) = parameter.split_once('=')?;
            let end = end_of_value(value)?;
            let (value, behind) = value.split_at(end);
            parameters.push((name.to_ascii_uppercase(), value.trim_matches('"').to_owned()));
            rest = behind;
        }
        let value = rest.strip_prefix(':')?;
        let is_cut = value.len() > MAX_VALUE;
        let value = value[..value.floor_char_boundary(MAX_VALUE)].to_owned();
        is_name(name).then(|| Self { line: 0, name: name.to_ascii_uppercase(), parameters, value, is_cut })
    }

    /// A parameter.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(it, _)| it == name).map(|(_, value)| value.as_str())
    }

    /// The value as a text.
    pub(super) fn text(&self) -> String {
        unescape(&self.value)
    }

    /// The texts that the value is, with commas between.
    pub(super) fn texts(&self) -> impl Iterator<Item = String> {
        let mut is_escaped = false;
        let separates = move |it: char| {
            let separates = it == ',' && !is_escaped;
            is_escaped = it == '\\' && !is_escaped;
            separates
        };
        self.value.split(separates).map(unescape)
    }

    /// The value as a date or a time; one without a zone is in that one.
    pub(super) fn when(&self, zone: Option<TimeZone>) -> Result<When, ValidationError> {
        const HINT: ValidationError = ValidationError::Instant("use the form 20300131 or 20300131T120000Z");
        let value = self.value.trim();
        let (local, is_utc) = value.strip_suffix('Z').map_or((value, false), |it| (it, true));
        let has_digits = |text: &str, count| text.len() == count && text.bytes().all(|it| it.is_ascii_digit());
        let Some((date, time)) = local.split_once('T') else {
            let date = NaiveDate::parse_from_str(value, "%Y%m%d").ok().filter(|_| has_digits(value, 8));
            return date.map(When::Date).ok_or(HINT);
        };
        if !has_digits(date, 8) || !has_digits(time, 6) {
            return Err(HINT);
        }
        let local = NaiveDateTime::parse_from_str(local, "%Y%m%dT%H%M%S").map_err(|_| HINT)?;
        let zone = match self.parameter("TZID") {
            Some(name) if !is_utc => Some(time_zone(name).ok_or(ValidationError::TimeZone)?),
            _ => zone.filter(|_| !is_utc),
        };
        match zone.and_then(|zone| Some((zone, zone.name().parse::<Tz>().ok()?))) {
            Some((zone, tz)) => {
                let shown = zone != TimeZone::UTC;
                let instant = instant(local, tz).ok_or(HINT)?;
                Ok(When::At(instant, Some(zone).filter(|_| shown)))
            }
            None => Ok(When::At(local.and_utc(), None)),
        }
    }
}

/// The instant at which clocks show that: the first one of two, and where they leave it out, as much later as they jump.
fn instant(local: NaiveDateTime, zone: Tz) -> Option<DateTime<Utc>> {
    let first = zone.from_local_datetime(&local).earliest();
    let later = || zone.from_local_datetime(&(local + TimeDelta::hours(1))).earliest();
    first.or_else(later).map(|it| it.to_utc())
}

/// A time zone, which some programs put behind a prefix of their own.
pub(super) fn time_zone(name: &str) -> Option<TimeZone> {
    let mut name = name.trim();
    loop {
        if let Ok(zone) = TimeZone::parse(name) {
            return Some(zone);
        }
        name = name.split_once('/')?.1;
    }
}

/// Where the value of a parameter ends: at a `;` or `:` that is not in quotes.
fn end_of_value(value: &str) -> Option<usize> {
    let mut is_quoted = false;
    value.find(|it: char| {
        is_quoted ^= it == '"';
        !is_quoted && matches!(it, ';' | ':')
    })
}

/// The text that was escaped (section 3.3.11).
fn unescape(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    let mut characters = value.chars();
    while let Some(character) = characters.next() {
        match (character, character == '\\') {
            (_, false) => text.push(character),
            (_, true) => match characters.next() {
                Some('n' | 'N') => text.push('\n'),
                Some(other @ ('\\' | ';' | ',' | ':' | '"')) => text.push(other),
                // Not what the standard has: then it means itself.
                Some(other) => text.extend(['\\', other]),
                None => text.push('\\'),
            },
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn property(text: &str) -> Property {
        Property::parse(text).unwrap()
    }

    #[test]
    fn times_are_read_in_all_forms() {
        let berlin = TimeZone::parse("Europe/Berlin").unwrap();
        let at = |text: &str, zone| When::At(text.parse().unwrap(), zone);
        for (text, expected) in [
            ("DUE;VALUE=DATE:20300131", When::Date("2030-01-31".parse().unwrap())),
            ("DUE:20300131", When::Date("2030-01-31".parse().unwrap())),
            ("DUE:20300131T120000Z", at("2030-01-31T12:00:00Z", None)),
            ("DUE;TZID=Europe/Berlin:20300131T130000", at("2030-01-31T12:00:00Z", Some(berlin))),
            ("DUE;VALUE=DATE-TIME;TZID=\"Europe/Berlin\":20300131T130000", at("2030-01-31T12:00:00Z", Some(berlin))),
            (
                "DUE;TZID=/mozilla.org/20050126_1/Europe/Berlin:20300731T140000",
                at("2030-07-31T12:00:00Z", Some(berlin)),
            ),
            ("DUE;TZID=UTC:20300131T120000", at("2030-01-31T12:00:00Z", None)),
            ("DUE;TZID=Europe/Berlin:20300331T023000", at("2030-03-31T01:30:00Z", Some(berlin))),
            ("DUE;TZID=Europe/Berlin:20301027T023000", at("2030-10-27T00:30:00Z", Some(berlin))),
            ("DUE:20300131T120000", at("2030-01-31T12:00:00Z", None)),
        ] {
            assert_eq!(property(text).when(None), Ok(expected), "{text}");
        }
        assert_eq!(property("DUE:20300131T130000").when(Some(berlin)), Ok(at("2030-01-31T12:00:00Z", Some(berlin))));
        assert_eq!(property("DUE;TZID=Mars:20300131T130000").when(None), Err(ValidationError::TimeZone));
        for text in ["DUE:", "DUE:2030-01-31", "DUE:20300230", "DUE:20300131T1200Z", "DUE:20300131T250000Z", "DUE:T"] {
            assert!(matches!(property(text).when(None), Err(ValidationError::Instant(_))), "{text}");
        }
    }

    #[test]
    fn texts_are_unescaped_and_lists_split_at_commas_that_are_not_escaped() {
        assert_eq!(property("SUMMARY:a\\, b\\; \\\\n\\nc\\d").text(), "a, b; \\n\nc\\d");
        let texts: Vec<String> = property("CATEGORIES:a\\,b,c\\\\,d").texts().collect();
        assert_eq!(texts, ["a,b", "c\\", "d"]);
    }

    #[test]
    fn lines_are_unfolded_by_bytes_and_keep_their_number() {
        let bytes = "A:x\r\n\r\nB;P=\"q:;\":\u{e9}y\r\n".as_bytes();
        let at_letter = bytes.iter().position(|it| *it == 0xc3).unwrap() + 1;
        let folded = [&bytes[..at_letter], b"\r\n ", &bytes[at_letter..], b"C:d"].concat();
        let lines: Vec<Property> = ContentLines::new(&folded).map(Result::unwrap).collect();
        let shown: Vec<_> = lines.iter().map(|it| (it.line, it.name.as_str(), it.value.as_str())).collect();
        assert_eq!(shown, [(1, "A", "x"), (3, "B", "\u{e9}y"), (5, "C", "d")]);
        assert_eq!(lines[1].parameter("P"), Some("q:;"));
    }
}
