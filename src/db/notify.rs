//! Messages between the instances on one PostgreSQL database, by LISTEN and NOTIFY. They are sent outside of the
//! transactions that write: a NOTIFY inside one takes a lock on the whole database at its commit.
//!
//! The users are spread over channels, so that an instance hears of those whom somebody listens to there, and of the few
//! who share a channel with them. See docs/performance.md#notifications.

use std::collections::{BTreeMap, BTreeSet};

use entity::id::OwnerId;
use sea_orm::DbErr;
use sqlx::{AssertSqlSafe, Executor, PgPool, postgres::PgListener};
use tokio::{
    select,
    sync::{Mutex, watch},
};

use super::{Db, connect::failed};

/// What the names of the channels begin with by which instances hear of users whose data changed.
const CHANGES: &str = "docket_changes_";
/// PostgreSQL takes less than 8,000 bytes.
const MAX_PAYLOAD: usize = 7000;
const NOTIFY: &str =
    "select pg_notify(channel, payload) from unnest($1::text[], $2::text[]) as sent (channel, payload)";

/// One of 256 channels. All instances must come to the same one for a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Channel(u8);

/// Sends notifications to the other instances and receives theirs. On SQLite there are none.
#[derive(Debug)]
pub struct Notifier {
    db: Db,
    /// The channels that are to be listened to.
    wanted: watch::Sender<BTreeSet<Channel>>,
    reception: Mutex<Option<Reception>>,
    /// What no other instance is called.
    name: String,
}

/// The users whose data changed, each with a revision from which on they have all of it, if one is known.
pub type Changes = BTreeMap<OwnerId, Option<i64>>;

/// A connection that receives.
#[derive(Debug)]
struct Reception {
    listener: PgListener,
    /// The channels that it listens to.
    channels: BTreeSet<Channel>,
}

/// What was received.
#[derive(Debug, PartialEq, Eq)]
pub enum Notification {
    /// There is a connection, by which nothing is listened to yet.
    Connected,
    /// The data of these users changed at another instance.
    Changes(Changes),
    /// The data of so many users changed at this one.
    Own(usize),
    /// These channels are listened to from now on; what was sent there before was not received.
    Listening(BTreeSet<Channel>),
    /// What this instance sent to itself, to know whether notifications arrive.
    Echo,
    /// The connection was lost, and with it what was sent meanwhile.
    Lost,
}

impl Channel {
    /// The one by which instances hear of this owner, whose number is random.
    pub fn of(OwnerId(number): OwnerId) -> Self {
        let [.., last] = number.to_be_bytes();
        Self(last)
    }

    /// All of them.
    pub fn all() -> BTreeSet<Self> {
        (0..=u8::MAX).map(Self).collect()
    }

    fn name(self) -> String {
        format!("{CHANGES}{:02x}", self.0)
    }
}

impl Db {
    /// A notifier of this instance.
    pub fn notifier(&self) -> Notifier {
        Notifier {
            db: self.clone(),
            wanted: watch::Sender::default(),
            reception: Mutex::new(None),
            name: format!("{:016x}", rand::random::<u64>()),
        }
    }
}

impl Notifier {
    /// Tells the instances that listen to these users, which may be this one too, that their data changed.
    pub async fn send_changes(&self, changes: &Changes) -> Result<(), DbErr> {
        let payloads = payloads(&self.name, changes);
        let (channels, payloads) = payloads.into_iter().map(|(channel, it)| (channel.name(), it)).unzip();
        self.send(channels, payloads).await
    }

    /// Sends something to this instance alone.
    pub async fn send_echo(&self) -> Result<(), DbErr> {
        self.send(vec![echo_channel(&self.name)], vec![String::new()]).await
    }

    /// Sends to where the listeners are, which is not where statements go if there is a pooler in between. One statement,
    /// because PostgreSQL wakes every connection that listens to anything at each commit.
    async fn send(&self, channels: Vec<String>, payloads: Vec<String>) -> Result<(), DbErr> {
        let Some(pool) = self.db.writer().listening() else { return Ok(()) };
        sqlx::query(NOTIFY).bind(channels).bind(payloads).execute(pool).await.map(drop).map_err(failed)
    }

    /// Listens to these channels instead of those before, as soon as `receive` comes to it.
    pub fn listen_to(&self, channels: BTreeSet<Channel>) {
        self.wanted.send_if_modified(|wanted| {
            let is_other = *wanted != channels;
            *wanted = channels;
            is_other
        });
    }

