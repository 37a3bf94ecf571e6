//! A plan says what a run would do, and does nothing.

#![cfg(feature = "pipeline")]

#[expect(dead_code, reason = "each test file needs some of the helpers")]
#[path = "support/graphs.rs"]
mod graphs;
#[expect(dead_code, reason = "each test file needs some of the helpers")]
#[path = "support/pipelines.rs"]
mod pipelines;

use std::collections::BTreeSet;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use entourage::hooks::{AfterCatalogCreated, BeforeNodeRun, BeforePipelineRun, HookResult, Hooks};
use entourage::{
    Catalog, Data, FileDataset, Node, Pipeline, Plan, Reason, RunOptions, SequentialRunner, node,
};
use graphs::{Graph, specs};
use pipelines::{Folder, names_in};
use proptest::prelude::*;

fn text(name: &str) -> Data<str> {
    Data::text("text").named(name)
}

const TIMES: Data<usize> = Data::parameter("times");

/// raw → clean → (in memory) → count, audit.
fn nodes(ran: &Arc<AtomicBool>) -> Vec<Node> {
    let [clean, count, audit] = [ran.clone(), ran.clone(), ran.clone()];
    let clean = move |raw: &str, times: &usize| {
        clean.store(true, Ordering::Relaxed);
        (raw.repeat(*times), raw.to_owned())
    };
    let count = move |text: &str| {
        count.store(true, Ordering::Relaxed);
        text.to_owned()
    };
    let audit = move |_: &str| audit.store(true, Ordering::Relaxed);
    vec![
        node(clean)
            .reads((text("raw"), TIMES))
            .writes((text("cleaned"), text("words")))
            .named("clean"),
        node(count).reads(text("words")).writes(text("count")).named("count"),
        node(audit).reads(text("cleaned")).writes(()).named("audit"),
        node(|text: &str| text.to_owned()).reads(text("raw")).writes(text("free")).named("free"),
    ]
}

struct World {
    folder: Folder,
    catalog: Catalog,
    pipeline: Pipeline,
    ran: Arc<AtomicBool>,
}

impl World {
    fn new() -> Self {
        let (folder, ran) = (Folder::new(), Arc::default());
        let raw = FileDataset::text(folder.write("raw.txt", "text"));
        let file = |name: &str| FileDataset::text(folder.path(&format!("out/{name}.txt")));
        let catalog = Catalog::builder().file("raw", raw).file("cleaned", file("cleaned"));
        let catalog = catalog.file("count", file("count")).parameter(&TIMES, 2).build().unwrap();
        let pipeline = Pipeline::new(nodes(&ran)).unwrap();
        Self { folder, catalog, pipeline, ran }
    }

    fn plan(&self, options: &RunOptions) -> Plan {
        let plan = options.plan(&self.pipeline, &self.catalog).unwrap();
        assert!(!self.ran.load(Ordering::Relaxed), "a node was called");
        plan
    }

    fn run(&self) {
        SequentialRunner::new().run(&self.pipeline, &self.catalog, RunOptions::new()).unwrap();
        self.ran.store(false, Ordering::Relaxed);
    }

    /// What the folder's files have in front of their names.
    fn root(&self) -> String {
        self.folder.path("").display().to_string()
    }

    /// The plan's text, with that left out.
    fn told(&self, plan: &Plan) -> String {
        plan.to_string().replace(&self.root(), "")
    }
}

fn reasons<'a>(plan: &'a Plan, node: &str) -> &'a [Reason] {
    &plan.node(node).unwrap().reasons
}

fn needed(dataset: &str, by: &str) -> Reason {
    Reason::Needed { dataset: dataset.to_owned(), by: by.to_owned() }
}

fn missing(dataset: &str) -> Reason {
    Reason::Missing { dataset: dataset.to_owned() }
}

#[test]
fn plan_of_every_node_says_so_and_leaves_the_folder_as_it_was() {
    let world = World::new();
    let plan = world.plan(&RunOptions::new());
    assert!(plan.nodes().iter().all(|node| node.reasons == [Reason::EveryNode]));
    assert_eq!(plan.groups(), [vec!["clean", "free"], vec!["audit", "count"]]);
    assert_eq!(world.folder.names(), ["raw.txt"]);
    let told = "\
4 of 4 nodes would run
group 1
  clean: every node runs
  free: every node runs
group 2
  audit: every node runs
  count: every node runs
datasets
";
    assert!(world.told(&plan).starts_with(told), "{plan}");
}

