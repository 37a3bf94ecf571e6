//! Datasets of which every version is kept.

#![cfg(feature = "pipeline")]

#[expect(dead_code, reason = "each test file needs some of the helpers")]
#[path = "support/pipelines.rs"]
mod pipelines;

use std::collections::BTreeSet;
use std::error::Error;
use std::fs;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Barrier};
use std::time::Duration;

use entourage::{
    ATTEMPT, Catalog, CatalogBuilder, Chunks, Data, Dataset, FileDataset, Node, Pipeline, Retry,
    RunOptions, SequentialRunner, Version, node,
};
use pipelines::{Folder, names_in, told, with_each_runner};
use serde::{Deserialize, Serialize, Serializer};

const NOTE: Data<str> = Data::text("note");
const COPY: Data<str> = Data::text("copy");
const STICKY: Data<str> = Data::text("sticky");
const LENGTH: Data<usize> = Data::memory("length");

fn builder(folder: &Folder) -> CatalogBuilder {
    Catalog::builder()
        .file("note", FileDataset::text(folder.path("note.txt")).versioned())
        .file("copy", FileDataset::text(folder.path("copy.txt")).versioned())
}

fn catalog(folder: &Folder) -> Catalog {
    builder(folder).build().unwrap()
}

fn version(folder: &Folder, version: &str, content: &str) {
    let path = folder.path("note.txt").join(version);
    fs::create_dir_all(&path).unwrap();
    fs::write(path.join("note.txt"), content).unwrap();
}

/// note -> copy -> length
fn pipeline() -> Pipeline {
    Pipeline::new([
        node(|note: &str| note.repeat(2)).reads(NOTE).writes(COPY).named("copy"),
        node(|copy: &str| copy.len()).reads(COPY).writes(LENGTH).named("measure"),
    ])
    .unwrap()
}

#[test]
fn every_save_is_a_version_of_its_own_and_the_latest_by_name_is_loaded() {
    let folder = Folder::new();
    let catalog = catalog(&folder);
    assert!(!catalog.exists("note").unwrap());
    for content in ["a", "b", "c"] {
        catalog.save(&NOTE, content.to_owned()).unwrap();
    }
    assert!(catalog.exists("note").unwrap());
    let versions = names_in(&folder.path("note.txt"));
    assert_eq!(versions.len(), 3);
    for version in &versions {
        assert_eq!(version.len(), "YYYY-MM-DDThh.mm.ss.mmmZ".len(), "{version}");
        assert_eq!(names_in(&folder.path("note.txt").join(version)), ["note.txt"]);
    }
    assert_eq!(*catalog.load(&NOTE).unwrap(), "c");
    version(&folder, "0000", "old");
    assert_eq!(*catalog.load(&NOTE).unwrap(), "c");
    version(&folder, "9999", "new");
    assert_eq!(*catalog.load(&NOTE).unwrap(), "new");
}

#[test]
fn run_saves_under_one_version_and_its_nodes_load_what_it_saved() {
    let folder = Folder::new();
    version(&folder, "v1", "ab");
    let other = folder.path("copy.txt/zzz");
    fs::create_dir_all(&other).unwrap();
    // Later by name than anything that the run saves.
    fs::write(other.join("copy.txt"), "of another run").unwrap();
    let catalog = catalog(&folder);
    let pipeline = pipeline();
    with_each_runner(|runner| {
        let mut report = runner.run(&pipeline, &catalog, RunOptions::new()).unwrap();
        assert_eq!(report.take_output(&LENGTH), Some(4));
    });
    assert_eq!(names_in(&folder.path("copy.txt")).len(), 4);
    let options = RunOptions::new().save_version("mine");
    SequentialRunner::new().run(&pipeline, &catalog, options).unwrap();
    assert_eq!(fs::read_to_string(folder.path("copy.txt/mine/copy.txt")).unwrap(), "abab");
}

#[test]
fn report_loads_what_its_run_saved() {
    let folder = Folder::new();
    let catalog = catalog(&folder);
    with_each_runner(|runner| {
        let saves = |content: &'static str| {
            let write = node(move || content.to_owned()).reads(()).writes(COPY).named("write");
            let pipeline = Pipeline::new([write]).unwrap();
            runner.run(&pipeline, &catalog, RunOptions::new()).unwrap()
        };
        let (first, second) = (saves("first"), saves("second"));
        assert_eq!(*first.load(&COPY).unwrap(), "first");
        assert_eq!(*second.load(&COPY).unwrap(), "second");
        assert_eq!(*catalog.load(&COPY).unwrap(), "second");
    });
}

