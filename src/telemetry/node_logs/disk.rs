//! A file that lines are added to, and that may refuse them.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;

use super::Folder;

/// Adds whole lines to a file, and counts those that it does not take. After an
/// error it is tried again with the next lines: the disk may have room by then.
pub(super) struct Disk {
    folder: Arc<Folder>,
    /// In the folder.
    path: PathBuf,
    was_open: bool,
    lines: u64,
    bytes: u64,
    lost: u64,
    /// The first of them.
    error: Option<io::Error>,
    /// Whether the file ends in half a line, which nothing may follow.
    is_torn: bool,
}

impl Disk {
    /// Nothing is done before the first line.
    pub(super) fn new(folder: Arc<Folder>, path: PathBuf) -> Self {
        let (lines, bytes, lost) = (0, 0, 0);
        let (was_open, error, is_torn) = (false, None, false);
        Self { folder, path, was_open, lines, bytes, lost, error, is_torn }
    }

    /// How many lines the file took, and of how many bytes.
    pub(super) fn written(&self) -> (u64, u64) {
        (self.lines, self.bytes)
    }

    /// How many lines it did not take.
    pub(super) fn lost(&self) -> u64 {
        self.lost
    }

    /// What went wrong, in words.
    pub(super) fn problem(&self) -> Option<String> {
        let Self { path, lost, error, .. } = self;
        let lines = if *lost == 1 { "line" } else { "lines" };
        let what =
            |error| format!("cannot write {}: {error} ({lost} {lines} lost)", path.display());
        error.as_ref().map(what)
    }

    /// Adds `count` lines, which `lines` consists of. The first time returns how long
    /// the file was before, if it was.
    pub(super) fn write(&mut self, lines: &[u8], count: u64) -> Option<u64> {
        if count == 0 {
            return None;
        }
        let mut before = None;
        let taken = match self.open() {
            Ok(mut file) => {
                if !std::mem::replace(&mut self.was_open, true) {
                    before = file.metadata().ok().map(|file| file.len());
                }
                self.append(&mut file, lines)
            }
            Err(error) => {
                self.error.get_or_insert(error);
                0
            }
        };
        let whole = match taken == lines.len() {
            true => count,
            false => lines[..taken].iter().map(|byte| u64::from(*byte == b'\n')).sum(),
        };
        self.lines += whole;
        self.lost += count - whole;
        self.bytes += taken as u64;
        before
    }

    /// Adds a line that is no message, and so is not lost if it is not taken.
    pub(super) fn write_note(&mut self, line: &[u8]) {
        let lost = self.lost;
        self.write(line, 1);
        self.lost = lost;
    }

    fn open(&self) -> io::Result<File> {
        if self.is_torn {
            return Err(io::Error::other("its last line is torn"));
        }
        let path = (self.folder)()?.join(&self.path);
        // A pipe would be waited for, and a link may lead anywhere.
        if fs::symlink_metadata(&path).is_ok_and(|found| !found.is_file()) {
            return Err(io::Error::other("what is there is no file"));
        }
        let open = || OpenOptions::new().append(true).create(true).open(&path);
        match (open(), path.parent()) {
            (Err(error), Some(folder)) if error.kind() == io::ErrorKind::NotFound => {
                fs::create_dir_all(folder)?;
                open()
            }
            (opened, _) => opened,
        }
    }

    /// Returns how many bytes of `lines` the file has, which are whole lines, unless
    /// the file is torn.
    fn append(&mut self, file: &mut File, lines: &[u8]) -> usize {
        let mut taken = 0;
        // Not `write_all`, which does not tell how far it came.
        let error = loop {
            if taken == lines.len() {
                return taken;
            }
            match file.write(&lines[taken..]) {
                Ok(0) => break io::ErrorKind::WriteZero.into(),
                Ok(count) => taken += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => break error,
            }
        };
        self.error.get_or_insert(error);
        let whole = lines[..taken].iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        if whole == taken {
            return taken;
        }
        let half = (taken - whole) as u64;
        let cut = file.metadata().and_then(|now| file.set_len(now.len().saturating_sub(half)));
        self.is_torn = cut.is_err();
        whole
    }
}
