//! Bodies that are not small. They are received when it is known who sends them: each user, and each network of those who
//! are no user, has a share of the capacity. As much as has arrived of them takes capacity, not what a client says that it
//! will send, and while they arrive they hold no permit of the concurrency limit.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{
    body::{Body, Bytes, HttpBody},
    extract::Request,
};
use futures_util::{StreamExt, stream};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

use super::concurrency::ConcurrencyLimit;
use crate::{
    error::Error,
    in_flight::{InFlight, InFlightGuard},
    service::auth::{Client, Identity},
};

/// How many bytes a small body has at most. It is received before its request takes a permit.
const MAX_SMALL_BODY: usize = 16 << 10;
/// How long a body may take to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(12);
/// How many bytes all large bodies of users have together at a time.
const MAX_BYTES_OF_USERS: usize = 32 << 20;
/// How many bytes those of all others have together: two sign-ups with the largest pictures.
const MAX_BYTES_OF_STRANGERS: usize = 8 << 20;
/// In what steps those bytes are counted.
const STEP_BYTES: usize = 16 << 10;
/// How many large bodies of one sender arrive at a time.
const MAX_BODIES_OF_SENDER: usize = 4;
/// How long a body waits for others, of its sender and of all.
const CAPACITY_TIMEOUT: Duration = Duration::from_secs(2);
/// When to try again while other bodies of the same sender arrive.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Capacity for large bodies.
#[derive(Debug)]
pub(super) struct BodyCapacity {
    users: BodyPool,
    strangers: BodyPool,
}

/// The bytes that some senders share, and how many bodies each of them sends.
#[derive(Debug)]
struct BodyPool {
    steps: Arc<Semaphore>,
    senders: InFlight<String, 1>,
}

/// Who sends a body.
#[derive(Clone, Copy)]
pub(super) struct BodySender<'a> {
    pub(super) identity: &'a Identity,
    pub(super) client: &'a Client,
}

/// In the extensions of a request whose body is large: its permit, which it gives back while its body arrives.
#[derive(Clone, Debug)]
struct LargeBody {
    limit: ConcurrencyLimit,
    permit: Arc<Mutex<Option<OwnedSemaphorePermit>>>,
}

/// What a request with a large body holds until it is answered.
#[derive(Debug, Default)]
pub(super) struct BodyPermit {
    _permit: Option<OwnedSemaphorePermit>,
    _bytes: Option<BodyBytes>,
}

/// The capacity that a body takes.
#[derive(Debug)]
struct BodyBytes {
    _share: InFlightGuard<String, 1>,
    _turn: OwnedSemaphorePermit,
    free: Arc<Semaphore>,
    taken: Option<OwnedSemaphorePermit>,
}

impl Default for BodyCapacity {
    fn default() -> Self {
        Self { users: BodyPool::new(MAX_BYTES_OF_USERS), strangers: BodyPool::new(MAX_BYTES_OF_STRANGERS) }
    }
}

impl BodyCapacity {
    fn of(&self, identity: &Identity) -> &BodyPool {
        if matches!(identity, Identity::User(_)) { &self.users } else { &self.strangers }
    }
}

impl BodySender<'_> {
    /// Whose share the body takes: the user's, or that of the client's network.
    fn key(self) -> String {
        match self.identity {
            Identity::User(user) => user.id().0.clone(),
            _ => self.client.network().unwrap_or_default(),
        }
    }
}

impl BodyPool {
    fn new(bytes: usize) -> Self {
        Self { steps: Arc::new(Semaphore::new(bytes / STEP_BYTES)), senders: InFlight::new([MAX_BODIES_OF_SENDER]) }
    }

    /// The turn of one more body of that sender.
    async fn turn(&self, sender: &String) -> Result<BodyBytes, Error> {
        let share = self.senders.begin(sender);
        let [turns] = share.permits();
        let turn = timeout(CAPACITY_TIMEOUT, Arc::clone(turns).acquire_owned()).await.ok().and_then(Result::ok);
        let turn = turn.ok_or(Error::TooMany(RETRY_AFTER))?;
        Ok(BodyBytes { _turn: turn, _share: share, free: Arc::clone(&self.steps), taken: None })
    }
}

