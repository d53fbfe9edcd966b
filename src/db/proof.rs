//! Proof that Docket can do its work on a database: the tables have the columns that statements need, rows can be written
//! and read back, and the server is set up as statements rely on. Nothing that is tried stays. The start, readiness and
//! `docket doctor` ask for the same proof.

mod shape;

use std::{collections::BTreeMap, path::Path, time::Duration};

use migration::{Migrator, MigratorTrait};
use sea_orm::{ConnectionTrait, DbBackend, DbErr, QueryResult, RuntimeErr, Statement};
use sqlx::{ConnectOptions, Connection as _, Executor};
use tokio::time;

use self::shape::{Found, FoundTable, tables};
use super::{Connection, Db, connect::failed, connection::Backend, file};

/// Since which migration Docket has tables of its own: the first makes those of Better Auth.
const FIRST_OF_OUR_OWN: usize = 1;
/// How long others may hold up what is tried until that counts as a proof that writing works.
const LOCK_TIMEOUT: Duration = Duration::from_millis(300);
/// How many rows of each table of SQLite's are looked at.
const SAMPLE_ROWS: u32 = 20;
/// How many bytes a disk must have left for SQLite's log and what grows beside it.
const MIN_DISK_BYTES: u64 = 1 << 20;
/// What statements rely on to be there once.
const UNIQUE: [(&str, &str); 3] = [("user", "email"), ("session", "token"), ("rateLimit", "key")];
const RIGHTS: [&str; 4] = ["select", "insert", "update", "delete"];

impl Db {
    /// What keeps Docket from working on this database, a sentence each, without any value; nothing if it can work. An
    /// error means that the database cannot be asked.
    pub async fn obstacles(&self) -> Result<Vec<String>, DbErr> {
        let mut obstacles = self.reader.obstacles().await?;
        if obstacles.is_empty() {
            obstacles.extend(match &self.writer.backend {
                Backend::Writer { writer, .. } => write_sqlite(writer.options().get_filename()).await?,
                _ => self.write_postgres().await?,
            });
        }
        Ok(obstacles)
    }

    /// Makes a row in a transaction that is given up.
    async fn write_postgres(&self) -> Result<Option<String>, DbErr> {
        if !self.reader.has_owners().await? {
            return Ok(None);
        }
        let written = async {
            let transaction = self.begin().await?;
            let connection = transaction.connection();
            let probe =
                "insert into user_revisions (user_id) values ('docket-probe-' || gen_random_uuid()) returning user_id";
            connection.query_all_raw(Statement::from_string(DbBackend::Postgres, probe)).await.map(|rows| rows.len())
        };
        // What waits longer waits for others.
        let Ok(written) = time::timeout(LOCK_TIMEOUT, written).await else { return Ok(None) };
        match written {
            Ok(1) => Ok(None),
            Ok(_) => Ok(Some("a row of the table user_revisions cannot be read back".to_owned())),
            Err(error) if is_held_up(&error) => Ok(None),
            Err(error) => said(&error).map(Some).ok_or(error),
        }
    }
}

impl Connection {
    /// What can be seen without writing.
    pub(super) async fn obstacles(&self) -> Result<Vec<String>, DbErr> {
        let is_sqlite = self.get_database_backend() == DbBackend::Sqlite;
        let mut obstacles = if is_sqlite { Vec::new() } else { self.settings().await? };
        let found = self.found().await?;
        let applied = self.applied(&found).await?;
        let known = Migrator::migrations();
        let is_applied = |place: usize| known.get(place).is_none_or(|it| applied.iter().any(|name| name == it.name()));
        let is_current = (0..known.len()).all(is_applied);
        for table in tables() {
            let differences = match found.get(&table.name) {
                Some(found) => table.differences(self.get_database_backend(), found),
                None if is_current => vec![format!("the table {} is missing", table.name)],
                None => Vec::new(),
            };
            if table.is_own && !is_current {
                // It may be an older one, which migrations bring up to date.
                if !differences.is_empty() && !is_applied(FIRST_OF_OUR_OWN) {
                    obstacles.push(format!(
                        "the table {} is there already and not Docket's: give Docket a database of its own in \
                         DATABASE_URL, or rename that table",
                        table.name
                    ));
                }
            } else {
                obstacles.extend(differences);
            }
        }
        if obstacles.is_empty() {
            obstacles = self.unique(&found).await?;
            obstacles.extend(if is_sqlite { self.forms(&found).await? } else { self.rights(&found).await? });
        }
        Ok(obstacles)
    }

    async fn has_owners(&self) -> Result<bool, DbErr> {
        Ok(!self.ask("select 1 where to_regclass('user_revisions') is not null".to_owned()).await?.is_empty())
    }

