//! Laws of what is told of a run, whatever it is of and whatever becomes of it: checked
//! on shapes of which each goes wrong in its own way, and on random ones.

#![cfg(feature = "pipeline")]

#[path = "support/event_laws.rs"]
mod event_laws;
#[expect(dead_code, reason = "each test file needs some of the helpers")]
#[path = "support/events.rs"]
mod events;
#[expect(dead_code, reason = "each test file needs some of the helpers")]
#[path = "support/pipelines.rs"]
mod pipelines;

use std::error::Error;
use std::fs;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use entourage::events::{Event, EventKind, Listener, RunListener};
use entourage::hooks::{
    AfterCatalogCreated, AfterDatasetLoaded, AfterDatasetSaved, AfterNodeRun, AfterPipelineRun,
    BeforeDatasetLoaded, BeforeDatasetSaved, BeforeNodeRun, BeforePipelineRun, HookResult, Hooks,
    OnDatasetLoadError, OnDatasetSaveError, OnNodeError, OnPipelineError,
};
use entourage::{
    ATTEMPT, CancelToken, Cancelled, Catalog, Data, Dataset, Executor, FileDataset, Node, Pipeline,
    Retry, RunId, RunOptions, ThreadRunner, node,
};
use event_laws::{assert_lawful, assert_lawful_so_far};
use events::{Events, in_words, told};
use parking_lot::Mutex;
use pipelines::{Folder, Runner, with_each_runner, with_thread_runner};
use proptest::collection::vec;
use proptest::prelude::*;

type BoxError = Box<dyn Error + Send + Sync>;

/// Long enough for nobody to wait for, and short enough not to be waited for.
const SOON: Duration = Duration::from_millis(3);
const NEVER: Duration = Duration::from_secs(3600);
/// How long a test waits for what comes at once.
const NOT_SOON: Duration = Duration::from_secs(60);

/// What a node reads that none writes.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Input {
    Value,
    File,
    Cached,
    Broken,
    Panics,
    /// Comes at the second time it is asked for.
    Shaky,
    /// Comes when the attempt is given up.
    Stuck,
}

/// Where a node's output goes.
#[derive(Clone, Copy, Debug)]
enum Output {
    Memory,
    File,
    Cached,
    Broken,
    Shaky,
}

/// What a node's function does.
#[derive(Clone, Copy, Debug)]
enum Does {
    Well,
    Fails,
    Panics,
    FailsAtFirst,
    /// Comes to its end when it is given up.
    TooLong,
    CallsOff,
    GivesUp,
}

#[derive(Clone, Debug)]
struct Step {
    /// Places among the inputs and what earlier steps have written, counted round.
    reads: Vec<usize>,
    writes: Output,
    does: Does,
    retries: bool,
    is_timed: bool,
}

/// A run that is made up.
#[derive(Clone, Debug)]
struct Shape {
    inputs: Vec<Input>,
    steps: Vec<Step>,
    keeps_going: bool,
    pauses: bool,
    is_limited: bool,
    is_hooked: bool,
}

/// Is asked for something several times.
#[derive(Clone, Copy)]
struct Own(Input);

impl Own {
    fn act(self) -> Result<(), BoxError> {
        match self.0 {
            Input::Panics => panic!("there is no way"),
            Input::Shaky if ATTEMPT.get().is_none_or(|attempt| attempt > 1) => Ok(()),
            Input::Stuck => {
                CancelToken::current().wait_for(NEVER);
                Ok(())
            }
            _ => Err("there is no way".into()),
        }
    }
}

impl Dataset<str> for Own {
    fn load(&self) -> Result<String, BoxError> {
        self.act().map(|()| "text".to_owned())
    }

    fn save(&self, _: &str) -> Result<(), BoxError> {
        self.act()
    }

    fn exists(&self) -> Result<bool, BoxError> {
        Ok(true)
    }
}

