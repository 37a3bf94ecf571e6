//! What a long chain holds of the values that go along it.

use std::error::Error;

use entourage::{Data, Executor, Node, Pipeline, RunOptions, ThreadRunner, node};

use crate::alone;
use crate::case::{Case, Found};
use crate::harness::Figures;
use crate::memory;

type Block = [u8; 1024];

const BLOCK: Data<Block> = Data::memory("block");
const NUMBER: Data<u64> = Data::memory("number");

/// What a chain of blocks takes more than one of numbers, which is as long.
pub(crate) fn measure(figures: &mut Figures) -> Result<(), Box<dyn Error>> {
    for nodes in [1_000, 100_000] {
        let running = |is_large| -> Result<f64, Box<dyn Error>> {
            Ok(Case::Chain { nodes, is_large }.run_apart()?["running"])
        };
        let more = running(true)? - running(false)?;
        figures.add(&format!("chain_{nodes}_of_kilobytes"), more, "bytes", 8_192.0);
    }
    Ok(())
}

pub(crate) fn run(nodes: usize, is_large: bool) -> Result<Found, Box<dyn Error>> {
    let runner = ThreadRunner::new(&Executor::builder().build()?);
    let pipeline = match is_large {
        true => Pipeline::new((0..nodes).map(block))?,
        false => Pipeline::new((0..nodes).map(number))?,
    };
    drop(alone::run(&runner, &pipeline, RunOptions::new())?);
    memory::count();
    let (running, report) = memory::peak_of(|| alone::run(&runner, &pipeline, RunOptions::new()));
    drop(report?);
    Ok(vec![("running", running)])
}

fn block(at: usize) -> Node {
    let block = |at: usize| BLOCK.named(format!("d{at}"));
    let node = match at {
        0 => node(|| [0u8; 1024]).reads(()).writes(block(at)),
        _ => node(|block: &Block| *block).reads(block(at - 1)).writes(block(at)),
    };
    node.named(format!("n{at}"))
}

fn number(at: usize) -> Node {
    let number = |at: usize| NUMBER.named(format!("d{at}"));
    let node = match at {
        0 => node(|| 0u64).reads(()).writes(number(at)),
        _ => node(|number: &u64| *number).reads(number(at - 1)).writes(number(at)),
    };
    node.named(format!("n{at}"))
}
