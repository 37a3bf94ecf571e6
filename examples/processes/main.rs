//! Nodes in processes of their own, of which two do what would end any other run:
//! one needs more memory than it may have, one aborts.
//!
//! ```text
//! cargo run --example processes
//! ```
//!
//! The others end as if nothing had been, and the run tells what became of each.

use std::error::Error;
use std::hint::black_box;

use entourage::{Catalog, Data, Node, Pipeline, ProcessRunner, RunOptions, node, serve_worker};

const TOTAL: Data<u64> = Data::value("total");

fn part(name: &str) -> Data<u64> {
    Data::value("part").named(name)
}

fn counts(name: &'static str, from: u64) -> Node {
    let count = move || (from..from + 1_000_000).filter(|n| n % 7 == 0).count() as u64;
    node(count).reads(()).writes(part(name)).named(format!("count_{name}"))
}

/// Needs 4 GiB.
fn hoards() -> u64 {
    black_box(vec![1_u8; 4 << 30]).len() as u64
}

fn aborts() -> u64 {
    std::process::abort()
}

fn add(low: &u64, high: &u64) -> u64 {
    low + high
}

fn main() -> Result<(), Box<dyn Error>> {
    let pipeline = Pipeline::new([
        counts("low", 0),
        counts("high", 1_000_000),
        node(add).reads((part("low"), part("high"))).writes(TOTAL),
        node(hoards).reads(()).writes(part("hoard")),
        node(aborts).reads(()).writes(part("never")),
    ])?;
    let catalog = Catalog::empty();
    // In a process that was started as a worker this is where it stays.
    serve_worker(&pipeline, &catalog).if_asked();

    let runner = ProcessRunner::builder().workers(2).memory_limit(2 << 30).build()?;
    let error = runner
        .run(&pipeline, &catalog, RunOptions::new().keep_going())
        .expect_err("two of the nodes cannot end well");
    let report = error.report().ok_or("the run was not started")?;
    for node in report.nodes() {
        println!("{:<12} {}", node.name, node.fate);
    }
    for failure in report.failures() {
        println!("  {failure}");
    }
    println!("total: {}", report.output(&TOTAL).ok_or("no total")?);
    Ok(())
}
