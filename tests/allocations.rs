//! What costs no memory is counted: every allocation of the process is. In a
//! file of its own, since there is one allocator for a process.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, mpsc};

use entourage::{Context, Executor, Propagation, Snapshot};
use rayon::prelude::*;

entourage::context_key! {
    static TENANT: u32 = propagate;
    static ATTEMPT: u32 = propagate;
}

struct Counting;

static COUNT: AtomicUsize = AtomicUsize::new(0);
/// How many bytes are in use.
static LIVE: AtomicUsize = AtomicUsize::new(0);

#[global_allocator]
static COUNTING: Counting = Counting;

#[expect(unsafe_code, reason = "an allocator can be replaced in no other way")]
// SAFETY: Every call is passed on to the system's allocator, unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.fetch_add(1, Ordering::Relaxed);
        LIVE.fetch_add(layout.size(), Ordering::Relaxed);
        // SAFETY: The caller's promise is the one that is asked for here.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: The caller's promise is the one that is asked for here, and
        // `at` came from the system's allocator.
        unsafe { System.dealloc(at, layout) }
    }
}

/// The tests of this file must not count for each other.
static ALONE: Mutex<()> = Mutex::new(());

/// How often `f` allocates, on whichever threads. The least of several counts:
/// queues grow now and then, and the test harness has threads of its own.
fn allocations(f: impl Fn()) -> usize {
    let count = || {
        let before = COUNT.load(Ordering::Relaxed);
        f();
        COUNT.load(Ordering::Relaxed) - before
    };
    (0..20).map(|_| count()).min().unwrap_or_default()
}

#[test]
fn empty_context_allocates_nothing() {
    let _alone = ALONE.lock().unwrap();
    let nothing = || {
        let context = Context::current();
        assert!(context.is_empty());
        let snapshot = Snapshot::capture();
        assert!(snapshot.is_empty());
        snapshot.clone().scope(|| assert_eq!(TENANT.get(), None));
        context.scope(|| Context::empty().without(&TENANT).scope(|| ()));
    };
    assert_eq!(allocations(nothing), 0);
    // And the counting works.
    assert_eq!(allocations(|| drop(Box::new(1))), 1);
}

#[test]
fn task_of_the_empty_context_allocates_no_snapshot() {
    let _alone = ALONE.lock().unwrap();
    let on = Executor::builder().num_threads(1).build().unwrap();
    let off = on.with_propagation(Propagation::off()).unwrap();
    let spawn = |pool: &Executor| allocations(|| pool.spawn(|| ()).join().unwrap());
    assert_eq!(spawn(&on), spawn(&off));
    let scope = |pool: &Executor| allocations(|| pool.in_place_scope(|s| s.spawn(|_| ())));
    assert!(scope(&on) <= scope(&off) + 1);
}

#[test]
fn entering_and_leaving_a_snapshot_allocates_nothing() {
    let _alone = ALONE.lock().unwrap();
    let snapshot = TENANT.scope(7, Snapshot::capture);
    assert_eq!(allocations(|| snapshot.scope(|| assert_eq!(TENANT.get(), Some(7)))), 0);
}

#[test]
fn propagation_off_allocates_nothing_beyond_the_bare_pool() {
    let _alone = ALONE.lock().unwrap();
    let pool = Executor::builder().num_threads(1).propagation(Propagation::off()).build().unwrap();
    let bare = pool.rayon_pool();
    let flush = || bare.install(|| ());
    // Nothing of this may be captured.
    TENANT.scope(7, || {
        let ours = allocations(|| {
            pool.spawn_detached(|| ());
            flush();
        });
        let theirs = allocations(|| {
            bare.spawn(|| ());
            flush();
        });
        assert_eq!(ours, theirs, "spawn_detached");

        // The handle is one more: where the value goes.
        let ours = allocations(|| pool.spawn(|| ()).join().unwrap());
        assert_eq!(ours, theirs + 1, "spawn");

        let ours = allocations(|| pool.scope(|s| (0..10).for_each(|_| s.spawn(|_| ()))));
        let theirs = allocations(|| bare.scope(|s| (0..10).for_each(|_| s.spawn(|_| ()))));
        assert_eq!(ours, theirs, "scope");

        let ours = allocations(|| pool.in_place_scope(|s| (0..10).for_each(|_| s.spawn(|_| ()))));
        let theirs = allocations(|| bare.in_place_scope(|s| (0..10).for_each(|_| s.spawn(|_| ()))));
        assert_eq!(ours, theirs, "in_place_scope");

        let ours = allocations(|| _ = pool.join(|| pool.join(|| (), || ()), || ()));
        let theirs = allocations(|| _ = bare.join(|| rayon::join(|| (), || ()), || ()));
        assert_eq!(ours, theirs, "join");

        assert_eq!(allocations(|| pool.install(|| ())), allocations(flush), "install");

        let ours = allocations(|| drop(pool.broadcast(|_| ())));
        let theirs = allocations(|| drop(bare.broadcast(|_| ())));
        assert_eq!(ours, theirs, "broadcast");

        let items = || (0..1000).into_par_iter();
        let ours = allocations(|| pool.install(|| items().for_each(drop)));
        let theirs = allocations(|| bare.install(|| items().for_each(drop)));
        assert_eq!(ours, theirs, "a parallel iterator");
    });
}

/// Notes how much memory is in use, and submits itself again.
fn resubmit(pool: &Executor, left: u32, tell: mpsc::Sender<usize>) {
    if left.is_multiple_of(1000) {
        tell.send(LIVE.load(Ordering::Relaxed)).unwrap();
    }
    if let Some(left) = left.checked_sub(1) {
        let (seen, inner) = (TENANT.get().unwrap_or_default(), pool.clone());
        // Of the context that it was itself submitted in, one key more.
        let again = || pool.spawn_detached(move || resubmit(&inner, left, tell));
        TENANT.scope(seen + 1, || ATTEMPT.scope(left, again));
    }
}

#[test]
fn task_that_submits_itself_again_and_again_keeps_memory_flat() {
    let _alone = ALONE.lock().unwrap();
    for policy in [Propagation::all(), Propagation::only([&ATTEMPT]), Propagation::off()] {
        let pool = Executor::builder().num_threads(1).propagation(policy).build().unwrap();
        let (tell, told) = mpsc::channel();
        resubmit(&pool, 100_000, tell);
        let in_use: Vec<_> = told.iter().collect();
        // Once the queue has its size. What remains is the queue's blocks, the
        // channel's, and the test harness.
        let (early, late) = (in_use[10], in_use[in_use.len() - 1]);
        assert!(late < early + 16 * 1024, "{in_use:?}");
    }
}
