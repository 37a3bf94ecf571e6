//! The command line.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};

macro_rules! here {
    ($name:literal) => {
        concat!(env!("CARGO_MANIFEST_DIR"), "/examples/flights/", $name)
    };
}

/// Reports on flights: delays by carrier, route and hour, and a linear model.
#[derive(Parser)]
pub(crate) struct Args {
    /// The folder of the CSV files
    #[arg(long, value_name = "DIR", default_value = here!("data"))]
    pub(crate) data: PathBuf,
    /// The folder to write to; it is made where it is missing
    #[arg(long, value_name = "DIR", default_value = here!("out"))]
    pub(crate) out: PathBuf,
    /// How to run the nodes
    #[arg(long, value_enum, default_value = "thread")]
    pub(crate) runner: Runner,
    /// How many workers the thread runner has [default: as many as the machine runs at once]
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<usize>,
    /// Switches propagation off: nothing is carried to the nodes, and they log nothing
    #[arg(long)]
    pub(crate) perf: bool,
    /// Where the log goes [default: run.jsonl in the folder to write to]
    #[arg(long, value_name = "FILE", conflicts_with = "perf")]
    pub(crate) log: Option<PathBuf>,
    /// Where the data lives, and in which format
    #[arg(long, value_name = "FILE", default_value = here!("catalog.yml"))]
    pub(crate) catalog: PathBuf,
    /// The parameters
    #[arg(long, value_name = "FILE", default_value = here!("parameters.yml"))]
    pub(crate) parameters: PathBuf,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Runner {
    /// One node after the other, on the main thread
    Sequential,
    /// As many nodes at once as there are workers
    Thread,
}
