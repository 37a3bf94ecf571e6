//! An event of any library is filed under the run and the node that it happened
//! in, with all that it says. Each test has a subscriber of its own.

#![cfg(feature = "telemetry")]

use std::fmt;
use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use entourage::{
    Executor, JsonLines, LogRecord, LogSink, LogValue, NODE, ParallelIteratorExt, Propagation,
    RUN_ID, RUN_LOGGER, RunLogLayer, RunLogger, SPAN, logger,
};
use rayon::prelude::*;
use tracing::dispatcher::{self, Dispatch};
use tracing::{Level, info, info_span};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::{Layer, SubscriberExt};

/// What a sink was given.
#[derive(Clone, Debug, PartialEq)]
struct Said {
    level: Level,
    target: String,
    message: String,
    fields: Vec<(String, LogValue)>,
    run_id: Option<String>,
    node: Option<String>,
}

#[derive(Default)]
struct Memory(Mutex<Vec<Said>>);

impl LogSink for Memory {
    fn log(&self, record: &LogRecord<'_>) {
        self.0.lock().unwrap().push(Said {
            level: record.level,
            target: record.target.to_owned(),
            message: record.message.to_owned(),
            fields: record
                .fields
                .iter()
                .map(|(name, value)| (name.to_string(), value.clone()))
                .collect(),
            run_id: record.run_id.as_ref().map(ToString::to_string),
            node: record.node.as_ref().map(ToString::to_string),
        });
    }
}

impl Memory {
    fn take(&self) -> Vec<Said> {
        std::mem::take(&mut self.0.lock().unwrap())
    }

    fn only(&self) -> Said {
        let [said] = <[Said; 1]>::try_from(self.take()).expect("one record");
        said
    }

    /// `run/node: message` of each record.
    fn places(&self) -> Vec<String> {
        let or_dash = |name: Option<String>| name.unwrap_or_else(|| "-".into());
        let said = self.take().into_iter();
        said.map(|said| {
            format!("{}/{}: {}", or_dash(said.run_id), or_dash(said.node), said.message)
        })
        .collect()
    }
}

/// A file whose end the test keeps.
#[derive(Clone, Default)]
struct File(Arc<Mutex<Vec<u8>>>);

