//! What propagation costs, and what it costs to switch it off.
//!
//! The disabled path comes first: it must be the bare pool's. All sides of a
//! comparison run on the same workers, ours through the executor and the others
//! through the rayon pool under it.
//!
//! `cargo bench --bench propagation` runs all stages, each in a process of its
//! own since each has another subscriber; with a stage's name after `--`, that one
//! alone.

mod hand;
#[path = "../harness/mod.rs"]
mod harness;
mod keys;
mod latch;
mod off;
mod on;
mod shapes;
mod stage;

use std::env;
use std::error::Error;
use std::process::{Command, Stdio};

use entourage::{Executor, Propagation};

use harness::Figures;
use stage::Stage;

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

const THREADS: [usize; 2] = [1, 2];

fn main() -> Outcome {
    // Cargo adds `--bench`.
    let named: Vec<_> = env::args().skip(1).filter(|arg| !arg.starts_with("--")).collect();
    match &named[..] {
        [] => run_all(),
        [name] => match Stage::ALL.into_iter().find(|stage| stage.name() == name) {
            Some(stage) => run(stage),
            None => {
                let names: Vec<_> = Stage::ALL.into_iter().map(Stage::name).collect();
                Err(format!("there is no stage `{name}`, but {}", names.join(", ")).into())
            }
        },
        _ => Err("at most one stage can be named".into()),
    }
}

fn run_all() -> Outcome {
    let mut printed = Vec::new();
    for stage in Stage::ALL {
        let mut command = Command::new(env::current_exe()?);
        let output = command.arg(stage.name()).stderr(Stdio::inherit()).output()?;
        if !output.status.success() {
            return Err(format!("stage {} failed: {}", stage.name(), output.status).into());
        }
        printed.push(String::from_utf8(output.stdout)?);
    }
    print!("{}", printed.concat());
    Ok(())
}

fn run(stage: Stage) -> Outcome {
    let mut figures = Figures::default();
    stage.run(|| -> Outcome {
        for threads in THREADS.into_iter().filter(|_| stage.has_off()) {
            off::measure(&mut figures, &executor(threads, Propagation::off())?, stage);
        }
        for threads in THREADS {
            on::measure(&mut figures, &executor(threads, Propagation::all())?, stage);
        }
        Ok(())
    })?;
    figures.print();
    Ok(())
}

fn executor(threads: usize, propagation: Propagation) -> Outcome<Executor> {
    Ok(Executor::builder().num_threads(threads).propagation(propagation).build()?)
}
