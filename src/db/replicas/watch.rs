//! Looking after the replicas: whether each is one of this database, answers, and is not far behind. How far behind one is
//! is found out by what the primary had written at which time, so that no clock of another machine is needed.

use std::{
    collections::VecDeque,
    sync::{LazyLock, atomic::Ordering},
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use sea_orm::{DbBackend, DbErr, QueryResult, Statement};
use tokio::time;
use tracing::{info, warn};

use super::{super::pool::ConnectionPool, Replica, ReplicaState, Replicas, TIMELINE, in_time};

/// How often they are looked at, and how long each may take to answer.
const INTERVAL: Duration = Duration::from_millis(500);
const ANSWER_TIMEOUT: Duration = Duration::from_secs(1);
/// How far behind a replica may be; farther behind, most who ask it must ask the primary too.
const MAX_LAG: Duration = Duration::from_secs(5);
/// For how many looks it is remembered what the primary had written.
const REMEMBERED: usize = 120;
/// How far the primary has written, which epoch and timeline is noted in it, and which timeline it writes; how far a
/// replica has come, by how many seconds its last transaction is old, and what is noted there.
static PRIMARY: LazyLock<String> = LazyLock::new(|| {
    format!(
        "select case when not pg_is_in_recovery() then \
         pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint end, 0::float8, epoch, timeline, {TIMELINE} \
         from database_epochs"
    )
});
const REPLICA: &str = "select case when pg_is_in_recovery() then \
    pg_wal_lsn_diff(pg_last_wal_replay_lsn(), '0/0')::bigint end, \
    coalesce(extract(epoch from clock_timestamp() - pg_last_xact_replay_timestamp()), 0)::float8, \
    epoch, timeline, null::bigint from database_epochs";
/// Notes which timeline the primary writes, if it is another one than before.
static NOTE_TIMELINE: LazyLock<String> = LazyLock::new(|| {
    format!(
        "with now as (select {TIMELINE} as timeline) update database_epochs set timeline = now.timeline from now \
         where now.timeline is not null and database_epochs.timeline is distinct from now.timeline \
         returning database_epochs.timeline"
    )
});

/// What the primary had written when.
#[derive(Debug, Default)]
struct Written(VecDeque<(Instant, i64)>);

/// What a server says.
struct Look {
    /// How far it has written or come, in bytes; none, if it is not what it should be.
    position: Option<i64>,
    /// How old its last transaction is.
    age: Duration,
    branch: Branch,
    /// The timeline that it writes, if it takes writes.
    writes: Option<i64>,
}

/// What tells the primary and those that follow it from others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Branch {
    epoch: Option<String>,
    /// As it is noted.
    timeline: Option<i64>,
}

impl Replicas {
    /// Looks after them until it is dropped.
    pub(super) async fn watch(&self) {
        let (mut written, mut branch) = (Written::default(), Branch::default());
        loop {
            let asked = Instant::now();
            if let Some(primary) = self.primary(&mut written).await {
                // Before they are looked at: those that follow another one, which was the primary, do not get it.
                if primary.writes != primary.branch.timeline {
                    self.note_timeline().await;
                }
                branch = Branch { timeline: primary.writes, ..primary.branch };
            }
            for (replica, state) in self.each.iter().zip(self.states(&written, &branch).await) {
                replica.note(state);
            }
            self.timeline.store(branch.timeline.unwrap_or_default(), Ordering::Relaxed);
            time::sleep(INTERVAL.saturating_sub(asked.elapsed())).await;
        }
    }

    /// How far each is behind, or why it is not read, by its address.
    pub(super) async fn look(&self) -> Vec<(String, Result<Duration, String>)> {
        let mut written = Written::default();
        let branch = self.primary(&mut written).await.map(|it| it.branch).unwrap_or_default();
        let states = self.states(&written, &branch).await;
        let named = |(replica, state): (&Replica, Result<ReplicaState, String>)| {
            (replica.address.clone(), state.map(|it| it.lag))
        };
        self.each.iter().zip(states).map(named).collect()
    }

    /// What the primary says, if it is there; how far it has written is noted.
    async fn primary(&self, written: &mut Written) -> Option<Look> {
        let asked = Instant::now();
        let found = look(&self.primary, &PRIMARY).await.ok().filter(|it| it.position.is_some());
        let is_away = found.is_none();
        if self.is_primary_away.swap(is_away, Ordering::Relaxed) != is_away {
            info!(is_away, "the primary went away or came back; replicas are read meanwhile");
        }
        if let Some(position) = found.as_ref().and_then(|it| it.position) {
            written.note(asked, position);
        }
        found
    }

    /// How each is, or why it is not to be read.
    async fn states(&self, written: &Written, branch: &Branch) -> Vec<Result<ReplicaState, String>> {
        let is_away = self.is_primary_away();
        let looks = self.each.iter().map(|it| look(&it.statements, REPLICA));
        let judged = |found: Result<Look, DbErr>| match found {
            Ok(look) => judge(&look, branch, written, is_away),
            Err(cause) => Err(cause.to_string()),
        };
        join_all(looks).await.into_iter().map(judged).collect()
    }

    /// Has the primary say which timeline it writes, in a row that all who follow it get.
    async fn note_timeline(&self) {
        let note = Statement::from_string(DbBackend::Postgres, NOTE_TIMELINE.as_str());
        // One that is away is noticed by the look.
        if let Ok(noted) = in_time(ANSWER_TIMEOUT, self.primary.query(&note)).await
            && !noted.is_empty()
        {
            info!("the primary has a new timeline, which replicas must follow to be read");
        }
    }
}

