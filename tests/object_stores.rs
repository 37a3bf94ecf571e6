//! Files in object stores: every format, atomic saves, from sync code wherever it
//! runs, in the context of the node.

#![cfg(feature = "object-store")]

#[expect(dead_code, reason = "each test file needs some of the helpers")]
#[path = "support/pipelines.rs"]
mod pipelines;

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use entourage::{Catalog, Data, FileDataset, Pipeline, RunOptions, node};
use futures_core::stream::BoxStream;
use object_store::local::LocalFileSystem;
use object_store::memory::InMemory;
use object_store::path::Path as Key;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    ObjectStoreExt, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result as Stored,
    UploadPart,
};
use parking_lot::Mutex;
use pipelines::{Folder, names_in, told, with_each_runner};
use serde::{Deserialize, Serialize, Serializer};
use tokio::runtime::Builder;

entourage::context_key! { static TENANT: &'static str = propagate; }

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Row {
    id: u32,
    note: String,
}

const ROWS: Data<[Row]> = Data::records("rows");
const COUNT: Data<usize> = Data::value("count");
const NOTE: Data<str> = Data::text("note");
const IMAGE: Data<[u8]> = Data::bytes("image");

fn rows() -> Vec<Row> {
    (0..50).map(|id| Row { id, note: format!("\"{id}\", é") }).collect()
}

/// The stores that are tested, and where they keep what is in them.
fn with_each_store(mut test: impl FnMut(&str, Arc<dyn ObjectStore>)) {
    test("in memory", Arc::new(InMemory::new()));
    let folder = Folder::new();
    let root = folder.path("");
    test("local", Arc::new(LocalFileSystem::new_with_prefix(&root).unwrap()));
    // Nothing half made is left.
    fn assert_no_parts(folder: &std::path::Path) {
        for name in names_in(folder) {
            assert!(!name.contains('#'), "{name}");
            let path = folder.join(name);
            if path.is_dir() {
                assert_no_parts(&path);
            }
        }
    }
    assert_no_parts(&root);
}

fn catalog(store: &Arc<dyn ObjectStore>, files: &[(&str, FileDataset)]) -> Catalog {
    let mut builder = Catalog::builder().object_store("lake", store.clone());
    for (name, file) in files {
        builder = builder.file(*name, file.clone());
    }
    builder.build().unwrap()
}

#[test]
fn every_format_lives_in_a_store_plain_and_compressed() {
    with_each_store(|kind, store| {
        for ending in ["", ".gz"] {
            let path = |name: &str| format!("lake://a/{name}{ending}");
            let files = [
                FileDataset::csv(path("rows.csv")),
                FileDataset::json(path("rows.json")),
                FileDataset::json_lines(path("rows.jsonl")),
                FileDataset::message_pack(path("rows.msgpack")),
            ];
            for file in files {
                let catalog = catalog(&store, &[("rows", file.clone())]);
                assert!(!catalog.exists("rows").unwrap());
                for rows in [rows(), Vec::new()] {
                    catalog.save(&ROWS, rows.clone()).unwrap();
                    assert_eq!(*catalog.load(&ROWS).unwrap(), rows, "{kind} {file:?}");
                }
                assert!(catalog.exists("rows").unwrap());
            }
            let note = FileDataset::text(path("note.txt"));
            let image = FileDataset::bytes(path("image.png"));
            let catalog = catalog(&store, &[("note", note), ("image", image)]);
            catalog.save(&NOTE, "Grüße".to_owned()).unwrap();
            catalog.save(&IMAGE, vec![0, 255]).unwrap();
            assert_eq!(*catalog.load(&NOTE).unwrap(), "Grüße");
            assert_eq!(*catalog.load(&IMAGE).unwrap(), [0, 255]);
        }
    });
}

#[test]
fn pipeline_reads_and_writes_stores_with_each_runner() {
    with_each_store(|_, store| {
        let rows_file = FileDataset::csv("lake://in/rows.csv.gz");
        let count_file = FileDataset::json("lake://out/count.json");
        let catalog = catalog(&store, &[("rows", rows_file), ("count", count_file)]);
        catalog.save(&ROWS, rows()).unwrap();
        with_each_runner(|runner| {
            let count = node(<[Row]>::len).reads(ROWS).writes(COUNT).named("count");
            let pipeline = Pipeline::new([count]).unwrap();
            runner.run(&pipeline, &catalog, RunOptions::new()).unwrap();
            assert_eq!(*catalog.load(&COUNT).unwrap(), 50);
            catalog.save(&COUNT, 0).unwrap();
        });
    });
}

#[test]
fn many_nodes_wait_for_a_store_at_once_on_one_worker_and_on_four() {
    with_each_store(|_, store| {
        let mut builder = Catalog::builder().object_store("lake", store.clone());
        let data = |kind: &str, n: usize| NOTE.named(format!("{kind}_{n}"));
        for n in 0..40 {
            for kind in ["in", "out"] {
                let file = FileDataset::text(format!("lake://{kind}/{n}.txt.gz"));
                builder = builder.file(format!("{kind}_{n}"), file);
            }
        }
        let catalog = builder.build().unwrap();
        for n in 0..40 {
            catalog.save(&data("in", n), n.to_string()).unwrap();
        }
        with_each_runner(|runner| {
            let copy = |n| {
                let copy = node(|text: &str| format!("{text}!"));
                copy.reads(data("in", n)).writes(data("out", n)).named(format!("copy_{n}"))
            };
            let pipeline = Pipeline::new((0..40).map(copy)).unwrap();
            runner.run(&pipeline, &catalog, RunOptions::new()).unwrap();
            for n in 0..40 {
                assert_eq!(*catalog.load(&data("out", n)).unwrap(), format!("{n}!"));
            }
        });
    });
}

#[test]
fn store_is_reached_from_inside_every_kind_of_runtime() {
    with_each_store(|_, store| {
        let catalog = catalog(&store, &[("note", FileDataset::text("lake://note.txt"))]);
        let use_it = {
            let catalog = catalog.clone();
            move || {
                catalog.save(&NOTE, "fair".to_owned()).unwrap();
                assert_eq!(*catalog.load(&NOTE).unwrap(), "fair");
                assert!(catalog.exists("note").unwrap());
            }
        };
        use_it();
        let current = Builder::new_current_thread().build().unwrap();
        current.block_on(async { use_it() });
        current.block_on(current.spawn_blocking(use_it.clone())).unwrap();
        let several = Builder::new_multi_thread().worker_threads(1).build().unwrap();
        several.block_on(async { use_it() });
        let spawned = use_it.clone();
        several.block_on(several.spawn(async move { spawned() })).unwrap();
        {
            // A handle is current, and its runtime is gone.
            let handle = Builder::new_current_thread().build().unwrap().handle().clone();
            let _entered = handle.enter();
            use_it();
        }
    });
}

/// A store that tells of its calls, and goes wrong as it is told to.
#[derive(Debug)]
struct Watched {
    store: InMemory,
    seen: Mutex<Vec<String>>,
    wrong: Mutex<Option<Wrong>>,
    aborts: Arc<AtomicUsize>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Wrong {
    Fails,
    Panics,
    PartFails,
}

impl Watched {
    fn new() -> Arc<Self> {
        let (store, seen, wrong) = (InMemory::new(), Mutex::default(), Mutex::default());
        Arc::new(Self { store, seen, wrong, aborts: Arc::default() })
    }

    fn note(&self, call: &str) -> Stored<()> {
        let node = entourage::NODE.get().map(|node| node.to_string());
        let (tenant, node) = (TENANT.get().unwrap_or("none"), node.unwrap_or_default());
        self.seen.lock().push(format!("{call} {tenant} {node}").trim_end().to_owned());
        match *self.wrong.lock() {
            Some(Wrong::Fails) => Err(object_store::Error::Generic {
                store: "watched",
                source: "the lake is dry".into(),
            }),
            Some(Wrong::Panics) => panic!("the lake is on fire"),
            Some(Wrong::PartFails) | None => Ok(()),
        }
    }

    fn seen(&self) -> Vec<String> {
        std::mem::take(&mut *self.seen.lock())
    }
}

impl fmt::Display for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("watched")
    }
}

