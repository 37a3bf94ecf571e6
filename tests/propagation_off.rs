//! With propagation off a task carries nothing and is shown nothing.

#[expect(dead_code, reason = "each test file needs some of the helpers")]
mod support;

use std::sync::mpsc;

use entourage::{Executor, ParallelIteratorExt, Propagation, Scope, suppress};
use rayon::prelude::*;
use support::recorder::Recorder;
use support::spy::{Spy, local, with_local};
use support::{one_worker, panic_of, steal_one};
use tracing::{Span, info, info_span};

entourage::context_key! { static TENANT: u32 = propagate; }

/// The same workers, once with propagation on and once off.
fn on_and_off() -> (Executor, Executor) {
    let spy = Spy::on("locale").leak();
    let on = Executor::builder().num_threads(1).accessor(spy).build().unwrap();
    let off = on.with_propagation(Propagation::off()).unwrap();
    (on, off)
}

/// What a task could see of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Seen {
    tenant: Option<u32>,
    locale: Option<u32>,
    has_span: bool,
}

const NOTHING: Seen = Seen { tenant: None, locale: None, has_span: false };

fn look() -> Seen {
    let has_span = !Span::current().is_none();
    Seen { tenant: TENANT.get(), locale: local("locale"), has_span }
}

/// Runs `f` with something to be seen of every kind.
fn dressed<R>(f: impl FnOnce() -> R) -> R {
    info_span!("dressed").in_scope(|| with_local("locale", 1, || TENANT.scope(1, f)))
}

const DRESSED: Seen = Seen { tenant: Some(1), locale: Some(1), has_span: true };

#[test]
fn off_takes_no_snapshot() {
    Recorder::record(|_| {
        let (_, off) = on_and_off();
        dressed(|| {
            off.spawn(|| ()).join().unwrap();
            off.scope(|s| s.spawn(|_| ()));
            off.join(|| (), || ());
            off.install(|| ());
            off.broadcast(|_| ());
            off.spawn_detached(|| ());
            off.spawn_fifo(|| ()).join().unwrap();
            off.task("named").spawn(|| ()).join().unwrap();
            off.scope_fifo(|s| s.spawn(|s| s.spawn(|_| ())));
            off.in_place_scope(|s| s.spawn(|_| ()));
            off.in_place_scope_fifo(|s| s.spawn(|_| ()));
            assert!(off.snapshot().is_empty());
        });
        assert_eq!(off.stats().snapshots, 0);
    });
}

/// Makes a task on the only worker wait, dressed, calls `submit` with the two
/// executors meanwhile, and returns what the one job that this submits saw.
fn stolen_while_dressed(submit: impl FnOnce(&Executor, mpsc::Sender<Seen>)) -> Seen {
    Recorder::record(|_| {
        let (on, off) = on_and_off();
        let (tell, told) = mpsc::channel();
        let (begin, begun) = mpsc::channel();
        let waiting = dressed(|| {
            on.spawn(move || {
                begin.send(()).unwrap();
                steal_one();
                look()
            })
        });
        // A broadcast would otherwise overtake it.
        begun.recv().unwrap();
        submit(&off, tell);
        // Whatever it stole, the waiting task has its own again.
        assert_eq!(waiting.join().unwrap(), DRESSED);
        told.recv().unwrap()
    })
}

#[test]
fn off_job_stolen_inside_an_on_job_sees_nothing_of_it_by_any_entry_from_outside() {
    type Entry = fn(&Executor, mpsc::Sender<Seen>);
    let entries: [(&str, Entry); 7] = [
        ("spawn", |off, tell| off.spawn(move || tell.send(look()).unwrap()).join().unwrap()),
        ("spawn_fifo", |off, tell| {
            off.spawn_fifo(move || tell.send(look()).unwrap()).join().unwrap()
        }),
        ("task", |off, tell| {
            off.task("named").spawn(move || tell.send(look()).unwrap()).join().unwrap();
        }),
        ("spawn_detached", |off, tell| off.spawn_detached(move || tell.send(look()).unwrap())),
        ("install", |off, tell| tell.send(off.install(look)).unwrap()),
        ("broadcast", |off, tell| tell.send(off.broadcast(|_| look())[0]).unwrap()),
        ("join", |off, tell| tell.send(off.join(look, || ()).0).unwrap()),
    ];
    for (name, entry) in entries {
        assert_eq!(stolen_while_dressed(entry), NOTHING, "{name}");
    }
}

