//! The credentials: what entries refer to by name, and no message shows.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value as Json;

use super::variables::Variables;
use super::yaml::{Content, Node, Source};
use crate::catalog::secret::Secrets;
use crate::catalog::suggest::did_you_mean;

/// The key whose value is the name of credentials.
pub(super) const CREDENTIALS: &str = "credentials";

/// Credentials by name, and where they come from.
#[derive(Default)]
pub(in crate::catalog) struct Credentials {
    sets: BTreeMap<String, (Json, String)>,
}

impl Credentials {
    /// Adds some under a name; where there are some already of that name, says
    /// where they come from.
    pub(in crate::catalog) fn add(
        &mut self,
        name: String,
        value: Json,
        origin: String,
    ) -> Result<(), String> {
        match self.sets.get(&name) {
            Some((_, first)) => {
                Err(format!("the credentials `{name}` are given twice: in {first} and in {origin}"))
            }
            None => {
                self.sets.insert(name, (value, origin));
                Ok(())
            }
        }
    }

    /// Adds those that a file holds.
    pub(in crate::catalog) fn read(
        &mut self,
        path: &Path,
        variables: &Variables,
        problems: &mut Vec<String>,
    ) {
        let entries = match Source::File(path.to_owned()).read_secret_map() {
            Ok(entries) => entries,
            Err(problem) => return problems.push(problem),
        };
        for (key, mut node) in entries.into_iter().filter(|(key, _)| !key.name.starts_with('_')) {
            node.change_texts(&mut |line, text| match variables.expand(text, false) {
                Ok(expanded) => *text = expanded,
                // What is said of a variable shows the text around it.
                Err(_) => problems.push(format!(
                    "{}:{line}: credentials `{}`: an unknown variable, or a `${{` that is not closed",
                    path.display(),
                    key.name
                )),
            });
            let origin = format!("{}:{}", path.display(), key.line);
            problems.extend(self.add(key.name, node.to_json(), origin).err());
        }
    }

    /// Puts those of `over` in the place of these that have the same name.
    pub(in crate::catalog) fn overlay(&mut self, over: Self) {
        self.sets.extend(over.sets);
    }

    /// All that is to be hidden.
    pub(in crate::catalog) fn secrets(&self) -> Secrets {
        let mut secrets = Secrets::default();
        self.sets.values().for_each(|(value, _)| secrets.add(value));
        secrets
    }

    /// Puts credentials in the place of their names, at any depth. What comes of
    /// it is hidden, and added to `secrets`. Names for which `is_open` are left.
    pub(super) fn substitute(
        &self,
        node: &mut Node,
        is_open: &dyn Fn(&str) -> bool,
        secrets: &mut Secrets,
        problem: &mut dyn FnMut(usize, String),
    ) {
        let entries = match &mut node.content {
            Content::Scalar(_) => return,
            Content::List(items) => {
                return items
                    .iter_mut()
                    .for_each(|item| self.substitute(item, is_open, secrets, problem));
            }
            Content::Map(entries) => entries,
        };
        for (key, value) in entries {
            if key.name != CREDENTIALS {
                self.substitute(value, is_open, secrets, problem);
                continue;
            }
            let found = match &value.content {
                Content::Scalar(Json::String(name)) if is_open(name) => continue,
                Content::Scalar(Json::String(name)) => match self.sets.get(name) {
                    Some((found, _)) => Ok(Some(found)),
                    None => Err(self.unknown(name)),
                },
                // Written into the catalog itself: no place for them, and all
                // the more reason to hide them.
                Content::Map(_) => Ok(None),
                _ => Err("`credentials` is to be the name of credentials, or a map".to_owned()),
            };
            match found {
                Ok(Some(found)) => *value = Node::of_json(found, key.line),
                Ok(None) => {}
                Err(what) => {
                    problem(value.line, what);
                    *value = Node::of_json(&Json::Null, value.line);
                }
            }
            value.hide();
            secrets.add(&value.to_json());
        }
    }

    fn unknown(&self, name: &str) -> String {
        let known = self.sets.keys().map(String::as_str);
        let hint = did_you_mean(name, known.clone());
        let known: Vec<_> = known.map(|name| format!("`{name}`")).collect();
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        format!("there are no credentials `{name}` (known: {known}){hint}")
    }
}
