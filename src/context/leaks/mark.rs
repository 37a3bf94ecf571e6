//! What a thread was like before a task, to be compared with after.

use tracing::dispatcher::{self, Dispatch};
use tracing::span;

use super::super::accessor::{Captured, ErasedAccessor};
use super::super::capture::Capture;
use super::super::unwind::quietly;
use super::Kind;

/// How many spans left by one task are told of, at most: a subscriber that does
/// not keep track of spans may report one as current for ever.
const MOST_SPANS: usize = 256;

/// The dispatcher and the span in which a task's body begins.
pub(super) struct TraceMark(Option<Marked>);

struct Marked {
    dispatch: Dispatch,
    /// The dispatcher's `Debug`, which has its address in it: by nothing else can
    /// two be compared.
    dispatcher: String,
    span: Option<span::Id>,
}

fn here() -> (Dispatch, String) {
    dispatcher::get_default(|dispatch| (dispatch.clone(), format!("{dispatch:?}")))
}

impl TraceMark {
    pub(super) fn set() -> Self {
        let mut marked = None;
        // A subscriber's panic is its task's to hear of, and not here.
        quietly(|| {
            let (dispatch, dispatcher) = here();
            let span = dispatch.current_span().id().cloned();
            marked = Some(Marked { dispatch, dispatcher, span });
        });
        Self(marked)
    }

    /// Finds what was left since. Spans are exited as they are found: only so can
    /// the ones beneath be seen.
    pub(super) fn compare(self, found: &mut Vec<Kind>) {
        let Some(Marked { dispatch, dispatcher, span }) = self.0 else { return };
        quietly(|| {
            if here().1 != dispatcher {
                found.push(Kind::Dispatcher);
            }
            for _ in 0..MOST_SPANS {
                let current = dispatch.current_span();
                let Some((id, metadata)) = current.into_inner() else { return };
                if Some(&id) == span.as_ref() {
                    return;
                }
                dispatch.exit(&id);
                found.push(Kind::Span(metadata));
            }
        });
    }
}

/// What the accessors of a capture had on this thread before it was entered, of
/// those that can tell whether it changed.
pub(super) struct AccessorMarks(Vec<(&'static dyn ErasedAccessor, Captured)>);

impl AccessorMarks {
    pub(super) fn set(capture: &Capture) -> Self {
        let mut marks = Vec::new();
        for accessor in capture.foreign().into_iter().flat_map(|foreign| foreign.accessors.iter()) {
            quietly(|| {
                let before = accessor.capture();
                // One that cannot tell says no of what was captured just now.
                if accessor.is_unchanged(&before) {
                    marks.push((*accessor, before));
                }
            });
        }
        Self(marks)
    }

    pub(super) fn compare(self, found: &mut Vec<Kind>) {
        for (accessor, before) in self.0 {
            quietly(|| {
                if !accessor.is_unchanged(&before) {
                    found.push(Kind::Accessor(accessor.name()));
                }
            });
            quietly(|| drop(before));
        }
    }
}
