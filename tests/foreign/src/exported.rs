//! Spans as OpenTelemetry is given them.

use std::collections::HashMap;

use opentelemetry::trace::{SpanId, TracerProvider};
use opentelemetry_sdk::trace::{
    InMemorySpanExporter, Sampler, SdkTracer, SdkTracerProvider, SpanData,
};
use tracing::{Dispatch, dispatcher};
use tracing_subscriber::layer::SubscriberExt;

/// A tracer, and what it exported.
pub struct Exported {
    provider: SdkTracerProvider,
    exporter: InMemorySpanExporter,
}

impl Default for Exported {
    fn default() -> Self {
        Self::sampled(Sampler::AlwaysOn)
    }
}

impl Exported {
    pub fn new() -> Self {
        Self::default()
    }

    /// One that exports what `sampler` takes.
    pub fn sampled(sampler: Sampler) -> Self {
        let exporter = InMemorySpanExporter::default();
        let provider = SdkTracerProvider::builder().with_sampler(sampler);
        let provider = provider.with_simple_exporter(exporter.clone()).build();
        Self { provider, exporter }
    }

    pub fn tracer(&self) -> SdkTracer {
        self.provider.tracer("test")
    }

    /// A subscriber with the layer; `activation` is whether it attaches the context of
    /// an entered span.
    pub fn dispatch(&self, activation: bool) -> Dispatch {
        let layer = tracing_opentelemetry::layer()
            .with_tracer(self.tracer())
            .with_context_activation(activation);
        Dispatch::new(tracing_subscriber::registry().with(layer))
    }

    /// Runs `f` with the layer.
    pub fn with_layer<R>(&self, activation: bool, f: impl FnOnce() -> R) -> R {
        dispatcher::with_default(&self.dispatch(activation), f)
    }

    /// Those that have ended.
    pub fn spans(&self) -> Vec<SpanData> {
        self.provider.force_flush().unwrap();
        self.exporter.get_finished_spans().unwrap()
    }

    /// The name of each span's parent, by the span's own name.
    pub fn parents(&self) -> HashMap<String, String> {
        let spans = self.spans();
        let name_of = |id: SpanId| {
            let parent = spans.iter().find(|span| span.span_context.span_id() == id);
            parent.map_or("none", |span| &*span.name).to_owned()
        };
        spans.iter().map(|span| (span.name.to_string(), name_of(span.parent_span_id))).collect()
    }
}
