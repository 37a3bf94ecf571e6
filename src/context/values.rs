//! The immutable set of key-value pairs.

use std::fmt;
use std::panic::{AssertUnwindSafe, Location, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::{ptr, thread};

use super::current;
use super::explain::{Explanation, Reason};
use super::key::{Key, KeyMeta, KeyPolicy, Value};
use super::unwind::discard;

#[derive(Clone)]
struct Entry {
    key: &'static KeyMeta,
    /// Where it was set, or for a slot that was emptied by hand, where that was.
    at: &'static Location<'static>,
    slot: Slot,
}

/// What a context has to say of a key: a value, or why there is none. Of a value
/// that is gone nothing is kept alive.
#[derive(Clone)]
enum Slot {
    Set(Held),
    HeldBack(Reason),
    Removed,
}

/// A value, whose `Drop` may panic: so may that of the next one, in the midst of
/// the first panic, and that would abort.
#[derive(Clone)]
struct Held(Option<Value>);

impl Drop for Held {
    fn drop(&mut self) {
        let value = self.0.take();
        match catch_unwind(AssertUnwindSafe(|| drop(value))) {
            Ok(()) => {}
            Err(payload) if thread::panicking() => discard(payload),
            Err(payload) => resume_unwind(payload),
        }
    }
}

impl Entry {
    /// Keys are statics, so a key's address is its identity, and its order.
    fn order(&self) -> usize {
        order(self.key)
    }

    fn value(&self) -> Option<&Value> {
        match &self.slot {
            Slot::Set(held) => held.0.as_ref(),
            Slot::HeldBack(_) | Slot::Removed => None,
        }
    }

    fn is_set(&self) -> bool {
        self.value().is_some()
    }
}

fn order(key: &'static KeyMeta) -> usize {
    ptr::from_ref(key).addr()
}

/// What a capture asks of a context at each submit, answered once for each
/// context.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Traits {
    /// Whether any key is set at all.
    has_values: bool,
    /// Whether a key is set that is not by itself carried.
    has_homebound: bool,
    /// Whether a key is set that forks.
    has_forks: bool,
}

impl Traits {
    const NONE: Self = Self { has_values: false, has_homebound: false, has_forks: false };

    fn of(entries: &[Entry]) -> Self {
        entries.iter().filter(|entry| entry.is_set()).fold(Self::NONE, |seen, entry| Self {
            has_values: true,
            has_homebound: seen.has_homebound || entry.key.policy != KeyPolicy::Propagate,
            has_forks: seen.has_forks || entry.key.fork.is_some(),
        })
    }
}

/// Whether a context begins with nothing because nothing was to be carried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Barred {
    #[default]
    No,
    Off,
    Suppressed,
}

/// An immutable set of key-value pairs; a clone is one reference count, and
/// the empty one owns no memory.
///
/// ```
/// use entourage::Context;
/// entourage::context_key! {
///     static TENANT: String = propagate;
///     static ATTEMPT: u32 = propagate;
/// }
///
/// let context = Context::current().with(&TENANT, "acme".into()).with(&ATTEMPT, 2);
/// context.scope(|| assert_eq!((TENANT.get().as_deref(), ATTEMPT.get()), (Some("acme"), Some(2))));
/// ```
#[derive(Clone, Default)]
pub struct Context {
    /// Sorted by key address. `None` stands for no entry at all.
    entries: Option<Arc<[Entry]>>,
    traits: Traits,
    barred: Barred,
}

impl Context {
    pub(crate) const EMPTY: Self = Self { entries: None, traits: Traits::NONE, barred: Barred::No };
    /// Empty since propagation was off.
    pub(super) const OFF: Self = Self { barred: Barred::Off, ..Self::EMPTY };
    /// Empty since propagation was suppressed.
    pub(super) const SUPPRESSED: Self = Self { barred: Barred::Suppressed, ..Self::EMPTY };

    /// The context with nothing in it.
    pub const fn empty() -> Self {
        Self::EMPTY
    }

    /// The context that is current on this thread.
    pub fn current() -> Self {
        current::with_context(Context::clone)
    }

