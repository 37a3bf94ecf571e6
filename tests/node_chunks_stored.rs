//! Nodes that yield chunks into what the catalog stores: written as they come,
//! and there as a whole or not at all.

#![cfg(feature = "pipeline")]

#[path = "support/pipelines.rs"]
mod pipelines;

use std::error::Error;
use std::fs;
use std::sync::{Arc, Mutex};

use entourage::{
    Catalog, ChunkError, Chunks, Data, Dataset, FileDataset, Format, Pipeline, RunOptions,
    SequentialRunner, node,
};
use pipelines::{Folder, Runner, load, save, told, with_each_runner};
use serde::{Deserialize, Serialize, Serializer};

type BoxError = Box<dyn Error + Send + Sync>;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Row {
    name: String,
    number: u64,
}

const ROWS: Data<[Row]> = Data::records("rows");
const TEXT: Data<str> = Data::text("text");
const BYTES: Data<[u8]> = Data::bytes("bytes");
const VALUE: Data<Vec<u64>> = Data::value("value");

fn row(number: u64) -> Row {
    Row { name: format!("n {number}"), number }
}

/// Chunks of different sizes, none among them.
fn chunks() -> Vec<Vec<Row>> {
    [0..2, 2..2, 2..3, 3..7].map(|numbers| numbers.map(row).collect()).into()
}

fn run(runner: &dyn Runner, pipeline: &Pipeline, catalog: &Catalog) -> Result<(), String> {
    runner.run(pipeline, catalog, RunOptions::new()).map(drop).map_err(told)
}

#[test]
fn file_written_in_chunks_is_the_one_that_a_single_save_would_have_written() {
    let formats = [
        ("rows.csv", FileDataset::csv as fn(_) -> FileDataset),
        ("rows.csv.gz", FileDataset::csv),
        ("rows.json", FileDataset::json),
        ("rows.jsonl", FileDataset::json_lines),
        ("rows.msgpack", |path| FileDataset::new(path, Format::MessagePack)),
    ];
    with_each_runner(|runner| {
        let folder = Folder::new();
        for (name, file) in &formats {
            for chunks in [chunks as fn() -> Vec<Vec<Row>>, Vec::new] {
                let [whole, streamed] =
                    ["whole_", "streamed_"].map(|of| folder.path(&format!("{of}{name}")));
                save(&ROWS, &file(whole.clone()), chunks().concat()).unwrap();
                let catalog = Catalog::builder().file("rows", file(streamed.clone()));
                let make = node(chunks).reads(()).yields_from(ROWS).named("make");
                let count = |rows: &[Row]| rows.len();
                let count = node(count).reads(ROWS).writes(Data::<usize>::memory("count"));
                let pipeline = Pipeline::new([make, count.named("count")]).unwrap();
                let options = RunOptions::new();
                let mut report = runner.run(&pipeline, &catalog.build().unwrap(), options).unwrap();
                let written = report.take_output(&Data::<usize>::memory("count"));
                assert_eq!(written, Some(chunks().concat().len()));
                assert_eq!(report.node("make").unwrap().rows.unwrap_or(0), chunks().concat().len());
                if !name.ends_with(".gz") {
                    assert_eq!(fs::read(&whole).unwrap(), fs::read(&streamed).unwrap(), "{name}");
                }
                assert_eq!(load(&ROWS, &file(streamed)).unwrap(), chunks().concat());
            }
        }
        assert_eq!(folder.names().len(), 2 * formats.len(), "{:?}", folder.names());
    });
}

#[test]
fn several_outputs_are_written_side_by_side() {
    let folder = Folder::new();
    let [text, bytes] = ["text.txt.gz", "bytes"].map(|name| folder.path(name));
    let catalog = Catalog::builder()
        .file("text", FileDataset::text(text.clone()))
        .file("bytes", FileDataset::bytes(bytes.clone()))
        .build()
        .unwrap();
    let write = |text: &mut Chunks<str>, bytes: &mut Chunks<[u8]>| -> Result<(), ChunkError> {
        for number in 0..1000_u32 {
            text.push(format!("{number}\n"))?;
            bytes.push(vec![number as u8; 3])?;
        }
        Ok(())
    };
    let write = node(write).reads(()).yields((TEXT, BYTES)).named("write");
    let pipeline = Pipeline::new([write]).unwrap();
    with_each_runner(|runner| {
        run(runner, &pipeline, &catalog).unwrap();
        let lines = load(&TEXT, &FileDataset::text(text.clone())).unwrap();
        assert!(lines.lines().eq((0..1000).map(|number| number.to_string())));
        let written = load(&BYTES, &FileDataset::bytes(bytes.clone())).unwrap();
        assert!(written.chunks(3).eq((0..1000_u32).map(|number| [number as u8; 3])));
        assert_eq!(folder.names(), ["bytes", "text.txt.gz"]);
    });
}

