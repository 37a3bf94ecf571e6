//! Names of a form: which pattern a name that is not bound belongs to.

use std::cmp::Reverse;
use std::collections::HashSet;
use std::fmt;

use super::config::{Blueprint, Makers};
use super::entry::Entry;
use super::template::Template;

/// The patterns of a catalog, the most telling first.
#[derive(Default)]
pub(super) struct Patterns {
    patterns: Vec<Pattern>,
    makers: Makers,
}

struct Pattern {
    template: Template,
    blueprint: Blueprint,
}

impl Pattern {
    /// Whether it says nothing of the name.
    fn is_catch_all(&self) -> bool {
        self.template.literals() == 0
    }
}

impl Patterns {
    /// Checks the patterns, as far as that can be without a name, and puts them
    /// in order: most literal characters, most placeholders, alphabet.
    pub(super) fn new(
        blueprints: Vec<Blueprint>,
        makers: Makers,
        problems: &mut Vec<String>,
    ) -> Self {
        let mut patterns = Vec::new();
        for blueprint in blueprints {
            match Template::parse(&blueprint.name).and_then(distinct) {
                Ok(template) => {
                    problems.extend(blueprint.check(&makers, &template));
                    patterns.push(Pattern { template, blueprint });
                }
                Err(what) => problems.push(blueprint.problem_of_name(&what)),
            }
        }
        patterns.sort_by_cached_key(|Pattern { template, blueprint }| {
            let placeholders = template.placeholders().count();
            (Reverse(template.literals()), Reverse(placeholders), blueprint.name.clone())
        });
        let mut catch_all = patterns.iter().filter(|pattern| pattern.is_catch_all());
        if let Some(first) = catch_all.next() {
            let (name, place) = (&first.blueprint.name, first.blueprint.origin());
            problems.extend(catch_all.map(|other| {
                other.blueprint.problem_of_name(&format!(
                    "it takes every name, as `{name}` does ({place}): one such pattern at most"
                ))
            }));
        }
        Self { patterns, makers }
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.patterns.iter().map(|pattern| pattern.blueprint.name.as_str())
    }

    /// How a name that is not bound is resolved.
    pub(super) fn resolve(&self, name: &str) -> Resolution {
        let found = self.patterns.iter().find(|pattern| pattern.template.captures(name).is_some());
        match found {
            None => Resolution::Memory,
            Some(pattern) if pattern.is_catch_all() => {
                Resolution::CatchAll(pattern.blueprint.name.clone())
            }
            Some(pattern) => Resolution::Pattern(pattern.blueprint.name.clone()),
        }
    }

    /// Makes the dataset of a name that is not bound, where it is of a form.
    pub(super) fn make(&self, name: &str) -> Result<Option<Entry>, Vec<String>> {
        let found = self.patterns.iter().find_map(|Pattern { template, blueprint }| {
            template.captures(name).map(|captures| (blueprint, captures))
        });
        let Some((blueprint, captures)) = found else { return Ok(None) };
        let hidden = |problems: Vec<String>| {
            let secrets = self.makers.credentials.secrets();
            problems.iter().map(|problem| secrets.hide(problem)).collect::<Vec<_>>()
        };
        let made = blueprint.make_filled(&self.makers, name, &captures).map_err(hidden)?;
        let mut entry = made.into_entry(blueprint.origin());
        entry.pattern = Some(blueprint.name.clone());
        Ok(Some(entry))
    }
}

fn distinct(template: Template) -> Result<Template, String> {
    let mut seen = HashSet::new();
    let twice = template.placeholders().find(|name| !seen.insert(*name));
    let problem = twice.map(|name| format!("the placeholder `{{{name}}}` is in the name twice"));
    problem.map_or(Ok(template), Err)
}

/// How a [`Catalog`](crate::Catalog) comes from a name to storage.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Resolution {
    /// The name itself is bound.
    Exact,
    /// It is of the form of this pattern.
    Pattern(String),
    /// This pattern takes every name that nothing else does.
    CatchAll(String),
    /// Bound to nothing: in memory, for as long as a run needs it.
    Memory,
}

impl fmt::Display for Resolution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact => f.write_str("bound by its name"),
            Self::Pattern(pattern) => write!(f, "of the pattern `{pattern}`"),
            Self::CatchAll(pattern) => write!(f, "of the catch-all `{pattern}`"),
            Self::Memory => f.write_str("in memory"),
        }
    }
}
