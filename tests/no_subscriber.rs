//! A process in which `tracing` was never given a subscriber: the keys travel,
//! and whatever looks for a span finds none. In a file of its own, since the
//! first subscriber of a process changes that for good.

#[expect(dead_code, reason = "each test file needs some of the helpers")]
mod support;

use entourage::{ParallelIteratorExt, Snapshot};
use rayon::prelude::*;
use support::{one_worker, panic_of, steal_one, workers};
use tracing::{Span, dispatcher, info, info_span};

entourage::context_key! { static TENANT: u32 = propagate; }

fn look() -> (Option<u32>, bool) {
    info!("to nobody");
    assert!(!dispatcher::has_been_set());
    (TENANT.get(), Span::current().is_none())
}

#[test]
fn key_travels_by_every_way_and_there_is_no_span() {
    let pool = workers(2);
    let seven = (Some(7), true);
    info_span!("request").in_scope(|| {
        TENANT.scope(7, || {
            assert_eq!(pool.spawn(look).join().unwrap(), seven);
            assert_eq!(pool.install(look), seven);
            assert_eq!(pool.join(look, look), (seven, seven));
            pool.scope(|s| s.spawn(|_| assert_eq!(look(), seven)));
            assert_eq!(pool.broadcast(|_| look()), [seven; 2]);
            let leaves = (0..100).into_par_iter().in_context().map(|_| look());
            assert!(leaves.collect::<Vec<_>>().into_iter().all(|seen| seen == seven));
        });
    });
    assert_eq!(pool.rayon_pool().broadcast(|_| look()), [(None, true); 2]);
}

#[test]
fn stolen_task_sees_its_own_key_also_when_it_panics() {
    let pool = one_worker();
    let waiting = info_span!("waiting").in_scope(|| {
        TENANT.scope(1, || {
            pool.spawn(|| {
                steal_one();
                steal_one();
                look()
            })
        })
    });
    let stolen = pool.spawn(look);
    let panics = TENANT.scope(2, || pool.spawn(|| panic!("{:?}", look())));
    assert_eq!(stolen.join().unwrap(), (None, true));
    let error = panics.join().unwrap_err();
    assert!(error.to_string().ends_with(": (Some(2), true)"), "{error}");
    assert_eq!(waiting.join().unwrap(), (Some(1), true));
}

#[test]
fn snapshot_of_a_span_that_nobody_records_is_empty() {
    info_span!("request").in_scope(|| {
        let snapshot = Snapshot::capture();
        assert!(snapshot.is_empty());
        assert_eq!(panic_of(|| snapshot.scope(|| panic!("inside"))), "inside");
    });
}
