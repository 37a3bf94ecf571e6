//! Where it is not a terminal.

use super::{Desk, is_harmless, pipeline};
use crate::events::{EventKind, RunEnd};

#[test]
fn each_change_of_a_node_is_one_line() {
    let desk = Desk::plain().with(|console| console.table(false));
    let names = ["clean", "fit", "late", "old", "plot", "raw"];
    let mut run = desk.begin_with("nightly-42", pipeline(names.map(String::from)));
    let old = run.node("old");
    run.tell(EventKind::NodeUpToDate { node: old });
    run.start("clean");
    run.done_with("clean", 1_230, Some(26_346));
    run.start("fit");
    run.retry("fit", 1, "node `fit` failed: no answer");
    desk.after(100);
    run.start_attempt("fit", 2);
    run.start("late");
    desk.after(100);
    run.fail("fit", 2, "node `fit` failed: no\nanswer");
    run.done_with("late", 100, Some(1));
    run.start("raw");
    run.tell(EventKind::RunCancelled);
    let cancelled = run.end("raw", 1, 65_000, None);
    run.tell(EventKind::NodeCancelled(cancelled));
    run.skip("plot", "fit");
    run.over(RunEnd::Failed);
    assert_eq!(
        desk.written.take(),
        "\
run nightly-42: started, 6 nodes, 2 workers
[1/6] old: up to date
[2/6] clean: done in 1.2 s, 26346 rows
[2/6] fit: attempt 1 failed after 5.0 ms, again in 2.0 s: no answer
[2/6] fit: started, attempt 2
[2/6] late: started
[3/6] fit: failed after 5.0 ms: no\\nanswer
[4/6] late: done in 100.0 ms, 1 row
run nightly-42: called off with 1 node running
[5/6] raw: cancelled after 1 min 5 s
[6/6] plot: skipped, since fit failed
run nightly-42: failed in 200.0 ms, 6 nodes: 2 done, 1 up to date, 1 failed, 1 skipped, 1 cancelled
failed: fit, attempt 2: no
    answer
  caused by: the disk is full
  caused by: no room
  at src/fit.rs:3:9
"
    );
}

#[test]
fn a_node_that_is_done_within_a_moment_is_not_said_to_have_started() {
    let desk = Desk::plain();
    let mut run = desk.begin("r", 2);
    desk.after(100).written.take();
    run.start("n0");
    run.done("n0", 3);
    run.start("n1");
    desk.after(100);
    assert_eq!(desk.written.take(), "[1/2] n0: done in 3.0 ms\n[1/2] n1: started\n");
    // It waited for a load, and goes on.
    let (node, dataset) = (run.node("n1"), "in".into());
    run.tell(EventKind::NodeGivenBack { node, attempt: 1, dataset });
    run.start("n1");
    desk.after(100);
    assert_eq!(desk.written.take(), "");
}

#[test]
fn when_nothing_was_said_for_a_while_a_line_says_what_runs_and_since_when() {
    let desk = Desk::plain();
    let mut run = desk.begin("r", 9);
    for name in ["n3", "n4", "n5"] {
        run.start(name);
        desk.after(1_000);
    }
    run.start("n6");
    run.start("n7");
    desk.after(100).written.take();
    desk.after(29_900);
    assert_eq!(desk.written.take(), "");
    desk.after(100);
    let line = "run r: 0/9 after 33 s, running: n3 for 33 s, n4 for 32 s, n5 for 31 s and 2 more\n";
    assert_eq!(desk.written.take(), line);
    // Whatever else is said puts it off.
    desk.after(20_000);
    run.done("n3", 53_000);
    desk.after(10_000).written.take();
    desk.after(29_900);
    assert_eq!(desk.written.take(), "");
    desk.after(100);
    assert!(desk.written.take().starts_with("run r: 1/9 after 1 min 33 s, running: n4 for "));
}

