//! What an accessor does by itself.

use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Barrier;
use std::thread;

use super::subject::{Subject, on_new_thread};
use crate::Accessor;

/// The arguments themselves.
pub fn with_sets_what_get_reads<A, V>(subject: &Subject<A, V>)
where
    A: Accessor,
    V: Clone + PartialEq + Debug + Send + Sync + 'static,
{
    let (a, b) = (subject.first(), subject.second());
    on_new_thread(|| {
        subject.expect(None, "on a new thread");
        subject.with(a.clone(), || {
            subject.expect(Some(a.clone()), "in `with`");
            subject.with(b.clone(), || subject.expect(Some(b), "in `with` in `with`"));
            subject.expect(Some(a), "after the inner `with`");
        });
        subject.expect(None, "after `with`");
    });
}

pub fn absent_value_is_captured_as_absent<A, V>(subject: &Subject<A, V>)
where
    A: Accessor,
    V: Clone + PartialEq + Debug + Send + Sync + 'static,
{
    let absent = on_new_thread(|| subject.accessor.capture());
    on_new_thread(|| {
        let _guard = subject.accessor.enter(absent.as_ref());
        subject.expect(None, "where what was captured on a new thread is entered");
    });
    let absent = on_new_thread(|| {
        subject.with(subject.first(), || ());
        subject.accessor.capture()
    });
    on_new_thread(|| {
        let _guard = subject.accessor.enter(absent.as_ref());
        subject.expect(None, "where what was captured after `with` is entered");
    });
}

pub fn present_value_is_captured_and_left_in_place<A, V>(subject: &Subject<A, V>)
where
    A: Accessor,
    V: Clone + PartialEq + Debug + Send + Sync + 'static,
{
    for value in [subject.first(), subject.second()] {
        let captured = on_new_thread(|| {
            subject.with(value.clone(), || {
                let captured = subject.accessor.capture();
                subject.expect(Some(value.clone()), "after a capture");
                captured
            })
        });
        assert!(captured.is_some(), "a value is current, and nothing was captured");
        on_new_thread(|| {
            let _guard = subject.accessor.enter(captured.as_ref());
            subject.expect(Some(value), "where what was captured is entered");
        });
    }
}

pub fn entered_value_is_current_until_the_guard_is_dropped<A, V>(subject: &Subject<A, V>)
where
    A: Accessor,
    V: Clone + PartialEq + Debug + Send + Sync + 'static,
{
    let (a, b) = (subject.first(), subject.second());
    let captured = captured(subject, &a);
    let enter = || {
        let guard = subject.accessor.enter(captured.as_ref());
        subject.expect(Some(a.clone()), "where it is entered");
        drop(guard);
    };
    on_new_thread(|| {
        enter();
        subject.expect(None, "after the guard is dropped on a new thread");
    });
    on_new_thread(|| {
        subject.with(b.clone(), || {
            enter();
            subject.expect(Some(b), "after the guard is dropped where another value was");
        });
    });
}

pub fn nothing_entered_over_a_value_clears_it_and_then_restores_it<A, V>(subject: &Subject<A, V>)
where
    A: Accessor,
    V: Clone + PartialEq + Debug + Send + Sync + 'static,
{
    on_new_thread(|| {
        subject.with(subject.first(), || {
            let guard = subject.accessor.enter(None);
            subject.expect(None, "where nothing is entered over a value");
            drop(guard);
            subject.expect(Some(subject.first()), "after that");
        });
    });
}

pub fn nested_values_come_back_in_turn<A, V>(subject: &Subject<A, V>)
where
    A: Accessor,
    V: Clone + PartialEq + Debug + Send + Sync + 'static,
{
    let (a, b) = (subject.first(), subject.second());
    let [captured_a, captured_b] = [&a, &b].map(|value| captured(subject, value));
    on_new_thread(|| {
        let first = subject.accessor.enter(captured_a.as_ref());
        let same = subject.accessor.enter(captured_a.as_ref());
        let other = subject.accessor.enter(captured_b.as_ref());
        subject.expect(Some(b), "where it is entered within another");
        drop(other);
        subject.expect(Some(a.clone()), "after that");
        drop(same);
        subject.expect(Some(a), "after it was entered twice and left once");
        drop(first);
        subject.expect(None, "after all guards are dropped");
    });
}

