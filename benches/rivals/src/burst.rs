//! Speed: a burst of tasks from a thread that is not the pool's, until the last is
//! done.

use std::hint::black_box;
use std::time::{Duration, Instant};

use crate::latch;
use crate::way::{Way, Who};

pub(crate) const TASKS: usize = 4096;
pub(crate) const ROUNDS: usize = 101;

/// One burst each time it is called: how long it took.
pub(crate) type Burst = Box<dyn Fn() -> Duration>;

pub(crate) fn of<W: Way>(threads: usize) -> Burst {
    let way = W::start(threads);
    Box::new(move || {
        let took = way.call_as(Who::A, || {
            let start = Instant::now();
            latch::wait_for(TASKS, || submit_all(&way));
            start.elapsed()
        });
        way.settle();
        took
    })
}

fn submit_all<W: Way>(way: &W) {
    let taken = way.take();
    for n in 0..TASKS {
        way.submit(&taken, move || {
            black_box(n.wrapping_mul(0x9E37_79B9));
            latch::count();
        });
    }
}

/// Nanoseconds a task.
#[derive(Clone, Copy)]
pub(crate) struct Pace {
    pub(crate) median: f64,
    /// Of the round that the machine's noise left alone most.
    pub(crate) least: f64,
}

/// The pace of each, over rounds of one after the other, each round beginning
/// with the next.
pub(crate) fn race(bursts: &[Burst]) -> Vec<Pace> {
    let mut times = vec![Vec::with_capacity(ROUNDS); bursts.len()];
    // A warm-up.
    for burst in bursts {
        burst();
    }
    for round in 0..ROUNDS {
        for turn in 0..bursts.len() {
            let at = (round + turn) % bursts.len();
            times[at].push(bursts[at]());
        }
    }
    let per_task = |took: Duration| took.as_secs_f64() * 1e9 / TASKS as f64;
    let pace = |mut times: Vec<Duration>| {
        times.sort();
        Pace { median: per_task(times[times.len() / 2]), least: per_task(times[0]) }
    };
    times.into_iter().map(pace).collect()
}
