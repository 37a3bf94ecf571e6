//! Whoever says something by `logger()` is heard in the log of its run, under its
//! node and attempt, wherever it says it; and where there is no log it is told why.

#![cfg(all(feature = "pipeline", feature = "telemetry"))]

#[expect(dead_code, reason = "each test file needs some of the helpers")]
#[path = "support/hooks.rs"]
mod hooks;
#[expect(dead_code, reason = "each test file needs some of the helpers")]
#[path = "support/pipelines.rs"]
mod pipelines;

use std::error::Error;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use entourage::{
    ATTEMPT, Catalog, Data, Dataset, Executor, LogRecord, LogSink, LogValue, Logger, NODE,
    ParallelIteratorExt, Pipeline, Propagation, RUN_ID, RUN_LOGGER, Retry, RunLogger, RunOptions,
    SequentialRunner, SuppressGuard, logger, node, suppress, try_logger,
};
use hooks::{Each, Told};
use pipelines::{with_each_runner, with_thread_runner};
use rayon::prelude::*;
use tracing::Level;

const IN: Data<u64> = Data::memory("in");
const MIDDLE: Data<u64> = Data::memory("middle");
const OUT: Data<u64> = Data::memory("out");

/// `level run/node.attempt: message name=value …` of each record.
#[derive(Default)]
struct Lines(Mutex<Vec<String>>);

impl LogSink for Lines {
    fn log(&self, record: &LogRecord<'_>) {
        if record.target == "entourage::run" {
            return;
        }
        let run = record.run_id.as_ref().map_or("-", |id| id.as_str());
        let node = record.node.as_ref().map_or("-", |node| node.as_str());
        let attempt = record.attempt.map_or_else(String::new, |attempt| format!(".{attempt}"));
        let fields = record.fields.iter().map(|(name, value)| format!(" {name}={value}"));
        let fields: String = fields.collect();
        let line = format!("{} {run}/{node}{attempt}: {}{fields}", record.level, record.message);
        self.0.lock().unwrap().push(line);
    }
}

impl Lines {
    fn sorted(&self) -> Vec<String> {
        let mut lines = std::mem::take(&mut *self.0.lock().unwrap());
        lines.sort();
        lines
    }
}

fn say(what: &str) {
    logger().expect("a logger").info(what);
}

/// A store that says what it does.
struct Store;

impl Dataset<u64> for Store {
    fn load(&self) -> Result<u64, Box<dyn Error + Send + Sync>> {
        say("load");
        Ok(1)
    }

    fn save(&self, _: &u64) -> Result<(), Box<dyn Error + Send + Sync>> {
        say("save");
        Ok(())
    }

    fn exists(&self) -> Result<bool, Box<dyn Error + Send + Sync>> {
        Ok(true)
    }
}

#[test]
fn node_load_save_and_hook_are_heard_under_run_node_and_attempt() {
    let hook = || {
        Each(|told: Told| {
            if told.method.ends_with("_run") {
                say(told.method);
            }
            Ok(())
        })
    };
    let work = |n: &u64| {
        say("node");
        *n
    };
    let pipeline = Pipeline::new([node(work).reads(IN).writes(OUT).named("work")]).unwrap();
    let catalog = Catalog::builder().dataset(&IN, Store).dataset(&OUT, Store).build().unwrap();
    with_each_runner(|runner| {
        let lines = Arc::new(Lines::default());
        let logger = RunLogger::new(lines.clone());
        let options = RunOptions::new().run_id("r").run_logger(logger).hooks(hook());
        runner.run(&pipeline, &catalog, options).unwrap();
        let of_node = ["after_node_run", "before_node_run", "load", "node", "save"];
        let of_run = ["after_pipeline_run", "before_pipeline_run"];
        let expected: Vec<_> = of_run
            .iter()
            .map(|what| format!("INFO r/-: {what}"))
            .chain(of_node.iter().map(|what| format!("INFO r/work.1: {what}")))
            .collect();
        assert_eq!(lines.sorted(), expected);
    });
}

