//! A snapshot's keys into a carrier.

use super::carrier::CarrierMut;
use super::error::WireError;
use super::names::{Naming, respelled};
use super::unknown::{Unknown, WIRE_UNKNOWN};
use super::{BAGGAGE, Slot, TRACE_PARENT, TRACE_STATE, Wire};
use crate::context::snapshot::Snapshot;
use crate::context::values::Context;

/// What is going to be written: each name as the carrier spells it.
struct Writes {
    naming: Naming,
    list: Vec<(String, String)>,
}

impl Writes {
    fn has(&self, name: &str) -> bool {
        self.list.iter().any(|(other, _)| self.naming.is(other, name))
    }

    fn bytes(&self) -> usize {
        self.list.iter().map(|(name, value)| name.len() + value.len()).sum()
    }
}

impl Wire {
    /// Writes what `snapshot` has of this wire's keys.
    ///
    /// Afterwards the carrier has of this wire's names, and of all with its
    /// prefix, those of the snapshot and no others: what an earlier caller set,
    /// or a child would inherit, is taken away. A `tracestate` goes only with a
    /// `traceparent`, and neither it nor a baggage goes when it is empty.
    ///
    /// Which keys are in a snapshot is up to who captured it. Not all that
    /// travel to a worker need be on the wire, nor all that are on the wire in a
    /// snapshot made by [`Snapshot::capture`]: a key declared `clear` is only in
    /// one made by [`Wire::capture`], or by an allowlist that names it.
    ///
    /// # Errors
    ///
    /// [`WireError::is_unwritable`] where a codec refuses, or panics on, a value;
    /// [`WireError::is_too_large`] where names and values together would be more
    /// than the wire's cap; [`WireError::is_duplicate`] where two unknown names
    /// become one in a carrier of another kind. The carrier is then as it was.
    pub fn inject(
        &self,
        snapshot: &Snapshot,
        carrier: &mut impl CarrierMut,
    ) -> Result<(), WireError> {
        let context = snapshot.context();
        let mut writes = Writes { naming: carrier.naming(), list: Vec::new() };
        for slot in self.slots() {
            let Some(name) = self.name_of(slot, writes.naming) else { continue };
            if let Some(value) = self.written(slot, context).map_err(|error| error.at(name))? {
                writes.list.push((name.to_owned(), value));
            }
        }
        self.add_unknown(context, &mut writes)?;
        self.check_size(writes.bytes())?;

        let mut stale = Vec::new();
        carrier.read(&mut |name, _| {
            if self.slot_of(name, writes.naming).is_some() {
                stale.push(name.to_owned());
            }
        });
        stale.iter().for_each(|name| carrier.remove(name));
        writes.list.iter().for_each(|(name, value)| carrier.set(name, value));
        Ok(())
    }

    fn written(&self, slot: Slot, context: &Context) -> Result<Option<String>, WireError> {
        match slot {
            Slot::TraceParent => Ok(context.get(&TRACE_PARENT).map(|parent| parent.to_string())),
            Slot::TraceState => {
                let state = context.get(&TRACE_PARENT).and_then(|_| context.get(&TRACE_STATE));
                let state = state.map(|state| state.truncated(self.inner.max_trace_state));
                Ok(state.filter(|state| !state.is_empty()).map(|state| state.to_string()))
            }
            Slot::Baggage => {
                let baggage = context.get(&BAGGAGE).filter(|baggage| !baggage.is_empty());
                Ok(baggage.map(|baggage| baggage.to_string()))
            }
            Slot::Key(at) => self.inner.entries[at].written(context),
            Slot::Unknown => Ok(None),
        }
    }

    /// What was kept of what a wire did not know, as far as it is of this one's
    /// names, and no key has been set under it since.
    fn add_unknown(&self, context: &Context, writes: &mut Writes) -> Result<(), WireError> {
        let kept = context.get(&WIRE_UNKNOWN).filter(|_| self.inner.unknown == Unknown::Keep);
        let Some(kept) = kept else { return Ok(()) };
        let known = writes.list.len();
        for (name, value) in &*kept.entries {
            let name = respelled(name, kept.naming, writes.naming);
            let is_ours =
                matches!(self.slot_of(&name, writes.naming), Some(Slot::Key(_) | Slot::Unknown));
            if !is_ours || writes.list[..known].iter().any(|(own, _)| writes.naming.is(own, &name))
            {
                continue;
            }
            if writes.has(&name) {
                let what = "two of the names that were kept unread become this one";
                return Err(WireError::duplicate(what).at(&name));
            }
            writes.list.push((name, value.clone()));
        }
        Ok(())
    }
}
