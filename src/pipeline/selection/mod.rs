//! A part of a pipeline, by what its nodes are called and what they are wired
//! to.

mod names;
mod reach;

use super::error::{Doing, PipelineError, Problem, quoted};
use super::graph::Pipeline;
use names::Lookup;

/// Which nodes of a pipeline are wanted. Each filter looks at the whole pipeline,
/// and a node is selected that passes all of them; a filter without a name in it
/// passes every node.
///
/// Names may come at run time, from a command line.
///
/// ```
/// use entourage::{Pipeline, Selection, node};
///
/// let add = |name: &str, from: &'static str, to: &'static str| {
///     node(|n: &u32| n + 1).reads_named(from).writes_named(to).named(name)
/// };
/// let pipeline = Pipeline::new([
///     add("clean", "raw", "rows"),
///     add("train", "rows", "model").tag("slow"),
///     add("plot", "rows", "picture"),
///     add("judge", "model", "score"),
/// ])?;
/// let after_clean = pipeline.select(&Selection::new().from_nodes(["train"]))?;
/// assert_eq!(after_clean.node_names().collect::<Vec<_>>(), ["train", "judge"]);
///
/// let between = Selection::new().from_inputs(["rows"]).to_outputs(["score"]);
/// assert_eq!(pipeline.select(&between)?.len(), 2);
///
/// let wrong = pipeline.select(&Selection::new().nodes(["trian"]).tags(["slwo"])).unwrap_err();
/// assert_eq!(wrong.problems(), [
///     "no node is named `trian`; did you mean `train`?",
///     "no tag is named `slwo`; did you mean `slow`?",
/// ]);
/// # Ok::<(), entourage::PipelineError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use = "a selection does nothing until a pipeline is asked for it"]
pub struct Selection {
    /// In the order in which they are declared below.
    filters: [Vec<String>; FILTERS.len()],
}

/// What a filter asks of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Filter {
    FromNodes,
    ToNodes,
    FromInputs,
    ToOutputs,
    Nodes,
    Tags,
    Namespaces,
    WithInputs,
    WithOutputs,
}

const FILTERS: [(Filter, &str); 9] = [
    (Filter::FromNodes, "from_nodes"),
    (Filter::ToNodes, "to_nodes"),
    (Filter::FromInputs, "from_inputs"),
    (Filter::ToOutputs, "to_outputs"),
    (Filter::Nodes, "nodes"),
    (Filter::Tags, "tags"),
    (Filter::Namespaces, "namespaces"),
    (Filter::WithInputs, "with_inputs"),
    (Filter::WithOutputs, "with_outputs"),
];

/// The filters, each a method that adds names to it.
macro_rules! filters {
    ($($(#[$doc:meta])* $name:ident $filter:ident)*) => {$(
        $(#[$doc])*
        ///
        /// Called again, it adds to the names.
        pub fn $name(self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
            self.with(Filter::$filter, names)
        }
    )*};
}

impl Selection {
    /// Every node.
    pub fn new() -> Self {
        Self::default()
    }

    filters! {
        /// These nodes, and all that wait for them, directly or not.
        from_nodes FromNodes
        /// These nodes, and all that they wait for, directly or not.
        to_nodes ToNodes
        /// The nodes that read these datasets, and all that wait for those. The
        /// name of a dataset with several forms means all of them; `data@csv`
        /// that one alone.
        from_inputs FromInputs
        /// The nodes that write these datasets, and all that those wait for.
        to_outputs ToOutputs
        /// These nodes alone.
        nodes Nodes
        /// The nodes that have one of these tags.
        tags Tags
        /// The nodes in one of these namespaces, or in one below it.
        namespaces Namespaces
        /// The nodes that read one of these datasets themselves.
        with_inputs WithInputs
        /// The nodes that write one of these datasets themselves.
        with_outputs WithOutputs
    }

    fn with(mut self, filter: Filter, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.filters[filter as usize].extend(names.into_iter().map(Into::into));
        self
    }

    /// Whether it asks nothing, and so selects every node.
    pub fn is_everything(&self) -> bool {
        self.filters.iter().all(Vec::is_empty)
    }
}

impl Pipeline {
    /// The nodes that pass every filter of the selection, as a pipeline. Their
    /// wiring stays: what one of them reads and none of them writes is an input.
    ///
    /// # Errors
    ///
    /// All names that are unknown, each with the names that it may be a
    /// misspelling of, or that are the same within a namespace; and a selection
    /// that no node passes, with what each filter passes.
    pub fn select(&self, selection: &Selection) -> Result<Self, PipelineError> {
        let mut lookup = Lookup::new(self);
        let mut passed = vec![0_usize; self.len()];
        let (mut asked, mut told) = (0, Vec::new());
        for ((filter, what), names) in FILTERS.into_iter().zip(&selection.filters) {
            if names.is_empty() {
                continue;
            }
            asked += 1;
            let passes = lookup.passes(filter, names);
            let count = passes.iter().filter(|passes| **passes).count();
            passed.iter_mut().zip(passes).for_each(|(sum, passes)| *sum += usize::from(passes));
            told.push(format!("`{what}` ({}) passes {count}", quoted(names)));
        }
        if !lookup.problems.is_empty() {
            return Err(PipelineError::new(Doing::Select, lookup.problems));
        }
        let selected = passed.iter().filter(|sum| **sum == asked).count();
        if selected == 0 && asked > 0 {
            let problem = Problem::Empty { filters: told };
            return Err(PipelineError::new(Doing::Select, vec![problem]));
        }
        if selected == self.len() {
            return Ok(self.clone());
        }
        let selected = self.node_indices().filter(|at| passed[*at as usize] == asked);
        Self::new(selected.map(|at| self.node(at)))
    }
}
