//! How the database schema came to be, oldest first. Migrations outlive entities, so they know none;
//! how text is compared they take from `entity::text`.

pub use sea_orm_migration::MigratorTrait;
use sea_orm_migration::{prelude::*, sea_orm};

mod m2026_11_24_000001_auth_tables;
mod m2026_11_24_000002_tasks;
mod m2026_11_25_000003_lists_and_labels;
mod m2026_11_29_000004_expiry_indexes;
mod m2026_11_29_000005_text_keys;
mod m2026_11_29_000006_links_of_users;
mod m2026_11_29_000007_plain_names;
mod m2026_11_30_000008_unseen_characters;
mod m2026_11_30_000009_database_epochs;
mod m2026_11_30_000010_completion_times;
mod m2026_11_30_000011_trash;
mod m2026_11_30_000012_extra_fields;
mod m2026_12_01_000013_fewer_indexes;
mod m2026_12_01_000014_numbers_of_owners;
mod m2026_12_01_000015_timelines;
mod m2026_12_01_000016_owners;
mod online;

/// All migrations, in order.
#[derive(Debug)]
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m2026_11_24_000001_auth_tables::Migration),
            Box::new(m2026_11_24_000002_tasks::Migration),
            Box::new(m2026_11_25_000003_lists_and_labels::Migration),
            Box::new(m2026_11_29_000004_expiry_indexes::Migration),
            Box::new(m2026_11_29_000005_text_keys::Migration),
            Box::new(m2026_11_29_000006_links_of_users::Migration),
            Box::new(m2026_11_29_000007_plain_names::Migration),
            Box::new(m2026_11_30_000008_unseen_characters::Migration),
            Box::new(m2026_11_30_000009_database_epochs::Migration),
            Box::new(m2026_11_30_000010_completion_times::Migration),
            Box::new(m2026_11_30_000011_trash::Migration),
            Box::new(m2026_11_30_000012_extra_fields::Migration),
            Box::new(m2026_12_01_000013_fewer_indexes::Migration),
            Box::new(m2026_12_01_000014_numbers_of_owners::Migration),
            Box::new(m2026_12_01_000015_timelines::Migration),
            Box::new(m2026_12_01_000016_owners::Migration),
        ]
    }
}

/// The statements of a migration that is about Better Auth's tables: who has these under other names runs them fitted to
/// the names, in place of the migration.
pub fn of_auth_tables(migration: &str, backend: sea_orm::DbBackend) -> Option<&'static str> {
    let all = [
        (m2026_11_24_000001_auth_tables::Migration.name(), m2026_11_24_000001_auth_tables::STATEMENTS),
        (m2026_11_29_000004_expiry_indexes::Migration.name(), m2026_11_29_000004_expiry_indexes::STATEMENTS),
        (m2026_11_29_000006_links_of_users::Migration.name(), m2026_11_29_000006_links_of_users::STATEMENTS),
    ];
    let (_, [sqlite, postgres]) = all.into_iter().find(|(name, _)| *name == migration)?;
    Some(if backend == sea_orm::DbBackend::Sqlite { sqlite } else { postgres })
}

/// Whether a migration finds out itself how far it came, and is done again where only its row is missing.
pub fn is_done_again(migration: &str, backend: sea_orm::DbBackend) -> bool {
    backend != sea_orm::DbBackend::Sqlite && migration == m2026_12_01_000016_owners::Migration.name()
}

/// Runs the statements that fit the database at hand.
async fn execute(manager: &SchemaManager<'_>, sqlite: &str, postgres: &str) -> Result<(), DbErr> {
    let statements = match manager.get_database_backend() {
        sea_orm::DbBackend::Sqlite => sqlite,
        _ => postgres,
    };
    manager.get_connection().execute_unprepared(statements).await.map(drop)
}
