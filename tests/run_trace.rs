//! A run drawn as a trace conforms to the format that viewers of traces read,
//! whatever came of the run, whoever ran it, and however it was kept.

#![cfg(all(feature = "pipeline", feature = "telemetry"))]

#[path = "../src/telemetry/trace/tests/format.rs"]
mod format;
#[expect(dead_code, reason = "each test file needs some of the helpers")]
#[path = "support/graphs.rs"]
mod graphs;
#[expect(dead_code, reason = "each test file needs some of the helpers")]
#[path = "support/pipelines.rs"]
mod pipelines;
#[cfg(unix)]
#[expect(dead_code, reason = "each test file needs some of the helpers")]
#[path = "support/processes.rs"]
mod processes;
#[expect(dead_code, reason = "each test file needs some of the helpers")]
mod support;

use std::collections::BTreeSet;
use std::fs;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use entourage::{
    CancelToken, Cancelled, Catalog, Data, Executor, FileDataset, Node, NodeState,
    ParallelIteratorExt, Pipeline, Retry, RunCollector, RunOptions, RunRecord, RunRecorder,
    SequentialRunner, ThreadRunner, node,
};
use format::{Slice, Trace, text};
use graphs::Graph;
use pipelines::{Folder, Runner, with_each_runner, with_thread_runner};
use proptest::prelude::*;
use rayon::prelude::*;

const RAW: Data<[u64]> = Data::records("raw");
const TEXT: Data<str> = Data::text("text");
/// What nobody is to wait for.
const NEVER: Duration = Duration::from_secs(3600);

fn number(name: impl Into<String>) -> Data<u64> {
    Data::memory("number").named(name.into())
}

fn trace_of(record: &RunRecord) -> Trace {
    let mut trace = Vec::new();
    record.to_trace(&mut trace).unwrap();
    Trace::read(&trace)
}

/// The record of a run, and its trace.
fn run(
    runner: &dyn Runner,
    pipeline: &Pipeline,
    catalog: &Catalog,
    options: RunOptions,
) -> (RunRecord, Trace) {
    let collector = RunCollector::new();
    _ = runner.run(pipeline, catalog, options.listener(collector.clone()));
    let record = collector.take().pop().unwrap();
    let trace = trace_of(&record);
    (record, trace)
}

/// Each attempt of the record is one slice, with its name, its state and its number.
fn check_attempts(record: &RunRecord, trace: &Trace) {
    let slices = trace.of_category("node");
    for node in record.nodes() {
        let of_node: Vec<_> = slices.iter().filter(|slice| slice.name == node.name).collect();
        assert_eq!(of_node.len(), node.attempts as usize, "{}", node.name);
        let numbers: BTreeSet<_> =
            of_node.iter().map(|slice| slice.args["attempt"].as_u64().unwrap()).collect();
        assert_eq!(numbers, (1..=u64::from(node.attempts)).collect());
        let states = of_node.iter().map(|slice| slice.args["state"].as_str().unwrap());
        let states: Vec<_> = states.filter(|state| *state != "retrying").collect();
        match node.state {
            NodeState::Done | NodeState::Failed | NodeState::Cancelled => {
                assert_eq!(states, [node.state.as_str()], "{}", node.name);
            }
            _ => assert_eq!(states, [""; 0], "{}", node.name),
        }
    }
    assert!(slices.iter().all(|slice| slice.args.get("unfinished").is_none()));
}

/// `add`, then `tell` and `count`.
fn pipeline() -> Pipeline {
    Pipeline::new([
        node(|raw: &[u64]| raw.iter().sum::<u64>()).reads(RAW).writes(number("sum")).named("add"),
        node(|sum: &u64| sum.to_string()).reads(number("sum")).writes(TEXT).named("tell"),
        node(|text: &str, sum: &u64| text.len() as u64 + sum)
            .reads((TEXT, number("sum")))
            .writes(number("count"))
            .named("count"),
    ])
    .unwrap()
}

fn catalog(folder: &Folder) -> Catalog {
    let raw = folder.write("raw.jsonl", "1\n2\n3\n");
    Catalog::builder()
        .file("raw", FileDataset::json_lines(raw))
        .file("text", FileDataset::text(folder.path("text.txt")))
        .build()
        .unwrap()
}

