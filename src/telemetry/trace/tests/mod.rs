//! Traces of runs that were told by hand, so that every moment is known.

mod format;

use std::borrow::Cow;
use std::time::{Duration, SystemTime};

use self::format::{Trace, nanos, text};
use crate::events::{
    Event, EventKind, FailureCause, NodeEnd, NodeRef, RunEnd, RunEnded, RunStarted, Transfer,
};
use crate::pipeline::{Pipeline, node};
use crate::telemetry::RunRecord;
use crate::telemetry::record::{Graph, WrittenGraph, WrittenNode};
use crate::{Data, Node};

const NUMBER: Data<u64> = Data::memory("number");

fn number(name: &str) -> Data<u64> {
    NUMBER.named(name.to_owned())
}

/// A node that writes a dataset of its own name, from what those named `reads` write.
fn add(name: &str, reads: &[&str]) -> Node {
    let name = name.to_owned();
    match *reads {
        [] => node(|| 1_u64).reads(()).writes(number(&name)).named(name),
        [a] => node(|a: &u64| *a).reads(number(a)).writes(number(&name)).named(name),
        [a, b] => {
            let add = node(|a: &u64, b: &u64| a + b).reads((number(a), number(b)));
            add.writes(number(&name)).named(name)
        }
        _ => panic!("a node of these tests reads at most two"),
    }
}

/// A run that is told event by event, in microseconds.
struct Script {
    record: RunRecord,
    seq: u64,
}

impl Script {
    fn new(nodes: impl IntoIterator<Item = Node>) -> Self {
        Self::of(Graph::Pipeline(Pipeline::new(nodes).unwrap()))
    }

    fn of(graph: Graph) -> Self {
        let nodes = graph.len() as u32;
        let mut script = Self { record: RunRecord::new(graph), seq: 0 };
        let started = RunStarted {
            run_id: "nightly".into(),
            started: SystemTime::UNIX_EPOCH,
            runner: "thread".into(),
            workers: 2,
            nodes,
            save_version: "v".into(),
            load_versions: Vec::new(),
            parameters: Vec::new(),
        };
        script.tell(0, "main", EventKind::RunStarted(Box::new(started)));
        script
    }

    fn tell(&mut self, at: u64, worker: &str, kind: EventKind<'_>) {
        let at = Duration::from_micros(at);
        self.record.apply(&Event { seq: self.seq, at, worker: Cow::Borrowed(worker), kind });
        self.seq += 1;
    }

    fn node(&self, name: &str) -> NodeRef<'static> {
        let graph = &self.record.graph;
        let index = (0..graph.len() as u32).find(|at| graph.name(*at) == name).unwrap();
        NodeRef { name: Cow::Owned(name.to_owned()), index }
    }

    fn start(&mut self, worker: &str, at: u64, name: &str, attempt: u32, queued: u64) {
        let (node, queued) = (self.node(name), Duration::from_micros(queued));
        self.tell(at, worker, EventKind::NodeStarted { node, attempt, queued });
    }

    fn end(&self, name: &str, attempt: u32) -> NodeEnd<'static> {
        NodeEnd { node: self.node(name), attempt, ran: Duration::ZERO, rows: None }
    }

    fn done(&mut self, worker: &str, at: u64, name: &str) {
        let end = NodeEnd { rows: Some(7), ..self.end(name, 1) };
        self.tell(at, worker, EventKind::NodeDone(end));
    }

    fn failed(&mut self, worker: &str, at: u64, name: &str, attempt: u32) {
        let end = self.end(name, attempt);
        self.tell(at, worker, EventKind::NodeFailed { end, failure: cause("no luck") });
    }

    fn transfer(&self, name: &str, dataset: &'static str, took: u64) -> Transfer<'static> {
        Transfer {
            node: self.node(name),
            attempt: 1,
            dataset: dataset.into(),
            took: Duration::from_micros(took),
            rows: Some(3),
            bytes: Some(120),
            error: None,
        }
    }

    fn ended(&mut self, at: u64, end: RunEnd) {
        let took = Duration::from_micros(at);
        let ended = RunEnded { end, took, error: None, problems: Vec::new(), resume: None };
        self.tell(at, "main", EventKind::RunEnded(Box::new(ended)));
    }

    fn trace(&self) -> Trace {
        let mut trace = Vec::new();
        self.record.to_trace(&mut trace).unwrap();
        Trace::read(&trace)
    }
}

