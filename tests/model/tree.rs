//! The programs that are tried: trees of everything that may be nested.

use entourage::{Carried, Propagation, SPAN};
use proptest::prelude::*;

entourage::context_key! {
    pub(crate) static PLAIN: u8 = propagate;
    static SHY: u8 = clear;
    static BOUND: u8 = never;
    /// Set to see whether it would be carried.
    pub(crate) static PROBE: () = propagate;
}

/// What one task, or one closure in it, does in turn.
pub(crate) type Steps = Vec<Step>;

#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// Spawned here, joined at the end of these steps.
    Spawn(Policy, Steps),
    Detached(Policy, Steps),
    Join(Policy, Steps, Steps),
    /// Tasks of one scope; every second one is spawned by a task of it.
    Scope(Policy, ScopeKind, Vec<ScopeTask>),
    ParIter(Policy, u8, Steps),
    Install(Policy, Steps),
    Set(Which, u8, Steps),
    Clear(Which, Steps),
    /// In a new span of this number.
    Span(u8, Steps),
    /// With a subscriber of this number for the thread.
    Subscriber(u8, Steps),
    Suppress(Steps),
    /// Takes up, on top of everything, whatever job there is.
    Steal,
    /// Ends these steps, and those around them up to whoever catches it.
    Panic,
}

#[derive(Clone, Debug)]
pub(crate) struct ScopeTask {
    /// What the plain key is set to while the task is spawned, if it is set.
    pub(crate) under: Option<u8>,
    pub(crate) body: Steps,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum ScopeKind {
    Lifo,
    Fifo,
    InPlace,
    InPlaceFifo,
}

/// One of the three keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    /// Declared `propagate`.
    Plain,
    /// Declared `clear`.
    Shy,
    /// Declared `never`.
    Bound,
}

impl Which {
    pub(crate) const ALL: [Self; 3] = [Self::Plain, Self::Shy, Self::Bound];

    pub(crate) fn key(self) -> &'static entourage::Key<u8> {
        match self {
            Self::Plain => &PLAIN,
            Self::Shy => &SHY,
            Self::Bound => &BOUND,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Policy {
    All,
    Off,
    Only(Listed),
    Except(Listed),
}

/// What a list names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Listed {
    pub(crate) plain: bool,
    pub(crate) shy: bool,
    pub(crate) span: bool,
}

impl Policy {
    pub(crate) fn propagation(self) -> Propagation {
        fn list<R, const N: usize>(
            items: [&'static dyn Carried; N],
            make: impl FnOnce([&'static dyn Carried; N]) -> R,
        ) -> R {
            make(items)
        }
        macro_rules! made {
            ($make:path, $listed:expr) => {
                match ($listed.plain, $listed.shy, $listed.span) {
                    (false, false, false) => list([], $make),
                    (true, false, false) => list([&PLAIN], $make),
                    (false, true, false) => list([&SHY], $make),
                    (false, false, true) => list([&SPAN], $make),
                    (true, true, false) => list([&PLAIN, &SHY], $make),
                    (true, false, true) => list([&PLAIN, &SPAN], $make),
                    (false, true, true) => list([&SHY, &SPAN], $make),
                    (true, true, true) => list([&PLAIN, &SHY, &SPAN], $make),
                }
            };
        }
        match self {
            Self::All => Propagation::all(),
            Self::Off => Propagation::off(),
            Self::Only(listed) => made!(Propagation::only, listed),
            Self::Except(listed) => made!(Propagation::except, listed),
        }
    }
}

fn policy() -> impl Strategy<Value = Policy> {
    let listed = any::<[bool; 3]>().prop_map(|[plain, shy, span]| Listed { plain, shy, span });
    prop_oneof![
        4 => Just(Policy::All),
        2 => Just(Policy::Off),
        1 => listed.clone().prop_map(Policy::Only),
        1 => listed.prop_map(Policy::Except),
    ]
}

pub(crate) fn steps() -> impl Strategy<Value = Steps> {
    let leaf = prop_oneof![4 => Just(Step::Steal), 1 => Just(Step::Panic)];
    let step = leaf.prop_recursive(6, 96, 4, |step| {
        let steps = || prop::collection::vec(step.clone(), 0..5);
        let task = (any::<Option<u8>>(), steps());
        let task = task.prop_map(|(under, body)| ScopeTask { under, body });
        let tasks = prop::collection::vec(task, 1..4);
        let kind = prop_oneof![
            Just(ScopeKind::Lifo),
            Just(ScopeKind::Fifo),
            Just(ScopeKind::InPlace),
            Just(ScopeKind::InPlaceFifo),
        ];
        let key = prop::sample::select(&Which::ALL[..]);
        prop_oneof![
            3 => (policy(), steps()).prop_map(|(policy, body)| Step::Spawn(policy, body)),
            1 => (policy(), steps()).prop_map(|(policy, body)| Step::Detached(policy, body)),
            2 => (policy(), steps(), steps()).prop_map(|(policy, a, b)| Step::Join(policy, a, b)),
            2 => (policy(), kind, tasks).prop_map(|(policy, kind, t)| Step::Scope(policy, kind, t)),
            1 => (policy(), 0..4_u8, steps()).prop_map(|(policy, n, b)| Step::ParIter(policy, n, b)),
            1 => (policy(), steps()).prop_map(|(policy, body)| Step::Install(policy, body)),
            3 => (key.clone(), any::<u8>(), steps()).prop_map(|(key, n, b)| Step::Set(key, n, b)),
            1 => (key, steps()).prop_map(|(key, body)| Step::Clear(key, body)),
            3 => (0..4_u8, steps()).prop_map(|(number, body)| Step::Span(number, body)),
            1 => (1..3_u8, steps()).prop_map(|(number, body)| Step::Subscriber(number, body)),
            1 => steps().prop_map(Step::Suppress),
        ]
    });
    prop::collection::vec(step, 0..5)
}
