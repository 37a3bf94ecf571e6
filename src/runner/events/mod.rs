//! What happens in a run, one [`Event`] at a time, and who is told of it.
//!
//! A [`Listener`] is asked for a [`RunListener`] by each run that is given it with
//! [`RunOptions::listener`](crate::RunOptions::listener); that one is told every
//! event of the run, on the thread that it happens on, and in an order in which a
//! cause comes before its effects. Nothing is left out and nothing is added up:
//! logs, progress bars, reports and traces are drawn from these events alone.
//!
//! ```
//! use std::sync::{Arc, Mutex};
//!
//! use entourage::events::{Event, EventKind, Listener, RunListener};
//! use entourage::{Catalog, Data, Pipeline, RunId, RunOptions, SequentialRunner, node};
//!
//! /// Writes down which nodes are done.
//! #[derive(Clone, Default)]
//! struct Done(Arc<Mutex<Vec<String>>>);
//!
//! impl Listener for Done {
//!     fn run(&self, _: &RunId) -> Arc<dyn RunListener> {
//!         Arc::new(self.clone())
//!     }
//! }
//!
//! impl RunListener for Done {
//!     fn event(&self, event: &Event<'_>) {
//!         if let EventKind::NodeDone(end) = &event.kind {
//!             self.0.lock().unwrap().push(end.node.name.to_string());
//!         }
//!     }
//! }
//!
//! const ANSWER: Data<u64> = Data::memory("answer");
//! let pipeline = Pipeline::new([node(|| 42).reads(()).writes(ANSWER).named("think")])?;
//! let done = Done::default();
//! let options = RunOptions::new().listener(done.clone());
//! SequentialRunner::new().run(&pipeline, &Catalog::empty(), options)?;
//! assert_eq!(*done.0.lock().unwrap(), ["think"]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Order and time
//!
//! Events are numbered from 0 as they come about. Of two on one thread the earlier
//! has the smaller number, and so it is where one made the other possible: a node
//! is done before what it made ready is started. Where two happen at once on two
//! threads, a listener may be told of them in either order.
//!
//! Times are durations since the run began, on a clock that never goes back
//! ([`Instant`](std::time::Instant)); the wall clock is told once, in
//! [`RunStarted`].
//!
//! An attempt at a node is begun by a [`NodeStarted`](EventKind::NodeStarted), and
//! ended by one of `NodeDone`, `NodeFailed`, `NodeRetried`, `NodeCancelled` and
//! [`NodeGivenBack`](EventKind::NodeGivenBack); its loads and saves are told in
//! between. After the last one there is a second beginning with the same number, unless
//! the dataset that the node lacks never comes. Of an attempt that took too long nothing
//! is told after its end.
//!
//! # Panics
//!
//! A listener that panics has no effect on the run; it is told of later events all
//! the same. What it says itself, as a `tracing` event, goes to no run's log.

mod event;
mod listen;
mod owned;
mod run;
mod set;
mod tell;
mod told;

pub use event::{
    Event, EventKind, FailureCause, NodeEnd, NodeRef, ResumeFrom, RunEnd, RunEnded, RunStarted,
    Transfer,
};
pub use listen::{Listener, RunListener};

pub(super) use run::Who;
pub(super) use set::Listeners;
pub(super) use tell::Moved;
pub(super) use told::Told;
