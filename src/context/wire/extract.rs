//! A carrier's names and values into a snapshot.

use std::panic::Location;

use super::carrier::Carrier;
use super::entry::At;
use super::error::WireError;
use super::names::{Naming, TOKEN, is_token};
use super::text::text_of;
use super::unknown::{Unknown, WIRE_UNKNOWN, WireUnknown};
use super::{BAGGAGE, Baggage, Slot, TRACE_PARENT, TRACE_STATE, TraceState, Wire};
use crate::context::snapshot::Snapshot;
use crate::context::values::Context;

/// What of a carrier a wire has to do with.
struct Found {
    naming: Naming,
    list: Vec<Entry>,
}

/// One name and value.
struct Entry {
    slot: Slot,
    name: String,
    value: Vec<u8>,
}

/// What becomes of an error.
trait Trouble {
    fn meet(&mut self, error: WireError) -> Result<(), WireError>;
}

/// The first ends it all.
struct Strict;

impl Trouble for Strict {
    fn meet(&mut self, error: WireError) -> Result<(), WireError> {
        Err(error)
    }
}

/// Each is listed, and what it is about left out.
impl Trouble for Vec<WireError> {
    fn meet(&mut self, error: WireError) -> Result<(), WireError> {
        self.push(error);
        Ok(())
    }
}

impl Wire {
    /// Reads this wire's keys into a snapshot to
    /// [`scope`](Snapshot::scope) the work in. Nothing of this thread's context
    /// is in it, and no span.
    ///
    /// A `tracestate` without a `traceparent` is ignored, as the specification
    /// demands, and so are names that are not this wire's.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong: [`WireError::is_malformed`],
    /// [`is_duplicate`](WireError::is_duplicate),
    /// [`is_version`](WireError::is_version), or
    /// [`is_too_large`](WireError::is_too_large) where names and values together
    /// are more than the wire's cap.
    #[track_caller]
    pub fn extract(&self, carrier: &impl Carrier) -> Result<Snapshot, WireError> {
        let at = Location::caller();
        self.found(carrier)?.read(self, at, &mut Strict)
    }

    /// As [`extract`](Self::extract), but what is wrong is left out, as if it had
    /// not been there, and told beside what is right: the way of a service that
    /// answers all the same.
    ///
    /// By the specification a malformed `traceparent` takes the `tracestate` with
    /// it, which ends the trace here, and a malformed `tracestate` spares the
    /// `traceparent`. A value of a version that its codec does not read is kept
    /// as [unknown](Unknown::Keep), where the wire keeps those. Where the cap is
    /// exceeded nothing is read at all.
    ///
    /// ```
    /// # use entourage::{TRACE_PARENT, Wire};
    /// let wire = Wire::builder().trace_context().build()?;
    /// let headers = vec![("traceparent".to_owned(), "00-nonsense".to_owned())];
    /// let (snapshot, wrong) = wire.extract_lossy(&headers);
    /// assert!(snapshot.is_empty() && wrong[0].is_malformed());
    /// # Ok::<(), entourage::WireBuildError>(())
    /// ```
    #[track_caller]
    pub fn extract_lossy(&self, carrier: &impl Carrier) -> (Snapshot, Vec<WireError>) {
        let (at, mut wrong) = (Location::caller(), Vec::new());
        let read = match self.found(carrier) {
            Ok(found) => found.read(self, at, &mut wrong),
            Err(error) => Err(error),
        };
        let snapshot = read.unwrap_or_else(|error| {
            wrong.push(error);
            Snapshot::empty()
        });
        (snapshot, wrong)
    }

    /// What of the carrier is this wire's, unless it is more than the cap allows.
    fn found(&self, carrier: &impl Carrier) -> Result<Found, WireError> {
        let (mut list, mut bytes) = (Vec::new(), 0_usize);
        let naming = carrier.naming();
        carrier.read(&mut |name, value| {
            let Some(slot) = self.slot_of(name, naming) else { return };
            if slot == Slot::Unknown && self.inner.unknown == Unknown::Drop {
                return;
            }
            bytes = bytes.saturating_add(name.len()).saturating_add(value.len());
            if bytes <= self.inner.max_bytes {
                list.push(Entry { slot, name: name.to_owned(), value: value.to_owned() });
            }
        });
        self.check_size(bytes).map(|()| Found { naming, list })
    }
}

