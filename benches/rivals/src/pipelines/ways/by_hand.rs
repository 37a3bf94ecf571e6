//! The floor: a rayon scope, and a counter for each node of those it waits for.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rayon::ThreadPool;

use super::{Once, Way};
use crate::act::act;
use crate::graph::{Graph, next, sum};

pub(crate) struct Scope(ThreadPool);

impl Way for Scope {
    fn start(threads: usize) -> Self {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        Self(pool.expect("a pool can be built"))
    }

    fn once(&self, graph: &Graph) -> Result<Once, String> {
        let start = Instant::now();
        let run = Run::new(graph);
        let build = start.elapsed();
        let start = Instant::now();
        self.0.in_place_scope(|scope| {
            let roots = (0..graph.len()).filter(|at| graph.parents[*at].is_empty());
            let run = &run;
            roots.for_each(|at| scope.spawn(move |scope| run.node(at, scope)));
        });
        let took = start.elapsed();
        if let Some(error) = run.failed() {
            return Err(error);
        }
        let answer = run.numbers.last().map_or(0, |number| number.load(Ordering::Relaxed));
        Ok(Once { build, run: took, answer })
    }

    fn cancelled(&self, _: &Graph, _: Duration) -> Option<String> {
        None
    }
}

struct Run<'a> {
    graph: &'a Graph,
    /// Those that read each, one behind the other, and where each one's begin.
    children: Vec<u32>,
    begins: Vec<u32>,
    waits_for: Vec<AtomicU32>,
    numbers: Vec<AtomicU64>,
    failed: AtomicU32,
}

const NOBODY: u32 = u32::MAX;

impl<'a> Run<'a> {
    fn new(graph: &'a Graph) -> Self {
        let mut begins = vec![0u32; graph.len() + 1];
        graph.parents.iter().flatten().for_each(|parent| begins[parent + 1] += 1);
        (0..graph.len()).for_each(|at| begins[at + 1] += begins[at]);
        let mut children = vec![0; begins[graph.len()] as usize];
        let mut next = begins.clone();
        for (at, parents) in graph.parents.iter().enumerate() {
            for &parent in parents {
                children[next[parent] as usize] = at as u32;
                next[parent] += 1;
            }
        }
        let waits_for = graph.parents.iter().map(|parents| AtomicU32::new(parents.len() as u32));
        Self {
            graph,
            children,
            begins,
            waits_for: waits_for.collect(),
            numbers: (0..graph.len()).map(|_| AtomicU64::new(0)).collect(),
            failed: AtomicU32::new(NOBODY),
        }
    }

    /// Runs a node, and then one of those that can be run because of it; the
    /// others are for whoever is free.
    fn node<'scope>(&'scope self, mut at: usize, scope: &rayon::Scope<'scope>) {
        loop {
            if act(at).is_err() {
                self.failed.store(at as u32, Ordering::Relaxed);
                return;
            }
            let number = |at: usize| self.numbers[at].load(Ordering::Relaxed);
            let found = match self.graph.parents[at][..] {
                [] => 1,
                [a] => next(number(a)),
                [a, b] => sum(number(a), number(b)),
                _ => unreachable!("a node reads two others at most"),
            };
            self.numbers[at].store(found, Ordering::Relaxed);
            let mut mine = None;
            let children = self.begins[at] as usize..self.begins[at + 1] as usize;
            for &child in &self.children[children] {
                let child = child as usize;
                // Release what this node wrote, acquire what the others did.
                if self.waits_for[child].fetch_sub(1, Ordering::AcqRel) == 1
                    && let Some(other) = mine.replace(child)
                {
                    scope.spawn(move |scope| self.node(other, scope));
                }
            }
            match mine {
                Some(next) => at = next,
                None => return,
            }
        }
    }

    fn failed(&self) -> Option<String> {
        let by = self.failed.load(Ordering::Relaxed);
        (by != NOBODY).then(|| format!("node {by} failed"))
    }
}
