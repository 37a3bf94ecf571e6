//! What is told of loads and saves: the bytes are those that lie in storage, the rows
//! those of the value, and of what did not succeed there are neither.

#![cfg(feature = "pipeline")]

#[expect(dead_code, reason = "each test file needs some of the helpers")]
#[path = "support/events.rs"]
mod events;
#[expect(dead_code, reason = "each test file needs some of the helpers")]
#[path = "support/pipelines.rs"]
mod pipelines;

use std::error::Error;
use std::fs;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, mpsc};
use std::time::Duration;

use entourage::{
    ATTEMPT, Catalog, CatalogBuilder, Chunks, Data, DataType, Dataset, Executor, FileDataset,
    Format, Pipeline, Retry, RunOptions, ThreadRunner, node,
};
use events::{moved_in_words, told};
use pipelines::{Folder, Runner, with_each_runner};
use serde::{Deserialize, Serialize};

type BoxError = Box<dyn Error + Send + Sync>;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Row {
    id: u32,
    note: String,
}

const ROWS: Data<[Row]> = Data::records("rows");
const VALUE: Data<Vec<Row>> = Data::value("rows");
const NOTE: Data<str> = Data::text("note");
const COPY: Data<str> = Data::text("copy");
const IMAGE: Data<[u8]> = Data::bytes("image");
const TOP: Data<usize> = Data::parameter("top");

/// A value so large that a file of it is read and written in pieces.
fn rows() -> Vec<Row> {
    (0..5_000).map(|id| Row { id, note: format!("\"{id}\", é") }).collect()
}

fn len(file: &FileDataset) -> u64 {
    fs::metadata(file.path()).unwrap().len()
}

/// The words for the loads and saves of one run.
fn run(runner: &dyn Runner, pipeline: &Pipeline, catalog: CatalogBuilder) -> Vec<String> {
    let catalog = catalog.build().unwrap();
    let told = told(|p, c, o| runner.run(p, c, o), pipeline, &catalog, RunOptions::new());
    moved_in_words(&told.events)
}

/// `write` writes the value into a file, and `read` reads it from there.
fn there_and_back<T>(data: &Data<T>, value: T::Owned) -> Pipeline
where
    T: DataType<Owned: Clone> + ?Sized,
{
    let write = node(move || value.clone()).reads(()).writes(data.clone()).named("write");
    let read = node(|_: &T| ()).reads(data.clone()).writes(Data::<()>::memory("end"));
    Pipeline::new([write, read.named("read")]).unwrap()
}

#[track_caller]
fn assert_bytes_of_file<T>(data: &Data<T>, format: &Format, value: T::Owned, rows: &str)
where
    T: DataType<Owned: Clone> + ?Sized,
{
    let pipeline = there_and_back(data, value);
    for ending in ["", ".gz"] {
        with_each_runner(|runner| {
            let folder = Folder::new();
            let path = folder.path(&format!("data.{}{ending}", format.name()));
            let file = FileDataset::new(path, format.clone());
            let name = data.name();
            let words = run(runner, &pipeline, Catalog::builder().file(&*name, file.clone()));
            let bytes = len(&file);
            let expected = [
                format!("write 1: saved {name}{rows}, {bytes} bytes"),
                format!("read 1: loaded {name}{rows}, {bytes} bytes"),
            ];
            assert_eq!(words, expected, "{file:?}");
        });
    }
}

#[test]
fn bytes_of_a_save_and_a_load_are_those_of_the_file_in_every_format() {
    for value in [rows(), Vec::new()] {
        let words = format!(", {} rows", value.len());
        for format in
            [Format::Csv(Default::default()), Format::Json, Format::JsonLines, Format::MessagePack]
        {
            assert_bytes_of_file(&ROWS, &format, value.clone(), &words);
        }
        for format in [Format::Json, Format::MessagePack] {
            assert_bytes_of_file(&VALUE, &format, value.clone(), "");
        }
    }
    assert_bytes_of_file(&NOTE, &Format::Text, "é".repeat(100_000), "");
    assert_bytes_of_file(&IMAGE, &Format::Bytes, vec![0; 300_000], "");
}

#[cfg(feature = "polars")]
#[test]
fn bytes_of_a_frame_are_those_of_the_file() {
    use polars::df;
    use polars::frame::DataFrame;
    const TABLE: Data<DataFrame> = Data::frame("table");
    let table = df!("id" => (0..20_000_i64).collect::<Vec<_>>()).unwrap();
    for format in [Format::Parquet, Format::Arrow] {
        assert_bytes_of_file(&TABLE, &format, table.clone(), ", 20000 rows");
    }
}

