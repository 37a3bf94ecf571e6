//! A node that takes its process with it is a failed node, and no other is.

#![cfg(all(feature = "pipeline", unix))]

#[path = "support/processes.rs"]
mod processes;

use std::error::Error;
use std::fs;
use std::hint::black_box;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus, abort, exit};

use entourage::{
    Catalog, Data, Fate, FileDataset, NodeFailure, Pipeline, ProcessRunnerBuilder, RunOptions,
    node, serve_worker,
};
use processes::{Folder, again, again_in, does, number};

const ABORTED: i32 = 6;
const KILLED: i32 = 9;

/// Runs four nodes, of which the second does `f`, one after the other; checks
/// that it and nothing else has failed, and returns how.
#[track_caller]
fn with_one_that<T: Fn()>(
    test: T,
    f: impl Fn() + Send + Sync + 'static,
    setup: impl Fn(ProcessRunnerBuilder) -> ProcessRunnerBuilder,
) -> (String, Option<ExitStatus>) {
    let nodes = [does("a", || ()), does("b", f), does("c", || ()), does("d", || ())];
    let pipeline = Pipeline::new(nodes).unwrap();
    serve_worker(&pipeline, &Catalog::empty()).if_asked();

    let runner = setup(again(test).workers(1)).build().unwrap();
    let options = || RunOptions::new().run_id("r1").keep_going();
    let error = runner.run(&pipeline, &Catalog::empty(), options()).unwrap_err();
    let report = error.report().unwrap_or_else(|| panic!("{error}"));
    for node in report.nodes() {
        assert_eq!(matches!(node.fate, Fate::Done), node.name != "b", "{error}");
    }
    for name in ["a_out", "c_out", "d_out"] {
        assert_eq!(report.output(&number(name)).as_deref(), Some(&7));
    }
    let failure = report.failures().next().unwrap();
    assert_eq!(failure.node(), "b");
    assert_eq!(failure.exit_status().is_some(), failure.is_died());
    // And the runner is as good as new.
    assert!(runner.run(&pipeline, &Catalog::empty(), options()).is_err());
    (told(failure), failure.exit_status())
}

fn told(failure: &NodeFailure) -> String {
    failure.to_string()
}

fn as_it_is(builder: ProcessRunnerBuilder) -> ProcessRunnerBuilder {
    builder
}

#[test]
fn node_that_aborts_died_by_the_signal() {
    let (told, status) = with_one_that(node_that_aborts_died_by_the_signal, || abort(), as_it_is);
    assert_eq!(status.unwrap().signal(), Some(ABORTED));
    assert!(told.starts_with("node `b` died: its process ended (signal: 6 (SIGABRT)"), "{told}");
}

#[test]
fn node_that_exits_died_with_the_status() {
    let (told, status) = with_one_that(node_that_exits_died_with_the_status, || exit(3), as_it_is);
    assert_eq!(status.unwrap().code(), Some(3));
    assert_eq!(told, "node `b` died: its process ended (exit status: 3)");
}

#[test]
fn node_that_exits_as_if_all_were_well_died_too() {
    let test = node_that_exits_as_if_all_were_well_died_too;
    let (_, status) = with_one_that(test, || exit(0), as_it_is);
    assert_eq!(status.unwrap().code(), Some(0));
}

#[test]
fn node_that_is_killed_died_by_the_signal() {
    let kill = || {
        Command::new("kill").args(["-9", &std::process::id().to_string()]).status().unwrap();
        loop {
            std::thread::park();
        }
    };
    let (_, status) = with_one_that(node_that_is_killed_died_by_the_signal, kill, as_it_is);
    assert_eq!(status.unwrap().signal(), Some(KILLED));
}

