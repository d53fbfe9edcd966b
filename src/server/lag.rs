//! Whether a thread keeps up with what comes: how long it takes until it gets to what it is asked.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::{sync::Notify, task};

/// How long it may take.
const BEHIND: Duration = Duration::from_millis(100);
/// For how long an answer tells something.
const FRESH: Duration = Duration::from_secs(1);
/// There is none.
const NONE: u64 = u64::MAX;

/// How long a thread takes to get to something. Instants are microseconds from the start on.
#[derive(Debug)]
pub(super) struct Lag {
    start: Instant,
    question: Notify,
    /// When the question was asked that is not answered yet.
    asked: AtomicU64,
    /// When the last one was answered.
    answered: AtomicU64,
    /// How long that took.
    took: AtomicU64,
}

/// Those of all threads that serve requests.
#[derive(Clone, Debug)]
pub(super) struct Lags(pub(super) Vec<Arc<Lag>>);

impl Lags {
    /// Whether no thread keeps up with what comes.
    pub(super) fn are_long(&self) -> bool {
        !self.0.is_empty() && self.0.iter().all(|it| it.is_long())
    }
}

impl Lag {
    /// Nothing was asked.
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            start: Instant::now(),
            question: Notify::new(),
            asked: AtomicU64::new(NONE),
            answered: AtomicU64::new(0),
            took: AtomicU64::new(0),
        })
    }

    /// Answers as long as it is asked; to be run by the thread.
    pub(super) async fn answer(&self) {
        loop {
            self.question.notified().await;
            // A word from another thread comes before all that waits here; behind that is where requests are.
            task::yield_now().await;
            let now = self.now();
            self.took.store(now.saturating_sub(self.asked.load(Ordering::Relaxed)), Ordering::Relaxed);
            self.answered.store(now, Ordering::Relaxed);
            self.asked.store(NONE, Ordering::Relaxed);
        }
    }

    /// Whether what comes now waits for longer than it should, as far as is known; asks for the next time.
    fn is_long(&self) -> bool {
        let now = self.now();
        let asked = self.asked.load(Ordering::Relaxed);
        if asked == NONE {
            self.asked.store(now, Ordering::Relaxed);
            self.question.notify_one();
        }
        let is_fresh = micros(FRESH) > now.saturating_sub(self.answered.load(Ordering::Relaxed));
        let took = if is_fresh { self.took.load(Ordering::Relaxed) } else { 0 };
        took.max(now.saturating_sub(asked)) > micros(BEHIND)
    }

    fn now(&self) -> u64 {
        micros(self.start.elapsed())
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(NONE)
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[tokio::test]
    async fn a_thread_is_behind_while_a_question_waits_and_until_a_later_one_did_not() {
        let lag = Lag::new();
        let lags = Lags(vec![Arc::clone(&lag)]);
        assert!(!lags.are_long(), "nothing was asked");
        // Nobody answers.
        thread::sleep(BEHIND * 2);
        assert!(lags.are_long());
        let answering = tokio::spawn(async move { lag.answer().await });
        tokio::time::sleep(BEHIND / 10).await;
        assert!(lags.are_long(), "the answer came late");
        tokio::time::sleep(BEHIND / 10).await;
        assert!(!lags.are_long(), "the next one did not");
        answering.abort();
        assert!(!Lags(Vec::new()).are_long(), "there is no thread");
    }
}
