//! Rate limits of accounts: requests of an address to a route, wrong passwords for an account or from an address, and
//! links mailed to an address. On PostgreSQL all instances count together, in Better Auth's own table `rateLimit`; on
//! SQLite, where there is one instance, the process counts.
//! See docs/contracts/better-auth.md#rate-limits and docs/contracts/reliability.md#accounts.

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
use tracing::warn;

use super::{Auth, Client, Email, random_id};
use crate::{
    db::Db,
    error::{AuthError, Error},
    in_flight::{InFlight, InFlightGuard},
    telemetry::SecurityEvent,
};

/// How many wrong passwords one account takes from places that it does not know.
const ACCOUNT: Rule = Rule { most: 10, window: Duration::from_secs(600) };
/// How many wrong passwords come from one address.
const ADDRESS: Rule = Rule { most: 20, window: Duration::from_secs(600) };
/// How many links are mailed to one address.
const MAILS: Rule = Rule { most: 10, window: Duration::from_secs(3600) };
/// How many counts a process remembers. What was counted only once makes room first, so that nobody can make it forget
/// an account that is attacked.
const MAX_COUNTS: usize = 50_000;
/// The shortest time to wait.
const MIN_WAIT: Duration = Duration::from_secs(1);

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
    /// How many passwords are being compared.
    guesses: InFlight<String>,
}

/// A password that is being compared. It counts as a wrong one until then, so that many at the same time are no more
/// than one after the other.
#[derive(Debug)]
pub(super) struct Guess {
    compared: InFlightGuard<String>,
    rule: Rule,
}

#[derive(Clone, Copy, Debug)]
struct Count {
    requests: i32,
    last: DateTime<Utc>,
}

impl Throttle {
    pub(super) fn new(is_on: bool) -> Self {
        Self { is_on, counts: Mutex::new(Cache::new(MAX_COUNTS)), guesses: InFlight::default() }
    }

    /// Counts one more in this process, or tells how long to wait.
    fn count(&self, key: String, rule: Rule, now: DateTime<Utc>) -> Result<(), Duration> {
        let mut counts = self.counts();
        let requests = rule.requests(counts.get(&key), now)?;
        counts.insert(key, Count { requests: requests + 1, last: now });
        Ok(())
    }

    /// Begins to compare a password.
    fn guess(&self, key: String, rule: Rule) -> Guess {
        Guess { compared: self.guesses.begin(&key), rule }
    }