impl Write for File {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl File {
    fn lines(&self) -> Vec<serde_json::Value> {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

fn with_layer<R>(layer: RunLogLayer, f: impl FnOnce() -> R) -> R {
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), f)
}

fn in_run<R>(run_id: &str, log: &Arc<impl LogSink>, f: impl FnOnce() -> R) -> R {
    let logger = RunLogger::new(log.clone());
    RUN_LOGGER.scope(logger, || RUN_ID.scope(run_id.into(), f))
}

/// The log of a run, and that of everything outside of runs.
fn with_logs(f: impl FnOnce(&Arc<Memory>, &Arc<Memory>)) {
    let (log, outside) = (Arc::<Memory>::default(), Arc::<Memory>::default());
    with_layer(RunLogLayer::new().fallback(outside.clone()), || f(&log, &outside));
}

#[test]
fn an_event_is_filed_under_its_run_and_node() {
    with_logs(|log, outside| {
        in_run("r1", log, || {
            NODE.scope("clean".into(), || {
                tracing::warn!(target: "some_library::io", rows = 3, "mended {}", "them");
            });
            info!("between nodes");
        });
        info!("after the run");
        let [first, second] = <[Said; 2]>::try_from(log.take()).unwrap();
        let fields = vec![("rows".to_owned(), LogValue::Signed(3))];
        assert_eq!(
            first,
            Said {
                level: Level::WARN,
                target: "some_library::io".into(),
                message: "mended them".into(),
                fields,
                run_id: Some("r1".into()),
                node: Some("clean".into()),
            }
        );
        assert_eq!((second.run_id.as_deref(), second.node), (Some("r1"), None));
        assert_eq!(outside.places(), ["-/-: after the run"]);
    });
}

#[test]
fn an_event_outside_of_any_run_goes_to_the_fallback_or_nowhere() {
    let outside = Arc::<Memory>::default();
    with_layer(RunLogLayer::new(), || info!("nowhere"));
    with_layer(RunLogLayer::new().fallback(outside.clone()), || {
        info!("somewhere");
        // A run without a logger is outside of any log, but it is a run.
        RUN_ID.scope("r1".into(), || info!("of a run"));
    });
    assert_eq!(outside.places(), ["-/-: somewhere", "r1/-: of a run"]);
}

/// Emits events numbered below `count` by joins in scopes in parallel iterators.
fn emit_nested(pool: &Executor, count: u64) {
    fn halves(pool: &Executor, from: u64, to: u64) {
        if to - from == 1 {
            return info!(at = from, "leaf");
        }
        let middle = from.midpoint(to);
        pool.join(|| halves(pool, from, middle), || halves(pool, middle, to));
    }
    (0..count / 16).into_par_iter().in_context().for_each(|block| {
        pool.scope(|scope| {
            for part in [0, 8] {
                scope.spawn(move |_| halves(pool, block * 16 + part, block * 16 + part + 8));
            }
        });
    });
}

#[test]
fn nested_joins_scopes_and_iterators_of_sixteen_runs_lose_and_misfile_nothing() {
    const COUNT: u64 = 640;
    let pool = Executor::builder().num_threads(4).build().unwrap();
    let outside = Arc::<Memory>::default();
    let layer = RunLogLayer::new().fallback(outside.clone());
    let subscriber = Dispatch::new(tracing_subscriber::registry().with(layer));
    let run = |run: usize| {
        let file = File::default();
        let log = Arc::new(JsonLines::new(file.clone()));
        let emit = |node: &'static str| {
            NODE.scope(node.into(), || info_span!("node").in_scope(|| emit_nested(&pool, COUNT)));
        };
        dispatcher::with_default(&subscriber, || {
            in_run(&format!("r{run}"), &log, || pool.join(|| emit("left"), || emit("right")));
        });
        assert_eq!(log.finish().unwrap(), 2 * COUNT);
        let mut seen = Vec::new();
        for line in file.lines() {
            assert_eq!(line["run_id"], format!("r{run}"));
            assert!(line["thread"].as_str().unwrap().starts_with("entourage-"), "{line}");
            let node = line["node"].as_str().unwrap().to_owned();
            seen.push((node, line["fields"]["at"].as_u64().unwrap()));
        }
        seen.sort();
        let all = ["left", "right"].map(|node| (0..COUNT).map(move |at| (node.to_owned(), at)));
        assert!(seen.into_iter().eq(all.into_iter().flatten()), "events of run {run}");
    };
    std::thread::scope(|threads| {
        for number in 0..16 {
            threads.spawn(move || run(number));
        }
    });
    assert_eq!(outside.take(), []);
}

#[test]
fn an_event_whose_span_alone_went_along_is_filed_where_the_span_was_made() {
    let pool = Executor::builder().num_threads(2).propagation(Propagation::only([&SPAN]));
    let pool = pool.build().unwrap();
    with_logs(|log, outside| {
        in_run("r1", log, || {
            let emit = || {
                assert!(
                    RUN_LOGGER.get().is_none() && RUN_ID.get().is_none() && NODE.get().is_none()
                );
                info!("on a worker");
            };
            NODE.scope("clean".into(), || {
                // A field that is named like the key is the library's own.
                info_span!("of a library", node = 7).in_scope(|| pool.spawn(emit).join().unwrap());
            });
            info_span!("of the run").in_scope(|| pool.spawn(emit).join().unwrap());
        });
        assert_eq!(log.places(), ["r1/clean: on a worker", "r1/-: on a worker"]);
        assert_eq!(outside.take(), []);
    });
}

