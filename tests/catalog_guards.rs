//! Validators, and datasets that are loaded once.

#![cfg(feature = "pipeline")]

#[expect(dead_code, reason = "each test file needs some of the helpers")]
#[path = "support/pipelines.rs"]
mod pipelines;

use std::error::Error;
use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use entourage::{Catalog, Data, Dataset, FileDataset, Pipeline, RunOptions, node};
use pipelines::{Folder, told, with_each_runner};

type BoxError = Box<dyn Error + Send + Sync>;

const NOTE: Data<str> = Data::text("note");
const COPY: Data<str> = Data::text("copy");
const TOP: Data<usize> = Data::parameter("top");

#[derive(Debug, PartialEq, thiserror::Error)]
#[error("`{0}` is too long")]
struct TooLong(String);

fn short(text: &str) -> Result<(), TooLong> {
    if text.len() < 4 { Ok(()) } else { Err(TooLong(text.to_owned())) }
}

fn copy() -> Pipeline {
    let copy = node(|note: &str| note.to_owned()).reads(NOTE).writes(COPY).named("copy");
    Pipeline::new([copy]).unwrap()
}

#[test]
fn value_that_is_not_valid_is_not_loaded_and_the_error_arrives_unchanged() {
    let folder = Folder::new();
    folder.write("note.txt", "abcdef");
    let catalog = Catalog::builder()
        .file("note", FileDataset::text(folder.path("note.txt")))
        .validate(&NOTE, short)
        .build()
        .unwrap();
    with_each_runner(|runner| {
        let error = runner.run(&copy(), &catalog, RunOptions::new()).unwrap_err();
        let failure = error.failures().next().unwrap();
        assert!(failure.is_load());
        let own = failure.source().unwrap().source().unwrap();
        assert_eq!(own.downcast_ref(), Some(&TooLong("abcdef".into())));
        let place = folder.path("note.txt").display().to_string();
        let expected = format!(
            "node `copy` failed: loading dataset `note` ({place}): it is not valid: `abcdef` is too \
             long"
        );
        assert_eq!(told(error), expected);
    });
}

#[test]
fn value_that_is_not_valid_is_not_saved_and_what_was_there_stays() {
    let folder = Folder::new();
    folder.write("copy.txt", "old");
    let catalog = Catalog::builder()
        .value(&NOTE, "abcdef".to_owned())
        .file("copy", FileDataset::text(folder.path("copy.txt")))
        .validate(&COPY, short)
        .build()
        .unwrap();
    with_each_runner(|runner| {
        let error = runner.run(&copy(), &catalog, RunOptions::new()).unwrap_err();
        assert!(error.failures().next().unwrap().is_save());
        assert_eq!(fs::read_to_string(folder.path("copy.txt")).unwrap(), "old");
        assert_eq!(folder.names(), ["copy.txt"]);
    });
}

#[test]
fn panic_of_a_validator_is_an_error_that_names_the_dataset() {
    let catalog = Catalog::builder()
        .memory("note")
        .validate(&NOTE, |_| -> Result<(), BoxError> { panic!("not today") })
        .build()
        .unwrap();
    let error = catalog.save(&NOTE, "a".to_owned()).unwrap_err();
    assert_eq!(error.to_string(), "saving dataset `note`: its validator panicked: not today");
}

#[test]
fn every_validator_of_a_name_is_asked_and_names_of_patterns_have_theirs() {
    let folder = Folder::new();
    folder.write("note.txt", "abc");
    let yaml = "'{name}': {type: text, path: '${data}/{name}.txt'}\n";
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    let catalog = Catalog::builder()
        .yaml_file(folder.write("catalog.yml", yaml))
        .variable("data", folder.path("").display().to_string())
        .validate(&NOTE, short)
        .validate(&NOTE, move |_| {
            count.fetch_add(1, Ordering::Relaxed);
            Err("the second one".to_owned())
        })
        .build()
        .unwrap();
    let told = catalog.load(&NOTE).unwrap_err().to_string();
    assert!(told.ends_with("it is not valid: the second one"), "{told}");
    assert_eq!(asked.load(Ordering::Relaxed), 1);
    assert!(catalog.load(&NOTE.named("other")).unwrap_err().to_string().contains("no such file"));
}

