//! Request quotas of a user, and of an address without a user, in a minute. Each instance has a bucket for each of
//! them. On PostgreSQL instances notify each other of what they took, so that all of them together allow about as much
//! as one; a lost notification only widens a limit for a moment.
//! See docs/contracts/reliability.md#quotas.

use std::{
    collections::HashMap,
    num::NonZeroU32,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use entity::id::UserId;
use governor::{
    DefaultKeyedRateLimiter, Quota as Rate, RateLimiter,
    clock::{Clock, DefaultClock},
};
use tokio::time;
use tracing::warn;

use super::auth::{Client, Identity};
use crate::{
    config::Quotas,
    db::{Channel, Hints},
    error::Error,
    telemetry::SecurityEvent,
};

/// How often instances tell each other what they gave.
const TELL: Duration = Duration::from_millis(500);
/// How often buckets that are full again are forgotten.
const CLEANUP_INTERVAL: Duration = Duration::from_secs(60);
/// The smallest part of a bucket that others are told of.
const WORTH_TELLING: u32 = 50;
/// How many buckets are waiting to be told of at most.
const MAX_UNTOLD: usize = 10_000;
/// How many rows that are written at once cost one unit.
pub(super) const ROWS_PER_UNIT: usize = 10;

/// The buckets of this instance.
#[derive(Debug)]
pub(super) struct Quota {
    buckets: Option<Buckets>,
    /// What this instance calls itself among the others.
    name: u32,
    untold: Mutex<HashMap<Whose, u32>>,
}

#[derive(Debug)]
struct Buckets {
    most: Quotas,
    users: DefaultKeyedRateLimiter<String>,
    addresses: DefaultKeyedRateLimiter<String>,
}

/// Whose bucket it is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Whose {
    User(String),
    Address(String),
}

impl Quota {
    /// Full buckets, or none when nothing is limited.
    pub(super) fn new(most: Option<Quotas>) -> Self {
        let buckets = most.map(|most| Buckets {
            most,
            users: RateLimiter::dashmap(Rate::per_minute(most.user)),
            addresses: RateLimiter::dashmap(Rate::per_minute(most.address)),
        });
        Self { buckets, name: rand::random(), untold: Mutex::default() }
    }

    /// Takes one unit for a request, from the user's bucket or else from the address's.
    pub(super) fn request(&self, identity: &Identity, client: &Client) -> Result<(), Error> {
        if self.buckets.is_none() {
            return Ok(());
        }
        match (identity, client.network()) {
            (Identity::User(user), _) => self.take(Whose::User(user.id().0.clone()), NonZeroU32::MIN),
            (_, Some(address)) => self.take(Whose::Address(address), NonZeroU32::MIN),
            (_, None) => Ok(()),
        }
    }

    /// Takes so many units of a user.
    pub(super) fn work(&self, user: &UserId, units: usize) -> Result<(), Error> {
        match NonZeroU32::new(u32::try_from(units).unwrap_or(u32::MAX)) {
            Some(units) if self.buckets.is_some() => self.take(Whose::User(user.0.clone()), units),
            _ => Ok(()),
        }
    }

    fn take(&self, whose: Whose, units: NonZeroU32) -> Result<(), Error> {
        let Some(buckets) = &self.buckets else { return Ok(()) };
        buckets.take(&whose, units).map_err(|wait| {
            let (Whose::User(name) | Whose::Address(name)) = &whose;
            SecurityEvent::LimitHit.log("quota", name);
            Error::TooMany(wait)
        })?;
        let mut untold = self.untold();
        if untold.len() >= MAX_UNTOLD {
            untold.clear();
        }
        let taken = untold.entry(whose).or_default();
        *taken = taken.saturating_add(units.get());
        Ok(())
    }

    /// Tells the other instances, and forgets buckets that are full, until it is dropped.
    pub(super) async fn keep(&self, hints: &Hints) {
        let Some(buckets) = &self.buckets else { return std::future::pending().await };
        let tidy = async {
            loop {
                time::sleep(CLEANUP_INTERVAL).await;
                for limiter in [&buckets.users, &buckets.addresses] {
                    limiter.retain_recent();
                    limiter.shrink_to_fit();
                }
            }
        };
        let tell = async {
            loop {
                time::sleep(TELL).await;
                if let Err(cause) = hints.send(Channel::Quota, &self.messages(buckets)).await {
                    warn!(%cause, "other instances do not know what was taken here");
                }
            }
        };
        tokio::join!(tidy, tell);
    }

