//! The executor beside the other ways to carry a caller's context to another
//! thread: how long a task takes, and whose context it sees.
//!
//! `cargo run --release --manifest-path benches/rivals/Cargo.toml`
//!
//! With `-- --watched`, the subscriber is in entourage's `SpanWatch`.
//!
//! Every way runs in this one process, a burst of each in turn, with a subscriber
//! that the spans of all of them go to. The bursts are submitted from a thread of
//! no pool, whose context is carried to each task. What is said about attribution
//! is what tasks found when they looked.

mod burst;
mod checks;
#[path = "../../propagation/latch.rs"]
mod latch;
mod panics;
mod table;
mod way;
mod ways;

use std::env;
use std::error::Error;
use std::process::exit;

use entourage::SpanWatch;
use fastrace::collector::{Config, Reporter, SpanRecord};
use tracing::subscriber::set_global_default;

use burst::{Burst, Pace};
use checks::Checks;
use panics::After;
use way::Way;

/// Has the subscriber watched.
const WATCHED: &str = "--watched";

/// One way, with its type gone.
struct Rival {
    name: &'static str,
    burst: fn(usize) -> Burst,
    checks: fn() -> Checks,
    provoke: fn() -> i32,
}

impl Rival {
    const fn of<W: Way>() -> Self {
        Self {
            name: W::NAME,
            burst: burst::of::<W>,
            checks: checks::of::<W>,
            provoke: panics::provoke::<W>,
        }
    }
}

const RIVALS: [Rival; 10] = [
    Rival::of::<ways::Bare>(),
    Rival::of::<ways::Off>(),
    Rival::of::<ways::On>(),
    Rival::of::<ways::SpanByHand>(),
    Rival::of::<ways::OpenTelemetry>(),
    Rival::of::<ways::Fastrace>(),
    Rival::of::<ways::ThreadPool>(),
    Rival::of::<ways::SpawnBlocking>(),
    Rival::of::<ways::SpawnBlockingByHand>(),
    Rival::of::<ways::Spawn>(),
];

/// One line of the table.
struct Row {
    name: &'static str,
    one_thread: Pace,
    two_threads: Pace,
    checks: Checks,
    after: After,
}

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = env::args().collect();
    if args[1..] == [WATCHED] {
        set_global_default(SpanWatch::new(tracing_subscriber::registry()))?;
    } else {
        set_global_default(tracing_subscriber::registry())?;
    }
    fastrace::set_reporter(Discard, Config::default());
    if let [_, flag, name] = &args[..]
        && flag == panics::FLAG
    {
        let rival = RIVALS.iter().find(|rival| rival.name == name).ok_or("no such rival")?;
        exit((rival.provoke)());
    }
    let checks = RIVALS.map(|rival| (rival.checks)());
    let race = |threads| burst::race(&RIVALS.map(|rival| (rival.burst)(threads)));
    let (one, two) = (race(1), race(2));
    let mut rows = Vec::new();
    for (at, Rival { name, .. }) in RIVALS.into_iter().enumerate() {
        let after = panics::watch(name)?;
        let (one_thread, two_threads) = (one[at], two[at]);
        rows.push(Row { name, one_thread, two_threads, checks: checks[at], after });
    }
    table::print(&rows);
    Ok(())
}

/// Where fastrace's spans go.
struct Discard;

impl Reporter for Discard {
    fn report(&mut self, _spans: Vec<SpanRecord>) {}
}
