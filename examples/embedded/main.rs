//! A service in tokio whose requests are runs, all at once on one executor: each
//! with a run id of its client's, in a span of its own, with its own OpenTelemetry
//! baggage.
//!
//! ```text
//! cargo run --release --example embedded --features opentelemetry
//! ```
//!
//! The pipeline knows nothing of all that. Yet each line that it logs, inside
//! parallel iterators too, is filed under its request's run and has its request's
//! baggage. A client that is told of a failure has neighbours that are not; one that
//! hangs up has its run called off; the one that is at it when the service is asked
//! to end is answered first.
//!
//! The program starts the service, is its clients, counts, and fails where a count
//! or an answer is not what it must be:
//!
//! ```text
//! 100 requests at once on 4 workers, and one late
//! ─────────────────────────────────────────────────────────────────────────
//!  client                      requests   events   filed   wrong   missing
//! ═════════════════════════════════════════════════════════════════════════
//!  was answered                      88     1672    1672       0         0
//!  ordered what is no number          4       28      28       0         0
//!  hung up                            4       84      84       0         0
//!  sent a malformed header            4        0       0       0         0
//!  came before the shutdown           1       19      19       0         0
//! ─────────────────────────────────────────────────────────────────────────
//! ```

mod client;
mod log;
mod order;
mod protocol;
mod service;

use std::collections::BTreeMap;
use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use comfy_table::{CellAlignment, LineStyle, Table, presets};
use entourage::{
    CancelToken, Executor, JsonLines, RunLogLayer, RunLogger, RunOptions, Shutdown, accessors,
};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use client::{Client, Kind};
use log::Filed;
use service::Service;

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
    let path = folder.path().join("run.jsonl");
    let lines = Arc::new(JsonLines::create(&path)?);
    tracing_subscriber::registry().with(RunLogLayer::new()).try_init()?;
    let options = RunOptions::new().run_logger(RunLogger::new(lines.clone()));

    let pool = Executor::builder()
        .num_threads(args.threads)
        .accessor(&accessors::OPENTELEMETRY)
        .build()?;
    let service = Arc::new(Service::new(&pool, options)?);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let shutdown = CancelToken::new();
    let serving = tokio::spawn(service.serve(listener, shutdown.clone()));

    let ask = |client: Client| {
        let answer = client.clone().ask(address, service::wire()?, shutdown.clone());
        Ok::<_, Box<dyn Error>>(async move { (client, answer.await) })
    };
    let mut asking = JoinSet::new();
    for number in 1..=args.clients {
        let kind = match number % 25 {
            3 => Kind::Failing,
            5 => Kind::Leaving,
            7 => Kind::Malformed,
            _ => Kind::Orderly,
        };
        asking.spawn(ask(Client { number, kind })?);
    }
    let mut answers = asking.join_all().await;
    answers.push(ask(Client { number: args.clients + 1, kind: Kind::Late })?.await);
    serving.await??;
    let ended = tokio::task::spawn_blocking(move || pool.shutdown(Shutdown::Drain)).await?;
    lines.finish()?;

    let mut problems = Vec::new();
    if !ended.is_complete() {
        problems.push(format!("the executor is not idle: {ended:?}"));
    }
    if TcpStream::connect(address).await.is_ok() {
        problems.push("the service has ended and lets somebody in".to_owned());
    }
    for (Client { number, kind }, answer) in &answers {
        let expected = Client { number: *number, kind: kind.clone() }.expected();
        match answer {
            Ok(line) if line.starts_with(&expected) => {}
            _ => problems.push(format!("client {number} expected `{expected}`, found {answer:?}")),
        }
    }
    let clients: Vec<_> = answers.into_iter().map(|(client, _)| client).collect();
    let filed = log::read(&path)?;
    tell(format_args!(
        "{} requests at once on {} workers, and one late",
        args.clients, args.threads
    ));
    let rows = rows(&clients, &filed);
    tell(table(&rows));
    for (kind, row) in &rows {
        if row.wrong > 0 || row.said != row.filed {
            problems.push(format!("the log of requests of kind {kind:?} is not right"));
        }
    }
    if problems.is_empty() { Ok(()) } else { Err(problems.join("\n").into()) }
}

/// What is known of all requests of one kind.
#[derive(Default)]
struct Row {
    requests: u64,
    said: u64,
    filed: u64,
    wrong: u64,
}

fn rows(clients: &[Client], filed: &BTreeMap<u64, Filed>) -> BTreeMap<Kind, Row> {
    let said = order::SAID.lock().unwrap();
    let mut rows = BTreeMap::<Kind, Row>::new();
    for Client { number, kind } in clients {
        let row = rows.entry(kind.clone()).or_default();
        let filed = filed.get(number).copied().unwrap_or_default();
        row.requests += 1;
        row.said += said.get(number).copied().unwrap_or_default();
        row.filed += filed.events;
        row.wrong += filed.wrong;
    }
    rows
}

fn table(rows: &BTreeMap<Kind, Row>) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY.row_separator(LineStyle::none()));
    table.set_header(["client", "requests", "events", "filed", "wrong", "missing"]);
    for (kind, Row { requests, said, filed, wrong }) in rows {
        let name = match kind {
            Kind::Orderly => "was answered",
            Kind::Failing => "ordered what is no number",
            Kind::Leaving => "hung up",
            Kind::Malformed => "sent a malformed header",
            Kind::Late => "came before the shutdown",
        };
        let numbers = [*requests, *said, *filed, *wrong, said.saturating_sub(*filed)];
        table.add_row([name.to_owned()].into_iter().chain(numbers.map(|n| n.to_string())));
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

/// Prints a line. Who does not listen to the end, by a pipe, is no error.
fn tell(line: impl std::fmt::Display) {
    _ = writeln!(io::stdout(), "{line}");
}
