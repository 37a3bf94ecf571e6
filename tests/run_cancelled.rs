//! What calls a run off, and what is told of it.

#![cfg(feature = "pipeline")]

#[expect(dead_code, reason = "each test file needs some of the helpers")]
#[path = "support/pipelines.rs"]
mod pipelines;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use entourage::{
    CANCEL, CancelToken, Cancelled, Catalog, Data, Executor, FileDataset, Node, Pipeline,
    Propagation, Retry, RunError, RunOptions, SequentialRunner, ThreadRunner, node,
};
use pipelines::{Folder, with_each_runner};

fn number(name: &str) -> Data<u32> {
    Data::memory("number").named(name)
}

fn adds(name: &str, reads: &str, writes: &str) -> Node {
    node(|n: &u32| n + 1).reads(number(reads)).writes(number(writes)).named(name)
}

/// A node that reads nothing and writes a number.
fn makes(name: &str, f: impl Fn() -> Result<u32, Cancelled> + Send + Sync + 'static) -> Node {
    node(f).reads(()).writes(number(name)).named(name)
}

fn fates_of(error: &RunError) -> Vec<String> {
    let nodes = error.report().unwrap().nodes();
    nodes.map(|node| format!("{}: {}", node.name, node.fate)).collect()
}

#[test]
fn cancelled_run_starts_no_further_node_and_is_not_failed() {
    with_each_runner(|runner| {
        for keeps_going in [false, true] {
            let token = CancelToken::new();
            let theirs = token.clone();
            let cancel = move || {
                theirs.cancel();
                Ok(1)
            };
            let pipeline = Pipeline::new([makes("a", cancel), adds("b", "a", "b")]).unwrap();
            let options = RunOptions::new().run_id("r").cancel_token(token);
            let options = if keeps_going { options.keep_going() } else { options };
            let error = runner.run(&pipeline, &Catalog::empty(), options).unwrap_err();
            assert!(error.is_cancelled() && !error.is_failed() && !error.is_refused());
            assert_eq!(fates_of(&error), ["a: done", "b: never started"]);
            assert_eq!(error.failures().count(), 0);
            let told = "run `r` was cancelled:\n  1 done, 0 failed, 0 skipped, 1 never started";
            assert!(error.to_string().starts_with(told), "{error}");
            assert_eq!(error.exit_code(), 130);
        }
    });
}

#[test]
fn run_that_is_cancelled_before_it_begins_starts_nothing() {
    let token = CancelToken::new();
    assert!(token.cancel() && !token.cancel());
    let pipeline = Pipeline::new([makes("a", || panic!("it was called off"))]).unwrap();
    with_each_runner(|runner| {
        let options = RunOptions::new().cancel_token(token.clone());
        let error = runner.run(&pipeline, &Catalog::empty(), options).unwrap_err();
        assert!(error.is_cancelled());
        assert_eq!(fates_of(&error), ["a: never started"]);
    });
}

#[test]
fn run_whose_nodes_were_all_done_is_not_cancelled_any_more() {
    with_each_runner(|runner| {
        let token = CancelToken::new();
        let theirs = token.clone();
        let last = makes("last", move || {
            theirs.cancel();
            Ok(1)
        });
        let pipeline = Pipeline::new([last]).unwrap();
        let options = RunOptions::new().cancel_token(token);
        let mut report = runner.run(&pipeline, &Catalog::empty(), options).unwrap();
        assert_eq!(report.take_output(&number("last")), Some(1));
    });
}

#[test]
fn running_node_sees_the_cancel_and_gives_up_with_the_fate_cancelled() {
    with_each_runner(|runner| {
        let (begun, has_begun) = mpsc::channel();
        let waits = makes("waits", move || {
            begun.send(()).unwrap();
            let token = CancelToken::current();
            assert!(token.wait_for(Duration::MAX));
            token.check().map(|()| 0)
        });
        let pipeline = Pipeline::new([waits, adds("after", "waits", "after")]).unwrap();
        let token = CancelToken::new();
        let theirs = token.clone();
        std::thread::scope(|threads| {
            threads.spawn(move || {
                has_begun.recv().unwrap();
                theirs.cancel();
            });
            let options = RunOptions::new().cancel_token(token).keep_going();
            let error = runner.run(&pipeline, &Catalog::empty(), options).unwrap_err();
            assert!(error.is_cancelled());
            assert_eq!(fates_of(&error), ["waits: cancelled", "after: never started"]);
            assert!(error.to_string().contains("1 never started, 1 cancelled"), "{error}");
        });
    });
}

