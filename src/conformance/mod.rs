//! What every accessor has to do, as tests that anybody can run on theirs.
//!
//! [`accessor_conformance!`](crate::accessor_conformance) makes a `#[test]` of
//! each behaviour; the functions behind them lie here, hidden: they are called
//! by the macro's expansion and promise nothing else.

mod behaviours;
mod pooled;
mod subject;

pub use self::behaviours::{
    absent_value_is_captured_as_absent, entered_value_is_current_until_the_guard_is_dropped,
    nested_values_come_back_in_turn, nothing_entered_over_a_value_clears_it_and_then_restores_it,
    one_capture_is_entered_on_64_threads_at_once, present_value_is_captured_and_left_in_place,
    suspended_value_gives_way_and_comes_back, unchanged_is_never_said_after_a_change,
    value_is_restored_when_the_task_panics, with_sets_what_get_reads,
};
pub use self::pooled::{
    accessor_is_entered_in_order_and_restored_in_reverse, propagation_lists_name_the_accessor,
    stolen_task_sees_its_own_value_and_the_waiting_task_finds_its_own_again,
    what_a_task_writes_does_not_outlive_it, worker_is_clean_after_the_task,
};
pub use self::subject::Subject;

/// Tests an [`Accessor`](crate::Accessor): expands to a module of `#[test]`s, one
/// for each thing that every accessor has to do.
///
/// Give it the name of the module; the accessor's static; two values that
/// differ; `with`, which runs a closure while the thread-local holds a value, in
/// the way the library itself has for that; and `get`, which reads it, `None`
/// where it holds none. The values are of any type of yours that is
/// `Clone + PartialEq + Debug + Send + Sync`, not necessarily the accessor's own:
/// whatever tells what is current. Each test runs on threads of its own.
///
/// Where code can change the thread-local and go away without changing it back,
/// `leave` does that; the suite then tests that nothing of it outlives a task.
///
/// ```
/// use std::cell::Cell;
/// use entourage::Accessor;
///
/// thread_local! { static LOCALE: Cell<Option<&'static str>> = const { Cell::new(None) } }
///
/// struct Locale;
/// struct Restore(Option<&'static str>);
/// impl Drop for Restore {
///     fn drop(&mut self) {
///         LOCALE.set(self.0);
///     }
/// }
/// impl Accessor for Locale {
///     type Value = &'static str;
///     type Guard = Restore;
///     fn name(&self) -> &'static str { "locale" }
///     fn capture(&self) -> Option<&'static str> { LOCALE.get() }
///     fn enter(&self, value: Option<&&'static str>) -> Restore {
///         Restore(LOCALE.replace(value.copied()))
///     }
/// }
/// static LOCALE_ACCESSOR: Locale = Locale;
///
/// entourage::accessor_conformance! {
///     mod locale;
///     accessor: LOCALE_ACCESSOR,
///     values: ["fr", "de"],
///     with: |value, body| {
///         let outer = LOCALE.replace(Some(value));
///         body();
///         LOCALE.set(outer);
///     },
///     get: || LOCALE.get(),
///     leave: |value| LOCALE.set(Some(value)),
/// }
/// # fn main() { locale::run_all() }
/// ```
///
/// `with` is never given a body that panics.
///
/// # What is tested
///
/// That an absent value is captured as absent, and a present one as it is, and
/// left in place. That a value that was entered is current until its guard is
/// dropped, and what was before is so again: over nothing, over the same value
/// and over another, in a panic, and where nothing was entered over a value,
/// which clears it. That, if the accessor
/// [follows the spans](crate::Accessor::follows_spans), a suspended value gives way
/// and comes back. That one capture serves 64 threads at once. That
/// [`is_unchanged`](crate::Accessor::is_unchanged) is never said after a change.
/// That on a pool of one worker a stolen task sees its own value, the waiting
/// one finds its own again, the worker is clean afterwards, and what a task
/// writes does not outlive it. That several accessors are entered in order and
/// restored in reverse. That a [`Propagation`](crate::Propagation) can name it.
#[macro_export]
macro_rules! accessor_conformance {
    (
        mod $name:ident;
        accessor: $accessor:expr,
        values: $values:expr,
        with: $with:expr,
        get: $get:expr
        $(, leave: $leave:expr)?
        $(,)?
    ) => {
        #[doc = concat!("What `accessor_conformance!` tests of `", stringify!($accessor), "`.")]
        mod $name {
            #[allow(
                unused_imports,
                clippy::allow_attributes,
                reason = "the arguments may need what is in scope, or nothing of it"
            )]
            use super::*;

            fn subject() -> $crate::conformance::Subject<
                impl $crate::Accessor,
                impl Clone + PartialEq + ::std::fmt::Debug + Send + Sync + 'static,
            > {
                let subject = $crate::conformance::Subject::new(&$accessor, $values, $with, $get);
                $(let subject = subject.leaving($leave);)?
                subject
            }

            $crate::accessor_conformance! { @tests
                with_sets_what_get_reads
                absent_value_is_captured_as_absent
                present_value_is_captured_and_left_in_place
                entered_value_is_current_until_the_guard_is_dropped
                nothing_entered_over_a_value_clears_it_and_then_restores_it
                nested_values_come_back_in_turn
                value_is_restored_when_the_task_panics
                suspended_value_gives_way_and_comes_back
                one_capture_is_entered_on_64_threads_at_once
                unchanged_is_never_said_after_a_change
                accessor_is_entered_in_order_and_restored_in_reverse
                stolen_task_sees_its_own_value_and_the_waiting_task_finds_its_own_again
                worker_is_clean_after_the_task
                what_a_task_writes_does_not_outlive_it
                propagation_lists_name_the_accessor
            }
        }
    };
    (@tests $($behaviour:ident)+) => {
        $(
            #[test]
            fn $behaviour() {
                $crate::conformance::$behaviour(&subject());
            }
        )+

        /// All of the tests, one after the other, for whoever has no test harness.
        #[allow(
            dead_code,
            clippy::allow_attributes,
            reason = "with a test harness nobody calls it"
        )]
        pub(super) fn run_all() {
            $($crate::conformance::$behaviour(&subject());)+
        }

        /// The names of those that fail.
        #[doc(hidden)]
        #[allow(
            dead_code,
            clippy::allow_attributes,
            reason = "the suite's own tests call it, on accessors that are wrong"
        )]
        pub(super) fn failing() -> Vec<&'static str> {
            let checks: [(&'static str, fn()); _] = [$((
                stringify!($behaviour),
                || $crate::conformance::$behaviour(&subject()),
            )),+];
            let fails = |check: &fn()| ::std::panic::catch_unwind(check).is_err();
            checks.iter().filter(|(_, check)| fails(check)).map(|(name, _)| *name).collect()
        }
    };
}