#[test]
fn version_that_is_there_is_never_overwritten() {
    let folder = Folder::new();
    version(&folder, "v1", "ab");
    let catalog = catalog(&folder);
    let options = || RunOptions::new().save_version("mine");
    SequentialRunner::new().run(&pipeline(), &catalog, options()).unwrap();
    with_each_runner(|runner| {
        let error = runner.run(&pipeline(), &catalog, options()).unwrap_err();
        assert_eq!(error.problems(), ["dataset `copy`: version `mine` of it is there already"]);
    });
    assert_eq!(fs::read_to_string(folder.path("copy.txt/mine/copy.txt")).unwrap(), "abab");
}

#[test]
fn of_two_runs_at_once_under_one_version_one_saves_and_the_other_is_told() {
    for _ in 0..20 {
        let folder = Folder::new();
        let catalog = catalog(&folder);
        let both = Barrier::new(2);
        let run = |content: &'static str| {
            let both = &both;
            let catalog = &catalog;
            move || {
                // Both are past the look before the run when they save.
                let write = node(move || content.to_owned()).reads(()).writes(COPY).named("write");
                let pipeline = Pipeline::new([write]).unwrap();
                let options = RunOptions::new().save_version("v1");
                both.wait();
                SequentialRunner::new().run(&pipeline, catalog, options).map(drop).map_err(told)
            }
        };
        let outcomes = std::thread::scope(|scope| {
            let threads = ["one", "other"].map(|content| scope.spawn(run(content)));
            threads.map(|thread| thread.join().unwrap())
        });
        let failed: Vec<_> = outcomes.iter().filter_map(|outcome| outcome.as_ref().err()).collect();
        assert_eq!(failed.len(), 1, "{outcomes:?}");
        assert!(failed[0].contains("already"), "{failed:?}");
        let winner = if outcomes[0].is_ok() { "one" } else { "other" };
        let saved = fs::read_to_string(folder.path("copy.txt/v1/copy.txt")).unwrap();
        assert_eq!(saved, winner);
        assert_eq!(names_in(&folder.path("copy.txt/v1")), ["copy.txt"]);
    }
}

#[test]
fn version_to_load_is_chosen_by_the_run_or_by_the_catalog() {
    let folder = Folder::new();
    for (name, content) in [("v1", "a"), ("v2", "ab"), ("v3", "abc")] {
        version(&folder, name, content);
    }
    let latest = catalog(&folder);
    let pinned = builder(&folder).load_version("note", "v2").build().unwrap();
    assert_eq!(*pinned.load(&NOTE).unwrap(), "ab");
    let read = node(|note: &str| note.len()).reads(NOTE).writes(LENGTH).named("read");
    let pipeline = Pipeline::new([read]).unwrap();
    with_each_runner(|runner| {
        let length = |catalog: &Catalog, options| {
            runner.run(&pipeline, catalog, options).unwrap().take_output(&LENGTH).unwrap()
        };
        assert_eq!(length(&latest, RunOptions::new()), 3);
        assert_eq!(length(&latest, RunOptions::new().load_version("note", "v1")), 1);
        assert_eq!(length(&pinned, RunOptions::new()), 2);
        assert_eq!(length(&pinned, RunOptions::new().load_version("note", "v3")), 3);
    });
}

#[test]
fn version_that_is_not_there_is_told_with_those_that_are() {
    let folder = Folder::new();
    let catalog = catalog(&folder);
    let error = |catalog: &Catalog, version: &str| {
        let options = RunOptions::new().load_version("note", version);
        let error = options.check(&pipeline(), catalog).unwrap_err();
        error.problems()[0].replace(&folder.path("").display().to_string(), "")
    };
    assert_eq!(
        error(&catalog, "v1"),
        "dataset `note`: note.txt: there is no version `v1` of it (there: none); it is wanted by \
         `copy`"
    );
    (1..=7).for_each(|n| version(&folder, &format!("v{n}"), "x"));
    assert_eq!(
        error(&catalog, "v8"),
        "dataset `note`: note.txt: there is no version `v8` of it (there: `v7`, `v6`, `v5`, `v4`, \
         `v3`, older ones); it is wanted by `copy`"
    );
    let told = RunOptions::new().check(
        &pipeline(),
        &Catalog::builder()
            .file("note", FileDataset::text(folder.path("none.txt")).versioned())
            .build()
            .unwrap(),
    );
    let told = told.unwrap_err().problems()[0].replace(&folder.path("").display().to_string(), "");
    assert_eq!(
        told,
        "dataset `note`: none.txt: no version of it has been saved yet; it is wanted by `copy`"
    );
}

