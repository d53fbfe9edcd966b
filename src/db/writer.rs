//! SQLite's one writer. Writes take turns, each in a savepoint of its own, and those that waited for each other share
//! one transaction, so that the disk is waited for once for all of them; each is answered when that transaction is
//! committed. When SQLite fails in a way that may have ended the transaction (a full disk does), the connection is
//! given up and everybody in the transaction is told: nothing is acknowledged that is not on the disk, in the file of its
//! name.

use std::{
    fmt, io,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
};

use sea_orm::{DbErr, ExecResult, QueryResult, Statement};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Sqlite, SqliteConnection, sqlite::SqliteConnectOptions};
use tokio::{
    sync::{Mutex as FairMutex, MutexGuard as FairMutexGuard, OwnedMutexGuard, oneshot},
    time,
};
use tracing::error;

use super::{
    connect::{BUSY, failed},
    connection::{bound, results, unanswered, values},
    open_files::OpenFiles,
    sqlite_code,
};
use crate::telemetry::metrics::Pool;

/// What ends a turn and keeps what it did.
const RELEASE: &str = "release turn; ";
/// What ends a turn and undoes what it did.
const UNDO: &str = "rollback to turn; release turn; ";

/// Gives turns on the one connection that writes.
#[derive(Clone, Debug)]
pub(super) struct Writer {
    options: Arc<SqliteConnectOptions>,
    files: OpenFiles,
    group: Arc<FairMutex<CommitGroup>>,
}

/// The connection, and the writes that its open transaction has.
#[derive(Debug, Default)]
struct CommitGroup {
    connection: Option<SqliteConnection>,
    is_open: bool,
    /// What ends the last turn, said together with what begins the next.
    before: &'static str,
    /// Those who wait until the transaction is committed.
    waiting: Vec<oneshot::Sender<Result<(), LostWrite>>>,
    /// Whether something was begun and not seen to its end.
    is_unsure: bool,
}

/// One write's turn. Without [`WriteGuard::commit`] what it did is undone.
pub(super) struct WriteGuard {
    group: FairMutex<OwnedMutexGuard<CommitGroup>>,
    /// How many savepoints are inside each other.
    depth: AtomicU32,
    /// What undoes nested writes that were given up.
    undo: Mutex<String>,
}

/// A write inside a turn, which can be undone by itself.
#[derive(Debug)]
pub(super) struct Savepoint {
    guard: Arc<WriteGuard>,
    depth: u32,
    is_kept: bool,
}

/// Why a write is not on the disk.
#[derive(Clone, Debug)]
struct LostWrite(Arc<str>);

impl fmt::Debug for WriteGuard {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Turn").field("depth", &self.depth).finish_non_exhaustive()
    }
}

impl Writer {
    /// A writer whose connection is opened now, which makes the file if it is not there.
    pub(super) async fn open(options: SqliteConnectOptions) -> Result<Self, DbErr> {
        let connection = options.connect().await.map_err(failed)?;
        let group = CommitGroup { connection: Some(connection), ..CommitGroup::default() };
        let files = OpenFiles::of(options.get_filename())?;
        // One that is gone later is not made anew, without what was in it.
        let options = Arc::new(options.create_if_missing(false));
        Ok(Self { options, files, group: Arc::new(FairMutex::new(group)) })
    }

    /// Says which of the files that were opened is not the one of its name any more, if one is not, and what to do.
    pub(super) fn lost_file(&self) -> Option<String> {
        self.files.lost()
    }

    /// How the connection is opened.
    pub(super) fn options(&self) -> &SqliteConnectOptions {
        &self.options
    }

    /// The next turn.
    pub(super) async fn guard(&self) -> Result<WriteGuard, DbErr> {
        let mut group = self.next().await?;
        let (before, begin) = self.opening(&mut group);
        group.control(&format!("{before}{begin}")).await?;
        Ok(WriteGuard { group: FairMutex::new(group), depth: AtomicU32::new(0), undo: Mutex::default() })
    }

    /// The group, when it is this one's turn, with a connection that can be relied on.
    async fn next(&self) -> Result<OwnedMutexGuard<CommitGroup>, DbErr> {
        let group = time::timeout(BUSY, Arc::clone(&self.group).lock_owned());
        let mut group = group.await.map_err(|_| lost_write("too many writes are waiting"))?;
        if group.is_unsure {
            group.give_up("a write was left in the middle").await;
        }
        if let Some(why) = self.files.lost() {
            return Err(lost_write(&why));
        }
        if group.connection.is_none() {
            group.connection = Some(self.options.connect().await.map_err(failed)?);
        }
        Ok(group)
    }

