//! The public suite passes an accessor that is right, and of those that are each
//! wrong in one way fails precisely the behaviour that is amiss.

use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};

use entourage::Accessor;

thread_local! {
    static LOCAL: Cell<Option<u32>> = const { Cell::new(None) };
    /// The last value that was set here.
    static LAST: Cell<Option<u32>> = const { Cell::new(None) };
    /// Whether somebody has found nothing here.
    static FOUND_NONE: Cell<bool> = const { Cell::new(false) };
    /// How many guards there are here.
    static DEPTH: Cell<usize> = const { Cell::new(0) };
}

const FIRST: u32 = 1;
const SECOND: u32 = 2;

fn replace(value: Option<u32>) -> Option<u32> {
    LAST.set(value.or(LAST.get()));
    LOCAL.replace(value)
}

fn with(value: u32, body: &mut dyn FnMut()) {
    let outer = replace(Some(value));
    body();
    replace(outer);
}

fn get() -> Option<u32> {
    FOUND_NONE.set(FOUND_NONE.get() || LOCAL.get().is_none());
    LOCAL.get()
}

fn is_worker() -> bool {
    rayon::current_thread_index().is_some()
}

/// What an accessor does wrong.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fault {
    None,
    CapturesNothing,
    CapturesTheLastValue,
    TakesTheSecondValue,
    LosesAnOuterSecondValue,
    NothingLeavesAsIs,
    KeepsTwoOuterValues,
    ForgetsInAPanic,
    HasRoomForEight,
    SaysUnchanged,
    StaysWhenSuspended,
    KeepsWhatWasFoundFirst,
    StaysWithTheWaitingTask,
    LeavesTheSecondValueOnAWorker,
    SparesWhatAnotherSet,
    HasManyNames,
}

struct Local(Fault);

struct Restore {
    fault: Fault,
    entered: Option<u32>,
    outer: Option<u32>,
    /// Whether nothing was entered at all.
    is_idle: bool,
}

/// How many guards there are of the accessor that counts them.
static INSIDE: AtomicUsize = AtomicUsize::new(0);

impl Accessor for Local {
    type Value = u32;
    type Guard = Restore;

    fn name(&self) -> &'static str {
        static ASKED: AtomicUsize = AtomicUsize::new(0);
        if self.0 == Fault::HasManyNames {
            let asked = ASKED.fetch_add(1, Ordering::Relaxed);
            return Box::leak(format!("local {asked}").into_boxed_str());
        }
        "local"
    }

    fn capture(&self) -> Option<u32> {
        match (self.0, LOCAL.get()) {
            (Fault::CapturesNothing, _) => None,
            (Fault::CapturesTheLastValue, None) => LAST.get(),
            (Fault::TakesTheSecondValue, Some(SECOND)) => LOCAL.take(),
            (_, value) => value,
        }
    }

    fn enter(&self, value: Option<&u32>) -> Restore {
        let fault = self.0;
        let counts = usize::from(fault == Fault::HasRoomForEight);
        let inside = INSIDE.fetch_add(counts, Ordering::SeqCst);
        let depth = DEPTH.replace(DEPTH.get() + 1);
        let (entered, outer) = (value.copied(), LOCAL.get());
        let is_idle = match fault {
            Fault::NothingLeavesAsIs => entered.is_none(),
            Fault::HasRoomForEight => inside >= 8,
            Fault::KeepsWhatWasFoundFirst => FOUND_NONE.get(),
            Fault::StaysWithTheWaitingTask => is_worker() && depth > 0 && entered != outer,
            _ => false,
        };
        if !is_idle {
            replace(entered);
        }
        Restore { fault, entered, outer, is_idle }
    }

    fn is_unchanged(&self, _: Option<&u32>) -> bool {
        self.0 == Fault::SaysUnchanged
    }

    fn follows_spans(&self) -> bool {
        matches!(self.0, Fault::None | Fault::StaysWhenSuspended)
    }

    fn suspend(&self, guard: &mut Restore) {
        if self.0 != Fault::StaysWhenSuspended {
            replace(guard.outer);
        }
    }

    fn resume(&self, guard: &mut Restore) {
        replace(guard.entered);
    }
}

