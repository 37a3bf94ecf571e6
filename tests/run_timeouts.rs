//! Nodes that take too long: reported at the deadline, and what they come to later
//! is seen by nobody.

#![cfg(feature = "pipeline")]

#[expect(dead_code, reason = "each test file needs some of the helpers")]
#[path = "support/pipelines.rs"]
mod pipelines;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use entourage::{
    CancelToken, Catalog, Data, Executor, FileDataset, Node, Pipeline, Retry, RunError, RunOptions,
    SequentialRunner, ThreadRunner, node,
};
use pipelines::{Folder, with_each_runner, with_thread_runner};

/// Long enough for nobody to wait for, and short enough not to be waited for.
const SOON: Duration = Duration::from_millis(20);
/// A node that is given so long is not to run into it.
const NEVER: Duration = Duration::from_secs(3600);

const TEXT: Data<str> = Data::text("text");

fn number(name: &str) -> Data<u32> {
    Data::memory("number").named(name)
}

fn adds(name: &str, reads: &str, writes: &str) -> Node {
    node(|n: &u32| n + 1).reads(number(reads)).writes(number(writes)).named(name)
}

fn fates_of(error: &RunError) -> Vec<String> {
    let nodes = error.report().unwrap().nodes();
    nodes.map(|node| format!("{}: {}", node.name, node.fate)).collect()
}

/// A node that waits until its gate is opened, whatever it is told, and then
/// writes a text; and the gate, and what tells that it is through.
fn stuck(name: &str) -> (Node, mpsc::Sender<()>, mpsc::Receiver<()>) {
    let (open, gate) = mpsc::channel::<()>();
    let (through, is_through) = mpsc::channel();
    let gate = Mutex::new(gate);
    let wait = move || {
        _ = gate.lock().unwrap().recv();
        through.send(()).unwrap();
        "too late".to_owned()
    };
    (node(wait).reads(()).writes(TEXT).named(name), open, is_through)
}

#[test]
fn stuck_node_is_reported_at_its_deadline_and_its_late_result_is_never_saved() {
    for threads in [1, 4] {
        let folder = Folder::new();
        let (stuck, open, is_through) = stuck("stuck");
        let pipeline = Pipeline::new([
            stuck.timeout(SOON),
            node(|text: &str| text.len() as u32)
                .reads(TEXT)
                .writes(number("length"))
                .named("length"),
        ])
        .unwrap();
        let file = FileDataset::text(folder.path("text.txt"));
        let catalog = Catalog::builder().file("text", file).build().unwrap();
        let pool = Executor::builder().num_threads(threads).build().unwrap();
        let runner = ThreadRunner::new(&pool);
        // The gate is shut until the run has returned.
        let error = runner.run(&pipeline, &catalog, RunOptions::new()).unwrap_err();
        let failure = error.failures().next().unwrap();
        assert!(failure.is_timeout() && !failure.is_error() && !failure.is_panic());
        assert_eq!(failure.to_string(), "node `stuck` took longer than 20ms");
        assert_eq!(fates_of(&error), ["stuck: failed", "length: skipped (by stuck)"]);
        assert!(error.is_failed() && !error.is_cancelled());
        open.send(()).unwrap();
        is_through.recv().unwrap();
        // The worker is free again when it takes the next task.
        pool.broadcast(|_| ());
        assert!(folder.names().is_empty(), "{:?}", folder.names());
    }
}

#[test]
fn late_value_is_seen_by_nobody_and_the_worker_is_of_use_again() {
    let (gate, opens) = mpsc::channel::<()>();
    let opens = Mutex::new(opens);
    let stuck = move || {
        _ = opens.lock().unwrap().recv();
        7
    };
    let stuck = node(stuck).reads(()).writes(number("late")).named("stuck").timeout(SOON);
    let pipeline = Pipeline::new([stuck]).unwrap();
    with_thread_runner(1, |runner| {
        let error = runner.run(&pipeline, &Catalog::empty(), RunOptions::new()).unwrap_err();
        assert_eq!(error.report().unwrap().output_names().count(), 0);
        drop(gate);
        let quick = node(|| 1_u32).reads(()).writes(number("a")).named("quick").timeout(NEVER);
        let pipeline = Pipeline::new([quick]).unwrap();
        let mut report = runner.run(&pipeline, &Catalog::empty(), RunOptions::new()).unwrap();
        assert_eq!(report.take_output(&number("a")), Some(1));
    });
}

