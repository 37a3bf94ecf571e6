use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::Value;
use tempfile::TempDir;
use tracing::Level;

use super::{LogTotals, MOST_PENDING, NodeLogs};
use crate::context::{LogRecord, LogSink};
use crate::telemetry::limits::LogLimits;

fn logs(limits: LogLimits) -> (TempDir, Arc<NodeLogs>) {
    let folder = tempfile::tempdir().unwrap();
    let logs = NodeLogs::new(
        {
            let path = folder.path().to_owned();
            move || Ok(path.clone())
        },
        limits,
    );
    (folder, logs)
}

fn lines(folder: &TempDir, file: impl AsRef<Path>) -> Vec<Value> {
    let text = fs::read_to_string(folder.path().join(file)).unwrap_or_default();
    assert!(text.is_empty() || text.ends_with('\n'), "{text:?}");
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn messages(folder: &TempDir, file: impl AsRef<Path>) -> Vec<String> {
    let text = |line: &Value| line["message"].as_str().unwrap().to_owned();
    lines(folder, file).iter().map(text).collect()
}

fn info(message: &str) -> LogRecord<'_> {
    LogRecord::new(Level::INFO, message).with_run_id("r1")
}

#[test]
fn each_attempt_has_a_file_and_so_has_what_is_outside_of_nodes() {
    let (folder, logs) = logs(LogLimits::new());
    logs.log(&info("before"));
    logs.log(&info("first").with_node("a", 1));
    logs.log(&info("second").with_node("a", 2));
    logs.log(&info("other").with_node("../../b", 1));
    logs.log(&LogRecord { attempt: None, ..info("of some attempt").with_node("a", 1) });
    assert!(fs::read_dir(folder.path()).unwrap().next().is_none(), "nothing is written yet");
    let one = logs.end_attempt("a", 1);
    assert_eq!((one.lines, one.lost, one.dropped), (1, 0, 0));
    assert_eq!(logs.end_attempt("a", 7), LogTotals::default());
    let all = logs.finish();
    assert_eq!((all.totals.lines, all.problems.len()), (5, 0));
    assert_eq!(messages(&folder, "run.jsonl"), ["before"]);
    assert_eq!(messages(&folder, "nodes/a.1.jsonl"), ["first"]);
    assert_eq!(messages(&folder, "nodes/a.2.jsonl"), ["second"]);
    assert_eq!(messages(&folder, "nodes/a.0.jsonl"), ["of some attempt"]);
    assert_eq!(messages(&folder, NodeLogs::path_of("../../b", 1)), ["other"]);
    assert_eq!(NodeLogs::path_of("../../b", 1).parent(), Some(Path::new("nodes")));
}

#[test]
fn lines_are_written_when_they_are_flushed_or_grave_or_many_and_late_ones_too() {
    let (folder, logs) = logs(LogLimits::new());
    let written = || lines(&folder, "nodes/a.1.jsonl").len();
    let said = |message| info(message).with_node("a", 1);
    logs.log(&said("one"));
    assert_eq!(written(), 0);
    logs.flush();
    assert_eq!(written(), 1);
    logs.log(&said("two"));
    logs.log(&LogRecord { level: Level::ERROR, ..said("three") });
    assert_eq!(written(), 3);
    let long = "long ".repeat(2000);
    logs.log(&said(&long));
    assert_eq!(written(), 4);
    logs.log(&said("five"));
    assert_eq!(logs.end_attempt("a", 1).lines, 5);
    assert_eq!(written(), 5);
    logs.log(&said("late"));
    logs.flush();
    assert_eq!(written(), 6);
    let all = logs.finish().totals;
    assert_eq!(all.lines, 6);
    logs.log(&said("later than everything"));
    assert_eq!(written(), 7);
}