fn cause(message: &str) -> Box<FailureCause> {
    let (message, causes) = (message.to_owned(), Vec::new());
    Box::new(FailureCause { kind: "error".into(), message, causes, place: None })
}

/// Names, threads, beginnings and ends, in microseconds.
fn told(trace: &Trace, category: &str) -> Vec<(String, String, u64, u64)> {
    let slices = trace.of_category(category).into_iter();
    slices.map(|it| (it.name, it.thread, it.begin / 1000, it.end / 1000)).collect()
}

fn is(name: &str, thread: &str, begin: u64, end: u64) -> (String, String, u64, u64) {
    (name.to_owned(), thread.to_owned(), begin, end)
}

#[test]
fn attempts_are_in_the_lane_of_their_worker_with_their_loads_and_saves_in_them() {
    let mut script = Script::new([add("a", &[]), add("b", &["a"])]);
    script.start("w-10", 10, "a", 1, 4);
    script.tell(16, "w-10", EventKind::DatasetLoaded(script.transfer("a", "raw", 5)));
    script.tell(30, "w-10", EventKind::DatasetSaved(script.transfer("a", "a", 8)));
    script.done("w-10", 31, "a");
    script.start("w-9", 35, "b", 1, 3);
    script.done("w-9", 40, "b");
    script.ended(41, RunEnd::Done);
    let trace = script.trace();
    assert_eq!(told(&trace, "run"), [is("run", "run", 0, 41)]);
    // Worker 9 comes before worker 10.
    assert_eq!(told(&trace, "node"), [is("b", "w-9", 35, 40), is("a", "w-10", 10, 31)]);
    assert_eq!(told(&trace, "load"), [is("raw", "w-10", 11, 16)]);
    assert_eq!(told(&trace, "save"), [is("a", "w-10", 22, 30)]);
    let [b, a] = &trace.of_category("node")[..] else { panic!("two nodes") };
    assert!(b.tid < a.tid, "what is in order has its numbers in order");
    assert_eq!(a.args["attempt"], 1);
    assert_eq!((&a.args["rows"], &a.args["queued_us"]), (&7.into(), &4.0.into()));
    assert_eq!((&a.args["state"], a.args.get("unfinished")), (&"done".into(), None));
    let load = &trace.of_category("load")[0].args;
    assert_eq!(
        (&load["bytes"], &load["rows"], &load["node"]),
        (&120.into(), &3.into(), &"a".into())
    );
    assert_eq!(trace.other_data["run_id"], "nightly");
    assert_eq!(trace.other_data["started"], "1970-01-01T00:00:00.000000000Z");
    assert_eq!(trace.other_data["end"], "done");
}

#[test]
fn nanoseconds_are_behind_the_point() {
    let mut script = Script::new([add("a", &[])]);
    // Ninety days and one nanosecond.
    let at = Duration::from_secs(90 * 86_400) + Duration::from_nanos(1);
    let (node, end) = (script.node("a"), script.end("a", 1));
    let queued = Duration::from_nanos(12_345);
    let started = EventKind::NodeStarted { node, attempt: 1, queued };
    for (at, kind) in [(at, started), (at + Duration::from_nanos(999), EventKind::NodeDone(end))] {
        script.record.apply(&Event { seq: 1, at, worker: "w".into(), kind });
    }
    let trace = script.trace();
    let [a] = &trace.of_category("node")[..] else { panic!("one node") };
    assert_eq!((a.begin, a.end - a.begin), (7_776_000_000_000_001, 999));
    assert_eq!(a.args["queued_us"], 12.345);
}

#[test]
fn arrows_go_from_what_writes_to_what_reads_whatever_was_loaded_in_them() {
    let nodes = [add("a", &[]), add("b", &["a"]), add("c", &["a"]), add("d", &["b", "b"])];
    let mut script = Script::new(nodes);
    script.start("w0", 0, "a", 1, 0);
    script.tell(5, "w0", EventKind::DatasetLoaded(script.transfer("a", "raw", 3)));
    script.done("w0", 10, "a");
    // At the very moment, on the same thread.
    script.start("w0", 10, "b", 1, 0);
    script.start("w1", 11, "c", 1, 1);
    script.tell(15, "w0", EventKind::DatasetLoaded(script.transfer("b", "more", 4)));
    script.tell(19, "w0", EventKind::DatasetSaved(script.transfer("b", "b", 2)));
    script.done("w0", 20, "b");
    script.done("w1", 20, "c");
    script.start("w1", 21, "d", 1, 1);
    script.done("w1", 21, "d");
    let arrows = script.trace().arrows();
    let arrows: Vec<_> = arrows.iter().map(|(from, to)| (&**from, &**to)).collect();
    // Read twice, it is written once.
    assert_eq!(arrows, [("a", "b"), ("a", "c"), ("b", "d")]);
}

