//! How much of the database one user takes at a time. Whoever asks for a hundred things at once waits for their own
//! statements, and others find connections and places in batches.

use std::{sync::Arc, time::Duration};

use entity::id::UserId;
use sea_orm::DbErr;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time,
};

use super::{RequestReads, connection::unanswered};
use crate::in_flight::{InFlight, InFlightGuard};

/// How long somebody waits for their own share, which keeps nothing from others: a little less than a request may take.
const SHARE_TIMEOUT: Duration = Duration::from_secs(10);

/// How many quick reads of a user are in batches at a time: four users fill one batch.
pub(super) const MAX_QUICK_READS: usize = 4;

/// The shares of all users: statements that read, transactions, and quick reads in batches.
pub type UserShares = InFlight<UserId, 3>;

/// What a request has of the database.
#[derive(Debug)]
pub struct RequestShare {
    /// The share of whom it works for.
    pub permits: InFlightGuard<UserId, 3>,
    /// Where it reads, if there are replicas.
    pub reads: Option<Arc<RequestReads>>,
}

tokio::task_local! {
    /// What the request of this task has.
    static USER_SHARE: RequestShare;
}

/// Does work for somebody within that share. Work inside it has the same one.
pub async fn within<T>(share: RequestShare, work: impl Future<Output = T>) -> T {
    USER_SHARE.scope(share, work).await
}

/// Where this request reads, if there are replicas.
pub(super) fn reads() -> Option<Arc<RequestReads>> {
    USER_SHARE.try_with(|it| it.reads.clone()).ok().flatten()
}

/// Whether this is work within a share.
pub fn is_within() -> bool {
    USER_SHARE.try_with(|_| ()).is_ok()
}

/// Room for a statement; none is needed for work that is nobody's.
pub(super) async fn statement() -> Result<Option<OwnedSemaphorePermit>, DbErr> {
    taken(|[statements, _, _]| Arc::clone(statements)).await
}

/// Room for a transaction. A user's transactions wait for each other anyway: better here than each on a connection.
pub(super) async fn transaction() -> Result<Option<OwnedSemaphorePermit>, DbErr> {
    taken(|[_, transactions, _]| Arc::clone(transactions)).await
}

/// Room for a quick read, which is sent together with those of others.
pub(super) async fn quick_read() -> Result<Option<OwnedSemaphorePermit>, DbErr> {
    taken(|[_, _, quick]| Arc::clone(quick)).await
}

async fn taken(of: impl FnOnce(&[Arc<Semaphore>; 3]) -> Arc<Semaphore>) -> Result<Option<OwnedSemaphorePermit>, DbErr> {
    let Ok(user_share) = USER_SHARE.try_with(|it| of(it.permits.permits())) else { return Ok(None) };
    let user_share = match Arc::clone(&user_share).try_acquire_owned() {
        Ok(permit) => return Ok(Some(permit)),
        Err(_) => Box::pin(time::timeout(SHARE_TIMEOUT, user_share.acquire_owned())),
    };
    let timed_out = || unanswered(sqlx::Error::PoolTimedOut);
    user_share.await.map_err(|_| timed_out())?.map(Some).map_err(|_| timed_out())
}
