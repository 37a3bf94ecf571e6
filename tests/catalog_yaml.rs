//! A catalog read from YAML: the file alone decides where and in which format a
//! dataset lives, and what is wrong with it is said with its line, all at once.

#![cfg(feature = "pipeline")]

#[expect(dead_code, reason = "each test file needs some of the helpers")]
#[path = "support/pipelines.rs"]
mod pipelines;

use std::collections::BTreeMap;
use std::path::Path;

use entourage::{
    Catalog, CatalogBuilder, Data, FileDataset, Pipeline, RunOptions, SequentialRunner, node,
};
use pipelines::Folder;
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// The problems of a catalog file, without the folder that it is in.
#[track_caller]
fn problems(yaml: &str) -> Vec<String> {
    let folder = Folder::new();
    let path = folder.write("catalog.yml", yaml);
    told(Catalog::builder().variable("data", "/data").yaml_file(path), &folder)
}

#[track_caller]
fn told(builder: CatalogBuilder, folder: &Folder) -> Vec<String> {
    let error = builder.build().expect_err("the catalog is sound");
    let place = format!("{}/", folder.path("").display()).replace("//", "/");
    error.problems().iter().map(|problem| problem.replace(&place, "")).collect()
}

#[track_caller]
fn sound(yaml: &str) -> Catalog {
    let folder = Folder::new();
    let path = folder.write("catalog.yml", yaml);
    let builder = Catalog::builder().variable("data", "/data").variable("ext", "gz");
    builder.yaml_file(path).build().unwrap()
}

/// A parameter as a node sees it.
fn parameter<T: DeserializeOwned + Clone + Send + Sync + 'static>(
    catalog: &Catalog,
    path: &'static str,
) -> Result<T, String> {
    const SEEN: &str = "seen";
    let seen: Data<T> = Data::memory(SEEN);
    let read = node(|value: &T| value.clone()).reads(Data::<T>::parameter(path)).writes(seen);
    let pipeline = Pipeline::new([read.named("read")]).unwrap();
    let report = SequentialRunner::new().run(&pipeline, catalog, RunOptions::new());
    let mut report = report.map_err(|error| error.problems().join("\n"))?;
    Ok(report.take_output(&Data::<T>::memory(SEEN)).unwrap())
}

#[track_caller]
fn parameters(yaml: &str, set: impl FnOnce(CatalogBuilder) -> CatalogBuilder) -> Catalog {
    let folder = Folder::new();
    let path = folder.write("parameters.yml", yaml);
    set(Catalog::builder().parameters_file(path)).build().unwrap()
}

#[test]
fn entry_binds_a_name_to_a_file_of_a_format() {
    let catalog = sound(
        "flights:\n  type: csv\n  path: ${data}/flights.csv.${ext}\n  missing: [NA, '-']\n  \
         delimiter: ';'\nmodel:\n  type: json\n  path: ${data}/${ext}/m.json\n\
         lines: {type: jsonl, path: a.jsonl}\nnote: {type: text, path: note.md}\n\
         image: {type: bytes, path: a.png}\nkept: {type: memory}\n",
    );
    let names: Vec<_> = catalog.names().collect();
    assert_eq!(names, ["flights", "image", "kept", "lines", "model", "note"]);
    assert_eq!(catalog.path("flights"), Some(Path::new("/data/flights.csv.gz")));
    assert_eq!(catalog.path("model"), Some(Path::new("/data/gz/m.json")));
    assert_eq!(catalog.path("kept"), None);
}

#[test]
fn empty_file_is_an_empty_catalog() {
    for yaml in ["", "# nothing yet\n", "---\n", "~\n", "{}\n"] {
        assert_eq!(sound(yaml).names().count(), 0, "{yaml:?}");
    }
}

