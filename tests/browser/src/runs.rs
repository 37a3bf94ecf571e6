//! Runs, each recorded in a folder and told in a report there.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use entourage::{
    Catalog, Data, Executor, Node, Pipeline, Retry, RunLogLayer, RunOptions, RunRecord,
    RunRecorder, ThreadRunner, node,
};
use serde_json::Value;
use tracing_subscriber::layer::SubscriberExt;

/// Runs the pipeline under `runs`, whatever comes of it, and writes the report.
pub fn run(runs: &Path, id: &str, pipeline: &Pipeline, catalog: &Catalog) -> PathBuf {
    let recorder = RunRecorder::new(runs);
    let pool = Executor::builder().num_threads(4).build().unwrap();
    let options = RunOptions::new().run_id(id).keep_going().listener(recorder.clone());
    // A file of log for each of very many nodes is not what is looked at.
    let layer = (pipeline.len() <= 10_000).then(RunLogLayer::new);
    let subscriber = tracing_subscriber::registry().with(layer);
    // Whether it fails is for the report to say.
    let ended = tracing::subscriber::with_default(subscriber, || {
        ThreadRunner::new(&pool).run(pipeline, catalog, options)
    });
    if let Err(error) = ended {
        assert!(!error.is_refused(), "{:?}", error.problems());
    }
    let folder = recorder.folder_of(&id.into()).unwrap();
    report(&folder)
}

/// Writes the report of what is recorded in `folder`.
pub fn report(folder: &Path) -> PathBuf {
    let path = folder.join("report.html");
    RunRecord::read(folder).unwrap().write_report(&path).unwrap();
    path
}

const LIMIT: Data<f64> = Data::parameter("features.limit");
const REGIONS: Data<Vec<String>> = Data::parameter("ingest.regions");

fn pause(milliseconds: u64) {
    thread::sleep(Duration::from_millis(milliseconds));
}

/// A dataset in memory, or in a JSON file where its name ends so.
fn data(name: &'static str) -> Data<u64> {
    if name.ends_with("_json") { Data::value(name) } else { Data::memory(name) }
}

/// A step that takes a while and says so.
fn step(name: &str, reads: &'static str, writes: &'static str, milliseconds: u64) -> Node {
    let work = move |rows: &u64| {
        tracing::info!(rows, "began");
        pause(milliseconds);
        tracing::debug!(kept = rows - 1, dropped = 1, "filtered");
        rows + 1
    };
    node(work).reads(data(reads)).writes(data(writes)).named(name)
}

/// Some twenty nodes in three namespaces. With `fails`, one fails for good and one
/// in its first attempt.
pub fn small(runs: &Path, id: &str, limit: f64, fails: bool) -> PathBuf {
    let begin = |_: &Vec<String>| {
        tracing::info!("reading the list of regions");
        pause(4);
        7_u64
    };
    let attempts = std::sync::atomic::AtomicU32::new(0);
    let fit = move |rows: &u64, limit: &f64| {
        tracing::info!(rows, limit, "fitting");
        pause(9);
        if fails && attempts.fetch_add(1, std::sync::atomic::Ordering::Relaxed) == 0 {
            tracing::warn!(iteration = 40, "did not converge");
            return Err("did not converge in 40 iterations");
        }
        Ok(*rows)
    };
    let score = move |rows: &u64| {
        for batch in 0..30 {
            tracing::info!(batch, rows, "scored a batch");
        }
        pause(12);
        if fails {
            tracing::error!(batch = 30, code = 507, "the store does not take it");
            let cause =
                std::io::Error::other("quota of bucket `scores` exceeded: 50.0 GiB of 50 GiB");
            return Err(Failed(cause));
        }
        Ok(*rows)
    };
    let region = |space: &str| {
        let nodes = [
            step("clean", "raw", "rows_json", 6),
            step("join_weather", "rows_json", "joined", 14),
            step("join_carriers", "rows_json", "with_carriers", 5),
            node(|a: &u64, b: &u64| a + b)
                .reads((data("joined"), data("with_carriers")))
                .writes(data("features_json"))
                .named("combine")
                .tag("slow"),
        ];
        let inputs = entourage::Namespace::new(space).keep_inputs(["raw"]);
        Pipeline::new(nodes).unwrap().namespace(inputs).unwrap()
    };
    let regions = ["north", "south", "overseas"].map(region);
    let rest = Pipeline::new([
        node(begin).reads(REGIONS).writes(data("listed")).named("list_regions").tag("ingest"),
        step("download", "listed", "raw", 18).tag("ingest"),
        node(|a: &u64, b: &u64, c: &u64| a + b + c)
            .reads((
                data("north.features_json"),
                data("south.features_json"),
                data("overseas.features_json"),
            ))
            .writes(data("training_json"))
            .named("build_training_set_of_all_the_regions"),
        node(fit)
            .reads((data("training_json"), LIMIT))
            .writes(data("model_json"))
            .named("fit")
            .tag("model")
            .retry(Retry::new(3)),
        node(score)
            .reads(data("model_json"))
            .writes(data("scores_json"))
            .named("score")
            .tag("model"),
        step("calibrate", "scores_json", "calibrated", 3).tag("model"),
        step("publish", "calibrated", "published_json", 2).tag("report"),
        step("plot", "model_json", "plots_json", 7).tag("report"),
        step("evaluate", "model_json", "metrics_json", 4).tag("report"),
    ])
    .unwrap();
    let pipeline = Pipeline::sum([&rest, &regions[0], &regions[1], &regions[2]]).unwrap();
    let files = format!(
        "\"{{name}}_json\":\n  type: json\n  path: {}/{{name}}.json\n",
        runs.join(".data").display()
    );
    let catalog = Catalog::builder()
        .yaml_text("catalog.yml", files)
        .parameter(&LIMIT, limit)
        .parameter(&REGIONS, ["north", "south", "overseas"].map(str::to_owned).to_vec())
        .build()
        .unwrap();
    run(runs, id, &pipeline, &catalog)
}

