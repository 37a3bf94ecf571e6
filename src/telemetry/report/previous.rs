//! What is different from the run before.

use std::collections::{HashMap, HashSet};
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::Serialize;

use super::super::record::RunRecord;
use super::clip::{NAME, TEXT, clip};
use super::columns::{nanos, state};
use super::data::rfc3339_of;
use crate::events::RunStarted;

/// How many runs are read, and how long a file of one may be: a report is not to take
/// longer than the run.
const READ: usize = 5;
const LONGEST: u64 = 64 << 20;
/// How many nodes that are no longer there, and parameters, are named.
const NAMED: usize = 200;

/// An earlier run beside this one.
#[derive(Serialize)]
pub(super) struct Previous {
    run_id: String,
    /// The name of its folder beside this run's, if the report will be in the latter
    /// and there is one in the former.
    folder: Option<String>,
    started: Option<String>,
    took: u64,
    end: Option<&'static str>,
    /// One entry a node of this run; `None` where the earlier one did not have it.
    state: Vec<Option<u8>>,
    ran: Vec<Option<u64>>,
    gone: Vec<String>,
    gone_count: usize,
    /// Those that changed, with the value before and now.
    parameters: Vec<(String, Option<String>, Option<String>)>,
}

/// The newest earlier run in the folders beside that of `record`, with at least half
/// of its nodes.
pub(super) fn previous(record: &RunRecord, is_beside: bool) -> Option<Previous> {
    let folder = record.folder.as_deref()?;
    let started = record.started.as_ref()?.started;
    let earlier = candidates(folder)?.into_iter().take(READ);
    let earlier = earlier.filter_map(|path| Some((RunRecord::read(&path).ok()?, path)));
    let is_before = |run: &RunRecord| run.started.as_ref().is_some_and(|run| run.started < started);
    let alike = earlier.filter(|(run, _)| is_before(run) && is_alike(record, run));
    // Times of files are of the last copy: the run itself says when it began.
    let began = |run: &RunRecord| run.started.as_ref().map(|run| run.started);
    let (run, path) = alike.max_by_key(|(run, _)| began(run))?;
    let mut previous = compared(record, &run);
    if is_beside && path.join("report.html").is_file() {
        previous.folder = path.file_name().and_then(|name| name.to_str()).map(str::to_owned);
    }
    Some(previous)
}

/// The folders of runs beside `folder` that began before it, the newest first: by
/// when their pipelines were written down.
fn candidates(folder: &Path) -> Option<Vec<PathBuf>> {
    let folder = fs::canonicalize(folder).ok()?;
    let own: OsString = folder.file_name()?.to_owned();
    let began = began(&folder)?;
    let beside = fs::read_dir(folder.parent()?).ok()?.flatten();
    // No links: they may lead anywhere.
    let folders = beside.filter(|entry| entry.file_type().is_ok_and(|found| found.is_dir()));
    let others = folders.filter(|entry| entry.file_name() != own).map(|entry| entry.path());
    let mut earlier: Vec<(SystemTime, PathBuf)> = others
        .filter_map(|path| Some((self::began(&path)?, path)))
        .filter(|(time, path)| *time <= began && is_readable(path))
        .collect();
    earlier.sort_unstable_by(|a, b| b.cmp(a));
    Some(earlier.into_iter().map(|(_, path)| path).collect())
}

fn began(folder: &Path) -> Option<SystemTime> {
    fs::metadata(folder.join("pipeline.json")).ok()?.modified().ok()
}

fn is_readable(folder: &Path) -> bool {
    let length = |name| fs::metadata(folder.join(name)).map_or(0, |file| file.len());
    let files = ["events.jsonl", "pipeline.json", "summary.json"];
    folder.join(files[0]).is_file() && files.into_iter().all(|name| length(name) <= LONGEST)
}

fn names(record: &RunRecord) -> impl Iterator<Item = &str> {
    (0..record.nodes.len() as u32).map(|node| record.graph.name(node))
}

/// Whether `earlier` has at least half of the nodes of `record`.
pub(super) fn is_alike(record: &RunRecord, earlier: &RunRecord) -> bool {
    let theirs: HashSet<&str> = names(earlier).collect();
    let shared = names(record).filter(|name| theirs.contains(name)).count();
    shared > 0 && shared * 2 >= record.nodes.len()
}

/// What of `earlier` there is to hold against `record`.
pub(super) fn compared(record: &RunRecord, earlier: &RunRecord) -> Previous {
    let theirs: HashMap<&str, u32> = names(earlier).zip(0..).collect();
    let ours: HashSet<&str> = names(record).collect();
    let before: Vec<_> = names(record).map(|name| theirs.get(name).copied()).collect();
    let ran = |node: u32| {
        let attempt = earlier.last_attempt(node)?;
        Some(nanos(attempt.ended?.saturating_sub(attempt.began)))
    };
    let gone: Vec<_> = names(earlier).filter(|name| !ours.contains(name)).collect();
    let started = earlier.started.as_ref();
    Previous {
        run_id: started.map(|run| clip(&run.run_id, NAME).into_owned()).unwrap_or_default(),
        folder: None,
        started: started.map(|run| rfc3339_of(run.started)),
        took: nanos(earlier.took()),
        end: earlier.ended.as_ref().map(|ended| ended.end.as_str()),
        state: before.iter().map(|at| Some(state(earlier.nodes[(*at)? as usize].state))).collect(),
        ran: before.iter().map(|at| ran((*at)?)).collect(),
        gone_count: gone.len(),
        gone: gone.iter().take(NAMED).map(|name| clip(name, NAME).into_owned()).collect(),
        parameters: changed_parameters(earlier.started.as_ref(), record.started.as_ref()),
    }
}

fn changed_parameters(
    before: Option<&RunStarted<'_>>,
    now: Option<&RunStarted<'_>>,
) -> Vec<(String, Option<String>, Option<String>)> {
    let values = |run: Option<&RunStarted<'_>>| -> HashMap<String, String> {
        let pairs = run.map(|run| &*run.parameters).unwrap_or_default().iter();
        pairs.map(|(name, value)| (name.to_string(), value.to_string())).collect()
    };
    let (before, now) = (values(before), values(now));
    let mut names: Vec<&String> = before.keys().chain(now.keys()).collect();
    names.sort_unstable();
    names.dedup();
    names.retain(|name| before.get(*name) != now.get(*name));
    let shown = |value: Option<&String>| value.map(|value| clip(value, TEXT).into_owned());
    let changes = names
        .into_iter()
        .take(NAMED)
        .map(|name| (clip(name, NAME).into_owned(), shown(before.get(name)), shown(now.get(name))));
    changes.collect()
}
