//! A worker process, as its parent sees it.

use std::collections::HashMap;
use std::io::{self, Write};
use std::net::Shutdown;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::process::{Child, ExitStatus};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, kill_process_group};

use super::protocol::{Frames, Log, Moved, Outcome, Reply, Request, Served, framed};

/// How long a worker may take to read what it is sent, and to end once it has
/// closed its channel or was told to.
const PATIENCE: Duration = Duration::from_secs(2);

/// A worker process. Dropped, it is killed, with all that it has started.
pub(super) struct Worker {
    child: Child,
    /// The system's word that the process is over, where there is such a thing:
    /// a process that it has forked may keep the channel open.
    exit: Option<OwnedFd>,
    channel: UnixStream,
    frames: Frames,
    /// The pipelines it serves.
    pub(super) served: Vec<Served>,
    /// By the digest of a pipeline of the parent's, which of its own that is.
    pub(super) known: HashMap<u64, u32>,
    status: Option<ExitStatus>,
    is_dismissed: bool,
}

/// What comes next of a worker.
pub(super) enum Heard {
    Reply(Reply),
    /// It is over, or has closed its channel.
    Ended,
    /// Nothing, until it was too late.
    Nothing,
    /// The bell has been rung.
    Bell,
}

/// How a task went.
pub(super) enum Ran {
    Ended(Outcome),
    /// The process is gone; whether it had begun the task.
    Died {
        has_begun: bool,
    },
    /// It was called off, and killed since it did not end by itself.
    Killed,
}

/// What goes on while a task does.
pub(super) struct Watch<'a> {
    /// Readable, or closed at its other end, as soon as the task is called off.
    pub(super) bell: Option<BorrowedFd<'a>>,
    /// How long it may take to end by itself then.
    pub(super) grace: &'a dyn Fn() -> Duration,
    pub(super) log: &'a mut dyn FnMut(Log),
    pub(super) moved: &'a mut dyn FnMut(Moved),
}

impl Worker {
    pub(super) fn new(child: Child, channel: UnixStream) -> io::Result<Self> {
        let exit = exit_of(&child);
        let (frames, served, known) = (Frames::default(), Vec::new(), HashMap::new());
        let (status, is_dismissed) = (None, false);
        let worker = Self { child, exit, channel, frames, served, known, status, is_dismissed };
        worker.channel.set_write_timeout(Some(PATIENCE))?;
        Ok(worker)
    }

    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(super) fn is_alive(&mut self) -> bool {
        self.status.is_none() && matches!(self.child.try_wait(), Ok(None))
    }

    pub(super) fn say(&mut self, request: &Request) -> io::Result<()> {
        self.channel.write_all(&framed(request)?)
    }

    /// Waits for the next reply.
    pub(super) fn hear(
        &mut self,
        until: Option<Instant>,
        bell: Option<BorrowedFd<'_>>,
    ) -> io::Result<Heard> {
        loop {
            if let Some(reply) = self.frames.next()? {
                return Ok(Heard::Reply(reply));
            }
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            let ready = self.wait(left, bell)?;
            // The bell first: who talks without end would not hear it otherwise.
            if ready.bell {
                return Ok(Heard::Bell);
            }
            if left == Some(Duration::ZERO) {
                return Ok(Heard::Nothing);
            }
            // What it said last comes before its end.
            if ready.channel {
                match self.frames.fill(&mut &self.channel) {
                    Ok(1..) => {}
                    Ok(0) => return Ok(Heard::Ended),
                    Err(error) if error.kind() == io::ErrorKind::ConnectionReset => {
                        return Ok(Heard::Ended);
                    }
                    Err(error) => return Err(error),
                }
            } else if ready.exit {
                return Ok(Heard::Ended);
            }
        }
    }

    fn wait(&self, left: Option<Duration>, bell: Option<BorrowedFd<'_>>) -> io::Result<Ready> {
        let watched = [Some(self.channel.as_fd()), self.exit.as_ref().map(AsFd::as_fd), bell];
        let fds = watched.iter().flatten();
        let mut fds: Vec<_> = fds.map(|fd| PollFd::from_borrowed_fd(*fd, PollFlags::IN)).collect();
        // A time that cannot be told is no limit.
        let timeout = left.and_then(|left| Timespec::try_from(left).ok());
        match poll(&mut fds, timeout.as_ref()) {
            Ok(_) => {}
            Err(Errno::INTR) => return Ok(Ready::default()),
            Err(error) => return Err(error.into()),
        }
        let mut ready = fds.iter().map(|fd| !fd.revents().is_empty());
        let mut next = |fd: Option<_>| fd.is_some() && ready.next().unwrap_or(false);
        let [channel, exit, bell] = watched;
        Ok(Ready { channel: next(channel), exit: next(exit), bell: next(bell) })
    }

