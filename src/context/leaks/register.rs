//! Which captures are alive, and who is told of leaks.

use std::collections::BTreeMap;
use std::panic::Location;
use std::sync::Arc;

use super::super::frame::run_clean;
use super::super::unwind::quietly;
use super::{Kind, Leak, LiveSnapshot, Origin, Watched};
use crate::sync::Mutex;

pub(crate) type LeakHandler = Arc<dyn Fn(&Leak) + Send + Sync>;

/// Who is told of the leaks of one executor, and what is alive of its captures.
pub(crate) struct LeakWatch {
    handler: LeakHandler,
    register: Mutex<Register>,
}

#[derive(Default)]
struct Register {
    entered: u64,
    live: BTreeMap<u64, LiveSnapshot>,
}

impl LeakWatch {
    pub(crate) fn new(handler: LeakHandler) -> Arc<Self> {
        Arc::new(Self { handler, register: Mutex::default() })
    }

    /// Calls the handler where nothing of a task is to be seen. Its panic goes no
    /// further.
    pub(super) fn tell(&self, leak: Leak) {
        quietly(|| run_clean(|| quietly(|| (self.handler)(&leak))));
    }

    /// Watches a capture that is taken now.
    pub(in crate::context) fn watch(
        self: &Arc<Self>,
        task: Option<&str>,
        at: &'static Location<'static>,
        is_by_hand: bool,
    ) -> Watched {
        let origin = Origin { task: task.map(str::to_owned), at };
        let live = LiveSnapshot { origin: origin.clone(), is_by_hand };
        let mut register = self.register.lock();
        register.entered += 1;
        let number = register.entered;
        register.live.insert(number, live);
        drop(register);
        Watched { watch: self.clone(), entry: Entry { watch: self.clone(), number, origin } }
    }

    /// What is alive, the oldest first.
    pub(crate) fn live(&self) -> Vec<LiveSnapshot> {
        self.register.lock().live.values().cloned().collect()
    }

    /// Tells of the snapshots that were taken by hand and are alive.
    pub(crate) fn tell_of_survivors(&self) {
        for LiveSnapshot { origin, is_by_hand } in self.live() {
            if is_by_hand {
                self.tell(Leak { kind: Kind::Snapshot, origin });
            }
        }
    }
}

/// An entry in the register, until dropped.
pub(super) struct Entry {
    watch: Arc<LeakWatch>,
    number: u64,
    origin: Origin,
}

impl Entry {
    pub(super) fn origin(&self) -> &Origin {
        &self.origin
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        let ended = self.watch.register.lock().live.remove(&self.number);
        // Not under the lock.
        drop(ended);
    }
}
