//! How often a node is tried, and when again.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

type Predicate = Arc<dyn Fn(&(dyn Error + 'static)) -> bool + Send + Sync>;

/// How often a node is tried, after what, and with which pauses.
///
/// A node is tried again as a whole: its loads, its function, its saves. The
/// pause occupies no worker.
///
/// ```
/// use std::io;
/// use std::time::Duration;
/// use entourage::{Data, Retry, node};
///
/// const PAGE: Data<str> = Data::text("page");
///
/// fn fetch() -> Result<String, io::Error> { Ok("<html>".to_owned()) }
///
/// let retry = Retry::new(4)
///     .backoff(Duration::from_millis(100), 2.0)
///     .max_delay(Duration::from_secs(5))
///     .when(|error| error.is::<io::Error>());
/// let fetch = node(fetch).reads(()).writes(PAGE).retry(retry);
/// ```
#[derive(Clone)]
#[must_use = "it does nothing until a node or a run is given it"]
pub struct Retry {
    attempts: u32,
    first: Duration,
    factor: f64,
    max_delay: Duration,
    jitter: f64,
    deadline: Option<Duration>,
    when: Option<Predicate>,
    panics: bool,
    timeouts: bool,
}

impl Retry {
    /// Tries a node so often in all, without a pause, whatever error it ended
    /// with: of its function, of a load, of a save or of a hook. Not after a panic, the
    /// death of its process, or a timeout.
    pub fn new(attempts: u32) -> Self {
        Self {
            attempts,
            first: Duration::ZERO,
            factor: 1.0,
            max_delay: Duration::MAX,
            jitter: 0.5,
            deadline: None,
            when: None,
            panics: false,
            timeouts: false,
        }
    }

    /// Waits for as long as `first` before the second attempt, and before each
    /// further one `factor` times as long.
    pub fn backoff(mut self, first: Duration, factor: f64) -> Self {
        (self.first, self.factor) = (first, factor);
        self
    }

    /// Waits for no longer than this.
    pub fn max_delay(mut self, max_delay: Duration) -> Self {
        self.max_delay = max_delay;
        self
    }

    /// Shortens every pause by a random part of itself, at most by this one: 0
    /// is never, 1 may be to nothing. So those that failed together do not come
    /// back together. By default at most by half, 0.5.
    pub fn jitter(mut self, part: f64) -> Self {
        self.jitter = part;
        self
    }

    /// Begins no attempt later than this after the node's first.
    pub fn deadline(mut self, total: Duration) -> Self {
        self.deadline = Some(total);
        self
    }

    /// Tries again only after an error of which `f` says so. It is shown the
    /// error of the node's function unchanged, of a load or a save the
    /// [`DatasetError`](crate::DatasetError), and of a hook the
    /// [`HookError`](crate::hooks::HookError). Where the node ran in a process of its
    /// own, its function's error is a [`RemoteError`](crate::RemoteError).
    pub fn when(
        mut self,
        f: impl Fn(&(dyn Error + 'static)) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.when = Some(Arc::new(f));
        self
    }

    /// Tries again after a panic, too, and where the node's process
    /// [died](crate::NodeFailure::is_died): that shows no error that could be asked
    /// for by [`when`](Self::when), and may have been anything.
    pub fn after_panic(mut self) -> Self {
        self.panics = true;
        self
    }

    /// Tries again after a [timeout](crate::Node::timeout), too. The attempt that
    /// took too long may then still be at work beside the new one.
    pub fn after_timeout(mut self) -> Self {
        self.timeouts = true;
        self
    }

    /// What makes no sense of it.
    pub(crate) fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.attempts == 0 {
            problems.push("0 attempts, at least 1 is needed".to_owned());
        }
        let factor = self.factor;
        if !(factor.is_finite() && factor >= 1.0) {
            problems.push(format!("a backoff factor of {factor}, it must be at least 1"));
        }
        let jitter = self.jitter;
        if !(0.0..=1.0).contains(&jitter) {
            problems.push(format!("a jitter of {jitter}, it must be from 0 to 1"));
        }
        if self.deadline == Some(Duration::ZERO) {
            problems.push("a deadline of 0 s, no retry could ever begin".to_owned());
        }
        problems
    }

    pub(crate) fn attempts(&self) -> u32 {
        self.attempts
    }

    /// Whether there is ever more than one attempt.
    pub(crate) fn is_some(&self) -> bool {
        self.attempts > 1
    }

    /// Whether there may be a pause.
    pub(crate) fn may_pause(&self) -> bool {
        self.is_some() && !self.first.is_zero() && !self.max_delay.is_zero()
    }

    /// Whether an attempt that ended so may be made again.
    pub(crate) fn wants(&self, failure: Failure<'_>) -> bool {
        match failure {
            Failure::Error(error) => self.when.as_ref().is_none_or(|when| when(error)),
            Failure::Panic => self.panics,
            Failure::Timeout => self.timeouts,
        }
    }

    /// The pause after attempt number `attempt`, the first being 1, if another may
    /// begin then; `since_first` after the first has begun. `random` is from 0
    /// to 1.
    pub(crate) fn pause(
        &self,
        attempt: u32,
        since_first: Duration,
        random: f64,
    ) -> Option<Duration> {
        if attempt >= self.attempts {
            return None;
        }
        let exponent = i32::try_from(attempt - 1).unwrap_or(i32::MAX);
        let seconds = self.first.as_secs_f64() * self.factor.powi(exponent);
        // Beyond what a duration holds lies the longest.
        let pause = Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX);
        let pause = pause.min(self.max_delay);
        let part = 1.0 - self.jitter * random;
        let pause = Duration::try_from_secs_f64(pause.as_secs_f64() * part).unwrap_or(pause);
        let begins = since_first.saturating_add(pause);
        self.deadline.is_none_or(|deadline| begins <= deadline).then_some(pause)
    }
}

/// How an attempt failed, as far as a [`Retry`] asks.
#[derive(Clone, Copy)]
pub(crate) enum Failure<'a> {
    Error(&'a (dyn Error + 'static)),
    Panic,
    Timeout,
}

impl fmt::Debug for Retry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Retry")
            .field("attempts", &self.attempts)
            .field("first", &self.first)
            .field("factor", &self.factor)
            .field("max_delay", &self.max_delay)
            .field("jitter", &self.jitter)
            .field("deadline", &self.deadline)
            .field("has_when", &self.when.is_some())
            .field("panics", &self.panics)
            .field("timeouts", &self.timeouts)
            .finish()
    }
}

#[cfg(test)]
mod tests;