fn does(does: Does, token: &CancelToken) -> Result<String, BoxError> {
    match does {
        Does::Well => {}
        Does::Fails => return Err("as it must".into()),
        Does::Panics => panic!("out of luck"),
        Does::FailsAtFirst if ATTEMPT.get() == Some(1) => return Err("not at first".into()),
        Does::FailsAtFirst => {}
        Does::TooLong => _ = CancelToken::current().wait_for(NEVER),
        Does::CallsOff => _ = token.cancel(),
        Does::GivesUp => {
            token.cancel();
            return Err(Cancelled.into());
        }
    }
    Ok("text".to_owned())
}

fn text(name: impl Into<String>) -> Data<str> {
    Data::text("text").named(name)
}

impl Shape {
    fn pipeline(&self, token: &CancelToken) -> Pipeline {
        let mut names: Vec<String> = (0..self.inputs.len()).map(|at| format!("in{at}")).collect();
        let mut nodes = Vec::new();
        for (at, step) in self.steps.iter().enumerate() {
            let reads: Vec<_> = step.reads.iter().map(|read| read % names.len()).collect();
            let is_stuck = |read: &usize| self.inputs.get(*read) == Some(&Input::Stuck);
            let is_endless = reads.iter().any(is_stuck) || matches!(step.does, Does::TooLong);
            let data: Vec<_> = reads.iter().map(|read| text(&*names[*read])).collect();
            let node = self.node(step, &data, &format!("out{at}"), token).named(format!("n{at}"));
            let node = node.tag(if at % 2 == 0 { "even" } else { "odd" });
            nodes.push(match (is_endless, step.is_timed) {
                (true, _) => node.timeout(SOON),
                (false, true) => node.timeout(NEVER),
                (false, false) => node,
            });
            names.push(format!("out{at}"));
        }
        Pipeline::new(nodes).unwrap()
    }

    fn node(&self, step: &Step, reads: &[Data<str>], writes: &str, token: &CancelToken) -> Node {
        let (what, token) = (step.does, token.clone());
        let act = move || does(what, &token);
        let writes = text(writes);
        let node = match reads {
            [] => node(act).reads(()).writes(writes),
            [a] => node(move |_: &str| act()).reads(a.clone()).writes(writes),
            [a, b, ..] => {
                node(move |_: &str, _: &str| act()).reads((a.clone(), b.clone())).writes(writes)
            }
        };
        let retry = Retry::new(2).after_panic().after_timeout();
        match (step.retries, self.pauses) {
            (false, _) => node,
            (true, false) => node.retry(retry),
            (true, true) => node.retry(retry.backoff(Duration::from_micros(100), 1.0)),
        }
    }

    fn catalog(&self, folder: &Folder) -> Catalog {
        let mut builder = Catalog::builder();
        let file = |name: &str| FileDataset::text(folder.path(name));
        for (at, input) in self.inputs.iter().enumerate() {
            let name = format!("in{at}");
            let data = text(&*name);
            fs::write(folder.path(&name), "text").unwrap();
            builder = match input {
                Input::Value => builder.value(&data, "text".to_owned()),
                Input::File => builder.file(&*name, file(&name)),
                Input::Cached => builder.file(&*name, file(&name)).cached(&*name),
                own => builder.dataset(&data, Own(*own)),
            };
        }
        for (at, step) in self.steps.iter().enumerate() {
            let name = format!("out{at}");
            let data = text(&*name);
            builder = match step.writes {
                Output::Memory => builder,
                Output::File => builder.file(&*name, file(&name)),
                Output::Cached => builder.file(&*name, file(&name)).cached(&*name),
                Output::Broken => builder.dataset(&data, Own(Input::Broken)),
                Output::Shaky => builder.dataset(&data, Own(Input::Shaky)),
            };
        }
        builder.build().unwrap()
    }

    fn options(&self, token: &CancelToken) -> RunOptions {
        let mut options = RunOptions::new().cancel_token(token.clone());
        if self.keeps_going {
            options = options.keep_going();
        }
        if self.is_limited {
            options = options.limit("even", 1);
        }
        if self.is_hooked {
            options = options.hooks(Quiet);
        }
        options
    }

