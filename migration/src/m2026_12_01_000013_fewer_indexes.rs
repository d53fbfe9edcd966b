//! Fewer and smaller indexes of tasks: most tasks are in no list, are no subtasks and are not due, and need not be where
//! such tasks are looked for.

use sea_orm_migration::{
    prelude::*,
    sea_orm::{
        DbBackend, RuntimeErr,
        sqlx::{self, AssertSqlSafe, PgConnection},
    },
};

/// Makes the indexes of lists, subtasks and due dates anew, of the tasks that have those.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if manager.get_database_backend() == DbBackend::Sqlite {
            let statements = NEW.iter().map(|(name, rest)| format!("create index {name} {rest};"));
            let statements: String = statements.chain(OLD.iter().map(|name| format!("drop index {name};"))).collect();
            return manager.get_connection().execute_unprepared(&statements).await.map(drop);
        }
        on_postgres(manager).await.map_err(|cause| DbErr::Exec(RuntimeErr::SqlxError(cause.into())))
    }

    async fn down(&self, _: &SchemaManager) -> Result<(), DbErr> {
        Err(DbErr::Migration("indexes are never made as before by a migration".into()))
    }

    /// On PostgreSQL each statement is by itself, beside which others write; what was done of them may be done again.
    fn use_transaction(&self) -> Option<bool> {
        Some(false)
    }
}

/// The new indexes: their names, and what they have.
const NEW: [(&str, &str); 3] = [
    (
        "tasks_list_position",
        "on tasks (user_id, list_id, position, number) where list_id is not null and deleted_at is null",
    ),
    (
        "tasks_parent_position",
        "on tasks (user_id, parent_id, position, number) where parent_id is not null and deleted_at is null",
    ),
    ("tasks_due_order", "on tasks (user_id, due_order, number) where due_order is not null and deleted_at is null"),
];
/// The indexes of before, which have all tasks.
const OLD: [&str; 4] = ["tasks_list", "tasks_parent", "tasks_due", "tasks_due_desc"];

/// An index that was not made to its end stays, is written to, and helps nobody.
const UNFINISHED: &str = "
select relname::text from pg_index join pg_class on pg_class.oid = indexrelid
where indrelid = to_regclass('tasks') and not indisvalid";

async fn on_postgres(manager: &SchemaManager<'_>) -> Result<(), sqlx::Error> {
    let SchemaManagerConnection::Connection(database) = manager.get_connection() else {
        return Err(sqlx::Error::Protocol("indexes are made outside of transactions".into()));
    };
    // A connection of its own, whose limits are those of tables of any size.
    let mut connection = database.get_postgres_connection_pool().acquire().await?;
    let done = make_anew(&mut connection).await;
    connection.close().await?;
    done
}

async fn make_anew(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::raw_sql("set statement_timeout = 0; set lock_timeout = 0").execute(&mut *connection).await?;
    let unfinished: Vec<String> = sqlx::query_scalar(UNFINISHED).fetch_all(&mut *connection).await?;
    let drops = |name: &str| format!("drop index concurrently if exists {name}");
    let unfinished = unfinished.iter().filter(|it| NEW.iter().any(|(name, _)| name == it)).map(|name| drops(name));
    let makes = NEW.iter().map(|(name, rest)| format!("create index concurrently if not exists {name} {rest}"));
    for statement in unfinished.chain(makes).chain(OLD.iter().map(|name| drops(name))) {
        sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut *connection).await?;
    }
    Ok(())
}