#[derive(Debug, thiserror::Error)]
#[error("nothing was fetched")]
struct Wrapped(#[source] Cancelled);

#[test]
fn cancelled_as_the_cause_of_a_nodes_error_is_known_and_without_a_cancel_is_a_failure() {
    with_each_runner(|runner| {
        let token = CancelToken::new();
        let wraps = |cancels: bool| {
            let token = token.clone();
            let wraps = move || {
                if cancels {
                    token.cancel();
                }
                Err::<u32, _>(Wrapped(Cancelled))
            };
            let node = node(wraps).reads(()).writes(number("wraps")).named("wraps");
            Pipeline::new([node]).unwrap()
        };
        for (cancels, fate) in [(false, "wraps: failed"), (true, "wraps: cancelled")] {
            let options = RunOptions::new().cancel_token(token.clone());
            let error = runner.run(&wraps(cancels), &Catalog::empty(), options).unwrap_err();
            assert_eq!(fates_of(&error), [fate]);
            assert_eq!((error.is_cancelled(), error.exit_code() == 130), (cancels, cancels));
        }
    });
}

#[test]
fn failures_of_a_run_that_was_cancelled_are_told_all_the_same() {
    with_each_runner(|runner| {
        let token = CancelToken::new();
        let theirs = token.clone();
        let fails = || Err::<u32, _>("spoilt");
        let cancels = move |_: &u32| _ = theirs.cancel();
        let pipeline = Pipeline::new([
            node(fails).reads(()).writes(number("a")).named("a"),
            makes("b", || Ok(1)),
            node(cancels).reads(number("b")).writes(()).named("c"),
            adds("d", "b", "d"),
        ])
        .unwrap();
        // The others run in their order, so that `a` has failed by then.
        let sequential = SequentialRunner::new();
        let options = RunOptions::new().keep_going().cancel_token(token);
        let error = sequential.run(&pipeline, &Catalog::empty(), options.clone()).unwrap_err();
        assert!(error.is_cancelled());
        assert_eq!(error.failures().map(|failure| failure.node()).collect::<Vec<_>>(), ["a"]);
        let told = error.to_string();
        assert!(told.contains("was cancelled:\n  - node `a` failed: spoilt\n"), "{told}");
        let error = runner.run(&pipeline, &Catalog::empty(), options).unwrap_err();
        assert!(error.is_cancelled(), "the token is still cancelled");
    });
}

#[test]
fn run_inside_a_node_is_called_off_with_the_outer_one() {
    with_each_runner(|runner| {
        for has_own in [false, true] {
            let token = CancelToken::new();
            let theirs = token.clone();
            let outer = move || -> Result<u32, RunError> {
                let theirs = theirs.clone();
                let cancels = makes("a", move || {
                    theirs.cancel();
                    Ok(1)
                });
                let inner = Pipeline::new([cancels, adds("b", "a", "b")]).unwrap();
                let options = match has_own {
                    true => RunOptions::new().cancel_token(CancelToken::new()),
                    false => RunOptions::new(),
                };
                let error = SequentialRunner::new().run(&inner, &Catalog::empty(), options);
                let error = error.unwrap_err();
                assert!(error.is_cancelled());
                assert_eq!(fates_of(&error), ["a: done", "b: never started"]);
                Ok(1)
            };
            let outer = node(outer).reads(()).writes(number("outer")).named("outer");
            let pipeline = Pipeline::new([outer, adds("after", "outer", "after")]).unwrap();
            let options = RunOptions::new().cancel_token(token);
            let error = runner.run(&pipeline, &Catalog::empty(), options).unwrap_err();
            assert_eq!(fates_of(&error), ["outer: done", "after: never started"]);
        }
    });
}

#[test]
fn token_of_the_run_is_in_the_context_whatever_the_list_says_and_not_where_it_is_off() {
    with_each_runner(|runner| {
        for (propagation, is_seen) in [
            (Propagation::all(), true),
            (Propagation::only([&entourage::RUN_ID]), true),
            (Propagation::off(), false),
        ] {
            let look = || Ok(u32::from(CANCEL.with(|token| token.is_some())));
            let pipeline = Pipeline::new([makes("look", look)]).unwrap();
            let options =
                RunOptions::new().cancel_token(CancelToken::new()).propagation(propagation);
            let mut report = runner.run(&pipeline, &Catalog::empty(), options).unwrap();
            assert_eq!(report.take_output(&number("look")), Some(u32::from(is_seen)));
        }
    });
}

#[test]
fn node_cannot_call_off_the_runs_of_others_by_its_token() {
    with_each_runner(|runner| {
        let shared = CancelToken::new();
        let cancel = || {
            CancelToken::current().cancel();
            Ok(1)
        };
        let pipeline = Pipeline::new([makes("a", cancel), adds("b", "a", "b")]).unwrap();
        let options = RunOptions::new().cancel_token(shared.clone());
        let error = runner.run(&pipeline, &Catalog::empty(), options).unwrap_err();
        assert!(error.is_cancelled() && !shared.is_cancelled());
    });
}

#[test]
fn temporary_files_are_gone_after_a_cancel() {
    let folder = Folder::new();
    const TEXT: Data<str> = Data::text("text");
    with_each_runner(|runner| {
        let catalog = Catalog::builder()
            .file("text", FileDataset::text(folder.path("text.txt")))
            .build()
            .unwrap();
        let token = CancelToken::new();
        let theirs = token.clone();
        let write = move || {
            theirs.cancel();
            theirs.check().map(|()| String::new())
        };
        let pipeline = Pipeline::new([node(write).reads(()).writes(TEXT).named("write")]).unwrap();
        let options = RunOptions::new().cancel_token(token);
        let error = runner.run(&pipeline, &catalog, options).unwrap_err();
        assert_eq!(fates_of(&error), ["write: cancelled"]);
        assert!(folder.names().is_empty(), "{:?}", folder.names());
    });
}

#[test]
fn cancel_ends_the_pause_before_another_attempt() {
    with_each_runner(|runner| {
        let token = CancelToken::new();
        let theirs = token.clone();
        let fails = move || -> Result<u32, &'static str> {
            let token = theirs.clone();
            // After this attempt is over, and in the midst of the pause.
            std::thread::spawn(move || token.cancel());
            Err("spoilt")
        };
        let retry = Retry::new(2).backoff(Duration::from_secs(3600), 1.0);
        let fails = node(fails).reads(()).writes(number("a")).named("a").retry(retry);
        let pipeline = Pipeline::new([fails]).unwrap();
        let options = RunOptions::new().cancel_token(token);
        let error = runner.run(&pipeline, &Catalog::empty(), options).unwrap_err();
        // Or before it was over, whereupon there is no further attempt.
        let fates = fates_of(&error);
        assert!(["a: cancelled", "a: failed"].contains(&&*fates[0]), "{fates:?}");
    });
}