    /// Whether no key is set.
    pub fn is_empty(&self) -> bool {
        !self.traits.has_values
    }

    /// How many keys are set.
    pub fn len(&self) -> usize {
        self.as_slice().iter().filter(|entry| entry.is_set()).count()
    }

    /// This context with `key` set to `value`.
    #[must_use = "a context is immutable: `with` returns the changed one"]
    #[track_caller]
    pub fn with<T: Send + Sync + 'static>(&self, key: &'static Key<T>, value: T) -> Self {
        self.with_at(key, value, Location::caller())
    }

    /// As [`with`](Self::with), said to be set at `at`.
    pub(crate) fn with_at<T: Send + Sync + 'static>(
        &self,
        key: &'static Key<T>,
        value: T,
        at: &'static Location<'static>,
    ) -> Self {
        self.with_slot(&key.meta, Slot::Set(Held(Some(Arc::new(value)))), at)
    }

    /// Puts another value in the place of `key`'s, where nobody else has this
    /// context or the value; else gives it back. What was there is dropped here.
    #[cfg(feature = "pipeline")]
    pub(crate) fn replace<T: Send + Sync + 'static>(
        &mut self,
        key: &'static Key<T>,
        value: T,
    ) -> Result<(), T> {
        let place = self.entries.as_mut().and_then(Arc::get_mut).and_then(|entries| {
            let at = entries.binary_search_by_key(&order(&key.meta), Entry::order).ok()?;
            match &mut entries[at].slot {
                Slot::Set(Held(Some(held))) => Arc::get_mut(held)?.downcast_mut(),
                _ => None,
            }
        });
        match place {
            Some(place) => *place = value,
            None => return Err(value),
        }
        Ok(())
    }

    /// This context with `key` not set.
    #[must_use = "a context is immutable: `without` returns the changed one"]
    #[track_caller]
    pub fn without<T: Send + Sync + 'static>(&self, key: &'static Key<T>) -> Self {
        if self.find(&key.meta).is_none() {
            return self.clone();
        }
        self.with_slot(&key.meta, Slot::Removed, Location::caller())
    }

    /// The value of `key` in this context.
    pub fn get<T: Clone + Send + Sync + 'static>(&self, key: &'static Key<T>) -> Option<T> {
        self.find(&key.meta).and_then(|value| value.downcast_ref().cloned())
    }

    /// Where `key` was set, or why it is not.
    ///
    /// ```
    /// use entourage::Context;
    /// entourage::context_key! { static TENANT: String = propagate; }
    ///
    /// let context = Context::empty().with(&TENANT, "acme".into());
    /// let place = context.explain(&TENANT).place().unwrap();
    /// assert_eq!((place.file(), place.line()), (file!(), line!() - 2));
    /// assert!(Context::empty().explain(&TENANT).is_never_set());
    /// ```
    pub fn explain<T: Send + Sync + 'static>(&self, key: &'static Key<T>) -> Explanation {
        self.explain_meta(&key.meta)
    }

    pub(crate) fn explain_meta(&self, key: &'static KeyMeta) -> Explanation {
        let Some(Entry { at, slot, .. }) = self.entry(key) else {
            return match self.bar() {
                None => Explanation::never_set(key.name),
                Some(reason) => Explanation::held_back(key.name, None, reason),
            };
        };
        match slot {
            Slot::Set(_) => Explanation::set(key.name, at),
            Slot::Removed => Explanation::removed(key.name, at),
            Slot::HeldBack(reason) => Explanation::held_back(key.name, Some(at), reason.clone()),
        }
    }

    /// Whether nothing at all was carried when this context began.
    pub(super) fn is_barred(&self) -> bool {
        self.barred != Barred::No
    }

    /// Why nothing at all was carried when this context began.
    pub(super) fn bar(&self) -> Option<Reason> {
        match self.barred {
            Barred::No => None,
            Barred::Off => Some(Reason::Off),
            Barred::Suppressed => Some(Reason::Suppressed),
        }
    }

    /// Runs `f` with this context current on this thread, then restores what
    /// was, also when `f` panics.
    pub fn scope<R>(self, f: impl FnOnce() -> R) -> R {
        current::with_replaced(self, f)
    }

    /// Whether there is nothing to carry, not even a word on why.
    pub(crate) fn has_no_entries(&self) -> bool {
        self.entries.is_none()
    }

    /// Whether a key is set whose own policy is not to propagate.
    pub(crate) fn has_homebound(&self) -> bool {
        self.traits.has_homebound
    }

    /// Whether a key is set whose value forks for each task, so that no two may
    /// share one capture.
    pub(crate) fn has_forks(&self) -> bool {
        self.traits.has_forks
    }

    pub(crate) fn find(&self, key: &'static KeyMeta) -> Option<Value> {
        self.entry(key).and_then(Entry::value).cloned()
    }

    /// This context without the values for which `held_back` gives a reason; this
    /// context itself where there are none such.
    pub(crate) fn filtered(&self, held_back: impl Fn(&'static KeyMeta) -> Option<Reason>) -> Self {
        let entries = self.as_slice();
        let reason_of = |entry: &Entry| entry.is_set().then(|| held_back(entry.key)).flatten();
        if !entries.iter().any(|entry| reason_of(entry).is_some()) {
            return self.clone();
        }
        self.holding(entries.iter().map(|entry| match reason_of(entry) {
            Some(reason) => Entry { slot: Slot::HeldBack(reason), ..*entry },
            None => entry.clone(),
        }))
    }

    /// This context as a task is given it, each value that forks made anew. Calls
    /// foreign code.
    pub(crate) fn forked(&self) -> Self {
        self.holding(self.as_slice().iter().map(|entry| match (entry.key.fork, &entry.slot) {
            (Some(fork), Slot::Set(Held(Some(value)))) => {
                Entry { slot: Slot::Set(Held(Some(fork(&**value)))), ..*entry }
            }
            _ => entry.clone(),
        }))
    }

    /// Whether both are one and the same, not merely equal.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        match (&self.entries, &other.entries) {
            (None, None) => self.barred == other.barred,
            (Some(mine), Some(theirs)) => Arc::ptr_eq(mine, theirs),
            _ => false,
        }
    }

    /// This context with other entries.
    fn holding(&self, entries: impl Iterator<Item = Entry>) -> Self {
        let entries: Arc<[Entry]> = entries.collect();
        Self { traits: Traits::of(&entries), entries: Some(entries), barred: self.barred }
    }

    fn with_slot(&self, key: &'static KeyMeta, slot: Slot, at: &'static Location<'static>) -> Self {
        let (before, after) = self.around(key);
        let entry = Entry { key, at, slot };
        self.holding(before.iter().cloned().chain([entry]).chain(after.iter().cloned()))
    }

    fn as_slice(&self) -> &[Entry] {
        self.entries.as_deref().unwrap_or_default()
    }

    fn entry(&self, key: &'static KeyMeta) -> Option<&Entry> {
        let entries = self.as_slice();
        let at = entries.binary_search_by_key(&order(key), Entry::order).ok()?;
        Some(&entries[at])
    }

    /// The entries below and above `key`.
    fn around(&self, key: &'static KeyMeta) -> (&[Entry], &[Entry]) {
        let entries = self.as_slice();
        match entries.binary_search_by_key(&order(key), Entry::order) {
            Ok(at) => (&entries[..at], &entries[at + 1..]),
            Err(at) => entries.split_at(at),
        }
    }
}

impl fmt::Debug for Context {
    /// Names every key that is set; shows a value only where its key was declared
    /// `shown`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut map = f.debug_map();
        for entry in self.as_slice() {
            if let Some(value) = entry.value() {
                map.entry(&format_args!("{}", entry.key.name), &Shown(entry.key, value));
            }
        }
        map.finish()
    }
}

struct Shown<'a>(&'static KeyMeta, &'a Value);

impl fmt::Debug for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.show {
            Some(show) => show(&**self.1, f),
            None => f.write_str("<redacted>"),
        }
    }
}