#[test]
fn what_is_beyond_the_cap_is_dropped_and_counted_and_errors_have_room_left() {
    let (folder, logs) = logs(LogLimits::new().attempt_bytes(10_000));
    for at in 0..100 {
        logs.log(&info(&format!("line {at} {}", "x".repeat(100))).with_node("a", 1));
    }
    logs.log(&LogRecord { level: Level::ERROR, ..info("it failed").with_node("a", 1) });
    logs.log(&info("x").with_node("a", 1));
    logs.log(&info("of another").with_node("b", 1));
    let totals = logs.end_attempt("a", 1);
    // Of an attempt that is over the file is as full as it was.
    for _ in 0..2 {
        logs.log(&info("late").with_node("a", 1));
        logs.flush();
    }
    logs.finish();
    let all = lines(&folder, "nodes/a.1.jsonl");
    let kept = all.iter().filter(|line| line["message"].as_str().unwrap().starts_with("line "));
    assert_eq!(kept.count() as u64 + totals.dropped, 101);
    assert!(all.iter().any(|line| line["message"] == "it failed"));
    assert_eq!(all.iter().filter(|line| line["message"] == "late").count(), 1);
    let last =
        &all[all.iter().position(|line| line["fields"]["dropped"] == totals.dropped).unwrap()];
    assert_eq!(
        (&last["level"], &last["node"], &last["run_id"]),
        (&"WARN".into(), &"a".into(), &"r1".into())
    );
    assert_eq!(messages(&folder, "nodes/b.1.jsonl"), ["of another"]);
}

#[test]
fn a_line_said_again_and_again_is_told_with_its_number() {
    let (folder, logs) = logs(LogLimits::new());
    // With three others in between it is still the same.
    for _ in 0..4711 {
        for message in ["a", "b", "c", "d"] {
            logs.log(&info(message).with_node("n", 1));
        }
    }
    let totals = logs.end_attempt("n", 1);
    let all = lines(&folder, "nodes/n.1.jsonl");
    for message in ["a", "b", "c", "d"] {
        let of = all.iter().filter(|line| line["message"] == message);
        let counts: Vec<_> = of.map(|line| line["repeated"].as_u64().unwrap_or(1)).collect();
        assert_eq!(counts, [1, 1, 1, 1, 1, 100, 1000, 3606]);
    }
    assert_eq!(totals.collapsed, 4 * (4711 - 5));
    assert_eq!(totals.lines, 4 * 8);
}

#[test]
fn messages_that_differ_in_a_field_or_a_span_or_are_long_ago_are_not_the_same() {
    let (folder, logs) = logs(LogLimits::new());
    for at in 0..100_u32 {
        let fields = [("at", at.into())];
        logs.log(&info("x").with_node("n", 1).with_fields(&fields));
        let spans = [crate::LogSpan::new("request", &fields)];
        logs.log(&info("x").with_node("n", 1).with_spans(&spans));
        for message in ["b", "c", "d"] {
            logs.log(&info(message).with_node("n", 1));
        }
    }
    assert_eq!(logs.end_attempt("n", 1).collapsed, 0);
    assert_eq!(lines(&folder, "nodes/n.1.jsonl").len(), 500);
}

#[test]
fn what_is_forgotten_is_told_before_what_it_is_forgotten_for() {
    let (folder, logs) = logs(LogLimits::new());
    let say = |message: &str| logs.log(&info(message).with_node("n", 1));
    (0..8).for_each(|_| say("again"));
    ["1", "2", "3", "4"].into_iter().for_each(say);
    say("again");
    logs.finish();
    let told: Vec<_> = lines(&folder, "nodes/n.1.jsonl")
        .iter()
        .map(|line| (line["message"].as_str().unwrap().to_owned(), line["repeated"].as_u64()))
        .collect();
    let told: Vec<_> = told.iter().map(|(message, count)| (&**message, *count)).collect();
    let again = ("again", None);
    let expected = [
        again,
        again,
        again,
        again,
        again,
        ("1", None),
        ("2", None),
        ("3", None),
        ("again", Some(3)),
        ("4", None),
        again,
    ];
    assert_eq!(told, expected);
}

#[test]
fn a_folder_that_takes_no_files_loses_the_lines_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a file");
    fs::write(&file, "").unwrap();
    let logs = NodeLogs::new(move || Ok(file.clone()), LogLimits::new());
    for node in 0..20 {
        logs.log(&info("x").with_node(format!("n{node}"), 1));
    }
    assert_eq!(logs.end_attempt("n0", 1).lost, 1);
    let all = logs.finish();
    assert_eq!((all.totals.lines, all.totals.lost), (0, 20));
    assert_eq!((all.problems.len(), all.more_problems), (16, 4));
    assert!(all.problems[0].contains("n0.1.jsonl") && all.problems[0].contains("1 line lost"));
}

