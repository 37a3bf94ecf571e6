//! A line has the spans around it with their fields, and no field, however long it is
//! or whatever it does, costs more than its share.

#![cfg(feature = "telemetry")]

use std::error::Error;
use std::fmt;
use std::sync::{Arc, Mutex};

use entourage::{
    Executor, LogRecord, LogSink, LogValue, NODE, ParallelIteratorExt, Propagation, RUN_ID,
    RUN_LOGGER, RunLogLayer, RunLogger, SPAN,
};
use rayon::prelude::*;
use tracing::{info, info_span};
use tracing_subscriber::layer::SubscriberExt;

/// `outer{a=1}/inner: message` of each record.
#[derive(Default)]
struct Lines {
    said: Mutex<Vec<String>>,
    longest: Option<usize>,
}

impl LogSink for Lines {
    fn log(&self, record: &LogRecord<'_>) {
        let fields = |fields: &[(&str, LogValue)]| {
            let fields = fields.iter().map(|(name, value)| match value {
                LogValue::Cut { text, bytes } => format!("{name}={text}…{bytes}"),
                value => format!("{name}={value}"),
            });
            fields.collect::<Vec<_>>().join(" ")
        };
        let mut line = String::new();
        for span in record.spans {
            line += &format!("{}{{{}}}/", span.name, fields(span.fields));
        }
        if record.spans_left_out > 0 {
            line = format!("{} more/{line}", record.spans_left_out);
        }
        let node = record.node.as_ref().map_or("-", |node| node.as_str());
        let attempt = record.attempt.unwrap_or(0);
        line += &format!("{node}.{attempt}: {}", record.message);
        if !record.fields.is_empty() {
            line += &format!(" {}", fields(record.fields));
        }
        self.said.lock().unwrap().push(line);
    }

    fn longest_text(&self) -> usize {
        self.longest.unwrap_or(16 << 10)
    }
}

fn said_with(longest: Option<usize>, f: impl FnOnce()) -> Vec<String> {
    let subscriber = tracing_subscriber::registry().with(RunLogLayer::new());
    let lines = Arc::new(Lines { longest, ..Lines::default() });
    tracing::subscriber::with_default(subscriber, || {
        RUN_LOGGER.scope(RunLogger::new(lines.clone()), f);
    });
    std::mem::take(&mut *lines.said.lock().unwrap())
}

fn said(f: impl FnOnce()) -> Vec<String> {
    said_with(None, f)
}

#[test]
fn spans_are_told_from_the_outermost_with_the_fields_they_have_by_then() {
    let said = said(|| {
        info!("outside");
        info_span!("request", id = 7, user = "ann").in_scope(|| {
            let inner = info_span!("query", table = ?Some(1), rows = tracing::field::Empty);
            inner.in_scope(|| info!("before"));
            inner.record("rows", 3);
            inner.record("table", "rows");
            inner.in_scope(|| info!(own = true, "after"));
            info!(parent: None, "apart");
        });
        info_span!("without").in_scope(|| info!("plain"));
    });
    let expected = [
        "-.0: outside",
        "request{id=7 user=ann}/query{table=Some(1)}/-.0: before",
        "request{id=7 user=ann}/query{table=rows rows=3}/-.0: after own=true",
        "-.0: apart",
        "without{}/-.0: plain",
    ];
    assert_eq!(said, expected);
}

#[test]
fn the_runners_own_spans_add_nothing_that_the_line_has_already() {
    let said = said(|| {
        let node = info_span!(
            target: "entourage::run", "node", run_id = "r", node = "clean",
            attempt = tracing::field::Empty
        );
        node.in_scope(|| {
            info!("first");
            node.record("attempt", 2_u32);
            let load = info_span!(target: "entourage::run", "load", dataset = "rows");
            load.in_scope(|| info!("second"));
            // A library's own words, whatever they are.
            info_span!("of a library", run = 7).in_scope(|| info!("third"));
        });
    });
    let expected = [
        "clean.0: first",
        "load{dataset=rows}/clean.2: second",
        "of a library{run=7}/clean.2: third",
    ];
    assert_eq!(said, expected);
}

#[test]
fn an_attempt_whose_span_alone_went_along_is_known_by_it() {
    let said = said(|| {
        let pool = Executor::builder().num_threads(1).propagation(Propagation::only([&SPAN]));
        let pool = pool.build().unwrap();
        RUN_ID.scope("r".into(), || {
            NODE.scope("clean".into(), || {
                entourage::ATTEMPT.scope(3, || {
                    info_span!("work").in_scope(|| pool.spawn(|| info!("there")).join().unwrap());
                });
            });
        });
    });
    assert_eq!(said, ["work{}/clean.3: there"]);
}

