//! Where one request reads: at one replica, until something is wrong with that, and then at the primary.

use std::{
    pin::pin,
    sync::{
        LazyLock,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

use entity::id::OwnerId;
use sea_orm::{DbBackend, DbErr, QueryResult, Statement};
use tokio::sync::OnceCell;

use super::{
    super::{batched_reads::BatchedReads, connect::failed, monitor::StatementMonitor, user_share},
    Fallback, Replica, SHORT_LOOKUP_TIMEOUT, SharedReplicas, TIMELINE, Wanted, carried, carrying, in_time, is_gone,
};

/// What the revision of a user is asked by, and the timeline that it is of.
static REVISION: LazyLock<String> =
    LazyLock::new(|| format!("select revision, {TIMELINE} as timeline from user_revisions where owner_id = $1"));
/// How long the primary may take to answer that.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(1);

/// Where a request reads the data of its user.
#[derive(Debug)]
pub struct RequestReads {
    owner: OwnerId,
    choice: OnceCell<Option<Choice>>,
    /// Whether it reads at the primary from now on.
    is_left: AtomicBool,
    /// The revision that the client has seen.
    seen: AtomicI64,
}

/// The number of a replica, and what is wanted there.
#[derive(Clone, Copy, Debug)]
struct Choice {
    replica: usize,
    wanted: Wanted,
}

/// The revision that a user has at the primary, and the timeline that the primary writes.
struct PrimaryRevision {
    revision: i64,
    timeline: Option<i64>,
}

/// What reads the data of a user.
#[derive(Clone, Debug)]
pub(in crate::db) struct OwnerReads {
    pub(in crate::db) replicas: SharedReplicas,
    pub(in crate::db) primary: BatchedReads,
    pub(in crate::db) owner: OwnerId,
}

impl RequestReads {
    pub(in crate::db) fn new(owner: OwnerId) -> Self {
        Self { owner, choice: OnceCell::new(), is_left: AtomicBool::new(false), seen: AtomicI64::new(0) }
    }

    /// Reads at the primary from now on; whether that was at a replica before.
    pub(in crate::db) fn leave(&self) -> bool {
        let was_left = self.is_left.swap(true, Ordering::Relaxed);
        !was_left && self.choice.get().is_some_and(Option::is_some)
    }

    /// Notes that the client has seen that revision.
    pub(in crate::db) fn note_seen(&self, revision: i64) {
        self.seen.fetch_max(revision, Ordering::Relaxed);
    }
}

impl OwnerReads {
    /// The rows of a statement from a replica; none, if it is to be sent to the primary.
    pub(in crate::db) async fn rows(
        &self,
        monitor: &StatementMonitor,
        statement: &Statement,
    ) -> Option<Vec<QueryResult>> {
        let rows = self.replica_rows(monitor, statement).await;
        let counts = &self.replicas.counts;
        let counter = if rows.is_some() { &counts.replica } else { &counts.primary };
        counter.fetch_add(1, Ordering::Relaxed);
        rows
    }

    async fn replica_rows(&self, monitor: &StatementMonitor, statement: &Statement) -> Option<Vec<QueryResult>> {
        let request = user_share::reads().filter(|it| it.owner == self.owner)?;
        if request.is_left.load(Ordering::Relaxed) {
            return None;
        }
        let Choice { replica, wanted } = (*request.choice.get_or_init(|| self.choose(monitor, &request)).await)?;
        let replica = self.replicas.each.get(replica)?;
        let fallback = match self.read(monitor, replica, statement, wanted).await {
            Ok(Some(rows)) => return Some(rows),
            Ok(None) => Fallback::Behind,
            Err(cause) => {
                replica.note_failure(&cause);
                Fallback::Failed
            }
        };
        if request.leave() {
            self.replicas.count(fallback);
        }
        None
    }

    async fn read(
        &self,
        monitor: &StatementMonitor,
        replica: &Replica,
        statement: &Statement,
        wanted: Wanted,
    ) -> Result<Option<Vec<QueryResult>>, DbErr> {
        let _permit = user_share::statement().await?;
        // It may have been left while others of the user waited for it.
        if !replica.state().is_in_use {
            return Err(failed(sqlx::Error::PoolTimedOut));
        }
        let carrying = carrying(statement, self.owner, wanted);
        carried(replica.rows(monitor, &carrying).await?, wanted)
    }

    /// The replica to read at, and what is wanted there. None where the primary is as good: of who never wrote nothing is
    /// stored, and a write of a moment ago is not at a replica yet.
    async fn choose(&self, monitor: &StatementMonitor, request: &RequestReads) -> Option<Choice> {
        let replicas = &*self.replicas;
        let Some((number, replica)) = replicas.of(self.owner) else {
            replicas.count(Fallback::Unused);
            return None;
        };
        let state = *replica.state();
        // Also one that was away a moment ago is asked: it may be back, and be written at another instance.
        let is_away = replicas.is_primary_away();
        let asked = Instant::now();
        let found = self.revision(monitor, if is_away { SHORT_LOOKUP_TIMEOUT } else { LOOKUP_TIMEOUT }).await;
        let does_not_answer = found.as_ref().is_err_and(is_gone);
        if found.is_ok() || !(is_away || (does_not_answer && replicas.finds_primary_away().await)) {
            let PrimaryRevision { revision, timeline } = found.ok().flatten()?;
            // Those that were looked at before a fail-over may have what nobody wrote.
            if timeline != Some(replicas.timeline.load(Ordering::Relaxed)) {
                replicas.count(Fallback::Behind);
                return None;
            }
            let changed = replicas.known.note(self.owner, revision, asked);
            if changed.is_some_and(|ago| ago < state.lag) {
                replicas.count(Fallback::Behind);
                return None;
            }
            return Some(Choice { replica: number, wanted: Wanted::Exactly(revision) });
        }
        let Some(least) = replicas.known.least(self.owner, state.caught_up) else {
            replicas.count(Fallback::Behind);
            return None;
        };
        let least = least.max(request.seen.load(Ordering::Relaxed));
        Some(Choice { replica: number, wanted: Wanted::AtLeast(least) })
    }

    /// The user's revision at the primary.
    async fn revision(&self, monitor: &StatementMonitor, timeout: Duration) -> Result<Option<PrimaryRevision>, DbErr> {
        let _permit = user_share::quick_read().await?;
        let values = [self.owner.0.into()];
        let statement = Statement::from_sql_and_values(DbBackend::Postgres, REVISION.as_str(), values);
        let found = pin!(in_time(timeout, self.primary.quick(&statement)));
        let rows = monitor.over("read", &REVISION, found).await?;
        let read = |row: &QueryResult| {
            Ok(PrimaryRevision { revision: row.try_get_by_index(0)?, timeline: row.try_get_by_index(1)? })
        };
        rows.first().map(read).transpose()
    }
}