#[test]
fn every_attempt_is_heard_under_its_own_number_from_nested_work_too() {
    let pool = Executor::builder().num_threads(2).build().unwrap();
    let inner = pool.clone();
    let work = move || {
        let number = ATTEMPT.get().unwrap();
        (0..2_u32).into_par_iter().in_context().for_each(|at| {
            inner.join(|| say(&format!("{at} left")), || say(&format!("{at} right")));
        });
        inner.spawn(|| say("spawned")).join().unwrap();
        inner.spawn_future(async { say("future") }).join().unwrap();
        if number < 3 { Err(fmt::Error) } else { Ok(1) }
    };
    let work = node(work).reads(()).writes(OUT).named("work").retry(Retry::new(3));
    let pipeline = Pipeline::new([work]).unwrap();
    with_each_runner(|runner| {
        let lines = Arc::new(Lines::default());
        let options = RunOptions::new().run_id("r").run_logger(RunLogger::new(lines.clone()));
        runner.run(&pipeline, &Catalog::empty(), options).unwrap();
        let words = ["0 left", "0 right", "1 left", "1 right", "future", "spawned"];
        let of = |attempt| words.map(|word| format!("INFO r/work.{attempt}: {word}"));
        assert_eq!(lines.sorted(), [of(1), of(2), of(3)].concat());
    });
}

#[test]
fn an_attempt_that_took_too_long_is_told_under_its_own_number() {
    struct Own(Mutex<Vec<(Option<u32>, String)>>);
    impl LogSink for Own {
        fn log(&self, record: &LogRecord<'_>) {
            self.0.lock().unwrap().push((record.attempt, record.message.to_owned()));
        }
    }
    // What is said by the runner itself comes as an event.
    use tracing_subscriber::layer::SubscriberExt;
    let subscriber = tracing_subscriber::registry().with(entourage::RunLogLayer::new());
    let waits = || {
        entourage::CANCEL.get().unwrap().wait_for(Duration::from_secs(600));
        1_u64
    };
    let waits = node(waits).reads(()).writes(OUT).named("waits");
    let waits = waits.timeout(Duration::from_millis(20)).retry(Retry::new(2).after_timeout());
    let pipeline = Pipeline::new([waits]).unwrap();
    tracing::subscriber::with_default(subscriber, || {
        with_thread_runner(2, |runner| {
            let said = Arc::new(Own(Mutex::default()));
            let options = RunOptions::new().run_logger(RunLogger::new(said.clone()));
            runner.run(&pipeline, &Catalog::empty(), options).unwrap_err();
            let said = said.0.lock().unwrap();
            let numbers: Vec<_> = said.iter().map(|(attempt, _)| *attempt).collect();
            assert_eq!(numbers, [Some(1), Some(2)], "{said:?}");
        });
    });
}

#[test]
fn a_logger_that_went_to_a_thread_by_hand_still_files_rightly() {
    let kept: Arc<Mutex<Option<Logger>>> = Arc::default();
    let keep = kept.clone();
    let work = move || {
        let logger = logger().unwrap().with("table", "rows");
        *keep.lock().unwrap() = Some(logger.clone());
        let spoken = thread::spawn(move || {
            assert!(try_logger().is_err(), "the context stayed where it was");
            logger.with("at", 3).warn(format_args!("said by {}", "hand"));
        });
        spoken.join().unwrap();
        1_u64
    };
    let pipeline = Pipeline::new([node(work).reads(()).writes(OUT).named("work")]).unwrap();
    let lines = Arc::new(Lines::default());
    let options = RunOptions::new().run_id("r").run_logger(RunLogger::new(lines.clone()));
    with_thread_runner(1, |runner| runner.run(&pipeline, &Catalog::empty(), options)).unwrap();
    let logger = kept.lock().unwrap().take().unwrap();
    logger.error("after the run");
    logger.debug("x");
    logger.trace("y");
    logger.log(Level::INFO, "z", &[("own", LogValue::debug(&Some(1)))]);
    assert_eq!(logger.run_id().unwrap().as_str(), "r");
    assert_eq!((logger.node().unwrap().as_str(), logger.attempt()), ("work", Some(1)));
    let expected = [
        "DEBUG r/work.1: x table=rows",
        "ERROR r/work.1: after the run table=rows",
        "INFO r/work.1: z table=rows own=Some(1)",
        "TRACE r/work.1: y table=rows",
        "WARN r/work.1: said by hand table=rows at=3",
    ];
    assert_eq!(lines.sorted(), expected);
}