    fn check(&self, runner: &dyn Runner) {
        let (folder, token) = (Folder::new(), CancelToken::new());
        let (pipeline, catalog) = (self.pipeline(&token), self.catalog(&folder));
        let run = |p: &Pipeline, c: &Catalog, o| runner.run(p, c, o);
        let told = told(run, &pipeline, &catalog, self.options(&token));
        assert_lawful(&pipeline, &told.outcome, &told.events);
    }
}

/// Is told of everything, and does nothing about it.
struct Quiet;

impl Hooks for Quiet {}

fn shapes() -> impl Strategy<Value = Shape> {
    let input = prop_oneof![
        2 => Just(Input::Value),
        4 => Just(Input::File),
        2 => Just(Input::Cached),
        1 => Just(Input::Broken),
        1 => Just(Input::Panics),
        1 => Just(Input::Shaky),
        1 => Just(Input::Stuck),
    ];
    let output = prop_oneof![
        5 => Just(Output::Memory),
        5 => Just(Output::File),
        2 => Just(Output::Cached),
        1 => Just(Output::Broken),
        1 => Just(Output::Shaky),
    ];
    let does = prop_oneof![
        20 => Just(Does::Well),
        2 => Just(Does::Fails),
        2 => Just(Does::Panics),
        3 => Just(Does::FailsAtFirst),
        1 => Just(Does::TooLong),
        1 => Just(Does::CallsOff),
        1 => Just(Does::GivesUp),
    ];
    let reads = vec(0..64_usize, 0..3);
    let step = (reads, output, does, any::<bool>(), any::<bool>());
    let step = step.prop_map(|(reads, writes, does, retries, is_timed)| Step {
        reads,
        writes,
        does,
        retries,
        is_timed,
    });
    let flags = (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>());
    (vec(input, 1..4), vec(step, 1..16), flags).prop_map(|(inputs, steps, flags)| {
        let (keeps_going, pauses, is_limited, is_hooked) = flags;
        Shape { inputs, steps, keeps_going, pauses, is_limited, is_hooked }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

    #[test]
    fn random_run_is_told_lawfully_by_each_runner(shape in shapes()) {
        with_each_runner(|runner| shape.check(runner));
    }
}

/// Does something about what it is told.
#[derive(Clone)]
struct Reacts(Arc<dyn Fn(&Event<'_>) + Send + Sync>);

impl Reacts {
    fn with(react: impl Fn(&Event<'_>) + Send + Sync + 'static) -> Self {
        Self(Arc::new(react))
    }
}

impl Listener for Reacts {
    fn run(&self, _: &RunId) -> Arc<dyn RunListener> {
        Arc::new(self.clone())
    }
}

impl RunListener for Reacts {
    fn event(&self, event: &Event<'_>) {
        (self.0)(event);
    }
}

/// Something of everything.
fn mixed() -> Shape {
    let step = |reads: &[usize], writes, does, retries, is_timed| Step {
        reads: reads.to_vec(),
        writes,
        does,
        retries,
        is_timed,
    };
    Shape {
        inputs: vec![Input::File, Input::Shaky, Input::Value, Input::Stuck],
        steps: vec![
            step(&[0, 1], Output::File, Does::Well, true, true),
            step(&[0, 4], Output::Memory, Does::FailsAtFirst, true, false),
            step(&[0], Output::Cached, Does::Well, false, true),
            step(&[3], Output::File, Does::Well, false, false),
            step(&[2, 7], Output::Shaky, Does::Fails, true, false),
            step(&[], Output::Memory, Does::TooLong, true, false),
            step(&[4, 6], Output::File, Does::Well, false, false),
            step(&[3, 5], Output::File, Does::Well, true, false),
        ],
        keeps_going: true,
        pauses: true,
        is_limited: true,
        is_hooked: false,
    }
}

#[test]
fn run_that_a_listener_calls_off_at_any_event_is_told_lawfully() {
    with_each_runner(|runner| {
        for at in 0..60 {
            let (folder, token, shape) = (Folder::new(), CancelToken::new(), mixed());
            let (pipeline, catalog) = (shape.pipeline(&token), shape.catalog(&folder));
            let cancels = token.clone();
            let react = Reacts::with(move |event| {
                if event.seq == at {
                    cancels.cancel();
                }
            });
            let options = shape.options(&token).listener(react);
            let run = |p: &Pipeline, c: &Catalog, o| runner.run(p, c, o);
            let told = told(run, &pipeline, &catalog, options);
            assert_lawful(&pipeline, &told.outcome, &told.events);
        }
    });
}

/// Is loaded once its gate is open; then it is there, or not.
struct Gated {
    gate: Mutex<mpsc::Receiver<()>>,
    is_there: bool,
}

impl Dataset<str> for Gated {
    fn load(&self) -> Result<String, BoxError> {
        self.gate.lock().recv_timeout(NOT_SOON)?;
        if self.is_there { Ok("text".to_owned()) } else { Err("it is not there".into()) }
    }

    fn save(&self, _: &str) -> Result<(), BoxError> {
        Err("it is only read".into())
    }

    fn exists(&self) -> Result<bool, BoxError> {
        Ok(true)
    }
}

#[test]
fn node_that_waits_for_anothers_load_is_given_back_and_begun_again_or_skipped() {
    for (is_there, retries, is_timed) in
        [(true, false, false), (true, true, true), (false, false, false), (false, false, true)]
    {
        let (open, gate) = mpsc::channel();
        let open = Mutex::new(open);
        // The load goes on until the other node was given back.
        let opens = Reacts::with(move |event| {
            if matches!(event.kind, EventKind::NodeGivenBack { .. }) {
                _ = open.lock().send(());
            }
        });
        let read = |name: &str| {
            let node = node(|_: &str| ()).reads(text("in"));
            let node = node.writes(Data::<()>::memory("end").named(format!("end_{name}")));
            let node = node.named(name);
            let node = if retries { node.retry(Retry::new(2)) } else { node };
            if is_timed { node.timeout(NEVER) } else { node }
        };
        let pipeline = Pipeline::new([read("a"), read("b")]).unwrap();
        let gated = Gated { gate: Mutex::new(gate), is_there };
        let catalog = Catalog::builder().dataset(&text("in"), gated).build().unwrap();
        with_thread_runner(2, |runner| {
            let options = RunOptions::new().keep_going().listener(opens);
            let told = told(|p, c, o| runner.run(p, c, o), &pipeline, &catalog, options);
            assert_lawful(&pipeline, &told.outcome, &told.events);
            let words: Vec<_> = told.events.iter().map(|event| in_words(&event.kind)).collect();
            let back = words.iter().find_map(|words| words.split_once(" 1: given back, lacks in"));
            let (waits, _) = back.unwrap_or_else(|| panic!("{words:?}"));
            let its: Vec<_> = words.iter().filter(|words| words.starts_with(waits)).collect();
            let other = if waits == "a" { "b" } else { "a" };
            let end = match is_there {
                true => vec![format!("{waits} 1: started"), format!("{waits} 1: done")],
                false => vec![
                    format!("{waits} 1: started"),
                    format!("{waits} 1: given back, lacks in"),
                    format!("{waits} skipped by {other}"),
                ],
            };
            let begin = ["started", "given back, lacks in"].map(|did| format!("{waits} 1: {did}"));
            assert_eq!(its, begin.iter().chain(&end).collect::<Vec<_>>());
        });
    }
}

#[test]
fn what_is_there_already_is_told_lawfully_with_what_is_not() {
    with_each_runner(|runner| {
        let mut shape = mixed();
        shape.keeps_going = false;
        shape.inputs.iter_mut().for_each(|input| *input = Input::File);
        let (folder, token) = (Folder::new(), CancelToken::new());
        for step in &mut shape.steps {
            (step.does, step.writes) = (Does::Well, Output::File);
        }
        let (pipeline, catalog) = (shape.pipeline(&token), shape.catalog(&folder));
        for missing in [&[][..], &["out2"], &["out3", "out7"], &["out0", "out6", "out4"]] {
            for name in missing {
                fs::remove_file(folder.path(name)).ok();
            }
            let options = RunOptions::new().only_missing();
            let run = |p: &Pipeline, c: &Catalog, o| runner.run(p, c, o);
            let told = told(run, &pipeline, &catalog, options);
            assert_lawful(&pipeline, &told.outcome, &told.events);
            assert!(told.outcome.is_ok());
        }
    });
}

/// Fails at what it is called for.
struct FailsAt(&'static str);

impl FailsAt {
    fn act(&self, method: &str) -> HookResult {
        if self.0 == method { Err("not like that".into()) } else { Ok(()) }
    }
}

macro_rules! fails_at {
    ($($method:ident($call:ty);)*) => {
        const METHODS: &[&str] = &[$(stringify!($method)),*];

        impl Hooks for FailsAt {
            $(fn $method(&self, _: $call) -> HookResult {
                self.act(stringify!($method))
            })*
        }
    };
}

fails_at! {
    after_catalog_created(&mut AfterCatalogCreated<'_>);
    before_pipeline_run(&mut BeforePipelineRun<'_>);
    before_dataset_loaded(&BeforeDatasetLoaded<'_>);
    after_dataset_loaded(&AfterDatasetLoaded<'_>);
    before_node_run(&mut BeforeNodeRun<'_>);
    after_node_run(&AfterNodeRun<'_>);
    on_node_error(&OnNodeError<'_>);
    before_dataset_saved(&BeforeDatasetSaved<'_>);
    after_dataset_saved(&AfterDatasetSaved<'_>);
    on_dataset_load_error(&OnDatasetLoadError<'_>);
    on_dataset_save_error(&OnDatasetSaveError<'_>);
    after_pipeline_run(&AfterPipelineRun<'_>);
    on_pipeline_error(&OnPipelineError<'_>);
}

#[test]
fn run_whose_hooks_fail_is_told_lawfully() {
    with_each_runner(|runner| {
        for method in METHODS {
            let (folder, token, shape) = (Folder::new(), CancelToken::new(), mixed());
            let (pipeline, catalog) = (shape.pipeline(&token), shape.catalog(&folder));
            let options = shape.options(&token).hooks(FailsAt(method));
            let run = |p: &Pipeline, c: &Catalog, o| runner.run(p, c, o);
            let told = told(run, &pipeline, &catalog, options);
            assert_lawful(&pipeline, &told.outcome, &told.events);
        }
    });
}

#[test]
fn run_whose_future_is_dropped_has_a_lawful_end() {
    for dropped_at in 0..12 {
        let shape = Shape { keeps_going: false, ..mixed() };
        let (folder, token) = (Folder::new(), CancelToken::new());
        let (pipeline, catalog) = (shape.pipeline(&token), shape.catalog(&folder));
        let (heard, events) = (Events::default(), mpsc::channel());
        let ((tell, told), listener) = (events, heard.clone());
        let tell = Mutex::new(tell);
        let react = Reacts::with(move |event| {
            let is_over = matches!(event.kind, EventKind::RunEnded(_));
            if event.seq == dropped_at || is_over {
                _ = tell.lock().send(is_over);
            }
        });
        let pool = Executor::builder().num_threads(2).build().unwrap();
        // Who reacts comes last, so that the other has heard what it reacts to.
        let options = RunOptions::new().listener(listener).listener(react);
        let run = ThreadRunner::new(&pool).run_async(&pipeline, &catalog, options);
        let mut is_over = told.recv_timeout(NOT_SOON).unwrap();
        drop(run);
        while !is_over {
            is_over = told.recv_timeout(NOT_SOON).unwrap();
        }
        assert_lawful_so_far(&pipeline, &heard.all());
    }
}
