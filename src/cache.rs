//! Caches that are bounded by bytes, and values that are valid for one revision of their owner's data.

use std::{
    borrow::Borrow,
    hash::Hash,
    time::{Duration, Instant},
};

use entity::id::OwnerId;
use quick_cache::{Equivalent, Weighter, sync::Cache};

/// How long a value may be used. After a fail-over to a replica that has missed the last writes, their revisions are
/// given to other writes. Mostly that is noticed at once, because the connection to the other instances breaks too.
const MAX_AGE: Duration = Duration::from_secs(60);

/// The key of a cached value: its owner, and what was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CacheKey<T>(pub OwnerId, pub T);

/// A borrowed [`CacheKey`], with the same hash.
#[derive(Hash)]
pub struct CacheKeyRef<'a, T: ?Sized>(pub OwnerId, pub &'a T);

impl<T: Borrow<Q>, Q: Eq + ?Sized> Equivalent<CacheKey<T>> for CacheKeyRef<'_, Q> {
    fn equivalent(&self, CacheKey(owner, asked): &CacheKey<T>) -> bool {
        self.0 == *owner && self.1 == asked.borrow()
    }
}

/// A cache that holds as many values as fit into its bytes.
pub type ByteBoundedCache<K, V> = Cache<K, V, ByteWeigher<K, V>>;

/// A cache of at most `max_bytes`, for about `expected` values; `bytes` says how many a value takes together with its
/// key.
pub fn byte_bounded<K: Eq + Hash, V: Clone>(
    max_bytes: u64,
    expected: usize,
    bytes: fn(&K, &V) -> usize,
) -> ByteBoundedCache<K, V> {
    Cache::with_weighter(expected, max_bytes, ByteWeigher(bytes))
}

/// Weighs values by their bytes.
#[derive(Debug)]
pub struct ByteWeigher<K, V>(fn(&K, &V) -> usize);

impl<K, V> Clone for ByteWeigher<K, V> {
    fn clone(&self) -> Self {
        Self(self.0)
    }
}

impl<K, V> Weighter<K, V> for ByteWeigher<K, V> {
    fn weight(&self, key: &K, value: &V) -> u64 {
        u64::try_from((self.0)(key, value)).unwrap_or(u64::MAX)
    }
}

/// A value that is valid until its owner's next write.
#[derive(Clone, Copy, Debug)]
pub struct Cached<T> {
    value: T,
    revision: i64,
    read_at: Instant,
}

impl<T> Cached<T> {
    /// A value that was read at that revision of its owner's data.
    pub fn new(revision: i64, value: T) -> Self {
        Self { value, revision, read_at: Instant::now() }
    }

    /// When it was read.
    pub fn read_at(&self) -> Instant {
        self.read_at
    }

    /// Whether it may still be used, if its owner has written nothing since.
    pub fn is_fresh(&self) -> bool {
        self.read_at.elapsed() < MAX_AGE
    }

    /// The value, if it is valid at that revision.
    pub fn at_revision(self, revision: i64) -> Option<T> {
        (self.revision == revision && self.is_fresh()).then_some(self.value)
    }
}