pub fn value_is_restored_when_the_task_panics<A, V>(subject: &Subject<A, V>)
where
    A: Accessor,
    V: Clone + PartialEq + Debug + Send + Sync + 'static,
{
    let (a, b) = (subject.first(), subject.second());
    let captured = captured(subject, &b);
    on_new_thread(|| {
        subject.with(a.clone(), || {
            let task = catch_unwind(AssertUnwindSafe(|| {
                let _guard = subject.accessor.enter(captured.as_ref());
                // Not a panic of its own: the panic hook has nothing to say.
                resume_unwind(Box::new("the task"));
            }));
            assert!(task.is_err(), "the task's panic is gone");
            subject.expect(Some(a), "after the guard is dropped by a panic");
        });
    });
}

pub fn suspended_value_gives_way_and_comes_back<A, V>(subject: &Subject<A, V>)
where
    A: Accessor,
    V: Clone + PartialEq + Debug + Send + Sync + 'static,
{
    let (accessor, a, b) = (subject.accessor, subject.first(), subject.second());
    if !accessor.follows_spans() {
        return;
    }
    let captured = captured(subject, &a);
    on_new_thread(|| {
        subject.with(b.clone(), || {
            let mut guard = accessor.enter(captured.as_ref());
            for _ in 0..2 {
                accessor.suspend(&mut guard);
                subject.expect(Some(b.clone()), "while another value is suspended");
                accessor.resume(&mut guard);
                subject.expect(Some(a.clone()), "where it is resumed");
            }
            drop(guard);
            subject.expect(Some(b), "after the guard of what was resumed is dropped");
        });
        let mut guard = accessor.enter(captured.as_ref());
        accessor.suspend(&mut guard);
        drop(guard);
        subject.expect(None, "after the guard of what is suspended is dropped");
    });
}

pub fn one_capture_is_entered_on_64_threads_at_once<A, V>(subject: &Subject<A, V>)
where
    A: Accessor,
    V: Clone + PartialEq + Debug + Send + Sync + 'static,
{
    let a = subject.first();
    let captured = captured(subject, &a);
    let (captured, a) = (captured.as_ref(), &a);
    let all_inside = Barrier::new(64);
    let all_left = Barrier::new(64);
    let body = || {
        let guard = subject.accessor.enter(captured);
        all_inside.wait();
        let inside = subject.get();
        all_left.wait();
        drop(guard);
        (inside, subject.get())
    };
    let seen: Vec<_> = thread::scope(|threads| {
        let all: Vec<_> = (0..64).map(|_| threads.spawn(body)).collect();
        all.into_iter().map(|thread| thread.join().expect("a thread of the test")).collect()
    });
    for (inside, after) in seen {
        assert_eq!(inside.as_ref(), Some(a), "what one of 64 threads sees");
        assert_eq!(after, None, "what it sees afterwards");
    }
}

pub fn unchanged_is_never_said_after_a_change<A, V>(subject: &Subject<A, V>)
where
    A: Accessor,
    V: Clone + PartialEq + Debug + Send + Sync + 'static,
{
    let (a, b) = (subject.first(), subject.second());
    let accessor = subject.accessor;
    on_new_thread(|| {
        let absent = accessor.capture();
        let present = subject.with(a.clone(), || {
            assert!(!accessor.is_unchanged(absent.as_ref()), "unchanged, where a value was set");
            let present = accessor.capture();
            let to_another = subject.with(b, || accessor.is_unchanged(present.as_ref()));
            assert!(!to_another, "unchanged, where another value was set");
            let guard = accessor.enter(None);
            let cleared = accessor.is_unchanged(present.as_ref());
            drop(guard);
            assert!(!cleared, "unchanged, where the value was cleared");
            present
        });
        assert!(!accessor.is_unchanged(present.as_ref()), "unchanged, where the value is gone");
    });
}

/// What `subject`'s accessor captures where `value` is current.
pub(super) fn captured<A, V>(subject: &Subject<A, V>, value: &V) -> Option<A::Value>
where
    A: Accessor,
    V: Clone + PartialEq + Debug + Send + Sync + 'static,
{
    on_new_thread(|| subject.with(value.clone(), || subject.accessor.capture()))
}