#[test]
fn an_arrow_leads_to_the_first_attempt_from_the_one_that_was_done() {
    let mut script = Script::new([add("a", &[]), add("b", &["a"])]);
    for (at, name) in [(0, "a"), (20, "b")] {
        script.start("w0", at, name, 1, 0);
        let (end, failure) = (script.end(name, 1), cause("no luck"));
        let pause = Duration::from_micros(4);
        script.tell(at + 1, "w0", EventKind::NodeRetried { end, failure, pause });
        script.start("w0", at + 5, name, 2, 0);
        script.done("w0", at + 6, name);
    }
    script.ended(30, RunEnd::Done);
    let trace = script.trace();
    let nanos = |phase| nanos(trace.of_phase(phase).next().unwrap(), "ts");
    assert_eq!((nanos("s"), nanos("f")), (5_999, 20_000));
    assert_eq!(trace.of_phase("s").count(), 1);
    let states: Vec<_> = trace.of_category("node").into_iter().map(|it| it.args).collect();
    assert_eq!((&states[0]["state"], &states[0]["error"]), (&"retrying".into(), &"no luck".into()));
    assert_eq!((&states[1]["state"], states[1].get("error")), (&"done".into(), None));
    let instants: Vec<_> = trace.of_phase("i").map(|event| text(event, "name")).collect();
    assert_eq!(instants, ["retry", "retry"]);
}

#[test]
fn node_that_waited_for_a_load_is_one_slice_from_where_it_went_on() {
    let mut script = Script::new([add("a", &[])]);
    script.start("w0", 0, "a", 1, 0);
    script.tell(2, "w0", EventKind::DatasetLoaded(script.transfer("a", "raw", 1)));
    let (node, dataset) = (script.end("a", 1).node, "late".into());
    script.tell(3, "w0", EventKind::NodeGivenBack { node, attempt: 1, dataset });
    let (node, dataset) = (script.node("a"), "other".into());
    script.tell(3, "w0", EventKind::NodeGivenBack { node, attempt: 1, dataset });
    script.start("w1", 9, "a", 1, 4);
    script.done("w1", 12, "a");
    let trace = script.trace();
    assert_eq!(told(&trace, "node"), [is("a", "w1", 9, 12)]);
    // What it loaded before is where it was loaded.
    assert_eq!(told(&trace, "load"), [is("raw", "w0", 1, 2)]);
}

#[test]
fn attempt_that_was_given_back_for_good_is_not_drawn() {
    let mut script = Script::new([add("a", &[]), add("b", &["a"])]);
    script.start("w0", 0, "a", 1, 0);
    script.done("w0", 5, "a");
    script.start("w1", 6, "b", 1, 1);
    let (node, dataset) = (script.node("b"), "raw".into());
    script.tell(7, "w1", EventKind::NodeGivenBack { node, attempt: 1, dataset });
    script.ended(9, RunEnd::Cancelled);
    let trace = script.trace();
    assert_eq!(told(&trace, "node"), [is("a", "w0", 0, 5)]);
    assert_eq!((trace.of_phase("s").count(), trace.of_phase("b").count()), (0, 0));
}

