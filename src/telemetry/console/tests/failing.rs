//! Writers that fail.

use std::io::{self, Write};

use super::{Desk, Written};
use crate::events::RunEnd;

/// Does something else than to write, for the first so many calls.
struct Failing {
    calls: usize,
    fail: fn() -> io::Result<usize>,
    written: Written,
}

impl Write for Failing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.calls {
            0 => self.written.write(bytes),
            _ => {
                self.calls -= 1;
                (self.fail)()
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn desk(calls: usize, fail: fn() -> io::Result<usize>) -> Desk {
    let written = Written::default();
    Desk::new(Failing { calls, fail, written: written.clone() }, written)
}

fn tell(desk: &Desk) {
    let mut run = desk.begin("r", 2);
    run.start("n0");
    desk.after(100);
    run.done("n0", 1);
    desk.after(100);
    run.over(RunEnd::Done);
}

#[test]
fn a_pipe_that_breaks_costs_the_run_nothing() {
    let desk = desk(1, || Err(io::ErrorKind::BrokenPipe.into()));
    tell(&desk);
    assert_eq!(desk.console.error().unwrap().kind(), io::ErrorKind::BrokenPipe);
    assert_eq!(desk.written.take(), "", "nobody reads it any more");
}

#[test]
fn what_a_full_disk_does_not_take_is_lost_and_the_rest_is_not() {
    let desk = desk(1, || Err(io::ErrorKind::StorageFull.into()));
    tell(&desk);
    assert_eq!(desk.console.error().unwrap().kind(), io::ErrorKind::StorageFull);
    assert!(desk.written.take().starts_with("[1/2] n0: done in 1.0 ms\n"));
}

#[test]
fn a_writer_that_panics_is_not_called_again() {
    let desk = desk(1, || panic!("no writer"));
    tell(&desk);
    assert!(desk.console.error().unwrap().to_string().contains("panicked"));
    assert_eq!(desk.written.take(), "");
}

#[test]
fn what_would_block_is_written_later() {
    let desk = desk(2, || Err(io::ErrorKind::WouldBlock.into()));
    tell(&desk);
    assert!(desk.console.error().is_none());
    let text = desk.written.take();
    assert!(text.starts_with("run r: started, 2 nodes, 2 workers\n[0/2] n0: started\n"), "{text}");
    assert!(text.contains("run r: done in "), "{text}");
}

#[test]
fn a_writer_that_writes_to_its_own_console_does_not_wait_for_itself() {
    use super::super::Console;
    use std::sync::OnceLock;
    static CONSOLE: OnceLock<Console> = OnceLock::new();
    let desk = desk(100, || {
        let console = CONSOLE.get().expect("it was put there");
        writeln!(console.writer(), "{}", "x".repeat(100_000))?;
        Ok(1)
    });
    CONSOLE.set(desk.console.clone()).ok().unwrap();
    tell(&desk);
    assert!(!desk.written.take().contains("xxx"));
}