#[test]
fn parameter_is_validated_before_the_run() {
    let catalog = Catalog::builder()
        .parameter(&TOP, 0)
        .validate(&TOP, |top| if *top > 0 { Ok(()) } else { Err("`top` is at least 1") })
        .build()
        .unwrap();
    let read = node(|top: &usize| *top).reads(TOP).writes(Data::<usize>::memory("n")).named("n");
    let pipeline = Pipeline::new([read]).unwrap();
    with_each_runner(|runner| {
        let error = runner.run(&pipeline, &catalog, RunOptions::new()).unwrap_err();
        assert_eq!(error.problems(), ["parameter `top`: it is not valid: `top` is at least 1"]);
    });
}

#[test]
fn value_of_another_type_than_is_validated_is_told() {
    let catalog = Catalog::builder()
        .memory("note")
        .validate(&Data::<u8>::memory("note"), |_| Ok::<_, BoxError>(()))
        .build()
        .unwrap();
    let told = catalog.save(&NOTE, "a".to_owned()).unwrap_err().to_string();
    assert_eq!(told, "saving dataset `note`: it is validated as a `u8`, and is none");
}

#[test]
fn validated_or_cached_name_that_is_not_in_the_catalog_is_told() {
    let error = Catalog::builder().validate(&NOTE, short).cached("copy").build().unwrap_err();
    let expected = [
        "`copy` is to be cached, but it is not in the catalog",
        "`note` is to be validated, but it is not in the catalog",
    ];
    assert_eq!(error.problems(), expected);
}

/// Counts how often it is read and written.
#[derive(Clone, Default)]
struct Counted {
    loads: Arc<AtomicUsize>,
    saves: Arc<AtomicUsize>,
}

impl Dataset<str> for Counted {
    fn load(&self) -> Result<String, BoxError> {
        self.loads.fetch_add(1, Ordering::Relaxed);
        Ok("loaded".to_owned())
    }

    fn save(&self, value: &str) -> Result<(), BoxError> {
        if value == "bad" {
            return Err("refused".into());
        }
        self.saves.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    fn exists(&self) -> Result<bool, BoxError> {
        Ok(false)
    }
}

#[test]
fn cached_dataset_is_loaded_once_until_it_is_released() {
    let counted = Counted::default();
    let catalog =
        Catalog::builder().dataset(&NOTE, counted.clone()).cached("note").build().unwrap();
    assert!(!catalog.exists("note").unwrap());
    let first = catalog.load(&NOTE).unwrap();
    assert!(Arc::ptr_eq(&first, &catalog.load(&NOTE).unwrap()));
    assert!(catalog.exists("note").unwrap());
    assert_eq!(counted.loads.load(Ordering::Relaxed), 1);
    catalog.release("note").unwrap();
    assert_eq!(Arc::strong_count(&first), 1, "nothing is kept");
    assert!(!catalog.exists("note").unwrap());
    catalog.load(&NOTE).unwrap();
    assert_eq!(counted.loads.load(Ordering::Relaxed), 2);
}

#[test]
fn cached_dataset_saves_both_or_neither() {
    let counted = Counted::default();
    let catalog =
        Catalog::builder().dataset(&NOTE, counted.clone()).cached("note").build().unwrap();
    catalog.save(&NOTE, "saved".to_owned()).unwrap();
    assert_eq!(counted.saves.load(Ordering::Relaxed), 1);
    catalog.save(&NOTE, "bad".to_owned()).unwrap_err();
    assert_eq!(*catalog.load(&NOTE).unwrap(), "saved");
    assert_eq!(counted.loads.load(Ordering::Relaxed), 0);
}

/// Is changed by somebody else while it is at it, once.
#[derive(Clone, Default)]
struct Crossed {
    content: Arc<Mutex<String>>,
    catalog: Arc<OnceLock<Catalog>>,
    during_load: Arc<Mutex<Option<&'static str>>>,
    during_save: Arc<Mutex<Option<&'static str>>>,
}

impl Crossed {
    fn catalog(&self) -> &Catalog {
        let cached = || Catalog::builder().dataset(&NOTE, self.clone()).cached("note").build();
        self.catalog.get_or_init(|| cached().unwrap())
    }

