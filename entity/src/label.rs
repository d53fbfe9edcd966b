//! The `labels` table.

use sea_orm::entity::prelude::*;

use crate::{
    id::{LabelId, UserId},
    time::Micros,
};

/// A word that tasks can be marked with.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "labels")]
pub struct Model {
    /// The id, unique together with the owner.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: LabelId,
    /// The owner.
    #[sea_orm(primary_key, auto_increment = false)]
    pub user_id: UserId,
    /// 1 to 30 characters.
    pub name: String,
    /// The name in lower case, unique among the owner's labels.
    pub folded: String,
    /// `#rrggbb`.
    pub colour: Option<String>,
    /// The number of the owner's write that last changed the label.
    pub revision: i64,
    /// When it was made.
    pub created_at: Micros,
    /// When it last changed.
    pub updated_at: Micros,
    /// When it was deleted.
    pub deleted_at: Option<Micros>,
}

impl ActiveModelBehavior for ActiveModel {}
