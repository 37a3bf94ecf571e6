//! Both runners: which node runs when, and what comes out.

#![cfg(feature = "pipeline")]

#[expect(dead_code, reason = "each test file needs some of the helpers")]
#[path = "support/pipelines.rs"]
mod pipelines;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use entourage::{
    Catalog, Data, Executor, FileDataset, Node, Pipeline, RunOptions, SequentialRunner,
    ThreadRunner, node,
};
use pipelines::{Folder, with_each_runner, with_thread_runner};

const NUMBERS: Data<[u64]> = Data::memory("numbers");
const SUM: Data<u64> = Data::memory("sum");
const MOST: Data<u64> = Data::memory("most");
const MEAN: Data<f64> = Data::memory("mean");
const TEXT: Data<str> = Data::text("text");

fn number(name: impl Into<String>) -> Data<u64> {
    Data::memory("number").named(name)
}

fn sum(numbers: &[u64]) -> u64 {
    numbers.iter().sum()
}

fn most(numbers: &[u64]) -> Result<u64, &'static str> {
    numbers.iter().max().copied().ok_or("no numbers")
}

fn report(sum: &u64, most: &u64, numbers: &[u64]) -> (f64, String) {
    (*sum as f64 / numbers.len() as f64, format!("at most {most}"))
}

fn statistics() -> Pipeline {
    Pipeline::new(statistics_nodes()).unwrap()
}

fn statistics_nodes() -> [Node; 3] {
    [
        node(report).reads((SUM, MOST, NUMBERS)).writes((MEAN, TEXT)),
        node(sum).reads(NUMBERS).writes(SUM),
        node(most).reads(NUMBERS).writes(MOST),
    ]
}

#[test]
fn nodes_run_in_the_order_of_their_data_however_declared() {
    let catalog = Catalog::builder().value(&NUMBERS, vec![1, 5, 3]).build().unwrap();
    with_each_runner(|runner| {
        let mut report = runner.run(&statistics(), &catalog, RunOptions::new()).unwrap();
        assert_eq!(report.output_names().collect::<Vec<_>>(), ["mean", "text"]);
        assert_eq!(report.take_output(&MEAN), Some(3.0));
        assert_eq!(report.take_output(&TEXT).as_deref(), Some("at most 5"));
        let fates: Vec<_> = report.nodes().map(|node| node.fate.to_string()).collect();
        assert_eq!(fates, ["done"; 3]);
        let names: Vec<_> = report.nodes().map(|node| node.name).collect();
        assert_eq!(names, ["most", "sum", "report"]);
    });
}

#[test]
fn empty_pipeline_has_an_empty_result() {
    let pipeline = Pipeline::new([]).unwrap();
    with_each_runner(|runner| {
        let report = runner.run(&pipeline, &Catalog::empty(), RunOptions::new()).unwrap();
        assert!(report.nodes().len() == 0 && report.output_names().next().is_none());
    });
}

#[test]
fn free_outputs_are_returned_and_registered_ones_saved() {
    let folder = Folder::new();
    let catalog = Catalog::builder()
        .value(&NUMBERS, vec![2, 4])
        .file("text", FileDataset::text(folder.path("text.txt")))
        .memory("sum")
        .memory("kept")
        .build()
        .unwrap();
    let keep = |sum: &u64| *sum;
    let keep = node(keep).reads(SUM).writes(number("kept")).named("keep");
    let nodes = statistics_nodes().into_iter().chain([keep]);
    let pipeline = Pipeline::new(nodes).unwrap();
    with_each_runner(|runner| {
        let mut report = runner.run(&pipeline, &catalog, RunOptions::new()).unwrap();
        assert_eq!(report.output_names().collect::<Vec<_>>(), ["mean"]);
        assert!(report.take_output(&TEXT).is_none());
        let saved = std::fs::read_to_string(folder.path("text.txt")).unwrap();
        assert_eq!(saved, "at most 4");
    });
}

#[test]
fn output_is_taken_once_by_its_name_and_type_and_by_one_owner() {
    let catalog = Catalog::builder().value(&NUMBERS, vec![2, 4]).build().unwrap();
    let mut report =
        SequentialRunner::new().run(&statistics(), &catalog, RunOptions::new()).unwrap();
    assert_eq!(report.take_output(&Data::<u8>::memory("mean")), None);
    let shared = report.output(&MEAN).unwrap();
    assert_eq!(report.take_output(&MEAN), None, "it is shared");
    assert_eq!(*shared, 3.0);
    drop(shared);
    assert_eq!(report.take_output(&MEAN), Some(3.0));
    assert_eq!(report.take_output(&MEAN), None, "it was taken");
}