    async fn applied(&self, found: &BTreeMap<String, FoundTable>) -> Result<Vec<String>, DbErr> {
        if !found.contains_key("seaql_migrations") {
            return Ok(Vec::new());
        }
        let rows = self.ask("select version from seaql_migrations".to_owned()).await?;
        rows.iter().map(|row| row.try_get_by_index(0)).collect()
    }

    /// What PostgreSQL, the role or a pooler sets otherwise than statements rely on.
    async fn settings(&self) -> Result<Vec<String>, DbErr> {
        let rows = self
            .ask(
                "select current_setting('server_encoding'), current_setting('transaction_isolation'), \
                 current_setting('transaction_read_only'), pg_is_in_recovery()"
                    .to_owned(),
            )
            .await?;
        let Some(row) = rows.first() else { return Ok(Vec::new()) };
        let mut obstacles = Vec::new();
        let encoding: String = row.try_get_by_index(0)?;
        if encoding != "UTF8" {
            obstacles.push(format!("the database's encoding is {encoding}; make one with encoding 'UTF8'"));
        }
        let isolation: String = row.try_get_by_index(1)?;
        if isolation != "read committed" {
            obstacles.push(format!(
                "default_transaction_isolation is {isolation}, and a pooler keeps Docket from setting it: set it to \
                 'read committed' for Docket's role (alter role … set …)"
            ));
        }
        if row.try_get_by_index::<bool>(3)? {
            obstacles.push("the server of DATABASE_URL is a standby, which is read-only".to_owned());
        } else if row.try_get_by_index::<String>(2)? == "on" {
            obstacles.push("default_transaction_read_only is on for Docket's role or database".to_owned());
        }
        Ok(obstacles)
    }

    /// What Docket's role may not do with the tables.
    async fn rights(&self, found: &BTreeMap<String, FoundTable>) -> Result<Vec<String>, DbErr> {
        let names = tables().into_iter().filter(|it| found.contains_key(&it.name)).map(|it| it.name);
        let (names, rights) = (rows_of(names), rows_of(RIGHTS.into_iter().map(str::to_owned)));
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let rows = self
            .ask(format!(
                "select name, privilege from (values {names}) as t (name), (values {rights}) as r (privilege) \
                 where not has_table_privilege(to_regclass(quote_ident(name))::oid, privilege)"
            ))
            .await?;
        let missing = |row: &QueryResult| {
            let (name, right): (String, String) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
            Ok(format!("Docket's role has no right to {right} in the table {name}"))
        };
        rows.iter().map(missing).collect()
    }

    /// Columns whose values statements rely on to be unique, and that are not.
    async fn unique(&self, found: &BTreeMap<String, FoundTable>) -> Result<Vec<String>, DbErr> {
        let mut obstacles = Vec::new();
        for (table, column) in UNIQUE.into_iter().filter(|(table, _)| found.contains_key(*table)) {
            let text = match self.get_database_backend() {
                DbBackend::Sqlite => format!(
                    "select 1 from pragma_index_list('{table}') as l join pragma_index_info(l.name) as c \
                     where l.\"unique\" and not l.partial and c.name = '{column}' \
                     and (select count(*) from pragma_index_info(l.name)) = 1"
                ),
                _ => format!(
                    "select 1 from pg_index as i join pg_attribute as a \
                     on a.attrelid = i.indrelid and a.attnum = i.indkey[0] \
                     where i.indrelid = to_regclass(quote_ident('{table}')) and i.indisunique and i.indnkeyatts = 1 \
                     and i.indpred is null and a.attname = '{column}'"
                ),
            };
            if self.ask(text).await?.is_empty() {
                obstacles.push(format!("the column {column} of the table {table} must be unique"));
            }
        }
        Ok(obstacles)
    }

    /// Instants in SQLite's tables that are in another form than text.
    async fn forms(&self, found: &BTreeMap<String, FoundTable>) -> Result<Vec<String>, DbErr> {
        let mut looks = Vec::new();
        for table in tables().iter().filter(|it| !it.is_own && found.contains_key(&it.name)) {
            let name = &table.name;
            looks.extend(table.instants().map(|column| {
                format!(
                    "select '{name}', '{column}', kind from (select typeof(\"{column}\") as kind from \"{name}\" \
                     order by rowid desc limit {SAMPLE_ROWS}) where kind in ('integer', 'real')"
                )
            }));
        }
        if looks.is_empty() {
            return Ok(Vec::new());
        }
        let wrong = |row: &QueryResult| {
            let (table, column, kind): (String, String, String) =
                (row.try_get_by_index(0)?, row.try_get_by_index(1)?, row.try_get_by_index(2)?);
            Ok(format!("the column {column} of the table {table} has times as {kind}; they must be ISO 8601 texts"))
        };
        self.ask(looks.join(" union ")).await?.iter().map(wrong).collect()
    }

