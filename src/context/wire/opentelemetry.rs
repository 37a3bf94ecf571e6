//! To and from the span contexts of OpenTelemetry.

use ::opentelemetry::trace::{SpanContext, TraceState as OtelTraceState};
use ::opentelemetry::{SpanId, TraceFlags, TraceId};

use super::error::WireError;
use super::{TraceParent, TraceState};

impl TraceParent {
    /// What those that `span` calls are to be given; `None` where the span is
    /// not valid, as a disabled one is not.
    ///
    /// ```
    /// use entourage::{TRACE_PARENT, TRACE_STATE, TraceParent, TraceState, Wire};
    /// use opentelemetry::Context;
    /// use opentelemetry::trace::TraceContextExt;
    ///
    /// let wire = Wire::builder().trace_context().build()?;
    /// # let span = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".parse::<TraceParent>()?;
    /// # let span = span.span_context(&TraceState::default());
    /// # let _attached = Context::new().with_remote_span_context(span).attach();
    ///
    /// // The caller:
    /// let mut headers = Vec::new();
    /// let mut context = entourage::Context::current();
    /// let current = Context::current();
    /// let span = current.span();
    /// if let Some(parent) = TraceParent::of_span(span.span_context()) {
    ///     let state = TraceState::of_span(span.span_context())?;
    ///     context = context.with(&TRACE_PARENT, parent).with(&TRACE_STATE, state);
    /// }
    /// context.scope(|| wire.inject(&wire.capture(), &mut headers))?;
    ///
    /// // The callee:
    /// wire.extract(&headers)?.scope(|| {
    ///     let state = TRACE_STATE.get().unwrap_or_default();
    ///     let caller = TRACE_PARENT.get().map(|parent| parent.span_context(&state));
    ///     let context = Context::new().with_remote_span_context(caller.unwrap());
    ///     let _attached = context.attach();
    ///     assert!(Context::current().span().span_context().is_remote());
    /// });
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn of_span(span: &SpanContext) -> Option<Self> {
        let trace_id = u128::from_be_bytes(span.trace_id().to_bytes());
        let parent_id = u64::from_be_bytes(span.span_id().to_bytes());
        let parent = Self::new(trace_id, parent_id, span.is_sampled())?;
        Some(parent.with_flags(span.trace_flags().to_u8()))
    }

    /// The caller's span, as one of another process. Without the state where
    /// OpenTelemetry does not take it: its rules for keys are those of Trace
    /// Context's first level, which are stricter.
    pub fn span_context(self, state: &TraceState) -> SpanContext {
        let state = OtelTraceState::from_key_value(state.iter());
        SpanContext::new(
            TraceId::from_bytes(self.trace_id().to_be_bytes()),
            SpanId::from_bytes(self.parent_id().to_be_bytes()),
            TraceFlags::new(self.flags()),
            true,
            state.unwrap_or_default(),
        )
    }
}

impl TraceState {
    /// The state of `span`.
    ///
    /// # Errors
    ///
    /// [`WireError::is_malformed`] where it is not of the grammar, of which
    /// OpenTelemetry does not check all: it has empty values, for one.
    pub fn of_span(span: &SpanContext) -> Result<Self, WireError> {
        span.trace_state().header().parse()
    }
}
