//! What was read of a user's data at one state of it, which the number of the user's last write names.

use std::{
    borrow::Borrow,
    hash::Hash,
    time::{Duration, Instant},
};

use entity::id::UserId;
use quick_cache::{Equivalent, Weighter, sync::Cache};

/// How long it is believed: a fail-over to a replica that has not heard of the last writes gives their numbers to
/// others. It is noticed at once where the connection to the other instances is cut with the others.
const BELIEVED: Duration = Duration::from_secs(60);

/// What is kept is found by whose it is and what was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CacheKey<T>(pub UserId, pub T);

/// A key that is looked for. Its hash is that of the [`CacheKey`].
#[derive(Hash)]
pub struct CacheKeyRef<'a, T: ?Sized>(pub &'a UserId, pub &'a T);

impl<T: Borrow<Q>, Q: Eq + ?Sized> Equivalent<CacheKey<T>> for CacheKeyRef<'_, Q> {
    fn equivalent(&self, CacheKey(owner, asked): &CacheKey<T>) -> bool {
        self.0 == owner && self.1 == asked.borrow()
    }
}

/// What is kept as long as there is room for its bytes.
pub type ByteBoundedCache<K, V> = Cache<K, V, Bytes<K, V>>;

/// Room for so many bytes of about so many values, each of which takes what this tells of it and its key.
pub fn byte_bounded<K: Eq + Hash, V: Clone>(
    (most, expected): (u64, usize),
    bytes: fn(&K, &V) -> usize,
) -> ByteBoundedCache<K, V> {
    Cache::with_weighter(expected, most, Bytes(bytes))
}

/// Weighs by bytes.
#[derive(Debug)]
pub struct Bytes<K, V>(fn(&K, &V) -> usize);

impl<K, V> Clone for Bytes<K, V> {
    fn clone(&self) -> Self {
        Self(self.0)
    }
}

impl<K, V> Weighter<K, V> for Bytes<K, V> {
    fn weight(&self, key: &K, value: &V) -> u64 {
        u64::try_from((self.0)(key, value)).unwrap_or(u64::MAX)
    }
}

/// A value that holds until its owner's next write.
#[derive(Clone, Copy, Debug)]
pub struct Cached<T> {
    value: T,
    revision: i64,
    read: Instant,
}

impl<T> Cached<T> {
    /// Keeps what was read when the last write had that number.
    pub fn new(revision: i64, value: T) -> Self {
        Self { value, revision, read: Instant::now() }
    }

    /// What was read, whether it holds or not.
    pub fn value(&self) -> &T {
        &self.value
    }

    /// When it was read.
    pub fn since(&self) -> Instant {
        self.read
    }

    /// Whether it may still hold.
    pub fn is_believed(&self) -> bool {
        self.read.elapsed() < BELIEVED
    }

    /// The value, if the last write still has that number.
    pub fn at(self, revision: i64) -> Option<T> {
        (self.revision == revision && self.is_believed()).then_some(self.value)
    }
}
