//! A worker that waits inside `block_on`. In a process of its own: what hides a
//! runtime is made once, and has to be made in there.

use std::panic::{AssertUnwindSafe, catch_unwind};

use entourage::accessors::TOKIO;
use entourage_foreign_tests::{one_worker, steal_one};
use tokio::runtime::{Builder, Handle};

#[test]
fn worker_that_waits_inside_block_on_runs_other_tasks() {
    let [first, second] = [0, 1].map(|_| Builder::new_current_thread().build().unwrap());
    let pool = one_worker(&TOKIO);
    let waiting = {
        let _entered = first.enter();
        pool.spawn(|| {
            Handle::current().block_on(async {
                steal_one();
                steal_one();
            });
        })
    };
    let without = pool.spawn(|| TOKIO.current().is_none());
    let with = {
        let _entered = second.enter();
        pool.spawn(|| {
            let blocks = || Handle::current().block_on(async {});
            (tokio::spawn(async { 1 }), catch_unwind(AssertUnwindSafe(blocks)).is_err())
        })
    };
    assert!(without.join().unwrap());
    let (spawned, cannot_block) = with.join().unwrap();
    assert_eq!(second.block_on(spawned).unwrap(), 1);
    assert!(cannot_block);
    waiting.join().unwrap();
}
