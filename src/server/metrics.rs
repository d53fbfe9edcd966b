//! Metrics at an address of their own, which the public does not reach.

use std::{io, net::SocketAddr, sync::Arc};

use axum::{
    Router,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use prometheus_client::metrics::gauge::Gauge;
use tokio::net::TcpListener;

use super::listener::{self, IDLE_TIMEOUT, Serving};
use crate::{
    graphql,
    service::Services,
    telemetry::{
        Dropped,
        metrics::{Metrics, Sample},
    },
};

/// OpenMetrics, which Prometheus reads.
const TEXT: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// How many connections read metrics at a time.
const MAX_CONNECTIONS: usize = 64;

/// What the metrics are read from.
#[derive(Clone)]
pub(super) struct Sources {
    pub(super) metrics: Metrics,
    pub(super) services: Arc<Services>,
    pub(super) engine: Arc<graphql::Engine>,
    pub(super) dropped: Option<Dropped>,
}

/// The listener of the metrics, with what it serves.
#[derive(Debug)]
pub(super) struct MetricsListener {
    listener: TcpListener,
    router: Router,
}

impl MetricsListener {
    /// Takes the address.
    pub(super) async fn bind(address: SocketAddr, sources: Sources) -> io::Result<Self> {
        let router = Router::new().route("/metrics", get(respond)).with_state(sources);
        Ok(Self { listener: TcpListener::bind(address).await?, router })
    }

    /// Where it listens.
    pub(super) fn address(&self) -> Option<SocketAddr> {
        self.listener.local_addr().ok()
    }

    /// Serves metrics until it is dropped.
    pub(super) async fn serve(self) -> io::Result<()> {
        let serving = Serving {
            router: self.router,
            prefix: None,
            limit: None,
            open: Gauge::default(),
            max_connections: MAX_CONNECTIONS,
            idle_timeout: IDLE_TIMEOUT,
        };
        listener::serve(self.listener, serving, std::future::pending()).await
    }
}

async fn respond(State(sources): State<Sources>) -> Response {
    let sample = Sample {
        streams: sources.engine.open_streams(),
        dropped_lines: sources.dropped.as_ref().map_or(0, Dropped::lines),
        memory: resident_memory(),
        ..sources.services.sample()
    };
    match sources.metrics.text(&sample) {
        Ok(text) => ([(header::CONTENT_TYPE, TEXT)], text).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// Bytes of memory that the process has; Linux tells (proc_pid_status(5)).
fn resident_memory() -> Option<usize> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let kilobytes = status.lines().find_map(|it| it.strip_prefix("VmRSS:"))?.trim().strip_suffix(" kB")?;
    Some(kilobytes.parse::<usize>().ok()? * 1024)
}
