//! How connections to PostgreSQL are set up: with what statements rely on, whatever the server, the database or the role
//! has for it. It goes with the start of a connection, or follows it as statements where a pooler takes nothing there.

use std::{str::FromStr, sync::Arc};

use sea_orm::{DbErr, RuntimeErr};
use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, Executor, PgConnection, Row,
    postgres::{PgConnectOptions, PgPool, PgPoolOptions},
};

use super::connect::failed;
use crate::config::Postgres;

/// What PostgreSQL is told.
const SETTINGS: [(&str, &str); 8] = [
    // How long it works on one statement.
    ("statement_timeout", "3s"),
    // How long it waits for a row or table lock.
    ("lock_timeout", "2s"),
    // How long it keeps a transaction that does nothing.
    ("idle_in_transaction_session_timeout", "10s"),
    // What it takes a page by itself to cost, where one after the other costs 1. With its own 4 it reads a table that it
    // has no statistics of yet by any of the indexes, and sorts.
    ("random_page_cost", "1.1"),
    ("default_transaction_isolation", "read committed"),
    ("default_transaction_deferrable", "off"),
    ("standard_conforming_strings", "on"),
    // By this it is seen whether the others are there too.
    ("docket.session", "on"),
];
/// What PgBouncer says of a parameter that it was not told to ignore.
const REFUSED: &str = "unsupported startup parameter";

/// How connections are made.
#[derive(Clone, Debug)]
pub(super) struct Session {
    plain: PgConnectOptions,
    settings: Vec<(&'static str, &'static str)>,
    /// Whether the settings follow as statements.
    is_after_start: bool,
}

impl Session {
    /// Connections to that server.
    pub(super) fn new(server: &Postgres) -> Result<Self, DbErr> {
        let plain = PgConnectOptions::from_str(server.url.reveal()).map_err(failed)?;
        Ok(Self { plain: plain.disable_statement_logging(), settings: SETTINGS.to_vec(), is_after_start: false })
    }

    /// The same with one more setting.
    pub(super) fn with(mut self, name: &'static str, value: &'static str) -> Self {
        self.settings.push((name, value));
        self
    }

    /// The same to another server.
    pub(super) fn to(self, server: &Postgres) -> Result<Self, DbErr> {
        let Self { settings, is_after_start, .. } = self;
        let session = Self { settings, ..Self::new(server)? };
        Ok(if is_after_start { session.after_start() } else { session })
    }

    /// The same for a pooler that takes no settings at the start.
    pub(super) fn after_start(self) -> Self {
        Self { plain: self.plain.extra_float_digits(None), is_after_start: true, ..self }
    }

    /// Whether it is for such a pooler.
    pub(super) fn is_after_start(&self) -> bool {
        self.is_after_start
    }

    fn options(&self) -> PgConnectOptions {
        if self.is_after_start { self.plain.clone() } else { self.plain.clone().options(self.settings.clone()) }
    }

    /// The statements that follow the start.
    fn statements(&self) -> Option<Arc<str>> {
        let set = |(name, value): &(&str, &str)| format!("set {name} = '{value}'; ");
        self.is_after_start.then(|| self.settings.iter().map(set).collect::<String>().into())
    }

    /// A connection.
    pub(super) async fn connect(&self) -> Result<PgConnection, sqlx::Error> {
        let mut connection = PgConnection::connect_with(&self.options()).await?;
        if let Some(statements) = self.statements() {
            connection.execute(AssertSqlSafe(&*statements)).await?;
        }
        Ok(connection)
    }

    /// A pool of connections, the first of which is made now.
    pub(super) async fn pool(&self, pool: PgPoolOptions) -> Result<PgPool, sqlx::Error> {
        self.set_up(pool).connect_with(self.options()).await
    }

    /// A pool of connections that are made when they are needed.
    pub(super) fn lazy_pool(&self, pool: PgPoolOptions) -> PgPool {
        self.set_up(pool).connect_lazy_with(self.options())
    }

    fn set_up(&self, pool: PgPoolOptions) -> PgPoolOptions {
        let Some(statements) = self.statements() else { return pool };
        pool.after_connect(move |connection, _| {
            let statements = Arc::clone(&statements);
            Box::pin(async move { connection.execute(AssertSqlSafe(&*statements)).await.map(drop) })
        })
    }

    /// Refuses a pooler that gives each transaction another connection: prepared statements and settings would be those
    /// of others.
    pub(super) async fn check_pooler(&self, server: &Postgres) -> Result<(), DbErr> {
        if !self.is_after_start {
            return Ok(());
        }
        let (mut one, mut other) = (self.connect().await.map_err(failed)?, self.connect().await.map_err(failed)?);
        // The other one keeps the connection that both would share.
        other.execute("begin").await.map_err(failed)?;
        let text = "select coalesce(current_setting('docket.session', true), '') = 'on'";
        let row = sqlx::raw_sql(text).fetch_one(&mut one).await.map_err(failed)?;
        let keeps_settings: bool = row.try_get::<bool, _>(0).map_err(failed)?;
        for connection in [one, other] {
            // One that cannot say goodbye is gone.
            let _ = connection.close().await;
        }
        if keeps_settings {
            return Ok(());
        }
        let cause = format!(
            "DATABASE_URL: {} is a pooler in transaction mode, which keeps no prepared statements: use its session mode, \
             or PgBouncer 1.21 or later with the settings of deploy/pgbouncer.ini",
            server.address
        );
        Err(DbErr::Conn(RuntimeErr::Internal(cause)))
    }
}

/// Whether a pooler refused the settings.
pub(super) fn is_refused_at_start(cause: &sqlx::Error) -> bool {
    cause.as_database_error().is_some_and(|cause| cause.message().starts_with(REFUSED))
}