#[test]
fn file_has_its_name_when_the_function_has_returned_and_not_before() {
    let folder = Folder::new();
    let path = folder.write("text.txt", "before");
    let catalog = Catalog::builder().file("text", FileDataset::text(path.clone())).build().unwrap();
    let watched = path.clone();
    let write = move |text: &mut Chunks<str>| {
        for _ in 0..10 {
            // More than any buffer holds.
            text.push("after ".repeat(100_000))?;
            assert_eq!(fs::read_to_string(&watched).unwrap(), "before");
        }
        Ok::<(), ChunkError>(())
    };
    let pipeline = Pipeline::new([node(write).reads(()).yields(TEXT).named("write")]).unwrap();
    with_each_runner(|runner| {
        fs::write(&path, "before").unwrap();
        run(runner, &pipeline, &catalog).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().len(), 6_000_000);
        assert_eq!(folder.names(), ["text.txt"]);
    });
}

#[test]
fn error_or_panic_between_chunks_leaves_what_was_there_and_nothing_beside_it() {
    type Write = fn(&mut Chunks<str>) -> Result<(), BoxError>;
    let cases: [(Write, &str); 2] = [
        (
            |text| {
                text.push("half".to_owned())?;
                Err("no other half".into())
            },
            "node `write` failed: no other half",
        ),
        (
            |text| {
                text.push("half".to_owned())?;
                panic!("no other half at all")
            },
            "no other half at all",
        ),
    ];
    with_each_runner(|runner| {
        for (write, expected) in cases {
            for before in [None, Some("before")] {
                let folder = Folder::new();
                let path = folder.path("text.txt");
                before.inspect(|before| fs::write(&path, before).unwrap());
                let file = FileDataset::text(path.clone());
                let catalog = Catalog::builder().file("text", file).build().unwrap();
                let write = node(write).reads(()).yields(TEXT).named("write");
                let read = node(|_: &str| ()).reads(TEXT).writes(()).named("read");
                let pipeline = Pipeline::new([write, read]).unwrap();
                let told = run(runner, &pipeline, &catalog).unwrap_err();
                assert!(told.ends_with(expected), "{told}");
                assert_eq!(fs::read_to_string(&path).ok().as_deref(), before);
                assert_eq!(folder.names().len(), usize::from(before.is_some()));
            }
        }
    });
}

/// A number that is no number.
#[derive(Clone, Deserialize)]
struct Odd(u64);

impl Serialize for Odd {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            0 => panic!("zero is not written"),
            odd if odd % 2 == 1 => serializer.serialize_u64(odd),
            even => Err(serde::ser::Error::custom(format!("{even} is not odd"))),
        }
    }
}

#[test]
fn chunk_that_cannot_be_written_is_a_failed_save_that_names_dataset_and_file() {
    const ODD: Data<[Odd]> = Data::records("odd");
    let push = |first: u64| {
        move |out: &mut Chunks<[Odd]>| {
            out.push(vec![Odd(1)]).unwrap();
            // What a push says need not be heard.
            let push = std::panic::AssertUnwindSafe(|| out.push(vec![Odd(first)]));
            let _ = std::panic::catch_unwind(push);
            assert!(out.push(vec![Odd(3)]).is_err());
        }
    };
    with_each_runner(|runner| {
        for (first, expected) in [(2, "2 is not odd"), (0, "adding a chunk panicked")] {
            let folder = Folder::new();
            let path = folder.path("odd.jsonl");
            let catalog =
                Catalog::builder().file("odd", FileDataset::json_lines(path)).build().unwrap();
            let make = node(push(first)).reads(()).yields(ODD).named("make");
            let told = run(runner, &Pipeline::new([make]).unwrap(), &catalog).unwrap_err();
            assert!(told.contains("saving dataset `odd`") && told.contains(expected), "{told}");
            assert!(folder.names().is_empty(), "{:?}", folder.names());
        }
    });
}

