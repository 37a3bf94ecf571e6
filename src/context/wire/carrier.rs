//! Where a wire's names and values are read from and written to.

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsStr;
use std::hash::BuildHasher;
use std::process::Command;

use super::names::Naming;

/// Names with values, which a [`Wire`](crate::Wire) can read: the headers of a
/// request, the properties of a message, an environment.
///
/// Implemented for maps and lists of strings, as headers; for those in
/// [`AsEnv`], as an environment; for a [`Command`] and for [`EnvCarrier`]. For
/// the header map of a library write a wrapper:
///
/// ```
/// use entourage::{Carrier, CarrierMut};
/// # mod http {
/// #     use std::collections::BTreeMap;
/// #     #[derive(Default)]
/// #     pub struct HeaderMap(pub BTreeMap<String, Vec<Vec<u8>>>);
/// #     impl HeaderMap {
/// #         pub fn iter(&self) -> impl Iterator<Item = (&String, &Vec<u8>)> {
/// #             self.0.iter().flat_map(|(name, values)| values.iter().map(move |v| (name, v)))
/// #         }
/// #         pub fn insert(&mut self, name: &str, value: &str) {
/// #             self.0.insert(name.into(), vec![value.into()]);
/// #         }
/// #         pub fn remove(&mut self, name: &str) { self.0.remove(name); }
/// #     }
/// # }
///
/// struct Headers<'a>(&'a mut http::HeaderMap);
///
/// impl Carrier for Headers<'_> {
///     fn read(&self, take: &mut dyn FnMut(&str, &[u8])) {
///         for (name, value) in self.0.iter() {
///             take(name.as_str(), value.as_slice());
///         }
///     }
/// }
///
/// impl CarrierMut for Headers<'_> {
///     fn set(&mut self, name: &str, value: &str) { self.0.insert(name, value); }
///     fn remove(&mut self, name: &str) { self.0.remove(name); }
/// }
/// # let mut map = http::HeaderMap::default();
/// # let wire = entourage::Wire::builder().key(&entourage::RUN_ID, entourage::Codec::text()).build()?;
/// # entourage::RUN_ID.scope("r1".into(), || wire.inject(&wire.capture(), &mut Headers(&mut map)))?;
/// # let run = wire.extract(&Headers(&mut map))?.scope(|| entourage::RUN_ID.get());
/// # assert_eq!(run.unwrap().as_str(), "r1");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no carrier that a wire can read",
    label = "no carrier",
    note = "carriers are maps and lists of strings, the same in `AsEnv`, a `Command` and `EnvCarrier`; for the header map of a library write a type of your own around it, and implement `Carrier` for that"
)]
pub trait Carrier {
    /// How it spells names.
    fn naming(&self) -> Naming {
        Naming::Header
    }

    /// Calls `take` with each name and value, as they are, in their order. A
    /// name with several values is told several times.
    fn read(&self, take: &mut dyn FnMut(&str, &[u8]));
}

/// A [`Carrier`] that a [`Wire`](crate::Wire) can write to.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no carrier that a wire can write to",
    label = "no carrier",
    note = "carriers that can be written are maps and lists of strings, the same in `AsEnv`, and a `Command`; for the header map of a library write a type of your own around it, and implement `CarrierMut` for that"
)]
pub trait CarrierMut: Carrier {
    /// Gives `name`, in exactly this spelling, one value in place of all it had.
    fn set(&mut self, name: &str, value: &str);

    /// Takes `name`, in exactly this spelling, away with all its values.
    fn remove(&mut self, name: &str);
}

impl<S: BuildHasher> Carrier for HashMap<String, String, S> {
    fn read(&self, take: &mut dyn FnMut(&str, &[u8])) {
        self.iter().for_each(|(name, value)| take(name, value.as_bytes()));
    }
}

impl<S: BuildHasher> CarrierMut for HashMap<String, String, S> {
    fn set(&mut self, name: &str, value: &str) {
        self.insert(name.to_owned(), value.to_owned());
    }

    fn remove(&mut self, name: &str) {
        self.remove(name);
    }
}

