//! How many streams each user has open on this instance: event streams and WebSockets.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use entity::id::UserId;

/// Counts open streams.
#[derive(Clone, Debug)]
pub(super) struct Streams {
    most: usize,
    open: Arc<Mutex<HashMap<UserId, usize>>>,
}

/// A stream that is open; dropping it makes room.
#[derive(Debug)]
pub(super) struct Open {
    streams: Streams,
    user: UserId,
}

impl Streams {
    pub(super) fn new(most: usize) -> Self {
        Self { most, open: Arc::default() }
    }

    /// Room for one more of this user's; nothing when there are too many.
    pub(super) fn open(&self, user: &UserId) -> Option<Open> {
        let mut open = self.locked();
        let count = open.entry(user.clone()).or_default();
        if *count >= self.most {
            return None;
        }
        *count += 1;
        Some(Open { streams: self.clone(), user: user.clone() })
    }

    /// How many are open.
    pub(super) fn count(&self) -> usize {
        self.locked().values().sum()
    }

    fn locked(&self) -> MutexGuard<'_, HashMap<UserId, usize>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let mut open = self.streams.locked();
        if let Some(count) = open.get_mut(&self.user) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.user);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_that_ends_makes_room_for_another() {
        let (streams, ann, bob) = (Streams::new(1), UserId("ann".into()), UserId("bob".into()));
        let first = streams.open(&ann).unwrap();
        assert!(streams.open(&ann).is_none() && streams.open(&bob).is_some());
        drop(first);
        assert!(streams.open(&ann).is_some());
    }
}