#[test]
fn plan_of_what_is_missing_says_why_each_node_would_run() {
    let world = World::new();
    let only_missing = RunOptions::new().only_missing();
    let plan = world.plan(&only_missing);
    let cleaned = [missing("cleaned"), needed("words", "count")];
    assert_eq!(reasons(&plan, "clean"), cleaned);
    assert_eq!(reasons(&plan, "count"), [missing("count")]);
    assert_eq!(reasons(&plan, "audit"), [Reason::NoOutputs]);
    assert_eq!(reasons(&plan, "free"), []);
    assert_eq!(plan.node("free").unwrap().group, None);

    world.run();
    let before = (names_in(&world.folder.path("out")), world.folder.names());
    let plan = world.plan(&only_missing);
    assert_eq!((names_in(&world.folder.path("out")), world.folder.names()), before);
    assert_eq!(reasons(&plan, "clean"), []);
    assert_eq!(plan.groups(), [["audit"]]);
    let told = "\
1 of 4 nodes would run
group 1
  audit: it writes nothing
up to date
  clean
  free
  count
datasets
  raw: text raw.txt
  params:times: parameter
  cleaned: text out/cleaned.txt, is there, loaded by audit, let go after audit
  words: in memory, for the run
  free: in memory, for the run
  count: text out/count.txt, is there
";
    let lines = |told: &str| BTreeSet::from_iter(told.lines().map(str::to_owned));
    assert_eq!(lines(&world.told(&plan)), lines(told));

    fs::remove_file(world.folder.path("out/count.txt")).unwrap();
    let plan = world.plan(&only_missing);
    assert_eq!(reasons(&plan, "clean"), [needed("words", "count")]);
    assert_eq!(plan.groups(), [vec!["clean"], vec!["audit", "count"]]);
}

#[test]
fn plan_says_where_each_dataset_lives_and_who_loads_saves_and_needs_it_last() {
    let world = World::new();
    let plan = world.plan(&RunOptions::new());
    let of = |name: &str| {
        let dataset = plan.dataset(name).unwrap();
        let by = |node: &Option<String>| node.clone().unwrap_or_default();
        let [loaded, saved] = [&dataset.loaded_by, &dataset.saved_by].map(by);
        let place = dataset.place.as_ref().map(|place| place.replace(&world.root(), ""));
        (by(&dataset.kind), by(&place), loaded, saved, by(&dataset.released_after))
    };
    let expect = |name: &str, expected: [&str; 5]| {
        let [kind, place, loaded, saved, released] = expected.map(str::to_owned);
        assert_eq!(of(name), (kind, place, loaded, saved, released), "{name}");
    };
    expect("raw", ["text", "raw.txt", "clean", "", "free"]);
    expect("cleaned", ["text", "out/cleaned.txt", "audit", "clean", "audit"]);
    expect("words", ["", "", "", "", "count"]);
    expect("count", ["text", "out/count.txt", "", "count", ""]);
    expect("params:times", ["parameter", "", "", "", ""]);
    expect("free", ["", "", "", "", ""]);
    let outputs = plan.datasets().iter().filter(|dataset| dataset.is_output);
    assert_eq!(outputs.map(|dataset| &*dataset.name).collect::<Vec<_>>(), ["free"]);
    assert!(plan.dataset("raws").is_none() && plan.node("cleans").is_none());
}

