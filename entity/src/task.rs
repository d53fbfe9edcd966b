//! The `tasks` table.

use std::sync::LazyLock;

use sea_orm::{Iterable, QuerySelect, entity::prelude::*, sea_query::Expr};

use crate::{
    id::{ListId, OwnerId, TaskId},
    row::{self, Columns, FromColumn, FromRow, RowColumns},
    time::Micros,
};

/// Something that a user means to do.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "tasks")]
pub struct Model {
    /// The id on the REST routes, given by the database and never used again.
    #[sea_orm(primary_key)]
    pub number: i64,
    /// The id in GraphQL, unique together with the owner.
    pub id: TaskId,
    /// The owner. No foreign key: accounts may live elsewhere.
    pub owner_id: OwnerId,
    /// The task that this one is a part of; such a task has no parts itself.
    pub parent_id: Option<TaskId>,
    /// The list that the task is in; a part is always in its parent's.
    pub list_id: Option<ListId>,
    /// 1 to 200 characters.
    pub title: String,
    /// At most 1,000 characters.
    pub description: Option<String>,
    /// Whether it is done.
    pub completed: bool,
    /// Since when it is done; absent while it is open.
    pub completed_at: Option<Micros>,
    /// How urgent it is.
    pub priority: Priority,
    /// The calendar date on which it is due, wherever its owner is that day.
    pub due_date: Option<Date>,
    /// The instant at which it is due; never together with a date.
    pub due_at: Option<Micros>,
    /// The IANA name of the time zone that the instant was chosen in.
    pub due_zone: Option<String>,
    /// The place in the manual order: text that sorts byte by byte.
    pub position: String,
    /// The number of the owner's write that last changed the task.
    pub revision: i64,
    /// When it was made.
    pub created_at: Micros,
    /// When it last changed.
    pub updated_at: Micros,
    /// When it was deleted; a purge removes it for good after a time.
    pub deleted_at: Option<Micros>,
    /// The title as it is searched and ordered by ([`crate::text::search_key`]). It is written with the title, and empty in
    /// rows that are read.
    pub title_key: String,
    /// The description as it is searched; as `title_key` otherwise.
    pub description_key: Option<String>,
    /// Fields of clients of REST that mean nothing here: an object in JSON.
    pub extra: Option<String>,
}

impl ActiveModelBehavior for ActiveModel {}

/// [`Entity::find`], but for the columns: those that are read by place, without the keys of texts, as one text that was
/// written once. To make an expression of each, and to write them all, is a tenth of the work of reading one task.
pub fn select() -> Select<Entity> {
    static SELECT: LazyLock<Select<Entity>> =
        LazyLock::new(|| Entity::find().select_only().expr(Expr::cust(row::columns("tasks", columns()))));
    SELECT.clone()
}

/// The columns that are read of a task, in the order in which they are: all but the keys that are searched.
pub fn columns() -> impl Iterator<Item = Column> {
    Column::iter().filter(|it| !matches!(it, Column::TitleKey | Column::DescriptionKey))
}

/// From [`columns`]. To look up each by its name takes a fifth of the time that a list takes.
impl FromRow for Model {
    fn read(row: &mut Columns<'_, impl RowColumns>) -> Result<Self, DbErr> {
        Ok(Self {
            number: row.value()?,
            id: row.value()?,
            owner_id: row.value()?,
            parent_id: row.value_if_any()?,
            list_id: row.value_if_any()?,
            title: row.value()?,
            description: row.value_if_any()?,
            completed: row.value()?,
            completed_at: row.value_if_any()?,
            priority: row.value()?,
            due_date: row.value_if_any()?,
            due_at: row.value_if_any()?,
            due_zone: row.value_if_any()?,
            position: row.value()?,
            revision: row.value()?,
            created_at: row.value()?,
            updated_at: row.value()?,
            deleted_at: row.value_if_any()?,
            title_key: String::new(),
            description_key: None,
            extra: row.value_if_any()?,
        })
    }
}

/// How urgent a task is, stored as a number so that the database can order by it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "i16", db_type = "SmallInteger")]
pub enum Priority {
    /// Whenever.
    #[sea_orm(num_value = 0)]
    Low,
    /// As usual.
    #[default]
    #[sea_orm(num_value = 1)]
    Medium,
    /// Soon.
    #[sea_orm(num_value = 2)]
    High,
    /// Now.
    #[sea_orm(num_value = 3)]
    Urgent,
}

impl FromColumn for Priority {
    fn from_column(row: &impl RowColumns, place: usize) -> Result<Option<Self>, DbErr> {
        row.at::<Option<_>>(place)?.map(|number| Self::try_from_value(&number)).transpose()
    }
}
