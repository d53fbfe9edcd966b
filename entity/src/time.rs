//! The two timestamp formats that are stored. Both are `timestamptz` on PostgreSQL and text on SQLite, where
//! `docket::db` writes the first with six fraction digits and the second with three, so that text order is time order.
//! Tables that a Better Auth has made may have the second as `timestamp` in UTC, or on SQLite as numbers.

use chrono::{DateTime, NaiveDate, SubsecRound, Utc};
use sea_orm::{
    ActiveValue, ColIdx, DbErr, DeriveValueType, IntoActiveValue, QueryResult, RuntimeErr, TryGetError, TryGetable,
    Value,
    prelude::{DateTimeUtc, DateTimeWithTimeZone},
};
use sqlx::{Decode, Row, Sqlite, TypeInfo, ValueRef, sqlite::SqliteRow};

/// A UTC instant in whole microseconds: what Docket's own tables hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, DeriveValueType)]
pub struct Micros(pub DateTimeUtc);

/// A UTC instant in whole milliseconds: what Better Auth's tables hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Millis(pub DateTimeWithTimeZone);

impl Micros {
    /// Now, by the server's clock.
    pub fn now() -> Self {
        Utc::now().into()
    }
}

impl Millis {
    /// Now, by the server's clock.
    pub fn now() -> Self {
        Utc::now().into()
    }

    /// The instant in UTC.
    pub fn utc(self) -> DateTime<Utc> {
        self.0.to_utc()
    }
}

impl From<Millis> for Value {
    fn from(instant: Millis) -> Self {
        instant.0.into()
    }
}

impl TryGetable for Millis {
    fn try_get_by<I: ColIdx>(row: &QueryResult, index: I) -> Result<Self, TryGetError> {
        let failed = |cause: sqlx::Error| TryGetError::DbErr(DbErr::Query(RuntimeErr::SqlxError(cause.into())));
        let missing = || TryGetError::Null(format!("{index:?}"));
        let instant = if let Some(row) = row.try_as_pg_row() {
            // A time without a zone has the same bytes as one with a zone.
            let micros: Option<i64> = row.try_get_unchecked(index.as_sqlx_postgres_index()).map_err(failed)?;
            micros.and_then(since_2000)
        } else if let Some(row) = row.try_as_sqlite_row() {
            of_sqlite(row, index.as_sqlx_sqlite_index()).map_err(failed)?
        } else {
            return DateTimeWithTimeZone::try_get_by(row, index).map(Self);
        };
        instant.map(|it| Self(it.fixed_offset())).ok_or_else(missing)
    }
}

impl sea_orm::sea_query::ValueType for Millis {
    fn try_from(value: Value) -> Result<Self, sea_orm::sea_query::ValueTypeErr> {
        <DateTimeWithTimeZone as sea_orm::sea_query::ValueType>::try_from(value).map(Self)
    }

    fn type_name() -> String {
        "Millis".to_owned()
    }

    fn array_type() -> sea_orm::sea_query::ArrayType {
        <DateTimeWithTimeZone as sea_orm::sea_query::ValueType>::array_type()
    }

    fn column_type() -> sea_orm::sea_query::ColumnType {
        <DateTimeWithTimeZone as sea_orm::sea_query::ValueType>::column_type()
    }
}

impl sea_orm::sea_query::Nullable for Millis {
    fn null() -> Value {
        <DateTimeWithTimeZone as sea_orm::sea_query::Nullable>::null()
    }
}

impl IntoActiveValue<Self> for Millis {
    fn into_active_value(self) -> ActiveValue<Self> {
        ActiveValue::Set(self)
    }
}

/// From this number on it counts milliseconds since 1970, below it seconds: as milliseconds it is of the year 1973, as
/// seconds of 5138.
pub const FIRST_OF_MILLIS: f64 = 1e11;

