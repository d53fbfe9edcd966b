//! Changing indexes on PostgreSQL while others write: each statement is by itself, and what was done of them may be done
//! again.

use sea_orm_migration::{
    SchemaManager, SchemaManagerConnection,
    sea_orm::{
        DbErr, RuntimeErr,
        sqlx::{self, AssertSqlSafe, PgConnection},
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
where indrelid = to_regclass('tasks') and not indisvalid";

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

/// Makes indexes of tasks, and then does the rest.
pub(crate) async fn change(manager: &SchemaManager<'_>, new: &[NewIndex], rest: &[String]) -> Result<(), DbErr> {
    let SchemaManagerConnection::Connection(database) = manager.get_connection() else {
        return Err(DbErr::Migration("indexes are made outside of transactions".into()));
    };
    let changed = async {
        // A connection of its own, whose limits are those of tables of any size.
        let mut connection = database.get_postgres_connection_pool().acquire().await?;
        let done = make_anew(&mut connection, new, rest).await;
        connection.close().await?;
        done
    };
    changed.await.map_err(|cause| DbErr::Exec(RuntimeErr::SqlxError(cause.into())))
}

/// Drops an index beside which others write.
pub(crate) fn drop_index(name: &str) -> String {
    format!("drop index concurrently if exists {name}")
}

async fn make_anew(connection: &mut PgConnection, new: &[NewIndex], rest: &[String]) -> Result<(), sqlx::Error> {
    sqlx::raw_sql("set statement_timeout = 0; set lock_timeout = 0").execute(&mut *connection).await?;
    let unfinished: Vec<String> = sqlx::query_scalar(UNFINISHED).fetch_all(&mut *connection).await?;
    let unfinished = unfinished.iter().filter(|it| new.iter().any(|index| index.name == *it));
    let makes =
        new.iter().map(|NewIndex { name, create, rest }| format!("{create} concurrently if not exists {name} {rest}"));
    for statement in unfinished.map(|name| drop_index(name)).chain(makes).chain(rest.iter().cloned()) {
        sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut *connection).await?;
    }
    Ok(())
}
