//! Counts what is in flight for each key (a user, an address), and bounds it by permits of the key's own: whoever asks
//! for much at once waits for their own permits and takes none from others. A key is stored only while something of it
//! is in flight.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::Semaphore;

/// What is in flight, by key, with `N` kinds of permits for each key.
#[derive(Debug)]
pub struct InFlight<K: Eq + Hash, const N: usize = 0>(Arc<Counts<K, N>>);

#[derive(Debug)]
struct Counts<K, const N: usize> {
    permits: [usize; N],
    keys: Mutex<HashMap<K, KeyState<N>>>,
}

#[derive(Debug)]
struct KeyState<const N: usize> {
    permits: [Arc<Semaphore>; N],
    count: usize,
}

/// One thing in flight, until it is dropped.
#[derive(Debug)]
pub struct InFlightGuard<K: Eq + Hash, const N: usize = 0> {
    counts: Arc<Counts<K, N>>,
    key: K,
    permits: [Arc<Semaphore>; N],
    others: usize,
}

impl<K: Eq + Hash> Default for InFlight<K> {
    fn default() -> Self {
        Self::new([])
    }
}

impl<K: Eq + Hash, const N: usize> Clone for InFlight<K, N> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<K: Eq + Hash, const N: usize> InFlight<K, N> {
    /// Nothing is in flight; each key has so many permits of each kind.
    pub fn new(permits: [usize; N]) -> Self {
        Self(Arc::new(Counts { permits, keys: Mutex::default() }))
    }

    /// How much is in flight, for all keys together.
    pub fn total(&self) -> usize {
        self.0.locked().values().map(|it| it.count).sum()
    }
}

impl<K: Clone + Eq + Hash, const N: usize> InFlight<K, N> {
    /// Counts one more of that key.
    pub fn begin(&self, key: &K) -> InFlightGuard<K, N> {
        let mut keys = self.0.locked();
        let state = keys
            .entry(key.clone())
            .or_insert_with(|| KeyState { permits: self.0.permits.map(|it| Arc::new(Semaphore::new(it))), count: 0 });
        state.count += 1;
        let (permits, others) = (state.permits.clone(), state.count - 1);
        InFlightGuard { counts: Arc::clone(&self.0), key: key.clone(), permits, others }
    }
}

impl<K, const N: usize> Counts<K, N> {
    fn locked(&self) -> MutexGuard<'_, HashMap<K, KeyState<N>>> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Eq + Hash, const N: usize> InFlightGuard<K, N> {
    /// The key.
    pub fn key(&self) -> &K {
        &self.key
    }

    /// The permits of the key, one semaphore for each kind.
    pub fn permits(&self) -> &[Arc<Semaphore>; N] {
        &self.permits
    }

    /// How many others of the same key were in flight when it began.
    pub fn others(&self) -> usize {
        self.others
    }
}

impl<K: Eq + Hash, const N: usize> Drop for InFlightGuard<K, N> {
    fn drop(&mut self) {
        let mut keys = self.counts.locked();
        if let Some(state) = keys.get_mut(&self.key) {
            state.count -= 1;
            if state.count == 0 {
                keys.remove(&self.key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_its_own_permits_however_much_of_it_is_in_flight() {
        let all = InFlight::new([2]);
        let (first, second, other) = (all.begin(&"ann"), all.begin(&"ann"), all.begin(&"bob"));
        assert_eq!((first.others(), second.others(), other.others(), all.total()), (0, 1, 0, 3));
        let taken = (first.permits()[0].try_acquire().unwrap(), second.permits()[0].try_acquire().unwrap());
        assert!(first.permits()[0].try_acquire().is_err() && other.permits()[0].try_acquire().is_ok());
        drop(taken);
        drop((first, second, other));
        assert!(all.0.locked().is_empty());
    }
}
