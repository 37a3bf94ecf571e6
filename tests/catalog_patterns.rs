//! Names of a form: which pattern counts, and what it makes of a name.

#![cfg(feature = "pipeline")]

#[expect(dead_code, reason = "each test file needs some of the helpers")]
#[path = "support/pipelines.rs"]
mod pipelines;

use std::fs;
use std::path::Path;

use entourage::{Catalog, Data, Pipeline, Resolution, RunOptions, node};
use pipelines::{Folder, with_each_runner};

fn catalog(yaml: &str) -> Catalog {
    let folder = Folder::new();
    Catalog::from_yaml_file(folder.write("catalog.yml", yaml)).unwrap()
}

fn problems(yaml: &str) -> Vec<String> {
    let folder = Folder::new();
    let path = folder.write("catalog.yml", yaml);
    let error = Catalog::from_yaml_file(&path).unwrap_err();
    let shown = path.display().to_string();
    error.problems().iter().map(|problem| problem.replace(&shown, "catalog.yml")).collect()
}

fn place(catalog: &Catalog, name: &str) -> String {
    catalog.describe(name).unwrap().place().unwrap_or("nowhere").to_owned()
}

#[test]
fn exact_name_goes_before_patterns_and_these_before_the_catch_all() {
    let catalog = catalog(
        "'{any}': {type: text, path: 'any/{any}'}\n\
         '{name}_csv': {type: csv, path: 'csv/{name}'}\n\
         raw_csv: {type: csv, path: exact}\n",
    );
    assert_eq!(place(&catalog, "raw_csv"), "exact");
    assert_eq!(place(&catalog, "other_csv"), "csv/other");
    assert_eq!(place(&catalog, "model"), "any/model");
    assert_eq!(catalog.resolve("raw_csv"), Resolution::Exact);
    assert_eq!(catalog.resolve("other_csv"), Resolution::Pattern("{name}_csv".into()));
    assert_eq!(catalog.resolve("model"), Resolution::CatchAll("{any}".into()));
    assert!(catalog.contains("model"));
    assert_eq!(catalog.names().collect::<Vec<_>>(), ["raw_csv"]);
    assert_eq!(catalog.describe("other_csv").unwrap().pattern(), Some("{name}_csv"));
}

#[test]
fn name_of_no_pattern_is_in_memory() {
    let catalog = catalog("'{name}_csv': {type: csv, path: '{name}'}\n");
    assert_eq!(catalog.resolve("model"), Resolution::Memory);
    assert_eq!(catalog.describe("model").unwrap().to_string(), "memory");
    assert!(!catalog.contains("model"));
}

#[test]
fn most_literal_characters_count_then_most_placeholders_then_the_alphabet() {
    let catalog = catalog(
        "'{b}_csv': {type: text, path: b}\n\
         '{a}_csv': {type: text, path: a}\n\
         '{a}.{b}csv': {type: text, path: two}\n\
         '{a}_{b}csv': {type: text, path: also_two}\n\
         'x_{a}_csv': {type: text, path: literal}\n",
    );
    let order: Vec<_> = catalog.patterns().collect();
    assert_eq!(order, ["x_{a}_csv", "{a}.{b}csv", "{a}_{b}csv", "{a}_csv", "{b}_csv"]);
    assert_eq!(place(&catalog, "x_1_csv"), "literal");
    assert_eq!(place(&catalog, "1_csv"), "a");
    assert_eq!(place(&catalog, "1_2csv"), "also_two");
    assert_eq!(place(&catalog, "n.xcsv"), "two");
}

#[test]
fn placeholders_fill_every_text_of_the_options_at_any_depth() {
    let folder = Folder::new();
    folder.write("n-a.csv", "x;y\n{};2\n");
    let yaml = "'{space}.{name}_{mark}':\n  type: cached\n  dataset:\n    type: '{space}'\n    \
                path: ${data}/n-{name}.csv\n    delimiter: '{mark}'\n    missing: ['{{}}', '']\n";
    let catalog = Catalog::builder()
        .yaml_file(folder.write("catalog.yml", yaml))
        .variable("data", folder.path("").display().to_string())
        .build()
        .unwrap();
    let name = "csv.a_;";
    assert!(place(&catalog, name).ends_with("n-a.csv"));
    let rows = Data::<[(Option<u8>, u8)]>::records("rows").named(name);
    assert_eq!(*catalog.load(&rows).unwrap(), [(None, 2)]);
}

