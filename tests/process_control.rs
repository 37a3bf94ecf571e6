//! Nodes in processes of their own are called off, timed and tried again: and what
//! does not end by itself is killed.

#![cfg(all(feature = "pipeline", unix))]

#[path = "support/processes.rs"]
mod processes;

use std::error::Error;
use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};
use std::process::{Command, abort};
use std::thread;
use std::time::{Duration, Instant};

use entourage::{
    ATTEMPT, CancelToken, Cancelled, Catalog, Data, Dataset, Fate, FileDataset, Node, Pipeline,
    ProcessRunner, Retry, RunError, RunOptions, RunReport, node, serve_worker,
};
use processes::{Folder, again, again_in, does, number};

fn empty() -> Catalog {
    Catalog::empty()
}

fn fates(report: &RunReport) -> Vec<String> {
    report.nodes().map(|node| format!("{}: {}", node.name, node.fate)).collect()
}

/// Says that it is there, and with which process.
fn arrive(at: &Path) {
    let part = at.with_extension("part");
    fs::write(&part, std::process::id().to_string()).unwrap();
    fs::rename(part, at).unwrap();
}

/// How long a test waits for what happens at once unless something is wrong.
const PATIENCE: Duration = Duration::from_secs(60);

/// What `found` finds as soon as it finds something.
fn wait_until<T>(what: &str, found: impl Fn() -> Option<T>) -> T {
    let begin = Instant::now();
    loop {
        match found() {
            Some(found) => return found,
            None => assert!(begin.elapsed() < PATIENCE, "{what}: not within {PATIENCE:?}"),
        }
        thread::yield_now();
    }
}

fn wait_for(path: &Path) -> String {
    wait_until(&format!("{}", path.display()), || fs::read_to_string(path).ok())
}

/// Three attempts, one right after the other.
fn quickly() -> Retry {
    Retry::new(3).backoff(Duration::ZERO, 1.0)
}

/// Never ends, and asks nobody.
fn stay() {
    loop {
        thread::park();
    }
}

/// Cancels the run as soon as its node has arrived.
fn cancelled(runner: &ProcessRunner, nodes: &Pipeline, arrival: PathBuf) -> RunError {
    let token = CancelToken::new();
    let options = RunOptions::new().cancel_token(token.clone());
    thread::scope(|scope| {
        let waits = scope.spawn(move || {
            // Even where it does not come: the run would not end otherwise.
            let come = catch_unwind(|| wait_for(&arrival));
            token.cancel();
            come.map(drop)
        });
        let ended = runner.run(nodes, &empty(), options);
        waits.join().unwrap().unwrap_or_else(|_| panic!("nobody has arrived: {ended:?}"));
        ended.unwrap_err()
    })
}

fn is_alive(process: &str) -> bool {
    Path::new(&format!("/proc/{process}")).exists()
}

#[test]
fn node_that_takes_too_long_is_killed_and_the_others_go_on() {
    let folder = Folder::new();
    let arrival = folder.path("arrival");
    let stays = does("a", move || {
        arrive(&arrival);
        stay();
    });
    let nodes = [stays.timeout(Duration::from_millis(50)), does("b", || ()), does("c", || ())];
    let nodes = Pipeline::new(nodes).unwrap();
    serve_worker(&nodes, &empty()).if_asked();

    let test = node_that_takes_too_long_is_killed_and_the_others_go_on;
    // A grace that nobody would live to see the end of.
    let builder = again_in(test, folder.tell()).workers(1).grace(Duration::MAX);
    let runner = builder.build().unwrap();
    let error = runner.run(&nodes, &empty(), RunOptions::new().keep_going()).unwrap_err();
    let report = error.report().unwrap_or_else(|| panic!("{error}"));
    assert_eq!(fates(report), ["a: failed", "b: done", "c: done"]);
    assert!(error.failures().next().unwrap().is_timeout(), "{error}");
    drop(runner);
    // Where it came as far before it was killed.
    if let Ok(process) = fs::read_to_string(folder.path("arrival")) {
        assert!(!is_alive(&process));
    }
}

#[test]
fn node_that_asks_ends_by_itself_when_its_run_is_called_off() {
    let folder = Folder::new();
    let arrival = folder.path("arrival");
    let asks = move || -> Result<u32, Cancelled> {
        arrive(&arrival);
        let token = CancelToken::current();
        token.wait_for(Duration::MAX);
        token.check().map(|()| 7)
    };
    let asks: Node = node(asks).reads(()).writes(number("out")).named("asks");
    let next = node(|n: &u32| n + 1).reads(number("out")).writes(number("next")).named("next");
    let nodes = Pipeline::new([asks, next]).unwrap();
    serve_worker(&nodes, &empty()).if_asked();

    let test = node_that_asks_ends_by_itself_when_its_run_is_called_off;
    let builder = again_in(test, folder.tell()).workers(1).grace(Duration::MAX);
    let runner = builder.build().unwrap();
    let error = cancelled(&runner, &nodes, folder.path("arrival"));
    assert!(error.is_cancelled() && !error.is_failed(), "{error}");
    assert_eq!(fates(error.report().unwrap())[0], "asks: cancelled");
    // Its process is not the worse for it.
    let process = fs::read_to_string(folder.path("arrival")).unwrap();
    assert!(is_alive(&process));
}

