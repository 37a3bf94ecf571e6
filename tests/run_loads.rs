//! A dataset that several nodes read is loaded by one of them: what becomes of those
//! that wait for it, however that load ends.

#![cfg(feature = "pipeline")]

#[expect(dead_code, reason = "each test file needs some of the helpers")]
#[path = "support/hooks.rs"]
mod hooks;

use std::error::Error;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use entourage::{
    CancelToken, Catalog, Data, Dataset, Executor, Pipeline, Retry, RunError, RunOptions,
    RunReport, ThreadRunner, node,
};
use hooks::{Each, Told};

type BoxError = Box<dyn Error + Send + Sync>;

const SHARED: Data<u32> = Data::memory("shared");
const OTHER: Data<u32> = Data::memory("other");

/// Too short for what does not end.
const SOON: Duration = Duration::from_millis(250);

/// Holds `first` back until the node that wants the same is known to wait for it.
///
/// There are two workers. One is here, in the node `loads`; the other comes to the load
/// of what the node `waits` reads first, and is let go on. A task of the pool is for
/// it to run as soon as its node is put on the list.
struct Meeting {
    pool: Executor,
    ends: Mutex<Option<(mpsc::Receiver<()>, mpsc::Sender<()>)>>,
}

impl Meeting {
    fn new(pool: &Executor) -> (Self, First) {
        let (come, has_come) = mpsc::channel();
        let (begin, has_begun) = mpsc::channel();
        let ends = Mutex::new(Some((has_come, begin)));
        (Self { pool: pool.clone(), ends }, First(Mutex::new(Some((come, has_begun)))))
    }

    fn hold(&self) {
        if let Some((has_come, begin)) = self.ends.lock().unwrap().take() {
            has_come.recv().unwrap();
            begin.send(()).unwrap();
            let (there, is_there) = mpsc::channel();
            drop(self.pool.spawn(move || there.send(()).unwrap()));
            is_there.recv().unwrap();
        }
    }
}

/// What `waits` reads first.
struct First(Mutex<Option<(mpsc::Sender<()>, mpsc::Receiver<()>)>>);

impl Dataset<u32> for First {
    fn load(&self) -> Result<u32, BoxError> {
        if let Some((come, has_begun)) = self.0.lock().unwrap().take() {
            come.send(())?;
            has_begun.recv()?;
        }
        Ok(1)
    }

    fn save(&self, _: &u32) -> Result<(), BoxError> {
        Ok(())
    }

    fn exists(&self) -> Result<bool, BoxError> {
        Ok(true)
    }
}

/// What both read.
struct Shared<F> {
    meeting: Meeting,
    loads: Arc<AtomicU32>,
    first: F,
}

impl<F: Fn() -> Result<u32, BoxError> + Send + Sync + 'static> Dataset<u32> for Shared<F> {
    fn load(&self) -> Result<u32, BoxError> {
        if self.loads.fetch_add(1, Ordering::Relaxed) == 0 {
            self.meeting.hold();
            return (self.first)();
        }
        Ok(10)
    }

    fn save(&self, _: &u32) -> Result<(), BoxError> {
        Ok(())
    }

    fn exists(&self) -> Result<bool, BoxError> {
        Ok(true)
    }
}

/// What a run came to in which the first load ended as `first`.
struct Ended {
    outcome: Result<RunReport, RunError>,
    loads: u32,
}

impl Ended {
    #[track_caller]
    fn check(&self, fates: [&str; 2], loads: u32) {
        let report = match &self.outcome {
            Ok(report) => report,
            Err(error) => error.report().unwrap(),
        };
        let told: Vec<_> =
            report.nodes().map(|node| format!("{}: {}", node.name, node.fate)).collect();
        assert_eq!(told, fates);
        assert_eq!(self.loads, loads);
    }
}

/// With hooks loads go another way.
fn with_hooks(has_hooks: bool) -> RunOptions {
    match has_hooks {
        false => RunOptions::new(),
        true => RunOptions::new().hooks(Each(|_: Told| Ok(()))),
    }
}

