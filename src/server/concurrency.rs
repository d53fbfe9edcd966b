//! The limit on how many requests of each class of routes are worked on, or wait for the database, at the same time.
//! A request beyond it waits a moment for a permit and is then refused with 503 before any work is done for it.

use std::{
    convert::Infallible,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{
    body::HttpBody,
    extract::Request,
    http::{HeaderMap, HeaderValue, header},
    response::Response,
};
use futures_util::FutureExt;
use prometheus_client::metrics::counter::Counter;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, sleep_until, timeout},
};
use tower::{Layer, ServiceExt, service_fn};
use tower_http::cors::CorsLayer;
use tracing::warn;

use super::{
    bodies::{BodyCapacity, mark_large_body, receive_small_body},
    middleware::request_context::{REQUEST_ID, add_safety_headers, request_id},
};
use crate::{error::Error, graphql, rest};

/// How many requests share the permits of the task routes, and how many those of the account routes.
const MAX_CONCURRENT_REQUESTS: usize = 256;
/// How many requests of each wait for a permit; more are refused at once, which is cheaper than to let all wait.
const MAX_WAITING_REQUESTS: usize = 64;
/// How long a request waits for a permit; its client hardly notices.
const ACQUIRE_TIMEOUT: Duration = Duration::from_millis(30);
/// How long a connection whose request was refused is not served: its client was told to come back after a second. One
/// that does not wait would otherwise be refused again and again, which takes the time that others are served in.
const REFUSAL_PAUSE: Duration = Duration::from_millis(800);
/// How many refusals there are for each line of the log.
const REFUSALS_PER_LOG_LINE: u64 = 1000;

/// Gives requests permits, and refuses those that get none.
#[derive(Clone, Debug)]
pub(super) struct ConcurrencyLimit(Arc<Limits>);

#[derive(Debug)]
struct Limits {
    tasks: Permits,
    /// Accounts have permits of their own: many who sign in do not keep others from their tasks.
    accounts: Permits,
    /// Capacity for large bodies, whatever they are for.
    bodies: BodyCapacity,
    refused: Counter,
    /// What refusals have besides, which are made before the middleware.
    headers: RefusalHeaders,
}

/// The permits that some routes share.
#[derive(Debug)]
struct Permits {
    free: Arc<Semaphore>,
    /// Permission to wait for one.
    waiting: Semaphore,
}

/// Until when a connection is not served, because a request that came over it was refused.
#[derive(Debug, Default)]
pub(super) struct ConnectionPause(Mutex<Option<Instant>>);

/// What makes the headers of refusals: without those of CORS a browser would show its page nothing of them.
#[derive(Clone, Debug)]
pub(super) struct RefusalHeaders {
    pub(super) cors: CorsLayer,
    pub(super) is_https: bool,
}

impl Permits {
    fn new() -> Self {
        let free = Arc::new(Semaphore::new(MAX_CONCURRENT_REQUESTS));
        Self { free, waiting: Semaphore::new(MAX_WAITING_REQUESTS) }
    }

    /// A permit; none when none was free for a while, or too many wait already.
    async fn acquire(&self) -> Option<OwnedSemaphorePermit> {
        if let Ok(permit) = Arc::clone(&self.free).try_acquire_owned() {
            return Some(permit);
        }
        let _waiting = self.waiting.try_acquire().ok()?;
        // Boxed, so that the futures of requests that need not wait are not larger for it.
        Box::pin(timeout(ACQUIRE_TIMEOUT, Arc::clone(&self.free).acquire_owned())).await.ok()?.ok()
    }

    fn are_exhausted(&self) -> bool {
        self.free.available_permits() == 0 && self.waiting.available_permits() == 0
    }
}

impl ConnectionPause {
    /// Returns when the connection may be served again.
    async fn wait(&self) {
        let until = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(until) = until {
            sleep_until(until).await;
        }
    }

    fn begin(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now() + REFUSAL_PAUSE);
    }
}

/// What a request is for, which decides whose permits it takes and the format of a refusal.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum RouteClass {
    Graphql,
    Tasks,
    Accounts,
    /// The account routes of the original back-ends.
    CompatAccounts,
}

impl RouteClass {
    /// The class of a path. Paths without one, such as `/health`, are not limited.
    fn of(path: &str) -> Option<Self> {
        match path {
            graphql::PATH => Some(Self::Graphql),
            path if rest::compat::is_route(path) => Some(Self::CompatAccounts),
            path if path.starts_with("/api/auth/") => Some(Self::Accounts),
            path if path.starts_with("/api/") || rest::paths::is_root(path) => Some(Self::Tasks),
            _ => None,
        }
    }

    /// The error in the format of this class.
    fn refusal(self, error: Error) -> Response {
        match self {
            Self::Graphql => graphql::rejection_response(&error),
            Self::Tasks | Self::CompatAccounts => rest::rejection_response(&error),
            Self::Accounts => rest::auth::rejection_response(error),
        }
    }
}

