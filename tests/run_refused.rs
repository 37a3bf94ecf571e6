//! What can be known before a run is said before it, all of it at once, and a
//! run that is refused leaves no trace.

#![cfg(feature = "pipeline")]

#[expect(dead_code, reason = "each test file needs some of the helpers")]
#[path = "support/pipelines.rs"]
mod pipelines;

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use entourage::{
    Catalog, CatalogBuilder, Data, Dataset, FileDataset, Key, KeyPolicy, Node, Pipeline,
    Propagation, RunOptions, Selection, SequentialRunner, context_key, node,
};
use pipelines::{Folder, with_each_runner};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Flight {
    carrier: String,
    delay: Option<f64>,
}

const FLIGHTS: Data<[Flight]> = Data::records("flights");
const COUNT: Data<usize> = Data::value("count");
const TOP: Data<usize> = Data::parameter("routes.top");
const NOTE: Data<str> = Data::text("note");

fn count(flights: &[Flight]) -> usize {
    flights.len()
}

fn copy(text: &str) -> String {
    text.to_owned()
}

fn read(data: Data<str>, name: &str) -> Node {
    node(|_: &str| ()).reads(data).writes(()).named(name)
}

fn write(data: Data<str>, name: &str) -> Node {
    node(|| "text".to_owned()).reads(()).writes(data).named(name)
}

fn text(name: &str) -> Data<str> {
    Data::text("text").named(name)
}

/// The problems that every runner refuses the run for, twice the same, without
/// running a node.
#[track_caller]
fn problems(
    nodes: impl IntoIterator<Item = Node>,
    catalog: CatalogBuilder,
    options: &RunOptions,
) -> Vec<String> {
    let (ran, catalog) = (Arc::new(AtomicBool::new(false)), catalog.build().unwrap());
    let runs = ran.clone();
    let witness = node(move || runs.store(true, Ordering::Relaxed)).reads(());
    let witness = witness.writes(Data::<()>::memory("witness")).named("a_witness");
    let pipeline = Pipeline::new(nodes.into_iter().chain([witness])).unwrap();
    let mut first: Option<Vec<String>> = None;
    with_each_runner(|runner| {
        for _ in 0..2 {
            let error = runner.run(&pipeline, &catalog, options.clone()).unwrap_err();
            assert!(error.is_refused() && error.report().is_none());
            assert_eq!(error.failures().count(), 0);
            let first = first.get_or_insert_with(|| error.problems().to_vec());
            assert_eq!(error.problems(), first);
        }
    });
    assert!(!ran.load(Ordering::Relaxed));
    let first = first.unwrap();
    let checked = options.check(&pipeline, &catalog).unwrap_err();
    assert!(checked.is_refused() && checked.problems() == first);
    first
}

#[track_caller]
fn refused(nodes: impl IntoIterator<Item = Node>, catalog: CatalogBuilder) -> Vec<String> {
    problems(nodes, catalog, &RunOptions::new())
}

#[test]
fn inputs_and_parameters_that_are_missing_are_told_with_who_wants_them() {
    let limit = |flights: &[Flight], top: &usize| flights.len().min(*top);
    let nodes = [
        node(limit).reads((FLIGHTS, TOP)).writes(COUNT).named("limit"),
        node(count).reads(FLIGHTS).writes(Data::<usize>::memory("n")),
        node(copy).reads(NOTE).writes(text("copied")),
    ];
    let catalog = Catalog::builder()
        .parameter(&Data::<usize>::parameter("routes.tap"), 3)
        .memory("flight")
        .memory("note");
    let found = refused(nodes, catalog);
    let expected = [
        "dataset `note`: it is in memory, nothing has been saved there, and no node writes it; \
         it is wanted by `copy`",
        "dataset `flights` is not in the catalog, and no node writes it; it is wanted by `count`, \
         `limit`; did you mean `flight`?",
        "parameter `routes.top` has no value; it is wanted by `limit`; did you mean `routes.tap`?",
    ];
    for expected in expected {
        assert!(found.iter().any(|problem| problem == expected), "{expected} in {found:?}");
    }
    assert_eq!(found.len(), expected.len());
}

