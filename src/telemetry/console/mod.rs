//! What a person sees of a run: while it goes on, and when it is over.

mod budget;
mod frame;
mod listen;
mod live;
mod palette;
mod plain;
mod screen;
mod settings;
mod shared;
mod summary;
mod surroundings;
mod text;
mod units;
mod writer;

use std::fmt;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tracing::level_filters::LevelFilter;

use self::listen::ConsoleRun;
use self::settings::Settings;
use self::shared::Shared;
use self::surroundings::Surroundings;
pub use self::writer::ConsoleWriter;
use crate::events::{Listener, ResumeFrom, RunListener};
use crate::{RunId, RunRecorder};

/// Tells a person how runs go: a [`Listener`] for
/// [`RunOptions::listener`](crate::RunOptions::listener).
///
/// On a terminal it draws, at most ten times a second, a bar for each run and below
/// it a line for each node that runs, those first that take longest, as far as they
/// fit. Above that stand, for good, the nodes that failed, what a [`writer`](Self::writer)
/// is given, and the warnings and errors of the run's log (see
/// [`log_level`](Self::log_level)).
///
/// Elsewhere, as in a file or the log of a job, it writes one line for each node that
/// ends, and for each that runs for longer than a moment; and where nothing was said
/// for 30 seconds a line that says what runs ([`heartbeat`](Self::heartbeat)). Of
/// more than a thousand lines a second the rest is summed up in one.
///
/// When a run is over it writes a summary: a table of the nodes, the critical path,
/// what failed and why, and how to go on.
///
/// ```text
/// run nightly-42: started, 8 nodes, 2 workers
/// [1/8] carriers: done in 25.8 ms, 16 rows
/// ```
///
/// A clone speaks of its runs in the same place. All runs of a process that write to
/// one terminal should have clones of one console: two would draw over each other, as
/// does whoever writes to the terminal by another way while runs go on.
///
/// Whatever runs, nodes and messages are called, none of it can move the cursor or
/// change a colour: control characters and those that turn the direction of writing
/// are written as escapes, and long texts are cut. A writer that fails, blocks or
/// panics costs the run nothing but two seconds at its end, at most; see
/// [`error`](Self::error).
///
/// # Examples
///
/// ```
/// use entourage::{Catalog, Console, Data, Pipeline, RunOptions, SequentialRunner, node};
///
/// const ANSWER: Data<u64> = Data::memory("answer");
/// let pipeline = Pipeline::new([node(|| 42).reads(()).writes(ANSWER).named("think")])?;
///
/// let console = Console::stderr()
///     .resume_command(|resume| format!("program --from-nodes {}", resume.from_nodes.join(",")));
/// let options = RunOptions::new().listener(console);
/// SequentialRunner::new().run(&pipeline, &Catalog::empty(), options)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
#[must_use = "a console tells of the runs whose options it is a listener of"]
pub struct Console {
    settings: Arc<Settings>,
    shared: Arc<Shared>,
}

impl Console {
    /// A console on standard error.
    ///
    /// It is drawn on if it is a terminal, `TERM` is not `dumb`, and `CI` is not set.
    /// A terminal has colours, unless `NO_COLOR` is set or `CLICOLOR` is `0`;
    /// `CLICOLOR_FORCE` gives them to what is no terminal, too. Where there is no
    /// terminal to ask, `COLUMNS` says how wide the table may be, which is 120 columns
    /// otherwise.
    pub fn stderr() -> Self {
        Self::with(Shared::new(Box::new(io::stderr()), Surroundings::of_stderr()))
    }

