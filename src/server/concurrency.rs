//! The limit on how many requests of each class of routes are worked on, or wait for the database, at the same time.
//! A request beyond it waits a moment for a permit and is then refused with 503 before any work is done for it.

use std::{sync::Arc, time::Duration};

use axum::{
    body::HttpBody,
    extract::Request,
    http::{HeaderMap, HeaderValue, header},
    response::Response,
};
use prometheus_client::metrics::counter::Counter;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};
use tracing::warn;

use super::bodies::{BodyCapacity, mark_large_body, receive_small_body};
use crate::{error::Error, graphql, rest};

/// How many requests share the permits of the task routes, and how many those of the account routes.
const MAX_CONCURRENT_REQUESTS: usize = 256;
/// How long a request waits for a permit; its client hardly notices.
const ACQUIRE_TIMEOUT: Duration = Duration::from_millis(30);
/// How many refusals there are for each line of the log.
const REFUSALS_PER_LOG_LINE: u64 = 1000;

/// Gives requests permits, and refuses those that get none.
#[derive(Clone, Debug)]
pub(super) struct ConcurrencyLimit(Arc<Permits>);

#[derive(Debug)]
struct Permits {
    tasks: Arc<Semaphore>,
    /// Accounts have permits of their own: many who sign in do not keep others from their tasks.
    accounts: Arc<Semaphore>,
    /// Capacity for large bodies, whatever they are for.
    bodies: BodyCapacity,
    refused: Counter,
}

/// What a request is for, which decides whose permits it takes and the format of a refusal.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum RouteClass {
    Graphql,
    Tasks,
    Accounts,
}

impl RouteClass {
    /// The class of a path. Paths without one, such as `/health`, are not limited.
    fn of(path: &str) -> Option<Self> {
        match path {
            graphql::PATH => Some(Self::Graphql),
            path if path.starts_with("/api/auth/") => Some(Self::Accounts),
            path if path.starts_with("/api/") => Some(Self::Tasks),
            _ => None,
        }
    }

    /// The error in the format of this class.
    fn refusal(self, error: Error) -> Response {
        match self {
            Self::Graphql => graphql::refused(&error),
            Self::Tasks => rest::refused(&error),
            Self::Accounts => rest::auth::refused(error),
        }
    }
}

impl ConcurrencyLimit {
    /// A limit that counts refusals there.
    pub(super) fn new(refused: Counter) -> Self {
        let permits = || Arc::new(Semaphore::new(MAX_CONCURRENT_REQUESTS));
        Self(Arc::new(Permits { tasks: permits(), accounts: permits(), bodies: BodyCapacity::default(), refused }))
    }

    /// Admits a request with the permit that it holds until it is answered, streams and WebSockets until they are open;
    /// or answers it with a refusal. A small body is received before the permit is taken, and a request with a large one
    /// gives its permit back while that comes, so that slow clients keep none from others.
    pub(super) async fn admit(&self, request: Request) -> Result<(Request, Option<OwnedSemaphorePermit>), Response> {
        let Some(class) = RouteClass::of(request.uri().path()) else { return Ok((request, None)) };
        let is_bare = request.body().is_end_stream();
        if !is_bare && is_encoded(request.headers()) {
            return Err(closing(class.refusal(Error::EncodedBody)));
        }
        let (mut request, is_small) = match is_bare {
            true => (request, true),
            false => Box::pin(receive_small_body(request)).await.map_err(|error| closing(class.refusal(error)))?,
        };
        let Some(permit) = self.acquire(class).await else {
            self.count_refusal();
            let refusal = class.refusal(Error::Busy);
            // What is left of a large body would have to be read before the next request.
            return Err(if is_small { refusal } else { closing(refusal) });
        };
        if is_small {
            return Ok((request, Some(permit)));
        }
        mark_large_body(&mut request, self, permit);
        Ok((request, None))
    }

    /// Capacity for large bodies.
    pub(super) fn bodies(&self) -> &BodyCapacity {
        &self.0.bodies
    }

    /// A permit again for a request whose large body has come.
    pub(super) async fn readmit(&self, path: &str) -> Result<Option<OwnedSemaphorePermit>, Error> {
        match RouteClass::of(path) {
            Some(class) => self.acquire(class).await.map(Some).ok_or(Error::Busy),
            None => Ok(None),
        }
    }

    /// A permit; none when none was free for a while.
    async fn acquire(&self, class: RouteClass) -> Option<OwnedSemaphorePermit> {
        let permits = match class {
            RouteClass::Graphql | RouteClass::Tasks => &self.0.tasks,
            RouteClass::Accounts => &self.0.accounts,
        };
        match Arc::clone(permits).try_acquire_owned() {
            Ok(permit) => Some(permit),
            // Boxed, so that the futures of requests that need not wait are not larger for it.
            Err(_) => Box::pin(timeout(ACQUIRE_TIMEOUT, Arc::clone(permits).acquire_owned())).await.ok()?.ok(),
        }
    }

    fn count_refusal(&self) {
        if self.0.refused.inc().is_multiple_of(REFUSALS_PER_LOG_LINE) {
            warn!(total = self.0.refused.get(), "too many requests at a time: some are refused");
        }
    }
}

/// Whether a body is encoded, which nothing here decodes.
fn is_encoded(headers: &HeaderMap) -> bool {
    headers.get_all(header::CONTENT_ENCODING).iter().any(|it| !it.as_bytes().eq_ignore_ascii_case(b"identity"))
}

/// The response, after which the connection is closed.
pub(super) fn closing(mut response: Response) -> Response {
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}