impl Found {
    fn read(&self, wire: &Wire, at: At, trouble: &mut impl Trouble) -> Result<Snapshot, WireError> {
        let mut context = Context::EMPTY;
        let mut unknown = Vec::new();
        for slot in wire.slots() {
            let entries: Vec<&Entry> = self.of(slot).collect();
            let Some(first) = entries.first() else { continue };
            match read_slot(wire, &entries, &context, at) {
                Ok(read) => context = read,
                Err(error) => {
                    let is_kept = error.is_version() && wire.inner.unknown == Unknown::Keep;
                    trouble.meet(error.at(&first.name))?;
                    if is_kept {
                        unknown.push(*first);
                    }
                }
            }
        }
        unknown.extend(self.of(Slot::Unknown));
        let entries = kept(&unknown, self.naming, trouble)?;
        if !entries.is_empty() {
            let kept = WireUnknown { naming: self.naming, entries: entries.into() };
            context = context.with_at(&WIRE_UNKNOWN, kept, at);
        }
        Ok(Snapshot::of_context(context))
    }

    fn of(&self, slot: Slot) -> impl Iterator<Item = &Entry> {
        self.list.iter().filter(move |entry| entry.slot == slot)
    }
}

/// `context` with what `entries` say, all those of one name.
fn read_slot(
    wire: &Wire,
    entries: &[&Entry],
    context: &Context,
    at: At,
) -> Result<Context, WireError> {
    let Some(first) = entries.first() else { return Ok(context.clone()) };
    let single = || match entries {
        [entry] => text_of(&entry.value),
        _ => Err(found_times(entries.len())),
    };
    // By HTTP the values of a list's headers are one list.
    let joined = || {
        let texts: Result<Vec<_>, _> = entries.iter().map(|entry| text_of(&entry.value)).collect();
        texts.map(|texts| texts.join(","))
    };
    match first.slot {
        Slot::TraceParent => Ok(context.with_at(&TRACE_PARENT, single()?.parse()?, at)),
        // Of a trace that is not known, or not understood, there is no state.
        Slot::TraceState if context.get(&TRACE_PARENT).is_none() => Ok(context.clone()),
        Slot::TraceState => {
            let state: TraceState = joined()?.parse()?;
            let is_set = !state.is_empty();
            Ok(if is_set { context.with_at(&TRACE_STATE, state, at) } else { context.clone() })
        }
        Slot::Baggage => {
            let baggage: Baggage = joined()?.parse()?;
            let is_set = !baggage.is_empty();
            Ok(if is_set { context.with_at(&BAGGAGE, baggage, at) } else { context.clone() })
        }
        Slot::Key(place) => wire.inner.entries[place].read(single()?, context, at),
        Slot::Unknown => Ok(context.clone()),
    }
}

/// The unknown names with their values, each of which can be written again.
fn kept(
    found: &[&Entry],
    naming: Naming,
    trouble: &mut impl Trouble,
) -> Result<Vec<(String, String)>, WireError> {
    let mut kept = Vec::new();
    for (at, Entry { name, value, .. }) in found.iter().enumerate() {
        let is_same = |other: &&&Entry| naming.is(&other.name, name);
        if found[..at].iter().any(|other| is_same(&other)) {
            continue;
        }
        let text = match found.iter().filter(is_same).count() {
            // It will be written as it is, to a carrier that need not check it.
            1 if !is_token(name) => Err(WireError::malformed(format!("{TOKEN}, as a name"))),
            1 => text_of(value),
            times => Err(found_times(times)),
        };
        match text {
            Ok(text) => kept.push((name.clone(), text.to_owned())),
            Err(error) => trouble.meet(error.at(name))?,
        }
    }
    Ok(kept)
}

fn found_times(times: usize) -> WireError {
    WireError::duplicate(format!("found {times} times; allowed is once"))
}