impl Drop for Restore {
    fn drop(&mut self) {
        INSIDE.fetch_sub(usize::from(self.fault == Fault::HasRoomForEight), Ordering::SeqCst);
        let depth = DEPTH.get();
        DEPTH.set(depth - 1);
        let is_kept = match self.fault {
            Fault::KeepsTwoOuterValues => depth > 2,
            Fault::ForgetsInAPanic => std::thread::panicking(),
            Fault::LeavesTheSecondValueOnAWorker => {
                is_worker() && (self.entered, self.outer) == (Some(SECOND), None)
            }
            Fault::SparesWhatAnotherSet => LOCAL.get() != self.entered,
            _ => false,
        };
        if self.fault == Fault::LosesAnOuterSecondValue && self.outer == Some(SECOND) {
            replace(None);
        } else if !is_kept && !self.is_idle {
            replace(self.outer);
        }
    }
}

static RIGHT: Local = Local(Fault::None);

entourage::accessor_conformance! {
    mod right;
    accessor: RIGHT,
    values: [FIRST, SECOND],
    with: with,
    get: get,
    leave: |value| {
        replace(Some(value));
    },
}

// Where nothing can be left behind, and without a comma at the end.
entourage::accessor_conformance! {
    mod right_without_leave;
    accessor: RIGHT,
    values: [(FIRST, "of any type"), (SECOND, "of any type")],
    with: |value, body| with(value.0, body),
    get: || get().map(|value| (value, "of any type"))
}

/// Asserts which behaviours of an accessor with a fault fail. The tests inside
/// the function are not run by themselves.
macro_rules! fails {
    ($name:ident: $fault:ident => [$($behaviour:ident),+]) => {
        mod $name {
            use super::*;

            static BROKEN: Local = Local(Fault::$fault);

            #[test]
            fn fails_what_is_amiss_and_nothing_else() {
                entourage::accessor_conformance! {
                    mod broken;
                    accessor: BROKEN,
                    values: [FIRST, SECOND],
                    with: with,
                    get: get,
                    leave: |value| {
                        replace(Some(value));
                    },
                }
                assert_eq!(broken::failing(), [$(stringify!($behaviour)),+]);
            }
        }
    };
}

fails!(captured_as_absent: CapturesTheLastValue => [absent_value_is_captured_as_absent]);
fails!(left_in_place: TakesTheSecondValue => [present_value_is_captured_and_left_in_place]);
fails!(current_until_dropped: LosesAnOuterSecondValue => [
    entered_value_is_current_until_the_guard_is_dropped
]);
fails!(cleared: NothingLeavesAsIs => [nothing_entered_over_a_value_clears_it_and_then_restores_it]);
fails!(nested: KeepsTwoOuterValues => [nested_values_come_back_in_turn]);
fails!(restored_in_a_panic: ForgetsInAPanic => [value_is_restored_when_the_task_panics]);
fails!(suspended: StaysWhenSuspended => [suspended_value_gives_way_and_comes_back]);
fails!(on_64_threads: HasRoomForEight => [one_capture_is_entered_on_64_threads_at_once]);
// Tasks share a capture that is said to be unchanged.
fails!(unchanged: SaysUnchanged => [
    unchanged_is_never_said_after_a_change,
    stolen_task_sees_its_own_value_and_the_waiting_task_finds_its_own_again
]);
fails!(in_order: KeepsWhatWasFoundFirst => [
    accessor_is_entered_in_order_and_restored_in_reverse
]);
fails!(stolen: StaysWithTheWaitingTask => [
    stolen_task_sees_its_own_value_and_the_waiting_task_finds_its_own_again
]);
fails!(clean_worker: LeavesTheSecondValueOnAWorker => [worker_is_clean_after_the_task]);
fails!(written: SparesWhatAnotherSet => [what_a_task_writes_does_not_outlive_it]);
fails!(named: HasManyNames => [propagation_lists_name_the_accessor]);

// What is wrong altogether fails more than one.
fails!(nothing_captured: CapturesNothing => [
    present_value_is_captured_and_left_in_place,
    entered_value_is_current_until_the_guard_is_dropped,
    nested_values_come_back_in_turn,
    one_capture_is_entered_on_64_threads_at_once,
    accessor_is_entered_in_order_and_restored_in_reverse,
    stolen_task_sees_its_own_value_and_the_waiting_task_finds_its_own_again,
    worker_is_clean_after_the_task,
    what_a_task_writes_does_not_outlive_it,
    propagation_lists_name_the_accessor
]);

#[test]
fn arguments_that_do_not_fit_each_other_fail_first() {
    entourage::accessor_conformance! {
        mod broken;
        accessor: RIGHT,
        values: [FIRST, SECOND],
        // Does not put back the value of an outer `with`.
        with: |value, body| {
            replace(Some(value));
            body();
            replace(None);
        },
        get: get,
    }
    assert_eq!(broken::failing(), ["with_sets_what_get_reads"]);
}