/// The slice that a load or a save is in.
fn around<'a>(nodes: &'a [Slice], inner: &Slice) -> &'a str {
    let is_around =
        |node: &&Slice| node.tid == inner.tid && node.begin <= inner.begin && inner.end <= node.end;
    &nodes.iter().find(is_around).unwrap().name
}

#[test]
fn loads_and_saves_are_in_their_node_and_arrows_go_along_the_data() {
    with_each_runner(|runner| {
        let folder = Folder::new();
        let options = RunOptions::new().run_id("nightly");
        let (record, trace) = run(runner, &pipeline(), &catalog(&folder), options);
        check_attempts(&record, &trace);
        let nodes = trace.of_category("node");
        let [save] = &trace.of_category("save")[..] else { panic!("one save") };
        assert_eq!((&*save.name, around(&nodes, save)), ("text", "tell"));
        assert_eq!(save.args["bytes"], 1);
        let mut loads = trace.of_category("load");
        loads.sort_by_key(|load| load.begin);
        let [raw, text] = &loads[..] else { panic!("two loads") };
        assert_eq!((&*raw.name, around(&nodes, raw)), ("raw", "add"));
        assert_eq!((&raw.args["rows"], &raw.args["bytes"]), (&3.into(), &6.into()));
        assert_eq!((&*text.name, around(&nodes, text)), ("text", "count"));
        let arrows = trace.arrows();
        let arrows: Vec<_> = arrows.iter().map(|(from, to)| (&**from, &**to)).collect();
        assert_eq!(arrows, [("add", "count"), ("add", "tell"), ("tell", "count")]);
        assert_eq!(trace.other_data["run_id"], "nightly");
        assert_eq!(trace.other_data["end"], "done");
    });
}

#[test]
fn trace_of_a_run_on_file_is_the_trace_of_the_run() {
    with_each_runner(|runner| {
        let folder = Folder::new();
        let recorder = RunRecorder::new(folder.path("runs")).trace();
        let collector = RunCollector::new();
        let options = RunOptions::new().run_id("nightly");
        let options = options.listener(recorder).listener(collector.clone());
        runner.run(&pipeline(), &catalog(&folder), options).unwrap();
        let mut of_run = Vec::new();
        collector.take()[0].to_trace(&mut of_run).unwrap();
        let of_run = String::from_utf8(of_run).unwrap();
        let on_file = fs::read_to_string(folder.path("runs/nightly/trace.json")).unwrap();
        assert_eq!(on_file, of_run);
        let path = folder.path("trace.json");
        RunRecord::read(folder.path("runs/nightly")).unwrap().write_trace(&path).unwrap();
        assert_eq!(fs::read_to_string(path).unwrap(), of_run);
    });
}

/// As many events as a process may have written before it was killed.
#[test]
fn run_that_was_interrupted_anywhere_has_a_trace() {
    let folder = Folder::new();
    let recorder = RunRecorder::new(folder.path("runs"));
    let nodes = [flaky("flaky", 3), fails("fails"), waits("slow").timeout(SOON)];
    let pipeline = Pipeline::new(nodes).unwrap();
    let options = RunOptions::new().run_id("cut").keep_going().listener(recorder);
    with_thread_runner(2, |runner| {
        runner.run(&pipeline, &Catalog::empty(), options).unwrap_err();
    });
    let events = folder.path("runs/cut/events.jsonl");
    let whole = fs::read_to_string(&events).unwrap();
    let mut ends: Vec<_> = whole.match_indices('\n').map(|(at, _)| at + 1).collect();
    ends.pop();
    assert!(ends.len() > 10);
    for end in ends {
        fs::write(&events, &whole[..end]).unwrap();
        let record = RunRecord::read(folder.path("runs/cut")).unwrap();
        let trace = trace_of(&record);
        assert_eq!(trace.other_data["end"], "interrupted");
        let begun: u32 = record.nodes().map(|node| node.attempts).sum();
        assert_eq!(trace.of_category("node").len(), begun as usize);
        assert!(trace.of_phase("i").any(|event| text(event, "name") == "interrupted"));
    }
}

/// A node that is done at attempt number `good`.
fn flaky(name: &str, good: u32) -> Node {
    let attempts = AtomicU32::new(0);
    let work = move || match attempts.fetch_add(1, Ordering::Relaxed) + 1 {
        attempt if attempt < good => Err(format!("\"{attempt}\" is spoilt\n</script>")),
        attempt => Ok(u64::from(attempt)),
    };
    let retry = Retry::new(good).backoff(Duration::ZERO, 1.0);
    node(work).reads(()).writes(number(name)).named(name).retry(retry)
}