#[test]
fn attempt_that_goes_on_under_one_that_took_too_long_gets_a_track_of_its_own() {
    let nodes = ["slow", "stolen", "after", "last"].map(|name| add(name, &[]));
    let mut script = Script::new(nodes);
    script.start("w0", 0, "slow", 1, 0);
    // It waits, and its thread takes another node meanwhile.
    script.start("w0", 5, "stolen", 1, 0);
    script.failed("timer", 10, "slow", 1);
    script.tell(14, "w0", EventKind::DatasetSaved(script.transfer("stolen", "s", 8)));
    script.tell(16, "w0", EventKind::DatasetSaved(script.transfer("stolen", "t", 1)));
    script.done("w0", 20, "stolen");
    script.start("w0", 21, "after", 1, 0);
    script.start("w0", 22, "last", 1, 0);
    script.done("w0", 23, "last");
    script.done("w0", 24, "after");
    // Begun before the attempt that it was for, which nothing of one thread is.
    script.tell(26, "w0", EventKind::DatasetSaved(script.transfer("after", "u", 4)));
    let trace = script.trace();
    let [after, last, slow] = ["after", "last", "slow"].map(|name| {
        let all = trace.of_category("node");
        all.into_iter().find(|it| it.name == name).unwrap()
    });
    assert_eq!([&*after.thread, &*last.thread, &*slow.thread], ["w0"; 3]);
    let further = told(&trace, "node").into_iter().find(|it| it.0 == "stolen").unwrap();
    assert_eq!(further, is("stolen", "w0 (2)", 5, 20));
    let saves = [is("s", "w0 (2)", 6, 14), is("t", "w0 (2)", 15, 16), is("u", "w0 (2)", 22, 26)];
    assert_eq!(told(&trace, "save"), saves);
}

#[test]
fn many_that_cross_are_on_as_many_tracks_as_go_on_at_once() {
    let names: Vec<_> = (0..600).map(|at| format!("n{at}")).collect();
    let mut script = Script::new(names.iter().map(|name| add(name, &[])));
    for (at, name) in (0..).zip(&names) {
        script.start("shared", at, name, 1, 0);
        if let Some(before) = names.get((at as usize).wrapping_sub(3)) {
            script.done("shared", at, before);
        }
    }
    for name in &names[597..] {
        script.done("shared", 600, name);
    }
    let trace = script.trace();
    let mut threads: Vec<_> = trace.of_category("node").into_iter().map(|it| it.thread).collect();
    threads.sort();
    threads.dedup();
    assert_eq!(threads, ["shared", "shared (2)", "shared (3)"]);
}

#[test]
fn run_that_was_interrupted_ends_with_its_last_event() {
    let mut script = Script::new([add("a", &[]), add("b", &[])]);
    script.start("w0", 1, "a", 1, 1);
    script.start("w1", 2, "b", 1, 0);
    script.tell(9, "w1", EventKind::DatasetLoaded(script.transfer("b", "raw", 4)));
    let trace = script.trace();
    assert_eq!(told(&trace, "run"), [is("run", "run", 0, 9)]);
    assert_eq!(told(&trace, "node"), [is("a", "w0", 1, 9), is("b", "w1", 2, 9)]);
    for attempt in trace.of_category("node") {
        assert_eq!(
            (&attempt.args["unfinished"], &attempt.args["state"]),
            (&true.into(), &"running".into())
        );
    }
    assert_eq!(trace.other_data["end"], "interrupted");
    assert!(
        trace.of_phase("i").any(|it| text(it, "name") == "interrupted" && text(it, "s") == "p")
    );
}

#[test]
fn failures_and_the_end_of_a_run_that_was_called_off_are_marked_where_they_were() {
    let mut script = Script::new([add("a", &[]), add("b", &[])]);
    script.start("w0", 1, "a", 1, 0);
    script.start("w1", 1, "b", 1, 0);
    script.failed("w0", 5, "a", 1);
    script.tell(6, "main", EventKind::RunCancelled);
    let end = script.end("b", 1);
    script.tell(8, "w1", EventKind::NodeCancelled(end));
    script.ended(9, RunEnd::Cancelled);
    let trace = script.trace();
    let instants = trace.of_phase("i").map(|it| (text(it, "name"), text(it, "s"), nanos(it, "ts")));
    let instants: Vec<_> = instants.collect();
    assert_eq!(
        instants,
        [("failure", "t", 5_000), ("cancelled", "t", 8_000), ("run cancelled", "p", 6_000)]
    );
    let run = &trace.of_category("run")[0].args;
    assert_eq!(
        (&run["end"], &run["failed"], &run["cancelled"]),
        (&"cancelled".into(), &1.into(), &1.into())
    );
}

