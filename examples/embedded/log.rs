//! What the log has of each request.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::{client, order};

/// Of one request's events.
#[derive(Clone, Copy, Default)]
pub(crate) struct Filed {
    pub(crate) events: u64,
    /// Those that do not carry its run id, its baggage and its span's field.
    pub(crate) wrong: u64,
}

/// Every event of the service's own, by the request whose article it is about.
pub(crate) fn read(path: &Path) -> Result<BTreeMap<u64, Filed>, Box<dyn Error>> {
    let mut all = BTreeMap::<u64, Filed>::new();
    for line in fs::read_to_string(path)?.lines() {
        let line: Value = serde_json::from_str(line)?;
        let Some(article) = line["fields"]["article"].as_str() else { continue };
        let number = order::request_of(article);
        let filed = all.entry(number).or_default();
        filed.events += 1;
        filed.wrong += u64::from(!is_right(&line, number));
    }
    Ok(all)
}

fn is_right(line: &Value, number: u64) -> bool {
    line["run_id"] == client::run_id(number).as_str()
        && line["fields"]["tenant"] == client::tenant(number).as_str()
        && line["node"].is_string()
}
