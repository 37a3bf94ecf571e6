//! What a run is told besides its nodes: when to end, how long to wait, how often
//! to try, and who goes first.

mod attempt;
#[cfg(unix)]
mod interrupt;
mod lease;
mod limit;
mod options;
mod ordered;
mod state;
mod timer;
mod token;
mod tries;
mod until_cancelled;

/// What a shell answers for a program that was ended by SIGINT: 128 and the
/// signal's number.
pub(super) const INTERRUPTED: u8 = 130;

pub use limit::Limit;
pub use token::{CANCEL, CancelToken, Cancelled, Listening};
pub use until_cancelled::UntilCancelled;

pub(super) use lease::Lease;
pub(super) use limit::{Calls, Room};
pub(super) use options::Controls;
pub(super) use ordered::Ordered;
pub(super) use state::{Cancellation, Control, Overdue, ordered};
pub(super) use tries::Tried;
