//! The immutable set of key-value pairs.

use std::fmt;
use std::ptr;
use std::sync::Arc;

use super::current;
use super::key::{Key, KeyMeta, KeyPolicy, Value};

#[derive(Clone)]
struct Entry {
    key: &'static KeyMeta,
    value: Value,
}

impl Entry {
    /// Keys are statics, so a key's address is its identity, and its order.
    fn order(&self) -> usize {
        order(self.key)
    }
}

fn order(key: &'static KeyMeta) -> usize {
    ptr::from_ref(key).addr()
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
}

impl Context {
    pub(crate) const EMPTY: Self = Self { entries: None };

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
        self.entries.is_none()
    }

    /// How many keys are set.
    pub fn len(&self) -> usize {
        self.as_slice().len()
    }

    /// This context with `key` set to `value`.
    #[must_use = "a context is immutable: `with` returns the changed one"]
    pub fn with<T: Send + Sync + 'static>(&self, key: &'static Key<T>, value: T) -> Self {
        let entry = Entry { key: &key.meta, value: Arc::new(value) };
        let (before, after) = self.around(&key.meta);
        let entries = before.iter().cloned().chain([entry]).chain(after.iter().cloned());
        Self { entries: Some(entries.collect()) }
    }

    /// This context with `key` not set.
    #[must_use = "a context is immutable: `without` returns the changed one"]
    pub fn without<T: Send + Sync + 'static>(&self, key: &'static Key<T>) -> Self {
        if self.find(&key.meta).is_none() {
            return self.clone();
        }
        self.filtered(|meta| !ptr::eq(meta, &key.meta))
    }

    /// The value of `key` in this context.
    pub fn get<T: Clone + Send + Sync + 'static>(&self, key: &'static Key<T>) -> Option<T> {
        self.find(&key.meta).and_then(|value| value.downcast_ref().cloned())
    }

    /// Runs `f` with this context current on this thread, then restores what
    /// was, also when `f` panics.
    pub fn scope<R>(self, f: impl FnOnce() -> R) -> R {
        current::with_replaced(self, f)
    }

    /// The names and policies of the keys that are set.
    pub(crate) fn policies(&self) -> impl Iterator<Item = KeyPolicy> + '_ {
        self.as_slice().iter().map(|entry| entry.key.policy)
    }

    pub(crate) fn find(&self, key: &'static KeyMeta) -> Option<Value> {
        let entries = self.as_slice();
        let at = entries.binary_search_by_key(&order(key), Entry::order).ok()?;
        Some(entries[at].value.clone())
    }

    /// The entries that `keep` wants; this context itself when it wants all.
    pub(crate) fn filtered(&self, keep: impl Fn(&'static KeyMeta) -> bool) -> Self {
        let entries = self.as_slice();
        if entries.iter().all(|entry| keep(entry.key)) {
            return self.clone();
        }
        let kept: Vec<Entry> = entries.iter().filter(|entry| keep(entry.key)).cloned().collect();
        Self { entries: (!kept.is_empty()).then(|| kept.into()) }
    }

    /// Whether both are one and the same, not merely equal.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        match (&self.entries, &other.entries) {
            (None, None) => true,
            (Some(mine), Some(theirs)) => Arc::ptr_eq(mine, theirs),
            _ => false,
        }
    }

    fn as_slice(&self) -> &[Entry] {
        self.entries.as_deref().unwrap_or_default()
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
    /// Names every key; shows a value only where its key was declared `shown`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut map = f.debug_map();
        for entry in self.as_slice() {
            map.entry(&format_args!("{}", entry.key.name), &Shown(entry));
        }
        map.finish()
    }
}

struct Shown<'a>(&'a Entry);

impl fmt::Debug for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.key.show {
            Some(show) => show(&*self.0.value, f),
            None => f.write_str("<redacted>"),
        }
    }
}
