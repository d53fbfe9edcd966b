//! Traces: spans sent by OTLP, which go on what a caller has begun (W3C Trace Context).

use std::sync::atomic::{AtomicBool, Ordering};

use axum::http::HeaderMap;
use opentelemetry::{
    KeyValue,
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

/// Whether spans are sent anywhere.
static ON: AtomicBool = AtomicBool::new(false);

/// Notes whether spans are sent anywhere.
pub(super) fn are_on(on: bool) {
    ON.store(on, Ordering::Relaxed);
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
    let sampler = Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(config.traces_share.0)));
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

/// Makes the span, which must have the fields `otel.name`, `otel.kind` and `trace_id`, a part of the trace that the
/// request belongs to by its `traceparent`, and notes which that is. A malformed one is as none.
pub fn adopt(span: &Span, headers: &HeaderMap, (method, route): (&str, &str)) {
    if !ON.load(Ordering::Relaxed) || span.is_disabled() {
        return;
    }
    if headers.contains_key("traceparent") {
        let context = TraceContextPropagator::new().extract(&HeaderExtractor(headers));
        // Without a collector there is nothing to go on with.
        let _ = span.set_parent(context);
    }
    span.record("otel.kind", "server").record("otel.name", format!("{method} {route}"));
    span.set_attribute("http.request.method", method.to_owned());
    span.set_attribute("http.route", route.to_owned());
    let context = span.context();
    let trace = context.span().span_context().trace_id();
    if trace != opentelemetry::TraceId::INVALID {
        span.record("trace_id", field::display(trace));
    }
}
