//! Whether a thread keeps up with what comes: how long it takes until it gets to what it is asked.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::{sync::Notify, task};

/// How long it may take.
const BEHIND: Duration = Duration::from_millis(100);
/// How long it may take until what came already is refused too.
const FAR_BEHIND: Duration = Duration::from_millis(200);
/// How many connections may wait to be taken by a thread.
const MOST_WAITING: usize = 64;
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
    /// How many in turn took far too long.
    late: AtomicU32,
    /// How many connections wait to be taken.
    waiting: AtomicUsize,
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
            late: AtomicU32::new(0),
            waiting: AtomicUsize::new(0),
        })
    }

    /// Answers as long as it is asked; to be run by the thread.
    pub(super) async fn answer(&self) {
        loop {
            self.question.notified().await;
            // A word from another thread comes before all that waits here; behind that is where requests are.
            task::yield_now().await;
            let now = self.now();
            let took = now.saturating_sub(self.asked.load(Ordering::Relaxed));
            self.took.store(took, Ordering::Relaxed);
            let late = if took > micros(FAR_BEHIND) { self.late.load(Ordering::Relaxed).saturating_add(1) } else { 0 };
            self.late.store(late, Ordering::Relaxed);
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
        let took = if self.is_fresh(now) { self.took.load(Ordering::Relaxed) } else { 0 };
        took.max(now.saturating_sub(asked)) > micros(BEHIND) || self.waiting.load(Ordering::Relaxed) > MOST_WAITING
    }

    /// A connection was handed to the thread.
    pub(super) fn is_handed_one(&self) {
        self.waiting.fetch_add(1, Ordering::Relaxed);
    }

    /// The thread took it.
    pub(super) fn takes_one(&self) {
        self.waiting.fetch_sub(1, Ordering::Relaxed);
    }

    /// Whether so much came that all of it waits for long, as far as somebody asked.
    pub(super) fn is_lasting(&self) -> bool {
        let (now, late) = (self.now(), self.late.load(Ordering::Relaxed));
        let waits = now.saturating_sub(self.asked.load(Ordering::Relaxed)) > micros(FAR_BEHIND);
        // One may be late because the machine had other things to do.
        late > 0 && waits || late > 1 && self.is_fresh(now)
    }

    /// Whether the last answer tells something still.
    fn is_fresh(&self, now: u64) -> bool {
        micros(FRESH) > now.saturating_sub(self.answered.load(Ordering::Relaxed))
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

    #[tokio::test]
    async fn a_lag_lasts_when_answers_in_turn_are_late() {
        let lag = Lag::new();
        let answering = Arc::clone(&lag);
        tokio::spawn(async move { answering.answer().await });
        for (late, lasts) in [(true, false), (true, true), (true, true), (false, false), (true, false)] {
            lag.is_long();
            if late {
                thread::sleep(FAR_BEHIND + BEHIND);
            }
            tokio::time::sleep(BEHIND / 10).await;
            assert_eq!(lag.is_lasting(), lasts);
        }
    }
}
