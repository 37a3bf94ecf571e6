//! What a node in another process sees of its caller and of its run.

#![cfg(all(feature = "pipeline", unix))]

#[expect(dead_code, reason = "each test file needs some of the helpers")]
#[path = "support/processes.rs"]
mod processes;

use std::error::Error;
use std::sync::{Arc, Mutex};

use entourage::{
    Catalog, Codec, Data, Dataset, LogRecord, LogSink, LogValue, NODE, Node, Pipeline, Propagation,
    RUN_ID, RUN_LOGGER, RunId, RunLogger, RunOptions, TRACE_PARENT, TraceParent, Wire, context_key,
    logger, node, serve_worker,
};
use processes::{again, does, number};
use tracing::Level;

context_key! {
    static TENANT: String = propagate;
    static TOKEN: String = clear;
    static LOCAL: u32 = propagate;
}

/// What a place sees, in words.
fn seen() -> String {
    let keys = [
        TENANT.get(),
        TOKEN.get(),
        LOCAL.get().map(|n| n.to_string()),
        RUN_ID.get().map(|id| id.to_string()),
        NODE.get().map(|node| node.to_string()),
        TRACE_PARENT.get().map(|parent| parent.to_string()),
        RUN_LOGGER.get().map(|_| "logs".to_owned()),
    ];
    keys.map(|key| key.unwrap_or_else(|| "-".to_owned())).join(" ")
}

const SEEN: Data<str> = Data::text("seen");
const STORED: Data<str> = Data::text("stored");
const COPY: Data<str> = Data::text("copy");

/// Storage that says what its loads see, and whose saves say it to the run's log.
struct Sees;

impl Dataset<str> for Sees {
    fn load(&self) -> Result<String, Box<dyn Error + Send + Sync>> {
        Ok(seen())
    }

    fn save(&self, _: &str) -> Result<(), Box<dyn Error + Send + Sync>> {
        if let Some(logger) = logger() {
            logger.info(format_args!("save: {}", seen()));
        }
        Ok(())
    }

    fn exists(&self) -> Result<bool, Box<dyn Error + Send + Sync>> {
        Ok(true)
    }
}

fn sees(name: &str) -> Node {
    node(seen).reads(()).writes(SEEN.named(format!("{name}_seen"))).named(name)
}

fn wire() -> Wire {
    let wire = Wire::builder().trace_context().key(&TENANT, Codec::text());
    wire.key(&TOKEN, Codec::text()).build().unwrap()
}

fn parent() -> TraceParent {
    TraceParent::new(0x4bf9_2f35, 0x00f0_67aa, true).unwrap()
}

/// Runs `f` as a caller who has set everything.
fn as_caller<R>(f: impl FnOnce() -> R) -> R {
    TENANT.scope("Amélie & Söhne".into(), || {
        TOKEN.scope("t0k3n".into(), || LOCAL.scope(3, || TRACE_PARENT.scope(parent(), f)))
    })
}

#[derive(Default)]
struct Lines(Mutex<Vec<String>>);

impl LogSink for Lines {
    fn log(&self, record: &LogRecord<'_>) {
        let run = record.run_id.as_ref().map_or("-", RunId::as_str);
        let node = record.node.as_ref().map_or("-", |node| node.as_str());
        let LogRecord { level, message, .. } = record;
        self.0.lock().unwrap().push(format!("{level} {run} {node}: {message}"));
    }
}

#[test]
fn node_load_and_save_see_what_is_on_the_wire_and_the_run_and_the_node() {
    let copy = |stored: &str| stored.to_owned();
    let nodes = Pipeline::new([
        sees("a"),
        node(copy).reads(STORED).writes(COPY).named("b"),
        node(copy).reads(SEEN.named("a_seen")).writes(STORED.named("out")).named("c"),
    ])
    .unwrap();
    let out = STORED.named("out");
    let catalog = Catalog::builder().dataset(&STORED, Sees).dataset(&out, Sees).build().unwrap();
    serve_worker(&nodes, &catalog).wire(&wire()).if_asked();

    let test = node_load_and_save_see_what_is_on_the_wire_and_the_run_and_the_node;
    let runner = again(test).workers(1).wire(&wire()).build().unwrap();
    let lines = Arc::new(Lines::default());
    let options = RunOptions::new().run_id("r1").run_logger(RunLogger::new(lines.clone()));
    let report = as_caller(|| runner.run(&nodes, &catalog, options)).unwrap();
    let sees = |node| format!("Amélie & Söhne t0k3n - r1 {node} {} logs", parent());
    assert_eq!(*report.output(&COPY).unwrap(), sees("b"));
    let said = lines.0.lock().unwrap();
    assert_eq!(*said, [format!("INFO r1 c: save: {}", sees("c"))]);
    drop(said);
    // Without what is not there.
    let report = runner.run(&nodes, &catalog, RunOptions::new().run_id("r2")).unwrap();
    assert_eq!(*report.output(&COPY).unwrap(), "- - - r2 b - -");
}

