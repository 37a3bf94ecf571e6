//! What a program does that can be started as a worker.

use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::os::unix::net::UnixStream;

use super::super::hooks::HookSet;
use super::channel::Channel;
use super::labour;
use crate::catalog::Catalog;
use crate::context::Wire;
use crate::pipeline::Pipeline;

/// The variable that tells a process that it is a worker: by the number of the
/// socket that is its standard input, so that what a worker starts, which
/// inherits the variable, is none.
pub(super) const WORKER: &str = "ENTOURAGE_WORKER";

/// A pipeline with the catalog that goes with it.
pub(super) struct Offer {
    pub(super) pipeline: Pipeline,
    pub(super) catalog: Catalog,
    /// Those of nodes.
    pub(super) hooks: HookSet,
}

/// Whether this process was started as a worker, and has not begun to serve.
pub(super) fn is_unserved_worker() -> bool {
    matches!(channel(), Ok(Some(_)))
}

/// Serves until the parent is gone, if this process is a worker's.
pub(super) fn serve_if_asked(offers: Vec<Offer>, wire: Wire) {
    let channel = match channel() {
        Ok(Some(channel)) => channel,
        Ok(None) => return,
        Err(error) => give_up(&error),
    };
    // A node reads nothing from its parent, nor does what it starts.
    let nothing =
        File::open("/dev/null").and_then(|nothing| Ok(rustix::stdio::dup2_stdin(nothing)?));
    if let Err(error) = nothing {
        give_up(&error);
    }
    match Channel::new(channel) {
        Ok(channel) => labour::serve(channel, offers, wire),
        Err(error) => give_up(&error),
    }
}

/// The channel to the parent, if there is one.
fn channel() -> io::Result<Option<UnixStream>> {
    let Some(mark) = std::env::var_os(WORKER) else { return Ok(None) };
    let stdin = File::from(io::stdin().as_fd().try_clone_to_owned()?);
    let found = stdin.metadata()?;
    let is_ours = found.file_type().is_socket() && mark.to_str() == Some(&found.ino().to_string());
    Ok(is_ours.then(|| UnixStream::from(std::os::fd::OwnedFd::from(stdin))))
}

/// A worker that cannot serve is of no use, and must not run on as the program.
fn give_up(error: &io::Error) -> ! {
    eprintln!("entourage: this process cannot serve as a worker: {error}");
    std::process::exit(1)
}