#[test]
fn value_of_a_variable_opens_no_placeholder() {
    let folder = Folder::new();
    let yaml = "'{name}_txt': {type: text, path: '${data}/{name}'}\n";
    let catalog = Catalog::builder()
        .yaml_file(folder.write("catalog.yml", yaml))
        .variable("data", "a{name}b")
        .build()
        .unwrap();
    assert_eq!(place(&catalog, "x_txt"), "a{name}b/x");
}

#[test]
fn braces_of_a_name_without_placeholders_are_braces() {
    let catalog = catalog("plain: {type: text, path: 'a{b}c'}\n");
    assert_eq!(place(&catalog, "plain"), "a{b}c");
}

#[test]
fn parameters_are_of_no_pattern() {
    let catalog = catalog("'{any}': {type: memory}\n'params:{any}_x': {type: memory}\n");
    assert_eq!(catalog.resolve("params:a"), Resolution::Memory);
    assert_eq!(catalog.resolve("parameters"), Resolution::Exact);
    assert!(!catalog.exists("params:a").unwrap());
    let error = RunOptions::new().check(
        &Pipeline::new([node(|_: &u8| 1_u8)
            .reads(Data::parameter("top"))
            .writes(Data::<u8>::memory("n"))
            .named("n")])
        .unwrap(),
        &catalog,
    );
    assert_eq!(
        error.unwrap_err().problems(),
        ["parameter `top` has no value; it is wanted by `n`"]
    );
}

#[test]
fn what_is_wrong_with_a_pattern_is_told_when_the_catalog_is_built() {
    let found = problems(
        "'{a}_1': {type: csv, path: 'x/{b}.csv'}\n\
         '{a}_2': {type: cvs, path: '{a}'}\n\
         '{a}_3': {type: csv, path: '{a}', delimeter: x}\n\
         '{a}_4': {type: text}\n\
         '{a}_5': {path: '{a}'}\n\
         '{a}_6': {type: text, path: 'x{'}\n\
         '{a}{a}_7': {type: memory}\n\
         '{a-b}_8': {type: memory}\n\
         '{a_9': {type: memory}\n\
         '{a}_10': {type: csv, path: '{a}', delimiter: '{a}'}\n\
         '{a}_11': {type: csv, path: '{a}', delimiter: xy}\n\
         '{a}_12': {type: '{a}', path: 3}\n\
         '{x}': {type: memory}\n\
         '{y}{z}': {type: memory}\n\
         '{namespace}_13': {type: text, path: ['{namespce}']}\n",
    );
    let frames = if cfg!(feature = "polars") { " `parquet`, `arrow`," } else { "" };
    let types = format!(
        "one of `csv`, `json`, `jsonl`, `msgpack`,{frames} `text`, `bytes`, `memory`, `cached`"
    );
    let mut expected = vec![
        "1: dataset `{a}_1`: the placeholder `{b}` is not in the name (there: `{a}`)".to_owned(),
        format!("2: dataset `{{a}}_2`: unknown type `cvs` ({types})"),
        "3: dataset `{a}_3`: unknown key `delimeter` (type csv takes `type`, `path`, `versioned`, \
         `delimiter`, `missing`, `storage_options`, `credentials`); did you mean `delimiter`?"
            .to_owned(),
        "4: dataset `{a}_4`: the `path` is missing".to_owned(),
        format!("5: dataset `{{a}}_5`: the `type` is missing ({types})"),
        "6: dataset `{a}_6`: `x{`: a `{` without its other half; one that is meant is doubled"
            .to_owned(),
        "7: dataset `{a}{a}_7`: the placeholder `{a}` is in the name twice".to_owned(),
        "8: dataset `{a-b}_8`: `{a-b}_8`: `{a-b}` is no placeholder, which is made of letters, \
         digits and `_`; a brace that is meant is doubled"
            .to_owned(),
        "9: dataset `{a_9`: `{a_9`: a `{` without its other half; one that is meant is doubled"
            .to_owned(),
        "11: dataset `{a}_11`: `delimiter` is one ASCII character, found `xy`".to_owned(),
        "14: dataset `{y}{z}`: it takes every name, as `{x}` does (catalog.yml:13): one such \
         pattern at most"
            .to_owned(),
        "15: dataset `{namespace}_13`: the placeholder `{namespce}` is not in the name (there: \
         `{namespace}`); did you mean `namespace`?"
            .to_owned(),
    ];
    // Of two that take every name the one of more placeholders is looked at first.
    expected[10] =
        "13: dataset `{x}`: it takes every name, as `{y}{z}` does (catalog.yml:14): one \
                    such pattern at most"
            .to_owned();
    let mut expected: Vec<_> = expected.iter().map(|what| format!("catalog.yml:{what}")).collect();
    let mut found = found;
    expected.sort();
    found.sort();
    assert_eq!(found, expected);
}

