//! Which nodes run, and why: of a whole pipeline those whose outputs are
//! missing, after a failure those that are left, and of a run that is only
//! thought through what it would do.

mod dry_run;
mod kept;
mod missing;
mod narrowed;
mod resume;
mod steps;
mod text;

pub use dry_run::{DatasetPlan, NodePlan, Plan, Reason};
pub use resume::Resume;

pub(super) use narrowed::{Narrowed, Whole};
pub(super) use resume::Unfinished;
#[cfg(unix)]
pub(super) use text::some_of;
