//! What is in the log of a run.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::sheets::{self, Source};

/// Of the events of one source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Filed {
    pub(crate) events: u64,
    /// Those in the file of another run, node or attempt, or with the name of
    /// another on them, or without the fields of the span that they were said in.
    pub(crate) wrong: u64,
}

/// Adds what is in the folder of a run, by its source.
pub(crate) fn read(
    run: &Path,
    all: &mut BTreeMap<Source, Filed>,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    for log in fs::read_dir(run.join("nodes"))? {
        let log = log?.path();
        for line in fs::read_to_string(&log)?.lines() {
            let line: Value = serde_json::from_str(line)?;
            let Some((source, sheet)) = sheets::source_of(&line) else { continue };
            let file = format!("{}/nodes/{}.{}.jsonl", source.run, source.node, source.attempt);
            let is_right = log.ends_with(file)
                && line["run_id"] == *source.run
                && line["node"] == *source.node
                && line["attempt"] == source.attempt
                && sheet.is_none_or(|sheet| is_of_sheet(&line, sheet));
            let filed = all.entry(source).or_default();
            filed.events += 1;
            filed.wrong += u64::from(!is_right);
        }
    }
    Ok(())
}

/// Whether the one span of the load's that is around the event is of that sheet.
fn is_of_sheet(line: &Value, sheet: u32) -> bool {
    let spans = line["spans"].as_array().into_iter().flatten();
    let sheets: Vec<_> =
        spans.filter(|span| span["name"] == "parse").map(|span| &span["fields"]["sheet"]).collect();
    matches!(sheets[..], [found] if *found == sheet)
}
