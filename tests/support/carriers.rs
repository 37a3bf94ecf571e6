//! Headers, and what is in them, for the tests of a wire.

use std::collections::BTreeMap;

use entourage::{Context, Key, Snapshot, Wire, WireError};

pub(crate) type Headers = BTreeMap<String, String>;

pub(crate) fn headers<const N: usize>(entries: [(&str, &str); N]) -> Headers {
    entries.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
}

/// What is written of `context`.
pub(crate) fn written(wire: &Wire, context: Context) -> Result<Headers, WireError> {
    let mut headers = Headers::new();
    context.scope(|| wire.inject(&wire.capture(), &mut headers)).map(|()| headers)
}

pub(crate) fn read<T: Clone + Send + Sync>(snapshot: &Snapshot, key: &'static Key<T>) -> Option<T> {
    snapshot.scope(|| key.get())
}
