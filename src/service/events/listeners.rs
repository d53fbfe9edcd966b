//! Who is listened to in this process, and the channels by which other instances tell of them.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    time::{Duration, Instant},
};

use entity::{id::OwnerId, user_revision};
use tokio::sync::watch;

use crate::db::Channel;

/// How long a channel is listened to after its last listener left: a client that connects again costs nothing.
const LINGER: Duration = Duration::from_secs(60);

/// The users who are listened to.
#[derive(Debug, Default)]
pub(super) struct Listeners {
    /// The revision at which the last poll found each of them.
    users: HashMap<OwnerId, watch::Sender<i64>>,
    channels: BTreeMap<Channel, ChannelUse>,
}

/// Whose changes come by a channel.
#[derive(Debug, Default)]
struct ChannelUse {
    /// How many of the users who are listened to.
    users: usize,
    /// When the last of them was left.
    left: Option<Instant>,
}

impl Listeners {
    /// One listener more.
    pub(super) fn subscribe(&mut self, owner: OwnerId) -> watch::Receiver<i64> {
        if let Some(sender) = self.users.get(&owner) {
            return sender.subscribe();
        }
        self.channels.entry(Channel::of(owner)).or_default().users += 1;
        let (sender, receiver) = watch::channel(0);
        self.users.insert(owner, sender);
        receiver
    }

    /// A listener, which is still counted, is about to go.
    pub(super) fn leave(&mut self, owner: OwnerId) {
        if self.users.get(&owner).is_none_or(|sender| sender.receiver_count() > 1) {
            return;
        }
        self.users.remove(&owner);
        if let Some(channel) = self.channels.get_mut(&Channel::of(owner)) {
            channel.users -= 1;
            channel.left = Some(Instant::now());
        }
    }

    /// The channels that are needed at that time.
    pub(super) fn channels(&mut self, now: Instant) -> BTreeSet<Channel> {
        self.channels.retain(|_, it| it.users > 0 || it.left.is_some_and(|left| now.duration_since(left) < LINGER));
        self.channels.keys().copied().collect()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.users.is_empty()
    }

    pub(super) fn users(&self) -> Vec<OwnerId> {
        self.users.keys().copied().collect()
    }

    /// Those of these channels.
    pub(super) fn users_of(&self, channels: &BTreeSet<Channel>) -> Vec<OwnerId> {
        if channels.is_empty() {
            return Vec::new();
        }
        self.users.keys().filter(|it| channels.contains(&Channel::of(**it))).copied().collect()
    }

    pub(super) fn notify(&self, owner: OwnerId) {
        if let Some(sender) = self.users.get(&owner) {
            sender.send_modify(|_| {});
        }
    }

    /// Notifies the listeners of a user whose revision is another one than at the last poll.
    pub(super) fn compare(&self, row: &user_revision::Model) {
        if let Some(sender) = self.users.get(&row.owner_id) {
            sender.send_if_modified(|seen| std::mem::replace(seen, row.revision) != row.revision);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channel_is_needed_until_some_time_after_its_last_listener() {
        let (mut listeners, ann) = (Listeners::default(), OwnerId(7));
        let (first, second) = (listeners.subscribe(ann), listeners.subscribe(ann));
        let later = Instant::now() + LINGER * 2;
        let channel = BTreeSet::from([Channel::of(ann)]);
        assert_eq!(listeners.channels(later), channel);
        listeners.leave(ann);
        drop(first);
        assert_eq!((listeners.users_of(&channel).len(), listeners.channels(later)), (1, channel.clone()));
        listeners.leave(ann);
        drop(second);
        assert_eq!((listeners.users_of(&channel).len(), listeners.channels(Instant::now())), (0, channel.clone()));
        assert_eq!(listeners.channels(later), BTreeSet::new());
        let _third = listeners.subscribe(ann);
        assert_eq!(listeners.channels(later), channel);
    }
}
