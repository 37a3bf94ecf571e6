//! A record from the folder of its run.

mod error;
mod events;
mod pipeline;
mod problems;

use std::fs::{self, File};
use std::io;
use std::path::Path;

use serde::Deserialize;

pub use error::RecordError;
use problems::Problems;

use super::graph::WrittenGraph;
use super::{Graph, RunRecord};

impl RunRecord {
    /// Reads back what a [`RunRecorder`](crate::RunRecorder) has written of a run
    /// into its folder: of a run that is over, that was interrupted, or that goes on.
    ///
    /// What the end of a process may leave behind is no error, but is told by
    /// [`problems`](Self::problems): a last line that was being written, events that
    /// are missing, a folder without its pipeline. So are lines that cannot be read,
    /// and events of kinds that only a newer version knows.
    ///
    /// ```
    /// use entourage::{Catalog, Data, Pipeline, RunOptions, SequentialRunner, node};
    /// use entourage::{NodeState, RunRecord, RunRecorder};
    ///
    /// const ANSWER: Data<u64> = Data::memory("answer");
    /// let pipeline = Pipeline::new([node(|| 42).reads(()).writes(ANSWER).named("think")])?;
    /// # let folder = tempfile::tempdir()?;
    /// # let runs = folder.path().join("runs");
    /// let recorder = RunRecorder::new(&runs);
    /// let options = RunOptions::new().run_id("nightly-42").listener(recorder);
    /// SequentialRunner::new().run(&pipeline, &Catalog::empty(), options)?;
    ///
    /// let record = RunRecord::read(runs.join("nightly-42"))?;
    /// assert!(!record.is_interrupted());
    /// assert_eq!(record.node("think").unwrap().state, NodeState::Done);
    /// assert_eq!(record.problems(), [""; 0]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Where there is no such folder, it is no folder of a run, or a file of it
    /// cannot be read. The message names the file, and the line where there is one.
    pub fn read(folder: impl AsRef<Path>) -> Result<Self, RecordError> {
        let folder = folder.as_ref();
        let is_empty = fs::read_dir(folder)
            .and_then(|mut entries| entries.next().transpose().map(|first| first.is_none()));
        let is_empty = is_empty.map_err(|error| RecordError::io(folder, error))?;

        let mut problems = Problems::default();
        let (pipeline_path, events_path) = (folder.join(PIPELINE), folder.join(EVENTS));
        let (pipeline, events) = (open(&pipeline_path)?, open(&events_path)?);
        if pipeline.is_none() && events.is_none() && !is_empty {
            return Err(RecordError::not_a_run(folder));
        }
        let graph = match pipeline {
            None => None,
            Some(file) => pipeline::read(&pipeline_path, file)?,
        };
        let has_pipeline = graph.is_some();
        if !has_pipeline {
            problems.say(format!(
                "there is no {PIPELINE}: no more nodes are known than events tell of, and not \
                 what they wait for"
            ));
        }
        let mut record = Self::new(Graph::Written(graph.unwrap_or_default()));
        record.folder = Some(folder.to_owned());
        match events {
            None => problems.say(format!("there is no {EVENTS}: nothing is known of the run")),
            Some(file) => {
                events::read(&events_path, file, has_pipeline, &mut record, &mut problems)?;
            }
        }
        record.problems = problems.all();
        record.add_summary();
        Ok(record)
    }

    /// What the recorder alone knew: the id of a run that was refused, and what of
    /// the recording went wrong.
    fn add_summary(&mut self) {
        #[derive(Deserialize)]
        struct Summary {
            run_id: Option<Box<str>>,
            #[serde(default)]
            problems: Vec<String>,
        }
        let Some(folder) = &self.folder else { return };
        let read = |file| serde_json::from_reader::<_, Summary>(io::BufReader::new(file));
        match open(&folder.join(SUMMARY)) {
            Ok(None) if self.ended.is_some() => self.problems.push(format!(
                "there is no {SUMMARY}: what else could not be written is not known"
            )),
            Ok(None) => {}
            Ok(Some(file)) => match read(file) {
                Ok(summary) => {
                    self.run_id = summary.run_id;
                    self.problems.extend(summary.problems);
                }
                Err(error) => self.problems.push(format!("{SUMMARY} cannot be read: {error}")),
            },
            Err(error) => self.problems.push(error.to_string()),
        }
    }
}

/// The names of the files in the folder of a run.
pub(crate) const PIPELINE: &str = "pipeline.json";
pub(crate) const EVENTS: &str = "events.jsonl";
pub(crate) const SUMMARY: &str = "summary.json";

/// The file, if there is one. Not a device or a pipe, which may have no end.
fn open(path: &Path) -> Result<Option<File>, RecordError> {
    /// What is read whole takes memory; that of ten million nodes is not so long.
    const LONGEST: u64 = 4 << 30;
    let opened = fs::metadata(path).and_then(|found| {
        if !found.is_file() {
            return Err(io::Error::other("it is not a file"));
        }
        if found.len() > LONGEST && !path.ends_with(EVENTS) {
            return Err(io::Error::other(format!("it has more than {LONGEST} bytes")));
        }
        File::open(path)
    });
    match opened {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(RecordError::io(path, error)),
    }
}

impl WrittenGraph {
    /// The place of a node that is in no `pipeline.json`.
    fn find_or_add(&mut self, name: &str) -> u32 {
        self.find(name).unwrap_or_else(|| self.add(name))
    }
}

#[cfg(test)]
mod tests;