#[test]
fn everything_wrong_is_said_at_once_each_with_its_line() {
    let found = problems(
        "flights:\n  type: csv\n  path: a.csv\n  delimeter: ';'\nairports:\n  type: cvs\n  \
         path: b.csv\nplanes:\n  path: c.csv\nweather:\n  type: json\nroutes: a.csv\n\
         params:top: 3\nkept:\n  type: memory\n  path: d.csv\nfolder:\n  type: text\n  \
         path: out/\nelse:\n  type: text\n  path: ${date}/a.txt\nopen:\n  type: text\n  \
         path: ${data\nwide:\n  type: csv\n  path: e.csv\n  delimiter: ';;'\nquote:\n  \
         type: csv\n  path: f.csv\n  delimiter: '\"'\nnumber:\n  type: csv\n  path: 7\n  \
         missing: [NA, 0]\n",
    );
    let frames = if cfg!(feature = "polars") { " `parquet`, `arrow`," } else { "" };
    let types =
        format!("`csv`, `json`, `jsonl`, `msgpack`,{frames} `text`, `bytes`, `memory`, `cached`");
    let expected = [
        "4: dataset `flights`: unknown key `delimeter` (type csv takes `type`, `path`, \
         `versioned`, `delimiter`, `missing`, `storage_options`, `credentials`); did you mean `delimiter`?",
        &format!("6: dataset `airports`: unknown type `cvs` (one of {types})"),
        &format!("8: dataset `planes`: the `type` is missing (one of {types})"),
        "10: dataset `weather`: the `path` is missing",
        "12: dataset `routes`: expected a map with a `type`, found `\"a.csv\"`",
        "13: dataset `params:top`: a parameter belongs in the parameters file",
        "16: dataset `kept`: unknown key `path` (type memory takes `type`)",
        "19: dataset `folder`: `path` is to name a file, found `out/`",
        "22: dataset `else`: unknown variable `date` (known: `data`); did you mean `data`?",
        "25: dataset `open`: `${data`: the `${` is not closed",
        "29: dataset `wide`: `delimiter` is one ASCII character, found `;;`",
        "33: dataset `quote`: `delimiter` is one ASCII character, not a quote or a line end, \
         found `\\\"`",
        "36: dataset `number`: `path` is to be text, found `7`",
        "37: dataset `number`: `missing` is to be text, found `0`",
    ];
    let expected = expected.map(|problem| format!("catalog.yml:{problem}"));
    for (found, expected) in found.iter().zip(&expected) {
        assert_eq!(found, expected);
    }
    assert_eq!(found.len(), expected.len());
}

#[test]
fn file_that_is_no_map_of_names_is_told_with_its_line() {
    let cases = [
        ("- a\n- b\n", "1: expected a map of names, found a list"),
        ("just text\n", "1: expected a map of names, found `\"just text\"`"),
        ("a: {type: text, path: b}\n---\nc: 1\n", "3: a second document; the file is to hold one"),
        ("a:\n  type: csv\n  type: json\n", "3: duplicated key in mapping"),
        ("a: {type: text, path: b}\nb: 1\na: 2\n", "3: duplicated key in mapping"),
        ("a:\n  - b\n  c: 1\n", "3: "),
        ("a: !secret b\n", "1: the tag `!secret` is not known"),
        ("a: *nowhere\n", "1: "),
        ("? [a, b]\n: 1\n", "1: a key is to be text"),
        ("a: &x {type: text}\n<<: 3\n", "2: `<<` takes a map, as in `<<: *anchor`, found `3`"),
    ];
    for (yaml, expected) in cases {
        let found = problems(yaml);
        assert_eq!(found.len(), 1, "{yaml:?}: {found:?}");
        let expected = format!("catalog.yml:{expected}");
        assert!(found[0].starts_with(&expected), "{yaml:?}: {} for {expected}", found[0]);
    }
}

#[test]
fn tabs_and_open_brackets_are_told_with_their_line() {
    for (yaml, line) in [("a:\n\ttype: csv\n", 2), ("a: {type: csv\nb: c\n", 2), ("a: \"open\n", 2)]
    {
        let found = problems(yaml);
        assert_eq!(found.len(), 1, "{found:?}");
        let told: usize = found[0].split(':').nth(1).unwrap().parse().unwrap();
        assert!(told.abs_diff(line) <= 1, "{yaml:?}: {found:?}");
    }
}

