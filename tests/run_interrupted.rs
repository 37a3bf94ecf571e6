//! Ctrl-C: once for a clean end, twice for one at once.

#![cfg(all(unix, feature = "pipeline"))]

use std::io::{BufRead, BufReader, Lines};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use entourage::{
    CancelToken, Cancelled, Catalog, Data, Executor, Pipeline, RunOptions, SequentialRunner,
    ThreadRunner, node,
};

const RESULT: Data<u32> = Data::memory("result");

/// This test binary again, running one of the parts of another process.
struct Process {
    child: Child,
    lines: Lines<BufReader<ChildStderr>>,
}

impl Process {
    fn start(part: &str) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args(["--exact", part, "--ignored", "--nocapture"])
            .env("INTERRUPT_TEST_PART", part);
        let command = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        Self { child, lines }
    }

    /// Waits until it says `line`.
    #[track_caller]
    fn until(&mut self, line: &str) {
        let found = self.lines.by_ref().map_while(Result::ok).any(|said| said == line);
        assert!(found, "it never said {line}");
    }

    fn interrupt(&self) {
        let kill = format!("kill -INT {}", self.child.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    }

    /// How it ended, and the rest of what it said.
    fn end(mut self) -> (ExitStatus, Vec<String>) {
        let rest = self.lines.by_ref().map_while(Result::ok).collect();
        (self.child.wait().unwrap(), rest)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Where a test has failed.
        _ = self.child.kill();
    }
}

/// Whether this is the process of a part, and not a run of all that is ignored.
fn is_part() -> bool {
    std::env::var_os("INTERRUPT_TEST_PART").is_some()
}

/// Runs a node until it ends, and then ends the process.
fn run_and_exit(f: impl Fn() -> Result<u32, Cancelled> + Send + Sync + 'static, sequential: bool) {
    let after = node(|n: &u32| n + 1).reads(RESULT).writes(Data::<u32>::memory("after"));
    let nodes = [node(f).reads(()).writes(RESULT).named("first"), after.named("after")];
    let pipeline = Pipeline::new(nodes).unwrap();
    let options = RunOptions::new().cancel_on_ctrl_c();
    let outcome = match sequential {
        true => SequentialRunner::new().run(&pipeline, &Catalog::empty(), options),
        false => {
            let pool = Executor::builder().num_threads(2).build().unwrap();
            ThreadRunner::new(&pool).run(&pipeline, &Catalog::empty(), options)
        }
    };
    let error = outcome.unwrap_err();
    eprintln!("cancelled: {}", error.is_cancelled());
    for node in error.report().unwrap().nodes() {
        eprintln!("{}: {}", node.name, node.fate);
    }
    std::process::exit(error.exit_code().into());
}

fn wait_for_the_token() -> Result<u32, Cancelled> {
    let token = CancelToken::current();
    eprintln!("begun");
    token.wait_for(Duration::MAX);
    token.check().map(|()| 1)
}

#[test]
#[ignore = "a part of another test, which runs it as a process"]
fn part_that_heeds_the_token() {
    if is_part() {
        run_and_exit(wait_for_the_token, false);
    }
}

#[test]
#[ignore = "a part of another test, which runs it as a process"]
fn part_that_heeds_the_token_on_its_own_thread() {
    if is_part() {
        run_and_exit(wait_for_the_token, true);
    }
}

#[test]
fn ctrl_c_once_ends_the_run_cleanly_with_exit_code_130() {
    let parts = ["part_that_heeds_the_token", "part_that_heeds_the_token_on_its_own_thread"];
    for part in parts {
        let mut process = Process::start(part);
        process.until("begun");
        process.interrupt();
        let (status, said) = process.end();
        assert_eq!(status.code(), Some(130), "{said:?}");
        assert_eq!(said, ["cancelled: true", "first: cancelled", "after: never started"]);
    }
}

#[test]
#[ignore = "a part of another test, which runs it as a process"]
fn part_that_has_no_node_left() {
    if !is_part() {
        return;
    }
    let last = || {
        let token = CancelToken::current();
        eprintln!("begun");
        token.wait_for(Duration::MAX);
        1
    };
    let pipeline = Pipeline::new([node(last).reads(()).writes(RESULT).named("last")]).unwrap();
    let options = RunOptions::new().cancel_on_ctrl_c();
    let error = SequentialRunner::new().run(&pipeline, &Catalog::empty(), options).unwrap_err();
    let fate = error.report().unwrap().node("last").unwrap().fate.to_string();
    eprintln!("{fate}, cancelled: {}, left: {}", error.is_cancelled(), error.resume().is_some());
    std::process::exit(error.exit_code().into());
}

#[test]
fn ctrl_c_while_the_last_node_runs_ends_the_program_all_the_same() {
    let mut process = Process::start("part_that_has_no_node_left");
    process.until("begun");
    process.interrupt();
    let (status, said) = process.end();
    assert_eq!(status.code(), Some(130), "{said:?}");
    assert_eq!(said, ["done, cancelled: true, left: false"]);
}

#[test]
#[ignore = "a part of another test, which runs it as a process"]
fn part_that_heeds_nothing() {
    if !is_part() {
        return;
    }
    let ignore = || {
        let _told = CancelToken::current().on_cancel(|| {
            eprintln!("told");
            // Nor does it let go of the thread that tells it.
            _ = never().recv();
        });
        eprintln!("begun");
        _ = never().recv();
        Ok(1)
    };
    run_and_exit(ignore, false);
}

/// Nobody will send anything.
fn never() -> mpsc::Receiver<()> {
    let (sender, receiver) = mpsc::channel();
    std::mem::forget(sender);
    receiver
}

#[test]
fn ctrl_c_twice_ends_the_program_at_once() {
    let mut process = Process::start("part_that_heeds_nothing");
    process.until("begun");
    process.interrupt();
    process.until("told");
    process.interrupt();
    let (status, said) = process.end();
    assert_eq!((status.code(), said.len()), (Some(130), 0), "{said:?}");
}

#[test]
#[ignore = "a part of another test, which runs it as a process"]
fn part_that_is_idle_between_two_runs() {
    if !is_part() {
        return;
    }
    let pipeline = Pipeline::new([node(|| 1).reads(()).writes(RESULT).named("one")]).unwrap();
    let options = RunOptions::new().cancel_on_ctrl_c();
    SequentialRunner::new().run(&pipeline, &Catalog::empty(), options).unwrap();
    eprintln!("over");
    _ = never().recv();
}

#[test]
fn ctrl_c_while_no_run_listens_ends_the_program_as_it_always_did() {
    const SIGINT: i32 = 2;
    let mut process = Process::start("part_that_is_idle_between_two_runs");
    process.until("over");
    process.interrupt();
    let (status, _) = process.end();
    assert_eq!(status.signal(), Some(SIGINT));
}
