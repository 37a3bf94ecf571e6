//! What is said at the end.

use super::{Desk, Run, is_harmless, pipeline};
use crate::events::{ResumeFrom, RunEnd};
use crate::{Catalog, RunOptions, RunRecorder, SequentialRunner};

fn resume(nodes: &[&str]) -> ResumeFrom {
    let nodes: Vec<_> = nodes.iter().map(ToString::to_string).collect();
    ResumeFrom { from_nodes: nodes.clone(), nodes, is_exact: true, is_whole: false }
}

/// A run in which something of everything happens, with a node of a long name and
/// one of wide letters.
fn eventful(columns: u16) -> String {
    let desk = Desk::plain().with(|console| {
        console
            .width(columns)
            .resume_command(|resume| {
                format!("program --from-nodes {}", resume.from_nodes.join(","))
            })
            .folder(|run| Some(format!("runs/{run}").into()))
    });
    let names = ["clean", "fit", "flaky", "plot", "region.north.of.the.river.load"];
    let mut run = desk.begin_with("nightly-42", pipeline(names.map(String::from)));
    run.start("region.north.of.the.river.load");
    desk.after(1_200);
    run.save("region.north.of.the.river.load", 1_234_567);
    run.done_with("region.north.of.the.river.load", 1_200, Some(26_346));
    run.start("flaky");
    run.retry("flaky", 1, "node `flaky` failed: no answer");
    run.start_attempt("flaky", 2);
    desk.after(40);
    run.done("flaky", 40);
    run.start("fit");
    desk.after(5);
    run.fail("fit", 1, "node `fit` failed: the matrix is singular");
    run.skip("plot", "fit");
    desk.written.take();
    run.over_with(RunEnd::Failed, Some(resume(&["clean", "fit"])));
    let text = desk.written.take();
    let start = text.find("run nightly-42: failed").unwrap();
    text[start..].to_owned()
}

#[test]
fn at_200_columns_all_is_there() {
    assert_eq!(eventful(200), include_str!("summary_200.txt"));
}

#[test]
fn at_80_columns_a_column_is_left_out() {
    assert_eq!(eventful(80), include_str!("summary_80.txt"));
}

#[test]
fn at_40_columns_there_is_a_name_a_state_and_a_time() {
    assert_eq!(eventful(40), include_str!("summary_40.txt"));
}

#[test]
fn at_20_columns_there_is_a_name_and_a_state() {
    assert_eq!(eventful(20), include_str!("summary_20.txt"));
}

#[test]
fn the_table_is_no_wider_than_the_terminal_at_any_width() {
    for columns in 3..=130 {
        let text = eventful(columns);
        let first = text.find('─').unwrap();
        let last = text.rfind('─').unwrap();
        for line in text[first..last].lines() {
            let width = super::super::text::width(line);
            assert!(width <= usize::from(columns), "{width} in {columns}:\n{text}");
        }
    }
}

fn large(nodes: usize, tell: impl FnOnce(&Desk, &mut Run)) -> String {
    let desk = Desk::plain().with(|console| console.table_rows(6));
    let mut run = desk.begin("r", nodes);
    tell(&desk, &mut run);
    desk.after(1_000).written.take();
    run.over(RunEnd::Failed);
    desk.written.take()
}

#[test]
fn of_ten_thousand_nodes_the_slowest_and_the_failed_ones_are_shown() {
    let text = large(10_000, |desk, run| {
        for at in 0..9_990 {
            let name = format!("n{at}");
            run.start(&name);
            if at % 2_000 == 1_999 {
                desk.after(1_000);
            }
            run.done(&name, 1);
        }
        for at in 9_990..10_000 {
            run.start(&format!("n{at}"));
            run.fail(&format!("n{at}"), 1, "boom");
        }
    });
    let table: Vec<_> = text.lines().filter(|line| line.starts_with(' ')).take(9).collect();
    let words: Vec<_> = table
        .iter()
        .map(|line| line.split_whitespace().take(3).collect::<Vec<_>>().join(" "))
        .collect();
    let expected = [
        "node state queued",
        "n1999 done 1.0",
        "n3999 done 1.0",
        "n5999 done 1.0",
        "n9990 failed 1.0",
        "n9991 failed 1.0",
        "n9992 failed 1.0",
        "9987 more done",
        "7 more failed",
    ];
    assert_eq!(words, expected, "{text}");
    assert_eq!(text.lines().filter(|line| line.starts_with("failed: ")).count(), 10, "{text}");
}

#[test]
fn a_run_of_a_hundred_failures_tells_ten_and_counts_the_rest() {
    let text = large(100, |_, run| {
        for at in 0..100 {
            run.start(&format!("n{at}"));
            run.fail(&format!("n{at}"), 1, "boom");
        }
    });
    assert_eq!(text.lines().filter(|line| line.starts_with("failed: ")).count(), 10, "{text}");
    assert!(text.contains("\nand 90 more failed\n"), "{text}");
}

