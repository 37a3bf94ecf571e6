//! How many instructions propagation adds to a task, counted by valgrind's
//! callgrind: a count that the noise of a machine does not move.
//!
//! Each figure is the difference of two runs of unequal length, so that what a
//! process begins and ends with cancels out, divided by the tasks that the longer
//! one has more. The bench runs itself under valgrind to get them; where there is
//! no valgrind it says so, and has no figures.
//!
//! What callgrind wrote is kept, for `callgrind_annotate`. Part of what it shows is
//! inlining of rayon's own functions, which goes by what they are given to run:
//! with `CARGO_PROFILE_BENCH_CODEGEN_UNITS=1` both sides are inlined alike.

#[path = "../harness/figures.rs"]
mod figures;
#[path = "../propagation/keys.rs"]
mod keys;
mod work;

use std::env;
use std::error::Error;
use std::path::Path;
use std::process::{Command, Stdio};

use entourage::{Executor, Propagation, SpanWatch};
use tracing::info_span;
use tracing::subscriber::set_global_default;
use tracing_subscriber::util::SubscriberInitExt;

use figures::Figures;
use keys::context_of;
use work::{SHAPES, Shape};

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

/// At most so many instructions a task over the bare pool, with propagation off.
const GOAL: f64 = 5.0;
/// How often each count is taken, to see how far it can be trusted.
const RUNS: usize = 3;

/// Has the bench do one side's work, to be counted.
const COUNTED: &str = "--counted";

#[derive(Clone, Copy)]
enum Side {
    /// The rayon pool.
    Bare,
    /// The executor, propagation off, with no subscriber.
    Off,
    /// The executor with a subscriber, the caller in a span, and eight keys.
    On,
    /// The same, with the subscriber in a watch.
    Watched,
}

impl Side {
    const ALL: [Self; 4] = [Self::Bare, Self::Off, Self::On, Self::Watched];

    fn name(self) -> &'static str {
        match self {
            Self::Bare => "bare",
            Self::Off => "off",
            Self::On => "on",
            Self::Watched => "on_watched",
        }
    }
}

fn main() -> Outcome {
    let args: Vec<String> = env::args().collect();
    if let [_, flag, shape, side, length] = &args[..]
        && flag == COUNTED
    {
        let shape = SHAPES.iter().find(|it| it.name == shape).ok_or("no such shape")?;
        let side = Side::ALL.into_iter().find(|it| it.name() == side).ok_or("no such side")?;
        return do_work(shape, side, length.parse()?);
    }
    let version = Command::new("valgrind").arg("--version").stdout(Stdio::null()).status();
    if !version.is_ok_and(|status| status.success()) {
        eprintln!(
            "NOT MEASURED: instructions are counted by valgrind, which is not installed here"
        );
        return Ok(());
    }
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("callgrind");
    std::fs::create_dir_all(&folder)?;
    let mut figures = Figures::default();
    for shape in &SHAPES {
        measure(&mut figures, &folder, shape)?;
    }
    eprintln!("for callgrind_annotate: {}", folder.display());
    figures.print();
    Ok(())
}

fn measure(figures: &mut Figures, folder: &Path, shape: &Shape) -> Outcome {
    let counts =
        |side| -> Outcome<Vec<f64>> { (0..RUNS).map(|_| per_task(folder, shape, side)).collect() };
    let bare = counts(Side::Bare)?;
    for side in [Side::Off, Side::On, Side::Watched] {
        let (name, ours) = (side.name(), counts(side)?);
        let mut over: Vec<f64> = ours.iter().zip(&bare).map(|(ours, bare)| ours - bare).collect();
        over.sort_by(f64::total_cmp);
        let goal = (shape.has_goal && name == Side::Off.name()).then_some(GOAL);
        let name = format!("instructions_{name}_{}", shape.name);
        figures.add(&name, over[RUNS / 2], "more", goal);
        let (least, most) = (over[0], over[RUNS - 1]);
        eprintln!(
            "    bare {:.2}, ours {:.2}; {RUNS} runs: {least:.2} to {most:.2} more",
            bare[0], ours[0]
        );
    }
    Ok(())
}

/// Instructions a task.
fn per_task(folder: &Path, shape: &Shape, side: Side) -> Outcome<f64> {
    let [short, long] = shape.lengths;
    let file = |length| folder.join(format!("{}.{}.{length}.out", shape.name, side.name()));
    let more = count(&file(long), shape, side, long)? - count(&file(short), shape, side, short)?;
    Ok(more / ((shape.tasks)(long) - (shape.tasks)(short)) as f64)
}

/// Runs one side under callgrind, and returns the instructions of the process.
fn count(out: &Path, shape: &Shape, side: Side, length: usize) -> Outcome<f64> {
    let mut command = Command::new("valgrind");
    command.args(["--tool=callgrind", "--fair-sched=yes"]);
    command.arg(format!("--callgrind-out-file={}", out.display()));
    command.arg(env::current_exe()?).args([COUNTED, shape.name, side.name()]);
    let output = command.arg(length.to_string()).output()?;
    let told = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        return Err(format!("valgrind failed, {}:\n{told}", output.status).into());
    }
    let count = told.lines().find_map(|line| line.split_once("Collected :"));
    let (_, count) = count.ok_or_else(|| format!("valgrind tells no count:\n{told}"))?;
    Ok(count.trim().parse()?)
}

fn do_work(shape: &Shape, side: Side, length: usize) -> Outcome {
    match side {
        Side::Bare => (shape.bare)(executor(Propagation::off())?.rayon_pool(), length),
        Side::Off => (shape.ours)(&executor(Propagation::off())?, length),
        Side::On => {
            tracing_subscriber::registry().init();
            do_in_span(shape, length)?;
        }
        Side::Watched => {
            set_global_default(SpanWatch::new(tracing_subscriber::registry()))?;
            do_in_span(shape, length)?;
        }
    }
    Ok(())
}

fn do_in_span(shape: &Shape, length: usize) -> Outcome {
    let executor = executor(Propagation::all())?;
    context_of(8).scope(|| info_span!("caller").in_scope(|| (shape.ours)(&executor, length)));
    Ok(())
}

fn executor(propagation: Propagation) -> Outcome<Executor> {
    Ok(Executor::builder().num_threads(1).propagation(propagation).build()?)
}