    fn counts(&self) -> MutexGuard<'_, Cache<String, Count>> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Guess {
    /// Whether there is room for it beside what was counted and the others, or how long to wait.
    fn check(&self, known: Option<Count>, now: DateTime<Utc>) -> Result<(), Duration> {
        let counted = usize::try_from(self.rule.requests(known.as_ref(), now)?).unwrap_or_default();
        let most = usize::try_from(self.rule.most).unwrap_or_default();
        if counted + self.compared.others() < most { Ok(()) } else { Err(MIN_WAIT) }
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

impl<'a> Auth<'a> {
    /// Counts a request of a client to a path, or tells how long to wait. Paths that are no route are counted together,
    /// and a route's parameters do not matter: what a client makes up would be a count of its own each time.
    pub async fn count_request(self, client: &Client, path: &str, route: Option<&str>) -> Result<(), Error> {
        let (beginning, rule) = rule_of(path);
        let Some(address) = client.network() else { return Ok(()) };
        let key = format!("{address}|{}", route.unwrap_or(beginning));
        self.count(key, rule).await.inspect_err(|_| SecurityEvent::LimitHit.log("path", client))
    }

    /// A password that is tried for this account from there, if another one may be. Places that the account was used
    /// from before are not locked out by what others do.
    pub(super) async fn attempt(
        self,
        email: &Email,
        user: Option<&user::Model>,
        client: &Client,
    ) -> Result<Vec<Guess>, Error> {
        let throttle = &self.material.throttle;
        let address = client.network().map(|it| throttle.guess(format!("failed|{it}"), ADDRESS));
        if let Some(guess) = &address {
            self.check(guess).await?;
        }
        let account = throttle.guess(hashed("account", email.as_str()), ACCOUNT);
        if let Err(refused) = self.check(&account).await
            && !self.is_known_place(user, client).await?
        {
            SecurityEvent::LockedOut.log(user.map_or("unknown", |user| user.id.0.as_str()), client);
            return Err(refused);
        }
        Ok(address.into_iter().chain([account]).collect())
    }

    /// A password that a signed-in user shows again, if that may be.
    pub(super) async fn attempt_again(self, user: &UserId) -> Result<Vec<Guess>, Error> {
        let guess = self.material.throttle.guess(format!("password|{}", user.0), ACCOUNT);
        self.check(&guess).await?;
        Ok(vec![guess])
    }

    /// Counts a password that was wrong.
    pub(super) async fn guessed_wrong(self, guesses: Vec<Guess>) {
        for guess in guesses {
            // What is beyond the limit is refused before the next password is looked at.
            let _ = self.count(guess.compared.key().clone(), guess.rule).await;
        }
    }

    /// Forgets the wrong passwords for an account, whose user has a new one; those from an address still count. A command
    /// of operators reaches only what instances count together. Where it fails they are forgotten with time.
    pub(super) async fn forget_wrong(self, user: &user::Model) {
        for key in [hashed("account", &user.email), format!("password|{}", user.id.0)] {
            self.material.throttle.counts().remove(&key);
            if self.db.is_shared() {
                let its = rate_limit::Column::Key.eq(key);
                if let Err(cause) = rate_limit::Entity::delete_many().filter(its).exec(self.db.writer()).await {
                    warn!(%cause, "wrong passwords were not forgotten after a new one");
                }
            }
        }
    }

    /// Counts a link that is to be mailed to this address on behalf of somebody; whether it may be.
    pub(super) async fn may_mail(self, subject: &str, to: &str) -> Result<bool, Error> {
        match self.count(hashed("mail", to), MAILS).await {
            Ok(()) => Ok(true),
            Err(Error::Auth(AuthError::TooManyAttempts(_))) => {
                SecurityEvent::LimitHit.log("mail", subject);
                Ok(false)
            }
            Err(cause) => Err(cause),
        }
    }

    async fn is_known_place(self, user: Option<&user::Model>, client: &Client) -> Result<bool, Error> {
        if client.ip_address.is_empty() {
            return Ok(false);
        }
        // Nobody is looked for like somebody, so that the time tells nothing.
        let sessions = session::Entity::find()
            .filter(session::Column::UserId.eq(user.map_or("", |user| &user.id.0)))
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
            count_together(self.db, key, rule, now).await?
        } else {
            throttle.count(key, rule, now)
        };
        counted.map_err(|wait| AuthError::TooManyAttempts(wait).into())
    }

    /// Whether there is room for it.
    async fn check(self, guess: &Guess) -> Result<(), Error> {
        let throttle = &self.material.throttle;
        if !throttle.is_on {
            return Ok(());
        }
        let known = if self.db.is_shared() {
            let its = rate_limit::Column::Key.eq(guess.compared.key());
            let row = rate_limit::Entity::find().filter(its).one(self.db.reader()).await?;
            row.map(|row| Count { requests: row.count, last: instant(row.last_request) })
        } else {
            throttle.counts().get(guess.compared.key()).copied()
        };
        guess.check(known, Utc::now()).map_err(|wait| AuthError::TooManyAttempts(wait).into())
    }
}

/// One statement counts: it starts again when the time is over, and stops at the limit.
async fn count_together(db: &Db, key: String, rule: Rule, now: DateTime<Utc>) -> Result<Result<(), Duration>, Error> {
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
    window.saturating_sub((now - last).to_std().unwrap_or_default()).max(MIN_WAIT)
}

/// An e-mail address is counted by its hash, so that the table holds no addresses of strangers.
fn hashed(what: &str, email: &str) -> String {
    format!("{what}|{}", hex::encode(Sha256::digest(email)))
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
    /// By what its share of what is scarce is counted.
    pub(super) fn asker(&self) -> String {
        self.network().unwrap_or_else(|| "unknown".to_owned())
    }

    /// The address that is counted: an IPv6 customer has a whole /64.
    pub fn network(&self) -> Option<String> {
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
