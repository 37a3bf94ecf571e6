//! The load: the style sheets of many sites are parsed, in three nodes at once for
//! each site, by a library that knows nothing of sites or nodes and says by the
//! `log` crate what it does not like.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use entourage::{Data, Node, ParallelIteratorExt, Pipeline, PipelineError, Retry, node};
use rayon::prelude::*;
use simplecss::StyleSheet;
use tracing::info_span;

const RULES: Data<usize> = Data::memory("rules");

/// How many sheets a node has, and how many rules each has that the library does
/// not support.
const SHEETS: u32 = 48;
const UNSUPPORTED: u32 = 5;

/// How the sheets go to the workers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// As rayon does it.
    Plain,
    /// With the node's context.
    InContext,
}

/// Whose event it is, as whoever causes it knows by its arguments.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Source {
    pub(crate) run: String,
    pub(crate) node: String,
    pub(crate) attempt: u32,
}

/// How often the library found something to say, by what it was given to read.
pub(crate) type Said = Mutex<BTreeMap<Source, u64>>;

/// The check of one site.
pub(crate) fn pipeline(run: &str, way: Way, said: &Arc<Said>) -> Result<Pipeline, PipelineError> {
    Pipeline::new(["colours", "fonts", "layout"].map(|name| {
        let check = Check {
            run: run.to_owned(),
            node: name,
            way,
            said: said.clone(),
            attempts: AtomicU32::new(0),
        };
        check.into_node()
    }))
}

/// One node of one run. It does not ask the context who it is.
struct Check {
    run: String,
    node: &'static str,
    way: Way,
    said: Arc<Said>,
    attempts: AtomicU32,
}

impl Check {
    fn into_node(self) -> Node {
        let name = self.node;
        let check = node(move || self.check()).reads(()).writes(RULES.named(name));
        check.named(name).retry(Retry::new(2))
    }

    fn check(&self) -> Result<usize, &'static str> {
        let attempt = self.attempts.fetch_add(1, Ordering::Relaxed) + 1;
        let source = Source { run: self.run.clone(), node: self.node.to_owned(), attempt };
        let parse = |sheet: u32| {
            let text = text(&source, sheet);
            info_span!("sheet", number = sheet).in_scope(|| StyleSheet::parse(&text).rules.len())
        };
        // Each sheet may go to another worker.
        let sheets = (0..SHEETS).into_par_iter().with_max_len(1);
        let rules = match self.way {
            Way::Plain => sheets.map(parse).sum(),
            Way::InContext => sheets.in_context().map(parse).sum(),
        };
        self.said.lock().unwrap().insert(source, u64::from(SHEETS * UNSUPPORTED));
        match (self.node, attempt) {
            ("fonts", 1) => Err("a font was not there yet"),
            _ => Ok(rules),
        }
    }
}

/// A sheet with rules that are not supported, whose names say whose they are: the
/// library repeats them.
fn text(source: &Source, sheet: u32) -> String {
    let Source { run, node, attempt } = source;
    let mut text = String::from("h1 { color: black }\n");
    for rule in 0..UNSUPPORTED {
        // A string takes all that is written to it.
        _ = writeln!(text, "@{run}_{node}_{attempt}_{sheet}_{rule} {{}}");
    }
    text
}

/// Whose event it is, by what the library says in it.
pub(crate) fn source_of(message: &str) -> Option<Source> {
    let name = message.strip_prefix("The @")?.split(' ').next()?;
    let [run, node, attempt, ..] = name.split('_').collect::<Vec<_>>()[..] else {
        return None;
    };
    let attempt = attempt.parse().ok()?;
    Some(Source { run: run.to_owned(), node: node.to_owned(), attempt })
}
