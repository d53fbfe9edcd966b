//! The server: how it starts, serves and stops.

mod bodies;
mod concurrency;
mod guides;
mod health;
mod home;
mod listener;
mod metrics;
mod middleware;
mod open_files;
mod pages;
mod prefix;
mod router;

use std::{fs::File, future::Future, io, net::SocketAddr, sync::Arc, time::Duration};

use axum::Router;
use tokio::{net::TcpListener, sync::watch, time};
use tokio_util::task::TaskTracker;
use tracing::{info, warn};
use url::Url;

use self::{
    concurrency::{ConcurrencyLimit, RefusalHeaders},
    listener::Serving,
    metrics::{MetricsListener, Sources},
    middleware::{cors::cors, request_context::RequestContext},
    prefix::PathPrefix,
    router::OuterMiddleware,
};
use crate::{
    config::Config,
    db::{self, file::FileError},
    error::Error,
    graphql,
    in_flight::InFlight,
    proof,
    service::Services,
    telemetry::{Dropped, metrics::Metrics},
};

/// How long requests in flight may go on when the server stops.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(10);
/// How long the last mail may take after that.
const LAST_MAIL_TIMEOUT: Duration = Duration::from_secs(5);

/// A server that has its database and its port, and answers once it runs.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    router: Router,
    /// The path below which clients see it.
    prefix: PathPrefix,
    limit: ConcurrencyLimit,
    services: Arc<Services>,
    closing: watch::Sender<bool>,
    /// The open WebSockets, which live on when their requests are answered.
    sockets: TaskTracker,
    /// How long requests are still taken after readiness was given up.
    drain: Duration,
    metrics: Metrics,
    /// The listener of the metrics, if there is one.
    metrics_listener: Option<MetricsListener>,
    /// What keeps other instances from SQLite's file.
    _claim: Option<File>,
}

