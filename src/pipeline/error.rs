//! What can be wrong with a pipeline.

use std::fmt;

use crate::catalog::{Family, listed};

/// A pipeline that cannot be: says everything that is wrong with it at once.
#[derive(thiserror::Error)]
#[error("{}:\n{}", .doing.failed(), listed(&self.problems()))]
pub struct PipelineError {
    doing: Doing,
    problems: Vec<Problem>,
}

/// What was tried.
#[derive(Clone, Copy)]
pub(super) enum Doing {
    Build,
    Select,
    Namespace,
}

impl Doing {
    fn failed(self) -> &'static str {
        match self {
            Self::Build => "the pipeline cannot be built",
            Self::Select => "the selection does not fit the pipeline",
            Self::Namespace => "the names of the pipeline cannot be changed so",
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub(super) enum Problem {
    #[error("the node of function `{function}` has no name of its own; give it one with `named`")]
    NoName { function: &'static str },
    #[error(
        "{count} nodes are named `{name}`{}",
        if *.is_default { ", after their function: give each a name of its own with `named`" } else { "" }
    )]
    DuplicateNode { name: String, count: usize, is_default: bool },
    #[error("{what} `{name}`: only letters, digits, `_`, `.` and `-` may be in it")]
    BadName { what: &'static str, name: String },
    #[error(
        "dataset `{dataset}`: a form of a dataset is two words with one `@` between them, as in `data@csv`"
    )]
    BadForm { dataset: String },
    #[error(
        "dataset `{dataset}` is named both without a form and as {}: name a form everywhere, or nowhere",
        quoted(.with)
    )]
    MixedForms { dataset: String, with: Vec<String> },
    #[error("node `{node}` reads nothing and writes nothing")]
    Idle { node: String },
    #[error("node `{node}` writes `{dataset}` twice")]
    OutputTwice { node: String, dataset: String },
    #[error("node `{node}` both reads and writes `{dataset}`")]
    OwnInput { node: String, dataset: String },
    #[error("node `{node}` writes `{other}` and `{dataset}`, which are one dataset")]
    TwoForms { node: String, dataset: String, other: String },
    #[error("node `{node}` reads `{read}` and writes `{dataset}`, which are one dataset")]
    OwnForm { node: String, dataset: String, read: String },
    #[error("node `{node}` writes `{dataset}`, which is a parameter")]
    WritesParameter { node: String, dataset: String },
    #[error(
        "dataset `{dataset}` is written by two nodes, `{first}`{first_form} and `{second}`{second_form}"
    )]
    TwoProducers {
        dataset: String,
        first: String,
        first_form: String,
        second: String,
        second_form: String,
    },
    #[error("dataset `{dataset}` is confirmed by two nodes, `{first}` and `{second}`")]
    ConfirmedTwice { dataset: String, first: String, second: String },
    #[error(
        "dataset `{dataset}` is a `{first_type}` to node `{first}` and a `{second_type}` to node `{second}`"
    )]
    TypeMismatch {
        dataset: String,
        first: String,
        first_type: &'static str,
        second: String,
        second_type: &'static str,
    },
    #[error(
        "dataset `{dataset}` is of the {first_family} family to node `{first}` and of the {second_family} family to node `{second}`"
    )]
    FamilyMismatch {
        dataset: String,
        first: String,
        first_family: Family,
        second: String,
        second_family: Family,
    },
    #[error("the nodes {} wait for each other in a circle", .nodes.join(" → "))]
    Cycle { nodes: Vec<String> },
    #[error("node `{node}` is told {problem}")]
    Settings { node: String, problem: String },
    #[error("dataset `{dataset}` is declared as a `{declared}` of the {family} family, but {user}")]
    Declared { dataset: String, declared: &'static str, family: Family, user: String },
    #[error("there are more than {} nodes, datasets, edges or bytes of names", u32::MAX / 2)]
    TooLarge,
    #[error("two nodes named `{node}` differ: {what}")]
    Differs { node: String, what: String },
    #[error("no {what} is named `{name}`{hint}")]
    Unknown { what: &'static str, name: String, hint: String },
    #[error("no node is selected: {}", .filters.join(", "))]
    Empty { filters: Vec<String> },
    #[error("{0}")]
    Mapping(String),
}

/// Names, as part of a sentence.
pub(super) fn quoted<S: AsRef<str>>(names: impl IntoIterator<Item = S>) -> String {
    let names: Vec<_> = names.into_iter().map(|name| format!("`{}`", name.as_ref())).collect();
    names.join(", ")
}

/// As told to a person, for that is where `unwrap` and `main` bring it.
impl fmt::Debug for PipelineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PipelineError({self})")
    }
}

impl PipelineError {
    pub(super) fn new(doing: Doing, problems: Vec<Problem>) -> Self {
        Self { doing, problems }
    }

    pub(super) fn with_doing(self, doing: Doing) -> Self {
        Self { doing, ..self }
    }

    /// One sentence a problem.
    pub fn problems(&self) -> Vec<String> {
        self.problems.iter().map(Problem::to_string).collect()
    }

    /// Whether nodes wait for each other in a circle.
    pub fn is_cycle(&self) -> bool {
        self.problems.iter().any(|problem| matches!(problem, Problem::Cycle { .. }))
    }

    /// Whether two nodes disagree on a dataset's type.
    pub fn is_type_mismatch(&self) -> bool {
        self.problems.iter().any(|problem| matches!(problem, Problem::TypeMismatch { .. }))
    }

    /// Whether two nodes share a name.
    pub fn is_duplicate_node(&self) -> bool {
        self.problems.iter().any(|problem| matches!(problem, Problem::DuplicateNode { .. }))
    }

    /// Whether a name is no node's, dataset's, tag's or namespace's of the
    /// pipeline.
    pub fn is_unknown_name(&self) -> bool {
        self.problems.iter().any(|problem| matches!(problem, Problem::Unknown { .. }))
    }

    /// Whether a selection left no node.
    pub fn is_empty_selection(&self) -> bool {
        self.problems.iter().any(|problem| matches!(problem, Problem::Empty { .. }))
    }

    /// Whether two nodes write one dataset.
    pub fn is_two_producers(&self) -> bool {
        self.problems.iter().any(|problem| matches!(problem, Problem::TwoProducers { .. }))
    }
}
