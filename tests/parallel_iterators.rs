//! A parallel iterator in context runs every closure there, on every worker.

#[expect(dead_code, reason = "each test file needs some of the helpers")]
mod support;

use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};

use entourage::{Executor, InContext, ParallelIteratorExt, Snapshot};
use rayon::ThreadPoolBuilder;
use rayon::prelude::*;
use support::panic_of;
use support::recorder::Recorder;
use support::spy::{Log, Spy, local, with_local};
use tracing::{info, info_span};

entourage::context_key! { static RUN: u32 = propagate; }

type Numbers = rayon::range::Iter<u32>;

/// Calls `drive` with the numbers below `len` in the context of run 7, on the
/// bare workers of a pool, where run 1 is current; first on one, which runs
/// every leaf over that, then on four.
fn in_run_seven(len: u32, drive: impl Fn(InContext<Numbers>) + Sync) {
    for num_threads in [1, 4] {
        let numbers = RUN.scope(7, || (0..len).into_par_iter().in_context());
        let pool = ThreadPoolBuilder::new().num_threads(num_threads).build().unwrap();
        pool.install(|| {
            RUN.scope(1, || {
                drive(numbers);
                assert_eq!(RUN.get(), Some(1));
            });
        });
        assert!(pool.broadcast(|_| RUN.get()).iter().all(Option::is_none));
    }
}

/// Passes a value on, and sees to it that this happens in run 7.
#[track_caller]
fn here<T>(value: T) -> T {
    assert_eq!(RUN.get(), Some(7));
    value
}

/// A state that is cloned where rayon splits and dropped where a leaf ends,
/// which must happen in run 7, too.
struct State;

impl Drop for State {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            here(());
        }
    }
}

impl Clone for State {
    fn clone(&self) -> Self {
        here(Self)
    }
}

#[test]
fn closures_before_and_after_the_adaptor_run_in_context() {
    for num_threads in [1, 4] {
        let pool = ThreadPoolBuilder::new().num_threads(num_threads).build().unwrap();
        let before = (0..1000u32).into_par_iter().map(here).filter(|n| here(n % 2 == 0));
        let after = RUN.scope(7, || before.in_context()).map(here).inspect(|n| _ = here(n));
        pool.install(|| RUN.scope(1, || after.for_each(|n| _ = here(n))));
    }
}

#[test]
fn every_item_is_in_the_callers_span() {
    Recorder::record(|recorder| {
        let pool = support::workers(4);
        info_span!("request").in_scope(|| {
            let numbers = (0..1000).into_par_iter().in_context();
            pool.rayon_pool().install(|| numbers.for_each(|n| info!("{n}")));
        });
        let events = recorder.events();
        assert_eq!(events.len(), 1000);
        assert!(events.iter().all(|(_, spans)| *spans == ["request"]));
    });
}

#[test]
fn adaptors_that_know_items_by_number_keep_the_context() {
    let sum = |n: u32| n * (n - 1) / 2;
    in_run_seven(1000, |numbers| {
        numbers.clone().enumerate().for_each(|(at, n)| assert_eq!(here(at), n as usize));
        let pairs = numbers.clone().zip(5..1005u32);
        assert!(pairs.map(here).all(|(a, b)| here(a + 5 == b)));
        assert_eq!(numbers.clone().rev().map(here).collect::<Vec<_>>()[..2], [999, 998]);
        let chunks = numbers.clone().chunks(3).map(|chunk| here(chunk.len()));
        assert_eq!(chunks.reduce(|| here(0), |a, b| here(a + b)), 1000);
        assert_eq!(numbers.clone().take(10).map(here).sum::<u32>(), sum(10));
        assert_eq!(numbers.clone().skip(990).map(here).count(), 10);
        assert_eq!(numbers.step_by(10).map(here).reduce(|| here(0), |a, b| here(a + b)), 49500);
    });
}

#[test]
fn adaptors_that_pair_items_or_set_the_size_of_leaves_keep_the_context() {
    in_run_seven(1000, |numbers| {
        let add = |a: u32, b: u32| here(a.wrapping_add(b));
        let zero = || here(0);
        let total = numbers.clone().with_min_len(10).map(here).reduce(zero, add);
        assert_eq!(total, 499_500);
        assert_eq!(numbers.clone().with_max_len(10).map(here).reduce(zero, add), total);
        assert_eq!(numbers.clone().by_exponential_blocks().map(here).reduce(zero, add), total);
        assert_eq!(numbers.clone().by_uniform_blocks(50).map(here).reduce(zero, add), total);
        let twice = numbers.clone().interleave(0..1000).map(here).reduce(zero, add);
        assert_eq!(twice, 2 * total);
        assert_eq!(numbers.clone().interleave_shortest(0..5).map(here).count(), 11);
        assert_eq!(numbers.clone().zip_eq(0..1000u32).map(here).count(), 1000);
        let folded = numbers.clone().fold_chunks(7, zero, add).reduce(zero, add);
        assert_eq!(folded, total);
        assert_eq!(numbers.fold_chunks_with(7, 0, add).reduce(zero, add), total);
    });
}

