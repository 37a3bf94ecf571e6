//! Thread-locals of other libraries go along, in order, and come back.

#[expect(dead_code, reason = "each test file needs some of the helpers")]
mod support;

use std::sync::Arc;

use entourage::{
    Executor, ExecutorBuilder, FutureContextExt, ParallelIteratorExt, Propagation, Snapshot,
};
use rayon::ThreadPoolBuilder;
use rayon::prelude::*;
use support::spy::{Log, Spy, local, set_local, with_local};
use support::steal_one;

fn builder() -> ExecutorBuilder {
    Executor::builder().num_threads(1)
}

#[test]
fn accessors_are_restored_in_the_reverse_of_their_order() {
    let log = Log::default();
    let [a, b, c] = ["a", "b", "c"].map(|name| Spy::on(name).logging_to(&log).leak());
    let pool = builder().accessor(a).accessor(b).accessor(c).build().unwrap();
    pool.spawn(|| ()).join().unwrap();
    // The worker restores before it tells the handle.
    let steps = ["capture a", "capture b", "capture c", "enter a", "enter b", "enter c"];
    assert_eq!(log.lines()[..6], steps);
    assert_eq!(log.lines()[6..], ["restore c", "restore b", "restore a"]);
}

#[test]
fn accessor_that_reads_another_as_it_enters_sees_that_one_set() {
    let log = Log::default();
    let first = Spy::on("first").logging_to(&log).leak();
    let second = Spy::on("second").reading("first").logging_to(&log).leak();
    let pool = builder().accessor(first).accessor(second).build().unwrap();
    with_local("first", 7, || pool.spawn(|| ())).join().unwrap();
    assert_eq!(log.count("enter second sees Some(7)"), 1);
}

#[test]
fn key_and_span_are_current_when_an_accessor_enters() {
    use std::sync::Mutex;
    entourage::context_key! { static TENANT: u32 = propagate; }
    static SEEN: Mutex<Option<u32>> = Mutex::new(None);

    struct Reads;
    impl entourage::Accessor for Reads {
        type Value = ();
        type Guard = ();
        fn name(&self) -> &'static str {
            "reads"
        }
        fn capture(&self) -> Option<()> {
            None
        }
        fn enter(&self, _: Option<&()>) {
            *SEEN.lock().unwrap() = TENANT.get();
        }
    }
    static READS: Reads = Reads;

    let pool = builder().accessor(&READS).build().unwrap();
    TENANT.scope(7, || pool.spawn(|| ())).join().unwrap();
    assert_eq!(*SEEN.lock().unwrap(), Some(7));
}

#[test]
fn two_accessors_over_one_thread_local_restore_what_it_was() {
    let first = Spy::on("first").over("locale").leak();
    let second = Spy::on("second").over("locale").leak();
    let pool = builder().accessor(first).accessor(second).build().unwrap();
    let seen = pool.rayon_pool().install(|| {
        with_local("locale", 1, || {
            let task = with_local("locale", 2, || pool.spawn(|| local("locale")));
            (task.join().unwrap(), local("locale"))
        })
    });
    assert_eq!(seen, (Some(2), Some(1)));
}

#[test]
fn task_of_another_executor_sees_nothing_that_a_waiting_task_entered() {
    let shared = Arc::new(ThreadPoolBuilder::new().num_threads(1).build().unwrap());
    let on = |spy| Executor::builder().pool(shared.clone()).accessor(spy).build().unwrap();
    let (first, second) = (on(Spy::on("first").leak()), on(Spy::on("second").leak()));

    let waiting = with_local("first", 1, || {
        first.spawn(|| {
            steal_one();
            (local("first"), local("second"))
        })
    });
    let stolen = with_local("second", 2, || second.spawn(|| (local("first"), local("second"))));
    assert_eq!(stolen.join().unwrap(), (None, Some(2)));
    assert_eq!(waiting.join().unwrap(), (Some(1), None));
}

#[test]
fn clearing_a_waiting_tasks_local_spares_the_value_of_an_accessor_over_the_same() {
    let shared = Arc::new(ThreadPoolBuilder::new().num_threads(1).build().unwrap());
    let on = |spy| Executor::builder().pool(shared.clone()).accessor(spy).build().unwrap();
    let first = on(Spy::on("first").over("locale").leak());
    let second = on(Spy::on("second").over("locale").leak());

    let waiting = with_local("locale", 1, || {
        first.spawn(|| {
            steal_one();
            local("locale")
        })
    });
    let stolen = with_local("locale", 2, || second.spawn(|| local("locale")));
    assert_eq!(stolen.join().unwrap(), Some(2));
    assert_eq!(waiting.join().unwrap(), Some(1));
}

#[test]
fn snapshot_without_accessors_hides_what_the_surrounding_task_entered() {
    let pool = builder().accessor(Spy::on("locale").leak()).build().unwrap();
    let seen = with_local("locale", 1, || {
        pool.spawn(|| {
            let hidden = Snapshot::empty().scope(|| local("locale"));
            (hidden, local("locale"))
        })
    });
    assert_eq!(seen.join().unwrap(), (None, Some(1)));
}

#[test]
fn accessor_off_the_list_is_cleared_rather_than_left() {
    let spy = Spy::on("locale").leak();
    let pool = builder().accessor(spy).propagation(Propagation::except([spy])).build().unwrap();
    let seen = with_local("locale", 1, || pool.spawn(|| local("locale")));
    assert_eq!(seen.join().unwrap(), None);
    // On a thread that holds a value of its own, too.
    pool.rayon_pool().install(|| set_local("locale", Some(2)));
    assert_eq!(pool.spawn(|| local("locale")).join().unwrap(), None);
    assert_eq!(pool.rayon_pool().install(|| local("locale")), Some(2));
}

#[test]
fn what_a_task_captures_by_hand_has_the_accessors_of_its_executor() {
    let spy = Spy::on("locale").leak();
    let pool = builder().accessor(spy).build().unwrap();
    let look = || local("locale");
    let task = with_local("locale", 7, || {
        pool.spawn(move || {
            let by_hand = with_local("locale", 8, Snapshot::capture);
            let leaves: Vec<_> = (0..3).into_par_iter().in_context().map(|_| look()).collect();
            let future = std::pin::pin!(FutureContextExt::in_context(async move { look() }));
            let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
            (by_hand.scope(look), leaves, future.poll(&mut cx), look())
        })
    });
    let (by_hand, leaves, polled, after) = task.join().unwrap();
    assert_eq!((by_hand, after), (Some(8), Some(7)));
    assert_eq!(leaves, [Some(7); 3]);
    assert_eq!(polled, std::task::Poll::Ready(Some(7)));
    // Outside of any task nobody knows of an accessor, so that nothing is touched.
    let seen = with_local("locale", 9, || Snapshot::capture().scope(look));
    assert_eq!(seen, Some(9));
}
