//! What a run that fails tells: every failure as a value, every node's fate.

#![cfg(feature = "pipeline")]

#[expect(dead_code, reason = "each test file needs some of the helpers")]
#[path = "support/pipelines.rs"]
mod pipelines;

use std::error::Error;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};

use entourage::{
    Catalog, Data, Executor, FileDataset, Node, Pipeline, RunError, RunOptions, RunReport,
    SequentialRunner, ThreadRunner, node,
};
use pipelines::{Folder, with_each_runner, with_thread_runner};

const TEXT: Data<str> = Data::text("text");

fn number(name: &str) -> Data<u32> {
    Data::memory("number").named(name)
}

/// A node that reads and writes numbers, and adds one.
fn adds(name: &str, reads: &str, writes: &str) -> Node {
    node(|n: &u32| n + 1).reads(number(reads)).writes(number(writes)).named(name)
}

fn fails(name: &str, reads: &str, writes: &str) -> Node {
    let fail = move |n: &u32| if *n < 1000 { Err(Spoilt(*n)) } else { Ok(0) };
    node(fail).reads(number(reads)).writes(number(writes)).named(name)
}

#[derive(Debug, PartialEq)]
struct Spoilt(u32);

impl fmt::Display for Spoilt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is spoilt", self.0)
    }
}

impl Error for Spoilt {}

fn catalog() -> Catalog {
    Catalog::builder().value(&number("in"), 7).build().unwrap()
}

fn pipeline(nodes: impl IntoIterator<Item = Node>) -> Pipeline {
    Pipeline::new(nodes).unwrap()
}

/// Every node's name and fate.
fn fates(report: &RunReport) -> Vec<String> {
    report.nodes().map(|node| format!("{}: {}", node.name, node.fate)).collect()
}

fn fates_of(error: &RunError) -> Vec<String> {
    fates(error.report().unwrap())
}

#[test]
fn error_of_a_node_arrives_unchanged() {
    let nodes = pipeline([fails("fail", "in", "out")]);
    with_each_runner(|runner| {
        let error = runner.run(&nodes, &catalog(), RunOptions::new().run_id("r1")).unwrap_err();
        assert!(!error.is_refused() && error.problems().is_empty());
        let failure = error.failures().next().unwrap();
        assert!(failure.is_error() && !failure.is_panic() && failure.node() == "fail");
        assert_eq!(failure.source().unwrap().downcast_ref(), Some(&Spoilt(7)));
        assert_eq!(error.source().unwrap().to_string(), "node `fail` failed: 7 is spoilt");
        let told = "run `r1` failed:\n  - node `fail` failed: 7 is spoilt\n  \
                    0 done, 1 failed, 0 skipped, 0 never started\n  \
                    to finish it, repeat the run";
        assert_eq!(error.to_string(), told);
    });
}

#[test]
fn panic_of_a_node_is_its_failure_with_message_place_and_thread() {
    let go = |n: &u32| -> u32 { panic!("{n} too many") };
    let nodes = pipeline([node(go).reads(number("in")).writes(number("out")).named("go")]);
    let check = |error: RunError, thread: &str| {
        let failure = error.failures().next().unwrap();
        assert!(failure.is_panic() && !failure.is_error() && failure.source().is_none());
        let place = failure.place().unwrap();
        assert!(place.file().ends_with("runner_failures.rs"));
        let expected = format!("node `go` panicked at {place} on thread `{thread}`: 7 too many");
        assert_eq!(failure.to_string(), expected);
    };
    let here = std::thread::current().name().unwrap().to_owned();
    let error = SequentialRunner::new().run(&nodes, &catalog(), RunOptions::new());
    check(error.unwrap_err(), &here);
    with_thread_runner(1, |runner| {
        for _ in 0..2 {
            let error = runner.run(&nodes, &catalog(), RunOptions::new()).unwrap_err();
            check(error, "entourage-0");
        }
        runner.run(&pipeline([adds("a", "in", "b")]), &catalog(), RunOptions::new()).unwrap();
    });
}

#[test]
fn panic_with_a_payload_that_panics_when_dropped_stays_in_the_run() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("the payload went off");
        }
    }
    let go = || -> u32 { std::panic::panic_any(Bomb) };
    let nodes = pipeline([node(go).reads(()).writes(number("out")).named("go")]);
    with_each_runner(|runner| {
        let error = runner.run(&nodes, &catalog(), RunOptions::new()).unwrap_err();
        let told = error.failures().next().unwrap().to_string();
        assert!(told.ends_with(": a payload that is not text"), "{told}");
    });
}

