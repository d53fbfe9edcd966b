//! Changing indexes on PostgreSQL while others write: each statement is by itself, and what was done of them may be done
//! again.

use sea_orm_migration::{
    SchemaManager, SchemaManagerConnection,
    sea_orm::{
        DbErr, RuntimeErr,
        sqlx::{self, AssertSqlSafe, PgConnection, Postgres, pool::PoolConnection},
    },
};

/// An index to be made: its name, how it is made, and what it has.
pub(crate) struct NewIndex {
    pub(crate) name: &'static str,
    pub(crate) create: &'static str,
    pub(crate) rest: &'static str,
}

/// An index that was not made to its end stays, is written to, and helps nobody.
const UNFINISHED: &str = "
select relname::text from pg_index join pg_class on pg_class.oid = indexrelid
where pg_table_is_visible(indexrelid) and not indisvalid";

impl NewIndex {
    /// An index that others are not kept unique by.
    pub(crate) const fn plain(name: &'static str, rest: &'static str) -> Self {
        Self { name, create: "create index", rest }
    }

    /// Makes it where nobody else writes meanwhile.
    pub(crate) fn at_once(&self) -> String {
        format!("{} {} {};", self.create, self.name, self.rest)
    }
}

/// Makes indexes, and then does the rest.
pub(crate) async fn change(manager: &SchemaManager<'_>, new: &[NewIndex], rest: &[String]) -> Result<(), DbErr> {
    let mut connection = connect(manager).await?;
    let done = make_anew(&mut connection, new, rest).await;
    connection.close().await.map_err(failed)?;
    done.map_err(failed)
}

/// A connection of its own, whose limits are those of tables of any size. It is to be closed.
pub(crate) async fn connect(manager: &SchemaManager<'_>) -> Result<PoolConnection<Postgres>, DbErr> {
    let SchemaManagerConnection::Connection(database) = manager.get_connection() else {
        return Err(DbErr::Migration("indexes are made outside of transactions".into()));
    };
    let mut connection = database.get_postgres_connection_pool().acquire().await.map_err(failed)?;
    run(&mut connection, "set statement_timeout = 0; set lock_timeout = 0").await.map_err(failed)?;
    Ok(connection)
}

pub(crate) fn failed(cause: sqlx::Error) -> DbErr {
    DbErr::Exec(RuntimeErr::SqlxError(cause.into()))
}

/// Runs statements, of which several are one transaction.
pub(crate) async fn run(connection: &mut PgConnection, sql: impl Into<String>) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(AssertSqlSafe(sql.into())).execute(connection).await.map(drop)
}

/// Drops an index beside which others write.
pub(crate) fn drop_index(name: &str) -> String {
    format!("drop index concurrently if exists {name}")
}

/// Drops those of the indexes that were not made to their end.
pub(crate) async fn drop_unfinished(connection: &mut PgConnection, names: &[&str]) -> Result<(), sqlx::Error> {
    let unfinished: Vec<String> = sqlx::query_scalar(UNFINISHED).fetch_all(&mut *connection).await?;
    for name in unfinished.iter().filter(|it| names.contains(&it.as_str())) {
        run(connection, drop_index(name)).await?;
    }
    Ok(())
}

async fn make_anew(connection: &mut PgConnection, new: &[NewIndex], rest: &[String]) -> Result<(), sqlx::Error> {
    let names: Vec<&str> = new.iter().map(|it| it.name).collect();
    drop_unfinished(connection, &names).await?;
    let makes =
        new.iter().map(|NewIndex { name, create, rest }| format!("{create} concurrently if not exists {name} {rest}"));
    for statement in makes.chain(rest.iter().cloned()) {
        run(connection, statement).await?;
    }
    Ok(())
}