#[test]
fn versions_that_cannot_be_are_told_before_the_run() {
    let folder = Folder::new();
    version(&folder, "v1", "ab");
    let catalog = builder(&folder)
        .file("plain", FileDataset::text(folder.path("plain.txt")))
        .build()
        .unwrap();
    let options = RunOptions::new()
        .save_version("../out")
        .load_version("note", "a/b")
        .load_version("copy", "v1")
        .load_version("plain", "v1")
        .load_version("nite", "v1");
    with_each_runner(|runner| {
        let error = runner.run(&pipeline(), &catalog, options.clone()).unwrap_err();
        let expected = [
            "the version to save: \"../out\" cannot be a version: it begins with a dot",
            "the version of `note` to load: \"a/b\" cannot be a version: it has a separator of \
             paths in it",
            "dataset `copy`: version `v1` cannot be loaded: a node of the run writes it, and what \
             it writes is what is loaded",
            "dataset `nite`: version `v1` cannot be loaded: it is not in the catalog; did you mean \
             `note`?",
            "dataset `plain`: version `v1` cannot be loaded: it keeps no versions",
        ];
        assert_eq!(error.problems(), expected);
    });
    let error = builder(&folder)
        .memory("held")
        .load_version("note", "..")
        .load_version("held", "v1")
        .load_version("none", "v1")
        .build()
        .unwrap_err();
    let expected = [
        "dataset `note`: \"..\" cannot be a version: it begins with a dot",
        "dataset `held` keeps no versions to load",
        "version `v1` of `none` is to be loaded, but it is not in the catalog",
    ];
    assert_eq!(error.problems(), expected);
}

#[test]
fn save_that_fails_midway_leaves_no_version_and_what_was_there() {
    #[derive(Clone, Deserialize)]
    struct Fails(bool);
    impl Serialize for Fails {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            if self.0 {
                return Err(serde::ser::Error::custom("no more"));
            }
            serializer.serialize_bool(false)
        }
    }
    const ROWS: Data<[Fails]> = Data::records("rows");
    let folder = Folder::new();
    let rows = FileDataset::json_lines(folder.path("rows.jsonl")).versioned();
    let catalog = Catalog::builder().file("rows", rows).build().unwrap();
    let save = |last: bool| {
        let write = node(move || vec![Fails(false), Fails(last)]).reads(()).writes(ROWS);
        let pipeline = Pipeline::new([write.named("write")]).unwrap();
        SequentialRunner::new().run(&pipeline, &catalog, RunOptions::new())
    };
    assert!(save(true).unwrap_err().failures().next().unwrap().is_save());
    assert!(!catalog.exists("rows").unwrap(), "what was not saved whole is not there");
    assert_eq!(names_in(&folder.path("rows.jsonl")), [""; 0]);
    save(false).unwrap();
    let versions = names_in(&folder.path("rows.jsonl"));
    save(true).unwrap_err();
    assert_eq!(names_in(&folder.path("rows.jsonl")), versions);
    assert_eq!(catalog.load(&ROWS).unwrap().len(), 2);
}

#[test]
fn run_of_what_is_missing_takes_a_version_for_done_and_an_empty_folder_for_none() {
    let folder = Folder::new();
    version(&folder, "v1", "ab");
    let catalog = catalog(&folder);
    let write = node(|note: &str| note.repeat(2)).reads(NOTE).writes(COPY).named("copy");
    let pipeline = Pipeline::new([write]).unwrap();
    fs::create_dir_all(folder.path("copy.txt/v0")).unwrap();
    with_each_runner(|runner| {
        runner.run(&pipeline, &catalog, RunOptions::new().only_missing()).unwrap();
        let saved: BTreeSet<_> = names_in(&folder.path("copy.txt")).into_iter().collect();
        assert_eq!(saved.len(), 2, "{saved:?}");
    });
}

