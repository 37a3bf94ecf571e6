//! What is on file of each request: its run's record, and its run's log.

use std::error::Error;
use std::fs;
use std::io;
use std::path::Path;

use entourage::RunRecord;
use entourage::events::RunEnd;
use serde_json::Value;

use crate::client::{Client, Kind};
use crate::order;

/// Of one request's events.
#[derive(Clone, Copy, Default)]
pub(crate) struct Filed {
    pub(crate) events: u64,
    /// Those that are not under the request's run, or have not its baggage, or not
    /// its span.
    pub(crate) wrong: u64,
}

/// What the log in the folder of the client's run has about articles.
///
/// # Errors
///
/// If the run did not end as its client has it end.
pub(crate) fn read(runs: &Path, client: &Client) -> Result<Filed, Box<dyn Error>> {
    let folder = runs.join(client.run_id());
    let expected = match client.kind {
        Kind::Orderly | Kind::Late => RunEnd::Done,
        Kind::Failing => RunEnd::Failed,
        Kind::Leaving => RunEnd::Cancelled,
        // It came to no run.
        Kind::Malformed if !folder.exists() => return Ok(Filed::default()),
        Kind::Malformed => return Err(format!("there is {}", folder.display()).into()),
    };
    let end = RunRecord::read(&folder)?.end();
    if end != Some(expected) {
        let id = client.run_id();
        return Err(format!("run {id} must be {expected}, found {end:?}").into());
    }
    let mut filed = Filed::default();
    for log in fs::read_dir(folder.join("nodes"))? {
        for line in fs::read_to_string(log?.path())?.lines() {
            let line: Value = serde_json::from_str(line).map_err(io::Error::from)?;
            let Some(article) = line["fields"]["article"].as_str() else { continue };
            let is_right = order::request_of(article) == client.number && is_of(client, &line);
            filed.events += 1;
            filed.wrong += u64::from(!is_right);
        }
    }
    Ok(filed)
}

/// Whether the line has the client's run id, baggage and trace.
fn is_of(client: &Client, line: &Value) -> bool {
    let spans = line["spans"].as_array().into_iter().flatten();
    let mut requests = spans.filter(|span| span["name"] == "request");
    let trace_id = requests.next().map(|span| &span["fields"]["trace_id"]);
    line["run_id"] == client.run_id()
        && line["fields"]["tenant"] == client.tenant()
        && trace_id.is_some_and(|id| *id == format!("{:032x}", client.trace_id()))
        && requests.next().is_none()
}
