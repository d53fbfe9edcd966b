//! Reading SQLite in the thread that asks. What a request reads is in memory and found in microseconds: to have another
//! thread read it, which wakes the one that waits for each row, takes ten times as long. A statement that takes longer is
//! given up here, so that it keeps no others waiting.

use std::{
    cell::Cell,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use entity::row::{Columns, FromRow};
use rusqlite::{Connection, OpenFlags, ffi::ErrorCode, types::ToSqlOutput};
use sea_orm::{DbErr, Statement, Value};

use super::dialect;

/// For how long a statement may keep its thread from other requests.
const MOST: Duration = Duration::from_millis(5);
/// After how many steps of SQLite's machine that is looked at: some microseconds, or as many reads of the disk.
const STEPS: i32 = 250;
/// How many statements a connection keeps prepared.
const PREPARED: usize = 100;

thread_local! {
    /// When the statement at work on this thread is given up.
    static UNTIL: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// Connections that read, one for each thread that reads at the same time.
#[derive(Clone, Debug)]
pub(super) struct InProcessReads(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    path: Box<Path>,
    idle: Mutex<Vec<Connection>>,
}

impl InProcessReads {
    /// For a file that is there.
    pub(super) fn new(path: &Path) -> Self {
        Self(Arc::new(Inner { path: path.into(), idle: Mutex::default() }))
    }

    /// The rows of a statement that reads. None when it cannot be done here, for whatever reason: whoever does it
    /// elsewhere hears of that.
    pub(super) fn rows<T: FromRow>(&self, statement: &Statement) -> Option<Vec<T>> {
        let kept = self.locked().pop();
        let connection = kept.or_else(|| self.open().ok())?;
        UNTIL.set(Some(Instant::now() + MOST));
        let rows = queried(&connection, statement);
        if matches!(&rows, Ok(_) | Err(Unread::TooLong)) {
            self.locked().push(connection);
        }
        rows.ok()
    }

    /// The connections as they are now.
    pub(super) fn now(&self) -> usize {
        self.locked().len()
    }

    /// Lets the connections go.
    pub(super) fn close(&self) {
        self.locked().clear();
    }

    fn open(&self) -> rusqlite::Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&self.0.path, flags)?;
        // Whoever has to wait does so elsewhere.
        connection.busy_timeout(Duration::ZERO)?;
        connection.pragma_update(None, "query_only", true)?;
        connection.set_prepared_statement_cache_capacity(PREPARED);
        connection.progress_handler(STEPS, Some(|| UNTIL.get().is_some_and(|it| Instant::now() > it)))?;
        Ok(connection)
    }

    fn locked(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.0.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Why there are no rows.
enum Unread {
    TooLong,
    Failed,
}

impl From<rusqlite::Error> for Unread {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::OperationInterrupted) => Self::TooLong,
            _ => Self::Failed,
        }
    }
}

impl From<DbErr> for Unread {
    fn from(_: DbErr) -> Self {
        Self::Failed
    }
}

fn queried<T: FromRow>(connection: &Connection, statement: &Statement) -> Result<Vec<T>, Unread> {
    let mut prepared = connection.prepare_cached(&statement.sql)?;
    for (at, value) in statement.values.iter().flat_map(|values| &values.0).enumerate() {
        prepared.raw_bind_parameter(at + 1, stored(value).ok_or(Unread::Failed)?)?;
    }
    let mut rows = prepared.raw_query();
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(Columns::of(row).read()?);
    }
    Ok(found)
}

/// A value as the connection that writes would store it.
fn stored(value: &Value) -> Option<ToSqlOutput<'_>> {
    if let Some(text) = dialect::instant(value) {
        return Some(ToSqlOutput::Owned(text.into()));
    }
    Some(ToSqlOutput::Owned(match value {
        Value::String(it) => return Some(ToSqlOutput::Borrowed(it.as_deref().into())),
        Value::Bool(it) => (*it).into(),
        Value::SmallInt(it) => (*it).into(),
        Value::Int(it) => (*it).into(),
        Value::BigInt(it) => (*it).into(),
        Value::BigUnsigned(it) => it.map(i64::try_from).transpose().ok()?.into(),
        Value::Uuid(it) => it.map(|it| it.as_bytes().to_vec()).into(),
        Value::ChronoDate(it) => it.map(|it| it.to_string()).into(),
        _ => return None,
    }))
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Utc};
    use entity::{row::RowColumns, time::Micros};
    use sea_orm::DbBackend;

    use super::*;

    /// A file with a table.
    fn pairs() -> (tempfile::TempDir, InProcessReads) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("docket.db");
        Connection::open(&path).unwrap().execute_batch("create table pairs (a int, b int)").unwrap();
        (folder, InProcessReads::new(&path))
    }

    struct At(Option<DateTime<Utc>>);

    impl FromRow for At {
        fn read(row: &mut Columns<'_, impl RowColumns>) -> Result<Self, DbErr> {
            Ok(Self(row.value_if_any::<Micros>()?.map(|it| it.0)))
        }
    }

    #[test]
    fn instants_are_read_from_the_form_that_is_written_and_from_others() {
        let (_folder, in_process) = pairs();
        let read = |text: Option<&str>| {
            let rows =
                in_process.rows::<At>(&Statement::from_sql_and_values(DbBackend::Sqlite, "select ?", [text.into()]));
            rows.map(|rows| rows[0].0)
        };
        for text in ["2024-02-29T23:59:59.999999Z", "0001-01-01T00:00:00.000000Z", "9999-12-31T23:59:59.000001Z"] {
            assert_eq!(read(Some(text)), Some(Some(text.parse().unwrap())), "{text}");
        }
        let instant = "2026-11-26T01:02:03Z".parse().unwrap();
        for text in ["2026-11-26T01:02:03.000Z", "2026-11-26 01:02:03+00:00", "2026-11-26T02:02:03+01:00"] {
            assert_eq!(read(Some(text)), Some(Some(instant)), "{text}");
        }
        assert_eq!(read(None), Some(None));
        for text in ["2026-02-30T00:00:00.000000Z", "2026-11-26T24:00:00.000000Z", "now"] {
            assert_eq!(read(Some(text)), None, "{text}");
        }
    }

    #[test]
    fn what_takes_long_or_writes_is_done_elsewhere() {
        let (_folder, in_process) = pairs();
        let rows = |text: &str, values: [Value; 2]| {
            in_process.rows::<(i64, i64)>(&Statement::from_sql_and_values(DbBackend::Sqlite, text, values))
        };
        let endless = "with recursive n (i) as (select ? union all select i + ? from n) select max(i), 0 from n";
        assert_eq!(rows(endless, [1.into(), 1.into()]), None);
        assert_eq!(in_process.now(), 1, "its connection is used again");
        assert_eq!(rows("insert into pairs values (?, ?) returning a, b", [1.into(), 2.into()]), None);
        assert_eq!(rows("select a, b from pairs where a = ? or b = ?", [1.into(), 2.into()]), Some(vec![]));
        assert_eq!(rows("select ?, ?", [3.into(), 4.into()]), Some(vec![(3, 4)]));
        assert_eq!(rows("select ?, ?", [3.into(), 4.5.into()]), None, "a kind of value that no column has");
    }
}