#[test]
fn files_that_cannot_be_read_are_all_told() {
    let folder = Folder::new();
    folder.write("latin.yml", b"a: \xff\n");
    let builder = Catalog::builder()
        .yaml_file(folder.path("none.yml"))
        .yaml_file(folder.path("latin.yml"))
        .parameters_file(folder.path("no_parameters.yml"));
    let found = told(builder, &folder);
    assert_eq!(found.len(), 3, "{found:?}");
    assert!(found[0].starts_with("none.yml: No such file"), "{found:?}");
    assert!(found[1].starts_with("latin.yml: stream did not contain valid UTF-8"), "{found:?}");
    assert!(found[2].starts_with("no_parameters.yml: No such file"), "{found:?}");
}

#[test]
fn name_bound_twice_is_told_with_both_places() {
    let folder = Folder::new();
    let one = folder.write("one.yml", "a: {type: memory}\nb: {type: memory}\n");
    let two = folder.write("two.yml", "\nb: {type: memory}\n");
    let builder = Catalog::builder()
        .yaml_file(one)
        .yaml_file(two)
        .file("a", FileDataset::text("a.txt"))
        .memory("c")
        .memory("c");
    let found = told(builder, &folder);
    let expected = [
        "`b` is bound twice: in one.yml:2 and in two.yml:2",
        "`a` is bound twice: in one.yml:1 and in the program",
        "`c` is bound twice: in the program and in the program",
    ];
    assert_eq!(found, expected);
}

#[test]
fn names_with_an_underscore_in_front_are_for_anchors() {
    let catalog = sound(
        "_missing: &na [NA, '']\n_table: &table\n  type: csv\n  missing: *na\n\
         _data: &folder {path: none}\n\
         flights:\n  <<: *table\n  path: flights.csv\n\
         planes: {<<: [*table, *folder], path: planes.csv}\n\
         airports: {type: csv, path: airports.csv, missing: *na}\n",
    );
    assert_eq!(catalog.names().collect::<Vec<_>>(), ["airports", "flights", "planes"]);
    assert_eq!(catalog.path("planes"), Some(Path::new("planes.csv")));
    assert_eq!(catalog.path("flights"), Some(Path::new("flights.csv")));
}

#[test]
fn merged_keys_give_way_to_own_ones_and_to_earlier_ones() {
    let catalog = sound(
        "_a: &a {type: text, path: a}\n_b: &b {type: text, path: b}\n\
         first: {<<: [*b, *a]}\nown: {<<: *a, path: own}\n",
    );
    assert_eq!(catalog.path("first"), Some(Path::new("b")));
    assert_eq!(catalog.path("own"), Some(Path::new("own")));
}

#[test]
fn parameters_are_read_by_dotted_paths_at_every_depth() {
    #[derive(Clone, Debug, PartialEq, Deserialize)]
    struct Routes {
        top: usize,
        share: f64,
        names: Vec<String>,
    }
    let catalog = parameters(
        "title: January\nroutes:\n  top: 20\n  share: 1\n  names: [a, b]\n  deep: {er: true}\n\
         limits: {1.5: 3, x: 4}\nnothing: ~\n",
        |builder| builder,
    );
    assert_eq!(parameter(&catalog, "title"), Ok("January".to_owned()));
    assert_eq!(parameter(&catalog, "routes.top"), Ok(20_u8));
    assert_eq!(parameter(&catalog, "routes.deep.er"), Ok(true));
    assert_eq!(parameter(&catalog, "nothing"), Ok(None::<u32>));
    let names = vec!["a".to_owned(), "b".to_owned()];
    assert_eq!(parameter(&catalog, "routes"), Ok(Routes { top: 20, share: 1.0, names }));
    let limits = BTreeMap::from([("1.5".to_owned(), 3), ("x".to_owned(), 4)]);
    assert_eq!(parameter(&catalog, "limits"), Ok(limits));
    assert_eq!(parameter(&catalog, "limits.1.5"), Ok(3));
}

