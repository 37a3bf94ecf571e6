//! The text of a catalog file: a catalog comes of it, or what is wrong with which
//! lines; soon, and without a panic.

#![no_main]

use entourage::Catalog;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let built = Catalog::builder()
        .yaml_text("catalog.yml", text)
        .parameters_text("parameters.yml", text)
        .variable("v", "x{y}")
        .credentials("c", "secret-of-the-test")
        .build();
    match built {
        Ok(catalog) => {
            let names: Vec<_> = catalog.names().chain(catalog.patterns()).collect();
            for name in names {
                let shown = catalog.describe(&name.replace(['{', '}'], ""));
                let shown = shown.map_or_else(|error| error.to_string(), |shown| shown.to_string());
                assert!(!shown.contains("secret-of-"));
            }
        }
        Err(error) => {
            for problem in error.problems() {
                let line = ["catalog.yml:", "parameters.yml:"]
                    .iter()
                    .find_map(|file| problem.split_once(file))
                    .and_then(|(_, rest)| rest.split(|c: char| !c.is_ascii_digit()).next());
                let line = line.and_then(|line| line.parse::<usize>().ok());
                let lines = text.split(['\n', '\r']).count();
                assert!(line.is_some_and(|line| (1..=lines).contains(&line)), "{problem}");
                assert!(!problem.contains("secret-of-"));
            }
        }
    }
});