fn fails(name: &str) -> Node {
    let fail = || -> Result<u64, &str> { Err("\u{0} no luck \u{2028}") };
    node(fail).reads(()).writes(number(name)).named(name)
}

const SOON: Duration = Duration::from_millis(5);

/// A node that waits until it is called off, and is done all the same.
fn waits(name: &str) -> Node {
    let wait = || u64::from(CancelToken::current().wait_for(NEVER));
    node(wait).reads(()).writes(number(name)).named(name)
}

fn add_one(name: &str, reads: &str) -> Node {
    node(|n: &u64| n + 1).reads(number(reads)).writes(number(name)).named(name)
}

#[test]
fn what_failed_was_tried_again_or_took_too_long_is_marked() {
    with_each_runner(|runner| {
        let nodes = [
            flaky("flaky", 3),
            fails("fails"),
            waits("slow").timeout(SOON),
            add_one("after_flaky", "flaky"),
            add_one("after_fails", "fails"),
        ];
        let pipeline = Pipeline::new(nodes).unwrap();
        let options = RunOptions::new().keep_going();
        let (record, trace) = run(runner, &pipeline, &Catalog::empty(), options);
        check_attempts(&record, &trace);
        let mut instants: Vec<_> = trace
            .of_phase("i")
            .map(|event| (text(event, "name"), event["args"]["node"].as_str().unwrap()))
            .collect();
        instants.sort_unstable();
        let retry = ("retry", "flaky");
        assert_eq!(instants, [("failure", "fails"), ("failure", "slow"), retry, retry]);
        let run = &trace.of_category("run")[0].args;
        assert_eq!((&run["end"], &run["failed"]), (&"failed".into(), &2.into()));
        assert_eq!((&run["done"], &run["skipped"]), (&2.into(), &1.into()));
        let nodes = trace.of_category("node");
        let error = |name: &str| {
            let slice = nodes.iter().find(|slice| slice.name == name).unwrap();
            slice.args["error"].as_str().unwrap().to_owned()
        };
        assert!(error("fails").ends_with("\u{0} no luck \u{2028}"));
        assert!(error("flaky").ends_with("\"1\" is spoilt\n</script>"));
        assert_eq!(trace.arrows(), [("flaky".to_owned(), "after_flaky".to_owned())]);
    });
}

#[test]
fn run_that_is_called_off_says_when() {
    with_each_runner(|runner| {
        let token = CancelToken::new();
        let calls_off = token.clone();
        let first = node(move || calls_off.cancel()).reads(()).writes(Data::<bool>::memory("a"));
        let gives_up = || {
            CancelToken::current().wait_for(NEVER);
            Err::<u64, _>(Cancelled)
        };
        let gives_up = node(gives_up).reads(()).writes(number("b")).named("gives_up");
        let pipeline = Pipeline::new([first.named("first"), gives_up]).unwrap();
        let options = RunOptions::new().cancel_token(token);
        let (record, trace) = run(runner, &pipeline, &Catalog::empty(), options);
        check_attempts(&record, &trace);
        let cancelled = trace.of_phase("i").filter(|event| text(event, "name") == "run cancelled");
        assert_eq!(cancelled.map(|event| text(event, "s")).collect::<Vec<_>>(), ["p"]);
        assert_eq!(trace.other_data["end"], "cancelled");
    });
}

#[test]
fn run_that_was_refused_has_a_trace_of_nothing() {
    with_each_runner(|runner| {
        let pipeline = Pipeline::new([add_one("a", "nowhere")]).unwrap();
        let options = RunOptions::new().run_id("nightly");
        let (_, trace) = run(runner, &pipeline, &Catalog::empty(), options);
        assert_eq!(trace.of_category("node").len(), 0);
        assert_eq!(trace.other_data["run_id"], "nightly");
        assert_eq!(trace.other_data["end"], "refused");
    });
}

