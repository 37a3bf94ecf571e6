//! Dataset types of the user's own, which catalog files know by name.

use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind};

use serde::Deserializer;
use serde::de::DeserializeOwned;
use serde::de::value::MapDeserializer;
use serde_json::Value as Json;

use super::config::Node;
use super::data::DataType;
use super::dataset::{Dataset, Typed};
use super::error::BoxError;
use super::format::introspect::Shape;
use super::stored::StoredDataset;
use super::suggest::did_you_mean;
use crate::context::discard;
use crate::executor::message_of;

/// A type of dataset that a catalog file may name.
pub(crate) trait DatasetType: Send + Sync {
    /// Makes a dataset out of its options.
    fn make(&self, kind: &str, options: Json)
    -> Result<Box<dyn StoredDataset>, Vec<OptionProblem>>;

    /// Says what is wrong with the options, and makes nothing.
    fn check(&self, options: Json) -> Vec<OptionProblem>;

    /// As [`check`](Self::check), in the order given: the first wrong value ends
    /// the reading.
    fn check_in_order(&self, options: Vec<(String, Json)>) -> Vec<OptionProblem>;
}

/// What is wrong with an option.
pub(crate) struct OptionProblem {
    /// The keys and indices that lead to it.
    pub(crate) path: Vec<String>,
    what: String,
    /// Whether it is serde's word on what stands there.
    is_of_value: bool,
}

/// A type made by a function of the user's.
pub(super) struct Made<O, T: ?Sized, F> {
    make: F,
    _types: PhantomData<fn(O) -> Box<T>>,
}

impl<O, T: ?Sized, F> Made<O, T, F> {
    pub(super) fn new(make: F) -> Self {
        Self { make, _types: PhantomData }
    }
}

impl<O, T, D, E, F> DatasetType for Made<O, T, F>
where
    O: DeserializeOwned,
    T: DataType + ?Sized,
    D: Dataset<T>,
    E: Into<BoxError>,
    F: Fn(O) -> Result<D, E> + Send + Sync,
{
    fn make(
        &self,
        kind: &str,
        options: Json,
    ) -> Result<Box<dyn StoredDataset>, Vec<OptionProblem>> {
        let options = guarded(|| read::<O>(options))?;
        let made = guarded(|| {
            (self.make)(options).map_err(|error| vec![OptionProblem::whole(error.into())])
        });
        Ok(Box::new(Typed::<T, D>::new(made?, kind)))
    }

    fn check(&self, options: Json) -> Vec<OptionProblem> {
        guarded(|| read::<O>(options)).err().unwrap_or_default()
    }

    fn check_in_order(&self, options: Vec<(String, Json)>) -> Vec<OptionProblem> {
        let options = MapDeserializer::<_, serde_json::Error>::new(options.into_iter());
        guarded(|| read_from::<O, _>(options)).err().unwrap_or_default()
    }
}

impl OptionProblem {
    fn whole(what: impl ToString) -> Self {
        Self { path: Vec::new(), what: what.to_string(), is_of_value: false }
    }

    /// What is to be said of it, given what the path leads to.
    pub(crate) fn told(&self, found: Option<&Node>) -> String {
        let place = match self.is_of_value && !self.path.is_empty() {
            true => format!("`{}`: ", self.path.join(".")),
            false => String::new(),
        };
        let is_secret = found.is_some_and(|found| found.is_secret);
        let has_secret = found.is_none_or(Node::has_secret);
        let what = match self.is_of_value && has_secret {
            true => without_value(&self.what, is_secret),
            false => self.what.clone(),
        };
        format!("{place}{what}")
    }
}

/// Makes a panic of the user's code a problem.
fn guarded<R>(f: impl FnOnce() -> Result<R, Vec<OptionProblem>>) -> Result<R, Vec<OptionProblem>> {
    catch_unwind(AssertUnwindSafe(f)).unwrap_or_else(|payload| {
        let message = message_of(&*payload);
        discard(payload);
        Err(vec![OptionProblem::whole(format!("what makes it panicked: {message}"))])
    })
}

/// Reads options, of which none may be left over.
fn read<O: DeserializeOwned>(options: Json) -> Result<O, Vec<OptionProblem>> {
    read_from(options)
}

fn read_from<'de, O, D>(options: D) -> Result<O, Vec<OptionProblem>>
where
    O: DeserializeOwned,
    D: Deserializer<'de>,
{
    let mut problems = Vec::new();
    let known = match Shape::of::<O>() {
        Shape::Struct(fields) => fields,
        _ => &[],
    };
    let mut unknown = |path: serde_ignored::Path<'_>| {
        let path = steps(&path);
        let name = path.join(".");
        let mut what = format!("unknown key `{name}`");
        if path.len() == 1 && !known.is_empty() {
            let names: Vec<_> = known.iter().map(|name| format!("`{name}`")).collect();
            let hint = did_you_mean(&name, known.iter().copied());
            what.push_str(&format!(" (the type takes `type`, {}){hint}", names.join(", ")));
        }
        problems.push(OptionProblem { path, what, is_of_value: false });
    };
    let options = serde_ignored::Deserializer::new(options, &mut unknown);
    let read = serde_path_to_error::deserialize(options);
    match read {
        Ok(options) if problems.is_empty() => Ok(options),
        Ok(_) => Err(problems),
        Err(error) => {
            let path: Vec<_> = error.path().iter().filter_map(step).collect();
            let what = error.inner().to_string();
            problems.push(OptionProblem { path, what, is_of_value: true });
            Err(problems)
        }
    }
}

/// What serde says of a value, without the value. It may be too short to be found
/// and hidden wherever it is shown.
fn without_value(what: &str, is_secret: bool) -> String {
    const OF_VALUE: [&str; 4] =
        ["invalid type: ", "invalid value: ", "invalid length ", "unknown variant "];
    const OF_NAMES: [&str; 3] = ["missing field ", "unknown field ", "duplicate field "];
    let is_of = |beginnings: &[&str]| beginnings.iter().any(|start| what.starts_with(start));
    match what.rsplit_once(", expected ") {
        Some((_, expected)) if is_of(&OF_VALUE) => format!("found ***, expected {expected}"),
        _ if is_of(&OF_NAMES) => what.to_owned(),
        _ if is_secret || is_of(&OF_VALUE) => "is not what the type takes".to_owned(),
        // The words of the type itself.
        _ => what.to_owned(),
    }
}

fn step(step: &serde_path_to_error::Segment) -> Option<String> {
    use serde_path_to_error::Segment;
    match step {
        Segment::Seq { index } => Some(index.to_string()),
        Segment::Map { key } => Some(key.clone()),
        Segment::Enum { .. } | Segment::Unknown => None,
    }
}

fn steps(path: &serde_ignored::Path<'_>) -> Vec<String> {
    use serde_ignored::Path;
    let (parent, step) = match path {
        Path::Root => return Vec::new(),
        Path::Seq { parent, index } => (parent, Some(index.to_string())),
        Path::Map { parent, key } => (parent, Some(key.clone())),
        Path::Some { parent }
        | Path::NewtypeStruct { parent }
        | Path::NewtypeVariant { parent } => (parent, None),
    };
    let mut steps = steps(parent);
    steps.extend(step);
    steps
}
