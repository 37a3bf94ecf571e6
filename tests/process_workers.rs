//! Worker processes: how they are started, used, lost and let go.

#![cfg(all(feature = "pipeline", unix))]

#[path = "support/processes.rs"]
mod processes;

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Command, Stdio, id};
use std::time::Duration;

use entourage::{
    Catalog, Data, Node, Pipeline, ProcessRunner, RUN_ID, RunOptions, RunReport, node, serve_worker,
};
use processes::{Folder, again, again_in, does, number};

/// The process that a node ran in.
fn tells_its_process(name: &str) -> Node {
    node(id).reads(()).writes(number(name)).named(name)
}

fn processes_of(report: &RunReport) -> BTreeSet<u32> {
    report.output_names().map(|name| *report.output(&number(name)).unwrap()).collect()
}

fn pipeline(nodes: impl IntoIterator<Item = Node>) -> Pipeline {
    Pipeline::new(nodes).unwrap()
}

fn kill(process: u32) {
    Command::new("kill").args(["-9", &process.to_string()]).status().unwrap();
}

#[test]
fn workers_are_other_processes_and_are_used_again() {
    let nodes = pipeline((0..20).map(|n| tells_its_process(&format!("n{n}"))));
    serve_worker(&nodes, &Catalog::empty()).if_asked();

    let runner = again(workers_are_other_processes_and_are_used_again).workers(4).build().unwrap();
    let run = || runner.run(&nodes, &Catalog::empty(), RunOptions::new()).unwrap();
    let first = run();
    assert_eq!(first.output_names().count(), 20);
    let of_both: BTreeSet<_> = &processes_of(&first) | &processes_of(&run());
    assert!((1..=4).contains(&of_both.len()) && !of_both.contains(&id()), "{of_both:?}");
}

#[test]
fn nodes_run_at_once_in_as_many_workers() {
    // Each waits until all four are there.
    let folder = Folder::new();
    let nodes = pipeline((0..4).map(|n| {
        let (own, all) = (folder.path(&n.to_string()), folder.path(""));
        does(&format!("n{n}"), move || {
            fs::write(&own, "").unwrap();
            while fs::read_dir(&all).unwrap().count() < 4 {
                std::thread::yield_now();
            }
        })
    }));
    serve_worker(&nodes, &Catalog::empty()).if_asked();

    let builder = again_in(nodes_run_at_once_in_as_many_workers, folder.tell());
    let runner = builder.workers(4).build().unwrap();
    runner.run(&nodes, &Catalog::empty(), RunOptions::new()).unwrap();
}

#[test]
fn worker_that_is_killed_while_it_waits_fails_nobody() {
    let nodes = pipeline([tells_its_process("n")]);
    serve_worker(&nodes, &Catalog::empty()).if_asked();

    let test = worker_that_is_killed_while_it_waits_fails_nobody;
    let runner = again(test).workers(1).build().unwrap();
    let run = || processes_of(&runner.run(&nodes, &Catalog::empty(), RunOptions::new()).unwrap());
    for _ in 0..5 {
        let before = run();
        kill(*before.first().unwrap());
        assert_ne!(run(), before);
    }
}

#[test]
fn workers_end_with_their_runner() {
    let nodes = pipeline([tells_its_process("n")]);
    serve_worker(&nodes, &Catalog::empty()).if_asked();

    let runner = again(workers_end_with_their_runner).workers(1).build().unwrap();
    let report = runner.run(&nodes, &Catalog::empty(), RunOptions::new()).unwrap();
    let process = *processes_of(&report).first().unwrap();
    let proc = format!("/proc/{process}");
    assert!(Path::new(&proc).exists());
    drop(runner);
    assert!(!Path::new(&proc).exists());
}

#[test]
fn program_that_never_serves_is_told_so() {
    let nodes = pipeline([tells_its_process("n")]);
    let run = |command: fn() -> Command, timeout| {
        let builder = ProcessRunner::builder().command(command).greeting_timeout(timeout);
        let runner = builder.workers(1).build().unwrap();
        let error = runner.run(&nodes, &Catalog::empty(), RunOptions::new()).unwrap_err();
        assert!(error.is_refused());
        let [problem] = error.problems() else { panic!("{error}") };
        problem.clone()
    };
    const ADVICE: &str = "its `main` has to call `entourage::serve_worker` before anything else";
    let ends = run(|| Command::new("true"), Duration::from_secs(60));
    assert_eq!(
        ends,
        format!("`true`, started as a worker, ended (exit status: 0) without a word: {ADVICE}")
    );
    let silent = || {
        let mut command = Command::new("sleep");
        command.arg("60");
        command
    };
    let silent = run(silent, Duration::from_millis(50));
    assert_eq!(
        silent,
        format!(
            "`sleep`, started as a worker, said nothing for 50ms, its greeting_timeout: {ADVICE}"
        )
    );
    let babbles = || {
        let mut command = Command::new("sh");
        command.args(["-c", "echo 'Hello, here I am!' >&0; sleep 60"]);
        command
    };
    let babbles = run(babbles, Duration::from_secs(60));
    assert!(babbles.contains("a message of version 111 of the protocol"), "{babbles}");
    let none = run(|| Command::new("/no/such/program"), Duration::from_secs(60));
    assert!(none.starts_with("a worker process cannot be started: `/no/such/program`: "), "{none}");
}