#[async_trait::async_trait]
impl ObjectStore for Watched {
    async fn put_opts(
        &self,
        key: &Key,
        payload: PutPayload,
        options: PutOptions,
    ) -> Stored<PutResult> {
        self.note("put")?;
        self.store.put_opts(key, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        key: &Key,
        options: PutMultipartOptions,
    ) -> Stored<Box<dyn MultipartUpload>> {
        self.note("upload")?;
        let fails = *self.wrong.lock() == Some(Wrong::PartFails);
        let upload = self.store.put_multipart_opts(key, options).await?;
        Ok(Box::new(WatchedUpload { upload, fails, aborts: self.aborts.clone() }))
    }

    async fn get_opts(&self, key: &Key, options: GetOptions) -> Stored<GetResult> {
        self.note(if options.head { "head" } else { "get" })?;
        self.store.get_opts(key, options).await
    }

    fn delete_stream(
        &self,
        keys: BoxStream<'static, Stored<Key>>,
    ) -> BoxStream<'static, Stored<Key>> {
        self.store.delete_stream(keys)
    }

    fn list(&self, prefix: Option<&Key>) -> BoxStream<'static, Stored<ObjectMeta>> {
        self.store.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Key>) -> Stored<ListResult> {
        self.store.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Key, to: &Key, options: CopyOptions) -> Stored<()> {
        self.store.copy_opts(from, to, options).await
    }
}

