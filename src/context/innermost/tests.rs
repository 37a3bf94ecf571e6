use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;

use super::{lend, within};
use crate::context::capture::Capture;

fn is_lent(capture: &Capture) -> bool {
    lend(|lent| lent.is_some_and(|lent| ptr::eq(lent, capture)))
}

#[test]
fn innermost_is_lent_and_the_outer_one_again_after_it_even_on_a_panic() {
    let (outer, inner) = (Capture::default(), Capture::default());
    assert!(lend(|lent| lent.is_none()));
    within(&outer, || {
        assert!(is_lent(&outer));
        let caught = catch_unwind(AssertUnwindSafe(|| {
            within(&inner, || {
                assert!(is_lent(&inner));
                panic!("on purpose");
            })
        }));
        assert!(caught.is_err());
        assert!(is_lent(&outer));
    });
    assert!(lend(|lent| lent.is_none()));
}

#[test]
fn other_threads_are_lent_nothing() {
    let capture = Capture::default();
    within(&capture, || {
        std::thread::scope(|s| s.spawn(|| assert!(lend(|lent| lent.is_none()))).join().unwrap());
    });
}
