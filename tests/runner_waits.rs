//! What a run does while its nodes wait: nothing. In a file of its own, since it
//! counts what the process uses.

#![cfg(feature = "pipeline")]

#[expect(dead_code, reason = "each test file needs some of the helpers")]
#[path = "support/pipelines.rs"]
mod pipelines;

use std::sync::{Mutex, mpsc};
use std::time::Duration;

use entourage::{Catalog, Data, Pipeline, RunOptions, node};
use pipelines::{with_each_runner, with_thread_runner};

/// The tests of this file must not count for each other.
static ALONE: Mutex<()> = Mutex::new(());

/// Longer than any machine needs.
const LONG: Duration = Duration::from_secs(60);

fn number(name: &str) -> Data<u64> {
    Data::memory("number").named(name)
}

#[test]
fn chain_goes_on_while_another_waits_whatever_its_place_in_it() {
    let _alone = ALONE.lock().unwrap();
    // The first of one chain does not end before the second of the other has run:
    // nodes that were run in waves would wait for ever.
    with_thread_runner(2, |runner| {
        let (done, waits_for_done) = mpsc::channel();
        let waits_for_done = Mutex::new(waits_for_done);
        let slow =
            move || waits_for_done.lock().unwrap().recv_timeout(LONG).map_err(|_| "waited in vain");
        let second = move |n: &u64| {
            let _ = done.send(*n);
            n + 1
        };
        let pipeline = Pipeline::new([
            node(slow).reads(()).writes(number("a_1")).named("a_slow"),
            node(|n: &u64| n + 1).reads(number("a_1")).writes(number("a_2")).named("a_fast"),
            node(|| 1_u64).reads(()).writes(number("b_1")).named("b_fast"),
            node(second).reads(number("b_1")).writes(number("b_2")).named("b_slow"),
        ])
        .unwrap();
        let mut report = runner.run(&pipeline, &Catalog::empty(), RunOptions::new()).unwrap();
        let outputs = ["a_2", "b_2"].map(|name| report.take_output(&number(name)));
        assert_eq!(outputs, [Some(2), Some(2)]);
    });
}

/// How much of a processor the process has used, in hundredths of a second.
#[cfg(target_os = "linux")]
fn used() -> u64 {
    let told = std::fs::read_to_string("/proc/self/stat").unwrap();
    // After the name, which is in brackets: the state is the third field, and the
    // times in and out of the kernel are the 14th and the 15th.
    let fields: Vec<_> = told.rsplit_once(')').unwrap().1.split_whitespace().collect();
    [fields[11], fields[12]].map(|ticks| ticks.parse::<u64>().unwrap()).iter().sum()
}

#[cfg(target_os = "linux")]
#[test]
fn node_that_waits_costs_no_processor_time_in_any_runner() {
    let _alone = ALONE.lock().unwrap();
    let wait = || std::thread::sleep(Duration::from_millis(1_500));
    let pipeline = Pipeline::new([
        node(wait).reads(()).writes(Data::<()>::memory("waited")).named("wait"),
        node(|_: &()| ()).reads(Data::<()>::memory("waited")).writes(()).named("after"),
        node(|| ()).reads(()).writes(Data::<()>::memory("beside")).named("beside"),
    ])
    .unwrap();
    with_each_runner(|runner| {
        let before = used();
        runner.run(&pipeline, &Catalog::empty(), RunOptions::new()).unwrap();
        let used = used() - before;
        // One thread that spins would use all of the time, 150.
        assert!(used < 50, "{used} hundredths of a second");
    });
}