#[test]
fn spans_of_a_caller_are_those_of_its_nested_work() {
    let mut said = said(|| {
        let pool = Executor::builder().num_threads(3).build().unwrap();
        (0..8_u32).into_par_iter().in_context().for_each(|_| {});
        info_span!("request", id = 7).in_scope(|| {
            pool.install(|| {
                (0..8_u32).into_par_iter().in_context().for_each(|at| {
                    info_span!("item", at).in_scope(|| pool.join(|| info!("l"), || info!("r")));
                });
            });
        });
    });
    said.sort();
    let both = |at: u32| ["l", "r"].map(|s| format!("request{{id=7}}/item{{at={at}}}/-.0: {s}"));
    assert_eq!(said, (0..8).flat_map(both).collect::<Vec<_>>());
}

#[test]
fn of_very_many_spans_the_innermost_are_told_and_the_others_counted() {
    let said = said(|| {
        let spans: Vec<_> = (0..100).map(|at| info_span!("deep", at).entered()).collect();
        info!("down here");
        // The innermost first.
        spans.into_iter().rev().for_each(drop);
    });
    let [line] = <[String; 1]>::try_from(said).unwrap();
    assert!(line.starts_with("36 more/deep{at=36}/deep{at=37}/"), "{line}");
    assert!(line.ends_with("deep{at=99}/-.0: down here"), "{line}");
}

/// Writes many letters, counting those that were taken.
struct Long(usize);

impl fmt::Display for Long {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (0..self.0).try_for_each(|_| f.write_str("x"))
    }
}

#[test]
fn long_fields_are_cut_with_their_length_and_a_span_has_so_much_for_all_of_its() {
    let said = said_with(Some(10), || {
        info_span!("s", a = %Long(6), b = "€€€€", c = 3, d = "e").in_scope(|| {
            info!(body = %Long(1000), text = "€€€€", short = "0123456789", "{}", Long(20));
        });
    });
    let expected = "s{a=xxxxxx b=€…12 c=3 d=e}/-.0: xxxxxxxxxx \
                    body=xxxxxxxxxx…1000 text=€€€…12 short=0123456789";
    assert_eq!(said, [expected]);
}

#[test]
fn values_recorded_later_share_what_the_span_has_left() {
    let said = said_with(Some(10), || {
        use tracing::field::Empty;
        let span = info_span!("s", a = "aaaaaa", b = Empty, c = Empty);
        for _ in 0..3 {
            // Again and again: the last one counts.
            span.record("b", "bb");
        }
        span.record("c", tracing::field::display(Long(20_000)));
        span.in_scope(|| info!("x"));
    });
    let [line] = <[String; 1]>::try_from(said).unwrap();
    assert_eq!(line, "s{a=aaaaaa b=bb c=xx…20000}/-.0: x");
}

#[test]
fn values_that_panic_fail_never_end_or_are_their_own_cause_are_told_as_far_as_they_go() {
    #[derive(Debug)]
    struct Circle;
    impl fmt::Display for Circle {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("round")
        }
    }
    impl Error for Circle {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(&Circle)
        }
    }
    struct Panics;
    impl fmt::Debug for Panics {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("so far")?;
            panic!("of the field")
        }
    }
    struct Endless;
    impl fmt::Debug for Endless {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            loop {
                f.write_str("0123456789abcdef")?;
            }
        }
    }
    let said = said_with(Some(16), || {
        let error: &(dyn Error + 'static) = &Circle;
        info_span!("s", p = ?Panics).in_scope(|| info!(p = ?Panics, e = ?Endless, error, "x"));
    });
    let [line] = <[String; 1]>::try_from(said).unwrap();
    let begin = "s{p=so far<formatting panicked>}/-.0: x \
                 p=so far<formatting panicked> e=0123456789abcdef…16777232 error=round: round: ro…";
    assert!(line.starts_with(begin), "{line}");
}

#[test]
fn a_layer_under_another_of_its_kind_keeps_the_fields_once() {
    let subscriber =
        tracing_subscriber::registry().with(RunLogLayer::new()).with(RunLogLayer::new());
    let lines = Arc::new(Lines::default());
    tracing::subscriber::with_default(subscriber, || {
        RUN_LOGGER.scope(RunLogger::new(lines.clone()), || {
            let span = info_span!("s", a = 1, b = tracing::field::Empty);
            span.record("b", 2);
            span.in_scope(|| info!("x"));
        });
    });
    assert_eq!(*lines.said.lock().unwrap(), ["s{a=1 b=2}/-.0: x"; 2]);
}