    /// What ends the last turn and begins this one. The first of a transaction sees to its end.
    fn opening(&self, group: &mut CommitGroup) -> (&'static str, &'static str) {
        let is_first = !std::mem::replace(&mut group.is_open, true);
        if is_first {
            // It queues behind those who are waiting already, who thus all get into this transaction.
            tokio::spawn(self.clone().finish());
        }
        let begin = if is_first { "begin immediate; savepoint turn; " } else { "savepoint turn; " };
        (std::mem::take(&mut group.before), begin)
    }

    /// The rows of statements that are a turn by themselves, in one message to the connection's thread.
    pub(super) async fn query(&self, statement: &Statement) -> Result<Vec<QueryResult>, DbErr> {
        let mut group = self.next().await?;
        let (before, begin) = self.opening(&mut group);
        let text = format!("{before}{begin}{}", statement.sql);
        group.is_unsure = true;
        let done = sqlx::query_with(AssertSqlSafe(text), values(statement)).fetch_all(group.connection()?).await;
        group.is_unsure = false;
        let rows = match done {
            Ok(rows) => rows,
            // The turn had begun, and one of its statements broke a rule, perhaps by a row that is not on the disk yet.
            Err(sqlx::Error::Database(cause)) if is_broken_rule(&*cause) => {
                committed(group, UNDO).await?;
                return Err(unanswered(sqlx::Error::Database(cause)));
            }
            Err(cause) => {
                let why = cause.to_string();
                group.give_up(&why).await;
                // Without its savepoint the transaction was ended by what went before, not by this statement.
                return Err(if why.contains("no such savepoint") { lost_write(&why) } else { unanswered(cause) });
            }
        };
        committed(group, RELEASE).await?;
        Ok(rows.into_iter().map(QueryResult::from).collect())
    }

    /// Commits the open transaction when its turn comes.
    async fn finish(self) {
        let mut group = self.group.lock().await;
        if group.is_unsure {
            group.give_up("a write was left in the middle").await;
        }
        if !group.is_open {
            return;
        }
        if let Some(why) = self.files.lost() {
            return group.give_up(&why).await;
        }
        let before = std::mem::take(&mut group.before);
        // Who waits is told of a failure by it.
        if group.control(&format!("{before}commit")).await.is_ok() {
            // What was written is on the disk if it was written into the file that is still there.
            if let Some(why) = self.files.lost() {
                return group.give_up(&why).await;
            }
            group.is_open = false;
            for waiting in std::mem::take(&mut group.waiting) {
                // Some do not wait any more.
                let _ = waiting.send(Ok(()));
            }
        }
    }

    /// Its connection as it is now.
    pub(super) fn now(&self) -> Pool {
        Pool { open: 1, idle: usize::from(self.group.try_lock().is_ok()), most: 1 }
    }

    /// Closes the connection, after the work in hand.
    pub(super) async fn close(&self) -> Result<(), DbErr> {
        let mut group = self.group.lock().await;
        self.files.close();
        match group.connection.take() {
            Some(connection) => connection.close().await.map_err(failed),
            None => Ok(()),
        }
    }
}

impl CommitGroup {
    fn connection(&mut self) -> Result<&mut SqliteConnection, DbErr> {
        self.connection.as_mut().ok_or_else(|| lost_write("there is no connection"))
    }

    /// Ends what was before and begins or ends what is next. If that fails, nobody knows what is true inside the
    /// transaction.
    async fn control(&mut self, text: &str) -> Result<(), DbErr> {
        self.is_unsure = true;
        let done = sqlx::query(AssertSqlSafe(text)).execute(self.connection()?).await;
        self.is_unsure = false;
        match done {
            Ok(_) => Ok(()),
            Err(cause) => {
                self.give_up(&cause.to_string()).await;
                Err(lost_write(&cause.to_string()))
            }
        }
    }

    /// Lets the connection go, and with it all that is not committed.
    async fn give_up(&mut self, why: &str) {
        let why: Arc<str> = why.into();
        if !self.waiting.is_empty() {
            error!(cause = &*why, writes = self.waiting.len(), "writes could not be committed");
        }
        for waiting in std::mem::take(&mut self.waiting) {
            let _ = waiting.send(Err(LostWrite(Arc::clone(&why))));
        }
        (self.is_open, self.is_unsure, self.before) = (false, false, "");
        if let Some(connection) = self.connection.take() {
            // What cannot be closed well is closed nevertheless.
            let _ = connection.close_hard().await;
        }
    }
}

