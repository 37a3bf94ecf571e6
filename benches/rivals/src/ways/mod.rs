//! The ways, grouped by whose threads they use.

mod entourage;
mod rayon;
mod threadpool;
mod tokio;
mod traced;

pub(crate) use self::entourage::{Off, On};
pub(crate) use self::rayon::{Bare, Fastrace, OpenTelemetry, SpanByHand};
pub(crate) use self::threadpool::ThreadPool;
pub(crate) use self::tokio::{Spawn, SpawnBlocking, SpawnBlockingByHand};
