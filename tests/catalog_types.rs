//! Dataset types of one's own, by name from a catalog file.

#![cfg(feature = "pipeline")]

#[expect(dead_code, reason = "each test file needs some of the helpers")]
#[path = "support/pipelines.rs"]
mod pipelines;

use std::convert::Infallible;
use std::error::Error;

use entourage::{Catalog, CatalogBuilder, Data, Dataset, Pipeline, RunOptions, node};
use pipelines::{Folder, with_each_runner};
use serde::Deserialize;

type BoxError = Box<dyn Error + Send + Sync>;

const GREETING: Data<str> = Data::text("greeting");

#[derive(Deserialize)]
struct Options {
    text: String,
    #[serde(default = "once")]
    times: usize,
    #[serde(default)]
    style: Style,
}

#[derive(Default, Deserialize)]
struct Style {
    #[serde(default)]
    upper: bool,
    #[serde(default)]
    ends: Vec<char>,
}

fn once() -> usize {
    1
}

/// Says what its options say.
struct Echo(String);

impl Dataset<str> for Echo {
    fn load(&self) -> Result<String, BoxError> {
        Ok(self.0.clone())
    }

    fn save(&self, _: &str) -> Result<(), BoxError> {
        Err("an echo cannot be written".into())
    }

    fn exists(&self) -> Result<bool, BoxError> {
        Ok(true)
    }
}

fn echo(options: Options) -> Result<Echo, String> {
    let Options { text, times, style } = options;
    if times == 0 {
        return Err("`times` is at least 1".to_owned());
    }
    assert!(times < 100, "too often");
    let ends = style.ends.iter().collect::<String>();
    let text = if style.upper { text.to_uppercase() } else { text };
    Ok(Echo(text.repeat(times) + &ends))
}

fn builder(folder: &Folder, yaml: &str) -> CatalogBuilder {
    let path = folder.write("catalog.yml", yaml);
    Catalog::builder().yaml_file(path).variable("who", "world").dataset_type("my.echo", echo)
}

fn problems(yaml: &str) -> Vec<String> {
    let folder = Folder::new();
    let error = builder(&folder, yaml).build().unwrap_err();
    let shown = folder.path("catalog.yml").display().to_string();
    error.problems().iter().map(|problem| problem.replace(&shown, "catalog.yml")).collect()
}

#[test]
fn options_arrive_with_variables_and_placeholders_filled() {
    let folder = Folder::new();
    let yaml = "greeting: {type: my.echo, text: 'hello ${who}'}\n\
                '{name}_echo':\n  type: my.echo\n  text: '{name}'\n  times: 2\n  style:\n    \
                upper: true\n    ends: ['!', '{name}']\n\
                kept: {type: cached, dataset: {type: my.echo, text: kept}}\n";
    let catalog = builder(&folder, yaml).build().unwrap();
    assert_eq!(*catalog.load(&GREETING).unwrap(), "hello world");
    assert_eq!(*catalog.load(&GREETING.named("a_echo")).unwrap(), "AA!a");
    assert_eq!(*catalog.load(&GREETING.named("kept")).unwrap(), "kept");
    assert_eq!(catalog.describe("greeting").unwrap().kind(), "my.echo");
    assert_eq!(catalog.describe("kept").unwrap().kind(), "cached my.echo");
}

#[test]
fn node_reads_from_it_in_every_runner() {
    const LENGTH: Data<usize> = Data::memory("length");
    let folder = Folder::new();
    let catalog = builder(&folder, "greeting: {type: my.echo, text: abc}\n").build().unwrap();
    let length = node(|text: &str| text.len()).reads(GREETING).writes(LENGTH).named("length");
    let pipeline = Pipeline::new([length]).unwrap();
    with_each_runner(|runner| {
        let mut report = runner.run(&pipeline, &catalog, RunOptions::new()).unwrap();
        assert_eq!(report.take_output(&LENGTH), Some(3));
    });
}

