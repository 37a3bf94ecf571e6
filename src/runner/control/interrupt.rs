//! Ctrl-C.
//!
//! One thread a process waits for SIGINT, from the first run on that asks for it.
//! It cancels the runs that listen; when they have been told already, or none
//! listens, it ends the process.

use std::collections::BTreeMap;
use std::io;

use signal_hook::consts::SIGINT;
use signal_hook::iterator::Signals;
use signal_hook::low_level;

use super::INTERRUPTED;
use super::token::CancelToken;
use crate::sync::Mutex;

/// A run that listens, until this is dropped.
pub(super) struct Interrupt(u64);

struct Listeners {
    is_waiting: bool,
    next: u64,
    /// Each with whether it has been told.
    tokens: BTreeMap<u64, (CancelToken, bool)>,
}

static LISTENERS: Mutex<Listeners> =
    Mutex::new(Listeners { is_waiting: false, next: 0, tokens: BTreeMap::new() });

impl Interrupt {
    /// Has `token` cancelled at the next SIGINT.
    ///
    /// # Errors
    ///
    /// If the system gives no handler or no thread.
    pub(super) fn listen(token: CancelToken) -> io::Result<Self> {
        let mut listeners = LISTENERS.lock();
        if !listeners.is_waiting {
            let mut signals = Signals::new([SIGINT])?;
            let thread = std::thread::Builder::new().name("entourage-ctrl-c".to_owned());
            thread.spawn(move || signals.forever().for_each(|_| interrupted()))?;
            listeners.is_waiting = true;
        }
        listeners.next += 1;
        let key = listeners.next;
        listeners.tokens.insert(key, (token, false));
        Ok(Self(key))
    }

    /// Whether it has been told.
    pub(super) fn is_told(&self) -> bool {
        LISTENERS.lock().tokens.get(&self.0).is_some_and(|(_, is_told)| *is_told)
    }
}

fn interrupted() {
    let mut listeners = LISTENERS.lock();
    if listeners.tokens.is_empty() {
        drop(listeners);
        // As if nobody had ever listened. It returns only where it cannot.
        _ = low_level::emulate_default_handler(SIGINT);
        low_level::exit(INTERRUPTED.into());
    }
    if listeners.tokens.values().any(|(_, is_told)| *is_told) {
        low_level::exit(INTERRUPTED.into());
    }
    let tell = |(token, is_told): &mut (CancelToken, bool)| {
        *is_told = true;
        token.clone()
    };
    let tokens: Vec<_> = listeners.tokens.values_mut().map(tell).collect();
    drop(listeners);
    let cancel = move || {
        tracing::warn!(
            target: "entourage::run",
            "interrupted: no further node is started; once more ends the program at once"
        );
        for token in &tokens {
            token.cancel();
        }
    };
    // On a thread of its own: whoever is called may block, and the next SIGINT is
    // not to wait for that. Without a thread to be had nobody is told, and the
    // next one still ends the program.
    _ = std::thread::Builder::new().name("entourage-cancel".to_owned()).spawn(cancel);
}

impl Drop for Interrupt {
    fn drop(&mut self) {
        // Dropped after the lock.
        let token = LISTENERS.lock().tokens.remove(&self.0);
        drop(token);
    }
}
