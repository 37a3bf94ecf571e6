//! On a terminal.

use std::io::Write;

use super::{Desk, pipeline};
use crate::events::RunEnd;

#[test]
fn a_bar_for_the_run_and_a_line_for_each_node_that_runs() {
    let mut desk = Desk::drawn(80, 24);
    let mut run = desk.begin("nightly-42", 8);
    run.start("n0");
    run.done("n0", 1);
    run.start("n1");
    desk.after(12_000);
    run.start("n2");
    run.start_attempt("n3", 2);
    desk.after(100);
    assert_eq!(
        desk.seen(),
        "\
nightly-42 ███░░░░░░░░░░░░░░░░░░░░░ 1/8  3 running  12 s
        12 s  n1
         0 s  n2
         0 s  n3, attempt 2"
    );
    run.done("n1", 12_000);
    run.fail("n2", 1, "boom");
    desk.after(100);
    assert_eq!(
        desk.seen(),
        "\
[3/8] n2: failed after 5.0 ms: boom
nightly-42 █████████░░░░░░░░░░░░░░░ 3/8  1 running, 1 failed  12 s
         0 s  n3, attempt 2"
    );
}

#[test]
fn lines_of_others_stand_above_unharmed() {
    let mut desk = Desk::drawn(40, 10).with(|console| console.table(false));
    let mut run = desk.begin("r", 2);
    run.start("n0");
    desk.after(100);
    desk.seen();
    let mut writer = desk.console.writer();
    write!(writer, "half a ").unwrap();
    desk.after(100);
    assert!(!desk.seen().contains("half"));
    writeln!(writer, "line").unwrap();
    writeln!(writer, "\x1b[31mred\x1b[m and {}", "long ".repeat(10)).unwrap();
    write!(writer, "the rest").unwrap();
    drop(writer);
    desk.after(100);
    let seen = desk.seen();
    assert_eq!(
        seen,
        "\
half a line
red and long long long long long long lo
ng long long long
the rest
r ░░░░░░░░░░░░░░░░░░ 0/2  1 running  0 s
         0 s  n0"
    );
    // They stay when all is over.
    run.done("n0", 1);
    run.over(RunEnd::Done);
    let seen = desk.seen();
    assert!(seen.starts_with("half a line\nred and"), "{seen}");
}

#[test]
fn however_much_happens_it_is_drawn_once_each_time_and_only_if_it_changed() {
    let desk = Desk::drawn(80, 24);
    let mut run = desk.begin("r", 3_000);
    let mut writer = desk.console.writer();
    for at in 0..1_000 {
        let name = format!("n{at}");
        run.start(&name);
        run.done(&name, 1);
        writeln!(writer, "{at}").unwrap();
    }
    assert_eq!(desk.written.calls(), 0);
    desk.after(100);
    assert_eq!(desk.written.calls(), 1);
    desk.after(100);
    desk.after(100);
    assert_eq!(desk.written.calls(), 1);
    desk.after(1_000);
    assert_eq!(desk.written.calls(), 2);
}

#[test]
fn runs_that_end_one_after_the_other_are_told_at_once_and_drawn_at_their_time() {
    let mut desk = Desk::drawn(80, 24).with(|console| console.table(false));
    let mut long = desk.begin("long", 2);
    long.start("n0");
    desk.after(100);
    assert!(desk.seen().starts_with("long "));
    for at in 0..20 {
        desk.begin(&format!("short-{at}"), 0).over(RunEnd::Done);
    }
    let bytes = desk.written.take();
    assert_eq!(bytes.matches("run short-").count(), 20);
    assert_eq!(bytes.matches("long ").count(), 0, "{bytes:?}");
    desk.after(100);
    assert_eq!(desk.written.take().matches("long ").count(), 1);
}

#[test]
fn a_flood_of_lines_takes_no_memory_and_leaves_the_drawing_to_its_time() {
    let mut desk = Desk::drawn(80, 24);
    let mut run = desk.begin("r", 2);
    run.start("n0");
    desk.after(100);
    desk.seen();
    let mut writer = desk.console.writer();
    for at in 0..100_000 {
        writeln!(writer, "line {at}").unwrap();
    }
    let text = desk.written.take();
    assert!(text.len() > 1_000_000, "what waits to be written is bounded: {}", text.len());
    assert!(!text.contains("n0"), "the frame is not drawn for each");
    desk.after(100);
    assert!(desk.written.take().contains("n0"));
}