impl WriteGuard {
    pub(super) async fn query_all(&self, statement: &Statement) -> Result<Vec<QueryResult>, DbErr> {
        let mut group = self.ready().await?;
        results(bound::<Sqlite>(statement).fetch_all(group.connection()?).await)
    }

    pub(super) async fn execute(&self, statement: &Statement) -> Result<ExecResult, DbErr> {
        let mut group = self.ready().await?;
        Ok(bound::<Sqlite>(statement).execute(group.connection()?).await.map_err(unanswered)?.into())
    }

    /// Waits until what was done is on the disk.
    pub(super) async fn commit(self) -> Result<(), DbErr> {
        self.end(RELEASE).await
    }

    /// Undoes what was done, and waits until what others did before in the same transaction is on the disk.
    pub(super) async fn rollback(self) -> Result<(), DbErr> {
        self.end(UNDO).await
    }

    async fn end(self, how: &'static str) -> Result<(), DbErr> {
        let (sender, committed) = oneshot::channel();
        {
            let mut group = self.ready().await?;
            group.waiting.push(sender);
            group.before = how;
        }
        // Now it is the next one's turn; how this one ended is said already.
        drop(self);
        answered(committed).await
    }

    /// A write inside this one.
    pub(super) async fn savepoint(self: &Arc<Self>) -> Result<Savepoint, DbErr> {
        let depth = self.depth.fetch_add(1, Ordering::Relaxed) + 1;
        let savepoint = Savepoint { guard: Arc::clone(self), depth, is_kept: false };
        self.say(&format!("savepoint nested_{depth}")).await?;
        Ok(savepoint)
    }

    async fn say(&self, text: &str) -> Result<(), DbErr> {
        let mut group = self.ready().await?;
        let done = sqlx::query(AssertSqlSafe(text.to_owned())).execute(group.connection()?).await;
        done.map(drop).map_err(unanswered)
    }

    /// The group, after nested writes that were given up are undone.
    async fn ready(&self) -> Result<FairMutexGuard<'_, OwnedMutexGuard<CommitGroup>>, DbErr> {
        let mut group = self.group.lock().await;
        let undo = std::mem::take(&mut *self.undo.lock().unwrap_or_else(PoisonError::into_inner));
        if !undo.is_empty() {
            sqlx::query(AssertSqlSafe(undo)).execute(group.connection()?).await.map_err(unanswered)?;
        }
        Ok(group)
    }
}

impl Drop for WriteGuard {
    fn drop(&mut self) {
        let group = self.group.get_mut();
        if group.is_open && group.before.is_empty() {
            group.before = UNDO;
        }
    }
}

impl Savepoint {
    /// The turn that it is a part of.
    pub(super) fn guard(&self) -> &Arc<WriteGuard> {
        &self.guard
    }

    /// Makes it a whole with what it is a part of.
    pub(super) async fn keep(mut self) -> Result<(), DbErr> {
        self.guard.say(&format!("release nested_{}", self.depth)).await?;
        self.guard.depth.fetch_sub(1, Ordering::Relaxed);
        self.is_kept = true;
        Ok(())
    }
}

impl Drop for Savepoint {
    fn drop(&mut self) {
        if !self.is_kept {
            self.guard.depth.fetch_sub(1, Ordering::Relaxed);
            let undo = format!("rollback to nested_{0}; release nested_{0};", self.depth);
            self.guard.undo.lock().unwrap_or_else(PoisonError::into_inner).push_str(&undo);
        }
    }
}

/// Ends a turn in that way, and waits until its transaction is on the disk.
async fn committed(mut group: OwnedMutexGuard<CommitGroup>, how: &'static str) -> Result<(), DbErr> {
    let (sender, committed) = oneshot::channel();
    group.waiting.push(sender);
    group.before = how;
    drop(group);
    answered(committed).await
}

/// Waits until a write is on the disk.
async fn answered(committed: oneshot::Receiver<Result<(), LostWrite>>) -> Result<(), DbErr> {
    match committed.await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(LostWrite(why))) => Err(lost_write(&why)),
        Err(_) => Err(lost_write("the writer has ended")),
    }
}

/// SQLITE_CONSTRAINT: the statement did nothing, and the transaction is as it was.
fn is_broken_rule(cause: &dyn sqlx::error::DatabaseError) -> bool {
    cause.code().and_then(|code| sqlite_code(&code)) == Some(19)
}

/// A write that is not on the disk, and may be tried again.
fn lost_write(why: &str) -> DbErr {
    unanswered(sqlx::Error::Io(io::Error::other(why.to_owned())))
}
