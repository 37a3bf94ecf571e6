//! What the runner costs, a node that does nothing at a time: in time and in
//! memory, over five sizes.
//!
//! A first run, and a peak of memory, are of a process that has done nothing else
//! before: so this program starts itself again for each of them.

mod alone;
mod case;
mod chains;
#[path = "../harness/mod.rs"]
mod harness;
mod memory;
mod mirrored;
mod shapes;
mod steady;

use std::env;
use std::error::Error;

use case::Case;
use harness::Figures;

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = env::args().collect();
    if let [_, flag, case @ ..] = &args[..]
        && flag == case::FLAG
    {
        return Case::parse(case)?.run();
    }
    let mut figures = Figures::default();
    alone::measure(&mut figures)?;
    steady::measure(&mut figures)?;
    chains::measure(&mut figures)?;
    mirrored::measure(&mut figures)?;
    figures.print();
    Ok(())
}