impl Carrier for BTreeMap<String, String> {
    fn read(&self, take: &mut dyn FnMut(&str, &[u8])) {
        self.iter().for_each(|(name, value)| take(name, value.as_bytes()));
    }
}

impl CarrierMut for BTreeMap<String, String> {
    fn set(&mut self, name: &str, value: &str) {
        self.insert(name.to_owned(), value.to_owned());
    }

    fn remove(&mut self, name: &str) {
        self.remove(name);
    }
}

/// In the order of the list, which may have a name several times.
impl Carrier for Vec<(String, String)> {
    fn read(&self, take: &mut dyn FnMut(&str, &[u8])) {
        self.iter().for_each(|(name, value)| take(name, value.as_bytes()));
    }
}

impl CarrierMut for Vec<(String, String)> {
    fn set(&mut self, name: &str, value: &str) {
        CarrierMut::remove(self, name);
        self.push((name.to_owned(), value.to_owned()));
    }

    fn remove(&mut self, name: &str) {
        self.retain(|(other, _)| other != name);
    }
}

/// This process's environment, to be read at its start. It cannot be written:
/// other threads read it at any time, so a child is given a [`Command`] with an
/// environment of its own instead.
///
/// ```
/// use entourage::{Codec, EnvCarrier, RUN_ID, Wire};
///
/// let wire = Wire::builder().trace_context().key(&RUN_ID, Codec::text()).build()?;
/// wire.extract(&EnvCarrier)?.scope(|| println!("run {:?}", RUN_ID.get()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct EnvCarrier;

impl Carrier for EnvCarrier {
    fn naming(&self) -> Naming {
        Naming::Environment
    }

    fn read(&self, take: &mut dyn FnMut(&str, &[u8])) {
        for (name, value) in std::env::vars_os() {
            tell(&name, &value, take);
        }
    }
}

/// The environment that the child gets: this process's own, with what was said
/// of the command's since. (After [`Command::env_clear`] it has less, which a
/// command does not tell.) What a wire writes to it is the child's alone, and
/// what it takes away is not inherited.
impl Carrier for Command {
    fn naming(&self) -> Naming {
        Naming::Environment
    }

    fn read(&self, take: &mut dyn FnMut(&str, &[u8])) {
        for (name, value) in std::env::vars_os() {
            if !self.get_envs().any(|(own, _)| own == name) {
                tell(&name, &value, take);
            }
        }
        for (name, value) in self.get_envs() {
            if let Some(value) = value {
                tell(name, value, take);
            }
        }
    }
}

impl CarrierMut for Command {
    fn set(&mut self, name: &str, value: &str) {
        self.env(name, value);
    }

    fn remove(&mut self, name: &str) {
        self.env_remove(name);
    }
}

/// A name that is no text is no name of a wire's.
fn tell(name: &OsStr, value: &OsStr, take: &mut dyn FnMut(&str, &[u8])) {
    if let Some(name) = name.to_str() {
        take(name, value.as_encoded_bytes());
    }
}

/// A carrier whose names are those of environment variables: the environment of
/// a job that somebody else will start.
///
/// ```
/// use entourage::{AsEnv, Codec, RUN_ID, Wire};
///
/// let wire = Wire::builder().key(&RUN_ID, Codec::text()).build()?;
/// let mut job = AsEnv(Vec::new());
/// RUN_ID.scope("nightly-42".into(), || wire.inject(&wire.capture(), &mut job))?;
/// assert_eq!(job.0, [("ENTOURAGE_CTX_RUN_ID".into(), "v1:nightly-42".into())]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AsEnv<C>(pub C);

impl<C: Carrier> Carrier for AsEnv<C> {
    fn naming(&self) -> Naming {
        Naming::Environment
    }

    fn read(&self, take: &mut dyn FnMut(&str, &[u8])) {
        self.0.read(take);
    }
}

impl<C: CarrierMut> CarrierMut for AsEnv<C> {
    fn set(&mut self, name: &str, value: &str) {
        self.0.set(name, value);
    }

    fn remove(&mut self, name: &str) {
        self.0.remove(name);
    }
}