#[derive(Debug)]
struct Failed<E>(E);

impl<E> std::fmt::Display for Failed<E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("cannot upload the scores of region `overseas`")
    }
}

impl<E: std::error::Error + 'static> std::error::Error for Failed<E> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

/// `spaces` namespaces of 200 nodes, each three deep and fed by the one before, some
/// of which fail.
pub fn large(runs: &Path, id: &str, spaces: usize) -> PathBuf {
    let one = |number: usize| {
        let nodes = (0..200).map(|at| {
            let (reads, writes) = match at {
                0 => (
                    if number == 0 { "start".to_owned() } else { "before".to_owned() },
                    "rows_0".to_owned(),
                ),
                1..150 => (format!("rows_{}", (at - 1) / 3), format!("rows_{at}")),
                _ => (format!("rows_{}", at - 60), format!("rows_{at}")),
            };
            let work = move |rows: &u64| match (number % 17, at) {
                (5, 120) => Err("no such region"),
                _ => Ok(std::hint::black_box((0..2_000).fold(*rows, |sum, at| sum ^ at))),
            };
            node(work)
                .reads_named(&*reads)
                .try_writes_named(&*writes)
                .named(format!("step_{at:03}"))
        });
        let space = entourage::Namespace::new(format!("shard_{number:03}"));
        let space = match number {
            0 => space.keep_inputs(["start"]),
            _ => space.input("before", format!("shard_{:03}.rows_{}", number / 2, 3 + number % 90)),
        };
        // A shard that feeds itself would be a circle: each is fed by an earlier one.
        Pipeline::new(nodes).unwrap().namespace(space).unwrap()
    };
    let all: Vec<_> = (0..spaces).map(one).collect();
    let pipeline = Pipeline::sum(&all).unwrap();
    let start = Data::<u64>::memory("start");
    let catalog = Catalog::builder().value(&start, 1).build().unwrap();
    run(runs, id, &pipeline, &catalog)
}

/// A run whose record stops in the midst: what a killed process leaves.
pub fn interrupted(runs: &Path, id: &str) -> PathBuf {
    let report = small(runs, id, 1.0, false);
    let folder = report.parent().unwrap();
    let events = fs::read_to_string(folder.join("events.jsonl")).unwrap();
    let lines: Vec<_> = events.lines().collect();
    let starts = lines.iter().enumerate().filter(|(_, line)| line.contains("node_started"));
    let starts: Vec<_> = starts.map(|(at, _)| at).collect();
    let cut = starts[starts.len() - 5] + 1;
    fs::write(folder.join("events.jsonl"), lines[..cut].join("\n") + "\n{\"seq\":99,\"at_")
        .unwrap();
    fs::remove_file(folder.join("summary.json")).unwrap();
    self::report(folder)
}

/// Two nodes, each ready for a tenth of a millisecond before it began, in a run of
/// five seconds: at 0.77 and at 3.91 of them.
pub fn short_waits(runs: &Path) -> PathBuf {
    let nodes = ["one", "two"].map(|name| node(|| 1_u64).reads(()).writes_named(name).named(name));
    let report = run(runs, "waits", &Pipeline::new(nodes).unwrap(), &Catalog::empty());
    let folder = report.parent().unwrap();
    let events = read(folder, "events.jsonl");
    let mut starts = [770_000_000_u64, 3_910_000_000].into_iter();
    let mut at = 0;
    let timed = events.lines().map(|line| {
        let mut event: Value = serde_json::from_str(line).unwrap();
        match event["event"].as_str().unwrap() {
            "node_started" => {
                at = starts.next().unwrap();
                event["queued_ns"] = 100_000.into();
            }
            "node_done" => event["ran_ns"] = 1_000_000.into(),
            "run_ended" => {
                at = 5_000_000_000;
                event["took_ns"] = at.into();
            }
            _ => {}
        }
        event["at_ns"] = at.into();
        format!("{event}\n")
    });
    fs::write(folder.join("events.jsonl"), timed.collect::<String>()).unwrap();
    self::report(folder)
}

