//! Shares of what others need too: so much at a time of it for each asker, who waits for their own share and for nobody
//! else's. What is kept of an asker is there only as long as they ask.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::Semaphore;

/// The shares of all who ask, of so many things.
#[derive(Debug)]
pub struct Shares<K: Eq + Hash, const N: usize>(Arc<Inner<K, N>>);

#[derive(Debug)]
struct Inner<K, const N: usize> {
    sizes: [usize; N],
    askers: Mutex<HashMap<K, Asker<N>>>,
}

#[derive(Debug)]
struct Asker<const N: usize> {
    permits: [Arc<Semaphore>; N],
    asking: usize,
}

/// A share, for one request of its asker.
#[derive(Debug)]
pub struct Share<K: Eq + Hash, const N: usize> {
    shares: Arc<Inner<K, N>>,
    key: K,
    permits: [Arc<Semaphore>; N],
    others: usize,
}

impl<K: Clone + Eq + Hash, const N: usize> Shares<K, N> {
    /// Shares of these sizes.
    pub fn new(sizes: [usize; N]) -> Self {
        Self(Arc::new(Inner { sizes, askers: Mutex::default() }))
    }

    /// The share of that asker.
    pub fn of(&self, key: &K) -> Share<K, N> {
        let mut askers = self.0.locked();
        let asker = askers
            .entry(key.clone())
            .or_insert_with(|| Asker { permits: self.0.sizes.map(|it| Arc::new(Semaphore::new(it))), asking: 0 });
        asker.asking += 1;
        let (permits, others) = (asker.permits.clone(), asker.asking - 1);
        Share { shares: Arc::clone(&self.0), key: key.clone(), permits, others }
    }
}

impl<K: Eq + Hash, const N: usize> Inner<K, N> {
    fn locked(&self) -> MutexGuard<'_, HashMap<K, Asker<N>>> {
        self.askers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Eq + Hash, const N: usize> Share<K, N> {
    /// What is taken of it while it is used.
    pub fn permits(&self) -> &[Arc<Semaphore>; N] {
        &self.permits
    }

    /// How many other requests of the same asker there were when it was asked for.
    pub fn others(&self) -> usize {
        self.others
    }
}

impl<K: Eq + Hash, const N: usize> Drop for Share<K, N> {
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
        let shares = Shares::new([2]);
        let (first, second, other) = (shares.of(&"ann"), shares.of(&"ann"), shares.of(&"bob"));
        assert_eq!((first.others(), second.others(), other.others()), (0, 1, 0));
        let taken = (first.permits()[0].try_acquire().unwrap(), second.permits()[0].try_acquire().unwrap());
        assert!(first.permits()[0].try_acquire().is_err() && other.permits()[0].try_acquire().is_ok());
        drop(taken);
        drop((first, second, other));
        assert!(shares.0.locked().is_empty());
    }
}
