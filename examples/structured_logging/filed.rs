//! What is in the logs.

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
    /// Those that are filed under another run, node or attempt.
    pub(crate) wrong: u64,
}

/// Adds what the log at `path` has of the library's events, by their source.
pub(crate) fn read(
    path: &Path,
    all: &mut BTreeMap<Source, Filed>,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    for line in fs::read_to_string(path)?.lines() {
        let line: Value = serde_json::from_str(line)?;
        let message = line["message"].as_str().unwrap_or_default();
        let Some(source) = sheets::source_of(message) else { continue };
        let is_right = line["run_id"] == *source.run
            && line["node"] == *source.node
            && line["fields"]["attempt"] == source.attempt;
        let filed = all.entry(source).or_default();
        filed.events += 1;
        filed.wrong += u64::from(!is_right);
    }
    Ok(())
}
