//! The executor: everything carried, a key and the span; and nothing.

use entourage::{Executor, Propagation, context_key};

use super::{rayon, traced};
use crate::way::{Seen, Way, Who};

context_key! { static CALLER: Who = propagate; }

fn executor(threads: usize, propagation: Propagation) -> Executor {
    let executor = Executor::builder().num_threads(threads).propagation(propagation).build();
    executor.expect("the system starts threads")
}

fn seen_by_key() -> Seen {
    CALLER.get().map_or(Seen::Nobody, Seen::Caller)
}

#[derive(Clone)]
pub(crate) struct On(Executor);

impl Way for On {
    const NAME: &'static str = "entourage, a key and the span";
    type Taken = ();

    fn start(threads: usize) -> Self {
        Self(executor(threads, Propagation::all()))
    }

    fn call_as<R>(&self, who: Who, f: impl FnOnce() -> R) -> R {
        CALLER.scope(who, || traced::call_as(who, f))
    }

    fn take(&self) {}

    fn submit(&self, (): &(), task: impl FnOnce() + Send + 'static) {
        self.0.spawn_detached(task);
    }

    fn seen(&self) -> Seen {
        // By the key and by the span, which must be of one mind.
        let by_key = seen_by_key();
        if by_key == traced::seen() { by_key } else { Seen::Mixed }
    }

    fn leak(&self, who: Who) {
        // A key is set for the length of a closure: only the span can be leaked.
        traced::leak(who);
    }

    fn give_way(&self) -> bool {
        rayon::give_way()
    }
}

#[derive(Clone)]
pub(crate) struct Off(Executor);

impl Way for Off {
    const NAME: &'static str = "entourage, propagation off";
    type Taken = ();

    fn start(threads: usize) -> Self {
        Self(executor(threads, Propagation::off()))
    }

    fn call_as<R>(&self, who: Who, f: impl FnOnce() -> R) -> R {
        CALLER.scope(who, || traced::call_as(who, f))
    }

    fn take(&self) {}

    fn submit(&self, (): &(), task: impl FnOnce() + Send + 'static) {
        self.0.spawn_detached(task);
    }

    fn seen(&self) -> Seen {
        // By either, for nothing at all is to be seen.
        if seen_by_key() == Seen::Nobody { traced::seen() } else { seen_by_key() }
    }

    fn leak(&self, who: Who) {
        traced::leak(who);
    }

    fn give_way(&self) -> bool {
        rayon::give_way()
    }
}
