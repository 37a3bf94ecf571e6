//! A worker that waits runs other tasks meanwhile; each sees its own context,
//! and the waiting one finds its own again.

#[expect(dead_code, reason = "each test file needs some of the helpers")]
mod support;

use std::thread::{self, ThreadId};

use entourage::Executor;
use support::recorder::Recorder;
use support::{one_worker, steal_one, workers};
use tracing::{Span, info, info_span};

entourage::context_key! { static RUN: u32 = propagate; }

fn only_thread_of(pool: &Executor) -> ThreadId {
    pool.spawn(|| thread::current().id()).join().unwrap()
}

#[test]
fn stolen_task_does_not_see_the_waiting_tasks_span() {
    Recorder::record(|recorder| {
        let pool = one_worker();
        let waiting = info_span!("waiting").in_scope(|| pool.spawn(steal_one));
        let stolen = info_span!("stolen").in_scope(|| pool.spawn(|| info!("inside")));
        for task in [waiting, stolen] {
            task.join().unwrap();
        }
        assert_eq!(recorder.spans_of("inside"), ["stolen"]);
    });
}

#[test]
fn span_that_is_entered_again_above_another_is_current_again() {
    // The registry marks the second entering of a span as a duplicate and skips
    // it, so that without parking a2 would be filed under b.
    Recorder::record(|recorder| {
        let pool = one_worker();
        let (a, b) = (info_span!("a"), info_span!("b"));
        let a1 = a.in_scope(|| {
            pool.spawn(|| {
                info!("a1 before");
                steal_one();
                info!("a1 after");
            })
        });
        let b1 = b.in_scope(|| {
            pool.spawn(|| {
                info!("b1 before");
                steal_one();
                info!("b1 after");
            })
        });
        let a2 = a.in_scope(|| pool.spawn(|| info!("a2")));
        for task in [a1, b1, a2] {
            task.join().unwrap();
        }
        for (event, span) in [
            ("a1 before", "a"),
            ("b1 before", "b"),
            ("a2", "a"),
            ("b1 after", "b"),
            ("a1 after", "a"),
        ] {
            assert_eq!(recorder.spans_of(event), [span], "{event}");
        }
    });
}

#[test]
fn task_without_a_span_has_none_while_a_span_is_entered_beneath_it() {
    Recorder::record(|recorder| {
        let pool = one_worker();
        let waiting = info_span!("waiting").in_scope(|| {
            RUN.scope(1, || {
                pool.spawn(|| {
                    steal_one();
                    info!("after");
                    RUN.get()
                })
            })
        });
        let stolen = pool.spawn(|| {
            info!("inside");
            (Span::current().is_none(), RUN.get())
        });
        assert_eq!(stolen.join().unwrap(), (true, None));
        assert_eq!(waiting.join().unwrap(), Some(1));
        assert_eq!(recorder.spans_of("inside"), [""; 0]);
        assert_eq!(recorder.spans_of("after"), ["waiting"]);
    });
}

/// A task that enters five spans, steals one job, and leaves them.
fn five_deep() {
    let spans: Vec<_> = (1..=4).map(|id| info_span!("s", id).entered()).collect();
    steal_one();
    info!("resumed");
    spans.into_iter().rev().for_each(drop);
    info!("out");
}

const FIVE_PARKED: [&str; 10] =
    ["-s-4", "-s-3", "-s-2", "-s-1", "-s-0", "+s-0", "+s-1", "+s-2", "+s-3", "+s-4"];

#[test]
fn five_nested_spans_are_parked_innermost_first_and_resumed_in_order() {
    Recorder::record(|recorder| {
        let pool = one_worker();
        let worker = only_thread_of(&pool);
        let waiting = info_span!("s", id = 0).in_scope(|| pool.spawn(five_deep));
        let stolen = info_span!("stolen").in_scope(|| pool.spawn(|| info!("inside")));
        for task in [waiting, stolen] {
            task.join().unwrap();
        }

        let mut expected = vec!["+s-0", "+s-1", "+s-2", "+s-3", "+s-4"];
        expected.extend(&FIVE_PARKED[..5]);
        expected.extend(["+stolen", "inside", "-stolen"]);
        expected.extend(&FIVE_PARKED[5..]);
        expected.extend(["resumed", "-s-4", "-s-3", "-s-2", "-s-1", "out", "-s-0"]);
        assert_eq!(recorder.steps_on(worker), expected);
    });
}

#[test]
fn five_nested_spans_are_resumed_also_when_the_stolen_task_panics() {
    Recorder::record(|recorder| {
        let pool = one_worker();
        let worker = only_thread_of(&pool);
        let waiting = info_span!("s", id = 0).in_scope(|| pool.spawn(five_deep));
        let stolen = info_span!("stolen").in_scope(|| {
            pool.spawn(|| {
                let _left_open = info_span!("open").entered();
                panic!("stolen and lost");
            })
        });
        assert!(stolen.join().unwrap_err().is_panic());
        waiting.join().unwrap();

        let mut expected = vec!["+s-0", "+s-1", "+s-2", "+s-3", "+s-4"];
        expected.extend(&FIVE_PARKED[..5]);
        expected.extend(["+stolen", "+open", "-open", "-stolen"]);
        expected.extend(&FIVE_PARKED[5..]);
        expected.extend(["resumed", "-s-4", "-s-3", "-s-2", "-s-1", "out", "-s-0"]);
        assert_eq!(recorder.steps_on(worker), expected);
    });
}

/// Halves the work down to single events, by joins, in a span for each level.
fn descend(pool: &Executor, run: u32, depth: u32) {
    assert_eq!(RUN.get(), Some(run));
    info!("{run}");
    if depth > 0 {
        let go_on = || info_span!("level", id = depth).in_scope(|| descend(pool, run, depth - 1));
        pool.join(go_on, go_on);
    }
    assert_eq!(RUN.get(), Some(run));
    info!("{run}");
}

#[test]
fn sixteen_runs_of_nested_joins_on_eight_threads_file_every_event_under_their_own() {
    Recorder::record(|recorder| {
        let pool = workers(8);
        let runs: Vec<_> = (0..16)
            .map(|run| {
                let pool = pool.clone();
                info_span!("run", id = run).in_scope(|| {
                    RUN.scope(run, || pool.clone().spawn(move || descend(&pool, run, 6)))
                })
            })
            .collect();
        for run in runs {
            run.join().unwrap();
        }
        let events = recorder.events();
        assert_eq!(events.len(), 16 * 2 * 127);
        for (message, spans) in events {
            assert_eq!(spans.first(), Some(&format!("run-{message}")));
            let levels: Vec<_> = (1..=6).rev().map(|level| format!("level-{level}")).collect();
            assert_eq!(spans[1..], levels[..spans.len() - 1]);
        }
        for run in 0..16 {
            assert_eq!(recorder.closings_of(&format!("run-{run}")), 1);
        }
    });
}