#[test]
fn where_no_key_is_set_the_fields_of_the_innermost_spans_tell_run_and_node() {
    let pool = Executor::builder().num_threads(2).propagation(Propagation::only([&SPAN]));
    let pool = pool.build().unwrap();
    with_logs(|_, outside| {
        let run = info_span!("run", run_id = "r1").entered();
        let node = info_span!("node", node = %"clean").entered();
        info_span!("inner").in_scope(|| pool.spawn(|| info!("a")).join().unwrap());
        info_span!("inner", node = ?Some(7)).in_scope(|| info!("b"));
        info_span!("node", node = "load", run_id = "r1").in_scope(|| info!("c"));
        // A run in a node of a run is not in that node.
        info_span!("run", run_id = 2).in_scope(|| info!("d"));
        info!(parent: &*run, "e");
        info!(parent: None, "f");
        drop((node, run));
        info!("g");
        let expected =
            ["r1/clean: a", "r1/Some(7): b", "r1/load: c", "2/-: d", "r1/-: e", "-/-: f", "-/-: g"];
        assert_eq!(outside.places(), expected);
    });
}

#[test]
fn fields_recorded_after_the_span_was_made_count() {
    with_logs(|_, outside| {
        let span = info_span!("node", run_id = tracing::field::Empty, node = tracing::field::Empty);
        span.in_scope(|| info!("before"));
        span.record("node", "clean");
        span.in_scope(|| info!("node"));
        span.record("run_id", "r1");
        span.in_scope(|| info!("both"));
        span.record("run_id", "r2");
        span.in_scope(|| info!("another run"));
        let expected = ["-/-: before", "-/clean: node", "r1/clean: both", "r2/-: another run"];
        assert_eq!(outside.places(), expected);
    });
}

#[test]
fn a_key_beats_every_span_and_a_span_of_another_run_fills_no_gap() {
    with_logs(|log, outside| {
        let other = Arc::<Memory>::default();
        let span = in_run("r0", &other, || info_span!("node", run_id = "r0", node = "outer"));
        let guard = span.entered();
        in_run("r1", log, || {
            info!("a");
            NODE.scope("clean".into(), || info!("b"));
            info_span!("inner", node = "of the run").in_scope(|| info!("c"));
        });
        RUN_ID.scope("r1".into(), || info!("d"));
        RUN_ID.scope("r0".into(), || info!("e"));
        drop(guard);
        assert_eq!(log.places(), ["r1/-: a", "r1/clean: b", "r1/of the run: c"]);
        assert_eq!(outside.places(), ["r1/-: d"]);
        assert_eq!(other.places(), ["r0/outer: e"]);
    });
}

#[test]
fn a_span_that_names_another_run_does_not_file_with_the_logger_around_it() {
    with_logs(|log, outside| {
        let span =
            in_run("r1", log, || NODE.scope("clean".into(), || info_span!("run", run_id = "r2")));
        span.in_scope(|| info!("of the other"));
        assert_eq!(log.take(), []);
        assert_eq!(outside.places(), ["r2/-: of the other"]);
    });
}

#[test]
fn a_span_that_outlives_its_run_keeps_no_log_open() {
    with_logs(|_, outside| {
        let log = Arc::<Memory>::default();
        let span = in_run("r1", &log, || info_span!("kept"));
        span.in_scope(|| info!("while it lasts"));
        assert_eq!(log.places(), ["r1/-: while it lasts"]);
        let weak = Arc::downgrade(&log);
        drop(log);
        assert_eq!(weak.strong_count(), 0);
        span.in_scope(|| info!("after"));
        assert_eq!(outside.places(), ["r1/-: after"]);
    });
}

#[test]
fn fields_named_like_the_keys_of_a_line_are_kept_apart_from_them() {
    let file = File::default();
    with_layer(RunLogLayer::new(), || {
        in_run("r1", &Arc::new(JsonLines::new(file.clone())), || {
            NODE.scope("clean".into(), || {
                info!(
                    time = 1,
                    level = 2,
                    run_id = 3,
                    node = 4,
                    thread = 5,
                    target = 6,
                    fields = 7,
                    r#type = 8,
                    "a.b" = 9,
                    message = 10,
                    "said"
                );
            });
        });
    });
    let [line] = <[_; 1]>::try_from(file.lines()).unwrap();
    assert_eq!((&line["run_id"], &line["node"]), (&"r1".into(), &"clean".into()));
    let mut fields = line["fields"].clone();
    // Of two messages, one is the message and the other a field.
    let messages = [line["message"].to_string(), fields["message"].take().to_string()];
    assert!(messages.iter().any(|text| text.contains("said")), "{messages:?}");
    assert!(messages.iter().any(|text| text.contains("10")), "{messages:?}");
    let expected = serde_json::json!({
        "time": 1, "level": 2, "run_id": 3, "node": 4, "thread": 5, "target": 6, "fields": 7,
        "type": 8, "a.b": 9, "message": null,
    });
    assert_eq!(fields, expected);
}

