//! Writers that fail.

use std::io::{self, Write};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use super::super::Console;
use super::{Desk, Written, pipeline};
use crate::events::RunEnd;
use crate::{Catalog, RunOptions, SequentialRunner};

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

/// Says that it is called, and does nothing else until it is let go.
struct Blocked {
    called: Sender<()>,
    let_go: Receiver<()>,
    written: Sender<String>,
}

impl Write for Blocked {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // Nobody may listen any more; and it is let go for good by a sender's end.
        let _ = self.called.send(());
        let _ = self.let_go.recv();
        let _ = self.written.send(String::from_utf8_lossy(bytes).into_owned());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Far more than anything here needs.
const LONG: Duration = Duration::from_secs(60);

/// What the console has to do, which must come to its end though the writer does not.
fn must_end<R: Send + 'static>(what: impl FnOnce() -> R + Send + 'static) -> R {
    let (done, wait) = channel();
    thread::spawn(move || done.send(what()));
    wait.recv_timeout(LONG).expect("it waits for the writer")
}

fn lines_until(written: &Receiver<String>, last: &str) -> String {
    let mut text = String::new();
    while !text.contains(last) {
        text.push_str(&written.recv_timeout(LONG).expect("a line is never written"));
    }
    text
}

#[test]
fn a_writer_that_is_blocked_holds_neither_lines_nor_questions_without_a_run() {
    let (called, is_called) = channel();
    let (go, let_go) = channel();
    let (written, is_written) = channel();
    let console = Console::new(Blocked { called, let_go, written });
    let mut writer = console.writer();
    let first = thread::spawn(move || writeln!(writer, "first"));
    is_called.recv_timeout(LONG).unwrap();
    let asked = console.clone();
    assert!(must_end(move || asked.error()).is_none());
    let mut writer = console.writer();
    must_end(move || (0..100).for_each(|at| writeln!(writer, "late {at}").unwrap()));
    drop(go);
    first.join().unwrap().unwrap();
    let text = lines_until(&is_written, "late 99\n");
    let late: String = (0..100).map(|at| format!("late {at}\n")).collect();
    assert_eq!(text, format!("first\n{late}"));
}

#[test]
fn a_writer_that_is_blocked_by_a_run_gets_the_lines_after_it_when_it_can() {
    let (called, is_called) = channel();
    let (go, let_go) = channel();
    let (written, is_written) = channel();
    let console = Console::new(Blocked { called, let_go, written });
    let options = RunOptions::new().run_id("r").listener(console.clone());
    must_end(move || {
        let nodes = pipeline(["n0".to_owned()]);
        SequentialRunner::new().run(&nodes, &Catalog::empty(), options).unwrap();
    });
    is_called.recv_timeout(LONG).unwrap();
    let asked = console.clone();
    assert!(must_end(move || asked.error()).is_none());
    let mut writer = console.writer();
    must_end(move || writeln!(writer, "late").unwrap());
    drop(go);
    let text = lines_until(&is_written, "late\n");
    assert!(text.starts_with("run r: started"), "{text}");
    assert!(text.contains("run r: done in "), "{text}");
}

#[test]
fn of_what_a_blocked_writer_does_not_take_a_part_is_kept_and_the_loss_is_told() {
    let (called, is_called) = channel();
    let (go, let_go) = channel();
    let (written, is_written) = channel();
    let console = Console::new(Blocked { called, let_go, written });
    let mut writer = console.writer();
    let first = thread::spawn(move || writeln!(writer, "first"));
    is_called.recv_timeout(LONG).unwrap();
    let mut writer = console.writer();
    let line = format!("{}\n", "x".repeat(10_000));
    must_end(move || (0..1_000).for_each(|_| writer.write_all(line.as_bytes()).unwrap()));
    assert_eq!(console.error().unwrap().kind(), io::ErrorKind::TimedOut);
    drop(go);
    first.join().unwrap().unwrap();
    drop(console);
    let text: String = is_written.iter().collect();
    assert!((1 << 20..2 << 20).contains(&text.len()), "{}", text.len());
}
