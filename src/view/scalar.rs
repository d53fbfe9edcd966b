//! Values that GraphQL has no type for.

use async_graphql::{InputValueError, InputValueResult, Scalar, ScalarType, Value};
use chrono::{Datelike, NaiveDate, SecondsFormat, Timelike, Utc};
use entity::time::{Micros, Millis};
use serde::{Serialize, Serializer};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{KnownFormat, ObjectBuilder, RefOr, Schema, SchemaFormat, schema::Type},
};

use crate::service::tasks;

/// How many fraction digits an instant is stored with.
const MAX_FRACTION_DIGITS: usize = 6;

/// An instant as a text of RFC 3339: in UTC with a `Z`, and with 0, 3 or 6 fraction digits, as many as it needs. Input
/// may have any offset and at most 6 fraction digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DateTime {
    /// Instant.
    pub instant: chrono::DateTime<Utc>,
    /// How many fraction digits it is shown with.
    digits: SecondsFormat,
}

/// A calendar date as `YYYY-MM-DD`, in no time zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Date(pub NaiveDate);

/// A whole number of 64 bits with a sign, as a JSON number. Input may be a string of digits too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct BigInt(pub i64);

/// Why a value is not of the scalar of that name, in words that follow the name of what has it: `must be …`. The outer
/// `None` says that no such scalar is known.
pub fn fault(scalar: &str, value: &Value) -> Option<Option<&'static str>> {
    Some(match scalar {
        "BigInt" => BigInt::read(value).err(),
        "Date" => Date::read(value).err(),
        "DateTime" => DateTime::read(value).err(),
        _ => return None,
    })
}

impl DateTime {
    fn read(value: &Value) -> Result<Self, &'static str> {
        let Value::String(text) = value else { return Err("must be a string") };
        let instant = chrono::DateTime::parse_from_rfc3339(text)
            .ok()
            // chrono takes a blank as well.
            .filter(|_| matches!(text.as_bytes().get("2030-01-31".len()), Some(b'T' | b't')))
            .ok_or("must be an RFC 3339 date and time such as 2030-01-31T12:00:00Z")?;
        if fraction_digits(text) > MAX_FRACTION_DIGITS {
            return Err("must have at most 6 fraction digits");
        }
        tasks::Instant::new(instant.to_utc()).map_err(|_| "must be from year 1 to 9999, without a leap second")?;
        Ok(Self { instant: instant.to_utc(), digits: SecondsFormat::AutoSi })
    }
}

fn fraction_digits(text: &str) -> usize {
    text.split_once('.').map_or(0, |(_, rest)| rest.bytes().take_while(u8::is_ascii_digit).count())
}

impl Date {
    fn read(value: &Value) -> Result<Self, &'static str> {
        let Value::String(text) = value else { return Err("must be a string") };
        let date = tasks::Date::read(text).ok_or("must be a date such as 2030-01-31")?;
        tasks::Date::new(date).map(|_| Self(date)).map_err(|_| "must be from year 1 to 9999")
    }
}

impl BigInt {
    fn read(value: &Value) -> Result<Self, &'static str> {
        match value {
            Value::Number(number) => number.as_i64().map(Self).ok_or("must be a whole number of 64 bits"),
            Value::String(text) if !text.starts_with('+') => {
                text.parse().map(Self).map_err(|_| "must be a whole number of 64 bits")
            }
            _ => Err("must be a whole number"),
        }
    }
}

/// An instant as a text of RFC 3339: in UTC with a `Z`, and with 0, 3 or 6 fraction digits, as many as it needs. Input
/// may have any offset and at most 6 fraction digits.
#[Scalar(specified_by_url = "https://scalars.graphql.org/chillicream/date-time.html")]
impl ScalarType for DateTime {
    fn parse(value: Value) -> InputValueResult<Self> {
        Self::read(&value).map_err(refused)
    }

    fn is_valid(value: &Value) -> bool {
        matches!(value, Value::String(_))
    }

    fn to_value(&self) -> Value {
        Value::String(self.shown(str::to_owned))
    }
}

/// A calendar date as `YYYY-MM-DD`, in no time zone.
#[Scalar(specified_by_url = "https://scalars.graphql.org/andimarek/local-date.html")]
impl ScalarType for Date {
    fn parse(value: Value) -> InputValueResult<Self> {
        Self::read(&value).map_err(refused)
    }

    fn is_valid(value: &Value) -> bool {
        matches!(value, Value::String(_))
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_string())
    }
}

