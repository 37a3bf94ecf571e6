//! A layer that sets a thread-local for each span, as bridges from `tracing` to
//! other libraries do, and an accessor of the same thread-local: a task that
//! waited finds its own value again, above that of its span.

#[expect(dead_code, reason = "each test file needs some of the helpers")]
mod support;

use support::bridge::{Bridge, PANICS, VALUE, current, is_clean, pool, push, remove, submit};
use support::steal_one;
use tracing::{info_span, subscriber};
use tracing_subscriber::layer::SubscriberExt;

fn bridged(test: impl FnOnce()) {
    subscriber::with_default(tracing_subscriber::registry().with(Bridge), test);
}

#[test]
fn task_sees_what_was_set_above_its_span() {
    bridged(|| {
        let pool = pool(&VALUE);
        let task = submit(&pool, &info_span!("request"), "above", current);
        assert_eq!(task.join().unwrap(), "above");
        assert!(is_clean(&pool));
    });
}

#[test]
fn waiting_task_finds_what_was_set_above_its_span_again() {
    bridged(|| {
        let pool = pool(&VALUE);
        let waiting = submit(&pool, &info_span!("waiting"), "acme", || {
            steal_one();
            let after = current();
            let inner = info_span!("inner").in_scope(|| {
                steal_one();
                current()
            });
            [after, inner, current()]
        });
        let stolen =
            ["globex", "initech"].map(|value| submit(&pool, &info_span!("stolen"), value, current));
        assert_eq!(stolen.map(|task| task.join().unwrap()), ["globex", "initech"]);
        assert_eq!(waiting.join().unwrap(), ["acme", "acme/inner", "acme"]);
        assert!(is_clean(&pool));
    });
}

#[test]
fn each_of_four_tasks_on_one_stack_finds_its_own_again() {
    bridged(|| {
        let pool = pool(&VALUE);
        let (a, b) = (info_span!("a"), info_span!("b"));
        let body = || {
            steal_one();
            current()
        };
        // The first and the third in one span: what is resumed for the third must
        // leave the first alone.
        let tasks = [(&a, "one"), (&b, "two"), (&a, "three")]
            .map(|(span, value)| submit(&pool, span, value, body));
        let last = submit(&pool, &b, "four", current);
        assert_eq!(tasks.map(|task| task.join().unwrap()), ["one", "two", "three"]);
        assert_eq!(last.join().unwrap(), "four");
        assert!(is_clean(&pool));
    });
}

#[test]
fn waiting_task_finds_its_own_again_after_one_that_carries_nothing() {
    bridged(|| {
        let pool = pool(&VALUE);
        let off = pool.with_propagation(entourage::Propagation::off()).unwrap();
        let waiting = submit(&pool, &info_span!("waiting"), "acme", || {
            steal_one();
            current()
        });
        let nothing = off.spawn(current);
        assert_eq!(nothing.join().unwrap(), "");
        assert_eq!(waiting.join().unwrap(), "acme");
        assert!(is_clean(&pool));
    });
}

#[test]
fn panic_of_suspend_fails_the_stolen_task_and_leaves_the_waiting_ones_value() {
    bridged(|| {
        let pool = pool(&PANICS);
        let waiting = submit(&pool, &info_span!("waiting"), "acme", || {
            steal_one();
            current()
        });
        let stolen = submit(&pool, &info_span!("stolen"), "globex", current);
        assert!(stolen.join().unwrap_err().to_string().contains("suspend"));
        assert_eq!(waiting.join().unwrap(), "acme");
        assert!(is_clean(&pool));
    });
}

#[test]
fn what_a_task_sets_is_current_again_in_a_span_that_it_opens_after() {
    bridged(|| {
        let pool = pool(&VALUE);
        let inner = pool.clone();
        let parent = submit(&pool, &info_span!("request"), "acme", move || {
            push(1 << 40, "mine");
            let seen = info_span!("after").in_scope(|| {
                // Runs right here, in the same span.
                let child = inner.spawn(current).join().unwrap();
                [child, current()]
            });
            remove(1 << 40);
            (seen, current())
        });
        let (seen, after) = parent.join().unwrap();
        assert_eq!(seen, ["mine/after", "mine/after"]);
        assert_eq!(after, "acme");
        assert!(is_clean(&pool));
    });
}
