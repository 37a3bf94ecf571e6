//! What hooks are told of loads and saves.

use super::node::NodeRun;
use super::values::DataRef;
use crate::catalog::DatasetError;

/// An input is about to be loaded.
#[derive(Debug)]
#[non_exhaustive]
pub struct BeforeDatasetLoaded<'a> {
    /// The node that it is for.
    pub node: NodeRun<'a>,
    /// The dataset's full name.
    pub dataset: &'a str,
}

/// An input was loaded.
#[derive(Debug)]
#[non_exhaustive]
pub struct AfterDatasetLoaded<'a> {
    /// The node that it is for.
    pub node: NodeRun<'a>,
    /// The dataset's full name.
    pub dataset: &'a str,
    /// What the node is given.
    pub value: DataRef<'a>,
}

/// An input could not be loaded.
#[derive(Debug)]
#[non_exhaustive]
pub struct OnDatasetLoadError<'a> {
    /// The node that it is for.
    pub node: NodeRun<'a>,
    /// The dataset's full name.
    pub dataset: &'a str,
    /// Why not; a panic is told as an error.
    pub error: &'a DatasetError,
}

/// An output is about to be saved.
#[derive(Debug)]
#[non_exhaustive]
pub struct BeforeDatasetSaved<'a> {
    /// The node that wrote it.
    pub node: NodeRun<'a>,
    /// The dataset's full name.
    pub dataset: &'a str,
    /// What the node wrote.
    pub value: DataRef<'a>,
}

/// An output was saved.
#[derive(Debug)]
#[non_exhaustive]
pub struct AfterDatasetSaved<'a> {
    /// The node that wrote it.
    pub node: NodeRun<'a>,
    /// The dataset's full name.
    pub dataset: &'a str,
    /// What the node wrote.
    pub value: DataRef<'a>,
}

/// An output could not be saved.
#[derive(Debug)]
#[non_exhaustive]
pub struct OnDatasetSaveError<'a> {
    /// The node that wrote it.
    pub node: NodeRun<'a>,
    /// The dataset's full name.
    pub dataset: &'a str,
    /// What the node wrote.
    pub value: DataRef<'a>,
    /// Why not; a panic is told as an error.
    pub error: &'a DatasetError,
}
