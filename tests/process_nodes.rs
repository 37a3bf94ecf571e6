//! Nodes that yield chunks, take their inputs or confirm them, in processes of
//! their own.

#![cfg(all(feature = "pipeline", unix))]

#[expect(dead_code, reason = "each test file needs some of the helpers")]
#[path = "support/processes.rs"]
mod processes;

use std::error::Error;
use std::fs;
use std::io::Write;
use std::path::PathBuf;

use entourage::{
    Catalog, ChunkError, Chunks, Data, Dataset, FileDataset, Pipeline, RunOptions, node,
    serve_worker,
};
use processes::{Folder, again, again_in};

const NUMBERS: Data<[u64]> = Data::records("numbers");
const LINES: Data<str> = Data::text("lines");
const SORTED: Data<[u64]> = Data::records("sorted");

fn numbers() -> impl Iterator<Item = Vec<u64>> {
    (0..3).map(|n| vec![2 - n, 10 + n])
}

fn lines(numbers: &[u64], lines: &mut Chunks<str>) -> Result<(), ChunkError> {
    numbers.iter().try_for_each(|number| lines.push(format!("{number}\n")))
}

fn sort(mut numbers: Vec<u64>) -> Vec<u64> {
    numbers.sort_unstable();
    numbers
}

fn pipeline() -> Pipeline {
    Pipeline::new([
        node(numbers).reads(()).yields_from(NUMBERS),
        node(lines).reads(NUMBERS).yields(LINES),
        node(sort).reads(NUMBERS.take()).writes(SORTED),
    ])
    .unwrap()
}

#[test]
fn chunks_and_taken_values_pass_from_process_to_process() {
    let catalog = Catalog::empty();
    serve_worker(&pipeline(), &catalog).if_asked();

    let test = chunks_and_taken_values_pass_from_process_to_process;
    let runner = again(test).workers(2).build().unwrap();
    let mut report = runner.run(&pipeline(), &catalog, RunOptions::new()).unwrap();
    assert_eq!(report.take_output(&LINES).unwrap(), "2\n10\n1\n11\n0\n12\n");
    assert_eq!(report.take_output(&SORTED).unwrap(), [0, 1, 2, 10, 11, 12]);
    assert_eq!(report.node("numbers").unwrap().rows, Some(6));
}

#[test]
fn chunks_are_saved_by_the_worker_and_loaded_from_the_report() {
    let folder = Folder::new();
    let catalog = Catalog::builder()
        .file("lines", FileDataset::text(folder.path("lines.txt.gz")))
        .build()
        .unwrap();
    serve_worker(&pipeline(), &catalog).if_asked();

    let test = chunks_are_saved_by_the_worker_and_loaded_from_the_report;
    let runner = again_in(test, folder.tell()).workers(1).build().unwrap();
    let report = runner.run(&pipeline(), &catalog, RunOptions::new()).unwrap();
    assert_eq!(*report.load(&LINES).unwrap(), "2\n10\n1\n11\n0\n12\n");
    let names = fs::read_dir(folder.path("")).unwrap().count();
    assert_eq!(names, 1, "nothing is left beside the file");
}

fn dies(_: &[u64], lines: &mut Chunks<str>) -> Result<(), ChunkError> {
    lines.push("half".repeat(100_000))?;
    std::process::abort()
}

#[test]
fn worker_that_dies_between_two_chunks_leaves_the_file_as_it_was() {
    let folder = Folder::new();
    let path = folder.path("lines.txt");
    let catalog =
        Catalog::builder().file("lines", FileDataset::text(path.clone())).build().unwrap();
    let pipeline = Pipeline::new([
        node(numbers).reads(()).yields_from(NUMBERS),
        node(dies).reads(NUMBERS).yields(LINES),
    ])
    .unwrap();
    serve_worker(&pipeline, &catalog).if_asked();

    fs::write(&path, "before").unwrap();
    let test = worker_that_dies_between_two_chunks_leaves_the_file_as_it_was;
    let runner = again_in(test, folder.tell()).workers(1).build().unwrap();
    let error = runner.run(&pipeline, &catalog, RunOptions::new()).unwrap_err();
    assert_eq!(error.failures().next().unwrap().node(), "dies");
    assert_eq!(fs::read_to_string(path).unwrap(), "before");
}

type BoxError = Box<dyn Error + Send + Sync>;

const QUEUE: Data<[u64]> = Data::records("queue");

/// A queue that writes down what is confirmed.
struct Queue(PathBuf);

impl Dataset<[u64]> for Queue {
    fn load(&self) -> Result<Vec<u64>, BoxError> {
        Ok(vec![3, 1])
    }

    fn save(&self, _: &[u64]) -> Result<(), BoxError> {
        Ok(())
    }

    fn exists(&self) -> Result<bool, BoxError> {
        Ok(true)
    }

    fn confirm(&self) -> Result<(), BoxError> {
        let mut file = fs::File::options().create(true).append(true).open(&self.0)?;
        Ok(writeln!(file, "confirmed in {}", std::process::id())?)
    }
}

#[test]
fn worker_confirms_once_and_its_parent_does_not() {
    let folder = Folder::new();
    let path = folder.path("confirmed");
    let catalog = Catalog::builder().dataset(&QUEUE, Queue(path.clone())).build().unwrap();
    let pipeline = Pipeline::new([
        node(sort).reads(QUEUE.take()).writes(SORTED),
        node(lines).reads(SORTED).yields(LINES).confirms("queue"),
    ])
    .unwrap();
    serve_worker(&pipeline, &catalog).if_asked();

    let test = worker_confirms_once_and_its_parent_does_not;
    let runner = again_in(test, folder.tell()).workers(1).build().unwrap();
    runner.run(&pipeline, &catalog, RunOptions::new()).unwrap();
    let confirmed = fs::read_to_string(path).unwrap();
    let [line] = confirmed.lines().collect::<Vec<_>>()[..] else { panic!("{confirmed}") };
    assert_ne!(line, format!("confirmed in {}", std::process::id()));
}
