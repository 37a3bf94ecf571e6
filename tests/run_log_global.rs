//! A sink may itself emit events. Only a global subscriber hands those back to
//! the layer, and a process has but one: this file is that process.

#![cfg(feature = "telemetry")]

use std::io::{self, Write};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Once};

use entourage::{
    Executor, JsonLines, LogRecord, LogSink, NODE, ParallelIteratorExt, RUN_ID, RUN_LOGGER,
    RunLogLayer, RunLogger, logger,
};
use rayon::prelude::*;
use tracing::{Level, info};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

/// Counts the events that the subscriber was given.
struct Counter;

static EVENTS: AtomicUsize = AtomicUsize::new(0);

impl<S: tracing::Subscriber> Layer<S> for Counter {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        if event.metadata().target() == "sink" {
            EVENTS.fetch_add(1, Ordering::Relaxed);
        }
    }
}

fn set_global() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let subscriber = tracing_subscriber::registry().with(RunLogLayer::new()).with(Counter);
        tracing::subscriber::set_global_default(subscriber).unwrap();
    });
}

#[test]
fn what_a_sink_says_while_it_takes_a_message_does_not_come_back_to_it() {
    #[derive(Default)]
    struct Chatty(Mutex<Vec<String>>);
    impl LogSink for Chatty {
        fn log(&self, record: &LogRecord<'_>) {
            info!(target: "sink", "of the sink");
            logger().unwrap().info("of the sink");
            self.0.lock().unwrap().push(record.message.to_owned());
        }
    }
    set_global();
    let log = Arc::new(Chatty::default());
    RUN_LOGGER.scope(RunLogger::new(log.clone()), || {
        info!("first");
        logger().unwrap().info("second");
        info!("third");
    });
    assert_eq!(*log.0.lock().unwrap(), ["first", "second", "third"]);
    assert_eq!(EVENTS.load(Ordering::Relaxed), 3, "other layers saw them");
}

#[test]
fn a_writer_that_emits_events_does_not_wait_for_its_own_lock() {
    struct Chatty;
    impl Write for Chatty {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            info!("of the writer");
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            info!("of the writer");
            Ok(())
        }
    }
    set_global();
    let log = Arc::new(JsonLines::new(Chatty));
    RUN_LOGGER.scope(RunLogger::new(log.clone()), || {
        info!("collected");
        tracing::error!("written at once");
        assert_eq!(log.finish().unwrap(), 2);
        // By the hand of nobody's logger.
        log.log(&LogRecord::new(Level::ERROR, ""));
    });
    assert_eq!(log.finish().unwrap(), 3);
}

#[test]
fn under_a_global_subscriber_concurrent_runs_keep_to_their_own_logs() {
    #[derive(Default)]
    struct Seen(Mutex<Vec<(String, String, String)>>);
    impl LogSink for Seen {
        fn log(&self, record: &LogRecord<'_>) {
            let run_id = record.run_id.as_ref().unwrap().to_string();
            let node = record.node.as_ref().unwrap().to_string();
            self.0.lock().unwrap().push((run_id, node, record.message.to_owned()));
        }
    }
    set_global();
    let pool = Executor::builder().num_threads(4).build().unwrap();
    let run =
        |run: usize| {
            let log = Arc::new(Seen::default());
            let node = |node: &'static str| {
                NODE.scope(node.into(), || {
                    (0..500).into_par_iter().in_context().for_each(|at| {
                        pool.join(|| info!("{at:03} a"), || info!("{at:03} b"));
                    });
                });
            };
            RUN_LOGGER.scope(RunLogger::new(log.clone()), || {
                RUN_ID.scope(format!("r{run}").into(), || {
                    pool.scope(|scope| ["x", "y"].map(|name| scope.spawn(move |_| node(name))));
                });
            });
            let mut seen = std::mem::take(&mut *log.0.lock().unwrap());
            seen.sort();
            let mut expected = Vec::new();
            for node in ["x", "y"] {
                for at in 0..500 {
                    expected.extend(["a", "b"].map(|side| {
                        (format!("r{run}"), node.to_owned(), format!("{at:03} {side}"))
                    }));
                }
            }
            assert!(seen == expected, "events of run {run}");
        };
    std::thread::scope(|threads| {
        for number in 0..16 {
            let run = &run;
            threads.spawn(move || run(number));
        }
    });
}
