//! How much of something goes on at the same time, by whose it is.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Counts what goes on.
#[derive(Clone, Debug)]
pub struct Tally<K>(Arc<Mutex<HashMap<K, usize>>>);

/// Something that goes on until it is dropped.
#[derive(Debug)]
pub struct Ongoing<K: Eq + Hash> {
    tally: Tally<K>,
    key: K,
    others: usize,
}

impl<K> Default for Tally<K> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<K: Clone + Eq + Hash> Tally<K> {
    /// One more begins.
    pub fn begin(&self, key: K) -> Ongoing<K> {
        let mut counts = self.locked();
        let count = counts.entry(key.clone()).or_default();
        *count += 1;
        Ongoing { tally: self.clone(), key, others: *count - 1 }
    }
}

impl<K> Tally<K> {
    /// How much goes on, whosever it is.
    pub fn all(&self) -> usize {
        self.locked().values().sum()
    }

    fn locked(&self) -> MutexGuard<'_, HashMap<K, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Eq + Hash> Ongoing<K> {
    /// Whose it is.
    pub fn key(&self) -> &K {
        &self.key
    }

    /// How many others of the same key went on when it began.
    pub fn others(&self) -> usize {
        self.others
    }
}

impl<K: Eq + Hash> Drop for Ongoing<K> {
    fn drop(&mut self) {
        let mut counts = self.tally.locked();
        if let Some(count) = counts.get_mut(&self.key) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ends_counts_no_longer_and_keys_are_counted_apart() {
        let tally = Tally::default();
        let others = |key| tally.begin(key).others();
        let first = tally.begin("ann");
        assert_eq!((first.others(), others("ann"), others("bob")), (0, 1, 0));
        let second = tally.begin("ann");
        assert_eq!((second.others(), tally.all()), (1, 2));
        drop((first, second));
        assert_eq!((others("ann"), tally.all(), tally.locked().len()), (0, 0, 0));
    }
}
