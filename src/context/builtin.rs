//! The keys that come with the crate: which run, which node, and where to file
//! what they say.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use super::key::{Key, KeyPolicy};
use super::log::RunLogger;

/// The run that the current work belongs to.
pub static RUN_ID: Key<RunId> = Key::new("entourage::RUN_ID", KeyPolicy::Propagate).shown();

/// The node that the current work belongs to.
pub static NODE: Key<NodeName> = Key::new("entourage::NODE", KeyPolicy::Propagate).shown();

/// Which attempt at the node the current work belongs to, the first being 1; set
/// in the nodes that may be tried several times.
pub static ATTEMPT: Key<u32> = Key::new("entourage::ATTEMPT", KeyPolicy::Propagate).shown();

/// Where the current run files its messages.
pub static RUN_LOGGER: Key<RunLogger> =
    Key::new("entourage::RUN_LOGGER", KeyPolicy::Propagate).shown();

macro_rules! name_type {
    ($(#[$attr:meta])* $name:ident) => {
        $(#[$attr])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The text of it.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.into())
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text.into())
            }
        }

        impl From<Arc<str>> for $name {
            fn from(text: Arc<str>) -> Self {
                Self(text)
            }
        }

        impl FromStr for $name {
            type Err = Infallible;

            fn from_str(text: &str) -> Result<Self, Infallible> {
                Ok(text.into())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }
    };
}

name_type! {
    /// The name of one run: any text an outside orchestrator may want, or one
    /// that the runner makes up.
    ///
    /// ```
    /// use entourage::{RUN_ID, RunId};
    /// RUN_ID.scope(RunId::from("nightly-42"), || {
    ///     assert_eq!(RUN_ID.get().unwrap().as_str(), "nightly-42");
    /// });
    /// ```
    RunId
}

name_type! {
    /// The full name of a node.
    NodeName
}