#[test]
fn whatever_a_run_and_its_threads_are_called_the_file_conforms() {
    let hostile = "../\"},{\u{1}\n</script>\\\u{2028}\u{1F600}";
    let pool = Executor::builder().num_threads(2).thread_name(hostile).build().unwrap();
    let pipeline = Pipeline::new((0..8).map(|at| flaky(&format!("n{at}"), 2))).unwrap();
    let options = RunOptions::new().run_id(hostile);
    let (record, trace) = run(&ThreadRunner::new(&pool), &pipeline, &Catalog::empty(), options);
    check_attempts(&record, &trace);
    assert_eq!(trace.other_data["run_id"], hostile);
    assert!(trace.of_category("node").iter().all(|slice| slice.thread.starts_with(hostile)));
}

/// A node in which its worker takes others while it waits.
fn parallel(name: &str, reads: Option<&str>) -> Node {
    let work = || {
        let spin = |n: u64| (0..200).fold(n, |a, b| std::hint::black_box(a ^ b));
        (0..64_u64).into_par_iter().in_context().map(spin).sum::<u64>()
    };
    let written = number(name);
    match reads {
        None => node(work).reads(()).writes(written).named(name),
        Some(reads) => {
            node(move |n: &u64| work() ^ n).reads(number(reads)).writes(written).named(name)
        }
    }
}

#[test]
fn nodes_that_run_while_others_wait_on_their_thread_nest() {
    for threads in [1, 3] {
        let names: Vec<_> = (0..300).map(|at| format!("n{at}")).collect();
        let nodes = (0..300).map(|at| match at {
            _ if at < 30 => parallel(&names[at], None),
            _ if at % 7 == 0 => parallel(&names[at], Some(&names[at / 2])).timeout(NEVER),
            _ => parallel(&names[at], Some(&names[at - 30])),
        });
        let pipeline = Pipeline::new(nodes).unwrap();
        with_thread_runner(threads, |runner| {
            let (record, trace) = run(runner, &pipeline, &Catalog::empty(), RunOptions::new());
            check_attempts(&record, &trace);
            assert_eq!(trace.of_phase("s").count(), 270);
            let slices = trace.of_category("node");
            let is_further = |slice: &Slice| slice.thread.ends_with(')');
            assert!(!slices.iter().any(is_further), "what a thread really does nests");
        });
    }
}

#[test]
fn node_that_outlives_the_one_that_waits_beneath_it_has_a_track_of_its_own() {
    let token = Arc::new(OnceLock::new());
    let theirs = token.clone();
    // Both are on the one worker that is free: the outer takes the inner while it
    // waits, and is given up before the inner is done.
    let outer = move || {
        token.set(CancelToken::current()).unwrap();
        support::steal_one();
        1
    };
    let outer = node(outer).reads(()).writes(number("a")).named("beneath").timeout(SOON);
    let inner = move || u64::from(theirs.get().is_some_and(|token| token.wait_for(NEVER)));
    let inner = node(inner).reads(()).writes(number("b")).named("on_top");
    let pipeline = Pipeline::new([outer, inner]).unwrap();
    let pool = support::workers(2);
    let busy = support::occupy(&pool);
    let options = RunOptions::new().keep_going();
    let (record, trace) = run(&ThreadRunner::new(&pool), &pipeline, &Catalog::empty(), options);
    drop(busy);
    check_attempts(&record, &trace);
    let nodes = trace.of_category("node");
    let [outer, inner] = &nodes[..] else { panic!("two nodes") };
    assert_eq!((&*outer.name, &*inner.name), ("beneath", "on_top"));
    assert_eq!(inner.thread, format!("{} (2)", outer.thread));
    assert!(outer.begin <= inner.begin && inner.begin <= outer.end && outer.end <= inner.end);
}

#[test]
fn attempts_that_took_too_long_on_threads_that_steal_conform() {
    let nodes = (0..60).map(|at| {
        let name = format!("n{at}");
        match at % 3 {
            0 => waits(&name).timeout(Duration::from_millis(1)),
            1 => parallel(&name, None).timeout(Duration::from_micros(200)),
            _ => parallel(&name, None).retry(Retry::new(2)),
        }
    });
    let pipeline = Pipeline::new(nodes).unwrap();
    with_each_runner(|runner| {
        let options = RunOptions::new().keep_going();
        let (record, trace) = run(runner, &pipeline, &Catalog::empty(), options);
        check_attempts(&record, &trace);
    });
}

