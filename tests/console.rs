//! What a person is told of runs that really run. What exactly is written and drawn
//! is in the unit tests of the console, where the clock is turned by hand.

#![cfg(feature = "console")]

#[expect(dead_code, reason = "each test file needs some of the helpers")]
#[path = "support/pipelines.rs"]
mod pipelines;

use std::io::{self, Write};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::thread;

use entourage::{
    Catalog, Console, Data, LogRecord, LogSink, Pipeline, RUN_LOGGER, RunLogger, RunOptions,
    SequentialRunner, logger, node,
};
use pipelines::with_each_runner;

const A: Data<u8> = Data::memory("a");
const B: Data<u8> = Data::memory("b");
const C: Data<u8> = Data::memory("c");

/// What was written.
#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Written {
    fn take(&self) -> String {
        String::from_utf8(std::mem::take(&mut *self.0.lock().unwrap())).unwrap()
    }
}

/// `first`, then `second`, then `third`, which ends as `third` says.
fn chain(third: fn(&u8) -> Result<u8, io::Error>) -> Pipeline {
    Pipeline::new([
        node(|| 1_u8).reads(()).writes(A).named("first"),
        node(|a: &u8| a + 1).reads(A).writes(B).named("second"),
        node(third).reads(B).writes(C).named("third"),
    ])
    .unwrap()
}

fn options(id: &str, console: &Console) -> RunOptions {
    RunOptions::new().run_id(id).listener(console.clone())
}

#[test]
fn every_runner_has_it_all_told_before_the_run_returns() {
    with_each_runner(|runner| {
        let written = Written::default();
        let console = Console::new(written.clone())
            .resume_command(|resume| format!("again --from {}", resume.from_nodes.join(",")));
        let pipeline = chain(|_| Err(io::Error::other("no third")));
        let run = runner.run(&pipeline, &Catalog::empty(), options("r", &console));
        assert!(run.is_err());
        let text = written.take();
        assert!(text.starts_with("run r: started, 3 nodes, "), "{text}");
        for line in
            ["[1/3] first: done in ", "[2/3] second: done in ", "[3/3] third: failed after "]
        {
            assert_eq!(text.lines().filter(|other| other.starts_with(line)).count(), 1, "{text}");
        }
        assert!(text.contains("3 nodes: 2 done, 1 failed\n"), "{text}");
        assert!(text.contains("\nfailed: third: no third\n"), "{text}");
        assert!(text.contains("\ncritical path: "), "{text}");
        assert!(text.ends_with("\nresume: again --from first\n"), "{text}");
    });
}

#[test]
fn runs_at_the_same_time_are_each_told_whole() {
    let written = Written::default();
    let console = Console::new(written.clone());
    pipelines::with_thread_runner(4, |runner| {
        thread::scope(|scope| {
            for at in 0..8 {
                let console = &console;
                scope.spawn(move || {
                    for turn in 0..5 {
                        let options = options(&format!("r{at}-{turn}"), console);
                        runner.run(&chain(|b| Ok(*b)), &Catalog::empty(), options).unwrap();
                    }
                });
            }
        });
    });
    let text = written.take();
    for at in 0..8 {
        for turn in 0..5 {
            let end = format!("run r{at}-{turn}: done in ");
            let (_, rest) = text.split_once(&end).expect("each run has an end");
            // The table is not torn apart.
            let lines: Vec<_> = rest.lines().skip(4).take(3).collect();
            let names: Vec<_> =
                lines.iter().filter_map(|line| line.split_whitespace().next()).collect();
            assert_eq!(names, ["first", "second", "third"], "{rest}");
            assert_eq!(text.matches(&end).count(), 1);
        }
    }
}

#[test]
fn a_terminal_shows_the_end_of_a_run_and_nothing_of_its_way() {
    let written = Written::default();
    let console = Console::new(written.clone()).terminal(80, 24).colors(true);
    let options = options("r", &console);
    SequentialRunner::new().run(&chain(|b| Ok(*b)), &Catalog::empty(), options).unwrap();
    let size = |size| std::num::NonZero::new(size).unwrap();
    let mut screen = vt100::Parser::new(size(24), size(80), 0);
    screen.process(written.take().replace('\n', "\r\n").as_bytes());
    let seen = screen.screen().contents();
    assert!(seen.starts_with("run r: done in "), "{seen}");
    assert!(!seen.contains('█') && !seen.contains("running"), "{seen}");
}

#[derive(Default)]
struct Lines(Mutex<Vec<String>>);

impl LogSink for Lines {
    fn log(&self, record: &LogRecord<'_>) {
        self.0.lock().unwrap().push(record.message.to_owned());
    }
}

#[test]
fn warnings_of_a_node_are_shown_and_still_go_where_they_went() {
    let warning = |b: &u8| {
        let logger = logger().unwrap();
        logger.warn("third is odd");
        logger.info("never mind");
        Ok(*b)
    };
    with_each_runner(|runner| {
        let (written, lines) = (Written::default(), Arc::new(Lines::default()));
        let options = options("r", &Console::new(written.clone()));
        RUN_LOGGER.scope(RunLogger::new(lines.clone()), || {
            runner.run(&chain(warning), &Catalog::empty(), options).unwrap();
        });
        let text = written.take();
        assert!(text.contains("WARN  third: third is odd"), "{text}");
        assert!(!text.contains("never mind"), "{text}");
        assert_eq!(*lines.0.lock().unwrap(), ["third is odd", "never mind"]);
    });
}

/// Takes what it is given when it is let go on.
struct Stopped(Mutex<Receiver<()>>, Written);

impl Write for Stopped {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // Whoever has let go of the other end has it go on for good.
        let _ = self.0.get_mut().unwrap().recv();
        self.1.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_terminal_that_is_stopped_does_not_stop_the_run() {
    let ((go_on, stopped), written) = (channel(), Written::default());
    let console = Console::new(Stopped(Mutex::new(stopped), written.clone()));
    let first = options("first", &console);
    SequentialRunner::new().run(&chain(|b| Ok(*b)), &Catalog::empty(), first).unwrap();
    assert_eq!(written.take(), "");
    drop(go_on);
    // What was not written then comes before what is written now.
    let second = options("second", &console);
    SequentialRunner::new().run(&chain(|b| Ok(*b)), &Catalog::empty(), second).unwrap();
    let text = written.take();
    let (first, second) = (text.find("run first: done in"), text.find("run second: done in"));
    assert!(first.is_some() && second.is_some() && first < second, "{text}");
}

#[test]
fn a_line_is_there_at_once_where_nothing_runs() {
    let written = Written::default();
    let console = Console::new(written.clone());
    writeln!(console.writer(), "before").unwrap();
    assert_eq!(written.take(), "before\n");
    drop(console);
}