#[test]
fn plan_as_json_has_all_of_it() {
    let world = World::new();
    let plan = world.plan(&RunOptions::new().only_missing());
    let json: serde_json::Value = serde_json::from_str(&plan.to_json()).unwrap();
    let named = |list: &str, name: &str| {
        let all = json[list].as_array().unwrap();
        all.iter().find(|entry| entry["name"] == name).unwrap().clone()
    };
    let clean = serde_json::json!({
        "name": "clean",
        "group": 1,
        "reasons": [
            { "reason": "missing", "dataset": "cleaned" },
            { "reason": "needed", "dataset": "words", "by": "count" },
        ],
        "reads": ["raw", "params:times"],
        "writes": ["cleaned", "words"],
    });
    assert_eq!(named("nodes", "clean"), clean);
    assert_eq!(named("nodes", "free")["group"], serde_json::Value::Null);
    let count = serde_json::json!({
        "name": "count",
        "kind": "text",
        "place": world.folder.path("out/count.txt").display().to_string(),
        "origin": null,
        "pattern": null,
        "is_versioned": false,
        "is_there": false,
        "loaded_by": null,
        "saved_by": "count",
        "released_after": null,
        "is_output": false,
    });
    assert_eq!(named("datasets", "count"), count);
    assert_eq!(serde_json::to_value(&plan).unwrap(), json);
}

#[test]
fn plan_is_refused_as_the_run_would_be() {
    let world = World::new();
    fs::remove_file(world.folder.path("raw.txt")).unwrap();
    fs::write(world.folder.path("out"), "no folder").unwrap();
    for options in [RunOptions::new(), RunOptions::new().only_missing().deny_unused()] {
        let planned = options.plan(&world.pipeline, &world.catalog).unwrap_err();
        let run = SequentialRunner::new().run(&world.pipeline, &world.catalog, options);
        let run = run.unwrap_err();
        assert!(planned.is_refused() && planned.problems().len() >= 2, "{planned}");
        assert_eq!(planned.problems(), run.problems());
    }
}

/// Is told of nothing.
struct Untold;

impl Hooks for Untold {
    fn after_catalog_created(&self, _: &mut AfterCatalogCreated<'_>) -> HookResult {
        panic!("it was told of the catalog")
    }

    fn before_pipeline_run(&self, _: &mut BeforePipelineRun<'_>) -> HookResult {
        panic!("it was told of the run")
    }

    fn before_node_run(&self, _: &mut BeforeNodeRun<'_>) -> HookResult {
        panic!("it was told of a node")
    }
}

#[test]
fn plan_calls_no_hook() {
    let world = World::new();
    for options in [RunOptions::new(), RunOptions::new().only_missing()] {
        let options = options.hooks(Untold);
        assert_eq!(world.plan(&options).nodes().len(), 4);
        let run = SequentialRunner::new().run(&world.pipeline, &world.catalog, options);
        assert!(run.unwrap_err().to_string().contains("it was told of"));
    }
}

#[test]
fn plan_of_no_node_is_empty() {
    let plan = RunOptions::new().plan(&Pipeline::new([]).unwrap(), &Catalog::empty()).unwrap();
    assert!(plan.nodes().is_empty() && plan.datasets().is_empty() && plan.groups().is_empty());
    assert_eq!(plan.to_string(), "0 of 0 nodes would run\n");
}

#[test]
fn many_readers_are_told_by_their_number() {
    let number = |n: usize| Data::<usize>::value("n").named(format!("d{n}"));
    let folder = Folder::new();
    let first = node(|| 0usize).reads(()).writes(number(0)).named("first");
    let readers = (1..=7)
        .map(|n| node(|n: &usize| *n).reads(number(0)).writes(number(n)).named(format!("n{n}")));
    let pipeline = Pipeline::new(std::iter::once(first).chain(readers)).unwrap();
    let catalog = (1..=7).fold(Catalog::builder(), |catalog, n| {
        catalog.file(format!("d{n}"), FileDataset::json(folder.path(&format!("{n}.json"))))
    });
    let plan = RunOptions::new().only_missing().plan(&pipeline, &catalog.build().unwrap()).unwrap();
    let told = plan.node("first").unwrap().to_string();
    let readers = (1..=5).map(|n| format!("`n{n}` needs `d0`")).collect::<Vec<_>>().join(", ");
    assert_eq!(told, format!("first: {readers}, 2 more"));
}

/// A catalog of one file, in which the folder is `${folder}`.
fn catalog_of(folder: &Folder, yaml: &str) -> Catalog {
    let path = folder.write("catalog.yml", yaml);
    let place = folder.path("").display().to_string();
    Catalog::builder().yaml_file(path).variable("folder", place).build().unwrap()
}

