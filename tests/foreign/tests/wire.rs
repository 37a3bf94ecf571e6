//! A trace of OpenTelemetry goes on in another process.

use entourage::{TRACE_PARENT, TraceParent, TraceState, Wire};
use opentelemetry::Context;
use opentelemetry::trace::{
    Span, SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, Tracer, TracerProvider,
};
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider};

type OtelTraceState = opentelemetry::trace::TraceState;

#[test]
fn span_of_the_callee_is_a_child_of_the_callers() {
    let exporter = InMemorySpanExporter::default();
    let provider = SdkTracerProvider::builder().with_simple_exporter(exporter.clone()).build();
    let tracer = provider.tracer("test");
    let wire = Wire::builder().trace_context().build().unwrap();

    let mut headers = Vec::new();
    let mut span = tracer.start("call");
    let caller = span.span_context().clone();
    let parent = TraceParent::of_span(&caller).unwrap();
    TRACE_PARENT.scope(parent, || wire.inject(&wire.capture(), &mut headers)).unwrap();
    span.end();

    wire.extract(&headers).unwrap().scope(|| {
        let remote = TRACE_PARENT.get().unwrap().span_context(&TraceState::default());
        assert!(remote.is_remote() && remote.is_sampled());
        let context = Context::new().with_remote_span_context(remote);
        tracer.start_with_context("serve", &context).end();
    });
    let exported = exporter.get_finished_spans().unwrap();
    let served = exported.iter().find(|span| span.name == "serve").unwrap();
    assert_eq!(served.span_context.trace_id(), caller.trace_id());
    assert_eq!(served.parent_span_id, caller.span_id());
}

#[test]
fn flags_and_state_go_both_ways() {
    let state = OtelTraceState::from_key_value([("b", "2"), ("a", "1")]).unwrap();
    let (trace_id, span_id) = (TraceId::from(0x0102_u128), SpanId::from(0x0304_u64));
    let span = SpanContext::new(trace_id, span_id, TraceFlags::new(0b11), true, state);
    let parent = TraceParent::of_span(&span).unwrap();
    let text = "00-00000000000000000000000000000102-0000000000000304-03";
    assert_eq!(parent.to_string(), text);
    let state = TraceState::of_span(&span).unwrap();
    assert_eq!(state.to_string(), "b=2,a=1");
    assert_eq!(parent.span_context(&state), span);
}

#[test]
fn span_that_is_not_valid_is_no_parent() {
    assert_eq!(TraceParent::of_span(&SpanContext::NONE), None);
}

#[test]
fn state_that_one_side_does_not_take_is_not_handed_over() {
    let parent = TraceParent::new(1, 1, true).unwrap();
    let state: TraceState = "two@@ats=1".parse().unwrap();
    assert_eq!(parent.span_context(&state).trace_state(), &OtelTraceState::NONE);

    let empty = OtelTraceState::from_key_value([("a", "")]).unwrap();
    let (trace_id, span_id) = (TraceId::from(1_u128), SpanId::from(1_u64));
    let span = SpanContext::new(trace_id, span_id, TraceFlags::SAMPLED, true, empty);
    assert!(TraceState::of_span(&span).unwrap_err().is_malformed());
}
