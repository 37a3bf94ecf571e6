//! What happens in other processes is told in the run's own: the loads and saves of its
//! nodes, and no half one of a process that died.

#![cfg(all(feature = "pipeline", unix))]

#[expect(dead_code, reason = "each test file needs some of the helpers")]
#[path = "support/event_laws.rs"]
mod event_laws;
#[path = "support/events.rs"]
mod events;
#[expect(dead_code, reason = "each test file needs some of the helpers")]
#[path = "support/processes.rs"]
mod processes;

use std::error::Error;
use std::fs;
use std::process::abort;
use std::time::Duration;

use entourage::events::EventKind;
use entourage::{
    ATTEMPT, Catalog, Chunks, Data, Dataset, Executor, FileDataset, Pipeline, Retry, RunOptions,
    ThreadRunner, node, serve_worker,
};
use event_laws::assert_lawful;
use events::{Told, in_words, moved_in_words, told};
use processes::{Folder, again_in};
use serde::{Deserialize, Serialize};

type BoxError = Box<dyn Error + Send + Sync>;

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Row {
    id: u32,
    note: String,
}

const RAW: Data<[Row]> = Data::records("raw");
const CLEAN: Data<[Row]> = Data::records("clean");
const NOTE: Data<str> = Data::text("note");
const COPY: Data<str> = Data::text("copy");
const COUNT: Data<u64> = Data::value("count");
const LINES: Data<str> = Data::text("lines");
const BROKEN: Data<str> = Data::text("broken");
const LOST: Data<str> = Data::text("lost");
const MOST: Data<usize> = Data::parameter("most");

/// Takes nothing and gives nothing.
struct Shut;

impl Dataset<str> for Shut {
    fn load(&self) -> Result<String, BoxError> {
        panic!("there is no way in")
    }

    fn save(&self, _: &str) -> Result<(), BoxError> {
        Err("there is no way out".into())
    }

    fn exists(&self) -> Result<bool, BoxError> {
        Ok(true)
    }
}

fn lines(rows: &[Row], lines: &mut Chunks<str>) -> Result<(), BoxError> {
    Ok(rows.iter().try_for_each(|row| lines.push(format!("{}\n", row.note)))?)
}

fn count(note: &str) -> Result<u64, String> {
    match ATTEMPT.get() {
        Some(1) => Err("not at once".to_owned()),
        _ => Ok(note.len() as u64),
    }
}

/// Everything that can be told of loads and saves, one after the other.
fn pipeline() -> Pipeline {
    let clean = |raw: &[Row], most: &usize| raw.iter().take(*most).cloned().collect::<Vec<_>>();
    let first = |rows: &[Row]| rows[0].note.clone();
    Pipeline::new([
        node(clean).reads((RAW, MOST)).writes(CLEAN).named("a_clean"),
        node(first).reads(CLEAN).writes(NOTE).named("b_first"),
        node(count).reads(NOTE).writes(COUNT).named("c_count").retry(Retry::new(2)),
        node(lines).reads(RAW).yields(LINES).named("d_lines"),
        node(String::new).reads(()).writes(BROKEN).named("e_broken"),
        node(|lost: &str| lost.len()).reads(LOST).writes(Data::<usize>::value("f")).named("f_lost"),
        node(|n: &usize| *n)
            .reads(Data::<usize>::value("f"))
            .writes(Data::<usize>::value("g"))
            .named("g"),
    ])
    .unwrap()
}

fn catalog(folder: &Folder) -> Catalog {
    Catalog::builder()
        .parameter(&MOST, 3)
        .file("raw", FileDataset::json_lines(folder.path("raw.jsonl")))
        .file("clean", FileDataset::csv(folder.path("clean.csv.gz")))
        .file("lines", FileDataset::text(folder.path("lines.txt")))
        .dataset(&BROKEN, Shut)
        .dataset(&LOST, Shut)
        .build()
        .unwrap()
}

fn options() -> RunOptions {
    RunOptions::new().run_id("r1").keep_going()
}

/// All that was told, with another name for a thread, and apart from it what is
/// released: here that is when the last node that reads it has done so, and of nodes
/// elsewhere when that one has been handed over.
fn all_but_released(told: &Told, thread: &str) -> (Vec<String>, Vec<String>) {
    let words = told.events.iter().map(|event| in_words(&event.kind));
    let words = words.map(|words| words.replace(thread, "one"));
    let (mut released, others): (Vec<_>, Vec<_>) =
        words.partition(|words| words.starts_with("released"));
    released.sort();
    (others, released)
}

