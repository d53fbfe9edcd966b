//! Files that are imported. Each user sends one at a time, and what all of them have sent takes a bounded amount of
//! memory: as much as has come is counted, not what a client says that it will send.

use std::{sync::Arc, time::Duration};

use axum::{
    Extension, RequestExt,
    extract::{FromRequest, Request},
};
use entity::id::UserId;
use futures_util::StreamExt;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

use super::{
    RestState,
    errors::RestError,
    extract::{content_length, scope_of},
};
use crate::{
    error::Error,
    in_flight::{InFlight, InFlightGuard},
};

/// How many bytes a file has at most.
pub const MAX_FILE: usize = 32 << 20;
/// How many bytes all files have together that are imported at a time. What is read of them takes twice as much.
const MAX_ALL_FILES: usize = MAX_FILE;
/// In what steps those bytes are counted.
const PERMIT_BYTES: usize = 64 << 10;
/// How long a file waits for others, and for its own next bytes.
const CHUNK_TIMEOUT: Duration = Duration::from_secs(5);
/// When to try again while another import of the same user goes on.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Capacity for files that are imported at the same time.
#[derive(Clone, Debug)]
pub(super) struct UploadCapacity {
    steps: Arc<Semaphore>,
    /// One file is read and imported at a time: it takes several times its bytes, and a core.
    turn: Arc<Semaphore>,
    users: InFlight<UserId>,
}

/// A file, and the capacity that it takes until it is dropped.
pub(super) struct Upload {
    bytes: Vec<u8>,
    held: HeldCapacity,
}

/// What an import holds until its end.
pub(super) struct HeldCapacity {
    _steps: Option<OwnedSemaphorePermit>,
    _turn: OwnedSemaphorePermit,
    _of_user: InFlightGuard<UserId>,
}

impl Default for UploadCapacity {
    fn default() -> Self {
        let steps = Arc::new(Semaphore::new(MAX_ALL_FILES / PERMIT_BYTES));
        Self { steps, turn: Arc::new(Semaphore::new(1)), users: InFlight::default() }
    }
}

impl UploadCapacity {
    /// Capacity for one more step, when others leave it.
    async fn acquire_step(&self) -> Result<OwnedSemaphorePermit, Error> {
        acquire(&self.steps).await
    }
}

/// One permit, when others leave it.
async fn acquire(permits: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit, Error> {
    let permit = timeout(CHUNK_TIMEOUT, Arc::clone(permits).acquire_owned()).await;
    permit.ok().and_then(Result::ok).ok_or(Error::Busy)
}

impl Upload {
    /// The file, and what is to be held until it is imported.
    pub(super) fn into_parts(self) -> (Vec<u8>, HeldCapacity) {
        (self.bytes, self.held)
    }
}

impl<S: Send + Sync> FromRequest<S> for Upload {
    type Rejection = RestError;

    async fn from_request(mut request: Request, state: &S) -> Result<Self, RestError> {
        let Extension(RestState { capacity, .. }) =
            request.extract_parts_with_state(state).await.map_err(Error::internal)?;
        let announced = content_length(request.headers(), MAX_FILE)?;
        let of_user = capacity.users.begin(scope_of(request.extensions())?.identity.user()?.id());
        if of_user.others() > 0 {
            return Err(Error::TooMany(RETRY_AFTER).into());
        }
        let mut bytes = Vec::with_capacity(announced.unwrap_or_default());
        let mut steps: Option<OwnedSemaphorePermit> = None;
        let mut body = request.into_body().into_data_stream();
        while let Some(chunk) = timeout(CHUNK_TIMEOUT, body.next()).await.map_err(|_| Error::BodyTimeout)? {
            bytes.extend_from_slice(&chunk.map_err(|_| RestError::TooLarge)?);
            if bytes.len() > MAX_FILE {
                return Err(RestError::TooLarge);
            }
            while steps.as_ref().map_or(0, OwnedSemaphorePermit::num_permits) * PERMIT_BYTES < bytes.len() {
                let step = capacity.acquire_step().await?;
                match &mut steps {
                    Some(steps) => steps.merge(step),
                    None => steps = Some(step),
                }
            }
        }
        let turn = acquire(&capacity.turn).await?;
        Ok(Self { bytes, held: HeldCapacity { _steps: steps, _turn: turn, _of_user: of_user } })
    }
}
