//! Hints that a user's data changed. They carry no data: whoever hears one reads through the services again, so that
//! a lost hint only delays, and access is checked anew.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use entity::{id::UserId, user_revision};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use tokio::{
    sync::{Notify, watch},
    time,
};
use tracing::warn;

use super::quota::Quota;
use crate::db::{Channel, Db, Hints};

/// How long hints are gathered before they go to the other instances.
const SEND_DELAY: Duration = Duration::from_millis(20);
/// How often the counters themselves are looked at while no hints arrive: on SQLite, where there are none, and when the
/// connection for them is lost.
const POLL: Duration = Duration::from_millis(500);
/// How often they are looked at all the same, so that a hint that is lost for whatever reason is only a delay.
const POLL_ANYWAY: Duration = Duration::from_secs(30);
/// How often an instance with listeners says something to itself, to know whether hints arrive. A connection that is
/// dead, or a pooler that gives it to others, need not be an error.
const ECHO: Duration = Duration::from_secs(2);
/// How long ago that was heard last if hints arrive.
const ECHO_HEARD: Duration = Duration::from_secs(5);
/// How many users wait for their hint to be sent at most; what is more is found by looking.
const MAX_UNSENT: usize = 10_000;
/// How many counters one statement looks at.
const POLLED_AT_ONCE: usize = 500;

/// Who listens in this process, and what is to be told to others.
#[derive(Debug)]
pub struct Events {
    /// For each user who is listened to: the number that the database was last seen at.
    listeners: Mutex<HashMap<UserId, watch::Sender<i64>>>,
    /// When the connection to the other instances was lost last: the database behind it may have become another.
    lost: Mutex<Instant>,
    /// When this instance heard itself last.
    echo: Mutex<Option<Instant>>,
    outbox: Mutex<HashSet<UserId>>,
    filled: Notify,
}

/// Hears of changes to one user's data.
#[derive(Debug)]
pub struct Listener {
    events: Arc<Events>,
    user: UserId,
    hints: watch::Receiver<i64>,
}

impl Default for Events {
    fn default() -> Self {
        let lost = Mutex::new(Instant::now());
        Self {
            listeners: Mutex::default(),
            lost,
            echo: Mutex::default(),
            outbox: Mutex::default(),
            filled: Notify::new(),
        }
    }
}

impl Events {
    /// Listens to one user's changes.
    pub(super) fn listen(self: &Arc<Self>, user: &UserId) -> Listener {
        let hints = locked(&self.listeners).entry(user.clone()).or_insert_with(|| watch::channel(0).0).subscribe();
        Listener { events: Arc::clone(self), user: user.clone(), hints }
    }

    /// Tells this process now and the others soon.
    pub(super) fn publish(&self, user: &UserId) {
        self.hear(user);
        self.send_soon([user.clone()]);
    }

    /// Whether the database is still the one that it was then: after a fail-over, numbers of writes that were lost are
    /// given to others.
    pub(super) fn is_same(&self, since: Instant) -> bool {
        *locked(&self.lost) < since
    }

    fn hear(&self, user: &UserId) {
        if let Some(sender) = locked(&self.listeners).get(user) {
            sender.send_modify(|_| {});
        }
    }

    /// Carries hints between the instances on one database, until it is dropped.
    pub(super) async fn carry(&self, db: &Db, hints: &Hints, quota: &Quota) {
        tokio::join!(self.send(hints), self.receive(hints, quota), self.listen_to_itself(hints), self.poll(db));
    }

    async fn send(&self, hints: &Hints) {
        loop {
            self.filled.notified().await;
            time::sleep(SEND_DELAY).await;
            let users = std::mem::take(&mut *locked(&self.outbox));
            let users: Vec<String> = users.into_iter().map(|it| it.0).collect();
            if let Err(cause) = hints.send(Channel::Changes, &users).await {
                warn!(%cause, "other instances will notice changes later");
                time::sleep(POLL).await;
                self.send_soon(users.into_iter().map(UserId));
            }
        }
    }

    fn send_soon(&self, users: impl IntoIterator<Item = UserId>) {
        let mut outbox = locked(&self.outbox);
        outbox.extend(users);
        if outbox.len() > MAX_UNSENT {
            outbox.clear();
        }
        drop(outbox);
        self.filled.notify_one();
    }

    /// Finds out whether hints arrive, as long as somebody here waits for any.
    async fn listen_to_itself(&self, hints: &Hints) {
        loop {
            time::sleep(ECHO).await;
            let is_waiting = !locked(&self.listeners).is_empty();
            if is_waiting && let Err(cause) = hints.send_echo().await {
                warn!(%cause, "hints cannot be sent");
            }
        }
    }

    /// Whether hints arrive.
    fn is_hearing(&self) -> bool {
        locked(&self.echo).is_some_and(|last| last.elapsed() < ECHO_HEARD)
    }

    /// Counts everything as unheard that was sent until now.
    fn lose(&self) {
        *locked(&self.lost) = Instant::now();
        *locked(&self.echo) = None;
    }

    async fn receive(&self, hints: &Hints, quota: &Quota) {
        loop {
            match hints.receive().await {
                Ok(Some((Channel::Changes, users))) => users.into_iter().for_each(|user| self.hear(&UserId(user))),
                Ok(Some((Channel::Quota, words))) => words.iter().for_each(|word| quota.hear(word)),
                Ok(Some((Channel::Echo, _))) => *locked(&self.echo) = Some(Instant::now()),
                Ok(None) => self.lose(),
                Err(cause) => {
                    self.lose();
                    warn!(%cause, "changes of other instances will be noticed later");
                    time::sleep(POLL).await;
                }
            }
        }
    }

    /// Looks at the counters of all users who are listened to, in as few statements as possible: while no hints arrive,
    /// once when they do again, and now and then.
    async fn poll(&self, db: &Db) {
        let (mut last, mut is_hearing) = (Instant::now(), false);
        loop {
            time::sleep(POLL).await;
            let was_hearing = std::mem::replace(&mut is_hearing, self.is_hearing());
            if was_hearing && is_hearing && last.elapsed() < POLL_ANYWAY {
                continue;
            }
            last = Instant::now();
            let users: Vec<UserId> = locked(&self.listeners).keys().cloned().collect();
            for users in users.chunks(POLLED_AT_ONCE) {
                let which = user_revision::Column::UserId.is_in(users.iter().cloned());
                match user_revision::Entity::find().filter(which).all(db.reader()).await {
                    Ok(rows) => rows.iter().for_each(|row| self.see(row)),
                    Err(cause) => warn!(%cause, "changes will be noticed later"),
                }
            }
        }
    }

    fn see(&self, row: &user_revision::Model) {
        if let Some(sender) = locked(&self.listeners).get(&row.user_id) {
            sender.send_if_modified(|seen| std::mem::replace(seen, row.revision) != row.revision);
        }
    }
}

impl Listener {
    /// Returns when something may have changed.
    pub async fn changed(&mut self) {
        // The sender lives in `events` as long as this listener does.
        let _ = self.hints.changed().await;
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let mut listeners = locked(&self.events.listeners);
        // This listener itself is still counted.
        if listeners.get(&self.user).is_some_and(|sender| sender.receiver_count() <= 1) {
            listeners.remove(&self.user);
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