/// One node, no parameter, no namespace, no failure.
pub fn one_node(runs: &Path) -> PathBuf {
    let think = node(|| 42_u64).reads(()).writes_named("answer").named("think");
    run(runs, "one", &Pipeline::new([think]).unwrap(), &Catalog::empty())
}

/// One node that panics.
pub fn panicked(runs: &Path) -> PathBuf {
    let fall = || -> u64 { panic!("there is no such season") };
    let fall = node(fall).reads(()).writes_named("answer").named("fall");
    run(runs, "panicked", &Pipeline::new([fall]).unwrap(), &Catalog::empty())
}

/// One node that saves a text so long that its file has so many bytes.
pub fn saved(runs: &Path, bytes: usize) -> PathBuf {
    let text = move || "x".repeat(bytes);
    let text = node(text).reads(()).writes(Data::<String>::value("text")).named("write");
    let path = runs.join(".text.json");
    let file = format!("text:\n  type: json\n  path: {}\n", path.display());
    let catalog = Catalog::builder().yaml_text("catalog.yml", file).build().unwrap();
    run(runs, "saved", &Pipeline::new([text]).unwrap(), &catalog)
}

/// No node at all.
pub fn no_node(runs: &Path) -> PathBuf {
    let none: [Node; 0] = [];
    run(runs, "none", &Pipeline::new(none).unwrap(), &Catalog::empty())
}

/// A run that did not begin: a parameter is not there.
pub fn refused(runs: &Path) -> PathBuf {
    let fit = node(|limit: &f64| limit.to_bits()).reads(LIMIT).writes(data("model")).named("fit");
    let pipeline = Pipeline::new([fit]).unwrap();
    let recorder = RunRecorder::new(runs);
    let options = RunOptions::new().run_id("refused").listener(recorder.clone());
    let pool = Executor::builder().num_threads(1).build().unwrap();
    ThreadRunner::new(&pool).run(&pipeline, &Catalog::empty(), options).unwrap_err();
    report(&recorder.folder_of(&"refused".into()).unwrap())
}

/// What would be markup, a script or an end of either, were it taken for it.
pub const HOSTILE: &str = "</script ><img src=x onerror=alert(1)><script>alert(2)</script><a href=javascript:alert(3)>x</a>\u{202e}gpj.exe<!--";

/// A run whose names and texts all have [`HOSTILE`] in front: those that a pipeline may
/// have, and, written into its record, those that none may.
pub fn hostile(runs: &Path) -> PathBuf {
    let words: Data<String> = Data::parameter("words");
    let say = |words: &String| {
        tracing::error!(field = HOSTILE, "{HOSTILE}");
        Err::<u64, _>(std::io::Error::other(words.clone()))
    };
    let next = node(|rows: &u64| *rows).reads(data("said")).writes(data("heard")).named("hear");
    let nodes = [node(say).reads(words.clone()).writes(data("said")).named("say").tag("tag"), next];
    let catalog = Catalog::builder().parameter(&words, HOSTILE.to_owned()).build().unwrap();
    let id = format!("{HOSTILE}run");
    let report = run(runs, &id, &Pipeline::new(nodes).unwrap(), &catalog);
    let folder = report.parent().unwrap();
    let pipeline: Value = serde_json::from_str(&read(folder, "pipeline.json")).unwrap();
    fs::write(folder.join("pipeline.json"), with_hostile(pipeline).to_string()).unwrap();
    let events = read(folder, "events.jsonl");
    let events = events.lines().map(|line| with_hostile(serde_json::from_str(line).unwrap()));
    let events: String = events.map(|event| format!("{event}\n")).collect();
    fs::write(folder.join("events.jsonl"), events).unwrap();
    self::report(folder)
}

fn read(folder: &Path, name: &str) -> String {
    fs::read_to_string(folder.join(name)).unwrap()
}

/// The same with [`HOSTILE`] in front of each text that may be anything.
fn with_hostile(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(format!("{HOSTILE}{text}")),
        Value::Array(list) => list.into_iter().map(with_hostile).collect(),
        Value::Object(keys) => {
            let kept = ["event", "end", "started", "run_id", "entourage"];
            let keys = keys.into_iter().map(|(key, value)| match kept.contains(&&*key) {
                true => (key, value),
                false => (key, with_hostile(value)),
            });
            Value::Object(keys.collect())
        }
        other => other,
    }
}