#[test]
fn ten_thousand_attempts_at_once_have_no_file_open_and_little_in_memory() {
    let (folder, logs) = logs(LogLimits::new());
    let text = "x".repeat(1000);
    let most = AtomicU64::new(0);
    std::thread::scope(|threads| {
        for thread in 0..4 {
            let (logs, text, most) = (&logs, &text, &most);
            threads.spawn(move || {
                for node in (0..10_000).filter(|node| node % 4 == thread) {
                    logs.log(&info(text).with_node(format!("n{node}"), 1));
                    most.fetch_max(logs.pending.load(Ordering::Relaxed) as u64, Ordering::Relaxed);
                }
            });
        }
    });
    // A line more of each thread.
    let most = most.into_inner() as usize;
    assert!(most > MOST_PENDING / 2 && most <= MOST_PENDING + 4 * 1500, "{most}");
    #[cfg(target_os = "linux")]
    {
        let open = fs::read_dir("/proc/self/fd").unwrap();
        let open = open.filter_map(|file| fs::read_link(file.unwrap().path()).ok());
        assert_eq!(open.filter(|path| path.starts_with(folder.path())).count(), 0);
    }
    let all = logs.finish();
    assert_eq!((all.totals.lines, all.totals.lost), (10_000, 0));
    assert_eq!(fs::read_dir(folder.path().join("nodes")).unwrap().count(), 10_000);
    assert_eq!(logs.pending.load(Ordering::Relaxed), 0);
}

#[test]
fn no_line_is_lost_or_torn_while_attempts_end_under_it() {
    const LINES: u64 = 2_000;
    let (folder, logs) = logs(LogLimits::new());
    let said = AtomicU64::new(0);
    let ended = std::thread::scope(|threads| {
        for thread in 0..4_u64 {
            let (logs, said) = (&logs, &said);
            threads.spawn(move || {
                for at in 0..LINES {
                    let fields = [("thread", thread.into()), ("at", at.into())];
                    let level = if at % 97 == 0 { Level::ERROR } else { Level::INFO };
                    let record = LogRecord { level, ..info("x").with_fields(&fields) };
                    logs.log(&record.with_node(["a", "b"][at as usize % 2], 1));
                    said.fetch_add(1, Ordering::Release);
                }
            });
        }
        let (mut ended, all) = (LogTotals::default(), 4 * LINES);
        while said.load(Ordering::Acquire) < all {
            ended += logs.end_attempt("a", 1);
            logs.flush();
            ended += logs.end_attempt("b", 1);
        }
        ended
    });
    let totals = logs.finish().totals;
    assert_eq!((totals.lines, totals.lost, totals.dropped), (4 * LINES, 0, 0));
    assert!(ended.lines <= totals.lines, "what was told by and by is in the whole");
    let all = ["a", "b"].map(|node| lines(&folder, NodeLogs::path_of(node, 1))).concat();
    let mut seen: Vec<_> = all
        .iter()
        .map(|line| (line["fields"]["thread"].as_u64(), line["fields"]["at"].as_u64()))
        .collect();
    seen.sort_unstable();
    let expected = (0..4).flat_map(|thread| (0..LINES).map(move |at| (Some(thread), Some(at))));
    assert!(seen.into_iter().eq(expected));
}

#[cfg(target_os = "linux")]
#[test]
fn half_a_line_is_taken_back_and_what_comes_when_there_is_room_again_is_kept() {
    use super::disk::Disk;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_owned();
    let mut disk = Disk::new(Arc::new(move || Ok(path.clone())), "log.jsonl".into());
    disk.write(b"one\n", 1);
    // A file that can be read and not written to: as on a disk that is full.
    let file = folder.path().join("log.jsonl");
    fs::remove_file(&file).unwrap();
    std::os::unix::fs::symlink("/dev/full", &file).unwrap();
    disk.write(b"two\nthree\n", 2);
    fs::remove_file(&file).unwrap();
    disk.write(b"four\n", 1);
    assert_eq!((disk.written(), disk.lost()), ((2, 9), 2));
    let problem = disk.problem().unwrap();
    assert!(problem.contains("log.jsonl") && problem.contains("2 lines lost"), "{problem}");
    assert_eq!(fs::read_to_string(&file).unwrap(), "four\n");
}