/// Runs both, once with hooks and once without.
#[track_caller]
fn check(
    retry: Option<&Retry>,
    first: impl Fn() -> Result<u32, BoxError> + Clone + Send + Sync + 'static,
    fates: [&str; 2],
    loads: u32,
) {
    for has_hooks in [false, true] {
        run(retry.cloned(), None, with_hooks(has_hooks), first.clone()).check(fates, loads);
    }
}

fn run(
    retry: Option<Retry>,
    timeout: Option<Duration>,
    options: RunOptions,
    first: impl Fn() -> Result<u32, BoxError> + Send + Sync + 'static,
) -> Ended {
    let pool = Executor::builder().num_threads(2).build().unwrap();
    let (meeting, other) = Meeting::new(&pool);
    let loads = Arc::new(AtomicU32::new(0));
    let shared = Shared { meeting, loads: loads.clone(), first };
    let catalog =
        Catalog::builder().dataset(&OTHER, other).dataset(&SHARED, shared).build().unwrap();
    let number = |name: &str| Data::<u32>::memory("number").named(name);
    let mut loads_it = node(|shared: &u32| *shared).reads(SHARED).writes(number("a"));
    if let Some(retry) = retry {
        loads_it = loads_it.retry(retry);
    }
    if let Some(timeout) = timeout {
        loads_it = loads_it.timeout(timeout);
    }
    let waits = node(|other: &u32, shared: &u32| other + shared).reads((OTHER, SHARED));
    let waits = waits.writes(number("b")).named("waits");
    let pipeline = Pipeline::new([loads_it.named("loads"), waits]).unwrap();
    let outcome = ThreadRunner::new(&pool).run(&pipeline, &catalog, options.keep_going());
    Ended { outcome, loads: loads.load(Ordering::Relaxed) }
}

fn fails() -> Result<u32, BoxError> {
    Err("the disk is away".into())
}

fn panics() -> Result<u32, BoxError> {
    panic!("the disk is on fire")
}

#[test]
fn value_is_loaded_once_for_both() {
    check(None, || Ok(10), ["loads: done", "waits: done"], 1);
}

#[test]
fn node_that_waits_for_a_load_that_fails_is_skipped() {
    for first in [fails, panics] {
        check(None, first, ["loads: failed", "waits: skipped (by loads)"], 1);
    }
}

#[test]
fn load_that_may_be_tried_again_is_for_whoever_comes_first() {
    for first in [fails, panics] {
        let retry = Retry::new(2).after_panic();
        check(Some(&retry), first, ["loads: done", "waits: done"], 2);
    }
}

#[test]
fn node_that_is_not_tried_again_after_all_leaves_the_load_to_the_other() {
    for first in [fails, panics] {
        let never = Retry::new(2).when(|_| false);
        check(Some(&never), first, ["loads: failed", "waits: done"], 2);
    }
}

#[test]
fn node_that_waits_for_a_load_during_which_the_run_is_called_off_never_starts() {
    for (retry, is_good, fates) in [
        (None, true, ["loads: done", "waits: never started"]),
        (None, false, ["loads: failed", "waits: skipped (by loads)"]),
        (Some(Retry::new(2)), false, ["loads: failed", "waits: never started"]),
    ] {
        for has_hooks in [false, true] {
            let token = CancelToken::new();
            let options = with_hooks(has_hooks).cancel_token(token.clone());
            let first = move || {
                token.cancel();
                if is_good { Ok(10) } else { fails() }
            };
            let ended = run(retry.clone(), None, options, first);
            assert!(ended.outcome.as_ref().unwrap_err().is_cancelled());
            ended.check(fates, 1);
        }
    }
}

