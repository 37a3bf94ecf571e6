//! This crate.

use std::thread;
use std::time::{Duration, Instant};

use entourage::{
    CancelToken, Catalog, Data, Executor, Node, Pipeline, Propagation, RunOptions, ThreadRunner,
    context_key, node,
};

use super::{Once, Way};
use crate::act::act;
use crate::graph::{Graph, next, sum};

context_key! { static CALLER: u64 = propagate; }

const NUMBER: Data<u64> = Data::memory("number");

fn number(at: usize) -> Data<u64> {
    NUMBER.named(format!("d{at}"))
}

/// With the caller's context in every node.
pub(crate) struct On(ThreadRunner);

/// With propagation off.
pub(crate) struct Off(ThreadRunner);

fn runner(threads: usize) -> ThreadRunner {
    let pool = Executor::builder().num_threads(threads).build();
    ThreadRunner::new(&pool.expect("a pool can be built"))
}

impl Way for On {
    fn start(threads: usize) -> Self {
        Self(runner(threads))
    }

    fn once(&self, graph: &Graph) -> Result<Once, String> {
        CALLER.scope(1, || once(&self.0, graph, RunOptions::new()))
    }

    fn cancelled(&self, graph: &Graph, after: Duration) -> Option<String> {
        CALLER.scope(1, || cancelled(&self.0, graph, RunOptions::new(), after))
    }
}

impl Way for Off {
    fn start(threads: usize) -> Self {
        Self(runner(threads))
    }

    fn once(&self, graph: &Graph) -> Result<Once, String> {
        once(&self.0, graph, RunOptions::new().propagation(Propagation::off()))
    }

    fn cancelled(&self, graph: &Graph, after: Duration) -> Option<String> {
        cancelled(&self.0, graph, RunOptions::new().propagation(Propagation::off()), after)
    }
}

fn once(runner: &ThreadRunner, graph: &Graph, options: RunOptions) -> Result<Once, String> {
    let start = Instant::now();
    let pipeline = Pipeline::new(nodes(graph)).map_err(|error| error.to_string())?;
    let build = start.elapsed();
    let start = Instant::now();
    let report = runner.run(&pipeline, &Catalog::empty(), options);
    let run = start.elapsed();
    let mut report = report.map_err(|error| error.to_string())?;
    let answer = report.take_output(&number(graph.len() - 1)).ok_or("there is no answer")?;
    Ok(Once { build, run, answer })
}

fn cancelled(
    runner: &ThreadRunner,
    graph: &Graph,
    options: RunOptions,
    after: Duration,
) -> Option<String> {
    let token = CancelToken::new();
    let options = options.cancel_token(token.clone());
    let ended = thread::scope(|scope| {
        scope.spawn(move || {
            thread::sleep(after);
            token.cancel();
        });
        once(runner, graph, options)
    });
    Some(ended.map_or_else(|error| error, |_| "the run was done".to_owned()))
}

fn nodes(graph: &Graph) -> impl Iterator<Item = Node> + '_ {
    graph.parents.iter().enumerate().map(|(at, parents)| {
        let node = match parents[..] {
            [] => node(move || act(at).map(|()| 1)).reads(()).writes(number(at)),
            [a] => {
                node(move |a: &u64| act(at).map(|()| next(*a))).reads(number(a)).writes(number(at))
            }
            [a, b] => node(move |a: &u64, b: &u64| act(at).map(|()| sum(*a, *b)))
                .reads((number(a), number(b)))
                .writes(number(at)),
            _ => unreachable!("a node reads two others at most"),
        };
        node.named(format!("n{at}"))
    })
}