#[test]
fn value_that_panics_when_dropped_stays_in_the_run() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("the value went off");
        }
    }
    const BOMB: Data<Bomb> = Data::memory("bomb");
    let make = || node(|| Bomb).reads(()).writes(BOMB).named("a_make");
    // Dropped by the node that reads it last, whose failure it is.
    let read = pipeline([make(), node(|_: &Bomb| ()).reads(BOMB).writes(()).named("read")]);
    // As is the node's own panic, of which it is the second.
    fn panics(_: &Bomb) {
        panic!("the node went off");
    }
    let panics = pipeline([make(), node(panics).reads(BOMB).writes(()).named("read")]);
    // Dropped at the end, for its reader cannot run.
    let never = node(|_: &Bomb, _: &u32| ()).reads((BOMB, number("out"))).writes(()).named("never");
    let unread = pipeline([make(), fails("b_fail", "in", "out"), never]);
    with_each_runner(|runner| {
        for nodes in [&read, &panics] {
            let error = runner.run(nodes, &Catalog::empty(), RunOptions::new()).unwrap_err();
            let told = error.failures().next().unwrap().to_string();
            assert!(told.starts_with("node `read` panicked") && told.ends_with("went off"));
        }
        for options in [RunOptions::new(), RunOptions::new().keep_going()] {
            let error = runner.run(&unread, &catalog(), options).unwrap_err();
            assert_eq!(
                error.failures().map(|failure| failure.node()).collect::<Vec<_>>(),
                ["b_fail"]
            );
        }
    });
}

/// `b` fails; `c` and `d` need it; `e` and `f` do not.
fn branches() -> Pipeline {
    pipeline([
        adds("a", "in", "a"),
        fails("b", "in", "b"),
        adds("c", "b", "c"),
        node(|a: &u32, c: &u32| a + c)
            .reads((number("a"), number("c")))
            .writes(number("d"))
            .named("d"),
        adds("e", "a", "e"),
        adds("f", "e", "f"),
    ])
}

#[test]
fn after_the_first_failure_no_node_starts() {
    let expected = [
        "a: done",
        "b: failed",
        "c: skipped (by b)",
        "e: never started",
        "d: skipped (by b)",
        "f: never started",
    ];
    let error = SequentialRunner::new().run(&branches(), &catalog(), RunOptions::new());
    let error = error.unwrap_err();
    assert_eq!(fates_of(&error), expected);
    let summary = error.to_string();
    let told = "1 done, 1 failed, 2 skipped, 2 never started\n  to finish it, repeat the run";
    assert!(summary.ends_with(told), "{summary}");
    assert_eq!(error.report().unwrap().output_names().count(), 0);
}

#[test]
fn after_the_first_failure_no_queued_node_starts_on_a_pool_of_one() {
    const QUEUED: usize = 50;
    let ran = Arc::new(AtomicUsize::new(0));
    let counts = |name: String| {
        let ran = ran.clone();
        let count = move |n: &u32| {
            ran.fetch_add(1, Ordering::Relaxed);
            *n
        };
        node(count).reads(number("begun")).writes(number(&name)).named(name)
    };
    // All become ready when `begin` is done, and the worker takes the first of
    // them itself; those after it are queued.
    let queued = (0..QUEUED).map(|n| counts(format!("queued_{n}")));
    let begin = adds("begin", "in", "begun");
    let nodes = pipeline(queued.chain([begin, fails("fail", "begun", "out")]));
    with_thread_runner(1, |runner| {
        let error = runner.run(&nodes, &catalog(), RunOptions::new()).unwrap_err();
        assert_eq!(ran.load(Ordering::Relaxed), 0);
        let never = fates_of(&error).iter().filter(|fate| fate.ends_with("never started")).count();
        assert_eq!(never, QUEUED);
    });
}

#[test]
fn run_that_keeps_going_finishes_what_does_not_depend_on_a_failure() {
    let expected =
        ["a: done", "b: failed", "c: skipped (by b)", "e: done", "d: skipped (by b)", "f: done"];
    with_each_runner(|runner| {
        let error = runner.run(&branches(), &catalog(), RunOptions::new().keep_going());
        let error = error.unwrap_err();
        assert_eq!(fates_of(&error), expected);
        let report = error.report().unwrap();
        assert_eq!(report.output_names().collect::<Vec<_>>(), ["f"]);
        assert_eq!(report.output(&number("f")).as_deref(), Some(&10));
    });
}

