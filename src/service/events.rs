//! Events: that the data of a user changed. They carry no data. Whoever receives one reads through the services again,
//! so that a lost event is only a delay, and access is checked anew.

mod listeners;
mod trouble;

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use entity::{id::OwnerId, user_revision};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use tokio::{
    select,
    sync::{Notify, watch},
    time,
};

use self::{listeners::Listeners, trouble::Trouble};
use crate::{
    db::{Changes, Channel, Db, Notification, Notifier},
    telemetry::metrics::EventCounts,
};

/// How long events are collected before they are sent to the other instances.
const SEND_DELAY: Duration = Duration::from_millis(20);
/// How often revisions are polled while no notifications arrive: on SQLite, where there are none, and when their
/// connection is lost.
const POLL_INTERVAL: Duration = Duration::from_millis(500);
/// How often they are polled all the same, so that a notification that is lost for whatever reason is only a delay.
const SAFETY_POLL_INTERVAL: Duration = Duration::from_secs(30);
/// How often an instance with listeners sends a notification to itself, to know whether they arrive. A connection that is
/// dead, or a pooler that gives it to others, need not be an error.
const ECHO_INTERVAL: Duration = Duration::from_secs(2);
/// How old the last echo may be.
const ECHO_MAX_AGE: Duration = Duration::from_secs(5);
/// How many users may wait for their event to be sent. Beyond that polling finds them.
const MAX_UNSENT: usize = 10_000;
/// How many users one poll asks for.
const POLL_BATCH_SIZE: usize = 500;
/// How often it is looked whether channels are no longer needed.
const CHANNEL_INTERVAL: Duration = Duration::from_secs(10);

/// The listeners of this process, and the events that the other instances are to receive.
#[derive(Debug)]
pub struct Events {
    listeners: Mutex<Listeners>,
    /// Somebody listens to a user whose channel may not be listened to.
    channels_wanted: Notify,
    /// The channels that are listened to since a moment ago: what was sent there before is found by polling.
    unpolled: Mutex<BTreeSet<Channel>>,
    poll_wanted: Notify,
    /// When the connection to the other instances was last lost: the database behind it may be another one since.
    connection_lost: Mutex<Instant>,
    /// When the last echo arrived.
    last_echo: Mutex<Option<Instant>>,
    outbox: Mutex<Changes>,
    outbox_filled: Notify,
    counts: Counts,
}

/// Of how many users events were sent and received, and how many channels are listened to.
#[derive(Debug, Default)]
struct Counts {
    sent: AtomicU64,
    received: AtomicU64,
    channels: AtomicUsize,
}

/// Receives the events of one user.
#[derive(Debug)]
pub struct Listener {
    events: Arc<Events>,
    owner: OwnerId,
    receiver: watch::Receiver<i64>,
}

impl Default for Events {
    fn default() -> Self {
        Self {
            listeners: Mutex::default(),
            channels_wanted: Notify::new(),
            unpolled: Mutex::default(),
            poll_wanted: Notify::new(),
            connection_lost: Mutex::new(Instant::now()),
            last_echo: Mutex::default(),
            outbox: Mutex::default(),
            outbox_filled: Notify::new(),
            counts: Counts::default(),
        }
    }
}

impl Events {
    /// Listens to one user's changes.
    pub(super) fn listen(self: &Arc<Self>, owner: OwnerId) -> Listener {
        let receiver = locked(&self.listeners).subscribe(owner);
        self.channels_wanted.notify_one();
        Listener { events: Arc::clone(self), owner, receiver }
    }

    /// Notifies the listeners of this process now and the other instances soon.
    pub(super) fn publish(&self, owner: OwnerId, revision: Option<i64>) {
        self.notify_listeners(owner);
        self.send_soon(owner, revision);
    }

    /// Whether the database is certainly the one that it was then: after a fail-over, revisions of writes that were lost
    /// are given to other writes.
    pub(super) fn is_same_database_since(&self, time: Instant) -> bool {
        *locked(&self.connection_lost) < time
    }

    /// What metrics show of them.
    pub(super) fn sample(&self) -> EventCounts {
        EventCounts {
            sent: self.counts.sent.load(Ordering::Relaxed),
            received: self.counts.received.load(Ordering::Relaxed),
            channels: self.counts.channels.load(Ordering::Relaxed),
        }
    }

    fn notify_listeners(&self, owner: OwnerId) {
        locked(&self.listeners).notify(owner);
    }

    /// Exchanges events with the other instances on the database, until it is dropped.
    pub(super) async fn exchange(&self, db: &Db) {
        let notifier = db.notifier();
        tokio::join!(
            self.send(&notifier),
            self.choose_channels(&notifier, db),
            self.receive(&notifier, db),
            self.send_echoes(&notifier),
            self.poll(db)
        );
    }

    /// Listens to the channels of those users who are listened to. With replicas to all of them: while the primary is
    /// away, the writes that were heard of say which data a replica must have.
    async fn choose_channels(&self, notifier: &Notifier, db: &Db) {
        loop {
            let needed = locked(&self.listeners).channels(Instant::now());
            let channels = if db.has_replicas() { Channel::all() } else { needed };
            self.counts.channels.store(channels.len(), Ordering::Relaxed);
            notifier.listen_to(channels);
            select! {
                () = self.channels_wanted.notified() => {}
                () = time::sleep(CHANNEL_INTERVAL) => {}
            }
        }
    }

