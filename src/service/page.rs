//! Pages of a list: cut by a key, never by an offset, so that page 1,000 costs what page 1 costs.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::DateTime;
use entity::time::Micros;

use crate::error::{Error, ValidationError};

/// How many rows a page has when nobody says.
pub const DEFAULT_SIZE: i32 = 20;
/// How many rows a page has at most.
pub const MAX_SIZE: i32 = 100;

/// What part of a list is asked for, in the terms of the Relay cursor connections specification.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PageRequest {
    /// How many rows.
    pub size: usize,
    /// Whether they are counted from the end.
    pub from_end: bool,
    /// Only rows behind this one.
    pub after: Option<Cursor>,
    /// Only rows in front of this one.
    pub before: Option<Cursor>,
}

/// A part of a list, in the list's order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// The rows.
    pub rows: Vec<T>,
    /// Whether rows follow.
    pub has_next: bool,
    /// Whether rows precede.
    pub has_previous: bool,
}

/// A place in an ordered list: the values that the list is ordered by, and the number that decides between equals.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Cursor {
    /// Which order it is a place in: 0 for a list that has one only.
    pub order: u32,
    /// The values that the list is ordered by, in the order of the keys.
    pub values: Vec<CursorValue>,
    /// The row's number.
    pub number: i64,
}

/// A value that a list is ordered by.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum CursorValue {
    /// An instant, or none.
    Time(Option<Micros>),
    /// A title.
    Text(String),
    /// A priority.
    Rank(i16),
    /// A place among the hits of a search, which the number says.
    Hit,
}

/// The arguments of a Relay connection, as they came.
#[derive(Clone, Debug, Default)]
pub struct PageArguments {
    /// How many rows from the start.
    pub first: Option<i32>,
    /// How many rows from the end.
    pub last: Option<i32>,
    /// A cursor that the rows follow.
    pub after: Option<String>,
    /// A cursor that the rows precede.
    pub before: Option<String>,
}

impl PageRequest {
    /// Checks the arguments of a connection.
    pub fn parse(arguments: &PageArguments) -> Result<Self, Error> {
        let (field, size) = match (arguments.first, arguments.last) {
            (Some(_), Some(_)) => return Err(Error::invalid("first", ValidationError::Contradiction("last"))),
            (first, None) => ("first", first.unwrap_or(DEFAULT_SIZE)),
            (None, Some(last)) => ("last", last),
        };
        let size = usize::try_from(size)
            .ok()
            .filter(|_| size <= MAX_SIZE)
            .ok_or(Error::invalid(field, ValidationError::NotBetween(0, MAX_SIZE.into())))?;
        Ok(Self {
            size,
            from_end: arguments.last.is_some(),
            after: cursor("after", arguments.after.as_deref())?,
            before: cursor("before", arguments.before.as_deref())?,
        })
    }

    /// Makes the page of up to `size + 1` rows, which came from the end backwards if the request counts from there.
    pub fn cut<T>(&self, mut rows: Vec<T>) -> Page<T> {
        let more = rows.len() > self.size;
        rows.truncate(self.size);
        if self.from_end {
            rows.reverse();
            Page { rows, has_next: self.before.is_some(), has_previous: more }
        } else {
            Page { rows, has_next: more, has_previous: self.after.is_some() }
        }
    }
}

fn cursor(field: &'static str, text: Option<&str>) -> Result<Option<Cursor>, Error> {
    text.map(|text| Cursor::decode(text).ok_or(Error::invalid(field, ValidationError::Cursor))).transpose()
}

/// What stands between the values of a cursor; no text has it.
const DIVIDER: &str = "\0";

impl Cursor {
    /// The cursor as clients see it.
    pub fn encode(&self) -> String {
        let values: Vec<String> = self.values.iter().map(CursorValue::encode).collect();
        URL_SAFE_NO_PAD.encode(format!("{}.{}.{}", self.number, self.order, values.join(DIVIDER)))
    }

    /// Reads a cursor back; nothing when it is none.
    pub fn decode(text: &str) -> Option<Self> {
        let plain = String::from_utf8(URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
        let (number, rest) = plain.split_once('.')?;
        let (order, values) = rest.split_once('.')?;
        let values = values.split(DIVIDER).map(CursorValue::decode).collect::<Option<_>>()?;
        Some(Self { order: order.parse().ok()?, values, number: number.parse().ok()? })
    }
}

impl CursorValue {
    fn encode(&self) -> String {
        match self {
            Self::Time(None) => "n".to_owned(),
            Self::Time(Some(instant)) => format!("t{}", instant.0.timestamp_micros()),
            Self::Text(text) => format!("s{text}"),
            Self::Rank(rank) => format!("r{rank}"),
            Self::Hit => "h".to_owned(),
        }
    }

    fn decode(text: &str) -> Option<Self> {
        let (kind, rest) = text.split_at_checked(1)?;
        Some(match kind {
            "n" if rest.is_empty() => Self::Time(None),
            "h" if rest.is_empty() => Self::Hit,
            "t" => Self::Time(Some(DateTime::from_timestamp_micros(rest.parse().ok()?)?.into())),
            "s" => Self::Text(rest.to_owned()),
            "r" => Self::Rank(rest.parse().ok()?),
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn request(size: usize, from_end: bool) -> PageRequest {
        PageRequest { size, from_end, after: None, before: None }
    }

    #[test]
    fn one_row_too_many_says_that_there_are_more() {
        let page = request(2, false).cut(vec![1, 2, 3]);
        assert_eq!(page, Page { rows: vec![1, 2], has_next: true, has_previous: false });
    }

    #[test]
    fn a_page_from_the_end_is_turned_round() {
        let page = request(2, true).cut(vec![9, 8, 7]);
        assert_eq!(page, Page { rows: vec![8, 9], has_next: false, has_previous: true });
    }

    #[test]
    fn sizes_out_of_range_are_refused_by_name() {
        for (first, last, field) in [(Some(-1), None, "first"), (Some(101), None, "first"), (None, Some(101), "last")] {
            let refused = PageRequest::parse(&PageArguments { first, last, ..PageArguments::default() });
            let Err(Error::Invalid(problems)) = refused else { panic!("{refused:?}") };
            assert_eq!(problems[0].field, field);
        }
    }

    proptest! {
        #[test]
        fn a_cursor_comes_back_as_it_was(number: i64, order: u32, title in "[^\\x00]{0,40}", micros in 0..253_402_300_799_999_999_i64) {
            let time = DateTime::from_timestamp_micros(micros).map(Micros::from);
            let values = [CursorValue::Text(title), CursorValue::Time(time), CursorValue::Time(None), CursorValue::Rank(3), CursorValue::Hit];
            let each = values.clone().map(|value| vec![value]);
            for values in each.into_iter().chain([values.to_vec()]) {
                let cursor = Cursor { order, values, number };
                prop_assert_eq!(Cursor::decode(&cursor.encode()), Some(cursor));
            }
        }

        #[test]
        fn any_text_is_a_cursor_or_is_not(text in ".{0,60}") {
            let _ = Cursor::decode(&text);
        }
    }
}
