//! What is in the tables that keeps Docket from writing more: counters that are behind what they count, or used up. That
//! happens when a part of a database is restored.

use sea_orm::{DbBackend, DbErr, QueryResult};

use super::catalog::Catalog;

/// How many of the newest tasks are compared with the counters of their owners.
const SAMPLE: u32 = 100;

impl Catalog<'_> {
    /// What is in the tables and should not be, or is not and should be; all migrations are applied.
    pub(super) async fn contents(&self, backend: DbBackend) -> Result<Vec<String>, DbErr> {
        let numbers =
            if backend == DbBackend::Sqlite { self.numbers_of_sqlite().await? } else { self.numbers().await? };
        let counters = format!(
            "select count(*) from (select user_id, revision from tasks order by number desc limit {SAMPLE}) as t \
             left join user_revisions as r on r.user_id = t.user_id where r.revision is null or r.revision < t.revision"
        );
        let is_behind = self.count(counters).await? > 0;
        let has_epoch = self.count("select count(*) from database_epochs".to_owned()).await? > 0;
        let lack = |is_so: bool, what: &str| is_so.then(|| what.to_owned());
        Ok([
            numbers,
            lack(is_behind, "the table user_revisions is behind the table tasks: restore both from the same backup"),
            lack(!has_epoch, "the table database_epochs has no row: restore it from the backup that the others are of"),
        ]
        .into_iter()
        .flatten()
        .collect())
    }

    /// Why PostgreSQL has no number for a new task.
    async fn numbers(&self) -> Result<Option<String>, DbErr> {
        // Whoever may not look at the sequence can still take numbers of it.
        let text = "with s as (select seqrelid, seqmax from pg_sequence \
                      where seqrelid = pg_get_serial_sequence('tasks', 'number')::regclass), \
                    n as (select seqrelid, seqmax, \
                      case when has_sequence_privilege(seqrelid, 'select') or has_sequence_privilege(seqrelid, 'usage') \
                        then coalesce(pg_sequence_last_value(seqrelid), 0) end as last from s) \
                    select last < coalesce((select max(number) from tasks), 0), last >= seqmax, seqrelid::regclass::text \
                    from n where last is not null";
        let rows = self.ask(text.to_owned()).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let (is_behind, is_used_up): (bool, bool) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        let sequence: String = row.try_get_by_index(2)?;
        Ok(if is_behind {
            let mend = format!("select setval('{sequence}', (select max(number) from tasks))");
            Some(format!("the sequence {sequence} is behind the numbers of the tasks that there are: {mend}"))
        } else if is_used_up {
            Some(format!("the sequence {sequence} has no more numbers for tasks"))
        } else {
            None
        })
    }

    /// Why SQLite has no number for a new task.
    async fn numbers_of_sqlite(&self) -> Result<Option<String>, DbErr> {
        let used_up = format!("select count(*) from sqlite_sequence where name = 'tasks' and seq >= {}", i64::MAX);
        let is_used_up = self.count(used_up).await? > 0;
        Ok(is_used_up.then(|| "the table sqlite_sequence has no more numbers for tasks".to_owned()))
    }

    async fn count(&self, text: String) -> Result<i64, DbErr> {
        let rows = self.ask(text).await?;
        rows.first().map_or(Ok(0), |row: &QueryResult| row.try_get_by_index(0))
    }
}
