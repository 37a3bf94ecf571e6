//! The service: every connection is a request, every request a run, and all runs
//! share one executor.

use std::error::Error;
use std::io;
use std::sync::Arc;

use entourage::events::{Event, EventKind, Listener, RunListener};
use entourage::{
    BAGGAGE, CancelToken, Catalog, Codec, Executor, Pipeline, RUN_ID, RunFuture, RunId, RunOptions,
    TRACE_PARENT, TRACE_STATE, ThreadRunner, Wire, WireBuildError,
};
use opentelemetry::baggage::BaggageExt;
use opentelemetry::trace::TraceContextExt;
use opentelemetry::{Context, KeyValue};
use tokio::io::{AsyncBufRead, AsyncReadExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::select;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;
use tracing::{error, info_span, warn};

use crate::order::{self, BASKET, TOTAL};
use crate::protocol::{Headers, read_block, read_headers, write_line};

/// The most bytes that a request may have.
const MOST_BYTES: u64 = 64 * 1024;

/// What travels from service to service: the place in the trace, the baggage, and
/// a run's id.
pub(crate) fn wire() -> Result<Wire, WireBuildError> {
    Wire::builder().trace_context().baggage().key_as("run-id", &RUN_ID, Codec::text()).build()
}

pub(crate) struct Service {
    runner: ThreadRunner,
    pipeline: Pipeline,
    wire: Wire,
    /// What every run is told.
    options: RunOptions,
}

impl Service {
    pub(crate) fn new(pool: &Executor, options: RunOptions) -> Result<Self, Box<dyn Error>> {
        let (runner, pipeline) = (ThreadRunner::new(pool), order::pipeline()?);
        Ok(Self { runner, pipeline, wire: wire()?, options })
    }

    /// Answers whoever connects until `shutdown` is cancelled, and then those who
    /// have connected before.
    pub(crate) async fn serve(
        self: Arc<Self>,
        listener: TcpListener,
        shutdown: CancelToken,
    ) -> io::Result<()> {
        let mut connections = JoinSet::new();
        loop {
            select! {
                () = shutdown.cancelled() => break,
                Some(ended) = connections.join_next() => note(ended),
                accepted = listener.accept() => {
                    let (stream, _) = accepted?;
                    let service = self.clone();
                    connections.spawn(async move { service.answer(stream).await });
                }
            }
        }
        drop(listener);
        while let Some(ended) = connections.join_next().await {
            note(ended);
        }
        Ok(())
    }

    async fn answer(&self, stream: TcpStream) -> io::Result<()> {
        let (reader, mut writer) = stream.into_split();
        let mut reader = BufReader::new(reader.take(MOST_BYTES));
        let headers = read_headers(&mut reader).await?;
        write_line(&mut writer, "accepted").await?;
        let basket = read_block(&mut reader).await?;
        reader.get_mut().set_limit(u64::MAX);

        let token = CancelToken::new();
        let (tell, mut told) = unbounded_channel();
        let mut run = match self.begin(&headers, basket, &token, Progress(tell)) {
            Ok(run) => run,
            Err(error) => return write_line(&mut writer, &format!("refused: {error}")).await,
        };
        let outcome = loop {
            select! {
                // What was told before the end is passed on before the end.
                biased;
                Some(line) = told.recv() => {
                    if write_line(&mut writer, &line).await.is_err() {
                        token.cancel();
                    }
                }
                outcome = &mut run => break outcome,
                () = gone(&mut reader), if !token.is_cancelled() => {
                    token.cancel();
                }
            }
        };
        match outcome {
            Ok(mut report) => {
                let total = report.take_output(&TOTAL).ok_or(io::ErrorKind::NotFound)?;
                write_line(&mut writer, &format!("total {total}")).await
            }
            // There is nobody left to be told.
            Err(error) if error.is_cancelled() => Ok(()),
            Err(error) => {
                let failures: Vec<_> = error.failures().map(ToString::to_string).collect();
                write_line(&mut writer, &format!("failed: {}", failures.join("; "))).await
            }
        }
    }

    /// Begins the run of a request. All that its nodes will see of it is what is
    /// current here: the headers' keys, the baggage and the span.
    fn begin(
        &self,
        headers: &Headers,
        basket: String,
        token: &CancelToken,
        progress: Progress,
    ) -> Result<RunFuture, Box<dyn Error + Send + Sync>> {
        let catalog = Catalog::builder().value(&BASKET, basket).build()?;
        self.wire.extract(headers)?.scope(|| {
            let run_id = RUN_ID.get().ok_or("the header `run-id` is missing")?;
            let trace_id = TRACE_PARENT.get().map(|caller| format!("{:032x}", caller.trace_id()));
            let options = self.options.clone().run_id(run_id).listener(progress);
            let options = options.cancel_token(token.clone());
            let _attached = opentelemetry_context().attach();
            let run = || self.runner.run_async(&self.pipeline, &catalog, options);
            Ok(info_span!("request", trace_id).in_scope(run))
        })
    }
}

/// What the headers say, as OpenTelemetry has it.
fn opentelemetry_context() -> Context {
    let mut context = Context::new();
    if let Some(caller) = TRACE_PARENT.get() {
        let state = TRACE_STATE.get().unwrap_or_default();
        context = context.with_remote_span_context(caller.span_context(&state));
    }
    let baggage = BAGGAGE.get().unwrap_or_default();
    let baggage =
        baggage.iter().map(|(key, value)| KeyValue::new(key.to_owned(), value.into_owned()));
    context.with_baggage(baggage.collect::<Vec<_>>())
}

/// Ready when the client has closed the connection. It has nothing more to say.
async fn gone(reader: &mut (impl AsyncBufRead + Unpin)) {
    let mut more = [0];
    while reader.read(&mut more).await.is_ok_and(|bytes| bytes > 0) {}
}

/// Tells the client of its nodes, as they come and go.
#[derive(Clone)]
struct Progress(UnboundedSender<String>);

impl Listener for Progress {
    fn run(&self, _: &RunId) -> Arc<dyn RunListener> {
        Arc::new(self.clone())
    }
}

impl RunListener for Progress {
    fn event(&self, event: &Event<'_>) {
        let line = match &event.kind {
            EventKind::NodeStarted { node, .. } => format!("started {}", node.name),
            EventKind::NodeDone(end) => format!("done {}", end.node.name),
            _ => return,
        };
        // Who has hung up misses nothing.
        _ = self.0.send(line);
    }
}

fn note(ended: Result<io::Result<()>, tokio::task::JoinError>) {
    match ended {
        Ok(Ok(())) => {}
        Ok(Err(error)) => warn!(%error, "a connection broke"),
        Err(error) => error!(%error, "a connection's task panicked"),
    }
}