#[test]
fn second_run_on_one_catalog_has_the_same_result() {
    let folder = Folder::new();
    let text = folder.write("text.txt", "three little words");
    let catalog = Catalog::builder().file("text", FileDataset::text(text)).build().unwrap();
    let count = |text: &str| text.split(' ').count() as u64;
    let pipeline = Pipeline::new([node(count).reads(TEXT).writes(SUM).named("count")]).unwrap();
    with_each_runner(|runner| {
        for _ in 0..2 {
            let mut report = runner.run(&pipeline, &catalog, RunOptions::new()).unwrap();
            assert_eq!(report.take_output(&SUM), Some(3));
        }
    });
}

#[test]
fn registered_memory_keeps_its_value_from_run_to_run() {
    let first = Pipeline::new([node(sum).reads(NUMBERS).writes(SUM)]).unwrap();
    let next = |sum: &u64| sum + 1;
    let second = Pipeline::new([node(next).reads(SUM).writes(MOST).named("next")]).unwrap();
    with_each_runner(|runner| {
        let builder = Catalog::builder().value(&NUMBERS, vec![1, 2]).memory("sum");
        let catalog = builder.build().unwrap();
        let error = runner.run(&second, &catalog, RunOptions::new()).unwrap_err();
        let told = "dataset `sum`: it is in memory, nothing has been saved there, and no node \
                    writes it; it is wanted by `next`";
        assert_eq!(error.problems(), [told]);
        runner.run(&first, &catalog, RunOptions::new()).unwrap();
        for _ in 0..2 {
            let mut report = runner.run(&second, &catalog, RunOptions::new()).unwrap();
            assert_eq!(report.take_output(&MOST), Some(4));
        }
    });
}

#[test]
fn run_reads_its_own_value_back_from_memory_that_another_run_has_written_since() {
    let kept = || number("kept");
    let write = |value: u64| {
        let to = (kept(), number("a"));
        node(move || (value, value)).reads(()).writes(to).named("write")
    };
    let other = Pipeline::new([write(2)]).unwrap();
    with_each_runner(|runner| {
        let catalog = Catalog::builder().memory("kept").build().unwrap();
        let (inner, shared) = (other.clone(), catalog.clone());
        let between = move |n: &u64| {
            SequentialRunner::new().run(&inner, &shared, RunOptions::new()).map(|_| *n)
        };
        let both = |kept: &u64, _: &u64| *kept;
        let pipeline = Pipeline::new([
            write(1),
            node(between).reads(number("a")).writes(number("b")).named("between"),
            node(both).reads((kept(), number("b"))).writes(number("read")).named("read"),
        ])
        .unwrap();
        let mut report = runner.run(&pipeline, &catalog, RunOptions::new()).unwrap();
        assert_eq!(report.take_output(&number("read")), Some(1));
    });
}

#[test]
fn rows_of_tables_are_counted() {
    const LONG: Data<[u64]> = Data::memory("long");
    let double = |numbers: &[u64]| numbers.repeat(2);
    let both = |long: &[u64]| (long.to_vec(), long[0]);
    let pipeline = Pipeline::new([
        node(double).reads(NUMBERS).writes(LONG).named("double"),
        node(both).reads(LONG).writes((Data::<[u64]>::memory("copy"), MOST)).named("both"),
        node(sum).reads(LONG).writes(SUM),
    ])
    .unwrap();
    let catalog = Catalog::builder().value(&NUMBERS, vec![1, 2, 3]).build().unwrap();
    with_each_runner(|runner| {
        let report = runner.run(&pipeline, &catalog, RunOptions::new()).unwrap();
        let rows = |name: &str| report.node(name).unwrap().rows;
        assert_eq!((rows("double"), rows("both"), rows("sum")), (Some(6), Some(6), None));
    });
}