#[derive(Debug)]
struct WatchedUpload {
    upload: Box<dyn MultipartUpload>,
    fails: bool,
    aborts: Arc<AtomicUsize>,
}

#[async_trait::async_trait]
impl MultipartUpload for WatchedUpload {
    fn put_part(&mut self, part: PutPayload) -> UploadPart {
        match self.fails {
            true => Box::pin(async {
                let source = "the river is dry".into();
                Err(object_store::Error::Generic { store: "watched", source })
            }),
            false => self.upload.put_part(part),
        }
    }

    async fn complete(&mut self) -> Stored<PutResult> {
        self.upload.complete().await
    }

    async fn abort(&mut self) -> Stored<()> {
        self.aborts.fetch_add(1, Ordering::Relaxed);
        self.upload.abort().await
    }
}

#[test]
fn store_is_asked_in_the_context_of_the_node() {
    let store = Watched::new();
    let file = |name: &str| FileDataset::text(format!("lake://{name}"));
    let catalog = Catalog::builder()
        .object_store("lake", store.clone())
        .file("note", file("note.txt"))
        .file("copy", file("copy.txt"))
        .build()
        .unwrap();
    catalog.save(&NOTE, "fair".to_owned()).unwrap();
    assert_eq!(store.seen(), ["put none"]);
    with_each_runner(|runner| {
        let copy = node(|text: &str| text.to_owned());
        let pipeline = Pipeline::new([copy.reads(NOTE).writes(NOTE.named("copy")).named("copy")]);
        let pipeline = pipeline.unwrap();
        TENANT.scope("acme", || runner.run(&pipeline, &catalog, RunOptions::new())).unwrap();
        let seen = store.seen();
        let in_node: Vec<_> = seen.iter().filter(|call| call.ends_with(" copy")).collect();
        assert_eq!(in_node, ["get acme copy", "put acme copy"], "{seen:?}");
        // What was asked before the run was asked by the caller.
        assert!(seen.iter().all(|call| call.contains(" acme")), "{seen:?}");
    });
}

#[test]
fn store_that_fails_or_panics_is_the_failure_of_the_node() {
    let store = Watched::new();
    let catalog = Catalog::builder()
        .object_store("lake", store.clone())
        .file("note", FileDataset::text("lake://note.txt"))
        .build()
        .unwrap();
    with_each_runner(|runner| {
        for (wrong, what) in [
            (Wrong::Fails, "Generic watched error: the lake is dry"),
            (Wrong::Panics, "the object store panicked: the lake is on fire"),
        ] {
            *store.wrong.lock() = Some(wrong);
            let write = node(|| "x".to_owned()).reads(()).writes(NOTE).named("write");
            let pipeline = Pipeline::new([write]).unwrap();
            let error = runner.run(&pipeline, &catalog, RunOptions::new()).unwrap_err();
            let expected =
                format!("node `write` failed: saving dataset `note` (lake://note.txt): {what}");
            assert_eq!(told(error), expected);
            let read = node(|text: &str| text.len()).reads(NOTE).writes(COUNT).named("read");
            let pipeline = Pipeline::new([read]).unwrap();
            let error = told(runner.run(&pipeline, &catalog, RunOptions::new()).unwrap_err());
            assert!(error.starts_with("refused: ") && error.ends_with(what), "{error}");
            *store.wrong.lock() = None;
            // The runtime of the stores is whole.
            assert!(!catalog.exists("note").unwrap());
        }
    });
}

