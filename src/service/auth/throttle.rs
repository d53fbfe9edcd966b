//! Counting attempts: how often an address may call a route (contracts: Better Auth, 12), and how often a password may
//! be wrong for one account or from one address. On PostgreSQL all instances count together, in Better Auth's own
//! `rateLimit` table; on SQLite, where there is one instance, the process counts.

use std::{
    net::{IpAddr, Ipv6Addr},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use chrono::{DateTime, Utc};
use entity::{id::UserId, rate_limit, session, user};
use quick_cache::unsync::Cache;
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter,
    sea_query::{CaseStatement, Expr, ExprTrait, OnConflict, SimpleExpr},
};
use sha2::{Digest, Sha256};

use super::{Auth, Client, Email, SignedIn, password::hex, random_id};
use crate::{
    db::Db,
    error::{AuthFault, Error},
    telemetry::SecurityEvent,
};

/// How many wrong passwords one account takes from places that it does not know.
const ACCOUNT: Rule = Rule { most: 10, window: Duration::from_secs(600) };
/// How many wrong passwords come from one address.
const ADDRESS: Rule = Rule { most: 20, window: Duration::from_secs(600) };
/// How many counts a process remembers. What was counted only once makes room first, so that nobody can make it forget
/// an account that is attacked.
const MAX_COUNTS: usize = 50_000;

/// How many in which time; the time starts again with each that is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// How many.
    pub most: i32,
    /// In which time.
    pub window: Duration,
}

/// The counts of this process.
#[derive(Debug)]
pub(super) struct Throttle {
    is_on: bool,
    counts: Mutex<Cache<String, Count>>,
}

#[derive(Clone, Copy, Debug)]
struct Count {
    requests: i32,
    last: DateTime<Utc>,
}

impl Throttle {
    pub(super) fn new(is_on: bool) -> Self {
        Self { is_on, counts: Mutex::new(Cache::new(MAX_COUNTS)) }
    }

    /// Counts one more in this process, or tells how long to wait.
    fn count(&self, key: String, rule: Rule, now: DateTime<Utc>) -> Result<(), Duration> {
        let mut counts = self.counts();
        let requests = rule.requests(counts.get(&key), now)?;
        counts.insert(key, Count { requests: requests + 1, last: now });
        Ok(())
    }

    fn peek(&self, key: &str, rule: Rule, now: DateTime<Utc>) -> Result<(), Duration> {
        rule.requests(self.counts().get(key), now).map(drop)
    }

    fn counts(&self) -> MutexGuard<'_, Cache<String, Count>> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Rule {
    /// How many there were, if there is room for one more, or how long to wait.
    fn requests(self, count: Option<&Count>, now: DateTime<Utc>) -> Result<i32, Duration> {
        match count.filter(|it| !is_over(it.last, self.window, now)) {
            Some(count) if count.requests >= self.most => Err(wait(count.last, self.window, now)),
            Some(count) => Ok(count.requests),
            None => Ok(0),
        }
    }
}

