//! The accessor under test, and how to set and read what it carries.

use std::fmt::Debug;
use std::sync::Arc;
use std::{panic, thread};

use crate::{Accessor, Executor, ExecutorBuilder};

type With<V> = dyn Fn(V, &mut dyn FnMut()) + Send + Sync;
type Get<V> = dyn Fn() -> Option<V> + Send + Sync;
type Leave<V> = dyn Fn(V) + Send + Sync;

/// An accessor under test; a clone is the same one.
pub struct Subject<A: 'static, V> {
    pub(super) accessor: &'static A,
    values: [V; 2],
    with: Arc<With<V>>,
    get: Arc<Get<V>>,
    leave: Option<Arc<Leave<V>>>,
}

impl<A, V: Clone> Clone for Subject<A, V> {
    fn clone(&self) -> Self {
        Self {
            accessor: self.accessor,
            values: self.values.clone(),
            with: self.with.clone(),
            get: self.get.clone(),
            leave: self.leave.clone(),
        }
    }
}

impl<A, V> Subject<A, V>
where
    A: Accessor,
    V: Clone + PartialEq + Debug + Send + Sync + 'static,
{
    /// As the arguments of `accessor_conformance!` have it.
    pub fn new(
        accessor: &'static A,
        values: [V; 2],
        with: impl Fn(V, &mut dyn FnMut()) + Send + Sync + 'static,
        get: impl Fn() -> Option<V> + Send + Sync + 'static,
    ) -> Self {
        assert_ne!(values[0], values[1], "the two `values` must differ");
        Self { accessor, values, with: Arc::new(with), get: Arc::new(get), leave: None }
    }

    /// With a way to change the thread-local for good.
    #[must_use]
    pub fn leaving(self, leave: impl Fn(V) + Send + Sync + 'static) -> Self {
        Self { leave: Some(Arc::new(leave)), ..self }
    }

    pub(super) fn first(&self) -> V {
        self.values[0].clone()
    }

    pub(super) fn second(&self) -> V {
        self.values[1].clone()
    }

    /// What is current on this thread.
    pub(super) fn get(&self) -> Option<V> {
        (self.get)()
    }

    /// Runs `body` with `value` current. A panic of `body` does not unwind through
    /// the user's `with`.
    pub(super) fn with<R>(&self, value: V, body: impl FnOnce() -> R) -> R {
        let (mut body, mut answer) = (Some(body), None);
        (self.with)(value, &mut || {
            let body = body.take().expect("`with` calls its body once");
            answer = Some(panic::catch_unwind(panic::AssertUnwindSafe(body)));
        });
        let answer = answer.expect("`with` calls its body");
        answer.unwrap_or_else(|payload| panic::resume_unwind(payload))
    }

    /// Changes the thread-local as far as code can that does not change it back.
    pub(super) fn write(&self, value: V) {
        match &self.leave {
            Some(leave) => leave(value),
            None => self.with(value, || ()),
        }
    }

    #[track_caller]
    pub(super) fn expect(&self, expected: Option<V>, when: &str) {
        assert_eq!(self.get(), expected, "what is current {when}");
    }

    /// A pool on which what is stolen, and by whom, leaves no choice.
    pub(super) fn one_worker(&self) -> ExecutorBuilder {
        Executor::builder().num_threads(1).accessor(self.accessor)
    }
}

/// Runs `f` on a thread that nobody has set anything on.
pub(super) fn on_new_thread<R: Send>(f: impl FnOnce() -> R + Send) -> R {
    let ended = thread::scope(|threads| threads.spawn(f).join());
    ended.unwrap_or_else(|payload| panic::resume_unwind(payload))
}
