//! The flights example says what is wrong with what it was given, where, and all
//! of it at once; and leaves no half-written file behind.

#![cfg(feature = "console")]

#[path = "support/flights.rs"]
mod flights;

use std::fs;

use flights::{Ended, Scene};
use serde_json::Value;

/// Runs the program, which must fail with these parts in its message, and write
/// nothing.
#[track_caller]
fn assert_refused(scene: &Scene, args: &[&str], parts: &[&str]) -> Ended {
    let ended = scene.run(args);
    ended.failed(parts);
    assert!(scene.outputs().is_empty());
    ended
}

#[test]
fn a_missing_file_is_named() {
    let scene = Scene::small();
    fs::remove_file(scene.path("data/weather.csv")).unwrap();
    assert_refused(&scene, &[], &["`weather`", "catalog.yml:", "data/weather.csv", "no such file"]);
}

#[test]
fn a_missing_column_is_named_with_what_it_may_be_called() {
    let scene = Scene::small();
    scene.change("data/flights.csv", "arr_delay", "arrdelay");
    let parts = ["`flights`", "data/flights.csv", "column `arr_delay` is missing", "`arrdelay`?"];
    assert_refused(&scene, &[], &parts);
}

#[test]
fn text_where_a_number_belongs_is_shown_with_its_place() {
    for runner in ["thread", "sequential"] {
        let scene = Scene::small();
        scene.change("data/flights.csv", ",20,", ",soon,");
        let parts = ["data/flights.csv", "row 2 (line 3)", "`arr_delay`", "a number", "`soon`"];
        assert_refused(&scene, &["--runner", runner], &parts);
    }
}

#[test]
fn a_row_of_the_wrong_length_is_shown_with_its_place() {
    let scene = Scene::small();
    scene.change("data/flights.csv", "UA,LGA,", "UA,");
    let parts = ["data/flights.csv", "row 2 (line 3)", "9 fields", "10"];
    assert_refused(&scene, &[], &parts);
}

#[test]
fn the_log_of_a_failed_run_says_why() {
    let scene = Scene::small();
    scene.change("data/weather.csv", "39.92", "cold");
    let parts = ["`index_weather`", "data/weather.csv", "row 2 (line 3)", "`temp`", "`cold`"];
    let ended = scene.run(&["--runner", "sequential"]);
    ended.failed(&parts);
    let log = scene.read("out/run.jsonl");
    let error = log.lines().find(|line| line.contains("\"ERROR\"")).unwrap();
    let error: Value = serde_json::from_str(error).unwrap();
    assert_eq!(error["node"], "index_weather");
    assert!(parts[1..].iter().all(|part| error["message"].as_str().unwrap().contains(part)));
}

#[test]
fn a_failed_node_leaves_what_others_have_written_whole() {
    let (good, bad) = (Scene::small(), Scene::small());
    good.run(&["--runner", "sequential"]).done();
    bad.change("data/weather.csv", "39.92", "cold");
    let ended = bad.run(&["--runner", "sequential"]);
    ended.failed(&["`index_weather`"]);
    let (expected, found) = (good.outputs(), bad.outputs());
    assert!(found.iter().all(|(name, content)| expected.get(name) == Some(content)));
    for (node, file) in
        [("carriers", "carriers.csv"), ("hourly", "hourly.csv"), ("fit", "model.json")]
    {
        let mut rows = ended.stderr.lines();
        let row = rows.find(|line| line.starts_with(&format!(" {node} "))).unwrap();
        assert_eq!(row.contains(" done "), found.contains_key(file), "{row}");
    }
    assert!(!found.contains_key("model.json"));
}

#[test]
fn an_empty_file_is_said_to_be_empty() {
    let scene = Scene::small();
    scene.write("data/flights.csv", "");
    assert_refused(&scene, &[], &["`flights`", "data/flights.csv", "is empty", "header"]);
}

#[cfg(unix)]
#[test]
fn compressed_data_that_are_cut_off_are_said_to_be() {
    let scene = Scene::small();
    let header_only = scene.read("data/flights.csv").lines().next().unwrap().to_owned();
    let many: String =
        (0..20_000).map(|at| format!("1,517,{at},11,UA,EWR,IAH,{at},5,2013\n")).collect();
    scene.write("data/flights.csv", header_only + "\n" + &many);
    scene.gzip("data/flights.csv");
    scene.change("catalog.yml", "flights.csv", "flights.csv.gz");
    let whole = fs::read(scene.path("data/flights.csv.gz")).unwrap();
    // Within the header, which is looked at before the run, and far behind it.
    for kept in [20, whole.len() - 5] {
        scene.write("data/flights.csv.gz", &whole[..kept]);
        assert_refused(&scene, &[], &["`flights`", "data/flights.csv.gz", "cut off"]);
    }
    scene.write("data/flights.csv.gz", "day,dep_time\n");
    assert_refused(&scene, &[], &["`flights`", "data/flights.csv.gz", "gzip"]);
}

#[test]
fn an_unknown_key_of_the_catalog_is_named_with_its_line() {
    let scene = Scene::small();
    scene.change("catalog.yml", "missing:", "mising:");
    let parts = ["catalog.yml:7:", "`flights`", "unknown key `mising`", "did you mean `missing`?"];
    assert_refused(&scene, &[], &parts);
    assert!(!scene.path("out").exists());
}

