//! What the files about pipelines share: every runner there is, and a folder.

use std::fs;
use std::path::{Path, PathBuf};

use entourage::{
    Catalog, Data, DataType, Executor, FileDataset, Pipeline, RunError, RunOptions, RunReport,
    SequentialRunner, ThreadRunner, node,
};
use tempfile::TempDir;

/// A runner, whichever.
pub(crate) trait Runner: Sync {
    fn run(&self, _: &Pipeline, _: &Catalog, _: RunOptions) -> Result<RunReport, RunError>;
}

impl Runner for SequentialRunner {
    fn run(
        &self,
        pipeline: &Pipeline,
        catalog: &Catalog,
        options: RunOptions,
    ) -> Result<RunReport, RunError> {
        self.run(pipeline, catalog, options)
    }
}

impl Runner for ThreadRunner {
    fn run(
        &self,
        pipeline: &Pipeline,
        catalog: &Catalog,
        options: RunOptions,
    ) -> Result<RunReport, RunError> {
        self.run(pipeline, catalog, options)
    }
}

/// Runs `test` with every runner: on the calling thread, on a pool of one worker
/// and on one of four.
pub(crate) fn with_each_runner(mut test: impl FnMut(&dyn Runner)) {
    test(&SequentialRunner::new());
    with_thread_runner(1, |runner| test(runner));
    with_thread_runner(4, |runner| test(runner));
}

pub(crate) fn with_thread_runner<R>(threads: usize, test: impl FnOnce(&ThreadRunner) -> R) -> R {
    let pool = Executor::builder().num_threads(threads).build().unwrap();
    test(&ThreadRunner::new(&pool))
}

/// A folder that is gone when the test is over.
pub(crate) struct Folder(TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes a file, and returns where it is.
    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, content).unwrap();
        path
    }

    /// The names of everything in it, in order.
    pub(crate) fn names(&self) -> Vec<String> {
        names_in(self.0.path())
    }
}

pub(crate) fn names_in(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

type Owned<T> = <T as DataType>::Owned;

/// Has a node write `value` into `file`, and returns what a person would be
/// told if that went wrong.
pub(crate) fn save<T>(data: &Data<T>, file: &FileDataset, value: Owned<T>) -> Result<(), String>
where
    T: DataType<Owned: Clone> + ?Sized,
{
    let write = node(move || value.clone()).reads(()).writes(data.clone()).named("write");
    let pipeline = Pipeline::new([write]).unwrap();
    let catalog = Catalog::builder().file(data.name(), file.clone()).build().unwrap();
    let report = SequentialRunner::new().run(&pipeline, &catalog, RunOptions::new());
    report.map(drop).map_err(told)
}

/// Has a node read `file` on the calling thread.
pub(crate) fn load<T>(data: &Data<T>, file: &FileDataset) -> Result<Owned<T>, String>
where
    T: DataType + ToOwned<Owned = Owned<T>> + ?Sized,
{
    load_with(&SequentialRunner::new(), data, file)
}

pub(crate) fn load_with<T>(
    runner: &dyn Runner,
    data: &Data<T>,
    file: &FileDataset,
) -> Result<Owned<T>, String>
where
    T: DataType + ToOwned<Owned = Owned<T>> + ?Sized,
{
    let loaded = || Data::<Owned<T>>::memory("loaded");
    let read = node(|value: &T| value.to_owned()).reads(data.clone()).writes(loaded());
    let pipeline = Pipeline::new([read.named("read")]).unwrap();
    let catalog = Catalog::builder().file(data.name(), file.clone()).build().unwrap();
    let mut report = runner.run(&pipeline, &catalog, RunOptions::new()).map_err(told)?;
    Ok(report.take_output(&loaded()).unwrap())
}

/// Why a run was refused, or else its one failure.
pub(crate) fn told(error: RunError) -> String {
    match error.is_refused() {
        true => format!("refused: {}", error.problems().join("\n")),
        false => error.failures().map(ToString::to_string).collect::<Vec<_>>().join("\n"),
    }
}
