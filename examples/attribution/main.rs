//! Who said it? Many runs at once, on pools whose waiting workers run pieces of
//! other runs meanwhile; every event carries the run that emitted it, and a layer
//! compares that with the span it was filed under. The same load twice: on this
//! crate's executor, and on rayon with the span carried by hand.
//!
//! ```text
//! cargo run --release --example attribution
//! ```

mod by_hand;
mod layer;
mod load;
mod ours;

use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use comfy_table::{CellAlignment, LineStyle, Table, presets};
use tracing::dispatcher::{Dispatch, set_global_default};
use tracing_subscriber::layer::SubscriberExt;

use by_hand::ByHand;
use layer::{Attribution, Count, Counts};
use load::Shape;
use ours::Ours;

/// Counts the events that are filed under another run than their own.
#[derive(Parser)]
struct Args {
    /// How long to go on, about half of it for each way
    #[arg(long, value_name = "S", default_value_t = 3.0)]
    seconds: f64,
    /// How many runs are at work at once
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u64).range(1..))]
    runs: u64,
    /// How many workers each of the two pools has
    #[arg(long, value_name = "N", default_value_t = 8)]
    threads: usize,
    /// How many pieces of work of a hundred enter a span of their own in the run's
    #[arg(long, value_name = "PERCENT", default_value_t = 25, value_parser = clap::value_parser!(u64).range(..=100))]
    spans: u64,
    /// Where the random numbers begin: the same seed, the same load
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
}

fn main() -> ExitCode {
    match compare(&Args::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Runs both ways and prints what became of their events. Whether every event of
/// ours is where it belongs.
fn compare(args: &Args) -> Result<bool, Box<dyn Error>> {
    if !(args.seconds.is_finite() && args.seconds > 0.0) {
        return Err(format!("--seconds is {}; it must be more than 0", args.seconds).into());
    }
    let seen = Attribution::default();
    // One subscriber for the process, as servers have it. A scoped one would
    // have to be carried by hand as well.
    set_global_default(Dispatch::new(tracing_subscriber::registry().with(seen.clone())))?;
    let (ours, by_hand) = (Ours::new(args.threads)?, ByHand::new(args.threads)?);
    let shape = Shape { runs: args.runs, depth: 6, spans: args.spans };

    let end = Instant::now() + Duration::try_from_secs_f64(args.seconds / 2.0)?;
    let (mut rounds, mut emitted) = (0, 0);
    while rounds == 0 || Instant::now() < end {
        emitted += load::round(&ours, shape, args.seed.wrapping_add(rounds));
        rounds += 1;
    }
    load::finish(&ours);
    let is_clean = ours.is_clean();
    let mine = seen.counts();

    let again: u64 =
        (0..rounds).map(|round| load::round(&by_hand, shape, args.seed.wrapping_add(round))).sum();
    load::finish(&by_hand);
    let theirs = seen.counts().since(mine);
    for (way, expected, counts) in [("ours", emitted, mine), ("by hand", again, theirs)] {
        if counts.by_span.events != expected {
            let found = counts.by_span.events;
            return Err(format!("{way}: {found} of {expected} events were recorded").into());
        }
    }

    tell(format_args!(
        "{} runs at once on two pools of {} workers, {rounds} rounds of {} events on average, seed {}",
        args.runs,
        args.threads,
        emitted / rounds,
        args.seed,
    ));
    tell(table(mine, theirs));
    if !is_clean {
        tell("a worker of ours is not clean");
    }
    Ok(is_clean && mine.by_span.misfiled() + mine.by_key.misfiled() == 0)
}

fn table(ours: Counts, by_hand: Counts) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY.row_separator(LineStyle::none()));
    table.set_header(["", "events", "wrong", "missing", "leaked", "misfiled"]);
    for (name, count) in [
        ("span, this crate", ours.by_span),
        ("span, by hand", by_hand.by_span),
        ("key, this crate", ours.by_key),
        ("key, by hand", by_hand.by_key),
    ] {
        table.add_row(row(name, count));
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

fn row(name: &str, count: Count) -> [String; 6] {
    let share = 100.0 * count.misfiled() as f64 / count.events as f64;
    let numbers = [count.events, count.wrong, count.missing, count.leaked].map(|n| n.to_string());
    let [events, wrong, missing, leaked] = numbers;
    [name.to_owned(), events, wrong, missing, leaked, format!("{share:.2} %")]
}

/// Prints a line. Who does not listen to the end, by a pipe, is no error.
fn tell(line: impl std::fmt::Display) {
    _ = writeln!(io::stdout(), "{line}");
}
