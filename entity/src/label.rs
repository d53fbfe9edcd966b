//! The `labels` table.

use std::sync::LazyLock;

use sea_orm::{JoinType, QueryOrder, QuerySelect, entity::prelude::*, sea_query::Expr};

use crate::{
    id::{LabelId, TaskId, UserId},
    row::{FromRow, RowColumns, columns},
    task_label,
    time::Micros,
};

/// A label.
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
    /// The name as it is compared (`text::name_key`), unique among the owner's labels.
    pub name_key: String,
    /// `#rrggbb`.
    pub color: Option<String>,
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

impl FromRow for Model {
    fn read(row: &impl RowColumns) -> Result<Self, DbErr> {
        Ok(Self {
            id: LabelId(row.at(0)?),
            user_id: UserId(row.at(1)?),
            name: row.at(2)?,
            name_key: row.at(3)?,
            color: row.at(4)?,
            revision: row.at(5)?,
            created_at: Micros::at(row, 6)?,
            updated_at: Micros::at(row, 7)?,
            deleted_at: Micros::maybe_at(row, 8)?,
        })
    }
}

/// Marks with their labels, in the order of each task, for [`OfTask`]; the columns are one text as those of
/// [`crate::task::select`]. From the marks on: PostgreSQL would otherwise weigh whether to begin with the labels, each
/// time.
pub fn of_tasks() -> Select<task_label::Entity> {
    static SELECT: LazyLock<Select<task_label::Entity>> = LazyLock::new(|| {
        let columns = columns::<Column>("labels") + r#", "task_labels"."task_id""#;
        let labels: RelationDef = task_label::Entity::belongs_to(Entity)
            .from((task_label::Column::UserId, task_label::Column::LabelId))
            .to((Column::UserId, Column::Id))
            .into();
        task_label::Entity::find()
            .select_only()
            .expr(Expr::cust(columns))
            .join(JoinType::LeftJoin, labels)
            .order_by_asc(Expr::col((task_label::Entity, task_label::Column::SortOrder)))
    });
    SELECT.clone()
}

/// A label with a task that has it: all columns of the label in their order, then the task's id, read by their places.
#[derive(Clone, Debug)]
pub struct OfTask {
    /// The task.
    pub task: TaskId,
    /// The label, if there is one.
    pub label: Option<Model>,
}

impl FromRow for OfTask {
    fn read(row: &impl RowColumns) -> Result<Self, DbErr> {
        let has_label = row.at::<Option<Uuid>>(0)?.is_some();
        Ok(Self { task: TaskId(row.at(9)?), label: has_label.then(|| Model::read(row)).transpose()? })
    }
}
