//! Metrics for Prometheus, by OpenTelemetry's names where it has one. Labels are routes, operations and codes: never a
//! user, a path or a text of a client.

mod replicas;

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use prometheus_client::{
    encoding::{EncodeLabelSet, text},
    metrics::{
        counter::{ConstCounter, Counter},
        family::Family,
        gauge::{ConstGauge, Gauge},
        histogram::Histogram,
        info::Info,
    },
    registry::{Registry, Unit},
};

pub use self::replicas::{ReplicaReads, ReplicaSample};
use super::SecurityEvent;

/// Upper bounds of the histograms, in seconds.
const BOUNDS: [f64; 13] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];
/// How many names of GraphQL operations are told apart; clients choose them.
const MOST_OPERATIONS: usize = 500;
/// For how long a name keeps its place when there are no more, after its last operation.
const NAME_LIFETIME: Duration = Duration::from_secs(10 * 60);
/// How many bytes such a name has at most.
const MAX_NAME: usize = 64;
/// Stands for all other names.
const OTHER: &str = "_OTHER";

/// Times by label.
type Times<L> = Family<L, Histogram, fn() -> Histogram>;

/// What is counted and timed as it happens. A clone counts into the same places.
#[derive(Clone)]
pub struct Metrics {
    requests: Times<RequestLabels>,
    operations: Times<OperationLabels>,
    failures: Family<CodeLabel, Counter>,
    statements: Statements,
    /// Connections of clients that are open.
    pub connections: Gauge,
    /// Requests that were refused because there was no room for them.
    pub refused: Counter,
    names: Arc<Mutex<HashMap<Arc<str>, Instant>>>,
}

/// How long statements took.
#[derive(Clone)]
pub struct Statements(Times<PoolLabel>);

/// What is looked at when metrics are asked for.
#[derive(Clone, Debug, Default)]
pub struct Sample {
    /// The pools of the database, by name.
    pub pools: Vec<(&'static str, Pool)>,
    /// Where users were read, if there are replicas.
    pub replicas: Option<ReplicaReads>,
    /// Events that were exchanged with other instances.
    pub events: EventCounts,
    /// Passwords that are being hashed.
    pub hashing: usize,
    /// Passwords that wait to be hashed.
    pub waiting: usize,
    /// Event streams and WebSockets that are open.
    pub streams: usize,
    /// Log lines that nobody took.
    pub dropped_lines: usize,
    /// Bytes of memory that the process has, where the system tells.
    pub memory: Option<usize>,
}

/// Events that this instance exchanged with the others: that the data of users changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EventCounts {
    /// Users of whom it sent one.
    pub sent: u64,
    /// Users of whom it received one, its own too.
    pub received: u64,
    /// Channels that it listens to.
    pub channels: usize,
}

/// The connections of a pool.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pool {
    /// Those that are open.
    pub open: usize,
    /// Those of them that do nothing.
    pub idle: usize,
    /// How many there may be.
    pub most: usize,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    http_request_method: &'static str,
    http_route: String,
    http_response_status_code: u16,
}