#[test]
fn run_in_processes_is_told_as_the_same_run_on_a_thread_is() {
    let folder = Folder::new();
    serve_worker(&pipeline(), &catalog(&folder)).if_asked();

    let rows = (0..20).map(|id| format!("{{\"id\": {id}, \"note\": \"é{id}\"}}\n"));
    fs::write(folder.path("raw.jsonl"), rows.collect::<String>()).unwrap();
    let pool = Executor::builder().num_threads(1).build().unwrap();
    let thread = ThreadRunner::new(&pool);
    let here = told(|p, c, o| thread.run(p, c, o), &pipeline(), &catalog(&folder), options());

    let test = run_in_processes_is_told_as_the_same_run_on_a_thread_is;
    let runner = again_in(test, folder.tell()).workers(1).build().unwrap();
    let there = told(|p, c, o| runner.run(p, c, o), &pipeline(), &catalog(&folder), options());
    // Each process reads for itself what the nodes of a thread share.
    let (mut here_words, here_released) = all_but_released(&here, "entourage-0");
    let at = here_words.iter().position(|words| words == "d_lines 1: started").unwrap();
    let len = |name| fs::metadata(folder.path(name)).unwrap().len();
    let raw = format!("d_lines 1: loaded raw, 20 rows, {} bytes", len("raw.jsonl"));
    here_words.insert(at + 1, raw);
    let name = std::any::type_name_of_val(&test).split_once("::").unwrap().1;
    let (there_words, there_released) = all_but_released(&there, name);
    assert_eq!(there_words, here_words, "{there_words:#?}");
    assert_eq!(there_released, here_released);
    assert_lawful(&pipeline(), &there.outcome, &there.events);
    // And it was something.
    let expected = [
        format!("a_clean 1: loaded raw, 20 rows, {} bytes", len("raw.jsonl")),
        format!("a_clean 1: saved clean, 3 rows, {} bytes", len("clean.csv.gz")),
        format!("b_first 1: loaded clean, 3 rows, {} bytes", len("clean.csv.gz")),
        format!("d_lines 1: saved lines, {} bytes", len("lines.txt")),
        "e_broken 1: saved broken: saving dataset `broken`: there is no way out".to_owned(),
        "f_lost 1: loaded lost: loading dataset `lost`: panicked: there is no way in".to_owned(),
    ];
    let told = moved_in_words(&there.events);
    assert!(expected.iter().all(|words| told.contains(words)), "{told:#?}");
}

/// The process ends while it is loaded.
struct Deadly;

impl Dataset<str> for Deadly {
    fn load(&self) -> Result<String, BoxError> {
        abort()
    }

    fn save(&self, _: &str) -> Result<(), BoxError> {
        abort()
    }

    fn exists(&self) -> Result<bool, BoxError> {
        Ok(true)
    }
}

fn join(note: &str, lost: &str) -> String {
    format!("{note}{lost}")
}

#[test]
fn load_in_the_midst_of_which_a_process_dies_is_told_to_nobody() {
    let folder = Folder::new();
    let pipeline = Pipeline::new([
        node(join).reads((NOTE, LOST)).writes(COPY).named("join"),
        node(str::to_owned).reads(NOTE).writes(BROKEN).named("write"),
    ])
    .unwrap();
    let catalog = Catalog::builder()
        .file("note", FileDataset::text(folder.path("note.txt")))
        .dataset(&LOST, Deadly)
        .dataset(&BROKEN, Deadly)
        .build()
        .unwrap();
    serve_worker(&pipeline, &catalog).if_asked();

    fs::write(folder.path("note.txt"), "note").unwrap();
    let test = load_in_the_midst_of_which_a_process_dies_is_told_to_nobody;
    let runner = again_in(test, folder.tell()).workers(1).build().unwrap();
    let told = told(|p, c, o| runner.run(p, c, o), &pipeline, &catalog, options());
    let expected = ["join 1: loaded note, 4 bytes", "write 1: loaded note, 4 bytes"];
    assert_eq!(moved_in_words(&told.events), expected);
    assert_lawful(&pipeline, &told.outcome, &told.events);
    let failures = told.events.iter().filter_map(|event| match &event.kind {
        EventKind::NodeFailed { end, failure } => Some((&*end.node.name, &*failure.kind)),
        _ => None,
    });
    assert_eq!(failures.collect::<Vec<_>>(), [("join", "died"), ("write", "died")]);
}

/// Is loaded until the process is killed for it, but at the second time.
struct Endless;

impl Dataset<str> for Endless {
    fn load(&self) -> Result<String, BoxError> {
        if ATTEMPT.get() == Some(2) {
            return Ok("at last".to_owned());
        }
        loop {
            std::thread::park();
        }
    }

    fn save(&self, _: &str) -> Result<(), BoxError> {
        Err("it is only read".into())
    }

    fn exists(&self) -> Result<bool, BoxError> {
        Ok(true)
    }
}

#[test]
fn each_attempt_tells_of_what_its_own_process_has_loaded_and_saved() {
    let folder = Folder::new();
    let retry = Retry::new(2).after_timeout();
    let join = node(join).reads((NOTE, LOST)).writes(COPY).named("join");
    let pipeline = Pipeline::new([join.retry(retry).timeout(Duration::from_millis(500))]).unwrap();
    let catalog = Catalog::builder()
        .file("note", FileDataset::text(folder.path("note.txt")))
        .dataset(&LOST, Endless)
        .file("copy", FileDataset::text(folder.path("copy.txt")))
        .build()
        .unwrap();
    serve_worker(&pipeline, &catalog).if_asked();

    fs::write(folder.path("note.txt"), "note").unwrap();
    let test = each_attempt_tells_of_what_its_own_process_has_loaded_and_saved;
    let runner = again_in(test, folder.tell()).workers(1).build().unwrap();
    let told = told(|p, c, o| runner.run(p, c, o), &pipeline, &catalog, options());
    assert_lawful(&pipeline, &told.outcome, &told.events);
    told.outcome.unwrap();
    let expected = [
        "join 1: loaded note, 4 bytes",
        "join 2: loaded note, 4 bytes",
        "join 2: loaded lost",
        "join 2: saved copy, 11 bytes",
    ];
    assert_eq!(moved_in_words(&told.events), expected);
}
