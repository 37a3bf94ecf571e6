//! dagx, on a tokio runtime, as its documentation has it.

use std::time::{Duration, Instant};

use dagx::{DagRunner, Task, TaskHandle, task};
use tokio::runtime::{Builder, Runtime};

use super::{Once, Way};
use crate::act::act;
use crate::graph::{self, Graph};

struct One(usize);
struct Next(usize);
struct Sum(usize);

/// It has no errors: a task returns a value, and its dependents run.
fn done(at: usize) {
    act(at).expect("a task cannot fail");
}

#[task]
impl One {
    async fn run(&self) -> u64 {
        done(self.0);
        1
    }
}

#[task]
impl Next {
    async fn run(&self, a: &u64) -> u64 {
        done(self.0);
        graph::next(*a)
    }
}

#[task]
impl Sum {
    async fn run(&self, a: &u64, b: &u64) -> u64 {
        done(self.0);
        graph::sum(*a, *b)
    }
}

pub(crate) struct Dagx(Runtime);

impl Dagx {
    fn build(graph: &Graph) -> (DagRunner, TaskHandle<u64>) {
        let dag = DagRunner::new();
        let mut handles: Vec<TaskHandle<u64>> = Vec::with_capacity(graph.len());
        for (at, parents) in graph.parents.iter().enumerate() {
            handles.push(match parents[..] {
                [] => (&dag.add_task(One(at))).into(),
                [a] => dag.add_task(Next(at)).depends_on(handles[a]),
                [a, b] => dag.add_task(Sum(at)).depends_on((&handles[a], &handles[b])),
                _ => unreachable!("a node reads two others at most"),
            });
        }
        let last = handles.pop().expect("there is a node");
        (dag, last)
    }
}

impl Way for Dagx {
    fn start(threads: usize) -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(threads).enable_time().build();
        Self(runtime.expect("a runtime can be built"))
    }

    fn once(&self, graph: &Graph) -> Result<Once, String> {
        let start = Instant::now();
        let (dag, last) = Self::build(graph);
        let build = start.elapsed();
        let start = Instant::now();
        let ended = self.0.block_on(dag.run(|future| drop(self.0.spawn(future))));
        let run = start.elapsed();
        ended.map_err(|error| error.to_string())?;
        let answer = dag.get(last).map_err(|error| error.to_string())?;
        Ok(Once { build, run, answer })
    }

    fn cancelled(&self, graph: &Graph, after: Duration) -> Option<String> {
        let (dag, _) = Self::build(graph);
        let run = dag.run(|future| drop(self.0.spawn(future)));
        let ended = self.0.block_on(async { tokio::time::timeout(after, run).await });
        Some(match ended {
            Ok(Ok(())) => "the run was done".to_owned(),
            Ok(Err(error)) => error.to_string(),
            Err(_) => "its future was dropped".to_owned(),
        })
    }
}