#[cfg(feature = "object-store")]
#[test]
fn bytes_of_an_object_are_those_that_its_store_keeps() {
    use std::sync::Arc;

    use object_store::local::LocalFileSystem;
    for name in ["rows.csv", "rows.csv.gz"] {
        with_each_runner(|runner| {
            let folder = Folder::new();
            let store = LocalFileSystem::new_with_prefix(folder.path("")).unwrap();
            let file = FileDataset::csv(format!("lake://{name}"));
            let catalog =
                Catalog::builder().object_store("lake", Arc::new(store)).file("rows", file);
            let words = run(runner, &there_and_back(&ROWS, rows()), catalog);
            let bytes = fs::metadata(folder.path(name)).unwrap().len();
            let expected = [
                format!("write 1: saved rows, 5000 rows, {bytes} bytes"),
                format!("read 1: loaded rows, 5000 rows, {bytes} bytes"),
            ];
            assert_eq!(words, expected);
        });
    }
}

#[cfg(feature = "object-store")]
#[test]
fn bytes_of_an_object_that_goes_up_in_parts_are_those_of_all_parts() {
    use std::sync::Arc;

    use object_store::local::LocalFileSystem;
    let folder = Folder::new();
    let store = LocalFileSystem::new_with_prefix(folder.path("")).unwrap();
    let catalog = Catalog::builder()
        .object_store("lake", Arc::new(store))
        .file("image", FileDataset::bytes("lake://image"));
    let bytes = (16 << 20) + 7;
    let pipeline = there_and_back(&IMAGE, vec![1; bytes]);
    let words = run(&entourage::SequentialRunner::new(), &pipeline, catalog);
    let expected = [
        format!("write 1: saved image, {bytes} bytes"),
        format!("read 1: loaded image, {bytes} bytes"),
    ];
    assert_eq!(words, expected);
}

#[test]
fn bytes_of_a_version_are_those_of_the_version_alone() {
    with_each_runner(|runner| {
        let folder = Folder::new();
        let file = FileDataset::text(folder.path("note.txt")).versioned();
        let catalog = || Catalog::builder().file("note", file.clone());
        let write = |text: &'static str| there_and_back(&NOTE, text.to_owned());
        let both = |bytes: usize| {
            ["write 1: saved", "read 1: loaded"].map(|did| format!("{did} note, {bytes} bytes"))
        };
        assert_eq!(run(runner, &write("twelve bytes"), catalog()), both(12));
        assert_eq!(run(runner, &write("4444"), catalog()), both(4));
    });
}

#[test]
fn what_comes_in_chunks_is_told_once_as_a_whole() {
    let chunks = |_: &str, rows: &mut Chunks<[Row]>| {
        (0..5).try_for_each(|n| rows.push(vec![Row { id: n, note: "é".repeat(1000) }; 3]))
    };
    let pipeline = Pipeline::new([node(chunks).reads(NOTE).yields(ROWS).named("make")]).unwrap();
    with_each_runner(|runner| {
        for name in ["rows.jsonl", "rows.jsonl.gz"] {
            let folder = Folder::new();
            let note = FileDataset::text(folder.write("note.txt", "note"));
            let file = FileDataset::json_lines(folder.path(name));
            let catalog = Catalog::builder().file("rows", file.clone()).file("note", note);
            let words = run(runner, &pipeline, catalog);
            let saved = format!("make 1: saved rows, 15 rows, {} bytes", len(&file));
            assert_eq!(words, ["make 1: loaded note, 4 bytes".to_owned(), saved]);
        }
    });
}

#[test]
fn value_that_a_cache_has_moves_no_bytes() {
    let pipeline = there_and_back(&NOTE, "twelve bytes".to_owned());
    with_each_runner(|runner| {
        let folder = Folder::new();
        let file = FileDataset::text(folder.path("note.txt"));
        let catalog = Catalog::builder().file("note", file).cached("note");
        let words = run(runner, &pipeline, catalog);
        assert_eq!(words, ["write 1: saved note, 12 bytes", "read 1: loaded note, 0 bytes"]);
    });
    let read = node(|note: &str| note.len()).reads(NOTE).writes(Data::<usize>::memory("length"));
    let pipeline = Pipeline::new([read.named("read")]).unwrap();
    with_each_runner(|runner| {
        let folder = Folder::new();
        let file = FileDataset::text(folder.write("note.txt", "twelve bytes"));
        let catalog = Catalog::builder().file("note", file).cached("note").build().unwrap();
        for bytes in [12, 0] {
            let run = |p: &Pipeline, c: &Catalog, o| runner.run(p, c, o);
            let told = told(run, &pipeline, &catalog, RunOptions::new());
            let expected = format!("read 1: loaded note, {bytes} bytes");
            assert_eq!(moved_in_words(&told.events), [expected]);
        }
    });
}

