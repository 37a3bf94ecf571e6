//! A service in tokio whose requests are runs, all at once on one executor: each
//! with a run id of its client's, in a span of its own, with its own OpenTelemetry
//! baggage.
//!
//! ```text
//! cargo run --release --example embedded --features opentelemetry
//! ```
//!
//! The pipeline knows nothing of all that. Yet each line that it logs, inside
//! parallel iterators too, is in its own request's file and has its own request's
//! run id, baggage and span. A client whose run fails is told so, and its neighbours
//! are none the worse; one that hangs up has its run called off; the one that is at
//! it when the service is to end is answered first.
//!
//! The program is the service and its clients. It counts, and fails where a line, an
//! answer, or the end of a run is not what it must be:
//!
//! ```text
//! 100 requests at once on 4 workers, and a late one
//! ───────────────────────────────────────────────────────────────────────────────────
//!  a client that                         requests   events   filed   wrong   missing
//! ═══════════════════════════════════════════════════════════════════════════════════
//!  wants its total                             88     1672    1672       0         0
//!  orders `many` of something                   4       28      28       0         0
//!  hangs up when its run is at work             4       70      70       0         0
//!  has a `traceparent` that is none             4        0       0       0         0
//!  is at it when the service is to end          1       19      19       0         0
//! ───────────────────────────────────────────────────────────────────────────────────
//! ```
//!
//! `service.rs` is what a service of yours would have; `order.rs` its pipeline.

mod client;
mod log;
mod order;
mod protocol;
mod service;
mod story;

use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use entourage::{CancelToken, Executor, RunLogLayer, RunOptions, RunRecorder, Shutdown, accessors};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use client::{Client, Kind};
use service::Service;
use story::Story;

/// Starts the service, has clients ask it all at once, and looks at what it
/// answered and at its log.
#[derive(Parser)]
struct Args {
    /// How many clients ask at once
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u64).range(8..))]
    clients: u64,
    /// How many workers the executor has
    #[arg(long, value_name = "N", default_value_t = 4)]
    threads: usize,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(&Args::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(args: &Args) -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let recorder = RunRecorder::new(folder.path());
    tracing_subscriber::registry().with(RunLogLayer::new()).try_init()?;
    let pool = Executor::builder()
        .num_threads(args.threads)
        .accessor(&accessors::OPENTELEMETRY)
        .build()?;
    let service = Service::new(&pool, RunOptions::new().listener(recorder))?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let shutdown = CancelToken::new();
    let serving = tokio::spawn(Arc::new(service).serve(listener, shutdown.clone()));

    let wire = service::wire()?;
    let ask = |number, kind| {
        let client = Client { number, kind };
        let answer = client.clone().ask(address, wire.clone(), shutdown.clone());
        async move { (client, answer.await) }
    };
    let mut asking = JoinSet::new();
    for number in 1..=args.clients {
        asking.spawn(match number % 25 {
            3 => ask(number, Kind::Failing),
            5 => ask(number, Kind::Leaving),
            7 => ask(number, Kind::Malformed),
            _ => ask(number, Kind::Orderly),
        });
    }
    let mut answers = asking.join_all().await;
    answers.push(ask(args.clients + 1, Kind::Late).await);
    // As the late one did, unless it came to grief.
    shutdown.cancel();
    serving.await??;
    let idle = tokio::task::spawn_blocking(move || pool.shutdown(Shutdown::Drain)).await?;

    let mut story = Story::of(&answers, folder.path());
    if !idle.is_complete() {
        story.problems.push(format!("the executor is not idle: {idle:?}"));
    }
    if TcpStream::connect(address).await.is_ok() {
        story.problems.push("the service has ended, and somebody is let in".to_owned());
    }
    let Args { clients, threads } = args;
    tell(format_args!("{clients} requests at once on {threads} workers, and a late one"));
    tell(story.table());
    if story.problems.is_empty() { Ok(()) } else { Err(story.problems.join("\n").into()) }
}

/// Prints a line. Who does not listen to the end, by a pipe, is no error.
fn tell(line: impl std::fmt::Display) {
    _ = writeln!(io::stdout(), "{line}");
}