    /// The tables that there are, as statements find them.
    async fn found(&self) -> Result<BTreeMap<String, FoundTable>, DbErr> {
        let names = tables().into_iter().map(|it| it.name).chain(["seaql_migrations".to_owned()]);
        let names = rows_of(names);
        let text = match self.get_database_backend() {
            DbBackend::Sqlite => format!(
                "select t.column1, c.name, c.type, not c.\"notnull\" and not c.pk, \
                 c.dflt_value is not null or c.hidden > 1 \
                 from (values {names}) as t join pragma_table_xinfo(t.column1) as c"
            ),
            _ => format!(
                "select t.name, a.attname::text, format_type(a.atttypid, null), not a.attnotnull, \
                 a.atthasdef or a.attidentity <> '' \
                 from (values {names}) as t (name) join pg_attribute as a \
                 on a.attrelid = to_regclass(quote_ident(t.name)) and a.attnum > 0 and not a.attisdropped"
            ),
        };
        let mut found: BTreeMap<String, FoundTable> = BTreeMap::new();
        for row in self.ask(text).await? {
            let column = Found {
                kind: row.try_get_by_index(2)?,
                may_be_null: row.try_get_by_index(3)?,
                has_default: row.try_get_by_index(4)?,
            };
            found.entry(row.try_get_by_index(0)?).or_default().insert(row.try_get_by_index(1)?, column);
        }
        Ok(found)
    }

    async fn ask(&self, text: String) -> Result<Vec<QueryResult>, DbErr> {
        self.query_all_raw(Statement::from_string(self.get_database_backend(), text)).await
    }
}

/// Names as the rows of a `values`.
fn rows_of(names: impl Iterator<Item = String>) -> String {
    names.map(|name| format!("('{name}')")).collect::<Vec<_>>().join(", ")
}

/// Makes a row, reads it and gives it up, over a connection of its own: nothing goes to the disk.
async fn write_sqlite(path: &Path) -> Result<Option<String>, DbErr> {
    let options = file::options(path).busy_timeout(LOCK_TIMEOUT);
    let mut connection = options.connect().await.map_err(failed)?;
    let written = async {
        connection.execute("begin immediate").await?;
        let is_there = "select count(*) from sqlite_master where name = 'user_revisions'";
        if sqlx::query_scalar::<_, i64>(is_there).fetch_one(&mut connection).await? > 0 {
            connection.execute("insert into user_revisions (user_id) values ('docket-probe')").await?;
            let read = "select user_id from user_revisions where user_id = 'docket-probe'";
            sqlx::query_scalar::<_, String>(read).fetch_one(&mut connection).await?;
        }
        connection.execute("rollback").await.map(drop)
    }
    .await;
    // A transaction that is still open ends with its connection.
    let _ = connection.close().await;
    let written = written.map_err(|cause| DbErr::Query(RuntimeErr::SqlxError(cause.into())));
    match written {
        Ok(()) => Ok(is_full(path).then(|| format!("the disk of {} is full", path.display()))),
        Err(error) if is_held_up(&error) => Ok(None),
        Err(error) => said(&error).map(|cause| Some(format!("{}: {cause}", path.display()))).ok_or(error),
    }
}

/// Whether the disk has next to nothing left.
fn is_full(path: &Path) -> bool {
    rustix::fs::statvfs(path).is_ok_and(|disk| disk.f_bavail.saturating_mul(disk.f_frsize) < MIN_DISK_BYTES)
}

/// What the database itself says against writing.
fn said(error: &DbErr) -> Option<String> {
    let (DbErr::Exec(RuntimeErr::SqlxError(cause)) | DbErr::Query(RuntimeErr::SqlxError(cause))) = error else {
        return None;
    };
    let cause = cause.as_database_error()?;
    Some(format!("nothing can be written: {}", cause.message()))
}

/// Whether others held up what was tried, so that it is known no better than before.
fn is_held_up(error: &DbErr) -> bool {
    let (DbErr::Exec(RuntimeErr::SqlxError(cause)) | DbErr::Query(RuntimeErr::SqlxError(cause))) = error else {
        return false;
    };
    let code = cause.as_database_error().and_then(|it| it.code());
    code.is_some_and(|code| matches!(&*code, "55P03" | "57014" | "40001" | "40P01" | "5" | "6" | "261" | "517"))
}