#[test]
fn what_stays_in_memory_is_no_transfer() {
    let one = node(|top: &usize| *top).reads(TOP).writes(Data::<usize>::memory("one")).named("one");
    let two = |one: &usize, given: &usize| one + given;
    let given = Data::<usize>::memory("given");
    let reads = (Data::<usize>::memory("one"), given.clone());
    let two = node(two).reads(reads).writes(Data::<usize>::memory("two")).named("two");
    let pipeline = Pipeline::new([one, two]).unwrap();
    with_each_runner(|runner| {
        let catalog = Catalog::builder().parameter(&TOP, 3).value(&given, 4);
        assert_eq!(run(runner, &pipeline, catalog), <[&str; 0]>::default());
    });
}

/// Storage of a user's own, which may know how much it moves.
struct Own {
    knows: bool,
    content: Mutex<String>,
}

impl Own {
    fn new(knows: bool) -> Self {
        Self { knows, content: Mutex::default() }
    }
}

impl Dataset<str> for Own {
    fn load(&self) -> Result<String, BoxError> {
        Ok(self.content.lock().unwrap().clone())
    }

    fn save(&self, value: &str) -> Result<(), BoxError> {
        *self.content.lock().unwrap() = value.to_owned();
        Ok(())
    }

    fn load_counted(&self) -> Result<(String, Option<u64>), BoxError> {
        Ok((self.load()?, self.knows.then_some(7)))
    }

    fn save_counted(&self, value: &str) -> Result<Option<u64>, BoxError> {
        self.save(value)?;
        Ok(self.knows.then_some(8))
    }

    fn exists(&self) -> Result<bool, BoxError> {
        Ok(true)
    }
}

#[test]
fn storage_of_ones_own_says_how_much_it_moved_or_nothing() {
    let pipeline = there_and_back(&NOTE, "note".to_owned());
    with_each_runner(|runner| {
        let catalog = |knows| Catalog::builder().dataset(&NOTE, Own::new(knows));
        let words = run(runner, &pipeline, catalog(true));
        assert_eq!(words, ["write 1: saved note, 8 bytes", "read 1: loaded note, 7 bytes"]);
        let words = run(runner, &pipeline, catalog(false));
        assert_eq!(words, ["write 1: saved note", "read 1: loaded note"]);
    });
}

#[cfg(target_os = "linux")]
#[test]
fn file_of_unknown_length_is_told_by_what_was_read() {
    let read = node(|note: &str| note.len() as u64).reads(NOTE).writes(Data::<u64>::memory("len"));
    let pipeline = Pipeline::new([read.named("read")]).unwrap();
    let content = fs::read("/proc/version").unwrap();
    with_each_runner(|runner| {
        let catalog = Catalog::builder().file("note", FileDataset::text("/proc/version"));
        let expected = format!("read 1: loaded note, {} bytes", content.len());
        assert_eq!(run(runner, &pipeline, catalog), [expected]);
    });
}

