//! Random catalog files: whatever is in one, the catalog is built or says which
//! lines are wrong, soon, and nothing panics. The same that `fuzz/` does with a
//! nightly compiler.

#![cfg(feature = "pipeline")]

use std::convert::Infallible;
use std::error::Error;

use entourage::{Catalog, Dataset};
use proptest::prelude::*;
use serde::Deserialize;

type BoxError = Box<dyn Error + Send + Sync>;

#[derive(Deserialize)]
#[expect(dead_code, reason = "only to be read")]
struct Options {
    url: String,
    #[serde(default)]
    port: u16,
    #[serde(default)]
    more: Vec<Option<f64>>,
}

struct Nothing;

impl Dataset<str> for Nothing {
    fn load(&self) -> Result<String, BoxError> {
        Ok(String::new())
    }

    fn save(&self, _: &str) -> Result<(), BoxError> {
        Ok(())
    }

    fn exists(&self) -> Result<bool, BoxError> {
        Ok(false)
    }
}

/// Builds a catalog of `text`, as a catalog file and as a parameters file, and
/// looks at all that comes of it.
fn look(text: &str) {
    let built = Catalog::builder()
        .yaml_text("catalog.yml", text)
        .parameters_text("parameters.yml", text)
        .variable("v", "x{y}")
        .credentials("c", "secret-of-the-test")
        .dataset_type("my.own", |_: Options| Ok::<_, Infallible>(Nothing))
        .build();
    match built {
        Ok(catalog) => {
            let patterns: Vec<_> = catalog.patterns().map(str::to_owned).collect();
            let names = catalog.names().map(str::to_owned).chain(patterns);
            for name in names.chain(["a.b_csv".to_owned()]) {
                let filled = name.replace(['{', '}'], "");
                // What a pattern makes of a name may be wrong, and is then told.
                match catalog.describe(&filled) {
                    Ok(described) => assert!(!described.to_string().contains("secret-of-")),
                    Err(error) => assert!(!error.to_string().contains("secret-of-")),
                }
            }
        }
        Err(error) => {
            let lines = text.split(['\n', '\r']).count();
            assert!(!error.problems().is_empty());
            for problem in error.problems() {
                let line = ["catalog.yml:", "parameters.yml:"]
                    .iter()
                    .find_map(|file| problem.split_once(file))
                    .map(|(_, rest)| rest.split(|c: char| !c.is_ascii_digit()).next().unwrap());
                let line: usize = line.and_then(|line| line.parse().ok()).unwrap_or(0);
                assert!((1..=lines).contains(&line), "no line of {text:?} is told by {problem:?}");
                assert!(!problem.contains("secret-of-"), "{problem:?}");
            }
        }
    }
}

/// A text that is almost right: entries, options and values that mean something,
/// and some that do not, nested as they come.
fn almost_right() -> impl Strategy<Value = String> {
    let scalar = prop_oneof![
        prop::sample::select(vec![
            "csv",
            "json",
            "text",
            "memory",
            "cached",
            "my.own",
            "a.csv",
            "'{name}'",
            "'{x}.csv'",
            "${v}/a",
            "${none}",
            "'${'",
            "c",
            "1",
            "-0.5",
            "true",
            "~",
            "''",
            "';'",
            "\"\\x41\"",
            "*a",
            "!tag x",
            ".nan",
            "1e999",
            "[",
            "|",
            "'{'",
            "&a x",
            "0x7f",
            "- x",
        ])
        .prop_map(str::to_owned),
        "[a-z{}$:#&*!|>'\"%@`, \\[\\]-]{0,6}",
    ];
    let key = prop_oneof![
        prop::sample::select(vec![
            "type",
            "path",
            "delimiter",
            "missing",
            "credentials",
            "dataset",
            "url",
            "port",
            "more",
            "versioned",
            "<<",
            "'{name}_csv'",
            "'{a}.{b}'",
            "'{any}'",
            "_anchor",
            "a",
            "b",
            "params:a",
            "parameters",
            "? x",
            "&a k",
        ])
        .prop_map(str::to_owned),
        "[a-z{}_.]{1,5}",
    ];
    let value = scalar.prop_map(|scalar| format!(" {scalar}\n")).prop_recursive(4, 24, 4, {
        move |inner| {
            let entry = (key.clone(), inner.clone());
            let map = prop::collection::vec(entry, 1..5).prop_map(|entries| {
                let lines = entries.iter().map(|(key, value)| indented(&format!("{key}:{value}")));
                format!("\n{}", lines.collect::<String>())
            });
            let list = prop::collection::vec(inner, 1..4).prop_map(|items| {
                let lines = items.iter().map(|item| indented(&format!("-{item}")));
                format!("\n{}", lines.collect::<String>())
            });
            prop_oneof![3 => map, 1 => list]
        }
    });
    value.prop_map(|value| {
        // The outermost level is not indented.
        let lines = value.lines().map(|line| line.strip_prefix("  ").unwrap_or(line));
        lines.map(|line| format!("{line}\n")).collect()
    })
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}\n")).collect()
}