/// Storage in which nothing is.
struct Empty;

impl Dataset<str> for Empty {
    fn load(&self) -> Result<String, Box<dyn Error + Send + Sync>> {
        Err("nothing to load".into())
    }

    fn save(&self, _: &str) -> Result<(), Box<dyn Error + Send + Sync>> {
        Ok(())
    }

    fn exists(&self) -> Result<bool, Box<dyn Error + Send + Sync>> {
        Ok(false)
    }
}

#[test]
fn thousands_of_mistakes_are_all_told_and_the_first_with_a_hint() {
    const MANY: usize = 2_000;
    let reads = |at| {
        let top = Data::<u32>::parameter("top").named(format!("set.b{at}"));
        node(|_: &str, _: &u32| ())
            .reads((text(&format!("dataset_{at}")), top))
            .writes(())
            .named(format!("n{at}"))
    };
    let pipeline = Pipeline::new((0..MANY).map(reads)).unwrap();
    let mut catalog = Catalog::builder();
    for at in 0..MANY {
        let parameter = Data::<u32>::parameter("top").named(format!("set.a{at}"));
        catalog = catalog.memory(format!("datasets_{at}")).parameter(&parameter, 0);
    }
    let catalog = catalog.build().unwrap();
    let options = RunOptions::new().deny_unused();
    let error = options.check(&pipeline, &catalog).unwrap_err();
    let told = |what: &str| error.problems().iter().filter(|told| told.contains(what)).count();
    assert_eq!(told("is not in the catalog, and no node writes it"), MANY);
    assert_eq!(told("has no value"), MANY);
    assert_eq!(told("no node of the pipeline uses it"), 2 * MANY);
    assert_eq!(told("did you mean"), 40, "20 of what is missing, and 20 of what is not used");

    let unknown: Vec<_> = (0..MANY).map(|at| format!("m{at}")).collect();
    let error = pipeline.select(&Selection::new().nodes(unknown)).unwrap_err();
    let told = |what: &str| error.to_string().lines().filter(|told| told.contains(what)).count();
    assert_eq!((told("no node is named `m"), told("did you mean")), (MANY, 0));
}

#[test]
fn inputs_of_every_kind_that_are_not_there_are_told_with_who_wants_them() {
    let folder = Folder::new();
    let none = folder.path("none.txt");
    let names = ["unbound", "memory", "file", "custom"];
    let nodes = names.iter().flat_map(|name| {
        ["one", "other"].map(|reader| read(text(name), &format!("{reader}_{name}")))
    });
    let catalog = Catalog::builder()
        .memory("memory")
        .file("file", FileDataset::text(&none))
        .dataset(&text("custom"), Empty);
    let mut found = refused(nodes, catalog);
    found.sort();
    let wanted = |name: &str| format!("it is wanted by `one_{name}`, `other_{name}`");
    let expected = [
        format!("dataset `custom`: it is not there; {}", wanted("custom")),
        format!("dataset `file`: {}: there is no such file; {}", none.display(), wanted("file")),
        format!(
            "dataset `memory`: it is in memory, nothing has been saved there, and no node writes \
             it; {}",
            wanted("memory")
        ),
        format!(
            "dataset `unbound` is not in the catalog, and no node writes it; {}",
            wanted("unbound")
        ),
    ];
    assert_eq!(found, expected);
}

#[test]
fn many_readers_are_told_by_their_number() {
    let nodes = (1..=8).map(|n| read(NOTE, &format!("reader_{n}")));
    let found = refused(nodes, Catalog::builder());
    let wanted = "`reader_1`, `reader_2`, `reader_3`, `reader_4`, `reader_5`, 3 more";
    assert!(found[0].ends_with(&format!("it is wanted by {wanted}")), "{found:?}");
}

#[test]
fn file_that_is_not_there_and_one_that_is_a_folder_are_told() {
    let folder = Folder::new();
    let catalog = Catalog::builder()
        .file("a", FileDataset::text(folder.path("none.txt")))
        .file("b", FileDataset::text(folder.path("")));
    let found = refused([read(text("a"), "a"), read(text("b"), "b")], catalog);
    let place = folder.path("").display().to_string();
    let expected = [
        format!("dataset `a`: {place}none.txt: there is no such file; it is wanted by `a`"),
        format!("dataset `b`: {place}: is a folder, not a file; it is wanted by `b`"),
    ];
    assert_eq!(found, expected);
}