#[test]
fn run_that_keeps_going_finishes_the_rest_while_a_node_is_stuck() {
    let (stuck, open, is_through) = stuck("stuck");
    let others = (0..50).map(|at| {
        let name = format!("n{at}");
        node(move || at).reads(()).writes(number(&name)).named(name)
    });
    let pipeline = Pipeline::new(others.chain([stuck.timeout(SOON)])).unwrap();
    with_thread_runner(2, |runner| {
        let options = RunOptions::new().keep_going();
        let error = runner.run(&pipeline, &Catalog::empty(), options).unwrap_err();
        let done = fates_of(&error).iter().filter(|fate| fate.ends_with(": done")).count();
        assert_eq!((done, error.failures().count()), (50, 1));
        open.send(()).unwrap();
        is_through.recv().unwrap();
    });
}

#[test]
fn run_whose_every_worker_is_stuck_ends_even_if_it_would_keep_going() {
    let (stuck, open, is_through) = stuck("a_stuck");
    let other = node(|| 1_u32).reads(()).writes(number("b")).named("b_other");
    let pipeline = Pipeline::new([stuck.timeout(SOON).priority(1), other]).unwrap();
    with_thread_runner(1, |runner| {
        let options = RunOptions::new().keep_going();
        let error = runner.run(&pipeline, &Catalog::empty(), options).unwrap_err();
        assert_eq!(fates_of(&error), ["a_stuck: failed", "b_other: never started"]);
        open.send(()).unwrap();
        is_through.recv().unwrap();
    });
}

#[test]
fn node_is_told_that_its_time_is_over() {
    let gives_up = || {
        let token = CancelToken::current();
        token.wait_for(NEVER);
        token.check().map(|()| 1_u32)
    };
    let gives_up = node(gives_up).reads(()).writes(number("a")).named("gives_up").timeout(SOON);
    let pipeline = Pipeline::new([gives_up, adds("after", "a", "b")]).unwrap();
    with_each_runner(|runner| {
        for token in [None, Some(CancelToken::new())] {
            let options = RunOptions::new();
            let options = match &token {
                Some(token) => options.cancel_token(token.clone()),
                None => options,
            };
            let error = runner.run(&pipeline, &Catalog::empty(), options).unwrap_err();
            assert!(error.failures().next().unwrap().is_timeout(), "{error}");
            assert_eq!(fates_of(&error), ["gives_up: failed", "after: skipped (by gives_up)"]);
            // Its own token, and not the run's.
            assert!(token.is_none_or(|token| !token.is_cancelled()));
        }
    });
}

#[test]
fn on_the_calling_thread_a_late_result_is_thrown_away_when_the_node_returns() {
    let folder = Folder::new();
    let file = FileDataset::text(folder.path("text.txt"));
    let catalog = Catalog::builder().file("text", file).build().unwrap();
    let ignores = || {
        // The deadline is seen, and not heeded.
        CancelToken::current().wait_for(NEVER);
        "too late".to_owned()
    };
    let ignores = node(ignores).reads(()).writes(TEXT).named("ignores").timeout(SOON);
    let pipeline = Pipeline::new([ignores]).unwrap();
    let error = SequentialRunner::new().run(&pipeline, &catalog, RunOptions::new()).unwrap_err();
    assert!(error.failures().next().unwrap().is_timeout());
    assert!(folder.names().is_empty());
}

