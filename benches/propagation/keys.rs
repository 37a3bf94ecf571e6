//! Sixty-four keys, to be set as many as a figure wants.

use entourage::{Context, Key, context_key};

macro_rules! eight_keys_each {
    ($($group:ident)*) => {
        $(mod $group {
            use super::*;
            context_key! {
                static K0: u64 = propagate;
                static K1: u64 = propagate;
                static K2: u64 = propagate;
                static K3: u64 = propagate;
                static K4: u64 = propagate;
                static K5: u64 = propagate;
                static K6: u64 = propagate;
                static K7: u64 = propagate;
            }
            pub(super) const KEYS: [&Key<u64>; 8] = [&K0, &K1, &K2, &K3, &K4, &K5, &K6, &K7];
        })*
        const KEYS: [[&Key<u64>; 8]; 8] = [$($group::KEYS),*];
    };
}

eight_keys_each! { a b c d e f g h }

/// A context of `count` keys.
pub(crate) fn context_of(count: usize) -> Context {
    let keys = KEYS.into_iter().flatten().take(count);
    keys.fold(Context::empty(), |context, key| context.with(key, 1))
}
