//! Looking after the replicas: whether each is one of this database, answers, and is not far behind. How far behind one is
//! is found out by what the primary had written at which time, so that no clock of another machine is needed.

use std::{
    collections::VecDeque,
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use sea_orm::{DbBackend, DbErr, QueryResult, Statement};
use tokio::time;
use tracing::{info, warn};

use super::{
    super::{connect::failed, pool::ConnectionPool},
    Replica, ReplicaState, Replicas,
};

/// How often they are looked at, and how long each may take to answer.
const INTERVAL: Duration = Duration::from_millis(500);
const ANSWER_TIMEOUT: Duration = Duration::from_secs(1);
/// How far behind a replica may be; farther behind, most who ask it must ask the primary too.
const MAX_LAG: Duration = Duration::from_secs(5);
/// For how many looks it is remembered what the primary had written.
const REMEMBERED: usize = 120;
/// How far the primary has written, and which epoch it has; how far a replica has come, by how many seconds its last
/// transaction is old, and its epoch.
const PRIMARY: &str = "select case when not pg_is_in_recovery() then \
    pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint end, 0::float8, (select epoch from database_epochs)";
const REPLICA: &str = "select case when pg_is_in_recovery() then \
    pg_wal_lsn_diff(pg_last_wal_replay_lsn(), '0/0')::bigint end, \
    coalesce(extract(epoch from clock_timestamp() - pg_last_xact_replay_timestamp()), 0)::float8, \
    (select epoch from database_epochs)";

/// What the primary had written when.
#[derive(Debug, Default)]
struct Written(VecDeque<(Instant, i64)>);

/// What a server says.
struct Look {
    /// How far it has written or come, in bytes; none, if it is not what it should be.
    position: Option<i64>,
    /// How old its last transaction is.
    age: Duration,
    epoch: Option<String>,
}

impl Replicas {
    /// Looks after them until it is dropped.
    pub(super) async fn watch(&self) {
        let (mut written, mut epoch) = (Written::default(), None);
        loop {
            let asked = Instant::now();
            for (replica, state) in self.each.iter().zip(self.states(&mut written, &mut epoch).await) {
                replica.note(state);
            }
            time::sleep(INTERVAL.saturating_sub(asked.elapsed())).await;
        }
    }

    /// How far each is behind, or why it is not read, by its address.
    pub(super) async fn look(&self) -> Vec<(String, Result<Duration, String>)> {
        let states = self.states(&mut Written::default(), &mut None).await;
        let named = |(replica, state): (&Replica, Result<ReplicaState, String>)| {
            (replica.address.clone(), state.map(|it| it.lag))
        };
        self.each.iter().zip(states).map(named).collect()
    }

    /// How each is, or why it is not to be read; what the primary says is noted.
    async fn states(&self, written: &mut Written, epoch: &mut Option<String>) -> Vec<Result<ReplicaState, String>> {
        let asked = Instant::now();
        let found = look(&self.primary, PRIMARY).await.ok().filter(|it| it.position.is_some());
        let is_away = found.is_none();
        if self.is_primary_away.swap(is_away, Ordering::Relaxed) != is_away {
            info!(is_away, "the primary went away or came back; replicas are read meanwhile");
        }
        if let Some(Look { position: Some(position), epoch: found, .. }) = found {
            written.note(asked, position);
            *epoch = found;
        }
        let looks = self.each.iter().map(|it| look(&it.statements, REPLICA));
        let judged = |found: Result<Look, DbErr>| match found {
            Ok(look) => judge(&look, epoch.as_deref(), written, is_away),
            Err(cause) => Err(cause.to_string()),
        };
        join_all(looks).await.into_iter().map(judged).collect()
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
                if was_in_use {
                    warn!(replica = address, reason, "a replica is not read any more");
                }
            }
        }
    }
}

/// How a replica is, or why it is not to be read.
fn judge(look: &Look, epoch: Option<&str>, written: &Written, is_primary_away: bool) -> Result<ReplicaState, String> {
    let position = look.position.ok_or("it is no replica: it takes writes")?;
    if epoch.is_none() || look.epoch.as_deref() != epoch {
        return Err("it is of another database, or of one before a restore".to_owned());
    }
    let (caught_up, lag) = written.lag(position, look.age);
    // While the primary is away nobody writes, and it is as far behind as it was.
    if lag > MAX_LAG && !is_primary_away {
        return Err(format!("it is {lag:.1?} behind"));
    }
    Ok(ReplicaState { is_in_use: true, lag, caught_up })
}

async fn look(statements: &ConnectionPool, text: &str) -> Result<Look, DbErr> {
    let statement = Statement::from_string(DbBackend::Postgres, text);
    let rows = time::timeout(ANSWER_TIMEOUT, statements.read(&statement)).await;
    let rows = rows.unwrap_or_else(|_| Err(failed(sqlx::Error::PoolTimedOut)))?;
    let row: &QueryResult = rows.first().ok_or(DbErr::RecordNotFound(String::new()))?;
    let age: f64 = row.try_get_by_index(1)?;
    Ok(Look {
        position: row.try_get_by_index(0)?,
        age: Duration::try_from_secs_f64(age).unwrap_or_default(),
        epoch: row.try_get_by_index(2)?,
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
        let look = |position, epoch: &str| Look { position, age: Duration::ZERO, epoch: Some(epoch.to_owned()) };
        assert!(judge(&look(Some(300), "e"), Some("e"), &written, false).unwrap().is_in_use);
        assert!(judge(&look(Some(50), "e"), Some("e"), &written, false).unwrap_err().contains("behind"));
        assert!(judge(&look(Some(50), "e"), Some("e"), &written, true).unwrap().is_in_use);
        for (look, epoch) in
            [(look(None, "e"), Some("e")), (look(Some(300), "f"), Some("e")), (look(Some(300), "e"), None)]
        {
            assert!(judge(&look, epoch, &written, true).is_err());
        }
    }
}