/// Adaptors put on by one who knows not what is in context.
fn numbered(
    numbers: impl IndexedParallelIterator<Item = u32>,
) -> impl IndexedParallelIterator<Item = (usize, u32)> {
    numbers.map(here).enumerate().rev().map(here)
}

fn coarse(
    numbers: impl IndexedParallelIterator<Item = u32>,
) -> impl IndexedParallelIterator<Item = u32> {
    numbers.map(here).with_min_len(10).map(here)
}

#[test]
fn closures_run_in_context_also_where_rayon_takes_the_iterator_apart() {
    in_run_seven(1000, |numbers| {
        numbered(numbers.clone()).for_each(|(at, n)| assert_eq!(here(at), n as usize));
        assert_eq!(coarse(numbers.clone()).map(here).count(), 1000);
        let inside_another = (0..1000u32).into_par_iter().map(here).zip(numbers.clone());
        inside_another.for_each(|pair| _ = here(pair));
        assert_eq!(numbers.clone().map(here).cmp(0..1000), std::cmp::Ordering::Equal);
    });
}

#[test]
fn iterator_that_is_taken_apart_splits_in_context() {
    let seven = RUN.scope(7, Snapshot::capture);
    let states = || {
        let states = (0..1000u32).into_par_iter().map_with(State, |_, n| here(n));
        states.in_snapshot(seven.clone())
    };
    in_run_seven(1000, |numbers| {
        numbers.zip(states()).for_each(|pair| _ = here(pair));
        (0..1000).into_par_iter().zip(states()).for_each(|pair| _ = here(pair));
    });
}

#[test]
fn of_two_iterators_in_context_that_are_zipped_the_inner_one_wins_and_both_are_left() {
    let other = RUN.scope(8, || (0..1000u32).into_par_iter().in_context());
    in_run_seven(1000, |numbers| {
        let inner = (0..1000u32).into_par_iter().zip(numbers.clone()).zip(other.clone());
        inner.for_each(|_| assert_eq!(RUN.get(), Some(8)));
        let inner = (0..1000u32).into_par_iter().zip(other.clone()).zip(numbers);
        inner.for_each(|pair| _ = here(pair));
    });
}

#[test]
fn adaptors_that_make_more_or_fewer_items_keep_the_context() {
    in_run_seven(300, |numbers| {
        let pairs = numbers.clone().flat_map(|n| here([n, n])).map(here);
        assert_eq!(pairs.count(), 600);
        let pairs = numbers.clone().map(|n| here([n, n])).flatten().map(here);
        assert_eq!(pairs.count(), 600);
        let pairs = numbers.clone().map(|n| here([n, n])).flatten_iter().map(here);
        assert_eq!(pairs.count(), 600);
        let pairs = numbers.clone().flat_map_iter(|n| (0..2).map(move |_| here(n)));
        assert_eq!(pairs.map(here).count(), 600);
        let (even, odd): (Vec<_>, Vec<_>) = numbers.clone().partition(|n| here(n % 2 == 0));
        assert_eq!((even.len(), odd.len()), (150, 150));
        let (left, right): (Vec<_>, Vec<_>) = numbers.clone().map(|n| here((n, n + 1))).unzip();
        assert_eq!((left.len(), right[0]), (300, 1));
        let some = numbers.clone().filter_map(|n| here((n > 9).then_some(n)));
        assert_eq!(some.map(Some).while_some().map(here).count(), 290);
        let longer = numbers.clone().chain((0..10).into_par_iter().map(here)).map(here);
        assert_eq!(longer.panic_fuse().count(), 310);
        assert_eq!(numbers.clone().positions(|n| here(n % 3 == 0)).map(here).count(), 100);
        assert_eq!(numbers.clone().take_any(5).map(here).count(), 5);
        assert_eq!(numbers.clone().skip_any(5).map(here).count(), 295);
        assert!(numbers.skip_any_while(|n| here(*n < 5)).map(here).count() >= 295);
    });
}