#[test]
fn timeout_of_the_run_is_for_every_node_and_a_nodes_own_beats_it() {
    let waits = |name: &str| {
        let wait = || {
            CancelToken::current().wait_for(NEVER);
            1_u32
        };
        node(wait).reads(()).writes(number(name)).named(name)
    };
    let quick = |name: &str| node(|| 1_u32).reads(()).writes(number(name)).named(name);
    with_each_runner(|runner| {
        let pipeline = Pipeline::new([waits("a"), quick("b").timeout(NEVER)]).unwrap();
        let options = RunOptions::new().timeout(SOON).keep_going();
        let error = runner.run(&pipeline, &Catalog::empty(), options).unwrap_err();
        assert_eq!(error.failures().map(|failure| failure.node()).collect::<Vec<_>>(), ["a"]);
        let pipeline = Pipeline::new([waits("a").timeout(SOON), quick("b")]).unwrap();
        let options = RunOptions::new().timeout(NEVER).keep_going();
        let error = runner.run(&pipeline, &Catalog::empty(), options).unwrap_err();
        assert_eq!(error.failures().count(), 1);
    });
}

#[test]
fn node_that_timed_out_is_tried_again_beside_its_stuck_attempt_if_asked() {
    let (open, gate) = mpsc::channel::<()>();
    let (gate, attempts) = (Mutex::new(gate), Arc::new(AtomicUsize::new(0)));
    let counted = attempts.clone();
    let sticks_once = move |n: &u32| {
        if counted.fetch_add(1, Ordering::Relaxed) == 0 {
            _ = gate.lock().unwrap().recv();
            return 0;
        }
        n + 1
    };
    let retry = Retry::new(2).after_timeout();
    let sticks = node(sticks_once).reads(number("in")).writes(number("out")).named("sticks");
    let pipeline = Pipeline::new([sticks.timeout(SOON).retry(retry)]).unwrap();
    let catalog = Catalog::builder().value(&number("in"), 6).build().unwrap();
    with_thread_runner(2, |runner| {
        let mut report = runner.run(&pipeline, &catalog, RunOptions::new()).unwrap();
        let node = report.node("sticks").unwrap();
        assert_eq!((node.attempts, node.retried.len()), (2, 1));
        assert!(node.retried[0].is_timeout());
        assert_eq!(report.take_output(&number("out")), Some(7));
        drop(open);
    });
    assert_eq!(attempts.load(Ordering::Relaxed), 2);
}

#[test]
fn nodes_that_wait_for_a_load_that_is_stuck_are_skipped() {
    use entourage::Dataset;

    /// A dataset whose load waits for a gate.
    struct Gated(Mutex<mpsc::Receiver<()>>);
    impl Dataset<u32> for Gated {
        fn load(&self) -> Result<u32, Box<dyn std::error::Error + Send + Sync>> {
            _ = self.0.lock().unwrap().recv();
            Ok(1)
        }
        fn save(&self, _: &u32) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
            Ok(())
        }
        fn exists(&self) -> Result<bool, Box<dyn std::error::Error + Send + Sync>> {
            Ok(true)
        }
    }
    let ran = Arc::new(AtomicUsize::new(0));
    let reads = |name: &str| {
        let ran = ran.clone();
        let read = move |n: &u32| {
            ran.fetch_add(1, Ordering::Relaxed);
            *n
        };
        node(read).reads(number("gated")).writes(number(name)).named(name)
    };
    for threads in [2, 4] {
        let (open, gate) = mpsc::channel();
        let catalog = Catalog::builder().dataset(&number("gated"), Gated(Mutex::new(gate)));
        let catalog = catalog.build().unwrap();
        let pipeline = Pipeline::new([reads("a"), reads("b"), reads("c")]).unwrap();
        with_thread_runner(threads, |runner| {
            let options = RunOptions::new().timeout(SOON).keep_going();
            let error = runner.run(&pipeline, &catalog, options).unwrap_err();
            let failures: Vec<_> = error.failures().collect();
            assert!(failures.iter().all(|failure| failure.is_timeout()), "{error}");
            let skipped = fates_of(&error).iter().filter(|fate| fate.contains("skipped")).count();
            assert_eq!((failures.len(), skipped), (1, 2), "{error}");
            drop(open);
        });
    }
    assert_eq!(ran.load(Ordering::Relaxed), 0);
}