#[test]
fn plan_tells_by_which_pattern_a_dataset_is_bound_and_that_it_keeps_its_versions() {
    let folder = Folder::new();
    let yaml = "\
\"{name}_text\":
  type: text
  path: ${folder}/{name}.txt
  versioned: true
";
    let catalog = catalog_of(&folder, yaml);
    let made = text("my_text");
    let make = node(|| "text".to_owned()).reads(()).writes(made).named("make");
    let pipeline = Pipeline::new([make]).unwrap();
    let only_missing = || RunOptions::new().only_missing();
    let plan = only_missing().plan(&pipeline, &catalog).unwrap();
    let dataset = plan.dataset("my_text").unwrap();
    assert_eq!(dataset.pattern.as_deref(), Some("{name}_text"));
    assert!(dataset.is_versioned && dataset.is_there == Some(false));
    let told = dataset.to_string().replace(&folder.path("").display().to_string(), "");
    assert!(told.starts_with("my_text: versioned text /my.txt (catalog.yml:"), "{told}");
    assert!(told.ends_with(", `{name}_text`), is not there, saved by make"), "{told}");
    SequentialRunner::new().run(&pipeline, &catalog, only_missing()).unwrap();
    let plan = only_missing().plan(&pipeline, &catalog).unwrap();
    assert_eq!(plan.dataset("my_text").unwrap().is_there, Some(true));
    assert_eq!(reasons(&plan, "make"), []);
}

#[test]
fn dataset_of_which_the_catalog_can_make_nothing_is_told_even_if_no_node_would_need_it() {
    let folder = Folder::new();
    folder.write("made.txt", "text");
    let yaml = "\
\"{kind}_made\":
  type: \"{kind}\"
  path: ${folder}/made.txt
last:
  type: text
  path: ${folder}/made.txt
";
    let catalog = catalog_of(&folder, yaml);
    let copy = node(|text: &str| text.to_owned());
    let copy = copy.reads(text("nonsense_made")).writes(text("last")).named("copy");
    let pipeline = Pipeline::new([copy]).unwrap();
    let refused =
        |options: RunOptions| options.plan(&pipeline, &catalog).unwrap_err().problems().to_vec();
    let every_node = refused(RunOptions::new());
    assert!(every_node.iter().any(|problem| problem.contains("nonsense")), "{every_node:?}");
    assert_eq!(refused(RunOptions::new().only_missing()), every_node);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn loads_and_saves_of_a_run_are_those_of_its_plan(
        specs in specs(10),
        there in prop::collection::vec(any::<bool>(), 1..=12),
        is_partial in any::<bool>(),
    ) {
        let graph = Graph::new(&specs);
        let expected = graph.expected();
        let stored = expected.iter().zip(there.iter().cycle());
        let left = stored.filter(|(entry, is_there)| **is_there || entry.0 == "input");
        *graph.stored.lock().unwrap() =
            left.map(|(entry, _)| (entry.0.clone(), *entry.1)).collect();
        let options = match is_partial {
            true => RunOptions::new().only_missing(),
            false => RunOptions::new(),
        };
        let (pipeline, catalog) = (graph.whole(), graph.catalog());
        let plan = options.plan(&pipeline, &catalog).unwrap();
        prop_assert!(graph.take_ran().is_empty());
        prop_assert!(graph.loads.lock().unwrap().is_empty());
        SequentialRunner::new().run(&pipeline, &catalog, options).unwrap();
        let is_stored = |name: &str| graph.is_stored(name);
        let stored = || plan.datasets().iter().filter(|dataset| is_stored(&dataset.name));
        let sorted = |mut list: Vec<(String, String)>| { list.sort(); list };
        let loads = stored().filter_map(|d| Some((d.name.clone(), d.loaded_by.clone()?)));
        let saves = stored().filter_map(|d| Some((d.name.clone(), d.saved_by.clone()?)));
        prop_assert_eq!(sorted(loads.collect()), sorted(graph.loads.lock().unwrap().clone()));
        prop_assert_eq!(sorted(saves.collect()), sorted(graph.saves.lock().unwrap().clone()));
    }
}