/// An instant from a number of seconds or milliseconds since 1970, whole milliseconds of it.
pub fn of_number(number: f64) -> Option<DateTimeUtc> {
    let millis = if number.abs() < FIRST_OF_MILLIS { number * 1000.0 } else { number };
    #[expect(clippy::cast_possible_truncation, reason = "what is beyond the bounds becomes a bound, which is no time")]
    DateTime::from_timestamp_millis(millis.round() as i64)
}

/// The instant in a column of a row of SQLite's, whatever it is written as.
pub(crate) fn of_sqlite<I: sqlx::ColumnIndex<SqliteRow>>(
    row: &SqliteRow,
    index: I,
) -> Result<Option<DateTimeUtc>, sqlx::Error> {
    let value = row.try_get_raw(&index)?;
    if value.is_null() {
        return Ok(None);
    }
    let kind = value.type_info();
    let none = || sqlx::Error::Decode("the time is none".into());
    match kind.name() {
        "INTEGER" | "REAL" => {
            let number = <f64 as Decode<Sqlite>>::decode(value).map_err(sqlx::Error::Decode)?;
            of_number(number).ok_or_else(none).map(Some)
        }
        _ => {
            let text = <&str as Decode<Sqlite>>::decode(value).map_err(sqlx::Error::Decode)?;
            match read(text) {
                Some(instant) => Ok(Some(instant)),
                None => row.try_get_unchecked(index),
            }
        }
    }
}

/// An instant from what PostgreSQL sends of it: microseconds since the year 2000 (PostgreSQL, Date/Time Types). sqlx makes
/// a time with an offset of it first, step by step. None when it is none, as infinity.
pub(crate) fn since_2000(micros: i64) -> Option<DateTimeUtc> {
    const MICROS_OF_2000: i64 = 946_684_800_000_000;
    DateTime::from_timestamp_micros(micros.checked_add(MICROS_OF_2000)?)
}

/// An instant from the text that SQLite has of [`Micros`] or [`Millis`], digit by digit: chrono reads texts of many forms,
/// and takes a tenth of the time that a list takes. None when it is another form.
pub(crate) fn read(text: &str) -> Option<DateTimeUtc> {
    const LAYOUTS: [&[u8]; 2] = [b"0000-00-00T00:00:00.000000Z", b"0000-00-00T00:00:00.000Z"];
    let text = text.as_bytes();
    let form = LAYOUTS.into_iter().find(|form| form.len() == text.len())?;
    let is_of_form = |(byte, form): (&u8, &u8)| if *form == b'0' { byte.is_ascii_digit() } else { byte == form };
    if !text.iter().zip(form).all(is_of_form) {
        return None;
    }
    let number = |digits: &[u8]| digits.iter().fold(0, |number, digit| number * 10 + u32::from(digit - b'0'));
    let year = i32::try_from(number(&text[..4])).ok()?;
    let date = NaiveDate::from_ymd_opt(year, number(&text[5..7]), number(&text[8..10]))?;
    let (hour, minute, second) = (number(&text[11..13]), number(&text[14..16]), number(&text[17..19]));
    let micros = if text.len() == 24 { number(&text[20..23]) * 1000 } else { number(&text[20..26]) };
    Some(date.and_hms_micro_opt(hour, minute, second, micros)?.and_utc())
}

impl From<DateTime<Utc>> for Micros {
    fn from(instant: DateTime<Utc>) -> Self {
        Self(instant.trunc_subsecs(6))
    }
}

impl From<DateTime<Utc>> for Millis {
    fn from(instant: DateTime<Utc>) -> Self {
        Self(instant.trunc_subsecs(3).fixed_offset())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_count_from_the_year_2000() {
        let read = |micros| since_2000(micros).map(|it| it.to_rfc3339());
        assert_eq!(read(0).as_deref(), Some("2000-01-01T00:00:00+00:00"));
        assert_eq!(read(-1).as_deref(), Some("1999-12-31T23:59:59.999999+00:00"));
        assert_eq!(read(i64::MAX), None, "what PostgreSQL sends for infinity");
        assert_eq!(read(i64::MIN), None, "what PostgreSQL sends for -infinity");
    }
}