#[test]
fn every_failure_is_told_and_running_nodes_finish() {
    let barrier = Arc::new(Barrier::new(2));
    let meet = |name: &'static str| {
        let barrier = barrier.clone();
        let fail = move || -> Result<u32, String> {
            barrier.wait();
            Err(format!("{name} failed"))
        };
        node(fail).reads(()).writes(number(name)).named(name)
    };
    let nodes = pipeline([meet("left"), meet("right")]);
    with_thread_runner(2, |runner| {
        let error = runner.run(&nodes, &Catalog::empty(), RunOptions::new()).unwrap_err();
        let told: Vec<_> = error.failures().map(ToString::to_string).collect();
        let expected = ["node `left` failed: left failed", "node `right` failed: right failed"];
        assert_eq!(told, expected);
    });
}

#[test]
fn nodes_that_share_a_load_which_fails_are_skipped_by_the_one_that_tried() {
    let folder = Folder::new();
    let path = folder.write("text.txt", "fine so far\n".repeat(8_000) + "\u{0}");
    let mut broken = std::fs::read(&path).unwrap();
    *broken.last_mut().unwrap() = 0xff;
    std::fs::write(&path, broken).unwrap();
    let catalog = Catalog::builder().file("text", FileDataset::text(path)).build().unwrap();
    let length = |name: &str| {
        node(|text: &str| text.len() as u32).reads(TEXT).writes(number(name)).named(name)
    };
    let nodes = || pipeline([length("a"), length("b"), adds("after_b", "b", "c")]);
    let mut outcomes = vec![];
    for options in [RunOptions::new(), RunOptions::new().keep_going()] {
        outcomes.push(SequentialRunner::new().run(&nodes(), &catalog, options).unwrap_err());
    }
    for error in &outcomes {
        let expected = ["a: failed", "b: skipped (by a)", "after_b: skipped (by a)"];
        assert_eq!(fates_of(error), expected);
    }
    with_each_runner(|runner| {
        let error = runner.run(&nodes(), &catalog, RunOptions::new().keep_going()).unwrap_err();
        assert_eq!(error.failures().count(), 1, "loaded once: {error}");
        let skipped = fates_of(&error).iter().filter(|fate| fate.contains("skipped")).count();
        assert_eq!(skipped, 2, "{error}");
    });
}

#[test]
fn node_whose_save_fails_gives_nothing_to_anybody() {
    let folder = Folder::new();
    // A folder takes the file's place once the run was checked.
    let path = folder.path("text.txt");
    let obstacle = path.clone();
    let make = move |n: &u32| {
        std::fs::create_dir_all(&obstacle).unwrap();
        (*n, *n, "text".to_owned())
    };
    let nodes = || {
        pipeline([
            node(make.clone())
                .reads(number("in"))
                .writes((number("free"), number("unread"), TEXT))
                .named("make"),
            adds("next", "free", "last"),
        ])
    };
    with_each_runner(|runner| {
        std::fs::remove_dir(&path).ok();
        let builder = Catalog::builder().value(&number("in"), 7);
        let catalog = builder.file("text", FileDataset::text(&path)).build().unwrap();
        let error = runner.run(&nodes(), &catalog, RunOptions::new().keep_going()).unwrap_err();
        assert!(error.failures().next().unwrap().is_save());
        assert_eq!(fates_of(&error), ["make: failed", "next: skipped (by make)"]);
        assert_eq!(error.report().unwrap().output_names().count(), 0);
        assert_eq!(folder.names(), ["text.txt"], "no half-written file");
    });
}

#[test]
fn failures_on_a_busy_pool_leave_no_node_without_a_fate() {
    let pool = Executor::builder().num_threads(4).build().unwrap();
    let runner = ThreadRunner::new(&pool);
    let nodes = (0..200_u32).map(|at| {
        let (from, to) = (format!("n{}", at / 3), format!("n{}", at + 1));
        let step = move |n: &u32| {
            if at == 60 || at == 77 { Err(Spoilt(at)) } else { Ok(n + 1) }
        };
        node(step).reads(number(&from)).writes(number(&to)).named(format!("node_{at:03}"))
    });
    let nodes = pipeline(nodes);
    let catalog = Catalog::builder().value(&number("n0"), 0).build().unwrap();
    let expected = {
        let options = RunOptions::new().keep_going();
        fates_of(&SequentialRunner::new().run(&nodes, &catalog, options).unwrap_err())
    };
    for _ in 0..50 {
        let options = RunOptions::new().keep_going();
        let error = runner.run(&nodes, &catalog, options).unwrap_err();
        assert_eq!(fates_of(&error), expected);
        let error = runner.run(&nodes, &catalog, RunOptions::new()).unwrap_err();
        assert!((1..=2).contains(&error.failures().count()));
    }
}
