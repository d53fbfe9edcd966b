//! The house: both doors, what stands in front of them, and how the whole starts and stops.

mod bodies;
mod concurrency;
mod entry;
mod files;
mod front;
mod health;
mod identify;
mod listener;
mod metrics;
mod once;

use std::{fs::File, future::Future, io, net::SocketAddr, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderName, HeaderValue, Method, StatusCode, header, request::Parts},
    middleware::{self, Next},
    response::Response,
    routing::{any, get},
};
use futures_util::FutureExt;
use tokio::{net::TcpListener, sync::watch, time};
use tokio_util::task::TaskTracker;
use tower::ServiceBuilder;
use tower_http::cors::{AllowOrigin, CorsLayer};
use tracing::{info, warn};
use url::Url;

use self::{
    concurrency::ConcurrencyLimit,
    entry::Entry,
    front::{Front, Safety},
    listener::Serving,
    metrics::{Listening, Sources},
};
use crate::{
    config::Config,
    db,
    error::Error,
    graphql,
    in_flight::InFlight,
    rest,
    service::{Services, auth::Origins},
    telemetry::{Dropped, metrics::Metrics},
};

/// How long a request may take, its body included.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(15);
/// How long requests in flight may go on when the server stops.
const FINISH: Duration = Duration::from_secs(10);
/// How long the last mail may take after that.
const LAST_MAIL: Duration = Duration::from_secs(5);
/// How long a browser remembers what it may send.
const PREFLIGHT_AGE: Duration = Duration::from_secs(600);
/// What front-ends may send.
const REQUEST_HEADERS: [HeaderName; 9] = [
    header::ACCEPT,
    header::AUTHORIZATION,
    header::CONTENT_TYPE,
    header::IF_MATCH,
    header::IF_NONE_MATCH,
    HeaderName::from_static("apollo-require-preflight"),
    HeaderName::from_static("graphql-require-preflight"),
    HeaderName::from_static("idempotency-key"),
    HeaderName::from_static("x-requested-with"),
];
/// What front-ends may read.
const RESPONSE_HEADERS: [HeaderName; 6] = [
    header::ETAG,
    header::RETRY_AFTER,
    HeaderName::from_static("set-auth-jwt"),
    HeaderName::from_static("set-auth-token"),
    HeaderName::from_static("x-request-id"),
    HeaderName::from_static("x-total-count"),
];
/// A server that has its database and its port, and answers once it runs.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    router: Router,
    services: Arc<Services>,
    closing: watch::Sender<bool>,
    /// The WebSockets that are open, which live on when their requests are answered.
    alive: TaskTracker,
    /// How long requests are still taken after readiness was given up.
    drain: Duration,
    metrics: Metrics,
    /// Where metrics are shown, if anywhere.
    shown: Option<Listening>,
    /// What keeps other instances from SQLite's file.
    _claim: Option<File>,
}

