//! One leaf's stay in a context, from a constructor to a drop.

use std::cell::RefCell;
use std::marker::PhantomData;
use std::panic::resume_unwind;

use crate::context::{Frame, Snapshot, discard, keep_first};
use crate::sync::thread_local;

thread_local! {
    /// The leaves that are entered on this thread, innermost last. A `zip` of
    /// two iterators in context drops the one that it entered first while the
    /// other is still entered; such a leaf is left when those above it are.
    static LEAVES: RefCell<Leaves> = const { RefCell::new(Leaves { stack: Vec::new(), entered: 0 }) };
}

struct Leaves {
    stack: Vec<Entered>,
    /// How many were ever entered: the next one's number.
    entered: u64,
}

struct Entered {
    number: u64,
    frame: Frame,
    is_over: bool,
}

/// Keeps a snapshot entered on this thread until it is dropped.
#[must_use = "the context is left when this is dropped"]
pub(super) struct Leaf {
    kept: Kept,
    /// To be dropped on the thread that made it.
    _not_send: PhantomData<*const ()>,
}

enum Kept {
    /// Among the thread's leaves, under this number.
    Stacked(u64),
    /// Here, since the thread is being torn down and its leaves are gone.
    Here(Option<Frame>),
}

impl Leaf {
    pub(super) fn enter(snapshot: &Snapshot) -> Self {
        let frame =
            Frame::enter(snapshot.as_capture()).unwrap_or_else(|payload| resume_unwind(payload));
        let mut frame = Some(frame);
        let stacked = LEAVES.try_with(|leaves| {
            let mut leaves = leaves.borrow_mut();
            leaves.entered += 1;
            let number = leaves.entered;
            leaves.stack.extend(frame.take().map(|frame| Entered {
                number,
                frame,
                is_over: false,
            }));
            number
        });
        let kept = stacked.map_or_else(|_| Kept::Here(frame), Kept::Stacked);
        Self { kept, _not_send: PhantomData }
    }
}

impl Drop for Leaf {
    fn drop(&mut self) {
        let mut outcome = Ok(());
        match &mut self.kept {
            Kept::Stacked(number) => {
                // Leaving runs foreign code, so not under the borrow.
                while let Some(frame) = next_over(*number) {
                    keep_first(&mut outcome, frame.leave());
                }
            }
            Kept::Here(frame) => {
                if let Some(frame) = frame.take() {
                    outcome = frame.leave();
                }
            }
        }
        match outcome {
            Ok(()) => {}
            // A second panic would abort.
            Err(payload) if std::thread::panicking() => discard(payload),
            Err(payload) => resume_unwind(payload),
        }
    }
}

/// Marks the leaf of that number as over and takes the innermost leaf off, if
/// that is over.
fn next_over(number: u64) -> Option<Frame> {
    let next = LEAVES.try_with(|leaves| {
        let stack = &mut leaves.borrow_mut().stack;
        if let Some(mine) = stack.iter_mut().rev().find(|leaf| leaf.number == number) {
            mine.is_over = true;
        }
        stack.pop_if(|leaf| leaf.is_over)
    });
    next.ok().flatten().map(|leaf| leaf.frame)
}

#[cfg(test)]
mod tests;