#[test]
fn place_of_a_problem_in_a_catalog_file_is_told() {
    let folder = Folder::new();
    let none = folder.path("none.txt");
    let yaml = format!("\nnote:\n  type: text\n  path: {}\n", none.display());
    let path = folder.write("catalog.yml", yaml);
    let found = refused([read(NOTE, "read")], Catalog::builder().yaml_file(&path));
    let (path, none) = (path.display(), none.display());
    let wanted = "there is no such file; it is wanted by";
    assert!(found[0].starts_with(&format!("dataset `note` ({path}:2): {none}: {wanted} ")));
    assert_eq!(found.len(), 1);
}

#[test]
fn format_of_another_family_is_told() {
    const IMAGE: Data<[u8]> = Data::bytes("image");
    const KEPT: Data<u32> = Data::memory("kept");
    let folder = Folder::new();
    let file = |name: &str, content: &str| folder.write(name, content);
    let catalog = Catalog::builder()
        .file("flights", FileDataset::text(file("a.txt", "carrier,delay\n")))
        .file("count", FileDataset::csv(folder.path("b.csv")))
        .file("image", FileDataset::json(folder.path("c.json")))
        .file("kept", FileDataset::json(folder.path("d.json")))
        .file("params:routes.top", FileDataset::json(file("e.json", "3")));
    let make = |flights: &[Flight], top: &usize| (flights.len() + top, vec![0_u8], 1_u32);
    let make = node(make).reads((FLIGHTS, TOP)).writes((COUNT, IMAGE, KEPT)).named("make");
    let told = |name: &str, family: &str, format: &str| {
        format!("{name}: it is of the {family} family, which cannot be stored as {format}")
    };
    let expected = [
        told("dataset `flights`", "records", "text"),
        told("parameter `routes.top`", "parameter", "json"),
        told("dataset `count`", "value", "csv"),
        told("dataset `image`", "bytes", "json"),
        told("dataset `kept`", "memory", "json"),
    ];
    assert_eq!(refused([make], catalog), expected);
    assert_eq!(folder.names(), ["a.txt", "e.json"]);
}

#[test]
fn dataset_named_by_string_only_cannot_be_stored_until_it_is_declared() {
    let folder = Folder::new();
    let file = FileDataset::text(folder.write("note.txt", "note"));
    let measure = || node(|text: &str| text.len()).reads_named("note").writes_named("n").named("m");
    let found = refused([measure()], Catalog::builder().file("note", file.clone()));
    let expected = "dataset `note`: its nodes name it by string only, so its format cannot be \
                    chosen: declare it with `Pipeline::declare`, or use a typed name";
    assert_eq!(found, [expected]);

    let pipeline = Pipeline::new([measure()]).unwrap().declare(&NOTE).unwrap();
    let catalog = Catalog::builder().file("note", file).build().unwrap();
    let mut report = SequentialRunner::new().run(&pipeline, &catalog, RunOptions::new()).unwrap();
    assert_eq!(report.take_output(&Data::<usize>::memory("n")), Some(4));
}

