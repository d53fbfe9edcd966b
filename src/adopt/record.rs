//! What was taken over, by its id there: what its users delete here afterwards does not come back.

use std::collections::HashMap;

use entity::adopted_row;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect, Schema,
    sea_query::OnConflict,
};

use super::AdoptError;
use crate::db::Db;

/// How many rows one statement names.
const ROWS_AT_ONCE: usize = 500;

/// The rows of one table.
pub(super) struct Record<'a> {
    pub(super) db: &'a Db,
    /// What the table was called.
    pub(super) source: &'a str,
}

/// The name of the table.
pub(super) const TABLE: &str = "docket_adopted";

/// Makes the table, if it is not there.
pub(super) async fn make(db: &Db) -> Result<(), AdoptError> {
    let backend = db.writer().get_database_backend();
    let mut table = Schema::new(backend).create_table_from_entity(adopted_row::Entity);
    db.writer().execute(table.if_not_exists()).await?;
    Ok(())
}

impl Record<'_> {
    /// Which of these rows were taken, or begun: whether they are here.
    pub(super) async fn of(&self, rows: &[String]) -> Result<HashMap<String, bool>, AdoptError> {
        let mut found = HashMap::new();
        for rows in rows.chunks(ROWS_AT_ONCE) {
            let select = adopted_row::Entity::find().select_only();
            let select = select.columns([adopted_row::Column::Row, adopted_row::Column::IsTaken]);
            let these = select.filter(adopted_row::Column::Source.eq(self.source));
            let these = these.filter(adopted_row::Column::Row.is_in(rows)).into_tuple();
            found.extend(these.all(self.db.reader()).await?.into_iter().map(|it: (String, bool)| it));
        }
        Ok(found)
    }

    /// Says that these rows are being taken, unless they are here already.
    pub(super) async fn begin(&self, rows: &[String]) -> Result<(), AdoptError> {
        self.put(rows, false, key().do_nothing()).await
    }

    /// Says that these rows are here.
    pub(super) async fn finish(&self, rows: &[String]) -> Result<(), AdoptError> {
        self.put(rows, true, key().update_column(adopted_row::Column::IsTaken)).await
    }

    async fn put(&self, rows: &[String], is_taken: bool, known: &OnConflict) -> Result<(), AdoptError> {
        for rows in rows.chunks(ROWS_AT_ONCE) {
            let rows = rows.iter().map(|row| adopted_row::ActiveModel {
                source: Set(self.source.to_owned()),
                row: Set(row.clone()),
                is_taken: Set(is_taken),
            });
            let insert = adopted_row::Entity::insert_many(rows).on_conflict(known.clone());
            insert.exec_without_returning(self.db.writer()).await?;
        }
        Ok(())
    }
}

/// Where rows are that are known.
fn key() -> OnConflict {
    OnConflict::columns([adopted_row::Column::Source, adopted_row::Column::Row])
}
