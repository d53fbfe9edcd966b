//! Room for requests: so many of one kind are worked on or wait for the database at a time. What is more waits a moment
//! for room, and is then refused before anything is done for it, with the end of its connection: who comes again while
//! there is no room comes to the shed, where refusing takes less. So is all that comes to a thread that is far behind:
//! what never waits for the database finds room always, however many wait for the thread itself.

use std::{
    convert::Infallible,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use axum::{
    body::{Body, Bytes, HttpBody},
    extract::Request,
    http::{HeaderMap, HeaderValue, Method, header},
    response::Response,
};
use futures_util::{FutureExt, StreamExt, stream};
use prometheus_client::metrics::counter::Counter;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};
use tower::{Layer, ServiceExt, service_fn};
use tower_http::cors::CorsLayer;
use tracing::warn;

use super::{front::Safety, lag::Lag};
use crate::{error::Error, graphql, rest};

/// How many requests of one kind there are at a time.
pub(super) const AT_ONCE: usize = 256;
/// How many of them may have bodies that are not small.
const LARGE_AT_ONCE: usize = 64;
/// How many bytes a small body has at most. It is there before there is a place for its request, so that those who send
/// theirs slowly take none from others.
const SMALL: usize = 16 << 10;
/// How long a request waits for room, which its client hardly notices.
const PATIENCE: Duration = Duration::from_millis(30);
/// For how long others are not let wait after somebody waited in vain.
const IN_VAIN: Duration = Duration::from_secs(1);
/// How many refusals make a line of the log.
const A_LINE: u64 = 1000;

/// What stands in front of all requests.
#[derive(Clone, Debug)]
pub(super) struct Gate(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    tasks: Arc<Semaphore>,
    /// Accounts have room of their own: many who sign in do not keep others from their tasks.
    accounts: Arc<Semaphore>,
    /// Requests whose bodies are not small have another one, whatever they are for.
    large: Arc<Semaphore>,
    refused: Counter,
    /// Without what it says, a browser would show its page nothing of a refusal.
    cors: CorsLayer,
    safety: Safety,
    in_vain: Mutex<Option<Instant>>,
}

/// What a request is for, which decides about its room and about how it is answered.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Door {
    Graphql,
    Tasks,
    Accounts,
}

impl Door {
    /// The one that a path leads to; none for what is always let in.
    pub(super) fn of(path: &str) -> Option<Self> {
        match path {
            graphql::PATH => Some(Self::Graphql),
            path if path.starts_with("/api/auth/") => Some(Self::Accounts),
            path if path.starts_with("/api/") => Some(Self::Tasks),
            _ => None,
        }
    }

    /// Says in its own way that there is no room.
    fn refused(self) -> Response {
        match self {
            Self::Graphql => graphql::refused(&Error::Busy),
            Self::Tasks => rest::refused(&Error::Busy),
            Self::Accounts => rest::auth::refused(Error::Busy),
        }
    }
}

impl Gate {
    /// With nobody in it; refusals are counted there.
    pub(super) fn new(refused: Counter, (cors, safety): (CorsLayer, Safety)) -> Self {
        let room = |size| Arc::new(Semaphore::new(size));
        Self(Arc::new(Inner {
            tasks: room(AT_ONCE),
            accounts: room(AT_ONCE),
            large: room(LARGE_AT_ONCE),
            refused,
            cors,
            safety,
            in_vain: Mutex::default(),
        }))
    }

    /// Lets a request in, with the body that it then has; it keeps its place until it is answered, streams and WebSockets
    /// until they are open. Or answers instead, with the end of the connection.
    pub(super) async fn enter(&self, request: Request) -> Result<(Request, Option<OwnedSemaphorePermit>), Response> {
        let Some(door) = Door::of(request.uri().path()) else { return Ok((request, None)) };
        if request.extensions().get::<Arc<Lag>>().is_some_and(|it| it.is_lasting()) {
            return Err(self.turn_away(door));
        }
        let is_bare = request.body().is_end_stream();
        let (request, is_small) = if is_bare { (request, true) } else { Box::pin(gathered(request)).await };
        let room = if is_small { self.room(door) } else { &self.0.large };
        let Some(place) = taken(room).await else {
            // Nothing is told by large ones of how long others wait.
            if is_small {
                *self.in_vain() = Some(Instant::now());
            }
            return Err(self.turn_away(door));
        };
        Ok((request, Some(place)))
    }

    /// A refusal that ends its connection.
    fn turn_away(&self, door: Door) -> Response {
        self.count_refusal();
        let mut refusal = door.refused();
        refusal.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        refusal
    }

    fn room(&self, door: Door) -> &Arc<Semaphore> {
        match door {
            Door::Graphql | Door::Tasks => &self.0.tasks,
            Door::Accounts => &self.0.accounts,
        }
    }

    /// For how many requests there is room now.
    pub(super) fn places(&self, door: Door) -> usize {
        self.room(door).available_permits()
    }

    /// Whether somebody waited in vain for room just now: who comes now would, too.
    pub(super) fn has_refused(&self) -> bool {
        self.in_vain().is_some_and(|it| it.elapsed() < IN_VAIN)
    }

    /// When somebody waited in vain last.
    fn in_vain(&self) -> MutexGuard<'_, Option<Instant>> {
        self.0.in_vain.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a refusal; some of them make a line of the log.
    pub(super) fn count_refusal(&self) {
        if self.0.refused.inc().is_multiple_of(A_LINE) {
            warn!(total = self.0.refused.get(), "too many requests at a time: some are refused");
        }
    }

    /// The answer to what there is no room for, with all that answers say but the id of their request.
    pub(super) fn refusal(&self, door: Door, method: &Method, headers: &HeaderMap) -> Response {
        let mut answer = door.refused();
        self.0.safety.put(answer.headers_mut());
        let mut asked = Request::new(answer);
        *asked.method_mut() = method.clone();
        *asked.headers_mut() = headers.clone();
        let answering = service_fn(|asked: Request<Response>| async { Ok::<_, Infallible>(asked.into_body()) });
        match self.0.cors.layer(answering).oneshot(asked).now_or_never() {
            Some(Ok(answer)) => answer,
            // Nothing in it waits.
            None => door.refused(),
        }
    }
}

/// A place in a room; none when there was none for a while.
async fn taken(room: &Arc<Semaphore>) -> Option<OwnedSemaphorePermit> {
    match Arc::clone(room).try_acquire_owned() {
        Ok(place) => Some(place),
        // In a place of its own, so that those who need not wait carry no room for it.
        Err(_) => Box::pin(timeout(PATIENCE, Arc::clone(room).acquire_owned())).await.ok()?.ok(),
    }
}

/// A request with its body if that is small, and whether it is. How long it may take is for the caller to say.
async fn gathered(request: Request) -> (Request, bool) {
    if request.body().size_hint().lower() > SMALL as u64 {
        return (request, false);
    }
    let (parts, body) = request.into_parts();
    let (body, is_small) = read(body).await;
    (Request::from_parts(parts, body), is_small)
}

/// A body of which as much was read as a small one has, and whether that was all.
async fn read(body: Body) -> (Body, bool) {
    let mut rest = body.into_data_stream();
    let mut start = Vec::new();
    while start.len() <= SMALL {
        match rest.next().await {
            Some(Ok(bytes)) => start.extend_from_slice(&bytes),
            None => return (start.into(), true),
            Some(Err(cause)) => {
                let broken = stream::iter([Ok(Bytes::from(start)), Err(cause)]);
                return (Body::from_stream(broken), true);
            }
        }
    }
    (Body::from_stream(stream::iter([Ok(start.into())]).chain(rest)), false)
}