#[test]
fn node_that_overflows_its_stack_died() {
    #[expect(unconditional_recursion, reason = "to overflow the stack")]
    fn deeper(depth: &mut [u64; 64]) -> u64 {
        let mut next = *black_box(depth);
        next[0] += 1;
        deeper(&mut next) + next[1]
    }
    let overflow = || _ = black_box(deeper(&mut [0; 64]));
    let (_, status) = with_one_that(node_that_overflows_its_stack_died, overflow, as_it_is);
    assert_eq!(status.unwrap().signal(), Some(ABORTED));
}

#[test]
fn node_that_needs_more_memory_than_there_is_died_and_the_limit_is_told() {
    const LIMIT: u64 = 1 << 30;
    let test = node_that_needs_more_memory_than_there_is_died_and_the_limit_is_told;
    let grow = || drop(black_box(vec![1_u8; 2 << 30]));
    let (told, status) = with_one_that(test, grow, |builder| builder.memory_limit(LIMIT));
    assert_eq!(status.unwrap().signal(), Some(ABORTED));
    assert!(told.ends_with("; its memory is limited to 1073741824 bytes"), "{told}");
}

#[test]
fn panic_is_told_with_message_place_and_thread_and_spares_the_worker() {
    let test = panic_is_told_with_message_place_and_thread_and_spares_the_worker;
    let (told, status) = with_one_that(test, || panic!("out of {}", "luck"), as_it_is);
    assert_eq!(status, None);
    assert!(told.starts_with("node `b` panicked at tests/process_deaths.rs:"), "{told}");
    assert!(told.ends_with(": out of luck") && told.contains(" on thread `"), "{told}");
}

#[derive(Debug, thiserror::Error)]
#[error("row {row}")]
struct Outer {
    row: u32,
    source: std::num::ParseIntError,
}

#[test]
fn error_arrives_with_its_causes() {
    let fail = || -> Result<u32, Outer> {
        let source = "x".parse::<u32>().unwrap_err();
        Err(Outer { row: 3, source })
    };
    let fail = node(fail).reads(()).writes(number("out")).named("fail");
    let pipeline = Pipeline::new([fail]).unwrap();
    serve_worker(&pipeline, &Catalog::empty()).if_asked();

    let runner = again(error_arrives_with_its_causes).workers(1).build().unwrap();
    let error = runner.run(&pipeline, &Catalog::empty(), RunOptions::new()).unwrap_err();
    let failure = error.failures().next().unwrap();
    assert!(failure.is_error() && !failure.is_died() && !failure.is_panic());
    assert_eq!(failure.to_string(), "node `fail` failed: row 3");
    let outer = failure.source().unwrap();
    assert!(outer.is::<entourage::RemoteError>());
    let inner = outer.source().unwrap();
    assert_eq!(inner.to_string(), "invalid digit found in string");
    assert!(inner.source().is_none());
}

#[test]
fn half_written_file_of_a_killed_process_is_removed_and_no_other() {
    // Aborts in the midst of its save.
    #[derive(serde::Deserialize)]
    struct Aborts;
    impl serde::Serialize for Aborts {
        fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            abort()
        }
    }
    const OUT: Data<Aborts> = Data::value("out");
    let folder = Folder::new();
    let nodes = Pipeline::new([node(|| Aborts).reads(()).writes(OUT).named("aborts")]).unwrap();
    let file = FileDataset::json(folder.path("out.json"));
    let catalog = Catalog::builder().file("out", file).build().unwrap();
    serve_worker(&nodes, &catalog).if_asked();

    let of_another = folder.path("out.json.1-x.part");
    fs::write(&of_another, "").unwrap();
    let test = half_written_file_of_a_killed_process_is_removed_and_no_other;
    let runner = again_in(test, folder.tell()).workers(1).build().unwrap();
    let error = runner.run(&nodes, &catalog, RunOptions::new()).unwrap_err();
    assert!(error.failures().next().unwrap().is_died(), "{error}");
    let left: Vec<_> = fs::read_dir(folder.path("")).unwrap().map(|e| e.unwrap().path()).collect();
    assert_eq!(left, [of_another]);
}
