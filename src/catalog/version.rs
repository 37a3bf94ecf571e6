//! Versions: the names of the times at which a dataset was saved.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::sync::Mutex;

/// The name of one of the values that a versioned dataset has had: a time in UTC,
/// `YYYY-MM-DDThh.mm.ss.mmmZ`, or any other text that can be the name of a folder.
/// Later versions come later in the alphabet.
///
/// ```
/// use entourage::Version;
/// let version = Version::new("2026-01-31T08.15.00.000Z")?;
/// assert!(version < Version::now());
/// assert!(Version::new("../elsewhere").is_err());
/// # Ok::<(), entourage::VersionError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(Box<str>);

/// A text that cannot be a version.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{found:?} cannot be a version: {why}")]
pub struct VersionError {
    found: String,
    why: &'static str,
}

/// As long as a folder's name may be, almost everywhere.
const LONGEST: usize = 255;

impl Version {
    /// A version by name.
    ///
    /// # Errors
    ///
    /// If it could lead out of the dataset's folder, or cannot be the name of
    /// one.
    pub fn new(name: impl Into<String>) -> Result<Self, VersionError> {
        let name = name.into();
        let why = if name.is_empty() {
            "it is empty"
        } else if name.starts_with('.') {
            "it begins with a dot"
        } else if name.contains(['/', '\\', ':']) {
            "it has a separator of paths in it"
        } else if name.contains(char::is_control) {
            "it has a control character in it"
        } else if name.trim() != name {
            "it begins or ends with a space"
        } else if name.len() > LONGEST {
            "it is longer than 255 bytes"
        } else {
            return Ok(Self(name.into()));
        };
        Err(VersionError { found: name, why })
    }

    /// The present time, to the millisecond: in one process never the same twice,
    /// and always later than the one before.
    pub fn now() -> Self {
        static LAST: Mutex<u64> = Mutex::new(0);
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now = u64::try_from(since.as_millis()).unwrap_or(u64::MAX);
        let millis = {
            let mut last = LAST.lock();
            *last = now.max(last.saturating_add(1));
            *last
        };
        Self::at(UNIX_EPOCH + Duration::from_millis(millis))
    }

    fn at(time: SystemTime) -> Self {
        // A colon cannot be in a file's name everywhere.
        let name = humantime::format_rfc3339_millis(time).to_string().replace(':', ".");
        Self(name.into())
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AsRef<str> for Version {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_is_written_to_the_millisecond_in_utc() {
        let at = |millis| Version::at(UNIX_EPOCH + Duration::from_millis(millis)).0;
        assert_eq!(&*at(0), "1970-01-01T00.00.00.000Z");
        assert_eq!(&*at(1_767_225_599_007), "2025-12-31T23.59.59.007Z");
    }

    #[test]
    fn versions_of_one_process_are_never_the_same_and_grow() {
        let threads: Vec<_> = (0..4)
            .map(|_| std::thread::spawn(|| (0..500).map(|_| Version::now()).collect::<Vec<_>>()))
            .collect();
        let each: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
        assert!(each.iter().all(|versions| versions.is_sorted()));
        let mut all: Vec<_> = each.into_iter().flatten().collect();
        all.sort();
        assert!(all.windows(2).all(|pair| pair[0] < pair[1]));
    }

    #[test]
    fn text_that_could_lead_elsewhere_is_no_version() {
        for name in
            ["", ".", "..", ".hidden", "a/b", "../a", "a\\b", "C:", "a\nb", "a\0", " a", "a "]
        {
            let error = Version::new(name).unwrap_err();
            assert!(error.to_string().contains("cannot be a version: it "), "{error}");
            assert!(!error.to_string().contains(char::is_control), "{error:?}");
        }
        assert!(Version::new("x".repeat(256)).is_err());
        assert_eq!(Version::new("v2.0 final").unwrap().as_str(), "v2.0 final");
    }
}