/// A record that cannot be written where its number is odd.
#[derive(Clone, Debug, PartialEq, Deserialize)]
struct Even {
    n: u64,
    padding: String,
}

impl Serialize for Even {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::{Error, SerializeStruct};
        if self.n % 2 == 1 {
            return Err(S::Error::custom("it is odd"));
        }
        assert!(self.n != 666, "beastly");
        let mut row = serializer.serialize_struct("Even", 2)?;
        row.serialize_field("n", &self.n)?;
        row.serialize_field("padding", &self.padding)?;
        row.end()
    }
}

const EVENS: Data<[Even]> = Data::records("evens");

/// More than is uploaded at a time, and the number `last`.
fn evens(last: u64) -> Vec<Even> {
    let padding = "x".repeat(1 << 20);
    let even = |n| Even { n, padding: padding.clone() };
    (0..18).map(|n| even(2 * n)).chain([even(last)]).collect()
}

#[test]
fn save_that_fails_half_way_leaves_the_old_object_and_no_upload() {
    let store = Watched::new();
    let file = FileDataset::json_lines("lake://evens.jsonl");
    let builder = Catalog::builder().object_store("lake", store.clone());
    let catalog = builder.file("evens", file).build().unwrap();
    let aborts = || store.aborts.swap(0, Ordering::Relaxed);

    let told = catalog.save(&EVENS, evens(1)).unwrap_err().to_string();
    assert!(told.ends_with("(lake://evens.jsonl): row 19: it is odd"), "{told}");
    assert!(!catalog.exists("evens").unwrap());
    assert_eq!(aborts(), 1);

    catalog.save(&EVENS, evens(2)).unwrap();
    assert_eq!((aborts(), &*catalog.load(&EVENS).unwrap()), (0, &evens(2)));

    let small = vec![Even { n: 4, padding: String::new() }];
    catalog.save(&EVENS, small.clone()).unwrap();
    catalog.save(&EVENS, evens(1)).unwrap_err();
    let panicked = catch_unwind(AssertUnwindSafe(|| catalog.save(&EVENS, evens(666)).is_ok()));
    assert!(panicked.is_err());
    *store.wrong.lock() = Some(Wrong::PartFails);
    let told = catalog.save(&EVENS, evens(2)).unwrap_err().to_string();
    assert!(told.contains("the river is dry"), "{told}");
    *store.wrong.lock() = None;
    assert_eq!(aborts(), 3);
    assert_eq!(*catalog.load(&EVENS).unwrap(), small);
}

#[test]
fn absent_truncated_and_foreign_objects_are_told_with_dataset_and_path() {
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let read = |name: &str| {
        let file = FileDataset::csv(format!("lake://in/{name}"));
        let catalog = catalog(&store, &[("rows", file)]);
        let told = catalog.load(&ROWS).unwrap_err().to_string();
        let start = format!("loading dataset `rows` (lake://in/{name}): ");
        told.strip_prefix(&start).unwrap_or_else(|| panic!("{told}")).to_owned()
    };
    let put = |name: &str, content: &[u8]| {
        let (store, key) = (store.clone(), Key::from(format!("in/{name}")));
        let payload = PutPayload::from(content.to_vec());
        let runtime = Builder::new_current_thread().build().unwrap();
        runtime.block_on(async move { store.put(&key, payload).await }).unwrap();
    };
    assert_eq!(read("rows.csv"), "there is no such file");
    put("rows.csv", b"id,note\n1,a\nx,b\n");
    assert_eq!(
        read("rows.csv"),
        "row 2 (line 3), column `id`: expected a whole number of 32 bits, not negative, found `x`"
    );
    put("rows.csv.gz", b"id,note\n1,not compressed\n");
    assert!(read("rows.csv.gz").starts_with("the gzip data is damaged: "));
    put("rows.csv.gz", b"\x1f\x8b");
    assert_eq!(read("rows.csv.gz"), "the gzip data ends too early: the file is cut off");
    put("empty.csv", b"");
    assert_eq!(read("empty.csv"), "the file is empty; a header row was expected");
}

