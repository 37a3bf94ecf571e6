//! The load: the style sheets of many sites are parsed, in three nodes at once for
//! each site, by a library that knows nothing of sites or nodes and says by the
//! `log` crate what it does not like.

use std::collections::BTreeMap;
use std::fmt::{self, Write};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use entourage::{Data, Node, ParallelIteratorExt, Pipeline, PipelineError, Retry, logger, node};
use rayon::prelude::*;
use serde_json::Value;
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

/// Whose event it is: known by whoever causes it, and not from the context.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Source {
    pub(crate) run: String,
    pub(crate) node: String,
    pub(crate) attempt: u32,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}_{}_{}", self.run, self.node, self.attempt)
    }
}

/// How often the library had something to say, by what it was given to read, and the
/// node.
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
            info_span!("parse", sheet).in_scope(|| StyleSheet::parse(&text).rules.len())
        };
        // Each sheet may go to another worker.
        let sheets = (0..SHEETS).into_par_iter().with_max_len(1);
        let rules = match self.way {
            Way::Plain => sheets.map(parse).sum(),
            Way::InContext => sheets.in_context().map(parse).sum(),
        };
        // What a node has to say itself. There is a logger where there is a run log.
        if let Some(logger) = logger() {
            logger.with("source", source.to_string()).info(format_args!("{rules} rules"));
        }
        self.said.lock().unwrap().insert(source, u64::from(SHEETS * UNSUPPORTED) + 1);
        match (self.node, attempt) {
            ("fonts", 1) => Err("a font was not there yet"),
            _ => Ok(rules),
        }
    }
}

/// A sheet with rules that are not supported, whose names say whose they are: the
/// library repeats them.
fn text(source: &Source, sheet: u32) -> String {
    let mut text = String::from("h1 { color: black }\n");
    for rule in 0..UNSUPPORTED {
        // A string takes all that is written to it.
        _ = writeln!(text, "@{source}_{sheet}_{rule} {{}}");
    }
    text
}

/// Whose the event of a line is, and of which sheet, by what is said in it: by the
/// library, or by the node.
pub(crate) fn source_of(line: &Value) -> Option<(Source, Option<u32>)> {
    let message = line["message"].as_str()?;
    let by_library = message.strip_prefix("The @").and_then(|rest| rest.split(' ').next());
    let source = by_library.or_else(|| line["fields"]["source"].as_str())?;
    let mut parts = source.split('_');
    let (run, node) = (parts.next()?.to_owned(), parts.next()?.to_owned());
    let attempt = parts.next()?.parse().ok()?;
    Some((Source { run, node, attempt }, parts.next().and_then(|sheet| sheet.parse().ok())))
}
