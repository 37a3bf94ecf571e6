//! Limits by tag, and priorities.

#![cfg(feature = "pipeline")]

#[expect(dead_code, reason = "each test file needs some of the helpers")]
#[path = "support/pipelines.rs"]
mod pipelines;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};

use entourage::{
    CancelToken, Catalog, Data, Executor, Limit, Node, Pipeline, RunOptions, SequentialRunner,
    ThreadRunner, node,
};
use pipelines::{with_each_runner, with_thread_runner};

fn number(name: &str) -> Data<u32> {
    Data::memory("number").named(name)
}

fn makes(name: &str, f: impl Fn() -> u32 + Send + Sync + 'static) -> Node {
    node(f).reads(()).writes(number(name)).named(name)
}

/// How many are inside at once, and how many were at most.
#[derive(Default)]
struct Gauge {
    now: AtomicUsize,
    most: AtomicUsize,
}

impl Gauge {
    fn during(&self, f: impl FnOnce()) {
        let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
        f();
        self.now.fetch_sub(1, Ordering::SeqCst);
    }

    fn most(&self) -> usize {
        self.most.load(Ordering::SeqCst)
    }
}

/// So that others have the chance to come in, too.
fn a_while() {
    (0..20).for_each(|_| std::thread::yield_now());
}

#[test]
fn no_more_nodes_of_a_tag_run_at_once_than_its_limit() {
    with_each_runner(|runner| {
        for (gpu, disk) in [(1, 1), (2, 1), (3, 100)] {
            let gauges: [Arc<Gauge>; 2] = Default::default();
            let nodes = (0..120).map(|at| {
                let [gpus, disks] = gauges.clone();
                let (on_gpu, on_disk) = (at % 2 == 0, at % 3 == 0);
                let work = move || {
                    let work = || if on_disk { disks.during(a_while) } else { a_while() };
                    if on_gpu {
                        gpus.during(work)
                    } else {
                        work()
                    }
                    at
                };
                let node = makes(&format!("n{at}"), work);
                let node = if on_gpu { node.tag("gpu") } else { node };
                if on_disk { node.tag("disk") } else { node }
            });
            let pipeline = Pipeline::new(nodes).unwrap();
            let options = RunOptions::new().limit("gpu", gpu).limit("disk", disk);
            let report = runner.run(&pipeline, &Catalog::empty(), options).unwrap();
            assert_eq!(report.output_names().count(), 120);
            let [gpus, disks] = gauges;
            assert!((1..=gpu).contains(&gpus.most()) && (1..=disk).contains(&disks.most()));
        }
    });
}

#[test]
fn limit_lets_as_many_run_as_it_says() {
    // Each waits for the other, which is only there if both run.
    let barrier = Arc::new(std::sync::Barrier::new(2));
    let meet = |name: &str| {
        let barrier = barrier.clone();
        let wait = move || {
            barrier.wait();
            1
        };
        makes(name, wait).tag("pair")
    };
    let pipeline = Pipeline::new([meet("a"), meet("b")]).unwrap();
    with_thread_runner(2, |runner| {
        let options = RunOptions::new().limit("pair", 2);
        runner.run(&pipeline, &Catalog::empty(), options).unwrap();
    });
}

#[test]
fn limited_nodes_leave_the_workers_to_the_others() {
    // The first of the tag waits for a node without it; the second of the tag must
    // not stand in the way.
    let (open, gate) = mpsc::channel();
    let gate = Mutex::new(gate);
    let waits = move || {
        gate.lock().unwrap().recv().unwrap();
        1
    };
    let opens = move || {
        open.send(()).unwrap();
        1
    };
    let pipeline = Pipeline::new([
        makes("a_waits", waits).tag("one"),
        makes("b_next", || 1).tag("one"),
        makes("c_opens", opens),
    ])
    .unwrap();
    with_thread_runner(2, |runner| {
        let options = RunOptions::new().limit("one", 1);
        runner.run(&pipeline, &Catalog::empty(), options).unwrap();
    });
}

#[test]
fn runs_that_share_a_limit_never_have_more_at_once_together() {
    let (gpus, limit) = (Arc::new(Gauge::default()), Limit::new(2));
    let pool = Executor::builder().num_threads(4).build().unwrap();
    let run = |sequential: bool| {
        let nodes = (0..40).map(|at| {
            let gpus = gpus.clone();
            let work = move || {
                gpus.during(a_while);
                at
            };
            makes(&format!("n{at}"), work).tag("gpu")
        });
        let pipeline = Pipeline::new(nodes).unwrap();
        let options = RunOptions::new().limit("gpu", &limit);
        let report = match sequential {
            true => SequentialRunner::new().run(&pipeline, &Catalog::empty(), options),
            false => ThreadRunner::new(&pool).run(&pipeline, &Catalog::empty(), options),
        };
        assert_eq!(report.unwrap().output_names().count(), 40);
    };
    std::thread::scope(|threads| {
        for at in 0..8 {
            threads.spawn(move || run(at % 4 == 0));
        }
    });
    assert!((1..=2).contains(&gpus.most()));
}

