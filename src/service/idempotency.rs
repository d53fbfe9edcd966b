//! Idempotency: a write with an `Idempotency-Key` gets the same answer again for a day. The answer is stored in the
//! same transaction as the write, so that a crash between the two cannot happen.
//! See docs/contracts/reliability.md#idempotency.

use std::{sync::Arc, time::Duration};

use entity::{id::OwnerId, idempotency_key, time::Micros};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, EntityTrait, QueryFilter, QuerySelect,
    sea_query::{Expr, OnConflict},
};
use tokio::{sync::OwnedSemaphorePermit, time};

use super::{Services, auth::CurrentUser};
use crate::{
    db::{Db, Transaction},
    error::{Error, ValidationError},
    in_flight::InFlightGuard,
};

/// How long a key is at most (as at Stripe).
const MAX_KEY: usize = 255;
/// How many bytes an answer has at most that is remembered.
pub const MAX_RESPONSE: usize = 512 << 10;
/// How many answers of one user are remembered at most.
const MAX_RESPONSES: i64 = 5000;
/// How many bytes they have at most together.
const MAX_BYTES: i64 = 4 << 20;
/// When there may be room for more of them: they are forgotten after a day, some of them each hour.
const STORAGE_RETRY_AFTER: Duration = Duration::from_secs(60 * 60);
/// How many requests with a key one user has open at most: one is worked on, the others wait.
const MAX_OPEN: usize = 16;
/// When it is worth trying again with one more.
const OPEN_RETRY_AFTER: Duration = Duration::from_secs(1);
/// How long one waits for the others of its user.
const TURN_TIMEOUT: Duration = Duration::from_secs(5);

/// A key that a client chose for one write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey(String);

/// What was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredResponse {
    /// The HTTP status.
    pub status: u16,
    /// Headers that belong to the answer, as JSON.
    pub headers: String,
    /// The body.
    pub body: String,
}

/// What is to be done with a request that has a key.
#[derive(Debug)]
pub enum KeyClaim {
    /// It came first: do it, and keep the answer.
    New(PendingRequest),
    /// It was done: give the answer again.
    Replay(StoredResponse),
}

/// Says of an answer that nothing was done, so that it is not worth remembering.
#[derive(Clone, Copy, Debug)]
pub struct NothingApplied;

/// A request that is being done: all that its services do is one transaction.
#[derive(Debug)]
pub struct PendingRequest {
    services: Arc<Services>,
    database: Box<Db>,
    transaction: Transaction,
    owner: OwnerId,
    key: String,
    _turn: UserTurn,
}

/// The turn of a request among those of its user that have keys.
#[derive(Debug)]
struct UserTurn {
    _permit: OwnedSemaphorePermit,
    _share: InFlightGuard<OwnerId, 1>,
}

impl IdempotencyKey {
    /// 1 to 255 visible ASCII characters.
    pub fn parse(text: &str) -> Result<Self, ValidationError> {
        match text.len() {
            0 => Err(ValidationError::Empty),
            1..=MAX_KEY if text.bytes().all(|it| it.is_ascii_graphic() || it == b' ') => Ok(Self(text.to_owned())),
            1..=MAX_KEY => Err(ValidationError::Rule("must be visible ASCII characters")),
            _ => Err(ValidationError::TooLong(MAX_KEY)),
        }
    }
}

impl Services {
    /// Does a request once, however often and at how many places at once it comes.
    pub async fn claim_key(
        &self,
        user: &CurrentUser,
        key: IdempotencyKey,
        fingerprint: [u8; 32],
    ) -> Result<KeyClaim, Error> {
        let turn = self.turn(user.owner()).await?;
        let transaction = self.db.begin().await?;
        let claimed = claim(&transaction, user.owner(), &key, fingerprint).await;
        if let Ok(None) = claimed {
            let services = Arc::new(self.within(&transaction));
            return Ok(KeyClaim::New(PendingRequest {
                services,
                database: Box::new(self.db.clone()),
                transaction,
                owner: user.owner(),
                key: key.0,
                _turn: turn,
            }));
        }
        transaction.rollback().await?;
        let known = claimed?.ok_or(Error::Busy)?;
        if known.fingerprint != fingerprint {
            return Err(Error::KeyReused);
        }
        let status = u16::try_from(known.status).map_err(Error::internal)?;
        Ok(KeyClaim::Replay(StoredResponse { status, headers: known.headers, body: known.body }))
    }