#[test]
fn parameter_named_by_string_only_is_read_as_a_basic_type_and_refused_as_another() {
    #[derive(Deserialize)]
    struct Limits {
        #[expect(dead_code, reason = "no node runs")]
        top: usize,
    }
    let limit = |top: &usize, name: &str, all: &serde_json::Value| format!("{top} {name} {all}");
    let limit = node(limit)
        .reads_named(("params:limits.top", "params:limits.name", "params:limits"))
        .writes_named("told")
        .named("limit");
    let pipeline = Pipeline::new([limit]).unwrap();
    let bind = || {
        Catalog::builder()
            .parameter(&Data::<usize>::parameter("limits.top"), 3)
            .parameter(&Data::<str>::parameter("limits.name"), "n".to_owned())
    };
    let catalog = bind().build().unwrap();
    with_each_runner(|runner| {
        let mut report = runner.run(&pipeline, &catalog, RunOptions::new()).unwrap();
        let told = report.take_output(&Data::<String>::memory("told")).unwrap();
        assert_eq!(told, r#"3 n {"name":"n","top":3}"#);
    });

    let node = node(|_: &Limits| ()).reads_named("params:limits").writes(()).named("limit");
    let [told] = &refused([node], bind())[..] else { panic!("one problem") };
    assert!(told.starts_with("parameter `limits`: its nodes name it by string only, and a `"));
    assert!(told.contains("Limits` cannot be read so: name it with `Data::parameter`"), "{told}");
}

#[test]
fn output_that_cannot_be_written_is_told_and_no_folder_is_made() {
    let folder = Folder::new();
    folder.write("file", "");
    std::fs::create_dir(folder.path("folder")).unwrap();
    let file = |name: &str| FileDataset::text(folder.path(name));
    let catalog = Catalog::builder()
        .file("folder", file("folder"))
        .file("under", file("file/deep/out.txt"))
        .file("fine", file("made/only/by/a/run.txt"))
        .file("nothing", FileDataset::text(""));
    let names = ["fine", "folder", "nothing", "under"];
    let found = refused(names.map(|name| write(text(name), name)), catalog);
    let place = folder.path("").canonicalize().unwrap().display().to_string();
    assert_eq!(found.len(), 3, "{found:?}");
    let wanted = "where a file is to be written";
    assert!(found[0].ends_with(&format!("/folder: is a folder, {wanted}")), "{found:?}");
    assert_eq!(found[1], format!("dataset `nothing`: : names no file, {wanted}"));
    let expected = format!("the folder {place}/file cannot be written to: not a directory");
    assert!(found[2].contains(&expected), "{found:?}");
    assert_eq!(folder.names(), ["file", "folder"]);
}

#[cfg(target_os = "linux")]
#[test]
fn folder_that_takes_no_files_is_told() {
    let catalog = Catalog::builder().file("out", FileDataset::text("/proc/self/out.txt"));
    let found = refused([write(text("out"), "write")], catalog);
    let told = found[0].replace(&std::process::id().to_string(), "self");
    assert!(told.contains("the folder /proc/self cannot be written to: "), "{found:?}");
    let catalog = Catalog::builder().file("out", FileDataset::text("/dev/null"));
    let found = refused([write(text("out"), "write")], catalog);
    let told = "dataset `out`: /dev/null: is a device or a pipe, where a file is to be written";
    assert_eq!(found, [told]);
}

#[test]
fn two_names_for_one_file_of_which_one_is_written_are_told() {
    let folder = Folder::new();
    std::fs::create_dir(folder.path("sub")).unwrap();
    let there = folder.write("there.txt", "x");
    let bind = |entries: &[(&str, &str)]| {
        let file = |path: &str| FileDataset::text(folder.path(path));
        let bind =
            |builder: CatalogBuilder, (name, path): &(&str, &str)| builder.file(*name, file(path));
        entries.iter().fold(Catalog::builder(), bind)
    };
    let told = |names: &str, path: &str| {
        let place = folder.path("").canonicalize().unwrap();
        let path = place.join(path).display().to_string();
        format!("datasets {names} are one file, {path}, and a node writes it")
    };

    let spellings =
        bind(&[("a", "there.txt"), ("b", "sub/../there.txt"), ("c", "./sub/.././there.txt")]);
    let nodes = [read(text("a"), "a"), write(text("b"), "b"), read(text("c"), "c")];
    assert_eq!(refused(nodes, spellings), [told("`a` and `b` and `c`", "there.txt")]);

    let new = bind(&[("a", "not/yet/x.txt"), ("b", "not/there/../yet/x.txt")]);
    let nodes = [write(text("a"), "a"), write(text("b"), "b")];
    assert_eq!(refused(nodes, new), [told("`a` and `b`", "not/yet/x.txt")]);

    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(&there, folder.path("link.txt")).unwrap();
        std::os::unix::fs::symlink(folder.path("sub"), folder.path("same")).unwrap();
        let links = bind(&[("a", "there.txt"), ("b", "link.txt"), ("c", "same/x"), ("d", "sub/x")]);
        let nodes = [
            read(text("a"), "a"),
            write(text("b"), "b"),
            write(text("c"), "c"),
            write(text("d"), "d"),
        ];
        let expected = [told("`c` and `d`", "sub/x"), told("`a` and `b`", "there.txt")];
        assert_eq!(refused(nodes, links), expected);
    }

    let both_read = bind(&[("a", "there.txt"), ("b", "there.txt")]).build().unwrap();
    let pipeline = Pipeline::new([read(text("a"), "a"), read(text("b"), "b")]).unwrap();
    assert!(SequentialRunner::new().run(&pipeline, &both_read, RunOptions::new()).is_ok());
    assert_eq!(std::fs::read_to_string(there).unwrap(), "x");
}