#[test]
fn file_that_was_saved_before_it_was_versioned_is_told() {
    let folder = Folder::new();
    folder.write("note.txt", "plain");
    folder.write("copy.txt", "plain");
    let error = RunOptions::new().check(&pipeline(), &catalog(&folder)).unwrap_err();
    assert_eq!(error.problems().len(), 2);
    for (told, name) in error.problems().iter().zip(["note.txt", "copy.txt"]) {
        let place = format!("{}: is a file", folder.path(name).display());
        assert_eq!(told.matches(&place).count(), 1, "{told}");
        let expected = "is a file, where the folder of its versions is to be: it was saved before \
                        it was versioned";
        assert!(told.contains(expected), "{told}");
    }
}

#[test]
fn catalog_file_has_versions_by_name_pattern_and_in_a_cache() {
    let folder = Folder::new();
    let yaml = "'{name}_txt': {type: text, path: '${data}/{name}.txt', versioned: true}\n\
                kept:\n  type: cached\n  dataset:\n    type: text\n    path: ${data}/note.txt\n    \
                versioned: true\n";
    let catalog = Catalog::builder()
        .yaml_file(folder.write("catalog.yml", yaml))
        .variable("data", folder.path("").display().to_string())
        .load_version("old_txt", "v1")
        .build()
        .unwrap();
    version(&folder, "v1", "a");
    version(&folder, "v2", "ab");
    assert_eq!(*catalog.load(&NOTE.named("note_txt")).unwrap(), "ab");
    assert!(catalog.describe("note_txt").unwrap().to_string().starts_with("versioned text "));
    let told = catalog.load(&NOTE.named("old_txt")).unwrap_err().to_string();
    assert!(told.ends_with("there is no version `v1` of it (there: none)"), "{told}");
    let kept = NOTE.named("kept");
    assert_eq!(*catalog.load(&kept).unwrap(), "ab");
    let read = node(|note: &str| note.len()).reads(kept).writes(LENGTH).named("read");
    let pipeline = Pipeline::new([read]).unwrap();
    with_each_runner(|runner| {
        let options = RunOptions::new().load_version("kept", "v1");
        let mut report = runner.run(&pipeline, &catalog, options).unwrap();
        assert_eq!(report.take_output(&LENGTH), Some(1), "not what the cache holds");
    });
    let wrong = folder.write("wrong.yml", "a: {type: text, path: a, versioned: yes please}\n");
    let error = Catalog::from_yaml_file(wrong).unwrap_err();
    let expected = "1: dataset `a`: `versioned` is to be `true` or `false`, found `\"yes please\"`";
    assert!(error.problems()[0].ends_with(expected), "{error}");
}

#[test]
fn version_that_a_run_asked_for_is_not_the_latest_to_the_cache() {
    let folder = Folder::new();
    version(&folder, "v1", "a");
    version(&folder, "v2", "ab");
    let read = node(|note: &str| note.len()).reads(NOTE).writes(LENGTH).named("read");
    let pipeline = Pipeline::new([read]).unwrap();
    with_each_runner(|runner| {
        let catalog = builder(&folder).cached("note").build().unwrap();
        let measured = |options| {
            let mut report = runner.run(&pipeline, &catalog, options).unwrap();
            report.take_output(&LENGTH).unwrap()
        };
        assert_eq!(measured(RunOptions::new().load_version("note", "v1")), 1);
        assert_eq!(measured(RunOptions::new()), 2);
        assert_eq!(measured(RunOptions::new().load_version("note", "v1")), 1);
        assert_eq!(*catalog.load(&NOTE).unwrap(), "ab");
    });
}

#[test]
fn cache_takes_what_was_saved_for_the_latest_only_where_it_is() {
    let folder = Folder::new();
    version(&folder, "v2", "ab");
    let catalog = builder(&folder).cached("note").build().unwrap();
    let write = node(|| "abc".to_owned()).reads(()).writes(NOTE).named("write");
    let pipeline = Pipeline::new([write]).unwrap();
    for (name, latest) in [("v1", "ab"), ("v3", "abc")] {
        let options = RunOptions::new().save_version(name);
        SequentialRunner::new().run(&pipeline, &catalog, options).unwrap();
        assert_eq!(*catalog.load(&NOTE).unwrap(), latest);
    }
    // From memory, as is that which a program saves outside of a run.
    fs::remove_dir_all(folder.path("note.txt")).unwrap();
    assert_eq!(*catalog.load(&NOTE).unwrap(), "abc");
    catalog.save(&NOTE, "abcd".to_owned()).unwrap();
    fs::remove_dir_all(folder.path("note.txt")).unwrap();
    assert_eq!(*catalog.load(&NOTE).unwrap(), "abcd");
}

