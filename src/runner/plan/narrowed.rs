//! A run of part of a pipeline, told as one of the whole.

use super::super::bindings::Bindings;
use super::kept::{self, Kept};
use super::missing::needed;
use crate::pipeline::{NodeIndex, Pipeline};

/// What a run of only what is missing leaves out.
pub(in crate::runner) struct Narrowed {
    pub(in crate::runner) whole: Bindings,
    /// One a dataset of the whole.
    pub(super) kept: Vec<Kept>,
    /// One a node of the whole.
    pub(super) runs: Vec<bool>,
}

impl Narrowed {
    /// Looks at what is there. The part that has to run is
    /// [`part`](Self::part).
    ///
    /// # Errors
    ///
    /// Every dataset of which it cannot be found out whether it is there; none
    /// where the catalog can make nothing of one.
    pub(in crate::runner) fn new(whole: Bindings) -> Result<Self, Vec<String>> {
        let kept = kept::look(&whole)?;
        if !whole.problems.is_empty() {
            // Told when all of it is looked at.
            return Err(Vec::new());
        }
        let runs = needed(&whole.pipeline, &kept);
        Ok(Self { whole, kept, runs })
    }

    /// The nodes that have to run.
    pub(in crate::runner) fn part(&self) -> Pipeline {
        self.whole.pipeline.part(|at| self.runs[at as usize])
    }

    /// Where each node of the whole is in the part.
    pub(in crate::runner) fn places(&self) -> Whole {
        let mut places = 0..;
        let place = |runs: &bool| if *runs { places.next() } else { None };
        Whole {
            pipeline: self.whole.pipeline.clone(),
            places: self.runs.iter().map(place).collect(),
        }
    }
}

/// A pipeline of which a part was run.
pub(in crate::runner) struct Whole {
    pub(in crate::runner) pipeline: Pipeline,
    /// One a node: where it is in the part. The part has its nodes in the same
    /// order.
    pub(in crate::runner) places: Box<[Option<NodeIndex>]>,
}