#[test]
fn off_job_stolen_inside_an_on_job_sees_nothing_of_it_by_any_scope_from_outside() {
    // The body of a scope runs on the worker, too, except in place.
    let scoped =
        |off: &Executor, tell: mpsc::Sender<Seen>| tell.send(off.scope(|_| look())).unwrap();
    assert_eq!(stolen_while_dressed(scoped), NOTHING);
    let fifo =
        |off: &Executor, tell: mpsc::Sender<Seen>| tell.send(off.scope_fifo(|_| look())).unwrap();
    assert_eq!(stolen_while_dressed(fifo), NOTHING);
    let in_place = |off: &Executor, tell: mpsc::Sender<Seen>| {
        off.in_place_scope(|s| s.spawn(move |_| tell.send(look()).unwrap()));
    };
    assert_eq!(stolen_while_dressed(in_place), NOTHING);
    let in_place_fifo = |off: &Executor, tell: mpsc::Sender<Seen>| {
        off.in_place_scope_fifo(|s| s.spawn(move |_| tell.send(look()).unwrap()));
    };
    assert_eq!(stolen_while_dressed(in_place_fifo), NOTHING);
}

/// Runs `f` on the only worker in a dressed task of the executor that is on.
fn within_a_dressed_task<R: Send + 'static>(f: impl FnOnce(&Executor) -> R + Send + 'static) -> R {
    Recorder::record(|_| {
        let (on, off) = on_and_off();
        let task = dressed(|| {
            on.spawn(move || {
                let answer = f(&off);
                assert_eq!(look(), DRESSED);
                answer
            })
        });
        task.join().unwrap()
    })
}

#[test]
fn off_scope_inside_an_on_job_runs_its_tasks_with_nothing_to_be_seen() {
    type Open = fn(&Executor, &(dyn Fn(&Scope<'_, '_>) + Sync));
    let kinds: [Open; 4] = [
        |off, body| off.scope(|s| body(s)),
        |off, body| off.scope_fifo(|s| body(s)),
        |off, body| off.in_place_scope(|s| body(s)),
        |off, body| off.in_place_scope_fifo(|s| body(s)),
    ];
    for open in kinds {
        let (tell, told) = mpsc::channel();
        within_a_dressed_task(move |off| {
            open(off, &|s: &Scope<'_, '_>| {
                // The body is the dressed task itself, running on in place.
                assert_eq!(look(), DRESSED);
                let (stolen, waited_for) = (tell.clone(), tell.clone());
                s.spawn(move |_| stolen.send(look()).unwrap());
                steal_one();
                s.spawn(move |_| waited_for.send(look()).unwrap());
                assert_eq!(look(), DRESSED);
            });
        });
        assert_eq!(told.iter().collect::<Vec<_>>(), [NOTHING; 2]);
    }
}

#[test]
fn off_scope_whose_body_panics_dresses_the_task_again() {
    within_a_dressed_task(|off| {
        let text = panic_of(|| {
            off.scope(|s| {
                s.spawn(|_| assert_eq!(look(), NOTHING));
                panic!("in the body");
            })
        });
        assert_eq!(text, "in the body");
    });
}

#[test]
fn second_half_of_an_off_join_that_migrates_sees_nothing() {
    let seen = within_a_dressed_task(|off| {
        // The first half waits and so takes the second away from the join.
        off.join(steal_one, look).1
    });
    assert_eq!(seen, NOTHING);
}

#[test]
fn parallel_iterator_in_the_snapshot_of_an_executor_that_is_off_sees_nothing() {
    let seen = within_a_dressed_task(|off| {
        let leaves = (0..4).into_par_iter().in_snapshot(off.snapshot());
        leaves.map(|_| look()).collect::<Vec<_>>()
    });
    assert_eq!(seen, [NOTHING; 4]);
}

