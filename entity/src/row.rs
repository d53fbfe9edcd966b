//! Reading the columns of a row by their places. SeaORM looks for the kind of database, and sqlx for the type of the
//! column, at each value: for the columns that a statement of ours has put there it is known.

use rusqlite::types::FromSql;
use sea_orm::{DbErr, IdenStatic, Iterable, QueryResult, RuntimeErr, TryGetable, prelude::DateTimeUtc};
use sqlx::{Decode, Postgres, Row, Type, postgres::PgRow};

use crate::time::{self, Micros, Millis};

/// All columns of a table as one text, in the order of their places.
pub(crate) fn columns<C: Iterable + IdenStatic>(table: &str) -> String {
    first_columns::<C>(table, usize::MAX)
}

/// So many of them, from the first on.
pub(crate) fn first_columns<C: Iterable + IdenStatic>(table: &str, first: usize) -> String {
    C::iter().take(first).map(|it| format!(r#""{table}"."{}""#, it.as_str())).collect::<Vec<_>>().join(", ")
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

impl Micros {
    /// The instant in the column at that place.
    pub fn at(row: &impl RowColumns, place: usize) -> Result<Self, DbErr> {
        row.instant(place)?.map(Self).ok_or_else(|| missing(place))
    }

    /// The instant in the column at that place, if there is one.
    pub fn maybe_at(row: &impl RowColumns, place: usize) -> Result<Option<Self>, DbErr> {
        Ok(row.instant(place)?.map(Self))
    }
}

impl Millis {
    /// The instant in the column at that place.
    pub(crate) fn at(row: &impl RowColumns, place: usize) -> Result<Self, DbErr> {
        Ok(Self(row.instant(place)?.ok_or_else(|| missing(place))?.fixed_offset()))
    }
}

/// What is read by the places of its columns.
pub trait FromRow: Sized {
    /// It, from a row that has its columns in their order.
    fn read(row: &impl RowColumns) -> Result<Self, DbErr>;
}

/// A type of columns that both databases know.
pub trait ColumnType: TryGetable + Type<Postgres> + for<'row> Decode<'row, Postgres> + FromSql {}

impl<T: TryGetable + Type<Postgres> + for<'row> Decode<'row, Postgres> + FromSql> ColumnType for T {}

impl<A: ColumnType, B: ColumnType> FromRow for (A, B) {
    fn read(row: &impl RowColumns) -> Result<Self, DbErr> {
        Ok((row.at(0)?, row.at(1)?))
    }
}

impl<A: ColumnType, B: ColumnType, C: ColumnType, D: ColumnType> FromRow for (A, B, C, D) {
    fn read(row: &impl RowColumns) -> Result<Self, DbErr> {
        Ok((row.at(0)?, row.at(1)?, row.at(2)?, row.at(3)?))
    }
}

/// What is in a row.
pub fn read<T: FromRow>(row: &QueryResult) -> Result<T, DbErr> {
    match row.try_as_pg_row() {
        Some(row) => T::read(row),
        None => T::read(row),
    }
}

impl RowColumns for QueryResult {
    fn at<T: ColumnType>(&self, place: usize) -> Result<T, DbErr> {
        self.try_get_by_index(place)
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
        let text = self.get_ref(place).ok().and_then(|it| it.as_str().ok());
        match text.and_then(time::read) {
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