impl Replica {
    /// Takes it, or leaves it for a reason.
    fn note(&self, found: Result<ReplicaState, String>) {
        let mut state = self.state();
        let was_in_use = state.is_in_use;
        let address = &self.address;
        match found {
            Ok(found) => {
                *state = found;
                if !was_in_use {
                    info!(replica = address, "a replica is read");
                }
            }
            Err(reason) => {
                state.is_in_use = false;
                if was_in_use || !state.is_known {
                    warn!(replica = address, reason, "a replica is not read");
                }
                state.is_known = true;
            }
        }
    }
}

/// How a replica is, or why it is not to be read.
fn judge(look: &Look, branch: &Branch, written: &Written, is_primary_away: bool) -> Result<ReplicaState, String> {
    let position = look.position.ok_or("it is no replica: it takes writes")?;
    if branch.epoch.is_none() || look.branch.epoch != branch.epoch {
        return Err("it is of another database, or of one before a restore".to_owned());
    }
    if look.branch.timeline != branch.timeline {
        return Err("it does not follow the primary since that is another one".to_owned());
    }
    let (caught_up, lag) = written.lag(position, look.age);
    // While the primary is away nobody writes, and it is as far behind as it was.
    if lag > MAX_LAG && !is_primary_away {
        return Err(format!("it is {lag:.1?} behind"));
    }
    Ok(ReplicaState { is_in_use: true, lag, caught_up, is_known: true })
}

async fn look(statements: &ConnectionPool, text: &str) -> Result<Look, DbErr> {
    let statement = Statement::from_string(DbBackend::Postgres, text);
    let rows = in_time(ANSWER_TIMEOUT, statements.read(&statement)).await?;
    let row: &QueryResult = rows.first().ok_or(DbErr::RecordNotFound(String::new()))?;
    let age: f64 = row.try_get_by_index(1)?;
    Ok(Look {
        position: row.try_get_by_index(0)?,
        age: Duration::try_from_secs_f64(age).unwrap_or_default(),
        branch: Branch { epoch: row.try_get_by_index(2)?, timeline: row.try_get_by_index(3)? },
        writes: row.try_get_by_index(4)?,
    })
}

impl Written {
    fn note(&mut self, asked: Instant, position: i64) {
        // It is another one, or was restored.
        if self.0.back().is_some_and(|(_, last)| *last > position) {
            self.0.clear();
        }
        if self.0.len() >= REMEMBERED {
            self.0.pop_front();
        }
        self.0.push_back((asked, position));
    }

    /// Until when a replica that has come so far has all that was written, and how far it is behind: not farther than
    /// since then, and at least since the first time at which there was more. Between the two its own clock decides.
    fn lag(&self, position: i64, age: Duration) -> (Option<Instant>, Duration) {
        let caught_up = self.0.iter().rev().find(|(_, written)| *written <= position).map(|(asked, _)| *asked);
        let missed = self.0.iter().find(|(_, written)| *written > position).map(|(asked, _)| asked.elapsed());
        let lag = match (missed, caught_up) {
            (None, _) => Duration::ZERO,
            (Some(least), None) => least.max(age),
            (Some(least), Some(caught_up)) => age.clamp(least.min(caught_up.elapsed()), caught_up.elapsed()),
        };
        (caught_up, lag)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(times: &[(u64, i64)]) -> Written {
        let mut written = Written::default();
        for (seconds_ago, position) in times {
            written.note(Instant::now().checked_sub(Duration::from_secs(*seconds_ago)).unwrap(), *position);
        }
        written
    }

    #[test]
    fn a_replica_is_behind_since_the_primary_had_more() {
        let second = Duration::from_secs(1);
        let written = written(&[(9, 100), (6, 200), (3, 300)]);
        assert_eq!(written.lag(300, 50 * second).1, Duration::ZERO);
        for (position, age, from, to) in
            [(250, 0, 3, 3), (250, 4, 4, 4), (250, 60, 6, 6), (120, 0, 6, 6), (50, 60, 60, 60)]
        {
            let lag = written.lag(position, age * second).1;
            assert!(lag >= from * second && lag < (to + 1) * second, "{position} {lag:?}");
        }
    }

    #[test]
    fn one_that_is_far_behind_or_of_another_database_is_left() {
        let written = written(&[(9, 100), (3, 300)]);
        let branch = |epoch: &str, timeline| Branch { epoch: Some(epoch.to_owned()), timeline: Some(timeline) };
        let look = |position, branch| Look { position, age: Duration::ZERO, branch, writes: None };
        assert!(judge(&look(Some(300), branch("e", 1)), &branch("e", 1), &written, false).unwrap().is_in_use);
        let behind = judge(&look(Some(50), branch("e", 1)), &branch("e", 1), &written, false);
        assert!(behind.unwrap_err().contains("behind"));
        assert!(judge(&look(Some(50), branch("e", 1)), &branch("e", 1), &written, true).unwrap().is_in_use);
        for (look, branch) in [
            (look(None, branch("e", 1)), branch("e", 1)),
            (look(Some(300), branch("f", 1)), branch("e", 1)),
            (look(Some(300), branch("e", 1)), branch("e", 2)),
            (look(Some(300), branch("e", 1)), Branch::default()),
        ] {
            assert!(judge(&look, &branch, &written, true).is_err());
        }
    }
}
