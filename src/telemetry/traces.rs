//! Traces: spans sent by OTLP, which go on what a caller has begun (W3C Trace Context).

use std::sync::atomic::{AtomicU64, Ordering};

use axum::http::HeaderMap;
use opentelemetry::{
    Context, KeyValue,
    propagation::TextMapPropagator,
    trace::{TraceContextExt, TracerProvider},
};
use opentelemetry_http::HeaderExtractor;
pub use opentelemetry_otlp::ExporterBuildError as ExportError;
use opentelemetry_otlp::{SpanExporter, WithExportConfig};
use opentelemetry_sdk::{
    Resource,
    propagation::TraceContextPropagator,
    trace::{Sampler, SdkTracer, SdkTracerProvider},
};
use tracing::{Span, Subscriber, field};
use tracing_opentelemetry::{OpenTelemetryLayer, OpenTelemetrySpanExt};
use tracing_subscriber::registry::LookupSpan;
use url::Url;

use crate::config::Config;

/// What every span says it comes from.
const SERVICE: &str = "docket";

/// Which share of the traces that begin here is sent, as the bits of a number; 0 for none.
static SHARE: AtomicU64 = AtomicU64::new(0);

/// Notes which share of the traces that begin here is sent.
pub(super) fn sample(share: f64) {
    SHARE.store(share.to_bits(), Ordering::Relaxed);
}

/// What the spans of a request go on from, if they are sent: its caller says so in its `traceparent`, or chance does. A
/// malformed `traceparent` is as none.
pub fn sampled(headers: &HeaderMap) -> Option<Context> {
    let share = f64::from_bits(SHARE.load(Ordering::Relaxed));
    if share <= 0.0 {
        return None;
    }
    let context = TraceContextPropagator::new().extract(&HeaderExtractor(headers));
    let caller = context.span().span_context().clone();
    let is_chosen = if caller.is_valid() { caller.is_sampled() } else { share >= 1.0 || rand::random::<f64>() < share };
    is_chosen.then_some(context)
}

/// What sends spans to a collector, in batches, from a thread of its own.
pub(super) fn provider(config: &Config, endpoint: &Url) -> Result<SdkTracerProvider, ExportError> {
    let endpoint = format!("{}/v1/traces", endpoint.as_str().trim_end_matches('/'));
    let exporter = SpanExporter::builder().with_http().with_endpoint(endpoint).build()?;
    let resource = Resource::builder_empty()
        .with_service_name(SERVICE)
        .with_attributes([
            KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
            KeyValue::new("service.instance.id", config.instance.clone()),
            KeyValue::new("deployment.environment.name", config.environment.to_string()),
        ])
        .build();
    // What is not to be sent is never made.
    let sampler = Sampler::AlwaysOn;
    Ok(SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).with_sampler(sampler).build())
}

/// What turns spans of `tracing` into spans of the provider.
pub(super) fn layer<S: Subscriber + for<'span> LookupSpan<'span>>(
    provider: &SdkTracerProvider,
) -> OpenTelemetryLayer<S, SdkTracer> {
    tracing_opentelemetry::layer()
        .with_tracer(provider.tracer(SERVICE))
        .with_location(false)
        .with_threads(false)
        .with_target(false)
        .with_tracked_inactivity(false)
}

/// Makes the span of a request that is sampled go on from there, and notes which trace it is a part of. It must have the
/// fields `otel.name`, `otel.kind` and `trace_id`.
pub fn adopt(span: &Span, context: Context, method: &str, route: &str) {
    // Without a collector there is nothing to go on with.
    let _ = span.set_parent(context);
    span.record("otel.kind", "server").record("otel.name", format!("{method} {route}"));
    span.set_attribute("http.request.method", method.to_owned());
    span.set_attribute("http.route", route.to_owned());
    let context = span.context();
    let trace = context.span().span_context().trace_id();
    if trace != opentelemetry::TraceId::INVALID {
        span.record("trace_id", field::display(trace));
    }
}
