//! The `labels` table.

use sea_orm::{FromQueryResult, entity::prelude::*};

use crate::{
    id::{LabelId, TaskId, UserId},
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

/// A label with a task that has it: all columns of the label in their order, then the task's id, read by their places.
#[derive(Clone, Debug)]
pub struct OfTask {
    /// The task.
    pub task: TaskId,
    /// The label, if there is one.
    pub label: Option<Model>,
}

impl FromQueryResult for OfTask {
    fn from_query_result(row: &QueryResult, _: &str) -> Result<Self, DbErr> {
        let task = row.try_get_by_index(9)?;
        let Some(id) = row.try_get_by_index(0)? else { return Ok(Self { task, label: None }) };
        let label = Model {
            id,
            user_id: row.try_get_by_index(1)?,
            name: row.try_get_by_index(2)?,
            folded: row.try_get_by_index(3)?,
            colour: row.try_get_by_index(4)?,
            revision: row.try_get_by_index(5)?,
            created_at: row.try_get_by_index(6)?,
            updated_at: row.try_get_by_index(7)?,
            deleted_at: row.try_get_by_index(8)?,
        };
        Ok(Self { task, label: Some(label) })
    }
}
