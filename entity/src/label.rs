//! The `labels` table.

use std::sync::LazyLock;

use sea_orm::{Iterable, JoinType, QueryOrder, QuerySelect, entity::prelude::*, sea_query::Expr};

use crate::{
    id::{LabelId, OwnerId, TaskId},
    row::{Columns, FromRow, RowColumns, columns},
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
    pub owner_id: OwnerId,
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
    fn read(row: &mut Columns<'_, impl RowColumns>) -> Result<Self, DbErr> {
        Ok(Self {
            id: row.value()?,
            owner_id: row.value()?,
            name: row.value()?,
            name_key: row.value()?,
            color: row.value_if_any()?,
            revision: row.value()?,
            created_at: row.value()?,
            updated_at: row.value()?,
            deleted_at: row.value_if_any()?,
        })
    }
}

/// Marks with their labels, in the order of each task, for [`OfTask`]; the columns are one text as those of
/// [`crate::task::select`]. From the marks on: PostgreSQL would otherwise weigh whether to begin with the labels, each
/// time.
pub fn of_tasks() -> Select<task_label::Entity> {
    static SELECT: LazyLock<Select<task_label::Entity>> = LazyLock::new(|| {
        let columns = format!(r#""task_labels"."task_id", {}"#, columns("labels", Column::iter()));
        let labels: RelationDef = task_label::Entity::belongs_to(Entity)
            .from((task_label::Column::OwnerId, task_label::Column::LabelId))
            .to((Column::OwnerId, Column::Id))
            .into();
        task_label::Entity::find()
            .select_only()
            .expr(Expr::cust(columns))
            .join(JoinType::LeftJoin, labels)
            .order_by_asc(Expr::col((task_label::Entity, task_label::Column::SortOrder)))
    });
    SELECT.clone()
}

/// A task with a label that it has: the task's id, then the columns of the label.
#[derive(Clone, Debug)]
pub struct OfTask {
    /// The task.
    pub task: TaskId,
    /// The label, if there is one.
    pub label: Option<Model>,
}

impl FromRow for OfTask {
    fn read(row: &mut Columns<'_, impl RowColumns>) -> Result<Self, DbErr> {
        let task = row.value()?;
        let label = if row.is_null::<LabelId>()? { None } else { Some(row.read()?) };
        Ok(Self { task, label })
    }
}