#[test]
fn hook_that_will_not_have_the_load_leaves_it_to_the_other() {
    let pool = Executor::builder().num_threads(2).build().unwrap();
    let (meeting, other) = Meeting::new(&pool);
    let catalog = Catalog::builder()
        .dataset(&OTHER, other)
        .dataset(&SHARED, First(Mutex::new(None)))
        .build()
        .unwrap();
    let (a, b) = (Data::<u32>::memory("a"), Data::<u32>::memory("b"));
    let pipeline = Pipeline::new([
        node(|shared: &u32| *shared).reads(SHARED).writes(a).named("loads"),
        node(|other: &u32, shared: &u32| other + shared)
            .reads((OTHER, SHARED))
            .writes(b)
            .named("waits"),
    ])
    .unwrap();
    let hook = Each(move |told: Told| {
        if told.method == "before_dataset_loaded" && told.node.as_deref() == Some("loads") {
            meeting.hold();
            return Err("not for this one".into());
        }
        Ok(())
    });
    let options = RunOptions::new().hooks(hook).keep_going();
    let outcome = ThreadRunner::new(&pool).run(&pipeline, &catalog, options);
    Ended { outcome, loads: 1 }.check(["loads: failed", "waits: done"], 1);
}

#[test]
fn load_that_takes_too_long_is_waited_for_no_longer() {
    let retry = || Some(Retry::new(2).after_timeout());
    for (retry, fates, loads) in [
        (None, ["loads: failed", "waits: skipped (by loads)"], 1),
        (retry(), ["loads: done", "waits: done"], 2),
    ] {
        // Never opened: what holds it ends with the test.
        let (open, gate) = mpsc::channel::<()>();
        let gate = Arc::new(Mutex::new(gate));
        let first = move || {
            _ = gate.lock().unwrap().recv();
            fails()
        };
        let ended = run(retry, Some(SOON), RunOptions::new(), first);
        ended.check(fates, loads);
        drop(open);
    }
}

/// The first load is stuck until the second, of the next attempt, has begun; the
/// second goes on when the worker of the first is through with it.
struct Overtaken {
    pool: Executor,
    loads: AtomicU32,
    open: Mutex<Option<mpsc::Sender<()>>>,
    gate: Mutex<mpsc::Receiver<()>>,
    first: fn() -> Result<u32, BoxError>,
}

impl Dataset<u32> for Overtaken {
    fn load(&self) -> Result<u32, BoxError> {
        if self.loads.fetch_add(1, Ordering::Relaxed) == 0 {
            _ = self.gate.lock().unwrap().recv();
            return (self.first)();
        }
        drop(self.open.lock().unwrap().take());
        let (through, is_through) = mpsc::channel();
        drop(self.pool.spawn(move || through.send(()).unwrap()));
        is_through.recv()?;
        Ok(10)
    }

    fn save(&self, _: &u32) -> Result<(), BoxError> {
        Ok(())
    }

    fn exists(&self) -> Result<bool, BoxError> {
        Ok(true)
    }
}

#[test]
fn late_load_of_one_attempt_is_nothing_to_the_next_which_loads_for_itself() {
    for first in [fails, panics, || Ok(99)] {
        for has_hooks in [false, true] {
            let pool = Executor::builder().num_threads(2).build().unwrap();
            let (open, gate) = mpsc::channel();
            let overtaken = Overtaken {
                pool: pool.clone(),
                loads: AtomicU32::new(0),
                open: Mutex::new(Some(open)),
                gate: Mutex::new(gate),
                first,
            };
            let sum = Data::<u32>::memory("sum");
            let reads = node(|shared: &u32| *shared).reads(SHARED).writes(sum.clone());
            let reads = reads.named("reads").timeout(2 * SOON).retry(Retry::new(2).after_timeout());
            let later = node(|shared: &u32, sum: &u32| shared + sum).reads((SHARED, sum));
            let result = Data::<u32>::memory("result");
            let later = later.writes(result.clone()).named("z");
            let pipeline = Pipeline::new([reads, later]).unwrap();
            let catalog = Catalog::builder().dataset(&SHARED, overtaken).build().unwrap();
            let options = with_hooks(has_hooks);
            let mut report = ThreadRunner::new(&pool).run(&pipeline, &catalog, options).unwrap();
            assert_eq!(report.node("reads").unwrap().attempts, 2);
            assert_eq!(report.take_output(&result), Some(20));
        }
    }
}
