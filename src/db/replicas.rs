//! Reading a user's data from replicas of PostgreSQL's, which are behind the primary by some time.
//!
//! The idea: at its first read a request asks the primary for the revision of its user, which is a row by its key and in
//! a batch with those of others. Each statement that it then sends to a replica brings the revision that the user has
//! there, and gives its rows only if that is the same; otherwise the request goes on at the primary. So whoever wrote sees
//! it, at whatever instance, and a request never goes back in time.
//!
//! While the primary is away, the least revision is the greatest that this instance knows of and that the client has seen.
//! See docs/operations.md#read-replicas.

mod accounts;
mod known;
mod request;
mod watch;

use std::{
    borrow::Cow,
    fmt::Write as _,
    future::Future,
    hash::{DefaultHasher, Hash, Hasher},
    pin::pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use entity::id::OwnerId;
use sea_orm::{DbErr, QueryResult, RuntimeErr, Statement, Values};
use tokio::time;

use self::known::KnownRevisions;
pub(super) use self::request::OwnerReads;
pub use self::{accounts::AccountRow, request::RequestReads};
use super::{
    Connection, Db,
    conflict::is_conflict,
    connect::failed,
    connection::{Backend, sqlx_cause},
    is_unavailable,
    monitor::StatementMonitor,
    pool::ConnectionPool,
    user_share,
};
use crate::telemetry::metrics::{Pool, ReplicaReads, ReplicaSample};

/// How long the primary may take to answer while it is away and perhaps silent.
const SHORT_LOOKUP_TIMEOUT: Duration = Duration::from_millis(200);
/// How long a replica may take before the primary is asked instead.
const REPLICA_TIMEOUT: Duration = Duration::from_secs(2);
/// How long is waited until the primary is found to be away, when it did not answer.
const AWAY_TIMEOUT: Duration = Duration::from_millis(1500);
const AWAY_PAUSE: Duration = Duration::from_millis(50);

/// The replicas, and what is known of the users who may be read there.
#[derive(Debug)]
pub(super) struct Replicas {
    /// A connection by which it is seen whether the primary is there.
    primary: ConnectionPool,
    each: Vec<Replica>,
    known: KnownRevisions,
    is_primary_away: AtomicBool,
    /// The timeline that those which are in use follow.
    timeline: AtomicI64,
    counts: Counts,
}

/// A replica.
#[derive(Debug)]
pub(super) struct Replica {
    statements: ConnectionPool,
    /// Its host and port, for messages.
    address: String,
    state: Mutex<ReplicaState>,
}

/// How a replica was found last.
#[derive(Clone, Copy, Debug, Default)]
struct ReplicaState {
    /// Whether it is read.
    is_in_use: bool,
    /// How far it is behind the primary.
    lag: Duration,
    /// It has all that was written before.
    caught_up: Option<Instant>,
    /// Whether it was looked at.
    is_known: bool,
}

/// The timeline that the primary writes; none of a server that is none. After a fail-over it is another one.
const TIMELINE: &str = "(case when not pg_is_in_recovery() then \
    ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::bigint end)";

/// How often a user's data was read at each place.
#[derive(Debug, Default)]
struct Counts {
    replica: AtomicU64,
    primary: AtomicU64,
    behind: AtomicU64,
    failed: AtomicU64,
    unused: AtomicU64,
}

/// The replicas, as all who read have them.
pub(super) type SharedReplicas = Arc<Replicas>;

/// Why a request reads at the primary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fallback {
    /// The replica does not have the user's last write.
    Behind,
    /// The replica did not answer.
    Failed,
    /// There is no replica that is in use.
    Unused,
}

/// Which revision of the user's data a request wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    /// The one that the primary has.
    Exactly(i64),
    /// That one or a later one, while the primary is away.
    AtLeast(i64),
}

impl Replicas {
    /// Those behind these pools, none of which is read before it was looked at.
    pub(super) fn new(primary: ConnectionPool, pools: Vec<(ConnectionPool, String)>) -> Self {
        let replica = |(statements, address)| Replica { statements, address, state: Mutex::default() };
        Self {
            primary,
            each: pools.into_iter().map(replica).collect(),
            known: KnownRevisions::default(),
            is_primary_away: AtomicBool::new(false),
            timeline: AtomicI64::new(0),
            counts: Counts::default(),
        }
    }

    /// The replica of a user, always the same one of those that are in use.
    fn of(&self, owner: OwnerId) -> Option<(usize, &Replica)> {
        let rank = |(number, _): &(usize, &Replica)| {
            let mut hasher = DefaultHasher::new();
            (owner, number).hash(&mut hasher);
            hasher.finish()
        };
        let in_use = self.each.iter().enumerate().filter(|(_, it)| it.state().is_in_use);
        in_use.max_by_key(rank)
    }