#[test]
fn thousand_nodes_with_time_enough_run_as_without() {
    let nodes = (0..1000_u32).map(|at| {
        let (from, to) = (format!("n{}", at / 2), format!("n{}", at + 1));
        adds(&format!("node_{at:04}"), &from, &to).timeout(NEVER)
    });
    let pipeline = Pipeline::new(nodes).unwrap();
    let catalog = Catalog::builder().value(&number("n0"), 0).build().unwrap();
    with_each_runner(|runner| {
        let report = runner.run(&pipeline, &catalog, RunOptions::new()).unwrap();
        assert!(report.nodes().all(|node| node.fate.to_string() == "done" && node.attempts == 1));
    });
}

#[test]
fn workers_that_another_run_has_lost_are_known_to_be_lost() {
    let pool = Executor::builder().num_threads(2).build().unwrap();
    let runner = ThreadRunner::new(&pool);
    let mut gates = Vec::new();
    // Each of the two loses one worker, and has one more node.
    for at in 0..2 {
        let (stuck, open, is_through) = stuck("stuck");
        gates.push((open, is_through));
        let nodes = [stuck.timeout(SOON), adds("late", "length", "sum"), length()];
        let pipeline = Pipeline::new(nodes).unwrap();
        let error = runner.run(&pipeline, &Catalog::empty(), RunOptions::new().keep_going());
        let fates = fates_of(&error.unwrap_err());
        assert_eq!(fates[0], "stuck: failed", "run {at}");
    }
    // Then none is left.
    let pipeline = Pipeline::new([node(|| 1u32).reads(()).writes(number("n")).named("n")]);
    let pipeline = pipeline.unwrap();
    let error = runner.run(&pipeline, &Catalog::empty(), RunOptions::new()).unwrap_err();
    assert!(error.is_refused() && error.to_string().contains("every worker"), "{error}");
    for (open, is_through) in gates {
        open.send(()).unwrap();
        is_through.recv().unwrap();
    }
    // Through is not back yet: the worker has yet to find out that it is late.
    let is_back = || runner.run(&pipeline, &Catalog::empty(), RunOptions::new()).is_ok();
    while !is_back() {
        std::thread::yield_now();
    }
}

fn length() -> Node {
    node(|text: &str| text.len() as u32).reads(TEXT).writes(number("length")).named("length")
}

#[test]
fn an_awaited_run_ends_though_its_only_worker_is_at_a_node_that_was_given_up() {
    let pool = Executor::builder().num_threads(1).build().unwrap();
    let (free, is_free) = std::sync::mpsc::channel::<()>();
    let is_free = std::sync::Mutex::new(is_free);
    let stuck = move || {
        let _ = is_free.lock().unwrap().recv();
        1_u64
    };
    const STUCK: Data<u64> = Data::memory("stuck");
    let stuck = node(stuck).reads(()).writes(STUCK).named("stuck");
    let pipeline = Pipeline::new([stuck.timeout(Duration::from_millis(20))]).unwrap();
    let runner = ThreadRunner::new(&pool);
    let outside = Executor::builder().num_threads(1).build().unwrap();
    let awaited = |run| outside.spawn_future(run).join().unwrap();
    let run = || runner.run_async(&pipeline, &Catalog::empty(), RunOptions::new());
    let error = awaited(run()).unwrap_err();
    assert!(error.failures().next().unwrap().is_timeout());
    // Nor is the next one left without a word.
    let error = awaited(run()).unwrap_err();
    assert!(error.is_refused(), "{error}");
    drop(free);
}