#[test]
fn as_many_nodes_as_fit_are_shown_those_that_take_longest_first() {
    let mut desk = Desk::drawn(60, 6);
    let mut run = desk.begin("r", 50);
    for at in 0..40 {
        run.start(&format!("n{at}"));
        if at < 4 {
            desk.after(1_000);
        }
    }
    desk.after(100);
    assert_eq!(
        desk.seen(),
        "\
r ░░░░░░░░░░░░░░░░░░░░░░░░ 0/50  40 running  4 s
         4 s  n0
         3 s  n1
         2 s  n2
              and 37 more"
    );
}

#[test]
fn many_runs_have_a_bar_each_as_far_as_they_fit() {
    let mut desk = Desk::drawn(60, 8);
    let mut runs: Vec<_> = (0..20).map(|at| desk.begin(&format!("run-{at}"), 2)).collect();
    runs.iter_mut().for_each(|run| run.start("n0"));
    runs[19].done("n0", 1);
    desk.after(100);
    let seen = desk.seen();
    assert_eq!(seen.lines().count(), 7, "{seen}");
    assert!(seen.starts_with("run-0 "), "{seen}");
    assert!(seen.ends_with("and 17 more runs: 1/34 nodes"), "{seen}");
    // Each that ends is told of, and gives room.
    runs.iter_mut().for_each(|run| run.over(RunEnd::Cancelled));
    assert!(!desk.seen().contains("more runs"));
}

#[test]
fn nothing_is_left_of_the_frame_when_all_is_over() {
    let mut desk = Desk::drawn(60, 30).with(|console| console.table(false));
    let mut run = desk.begin("r", 2);
    run.start("n0");
    run.start("n1");
    desk.after(100);
    run.done("n0", 1);
    desk.after(100);
    run.done("n1", 1);
    run.over(RunEnd::Done);
    assert_eq!(desk.seen(), "run r: done in 200.0 ms, 2 nodes: 2 done");
}

#[test]
fn at_any_size_no_line_is_wider_and_no_row_too_many() {
    let long = "a.very.long.namespace.with.a.node".to_owned();
    let wide = "数据清洗节点".to_owned();
    for columns in [1, 2, 3, 7, 10, 20, 33, 40, 60, 200] {
        for rows in [1, 2, 3, 5, 24] {
            let mut desk = Desk::drawn(columns, rows);
            let long = pipeline([long.clone(), "b".repeat(200), "c".to_owned()]);
            let mut run = desk.begin_with(&format!("{wide}👩‍👩‍👧‍👦❤️👍🏽"), long);
            let names: Vec<_> = run.pipeline.node_names().map(str::to_owned).collect();
            for _ in 0..3 {
                names.iter().for_each(|name| run.start(name));
                desk.after(1_000);
            }
            let bytes = desk.written.take();
            for line in bytes.split('\r').next_back().unwrap().split("\x1b[") {
                assert!(line.chars().filter(|letter| *letter == '\n').count() == 0);
            }
            desk.screen.process(bytes.as_bytes());
            let (row, _) = desk.screen.screen().cursor_position();
            assert!(row < rows);
            // Had a line wrapped, what is drawn again and again would crawl down.
            let seen = desk.seen();
            let bars = seen.lines().filter(|line| line.contains("0/3")).count();
            assert!(bars <= 1, "{columns}x{rows}:\n{seen}");
        }
    }
}

#[test]
fn colours_come_with_words_and_go_without_a_trace() {
    let tell = |colours: bool| {
        let desk = Desk::drawn(100, 24).with(|console| console.colors(colours));
        let mut run = desk.begin("r", 2);
        run.start("n0");
        run.fail("n0", 1, "boom");
        run.start("n1");
        desk.after(100);
        run.over(RunEnd::Failed);
        desk.written.take()
    };
    let (with, without) = (tell(true), tell(false));
    assert!(with.contains("\x1b[31mfailed\x1b[0m"), "{with:?}");
    assert!(!without.contains('m') || !without.contains("\x1b[31m"), "{without:?}");
    let bare = console::strip_ansi_codes(&with).into_owned();
    assert_eq!(bare, console::strip_ansi_codes(&without));
}
