//! The flights example's log destroys nothing, and no number makes it hang.

#![cfg(feature = "console")]

#[path = "support/flights.rs"]
#[expect(dead_code, reason = "shared with other tests, which use the rest")]
mod flights;

use std::fs;

use flights::Scene;

#[test]
fn a_log_in_the_place_of_an_input_is_refused_and_the_input_is_whole() {
    let scene = Scene::small();
    let before = scene.read("data/flights.csv");
    scene.run(&["--log", "data/flights.csv"]).failed(&["the log data/flights.csv is also"]);
    assert_eq!(scene.read("data/flights.csv"), before);
}

#[test]
fn a_log_in_the_place_of_an_output_is_refused() {
    let scene = Scene::small();
    scene.run(&["--log", "out/carriers.csv"]).failed(&["the log out/carriers.csv is also"]);
    assert!(scene.outputs().is_empty());
}

#[test]
fn a_run_that_is_refused_leaves_the_log_of_the_one_before() {
    let scene = Scene::small();
    scene.run(&[]).done();
    let before = scene.read("out/run.jsonl");
    fs::remove_file(scene.path("data/weather.csv")).unwrap();
    scene.run(&[]).failed(&["data/weather.csv"]);
    assert!(!before.is_empty());
    assert_eq!(scene.read("out/run.jsonl"), before);
}

#[test]
fn threads_and_files_are_checked_together() {
    let scene = Scene::small();
    fs::remove_file(scene.path("data/weather.csv")).unwrap();
    scene.run(&["--threads", "0"]).failed(&["num_threads is 0", "data/weather.csv"]);
}

#[test]
fn threads_do_not_go_with_the_sequential_runner() {
    let scene = Scene::small();
    scene.run(&["--runner", "sequential", "--threads", "0"]).failed(&["--threads"]);
}

#[test]
fn what_is_no_finite_number_is_shown_with_its_place() {
    for number in ["NaN", "inf", "1e999"] {
        let scene = Scene::small();
        let (header, rows) = split(&scene);
        scene.write(
            "data/flights.csv",
            format!("{header}\n{}", put(&rows, "arr_delay", &header, number)),
        );
        let found = format!("found `{number}`");
        scene.run(&[]).failed(&["row 1", "column `arr_delay`", "finite number", &found]);
    }
}

#[test]
fn numbers_too_large_to_sum_up_fail_the_model_and_nothing_hangs() {
    let scene = Scene::small();
    let (header, rows) = split(&scene);
    let rows = put(&rows, "arr_delay", &header, "1e300");
    scene.write("data/flights.csv", format!("{header}\n{rows}"));
    scene.run(&[]).failed(&["node `fit`", "too large"]);
}

fn split(scene: &Scene) -> (String, String) {
    let text = scene.read("data/flights.csv");
    let (header, rows) = text.split_once('\n').unwrap();
    (header.to_owned(), rows.to_owned())
}

/// The rows, with `value` in the first row's `column`.
fn put(rows: &str, column: &str, header: &str, value: &str) -> String {
    let at = header.split(',').position(|name| name == column).unwrap();
    let (first, rest) = rows.split_once('\n').unwrap();
    let mut fields: Vec<_> = first.split(',').collect();
    fields[at] = value;
    format!("{}\n{rest}", fields.join(","))
}
