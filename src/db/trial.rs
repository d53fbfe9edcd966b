//! A transaction to try statements in: nothing of it stays, and on SQLite nothing of it reaches the disk.

use std::time::Duration;

use sea_orm::{ConnectionTrait, DbErr, QueryResult, Statement};
use sqlx::{ConnectOptions, Connection as _, Executor, Sqlite, SqliteConnection};

use super::{
    Connection, Db, Transaction,
    conflict::is_conflict,
    connect::failed,
    connection::{Backend, bound, results, sqlx_cause, unanswered},
    file,
};

/// How long what is tried waits for others.
const SQLITE_LOCK_TIMEOUT: Duration = Duration::from_millis(300);
const POSTGRES_LOCK_TIMEOUT: &str = "set local lock_timeout = '300ms'";

/// A transaction that is given up. SQLite's has a connection of its own: the pages that the writer's transaction touches
/// are written, whatever is undone of it.
#[derive(Debug)]
pub(crate) enum Trial {
    /// On SQLite.
    Sqlite { connection: Box<SqliteConnection>, reader: Connection },
    /// On PostgreSQL.
    Postgres(Transaction),
}

impl Db {
    /// Begins to try.
    pub(crate) async fn trial(&self) -> Result<Trial, DbErr> {
        let Backend::Writer { writer, .. } = &self.writer.backend else {
            let transaction = self.begin().await?;
            transaction.connection().execute_unprepared(POSTGRES_LOCK_TIMEOUT).await?;
            return Ok(Trial::Postgres(transaction));
        };
        let options = file::options(writer.options().get_filename()).busy_timeout(SQLITE_LOCK_TIMEOUT);
        let mut connection = options.pragma("temp_store", "memory").connect().await.map_err(failed)?;
        connection.execute("begin immediate").await.map_err(unanswered)?;
        Ok(Trial::Sqlite { connection: Box::new(connection), reader: self.reader.clone() })
    }
}

impl Trial {
    /// The rows of a statement.
    pub(crate) async fn query(&mut self, statement: &Statement) -> Result<Vec<QueryResult>, DbErr> {
        match self {
            Self::Sqlite { connection, reader } => {
                let statement = reader.fitted(statement.clone());
                results(bound::<Sqlite>(&statement).fetch_all(&mut **connection).await)
            }
            Self::Postgres(transaction) => transaction.connection().query_all_raw(statement.clone()).await,
        }
    }

    /// Undoes all of it.
    pub(crate) async fn end(self) {
        // A transaction that cannot be ended ends with its connection.
        match self {
            Self::Sqlite { mut connection, reader: _ } => {
                let _ = connection.execute("rollback").await;
                let _ = connection.close().await;
            }
            Self::Postgres(transaction) => drop(transaction.rollback().await),
        }
    }
}

/// What the database itself says against a statement, if it says anything.
pub(crate) fn objection(error: &DbErr) -> Option<String> {
    file::damage_of(error).or_else(|| Some(sqlx_cause(error)?.as_database_error()?.message().to_owned()))
}

/// How a database says that it does not reach another node of its cluster.
const OTHER_NODE_AWAY: &str = "08";

/// Whether others held up what was tried, or a part of the database is away without which it serves other users: then
/// it is known no better than before.
pub(crate) fn is_held_up(error: &DbErr) -> bool {
    let code = sqlx_cause(error).and_then(|it| it.as_database_error()).and_then(|it| it.code());
    let is_held_up =
        |code: &str| matches!(code, "55P03" | "57014" | "5" | "6" | "261" | "517") || code.starts_with(OTHER_NODE_AWAY);
    is_conflict(error) || code.is_some_and(|code| is_held_up(&code))
}