#[test]
fn run_that_waits_for_another_ones_room_can_be_cancelled() {
    let limit = Limit::new(1);
    let (open, gate) = mpsc::channel::<()>();
    let (begun, has_begun) = mpsc::channel();
    let gate = Mutex::new(gate);
    let holds = move || {
        begun.send(()).unwrap();
        _ = gate.lock().unwrap().recv();
        1
    };
    let holds = Pipeline::new([makes("holds", holds).tag("gpu")]).unwrap();
    let waits = Pipeline::new([makes("waits", || 1).tag("gpu")]).unwrap();
    std::thread::scope(|threads| {
        let held = limit.clone();
        threads.spawn(move || {
            let options = RunOptions::new().limit("gpu", &held);
            SequentialRunner::new().run(&holds, &Catalog::empty(), options).unwrap();
        });
        has_begun.recv().unwrap();
        with_each_runner(|runner| {
            let token = CancelToken::new();
            let theirs = token.clone();
            threads.spawn(move || theirs.cancel());
            let options = RunOptions::new().limit("gpu", &limit).cancel_token(token);
            let error = runner.run(&waits, &Catalog::empty(), options).unwrap_err();
            assert!(error.is_cancelled());
        });
        drop(open);
    });
}

#[test]
fn limits_are_given_back_by_nodes_that_fail_or_panic() {
    let limit = Limit::new(1);
    let fails = |name: &str| {
        let fail = || -> Result<u32, &'static str> { Err("spoilt") };
        node(fail).reads(()).writes(number(name)).named(name).tag("gpu")
    };
    let panics = makes("c", || panic!("in a node")).tag("gpu");
    let pipeline = Pipeline::new([fails("a"), fails("b"), panics]).unwrap();
    with_each_runner(|runner| {
        for options in [RunOptions::new(), RunOptions::new().keep_going()] {
            let options = options.limit("gpu", &limit);
            runner.run(&pipeline, &Catalog::empty(), options).unwrap_err();
        }
        let good = Pipeline::new([makes("a", || 1).tag("gpu")]).unwrap();
        let options = RunOptions::new().limit("gpu", &limit);
        runner.run(&good, &Catalog::empty(), options).unwrap();
    });
}

#[test]
fn limit_of_zero_and_of_a_tag_that_no_node_has_are_errors() {
    let pipeline = Pipeline::new([makes("a", || 1).tag("gpu")]).unwrap();
    with_each_runner(|runner| {
        let options = RunOptions::new().limit("gpu", 0).limit("gpus", 1).limit("other", 1);
        let error = runner.run(&pipeline, &Catalog::empty(), options).unwrap_err();
        let expected = [
            "the limit of tag `gpu`: with 0 no node of it can start",
            "the limit of tag `gpus`: no node has that tag; did you mean `gpu`?",
            "the limit of tag `other`: no node has that tag",
        ];
        assert_eq!(error.problems(), expected);
    });
}

#[test]
fn of_the_nodes_that_are_ready_the_one_of_the_highest_priority_goes_first() {
    let order = Arc::new(Mutex::new(Vec::new()));
    let notes = |name: &'static str, priority: i32| {
        let order = order.clone();
        let note = move || {
            order.lock().unwrap().push(name);
            1
        };
        makes(name, note).priority(priority)
    };
    let after = {
        let order = order.clone();
        let note = move |_: &u32| {
            order.lock().unwrap().push("after_c");
            1_u32
        };
        node(note).reads(number("c")).writes(number("after_c")).named("after_c").priority(5)
    };
    let pipeline = Pipeline::new([
        notes("a", 0),
        notes("b", -1),
        notes("c", 7),
        notes("d", 0),
        notes("e", i32::MIN),
        notes("f", 6),
        after,
    ])
    .unwrap();
    let expected = ["c", "f", "after_c", "a", "d", "b", "e"];
    let check = |what: &str| {
        assert_eq!(std::mem::take(&mut *order.lock().unwrap()), expected, "{what}");
    };
    let run = RunOptions::new;
    SequentialRunner::new().run(&pipeline, &Catalog::empty(), run()).unwrap();
    check("sequential");
    with_thread_runner(1, |runner| {
        runner.run(&pipeline, &Catalog::empty(), run()).unwrap();
        check("one worker");
    });
}

#[test]
fn run_with_priorities_inside_a_worker_of_its_own_pool_of_one_completes() {
    let pool = Executor::builder().num_threads(1).build().unwrap();
    let runner = ThreadRunner::new(&pool);
    let nodes = (0..50).map(|at| makes(&format!("n{at}"), move || at).priority(at as i32));
    let pipeline = Pipeline::new(nodes).unwrap();
    let task = pool.spawn(move || {
        let report = runner.run(&pipeline, &Catalog::empty(), RunOptions::new()).unwrap();
        report.output_names().count()
    });
    assert_eq!(task.join().unwrap(), 50);
}

#[test]
fn chain_of_fifty_thousand_limited_nodes_overflows_no_stack() {
    const LENGTH: u32 = 50_000;
    let next = |at: u32| {
        let (from, to) = (number(&format!("n{at}")), number(&format!("n{}", at + 1)));
        node(|n: &u32| n + 1).reads(from).writes(to).named(format!("node_{at}")).tag("one")
    };
    let pipeline = Pipeline::new((0..LENGTH).map(next)).unwrap();
    let catalog = Catalog::builder().value(&number("n0"), 0).build().unwrap();
    with_thread_runner(2, |runner| {
        let options = RunOptions::new().limit("one", 1);
        let mut report = runner.run(&pipeline, &catalog, options).unwrap();
        assert_eq!(report.take_output(&number(&format!("n{LENGTH}"))), Some(LENGTH));
    });
}