#[test]
fn what_is_wrong_for_one_name_is_told_before_the_run() {
    let folder = Folder::new();
    let yaml = "'{kind}.{name}': {type: '{kind}', path: '{name}', delimiter: '{name}'}\n";
    let path = folder.write("catalog.yml", yaml);
    let catalog = Catalog::from_yaml_file(&path).unwrap();
    let text = Data::text("in");
    let data = ["cvs.a", "csv.ab"].map(|name| text.clone().named(name));
    let node = |(at, data): (usize, Data<str>)| {
        entourage::node(|text: &str| text.len())
            .reads(data)
            .writes(Data::<usize>::memory("n").named(format!("n{at}")))
            .named(format!("n{at}"))
    };
    let pipeline = Pipeline::new(data.into_iter().enumerate().map(node)).unwrap();
    with_each_runner(|runner| {
        let error = runner.run(&pipeline, &catalog, RunOptions::new()).unwrap_err();
        let told = error.to_string().replace(&path.display().to_string(), "catalog.yml");
        let expected = [
            "catalog.yml:1: dataset `cvs.a` of the pattern `{kind}.{name}`: unknown type `cvs`",
            "catalog.yml:1: dataset `csv.ab` of the pattern `{kind}.{name}`: `delimiter` is one",
        ];
        assert!(expected.iter().all(|expected| told.contains(expected)), "{told}");
        assert_eq!(error.problems().len(), 2);
    });
}

#[test]
fn run_reads_and_writes_by_patterns_and_leaves_the_catalog_alone() {
    const RAW: Data<str> = Data::text("raw_txt");
    const LONG: Data<str> = Data::text("long_txt");
    const KEPT: Data<usize> = Data::memory("kept");
    let folder = Folder::new();
    folder.write("raw.txt", "abc");
    let yaml = "'{name}_txt': {type: text, path: '${data}/{name}.txt'}\n'{any}': {type: memory}\n";
    let catalog = Catalog::builder()
        .yaml_file(folder.write("catalog.yml", yaml))
        .variable("data", folder.path("").display().to_string())
        .build()
        .unwrap();
    let pipeline = Pipeline::new([
        node(|raw: &str| raw.repeat(2)).reads(RAW).writes(LONG).named("double"),
        node(|long: &str| long.len()).reads(LONG).writes(KEPT).named("measure"),
    ])
    .unwrap();
    let before = format!("{catalog:?}");
    with_each_runner(|runner| {
        let mut report = runner.run(&pipeline, &catalog, RunOptions::new()).unwrap();
        assert_eq!(fs::read_to_string(folder.path("long.txt")).unwrap(), "abcabc");
        // It is registered, and so no free output; and it is the run's alone.
        assert_eq!(report.take_output(&KEPT), None);
        assert!(!catalog.exists("kept").unwrap());
        assert_eq!(format!("{catalog:?}"), before);
        fs::remove_file(folder.path("long.txt")).unwrap();
    });
    assert_eq!(catalog.path("raw_txt"), None::<&Path>, "it is not bound itself");
}

#[test]
fn name_is_no_way_out_of_the_folder_of_its_pattern() {
    let catalog = catalog(
        "'{layer}_{name}': {type: text, path: 'data/{layer}/{name}.txt'}\n\
         '{name}-up': {type: text, path: '../{name}'}\n\
         '{name}~': {type: text, path: 'data/.{name}/x'}\n",
    );
    assert_eq!(place(&catalog, "raw_flights"), "data/raw/flights.txt");
    assert_eq!(place(&catalog, "a-up"), "../a");
    for name in [".._escaped", "..-up", ".~"] {
        let text = Data::text("text").named(name);
        let error = catalog.load(&text).unwrap_err().to_string();
        assert!(error.contains("leads to a folder above"), "{name}: {error}");
    }
}