    /// Has the worker run one node; or says what of their talk went wrong.
    pub(super) fn execute(
        &mut self,
        task: u64,
        request: &Request,
        watch: Watch<'_>,
    ) -> Result<Ran, String> {
        let Watch { mut bell, grace, log, moved } = watch;
        let mut has_begun = false;
        let mut until = None;
        match self.say(request) {
            Err(error) if is_gone(&error) => return Ok(Ran::Died { has_begun }),
            said => said.map_err(untold)?,
        }
        loop {
            match self.hear(until, bell).map_err(not_understood)? {
                Heard::Reply(Reply::Begun { task: of }) if of == task => has_begun = true,
                Heard::Reply(Reply::Log { task: of, log: said }) if of == task => log(said),
                Heard::Reply(Reply::Moved { task: of, moved: told }) if of == task => moved(told),
                Heard::Reply(Reply::Ended { task: of, outcome }) if of == task => {
                    return Ok(Ran::Ended(outcome));
                }
                Heard::Reply(_) => {}
                Heard::Ended => return Ok(Ran::Died { has_begun }),
                Heard::Bell => {
                    bell = None;
                    until = Instant::now().checked_add(grace());
                    match self.say(&Request::Cancel { task }) {
                        Err(error) if !is_gone(&error) => return Err(untold(error)),
                        _ => {}
                    }
                }
                Heard::Nothing => {
                    self.kill();
                    return Ok(Ran::Killed);
                }
            }
        }
    }

    /// How the process ended, which is on its way out. One that stays is killed.
    pub(super) fn status(&mut self) -> Option<ExitStatus> {
        if self.status.is_none() && !self.ends_within(PATIENCE) {
            self.kill();
        }
        self.status
    }

    /// Whether the process ends by itself within that time.
    fn ends_within(&mut self, time: Duration) -> bool {
        const NAP: Duration = Duration::from_millis(1);
        let until = Instant::now() + time;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let is_over = match &self.exit {
                Some(exit) => {
                    let mut fds = [PollFd::from_borrowed_fd(exit.as_fd(), PollFlags::IN)];
                    let timeout = Timespec::try_from(left).ok();
                    matches!(poll(&mut fds, timeout.as_ref()), Ok(1..))
                }
                None => {
                    std::thread::sleep(NAP.min(left));
                    self.status = self.child.try_wait().ok().flatten();
                    self.status.is_some()
                }
            };
            if is_over {
                // What it has started goes with it.
                self.kill();
                return true;
            }
            if left.is_zero() {
                return false;
            }
        }
    }

    /// Lets go of a worker that is idle: it ends by itself when it reads that.
    pub(super) fn dismiss(&mut self) {
        self.is_dismissed = self.channel.shutdown(Shutdown::Write).is_ok();
    }

    /// Kills it, and all that it has started and that has not left its group. Of
    /// a process that is over the status stays what it was.
    pub(super) fn kill(&mut self) {
        if self.status.is_some() {
            return;
        }
        // Not waited for yet, so that the number is still its own.
        if let Some(group) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            _ = kill_process_group(group, Signal::KILL);
        }
        _ = self.child.kill();
        self.status = self.child.wait().ok();
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        if self.status.is_none() && !(self.is_dismissed && self.ends_within(PATIENCE)) {
            self.kill();
        }
    }
}

/// The system's word that a process is over, where the system gives one.
fn exit_of(child: &Child) -> Option<OwnedFd> {
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{PidfdFlags, pidfd_open};
        let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw)?;
        pidfd_open(pid, PidfdFlags::empty()).ok()
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = child;
        None
    }
}

#[derive(Default)]
struct Ready {
    channel: bool,
    exit: bool,
    bell: bool,
}

/// What became of an attempt to tell a process something.
fn untold(error: io::Error) -> String {
    match error.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
            format!("its process has read nothing for {PATIENCE:?}")
        }
        _ => format!("its process cannot be told what to do: {error}"),
    }
}

fn not_understood(error: io::Error) -> String {
    format!("its process says what is not understood: {error}")
}

/// Whether an error of writing says that nobody is there to read.
fn is_gone(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset)
}
