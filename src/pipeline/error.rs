//! What can be wrong with a pipeline.

use std::fmt;

use crate::catalog::{Family, listed};

/// A pipeline that cannot be: says everything that is wrong with it at once.
#[derive(thiserror::Error)]
#[error("the pipeline cannot be built:\n{}", listed(&self.problems()))]
pub struct PipelineError {
    pub(super) problems: Vec<Problem>,
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
    #[error("node `{node}` reads nothing and writes nothing")]
    Idle { node: String },
    #[error("node `{node}` writes `{dataset}` twice")]
    OutputTwice { node: String, dataset: String },
    #[error("node `{node}` both reads and writes `{dataset}`")]
    OwnInput { node: String, dataset: String },
    #[error("node `{node}` writes `{dataset}`, which is a parameter")]
    WritesParameter { node: String, dataset: String },
    #[error("dataset `{dataset}` is written by two nodes, `{first}` and `{second}`")]
    TwoProducers { dataset: String, first: String, second: String },
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
    #[error("dataset `{dataset}` is declared as a `{declared}` of the {family} family, but {user}")]
    Declared { dataset: String, declared: &'static str, family: Family, user: String },
}

/// As told to a person, for that is where `unwrap` and `main` bring it.
impl fmt::Debug for PipelineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PipelineError({self})")
    }
}

impl PipelineError {
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

    /// Whether two nodes write one dataset.
    pub fn is_two_producers(&self) -> bool {
        self.problems.iter().any(|problem| matches!(problem, Problem::TwoProducers { .. }))
    }
}
