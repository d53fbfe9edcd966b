//! Whether a thread keeps up with what comes.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// For how long a thread may be at work without looking for what is new.
const BEHIND: Duration = Duration::from_millis(50);

/// How long a thread works between two looks for what is new. Each is told when it ends and when the next begins.
#[derive(Debug)]
pub(super) struct Turn {
    start: Instant,
    /// Microseconds from the start on; none while the thread looks.
    begun: AtomicU64,
    /// Microseconds that the last one took.
    last: AtomicU64,
}

/// The turns of all threads that serve requests.
#[derive(Clone, Debug)]
pub(super) struct Turns(pub(super) Vec<Arc<Turn>>);

impl Turns {
    /// Whether no thread keeps up with what comes.
    pub(super) fn are_long(&self) -> bool {
        !self.0.is_empty() && self.0.iter().all(|it| it.is_long())
    }
}

/// No turn has begun.
const NONE: u64 = u64::MAX;

impl Turn {
    /// None has begun.
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self { start: Instant::now(), begun: AtomicU64::new(NONE), last: AtomicU64::new(0) })
    }

    fn now(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_micros()).unwrap_or(NONE)
    }

    /// The thread begins to work.
    pub(super) fn begins(&self) {
        self.begun.store(self.now(), Ordering::Relaxed);
    }

    /// It looks for what is new.
    pub(super) fn ends(&self) {
        self.last.store(self.so_far(), Ordering::Relaxed);
        self.begun.store(NONE, Ordering::Relaxed);
    }

    fn so_far(&self) -> u64 {
        match self.begun.load(Ordering::Relaxed) {
            NONE => 0,
            begun => self.now().saturating_sub(begun),
        }
    }

    /// Whether what comes now waits for longer than it should.
    pub(super) fn is_long(&self) -> bool {
        Duration::from_micros(self.last.load(Ordering::Relaxed).max(self.so_far())) > BEHIND
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn a_turn_is_long_while_it_lasts_and_until_the_next_is_over() {
        let turn = Turn::new();
        let some = BEHIND + Duration::from_millis(5);
        assert!(!turn.is_long(), "nothing has begun");
        turn.begins();
        assert!(!turn.is_long());
        thread::sleep(some);
        assert!(turn.is_long(), "it lasts");
        turn.ends();
        turn.begins();
        assert!(turn.is_long(), "it was long");
        turn.ends();
        thread::sleep(some);
        assert!(!turn.is_long(), "a thread that looks for work is not behind");
    }
}
