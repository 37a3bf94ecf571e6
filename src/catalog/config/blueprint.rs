//! An entry of a catalog file, before anything is made of it.

use std::path::Path;
use std::sync::Arc;

use super::make::{EntryReader, Makers, refused};
use super::variables::Variables;
use super::yaml::{Node, Source};
use crate::catalog::entry::Entry;
use crate::catalog::secret::Secrets;
use crate::catalog::stored::StoredDataset;
use crate::catalog::template::{Captures, Template};

/// A name, or a pattern of names, with its type and options as the file has
/// them, but for its variables.
#[derive(Clone)]
pub(in crate::catalog) struct Blueprint {
    pub(in crate::catalog) name: String,
    file: Arc<Path>,
    /// Of the name.
    line: usize,
    node: Node,
    /// What its variables were found to be.
    problems: Vec<String>,
}

/// What came of a blueprint.
pub(in crate::catalog) struct Made {
    pub(in crate::catalog) stored: Box<dyn StoredDataset>,
    /// What was in its credentials.
    pub(in crate::catalog) secrets: Secrets,
}

impl Made {
    pub(in crate::catalog) fn into_entry(self, origin: String) -> Entry {
        let mut entry = Entry::boxed(self.stored, Some(origin));
        entry.secrets = (!self.secrets.is_empty()).then(|| Arc::new(self.secrets));
        entry
    }
}

/// Reads the entries of a catalog file. Names that begin with an underscore are
/// left out: they are for anchors.
pub(in crate::catalog) fn read_blueprints(
    source: &Source,
    variables: &Variables,
    problems: &mut Vec<String>,
) -> Vec<Blueprint> {
    let entries = match source.read_map() {
        Ok(entries) => entries,
        Err(problem) => {
            problems.push(problem);
            return Vec::new();
        }
    };
    let file: Arc<Path> = source.path().into();
    let entries = entries.into_iter().filter(|(key, _)| !key.name.starts_with('_'));
    let read = entries.map(|(key, node)| {
        let (name, line) = (key.name, key.line);
        let mut blueprint =
            Blueprint { name, file: file.clone(), line, node, problems: Vec::new() };
        blueprint.expand(variables);
        blueprint
    });
    read.collect()
}

impl Blueprint {
    /// The file and line of the name.
    pub(in crate::catalog) fn origin(&self) -> String {
        format!("{}:{}", self.file.display(), self.line)
    }

    pub(in crate::catalog) fn is_pattern(&self) -> bool {
        self.name.contains(['{', '}'])
    }

    /// Puts in the values of the variables.
    fn expand(&mut self, variables: &Variables) {
        let (is_pattern, mut problems) = (self.is_pattern(), Vec::new());
        let mut node = self.node.clone();
        node.change_texts(&mut |line, text| match variables.expand(text, is_pattern) {
            Ok(expanded) => *text = expanded,
            Err(what) => problems.push(self.problem(line, &self.name, &what)),
        });
        (self.node, self.problems) = (node, problems);
    }

    /// Makes the dataset named in the file.
    pub(in crate::catalog) fn make(&self, makers: &Makers) -> Result<Made, Vec<String>> {
        self.made(makers, &self.name, self.node.clone())
    }

    /// Makes the dataset `name`, which is of the form of the pattern.
    pub(in crate::catalog) fn make_filled(
        &self,
        makers: &Makers,
        name: &str,
        captures: &Captures<'_>,
    ) -> Result<Made, Vec<String>> {
        let (mut node, mut problems) = (self.node.clone(), Vec::new());
        let whose = format!("{name}` of the pattern `{}", self.name);
        let fill = |text: &str| Template::parse(text)?.filled_within(captures);
        node.change_texts(&mut |line, text| match fill(text) {
            Ok(filled) => *text = filled,
            Err(what) => problems.push(self.problem(line, &whose, &what)),
        });
        if problems.is_empty() { self.made(makers, &whose, node) } else { Err(problems) }
    }

    fn made(&self, makers: &Makers, whose: &str, node: Node) -> Result<Made, Vec<String>> {
        if let Some(what) = refused(&self.name) {
            return Err(vec![self.problem_of_name(what)]);
        }
        if !self.problems.is_empty() {
            return Err(self.problems.clone());
        }
        let problem = |line: usize, what: &str| self.problem(line, whose, what);
        let mut reader = EntryReader::new(makers, &problem, false);
        let stored = reader.read(self.line, node);
        let (problems, secrets) = reader.end();
        match stored {
            Some(stored) if problems.is_empty() => Ok(Made { stored, secrets }),
            _ => Err(problems),
        }
    }

    /// Says what is wrong with a pattern whatever name it is used for.
    pub(in crate::catalog) fn check(&self, makers: &Makers, template: &Template) -> Vec<String> {
        if !self.problems.is_empty() {
            return self.problems.clone();
        }
        let mut problems = Vec::new();
        let problem = |line: usize, what: &str| self.problem(line, &self.name, what);
        let mut node = self.node.clone();
        node.change_texts(&mut |line, text| {
            let parsed = Template::parse(text);
            let checked = parsed.and_then(|text| text.check(template.placeholders()));
            problems.extend(checked.err().map(|what| problem(line, &what)));
        });
        if problems.is_empty() {
            let mut reader = EntryReader::new(makers, &problem, true);
            reader.read(self.line, node);
            problems = reader.end().0;
        }
        problems
    }

    pub(in crate::catalog) fn problem(&self, line: usize, whose: &str, what: &str) -> String {
        format!("{}:{line}: dataset `{whose}`: {what}", self.file.display())
    }

    /// The same of the name itself.
    pub(in crate::catalog) fn problem_of_name(&self, what: &str) -> String {
        self.problem(self.line, &self.name, what)
    }
}
