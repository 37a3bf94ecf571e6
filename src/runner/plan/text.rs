//! A plan as a person reads it.

use std::fmt;

use super::dry_run::{DatasetPlan, NodePlan, Plan, Reason};

/// How many names, or reasons, a line has room for.
const MOST: usize = 5;

/// The names in one line, as many as there is room for.
pub(in crate::runner) fn some_of(names: &[String]) -> String {
    let shown = names.iter().take(MOST).map(|name| format!("`{name}`"));
    listed(shown.collect(), names.len())
}

fn listed(mut shown: Vec<String>, count: usize) -> String {
    if let more @ 1.. = count - shown.len() {
        shown.push(format!("{more} more"));
    }
    shown.join(", ")
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let running = self.nodes.iter().filter(|node| node.runs()).count();
        writeln!(f, "{running} of {} nodes would run", self.nodes.len())?;
        for (at, group) in self.by_group().iter().enumerate() {
            writeln!(f, "group {}", at + 1)?;
            group.iter().try_for_each(|node| writeln!(f, "  {node}"))?;
        }
        let mut left_out = self.nodes.iter().filter(|node| !node.runs()).peekable();
        if left_out.peek().is_some() {
            writeln!(f, "up to date")?;
            left_out.try_for_each(|node| writeln!(f, "  {}", node.name))?;
        }
        if !self.datasets.is_empty() {
            writeln!(f, "datasets")?;
            self.datasets.iter().try_for_each(|dataset| writeln!(f, "  {dataset}"))?;
        }
        Ok(())
    }
}

impl fmt::Display for NodePlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.reasons.iter().take(MOST).map(Reason::to_string);
        let reasons = listed(shown.collect(), self.reasons.len());
        match self.runs() {
            true => write!(f, "{}: {reasons}", self.name),
            false => write!(f, "{}: up to date", self.name),
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EveryNode => f.write_str("every node runs"),
            Self::NoOutputs => f.write_str("it writes nothing"),
            Self::Missing { dataset } => write!(f, "`{dataset}` is not there"),
            Self::Needed { dataset, by } => write!(f, "`{by}` needs `{dataset}`"),
        }
    }
}

impl fmt::Display for DatasetPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = self.kind.as_deref().unwrap_or("in memory, for the run");
        let versioned = if self.is_versioned { "versioned " } else { "" };
        write!(f, "{}: {versioned}{kind}", self.name)?;
        if let Some(place) = &self.place {
            write!(f, " {place}")?;
        }
        match (&self.origin, &self.pattern) {
            (Some(origin), Some(pattern)) => write!(f, " ({origin}, `{pattern}`)")?,
            (Some(bound), None) | (None, Some(bound)) => write!(f, " ({bound})")?,
            (None, None) => {}
        }
        match self.is_there {
            Some(true) => f.write_str(", is there")?,
            Some(false) => f.write_str(", is not there")?,
            None => {}
        }
        let steps = [
            ("saved by", &self.saved_by),
            ("loaded by", &self.loaded_by),
            ("let go after", &self.released_after),
        ];
        for (what, node) in steps {
            if let Some(node) = node {
                write!(f, ", {what} {node}")?;
            }
        }
        if self.is_output {
            f.write_str(", handed out at the end")?;
        }
        Ok(())
    }
}
