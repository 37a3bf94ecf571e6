//! Texts with placeholders: `{namespace}.{name}_csv`.

use super::suggest::did_you_mean;

/// A text of which some parts are still open.
pub(super) struct Template {
    parts: Vec<Part>,
}

enum Part {
    Literal(String),
    Placeholder(String),
}

/// What the placeholders of a name stand for.
pub(super) type Captures<'a> = Vec<(&'a str, &'a str)>;

impl Template {
    /// Takes a text apart. A brace that is meant is doubled.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let (mut parts, mut literal) = (Vec::new(), String::new());
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            literal.push_str(&rest[..at]);
            let from = &rest[at..];
            if let Some(below) = from.strip_prefix("{{").or_else(|| from.strip_prefix("}}")) {
                literal.push_str(&from[..1]);
                rest = below;
                continue;
            }
            let placeholder = from.strip_prefix('{').and_then(|from| from.split_once('}'));
            let Some((name, below)) = placeholder else {
                let brace = &from[..1];
                return Err(format!(
                    "`{text}`: a `{brace}` without its other half; one that is meant is doubled"
                ));
            };
            if name.is_empty() || !name.chars().all(|c| c.is_alphanumeric() || c == '_') {
                return Err(format!(
                    "`{text}`: `{{{name}}}` is no placeholder, which is made of letters, digits \
                     and `_`; a brace that is meant is doubled"
                ));
            }
            if !literal.is_empty() {
                parts.push(Part::Literal(std::mem::take(&mut literal)));
            }
            parts.push(Part::Placeholder(name.to_owned()));
            rest = below;
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            parts.push(Part::Literal(literal));
        }
        Ok(Self { parts })
    }

    pub(super) fn placeholders(&self) -> impl Iterator<Item = &str> + Clone {
        self.parts.iter().filter_map(|part| match part {
            Part::Literal(_) => None,
            Part::Placeholder(name) => Some(name.as_str()),
        })
    }

    /// How many characters are not open.
    pub(super) fn literals(&self) -> usize {
        let literals = self.parts.iter().map(|part| match part {
            Part::Literal(text) => text.chars().count(),
            Part::Placeholder(_) => 0,
        });
        literals.sum()
    }

    /// What the placeholders stand for in `name`, if it is of this form. Each
    /// takes at least one character, and from the left as few as can be.
    pub(super) fn captures<'a>(&'a self, name: &'a str) -> Option<Captures<'a>> {
        let mut captures = Vec::new();
        let mut open: Option<&'a str> = None;
        let mut rest = name;
        for (at, part) in self.parts.iter().enumerate() {
            match (part, open.take()) {
                (Part::Placeholder(name), None) => open = Some(name),
                (Part::Placeholder(name), Some(before)) => {
                    let len = rest.chars().next()?.len_utf8();
                    captures.push((before, &rest[..len]));
                    rest = &rest[len..];
                    open = Some(name);
                }
                (Part::Literal(text), None) => rest = rest.strip_prefix(text.as_str())?,
                (Part::Literal(text), Some(name)) => {
                    let first = rest.chars().next()?.len_utf8();
                    let is_last = at + 1 == self.parts.len();
                    let found = match is_last {
                        // The end has to be the end.
                        true => rest.strip_suffix(text.as_str())?.len(),
                        false => first + rest[first..].find(text.as_str())?,
                    };
                    if found < first {
                        return None;
                    }
                    captures.push((name, &rest[..found]));
                    rest = &rest[found + text.len()..];
                }
            }
        }
        match open {
            Some(_) if rest.is_empty() => None,
            Some(name) => {
                captures.push((name, rest));
                Some(captures)
            }
            None => rest.is_empty().then_some(captures),
        }
    }

    /// The text with its placeholders filled.
    pub(super) fn filled(&self, captures: &Captures<'_>) -> String {
        let value = |part: &Part| match part {
            Part::Literal(text) => text.clone(),
            Part::Placeholder(name) => {
                let found = captures.iter().find(|(other, _)| other == name);
                found.map_or_else(String::new, |(_, value)| (*value).to_owned())
            }
        };
        self.parts.iter().map(value).collect()
    }

    /// As [`filled`](Self::filled). What is filled in must lead to no folder above:
    /// a name is no way out of where the pattern says that its files are.
    pub(super) fn filled_within(&self, captures: &Captures<'_>) -> Result<String, String> {
        let ups = |text: &str| text.split(['/', '\\']).filter(|part| *part == "..").count();
        let harmless = captures.iter().map(|(name, _)| (*name, "x")).collect();
        let filled = self.filled(captures);
        if ups(&filled) > ups(&self.filled(&harmless)) {
            return Err(format!("the name makes it `{filled}`, which leads to a folder above"));
        }
        Ok(filled)
    }

    /// Says which of its placeholders are none of `known`.
    pub(super) fn check<'a>(
        &self,
        known: impl Iterator<Item = &'a str> + Clone,
    ) -> Result<(), String> {
        let unknown = self.placeholders().find(|name| !known.clone().any(|known| known == *name));
        let Some(name) = unknown else { return Ok(()) };
        let hint = did_you_mean(name, known.clone());
        let known: Vec<_> = known.map(|name| format!("`{{{name}}}`")).collect();
        let known = known.join(", ");
        Err(format!("the placeholder `{{{name}}}` is not in the name (there: {known}){hint}"))
    }
}

/// The same text with every brace doubled, so that it opens nothing.
pub(super) fn without_placeholders(text: &str) -> String {
    text.replace('{', "{{").replace('}', "}}")
}

#[cfg(test)]
mod tests;
