//! Every event is filed under the run that emitted it: none wrong, none missing,
//! none leaked. Counted by the layer, and under the load, of the example
//! `attribution`; what a worker does step by step is in `work_stealing.rs`.

#[path = "../examples/attribution/by_hand.rs"]
mod by_hand;
#[path = "../examples/attribution/layer.rs"]
mod layer;
#[path = "../examples/attribution/load.rs"]
mod load;
#[path = "../examples/attribution/ours.rs"]
mod ours;
#[expect(dead_code, reason = "each test file needs some of the helpers")]
mod support;

use std::panic::resume_unwind;
use std::sync::{LazyLock, Mutex, PoisonError, mpsc};

use by_hand::ByHand;
use entourage::{Executor, Propagation, SpanWatch, suppress};
use layer::{Attribution, Count, Counts, say};
use load::{Shape, Way};
use ours::{Ours, RUN};
use support::watched::{is_watched, run_again_without};
use support::{one_worker, steal_one};
use tracing::subscriber::set_global_default;
use tracing::{Span, info_span};
use tracing_subscriber::layer::SubscriberExt;

/// What is counted while `f` runs, by one subscriber for the whole process: so
/// one test at a time. That scoped ones go along is shown in `entry_points.rs`.
fn counts_of(f: impl FnOnce()) -> Counts {
    static SEEN: LazyLock<Attribution> = LazyLock::new(|| {
        let seen = Attribution::default();
        let subscriber = tracing_subscriber::registry().with(seen.clone());
        if is_watched() {
            set_global_default(SpanWatch::new(subscriber)).unwrap();
        } else {
            set_global_default(subscriber).unwrap();
        }
        seen
    });
    static ALONE: Mutex<()> = Mutex::new(());
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let before = SEEN.counts();
    f();
    SEEN.counts().since(before)
}

/// So many events, all where they belong.
fn sound(events: u64) -> Counts {
    let count = Count { events, ..Count::default() };
    Counts { by_span: count, by_key: count }
}

/// Runs `f` in a span of this run and with its key.
fn in_run<R>(run: u64, f: impl FnOnce() -> R) -> R {
    info_span!("run", run).in_scope(|| RUN.scope(run, f))
}

/// Says an event of this run, or of none, with the key that is current.
fn emit(run: Option<u64>) {
    say(run, RUN.get());
}

#[test]
fn counts_are_the_same_where_the_subscriber_is_watched() {
    run_again_without("counts_are_the_same_where_the_subscriber_is_watched");
}

#[test]
fn layer_counts_what_is_wrong_missing_and_leaked() {
    let counts = counts_of(|| {
        in_run(1, || {
            emit(Some(1));
            emit(Some(2));
            // The innermost span that is of a run counts.
            info_span!("piece").in_scope(|| emit(Some(1)));
            info_span!("run", run = 2_u64).in_scope(|| say(Some(2), Some(2)));
            emit(None);
        });
        emit(Some(1));
        emit(None);
        tracing::info!(run = 3_u64, "with another target");
    });
    let count = Count { events: 7, wrong: 1, missing: 1, leaked: 1 };
    assert_eq!(counts, Counts { by_span: count, by_key: count });
    assert_eq!(count.misfiled(), 3);
}

/// On a pool of one worker, A waits, steals B, which waits and steals A again,
/// which waits and steals a task of nobody's.
fn a_b_a_nobody<W: Way>(way: &W, steal: fn()) {
    let task = |run: Option<u64>| {
        move || {
            say(run, W::key());
            steal();
            say(run, W::key());
            1
        }
    };
    let spans = [1_u64, 2].map(|run| info_span!("run", run));
    let spawn = |run: u64| {
        let span: &Span = &spans[usize::try_from(run).unwrap() - 1];
        span.in_scope(|| W::with_key(run, || way.spawn(task(Some(run)))))
    };
    let tasks = [1, 2, 1].map(spawn);
    let (tell, told) = mpsc::channel();
    way.background(move || {
        say(None, W::key());
        tell.send(()).unwrap();
    });
    told.recv().unwrap();
    assert_eq!(tasks.map(W::wait), [Some(1); 3]);
}

#[test]
fn runs_that_lie_on_top_of_each_other_keep_their_events() {
    let ours = Ours::new(1).unwrap();
    assert_eq!(counts_of(|| a_b_a_nobody(&ours, steal_one)), sound(7));
}