impl BodyBytes {
    /// Takes as much as so many bytes need.
    async fn cover(&mut self, bytes: usize) -> Result<(), Error> {
        while self.taken.as_ref().map_or(0, OwnedSemaphorePermit::num_permits) * STEP_BYTES < bytes {
            let step = timeout(CAPACITY_TIMEOUT, Arc::clone(&self.free).acquire_owned()).await;
            let step = step.ok().and_then(Result::ok).ok_or(Error::Busy)?;
            match &mut self.taken {
                Some(taken) => taken.merge(step),
                None => self.taken = Some(step),
            }
        }
        Ok(())
    }
}

impl LargeBody {
    /// Gives the permit back while the body arrives, and takes one again when it is there.
    async fn receive(
        self,
        request: Request,
        sender: BodySender<'_>,
        max: usize,
    ) -> Result<(Request, BodyPermit), Error> {
        drop(self.take_permit());
        let mut bytes = self.limit.bodies().of(sender.identity).turn(&sender.key()).await?;
        let (parts, body) = request.into_parts();
        let (body, _) = read(body, max, Some(&mut bytes)).await?;
        let request = Request::from_parts(parts, body);
        let permit = self.limit.readmit(request.uri().path()).await?;
        Ok((request, BodyPermit { _permit: permit, _bytes: Some(bytes) }))
    }

    fn take_permit(&self) -> Option<OwnedSemaphorePermit> {
        self.permit.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Marks a request whose body is large, with its permit.
pub(super) fn mark_large_body(request: &mut Request, limit: &ConcurrencyLimit, permit: OwnedSemaphorePermit) {
    let permit = Arc::new(Mutex::new(Some(permit)));
    request.extensions_mut().insert(LargeBody { limit: limit.clone(), permit });
}

/// A request with its body if that is small, and whether it is.
pub(super) async fn receive_small_body(request: Request) -> Result<(Request, bool), Error> {
    if request.body().size_hint().lower() > MAX_SMALL_BODY as u64 {
        return Ok((request, false));
    }
    let (parts, body) = request.into_parts();
    let (body, is_small) = read(body, MAX_SMALL_BODY, None).await?;
    Ok((Request::from_parts(parts, body), is_small))
}

/// A request whose body has arrived, if it is large and has no more bytes than its route takes at most. A body that says
/// itself that it has more is left where it is, for the route to refuse; so is one for a route without a `max`, which
/// receives bodies itself.
pub(super) async fn receive_large_body(
    mut request: Request,
    sender: BodySender<'_>,
    max: Option<usize>,
) -> Result<(Request, BodyPermit), Error> {
    match (request.extensions_mut().remove::<LargeBody>(), max) {
        (None, _) | (Some(_), None) => Ok((request, BodyPermit::default())),
        (Some(large), Some(max)) if request.body().size_hint().lower() > max as u64 => {
            Ok((request, BodyPermit { _permit: large.take_permit(), _bytes: None }))
        }
        // Boxed, so that the futures of requests with small bodies are not larger for it.
        (Some(large), Some(max)) => Box::pin(large.receive(request, sender, max)).await,
    }
}

/// A body of which no more is read than is needed to know whether it has more than `max` bytes, and whether it was all.
async fn read(body: Body, max: usize, bytes: Option<&mut BodyBytes>) -> Result<(Body, bool), Error> {
    timeout(BODY_TIMEOUT, read_untimed(body, max, bytes)).await.map_err(|_| Error::BodyTimeout)?
}

async fn read_untimed(body: Body, max: usize, mut bytes: Option<&mut BodyBytes>) -> Result<(Body, bool), Error> {
    let mut rest = body.into_data_stream();
    let mut start = Vec::new();
    while start.len() <= max {
        match rest.next().await {
            Some(Ok(piece)) => {
                start.extend_from_slice(&piece);
                if let Some(bytes) = &mut bytes {
                    bytes.cover(start.len()).await?;
                }
            }
            None => return Ok((start.into(), true)),
            Some(Err(cause)) => {
                let broken = stream::iter([Ok(Bytes::from(start)), Err(cause)]);
                return Ok((Body::from_stream(broken), true));
            }
        }
    }
    Ok((Body::from_stream(stream::iter([Ok(start.into())]).chain(rest)), false))
}