#[test]
fn everything_hears_of_a_cancel_once_and_those_that_left_do_not() {
    let token = CancelToken::new();
    let heard = Arc::new(Mutex::new(Vec::new()));
    let listen = |token: &CancelToken, name: &'static str| {
        let heard = heard.clone();
        token.on_cancel(move || heard.lock().unwrap().push(name))
    };
    let child = token.child();
    let grandchild = child.child();
    let first = listen(&token, "first");
    let left = listen(&token, "left");
    let _by_child = listen(&grandchild, "grandchild");
    let _panics = token.on_cancel(|| panic!("in a callback"));
    let last = listen(&token, "last");
    drop(left);
    last.forever();
    assert!(token.cancel() && !token.cancel());
    drop(first);
    let mut all = heard.lock().unwrap().clone();
    all.sort_unstable();
    assert_eq!(all, ["first", "grandchild", "last"]);
    assert!(grandchild.is_cancelled() && grandchild.check() == Err(Cancelled));
    assert!(token.child().is_cancelled());
    let _late = listen(&token, "late");
    assert_eq!(heard.lock().unwrap().last(), Some(&"late"));
}

#[test]
fn line_of_a_hundred_thousand_children_is_cancelled_and_dropped_on_one_small_stack() {
    let small = std::thread::Builder::new().stack_size(128 * 1024);
    let line = || {
        let first = CancelToken::new();
        let last = (0..100_000).fold(first.clone(), |token, _| token.child());
        (first, last)
    };
    let test = move || {
        let (first, last) = line();
        first.cancel();
        assert!(last.is_cancelled());
        drop((first, last));
        // And with nobody but the last to hold them.
        drop(line().1);
    };
    small.spawn(test).unwrap().join().unwrap();
}

