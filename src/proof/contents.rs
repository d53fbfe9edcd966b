//! What is in the tables that keeps Docket from writing more: counters that are behind what they count, or used up. That
//! happens when a part of a database is restored.

use sea_orm::{DbBackend, DbErr, QueryResult};

use super::catalog::Catalog;

/// How many of the newest tasks are compared with the counters of their owners.
const SAMPLE: i64 = 100;

/// Where PostgreSQL takes the numbers of tasks from.
struct Sequence {
    name: String,
    last: i64,
    is_used_up: bool,
}

impl Catalog<'_> {
    /// What is in the tables and should not be, or is not and should be; all migrations are applied.
    pub(super) async fn contents(&self, backend: DbBackend) -> Result<Vec<String>, DbErr> {
        let (numbers, newest) = if backend == DbBackend::Sqlite {
            (self.numbers_of_sqlite().await?, Some(format!("order by number desc limit {SAMPLE}")))
        } else {
            match self.sequence().await? {
                Some(it) => (self.numbers(&it).await?, Some(format!("where number > {}", it.last - SAMPLE))),
                None => (None, None),
            }
        };
        let is_behind = match newest {
            Some(newest) => self.is_counter_behind(&newest).await?,
            None => false,
        };
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

    /// Whether the counter of one of these tasks' owners is.
    async fn is_counter_behind(&self, which: &str) -> Result<bool, DbErr> {
        let text = format!(
            "select count(*) from (select owner_id, revision from tasks {which}) as t \
             left join user_revisions as r on r.owner_id = t.owner_id where r.revision is null or r.revision < t.revision"
        );
        Ok(self.count(text).await? > 0)
    }

    /// The sequence on PostgreSQL, if Docket may look at it; on a cluster each node takes numbers from one of its own.
    async fn sequence(&self) -> Result<Option<Sequence>, DbErr> {
        // Whoever may not look at the sequence can still take numbers of it.
        let text = "select seqrelid::regclass::text, coalesce(pg_sequence_last_value(seqrelid), 0), \
                      coalesce(pg_sequence_last_value(seqrelid) >= seqmax, false) \
                    from pg_sequence where seqrelid = pg_get_serial_sequence('tasks', 'number')::regclass \
                      and (has_sequence_privilege(seqrelid, 'select') or has_sequence_privilege(seqrelid, 'usage')) \
                      and to_regclass('pg_dist_partition') is null";
        let rows = self.ask(text.to_owned()).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let (name, last, is_used_up) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?, row.try_get_by_index(2)?);
        Ok(Some(Sequence { name, last, is_used_up }))
    }

    /// Why PostgreSQL has no number for a new task.
    async fn numbers(&self, Sequence { name, last, is_used_up }: &Sequence) -> Result<Option<String>, DbErr> {
        // The number is a part of the text, which tells PostgreSQL that there are few tasks above it.
        let above = self.count(format!("select number from tasks where number > {last} limit 1")).await?;
        // Others go on creating tasks: the sequence has passed the number of each that is seen.
        let is_behind = above > 0 && self.sequence().await?.is_some_and(|now| now.last < above);
        Ok(if is_behind {
            let mend = format!("select setval('{name}', (select max(number) from tasks))");
            Some(format!("the sequence {name} is behind the numbers of the tasks that there are: {mend}"))
        } else {
            is_used_up.then(|| format!("the sequence {name} has no more numbers for tasks"))
        })
    }

    /// Why SQLite has no number for a new task.
    async fn numbers_of_sqlite(&self) -> Result<Option<String>, DbErr> {
        let used_up = format!("select count(*) from sqlite_sequence where name = 'tasks' and seq >= {}", i64::MAX);
        let is_used_up = self.count(used_up).await? > 0;
        Ok(is_used_up.then(|| "the table sqlite_sequence has no more numbers for tasks".to_owned()))
    }

    /// The number that a statement answers, 0 without one.
    async fn count(&self, text: String) -> Result<i64, DbErr> {
        let rows = self.ask(text).await?;
        rows.first().map_or(Ok(0), |row: &QueryResult| row.try_get_by_index(0))
    }
}
