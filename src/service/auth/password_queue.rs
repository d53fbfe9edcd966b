//! Turns at the threads that hash passwords. How many wait is bounded, and how long each of them does; and one who asks
//! has a share of the places, so that others find one.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time,
};

use crate::{
    error::Error,
    in_flight::{InFlight, InFlightGuard},
};

/// How many hashes wait at most for each thread; one more is refused.
const MAX_WAITING: usize = 64;
/// How many of them, and of those that are worked on, are for one who asks.
const MAX_PER_ASKER: usize = 8;

/// Who takes a turn next, and who is refused.
#[derive(Debug)]
pub(super) struct Turns {
    threads: usize,
    max_wait: Duration,
    places: Arc<Semaphore>,
    working: Arc<Semaphore>,
    shares: InFlight<String, 1>,
}

/// A turn, until it is dropped.
#[derive(Debug)]
pub(super) struct PasswordTurn {
    _working: OwnedSemaphorePermit,
    _place: OwnedSemaphorePermit,
    _own: OwnedSemaphorePermit,
    _share: InFlightGuard<String, 1>,
}

impl Turns {
    /// Turns at so many threads, for which nobody waits longer than that.
    pub(super) fn new(threads: usize, max_wait: Duration) -> Self {
        Self {
            threads,
            max_wait,
            places: Arc::new(Semaphore::new(threads * (MAX_WAITING + 1))),
            working: Arc::new(Semaphore::new(threads)),
            shares: InFlight::new([threads * MAX_PER_ASKER]),
        }
    }

    /// Waits for a turn; an address, or a user who is signed in, asks for it.
    pub(super) async fn take(&self, asker: &str) -> Result<PasswordTurn, Error> {
        let share = self.shares.begin(&asker.to_owned());
        if share.others() >= self.threads * MAX_WAITING {
            return Err(Error::Busy);
        }
        let turn = async {
            let own = Arc::clone(&share.permits()[0]).acquire_owned().await.map_err(Error::internal)?;
            let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| Error::Busy)?;
            let working = Arc::clone(&self.working).acquire_owned().await.map_err(Error::internal)?;
            Ok::<_, Error>((own, place, working))
        };
        let (own, place, working) = time::timeout(self.max_wait, turn).await.map_err(|_| Error::Busy)??;
        Ok(PasswordTurn { _working: working, _place: place, _own: own, _share: share })
    }

    /// How many have a turn, and how many wait for one.
    pub(super) fn now(&self) -> (usize, usize) {
        let working = self.threads.saturating_sub(self.working.available_permits());
        let all = (self.threads * (MAX_WAITING + 1)).saturating_sub(self.places.available_permits());
        (working, all.saturating_sub(working))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::future::join_all;

    #[tokio::test]
    async fn nobody_waits_longer_than_is_allowed() {
        let turns = Turns::new(1, Duration::from_millis(20));
        let held = turns.take("ann").await.unwrap();
        assert!(matches!(turns.take("bob").await, Err(Error::Busy)));
        drop(held);
        assert!(turns.take("bob").await.is_ok());
        assert_eq!(turns.now(), (0, 0));
    }

    #[tokio::test]
    async fn an_address_that_asks_for_all_turns_leaves_places_to_others() {
        let turns = Turns::new(1, Duration::from_secs(60));
        let held = turns.take("ann").await.unwrap();
        let many = join_all((0..1000).map(async |_| turns.take("ann").await.map(drop)));
        let other = async {
            // All the others have asked by now.
            assert_eq!(turns.now(), (1, MAX_PER_ASKER - 1));
            drop(held);
            turns.take("bob").await.map(drop)
        };
        let (many, other) = tokio::join!(many, other);
        assert!(other.is_ok(), "{other:?}");
        // Some of the others wait for their own, and what is beyond that is refused at once.
        assert_eq!(many.iter().filter(|it| it.is_ok()).count(), MAX_WAITING - 1);
    }
}