    async fn send(&self, notifier: &Notifier) {
        let mut trouble =
            Trouble::new("events cannot be sent; other instances notice the changes later", "events are sent again");
        loop {
            self.outbox_filled.notified().await;
            time::sleep(SEND_DELAY).await;
            let changes = std::mem::take(&mut *locked(&self.outbox));
            match notifier.send_changes(&changes).await {
                Ok(()) => {
                    trouble.end();
                    self.counts.sent.fetch_add(changes.len() as u64, Ordering::Relaxed);
                }
                Err(cause) => {
                    trouble.note(cause);
                    time::sleep(POLL_INTERVAL).await;
                    for (owner, revision) in &changes {
                        self.send_soon(*owner, *revision);
                    }
                }
            }
        }
    }

    fn send_soon(&self, owner: OwnerId, revision: Option<i64>) {
        let mut outbox = locked(&self.outbox);
        // Of several writes that which is not known may be the last.
        let known = outbox.get(&owner).map_or(revision, |known| Some((*known)?.max(revision?)));
        outbox.insert(owner, known);
        if outbox.len() > MAX_UNSENT {
            outbox.clear();
        }
        drop(outbox);
        self.outbox_filled.notify_one();
    }

    /// Finds out whether notifications arrive, as long as there are listeners.
    async fn send_echoes(&self, notifier: &Notifier) {
        let mut trouble = Trouble::new("notifications cannot be sent", "notifications are sent again");
        loop {
            time::sleep(ECHO_INTERVAL).await;
            let has_listeners = !locked(&self.listeners).is_empty();
            if has_listeners {
                match notifier.send_echo().await {
                    Ok(()) => trouble.end(),
                    Err(cause) => trouble.note(cause),
                }
            }
        }
    }

    fn is_receiving(&self) -> bool {
        locked(&self.last_echo).is_some_and(|last| last.elapsed() < ECHO_MAX_AGE)
    }

    async fn receive(&self, notifier: &Notifier, db: &Db) {
        let mut trouble = Trouble::new(
            "events cannot be received; changes of other instances are noticed later",
            "events are received again",
        );
        loop {
            match notifier.receive().await {
                Ok(Notification::Connected) => trouble.end(),
                Ok(Notification::Changes(changes)) => {
                    self.counts.received.fetch_add(changes.len() as u64, Ordering::Relaxed);
                    for (owner, revision) in changes {
                        db.note_write(owner, revision);
                        self.notify_listeners(owner);
                    }
                }
                Ok(Notification::Own(count)) => {
                    self.counts.received.fetch_add(count as u64, Ordering::Relaxed);
                }
                Ok(Notification::Listening(channels)) => self.poll_soon(channels),
                Ok(Notification::Echo) => *locked(&self.last_echo) = Some(Instant::now()),
                Ok(Notification::Lost) => self.note_lost_connection(),
                Err(cause) => {
                    self.note_lost_connection();
                    trouble.note(cause);
                    time::sleep(POLL_INTERVAL).await;
                }
            }
        }
    }

    fn note_lost_connection(&self) {
        *locked(&self.connection_lost) = Instant::now();
        *locked(&self.last_echo) = None;
    }

    fn poll_soon(&self, channels: BTreeSet<Channel>) {
        locked(&self.unpolled).extend(channels);
        self.poll_wanted.notify_one();
    }

    /// Reads the revisions of all users who are listened to: while no notifications arrive, once when they do again, and
    /// now and then; and of the users of a channel once it is listened to.
    async fn poll(&self, db: &Db) {
        let (mut last, mut is_receiving) = (Instant::now(), false);
        let mut trouble =
            Trouble::new("revisions cannot be polled; changes are noticed later", "revisions are polled again");
        loop {
            select! {
                () = time::sleep(POLL_INTERVAL) => {}
                () = self.poll_wanted.notified() => {}
            }
            let was_receiving = std::mem::replace(&mut is_receiving, self.is_receiving());
            let unpolled = std::mem::take(&mut *locked(&self.unpolled));
            let users = if was_receiving && is_receiving && last.elapsed() < SAFETY_POLL_INTERVAL {
                locked(&self.listeners).users_of(&unpolled)
            } else {
                last = Instant::now();
                locked(&self.listeners).users()
            };
            for users in users.chunks(POLL_BATCH_SIZE) {
                self.poll_users(db, users, &mut trouble).await;
            }
        }
    }

    async fn poll_users(&self, db: &Db, users: &[OwnerId], trouble: &mut Trouble) {
        let which = user_revision::Column::OwnerId.is_in(users.iter().copied());
        match user_revision::Entity::find().filter(which).all(db.reader()).await {
            Ok(rows) => {
                trouble.end();
                rows.iter().for_each(|row| locked(&self.listeners).compare(row));
            }
            Err(cause) => {
                trouble.note(cause);
                locked(&self.unpolled).extend(users.iter().map(|it| Channel::of(*it)));
            }
        }
    }
}

impl Listener {
    /// Returns when something may have changed.
    pub async fn changed(&mut self) {
        // The sender lives in `events` as long as this listener does.
        let _ = self.receiver.changed().await;
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        locked(&self.events.listeners).leave(self.owner);
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
