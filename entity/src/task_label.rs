//! The `task_labels` table: which tasks have which labels.

use sea_orm::entity::prelude::*;

use crate::id::{LabelId, OwnerId, TaskId};

/// One label of one task. It changes together with the task's revision.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "task_labels")]
pub struct Model {
    /// The owner of both.
    #[sea_orm(primary_key, auto_increment = false)]
    pub owner_id: OwnerId,
    /// The task.
    #[sea_orm(primary_key, auto_increment = false)]
    pub task_id: TaskId,
    /// The label.
    #[sea_orm(primary_key, auto_increment = false)]
    pub label_id: LabelId,
    /// The position among the task's labels.
    pub sort_order: i16,
}

impl ActiveModelBehavior for ActiveModel {}