/// A file that is right, to be damaged.
const RIGHT: &str = "\
_table: &table {type: csv, missing: [NA, ''], delimiter: ;}
flights: {<<: *table, path: '${v}/flights.csv.gz', versioned: true}
'{space}.{name}_csv':
  type: cached
  dataset:
    <<: *table
    path: data/{space}/{name}.csv
model: {type: json, path: model.json}
page:
  type: my.own
  url: https://example.org/
  port: 8080
  more: [1, ~, 2.5]
'{any}': {type: memory}
";

#[test]
fn what_is_to_be_damaged_is_right() {
    let catalog = Catalog::builder().yaml_text("catalog.yml", RIGHT).variable("v", "data");
    let catalog = catalog.dataset_type("my.own", |_: Options| Ok::<_, Infallible>(Nothing));
    assert_eq!(catalog.build().unwrap().names().count(), 3);
}

#[test]
fn nesting_that_no_one_means_is_told_with_its_line_at_once() {
    let deep = 100_000;
    let levels = |level: &str| level.repeat(deep);
    let cases = [
        (levels("["), 1),
        (levels("{a: "), 1),
        (levels("- "), 1),
        (levels("? "), 1),
        (format!("x:\n  {}", levels("- ")), 2),
        (levels("[\n"), 256),
        ((0..2000).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect(), 65),
        (levels("a: &a [") + "x", 1),
    ];
    for (text, line) in cases {
        look(&text);
        let error = Catalog::builder().yaml_text("catalog.yml", &*text).build().unwrap_err();
        let start = &text[..20];
        assert!(
            error.problems()[0].starts_with(&format!("catalog.yml:{line}:")),
            "{start}: {error}"
        );
    }
}

#[test]
fn anchors_cannot_make_a_small_file_large_or_deep() {
    let lists = |count: usize, each: &str| {
        let line =
            |n: usize| format!("a{n}: &a{n} [{}]\n", each.replace('#', &(n - 1).to_string()));
        (1..count).map(line).collect::<String>()
    };
    let wide = format!("a0: &a0 [x, x, x, x]\n{}", lists(40, "*a#, *a#, *a#, *a#"));
    let deep = format!("a0: &a0 [x]\n{}", lists(5000, "*a#"));
    for (text, what) in [(wide, "more than 1000000 values"), (deep, "nested deeper than 64 levels")]
    {
        look(&text);
        let error = Catalog::builder().yaml_text("catalog.yml", &*text).build().unwrap_err();
        assert!(error.to_string().contains(what), "{error}");
    }
    look("a: &a [*a]\n");
    look("a: &a {b: *a}\n");
    look("a: *b\nb: &b 1\n");
}

#[test]
fn end_of_a_text_is_in_its_last_line() {
    let cases = [
        ("c: {<<", 1),
        ("a:\n  type:", 2),
        ("a:\n  type:\n\n", 2),
        ("a: {type: csv,  ng", 1),
        ("a: \"open", 1),
        ("a:\r\n  type: [", 2),
    ];
    for (text, line) in cases {
        look(text);
        let error = Catalog::builder().yaml_text("catalog.yml", text).build().unwrap_err();
        let told = &error.problems()[0];
        assert!(told.starts_with(&format!("catalog.yml:{line}: ")), "{text:?}: {told}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, ..ProptestConfig::default() })]

    #[test]
    fn file_that_is_almost_right_is_built_or_told(text in almost_right()) {
        look(&text);
    }

    #[test]
    fn damaged_file_is_built_or_told(
        damages in prop::collection::vec((0..RIGHT.len(), 0_usize..4, any::<u8>()), 1..12),
    ) {
        let mut bytes = RIGHT.as_bytes().to_vec();
        for (at, how, byte) in damages {
            let at = at % bytes.len();
            match how {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte & 0x7f),
                2 => drop(bytes.remove(at)),
                _ => {
                    let piece = bytes[at..].iter().take(usize::from(byte) % 40).copied();
                    let piece: Vec<_> = piece.collect();
                    bytes.splice(at..at, piece);
                }
            }
            if bytes.is_empty() {
                bytes.push(byte);
            }
        }
        look(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn any_text_is_built_or_told(text in "\\PC{0,60}|[\\[\\]{}:,&*!|>'\"%@`#?~a \\n\\t-]{0,40}") {
        look(&text);
    }
}