impl ConcurrencyLimit {
    /// A limit that counts refusals there.
    pub(super) fn new(refused: Counter, headers: RefusalHeaders) -> Self {
        let (tasks, accounts) = (Permits::new(), Permits::new());
        Self(Arc::new(Limits { tasks, accounts, bodies: BodyCapacity::default(), refused, headers }))
    }

    /// The refusal of a request that would not even wait for a permit: before its body is read and before any middleware,
    /// so that a flood takes little from those who are served. Its log line is left out for the same reason.
    pub(super) async fn refuse_early<B>(
        &self,
        pause: &ConnectionPause,
        request: &axum::http::Request<B>,
    ) -> Option<Response> {
        let class = RouteClass::of(request.uri().path())?;
        pause.wait().await;
        if !self.permits(class).are_exhausted() {
            return None;
        }
        self.count_refusal();
        pause.begin();
        let from_page = request.headers().contains_key(header::ORIGIN).then(|| self.refusal_with_cors(class, request));
        let mut response = from_page.flatten().unwrap_or_else(|| class.refusal(Error::Busy));
        add_safety_headers(response.headers_mut(), self.0.headers.is_https);
        response.headers_mut().insert(REQUEST_ID, request_id(request.headers().get(REQUEST_ID)));
        Some(response)
    }

    /// The refusal with the headers of CORS for that request.
    fn refusal_with_cors<B>(&self, class: RouteClass, request: &axum::http::Request<B>) -> Option<Response> {
        let mut asked = axum::http::Request::new(());
        *asked.method_mut() = request.method().clone();
        *asked.headers_mut() = request.headers().clone();
        let refuse = service_fn(move |_| async move { Ok::<_, Infallible>(class.refusal(Error::Busy)) });
        // Nothing in it waits.
        self.0.headers.cors.layer(refuse).oneshot(asked).now_or_never()?.ok()
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
        let Some(permit) = self.permits(class).acquire().await else {
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
            Some(class) => self.permits(class).acquire().await.map(Some).ok_or(Error::Busy),
            None => Ok(None),
        }
    }

    fn permits(&self, class: RouteClass) -> &Permits {
        match class {
            RouteClass::Graphql | RouteClass::Tasks => &self.0.tasks,
            RouteClass::Accounts | RouteClass::CompatAccounts => &self.0.accounts,
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

#[cfg(test)]
mod tests {
    use axum::http::Method;

    use super::*;

    #[tokio::test]
    async fn requests_that_would_not_even_wait_are_refused_early_in_the_format_and_with_the_headers_of_their_api() {
        const PAGE: &str = "https://page.example";
        let cors = CorsLayer::new().allow_origin([HeaderValue::from_static(PAGE)]).allow_methods([Method::PUT]);
        let limit = ConcurrencyLimit::new(Counter::default(), RefusalHeaders { cors, is_https: true });
        let request = |path: &str| axum::http::Request::get(path).header("origin", PAGE).body(()).unwrap();
        let all = u32::try_from(MAX_CONCURRENT_REQUESTS).unwrap();
        let held = limit.0.tasks.free.acquire_many(all).await.unwrap();
        let pause = ConnectionPause::default();
        assert!(limit.refuse_early(&pause, &request("/graphql")).await.is_none(), "it may wait");
        let waiting = limit.0.tasks.waiting.acquire_many(u32::try_from(MAX_WAITING_REQUESTS).unwrap()).await.unwrap();
        for (path, start) in [("/graphql", "{\"errors\":"), ("/api/x/tasks?a=b", "{\"detail\":")] {
            let refusal = limit.refuse_early(&ConnectionPause::default(), &request(path)).await.unwrap();
            let header = |name: &str| refusal.headers().get(name).unwrap().to_str().unwrap().to_owned();
            assert_eq!((refusal.status().as_u16(), header("retry-after")), (503, "1".to_owned()), "{path}");
            assert_eq!(header("access-control-allow-origin"), PAGE, "{path}");
            assert!(header("strict-transport-security").starts_with("max-age="), "{path}");
            assert!(!header("x-request-id").is_empty() && header("x-frame-options") == "DENY", "{path}");
            let body = axum::body::to_bytes(refusal.into_body(), 1 << 12).await.unwrap();
            assert!(body.starts_with(start.as_bytes()), "{path}: {body:?}");
        }
        for path in ["/health", "/api/auth/get-session"] {
            assert!(limit.refuse_early(&pause, &request(path)).await.is_none(), "{path} takes none of these permits");
        }
        assert_eq!(limit.0.refused.get(), 2);
        let start = Instant::now();
        assert!(limit.refuse_early(&pause, &request("/graphql")).await.is_some());
        assert!(limit.refuse_early(&pause, &request("/health")).await.is_none());
        assert!(start.elapsed() < REFUSAL_PAUSE, "a first refusal comes at once, and probes are always served");
        drop((held, waiting));
        assert!(limit.refuse_early(&pause, &request("/graphql")).await.is_none());
        assert!(start.elapsed() >= REFUSAL_PAUSE, "who was refused is served after a while");
    }
}
