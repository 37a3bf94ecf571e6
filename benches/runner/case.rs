//! One thing to measure, in a process of its own.

use std::collections::BTreeMap;
use std::env;
use std::error::Error;
use std::process::{Command, Stdio};

use crate::{alone, chains, mirrored, steady};

/// What tells this program that it is to measure one thing.
pub(crate) const FLAG: &str = "--case";

/// What is measured. What a case prints are lines of a name and a number.
#[derive(Clone, Copy)]
pub(crate) enum Case {
    /// Build, first run, second run.
    Time { shape: usize, nodes: usize },
    /// The same, with every allocation counted.
    Memory { shape: usize, nodes: usize },
    /// Many runs, in turn with the context on and off.
    Steady { shape: usize, is_subscribed: bool },
    /// A chain, of values of a kilobyte or of eight bytes.
    Chain { nodes: usize, is_large: bool },
    /// A graph as Taskflow's benchmarks have it.
    Mirrored { shape: usize },
}

impl Case {
    pub(crate) fn parse(args: &[String]) -> Result<Self, Box<dyn Error>> {
        let number = |at: usize| -> Result<usize, Box<dyn Error>> {
            Ok(args.get(at).ok_or("an argument is missing")?.parse()?)
        };
        Ok(match args.first().map_or("", String::as_str) {
            "time" => Self::Time { shape: number(1)?, nodes: number(2)? },
            "memory" => Self::Memory { shape: number(1)?, nodes: number(2)? },
            "steady" => Self::Steady { shape: number(1)?, is_subscribed: number(2)? == 1 },
            "chain" => Self::Chain { nodes: number(1)?, is_large: number(2)? == 1 },
            "mirrored" => Self::Mirrored { shape: number(1)? },
            other => return Err(format!("no such case: {other}").into()),
        })
    }

    fn args(self) -> Vec<String> {
        let (name, numbers) = match self {
            Self::Time { shape, nodes } => ("time", vec![shape, nodes]),
            Self::Memory { shape, nodes } => ("memory", vec![shape, nodes]),
            Self::Steady { shape, is_subscribed } => ("steady", vec![shape, is_subscribed.into()]),
            Self::Chain { nodes, is_large } => ("chain", vec![nodes, is_large.into()]),
            Self::Mirrored { shape } => ("mirrored", vec![shape]),
        };
        let numbers = numbers.into_iter().map(|number: usize| number.to_string());
        [FLAG, name].map(str::to_owned).into_iter().chain(numbers).collect()
    }

    /// Measures, in this process.
    pub(crate) fn run(self) -> Result<(), Box<dyn Error>> {
        let found = match self {
            Self::Time { shape, nodes } => alone::time(shape, nodes)?,
            Self::Memory { shape, nodes } => alone::memory(shape, nodes)?,
            Self::Steady { shape, is_subscribed } => steady::run(shape, is_subscribed)?,
            Self::Chain { nodes, is_large } => chains::run(nodes, is_large)?,
            Self::Mirrored { shape } => mirrored::run(shape)?,
        };
        found.iter().for_each(|(name, value)| println!("{name} {value}"));
        Ok(())
    }

    /// Measures, in a new process.
    pub(crate) fn run_apart(self) -> Result<BTreeMap<String, f64>, Box<dyn Error>> {
        let args = self.args();
        let mut command = Command::new(env::current_exe()?);
        let output = command.args(&args).stderr(Stdio::inherit()).output()?;
        if !output.status.success() {
            return Err(format!("{args:?} ended with {}", output.status).into());
        }
        let printed = String::from_utf8(output.stdout)?;
        let line = |line: &str| {
            let (name, value) = line.split_once(' ')?;
            Some((name.to_owned(), value.parse().ok()?))
        };
        Ok(printed.lines().filter_map(line).collect())
    }
}

/// What a case found, by name.
pub(crate) type Found = Vec<(&'static str, f64)>;
