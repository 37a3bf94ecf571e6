//! `${name}` in the texts of a catalog file.

use std::collections::BTreeMap;

use crate::catalog::suggest::did_you_mean;
use crate::catalog::template::without_placeholders;

/// What the program puts into a catalog file: folders that it was given on its
/// command line, say.
#[derive(Clone, Debug, Default)]
pub(crate) struct Variables(BTreeMap<String, String>);

impl Variables {
    pub(crate) fn set(&mut self, name: String, value: String) {
        self.0.insert(name, value);
    }

    /// Replaces every `${name}` of `text`, which is a template where it belongs to
    /// a pattern; a value opens no placeholder there.
    pub(super) fn expand(&self, text: &str, is_template: bool) -> Result<String, String> {
        let mut expanded = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(start) = rest.find("${") {
            let (before, from) = rest.split_at(start);
            let Some(end) = from.find('}') else {
                return Err(format!("`{text}`: the `${{` is not closed"));
            };
            let name = &from[2..end];
            let Some(value) = self.0.get(name) else {
                let known = self.0.keys().map(String::as_str);
                let hint = did_you_mean(name, known.clone());
                let known: Vec<_> = known.map(|name| format!("`{name}`")).collect();
                let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
                return Err(format!("unknown variable `{name}` (known: {known}){hint}"));
            };
            expanded.push_str(before);
            match is_template {
                true => expanded.push_str(&without_placeholders(value)),
                false => expanded.push_str(value),
            }
            rest = &from[end + 1..];
        }
        expanded.push_str(rest);
        Ok(expanded)
    }
}