#[test]
fn a_field_that_is_given_again_is_replaced_in_this_logger_alone() {
    let lines = Arc::new(Lines::default());
    RUN_LOGGER.scope(RunLogger::new(lines.clone()), || {
        let one = logger().unwrap().with("a", 1).with("b", true);
        let two = one.with("a", 2);
        one.info("one");
        two.info("two");
    });
    assert_eq!(lines.sorted(), ["INFO -/-: one a=1 b=true", "INFO -/-: two a=2 b=true"]);
}

#[test]
fn a_run_in_a_node_of_another_run_is_neither_in_that_node_nor_in_its_attempt() {
    let inner = || {
        let hook = Each(|told: Told| {
            if told.method == "before_pipeline_run" {
                say("begins");
            }
            Ok(())
        });
        let work = node(|| 1_u64).reads(()).writes(MIDDLE).named("other");
        let work = Pipeline::new([work]).unwrap();
        let say_it = node(|n: &u64| {
            say("inside");
            *n
        });
        let work = Pipeline::sum([
            work,
            Pipeline::new([say_it.reads(MIDDLE).writes(OUT).named("inner")]).unwrap(),
        ])
        .unwrap();
        let options = RunOptions::new().run_id("inner").hooks(hook);
        SequentialRunner::new().run(&work, &Catalog::empty(), options).unwrap();
        if ATTEMPT.get() == Some(1) { Err(fmt::Error) } else { Ok(1_u64) }
    };
    let outer = node(inner).reads(()).writes(OUT).named("outer").retry(Retry::new(2));
    let pipeline = Pipeline::new([outer]).unwrap();
    with_each_runner(|runner| {
        let lines = Arc::new(Lines::default());
        let options = RunOptions::new().run_id("outer").run_logger(RunLogger::new(lines.clone()));
        runner.run(&pipeline, &Catalog::empty(), options).unwrap();
        let both = ["INFO inner/-: begins", "INFO inner/inner.1: inside"];
        assert_eq!(lines.sorted(), [both[0], both[0], both[1], both[1]]);
    });
}

/// What is said where there is no logger, with the answers to all questions.
fn why() -> (String, [bool; 5]) {
    assert!(logger().is_none());
    let error = try_logger().unwrap_err();
    let answers = [
        error.is_outside_of_run(),
        error.is_run_without_logger(),
        error.is_held_back(),
        error.is_propagation_off(),
        error.is_suppressed(),
    ];
    (error.to_string(), answers)
}

/// What a node of a run says that is given `options`.
fn why_in_node(options: RunOptions) -> Vec<(String, [bool; 5])> {
    let told: Arc<Mutex<Vec<_>>> = Arc::default();
    let tell = told.clone();
    let work = move || {
        tell.lock().unwrap().push(why());
        1_u64
    };
    let pipeline = Pipeline::new([node(work).reads(()).writes(OUT).named("work")]).unwrap();
    with_each_runner(|runner| {
        runner.run(&pipeline, &Catalog::empty(), options.clone()).unwrap();
    });
    let told = std::mem::take(&mut *told.lock().unwrap());
    assert_eq!(told.len(), 3);
    told
}

#[test]
fn outside_of_any_run_it_says_so() {
    let (text, answers) = why();
    assert!(text.contains("outside of any run"), "{text}");
    assert_eq!(answers, [true, false, false, false, false]);
}

#[test]
fn in_a_run_without_a_logger_it_says_so() {
    for (text, answers) in why_in_node(RunOptions::new()) {
        assert!(text.contains("the run has none"), "{text}");
        assert_eq!(answers, [false, true, false, false, false]);
    }
}

#[test]
fn under_propagation_off_it_says_so() {
    let lines = RunLogger::new(Arc::new(Lines::default()));
    let options = RunOptions::new().run_logger(lines).propagation(Propagation::off());
    for (text, answers) in why_in_node(options) {
        assert!(text.contains("propagation was off"), "{text}");
        assert_eq!(answers, [false, false, true, true, false]);
    }
}

