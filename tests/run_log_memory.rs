//! A log takes as much memory for a million lines as for a few, and a long text no more
//! than what is kept of it. In a file of its own, since there is one allocator for a
//! process.

#![cfg(feature = "telemetry")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use entourage::{JsonLines, NODE, RUN_LOGGER, RunLogLayer, RunLogger, logger};
use tracing::{info, info_span};
use tracing_subscriber::layer::SubscriberExt;

struct Counting;

static LIVE: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

#[global_allocator]
static COUNTING: Counting = Counting;

#[expect(unsafe_code, reason = "an allocator can be replaced in no other way")]
// SAFETY: Every call is passed on to the system's allocator, unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let live = LIVE.fetch_add(layout.size(), Ordering::Relaxed) + layout.size();
        PEAK.fetch_max(live, Ordering::Relaxed);
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

/// How many bytes more than before were live at most while `f` ran.
fn peak_of(f: impl FnOnce()) -> usize {
    let before = LIVE.load(Ordering::Relaxed);
    PEAK.store(before, Ordering::Relaxed);
    f();
    PEAK.load(Ordering::Relaxed).saturating_sub(before)
}

fn in_log(f: impl FnOnce()) {
    let subscriber = tracing_subscriber::registry().with(RunLogLayer::new());
    let log = Arc::new(JsonLines::new(std::io::sink()));
    tracing::subscriber::with_default(subscriber, || {
        RUN_LOGGER.scope(RunLogger::new(log.clone()), || NODE.scope("n".into(), f));
    });
    log.finish().unwrap();
}

/// Writes many letters, a few at a time.
struct Long(usize);

impl fmt::Display for Long {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (0..self.0 / 16).try_for_each(|_| f.write_str("0123456789abcdef"))
    }
}

#[test]
fn lines_upon_lines_take_the_memory_of_a_few() {
    let _alone = ALONE.lock().unwrap();
    let say = |count: u32| {
        in_log(|| {
            let span = info_span!("request", id = 7, rows = tracing::field::Empty);
            let _inside = span.enter();
            for at in 0..count {
                span.record("rows", at);
                info!(at, text = "some text", "said");
                logger().unwrap().with("at", at).info("said");
            }
        });
    };
    let few = peak_of(|| say(1_000));
    let many = peak_of(|| say(30_000));
    assert!(many <= few + 16_000, "{few} bytes, then {many}");
}

#[cfg(feature = "pipeline")]
#[test]
fn lines_upon_lines_of_a_node_take_the_memory_of_a_few() {
    use entourage::{
        Catalog, Data, LogLimits, Pipeline, RunOptions, RunRecorder, SequentialRunner, node,
    };
    const OUT: Data<u64> = Data::memory("out");
    let _alone = ALONE.lock().unwrap();
    let say = |count: u32, attempt_bytes| {
        let folder = tempfile::tempdir().unwrap();
        let limits = LogLimits::new().attempt_bytes(attempt_bytes);
        let recorder = RunRecorder::new(folder.path()).log_limits(limits);
        let talk = move || {
            let logger = logger().unwrap();
            (0..count).for_each(|at| logger.with("at", at).info("said"));
            // The same again and again.
            (0..count).for_each(|at| logger.info(["a", "b", "c"][at as usize % 3]));
            1_u64
        };
        let pipeline = Pipeline::new([node(talk).reads(()).writes(OUT).named("talk")]).unwrap();
        let options = RunOptions::new().run_id("r").listener(recorder);
        SequentialRunner::new().run(&pipeline, &Catalog::empty(), options).unwrap();
    };
    let few = peak_of(|| say(1_000, u64::MAX));
    let many = peak_of(|| say(30_000, u64::MAX));
    let dropped = peak_of(|| say(30_000, 10_000));
    assert!(many.max(dropped) <= few + 16_000, "{few} bytes, then {many}, {dropped}");
}

#[test]
fn a_text_of_many_megabytes_costs_no_more_than_what_is_kept_of_it() {
    let _alone = ALONE.lock().unwrap();
    let long = || Long(10 << 20);
    let peak = peak_of(|| {
        in_log(|| {
            info_span!("span", body = %long()).in_scope(|| info!(body = %long(), "{}", long()));
            logger().unwrap().info(long());
        });
    });
    assert!(peak < 1 << 20, "{peak} bytes");
}