#[test]
fn options_say_what_is_carried_and_off_is_nothing() {
    let nodes = Pipeline::new([sees("a")]).unwrap();
    let catalog = Catalog::empty();
    serve_worker(&nodes, &catalog).wire(&wire()).if_asked();

    let test = options_say_what_is_carried_and_off_is_nothing;
    let runner = again(test).workers(1).wire(&wire()).build().unwrap();
    let seen = |propagation| {
        let options = RunOptions::new().run_id("r1").propagation(propagation);
        let report = as_caller(|| runner.run(&nodes, &catalog, options)).unwrap();
        report.output(&SEEN.named("a_seen")).unwrap().to_string()
    };
    assert_eq!(seen(Propagation::only([&TENANT])), "Amélie & Söhne - - r1 a - -");
    assert_eq!(seen(Propagation::except([&TENANT])), format!("- - - r1 a {} -", parent()));
    assert_eq!(seen(Propagation::off()), "- - - - - - -");
}

#[test]
fn what_one_node_leaves_set_no_other_sees() {
    // A guard that is never dropped, as far as a user can leave one.
    let leaks = does("a", || std::mem::forget(entourage::SuppressGuard::new()));
    let nodes = Pipeline::new([leaks, sees("b")]).unwrap();
    let catalog = Catalog::empty();
    serve_worker(&nodes, &catalog).wire(&wire()).if_asked();

    let test = what_one_node_leaves_set_no_other_sees;
    let runner = again(test).workers(1).wire(&wire()).build().unwrap();
    let options = || RunOptions::new().run_id("r1");
    for _ in 0..3 {
        let report = as_caller(|| runner.run(&nodes, &catalog, options())).unwrap();
        let seen = report.output(&SEEN.named("b_seen")).unwrap();
        assert_eq!(*seen, format!("Amélie & Söhne t0k3n - r1 b {} -", parent()));
    }
}

#[test]
fn fields_of_a_message_come_along_and_none_comes_after_its_node() {
    let say = || {
        let logger = RUN_LOGGER.get().unwrap();
        let fields = [("rows", LogValue::Signed(i128::MIN)), ("rate", LogValue::Float(f64::NAN))];
        logger.log(&LogRecord::new(Level::WARN, "mended").with_target("rows").with_fields(&fields));
        // A thread that goes on when its node is over.
        std::thread::spawn(move || {
            loop {
                logger.log(&LogRecord::new(Level::WARN, "late").with_target("rows"));
            }
        });
    };
    let nodes = Pipeline::new([does("a", say), does("b", || ())]).unwrap();
    serve_worker(&nodes, &Catalog::empty()).if_asked();

    #[derive(Default)]
    struct Records(Mutex<Vec<(String, Vec<String>)>>);
    impl LogSink for Records {
        fn log(&self, record: &LogRecord<'_>) {
            let fields = record.fields.iter().map(|(name, value)| format!("{name}={value}"));
            let node = NODE.get().unwrap();
            let told = format!("{} {} {} in {node}", record.level, record.target, record.message);
            self.0.lock().unwrap().push((told, fields.collect()));
        }
    }
    let test = fields_of_a_message_come_along_and_none_comes_after_its_node;
    let runner = again(test).workers(1).build().unwrap();
    let records = Arc::new(Records::default());
    let options = RunOptions::new().run_logger(RunLogger::new(records.clone()));
    let report = runner.run(&nodes, &Catalog::empty(), options).unwrap();
    assert_eq!(report.output(&number("b_out")).as_deref(), Some(&7));
    let records = records.0.lock().unwrap();
    let (first, fields) = &records[0];
    assert_eq!(first, "WARN rows mended in a");
    assert_eq!(*fields, [format!("rows={}", i128::MIN), "rate=NaN".to_owned()]);
    assert!(records[1..].iter().all(|(told, _)| told == "WARN rows late in a"));
}

#[test]
fn context_that_the_wire_cannot_hold_is_an_error_before_the_run() {
    let nodes = Pipeline::new([sees("a")]).unwrap();
    let wire = || Wire::builder().key(&TENANT, Codec::text()).max_bytes(64).build().unwrap();
    let builder = entourage::ProcessRunner::builder().wire(&wire());
    let runner = builder.command(|| unreachable!("no worker is started")).build().unwrap();
    let run = || runner.run(&nodes, &Catalog::empty(), RunOptions::new());
    let error = TENANT.scope("x".repeat(65), run).unwrap_err();
    assert!(error.is_refused());
    assert!(error.problems()[0].starts_with("the caller's context: "), "{error}");
}

#[test]
fn context_that_the_worker_cannot_read_fails_the_node() {
    let nodes = Pipeline::new([sees("a")]).unwrap();
    let wire = |codec: Codec<String>| Wire::builder().key(&TENANT, codec).build().unwrap();
    let newer = wire(Codec::text().version(2));
    serve_worker(&nodes, &Catalog::empty()).wire(&wire(Codec::text())).if_asked();

    let test = context_that_the_worker_cannot_read_fails_the_node;
    let runner = again(test).workers(1).wire(&newer).build().unwrap();
    let run = || runner.run(&nodes, &Catalog::empty(), RunOptions::new());
    let error = TENANT.scope("acme".into(), run).unwrap_err();
    let failure = error.failures().next().unwrap_or_else(|| panic!("{error}")).to_string();
    assert!(failure.contains("the caller's context: ") && failure.contains("version"), "{failure}");
}