    /// A user has one transaction of a request with a key at a time: others are not to wait for all of that user's.
    async fn turn(&self, owner: OwnerId) -> Result<UserTurn, Error> {
        let share = self.keyed.begin(&owner);
        if share.others() >= MAX_OPEN {
            return Err(Error::TooMany(OPEN_RETRY_AFTER));
        }
        let [permits] = share.permits();
        let permit = time::timeout(TURN_TIMEOUT, Arc::clone(permits).acquire_owned()).await;
        let permit = permit.map_err(|_| Error::Busy)?.map_err(Error::internal)?;
        Ok(UserTurn { _permit: permit, _share: share })
    }
}

/// Whether one more answer of the user may be remembered.
async fn check_stored(transaction: &Transaction, owner: OwnerId) -> Result<(), Error> {
    let found: Option<(i64, i64)> = idempotency_key::Entity::find()
        .select_only()
        .expr_as(Expr::cust("count(*)"), "answers")
        .expr_as(Expr::cust("coalesce(sum(octet_length(body)), 0)"), "bytes")
        .filter(idempotency_key::Column::OwnerId.eq(owner))
        .into_tuple()
        .one(transaction.connection())
        .await?;
    match found {
        Some((answers, bytes)) if answers > MAX_RESPONSES || bytes >= MAX_BYTES => {
            Err(Error::TooMany(STORAGE_RETRY_AFTER))
        }
        _ => Ok(()),
    }
}

impl PendingRequest {
    /// The services that do the request; they must be gone when the answer is kept.
    pub fn services(&self) -> Arc<Services> {
        Arc::clone(&self.services)
    }

    /// Whether the database rolled the work back because of what others did at the same time.
    pub fn has_conflict(&self) -> bool {
        self.transaction.has_conflict()
    }

    /// Undoes the work; what was answered about it may be said when this returns.
    pub async fn rollback(self) -> Result<(), Error> {
        let Self { services, transaction, .. } = self;
        drop(services);
        Ok(transaction.rollback().await?)
    }

    /// Makes the work and its answer last. Without this, nothing was done.
    pub async fn commit(self, answer: &StoredResponse) -> Result<(), Error> {
        let Self { services, database, transaction, owner, key, _turn } = self;
        idempotency_key::Entity::update_many()
            .filter(idempotency_key::Column::OwnerId.eq(owner))
            .filter(idempotency_key::Column::Key.eq(key))
            .col_expr(idempotency_key::Column::Status, Expr::value(i32::from(answer.status)))
            .col_expr(idempotency_key::Column::Headers, Expr::value(answer.headers.clone()))
            .col_expr(idempotency_key::Column::Body, Expr::value(answer.body.clone()))
            .exec(transaction.connection())
            .await?;
        let events = Arc::clone(&services.events);
        drop(services);
        transaction.commit().await?;
        database.note_write(owner, None);
        // The events of its services were sent before the commit.
        events.publish(owner, None);
        Ok(())
    }
}

/// Takes the key for this request, or finds what was answered to it before. A second request waits here until the first
/// is done.
async fn claim(
    transaction: &Transaction,
    owner: OwnerId,
    key: &IdempotencyKey,
    fingerprint: [u8; 32],
) -> Result<Option<idempotency_key::Model>, Error> {
    let row = idempotency_key::ActiveModel {
        owner_id: Set(owner),
        key: Set(key.0.clone()),
        fingerprint: Set(fingerprint.to_vec()),
        status: Set(0),
        headers: Set(String::new()),
        body: Set(String::new()),
        created_at: Set(Micros::now()),
    };
    let kept =
        OnConflict::columns([idempotency_key::Column::OwnerId, idempotency_key::Column::Key]).do_nothing().to_owned();
    let made =
        idempotency_key::Entity::insert(row).on_conflict(kept).exec_without_returning(transaction.connection()).await?;
    if made == 1 {
        check_stored(transaction, owner).await?;
        return Ok(None);
    }
    let known = idempotency_key::Entity::find_by_id((owner, key.0.clone())).one(transaction.connection()).await?;
    known.map(Some).ok_or(Error::Busy)
}
