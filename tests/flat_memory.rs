//! Tasks that go on for ever take no more memory than at first. In a file of its
//! own, since there is one allocator for a process.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, mpsc};

use entourage::{Executor, ExecutorBuilder, JoinHandle, Propagation};

entourage::context_key! { static TENANT: u32 = propagate; }

struct Counting;

static LIVE: AtomicUsize = AtomicUsize::new(0);

#[global_allocator]
static COUNTING: Counting = Counting;

#[expect(unsafe_code, reason = "an allocator can be replaced in no other way")]
// SAFETY: Every call is passed on to the system's allocator, unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
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

/// How often a task submits itself again between two looks at the memory.
const TIMES: u32 = 20_000;
/// What the looks may differ by. One byte a task would be more.
const SLACK: usize = 16_000;

/// Every way to set up an executor that a task may submit itself to again.
fn builders() -> [(&'static str, ExecutorBuilder); 5] {
    let builder = || Executor::builder().num_threads(1);
    [
        ("on", builder()),
        ("off", builder().propagation(Propagation::off())),
        ("tracked", builder().track_detached(true)),
        ("bounded", builder().queue_capacity(1)),
        ("bounded, off", builder().queue_capacity(1).propagation(Propagation::off())),
    ]
}

/// Asserts that what lives after the `times`-fold of `again` is what lived after
/// the first: each call has its tasks go through `TIMES` rounds.
#[track_caller]
fn assert_flat(what: &str, again: impl Fn()) {
    again();
    let before = LIVE.load(Ordering::Relaxed);
    (0..3).for_each(|_| again());
    let after = LIVE.load(Ordering::Relaxed);
    assert!(after <= before + SLACK, "{what}: {before} bytes, then {after}");
}

fn detached(pool: Executor, left: u32, done: mpsc::Sender<()>) {
    if left == 0 {
        return done.send(()).unwrap();
    }
    let inner = pool.clone();
    // Each in a context of its own, made inside that of the one before.
    TENANT.scope(left, || pool.spawn_detached(move || detached(inner, left - 1, done)));
}

fn with_handle(pool: Executor, left: u32, done: mpsc::Sender<()>) {
    if left == 0 {
        return done.send(()).unwrap();
    }
    let inner = pool.clone();
    drop(TENANT.scope(left, || pool.spawn(move || with_handle(inner, left - 1, done))));
}

#[test]
fn task_that_submits_itself_again_and_again_keeps_memory_flat() {
    let _alone = ALONE.lock().unwrap();
    for (what, builder) in builders() {
        let pool = builder.build().unwrap();
        for again in [detached, with_handle] {
            assert_flat(what, || {
                let (done, is_done) = mpsc::channel();
                again(pool.clone(), TIMES, done);
                is_done.recv().unwrap();
                // The last of them is over as well.
                pool.install(|| ());
            });
        }
    }
}

#[test]
fn tasks_that_are_cancelled_leave_nothing_when_the_worker_has_passed_them() {
    let _alone = ALONE.lock().unwrap();
    let pool = Executor::builder().num_threads(1).build().unwrap();
    assert_flat("cancelled", || {
        for _ in 0..20 {
            let tasks: Vec<_> =
                (0..1000).map(|n| TENANT.scope(n, || pool.spawn(move || [n; 64]))).collect();
            tasks.iter().for_each(|task| _ = task.cancel());
            drop(JoinHandle::join_all(tasks));
            pool.install(|| ());
        }
    });
}