#[test]
fn run_inside_a_worker_of_its_own_pool_of_one_completes() {
    let pool = Executor::builder().num_threads(1).build().unwrap();
    let catalog = Catalog::builder().value(&NUMBERS, vec![1, 5, 3]).build().unwrap();
    let runner = ThreadRunner::new(&pool);
    let inner = runner.clone();
    let task = pool.spawn(move || {
        // And a run inside a node of a run.
        let run = move |_: &[u64]| -> Result<f64, entourage::RunError> {
            let mut report = inner.run(&statistics(), &catalog, RunOptions::new())?;
            Ok(report.take_output(&MEAN).unwrap())
        };
        let outer = Pipeline::new([node(run).reads(NUMBERS).writes(MEAN).named("outer")]).unwrap();
        let catalog = Catalog::builder().value(&NUMBERS, vec![0]).build().unwrap();
        runner.run(&outer, &catalog, RunOptions::new()).unwrap().take_output(&MEAN)
    });
    assert_eq!(task.join().unwrap(), Some(3.0));
}

#[test]
fn chain_of_a_hundred_thousand_nodes_overflows_no_stack() {
    const LENGTH: u64 = 100_000;
    let next = |at: u64| {
        let (from, to) = (number(format!("n{at}")), number(format!("n{}", at + 1)));
        node(|n: &u64| n + 1).reads(from).writes(to).named(format!("node_{at}"))
    };
    let pipeline = Pipeline::new((0..LENGTH).map(next)).unwrap();
    let catalog = Catalog::builder().value(&number("n0"), 0).build().unwrap();
    let end = number(format!("n{LENGTH}"));
    let mut report = SequentialRunner::new().run(&pipeline, &catalog, RunOptions::new()).unwrap();
    assert_eq!(report.take_output(&end), Some(LENGTH));
    with_thread_runner(2, |runner| {
        let mut report = runner.run(&pipeline, &catalog, RunOptions::new()).unwrap();
        assert_eq!(report.take_output(&end), Some(LENGTH));
    });
    drop(pipeline);
}

#[test]
fn node_that_becomes_ready_while_others_are_begun_runs_once() {
    const WIDTH: usize = 2_000;
    let ran = Arc::new(AtomicUsize::new(0));
    let pair = |at: usize| {
        let (first, second) = (number(format!("first_{at}")), number(format!("second_{at}")));
        let counts = || {
            let ran = ran.clone();
            move |n: &u64| {
                ran.fetch_add(1, Ordering::Relaxed);
                *n
            }
        };
        [
            node(counts()).reads(number("in")).writes(first.clone()).named(format!("a_{at}")),
            node(counts()).reads(first).writes(second).named(format!("b_{at}")),
        ]
    };
    let pipeline = Pipeline::new((0..WIDTH).flat_map(pair)).unwrap();
    let catalog = Catalog::builder().value(&number("in"), 1).build().unwrap();
    with_thread_runner(4, |runner| {
        for round in 1..=10 {
            runner.run(&pipeline, &catalog, RunOptions::new()).unwrap();
            assert_eq!(ran.load(Ordering::Relaxed), round * 2 * WIDTH);
        }
    });
}

#[test]
fn lattice_of_nodes_runs_each_once_whoever_comes_first() {
    const SIDE: usize = 40;
    let at = |row: usize, column: usize| number(format!("n_{row}_{column}"));
    let ran = Arc::new(AtomicUsize::new(0));
    let cell = |row: usize, column: usize| {
        let ran = ran.clone();
        let add = move |a: &u64, b: &u64| {
            ran.fetch_add(1, Ordering::Relaxed);
            a.wrapping_add(*b)
        };
        let from = (at(row - 1, column), at(row, column - 1));
        node(add).reads(from).writes(at(row, column)).named(format!("add_{row}_{column}"))
    };
    let nodes = (1..SIDE).flat_map(|row| (1..SIDE).map(move |column| (row, column)));
    let pipeline = Pipeline::new(nodes.map(|(row, column)| cell(row, column))).unwrap();
    let edge = (1..SIDE).flat_map(|n| [at(0, n), at(n, 0)]);
    let builder = edge.fold(Catalog::builder(), |builder, data| builder.value(&data, 1));
    let catalog = builder.build().unwrap();
    let corner = at(SIDE - 1, SIDE - 1);
    let mut answers = Vec::new();
    with_each_runner(|runner| {
        for _ in 0..5 {
            ran.store(0, Ordering::Relaxed);
            let mut report = runner.run(&pipeline, &catalog, RunOptions::new()).unwrap();
            answers.push(report.take_output(&corner).unwrap());
            assert_eq!(ran.load(Ordering::Relaxed), (SIDE - 1) * (SIDE - 1));
        }
    });
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
}