/// Why a server cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The port cannot be had.
    #[error("cannot listen on {address}{advice}", address = .0, advice = listen_advice(.1))]
    Listen(SocketAddr, #[source] io::Error),
    /// The database cannot be used.
    #[error("the database cannot be used")]
    Database(#[from] Error),
    /// The database is not one that Docket can work on.
    #[error("the database cannot be used")]
    Unfit(#[from] proof::Unfit),
    /// Another instance has SQLite's file.
    #[error("the database is another instance's; several need PostgreSQL")]
    Claimed(#[source] FileError),
    /// SQLite's file cannot be taken for this instance.
    #[error("the database cannot be used")]
    Unclaimable(#[source] FileError),
    /// The GraphQL API cannot be served.
    #[error("GraphQL cannot be served")]
    Graphql(#[from] graphql::EngineError),
}

/// What to do so that the port can be had.
fn listen_advice(cause: &io::Error) -> &'static str {
    match cause.kind() {
        io::ErrorKind::AddrInUse => ": another program has that port; choose another one with PORT or --port",
        io::ErrorKind::AddrNotAvailable => ": HOST is no address of this machine",
        io::ErrorKind::PermissionDenied => ": it takes privileges to listen on a port below 1024; choose a higher one",
        _ => "",
    }
}

impl Server {
    /// Connects to the database, brings its schema up to date, and takes the port.
    pub async fn bind(config: &Config, dropped: Option<Dropped>) -> Result<Self, StartError> {
        let claim = db::file::claim(config).map_err(|cause| match cause {
            FileError::InUse(_) => StartError::Claimed(cause),
            cause => StartError::Unclaimable(cause),
        })?;
        let db = db::connect(config).await.map_err(Error::from)?;
        proof::prepare(&db).await?;
        let metrics = Metrics::new(db.statements());
        let wanted = SocketAddr::new(config.host, config.port);
        let refused = |cause| StartError::Listen(wanted, cause);
        let listener = listener::listen(wanted).map_err(refused)?;
        let address = listener.local_addr().map_err(refused)?;
        let base_url = base_url(config, address.port())?;
        let prefix = PathPrefix::of(&base_url);
        let services = Arc::new(Services::new(db, config, &base_url)?);
        let (closing, is_closing) = watch::channel(false);
        let sockets = TaskTracker::new();
        let engine = Arc::new(graphql::Engine::new(config, metrics.clone())?);
        let sources =
            Sources { metrics: metrics.clone(), services: Arc::clone(&services), engine: Arc::clone(&engine), dropped };
        let metrics_listener = match config.metrics {
            Some(address) => Some(
                MetricsListener::bind(address, sources).await.map_err(|cause| StartError::Listen(address, cause))?,
            ),
            None => None,
        };
        let graphql_state = graphql::GraphqlState {
            engine,
            services: Arc::clone(&services),
            playground: config.playground.then(|| graphql::Playground::new(&pages::bar(config))),
            edition: config.graphql_http,
            closing: is_closing,
            alive: sockets.clone(),
            unknown: InFlight::default(),
        };
        let is_https = services.auth().origins().is_https();
        let cors = cors(services.auth().origins());
        let headers = RefusalHeaders { cors: cors.clone(), is_https };
        let limit = ConcurrencyLimit::new(metrics.refused.clone(), headers);
        let outer = OuterMiddleware {
            cors,
            context: RequestContext::new(config, &graphql_state.closing, metrics.clone(), is_https),
            limit: limit.clone(),
        };
        let router = router::router(config, &services, graphql_state, &base_url, outer);
        Ok(Self {
            listener,
            address,
            router,
            prefix,
            limit,
            services,
            closing,
            sockets,
            drain: config.drain,
            metrics,
            metrics_listener,
            _claim: claim,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it serves metrics, if anywhere.
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.metrics_listener.as_ref().and_then(MetricsListener::address)
    }

    /// The routes with their middleware, for requests that come by no connection.
    pub fn router(&self) -> Router {
        self.router.clone()
    }

    /// What it serves.
    pub fn services(&self) -> Arc<Services> {
        Arc::clone(&self.services)
    }

    /// Serves requests until told to stop. Then it says that it is not ready, so that a balancer sends no more, ends
    /// streams, and after the time for that finishes the requests in flight.
    pub async fn run(self, stop: impl Future<Output = ()> + Send + 'static) -> io::Result<()> {
        let mut is_closing = self.closing.subscribe();
        let (closing, sockets, drain) = (self.closing, self.sockets, self.drain);
        let stop = async move {
            stop.await;
            info!("stopping");
            closing.send_replace(true);
            time::sleep(drain).await;
            drain
        };
        let serving = Serving {
            router: self.router,
            prefix: Some(self.prefix),
            limit: Some(self.limit),
            open: self.metrics.connections,
            max_connections: open_files::max_connections(),
            idle_timeout: listener::IDLE_TIMEOUT,
        };
        let requests = async {
            listener::serve(self.listener, serving, stop).await?;
            sockets.close();
            sockets.wait().await;
            Ok::<_, io::Error>(())
        };
        let overdue = async {
            // A sender that is gone means that the server ended by itself.
            let _ = is_closing.wait_for(|it| *it).await;
            time::sleep(drain + SHUTDOWN_TIMEOUT).await;
        };
        let metrics = async {
            match self.metrics_listener {
                Some(listener) => listener.serve().await,
                None => std::future::pending().await,
            }
        };
        let mailing = self.services.mailer().run();
        tokio::pin!(mailing);
        tokio::select! {
            served = requests => served?,
            served = metrics => served?,
            () = overdue => warn!("requests were still in flight after {SHUTDOWN_TIMEOUT:?}"),
            () = self.services.run_background() => {}
            () = &mut mailing => {}
        }
        self.services.mailer().end();
        if time::timeout(LAST_MAIL_TIMEOUT, mailing).await.is_err() {
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
