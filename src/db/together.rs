//! Work that is asked for at the same time, done together: while some of it is on its way, more gathers, and is done next.
//! If that takes long, as over a connection that has fallen silent, more goes on its way beside it. Where many can work
//! at a time, each thread that serves requests gathers for itself, because an answer from another thread would have to
//! wake this one.

use std::{
    fmt,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use tokio::{runtime::Handle, sync::oneshot, task::yield_now};

use super::singles::worker;

/// For how long what gathers waits for what is on its way, which mostly takes a tenth of that.
const LONG: Duration = Duration::from_millis(25);

/// How many turns there are beside each other, at most.
const BESIDE: usize = 3;

/// How many questions are answered at a time.
const SIZES: [usize; 7] = [1, 2, 4, 8, 16, 32, 64];

/// Where questions gather.
#[derive(Clone, Copy, Debug)]
pub(super) struct Gathering {
    /// How many threads gather apart from each other; more of them share.
    places: usize,
    /// How many questions are answered at a time, at most.
    most: usize,
}

/// Each thread gathers by itself: many can work at a time.
pub(super) const APART: Gathering = Gathering { places: 16, most: 16 };

/// All threads gather together: the work is done once at a time.
pub(super) const IN_TURN: Gathering = Gathering { places: 1, most: 64 };

/// The statements that answer so many questions: few texts, so that the database can keep them prepared.
pub(super) struct Texts(Vec<String>);

impl Texts {
    /// Of the text for each size.
    pub(super) fn new(gathering: Gathering, of: impl Fn(usize) -> String) -> Self {
        Self(SIZES.into_iter().filter(|size| *size <= gathering.most).map(of).collect())
    }

    /// The one for so many.
    pub(super) fn of(&self, many: usize) -> &str {
        let place = SIZES.iter().position(|size| *size == many);
        place.and_then(|place| self.0.get(place)).map_or("", String::as_str)
    }
}

/// Answers questions of a kind, many at once.
pub(super) struct Together<Q, A>(Arc<Inner<Q, A>>);

struct Inner<Q, A> {
    gathered: Box<[Mutex<Gathered<Q, A>>]>,
    most: usize,
    work: Work<Q, A>,
}

/// Answers so many questions as there are texts for, in their order.
type Work<Q, A> = Box<dyn Fn(Vec<Q>) -> Answers<A> + Send + Sync>;
type Answers<A> = Pin<Box<dyn Future<Output = Vec<A>> + Send>>;

/// Questions, and where their answers are awaited.
type Asked<Q, A> = Vec<(Q, oneshot::Sender<A>)>;

struct Gathered<Q, A> {
    asked: Asked<Q, A>,
    /// Since when some are on their way.
    turns: Vec<Instant>,
}

impl<Q, A> Gathered<Q, A> {
    /// The turn of those who have gathered, unless they wait for others.
    fn go(&mut self) -> Option<Instant> {
        let is_free = self.turns.len() < BESIDE && self.turns.iter().all(|since| since.elapsed() > LONG);
        is_free.then(|| self.began())
    }

    fn began(&mut self) -> Instant {
        let now = Instant::now();
        self.turns.push(now);
        now
    }

    /// Ends that turn, and gives the next to those who have gathered, if there are any.
    fn pass_on(&mut self, since: Instant, most: usize) -> Option<(Instant, Asked<Q, A>)> {
        if let Some(place) = self.turns.iter().position(|it| *it == since) {
            self.turns.swap_remove(place);
        }
        let many = SIZES.into_iter().rfind(|size| *size <= self.asked.len().min(most))?;
        Some((self.began(), self.asked.drain(..many).collect()))
    }
}

impl<Q: Send + 'static, A: Send + 'static> Together<Q, A> {
    /// Answers by this work.
    pub(super) fn new<F>(
        Gathering { places, most }: Gathering,
        work: impl Fn(Vec<Q>) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Vec<A>> + Send + 'static,
    {
        let gathered = || Mutex::new(Gathered { asked: Vec::new(), turns: Vec::new() });
        let gathered = (0..places).map(|_| gathered()).collect();
        Self(Arc::new(Inner { gathered, most, work: Box::new(move |asked| Box::pin(work(asked))) }))
    }

    /// The answer; none when the work broke off.
    pub(super) async fn ask(&self, question: Q) -> Option<A> {
        let place = worker() % self.0.gathered.len();
        let (answer, answered) = oneshot::channel();
        let since = {
            let mut gathered = self.gathered(place);
            gathered.asked.push((question, answer));
            gathered.go()
        };
        if let Some(since) = since {
            let turn = Turn { together: self.clone(), place, since };
            // Whatever else is ready on this thread may ask as well.
            yield_now().await;
            drop(turn);
        }
        answered.await.ok()
    }

    fn gathered(&self, place: usize) -> MutexGuard<'_, Gathered<Q, A>> {
        self.0.gathered[place].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The turn of those who are on their way. However it ends, those who came meanwhile are next.
struct Turn<Q: Send + 'static, A: Send + 'static> {
    together: Together<Q, A>,
    place: usize,
    since: Instant,
}

impl<Q: Send + 'static, A: Send + 'static> Turn<Q, A> {
    async fn answer(self, asked: Asked<Q, A>) {
        let (questions, waiting): (Vec<Q>, Vec<oneshot::Sender<A>>) = asked.into_iter().unzip();
        let answers = (self.together.0.work)(questions).await;
        for (waiting, answer) in waiting.into_iter().zip(answers) {
            // Somebody who has stopped waiting is not an error.
            let _ = waiting.send(answer);
        }
    }
}

impl<Q: Send + 'static, A: Send + 'static> Drop for Turn<Q, A> {
    fn drop(&mut self) {
        let next = self.together.gathered(self.place).pass_on(self.since, self.together.0.most);
        if let Some((since, asked)) = next {
            let turn = Self { together: self.together.clone(), place: self.place, since };
            // Where no runtime is, or one that ends, this turn is over at once, and so are those that come after it.
            if let Ok(runtime) = Handle::try_current() {
                runtime.spawn(turn.answer(asked));
            }
        }
    }
}

impl<Q, A> Clone for Together<Q, A> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<Q, A> fmt::Debug for Together<Q, A> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Together").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use futures_util::future::join_all;
    use tokio::sync::mpsc;

    use super::*;

    /// Doubles numbers, and says how many at a time.
    fn doubling() -> (Together<u32, u32>, mpsc::UnboundedReceiver<usize>) {
        let (at_once, seen) = mpsc::unbounded_channel();
        let together = Together::new(APART, move |numbers: Vec<u32>| {
            let at_once = at_once.clone();
            async move {
                at_once.send(numbers.len()).unwrap();
                yield_now().await;
                assert!(!numbers.contains(&13), "a number that is refused");
                numbers.into_iter().map(|it| it * 2).collect()
            }
        });
        (together, seen)
    }

    fn all(mut seen: mpsc::UnboundedReceiver<usize>) -> Vec<usize> {
        std::iter::from_fn(|| seen.try_recv().ok()).collect()
    }

    #[tokio::test]
    async fn who_asks_at_the_same_time_is_answered_together() {
        let (together, seen) = doubling();
        let answers = join_all((0..7).map(|number| together.ask(number))).await;
        assert_eq!(answers, (0..7).map(|number| Some(number * 2)).collect::<Vec<_>>());
        assert_eq!(together.ask(7).await, Some(14));
        assert_eq!(all(seen), [4, 2, 1, 1]);
    }

    #[tokio::test]
    async fn work_that_is_done_in_turn_is_done_for_more() {
        let (at_once, seen) = mpsc::unbounded_channel();
        let together = Together::new(IN_TURN, move |numbers: Vec<u32>| {
            at_once.send(numbers.len()).unwrap();
            async { numbers }
        });
        let answers = join_all((0..100).map(|number| together.ask(number))).await;
        assert_eq!(answers, (0..100).map(Some).collect::<Vec<_>>());
        assert_eq!(all(seen), [64, 32, 4]);
    }

    #[tokio::test]
    async fn work_that_breaks_off_leaves_nobody_waiting() {
        let (together, seen) = doubling();
        let asking = together.clone();
        let first = tokio::spawn(async move { asking.ask(13).await });
        yield_now().await;
        assert_eq!(join_all([together.ask(1), together.ask(2)]).await, [None, Some(4)]);
        assert_eq!(first.await.unwrap(), None);
        assert_eq!(together.ask(2).await, Some(4));
        assert_eq!(all(seen), [2, 1, 1]);
    }

    #[tokio::test]
    async fn work_that_is_silent_keeps_others_waiting_for_a_moment_only() {
        let together = Together::new(APART, |numbers: Vec<u32>| async move {
            if numbers.contains(&13) {
                std::future::pending::<()>().await;
            }
            numbers
        });
        let asking = together.clone();
        let silent = tokio::spawn(async move { asking.ask(13).await });
        yield_now().await;
        let asking = together.clone();
        let early = tokio::spawn(async move { asking.ask(1).await });
        yield_now().await;
        tokio::time::sleep(LONG + LONG).await;
        // Whoever asks now takes along those who wait.
        assert_eq!(together.ask(2).await, Some(2));
        assert_eq!(early.await.unwrap(), Some(1));
        assert_eq!(together.ask(3).await, Some(3));
        assert!(!silent.is_finished());
    }

    #[test]
    fn a_runtime_that_ends_leaves_nobody_waiting() {
        let runtime = || tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (together, _seen) = doubling();
        let first = runtime();
        let asking = together.clone();
        first.spawn(async move { join_all((0..9).map(|number| asking.ask(number))).await });
        first.block_on(yield_now());
        drop(first);
        assert_eq!(runtime().block_on(together.ask(1)), Some(2));
    }

    #[tokio::test]
    async fn who_stops_waiting_leaves_nobody_waiting() {
        let (together, _seen) = doubling();
        let asking = together.clone();
        let first = tokio::spawn(async move { asking.ask(0).await });
        yield_now().await;
        let second = together.ask(1);
        first.abort();
        assert_eq!(second.await, Some(2));
    }
}
