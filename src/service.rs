//! The service layer: every rule is here. Who may do what, and what is true afterwards.

pub mod adoption;
pub mod auth;
pub mod changes;
pub mod events;
pub mod idempotency;
pub mod import;
pub mod labels;
pub mod lists;
pub mod operator;
mod owners;
pub mod page;
mod purge;
pub mod push;
mod rate_limit;
mod revisioned;
mod scope;
pub mod tasks;
pub mod trash;
pub mod user_data;
pub mod values;

use std::sync::Arc;

use entity::id::OwnerId;

use self::{
    auth::{Auth, Client, CurrentUser, Identity},
    events::Events,
    rate_limit::Quota,
    scope::Scope,
};
use crate::{
    config::Config,
    db::{self, Db, RequestShare, Transaction, UserShares},
    error::Error,
    in_flight::InFlight,
    mail::Mailer,
    proof::{NotReady, Readiness},
    telemetry::metrics::Sample,
};

/// The way in: one per process, shared by all requests.
#[derive(Debug)]
pub struct Services {
    db: Db,
    auth: Arc<auth::AuthState>,
    events: Arc<Events>,
    quota: Arc<Quota>,
    totals: Arc<tasks::Totals>,
    /// Requests with a key, of which each user has one at a time in the database.
    keyed: Arc<InFlight<OwnerId, 1>>,
    /// What each user takes of the database at a time.
    shares: Arc<UserShares>,
    readiness: Arc<Readiness>,
    /// How many characters a description of a task has at most.
    max_description: usize,
}

/// By what data can be read now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readable {
    /// By the database as usual, which can be written too.
    ByAll,
    /// By replicas, while the primary is away.
    ByReplicas,
}

/// Who sends a request, and the services that do its work.
#[derive(Clone, Debug)]
pub struct RequestScope {
    /// Who sends it.
    pub identity: Identity,
    /// The services of all requests; or those whose work is one transaction, for a request with an `Idempotency-Key`.
    pub services: Arc<Services>,
    /// Whether it has such a key.
    pub is_once: bool,
}

impl Services {
    /// Gathers what the services need; `base_url` is the URL that clients see.
    pub fn new(db: Db, config: &Config, base_url: &url::Url) -> Result<Self, Error> {
        let auth = Arc::new(auth::AuthState::new(config, base_url)?);
        let quota = Arc::new(Quota::new(config.rate_limit.then_some(config.quotas)));
        let keyed = Arc::new(InFlight::new([1]));
        let shares = Arc::new(db.shares());
        let (events, totals, readiness) = (Arc::default(), Arc::default(), Arc::default());
        let max_description = config.max_description;
        Ok(Self { db, auth, events, quota, totals, keyed, shares, readiness, max_description })
    }

    /// Accounts, sessions and tokens.
    pub fn auth(&self) -> Auth<'_> {
        Auth::new(&self.db, &self.auth)
    }

    /// One user's tasks; there is no other way to any task.
    pub fn tasks(&self, user: &CurrentUser) -> tasks::Tasks<'_> {
        tasks::Tasks::new(self.scope(user.owner()))
    }

    /// One user's lists.
    pub fn lists(&self, user: &CurrentUser) -> lists::Lists<'_> {
        lists::Lists::new(self.scope(user.owner()))
    }

    /// One user's labels.
    pub fn labels(&self, user: &CurrentUser) -> labels::Labels<'_> {
        labels::Labels::new(self.scope(user.owner()))
    }

    /// What one user has deleted and can restore.
    pub fn trash(&self, user: &CurrentUser) -> trash::Trash<'_> {
        trash::Trash::new(self.scope(user.owner()))
    }

    /// The feed of one user's changes.
    pub fn changes<'a>(&'a self, user: &'a CurrentUser) -> changes::Changes<'a> {
        changes::Changes::new(self.scope(user.owner()), user.id(), &self.events)
    }

    /// Pushing changes to one user's data.
    pub fn push(&self, user: &CurrentUser) -> push::Push<'_> {
        push::Push::new(self.scope(user.owner()))
    }

    /// All of one user's data.
    pub fn data(&self, user: &CurrentUser) -> user_data::UserData<'_> {
        user_data::UserData::new(self.scope(user.owner()))
    }

    /// Takes one request out of the quota of whoever sends it.
    pub fn count_request(&self, identity: &Identity, client: &Client) -> Result<(), Error> {
        self.quota.take_request(identity, client)
    }

    /// Takes units for work out of its user's quota.
    pub fn count_work(&self, user: &CurrentUser, units: usize) -> Result<(), Error> {
        self.quota.take_units(user.id(), units)
    }

    /// Takes out of its user's quota what it costs to write so many rows at once.
    pub fn count_rows(&self, user: &CurrentUser, rows: usize) -> Result<(), Error> {
        self.quota.take_units(user.id(), rows / rate_limit::ROWS_PER_UNIT)
    }

    /// Does work for a user within the user's share of the database.
    pub async fn for_user<T>(&self, user: &CurrentUser, work: impl Future<Output = T>) -> T {
        if db::is_within() { work.await } else { db::within(self.request_share(user), work).await }
    }

    /// Reads the data of a user outside of a request, as a stream does that was answered already: from a replica, if there
    /// is one that has the user's last write.
    pub async fn read_for<T>(&self, user: &CurrentUser, read: impl Future<Output = T>) -> T {
        if self.db.has_replicas() { self.for_user(user, read).await } else { read.await }
    }

    fn request_share(&self, user: &CurrentUser) -> RequestShare {
        RequestShare { permits: self.shares.begin(user.id()), reads: self.db.request_reads(user.owner()) }
    }

    /// Notes that the client of this request has seen that revision of its user's data.
    pub fn note_seen(&self, revision: i64) {
        self.db.note_seen(revision);
    }

    /// Answers whether data can be read, though the primary may be away.
    pub async fn readable(&self) -> Result<Readable, NotReady> {
        if self.db.has_stand_in() {
            return Ok(Readable::ByReplicas);
        }
        match self.ready().await {
            Ok(()) => Ok(Readable::ByAll),
            Err(_) if self.db.gets_stand_in().await => Ok(Readable::ByReplicas),
            Err(reason) => Err(reason),
        }
    }

    /// Answers whether the database can be worked on.
    pub async fn ready(&self) -> Result<(), NotReady> {
        self.readiness.check(&self.db).await
    }

    /// What sends the mail that requests cause.
    pub fn mailer(&self) -> &Mailer {
        self.auth.mailer()
    }

    /// How the work that takes turns stands now.
    pub fn sample(&self) -> Sample {
        let (hashing, waiting) = self.auth.hashing();
        let replicas = self.db.replica_reads();
        Sample { pools: self.db.pools(), replicas, events: self.events.sample(), hashing, waiting, ..Sample::default() }
    }

    /// Lets go of the database.
    pub async fn close(&self) -> Result<(), Error> {
        Ok(self.db.close().await?)
    }

    /// The same services, whose work is a part of the transaction.
    fn within(&self, transaction: &Transaction) -> Self {
        Self {
            db: transaction.database(),
            auth: Arc::clone(&self.auth),
            events: Arc::clone(&self.events),
            quota: Arc::clone(&self.quota),
            // What is counted in there may never have been.
            totals: Arc::default(),
            keyed: Arc::clone(&self.keyed),
            shares: Arc::clone(&self.shares),
            readiness: Arc::clone(&self.readiness),
            max_description: self.max_description,
        }
    }

    fn scope(&self, owner: OwnerId) -> Scope<'_> {
        Scope { db: &self.db, events: &self.events, totals: &self.totals, max_description: self.max_description, owner }
    }
}
