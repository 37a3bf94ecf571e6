//! As `bridging_layers.rs`, with the layer under the process's global subscriber,
//! where spans are watched and a task on a free worker goes the short way.

#[expect(dead_code, reason = "each test file needs some of the helpers")]
mod support;

use std::sync::Once;

use entourage::SpanWatch;
use support::bridge::{Bridge, VALUE, current, is_clean, pool, push, remove, submit};
use support::steal_one;
use tracing::{info_span, subscriber};
use tracing_subscriber::layer::SubscriberExt;

fn bridged() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let subscriber = tracing_subscriber::registry().with(Bridge);
        subscriber::set_global_default(SpanWatch::new(subscriber)).unwrap();
    });
}

#[test]
fn waiting_task_finds_what_was_set_above_its_span_again() {
    bridged();
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
}

#[test]
fn each_of_four_tasks_on_one_stack_finds_its_own_again() {
    bridged();
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
}

#[test]
fn what_a_task_sets_is_current_again_in_a_span_that_it_opens_after() {
    bridged();
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
}