#[test]
fn value_of_another_type_in_memory_is_told() {
    let catalog = Catalog::builder().value(&Data::<Vec<u8>>::memory("note"), vec![1]);
    let expected =
        "dataset `note`: it is a `str` to its nodes and a `alloc::vec::Vec<u8>` in the catalog";
    assert_eq!(refused([read(NOTE, "read")], catalog), [expected]);
}

#[test]
fn names_that_nothing_uses_are_told_where_that_is_denied() {
    const ROUTES: Data<serde_json::Value> = Data::parameter("routes");
    let bind = || {
        Catalog::builder()
            .value(&NOTE, "x".to_owned())
            .memory("nate")
            .parameter(&TOP, 3)
            .parameter(&Data::<u32>::parameter("routes.deep.er"), 4)
            .parameter(&Data::<u32>::parameter("other.top"), 5)
    };
    let options = RunOptions::new().deny_unused();
    let found = problems([read(NOTE, "read")], bind(), &options);
    let unused = |name: &str| format!("{name}: no node of the pipeline uses it");
    let expected = [
        unused("dataset `nate`") + "; did you mean `note`?",
        unused("parameter `other`"),
        unused("parameter `other.top`"),
        unused("parameter `routes`"),
        unused("parameter `routes.deep`"),
        unused("parameter `routes.deep.er`"),
        unused("parameter `routes.top`"),
    ];
    assert_eq!(found, expected);

    // A map is used with all that is in it, and with what it is in.
    let reads_map = node(|_: &str, _: &serde_json::Value| ()).reads((NOTE, ROUTES)).writes(());
    let found = problems([reads_map.named("read")], bind(), &options);
    assert_eq!(found, [&expected[0], &expected[1], &expected[2]].map(String::clone));
    let reads_leaf = node(|_: &str, _: &usize| ()).reads((NOTE, TOP)).writes(());
    let found = problems([reads_leaf.named("read")], bind(), &options);
    assert_eq!(found.len(), 5, "{found:?}");

    let catalog = bind().build().unwrap();
    let pipeline = Pipeline::new([read(NOTE, "read")]).unwrap();
    assert!(RunOptions::new().check(&pipeline, &catalog).is_ok());
    assert!(SequentialRunner::new().run(&pipeline, &catalog, RunOptions::new()).is_ok());
}

#[test]
fn propagation_that_cannot_be_carried_out_is_told() {
    context_key! { static SECRET: u32 = never; }
    let never: &'static Key<u32> = &SECRET;
    assert_eq!(never.policy(), KeyPolicy::Never);
    let options = RunOptions::new().propagation(Propagation::only([never]));
    let found = problems([read(NOTE, "read")], Catalog::builder(), &options);
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].contains("`note` is not in the catalog"), "{found:?}");
    assert!(found[1].contains("SECRET` is declared `never`"), "{found:?}");
}

#[test]
fn refusal_reads_as_one_list() {
    let catalog = Catalog::empty();
    let pipeline = Pipeline::new([read(NOTE, "a"), read(text("x"), "b")]).unwrap();
    let error = SequentialRunner::new().run(&pipeline, &catalog, RunOptions::new()).unwrap_err();
    let told = "the run was not started:\n  \
        - dataset `note` is not in the catalog, and no node writes it; it is wanted by `a`\n  \
        - dataset `x` is not in the catalog, and no node writes it; it is wanted by `b`";
    assert_eq!(error.to_string(), told);
}