#[test]
fn file_that_cannot_be_begun_is_a_failed_save_of_the_first_chunk() {
    let folder = Folder::new();
    let inner = folder.path("inner");
    let catalog =
        Catalog::builder().file("text", FileDataset::text(inner.join("text.txt"))).build().unwrap();
    let write = move |text: &mut Chunks<str>| {
        // After the check before the run.
        fs::write(&inner, "in the way").unwrap();
        let pushed = text.push("words".to_owned());
        fs::remove_file(&inner).unwrap();
        pushed
    };
    let pipeline = Pipeline::new([node(write).reads(()).yields(TEXT).named("write")]).unwrap();
    with_each_runner(|runner| {
        let told = run(runner, &pipeline, &catalog).unwrap_err();
        assert!(told.contains("saving dataset `text`") && told.contains("inner"), "{told}");
        assert!(folder.names().is_empty());
    });
}

/// Storage that takes values as a whole.
#[derive(Clone, Default)]
struct Table(Arc<Mutex<Vec<String>>>);

impl Dataset<str> for Table {
    fn load(&self) -> Result<String, BoxError> {
        self.0.lock().unwrap().last().cloned().ok_or_else(|| "nothing is there".into())
    }

    fn save(&self, value: &str) -> Result<(), BoxError> {
        self.0.lock().unwrap().push(value.to_owned());
        Ok(())
    }

    fn exists(&self) -> Result<bool, BoxError> {
        Ok(!self.0.lock().unwrap().is_empty())
    }
}

#[test]
fn storage_that_takes_no_chunks_is_saved_once_what_they_make() {
    let words = || ["a", "b", "c"].map(str::to_owned);
    with_each_runner(|runner| {
        let table = Table::default();
        let catalog = Catalog::builder().dataset(&TEXT, table.clone()).build().unwrap();
        let make = node(words).reads(()).yields_from(TEXT).named("make");
        let read = node(|text: &str| assert_eq!(text, "abc")).reads(TEXT).writes(());
        let pipeline = Pipeline::new([make, read.named("read")]).unwrap();
        run(runner, &pipeline, &catalog).unwrap();
        assert_eq!(*table.0.lock().unwrap(), ["abc"]);
    });
}

#[test]
fn one_value_in_a_file_and_one_in_the_catalogs_memory_are_put_together_first() {
    let numbers = || [vec![1, 2], vec![3]];
    let folder = Folder::new();
    let path = folder.path("value.json");
    let stored = Catalog::builder().file("value", FileDataset::json(path)).build().unwrap();
    let memory = Catalog::builder().memory("value").build().unwrap();
    let make = node(numbers).reads(()).yields_from(VALUE).named("make");
    let pipeline = Pipeline::new([make]).unwrap();
    with_each_runner(|runner| {
        for catalog in [&stored, &memory] {
            run(runner, &pipeline, catalog).unwrap();
            assert_eq!(*catalog.load(&VALUE).unwrap(), [1, 2, 3]);
        }
    });
}

#[test]
fn second_output_that_fails_leaves_the_first_as_it_was() {
    let folder = Folder::new();
    let path = folder.write("text.txt", "before");
    let catalog = Catalog::builder().file("text", FileDataset::text(path.clone())).build().unwrap();
    let write = |text: &mut Chunks<str>, _: &mut Chunks<[u8]>| -> Result<(), BoxError> {
        text.push("after".to_owned())?;
        Err("nor the second".into())
    };
    let write = node(write).reads(()).yields((TEXT, BYTES)).named("write");
    let pipeline = Pipeline::new([write]).unwrap();
    assert!(run(&SequentialRunner::new(), &pipeline, &catalog).is_err());
    assert_eq!(fs::read_to_string(path).unwrap(), "before");
    assert_eq!(folder.names(), ["text.txt"]);
}