#[test]
fn a_task_under_suppression_or_a_policy_that_holds_the_logger_back_says_so() {
    let pool = Executor::builder().num_threads(1).build().unwrap();
    let narrow = pool.with_propagation(Propagation::only([&RUN_ID])).unwrap();
    let denies = pool.with_propagation(Propagation::except([&RUN_LOGGER])).unwrap();
    RUN_LOGGER.scope(RunLogger::new(Arc::new(Lines::default())), || {
        RUN_ID.scope("r".into(), || {
            let held_back = [false, false, true, false, false];
            let (text, answers) = narrow.spawn(why).join().unwrap();
            assert!(text.contains("not on the allowlist (`entourage::RUN_ID`)"), "{text}");
            assert_eq!(answers, held_back);
            let (text, answers) = denies.spawn(why).join().unwrap();
            assert!(text.contains("is on the denylist"), "{text}");
            assert_eq!(answers, held_back);
            let suppressed = [false, false, true, false, true];
            let (text, answers) = suppress(|| pool.spawn(why)).join().unwrap();
            assert!(text.contains("propagation was suppressed"), "{text}");
            assert_eq!(answers, suppressed);
            let _guard = SuppressGuard::new();
            assert_eq!(pool.spawn(why).join().unwrap().1, suppressed);
        });
        let (text, answers) = RUN_LOGGER.cleared(why);
        assert!(text.contains("was removed at"), "{text}");
        assert_eq!(answers, [true, false, false, false, false]);
    });
}

#[test]
fn an_attempt_whose_number_was_held_back_is_not_taken_for_the_first() {
    let narrow = Propagation::only([&RUN_LOGGER, &RUN_ID, &NODE]);
    let pool = Executor::builder().num_threads(1).propagation(narrow).build().unwrap();
    RUN_LOGGER.scope(RunLogger::new(Arc::new(Lines::default())), || {
        let attempt = || logger().unwrap().attempt();
        assert_eq!(attempt(), None, "outside of nodes");
        NODE.scope("work".into(), || {
            assert_eq!((attempt(), pool.spawn(attempt).join().unwrap()), (Some(1), Some(1)));
            ATTEMPT.scope(2, || {
                assert_eq!((attempt(), pool.spawn(attempt).join().unwrap()), (Some(2), None));
            });
        });
    });
}

#[test]
fn a_message_that_panics_fails_or_never_ends_is_filed_as_far_as_it_goes() {
    struct Bad(&'static str);
    impl fmt::Display for Bad {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("so far ")?;
            match self.0 {
                "panics" => panic!("of the message"),
                "fails" => Err(fmt::Error),
                _ => loop {
                    f.write_str("and on ")?;
                },
            }
        }
    }
    #[derive(Default)]
    struct Records(Mutex<Vec<(String, Option<u64>)>>);
    impl LogSink for Records {
        fn log(&self, record: &LogRecord<'_>) {
            let said = (record.message.to_owned(), record.whole_message);
            self.0.lock().unwrap().push(said);
        }
        fn longest_text(&self) -> usize {
            24
        }
    }
    let records = Arc::new(Records::default());
    RUN_LOGGER.scope(RunLogger::new(records.clone()), || {
        for how in ["panics", "fails", "never ends"] {
            logger().unwrap().info(Bad(how));
        }
        logger().unwrap().info("€".repeat(10));
    });
    let said = std::mem::take(&mut *records.0.lock().unwrap());
    assert_eq!(said[0], ("so far <formatting panicked>".into(), None));
    assert_eq!(said[1], ("so far <formatting failed>".into(), None));
    assert_eq!(said[2].0, "so far and on and on and");
    assert!(said[2].1.unwrap() > 16 << 20, "it was stopped: {:?}", said[2].1);
    assert_eq!(said[3], ("€".repeat(8), Some(30)));
}

#[test]
fn what_a_sink_says_by_a_logger_while_it_takes_a_message_goes_nowhere() {
    #[derive(Default)]
    struct Chatty(Lines, Mutex<Option<Logger>>);
    impl LogSink for Chatty {
        fn log(&self, record: &LogRecord<'_>) {
            say("of the sink");
            if let Some(kept) = &*self.1.lock().unwrap() {
                kept.info("of the sink");
            }
            self.0.log(record);
        }
    }
    let sink = Arc::new(Chatty::default());
    RUN_LOGGER.scope(RunLogger::new(sink.clone()), || {
        *sink.1.lock().unwrap() = logger();
        say("said");
        *sink.1.lock().unwrap() = None;
    });
    assert_eq!(sink.0.sorted(), ["INFO -/-: said"]);
}