#[test]
fn ten_thousand_nodes_that_take_their_time_are_a_line_each() {
    let desk = Desk::plain().with(|console| console.table(false));
    let mut run = desk.begin("r", 10_000);
    for at in 0..10_000 {
        let name = format!("n{at}");
        run.start(&name);
        run.done(&name, 1);
        if at % 50 == 49 {
            desk.after(100);
        }
    }
    run.over(RunEnd::Done);
    let text = desk.written.take();
    assert_eq!(text.lines().filter(|line| line.contains(": done in 1.0 ms")).count(), 10_000);
    assert_eq!(text.lines().count(), 10_002);
    assert!(is_harmless(&text));
}

#[test]
fn what_is_more_than_can_be_read_is_summed_up_and_failures_go_first() {
    let desk = Desk::plain().with(|console| console.table(false));
    let mut run = desk.begin("r", 5_000);
    for at in 0..4_998 {
        let name = format!("n{at}");
        run.start(&name);
        run.done(&name, 1);
    }
    run.start("n4998");
    run.fail("n4998", 1, "boom");
    desk.after(900);
    let text = desk.written.take();
    assert_eq!(text.lines().filter(|line| line.contains("done in")).count(), 1_000);
    assert!(text.ends_with("[4999/5000] n4998: failed after 5.0 ms: boom\n"), "{text}");
    desk.after(100);
    assert_eq!(desk.written.take(), "run r: 3998 done more (4999/5000)\n");
    // The next second has lines of its own.
    run.start("n4999");
    run.done("n4999", 1);
    desk.after(100);
    assert_eq!(desk.written.take(), "[5000/5000] n4999: done in 1.0 ms\n");
}

#[test]
fn while_several_runs_go_on_each_line_says_of_which_it_is() {
    let desk = Desk::plain().with(|console| console.table(false));
    let (mut red, mut blue) = (desk.begin("red", 1), desk.begin("blue", 1));
    red.done("n0", 1);
    blue.done("n0", 1);
    desk.after(100);
    let text = desk.written.take();
    assert!(text.contains("red [1/1] n0: done in 1.0 ms\n"), "{text}");
    assert!(text.contains("blue [1/1] n0: done in 1.0 ms\n"), "{text}");
    red.over(RunEnd::Done);
    assert!(desk.written.take().starts_with("run red: done in "));
}

#[test]
fn nothing_of_a_run_moves_the_cursor() {
    let evil = "a\x1b[2J\r\u{9b}1A\u{202e}b\u{7}\n";
    let desk = Desk::plain().with(|console| console.folder(move |_| Some(evil.into())));
    let mut run = desk.begin(evil, 2);
    run.start("n0");
    run.retry("n0", 1, evil);
    run.start("n1");
    desk.after(100);
    run.fail("n0", 2, &evil.repeat(1_000));
    run.over(RunEnd::Failed);
    let text = desk.written.take();
    assert!(is_harmless(&text), "{text:?}");
    assert!(!text.contains('\u{202e}'));
    assert!(text.contains(r"a\u{1b}[2J\r\u{9b}1A\u{202e}b\u{7}"), "{text}");
    assert!(text.len() < 20_000, "{}", text.len());
}

#[test]
fn a_run_that_is_not_begun_says_all_that_is_wrong() {
    use crate::RunId;
    use crate::events::{Event, Listener, RunEnded};
    let desk = Desk::plain();
    let listener = desk.console.run(&RunId::from("r".to_owned()));
    let ended = RunEnded {
        end: RunEnd::Refused,
        took: std::time::Duration::ZERO,
        error: Some("the run was refused".into()),
        problems: vec!["no entry `a`".into(), "no entry `b`:\nsee c".into()],
        resume: None,
    };
    let kind = EventKind::RunEnded(Box::new(ended));
    let at = std::time::Duration::ZERO;
    listener.event(&Event { seq: 0, at, worker: "w".into(), kind });
    let text = desk.written.take();
    assert_eq!(text, "run r: refused\n  - no entry `a`\n  - no entry `b`:\n    see c\n");
}

#[test]
fn a_run_that_ends_without_a_word_is_forgotten() {
    let desk = Desk::plain();
    drop(desk.begin("r", 1));
    desk.after(60_000);
    assert_eq!(desk.written.take(), "");
}