#[test]
fn an_unknown_key_of_the_parameters_is_named_with_its_line() {
    let scene = Scene::small();
    scene.change("parameters.yml", "top:", "topp:");
    let missing = "parameter `routes.top` has no value; it is wanted by `routes`";
    let unused = "parameter `routes.topp` (parameters.yml:2): no node of the pipeline uses it";
    assert_refused(&scene, &[], &[missing, unused, "did you mean `routes.top`?"]);
}

#[test]
fn a_misspelt_dataset_is_both_missed_and_not_used() {
    let scene = Scene::small();
    scene.change("catalog.yml", "\nflights:", "\nfligths:");
    let missing = "dataset `flights` is not in the catalog, and no node writes it";
    let unused = "dataset `fligths` (catalog.yml:4): no node of the pipeline uses it";
    assert_refused(&scene, &[], &[missing, unused, "mean `fligths`?", "mean `flights`?"]);
}

#[test]
fn files_that_are_no_yaml_or_not_there_are_named() {
    let scene = Scene::small();
    scene.write("catalog.yml", "flights: [unclosed\n");
    assert_refused(&scene, &["--parameters", "none.yml"], &["catalog.yml:", "none.yml: "]);
}

#[test]
fn a_parameter_of_the_wrong_kind_is_shown_with_its_line() {
    for (found, shown) in [("many", "many"), ("-3", "-3"), ("2.5", "2.5"), ("[1]", "[1]")] {
        let scene = Scene::small();
        scene.change("parameters.yml", "top: 20", &format!("top: {found}"));
        assert_refused(&scene, &[], &["`routes.top`", "parameters.yml:2", shown]);
    }
}

#[test]
fn a_run_needs_a_worker() {
    let scene = Scene::small();
    assert_refused(&scene, &["--threads", "0"], &["num_threads is 0", "at least 1"]);
    assert!(!scene.path("out").exists());
}

#[test]
fn an_output_folder_that_is_a_file_is_refused() {
    for perf in [&[][..], &["--perf"]] {
        let scene = Scene::small();
        scene.write("file", "mine");
        for out in ["file", "file/out"] {
            scene.run(&[&["--out", out], perf].concat()).failed(&[out, "folder", "cannot be"]);
        }
        assert_eq!(scene.read("file"), "mine");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn an_output_folder_that_cannot_be_made_is_refused() {
    let scene = Scene::small();
    for perf in [&[][..], &["--perf"]] {
        assert_refused(
            &scene,
            &[&["--out", "/proc/nope"], perf].concat(),
            &["/proc/nope", "cannot be"],
        );
    }
}

#[test]
fn an_output_that_is_a_folder_is_refused() {
    let scene = Scene::small();
    fs::create_dir_all(scene.path("out/model.json")).unwrap();
    scene.run(&[]).failed(&["`model`", "out/model.json", "is a folder"]);
    let left = fs::read_dir(scene.path("out")).unwrap().map(|entry| entry.unwrap().file_name());
    assert!(left.into_iter().all(|name| name == "model.json" || name == "run.jsonl"));
}

#[test]
fn a_log_that_cannot_be_created_is_refused() {
    let scene = Scene::small();
    assert_refused(&scene, &["--log", "no/run.jsonl"], &["the run log `no/run.jsonl`"]);
    assert!(!scene.path("no").exists());
}

#[cfg(target_os = "linux")]
#[test]
fn a_log_that_is_lost_fails_the_program_but_not_the_run() {
    let scene = Scene::small();
    let ended = scene.run(&["--log", "/dev/full"]);
    ended.failed(&["the run log `/dev/full`", "lost"]);
    assert!(ended.stdout.contains("outputs: out\n"));
    assert_eq!(scene.outputs().len(), 6);
}

#[test]
fn several_problems_are_said_at_once() {
    let scene = Scene::small();
    fs::remove_file(scene.path("data/airlines.csv")).unwrap();
    scene.change("data/flights.csv", "carrier", "airline");
    scene.change("parameters.yml", "top: 20", "top: many");
    scene.change("catalog.yml", "\nhourly:", "\nby_hour:");
    let parts = ["data/airlines.csv", "`carrier`", "`routes.top`", "`by_hour`"];
    let ended = assert_refused(&scene, &[], &parts);
    assert_eq!(ended.stderr.matches("\n  - ").count(), parts.len(), "{}", ended.stderr);
}

#[test]
fn help_names_every_option_and_an_unknown_one_is_refused() {
    let scene = Scene::small();
    let help = scene.run(&["--help"]).done();
    for option in ["data", "out", "runner", "threads", "perf", "log", "catalog", "parameters"] {
        assert!(help.contains(&format!("  --{option}")), "{help}");
    }
    let unknown = scene.run(&["--fast"]);
    assert!(unknown.code == Some(2) && unknown.stderr.contains("'--fast'"), "{}", unknown.stderr);
    assert!(scene.outputs().is_empty());
}

#[test]
fn a_reader_that_has_gone_does_not_undo_the_run() {
    let scene = Scene::small();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let ended = scene.command(&[]).stdout(writer).output().unwrap();
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    assert_eq!(scene.outputs().len(), 6);
}
