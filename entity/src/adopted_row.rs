//! The `docket_adopted` table: rows of other back-ends that `docket adopt` has taken over. It makes the table itself, and
//! removes it with the old tables.

use sea_orm::entity::prelude::*;

/// A row that was taken, or is just being taken.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "docket_adopted")]
pub struct Model {
    /// What its table was called.
    #[sea_orm(primary_key, auto_increment = false)]
    pub source: String,
    /// Its id there.
    #[sea_orm(primary_key, auto_increment = false)]
    pub row: String,
    /// Whether it is here. Taking it was begun otherwise.
    pub is_taken: bool,
}

impl ActiveModelBehavior for ActiveModel {}
