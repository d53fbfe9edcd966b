//! Owners have numbers: eleven indexes of tasks repeat the owner, whose id has 32 characters. The numbers are random, so
//! that they tell nobody how many users there are.

mod postgres;
mod sqlite;

use sea_orm_migration::{prelude::*, sea_orm::DbBackend};

/// Makes `owners`, and puts its number in the place of the id in the six tables of a user's data.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if manager.get_database_backend() == DbBackend::Sqlite {
            return sqlite::up(manager).await;
        }
        postgres::up(manager).await
    }

    async fn down(&self, _: &SchemaManager) -> Result<(), DbErr> {
        Err(DbErr::Migration("ids of owners are never put back by a migration".into()))
    }

    /// On PostgreSQL each statement is by itself.
    fn use_transaction(&self) -> Option<bool> {
        Some(false)
    }
}

/// An index.
struct Index {
    name: &'static str,
    is_unique: bool,
    /// What it has.
    on: &'static str,
}

impl Index {
    const fn plain(name: &'static str, on: &'static str) -> Self {
        Self { name, is_unique: false, on }
    }

    const fn unique(name: &'static str, on: &'static str) -> Self {
        Self { name, is_unique: true, on }
    }

    const fn create(&self) -> &'static str {
        if self.is_unique { "create unique index" } else { "create index" }
    }
}

/// The indexes that begin with the owner and are no keys.
const INDEXES: [Index; 17] = [
    Index::plain("tasks_created", "tasks (owner_id, created_at, number) where deleted_at is null"),
    Index::plain("tasks_completed_created", "tasks (owner_id, completed, created_at, number) where deleted_at is null"),
    Index::plain("tasks_updated", "tasks (owner_id, updated_at, number) where deleted_at is null"),
    Index::plain("tasks_priority", "tasks (owner_id, priority, number) where deleted_at is null"),
    Index::plain("tasks_position", "tasks (owner_id, position, number)"),
    Index::unique("tasks_revision", "tasks (owner_id, revision)"),
    Index::plain("tasks_title", "tasks (owner_id, title_key, number) where deleted_at is null"),
    Index::plain(
        "tasks_completed_at",
        "tasks (owner_id, completed_at, number) where completed_at is not null and deleted_at is null",
    ),
    Index::plain("tasks_trash", "tasks (owner_id, deleted_at, number) where deleted_at is not null"),
    Index::plain(
        "tasks_list_position",
        "tasks (owner_id, list_id, position, number) where list_id is not null and deleted_at is null",
    ),
    Index::plain(
        "tasks_parent_position",
        "tasks (owner_id, parent_id, position, number) where parent_id is not null and deleted_at is null",
    ),
    Index::plain(
        "tasks_due_order",
        "tasks (owner_id, due_order, number) where due_order is not null and deleted_at is null",
    ),
    Index::plain("lists_position", "lists (owner_id, position) where deleted_at is null"),
    Index::unique("lists_revision", "lists (owner_id, revision)"),
    Index::unique("labels_folded", "labels (owner_id, name_key) where deleted_at is null"),
    Index::unique("labels_revision", "labels (owner_id, revision)"),
    Index::plain("task_labels_label", "task_labels (owner_id, label_id, task_id)"),
];
