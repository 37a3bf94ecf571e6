//! The programs themselves, run on an executor.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Mutex, mpsc};

use entourage::{Executor, JoinHandle, ParallelIteratorExt, Scope, Snapshot, suppress};
use rayon::iter::{IndexedParallelIterator, IntoParallelIterator, ParallelIterator};
use tracing::dispatcher::{Dispatch, get_default, with_default};
use tracing::{Span, info_span};
use tracing_subscriber::Registry;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;

use crate::expected::{Path, State, below};
use crate::tree::{PLAIN, PROBE, Policy, ScopeKind, ScopeTask, Step, Which};

/// What was seen at each place.
pub(crate) type Seen = BTreeMap<Path, Vec<State>>;

/// Says which subscriber it belongs to.
struct Number(u8);

impl<S: tracing::Subscriber> Layer<S> for Number {}

pub(crate) fn numbered(number: u8) -> impl tracing::Subscriber + Send + Sync {
    tracing_subscriber::registry().with(Number(number))
}

/// What is current on this thread.
pub(crate) fn look() -> State {
    let lineage = |(id, dispatch): (&tracing::Id, &Dispatch)| {
        let span = dispatch.downcast_ref::<Registry>()?.span(id)?;
        let number = |name: &str| name.parse().expect("spans are named by numbers");
        Some(span.scope().from_root().map(|span| number(span.name())).collect())
    };
    State {
        keys: Which::ALL.map(|which| which.key().get()),
        spans: Span::current().with_subscriber(lineage).flatten().unwrap_or_default(),
        subscriber: get_default(|it| it.downcast_ref::<Number>().map_or(u8::MAX, |n| n.0)),
        is_suppressed: PROBE.scope((), || Snapshot::capture().is_empty()),
    }
}

/// Runs `steps` on `pool` and returns what was seen, when all of it is over.
pub(crate) fn run(pool: &Executor, steps: &[Step]) -> Seen {
    let (ticket, all_over) = mpsc::channel();
    let act = Act { pool: pool.clone(), seen: Arc::default(), _ticket: ticket };
    let seen = act.seen.clone();
    caught(|| act.run(&Path::new(), steps));
    drop(act);
    // Every task holds a ticket until it is over, awaited or not.
    assert!(all_over.recv().is_err());
    std::mem::take(&mut *seen.lock().unwrap())
}

#[derive(Clone)]
struct Act {
    pool: Executor,
    seen: Arc<Mutex<Seen>>,
    _ticket: mpsc::Sender<()>,
}

/// What `Step::Panic` throws, past the panic hook.
struct Thrown;

/// Runs `f`, which may throw `Thrown` and nothing else.
fn caught(f: impl FnOnce()) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(f))
        && !payload.is::<Thrown>()
    {
        resume_unwind(payload);
    }
}

impl Act {
    fn look(&self, path: &Path) {
        let state = look();
        self.seen.lock().unwrap().entry(path.clone()).or_default().push(state);
    }

    fn run(&self, path: &Path, steps: &[Step]) {
        let mut handles = Vec::new();
        for (at, step) in (0..).zip(steps) {
            let path = below(path, at);
            self.look(&path);
            self.step(&path, step, &mut handles);
        }
        for handle in handles {
            if let Err(error) = handle.join() {
                let payload = error.into_panic().expect("nobody waits in a circle");
                assert!(payload.is::<Thrown>());
            }
        }
        self.look(&below(path, u8::MAX));
    }

    fn step(&self, path: &Path, step: &Step, handles: &mut Vec<JoinHandle<()>>) {
        match step {
            // Off a worker there is nothing to take up.
            Step::Steal => _ = rayon::yield_now(),
            Step::Panic => resume_unwind(Box::new(Thrown)),
            Step::Set(which, value, body) => which.key().scope(*value, || self.run(path, body)),
            Step::Clear(which, body) => which.key().cleared(|| self.run(path, body)),
            Step::Span(number, body) => span(*number).in_scope(|| self.run(path, body)),
            Step::Subscriber(number, body) => {
                with_default(&Dispatch::new(numbered(*number)), || self.run(path, body));
            }
            Step::Suppress(body) => suppress(|| self.run(path, body)),
            Step::Spawn(policy, body) => {
                let (act, path, body) = (self.clone(), path.clone(), body.clone());
                handles.push(self.by(*policy).spawn(move || act.run(&path, &body)));
            }
            Step::Detached(policy, body) => {
                let (act, path, body) = (self.clone(), path.clone(), body.clone());
                self.by(*policy).spawn_detached(move || act.run(&path, &body));
            }
            Step::Install(policy, body) => {
                caught(|| self.by(*policy).install(|| self.run(path, body)));
            }
            Step::Join(policy, a, b) => caught(|| {
                let run = |at, half| self.run(&below(path, at), half);
                self.by(*policy).join(|| run(0, a), || run(1, b));
            }),
            Step::Scope(policy, kind, tasks) => caught(|| {
                let pool = self.by(*policy);
                match kind {
                    ScopeKind::Lifo => pool.scope(|s| self.scope(path, s, tasks)),
                    ScopeKind::Fifo => pool.scope_fifo(|s| self.scope(path, s, tasks)),
                    ScopeKind::InPlace => pool.in_place_scope(|s| self.scope(path, s, tasks)),
                    ScopeKind::InPlaceFifo => {
                        pool.in_place_scope_fifo(|s| self.scope(path, s, tasks))
                    }
                }
            }),
            Step::ParIter(policy, items, body) => {
                let pool = self.by(*policy);
                pool.install(|| {
                    let items = (0..*items).into_par_iter().with_max_len(1);
                    let each = |item| caught(|| self.run(&below(path, item), body));
                    items.in_snapshot(pool.snapshot()).for_each(each);
                });
            }
        }
    }

    fn scope<'s>(&'s self, path: &'s Path, scope: &Scope<'_, 's>, tasks: &'s [ScopeTask]) {
        for (at, ScopeTask { under, body }) in (0..).zip(tasks) {
            let run = move || self.run(&below(path, at), body);
            let spawn = || {
                if at % 2 == 0 {
                    scope.spawn(move |_| run());
                } else {
                    scope.spawn(move |scope| scope.spawn(move |_| run()));
                }
            };
            match under {
                Some(value) => PLAIN.scope(*value, spawn),
                None => spawn(),
            }
        }
        self.look(&below(path, u8::MAX));
    }

    fn by(&self, policy: Policy) -> Executor {
        self.pool.with_propagation(policy.propagation()).unwrap()
    }
}

fn span(number: u8) -> Span {
    match number {
        0 => info_span!("0"),
        1 => info_span!("1"),
        2 => info_span!("2"),
        _ => info_span!("3"),
    }
}