/// A whole number of 64 bits with a sign, as a JSON number. Input may be a string of digits too.
#[Scalar(specified_by_url = "https://ibm.github.io/graphql-specs/custom-scalars/long.html")]
impl ScalarType for BigInt {
    fn parse(value: Value) -> InputValueResult<Self> {
        Self::read(&value).map_err(refused)
    }

    fn to_value(&self) -> Value {
        Value::Number(self.0.into())
    }
}

impl PartialSchema for DateTime {
    fn schema() -> RefOr<Schema> {
        string(KnownFormat::DateTime, "RFC 3339 in UTC, ending in `Z`.")
    }
}

impl ToSchema for DateTime {}

impl PartialSchema for BigInt {
    fn schema() -> RefOr<Schema> {
        let format = SchemaFormat::KnownFormat(KnownFormat::Int64);
        ObjectBuilder::new().schema_type(Type::Integer).format(Some(format)).into()
    }
}

impl ToSchema for BigInt {}

fn string(format: KnownFormat, description: &str) -> RefOr<Schema> {
    let format = Some(SchemaFormat::KnownFormat(format));
    ObjectBuilder::new().schema_type(Type::String).format(format).description(Some(description)).into()
}

/// The numbers of two digits.
const PAIRS: [[u8; 2]; 100] = {
    let mut pairs = [*b"00"; 100];
    let mut number: u8 = 0;
    while number < 100 {
        pairs[number as usize] = [b'0' + number / 10, b'0' + number % 10];
        number += 1;
    }
    pairs
};

impl DateTime {
    /// Calls with the text. chrono weighs every form that there is for each part of each date, which is a tenth of the
    /// work of a list.
    pub(super) fn shown<T>(self, with: impl FnOnce(&str) -> T) -> T {
        let it = self.instant.naive_utc();
        let nanos = it.nanosecond();
        let year = u32::try_from(it.year()).ok().filter(|year| *year <= 9999 && nanos < 1_000_000_000);
        let Some(year) = year else { return with(&self.instant.to_rfc3339_opts(self.digits, true)) };
        let mut text = *b"0000-00-00T00:00:00.000000000Z";
        let mut put = |at: usize, number: u32| {
            text[at..at + 2].copy_from_slice(&PAIRS[number as usize % PAIRS.len()]);
        };
        put(0, year / 100);
        put(2, year);
        put(5, it.month());
        put(8, it.day());
        put(11, it.hour());
        put(14, it.minute());
        put(17, it.second());
        put(20, nanos / 10_000_000);
        put(22, nanos / 100_000);
        put(24, nanos / 1000);
        put(26, nanos / 10);
        put(27, nanos);
        let end = match self.digits {
            SecondsFormat::Millis => 23,
            _ if nanos == 0 => 19,
            _ if nanos.is_multiple_of(1_000_000) => 23,
            _ if nanos.is_multiple_of(1000) => 26,
            _ => 29,
        };
        text[end] = b'Z';
        with(std::str::from_utf8(&text[..=end]).unwrap_or_default())
    }
}

impl From<Micros> for DateTime {
    fn from(instant: Micros) -> Self {
        Self { instant: instant.0, digits: SecondsFormat::AutoSi }
    }
}

impl From<Millis> for DateTime {
    /// Clients of Better Auth look for exactly three digits.
    fn from(instant: Millis) -> Self {
        Self { instant: instant.utc(), digits: SecondsFormat::Millis }
    }
}

impl Serialize for Date {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl Serialize for DateTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.shown(|text| serializer.serialize_str(text))
    }
}

fn refused<T: async_graphql::InputType>(fault: &str) -> InputValueError<T> {
    InputValueError::custom(fault).with_extension("code", "BAD_USER_INPUT")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_written_as_chrono_writes_them() {
        for text in [
            "0001-01-01T00:00:00Z",
            "1969-12-31T23:59:59.999Z",
            "2026-11-25T07:08:09Z",
            "2026-11-25T07:08:09.100Z",
            "2026-11-25T07:08:09.000001Z",
            "2026-11-25T07:08:09.123456789Z",
            "2016-12-31T23:59:60Z",
            "9999-12-31T23:59:59.999999Z",
            "+12345-01-01T00:00:00Z",
        ] {
            let instant: chrono::DateTime<Utc> = text.parse().unwrap();
            for digits in [SecondsFormat::AutoSi, SecondsFormat::Millis] {
                let shown = DateTime { instant, digits }.shown(str::to_owned);
                assert_eq!(shown, instant.to_rfc3339_opts(digits, true));
            }
        }
    }
}
