//! The epoch of the database, by which sync tokens of before a restored backup are known as such. Its end is a mark of
//! where the database is: what was restored is elsewhere, and gets an epoch of its own at the next start.

use sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement, Value};
use sha2::{Digest, Sha256};

use super::{Db, file};

/// How many hexadecimal digits an epoch has, and how many of them are the mark.
const DIGITS: usize = 24;
const DIGITS_OF_MARK: usize = 8;

const EPOCH: &str = "select epoch from database_epochs";
/// How PostgreSQL says that there is none.
const NO_SUCH_TABLE: &str = "42P01";

impl Db {
    /// Gives the database another epoch if it is not where it was when it got the one that it has: a file that was put in
    /// the place of another, or tables that were made anew.
    pub(crate) async fn keep_epoch(&self) -> Result<(), DbErr> {
        let mark = self.mark().await?;
        let select = Statement::from_string(self.backend(), EPOCH);
        let Some(row) = self.reader.query_one_raw(select).await? else { return Ok(()) };
        let epoch: String = row.try_get_by_index(0)?;
        if epoch.len() == DIGITS && epoch.ends_with(&mark) {
            return Ok(());
        }
        let random = format!("{:016x}", rand::random::<u64>());
        let text = match self.backend() {
            DbBackend::Sqlite => "update database_epochs set epoch = ? where epoch = ?",
            _ => "update database_epochs set epoch = $1 where epoch = $2",
        };
        let values: [Value; 2] = [format!("{random}{mark}").into(), epoch.into()];
        let update = Statement::from_sql_and_values(self.backend(), text, values);
        self.writer.execute_raw(update).await.map(drop)
    }

    /// Why no notification of other instances would come, if it is because they are sent elsewhere. An address that does
    /// not answer is none of that.
    pub(crate) async fn listening_obstacle(&self) -> Result<Option<&'static str>, DbErr> {
        let Some(pool) = self.writer.listening().filter(|_| self.listens_apart) else { return Ok(None) };
        let there = sqlx::query_scalar::<_, String>(EPOCH).fetch_optional(pool).await;
        let here = self.reader.query_one_raw(Statement::from_string(self.backend(), EPOCH)).await?;
        let here: Option<String> = here.map(|row| row.try_get_by_index(0)).transpose()?;
        let is_elsewhere = match there {
            Ok(there) => there != here,
            Err(sqlx::Error::Database(cause)) => cause.code().is_some_and(|it| it == NO_SUCH_TABLE),
            Err(_) => false,
        };
        Ok(is_elsewhere.then_some("DATABASE_LISTEN_URL leads to another database than DATABASE_URL"))
    }

    /// What is another text in another place.
    async fn mark(&self) -> Result<String, DbErr> {
        let place = match self.path() {
            Some(path) => format!("{:?}", file::identity(path)),
            None => {
                let text = "select concat('database_epochs'::regclass::oid, ' ', oid) from pg_database \
                            where datname = current_database()";
                let row = self.reader.query_one_raw(Statement::from_string(self.backend(), text)).await?;
                row.map_or(Ok(String::new()), |row| row.try_get_by_index(0))?
            }
        };
        let mark = hex::encode(Sha256::digest(place));
        Ok(mark[..DIGITS_OF_MARK].to_owned())
    }
}