#[test]
fn run_in_a_worker_that_does_not_serve_is_refused_and_starts_no_more_of_them() {
    let nodes = pipeline([tells_its_process("n")]);
    let test = run_in_a_worker_that_does_not_serve_is_refused_and_starts_no_more_of_them;
    let runner = again(test).workers(1).build().unwrap();
    let error = runner.run(&nodes, &Catalog::empty(), RunOptions::new()).unwrap_err();
    assert!(error.is_refused());
    let is_worker = std::env::var_os("ENTOURAGE_WORKER").is_some();
    let expected = match is_worker {
        true => "this process was started as a worker: `entourage::serve_worker` has to be called",
        // The worker passes this test, too, and ends.
        false => "ended (exit status: 0) without a word",
    };
    assert!(error.problems()[0].contains(expected), "{error}");
}

#[test]
fn another_pipeline_in_the_worker_is_told_with_the_nodes() {
    let here = |name| pipeline([tells_its_process("a"), tells_its_process("b"), does(name, || ())]);
    let there = pipeline([
        tells_its_process("a"),
        node(id).reads(()).writes(number("elsewhere")).named("b"),
    ]);
    serve_worker(&there, &Catalog::empty()).if_asked();

    let test = another_pipeline_in_the_worker_is_told_with_the_nodes;
    let runner = again(test).workers(1).build().unwrap();
    let error = runner.run(&here("c"), &Catalog::empty(), RunOptions::new()).unwrap_err();
    assert_eq!(
        error.problems(),
        ["the worker serves another pipeline: it has no node `c`, and its node `b` reads or \
          writes otherwise"]
    );
}

#[test]
fn part_of_a_served_pipeline_and_a_second_one_are_served() {
    let whole = pipeline(["a", "b", "c"].map(tells_its_process));
    let other = pipeline([tells_its_process("x")]);
    let empty = Catalog::empty();
    serve_worker(&other, &empty).and(&whole, &empty).if_asked();

    let test = part_of_a_served_pipeline_and_a_second_one_are_served;
    let runner = again(test).workers(1).build().unwrap();
    for nodes in [pipeline([tells_its_process("b")]), whole, other] {
        let report = runner.run(&nodes, &empty, RunOptions::new()).unwrap();
        assert_eq!(report.output_names().count(), nodes.len());
    }
}

#[test]
fn what_nodes_print_is_in_nobodys_way() {
    let print = || {
        for _ in 0..1000 {
            println!("{}", "noise ".repeat(20));
            eprintln!("noise");
        }
        let mut input = Vec::new();
        std::io::stdin().read_to_end(&mut input).unwrap();
        assert_eq!(input, b"", "standard input is empty");
    };
    let nodes = pipeline([does("a", print), does("b", print)]);
    serve_worker(&nodes, &Catalog::empty()).if_asked();

    let runner = again(what_nodes_print_is_in_nobodys_way).workers(1).build().unwrap();
    runner.run(&nodes, &Catalog::empty(), RunOptions::new()).unwrap();
}

#[test]
fn what_a_node_starts_is_no_worker() {
    const TOLD: Data<str> = Data::text("told");
    // Runs this test again, with the variables of a worker.
    let start = || -> Result<String, Box<dyn std::error::Error + Send + Sync>> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["--exact", "what_a_node_starts_is_no_worker", "--nocapture"]);
        let output = command.env("INNERMOST", "").output()?;
        Ok(String::from_utf8(output.stdout)?)
    };
    let nodes = pipeline([node(start).reads(()).writes(TOLD).named("start")]);
    serve_worker(&nodes, &Catalog::empty()).if_asked();
    if std::env::var_os("INNERMOST").is_some() {
        assert!(std::env::var_os("ENTOURAGE_WORKER").is_some());
        return;
    }
    let runner = again(what_a_node_starts_is_no_worker).workers(1).build().unwrap();
    let mut report = runner.run(&nodes, &Catalog::empty(), RunOptions::new()).unwrap();
    let told = report.take_output(&TOLD).unwrap();
    assert!(told.contains("1 passed"), "{told}");
}