#[test]
fn parameter_set_by_the_program_replaces_one_of_the_file_wherever_it_is_read() {
    type Map = BTreeMap<String, u32>;
    let file = "a:\n  b: 1\n  c: 2\nd: 3\n";
    let map = |entries: &[(&str, u32)]| -> Map {
        entries.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect()
    };
    let set = |path: &'static str, value: u32| (Data::<u32>::parameter(path), value);

    // A leaf, and so the map around it.
    let (data, value) = set("a.b", 7);
    let catalog = parameters(file, |builder| builder.parameter(&data, value));
    assert_eq!(parameter(&catalog, "a.b"), Ok(7));
    assert_eq!(parameter(&catalog, "a"), Ok(map(&[("b", 7), ("c", 2)])));

    // A new leaf.
    let (data, value) = set("a.e", 8);
    let catalog = parameters(file, |builder| builder.parameter(&data, value));
    assert_eq!(parameter(&catalog, "a"), Ok(map(&[("b", 1), ("c", 2), ("e", 8)])));

    // A map, and so the leaves in it.
    let whole = map(&[("b", 9)]);
    let catalog =
        parameters(file, |builder| builder.parameter(&Data::<Map>::parameter("a"), whole));
    assert_eq!(parameter(&catalog, "a.b"), Ok(9));
    assert!(!catalog.contains("params:a.c"));

    // Without a file; the last one counts.
    let (data, value) = set("x.y", 1);
    let builder = Catalog::builder().parameter(&data, value).parameter(&data, 2);
    let catalog = builder.build().unwrap();
    assert_eq!(parameter(&catalog, "x"), Ok(map(&[("y", 2)])));
}

#[test]
fn parameter_in_two_files_is_told_once() {
    let folder = Folder::new();
    let one = folder.write("one.yml", "a:\n  b: 1\nc: 2\n");
    let two = folder.write("two.yml", "d: 1\na: {b: 2, e: 3}\n");
    let builder = Catalog::builder().parameters_file(one).parameters_file(two);
    let found = told(builder, &folder);
    assert_eq!(found, ["`params:a` is bound twice: in one.yml:1 and in two.yml:2"]);
}

#[test]
fn parameter_of_another_type_is_told_before_the_run() {
    let catalog = parameters("routes:\n  top: many\n", |builder| builder);
    let told = parameter::<usize>(&catalog, "routes.top").unwrap_err();
    assert!(told.starts_with("parameter `routes.top` ("), "{told}");
    let expected = "parameters.yml:2): expected a usize, found `\"many\"`: \
                    invalid type: string \"many\", expected usize";
    assert!(told.ends_with(expected), "{told}");
    let told = parameter::<usize>(&catalog, "routes.tap").unwrap_err();
    let expected = "parameter `routes.tap` has no value; it is wanted by `read`; \
                    did you mean `routes.top`?";
    assert_eq!(told, expected);
}

#[test]
fn what_is_wrong_from_rust_is_told_too() {
    let builder = Catalog::builder().parameter(&Data::<u32>::memory("n"), 3).file(
        "t",
        FileDataset::csv("t").csv_options(entourage::CsvOptions::default().delimiter(b'\n')),
    );
    let found = told(builder, &Folder::new());
    let expected = [
        "dataset `n` is no parameter",
        "dataset `t`: `delimiter` is one ASCII character, not a quote or a line end, found `\\n`",
    ];
    assert_eq!(found, expected);
}

#[test]
fn clones_share_a_catalog_and_the_empty_one_binds_nothing() {
    let catalog = sound("a: {type: memory}\n");
    assert!(catalog.clone().contains("a"));
    assert_eq!(Catalog::empty().names().count(), 0);
    assert!(Catalog::from_yaml_file("/nowhere/catalog.yml").is_err());
}

#[test]
fn type_that_others_call_otherwise_is_told_what_it_is_called_here() {
    let hint = |kind: &str| {
        let folder = Folder::new();
        let path = folder.write("catalog.yml", format!("a: {{type: {kind}, path: a}}\n"));
        let problems = Catalog::from_yaml_file(path).unwrap_err();
        let [problem] = problems.problems() else { panic!("{problems}") };
        problem.split_once("dataset `a`: ").unwrap().1.to_owned()
    };
    for (kind, meant) in
        [("CSV", "csv"), ("Json", "json"), ("jsonlines", "jsonl"), ("MessagePack", "msgpack")]
    {
        let told = hint(kind);
        assert!(told.ends_with(&format!("; did you mean `{meant}`?")), "{told}");
    }
    if cfg!(not(feature = "polars")) {
        assert_eq!(hint("parquet"), "the type `parquet` needs the crate's feature `polars`");
    }
}
