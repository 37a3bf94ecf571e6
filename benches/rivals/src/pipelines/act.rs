//! What a node does beside its sum. A process has one case, so that this can be
//! a global, and costs every way the same.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

/// Done by node `at`, which fails if it does.
pub(crate) type Act = fn(usize) -> Result<(), &'static str>;

const ACTS: [Act; 6] = [nothing, panic, fail, chains, sleep_once, sleep_each];

static ACT: AtomicUsize = AtomicUsize::new(0);
static STARTED: AtomicUsize = AtomicUsize::new(0);

/// One of the two that are slow of the unbalanced chains.
pub(crate) const SLOW: Duration = Duration::from_millis(200);
pub(crate) const NAP: Duration = Duration::from_millis(20);
pub(crate) const SLEEP: Duration = Duration::from_millis(1000);

/// Chooses what nodes do from now on, by its place among the acts.
pub(crate) fn choose(act: usize) {
    ACT.store(act, Ordering::Relaxed);
}

pub(crate) const PANIC: usize = 1;
pub(crate) const FAIL: usize = 2;
pub(crate) const CHAINS: usize = 3;
pub(crate) const SLEEP_ONCE: usize = 4;
pub(crate) const SLEEP_EACH: usize = 5;

/// How many nodes have been started, where that is counted.
pub(crate) fn started() -> usize {
    STARTED.load(Ordering::Relaxed)
}

#[inline]
pub(crate) fn act(at: usize) -> Result<(), &'static str> {
    match ACT.load(Ordering::Relaxed) {
        0 => Ok(()),
        act => ACTS[act](at),
    }
}

fn nothing(_: usize) -> Result<(), &'static str> {
    Ok(())
}

fn panic(at: usize) -> Result<(), &'static str> {
    assert!(at != 1, "as it was told");
    Ok(())
}

fn fail(at: usize) -> Result<(), &'static str> {
    if at == 1 { Err("as it was told") } else { Ok(()) }
}

/// Of two chains of two nodes, 0 → 2 and 1 → 3, one begins slowly and the other
/// ends slowly.
fn chains(at: usize) -> Result<(), &'static str> {
    if at == 0 || at == 3 {
        thread::sleep(SLOW);
    }
    Ok(())
}

fn sleep_once(at: usize) -> Result<(), &'static str> {
    if at == 0 {
        thread::sleep(SLEEP);
    }
    Ok(())
}

fn sleep_each(_: usize) -> Result<(), &'static str> {
    STARTED.fetch_add(1, Ordering::Relaxed);
    thread::sleep(NAP);
    Ok(())
}
