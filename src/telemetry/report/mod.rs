//! The report of a run: one HTML file that needs nothing beside it.
//!
//! The page is static: `page/page.html`, its style and its scripts are in the crate
//! as they are, and the run's data is put into it as JSON that cannot end the
//! element it is in. The scripts make text of the data, never markup, and the
//! page's policy forbids all else: no request, no script but the page's own, and
//! (where the browser knows trusted types) no text taken for markup.

mod clip;
mod columns;
mod data;
mod document;
mod log_tail;
mod logs;
mod names;
mod previous;

use std::io;
use std::path::Path;

use super::record::RunRecord;
use super::whole_file;

impl RunRecord {
    /// Writes the run's report: one HTML file that opens in any current browser,
    /// without a network and from wherever it is put.
    ///
    /// It shows what failed and why, with the log of the nodes that did; the graph
    /// of the nodes; what each worker was at when; the critical path; every node
    /// with its times, rows and bytes; the parameters and versions of the run; and
    /// what is different from the run before.
    ///
    /// Log lines are read from the files of the nodes in the run's folder, and the
    /// run before is looked for among the folders beside it: the newest of earlier
    /// runs that has at least half of this run's nodes. So both are there in the
    /// report of a record that was [read](Self::read) from its folder.
    ///
    /// A report of 10,000 nodes is some 3 MB, one of 100,000 some 13 MB, and both
    /// open within seconds. What is too much is cut or left out, and the report says
    /// so: of each failed node it has the last 200 lines of log, of the others the
    /// last 50 until there are 2 MiB of them; of each text 16 KiB; of loads and saves
    /// the 50,000 longest; of attempts that failed and were followed by another the
    /// reasons of the first 500.
    ///
    /// The file is written beside `path` and then put there, so that a report is
    /// whole or not there. Its folder must exist.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// let record = entourage::RunRecord::read("runs/nightly-42")?;
    /// record.write_report("runs/nightly-42/report.html")?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// That of writing the file, with the path in its message. A log or an earlier
    /// run that cannot be read is no error: the report says so, or goes without.
    pub fn write_report(&self, path: impl AsRef<Path>) -> io::Result<()> {
        let path = path.as_ref();
        let is_beside = self.folder.as_deref().is_some_and(|folder| path.parent() == Some(folder));
        let html = document::html(self, is_beside);
        whole_file::write("report", path, |out| out.write_all(html.as_bytes()))
    }

    /// The run's report as [`write_report`](Self::write_report) writes it.
    pub fn to_html(&self) -> String {
        document::html(self, false)
    }
}

#[cfg(test)]
mod tests;
