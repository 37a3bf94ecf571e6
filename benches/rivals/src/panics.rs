//! What a task's panic does to the program, with the pool as it comes: found out
//! in a process that may end by it.

use std::env;
use std::error::Error;
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;
use std::time::Duration;

use crate::way::Way;

/// Has the program be that process.
pub(crate) const FLAG: &str = "--panic";

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum After {
    LivesOn,
    Aborts,
    /// The process lives, and a task that comes later does not run.
    PoolIsDead,
}

/// Runs `name` in a process of its own and sees how that ends.
pub(crate) fn watch(name: &str) -> Result<After, Box<dyn Error>> {
    let mut command = Command::new(env::current_exe()?);
    let status = command.args([FLAG, name]).stderr(Stdio::null()).status()?;
    Ok(match status.code() {
        Some(0) => After::LivesOn,
        Some(DEAD) => After::PoolIsDead,
        _ => After::Aborts,
    })
}

const DEAD: i32 = 3;

/// Panics in a task, and then submits another. Returns the code to exit with.
pub(crate) fn provoke<W: Way>() -> i32 {
    let way = W::start(1);
    way.submit(&way.take(), || panic!("as it was told"));
    let (sender, receiver) = channel();
    way.submit(&way.take(), move || {
        let _ = sender.send(());
    });
    if receiver.recv_timeout(Duration::from_secs(2)).is_ok() { 0 } else { DEAD }
}
