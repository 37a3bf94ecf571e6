//! A base, and one environment over it; the parameters as datasets.

#![cfg(feature = "pipeline")]

#[expect(dead_code, reason = "each test file needs some of the helpers")]
#[path = "support/pipelines.rs"]
mod pipelines;

use std::collections::BTreeMap;
use std::path::Path;

use entourage::{Catalog, CatalogBuilder, Data, FileDataset, Pipeline, RunOptions, node};
use pipelines::{Folder, with_each_runner};
use serde_json::{Value as Json, json};

type Map = BTreeMap<String, Json>;

fn told(builder: CatalogBuilder, folder: &Folder) -> Vec<String> {
    let error = builder.build().unwrap_err();
    let root = format!("{}/", folder.path("x").parent().unwrap().display());
    error.problems().iter().map(|problem| problem.replace(&root, "")).collect()
}

#[test]
fn environment_takes_the_place_of_the_base_name_by_name() {
    let folder = Folder::new();
    let base = "a: {type: csv, path: base/a.csv, delimiter: ;}\nb: {type: text, path: base/b}\n\
                '{x}_t': {type: text, path: 'base/{x}'}\n'{any}': {type: memory}\n";
    let over = "a: {type: csv, path: over/a.csv}\nc: {type: text, path: over/c}\n\
                '{x}_t': {type: text, path: 'over/{x}'}\n";
    let catalog = Catalog::builder()
        .yaml_file(folder.write("base.yml", base))
        .file("d", FileDataset::text("base/d"))
        .environment("local")
        .yaml_file(folder.write("over.yml", over))
        .file("d", FileDataset::text("over/d"))
        .build()
        .unwrap();
    let path = |name: &str| catalog.path(name).map(Path::to_owned).unwrap();
    assert_eq!(
        ["a", "b", "c", "d"].map(path),
        ["over/a.csv", "base/b", "over/c", "over/d"].map(Path::new)
    );
    assert_eq!(catalog.describe("y_t").unwrap().place(), Some("over/y"));
    assert_eq!(catalog.patterns().collect::<Vec<_>>(), ["{x}_t", "{any}"]);
}

#[test]
fn what_is_wrong_with_an_entry_that_gives_way_is_not_told() {
    let folder = Folder::new();
    let catalog = Catalog::builder()
        .yaml_file(folder.write("base.yml", "a: {type: text, path: '${none}'}\n"))
        .environment("local")
        .yaml_file(folder.write("over.yml", "a: {type: text, path: a}\n"))
        .build();
    assert_eq!(catalog.unwrap().path("a"), Some(Path::new("a")));
}

#[test]
fn name_twice_within_one_environment_is_told() {
    let folder = Folder::new();
    let one = folder.write("one.yml", "a: {type: memory}\nb: {type: memory}\n");
    let two = folder.write("two.yml", "\na: {type: memory}\n");
    let base = folder.write("base.yml", "a: {type: memory}\n'{x}': {type: memory}\n");
    let three = folder.write("three.yml", "'{y}': {type: memory}\n");
    let builder = Catalog::builder().yaml_file(base).environment("local");
    let found = told(builder.yaml_file(one).yaml_file(two).yaml_file(three), &folder);
    let expected = [
        "`a` is bound twice: in one.yml:1 and in two.yml:2",
        "three.yml:1: dataset `{y}`: it takes every name, as `{x}` does (base.yml:2): one such \
         pattern at most",
    ];
    assert_eq!(found, expected);
}

#[test]
fn second_environment_is_told() {
    let builder = Catalog::builder().environment("local").environment("prod");
    let expected = ["one environment lies over the base, found two: `local` and `prod`"];
    assert_eq!(told(builder, &Folder::new()), expected);
}

#[test]
fn parameters_and_credentials_give_way_key_by_key_at_the_top() {
    let folder = Folder::new();
    let base = "routes: {top: 20, share: 0.5}\ntitle: base\n_anchor: 1\n";
    let catalog = Catalog::builder()
        .parameters_file(folder.write("base.yml", base))
        .parameter(&Data::<usize>::parameter("routes.late"), 3)
        .environment("local")
        .parameters_file(folder.write("over.yml", "routes: {top: 5}\n"))
        .build()
        .unwrap();
    let load = |name: &'static str| catalog.load(&Data::<Json>::parameter(name));
    assert_eq!(*load("routes").unwrap(), json!({"top": 5, "late": 3}));
    assert_eq!(*load("title").unwrap(), json!("base"));
    assert!(load("routes.share").is_err() && load("_anchor").is_err());
    let origin = catalog.describe("params:routes.top").unwrap();
    assert!(origin.origin().unwrap().ends_with("over.yml:1"));
}

#[test]
fn all_parameters_together_are_a_dataset() {
    let folder = Folder::new();
    let file = folder.write("parameters.yml", "a: {b: 1}\nc: x\n");
    let catalog = Catalog::builder()
        .parameters_file(file)
        .parameter(&Data::<u8>::parameter("a.d"), 2)
        .build()
        .unwrap();
    let all = Data::<Map>::parameters();
    assert_eq!(all.name(), "parameters");
    let expected = json!({"a": {"b": 1, "d": 2}, "c": "x"});
    assert_eq!(json!(*catalog.load(&all).unwrap()), expected);
    let keys = |all: &Map| all.keys().cloned().collect::<Vec<_>>();
    let keys = node(keys).reads(all).writes(Data::<[String]>::memory("keys")).named("keys");
    let pipeline = Pipeline::new([keys]).unwrap();
    with_each_runner(|runner| {
        let options = RunOptions::new().deny_unused();
        let mut report = runner.run(&pipeline, &catalog, options).unwrap();
        let keys = report.take_output(&Data::<[String]>::memory("keys"));
        assert_eq!(keys.unwrap(), ["a", "c"]);
        let mut report = runner.run(&pipeline, &Catalog::empty(), RunOptions::new()).unwrap();
        assert_eq!(report.take_output(&Data::<[String]>::memory("keys")).unwrap(), [""; 0]);
    });
}

#[test]
fn parameters_of_another_type_are_told_before_the_run() {
    let read = node(|all: &BTreeMap<String, u8>| all.len())
        .reads(Data::parameters())
        .writes(Data::<usize>::memory("n"))
        .named("n");
    let pipeline = Pipeline::new([read]).unwrap();
    let catalog =
        Catalog::builder().parameter(&Data::<str>::parameter("a"), "x".to_owned()).build();
    let error = RunOptions::new().check(&pipeline, &catalog.unwrap()).unwrap_err();
    assert!(error.problems()[0].starts_with("parameter `parameters`: expected a "), "{error}");
}

#[test]
fn nothing_else_may_have_the_name_of_all_parameters() {
    let folder = Folder::new();
    let yaml = folder.write("catalog.yml", "parameters: {type: memory}\n");
    let builder = Catalog::builder().yaml_file(yaml).memory("parameters");
    let expected = [
        "`parameters` is bound twice: in catalog.yml:1 and in the program",
        "catalog.yml:1: dataset `parameters`: the name stands for all parameters together",
        "dataset `parameters`: the name stands for all parameters together",
    ];
    let mut found = told(builder, &folder);
    found.sort();
    assert_eq!(found, expected);
}