/// Cannot be saved at first.
#[derive(Clone, Default)]
struct Sticky(Arc<AtomicU32>);

impl Dataset<str> for Sticky {
    fn load(&self) -> Result<String, Box<dyn Error + Send + Sync>> {
        Ok(String::new())
    }

    fn save(&self, _: &str) -> Result<(), Box<dyn Error + Send + Sync>> {
        match self.0.fetch_add(1, Ordering::Relaxed) {
            0 | 1 => Err("it sticks".into()),
            _ => Ok(()),
        }
    }

    fn exists(&self) -> Result<bool, Box<dyn Error + Send + Sync>> {
        Ok(false)
    }
}

/// Nodes of one and of several chunks that write a version before something that
/// cannot be saved.
fn tried_again() -> [Node; 2] {
    let attempt = || ATTEMPT.get().unwrap();
    let whole = move || (format!("attempt {}", attempt()), "x".to_owned());
    let chunks = move |copy: &mut Chunks<str>, sticky: &mut Chunks<str>| {
        copy.push(format!("attempt {}", attempt()))?;
        sticky.push("x".to_owned())
    };
    let nodes = [
        node(whole).reads(()).writes((COPY, STICKY)).named("save"),
        node(chunks).reads(()).yields((COPY, STICKY)).named("save"),
    ];
    nodes.map(|node| node.retry(Retry::new(3).backoff(Duration::ZERO, 1.0)))
}

#[test]
fn node_that_is_tried_again_replaces_the_version_that_it_wrote() {
    for node in tried_again() {
        let pipeline = Pipeline::new([node]).unwrap();
        with_each_runner(|runner| {
            for is_cached in [false, true] {
                let folder = Folder::new();
                let builder = builder(&folder).dataset(&STICKY, Sticky::default());
                let builder = if is_cached { builder.cached("copy") } else { builder };
                let catalog = builder.build().unwrap();
                let options = RunOptions::new().save_version("mine");
                let report = runner.run(&pipeline, &catalog, options).unwrap();
                assert_eq!(report.node("save").unwrap().attempts, 3);
                let saved = fs::read_to_string(folder.path("copy.txt/mine/copy.txt")).unwrap();
                assert_eq!(saved, "attempt 3");
                assert_eq!(*catalog.load(&COPY).unwrap(), "attempt 3");
                assert_eq!(names_in(&folder.path("copy.txt/mine")), ["copy.txt"]);
            }
        });
    }
}

#[test]
fn node_that_is_tried_again_leaves_the_version_that_another_run_wrote() {
    with_each_runner(|runner| {
        let folder = Folder::new();
        let catalog = builder(&folder).build().unwrap();
        let other = folder.path("copy.txt/mine/copy.txt");
        let path = other.clone();
        // After the look before the run.
        let write = move || {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, "of another run").unwrap();
            "of this".to_owned()
        };
        let write = node(write).reads(()).writes(COPY).named("write");
        let retry = Retry::new(3).backoff(Duration::ZERO, 1.0);
        let pipeline = Pipeline::new([write.retry(retry)]).unwrap();
        let options = RunOptions::new().save_version("mine");
        let told = told(runner.run(&pipeline, &catalog, options).unwrap_err());
        assert!(told.contains("is already there, and is not to be overwritten"), "{told}");
        assert_eq!(fs::read_to_string(other).unwrap(), "of another run");
    });
}

#[test]
fn compressed_file_is_versioned_too() {
    let folder = Folder::new();
    let file = FileDataset::text(folder.path("note.txt.gz")).versioned();
    let catalog = Catalog::builder().file("note", file).build().unwrap();
    catalog.save(&NOTE, "abc".to_owned()).unwrap();
    assert_eq!(*catalog.load(&NOTE).unwrap(), "abc");
    let version = Version::new(names_in(&folder.path("note.txt.gz")).remove(0)).unwrap();
    let saved = folder.path("note.txt.gz").join(version.as_str()).join("note.txt.gz");
    assert!(fs::read(saved).unwrap().starts_with(&[0x1f, 0x8b]));
}
