//! What its user has said of a console.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tracing::level_filters::LevelFilter;

use crate::events::ResumeFrom;
use crate::{RunId, RunRecorder};

/// Says how a run is gone on with.
pub(super) type ResumeCommand = Arc<dyn Fn(&ResumeFrom) -> String + Send + Sync>;
/// Says where the files of a run are.
pub(super) type Folder = Arc<dyn Fn(&RunId) -> Option<PathBuf> + Send + Sync>;

#[derive(Clone)]
pub(super) struct Settings {
    pub(super) heartbeat: Duration,
    pub(super) log_level: LevelFilter,
    pub(super) has_table: bool,
    pub(super) table_rows: usize,
    pub(super) resume_command: Option<ResumeCommand>,
    pub(super) folder: Option<Folder>,
    pub(super) recorder: Option<RunRecorder>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            heartbeat: Duration::from_secs(30),
            log_level: LevelFilter::WARN,
            has_table: true,
            table_rows: 40,
            resume_command: None,
            folder: None,
            recorder: None,
        }
    }
}
