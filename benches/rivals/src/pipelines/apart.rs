//! A case in a process of its own, for as long as it may take.

use std::env;
use std::error::Error;
use std::io::Read;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// What tells this program that it is to be one case.
pub(crate) const FLAG: &str = "--case";

pub(crate) enum End {
    /// What it printed last.
    Printed(String),
    /// It ended by itself, without a word.
    Died(String),
    /// It had to be ended.
    TookTooLong,
}

pub(crate) fn run(args: &[&str], limit: Duration) -> Result<End, Box<dyn Error>> {
    let mut command = Command::new(env::current_exe()?);
    let command = command.arg(FLAG).args(args).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn()?;
    let mut stdout = child.stdout.take().ok_or("the output is piped")?;
    let reader = thread::spawn(move || {
        let mut printed = String::new();
        stdout.read_to_string(&mut printed).map(|_| printed)
    });
    let began = Instant::now();
    let status = loop {
        match child.try_wait()? {
            Some(status) => break status,
            None if began.elapsed() >= limit => {
                child.kill()?;
                child.wait()?;
                return Ok(End::TookTooLong);
            }
            None => thread::sleep(Duration::from_millis(5)),
        }
    };
    let printed = reader.join().map_err(|_| "reading the output panicked")??;
    Ok(match printed.lines().last() {
        Some(line) if status.success() => End::Printed(line.to_owned()),
        _ => End::Died(status.to_string()),
    })
}