    fn is_primary_away(&self) -> bool {
        self.is_primary_away.load(Ordering::Relaxed)
    }

    fn has_any_in_use(&self) -> bool {
        self.each.iter().any(|it| it.state().is_in_use)
    }

    /// Whether the primary, which did not answer, is found to be away.
    async fn finds_primary_away(&self) -> bool {
        let asked = Instant::now();
        while !self.is_primary_away() {
            if asked.elapsed() > AWAY_TIMEOUT {
                return false;
            }
            time::sleep(AWAY_PAUSE).await;
        }
        true
    }

    fn count(&self, fallback: Fallback) {
        let counter = match fallback {
            Fallback::Behind => &self.counts.behind,
            Fallback::Failed => &self.counts.failed,
            Fallback::Unused => &self.counts.unused,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// Their connections together.
    pub(super) fn now(&self) -> Pool {
        self.each.iter().map(|it| it.statements.now()).fold(Pool::default(), |all, one| Pool {
            open: all.open + one.open,
            idle: all.idle + one.idle,
            most: all.most + one.most,
        })
    }

    /// What metrics show of them.
    pub(super) fn sample(&self) -> ReplicaReads {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let replica = |it: &Replica| {
            let ReplicaState { is_in_use, lag, .. } = *it.state();
            ReplicaSample { address: it.address.clone(), is_in_use, lag }
        };
        ReplicaReads {
            replicas: self.each.iter().map(replica).collect(),
            sources: [("replica", count(&self.counts.replica)), ("primary", count(&self.counts.primary))],
            fallbacks: [
                ("behind", count(&self.counts.behind)),
                ("failed", count(&self.counts.failed)),
                ("unused", count(&self.counts.unused)),
            ],
        }
    }

    /// Closes their connections.
    pub(super) async fn close(&self) {
        self.primary.close().await;
        for replica in &self.each {
            replica.statements.close().await;
        }
    }
}

impl Db {
    /// For statements that only read the data of this user: from a replica, if there is one that has the user's last write.
    pub fn reads_of(&self, owner: OwnerId) -> Cow<'_, Connection> {
        match (&self.replicas, &self.reader.backend) {
            (Some(replicas), Backend::BatchedReads(primary)) => {
                let (replicas, primary) = (Arc::clone(replicas), primary.clone());
                let backend = Backend::OfOwner(OwnerReads { replicas, primary, owner });
                Cow::Owned(Connection { backend, ..self.reader.clone() })
            }
            _ => Cow::Borrowed(&self.reader),
        }
    }

    /// Whether there are replicas.
    pub fn has_replicas(&self) -> bool {
        self.replicas.is_some()
    }

    /// Where a request of this user reads, if there are replicas.
    pub fn request_reads(&self, owner: OwnerId) -> Option<Arc<RequestReads>> {
        self.replicas.as_ref().map(|_| Arc::new(RequestReads::new(owner)))
    }

    /// Lets this request read at the primary from now on; whether it has read at a replica.
    pub fn leave_replica(&self) -> bool {
        self.replicas.is_some() && user_share::reads().is_some_and(|it| it.leave())
    }

    /// Notes that the client of this request has seen that revision of its user's data.
    pub fn note_seen(&self, revision: i64) {
        if self.replicas.is_some() {
            user_share::reads().iter().for_each(|it| it.note_seen(revision));
        }
    }

    /// Notes that a user's data was written, here or at another instance, and a revision from which on they have all of
    /// it, if one is known.
    pub fn note_write(&self, owner: OwnerId, revision: Option<i64>) {
        if let Some(replicas) = &self.replicas {
            replicas.known.note_write(owner, revision);
        }
    }

    /// Looks after the replicas, if there are any, until it is dropped.
    pub async fn watch_replicas(&self) {
        if let Some(replicas) = &self.replicas {
            replicas.watch().await;
        }
    }

    /// How far each replica is behind, or why it is not read, by its address.
    pub async fn look_at_replicas(&self) -> Vec<(String, Result<Duration, String>)> {
        match &self.replicas {
            Some(replicas) => replicas.look().await,
            None => Vec::new(),
        }
    }

    /// Whether users are read while the primary is away.
    pub fn has_stand_in(&self) -> bool {
        self.replicas.as_ref().is_some_and(|it| it.is_primary_away() && it.has_any_in_use())
    }

    /// Whether they are, or are once the primary, which does not answer, is found to be away.
    pub async fn gets_stand_in(&self) -> bool {
        match &self.replicas {
            Some(replicas) => replicas.has_any_in_use() && replicas.finds_primary_away().await,
            None => false,
        }
    }

    /// How often users were read where, if there are replicas.
    pub fn replica_reads(&self) -> Option<ReplicaReads> {
        self.replicas.as_ref().map(|it| it.sample())
    }
}

impl Connection {
    /// The rows of a statement from a replica; none, if it is to be sent elsewhere.
    pub(super) async fn replica_rows(&self, statement: &Statement) -> Option<Vec<QueryResult>> {
        match &self.backend {
            // Boxed as what most have no need of.
            Backend::OfOwner(reads) => Box::pin(reads.rows(&self.monitor, statement)).await,
            _ => None,
        }
    }
}

impl Replica {
    /// The rows of a statement.
    async fn rows(&self, monitor: &StatementMonitor, statement: &Statement) -> Result<Vec<QueryResult>, DbErr> {
        let read = pin!(in_time(REPLICA_TIMEOUT, self.statements.read(statement)));
        monitor.over("replica", &statement.sql, read).await
    }