    /// A console that writes lines to `writer`, without colours: see
    /// [`terminal`](Self::terminal) and [`colors`](Self::colors). The writer is called
    /// by one thread at a time; what it writes to the console itself is lost.
    ///
    /// ```
    /// use entourage::{Catalog, Console, Pipeline, RunOptions, SequentialRunner, node};
    /// use entourage::Data;
    /// # #[derive(Clone, Default)]
    /// # struct Lines(std::sync::Arc<std::sync::Mutex<Vec<u8>>>);
    /// # impl std::io::Write for Lines {
    /// #     fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
    /// #         self.0.lock().unwrap().write(bytes)
    /// #     }
    /// #     fn flush(&mut self) -> std::io::Result<()> { Ok(()) }
    /// # }
    ///
    /// const ANSWER: Data<u64> = Data::memory("answer");
    /// let pipeline = Pipeline::new([node(|| 42).reads(()).writes(ANSWER).named("think")])?;
    /// let lines = Lines::default();
    /// let options = RunOptions::new().run_id("deep").listener(Console::new(lines.clone()));
    /// SequentialRunner::new().run(&pipeline, &Catalog::empty(), options)?;
    ///
    /// let lines = String::from_utf8(lines.0.lock().unwrap().clone())?;
    /// assert!(lines.starts_with("run deep: started, 1 node, 1 worker\n[1/1] think: done in "));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn new(writer: impl Write + Send + 'static) -> Self {
        Self::with(Shared::new(Box::new(writer), Surroundings::of_writer()))
    }

    fn with(shared: Shared) -> Self {
        Self { settings: Arc::default(), shared: Arc::new(shared) }
    }

    /// Writes lines and draws nothing, even on a terminal. Of all clones.
    pub fn plain(self) -> Self {
        self.surround(|surroundings| surroundings.is_drawn = false)
    }

    /// Draws as on a terminal of this size, whatever it is. Of all clones.
    ///
    /// ```
    /// // A program with windows of its own shows what a terminal would.
    /// let console = entourage::Console::new(std::io::sink()).terminal(80, 24).colors(true);
    /// ```
    pub fn terminal(self, columns: u16, rows: u16) -> Self {
        self.surround(|surroundings| {
            surroundings.is_drawn = true;
            (surroundings.columns, surroundings.rows) = (Some(columns), Some(rows));
        })
    }

    /// How many columns the table and what is drawn may take, whatever the terminal
    /// says. Of all clones.
    pub fn width(self, columns: u16) -> Self {
        self.surround(|surroundings| surroundings.columns = Some(columns))
    }

    /// Whether there are colours, whatever the environment says. Of all clones.
    pub fn colors(self, colors: bool) -> Self {
        self.surround(|surroundings| surroundings.has_colours = colors)
    }

    /// How long a run may go on without a line, where nothing is drawn, before one
    /// says what runs: 30 seconds otherwise. With [`Duration::MAX`] none does.
    pub fn heartbeat(self, pause: Duration) -> Self {
        self.set(|settings| settings.heartbeat = pause)
    }

    /// From which level on the messages of a run's log are shown: warnings and errors
    /// otherwise, and with [`LevelFilter::OFF`] none.
    ///
    /// They come by way of [`RunLogLayer`](crate::RunLogLayer), which the program's
    /// subscriber needs to have. What is logged into a [`writer`](Self::writer) is
    /// shown there: with that, `OFF` is what is wanted.
    pub fn log_level(self, level: impl Into<LevelFilter>) -> Self {
        let level = level.into();
        self.set(|settings| settings.log_level = level)
    }

    /// Whether the summary has the table of the nodes, and the critical path.
    pub fn table(self, is_there: bool) -> Self {
        self.set(|settings| settings.has_table = is_there)
    }

    /// How many nodes the table has at most, 40 otherwise. Of a larger pipeline it
    /// has those that failed, up to half of the rows, and those that took longest, and
    /// a line for each state says how many are left.
    pub fn table_rows(self, rows: usize) -> Self {
        self.set(|settings| settings.table_rows = rows)
    }

    /// What to type to go on with a run that left something to do. Otherwise the
    /// summary names the nodes to begin with.
    pub fn resume_command(
        self,
        command: impl Fn(&ResumeFrom) -> String + Send + Sync + 'static,
    ) -> Self {
        self.set(|settings| settings.resume_command = Some(Arc::new(command)))
    }

    /// Who records the runs: the summary tells where the files of a run are, and what
    /// could not be written of it, so that a full disk does not go unseen.
    ///
    /// Give a run's options the recorder first, and then the console: they are told of
    /// the run's end in that order, and only then does the recorder know it all.
    ///
    /// ```
    /// use entourage::{Console, RunOptions, RunRecorder};
    ///
    /// let recorder = RunRecorder::new("runs");
    /// let console = Console::stderr().recorder(&recorder);
    /// let options = RunOptions::new().listener(recorder).listener(console);
    /// ```
    pub fn recorder(self, recorder: &RunRecorder) -> Self {
        self.set(|settings| settings.recorder = Some(recorder.clone()))
    }

    /// Where the files of a run are, for the summary to tell, where that is not for a
    /// [`recorder`](Self::recorder) to say.
    ///
    /// ```
    /// let console = entourage::Console::stderr().folder(|run_id| {
    ///     Some(format!("runs/{run_id}").into())
    /// });
    /// ```
    pub fn folder(
        self,
        folder: impl Fn(&RunId) -> Option<PathBuf> + Send + Sync + 'static,
    ) -> Self {
        self.set(|settings| settings.folder = Some(Arc::new(folder)))
    }

    /// Writes lines above what is drawn, as they are. While runs go on a line is
    /// there within a tenth of a second, and otherwise at once. Where another write
    /// is blocked, it is there after that: a line waits two seconds at most, and the
    /// next ones not at all. Of those a MiB is kept.
    ///
    /// ```
    /// use std::io::Write;
    /// use entourage::Console;
    /// use tracing::level_filters::LevelFilter;
    ///
    /// let console = Console::stderr().log_level(LevelFilter::OFF);
    /// writeln!(console.writer(), "three rows mended")?;
    /// let writer = console.writer();
    /// let subscriber = tracing_subscriber::fmt().with_writer(move || writer.clone()).finish();
    /// # drop(subscriber);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn writer(&self) -> ConsoleWriter {
        ConsoleWriter::new(self.shared.clone())
    }

    /// The first error that writing had. What was to be written is lost then, and
    /// after a pipe that broke or a writer that panicked all that comes later.
    ///
    /// ```
    /// let console = entourage::Console::stderr();
    /// assert!(console.error().is_none());
    /// ```
    pub fn error(&self) -> Option<io::Error> {
        self.shared.error()
    }

    fn surround(self, change: impl FnOnce(&mut Surroundings)) -> Self {
        self.shared.surround(change);
        self
    }

    fn set(mut self, change: impl FnOnce(&mut Settings)) -> Self {
        change(Arc::make_mut(&mut self.settings));
        self
    }
}

impl Listener for Console {
    fn run(&self, run_id: &RunId) -> Arc<dyn RunListener> {
        Arc::new(ConsoleRun::new(self.shared.clone(), self.settings.clone(), run_id.clone()))
    }
}

impl fmt::Debug for Console {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Console")
    }
}

#[cfg(test)]
mod tests;
