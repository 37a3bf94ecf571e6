//! Every way onto a worker carries the context there, also in one another.

#[expect(dead_code, reason = "each test file needs some of the helpers")]
mod support;

use std::sync::mpsc;
use std::thread;

use entourage::{Executor, ParallelIteratorExt};
use rayon::prelude::*;
use support::recorder::Recorder;
use support::{one_worker, steal_one, workers};
use tracing::dispatcher::{get_default, with_default};
use tracing::{info, info_span};

entourage::context_key! { static RUN: u32 = propagate; }

#[test]
fn join_from_outside_the_pool_runs_both_halves_in_context() {
    Recorder::record(|recorder| {
        let pool = workers(2);
        let seen = info_span!("request").in_scope(|| {
            RUN.scope(7, || {
                let half = |name: &'static str| {
                    info!("{name}");
                    (RUN.get(), rayon::current_thread_index().is_some())
                };
                pool.join(|| half("left"), || half("right"))
            })
        });
        assert_eq!(seen, ((Some(7), true), (Some(7), true)));
        assert_eq!(recorder.spans_of("left"), ["request"]);
        assert_eq!(recorder.spans_of("right"), ["request"]);
    });
}

#[test]
fn second_half_of_a_join_that_another_task_takes_is_in_the_joiners_context() {
    Recorder::record(|recorder| {
        let pool = one_worker();
        let inner = pool.clone();
        let seen = info_span!("request").in_scope(|| {
            pool.spawn(move || {
                RUN.scope(1, || {
                    let first = || {
                        // Takes the second half away, from deep inside.
                        let _deeper = info_span!("deeper").entered();
                        RUN.scope(2, steal_one);
                    };
                    let second = || {
                        info!("second");
                        RUN.get()
                    };
                    inner.join(first, second).1
                })
            })
        });
        assert_eq!(seen.join().unwrap(), Some(1));
        assert_eq!(recorder.spans_of("second"), ["request"]);
    });
}

#[test]
fn join_in_a_scope_in_a_parallel_iterator_is_in_the_iterators_context() {
    for num_threads in [1, 8] {
        Recorder::record(|recorder| {
            let pool = workers(num_threads);
            let run = |run: u32| {
                (0..32).into_par_iter().in_context().for_each(|_| {
                    pool.scope(|s| {
                        s.spawn(|_| {
                            let half = || {
                                assert_eq!(RUN.get(), Some(run));
                                info!("{run}");
                            };
                            pool.join(half, half);
                        });
                    });
                });
            };
            let runs: Vec<_> = (0..4).collect();
            thread::scope(|threads| {
                for &n in &runs {
                    let dispatch = get_default(Clone::clone);
                    let (run, pool) = (&run, &pool);
                    threads.spawn(move || {
                        with_default(&dispatch, || {
                            let span = info_span!("run", id = n);
                            span.in_scope(|| RUN.scope(n, || pool.install(|| run(n))));
                        });
                    });
                }
            });
            let events = recorder.events();
            assert_eq!(events.len(), 4 * 32 * 2);
            for (message, spans) in events {
                assert_eq!(spans, [format!("run-{message}")]);
            }
        });
    }
}

#[test]
fn worker_that_waits_for_another_pool_parks_what_it_waits_in() {
    Recorder::record(|recorder| {
        let (here, there) = (one_worker(), one_worker());
        let (reach, reached) = mpsc::channel();
        let (go, may_go) = mpsc::channel();
        let beyond = there.clone();
        let waiting = info_span!("waiting").in_scope(|| {
            RUN.scope(1, || {
                here.spawn(move || {
                    let seen = beyond.install(move || {
                        reach.send(()).unwrap();
                        may_go.recv().unwrap();
                        info!("beyond");
                        RUN.get()
                    });
                    info!("back");
                    (seen, RUN.get())
                })
            })
        });
        reached.recv().unwrap();
        // The worker here has nothing to do but wait, so it runs this one.
        let stolen = info_span!("stolen").in_scope(|| {
            here.spawn(move || {
                info!("meanwhile");
                go.send(()).unwrap();
                RUN.get()
            })
        });
        assert_eq!(stolen.join().unwrap(), None);
        assert_eq!(waiting.join().unwrap(), (Some(1), Some(1)));
        for (event, span) in [("beyond", "waiting"), ("meanwhile", "stolen"), ("back", "waiting")] {
            assert_eq!(recorder.spans_of(event), [span], "{event}");
        }
    });
}

#[test]
fn install_scopes_and_broadcast_carry_the_context_from_outside_and_from_within() {
    for num_threads in [1, 4] {
        Recorder::record(|recorder| {
            let pool = workers(num_threads);
            let look = || {
                assert_eq!(RUN.get(), Some(7));
                info!("inside");
            };
            let everything = || {
                pool.install(look);
                pool.scope(|s| s.spawn(|s| s.spawn(|_| look())));
                pool.scope_fifo(|s| s.spawn(|s| s.spawn(|_| look())));
                pool.in_place_scope(|s| s.spawn(|s| s.spawn(|_| look())));
                pool.in_place_scope_fifo(|s| s.spawn(|s| s.spawn(|_| look())));
                pool.broadcast(|_| look());
            };
            info_span!("request").in_scope(|| {
                RUN.scope(7, || {
                    everything();
                    pool.install(everything);
                });
            });
            let inside = ("inside".to_owned(), vec!["request".to_owned()]);
            assert_eq!(recorder.events(), vec![inside; 2 * (5 + num_threads)]);
        });
    }
}

/// Goes down by every way of waiting in turn, with a span for each level.
fn descend(pool: &Executor, run: u32, depth: u32) {
    let check = || {
        assert_eq!(RUN.get(), Some(run));
        info!("{run}");
    };
    check();
    if depth > 0 {
        info_span!("level", id = depth).in_scope(|| match depth % 4 {
            0 => _ = pool.join(|| descend(pool, run, depth - 1), || descend(pool, run, depth - 1)),
            1 => pool.scope(|s| {
                for _ in 0..2 {
                    s.spawn(|_| descend(pool, run, depth - 1));
                }
            }),
            2 => {
                let spawn = |_| {
                    let inner = pool.clone();
                    pool.spawn(move || descend(&inner, run, depth - 1))
                };
                for task in [0, 1].map(spawn) {
                    task.join().unwrap();
                }
            }
            _ => {
                let twice = (0..2).into_par_iter().in_context();
                twice.for_each(|_| descend(pool, run, depth - 1));
            }
        });
    }
    check();
}

#[test]
fn sixteen_runs_that_wait_in_every_way_on_eight_threads_mix_up_nothing() {
    Recorder::record(|recorder| {
        let pool = workers(8);
        let start = |run: u32| {
            let inner = pool.clone();
            let span = info_span!("run", id = run);
            span.in_scope(|| RUN.scope(run, || pool.spawn(move || descend(&inner, run, 7))))
        };
        let runs: Vec<_> = (0..16).map(start).collect();
        for run in runs {
            run.join().unwrap();
        }
        let events = recorder.events();
        assert_eq!(events.len(), 16 * 2 * 255);
        for (message, spans) in events {
            assert_eq!(spans[0], format!("run-{message}"));
            let levels: Vec<_> = (1..=7).rev().map(|level| format!("level-{level}")).collect();
            assert_eq!(spans[1..], levels[..spans.len() - 1]);
        }
        assert!(pool.broadcast(|_| RUN.get()).iter().all(Option::is_none));
    });
}
