//! What the recorder remembers of its runs, for whoever asks.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};

use crate::context::{RunId, quietly};
use crate::sync::Mutex;

const MOST_PROBLEMS: usize = 100;
const MOST_FOLDERS: usize = 1000;

#[derive(Default)]
pub(super) struct Notes(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    problems: VecDeque<String>,
    folders: VecDeque<(RunId, PathBuf)>,
}

impl Notes {
    /// Says what went wrong, and keeps it. No lock may be held: who listens to
    /// `tracing` is foreign code.
    pub(super) fn problem(&self, run_id: &RunId, problem: &str) {
        let mut kept = self.0.lock();
        if kept.problems.len() == MOST_PROBLEMS {
            kept.problems.pop_front();
        }
        kept.problems.push_back(format!("run `{run_id}`: {problem}"));
        drop(kept);
        let run_id = run_id.as_str();
        quietly(|| tracing::warn!(target: "entourage::recorder", run_id, "{problem}"));
    }

    pub(super) fn problems(&self) -> Vec<String> {
        self.0.lock().problems.iter().cloned().collect()
    }

    pub(super) fn folder(&self, run_id: &RunId, folder: &Path) {
        let mut kept = self.0.lock();
        if kept.folders.len() == MOST_FOLDERS {
            kept.folders.pop_front();
        }
        kept.folders.push_back((run_id.clone(), folder.to_owned()));
    }

    pub(super) fn folder_of(&self, run_id: &RunId) -> Option<PathBuf> {
        let kept = self.0.lock();
        let mut latest_first = kept.folders.iter().rev();
        latest_first.find(|(id, _)| id == run_id).map(|(_, folder)| folder.clone())
    }
}
