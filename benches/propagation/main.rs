//! What propagation costs, and what it costs to switch it off.
//!
//! The disabled path comes first: it must be the bare pool's. Both sides of a
//! comparison run on the same workers, ours through the executor and theirs
//! through the rayon pool under it.

#[path = "../harness/mod.rs"]
mod harness;
mod work;

use std::error::Error;

use entourage::{Context, Executor, ParallelIteratorExt, Propagation, context_key};
use rayon::prelude::*;
use tracing::{Span, info_span};
use tracing_subscriber::util::SubscriberInitExt;

use harness::{Figures, Rounds};
use work::{ITEMS, JOINS, Latch, TASKS, fib, fib_bare, items, small_work};

const ROUNDS: usize = 61;

context_key! {
    static K0: u64 = propagate;
    static K1: u64 = propagate;
    static K2: u64 = propagate;
    static K3: u64 = propagate;
    static K4: u64 = propagate;
    static K5: u64 = propagate;
    static K6: u64 = propagate;
    static K7: u64 = propagate;
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut figures = Figures::default();
    for threads in [1, 2] {
        let off = executor(threads, Propagation::off())?;
        off_figures(&mut figures, &off, &format!("{threads}t"));
    }
    // From here on the process has a live subscriber.
    tracing_subscriber::registry().init();
    for threads in [1, 2] {
        let off = executor(threads, Propagation::off())?;
        off_figures(&mut figures, &off, &format!("{threads}t_subscriber"));
    }
    for threads in [1, 2] {
        let on = executor(threads, Propagation::all())?;
        eight_keys().scope(|| {
            spawn_figure(&mut figures, &on, threads);
            info_span!("caller").in_scope(|| on_figures(&mut figures, &on, threads));
        });
    }
    figures.print();
    Ok(())
}

fn executor(threads: usize, propagation: Propagation) -> Result<Executor, Box<dyn Error>> {
    Ok(Executor::builder().num_threads(threads).propagation(propagation).build()?)
}

fn eight_keys() -> Context {
    let keys = [&K0, &K1, &K2, &K3, &K4, &K5, &K6, &K7];
    keys.into_iter().fold(Context::empty(), |context, key| context.with(key, 1))
}

/// Off against the bare pool: ratios.
fn off_figures(figures: &mut Figures, off: &Executor, what: &str) {
    const GOAL: f64 = 1.02;
    let bare = off.rayon_pool();
    let mut add = |name: &str, rounds: Rounds| {
        figures.add(
            &format!("off_{name}_{what}"),
            rounds.median(|ours, theirs| ours / theirs),
            "x",
            GOAL,
        );
    };
    let from_outside = Rounds::run(
        ROUNDS,
        || {
            Latch::burst(|all| {
                all.into_iter().for_each(|one| off.spawn_detached(move || one.count()));
            });
        },
        || Latch::burst(|all| all.into_iter().for_each(|one| bare.spawn(move || one.count()))),
    );
    add("spawn", from_outside);
    let from_worker = Rounds::run(
        ROUNDS,
        || {
            Latch::burst(|all| {
                off.install(|| {
                    all.into_iter().for_each(|one| off.spawn_detached(move || one.count()));
                });
            });
        },
        || {
            Latch::burst(|all| {
                bare.install(|| {
                    all.into_iter().for_each(|one| bare.spawn(move || one.count()));
                });
            });
        },
    );
    add("spawn_in_worker", from_worker);
    add("scope", scope(off));
    add("join", join(off));
    let items = items();
    let par_iter = Rounds::run(
        ROUNDS,
        || {
            let items = items.par_iter().in_snapshot(off.snapshot());
            off.install(|| items.map(|n| n ^ 1).sum::<u64>())
        },
        || bare.install(|| items.par_iter().map(|n| n ^ 1).sum::<u64>()),
    );
    add("par_iter", par_iter);
}

fn scope(pool: &Executor) -> Rounds {
    let bare = pool.rayon_pool();
    Rounds::run(
        ROUNDS,
        || pool.scope(|s| (0..TASKS).for_each(|n| s.spawn(move |_| small_work(n)))),
        || bare.scope(|s| (0..TASKS).for_each(|n| s.spawn(move |_| small_work(n)))),
    )
}

fn join(pool: &Executor) -> Rounds {
    let bare = pool.rayon_pool();
    Rounds::run(ROUNDS, || fib(pool), || fib_bare(bare))
}

/// Nanoseconds that ours takes longer, for each of `items`.
fn extra_ns(rounds: &Rounds, items: usize) -> f64 {
    rounds.median(|ours, theirs| (ours - theirs) * 1e9 / items as f64)
}

/// On, without a span: nanoseconds a task over the bare pool.
fn spawn_figure(figures: &mut Figures, on: &Executor, threads: usize) {
    let rounds = spawned_by(on, |f| on.spawn_detached(f));
    let extra = extra_ns(&rounds, TASKS);
    figures.add(&format!("on_spawn_without_span_{threads}t"), extra, "ns", 30.0);
}

/// On, in a span, with eight keys: nanoseconds over the bare pool, and what of
/// the hand-written way's nanoseconds that is.
fn on_figures(figures: &mut Figures, on: &Executor, threads: usize) {
    let bare = on.rayon_pool();
    let ours = extra_ns(&spawned_by(on, |f| on.spawn_detached(f)), TASKS);
    let by_hand = spawned_by(on, |f| {
        let span = Span::current();
        bare.spawn(move || span.in_scope(f));
    });
    let share = ours / extra_ns(&by_hand, TASKS);
    figures.add(&format!("on_spawn_with_span_of_by_hand_{threads}t"), share, "x", 0.5);

    let ours = extra_ns(&scope(on), TASKS);
    figures.add(&format!("on_scope_{threads}t"), ours, "ns", 20.0);
    let by_hand = Rounds::run(
        ROUNDS,
        || {
            bare.scope(|s| {
                (0..TASKS).for_each(|n| {
                    let span = Span::current();
                    s.spawn(move |_| span.in_scope(|| small_work(n)));
                });
            });
        },
        || bare.scope(|s| (0..TASKS).for_each(|n| s.spawn(move |_| small_work(n)))),
    );
    let share = ours / extra_ns(&by_hand, TASKS);
    figures.add(&format!("on_scope_of_by_hand_{threads}t"), share, "x", 0.25);
    figures.add(&format!("on_join_{threads}t"), extra_ns(&join(on), JOINS), "ns", 6.0);
    let items = items();
    let par_iter = Rounds::run(
        ROUNDS,
        || on.install(|| items.par_iter().in_context().map(|n| n ^ 1).sum::<u64>()),
        || bare.install(|| items.par_iter().map(|n| n ^ 1).sum::<u64>()),
    );
    figures.add(&format!("on_par_iter_{threads}t"), extra_ns(&par_iter, ITEMS), "ns", 0.2);
}

/// A burst of tasks spawned from outside, against the bare pool's.
fn spawned_by(pool: &Executor, spawn: impl Fn(Box<dyn FnOnce() + Send>)) -> Rounds {
    let bare = pool.rayon_pool();
    let boxed = |one: Latch| -> Box<dyn FnOnce() + Send> { Box::new(move || one.count()) };
    Rounds::run(
        ROUNDS,
        || Latch::burst(|all| all.into_iter().for_each(|one| spawn(boxed(one)))),
        || Latch::burst(|all| all.into_iter().for_each(|one| bare.spawn(boxed(one)))),
    )
}