impl Auth<'_> {
    /// Counts a request of a client to a path, or tells how long to wait. Paths that are no route are counted together,
    /// and a route's parameters do not matter: what a client makes up would be a count of its own each time.
    pub async fn count_request(self, client: &Client, (path, route): (&str, Option<&str>)) -> Result<(), Error> {
        let (beginning, rule) = rule_of(path);
        let Some(address) = client.network() else { return Ok(()) };
        let key = format!("{address}|{}", route.unwrap_or(beginning));
        self.count(key, rule).await.inspect_err(|_| SecurityEvent::LimitHit.log("path", client))
    }

    /// Whether another password may be tried for this account from there. Places that the account was used from
    /// before are not locked out by what others do.
    pub(super) async fn check_attempts(
        self,
        email: &Email,
        user: Option<&user::Model>,
        client: &Client,
    ) -> Result<(), Error> {
        if let Some(address) = client.network() {
            self.peek(&format!("failed|{address}"), ADDRESS).await?;
        }
        let Err(refused) = self.peek(&account_key(email), ACCOUNT).await else { return Ok(()) };
        match user {
            Some(user) if self.is_known_place(&user.id, client).await? => Ok(()),
            _ => {
                SecurityEvent::LockedOut.log(user.map_or("unknown", |user| user.id.0.as_str()), client);
                Err(refused)
            }
        }
    }

    /// Counts a wrong password, and refuses.
    pub(super) async fn failed(self, email: &Email, client: &Client) -> Result<SignedIn, Error> {
        for (key, rule) in [
            (Some(account_key(email)), ACCOUNT),
            (client.network().map(|address| format!("failed|{address}")), ADDRESS),
        ] {
            if let Some(key) = key {
                // What is beyond the limit is refused before the next password is looked at.
                let _ = self.count(key, rule).await;
            }
        }
        Err(AuthFault::WrongPassword.into())
    }

    /// Whether a signed-in user may show the password again.
    pub(super) async fn check_guesses(self, user: &UserId) -> Result<(), Error> {
        self.peek(&guesses_key(user), ACCOUNT).await
    }

    /// Counts a wrong password of a signed-in user.
    pub(super) async fn guessed_wrong(self, user: &UserId) {
        // What is beyond the limit is refused before the next password is looked at.
        let _ = self.count(guesses_key(user), ACCOUNT).await;
    }

    async fn is_known_place(self, user: &UserId, client: &Client) -> Result<bool, Error> {
        if client.ip_address.is_empty() {
            return Ok(false);
        }
        let sessions = session::Entity::find()
            .filter(session::Column::UserId.eq(user.clone()))
            .filter(session::Column::IpAddress.eq(client.ip_address.clone()));
        Ok(sessions.count(self.db.reader()).await? > 0)
    }

    async fn count(self, key: String, rule: Rule) -> Result<(), Error> {
        let throttle = &self.material.throttle;
        if !throttle.is_on {
            return Ok(());
        }
        let now = Utc::now();
        let counted = if self.db.is_shared() {
            count_together(self.db, key, (rule, now)).await?
        } else {
            throttle.count(key, rule, now)
        };
        counted.map_err(|wait| AuthFault::TooManyAttempts(wait).into())
    }

    async fn peek(self, key: &str, rule: Rule) -> Result<(), Error> {
        let throttle = &self.material.throttle;
        if !throttle.is_on {
            return Ok(());
        }
        let now = Utc::now();
        let allowed = if self.db.is_shared() {
            let row = rate_limit::Entity::find().filter(rate_limit::Column::Key.eq(key)).one(self.db.reader()).await?;
            let count = row.map(|row| Count { requests: row.count, last: instant(row.last_request) });
            rule.requests(count.as_ref(), now).map(drop)
        } else {
            throttle.peek(key, rule, now)
        };
        allowed.map_err(|wait| AuthFault::TooManyAttempts(wait).into())
    }
}

/// One statement counts: it starts again when the time is over, and stops at the limit.
async fn count_together(
    db: &Db,
    key: String,
    (rule, now): (Rule, DateTime<Utc>),
) -> Result<Result<(), Duration>, Error> {
    let millis = now.timestamp_millis();
    let window = i64::try_from(rule.window.as_millis()).unwrap_or(i64::MAX);
    let column = |column| Expr::col((rate_limit::Entity, column));
    let is_over = || column(rate_limit::Column::LastRequest).lt(millis - window);
    let has_room = || is_over().or(column(rate_limit::Column::Count).lte(rule.most));
    let next: SimpleExpr = CaseStatement::new()
        .case(is_over(), 1)
        .case(column(rate_limit::Column::Count).lte(rule.most), column(rate_limit::Column::Count).add(1))
        .finally(column(rate_limit::Column::Count))
        .into();
    let last: SimpleExpr = CaseStatement::new()
        .case(has_room().and(column(rate_limit::Column::Count).lt(rule.most).or(is_over())), millis)
        .finally(column(rate_limit::Column::LastRequest))
        .into();
    let first =
        rate_limit::ActiveModel { id: Set(random_id()), key: Set(key), count: Set(1), last_request: Set(millis) };
    let row = rate_limit::Entity::insert(first)
        .on_conflict(
            OnConflict::column(rate_limit::Column::Key)
                .value(rate_limit::Column::Count, next)
                .value(rate_limit::Column::LastRequest, last)
                .to_owned(),
        )
        .exec_with_returning(db.writer())
        .await?;
    Ok(if row.count > rule.most { Err(wait(instant(row.last_request), rule.window, now)) } else { Ok(()) })
}

fn instant(millis: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(millis).unwrap_or_default()
}

fn is_over(last: DateTime<Utc>, window: Duration, now: DateTime<Utc>) -> bool {
    (now - last).to_std().is_ok_and(|since| since > window)
}