#[test]
fn the_fields_of_an_event_keep_their_types() {
    #[derive(Debug, thiserror::Error)]
    #[error("outer")]
    struct Outer(#[source] io::Error);

    struct Broken;
    impl fmt::Debug for Broken {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("so far")?;
            Err(fmt::Error)
        }
    }

    with_logs(|log, _| {
        in_run("r1", log, || {
            let error = Outer(io::Error::other("inner"));
            let error: &(dyn std::error::Error + 'static) = &error;
            info!(
                yes = true, small = -1_i8, unsigned = u64::MAX, wide = i128::MIN, widest = u128::MAX,
                ratio = 0.5, nan = f64::NAN, text = "a\"b", error, debug = ?Some("x"),
                display = %"shown", none = tracing::field::Empty, broken = ?Broken,
            );
        });
        let said = log.only();
        assert_eq!(said.message, "");
        let text = |text: &str| LogValue::Text(text.into());
        let expected = [
            ("yes", LogValue::Bool(true)),
            ("small", LogValue::Signed(-1)),
            ("unsigned", LogValue::Unsigned(u64::MAX.into())),
            ("wide", LogValue::Signed(i128::MIN)),
            ("widest", LogValue::Unsigned(u128::MAX)),
            ("ratio", LogValue::Float(0.5)),
            ("text", text("a\"b")),
            ("error", text("outer: inner")),
            ("debug", text("Some(\"x\")")),
            ("display", text("shown")),
            ("broken", text("so far<formatting failed>")),
        ];
        let (nan, others): (Vec<_>, Vec<_>) =
            said.fields.into_iter().partition(|field| field.0 == "nan");
        assert!(matches!(*nan, [(_, LogValue::Float(value))] if value.is_nan()), "{nan:?}");
        assert_eq!(others, expected.map(|(name, value)| (name.to_owned(), value)));
    });
}

#[test]
fn an_event_of_the_log_crate_is_filed_under_its_own_target() {
    with_logs(|log, _| {
        in_run("r1", log, || {
            info!(target: "log", { "log.target" = "hyper::client", "log.line" = 7 }, "connected");
            info!(target: "other", { "log.target" = "hyper::client" }, "kept");
        });
        let [bridged, other] = <[Said; 2]>::try_from(log.take()).unwrap();
        assert_eq!(bridged.target, "hyper::client");
        assert_eq!(bridged.fields, [("log.line".to_owned(), LogValue::Signed(7))]);
        assert_eq!((&*other.target, other.fields.len()), ("other", 1));
    });
}

#[test]
fn a_filter_holds_back_events_and_a_second_layer_has_its_say() {
    let (all, grave) = (Arc::<Memory>::default(), Arc::<Memory>::default());
    let subscriber = tracing_subscriber::registry()
        .with(RunLogLayer::new().fallback(all.clone()))
        .with(RunLogLayer::new().fallback(grave.clone()).with_filter(LevelFilter::WARN));
    tracing::subscriber::with_default(subscriber, || {
        tracing::error_span!("node", node = "clean").in_scope(|| {
            info!("all well");
            tracing::error!("not well");
        });
    });
    assert_eq!(all.places(), ["-/clean: all well", "-/clean: not well"]);
    assert_eq!(grave.places(), ["-/clean: not well"]);
}

#[test]
fn the_panic_of_a_sink_does_not_reach_the_work_that_is_logged() {
    struct Panics(Memory);
    impl LogSink for Panics {
        fn log(&self, record: &LogRecord<'_>) {
            self.0.log(record);
            panic!("of the sink");
        }
    }
    let log = Arc::new(Panics(Memory::default()));
    with_layer(RunLogLayer::new(), || {
        in_run("r1", &log, || {
            info!("first");
            logger().unwrap().info("second");
        });
    });
    assert_eq!(log.0.places(), ["r1/-: first", "r1/-: second"]);
}
