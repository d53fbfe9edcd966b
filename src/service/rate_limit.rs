//! Request quotas: how much one user, or one address without a user, may ask for in a minute.
//! Each instance counts for itself; see docs/contracts/reliability.md#quotas.

use std::{num::NonZeroU32, time::Duration};

use entity::id::UserId;
use governor::{
    DefaultKeyedRateLimiter, Quota as Rate, RateLimiter,
    clock::{Clock, DefaultClock},
};
use tokio::time;

use super::auth::{Client, Identity};
use crate::{config::Quotas, error::Error, telemetry::SecurityEvent};

/// How often buckets that are full again are removed.
const CLEANUP_INTERVAL: Duration = Duration::from_secs(60);
/// How many rows that are written at once cost one unit.
pub(super) const ROWS_PER_UNIT: usize = 10;

/// The quotas of this instance.
#[derive(Debug)]
pub(super) struct Quota(Option<Buckets>);

#[derive(Debug)]
struct Buckets {
    users: DefaultKeyedRateLimiter<String>,
    addresses: DefaultKeyedRateLimiter<String>,
    max_user_units: NonZeroU32,
}

impl Quota {
    /// Full buckets, or none if nothing is limited.
    pub(super) fn new(quotas: Option<Quotas>) -> Self {
        Self(quotas.map(|Quotas { user, address }| Buckets {
            users: RateLimiter::dashmap(Rate::per_minute(user)),
            addresses: RateLimiter::dashmap(Rate::per_minute(address)),
            max_user_units: user,
        }))
    }

    /// Takes one unit for a request, from the user's bucket or else from the address's.
    pub(super) fn take_request(&self, identity: &Identity, client: &Client) -> Result<(), Error> {
        let Some(buckets) = &self.0 else { return Ok(()) };
        match (identity, client.network()) {
            (Identity::User(user), _) => take(&buckets.users, &user.id().0, NonZeroU32::MIN),
            (_, Some(address)) => take(&buckets.addresses, &address, NonZeroU32::MIN),
            (_, None) => Ok(()),
        }
    }

    /// Takes units of a user, a whole bucket at most.
    pub(super) fn take_units(&self, user: &UserId, units: usize) -> Result<(), Error> {
        let units = NonZeroU32::new(u32::try_from(units).unwrap_or(u32::MAX));
        match (&self.0, units) {
            (Some(buckets), Some(units)) => take(&buckets.users, &user.0, units.min(buckets.max_user_units)),
            _ => Ok(()),
        }
    }

    /// Removes buckets that are full again, until it is dropped.
    pub(super) async fn clean_up(&self) {
        loop {
            time::sleep(CLEANUP_INTERVAL).await;
            for limiter in self.0.iter().flat_map(|it| [&it.users, &it.addresses]) {
                limiter.retain_recent();
                limiter.shrink_to_fit();
            }
        }
    }
}

/// Takes units of a bucket, or says how long until they are there.
fn take(limiter: &DefaultKeyedRateLimiter<String>, name: &String, units: NonZeroU32) -> Result<(), Error> {
    let wait = match limiter.check_key_n(name, units) {
        Ok(Ok(())) => return Ok(()),
        Ok(Err(until)) => until.wait_time_from(DefaultClock::default().now()),
        // Not reached: no more than a whole bucket is asked for.
        Err(_) => CLEANUP_INTERVAL,
    };
    SecurityEvent::LimitHit.log("quota", name);
    Err(Error::TooMany(wait))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_takes_its_units_and_a_whole_bucket_at_most() {
        let user = NonZeroU32::new(10).unwrap();
        let quota = Quota::new(Some(Quotas { user, ..Quotas::default() }));
        let (ann, bob) = (UserId("ann".into()), UserId("bob".into()));
        assert!(quota.take_units(&ann, 9).is_ok());
        assert!(quota.take_units(&ann, 1).is_ok());
        assert!(matches!(quota.take_units(&ann, 1), Err(Error::TooMany(wait)) if wait <= Duration::from_secs(6)));
        let all = quota.take_units(&bob, 1_000_000);
        assert!(all.is_ok() && quota.take_units(&bob, 1).is_err() && quota.take_units(&bob, 0).is_ok());
    }
}
