//! Room for requests: so many of one kind are worked on or wait for the database at a time. What is more waits a moment
//! for room, and is then refused before anything is done for it, with the end of its connection: who comes again while
//! there is no room comes to the shed, where refusing takes less.

use std::{
    convert::Infallible,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use axum::{
    extract::Request,
    http::{HeaderValue, header},
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

use super::front;
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
    refused: Counter,
    /// Without what it says, a browser would show its page nothing of a refusal.
    cors: CorsLayer,
    in_vain: Mutex<Option<Instant>>,
}

/// How a door says what became of a request.
type Answer = fn(Error) -> Response;

impl Gate {
    /// With nobody in it; refusals are counted there.
    pub(super) fn new(refused: Counter, cors: CorsLayer) -> Self {
        let room = || Arc::new(Semaphore::new(AT_ONCE));
        Self(Arc::new(Inner { tasks: room(), accounts: room(), refused, cors, in_vain: Mutex::default() }))
    }

    /// Lets a request in, which keeps its place until it is answered; streams and WebSockets until they are open. Or
    /// answers instead.
    pub(super) async fn place<B>(&self, request: &Request<B>) -> Result<Option<OwnedSemaphorePermit>, Response> {
        let Some((room, _)) = self.door(request.uri().path()) else { return Ok(None) };
        if let Ok(place) = Arc::clone(room).try_acquire_owned() {
            return Ok(Some(place));
        }
        // In a place of its own, so that those who need not wait carry no room for it.
        if let Ok(Ok(place)) = Box::pin(timeout(PATIENCE, Arc::clone(room).acquire_owned())).await {
            return Ok(Some(place));
        }
        *self.in_vain() = Some(Instant::now());
        let mut refusal = self.refusal(request);
        refusal.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        Err(refusal)
    }

    /// The room for what is asked at a path, and how it is answered; none for what is always let in.
    fn door(&self, path: &str) -> Option<(&Arc<Semaphore>, Answer)> {
        match path {
            graphql::PATH => Some((&self.0.tasks, |error| graphql::refused(&error))),
            path if path.starts_with("/api/auth/") => Some((&self.0.accounts, rest::auth::refused)),
            path if path.starts_with("/api/") => Some((&self.0.tasks, |error| rest::refused(&error))),
            _ => None,
        }
    }

    /// For how many requests at this path there is room now; none for what is always let in.
    pub(super) fn room(&self, path: &str) -> Option<usize> {
        self.door(path).map(|(room, _)| room.available_permits())
    }

    /// Whether somebody waited in vain for room just now: who comes now would, too.
    pub(super) fn has_refused(&self) -> bool {
        self.in_vain().is_some_and(|it| it.elapsed() < IN_VAIN)
    }

    /// When somebody waited in vain last.
    fn in_vain(&self) -> MutexGuard<'_, Option<Instant>> {
        self.0.in_vain.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The answer to what there is no room for, with all that answers say.
    pub(super) fn refusal<B>(&self, request: &Request<B>) -> Response {
        if self.0.refused.inc().is_multiple_of(A_LINE) {
            warn!(total = self.0.refused.get(), "too many requests at a time: some are refused");
        }
        let mut answer = match self.door(request.uri().path()) {
            Some((_, answer)) => answer(Error::Busy),
            None => rest::refused(&Error::Busy),
        };
        front::make_safe(answer.headers_mut());
        answer.headers_mut().insert(front::REQUEST_ID, front::request_id(request.headers()));
        let mut asked = Request::new(answer);
        *asked.method_mut() = request.method().clone();
        *asked.headers_mut() = request.headers().clone();
        let answering = service_fn(|asked: Request<Response>| async { Ok::<_, Infallible>(asked.into_body()) });
        match self.0.cors.layer(answering).oneshot(asked).now_or_never() {
            Some(Ok(answer)) => answer,
            // Nothing in it waits.
            None => rest::refused(&Error::Busy),
        }
    }
}
