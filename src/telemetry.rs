//! What the outside sees of the work: logs, traces, metrics, and the fixed names of security events.

mod events;
pub mod metrics;
mod traces;

use std::{io, io::IsTerminal, panic::PanicHookInfo};

use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::{Level, Metadata, Subscriber, error};
use tracing_appender::non_blocking::{ErrorCounter, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::{
    EnvFilter, Layer,
    filter::{DynFilterFn, FilterExt, FilterFn},
    layer::{Context, SubscriberExt},
    registry::LookupSpan,
    util::SubscriberInitExt,
};

pub use self::{
    events::{OPERATOR, SecurityEvent},
    traces::{adopt, sampled},
};
use crate::config::{Config, Environment};

/// The target of statements.
pub const SQL: &str = "sql";
/// The target of requests whose spans are sent.
pub const SAMPLED: &str = "docket::sampled";

/// How many lines wait for a reader of the log at most: some seconds of a busy instance, and each takes its room (32
/// bytes) from the start.
const MAX_LINES: usize = 32 << 10;

/// What was begun with [`start`]: dropping it writes what is still to be written.
#[must_use]
pub struct Telemetry {
    traces: Option<SdkTracerProvider>,
    dropped: ErrorCounter,
    _lines: WorkerGuard,
}

impl Telemetry {
    /// Counts the log lines that nobody took in time.
    pub fn dropped(&self) -> Dropped {
        Dropped(self.dropped.clone())
    }
}

/// Log lines that nobody took in time.
#[derive(Clone, Debug)]
pub struct Dropped(ErrorCounter);

impl Dropped {
    /// How many there were.
    pub fn lines(&self) -> usize {
        self.0.dropped_lines()
    }
}

impl Drop for Telemetry {
    fn drop(&mut self) {
        if let Some(traces) = &self.traces {
            // There is nowhere left to say that the last spans could not be sent.
            let _ = traces.shutdown();
        }
    }
}

/// Starts logging to standard error (text for people in development, a JSON object a line elsewhere), and sending
/// traces where the configuration wants that. A reader of the log that takes nothing holds up no request: what it
/// leaves is dropped.
pub fn start(config: &Config) -> Result<Telemetry, traces::ExportError> {
    let (writer, lines) =
        NonBlockingBuilder::default().lossy(true).buffered_lines_limit(MAX_LINES).finish(io::stderr());
    let dropped = writer.error_counter();
    let layer = tracing_subscriber::fmt::layer().with_writer(writer);
    let layer = match config.environment {
        Environment::Development => layer.with_ansi(io::stderr().is_terminal()).boxed(),
        Environment::Staging | Environment::Production => layer.json().boxed(),
    };
    let filter = EnvFilter::try_new(&config.log_filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let filter = filter.and(FilterFn::new(is_harmless).with_max_level_hint(Level::TRACE));
    let traces = config.traces.as_ref().map(|endpoint| traces::provider(config, endpoint)).transpose()?;
    traces::sample(if traces.is_some() { config.traces_share.0 } else { 0.0 });
    let traced = traces.as_ref().map(|provider| traces::layer(provider).with_filter(DynFilterFn::new(is_traced)));
    std::panic::set_hook(Box::new(told));
    // A second start in one process keeps the first one's settings.
    let _ = tracing_subscriber::registry().with(layer.with_filter(filter)).with(traced).try_init();
    Ok(Telemetry { traces, dropped, _lines: lines })
}

/// A panic is a line of the log, under the request that it happened in. What it says may hold anything, so that its place
/// alone is told.
fn told(panic: &PanicHookInfo<'_>) {
    let place = panic.location().map(ToString::to_string).unwrap_or_default();
    error!(place, "a panic");
}

/// Whatever is to be logged, the messages of WebSockets are not.
fn is_harmless(metadata: &Metadata<'_>) -> bool {
    !(metadata.target().starts_with("tungstenite") && *metadata.level() == Level::TRACE)
}

/// Requests that were chosen, and the operations and statements in them: what is not sent is not made either.
fn is_traced<S: Subscriber + for<'span> LookupSpan<'span>>(metadata: &Metadata<'_>, context: &Context<'_, S>) -> bool {
    let is_part = metadata.target() == SQL || metadata.target().starts_with("docket");
    metadata.is_span() && (metadata.target() == SAMPLED || (is_part && context.lookup_current().is_some()))
}