#[test]
fn node_that_does_not_ask_is_killed_after_the_grace() {
    let folder = Folder::new();
    let arrival = folder.path("arrival");
    let stays = does("stays", move || {
        arrive(&arrival);
        stay();
    });
    let nodes = Pipeline::new([stays]).unwrap();
    serve_worker(&nodes, &empty()).if_asked();

    let test = node_that_does_not_ask_is_killed_after_the_grace;
    let builder = again_in(test, folder.tell()).workers(1).grace(Duration::from_millis(20));
    let runner = builder.folder(folder.path("")).build().unwrap();
    let error = cancelled(&runner, &nodes, folder.path("arrival"));
    assert!(error.is_cancelled() && !error.is_failed(), "{error}");
    assert_eq!(fates(error.report().unwrap()), ["stays: cancelled"]);
    assert!(!is_alive(&fs::read_to_string(folder.path("arrival")).unwrap()));
    let left: Vec<_> = fs::read_dir(folder.path("")).unwrap().map(|e| e.unwrap().path()).collect();
    assert_eq!(left, [folder.path("arrival")], "the run's folder is gone");
}

#[test]
fn node_that_died_is_tried_again_and_knows_which_attempt_it_is() {
    let third_time = does("a", || {
        if ATTEMPT.get() != Some(3) {
            abort();
        }
    });
    let nodes = Pipeline::new([third_time.retry(quickly().after_panic())]).unwrap();
    serve_worker(&nodes, &empty()).if_asked();

    let test = node_that_died_is_tried_again_and_knows_which_attempt_it_is;
    let runner = again(test).workers(1).build().unwrap();
    let report = runner.run(&nodes, &empty(), RunOptions::new()).unwrap();
    assert!(matches!(report.node("a").unwrap().fate, Fate::Done));
}

#[test]
fn retries_are_the_runs_and_not_the_workers() {
    let folder = Folder::new();
    let tries = folder.path("tries");
    let fails = move || -> Result<u32, String> {
        let so_far = fs::read_to_string(&tries).unwrap_or_default();
        fs::write(&tries, format!("{so_far}x")).unwrap();
        Err("no luck".to_owned())
    };
    let fails = node(fails).reads(()).writes(number("out")).named("fails").retry(quickly());
    let nodes = Pipeline::new([fails]).unwrap();
    serve_worker(&nodes, &empty()).if_asked();

    let test = retries_are_the_runs_and_not_the_workers;
    let runner = again_in(test, folder.tell()).workers(1).build().unwrap();
    let error = runner.run(&nodes, &empty(), RunOptions::new()).unwrap_err();
    assert!(error.failures().next().unwrap().is_error(), "{error}");
    assert_eq!(fs::read_to_string(folder.path("tries")).unwrap(), "xxx");
}

#[test]
fn node_that_is_tried_again_replaces_the_version_that_it_wrote() {
    const NOTE: Data<str> = Data::text("note");
    /// Cannot be saved at the first attempt.
    struct Sticky;
    impl Dataset<u32> for Sticky {
        fn load(&self) -> Result<u32, Box<dyn Error + Send + Sync>> {
            Ok(0)
        }
        fn save(&self, _: &u32) -> Result<(), Box<dyn Error + Send + Sync>> {
            match ATTEMPT.get() {
                Some(1) => Err("it sticks".into()),
                _ => Ok(()),
            }
        }
        fn exists(&self) -> Result<bool, Box<dyn Error + Send + Sync>> {
            Ok(false)
        }
    }
    let folder = Folder::new();
    let note = folder.path("note.txt");
    let catalog = Catalog::builder()
        .file("note", FileDataset::text(&note).versioned())
        .dataset(&number("out"), Sticky)
        .build()
        .unwrap();
    let saves = || (format!("attempt {}", ATTEMPT.get().unwrap()), 7);
    let saves = node(saves).reads(()).writes((NOTE, number("out"))).named("saves");
    let nodes = Pipeline::new([saves.retry(quickly())]).unwrap();
    serve_worker(&nodes, &catalog).if_asked();

    let test = node_that_is_tried_again_replaces_the_version_that_it_wrote;
    let runner = again_in(test, folder.tell()).workers(1).build().unwrap();
    let report = runner.run(&nodes, &catalog, RunOptions::new().save_version("mine")).unwrap();
    assert_eq!(report.node("saves").unwrap().attempts, 2);
    assert_eq!(fs::read_to_string(note.join("mine/note.txt")).unwrap(), "attempt 2");
}

#[test]
fn what_a_killed_node_started_is_killed_with_it() {
    let folder = Folder::new();
    let arrival = folder.path("arrival");
    let starts = does("starts", move || {
        let mut child = Command::new("sleep").arg("600").spawn().unwrap();
        fs::write(arrival.with_extension("part"), child.id().to_string()).unwrap();
        fs::rename(arrival.with_extension("part"), &arrival).unwrap();
        child.wait().unwrap();
    });
    let nodes = Pipeline::new([starts]).unwrap();
    serve_worker(&nodes, &empty()).if_asked();

    let test = what_a_killed_node_started_is_killed_with_it;
    let builder = again_in(test, folder.tell()).workers(1).grace(Duration::ZERO);
    let runner = builder.build().unwrap();
    let error = cancelled(&runner, &nodes, folder.path("arrival"));
    assert_eq!(fates(error.report().unwrap()), ["starts: cancelled"]);
    let child = fs::read_to_string(folder.path("arrival")).unwrap();
    // Else it would live for ten minutes. Whoever is its parent now may have yet to
    // take note of its end.
    let is_over = || match fs::read_to_string(format!("/proc/{child}/stat")) {
        Ok(state) => state.contains(") Z ").then_some(()),
        Err(_) => Some(()),
    };
    wait_until("the end of what the node started", is_over);
}
