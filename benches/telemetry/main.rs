//! What it costs that a run is told: in time, in memory, and in bytes on file.
//!
//! A peak of memory is of a process that has done nothing else before: so this
//! program starts itself again for each case.

mod cost;
#[expect(dead_code, reason = "other benches need the rest of it")]
#[path = "../harness/mod.rs"]
mod harness;
mod instructions;
mod log_lines;
#[expect(dead_code, reason = "other benches need the rest of it")]
#[path = "../runner/memory.rs"]
mod memory;
mod retold;
#[path = "../runner/shapes.rs"]
mod shapes;

use std::collections::BTreeMap;
use std::env;
use std::error::Error;
use std::process::{Command, Stdio};

use harness::Figures;

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

/// What a case found, by name.
type Found = Vec<(&'static str, f64)>;

/// What tells this program that it is to measure one thing.
const FLAG: &str = "--case";

fn main() -> Outcome {
    let args: Vec<String> = env::args().collect();
    if let [_, flag, case, number] = &args[..]
        && flag == FLAG
    {
        let number = number.parse()?;
        let found = match case.as_str() {
            "cost" => cost::run(number)?,
            "log_lines" => log_lines::run(number)?,
            "retold" => retold::run(number)?,
            other => {
                instructions::run(other, number)?.ok_or_else(|| format!("no such case: {other}"))?
            }
        };
        found.iter().for_each(|(name, value)| println!("{name} {value}"));
        return Ok(());
    }
    let mut figures = Figures::default();
    cost::measure(&mut figures)?;
    instructions::measure(&mut figures)?;
    log_lines::measure(&mut figures)?;
    retold::measure(&mut figures)?;
    figures.print();
    Ok(())
}

/// Measures `case`, in a new process.
fn run_apart(case: &str, number: usize) -> Outcome<BTreeMap<String, f64>> {
    let mut command = Command::new(env::current_exe()?);
    command.args([FLAG, case, &number.to_string()]);
    let output = command.stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        return Err(format!("{case} {number} ended with {}", output.status).into());
    }
    let printed = String::from_utf8(output.stdout)?;
    let line = |line: &str| {
        let (name, value) = line.split_once(' ')?;
        Some((name.to_owned(), value.parse().ok()?))
    };
    Ok(printed.lines().filter_map(line).collect())
}
