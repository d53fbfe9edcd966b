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
    body::HttpBody,
    extract::Request,
    http::{HeaderMap, HeaderValue, Method, header},
    response::Response,
};
use futures_util::FutureExt;
use prometheus_client::metrics::counter::Counter;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};
use tower::{Layer, ServiceExt, service_fn};
use tower_http::cors::CorsLayer;
use tracing::warn;

use super::{
    bodies::{Bodies, Large, gathered},
    front::Safety,
    lag::Lag,
};
use crate::{error::Error, graphql, rest};

/// How many requests of one kind there are at a time.
pub(super) const AT_ONCE: usize = 256;
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
    /// Capacity for bodies that are not small, whatever they are for.
    bodies: Bodies,
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

    /// Refuses a request in its own way.
    fn refused(self, error: Error) -> Response {
        match self {
            Self::Graphql => graphql::refused(&error),
            Self::Tasks => rest::refused(&error),
            Self::Accounts => rest::auth::refused(error),
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
            bodies: Bodies::default(),
            refused,
            cors,
            safety,
            in_vain: Mutex::default(),
        }))
    }

    /// Lets a request in, with the body that it then has; it keeps its place until it is answered, streams and WebSockets
    /// until they are open. One whose body is large gives its place back while that comes. Or answers instead, with the
    /// end of the connection.
    pub(super) async fn enter(&self, request: Request) -> Result<(Request, Option<OwnedSemaphorePermit>), Response> {
        let Some(door) = Door::of(request.uri().path()) else { return Ok((request, None)) };
        if request.extensions().get::<Arc<Lag>>().is_some_and(|it| it.is_lasting()) {
            return Err(self.turn_away(door));
        }
        let is_bare = request.body().is_end_stream();
        if !is_bare && is_encoded(request.headers()) {
            return Err(ended(door.refused(Error::EncodedBody)));
        }
        let (mut request, is_small) = match is_bare {
            true => (request, true),
            false => Box::pin(gathered(request)).await.map_err(|error| ended(door.refused(error)))?,
        };
        let Some(place) = taken(self.room(door)).await else {
            *self.in_vain() = Some(Instant::now());
            return Err(self.turn_away(door));
        };
        if is_small {
            return Ok((request, Some(place)));
        }
        Large::mark(&mut request, self, place);
        Ok((request, None))
    }

    /// Capacity for large bodies.
    pub(super) fn bodies(&self) -> &Bodies {
        &self.0.bodies
    }

    /// A place again for a request whose body has come.
    pub(super) async fn place(&self, path: &str) -> Result<Option<OwnedSemaphorePermit>, Error> {
        match Door::of(path) {
            Some(door) => taken(self.room(door)).await.map(Some).ok_or(Error::Busy),
            None => Ok(None),
        }
    }

    /// A refusal that ends its connection.
    fn turn_away(&self, door: Door) -> Response {
        self.count_refusal();
        ended(door.refused(Error::Busy))
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
        let mut answer = door.refused(Error::Busy);
        self.0.safety.put(answer.headers_mut());
        let mut asked = Request::new(answer);
        *asked.method_mut() = method.clone();
        *asked.headers_mut() = headers.clone();
        let answering = service_fn(|asked: Request<Response>| async { Ok::<_, Infallible>(asked.into_body()) });
        match self.0.cors.layer(answering).oneshot(asked).now_or_never() {
            Some(Ok(answer)) => answer,
            // Nothing in it waits.
            None => door.refused(Error::Busy),
        }
    }
}

/// Whether a body is not in the form that its media type has: nothing here decodes it.
fn is_encoded(headers: &HeaderMap) -> bool {
    headers.get_all(header::CONTENT_ENCODING).iter().any(|it| !it.as_bytes().eq_ignore_ascii_case(b"identity"))
}

/// An answer that ends its connection.
pub(super) fn ended(mut answer: Response) -> Response {
    answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    answer
}

/// A place in a room; none when there was none for a while.
async fn taken(room: &Arc<Semaphore>) -> Option<OwnedSemaphorePermit> {
    match Arc::clone(room).try_acquire_owned() {
        Ok(place) => Some(place),
        // In a place of its own, so that those who need not wait carry no room for it.
        Err(_) => Box::pin(timeout(PATIENCE, Arc::clone(room).acquire_owned())).await.ok()?.ok(),
    }
}