#[test]
fn ten_thousand_nodes_conform() {
    const NODES: usize = 10_000;
    type Reads = fn(usize) -> Option<usize>;
    let fan_out: Reads = |at| (at > 0).then_some(0);
    let chain: Reads = |at| at.checked_sub(1);
    let many_chains: Reads = |at| at.checked_sub(32);
    for reads in [fan_out, chain, many_chains] {
        let nodes = (0..NODES).map(|at| match reads(at) {
            None => node(|| 1_u64).reads(()).writes(number(format!("d{at}"))),
            Some(read) => {
                let read = number(format!("d{read}"));
                node(|n: &u64| *n).reads(read).writes(number(format!("d{at}")))
            }
        });
        let nodes = nodes.enumerate().map(|(at, node)| node.named(format!("n{at}")));
        let pipeline = Pipeline::new(nodes).unwrap();
        with_thread_runner(4, |runner| {
            let (_, trace) = run(runner, &pipeline, &Catalog::empty(), RunOptions::new());
            assert_eq!(trace.of_category("node").len(), NODES);
            let edges = (0..NODES).filter_map(|at| Some((reads(at)?, at)));
            let mut edges: Vec<_> =
                edges.map(|(from, to)| (format!("n{from}"), format!("n{to}"))).collect();
            edges.sort();
            assert!(trace.arrows() == edges, "an arrow for each edge");
            let left_out = trace.other_data["waits_left_out"].as_u64().unwrap();
            let drawn = trace.of_phase("b").count() as u64;
            assert!(drawn > 0 && drawn + left_out <= NODES as u64);
        });
    }
}

#[cfg(unix)]
#[test]
fn run_in_worker_processes_conforms() {
    let pipeline = || {
        let value = |name: &str| Data::<u64>::value("value").named(name.to_owned());
        let first = node(|raw: &[u64]| raw.iter().sum::<u64>()).reads(RAW).writes(value("a"));
        let nodes = ["b", "c", "d"]
            .map(|name| node(|n: &u64| n + 1).reads(value("a")).writes(value(name)).named(name));
        Pipeline::new([first.named("first")].into_iter().chain(nodes)).unwrap()
    };
    let folder = processes::Folder::new();
    let raw = folder.path("raw.jsonl");
    let catalog = Catalog::builder().file("raw", FileDataset::json_lines(&raw)).build().unwrap();
    entourage::serve_worker(&pipeline(), &catalog).if_asked();
    fs::write(&raw, "1\n2\n3\n").unwrap();

    let again = processes::again_in(run_in_worker_processes_conforms, folder.tell());
    let runner = again.workers(2).build().unwrap();
    let collector = RunCollector::new();
    let options = RunOptions::new().listener(collector.clone());
    runner.run(&pipeline(), &catalog, options).unwrap();
    let record = collector.take().pop().unwrap();
    let trace = trace_of(&record);
    check_attempts(&record, &trace);
    assert_eq!(trace.of_phase("s").count(), 3);
    let loads = trace.of_category("load");
    assert!(loads.iter().any(|load| load.name == "raw" && load.args["rows"] == 3), "{loads:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn whatever_the_pipeline_and_whichever_nodes_fail_the_trace_conforms(
        specs in graphs::specs(30),
        failing in prop::collection::vec(any::<prop::sample::Index>(), 0..4),
    ) {
        let graph = Graph::new(&specs);
        let names = graph.nodes.iter().map(|wired| wired.name.clone());
        let names: Vec<_> = names.collect();
        let failing = failing.iter().map(|index| index.get(&names).clone());
        *graph.failing.lock().unwrap() = failing.collect();
        let options = || RunOptions::new().keep_going();
        let (record, trace) = run(&SequentialRunner::new(), &graph.whole(), &graph.catalog(), options());
        check_attempts(&record, &trace);
        with_thread_runner(3, |runner| {
            let (record, trace) = run(runner, &graph.whole(), &graph.catalog(), options());
            check_attempts(&record, &trace);
        });
    }
}

#[test]
fn what_cannot_be_written_is_said_with_its_path() {
    let folder = Folder::new();
    let collector = RunCollector::new();
    let options = RunOptions::new().listener(collector.clone());
    let pipeline = Pipeline::new([flaky("a", 1)]).unwrap();
    SequentialRunner::new().run(&pipeline, &Catalog::empty(), options).unwrap();
    let record = Arc::new(collector.take().pop().unwrap());
    let path = folder.path("none/trace.json");
    let error = record.write_trace(&path).unwrap_err().to_string();
    assert!(
        error.starts_with(&format!("cannot write the trace `{}`: ", path.display())),
        "{error}"
    );
}
