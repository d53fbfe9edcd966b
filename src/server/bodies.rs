//! Bodies that are not small. They are received when it is known who sends them: a share for each user, and a small one
//! for each network of those who are nobody. As much as has come of them takes capacity, not what a client says that it
//! will send, and while they come they hold no permit.

use std::{
    future::Future,
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

/// How many bytes a small body has at most. It is received before its request takes a permit, so that those who send
/// theirs slowly keep none from others.
const SMALL: usize = 16 << 10;
/// How long a body may take to come.
pub(super) const BODY_TIMEOUT: Duration = Duration::from_secs(12);
/// How many bytes all large bodies of users have together at a time.
const MAX_BYTES_OF_USERS: usize = 32 << 20;
/// How many bytes those of all others have together.
const MAX_BYTES_OF_STRANGERS: usize = 2 << 20;
/// In what steps those bytes are counted.
const STEP: usize = 16 << 10;
/// How many large bodies of one sender come at a time.
const MAX_FOR_EACH: usize = 4;
/// How long a body waits for others, of its sender and of all.
const WAIT: Duration = Duration::from_secs(2);
/// When to try again while other bodies of the same sender come.
const TRY_AGAIN: Duration = Duration::from_secs(1);

/// Capacity for large bodies.
#[derive(Debug)]
pub(super) struct Bodies {
    users: Pool,
    strangers: Pool,
}

#[derive(Debug)]
struct Pool {
    steps: Arc<Semaphore>,
    senders: InFlight<String, 1>,
}

/// In the extensions of a request whose body is large: its permit, which it gives back while its body comes.
#[derive(Clone, Debug)]
pub(super) struct Large {
    limit: ConcurrencyLimit,
    permit: Arc<Mutex<Option<OwnedSemaphorePermit>>>,
}

/// What a request with a large body holds until it is answered.
#[derive(Debug, Default)]
pub(super) struct Received {
    _permit: Option<OwnedSemaphorePermit>,
    _capacity: Option<Capacity>,
}

#[derive(Debug)]
struct Capacity {
    _share: InFlightGuard<String, 1>,
    _turn: OwnedSemaphorePermit,
    steps: Option<OwnedSemaphorePermit>,
}

impl Default for Bodies {
    fn default() -> Self {
        Self { users: Pool::new(MAX_BYTES_OF_USERS), strangers: Pool::new(MAX_BYTES_OF_STRANGERS) }
    }
}

impl Bodies {
    /// The pool of whoever sends, and whose share of it they have.
    fn of(&self, identity: &Identity, client: &Client) -> (&Pool, String) {
        match identity {
            Identity::User(user) => (&self.users, user.id().0.clone()),
            _ => (&self.strangers, client.network().unwrap_or_default()),
        }
    }
}

impl Pool {
    fn new(bytes: usize) -> Self {
        Self { steps: Arc::new(Semaphore::new(bytes / STEP)), senders: InFlight::new([MAX_FOR_EACH]) }
    }

    /// The turn of one more body of that sender.
    async fn turn(&self, sender: &String) -> Result<Capacity, Error> {
        let share = self.senders.begin(sender);
        let [turns] = share.permits();
        let turn = timeout(WAIT, Arc::clone(turns).acquire_owned()).await.ok().and_then(Result::ok);
        Ok(Capacity { _turn: turn.ok_or(Error::TooMany(TRY_AGAIN))?, _share: share, steps: None })
    }
}

impl Capacity {
    /// Takes as much as so many bytes need.
    async fn cover(&mut self, bytes: usize, pool: &Pool) -> Result<(), Error> {
        while self.steps.as_ref().map_or(0, OwnedSemaphorePermit::num_permits) * STEP < bytes {
            let step = timeout(WAIT, Arc::clone(&pool.steps).acquire_owned()).await.ok().and_then(Result::ok);
            let step = step.ok_or(Error::Busy)?;
            match &mut self.steps {
                Some(steps) => steps.merge(step),
                None => self.steps = Some(step),
            }
        }
        Ok(())
    }
}

impl Large {
    /// Marks a request.
    pub(super) fn mark(request: &mut Request, limit: &ConcurrencyLimit, permit: OwnedSemaphorePermit) {
        let permit = Arc::new(Mutex::new(Some(permit)));
        request.extensions_mut().insert(Self { limit: limit.clone(), permit });
    }

    /// Gives the permit back while the body comes, and takes one again when it is there.
    async fn receive(
        self,
        request: Request,
        (identity, client): (&Identity, &Client),
        most: usize,
    ) -> Result<(Request, Received), Error> {
        drop(self.take_permit());
        let (pool, sender) = self.limit.bodies().of(identity, client);
        let mut capacity = pool.turn(&sender).await?;
        let (parts, body) = request.into_parts();
        let (body, _) = in_time(read(body, most, Some((&mut capacity, pool)))).await?;
        let request = Request::from_parts(parts, body);
        let permit = self.limit.readmit(request.uri().path()).await?;
        Ok((request, Received { _permit: permit, _capacity: Some(capacity) }))
    }

    fn take_permit(&self) -> Option<OwnedSemaphorePermit> {
        self.permit.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// A request with its body if that is small, and whether it is.
pub(super) async fn gathered(request: Request) -> Result<(Request, bool), Error> {
    if request.body().size_hint().lower() > SMALL as u64 {
        return Ok((request, false));
    }
    let (parts, body) = request.into_parts();
    let (body, is_small) = in_time(read(body, SMALL, None)).await?;
    Ok((Request::from_parts(parts, body), is_small))
}

/// A request whose body has come, if it is large and has no more bytes than its route takes at most. A body that says
/// itself that it has more is left where it is, for the route to refuse.
pub(super) async fn received(
    mut request: Request,
    sender: (&Identity, &Client),
    most: usize,
) -> Result<(Request, Received), Error> {
    match request.extensions_mut().remove::<Large>() {
        None => Ok((request, Received::default())),
        Some(large) if request.body().size_hint().lower() > most as u64 => {
            Ok((request, Received { _permit: large.take_permit(), _capacity: None }))
        }
        // In a place of its own, so that those that are small carry no room for it.
        Some(large) => Box::pin(large.receive(request, sender, most)).await,
    }
}

/// A request whose body its route receives itself, with capacity of its own.
pub(super) fn left(mut request: Request) -> Request {
    request.extensions_mut().remove::<Large>();
    request
}

async fn in_time<T>(reading: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    timeout(BODY_TIMEOUT, reading).await.map_err(|_| Error::BodyTimeout)?
}

/// A body of which no more was read than is needed to know whether it has more bytes than that, and whether it was all.
async fn read(body: Body, most: usize, mut capacity: Option<(&mut Capacity, &Pool)>) -> Result<(Body, bool), Error> {
    let mut rest = body.into_data_stream();
    let mut start = Vec::new();
    while start.len() <= most {
        match rest.next().await {
            Some(Ok(bytes)) => {
                start.extend_from_slice(&bytes);
                if let Some((capacity, pool)) = &mut capacity {
                    capacity.cover(start.len(), pool).await?;
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