    fn state(&self) -> MutexGuard<'_, ReplicaState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Leaves it until it was looked at again, if it cannot be reached.
    fn note_failure(&self, cause: &DbErr) {
        if is_gone(cause) {
            self.state().is_in_use = false;
        }
    }
}

/// Does what a server may take so long for; after that it is as one that cannot be reached.
async fn in_time<T>(limit: Duration, work: impl Future<Output = Result<T, DbErr>>) -> Result<T, DbErr> {
    time::timeout(limit, work).await.unwrap_or_else(|_| Err(failed(sqlx::Error::PoolTimedOut)))
}

/// Whether a server cannot be reached, rather than that it has given up one statement.
fn is_gone(cause: &DbErr) -> bool {
    /// What it gives up a statement for: it, or a lock, took too long.
    const GIVEN_UP: [&str; 2] = ["57014", "55P03"];
    let code = sqlx_cause(cause).and_then(|it| it.as_database_error()).and_then(|it| it.code());
    let is_given_up = is_conflict(cause) || code.is_some_and(|code| GIVEN_UP.contains(&&*code));
    let is_unconnected = matches!(cause, DbErr::Conn(RuntimeErr::SqlxError(_)));
    !is_given_up && (is_unconnected || is_unavailable(cause))
}

/// The statement with two more columns, for a user who has the wanted revision there: whether a row is one of the
/// statement's, and the revision. Without it there is one row that is none of the statement's.
fn carrying(statement: &Statement, owner: OwnerId, wanted: Wanted) -> Statement {
    let mut values = statement.values.clone().map_or_else(Vec::new, |it| it.0);
    let (first, second) = (values.len() + 1, values.len() + 2);
    let (is, revision) = match wanted {
        Wanted::Exactly(revision) => ("=", revision),
        Wanted::AtLeast(revision) => (">=", revision),
    };
    values.extend([owner.0.into(), revision.into()]);
    let mut sql = String::with_capacity(statement.sql.len() + 400);
    // What the one row of the outer side is joined with keeps its order. The condition is asked once, before the statement.
    let _ = write!(
        sql,
        "with docket_seen as materialized (select coalesce((select revision from user_revisions where owner_id = ${first}), 0) \
         as docket_revision) select docket_rows.*, docket_seen.docket_revision from docket_seen left join \
         (select docket_read.*, true as docket_is_row from ({}) docket_read \
         where (select docket_revision from docket_seen) {is} ${second}) docket_rows on true",
        statement.sql
    );
    Statement { sql, values: Some(Values(values)), db_backend: statement.db_backend }
}

/// The rows of the statement, if the user has the wanted revision there.
fn carried(rows: Vec<QueryResult>, wanted: Wanted) -> Result<Option<Vec<QueryResult>>, DbErr> {
    let Some(first) = rows.first() else { return Ok(None) };
    let (is_row, revision) = seen(first)?;
    let is_wanted = match wanted {
        Wanted::Exactly(wanted) => revision == wanted,
        Wanted::AtLeast(wanted) => revision >= wanted,
    };
    Ok(is_wanted.then(|| if is_row { rows } else { Vec::new() }))
}

/// The last two columns.
fn seen(row: &QueryResult) -> Result<(bool, i64), DbErr> {
    let columns = row.try_as_pg_row().map_or(0, sqlx::Row::len);
    let is_row: Option<bool> = row.try_get_by_index(columns.saturating_sub(2))?;
    Ok((is_row.is_some(), row.try_get_by_index(columns.saturating_sub(1))?))
}