#[test]
fn worker_whose_parent_is_killed_ends_and_takes_the_runs_folder_along() {
    let folder = Folder::new();
    let told = folder.path("process");
    let nodes = pipeline([does("stays", move || {
        fs::write(told.with_extension("part"), id().to_string()).unwrap();
        fs::rename(told.with_extension("part"), &told).unwrap();
        loop {
            std::thread::park();
        }
    })]);
    serve_worker(&nodes, &Catalog::empty()).if_asked();

    let test = worker_whose_parent_is_killed_ends_and_takes_the_runs_folder_along;
    if std::env::var_os("PARENT").is_some() {
        let tell = folder.tell();
        let builder = again_in(test, move |command| tell(command.env_remove("PARENT")));
        let runner = builder.workers(1).folder(folder.path("runs")).build().unwrap();
        _ = runner.run(&nodes, &Catalog::empty(), RunOptions::new());
        return;
    }
    fs::create_dir(folder.path("runs")).unwrap();
    let name = "worker_whose_parent_is_killed_ends_and_takes_the_runs_folder_along";
    let mut parent = Command::new(std::env::current_exe().unwrap());
    folder.tell()(parent.args(["--exact", name, "--nocapture"]).env("PARENT", ""));
    let mut parent = parent.spawn().unwrap();
    let worker = loop {
        match fs::read_to_string(folder.path("process")) {
            Ok(worker) => break worker,
            Err(_) => std::thread::yield_now(),
        }
    };
    let is_alive = || Path::new(&format!("/proc/{worker}")).exists();
    assert!(is_alive());
    assert_eq!(fs::read_dir(folder.path("runs")).unwrap().count(), 1);
    parent.kill().unwrap();
    parent.wait().unwrap();
    while is_alive() {
        std::thread::yield_now();
    }
    assert_eq!(fs::read_dir(folder.path("runs")).unwrap().count(), 0);
}

#[test]
fn what_a_node_started_goes_with_its_process() {
    let folder = Folder::new();
    let told = folder.path("child");
    let nodes = pipeline([does("starts", move || {
        let mut child = Command::new("sleep").arg("600").stdout(Stdio::null()).spawn().unwrap();
        fs::write(&told, child.id().to_string()).unwrap();
        let _ = child.try_wait();
        std::process::abort();
    })]);
    serve_worker(&nodes, &Catalog::empty()).if_asked();

    let test = what_a_node_started_goes_with_its_process;
    let runner = again_in(test, folder.tell()).workers(1).build().unwrap();
    runner.run(&nodes, &Catalog::empty(), RunOptions::new()).unwrap_err();
    let child = fs::read_to_string(folder.path("child")).unwrap();
    // It is killed; whoever is now its parent has yet to take note.
    let is_alive = || {
        let status = fs::File::open(format!("/proc/{child}/status")).ok()?;
        let lines = BufReader::new(status).lines().map_while(Result::ok);
        lines.into_iter().find(|line| line.starts_with("State:")).filter(|line| !line.contains('Z'))
    };
    while is_alive().is_some() {
        std::thread::yield_now();
    }
}

#[test]
fn runner_that_cannot_be_says_all_that_is_wrong() {
    let builder = ProcessRunner::builder().workers(0).memory_limit(0);
    let error = builder.greeting_timeout(Duration::ZERO).build().unwrap_err();
    assert_eq!(
        error.problems(),
        [
            "workers is 0; at least 1 is needed",
            "a memory_limit of 0 bytes leaves no room for any node",
            "a greeting_timeout of 0 s, no worker greets within",
        ]
    );
}

#[test]
fn empty_pipeline_needs_no_worker() {
    let builder = ProcessRunner::builder().command(|| unreachable!("no worker is started"));
    let report =
        builder.build().unwrap().run(&pipeline([]), &Catalog::empty(), RunOptions::new()).unwrap();
    assert!(report.nodes().len() == 0);
}

#[test]
fn runs_at_once_share_the_workers_and_mix_nothing() {
    const SEEN: Data<str> = Data::text("seen");
    let see = || RUN_ID.get().unwrap().to_string();
    let copy = |seen: &str| format!("{seen} {}", RUN_ID.get().unwrap());
    let nodes = pipeline([
        node(see).reads(()).writes(SEEN.named("first")).named("see"),
        node(copy).reads(SEEN.named("first")).writes(SEEN).named("copy"),
    ]);
    serve_worker(&nodes, &Catalog::empty()).if_asked();

    let test = runs_at_once_share_the_workers_and_mix_nothing;
    let runner = again(test).workers(3).build().unwrap();
    std::thread::scope(|scope| {
        for caller in 0..6 {
            let (runner, nodes) = (runner.clone(), &nodes);
            scope.spawn(move || {
                for turn in 0..5 {
                    let id = format!("r{caller}-{turn}");
                    let options = RunOptions::new().run_id(&*id);
                    let mut report = runner.run(nodes, &Catalog::empty(), options).unwrap();
                    assert_eq!(report.take_output(&SEEN), Some(format!("{id} {id}")));
                }
            });
        }
    });
}