    /// Waits for the next notification of any instance.
    pub async fn receive(&self) -> Result<Notification, DbErr> {
        let Some(pool) = self.db.writer().listening() else { return std::future::pending().await };
        let mut reception = self.reception.lock().await;
        let mut wanted = self.wanted.subscribe();
        // Taken out, so that none is left that has failed.
        let mut open = match reception.take() {
            Some(open) => open,
            None => {
                *reception = Some(Reception::open(pool, &echo_channel(&self.name)).await.map_err(failed)?);
                return Ok(Notification::Connected);
            }
        };
        let received = loop {
            let others = {
                let wanted = wanted.borrow_and_update();
                (*wanted != open.channels).then(|| wanted.clone())
            };
            if let Some(channels) = others {
                let added = open.listen_to(channels).await.map_err(failed)?;
                if !added.is_empty() {
                    break Notification::Listening(added);
                }
            }
            select! {
                received = open.listener.try_recv() => match received.map_err(failed)? {
                    Some(received) => break parse(received.channel(), received.payload(), &self.name),
                    None => return Ok(Notification::Lost),
                },
                // The notifier has the sender.
                _ = wanted.changed() => {}
            }
        };
        *reception = Some(open);
        Ok(received)
    }
}

impl Reception {
    async fn open(pool: &PgPool, echo_channel: &str) -> Result<Self, sqlx::Error> {
        let mut listener = PgListener::connect_with(pool).await?;
        // Whoever leaves `try_recv` while it waits loses nothing (sqlx reads whole messages from a buffer), unless it is
        // connecting again: a lost connection is given up instead.
        listener.eager_reconnect(false);
        listener.listen(echo_channel).await?;
        Ok(Self { listener, channels: BTreeSet::new() })
    }

    /// Listens to these channels and to no other, and tells which are new.
    async fn listen_to(&mut self, channels: BTreeSet<Channel>) -> Result<BTreeSet<Channel>, sqlx::Error> {
        let added: BTreeSet<Channel> = channels.difference(&self.channels).copied().collect();
        let listen = added.iter().map(|it| format!("LISTEN {}", it.name()));
        let unlisten = self.channels.difference(&channels).map(|it| format!("UNLISTEN {}", it.name()));
        let statements: Vec<String> = listen.chain(unlisten).collect();
        // What comes meanwhile is received afterwards.
        self.listener.execute(AssertSqlSafe(statements.join("; "))).await?;
        self.channels = channels;
        Ok(added)
    }
}

/// The channel that no other instance listens to.
fn echo_channel(name: &str) -> String {
    format!("docket_echo_{name}")
}

/// A line that is not understood is of a user whose change is found by polling.
fn parse(channel: &str, payload: &str, name: &str) -> Notification {
    if !channel.starts_with(CHANGES) {
        return Notification::Echo;
    }
    let mut lines = payload.split('\n');
    if lines.next() == Some(name) {
        return Notification::Own(lines.count());
    }
    let change = |line: &str| {
        let (revision, owner) = line.split_once(' ')?;
        Some((OwnerId(owner.parse().ok()?), revision.parse().ok()))
    };
    Notification::Changes(lines.filter_map(change).collect())
}

/// In as many payloads as they need: the name of the sender, and the owners of the channel, each in a line with the
/// revision, or `-`, before.
fn payloads(name: &str, changes: &Changes) -> Vec<(Channel, String)> {
    let mut filling: BTreeMap<Channel, String> = BTreeMap::new();
    let mut payloads = Vec::new();
    for (owner, revision) in changes {
        let line = format!("\n{} {owner}", revision.map_or("-".to_owned(), |it| it.to_string()));
        let channel = Channel::of(*owner);
        let payload = filling.entry(channel).or_insert_with(|| name.to_owned());
        if payload.len() + line.len() > MAX_PAYLOAD {
            payloads.push((channel, std::mem::replace(payload, name.to_owned())));
        }
        payload.push_str(&line);
    }
    payloads.extend(filling);
    payloads
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_fill_payloads_of_their_channels_up_to_the_limit() {
        let revision = |number: i64| (number % 3 > 0).then_some(number);
        let changes: Changes = (0..200_000).map(|number| (OwnerId(number), revision(number.into()))).collect();
        let payloads = payloads("here", &changes);
        assert!(payloads.iter().all(|(_, it)| it.len() < 8000));
        let mut sent = Changes::new();
        for (channel, payload) in &payloads {
            assert!(matches!(parse(&channel.name(), payload, "here"), Notification::Own(1..=700)));
            let Notification::Changes(heard) = parse(&channel.name(), payload, "there") else { panic!("{payload}") };
            assert!(heard.keys().all(|user| Channel::of(*user) == *channel));
            sent.extend(heard);
        }
        assert_eq!(sent, changes);
        // 782 owners of each channel, in payloads of which each but the last is full.
        assert!((400..=768).contains(&payloads.len()), "{}", payloads.len());
        assert_eq!(payloads.iter().map(|(channel, _)| *channel).collect::<BTreeSet<_>>(), Channel::all());
    }
}