/// Why a server cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The port cannot be had.
    #[error("cannot listen on {0}")]
    Listen(SocketAddr, #[source] io::Error),
    /// The database cannot be used.
    #[error("the database cannot be used")]
    Database(#[from] Error),
    /// The database is not one that Docket can work on.
    #[error("the database cannot be used")]
    Unfit(#[from] db::Unfit),
    /// Another instance has SQLite's file.
    #[error("the database is another instance's; several need PostgreSQL")]
    Claimed(#[from] db::file::FileError),
    /// The GraphQL door cannot be opened.
    #[error("GraphQL cannot be served")]
    Graphql(#[from] graphql::EngineError),
}

impl Server {
    /// Connects to the database, brings its schema up to date, and takes the port.
    pub async fn bind(config: &Config, dropped: Option<Dropped>) -> Result<Self, StartError> {
        let claim = db::file::claim(config)?;
        let db = db::connect(config).await.map_err(Error::from)?;
        db.prepare().await?;
        let metrics = Metrics::new(db.statements());
        let wanted = SocketAddr::new(config.host, config.port);
        let refused = |cause| StartError::Listen(wanted, cause);
        let listener = listener::listen(wanted).map_err(refused)?;
        let address = listener.local_addr().map_err(refused)?;
        let services = Arc::new(Services::new(db, config, &base_url(config, address.port())?)?);
        let (closing, is_closing) = watch::channel(false);
        let alive = TaskTracker::new();
        let engine = Arc::new(graphql::Engine::new(config, metrics.clone())?);
        let sources =
            Sources { metrics: metrics.clone(), services: Arc::clone(&services), engine: Arc::clone(&engine), dropped };
        let shown = match config.metrics {
            Some(address) => {
                Some(Listening::bind(address, sources).await.map_err(|cause| StartError::Listen(address, cause))?)
            }
            None => None,
        };
        let door = graphql::GraphqlState {
            engine,
            services: Arc::clone(&services),
            has_playground: config.playground,
            edition: config.graphql_http,
            closing: is_closing,
            alive: alive.clone(),
            unknown: InFlight::default(),
        };
        let safety = Safety { is_https: services.auth().origins().is_https() };
        let limit = ConcurrencyLimit::new(metrics.refused.clone());
        let front = Front::new(config, &door.closing, metrics.clone(), safety);
        let router = router(config, &services, door, (front, limit));
        Ok(Self {
            listener,
            address,
            router,
            services,
            closing,
            alive,
            drain: config.drain,
            metrics,
            shown,
            _claim: claim,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it shows metrics, if anywhere.
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.shown.as_ref().and_then(Listening::address)
    }

    /// The routes with all that stands in front of them, for requests that come by no connection.
    pub fn router(&self) -> Router {
        self.router.clone()
    }

    /// What it serves.
    pub fn services(&self) -> Arc<Services> {
        Arc::clone(&self.services)
    }

    /// Answers requests until told to stop. Then it says that it is not ready, so that a balancer sends no more, lets
    /// streams go, and after the time for that finishes the requests in flight.
    pub async fn run(self, stop: impl Future<Output = ()> + Send + 'static) -> io::Result<()> {
        let mut is_closing = self.closing.subscribe();
        let (closing, alive, drain) = (self.closing, self.alive, self.drain);
        let stop = async move {
            stop.await;
            info!("stopping");
            closing.send_replace(true);
            time::sleep(drain).await;
            drain
        };
        let serving = Serving {
            router: self.router,
            open: self.metrics.connections,
            max_connections: files::most_connections(),
            idle_timeout: listener::IDLE_TIMEOUT,
        };
        let serving = async {
            listener::serve(self.listener, serving, stop).await?;
            alive.close();
            alive.wait().await;
            Ok::<_, io::Error>(())
        };
        let overdue = async {
            // A sender that is gone means that the server ended by itself.
            let _ = is_closing.wait_for(|it| *it).await;
            time::sleep(drain + FINISH).await;
        };
        let showing = async {
            match self.shown {
                Some(shown) => shown.serve().await,
                None => std::future::pending().await,
            }
        };
        let mailing = self.services.mailer().run();
        tokio::pin!(mailing);
        tokio::select! {
            served = serving => served?,
            shown = showing => shown?,
            () = overdue => warn!("requests were still in flight after {FINISH:?}"),
            () = self.services.run_background() => {}
            () = &mut mailing => {}
        }
        self.services.mailer().end();
        if time::timeout(LAST_MAIL, mailing).await.is_err() {
            warn!("mail was not sent before the end");
        }
        self.services.close().await.map_err(io::Error::other)
    }
}

/// The URL that clients see.
pub(crate) fn base_url(config: &Config, port: u16) -> Result<Url, Error> {
    match &config.base_url {
        Some(url) => Ok(url.clone()),
        None => Url::parse(&format!("http://localhost:{port}")).map_err(Error::internal),
    }
}

fn router(
    config: &Config,
    services: &Arc<Services>,
    door: graphql::GraphqlState,
    (front, limit): (Front, ConcurrencyLimit),
) -> Router {
    let tasks = |engine: Option<&Arc<graphql::Engine>>| {
        let entry = Entry { services: Arc::clone(services), engine: engine.cloned() };
        middleware::from_fn_with_state(entry, entry::tasks)
    };
    let (to_rest, to_graphql) = (tasks(None), tasks(Some(&door.engine)));
    let accounts = middleware::from_fn_with_state(Arc::clone(services), entry::accounts);
    let mut router = Router::new()
        .merge(rest::router(config).layer(to_rest))
        .merge(rest::auth::router().layer(accounts))
        .merge(health::router(&door.closing))
        .merge(rest::openapi::router())
        .with_state(Arc::clone(services))
        .merge(Router::new().route(graphql::PATH, any(graphql::serve)).layer(to_graphql).with_state(door));
    if config.playground {
        router = router
            .route("/graphiql", get(graphql::page))
            .route("/graphiql/boot.js", get(graphql::boot))
            .route("/graphiql/files/{*name}", get(graphql::file));
    }
    router.fallback(rest::not_found).method_not_allowed_fallback(rest::method_not_allowed).layer(
        ServiceBuilder::new()
            .layer(middleware::from_fn_with_state(front, front::front))
            .layer(cors(services.auth().origins()))
            .layer(middleware::from_fn_with_state(limit, guarded)),
    )
}

fn cors(origins: &Origins) -> CorsLayer {
    let origins = origins.clone();
    let may_read = move |origin: &HeaderValue, _: &Parts| origin.to_str().is_ok_and(|origin| origins.may_read(origin));
    CorsLayer::new()
        .allow_origin(AllowOrigin::predicate(may_read))
        .allow_credentials(true)
        .allow_methods([
            Method::GET,
            Method::HEAD,
            Method::POST,
            Method::PUT,
            Method::PATCH,
            Method::DELETE,
            Method::OPTIONS,
        ])
        .allow_headers(REQUEST_HEADERS)
        .expose_headers(RESPONSE_HEADERS)
        .max_age(PREFLIGHT_AGE)
}

/// Answers requests that get a permit, in time, whatever becomes of the work, and lets no panic out.
async fn guarded(State(limit): State<ConcurrencyLimit>, request: Request, next: Next) -> Response {
    let work = async {
        match limit.admit(request).await {
            Ok((request, _permit)) => next.run(request).await,
            Err(refusal) => refusal,
        }
    };
    let work = AssertUnwindSafe(work).catch_unwind();
    match time::timeout(REQUEST_TIMEOUT, work).await {
        // What is left of a body that did not come is not waited for.
        Ok(Ok(response)) if response.status() == StatusCode::REQUEST_TIMEOUT => concurrency::closing(response),
        Ok(Ok(response)) => response,
        Ok(Err(_)) => rest::panicked(),
        Err(_) => rest::overdue(),
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use prometheus_client::metrics::counter::Counter;
    use tower::ServiceExt;

    use super::*;

    #[tokio::test]
    async fn a_handler_that_panics_is_answered_with_500_and_the_next_request_is_served() {
        async fn handler(request: Request) -> &'static str {
            assert!(request.uri().query().is_none(), "the value of a user");
            "served"
        }
        let limit = ConcurrencyLimit::new(Counter::default());
        let router = Router::new().route("/", get(handler)).layer(middleware::from_fn_with_state(limit, guarded));
        for (path, status, text) in [("/?a=b", 500, r#"{"detail":"Internal server error"}"#), ("/", 200, "served")] {
            let request = Request::get(path).body(Body::empty()).unwrap();
            let answer = router.clone().oneshot(request).await.unwrap();
            assert_eq!(answer.status(), status);
            assert_eq!(axum::body::to_bytes(answer.into_body(), 1 << 10).await.unwrap(), text);
        }
    }
}