/// Which GraphQL operation it was.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct OperationLabels {
    /// `query`, `mutation` or `subscription`.
    pub graphql_operation_type: &'static str,
    /// Its name, or `_OTHER`.
    pub graphql_operation_name: Arc<str>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CodeLabel {
    code: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PoolLabel {
    pool: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PoolStateLabels {
    pool: &'static str,
    state: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StateLabel {
    state: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct EventLabel {
    event: &'static str,
}

impl OperationLabels {
    /// A name that is not too long.
    pub fn new(kind: &'static str, name: Option<&str>) -> Self {
        let name = name.unwrap_or_default();
        let name = if name.len() <= MAX_NAME { name } else { OTHER };
        Self { graphql_operation_type: kind, graphql_operation_name: name.into() }
    }
}

impl fmt::Display for OperationLabels {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.graphql_operation_type, self.graphql_operation_name)
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Metrics").finish_non_exhaustive()
    }
}

impl fmt::Debug for Statements {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Statements").finish_non_exhaustive()
    }
}

impl Default for Statements {
    fn default() -> Self {
        Self(Family::new_with_constructor(times))
    }
}

impl Statements {
    /// Notes how long a statement took, by the pool that did it.
    pub fn took(&self, pool: &'static str, time: Duration) {
        self.0.get_or_create(&PoolLabel { pool }).observe(time.as_secs_f64());
    }
}

impl Metrics {
    /// Nothing has happened yet, but for statements.
    pub fn new(statements: Statements) -> Self {
        Self {
            requests: Family::new_with_constructor(times),
            operations: Family::new_with_constructor(times),
            failures: Family::default(),
            statements,
            connections: Gauge::default(),
            refused: Counter::default(),
            names: Arc::default(),
        }
    }

    /// Notes that a request was answered; the route is its template.
    pub fn answered(&self, method: &str, route: &str, status: u16, time: Duration) {
        let labels = RequestLabels {
            http_request_method: known_method(method),
            http_route: route.to_owned(),
            http_response_status_code: status,
        };
        self.requests.get_or_create(&labels).observe(time.as_secs_f64());
    }

    /// Notes that an operation was executed. Its name is told apart if it is known; one gets known when an operation of
    /// somebody who is signed in is done without an error.
    pub fn executed(&self, operation: &OperationLabels, time: Duration, gets_known: bool) {
        let name = &operation.graphql_operation_name;
        let is_known = name.is_empty() || self.is_known(name, gets_known);
        let name = if is_known { Arc::clone(name) } else { OTHER.into() };
        let labels = OperationLabels { graphql_operation_name: name, ..*operation };
        self.operations.get_or_create(&labels).observe(time.as_secs_f64());
    }

    fn is_known(&self, name: &Arc<str>, gets_known: bool) -> bool {
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(used) = names.get_mut(name) {
            *used = Instant::now();
            return true;
        }
        if !gets_known {
            return false;
        }
        if names.len() >= MOST_OPERATIONS {
            let oldest = names.iter().min_by_key(|(_, used)| **used).filter(|(_, used)| used.elapsed() > NAME_LIFETIME);
            let Some(oldest) = oldest.map(|(name, _)| Arc::clone(name)) else { return false };
            names.remove(&oldest);
            for kind in ["query", "mutation", "subscription"] {
                let name = Arc::clone(&oldest);
                self.operations.remove(&OperationLabels { graphql_operation_type: kind, graphql_operation_name: name });
            }
        }
        names.insert(Arc::clone(name), Instant::now());
        true
    }

    /// Notes an error of a GraphQL answer.
    pub fn failed(&self, code: &str) {
        self.failures.get_or_create(&CodeLabel { code: code.to_owned() }).inc();
    }

    /// All of it in Prometheus's text format.
    pub fn text(&self, sample: &Sample) -> Result<String, fmt::Error> {
        let mut text = String::new();
        text::encode(&mut text, &self.registry(sample))?;
        Ok(text)
    }

    fn registry(&self, sample: &Sample) -> Registry {
        let mut registry = Registry::default();
        let about = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
        registry.register("docket_build", "What runs here", about);
        registry.register_with_unit(
            "http_server_request_duration",
            "Time of a request",
            Unit::Seconds,
            self.requests.clone(),
        );
        registry.register_with_unit(
            "graphql_server_operation_duration",
            "Time of a GraphQL operation",
            Unit::Seconds,
            self.operations.clone(),
        );
        registry.register("graphql_server_errors", "Errors in GraphQL answers", self.failures.clone());
        registry.register_with_unit(
            "db_client_operation_duration",
            "Time of an SQL statement",
            Unit::Seconds,
            self.statements.0.clone(),
        );
        registry.register("http_server_open_connections", "Connections of clients", self.connections.clone());
        registry.register("docket_refused_requests", "Requests for which there was no room", self.refused.clone());
        if let Some(memory) = sample.memory {
            let help = "Memory that the process has";
            registry.register_with_unit("process_resident_memory", help, Unit::Bytes, gauge(memory));
        }
        registry.register("docket_open_streams", "Event streams and WebSockets", gauge(sample.streams));
        let dropped = ConstCounter::new(u64::try_from(sample.dropped_lines).unwrap_or(u64::MAX));
        registry.register("docket_dropped_log_lines", "Log lines that nobody took", dropped);
        register_pools(&mut registry, sample);
        register_events(&mut registry, sample.events);
        if let Some(reads) = &sample.replicas {
            reads.register(&mut registry);
        }
        let hashes = Family::<StateLabel, Gauge>::default();
        for (state, count) in [("working", sample.hashing), ("waiting", sample.waiting)] {
            hashes.get_or_create(&StateLabel { state }).set(number(count));
        }
        registry.register("docket_password_hashes", "Passwords that are hashed or wait for it", hashes);
        let events = Family::<EventLabel, Counter>::default();
        for event in SecurityEvent::ALL {
            events.get_or_create(&EventLabel { event: event.name() }).inc_by(event.count());
        }
        registry.register("docket_security_events", "Security events", events);
        registry
    }
}

fn register_pools(registry: &mut Registry, sample: &Sample) {
    let connections = Family::<PoolStateLabels, Gauge>::default();
    let most = Family::<PoolLabel, Gauge>::default();
    for (pool, now) in &sample.pools {
        for (state, count) in [("idle", now.idle), ("used", now.open.saturating_sub(now.idle))] {
            connections.get_or_create(&PoolStateLabels { pool, state }).set(number(count));
        }
        most.get_or_create(&PoolLabel { pool }).set(number(now.most));
    }
    registry.register("db_client_connection_count", "Connections to the database", connections);
    registry.register("db_client_connection_max", "How many connections there may be", most);
}

fn register_events(registry: &mut Registry, counts: EventCounts) {
    let (sent, received) = (ConstCounter::new(counts.sent), ConstCounter::new(counts.received));
    registry.register("docket_events_sent", "Users whose changes were sent to other instances", sent);
    registry.register("docket_events_received", "Users whose changes were received from instances", received);
    registry.register("docket_event_channels", "Channels that are listened to", gauge(counts.channels));
}

fn times() -> Histogram {
    Histogram::new(BOUNDS)
}

fn gauge(value: usize) -> ConstGauge<i64> {
    ConstGauge::new(number(value))
}

fn number(value: usize) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// Any client may send a method of its own.
fn known_method(method: &str) -> &'static str {
    const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    METHODS.into_iter().find(|it| *it == method).unwrap_or(OTHER)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_clients_choose_are_bounded() {
        let metrics = Metrics::new(Statements::default());
        assert_eq!(&*OperationLabels::new("query", Some(&"Q".repeat(65))).graphql_operation_name, OTHER);
        let executed = |name: &str, gets_known| {
            metrics.executed(&OperationLabels::new("query", Some(name)), Duration::from_millis(1), gets_known);
        };
        let series = || {
            let text = metrics.text(&Sample::default()).unwrap();
            text.lines().filter(|it| it.starts_with("graphql_server_operation_duration_seconds_count")).count()
        };
        for number in 0..10 {
            executed(&format!("S{number}"), false);
        }
        assert_eq!(series(), 1, "those of strangers are others");
        for number in 0..2 * MOST_OPERATIONS {
            executed(&format!("Q{number}"), true);
        }
        assert_eq!(series(), MOST_OPERATIONS + 1);
        // One that nobody uses any more makes room.
        let long_ago = Instant::now().checked_sub(2 * NAME_LIFETIME).unwrap();
        metrics.names.lock().unwrap().insert("Q7".into(), long_ago);
        executed("New", true);
        executed("Newer", true);
        let text = metrics.text(&Sample::default()).unwrap();
        assert_eq!(series(), MOST_OPERATIONS + 1);
        assert!(text.contains("\"New\"") && !text.contains("\"Q7\"") && !text.contains("\"Newer\""), "{text}");
        assert_eq!(known_method("BREW"), OTHER);
    }
}