#[test]
fn counters_tell_how_many_ran_and_waited_at_each_moment() {
    let mut script = Script::new(["a", "b", "c"].map(|name| add(name, &[])));
    script.start("w0", 2, "a", 1, 2);
    script.start("w1", 3, "b", 1, 3);
    script.done("w0", 5, "a");
    script.start("w0", 5, "c", 1, 5);
    script.done("w1", 7, "b");
    script.done("w0", 8, "c");
    let trace = script.trace();
    let counts = trace.of_phase("C").map(|it| {
        let counts = [&it["args"]["running"], &it["args"]["queued"]].map(|n| n.as_u64().unwrap());
        (nanos(it, "ts") / 1000, counts)
    });
    let counts: Vec<_> = counts.collect();
    assert_eq!(
        counts,
        [(0, [0, 3]), (2, [1, 2]), (3, [2, 1]), (5, [2, 0]), (7, [1, 0]), (8, [0, 0])]
    );
    let waits = trace.of_phase("b").map(|it| (it["args"]["node"].clone(), text(it, "id")));
    assert_eq!(
        waits.collect::<Vec<_>>(),
        [("a".into(), "0x0"), ("b".into(), "0x1"), ("c".into(), "0x2")]
    );
}

#[test]
fn waits_share_rows_and_what_finds_none_is_counted() {
    let names: Vec<_> = (0..600).map(|at| format!("n{at}")).collect();
    let mut script = Script::new(names.iter().map(|name| add(name, &[])));
    // All are ready at once; then one more, when the first row is free.
    for (at, name) in (1..).zip(&names[..599]) {
        script.start("w0", at, name, 1, at);
        script.done("w0", at, name);
    }
    script.start("w0", 605, &names[599], 1, 604);
    script.done("w0", 605, &names[599]);
    let trace = script.trace();
    let rows: Vec<_> = trace.of_phase("b").map(|it| text(it, "id")).collect();
    assert_eq!((rows.len(), rows.last()), (257, Some(&"0x0")));
    assert_eq!(trace.other_data["waits_left_out"], 600 - 257);
    let most = trace.of_phase("C").map(|it| it["args"]["queued"].as_u64().unwrap()).max();
    assert_eq!(most, Some(599));
}

#[test]
fn nothing_that_a_run_is_called_breaks_the_file() {
    let hostile = "\"},{\u{0}\n\u{2028}</script>\\\u{1F600} 名";
    // A pipeline takes no such name, but a file may have any.
    let node = WrittenNode { name: hostile.to_owned(), ..WrittenNode::default() };
    let mut script = Script::of(Graph::Written(WrittenGraph::new(vec![node])));
    script.start(hostile, 1, hostile, 1, 1);
    let mut transfer = script.transfer(hostile, "\"\\", 1);
    transfer.error = Some(hostile.into());
    script.tell(3, hostile, EventKind::DatasetSaved(transfer));
    let (end, failure) = (script.end(hostile, 1), cause(hostile));
    script.tell(4, hostile, EventKind::NodeFailed { end, failure });
    let trace = script.trace();
    let [failed] = &trace.of_category("node")[..] else { panic!("one node") };
    assert_eq!((&*failed.name, &*failed.thread), (hostile, hostile));
    assert_eq!(failed.args["error"], hostile);
    assert_eq!(trace.of_category("save")[0].args["error"], hostile);
}

#[test]
fn what_a_file_tells_of_no_run_gives_a_trace_all_the_same() {
    let mut script = Script::new([add("a", &[]), add("b", &["a"])]);
    // An end before its beginning, a load longer than the run, an effect before its
    // cause.
    script.start("w0", 50, "a", 1, 90);
    script.done("w0", 40, "a");
    script.tell(10, "w0", EventKind::DatasetLoaded(script.transfer("b", "raw", 99)));
    script.start("w1", 20, "b", 1, 0);
    script.done("w1", 45, "b");
    let trace = script.trace();
    assert_eq!(told(&trace, "node"), [is("a", "w0", 50, 50), is("b", "w1", 20, 45)]);
    assert_eq!(trace.of_phase("s").count(), 0);
    // A run of which nothing is known.
    let nothing = RunRecord::new(Graph::Written(Default::default()));
    let mut trace = Vec::new();
    nothing.to_trace(&mut trace).unwrap();
    assert!(Trace::read(&trace).slices().is_empty());
}

#[test]
fn what_cannot_be_written_is_said() {
    struct Full;
    impl std::io::Write for Full {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let script = Script::new([add("a", &[])]);
    let error = script.record.to_trace(Full).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::StorageFull);
}
