//! How large a database is, and about how many rows a table has.

use sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement};

use super::Db;

impl Db {
    /// Its name and version, such as `SQLite 3.51.0`.
    pub async fn version(&self) -> Result<String, DbErr> {
        let text = match self.backend() {
            DbBackend::Sqlite => "select 'SQLite ' || sqlite_version()",
            _ => "select 'PostgreSQL ' || current_setting('server_version')",
        };
        let row = self.reader().query_one_raw(Statement::from_string(self.backend(), text)).await?;
        row.map_or(Ok(String::new()), |row| row.try_get_by_index(0))
    }

    /// How many bytes it takes on the disk: SQLite's file without its log, PostgreSQL's tables and indexes.
    pub async fn bytes(&self) -> Result<i64, DbErr> {
        let text = match self.backend() {
            DbBackend::Sqlite => "select page_count * page_size from pragma_page_count(), pragma_page_size()",
            _ => "select pg_database_size(current_database())",
        };
        let row = self.reader().query_one_raw(Statement::from_string(self.backend(), text)).await?;
        row.map_or(Ok(0), |row| row.try_get_by_index(0))
    }

    /// About how many rows a table has, as PostgreSQL knows it since it last looked; nothing if it never has, and on
    /// SQLite.
    pub async fn estimated_rows(&self, table: &str) -> Result<Option<i64>, DbErr> {
        if self.backend() == DbBackend::Sqlite {
            return Ok(None);
        }
        let text = "select reltuples::bigint from pg_class where oid = to_regclass(quote_ident($1)) and reltuples >= 0";
        let statement = Statement::from_sql_and_values(self.backend(), text, [table.into()]);
        let row = self.reader().query_one_raw(statement).await?;
        row.map(|row| row.try_get_by_index(0)).transpose()
    }
}
