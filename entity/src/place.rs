//! Reading the columns of a row by their places. SeaORM looks for the kind of database, and sqlx for the type of the
//! column, at each value: for the columns that a statement of ours has put there it is known.

use sea_orm::{DbErr, IdenStatic, Iterable, QueryResult, RuntimeErr, TryGetable};
use sqlx::{Decode, Postgres, Row, Type, postgres::PgRow};

/// All columns of a table as one text, in the order of their places.
pub(crate) fn columns<C: Iterable + IdenStatic>(table: &str) -> String {
    C::iter().map(|it| format!(r#""{table}"."{}""#, it.as_str())).collect::<Vec<_>>().join(", ")
}

/// A row of either database.
pub(crate) trait Places {
    /// The value of the column at that place, counted from 0.
    fn at<T>(&self, place: usize) -> Result<T, DbErr>
    where
        T: TryGetable + Type<Postgres> + for<'row> Decode<'row, Postgres>;
}

impl Places for QueryResult {
    fn at<T>(&self, place: usize) -> Result<T, DbErr>
    where
        T: TryGetable + Type<Postgres> + for<'row> Decode<'row, Postgres>,
    {
        self.try_get_by_index(place)
    }
}

impl Places for PgRow {
    fn at<T>(&self, place: usize) -> Result<T, DbErr>
    where
        T: TryGetable + Type<Postgres> + for<'row> Decode<'row, Postgres>,
    {
        self.try_get_unchecked(place).map_err(|cause| DbErr::Query(RuntimeErr::SqlxError(cause.into())))
    }
}
