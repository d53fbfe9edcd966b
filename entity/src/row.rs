//! Reading the columns of a row in their order. SeaORM looks for the kind of database, and sqlx for the type of the
//! column, at each value: for the columns that a statement of ours has put there it is known.

use rusqlite::types::{FromSql, ValueRef};
use sea_orm::{DbErr, IdenStatic, QueryResult, RuntimeErr, TryGetable, prelude::DateTimeUtc};
use sqlx::{Decode, Postgres, Row, Type, postgres::PgRow};

use crate::{
    id::{LabelId, ListId, OwnerId, TaskId, UserId},
    time::{self, Micros, Millis},
};

/// Columns of a table as one text.
pub(crate) fn columns<C: IdenStatic>(table: &str, columns: impl IntoIterator<Item = C>) -> String {
    columns.into_iter().map(|it| format!(r#""{table}"."{}""#, it.as_str())).collect::<Vec<_>>().join(", ")
}

/// A row of either database.
pub trait RowColumns {
    /// The value of the column at that place, counted from 0.
    fn at<T: ColumnType>(&self, place: usize) -> Result<T, DbErr>;

    /// The instant in the column at that place, if there is one.
    fn instant(&self, place: usize) -> Result<Option<DateTimeUtc>, DbErr> {
        self.at(place)
    }
}

/// Reads the columns of a row one after the other.
#[derive(Debug)]
pub struct Columns<'row, R> {
    row: &'row R,
    next: usize,
}

impl<'row, R: RowColumns> Columns<'row, R> {
    /// All columns of a row.
    pub fn of(row: &'row R) -> Self {
        Self { row, next: 0 }
    }

    /// The value of the next column.
    pub fn value<T: FromColumn>(&mut self) -> Result<T, DbErr> {
        let place = self.next;
        self.value_if_any()?.ok_or_else(|| DbErr::Type(format!("there is no value in the column at {place}")))
    }

    /// The value of the next column, which may be NULL.
    pub fn value_if_any<T: FromColumn>(&mut self) -> Result<Option<T>, DbErr> {
        let value = T::from_column(self.row, self.next)?;
        self.next += 1;
        Ok(value)
    }

    /// Whether the next column is NULL, which has that type.
    pub fn is_null<T: FromColumn>(&self) -> Result<bool, DbErr> {
        Ok(T::from_column(self.row, self.next)?.is_none())
    }

    /// What the next columns are.
    pub fn read<T: FromRow>(&mut self) -> Result<T, DbErr> {
        T::read(self)
    }
}

/// What is read from the columns of a row, in their order.
pub trait FromRow: Sized {
    /// It, from the next columns.
    fn read(row: &mut Columns<'_, impl RowColumns>) -> Result<Self, DbErr>;
}

/// What is read from one column.
pub trait FromColumn: Sized {
    /// It; none when the column is NULL.
    fn from_column(row: &impl RowColumns, place: usize) -> Result<Option<Self>, DbErr>;
}

impl<T: ColumnType> FromColumn for T
where
    Option<T>: ColumnType,
{
    fn from_column(row: &impl RowColumns, place: usize) -> Result<Option<Self>, DbErr> {
        row.at(place)
    }
}

impl FromColumn for UserId {
    fn from_column(row: &impl RowColumns, place: usize) -> Result<Option<Self>, DbErr> {
        Ok(row.at::<Option<_>>(place)?.map(Self))
    }
}

impl FromColumn for OwnerId {
    fn from_column(row: &impl RowColumns, place: usize) -> Result<Option<Self>, DbErr> {
        Ok(row.at::<Option<_>>(place)?.map(Self))
    }
}

impl FromColumn for TaskId {
    fn from_column(row: &impl RowColumns, place: usize) -> Result<Option<Self>, DbErr> {
        Ok(row.at::<Option<_>>(place)?.map(Self))
    }
}

impl FromColumn for ListId {
    fn from_column(row: &impl RowColumns, place: usize) -> Result<Option<Self>, DbErr> {
        Ok(row.at::<Option<_>>(place)?.map(Self))
    }
}

impl FromColumn for LabelId {
    fn from_column(row: &impl RowColumns, place: usize) -> Result<Option<Self>, DbErr> {
        Ok(row.at::<Option<_>>(place)?.map(Self))
    }
}

impl FromColumn for Micros {
    fn from_column(row: &impl RowColumns, place: usize) -> Result<Option<Self>, DbErr> {
        Ok(row.instant(place)?.map(Self))
    }
}

impl FromColumn for Millis {
    fn from_column(row: &impl RowColumns, place: usize) -> Result<Option<Self>, DbErr> {
        Ok(row.instant(place)?.map(|it| Self(it.fixed_offset())))
    }
}

/// A type of columns that both databases know.
pub trait ColumnType: TryGetable + Type<Postgres> + for<'row> Decode<'row, Postgres> + FromSql {}

impl<T: TryGetable + Type<Postgres> + for<'row> Decode<'row, Postgres> + FromSql> ColumnType for T {}

impl<A: FromColumn, B: FromColumn> FromRow for (A, B) {
    fn read(row: &mut Columns<'_, impl RowColumns>) -> Result<Self, DbErr> {
        Ok((row.value()?, row.value()?))
    }
}

impl<A: FromColumn, B: FromColumn, C: FromColumn, D: FromColumn> FromRow for (A, B, C, D) {
    fn read(row: &mut Columns<'_, impl RowColumns>) -> Result<Self, DbErr> {
        Ok((row.value()?, row.value()?, row.value()?, row.value()?))
    }
}

/// What is in a row.
pub fn read<T: FromRow>(row: &QueryResult) -> Result<T, DbErr> {
    match row.try_as_pg_row() {
        Some(row) => Columns::of(row).read(),
        None => Columns::of(row).read(),
    }
}

impl RowColumns for QueryResult {
    fn at<T: ColumnType>(&self, place: usize) -> Result<T, DbErr> {
        self.try_get_by_index(place)
    }

    fn instant(&self, place: usize) -> Result<Option<DateTimeUtc>, DbErr> {
        match self.try_as_sqlite_row() {
            Some(row) => time::of_sqlite(row, place).map_err(unread),
            None => self.at(place),
        }
    }
}

impl RowColumns for PgRow {
    fn at<T: ColumnType>(&self, place: usize) -> Result<T, DbErr> {
        self.try_get_unchecked(place).map_err(unread)
    }

    fn instant(&self, place: usize) -> Result<Option<DateTimeUtc>, DbErr> {
        match self.at::<Option<i64>>(place)? {
            Some(since) => Ok(Some(time::since_2000(since).ok_or_else(|| missing(place))?)),
            None => Ok(None),
        }
    }
}

impl RowColumns for rusqlite::Row<'_> {
    fn at<T: ColumnType>(&self, place: usize) -> Result<T, DbErr> {
        self.get(place).map_err(|cause| unread(sqlx::Error::Decode(cause.into())))
    }

    fn instant(&self, place: usize) -> Result<Option<DateTimeUtc>, DbErr> {
        let instant = match self.get_ref(place) {
            Ok(ValueRef::Text(text)) => std::str::from_utf8(text).ok().and_then(time::read),
            #[expect(clippy::cast_precision_loss, reason = "milliseconds of the next 200,000 years are exact")]
            Ok(ValueRef::Integer(number)) => time::of_number(number as f64),
            Ok(ValueRef::Real(number)) => time::of_number(number),
            _ => None,
        };
        match instant {
            Some(instant) => Ok(Some(instant)),
            None => self.at(place),
        }
    }
}

fn missing(place: usize) -> DbErr {
    DbErr::Type(format!("there is no instant at {place}"))
}

fn unread(cause: sqlx::Error) -> DbErr {
    DbErr::Query(RuntimeErr::SqlxError(cause.into()))
}