#[test]
fn spans_carried_by_hand_do_not_keep_them() {
    // What the case above is there for: were it not told from this one, its
    // zeros would say nothing.
    let by_hand = ByHand::new(1).unwrap();
    let counts = counts_of(|| a_b_a_nobody(&by_hand, steal_one));
    // The second of A is filed under B as it begins and as it ends, and nobody's
    // under a run.
    assert_eq!(counts.by_span, Count { events: 7, wrong: 2, missing: 0, leaked: 1 });
    assert_eq!(counts.by_key, Count { events: 7, wrong: 0, missing: 0, leaked: 1 });
}

#[test]
fn panic_in_a_stolen_task_of_another_run_costs_the_waiting_run_no_event() {
    let counts = counts_of(|| {
        let pool = one_worker();
        let waiting = in_run(1, || {
            pool.spawn(|| {
                let _deeper = info_span!("deeper").entered();
                steal_one();
                emit(Some(1));
            })
        });
        let stolen = in_run(2, || {
            pool.spawn(|| {
                let _open = info_span!("run", run = 3_u64).entered();
                RUN.scope(3, || {
                    emit(Some(3));
                    resume_unwind(Box::new(()))
                })
            })
        });
        assert!(stolen.join().unwrap_err().is_panic());
        waiting.join().unwrap();
        pool.rayon_pool().install(|| emit(None));
    });
    assert_eq!(counts, sound(3));
}

#[test]
fn task_that_carries_nothing_is_nobodys_wherever_it_is_submitted_and_stolen() {
    let counts = counts_of(|| {
        let pool = one_worker();
        let off = pool.with_propagation(Propagation::off()).unwrap();
        let inner = pool.clone();
        let waiting = in_run(1, || {
            pool.spawn(move || {
                off.spawn_detached(|| emit(None));
                steal_one();
                suppress(|| inner.spawn_detached(|| emit(None)));
                steal_one();
                off.in_place_scope(|s| s.spawn(|_| emit(None)));
                // In place it is the run itself that goes on.
                off.install(|| emit(Some(1)));
            })
        });
        waiting.join().unwrap();
    });
    assert_eq!(counts, sound(4));
}

#[test]
fn runs_on_two_pools_that_wait_for_each_other_keep_their_events() {
    let counts = counts_of(|| {
        let pools = [one_worker(), one_worker()];
        // From here to there and back again: each worker waits for the other,
        // and runs, on top of that, whatever comes in meanwhile.
        fn go(pools: &[Executor; 2], run: u64, depth: usize) {
            emit(Some(run));
            if depth > 0 {
                pools[depth % 2].install(|| go(pools, run, depth - 1));
            }
            emit(Some(run));
        }
        let start = |run: u64| {
            let inner = pools.clone();
            let home = &pools[usize::try_from(run).unwrap() % 2];
            in_run(run, || home.spawn(move || go(&inner, run, 8)))
        };
        let runs: Vec<_> = (1..=8).map(start).collect();
        let nobody: Vec<_> = (0..8).map(|n| pools[n % 2].spawn(|| emit(None))).collect();
        runs.into_iter().chain(nobody).for_each(|task| task.join().unwrap());
    });
    assert_eq!(counts, sound(8 * 2 * 9 + 8));
}

/// The load of the example, for so many rounds, on pools of so many workers.
fn stress(threads: usize, rounds: u64) {
    let ours = Ours::new(threads).unwrap();
    // Of some runs every piece has a span of its own, of others none has.
    for spans in [0, 25, 100] {
        let shape = Shape { runs: 16, depth: 5, spans };
        let mut emitted = 0;
        let counts = counts_of(|| {
            for round in 0..rounds {
                emitted += load::round(&ours, shape, round);
            }
            load::finish(&ours);
        });
        assert!(emitted > 1000, "{emitted}");
        assert_eq!(counts, sound(emitted), "{threads} workers, {spans} % spans");
        assert!(ours.is_clean());
    }
}

#[test]
fn sixteen_runs_under_load_on_one_worker_keep_their_events() {
    stress(1, 5);
}

#[test]
fn sixteen_runs_under_load_on_two_workers_keep_their_events() {
    stress(2, 5);
}

#[test]
fn sixteen_runs_under_load_on_eight_workers_keep_their_events() {
    stress(8, 5);
}
