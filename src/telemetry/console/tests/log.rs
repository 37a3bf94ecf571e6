//! Messages of the run's log.

use tracing::Level;
use tracing::level_filters::LevelFilter;

use super::{Desk, Run, is_harmless};
use crate::events::RunEnd;
use crate::{LogRecord, LogValue};

fn log(run: &Run, level: Level, message: &str, fields: &[(&str, LogValue)]) {
    let Some(logger) = run.listener.logger() else { return };
    logger.log(&LogRecord::new(level, message).with_fields(fields).with_node("clean", 1));
}

#[test]
fn warnings_and_errors_are_shown_with_their_node_and_fields() {
    let desk = Desk::plain();
    let run = desk.begin("r", 1);
    desk.after(100).written.take();
    log(&run, Level::INFO, "not this", &[]);
    log(&run, Level::WARN, "rows without a key", &[("rows", LogValue::Unsigned(3))]);
    let again = LogRecord::new(Level::WARN, "slow").with_node("fit", 2);
    run.listener.logger().unwrap().log(&again);
    log(&run, Level::ERROR, "no\nway", &[("e", LogValue::Text("\x1b[2J".into()))]);
    desk.after(100);
    let text = desk.written.take();
    assert_eq!(
        text,
        "\
WARN  clean: rows without a key rows=3
WARN  fit, attempt 2: slow
ERROR clean: no\\nway e=\\u{1b}[2J
"
    );
    assert!(is_harmless(&text));
    // A line of the log is a sign of life.
    desk.after(29_950);
    assert_eq!(desk.written.take(), "");
    desk.after(100);
    assert!(desk.written.take().starts_with("run r: 0/1 after 30 s"));
}

#[test]
fn what_the_log_crate_adds_is_not_shown() {
    let desk = Desk::plain();
    let run = desk.begin("r", 1);
    desk.after(100).written.take();
    let place = LogValue::Text("src/x.rs".into());
    let fields = [("log.file", place), ("log.line", LogValue::Unsigned(3))];
    log(&run, Level::WARN, "odd", &[&fields[..], &[("logs", LogValue::Unsigned(4))]].concat());
    desk.after(100);
    assert_eq!(desk.written.take(), "WARN  clean: odd logs=4\n");
}

#[test]
fn the_level_is_for_the_user_to_say() {
    let desk = Desk::plain().with(|console| console.log_level(LevelFilter::OFF));
    assert!(desk.begin("r", 1).listener.logger().is_none());
    let desk = Desk::plain().with(|console| console.log_level(Level::DEBUG));
    let run = desk.begin("r", 1);
    log(&run, Level::DEBUG, "this", &[]);
    log(&run, Level::TRACE, "not this", &[]);
    desk.after(100);
    let text = desk.written.take();
    assert!(text.contains("DEBUG clean: this\n") && !text.contains("not this"), "{text}");
}

#[test]
fn a_warning_in_a_loop_is_counted_and_not_kept() {
    let desk = Desk::plain().with(|console| console.table(false));
    let mut run = desk.begin("r", 1);
    for _ in 0..100_000 {
        log(&run, Level::WARN, "again", &[]);
    }
    desk.after(1_000);
    let text = desk.written.take();
    assert_eq!(text.lines().filter(|line| line.contains("again")).count(), 1_200);
    assert!(
        text.ends_with("run r: 98800 more log lines not shown\n"),
        "{}",
        &text[text.len() - 99..]
    );
    run.over(RunEnd::Done);
    assert!(desk.written.take().ends_with("log lines not shown: 98800\n"));
}

#[test]
fn a_message_of_a_run_that_is_over_is_no_harm() {
    let desk = Desk::plain().with(|console| console.table(false));
    let mut run = desk.begin("r", 1);
    run.over(RunEnd::Done);
    desk.written.take();
    log(&run, Level::ERROR, "late", &[]);
    assert_eq!(desk.written.take(), "ERROR clean: late\n");
}

#[test]
fn a_message_comes_after_what_happened_before_it() {
    let desk = Desk::plain();
    let mut run = desk.begin("r", 2);
    run.start("n0");
    run.done("n0", 1);
    log(&run, Level::WARN, "odd", &[]);
    run.start("n1");
    run.done("n1", 1);
    desk.after(100);
    let text = desk.written.take();
    let lines: Vec<_> = text.lines().skip(1).collect();
    let expected = ["[1/2] n0: done in 1.0 ms", "WARN  clean: odd", "[2/2] n1: done in 1.0 ms"];
    assert_eq!(lines, expected);
}

#[test]
fn the_runners_own_words_about_a_node_are_not_told_twice() {
    let desk = Desk::plain();
    let run = desk.begin("r", 1);
    desk.after(100).written.take();
    let record = LogRecord::new(Level::ERROR, "node failed").with_target("entourage::run::node");
    run.listener.logger().unwrap().log(&record);
    desk.after(100);
    assert_eq!(desk.written.take(), "");
}