/// Fails in every way that a dataset can.
struct Broken(&'static str);

impl Broken {
    fn act<R>(&self, doing: &str) -> Result<R, BoxError> {
        match self.0 {
            "panics" => panic!("{doing} went off, with hunter2"),
            _ => Err(format!("{doing} was refused, with hunter2").into()),
        }
    }
}

impl Dataset<str> for Broken {
    fn load(&self) -> Result<String, BoxError> {
        self.act("load")
    }

    fn save(&self, _: &str) -> Result<(), BoxError> {
        self.act("save")
    }

    fn exists(&self) -> Result<bool, BoxError> {
        Ok(true)
    }
}

#[test]
fn load_and_save_that_fail_are_told_with_their_error_and_without_bytes() {
    let copy = node(|note: &str| note.to_owned()).reads(NOTE).writes(COPY).named("copy");
    let pipeline = Pipeline::new([copy]).unwrap();
    with_each_runner(|runner| {
        let folder = Folder::new();
        let note = || FileDataset::text(folder.write("note.txt", "note"));
        for (how, why) in [("fails", "was refused"), ("panics", "went off")] {
            let catalog =
                Catalog::builder().dataset(&NOTE, Broken(how)).dataset(&COPY, Broken(how));
            let words = run(runner, &pipeline, catalog);
            assert_eq!(words.len(), 1, "{words:?}");
            assert!(
                words[0].starts_with("copy 1: loaded note: loading dataset `note`"),
                "{words:?}"
            );
            assert!(words[0].contains(&format!("load {why}")), "{words:?}");

            let catalog = Catalog::builder().file("note", note()).dataset(&COPY, Broken(how));
            let words = run(runner, &pipeline, catalog);
            assert_eq!(words[0], "copy 1: loaded note, 4 bytes");
            assert!(words[1].starts_with("copy 1: saved copy: saving dataset `copy`"), "{words:?}");
            assert!(words[1].contains(&format!("save {why}")), "{words:?}");
            assert_eq!(words.len(), 2, "{words:?}");
        }
        // Of a file that is there and cannot be read it is not told how long it is.
        let note = FileDataset::text(folder.write("note.txt", b"\xff\xff"));
        let words = run(runner, &pipeline, Catalog::builder().file("note", note));
        let place = folder.path("note.txt").display().to_string();
        let why = "not UTF-8 at byte 0, in line 1";
        let expected = format!("copy 1: loaded note: loading dataset `note` ({place}): {why}");
        assert_eq!(words, [expected]);
    });
}

#[test]
fn each_attempt_tells_of_its_own_loads_and_saves() {
    let fails = |note: &str| match ATTEMPT.get() {
        Some(3) => Ok(note.to_owned()),
        _ => Err(format!("{note} again")),
    };
    let pipeline = |retry: Retry| {
        Pipeline::new([node(fails).reads(NOTE).writes(COPY).named("copy").retry(retry)]).unwrap()
    };
    with_each_runner(|runner| {
        let folder = Folder::new();
        let note = FileDataset::text(folder.write("note.txt", "note"));
        let copy = FileDataset::text(folder.path("copy.txt"));
        let catalog = Catalog::builder().file("note", note).file("copy", copy);
        let words = run(runner, &pipeline(Retry::new(3)), catalog);
        // What the first attempt has read the others are given.
        assert_eq!(words, ["copy 1: loaded note, 4 bytes", "copy 3: saved copy, 4 bytes"]);
    });
    let copy = node(|note: &str| note.to_owned()).reads(NOTE).writes(COPY).named("copy");
    let pipeline = Pipeline::new([copy.retry(Retry::new(3))]).unwrap();
    with_each_runner(|runner| {
        let catalog = Catalog::builder()
            .dataset(&NOTE, Shaky { good_from: 2, asked: AtomicU32::new(0) })
            .dataset(&COPY, Shaky { good_from: 2, asked: AtomicU32::new(0) });
        let words = run(runner, &pipeline, catalog);
        let expected = [
            "copy 1: loaded note: loading dataset `note`: time 1 is too early",
            "copy 2: loaded note",
            "copy 2: saved copy: saving dataset `copy`: time 1 is too early",
            "copy 3: saved copy",
        ];
        assert_eq!(words, expected);
    });
}

/// Fails until it was asked often enough.
struct Shaky {
    good_from: u32,
    asked: AtomicU32,
}

impl Shaky {
    fn ask(&self) -> Result<(), BoxError> {
        match self.asked.fetch_add(1, Ordering::Relaxed) + 1 {
            time if time >= self.good_from => Ok(()),
            time => Err(format!("time {time} is too early").into()),
        }
    }
}

impl Dataset<str> for Shaky {
    fn load(&self) -> Result<String, BoxError> {
        self.ask().map(|()| "text".to_owned())
    }

    fn save(&self, _: &str) -> Result<(), BoxError> {
        self.ask()
    }

    fn exists(&self) -> Result<bool, BoxError> {
        Ok(true)
    }
}

/// Is loaded once its gate is opened, and says so.
struct Gated {
    gate: Mutex<mpsc::Receiver<()>>,
    through: mpsc::Sender<()>,
}

impl Dataset<str> for Gated {
    fn load(&self) -> Result<String, BoxError> {
        _ = self.gate.lock().unwrap().recv();
        self.through.send(()).unwrap();
        Ok("too late".to_owned())
    }

    fn save(&self, _: &str) -> Result<(), BoxError> {
        Err("it is only read".into())
    }

    fn exists(&self) -> Result<bool, BoxError> {
        Ok(true)
    }
}

#[test]
fn load_that_comes_after_the_nodes_deadline_is_told_to_nobody() {
    let (open, gate) = mpsc::channel();
    let (through, is_through) = mpsc::channel();
    let copy = node(|note: &str| note.to_owned()).reads(NOTE).writes(COPY).named("copy");
    let pipeline = Pipeline::new([copy.timeout(Duration::from_millis(20))]).unwrap();
    let gated = Gated { gate: Mutex::new(gate), through };
    let catalog = Catalog::builder().dataset(&NOTE, gated).build().unwrap();
    let pool = Executor::builder().num_threads(2).build().unwrap();
    let runner = ThreadRunner::new(&pool);
    let listener = events::Events::default();
    let options = RunOptions::new().listener(listener.clone());
    let error = runner.run(&pipeline, &catalog, options).unwrap_err();
    assert!(error.failures().next().unwrap().is_timeout());
    let told = listener.all().len();
    open.send(()).unwrap();
    is_through.recv().unwrap();
    // The worker is free again when it takes the next task.
    pool.broadcast(|_| ());
    let events = listener.all();
    assert_eq!((events.len(), moved_in_words(&events).len()), (told, 0), "{events:?}");
}