    fn cross(&self, with: &Mutex<Option<&'static str>>) {
        let what = with.lock().unwrap().take();
        match what {
            Some("release") => self.catalog().release("note").unwrap(),
            Some(content) => self.catalog().save(&NOTE, content.to_owned()).unwrap(),
            None => {}
        }
    }
}

impl Dataset<str> for Crossed {
    fn load(&self) -> Result<String, BoxError> {
        let content = self.content.lock().unwrap().clone();
        self.cross(&self.during_load);
        Ok(content)
    }

    fn save(&self, value: &str) -> Result<(), BoxError> {
        value.clone_into(&mut self.content.lock().unwrap());
        self.cross(&self.during_save);
        Ok(())
    }

    fn exists(&self) -> Result<bool, BoxError> {
        Ok(true)
    }
}

#[test]
fn cache_does_not_keep_what_was_loaded_before_another_save() {
    let crossed = Crossed { content: Arc::new(Mutex::new("old".into())), ..Crossed::default() };
    *crossed.during_load.lock().unwrap() = Some("new");
    assert_eq!(*crossed.catalog().load(&NOTE).unwrap(), "old");
    assert_eq!(*crossed.catalog().load(&NOTE).unwrap(), "new");

    *crossed.content.lock().unwrap() = "newer".to_owned();
    crossed.catalog().release("note").unwrap();
    *crossed.during_load.lock().unwrap() = Some("release");
    let loaded = crossed.catalog().load(&NOTE).unwrap();
    assert_eq!(*loaded, "newer");
    assert_eq!(Arc::strong_count(&loaded), 1, "it was released while it was loaded");
}

#[test]
fn cache_of_two_saves_at_once_holds_what_the_storage_has() {
    let crossed = Crossed::default();
    *crossed.during_save.lock().unwrap() = Some("inner");
    crossed.catalog().save(&NOTE, "outer".to_owned()).unwrap();
    assert_eq!(*crossed.catalog().load(&NOTE).unwrap(), "inner");
}

#[test]
fn cached_file_is_written_and_not_read_again_in_the_run() {
    let folder = Folder::new();
    let yaml = "copy: {type: cached, dataset: {type: text, path: '${data}/copy.txt'}}\n";
    let catalog = Catalog::builder()
        .yaml_file(folder.write("catalog.yml", yaml))
        .variable("data", folder.path("").display().to_string())
        .value(&NOTE, "abc".to_owned())
        .build()
        .unwrap();
    let path = folder.path("copy.txt");
    let gone = path.clone();
    let count = node(move |copy: &str| copy.len())
        .reads(COPY)
        .writes(Data::<usize>::memory("n"))
        .named("count");
    let write = node(|note: &str| note.to_owned()).reads(NOTE).writes(COPY).named("write");
    let spoil = node(move |_: &str| fs::remove_file(&gone).is_ok())
        .reads(COPY)
        .writes(Data::<bool>::memory("spoilt"))
        .named("a_spoil");
    let pipeline = Pipeline::new([write, count, spoil]).unwrap();
    with_each_runner(|runner| {
        let mut report = runner.run(&pipeline, &catalog, RunOptions::new()).unwrap();
        assert_eq!(report.take_output(&Data::<bool>::memory("spoilt")), Some(true));
        assert_eq!(report.take_output(&Data::<usize>::memory("n")), Some(3));
        catalog.release("copy").unwrap();
        assert!(!path.exists());
    });
}