#[test]
fn every_catalog_has_a_store_in_memory_and_reads_file_urls() {
    let folder = Folder::new();
    let local = folder.path("note.txt");
    let url = url::Url::from_file_path(&local).unwrap();
    let build = || {
        let builder = Catalog::builder().file("note", FileDataset::text("memory://a/note.txt"));
        builder.file("local", FileDataset::text(url.as_str())).build().unwrap()
    };
    let (one, two) = (build(), build());
    one.save(&NOTE, "mine".to_owned()).unwrap();
    assert_eq!(*one.clone().load(&NOTE).unwrap(), "mine");
    assert!(!two.exists("note").unwrap(), "each catalog has its own");
    one.save(&NOTE.named("local"), "shared".to_owned()).unwrap();
    assert_eq!(std::fs::read_to_string(&local).unwrap(), "shared");
    assert_eq!(*two.load(&NOTE.named("local")).unwrap(), "shared");
    assert_eq!(two.path("local"), Some(&*local));
}

#[test]
fn versions_are_kept_in_a_store_and_none_is_written_over() {
    with_each_store(|_, store| {
        let file = FileDataset::text("lake://notes/note.txt.gz").versioned();
        let catalog = catalog(&store, &[("note", file)]);
        assert!(!catalog.exists("note").unwrap());
        for text in ["first", "second"] {
            catalog.save(&NOTE, text.to_owned()).unwrap();
            assert_eq!(*catalog.load(&NOTE).unwrap(), text);
        }
        assert!(catalog.exists("note").unwrap());
        let write = node(|| "third".to_owned()).reads(()).writes(NOTE).named("write");
        let pipeline = Pipeline::new([write]).unwrap();
        let version = "2013-01-01T00.00.00.000Z";
        let run = || {
            let options = RunOptions::new().save_version(version);
            entourage::SequentialRunner::new().run(&pipeline, &catalog, options)
        };
        run().unwrap();
        let error = run().map(drop).unwrap_err();
        assert!(told(error).contains("version `2013-01-01T00.00.00.000Z` of it is there already"));
        assert_eq!(*catalog.load(&NOTE).unwrap(), "second", "the latest is so by its name");
    });
}

#[test]
fn one_object_under_two_names_is_found_out() {
    let catalog = Catalog::builder()
        .file("note", FileDataset::text("memory://a/note.txt"))
        .file("same", FileDataset::text("memory:///a/note.txt"))
        .build()
        .unwrap();
    let write =
        |name: &'static str| node(String::new).reads(()).writes(NOTE.named(name)).named(name);
    let pipeline = Pipeline::new([write("note"), write("same")]).unwrap();
    let error = pipelines::told(
        entourage::SequentialRunner::new().run(&pipeline, &catalog, RunOptions::new()).unwrap_err(),
    );
    assert!(error.contains("`note` and `same` are one file, memory://a/note.txt"), "{error}");
}

#[test]
fn what_is_wrong_with_paths_is_said_at_once() {
    let error = Catalog::builder()
        .object_store("lake", Arc::new(InMemory::new()))
        .object_store("lake", Arc::new(InMemory::new()))
        .object_store("s3", Arc::new(InMemory::new()))
        .object_store("1", Arc::new(InMemory::new()))
        .file("unknown", FileDataset::text("lakes://note.txt"))
        .file("keyless", FileDataset::text("lake://"))
        .file("folder", FileDataset::text("lake://a/"))
        .file("upward", FileDataset::text("lake://a/../b"))
        .file("bucketless", FileDataset::text("s3:///b"))
        .file("password", FileDataset::text("s3://me:hunter2@bucket/b"))
        .file("optional", FileDataset::text("memory://b").storage_options([("token", "hunter2")]))
        .file("local", FileDataset::text("b").storage_options([("token", "hunter2")]))
        .build()
        .unwrap_err();
    let told = error.to_string();
    for what in [
        "object store `lake` is given twice",
        "object store `s3`: the name has a meaning of its own",
        "object store `1`: its name stands before `://` of a path",
        "dataset `unknown`: no object store is called `lakes` (known: `lake`, `memory`, `file`",
        "did you mean `lake`?",
        "dataset `keyless`: the path names no file in its object store",
        "dataset `folder`: the path names no file in its object store",
        "dataset `upward`: the path is none of an object store",
        "dataset `bucketless`: `s3:///b` names no bucket",
        "dataset `password`: the path has a password in it",
        "dataset `optional`: the object store `memory` takes no storage options, nor credentials, found `token`",
        "dataset `local`: a path of the local file system takes no storage options, nor credentials",
    ] {
        assert!(told.contains(what), "{what}\n{told}");
    }
    assert_eq!(error.problems().len(), 11, "{told}");
    assert!(!told.contains("hunter2"), "{told}");
}

