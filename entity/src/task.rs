//! The `tasks` table.

use std::sync::LazyLock;

use sea_orm::{QuerySelect, entity::prelude::*, sea_query::Expr};

use crate::{
    id::{ListId, TaskId, UserId},
    row::{FromRow, RowColumns, first_columns},
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
    pub user_id: UserId,
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
    /// rows that are read by place.
    pub title_key: String,
    /// The description as it is searched; as `title_key` otherwise.
    pub description_key: Option<String>,
}

impl ActiveModelBehavior for ActiveModel {}

/// [`Entity::find`], but for the columns: those that are read by place, without the keys of texts, as one text that was
/// written once. To make an expression of each, and to write them all, is a tenth of the work of reading one task.
pub fn select() -> Select<Entity> {
    static SELECT: LazyLock<Select<Entity>> =
        LazyLock::new(|| Entity::find().select_only().expr(Expr::cust(first_columns::<Column>("tasks", COLUMN_COUNT))));
    SELECT.clone()
}

/// How many columns of a task are read: what a statement selects besides is behind them.
pub const COLUMN_COUNT: usize = 18;

/// As [`select`] selects it. To look up each column by its name takes a fifth of the time that a list takes.
impl FromRow for Model {
    fn read(row: &impl RowColumns) -> Result<Self, DbErr> {
        Ok(Self {
            number: row.at(0)?,
            id: TaskId(row.at(1)?),
            user_id: UserId(row.at(2)?),
            parent_id: row.at::<Option<_>>(3)?.map(TaskId),
            list_id: row.at::<Option<_>>(4)?.map(ListId),
            title: row.at(5)?,
            description: row.at(6)?,
            completed: row.at(7)?,
            completed_at: Micros::maybe_at(row, 8)?,
            priority: Priority::read(row, 9)?,
            due_date: row.at(10)?,
            due_at: Micros::maybe_at(row, 11)?,
            due_zone: row.at(12)?,
            position: row.at(13)?,
            revision: row.at(14)?,
            created_at: Micros::at(row, 15)?,
            updated_at: Micros::at(row, 16)?,
            deleted_at: Micros::maybe_at(row, 17)?,
            title_key: String::new(),
            description_key: None,
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

impl Priority {
    /// The priority in the column at that place.
    pub fn read(row: &impl RowColumns, place: usize) -> Result<Self, DbErr> {
        Self::try_from_value(&row.at(place)?)
    }
}