#[test]
fn who_gave_no_command_is_told_the_nodes_to_begin_with() {
    let desk = Desk::plain().with(|console| console.table(false));
    let names: Vec<_> = (0..20).map(|at| format!("n{at}")).collect();
    let mut run = desk.begin("r", 1);
    let from: Vec<_> = names.iter().map(String::as_str).collect();
    run.over_with(RunEnd::Cancelled, Some(resume(&from)));
    let text = desk.written.take();
    assert!(text.ends_with("resume: from n0, n1, n2, n3, n4, n5, n6, n7 and 12 more\n"), "{text}");
}

#[test]
fn what_goes_on_with_more_than_is_left_is_said_to() {
    let desk = Desk::plain().with(|console| console.table(false));
    let mut run = desk.begin("r", 1);
    let mut left = resume(&["first", "third"]);
    (left.from_nodes, left.is_exact) = (vec!["first".to_owned()], false);
    run.over_with(RunEnd::Cancelled, Some(left));
    let text = desk.written.take();
    let told = "resume: nodes first, third (or from first, and with that others, too)\n";
    assert!(text.ends_with(told), "{text}");
}

#[test]
fn the_place_of_a_panic_is_told_once() {
    let desk = Desk::plain().with(|console| console.table(false));
    let mut run = desk.begin("r", 1);
    run.start("n0");
    desk.after(1_000).written.take();
    run.fail("n0", 1, "node `n0` panicked at src/fit.rs:3:9: boom");
    run.over(RunEnd::Failed);
    let text = desk.written.take();
    let summary = &text[text.find("run r: failed").unwrap()..];
    assert_eq!(summary.matches("src/fit.rs:3:9").count(), 1, "{summary}");
}

#[test]
fn a_node_that_failed_twice_has_its_attempts_on_the_critical_path() {
    let desk = Desk::plain();
    let mut run = desk.begin("r", 1);
    for attempt in 1..=2 {
        desk.after(1);
        run.start_attempt("n0", attempt);
        desk.after(999);
        run.retry("n0", attempt, "no answer");
    }
    desk.after(1);
    run.start_attempt("n0", 3);
    desk.after(20).written.take();
    run.over_done("n0", 3, 20);
    let text = desk.written.take();
    let told = "critical path: 2.0 s: n0 20.0 ms after 2 failed attempts, 2.0 s\n";
    assert!(text.contains(told), "{text}");
}

#[test]
fn what_could_not_be_recorded_is_told_with_its_run() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("file");
    std::fs::write(&file, "").unwrap();
    // No folder can be made under a file.
    let recorder = RunRecorder::new(file.join("runs")).optional();
    let desk = Desk::plain().with(|console| console.recorder(&recorder));
    for id in ["other", "r"] {
        let nodes = pipeline(["n0".to_owned()]);
        let options = RunOptions::new().run_id(id).listener(recorder.clone());
        let options = options.listener(desk.console.clone());
        SequentialRunner::new().run(&nodes, &Catalog::empty(), options).unwrap();
    }
    let text = desk.written.take();
    let summary = &text[text.find("run r: done").unwrap()..];
    assert_eq!(summary.matches("\nrecording: ").count(), 1, "{text}");
    assert!(summary.contains("; the run goes on without\n"), "{text}");
}

#[test]
fn the_folder_is_that_of_the_recorder() {
    let place = tempfile::tempdir().unwrap();
    let recorder = RunRecorder::new(place.path());
    let desk = Desk::plain().with(|console| console.recorder(&recorder));
    let options = RunOptions::new().run_id("r").listener(recorder).listener(desk.console.clone());
    let nodes = pipeline(["n0".to_owned()]);
    SequentialRunner::new().run(&nodes, &Catalog::empty(), options).unwrap();
    let folder = place.path().join("r");
    let text = desk.written.take();
    assert!(text.contains(&format!("\nfolder: {}\n", folder.display())), "{text}");
    assert!(!text.contains("recording: "), "{text}");
}

#[test]
fn what_the_user_gave_may_panic_and_may_use_the_console() {
    use std::io::Write;
    let desk = Desk::plain();
    let inner = desk.console.clone();
    let desk = desk.with(|console| {
        console.resume_command(|_| panic!("no command")).folder(move |_| {
            writeln!(inner.writer(), "from within").unwrap();
            None
        })
    });
    let mut run = desk.begin("r", 1);
    run.over_with(RunEnd::Cancelled, Some(resume(&["n0"])));
    let text = desk.written.take();
    assert!(text.contains("resume: from n0\n") && text.contains("from within\n"), "{text}");
}

#[test]
fn a_run_of_no_nodes_has_a_line() {
    let desk = Desk::plain();
    let mut run = desk.begin("r", 0);
    run.over(RunEnd::Done);
    let text = desk.written.take();
    assert_eq!(text, "run r: started, 0 nodes, 2 workers\nrun r: done in 0.0 ms, 0 nodes\n");
    assert!(is_harmless(&text));
}