#[test]
fn catalog_file_leads_to_stores_by_patterns_and_with_options() {
    let folder = Folder::new();
    let build = |yaml: &str| {
        let credentials = std::collections::BTreeMap::from([("token", "hunter2")]);
        let builder = Catalog::builder().object_store("lake", Arc::new(InMemory::new()));
        let builder = builder.credentials("web", credentials);
        builder.yaml_file(folder.write("catalog.yml", yaml)).build()
    };
    let catalog =
        build("'{name}_rows':\n  type: csv\n  path: lake://rows/{name}.csv.gz\n").unwrap();
    let data = ROWS.named("new_rows");
    let pipeline = Pipeline::new([node(rows).reads(()).writes(data.clone()).named("write")]);
    with_each_runner(|runner| {
        runner.run(pipeline.as_ref().unwrap(), &catalog, RunOptions::new()).unwrap();
        assert_eq!(*catalog.load(&data).unwrap(), rows());
    });

    let error = build(
        "one: {type: json, path: 'lake://a', credentials: web}\n\
         two: {type: json, path: 'lake://a', storage_options: {size: 3}}\n\
         three: {type: json, path: 'lake://a', storage_options: {credentials: web}}\n\
         four: {type: json, path: 'lake://a', storage_options: web}\n\
         five: {type: json, path: 'lake://a', storage_options: {list: []}}\n",
    );
    let told = error.unwrap_err().to_string();
    for (line, what) in [
        "dataset `one`: the object store `lake` takes no storage options, nor credentials, found `token`",
        "dataset `two`: the object store `lake` takes no storage options, nor credentials, found `size`",
        "dataset `three`: the object store `lake` takes no storage options, nor credentials, found `token`",
        "dataset `four`: `storage_options` is to be a map",
        "dataset `five`: `list` is to be text, a number or a truth",
    ]
    .iter()
    .enumerate()
    {
        assert!(told.contains(&format!("catalog.yml:{}: {what}", line + 1)), "{what}\n{told}");
    }
    assert!(!told.contains("hunter2"), "{told}");
}

#[cfg(not(feature = "aws"))]
#[test]
fn cloud_that_is_not_built_in_is_told_by_its_feature() {
    let file = FileDataset::text("s3://bucket/note.txt");
    let told = Catalog::builder().file("note", file).build().unwrap_err().to_string();
    assert!(
        told.contains("leads to `s3://bucket/`, and the crate is built without its feature `aws`"),
        "{told}"
    );
}

/// As it is printed.
#[cfg(feature = "aws")]
#[test]
fn catalog_of_the_readme_is_one() {
    let folder = Folder::new();
    let readme = include_str!("../README.md");
    let yaml = readme.split("```yaml\n").nth(1).unwrap().split("```").next().unwrap();
    let keys = [("aws_access_key_id", "AKIA"), ("aws_secret_access_key", "hunter2")];
    let catalog = Catalog::builder()
        .yaml_file(folder.write("catalog.yml", yaml))
        .credentials("lake", std::collections::BTreeMap::from(keys))
        .build()
        .unwrap();
    assert_eq!(catalog.patterns().count(), 2);
    assert_eq!(catalog.describe("raw.rows_csv").unwrap().place(), Some("data/raw/rows.csv"));
    let lake = catalog.describe("prices_lake").unwrap();
    assert_eq!(lake.place(), Some("s3://lake/prices.jsonl"));
}
