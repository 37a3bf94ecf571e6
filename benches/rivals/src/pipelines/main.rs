//! The runner beside the published crates that run graphs, and beside what one
//! would write by hand: how long a node takes, and what becomes of a run in which
//! something goes wrong.
//!
//! `cargo run --release --manifest-path benches/rivals/Cargo.toml --bin pipelines`
//!
//! Each case is a process of its own, and is ended where it does not end by
//! itself. What the second table says was seen, in a run of that case just now.

mod act;
mod apart;
mod faults;
mod graph;
mod speed;
mod ways;

use std::env;
use std::error::Error;

use apart::FLAG;

/// Workers, of every way.
const THREADS: usize = 2;

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = env::args().collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args[..] {
        [_, FLAG, rival, "speed", shape, nodes] => speed::run(rival, shape, nodes.parse()?),
        [_, FLAG, rival, fault] => faults::run(rival, fault),
        _ => {
            speed::print()?;
            println!();
            faults::print()
        }
    }
}