#[test]
fn token_is_awaited() {
    let token = CancelToken::new();
    let pool = Executor::builder().num_threads(1).build().unwrap();
    let theirs = token.clone();
    let waits = pool.spawn_future(async move { theirs.cancelled().await });
    token.cancel();
    waits.join().unwrap();
    pool.spawn_future(async move { token.cancelled().await }).join().unwrap();
}

#[test]
fn wait_ends_with_its_time_or_the_cancel() {
    let token = CancelToken::new();
    assert!(!token.wait_for(Duration::ZERO) && !token.wait_for(Duration::from_millis(1)));
    token.cancel();
    assert!(token.wait_for(Duration::MAX));
}

#[test]
fn cancel_amid_many_nodes_leaves_none_without_a_fate() {
    const WIDTH: u32 = 300;
    let pool = Executor::builder().num_threads(4).build().unwrap();
    let runner = ThreadRunner::new(&pool);
    for cancel_at in (0..WIDTH).step_by(23) {
        let (token, ran) = (CancelToken::new(), Arc::new(AtomicUsize::new(0)));
        let nodes = (0..WIDTH).map(|at| {
            let (token, ran) = (token.clone(), ran.clone());
            let step = move || {
                ran.fetch_add(1, Ordering::Relaxed);
                if at == cancel_at {
                    token.cancel();
                }
                Ok(at)
            };
            makes(&format!("n{at:03}"), step)
        });
        let last = adds("z", &format!("n{cancel_at:03}"), "z");
        let pipeline = Pipeline::new(nodes.chain([last])).unwrap();
        let options = RunOptions::new().cancel_token(token.clone());
        let error = runner.run(&pipeline, &Catalog::empty(), options).unwrap_err();
        assert!(error.is_cancelled());
        let fates = fates_of(&error);
        let done = fates.iter().filter(|fate| fate.ends_with(": done")).count();
        assert_eq!(done, ran.load(Ordering::Relaxed));
        assert!(fates.contains(&"z: never started".to_owned()));
    }
}

/// An error that is its own cause.
#[derive(Debug)]
struct Circle;

impl std::fmt::Display for Circle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("round and round")
    }
}

impl std::error::Error for Circle {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(self)
    }
}

#[test]
fn error_that_is_its_own_cause_ends_a_cancelled_run_all_the_same() {
    with_each_runner(|runner| {
        let token = CancelToken::new();
        let cancel = token.clone();
        let fails = move || -> Result<u32, Circle> {
            cancel.cancel();
            Err(Circle)
        };
        let fails = node(fails).reads(()).writes(Data::<u32>::memory("n")).named("fails");
        let pipeline = Pipeline::new([fails]).unwrap();
        let options = RunOptions::new().cancel_token(token);
        let error = runner.run(&pipeline, &Catalog::empty(), options).unwrap_err();
        assert!(error.failures().next().unwrap().is_error(), "{error}");
    });
}
