//! A batcher: keys that arrive while a batch is in flight wait, and are the next batch. Nobody waits for a timer: where
//! nothing is in flight a key goes at once, and the busier the work is, the larger are the batches. Invariant: while keys
//! wait, some batch is in flight or about to be, and however that ends (result, panic, cancelled task, runtime that
//! ends) its [`Slot`] is dropped and starts the next one. Without that, keys would wait for ever.

use std::{
    fmt,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use tokio::{runtime::Handle, sync::oneshot, task::yield_now};

/// From when on a batch counts as slow, and another one may start beside it: one over a connection that has fallen silent
/// is not waited for. Most take a tenth of that.
const SLOW: Duration = Duration::from_millis(25);
/// How many batches are in flight for each one that a policy allows, slow ones included.
const MAX_IN_FLIGHT: usize = 3;
/// The sizes that batches have: few, so that the statement of each size can be kept prepared.
const SIZES: [usize; 7] = [1, 2, 4, 8, 16, 32, 64];

/// How large batches are, and how many there are at a time.
#[derive(Clone, Copy, Debug)]
pub struct BatchPolicy {
    /// How many keys a batch has at most.
    pub max_size: usize,
    /// How many batches are in flight at a time, slow ones aside.
    pub max_in_flight: usize,
}

/// A value for each size that batches of a policy have.
#[derive(Debug)]
pub struct PerSize<T>(Vec<T>);

impl<T> PerSize<T> {
    /// The values that are made for each size up to that.
    pub fn new(max_size: usize, make: impl Fn(usize) -> T) -> Self {
        Self(SIZES.into_iter().filter(|size| *size <= max_size).map(make).collect())
    }

    /// The value for batches of that size.
    pub fn get(&self, size: usize) -> Option<&T> {
        let index = SIZES.iter().position(|it| *it == size)?;
        self.0.get(index)
    }
}

/// Loads values by key, many keys at once.
pub struct Batcher<K, V>(Arc<Shared<K, V>>);

struct Shared<K, V> {
    state: Mutex<State<K, V>>,
    policy: BatchPolicy,
    load: Load<K, V>,
}

/// Loads the values of a batch, in the order of its keys.
type Load<K, V> = Box<dyn Fn(Vec<K>) -> Pin<Box<dyn Future<Output = Vec<V>> + Send>> + Send + Sync>;

struct State<K, V> {
    waiting: Vec<Waiting<K, V>>,
    /// When each batch in flight was started.
    in_flight: Vec<Instant>,
}

/// A key, and where its value is awaited.
struct Waiting<K, V> {
    key: K,
    value: oneshot::Sender<V>,
}

impl<K, V> State<K, V> {
    /// Takes a slot if one is free.
    fn begin(&mut self, policy: BatchPolicy) -> Option<Instant> {
        let quick = self.in_flight.iter().filter(|since| since.elapsed() <= SLOW).count();
        let is_free = quick < policy.max_in_flight && self.in_flight.len() < policy.max_in_flight * MAX_IN_FLIGHT;
        is_free.then(|| self.occupy())
    }

    fn occupy(&mut self) -> Instant {
        let now = Instant::now();
        self.in_flight.push(now);
        now
    }

    /// Gives the slot back, and takes it again for the next batch if keys wait.
    fn next_batch(&mut self, since: Instant, max_size: usize) -> Option<(Instant, Vec<Waiting<K, V>>)> {
        if let Some(index) = self.in_flight.iter().position(|it| *it == since) {
            self.in_flight.swap_remove(index);
        }
        let size = SIZES.into_iter().rfind(|size| *size <= self.waiting.len().min(max_size))?;
        Some((self.occupy(), self.waiting.drain(..size).collect()))
    }
}

impl<K: Send + 'static, V: Send + 'static> Batcher<K, V> {
    /// A batcher that loads the values of a batch so.
    pub fn new<F>(policy: BatchPolicy, load: impl Fn(Vec<K>) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Vec<V>> + Send + 'static,
    {
        let state = Mutex::new(State { waiting: Vec::new(), in_flight: Vec::new() });
        Self(Arc::new(Shared { state, policy, load: Box::new(move |keys| Box::pin(load(keys))) }))
    }

    /// The value of a key; none when its batch broke off.
    pub async fn load(&self, key: K) -> Option<V> {
        let (value, loaded) = oneshot::channel();
        let started = {
            let mut state = self.state();
            state.waiting.push(Waiting { key, value });
            state.begin(self.0.policy)
        };
        if let Some(since) = started {
            let slot = Slot { batcher: self.clone(), since };
            // Other tasks that are ready may add their keys.
            yield_now().await;
            drop(slot);
        }
        loaded.await.ok()
    }

    fn state(&self) -> MutexGuard<'_, State<K, V>> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A batch in flight or about to be. When it is dropped, the keys that wait are the next batch.
struct Slot<K: Send + 'static, V: Send + 'static> {
    batcher: Batcher<K, V>,
    since: Instant,
}

impl<K: Send + 'static, V: Send + 'static> Slot<K, V> {
    async fn run(self, batch: Vec<Waiting<K, V>>) {
        let (keys, senders): (Vec<K>, Vec<_>) = batch.into_iter().map(|it| (it.key, it.value)).unzip();
        let values = (self.batcher.0.load)(keys).await;
        for (sender, value) in senders.into_iter().zip(values) {
            // Whoever has stopped waiting is not an error.
            let _ = sender.send(value);
        }
    }
}

impl<K: Send + 'static, V: Send + 'static> Drop for Slot<K, V> {
    fn drop(&mut self) {
        let next = self.batcher.state().next_batch(self.since, self.batcher.0.policy.max_size);
        if let Some((since, batch)) = next {
            let slot = Self { batcher: self.batcher.clone(), since };
            // Without a runtime, or with one that ends, the batch is dropped at once, and so are those after it.
            if let Ok(runtime) = Handle::try_current() {
                runtime.spawn(slot.run(batch));
            }
        }
    }
}

impl<K, V> Clone for Batcher<K, V> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<K, V> fmt::Debug for Batcher<K, V> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Batcher").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use futures_util::future::join_all;
    use tokio::sync::mpsc;

    use super::*;

    const ONE_AT_A_TIME: BatchPolicy = BatchPolicy { max_size: 16, max_in_flight: 1 };

    /// Doubles numbers, and tells the size of each batch.
    fn doubling(policy: BatchPolicy) -> (Batcher<u32, u32>, mpsc::UnboundedReceiver<usize>) {
        let (sizes, seen) = mpsc::unbounded_channel();
        let batcher = Batcher::new(policy, move |numbers: Vec<u32>| {
            let sizes = sizes.clone();
            async move {
                sizes.send(numbers.len()).unwrap();
                yield_now().await;
                assert!(!numbers.contains(&13), "a number that is refused");
                numbers.into_iter().map(|it| it * 2).collect()
            }
        });
        (batcher, seen)
    }

    fn all(mut seen: mpsc::UnboundedReceiver<usize>) -> Vec<usize> {
        std::iter::from_fn(|| seen.try_recv().ok()).collect()
    }

    #[tokio::test]
    async fn keys_that_arrive_at_the_same_time_are_loaded_together() {
        let (batcher, seen) = doubling(ONE_AT_A_TIME);
        let values = join_all((0..7).map(|number| batcher.load(number))).await;
        assert_eq!(values, (0..7).map(|number| Some(number * 2)).collect::<Vec<_>>());
        assert_eq!(batcher.load(7).await, Some(14));
        assert_eq!(all(seen), [4, 2, 1, 1]);
    }

    #[tokio::test]
    async fn a_batch_has_at_most_as_many_keys_as_its_policy_allows() {
        let (batcher, seen) = doubling(BatchPolicy { max_size: 64, max_in_flight: 1 });
        let values = join_all((100..200).map(|number| batcher.load(number))).await;
        assert_eq!(values, (100..200).map(|number| Some(number * 2)).collect::<Vec<_>>());
        assert_eq!(all(seen), [64, 32, 4]);
    }

    #[tokio::test]
    async fn as_many_batches_are_in_flight_as_the_policy_allows() {
        for max_in_flight in [1, 2] {
            let (started, mut seen) = mpsc::unbounded_channel();
            let batcher = Batcher::new(BatchPolicy { max_size: 16, max_in_flight }, move |numbers: Vec<u32>| {
                started.send(()).unwrap();
                async move {
                    std::future::pending::<()>().await;
                    numbers
                }
            });
            for number in 0..3 {
                let batcher = batcher.clone();
                tokio::spawn(async move { batcher.load(number).await });
                for _ in 0..4 {
                    yield_now().await;
                }
            }
            assert_eq!(std::iter::from_fn(|| seen.try_recv().ok()).count(), max_in_flight);
        }
    }

    #[tokio::test]
    async fn a_batch_that_breaks_off_leaves_nobody_waiting() {
        let (batcher, seen) = doubling(ONE_AT_A_TIME);
        let loading = batcher.clone();
        let first = tokio::spawn(async move { loading.load(13).await });
        yield_now().await;
        assert_eq!(join_all([batcher.load(1), batcher.load(2)]).await, [None, Some(4)]);
        assert_eq!(first.await.unwrap(), None);
        assert_eq!(batcher.load(2).await, Some(4));
        assert_eq!(all(seen), [2, 1, 1]);
    }

    #[tokio::test]
    async fn a_batch_that_is_silent_keeps_others_waiting_for_a_moment_only() {
        let batcher = Batcher::new(ONE_AT_A_TIME, |numbers: Vec<u32>| async move {
            if numbers.contains(&13) {
                std::future::pending::<()>().await;
            }
            numbers
        });
        let loading = batcher.clone();
        let silent = tokio::spawn(async move { loading.load(13).await });
        yield_now().await;
        let loading = batcher.clone();
        let early = tokio::spawn(async move { loading.load(1).await });
        yield_now().await;
        tokio::time::sleep(SLOW + SLOW).await;
        // The next key takes along those who wait.
        assert_eq!(batcher.load(2).await, Some(2));
        assert_eq!(early.await.unwrap(), Some(1));
        assert_eq!(batcher.load(3).await, Some(3));
        assert!(!silent.is_finished());
    }

    #[test]
    fn a_runtime_that_ends_leaves_nobody_waiting() {
        let runtime = || tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (batcher, _seen) = doubling(ONE_AT_A_TIME);
        let first = runtime();
        let loading = batcher.clone();
        first.spawn(async move { join_all((0..9).map(|number| loading.load(number))).await });
        first.block_on(yield_now());
        drop(first);
        assert_eq!(runtime().block_on(batcher.load(1)), Some(2));
    }

    #[tokio::test]
    async fn who_stops_waiting_leaves_nobody_waiting() {
        let (batcher, _seen) = doubling(ONE_AT_A_TIME);
        let loading = batcher.clone();
        let first = tokio::spawn(async move { loading.load(0).await });
        yield_now().await;
        let second = batcher.load(1);
        first.abort();
        assert_eq!(second.await, Some(2));
    }
}
