//! The log lines of nodes in a report.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::super::log_tail::tail;
use super::{Script, data, written};
use crate::events::RunEnd;

/// The logs that are in the report of a run with a folder, in which node 0 is done
/// and node 1 failed.
fn logs(folder: &Path) -> Value {
    let mut script = Script::new("nightly", vec![written("a", &[]), written("b/b", &[])]);
    script.run(0, 1, 2);
    script.fail(1, 3, 4, "no");
    script.end(5, RunEnd::Failed);
    script.record.folder = Some(folder.to_owned());
    data(&script.record.to_html())["logs"].take()
}

fn write(folder: &Path, name: &str, lines: impl Iterator<Item = String>) {
    fs::create_dir_all(folder.join("nodes")).unwrap();
    let text: String = lines.map(|line| line + "\n").collect();
    fs::write(folder.join("nodes").join(name), text).unwrap();
}

fn said(message: impl std::fmt::Display) -> String {
    format!(
        r#"{{"time":"2026-11-21T05:15:05.968618Z","level":"INFO","message":"{message}","node":"a","target":"t","fields":{{"rows":3,"who":"x"}},"spans":[{{"name":"request","fields":{{"id":7}}}}]}}"#
    )
}

#[test]
fn a_node_that_failed_has_the_last_two_hundred_lines_of_its_log() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "b%2Fb.1.jsonl", (0..300).map(said));
    let logs = logs(folder.path());
    let lines = logs[0]["lines"].as_array().unwrap();
    assert_eq!((&logs[0]["node"], &logs[0]["is_cut"], lines.len()), (&json!(1), &json!(true), 200));
    let last =
        json!(["2026-11-21T05:15:05.968618Z", "INFO", "t", "299", "rows=3 who=x request{id=7}"]);
    assert_eq!(lines[199], last);
}

#[test]
fn a_node_that_is_done_has_the_last_fifty_lines_of_its_log() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "a.1.jsonl", (0..51).map(said));
    let logs = logs(folder.path());
    let lines = logs[0]["lines"].as_array().unwrap();
    assert_eq!((lines.len(), &lines[0][3]), (50, &json!("1")));
}

#[test]
fn a_line_that_is_torn_or_no_json_is_shown_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let torn = ["{\"time\":\"2026".to_owned(), "[1]".to_owned()];
    write(folder.path(), "b%2Fb.1.jsonl", torn.into_iter());
    let lines = &logs(folder.path())[0]["lines"];
    assert_eq!(*lines, json!([["", "", "", "{\"time\":\"2026", ""], ["", "", "", "[1]", ""]]));
}

#[test]
fn a_log_that_cannot_be_read_is_told_and_nothing_else_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "a.1.jsonl", [said("here")].into_iter());
    fs::create_dir(folder.path().join("nodes/b%2Fb.1.jsonl")).unwrap();
    let logs = logs(folder.path());
    assert!(logs[0]["error"].is_string(), "{logs}");
    assert_eq!(logs[1]["lines"][0][3], "here");
}

#[test]
fn logs_are_cut_to_what_a_page_can_bear() {
    let folder = tempfile::tempdir().unwrap();
    write(
        folder.path(),
        "b%2Fb.1.jsonl",
        (0..200).map(|at| said(format!("{at}{}", "x".repeat(100_000)))),
    );
    let logs = logs(folder.path());
    assert!(logs.to_string().len() < 1_300_000, "{}", logs.to_string().len());
    assert_eq!(logs[0]["is_cut"], true);
}

#[test]
fn the_end_of_a_file_is_whole_lines() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    fs::write(&path, format!("{}\nlast\n", "x".repeat(600_000))).unwrap();
    let end = tail(&path, 5).unwrap();
    assert_eq!((end.lines, end.is_cut), (vec!["last".to_owned()], true));
    fs::write(&path, b"a\n\xff\nb").unwrap();
    let end = tail(&path, 2).unwrap();
    assert_eq!((end.lines, end.is_cut), (vec!["\u{fffd}".to_owned(), "b".to_owned()], true));
    fs::write(&path, "").unwrap();
    assert_eq!(tail(&path, 2).unwrap().lines, [""; 0]);
}
