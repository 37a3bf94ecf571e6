use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc;

use super::Leaf;
use crate::{Accessor, Executor, Snapshot};

crate::context_key! { static RUN: u32 = propagate; }

fn in_run(run: u32) -> Snapshot {
    RUN.scope(run, Snapshot::capture)
}

#[test]
fn leaf_dropped_beneath_another_is_left_when_that_one_is() {
    let (first, second) = (in_run(1), in_run(2));
    let (lower, upper) = (Leaf::enter(&first), Leaf::enter(&second));
    drop(lower);
    assert_eq!(RUN.get(), Some(2));
    drop(upper);
    assert_eq!(RUN.get(), None);
}

#[test]
fn leaf_in_the_middle_is_left_after_the_one_above_and_before_the_one_beneath() {
    let runs = [in_run(1), in_run(2), in_run(3)];
    let [lower, middle, upper] = runs.each_ref().map(Leaf::enter);
    drop(middle);
    assert_eq!(RUN.get(), Some(3));
    drop(upper);
    assert_eq!(RUN.get(), Some(1));
    drop(lower);
    assert_eq!(RUN.get(), None);
}

/// Panics when it is restored.
struct Fails;

struct Guard;

impl Drop for Guard {
    fn drop(&mut self) {
        panic!("restoring");
    }
}

impl Accessor for Fails {
    type Value = ();
    type Guard = Guard;
    fn name(&self) -> &'static str {
        "fails"
    }
    fn capture(&self) -> Option<()> {
        None
    }
    fn enter(&self, _: Option<&()>) -> Guard {
        Guard
    }
}

#[test]
fn panic_in_leaving_one_leaf_does_not_keep_the_others_from_being_left() {
    static FAILS: Fails = Fails;
    let pool = Executor::builder().num_threads(1).accessor(&FAILS).build().unwrap();
    let failing = RUN.scope(2, || pool.snapshot());
    let first = in_run(1);
    let (lower, upper) = (Leaf::enter(&first), Leaf::enter(&failing));
    drop(lower);
    let payload = catch_unwind(AssertUnwindSafe(|| drop(upper))).unwrap_err();
    assert_eq!(*payload.downcast_ref::<&str>().unwrap(), "restoring");
    assert_eq!(RUN.get(), None);

    // Nor does it abort where another panic is on its way.
    let payload = catch_unwind(AssertUnwindSafe(|| {
        let _lower = Leaf::enter(&first);
        let _upper = Leaf::enter(&failing);
        panic!("the first one");
    }));
    assert_eq!(*payload.unwrap_err().downcast_ref::<&str>().unwrap(), "the first one");
    assert_eq!(RUN.get(), None);
}

#[test]
fn leaf_is_entered_and_left_in_a_thread_local_destructor() {
    struct AtExit(mpsc::Sender<()>);
    impl Drop for AtExit {
        fn drop(&mut self) {
            drop(Leaf::enter(&in_run(1)));
            self.0.send(()).unwrap();
        }
    }
    thread_local! { static AT_EXIT: RefCell<Option<AtExit>> = const { RefCell::new(None) } }

    let (tell, told) = mpsc::channel();
    let thread = std::thread::spawn(move || {
        AT_EXIT.set(Some(AtExit(tell)));
        // Used after, so torn down before.
        drop(Leaf::enter(&in_run(1)));
    });
    thread.join().unwrap();
    told.recv().unwrap();
}