fn wait(last: DateTime<Utc>, window: Duration, now: DateTime<Utc>) -> Duration {
    window.saturating_sub((now - last).to_std().unwrap_or_default()).max(Duration::from_secs(1))
}

/// An account is counted by a hash of its address, so that the table holds no addresses of strangers.
fn account_key(email: &Email) -> String {
    format!("account|{}", hex(&Sha256::digest(email.as_str())))
}

fn guesses_key(user: &UserId) -> String {
    format!("password|{}", user.0)
}

/// How many requests a path allows in which time, by what it begins with.
const RULES: [(&str, i32, u64); 7] = [
    ("/api/auth/sign-in", 3, 10),
    ("/api/auth/sign-up", 3, 10),
    ("/api/auth/change-password", 3, 10),
    ("/api/auth/change-email", 3, 10),
    ("/api/auth/request-password-reset", 3, 60),
    ("/api/auth/send-verification-email", 3, 60),
    ("/api/auth", 100, 10),
];

/// The rule of a path, and what it begins with.
fn rule_of(path: &str) -> (&'static str, Rule) {
    let [.., other] = RULES;
    let (beginning, most, seconds) = RULES.into_iter().find(|rule| path.starts_with(rule.0)).unwrap_or(other);
    (beginning, Rule { most, window: Duration::from_secs(seconds) })
}

impl Client {
    /// The address that is counted: an IPv6 customer has a whole /64.
    pub(in crate::service) fn network(&self) -> Option<String> {
        match self.ip_address.parse::<IpAddr>().ok()?.to_canonical() {
            IpAddr::V6(address) => Some(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).to_string()),
            address => Some(address.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIGN_IN: &str = "/api/auth/sign-in/email";

    #[test]
    fn the_fourth_sign_in_waits_and_the_window_starts_at_the_last_allowed_one() {
        let (throttle, start) = (Throttle::new(true), Utc::now());
        let at = |seconds| throttle.count("a".into(), rule_of(SIGN_IN).1, start + chrono::Duration::seconds(seconds));
        assert_eq!((at(0), at(1), at(2)), (Ok(()), Ok(()), Ok(())));
        assert_eq!(at(5), Err(Duration::from_secs(7)));
        assert_eq!(at(13), Ok(()));
    }

    #[test]
    fn keys_are_counted_apart_and_a_clock_that_goes_back_locks_nobody_out_for_long() {
        let (throttle, now) = (Throttle::new(true), Utc::now());
        for _ in 0..3 {
            assert_eq!(throttle.count("a".into(), rule_of(SIGN_IN).1, now), Ok(()));
        }
        assert!(throttle.count("a".into(), rule_of(SIGN_IN).1, now).is_err());
        assert_eq!(throttle.count("b".into(), rule_of(SIGN_IN).1, now), Ok(()));
        let earlier = throttle.count("a".into(), rule_of(SIGN_IN).1, now - chrono::Duration::hours(1));
        assert_eq!(earlier, Err(Duration::from_secs(10)));
    }

    #[test]
    fn an_ipv6_network_is_one_address() {
        let network = |text: &str| Client { ip_address: text.into(), user_agent: String::new() }.network();
        assert_eq!(network("2001:db8::1"), network("2001:db8::2:3"));
        assert_ne!(network("2001:db8::1"), network("2001:db8:0:1::1"));
        assert_eq!(network("::ffff:192.0.2.1").as_deref(), Some("192.0.2.1"));
        assert_eq!(network(""), None);
    }

    #[test]
    fn memory_is_bounded() {
        let (throttle, now) = (Throttle::new(true), Utc::now());
        for number in 0..60_000 {
            assert_eq!(throttle.count(number.to_string(), rule_of("/").1, now), Ok(()));
        }
        assert!(throttle.counts().len() <= MAX_COUNTS);
    }

    #[test]
    fn what_others_do_makes_nobody_forget_an_account_that_is_attacked() {
        let (throttle, now) = (Throttle::new(true), Utc::now());
        let guess = || throttle.count("account".into(), ACCOUNT, now);
        assert!((0..ACCOUNT.most).all(|_| guess().is_ok()) && guess().is_err());
        for number in 0..300_000 {
            let _ = throttle.count(number.to_string(), rule_of("/").1, now);
        }
        assert!(guess().is_err());
    }
}
