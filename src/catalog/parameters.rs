//! The parameters: one tree, of which every branch and every leaf can be read.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json};

use super::access::Access;
use super::codec::{self, Codec};
use super::data::Value;
use super::entry::{Entry, PARAMETER_PREFIX};
use super::error::FormatError;
use super::stored::{StoredDataset, Unfit};

/// One value of the tree.
pub(super) struct Parameter(pub(super) Json);

/// The types of which a parameter can be read where its nodes name it by string
/// only.
static BASIC: &[&dyn Codec] = &[
    &codec::Parameter::<bool>::CODEC,
    &codec::Parameter::<i32>::CODEC,
    &codec::Parameter::<i64>::CODEC,
    &codec::Parameter::<u8>::CODEC,
    &codec::Parameter::<u16>::CODEC,
    &codec::Parameter::<u32>::CODEC,
    &codec::Parameter::<u64>::CODEC,
    &codec::Parameter::<usize>::CODEC,
    &codec::Parameter::<f32>::CODEC,
    &codec::Parameter::<f64>::CODEC,
    &codec::Parameter::<str>::CODEC,
    &codec::Parameter::<Json>::CODEC,
];

impl Parameter {
    fn codec(&self, access: &Access<'_>) -> Result<&'static dyn Codec, FormatError> {
        let basic = || BASIC.iter().find(|codec| codec.type_id() == access.type_id).copied();
        access.codec.or_else(basic).ok_or_else(|| {
            let wanted = access.type_name;
            FormatError::plain(format!(
                "its nodes name it by string only, and a `{wanted}` cannot be read so: name it \
                 with `Data::parameter`, or declare it with `Pipeline::declare`"
            ))
        })
    }
}

impl StoredDataset for Parameter {
    fn load(&self, access: &Access<'_>) -> Result<(Value, Option<u64>), FormatError> {
        Ok((self.codec(access)?.parameter(&self.0)?, None))
    }

    fn save(&self, _: &Access<'_>, _: &Value) -> Result<Option<u64>, FormatError> {
        Err(FormatError::plain("a parameter cannot be written"))
    }

    fn exists(&self, _: &Access<'_>) -> Result<bool, FormatError> {
        Ok(true)
    }

    fn check(&self, access: &Access<'_>) -> Result<(), Unfit> {
        Ok(self.load(access).map(drop)?)
    }

    fn kind(&self) -> String {
        "parameter".to_owned()
    }

    fn is_parameter(&self) -> bool {
        true
    }

    fn as_json(&self) -> Option<&Json> {
        Some(&self.0)
    }
}

#[derive(Default)]
pub(super) struct Parameters {
    root: Map<String, Json>,
    /// The file and line of what comes from a file, by dotted path.
    origins: BTreeMap<String, String>,
}

impl Parameters {
    /// Adds a value under a key of its own, which the file at `origin` holds.
    pub(super) fn add(&mut self, key: String, value: Json) {
        self.root.insert(key, value);
    }

    /// Notes where the value at a dotted path comes from; the place it came from
    /// before, if there is one.
    pub(super) fn note(&mut self, path: &str, origin: &str) -> Result<(), String> {
        match self.origins.get(path) {
            Some(first) => Err(first.clone()),
            None => {
                self.origins.insert(path.to_owned(), origin.to_owned());
                Ok(())
            }
        }
    }

    /// Sets the value at a dotted path, whatever is there.
    pub(super) fn set(&mut self, path: &str, value: Json) {
        self.origins.retain(|at, _| !is_within(at, path));
        set(&mut self.root, path, value);
    }

    /// Puts those of `over` in the place of these that have the same key at the
    /// top.
    pub(super) fn overlay(&mut self, over: Self) {
        for (key, value) in over.root {
            self.origins.retain(|at, _| !is_within(at, &key));
            self.root.insert(key, value);
        }
        self.origins.extend(over.origins);
    }

    /// All of it; and every branch and every leaf, under its full name.
    pub(super) fn into_entries(self) -> (Entry, Vec<(String, Entry)>) {
        let Self { root, mut origins } = self;
        let whole = Entry::new(Parameter(Json::Object(root.clone())), None);
        let mut entries = Vec::new();
        collect("", root, &mut |path, value| {
            let entry = Entry::new(Parameter(value), origins.remove(&path));
            entries.push((format!("{PARAMETER_PREFIX}{path}"), entry));
        });
        (whole, entries)
    }
}

/// Whether the path `at` leads to what is at `above`, or into it.
fn is_within(at: &str, above: &str) -> bool {
    at.strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

fn set(map: &mut Map<String, Json>, path: &str, value: Json) {
    // A key may have a dot in it: it is the key if it is there.
    let dots = path.match_indices('.').map(|(at, _)| at);
    let inner = dots.clone().find(|at| map.get(&path[..*at]).is_some_and(Json::is_object));
    let Some(dot) = inner.or(dots.clone().next()).filter(|_| !map.contains_key(path)) else {
        map.insert(path.to_owned(), value);
        return;
    };
    let below = map.entry(&path[..dot]).or_insert(Json::Null);
    if !below.is_object() {
        *below = Json::Object(Map::new());
    }
    if let Json::Object(below) = below {
        set(below, &path[dot + 1..], value);
    }
}

fn collect(above: &str, map: Map<String, Json>, entry: &mut impl FnMut(String, Json)) {
    for (key, value) in map {
        let path = format!("{above}{key}");
        if let Json::Object(inner) = &value {
            collect(&format!("{path}."), inner.clone(), entry);
        }
        entry(path, value);
    }
}