#[test]
fn halves_of_what_a_flat_map_makes_are_in_context_on_the_workers_that_take_them_over() {
    let pool = ThreadPoolBuilder::new().num_threads(2).build().unwrap();
    // Neither half ends before the other has begun, on the other worker.
    let both = Barrier::new(2);
    let halves = || (0..2u32).into_par_iter().with_max_len(1);
    let one_item = || RUN.scope(7, || (0..1).into_par_iter().in_context());
    let mapped = one_item().map(here).flat_map(|_| halves()).inspect(|_| _ = both.wait());
    assert_eq!(pool.install(|| mapped.map(here).count()), 2);
    let flattened = one_item().map(|_| here(halves())).flatten().inspect(|_| _ = both.wait());
    assert_eq!(pool.install(|| flattened.map(here).count()), 2);
}

#[test]
fn folds_and_reductions_begin_go_on_and_end_in_context() {
    in_run_seven(300, |numbers| {
        let add = |a: u32, b: u32| here(a + b);
        let folded = numbers.clone().fold(|| here(0), add).map(here);
        assert_eq!(folded.reduce(|| here(0), add), 44_850);
        let folded = numbers.clone().fold_with(State, |state, _| here(state));
        assert!(folded.map(here).count() > 0);
        let states = numbers.clone().map_init(|| here(State), |_, n| here(n)).enumerate();
        assert_eq!(states.map(|(_, n)| here(n)).reduce_with(add), Some(44_850));
        let commas = numbers.clone().map(|n| here(vec![n])).intersperse(vec![]).map(here);
        assert_eq!(commas.flatten().count(), 300);
        let states = numbers.clone().map_with(State, |_, n| here(n)).map(here);
        assert_eq!(states.collect::<Vec<_>>().len(), 300);
        assert_eq!(numbers.max_by(|a, b| here(a.cmp(b))), Some(299));
    });
}

#[test]
fn bridged_serial_iterator_runs_in_context() {
    for num_threads in [1, 4] {
        let pool = ThreadPoolBuilder::new().num_threads(num_threads).build().unwrap();
        let bridged = RUN.scope(7, || (0..300u32).map(here).par_bridge().in_context());
        let sum: u32 = pool.install(|| RUN.scope(1, || bridged.map(here).sum()));
        assert_eq!(sum, 44_850);
    }
}

#[test]
fn nothing_and_one_item_are_well() {
    in_run_seven(0, |numbers| {
        assert_eq!(numbers.clone().map(here).count(), 0);
        assert_eq!(numbers.enumerate().map(here).reduce_with(|a, _| here(a)), None);
    });
    in_run_seven(1, |numbers| {
        assert_eq!(numbers.clone().map(here).collect::<Vec<_>>(), [0]);
        assert_eq!(numbers.rev().chunks(2).map(here).collect::<Vec<_>>(), [[0]]);
    });
}

#[test]
fn early_exit_leaves_every_worker_clean() {
    in_run_seven(100_000, |numbers| {
        assert_eq!(numbers.clone().find_first(|n| here(*n == 5)), Some(5));
        assert!(numbers.clone().find_any(|n| here(n % 7 == 6)).is_some());
        assert!(numbers.clone().any(|n| here(n == 50_000)));
        let stopped = numbers.clone().try_for_each(|n| here(if n == 9 { Err(n) } else { Ok(()) }));
        assert_eq!(stopped, Err(9));
        assert!(numbers.map(here).take_any_while(|n| here(*n != 77)).count() < 100_000);
    });
}

#[test]
fn panic_at_one_item_of_a_thousand_comes_out_and_leaves_every_worker_clean() {
    for at in [0, 1, 999] {
        in_run_seven(1000, |numbers| {
            let fail = |n: u32| if n == at { panic!("at item {n}") } else { here(n) };
            let driven = panic_of(|| numbers.clone().for_each(|n| _ = fail(n)));
            assert_eq!(driven, format!("at item {at}"));
            let taken_apart = panic_of(|| numbers.map(fail).enumerate().for_each(|_| ()));
            assert_eq!(taken_apart, format!("at item {at}"));
        });
    }
}

#[test]
fn context_is_entered_for_each_leaf_and_not_for_each_item() {
    let log = Log::default();
    let spy = Spy::on("locale").logging_to(&log).leak();
    let pool = Executor::builder().num_threads(2).accessor(spy).build().unwrap();
    let items = AtomicUsize::new(0);
    let numbers = with_local("locale", 3, || {
        (0..10_000).into_par_iter().in_snapshot(pool.snapshot()).with_min_len(500)
    });
    pool.rayon_pool().install(|| {
        numbers.for_each(|_| {
            assert_eq!(local("locale"), Some(3));
            items.fetch_add(1, Ordering::Relaxed);
        });
    });
    assert_eq!(items.into_inner(), 10_000);
    // At most 20 leaves and as many splits, and two more to each split where it
    // is undone; but for 10,000 items.
    let entered = log.count("enter locale");
    assert!((1..=100).contains(&entered), "{entered}");
    assert_eq!(log.count("restore locale"), entered);
}
