//! The token that calls work off.
//!
//! A token is a flag and a list of those who want to hear of it: callbacks, and
//! the tokens made from it. Flag and list change under one lock, so whoever adds
//! himself either finds the flag set or is on the list that is told. The calls
//! themselves are made outside of it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use crate::context::{Key, KeyPolicy, quietly};
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::{Condvar, Mutex};

/// The token that calls off the current work, set in every node of a run that can
/// be called off, and in every node with a timeout.
///
/// ```
/// use entourage::{
///     CANCEL, CancelToken, Catalog, Data, Pipeline, RunOptions, SequentialRunner, node,
/// };
///
/// const SEEN: Data<bool> = Data::memory("seen");
///
/// let see = || CANCEL.with(|token| token.is_some_and(|token| !token.is_cancelled()));
/// let pipeline = Pipeline::new([node(see).reads(()).writes(SEEN).named("see")])?;
/// let options = RunOptions::new().cancel_token(CancelToken::new());
/// let mut report = SequentialRunner::new().run(&pipeline, &Catalog::empty(), options)?;
/// assert_eq!(report.take_output(&SEEN), Some(true));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub static CANCEL: Key<CancelToken> = Key::new("entourage::CANCEL", KeyPolicy::Propagate).shown();

/// Calls work off: a run's, or whatever asks it.
///
/// Clones are one token. Once cancelled it stays so. A run that is given one
/// ([`RunOptions::cancel_token`](crate::RunOptions::cancel_token)) starts no
/// further node after that; a node that runs is not interrupted, but can ask:
///
/// ```
/// use entourage::{CancelToken, Cancelled};
///
/// fn sum(rows: &[u64]) -> Result<u64, Cancelled> {
///     let token = CancelToken::current();
///     let mut sum = 0;
///     for chunk in rows.chunks(1_000) {
///         token.check()?;
///         sum += chunk.iter().sum::<u64>();
///     }
///     Ok(sum)
/// }
///
/// assert_eq!(sum(&[1, 2, 3]), Ok(6));
/// ```
///
/// A node that ends with the error [`Cancelled`] once it was called off has the
/// fate [`Cancelled`](crate::Fate::Cancelled), and has not failed.
#[derive(Clone)]
pub struct CancelToken {
    shared: Arc<Shared>,
}

struct Shared {
    is_cancelled: AtomicBool,
    listeners: Mutex<Listeners>,
    parent: Option<Place>,
}

#[derive(Default)]
struct Listeners {
    next: u64,
    /// In the order in which they came.
    all: BTreeMap<u64, Listener>,
}

enum Listener {
    Child(Weak<Shared>),
    Call(Box<dyn FnOnce() + Send>),
}

/// Where on whose list somebody is.
struct Place {
    list: Arc<Shared>,
    key: u64,
}

/// Work was called off: what [`CancelToken::check`] answers then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cancelled")]
pub struct Cancelled;

impl CancelToken {
    /// A token that nobody has cancelled.
    pub fn new() -> Self {
        Self::with_parent(None)
    }

    /// The token of the node, or of whatever else the caller is in; where there
    /// is none, one that nobody else has.
    pub fn current() -> Self {
        CANCEL.get().unwrap_or_default()
    }

    /// A token that is cancelled with this one, and can be without it.
    ///
    /// ```
    /// use entourage::CancelToken;
    /// let all = CancelToken::new();
    /// let (one, other) = (all.child(), all.child());
    /// one.cancel();
    /// assert!(one.is_cancelled() && !other.is_cancelled() && !all.is_cancelled());
    /// all.cancel();
    /// assert!(other.is_cancelled());
    /// ```
    #[must_use = "a child does nothing by itself"]
    pub fn child(&self) -> Self {
        let child = |place| {
            let token = Self::with_parent(place);
            let listener = Listener::Child(Arc::downgrade(&token.shared));
            (token, listener)
        };
        let mut listeners = self.shared.listeners.lock();
        if self.is_cancelled() {
            drop(listeners);
            let (token, _) = child(None);
            token.cancel();
            return token;
        }
        let key = listeners.next_key();
        let (token, listener) = child(Some(Place { list: self.shared.clone(), key }));
        listeners.all.insert(key, listener);
        token
    }

    fn with_parent(parent: Option<Place>) -> Self {
        let listeners = Mutex::new(Listeners::default());
        Self {
            shared: Arc::new(Shared { is_cancelled: AtomicBool::new(false), listeners, parent }),
        }
    }