#[test]
fn on_job_inside_an_off_job_gets_its_own_context() {
    Recorder::record(|recorder| {
        let (on, off) = on_and_off();
        let task = off.spawn(move || {
            let inner = TENANT.scope(2, || on.spawn(|| TENANT.get()));
            inner.join().unwrap()
        });
        assert_eq!(task.join().unwrap(), Some(2));

        // And one that is stolen there rather than submitted there.
        let (on, off) = on_and_off();
        let waiting = off.spawn(|| {
            steal_one();
            look()
        });
        let stolen = dressed(|| {
            on.spawn(|| {
                info!("stolen");
                look()
            })
        });
        assert_eq!(stolen.join().unwrap(), DRESSED);
        assert_eq!(waiting.join().unwrap(), NOTHING);
        assert_eq!(recorder.spans_of("stolen"), ["dressed"]);
    });
}

#[test]
fn off_task_stolen_inside_an_off_task_does_not_see_what_that_one_set() {
    let (_, off) = on_and_off();
    let waiting = off.spawn(|| {
        TENANT.scope(1, || {
            steal_one();
            TENANT.get()
        })
    });
    let stolen = off.spawn(|| TENANT.get());
    assert_eq!((stolen.join().unwrap(), waiting.join().unwrap()), (None, Some(1)));
}

#[test]
fn off_task_stolen_by_a_bare_job_does_not_see_the_key_it_has_set() {
    let (_, off) = on_and_off();
    let (tell, told) = mpsc::channel();
    off.rayon_pool().spawn(|| TENANT.scope(1, steal_one));
    off.spawn_detached(move || tell.send(TENANT.get()).unwrap());
    assert_eq!(told.recv().unwrap(), None);
}

#[test]
fn suppression_nests_and_ends_with_its_closure() {
    let pool = one_worker();
    let seen = || pool.spawn(|| TENANT.get()).join().unwrap();
    TENANT.scope(1, || {
        suppress(|| {
            suppress(|| assert_eq!(seen(), None));
            assert_eq!(seen(), None);
            // What is current here stays: it is only not carried.
            assert_eq!(TENANT.get(), Some(1));
        });
        assert_eq!(seen(), Some(1));
    });
}

#[test]
fn suppression_ends_with_a_panic() {
    let pool = one_worker();
    TENANT.scope(1, || {
        assert_eq!(panic_of(|| suppress(|| panic!("suppressed"))), "suppressed");
        assert_eq!(pool.spawn(|| TENANT.get()).join().unwrap(), Some(1));
    });
}

#[test]
fn suppression_holds_in_a_scope_that_had_captured_before() {
    let pool = one_worker();
    let (tell, told) = mpsc::channel();
    TENANT.scope(1, || {
        pool.in_place_scope(|s| {
            let (first, second) = (tell.clone(), tell);
            s.spawn(move |_| first.send(TENANT.get()).unwrap());
            suppress(|| s.spawn(move |_| second.send(TENANT.get()).unwrap()));
        });
    });
    let mut seen: Vec<_> = told.iter().collect();
    seen.sort();
    assert_eq!(seen, [None, Some(1)]);
}

#[test]
fn suppression_does_not_leak_into_a_task_that_is_stolen_under_it() {
    for policy in [Propagation::all(), Propagation::off()] {
        let on = one_worker();
        let pool = on.with_propagation(policy).unwrap();
        let submits = || {
            let on = on.clone();
            move || TENANT.scope(2, || on.spawn(|| TENANT.get())).join().unwrap()
        };
        let waiting = on.spawn(|| suppress(steal_one));
        assert_eq!(pool.spawn(submits()).join().unwrap(), Some(2));
        waiting.join().unwrap();
        // Under that of a job that no executor knows of, too.
        on.rayon_pool().spawn(|| suppress(steal_one));
        assert_eq!(pool.spawn(submits()).join().unwrap(), Some(2));
    }
}

#[test]
fn one_run_is_off_while_others_on_the_same_workers_are_on() {
    let on = support::workers(4);
    let off = on.with_propagation(Propagation::off()).unwrap();
    let runs: Vec<_> = (0..400)
        .map(|n| {
            let is_off = n % 4 == 0;
            let pool = if is_off { &off } else { &on };
            (TENANT.scope(n, || pool.spawn(|| TENANT.get())), (!is_off).then_some(n))
        })
        .collect();
    for (task, expected) in runs {
        assert_eq!(task.join().unwrap(), expected);
    }
    // The two count together.
    assert_eq!(off.stats().snapshots, 300);
}