    /// What was taken here and is worth telling, a word each.
    fn messages(&self, buckets: &Buckets) -> Vec<String> {
        let mut messages = Vec::new();
        self.untold().retain(|whose, units| {
            let is_worth_it = *units >= (buckets.most(whose).get() / WORTH_TELLING).max(1);
            if is_worth_it {
                let (kind, name) = match whose {
                    Whose::User(name) => ('u', name),
                    Whose::Address(name) => ('a', name),
                };
                messages.push(format!("{} {units} {kind} {name}", self.name));
            }
            !is_worth_it
        });
        messages
    }

    /// Takes what was taken elsewhere out of the bucket here, as far as there is anything in it.
    pub(super) fn hear(&self, word: &str) {
        let Some((whose, units)) = self.understood(word) else { return };
        let Some(buckets) = &self.buckets else { return };
        let mut left = units.min(buckets.most(&whose).get());
        let mut part = left;
        while let Some(units) = NonZeroU32::new(part.min(left)) {
            match buckets.take(&whose, units) {
                Ok(()) => left -= units.get(),
                Err(_) => part /= 2,
            }
        }
    }

    /// What a word says, if another instance said it.
    fn understood(&self, word: &str) -> Option<(Whose, u32)> {
        let mut parts = word.splitn(4, ' ');
        let (instance, units) = (parts.next()?, parts.next()?.parse().ok()?);
        let (kind, name) = (parts.next()?, parts.next()?.to_owned());
        let is_own = instance.parse() == Ok(self.name);
        match kind {
            _ if is_own => None,
            "u" => Some((Whose::User(name), units)),
            "a" => Some((Whose::Address(name), units)),
            _ => None,
        }
    }

    fn untold(&self) -> MutexGuard<'_, HashMap<Whose, u32>> {
        self.untold.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Buckets {
    fn most(&self, whose: &Whose) -> NonZeroU32 {
        match whose {
            Whose::User(_) => self.most.user,
            Whose::Address(_) => self.most.address,
        }
    }

    /// Takes so many units, a whole bucket at most, or tells how long until they are there.
    fn take(&self, whose: &Whose, units: NonZeroU32) -> Result<(), Duration> {
        let (limiter, name) = match whose {
            Whose::User(name) => (&self.users, name),
            Whose::Address(name) => (&self.addresses, name),
        };
        match limiter.check_key_n(name, units.min(self.most(whose))) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(until)) => Err(until.wait_time_from(DefaultClock::default().now())),
            // Not reached: no more than a whole bucket is asked for.
            Err(_) => Err(CLEANUP_INTERVAL),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quota(user: u32) -> Quota {
        let user = NonZeroU32::new(user).unwrap();
        Quota::new(Some(Quotas { user, ..Quotas::default() }))
    }

    #[test]
    fn work_takes_its_units_and_a_whole_bucket_at_most() {
        let (quota, ann, bob) = (quota(10), UserId("ann".into()), UserId("bob".into()));
        assert!(quota.work(&ann, 9).is_ok());
        assert!(quota.work(&ann, 1).is_ok());
        assert!(matches!(quota.work(&ann, 1), Err(Error::TooMany(wait)) if wait <= Duration::from_secs(6)));
        assert!(quota.work(&bob, 1_000_000).is_ok() && quota.work(&bob, 1).is_err() && quota.work(&bob, 0).is_ok());
    }

    #[test]
    fn what_is_taken_elsewhere_is_missing_here_and_own_words_change_nothing() {
        let (here, there, ann) = (quota(100), quota(100), UserId("ann b".into()));
        there.work(&ann, 61).unwrap();
        let messages = there.messages(there.buckets.as_ref().unwrap());
        assert!(messages.len() == 1 && there.messages(there.buckets.as_ref().unwrap()).is_empty());
        there.hear(&messages[0]);
        assert!(there.work(&ann, 31).is_ok(), "own words are not heard");
        here.hear(&messages[0]);
        here.hear("nonsense");
        assert!(here.work(&ann, 51).is_err() && here.work(&ann, 31).is_ok());
        here.hear(&format!("1 {} u ann b", u32::MAX));
        assert!(here.work(&ann, 1).is_err(), "a word may empty a bucket");
    }
}