    /// Cancels this token and all that were made from it, and calls whoever asked
    /// to be. Whether this call did it: a second one does nothing.
    pub fn cancel(&self) -> bool {
        let Some(mut called) = self.shared.set() else { return false };
        let mut calls = Vec::new();
        // All are set before the first is called, so that whoever is called finds
        // every one of them as it will be.
        while let Some(listener) = called.pop() {
            match listener {
                Listener::Call(call) => calls.push(call),
                Listener::Child(child) => {
                    let listeners = child.upgrade().and_then(|child| child.set());
                    called.extend(listeners.unwrap_or_default());
                }
            }
        }
        calls.into_iter().for_each(quietly);
        true
    }

    /// Whether it is cancelled. Costs one load.
    pub fn is_cancelled(&self) -> bool {
        // Acquire: whoever sees it sees what led to it.
        self.shared.is_cancelled.load(Ordering::Acquire)
    }

    /// As [`is_cancelled`](Self::is_cancelled), for the question mark.
    ///
    /// # Errors
    ///
    /// If it is cancelled.
    pub fn check(&self) -> Result<(), Cancelled> {
        if self.is_cancelled() { Err(Cancelled) } else { Ok(()) }
    }

    /// Calls `f` once, when the token is cancelled: on the thread that cancels
    /// it, or here and now if it is already. `f` should be quick. Its panic goes
    /// no further than the panic hook.
    ///
    /// ```
    /// use std::sync::mpsc;
    /// use entourage::CancelToken;
    ///
    /// let (tell, told) = mpsc::channel();
    /// let token = CancelToken::new();
    /// let _listening = token.on_cancel(move || tell.send("called off").unwrap());
    /// token.cancel();
    /// assert_eq!(told.recv(), Ok("called off"));
    /// ```
    pub fn on_cancel(&self, f: impl FnOnce() + Send + 'static) -> Listening {
        let mut listeners = self.shared.listeners.lock();
        if self.is_cancelled() {
            drop(listeners);
            quietly(f);
            return Listening(None);
        }
        let key = listeners.next_key();
        listeners.all.insert(key, Listener::Call(Box::new(f)));
        Listening(Some(Place { list: self.shared.clone(), key }))
    }

    /// Sleeps for as long as `timeout`, but not longer than until it is
    /// cancelled; whether it is.
    pub fn wait_for(&self, timeout: Duration) -> bool {
        let gate = Arc::new((Mutex::new(self.is_cancelled()), Condvar::new()));
        let opened = gate.clone();
        let _listening = self.on_cancel(move || {
            *opened.0.lock() = true;
            opened.1.notify_one();
        });
        // An end that no clock will show is none.
        let until = Instant::now().checked_add(timeout);
        let mut is_open = gate.0.lock();
        while !*is_open {
            match until.map(|until| until.saturating_duration_since(Instant::now())) {
                None => gate.1.wait(&mut is_open),
                Some(Duration::ZERO) => break,
                Some(left) => _ = gate.1.wait_for(&mut is_open, left),
            }
        }
        *is_open
    }

    /// A future that is ready when the token is cancelled.
    pub fn cancelled(&self) -> super::UntilCancelled {
        super::UntilCancelled::new(self.clone())
    }
}

impl Listeners {
    fn next_key(&mut self) -> u64 {
        self.next += 1;
        self.next
    }
}

impl Shared {
    /// Sets the flag; those who are to hear of it, last first, if that is new.
    fn set(&self) -> Option<Vec<Listener>> {
        let mut listeners = self.listeners.lock();
        if self.is_cancelled.swap(true, Ordering::Release) {
            return None;
        }
        Some(std::mem::take(&mut listeners.all).into_values().rev().collect())
    }
}

impl Drop for Shared {
    /// Leaves the parent's list. A line of descendants goes one after the other,
    /// not one inside the other.
    fn drop(&mut self) {
        let mut parent = self.parent.take();
        while let Some(Place { list, key }) = parent {
            let left = list.listeners.lock().all.remove(&key);
            drop(left);
            parent = Arc::into_inner(list).and_then(|mut shared| shared.parent.take());
        }
    }
}

/// Somebody who is called when a token is cancelled, until this is dropped.
///
/// A call that has begun on another thread is not waited for.
#[must_use = "dropped, it is not called"]
pub struct Listening(Option<Place>);

impl Listening {
    /// Leaves the call in place for as long as the token lives.
    pub fn forever(mut self) {
        self.0 = None;
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        if let Some(Place { list, key }) = self.0.take() {
            // Outside the lock, for it is the user's.
            let call = list.listeners.lock().all.remove(&key);
            quietly(|| drop(call));
        }
    }
}

impl Default for CancelToken {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for CancelToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_cancelled = self.is_cancelled();
        f.debug_struct("CancelToken").field("is_cancelled", &is_cancelled).finish_non_exhaustive()
    }
}

impl fmt::Debug for Listening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Listening")
    }
}
