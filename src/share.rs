//! Shares of what others need too: so much at a time of it for each asker, who waits for their own share and for nobody
//! else's. What is kept of an asker is there only as long as they ask.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::Semaphore;

/// The shares of all who ask.
#[derive(Debug)]
pub struct Shares<K: Eq + Hash>(Arc<Inner<K>>);

#[derive(Debug)]
struct Inner<K> {
    size: usize,
    askers: Mutex<HashMap<K, Asker>>,
}

#[derive(Debug)]
struct Asker {
    permits: Arc<Semaphore>,
    asking: usize,
}

/// A share, for one request of its asker.
#[derive(Debug)]
pub struct Share<K: Eq + Hash> {
    shares: Arc<Inner<K>>,
    key: K,
    permits: Arc<Semaphore>,
    others: usize,
}

impl<K: Clone + Eq + Hash> Shares<K> {
    /// Shares of that size.
    pub fn new(size: usize) -> Self {
        Self(Arc::new(Inner { size, askers: Mutex::default() }))
    }

    /// The share of that asker.
    pub fn of(&self, key: &K) -> Share<K> {
        let mut askers = self.0.locked();
        let asker = askers
            .entry(key.clone())
            .or_insert_with(|| Asker { permits: Arc::new(Semaphore::new(self.0.size)), asking: 0 });
        asker.asking += 1;
        let (permits, others) = (Arc::clone(&asker.permits), asker.asking - 1);
        Share { shares: Arc::clone(&self.0), key: key.clone(), permits, others }
    }
}

impl<K: Eq + Hash> Inner<K> {
    fn locked(&self) -> MutexGuard<'_, HashMap<K, Asker>> {
        self.askers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Eq + Hash> Share<K> {
    /// What is taken of it while it is used.
    pub fn permits(&self) -> &Arc<Semaphore> {
        &self.permits
    }

    /// How many other requests of the same asker there were when it was asked for.
    pub fn others(&self) -> usize {
        self.others
    }
}

impl<K: Eq + Hash> Drop for Share<K> {
    fn drop(&mut self) {
        let mut askers = self.shares.locked();
        if let Some(asker) = askers.get_mut(&self.key) {
            asker.asking -= 1;
            if asker.asking == 0 {
                askers.remove(&self.key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_asker_has_one_share_however_many_requests_ask_and_others_have_their_own() {
        let shares = Shares::new(2);
        let (first, second, other) = (shares.of(&"ann"), shares.of(&"ann"), shares.of(&"bob"));
        assert_eq!((first.others(), second.others(), other.others()), (0, 1, 0));
        let taken = (first.permits().try_acquire().unwrap(), second.permits().try_acquire().unwrap());
        assert!(first.permits().try_acquire().is_err() && other.permits().try_acquire().is_ok());
        drop(taken);
        drop((first, second, other));
        assert!(shares.0.locked().is_empty());
    }
}
