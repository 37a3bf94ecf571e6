//! The pipeline: rows of nodes that do next to nothing, so that what is seen is
//! what it costs to run them; and a last one that looks around.

use std::fmt;

use entourage::{
    Data, NODE, Node, Pipeline, PipelineError, RUN_ID, RunReport, context_key, logger, node,
};
use tracing::Span;

context_key! {
    /// Whose run it is: something of the caller's.
    pub(crate) static TENANT: &'static str = propagate;
}

const WIDTH: usize = 32;
const NUMBER: Data<u64> = Data::memory("number");
const KNOWN: Data<Known> = Data::memory("known");

/// What a node knows of where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Known {
    pub(crate) run: bool,
    pub(crate) node: bool,
    pub(crate) tenant: bool,
    pub(crate) span: bool,
    /// That there is a log to say something in.
    pub(crate) log: bool,
}

impl fmt::Display for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { run, node, tenant, span, log } = *self;
        let all = [(run, "run"), (node, "node"), (tenant, "tenant"), (span, "span"), (log, "log")];
        let known: Vec<_> = all.iter().filter(|(is, _)| *is).map(|(_, what)| *what).collect();
        if known.is_empty() { f.write_str("nothing") } else { f.write_str(&known.join(", ")) }
    }
}

/// Of at least `nodes` nodes. Each reads two neighbours of the row before.
pub(crate) fn pipeline(nodes: usize) -> Result<Pipeline, PipelineError> {
    let rows = nodes.div_ceil(WIDTH).max(2);
    Pipeline::new(
        (0..rows * WIDTH)
            .map(number)
            .chain([node(look_around).reads(name(rows * WIDTH - 1)).writes(KNOWN)]),
    )
}

fn name(at: usize) -> Data<u64> {
    NUMBER.named(format!("number_{at}"))
}

fn number(at: usize) -> Node {
    let made = match at.checked_sub(WIDTH) {
        None => node(move || at as u64).reads(()).writes(name(at)),
        Some(left) => {
            let right = left / WIDTH * WIDTH + (left + 1) % WIDTH;
            node(mix).reads((name(left), name(right))).writes(name(at))
        }
    };
    made.named(format!("mix_{at}"))
}

fn mix(left: &u64, right: &u64) -> u64 {
    left.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(*right).rotate_left(17)
}

fn look_around(_: &u64) -> Known {
    Known {
        run: RUN_ID.get().is_some(),
        node: NODE.get().is_some(),
        tenant: TENANT.get().is_some(),
        span: Span::current().metadata().is_some(),
        log: logger().is_some(),
    }
}

/// What a run came to: one number made of the last row's, and what its last node
/// knew.
pub(crate) fn result(report: &RunReport) -> Option<(u64, Known)> {
    let numbers = report.output_names().filter(|name| *name != KNOWN.name());
    let numbers = numbers.map(|name| report.output(&NUMBER.named(name)).map(|number| *number));
    let answer = numbers.reduce(|all, number| Some(mix(&all?, &number?)))??;
    Some((answer, *report.output(&KNOWN)?))
}