#[test]
fn wrong_options_are_told_all_at_once_with_their_lines() {
    let found = problems(
        "a:\n  type: my.echo\n  text: x\n  tims: 2\n  style:\n    upper: true\n    lower: true\n\
         b:\n  type: my.echo\n  text: x\n  times: many\n\
         c:\n  type: my.echo\n\
         d:\n  type: my.echo\n  text: x\n  style:\n    ends:\n      - a\n      - bc\n\
         e: {type: my.echo, text: x, times: 0}\n\
         f: {type: my.echo, text: x, times: 100}\n\
         g: {type: my.eco, text: x}\n\
         h:\n  type: cached\n\
         i:\n  type: cached\n  dataset:\n    type: my.echo\n    txt: x\n\
         j: {type: cached, dataset: 3}\n",
    );
    let frames = if cfg!(feature = "polars") { " `parquet`, `arrow`," } else { "" };
    let types = format!(
        "`csv`, `json`, `jsonl`, `msgpack`,{frames} `text`, `bytes`, `memory`, `cached`, `my.echo`"
    );
    let takes = "the type takes `type`, `text`, `times`, `style`";
    let unknown = format!("23: dataset `g`: unknown type `my.eco` (one of {types}); did you mean");
    let expected = [
        &*format!("4: dataset `a`: unknown key `tims` ({takes}); did you mean `times`?"),
        "7: dataset `a`: unknown key `style.lower`",
        "11: dataset `b`: `times`: invalid type: string \"many\", expected usize",
        "12: dataset `c`: missing field `text`",
        "20: dataset `d`: `style.ends.1`: invalid value: string \"bc\", expected a character",
        "21: dataset `e`: `times` is at least 1",
        "22: dataset `f`: what makes it panicked: too often",
        &format!("{unknown} `my.echo`?"),
        "24: dataset `h`: the `dataset` is missing: a map with the `type` of what is cached",
        "28: dataset `i`: missing field `text`",
        &format!("30: dataset `i`: unknown key `txt` ({takes}); did you mean `text`?"),
        "31: dataset `j`: expected a map with a `type`, found `3`",
    ];
    let expected = expected.map(|what| format!("catalog.yml:{what}"));
    for (found, expected) in found.iter().zip(&expected) {
        assert_eq!(found, expected);
    }
    assert_eq!(found.len(), expected.len(), "{found:?}");
}

#[test]
fn options_of_a_pattern_are_checked_as_far_as_they_are_known() {
    let found = problems(
        "'{n}_a': {type: my.echo, text: '{n}', tims: 2}\n\
         '{n}_b': {type: my.echo, text: '{n}', times: '{n}'}\n\
         '{n}_c': {type: my.echo, text: '{n}', times: many}\n\
         '{n}_d': {type: my.echo}\n\
         '{n}_e': {type: my.echo, text: '{n}', times: 0}\n",
    );
    let takes = "the type takes `type`, `text`, `times`, `style`";
    let expected = [
        &*format!("1: dataset `{{n}}_a`: unknown key `tims` ({takes}); did you mean `times`?"),
        "3: dataset `{n}_c`: `times`: invalid type: string \"many\", expected usize",
        "4: dataset `{n}_d`: missing field `text`",
    ];
    assert_eq!(found, expected.map(|what| format!("catalog.yml:{what}")));
}

#[test]
fn error_of_what_makes_one_of_a_pattern_refuses_the_run() {
    let folder = Folder::new();
    let yaml = "'{n}_e': {type: my.echo, text: '{n}', times: 0}\n\
                '{n}_p': {type: my.echo, text: '{n}', times: 100}\n";
    let catalog = builder(&folder, yaml).build().unwrap();
    let read = |name: &str| {
        let data = Data::<usize>::memory("n").named(format!("length_of_{name}_"));
        node(|text: &str| text.len()).reads(GREETING.named(name)).writes(data).named(name)
    };
    let pipeline = Pipeline::new([read("x_e"), read("x_p")]).unwrap();
    with_each_runner(|runner| {
        let error = runner.run(&pipeline, &catalog, RunOptions::new()).unwrap_err();
        let path = folder.path("catalog.yml").display().to_string();
        let expected = [
            format!("{path}:1: dataset `x_e` of the pattern `{{n}}_e`: `times` is at least 1"),
            format!(
                "{path}:2: dataset `x_p` of the pattern `{{n}}_p`: what makes it panicked: too often"
            ),
        ];
        assert_eq!(error.problems(), expected);
    });
}

#[test]
fn type_given_twice_or_one_of_the_catalogs_own_is_told() {
    let make = |_: Options| Ok::<_, Infallible>(Echo(String::new()));
    let error = Catalog::builder()
        .dataset_type("my.echo", echo)
        .dataset_type("my.echo", make)
        .dataset_type("csv", make)
        .build()
        .unwrap_err();
    let expected = ["the type `my.echo` is given twice", "the type `csv` comes with the catalog"];
    assert_eq!(error.problems(), expected);
}
