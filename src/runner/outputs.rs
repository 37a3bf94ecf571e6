//! The free outputs of a run.

use std::sync::OnceLock;

use crate::catalog::Value;
use crate::pipeline::{DatasetIndex, Pipeline};

/// Values by dataset. There may be a hundred thousand of them that nobody asks
/// for: they are put into the order of their names when somebody does.
#[derive(Default)]
pub(super) struct Outputs {
    values: Vec<(DatasetIndex, Option<Value>)>,
    by_name: OnceLock<Box<[u32]>>,
}

impl Outputs {
    pub(super) fn new(values: Vec<(DatasetIndex, Value)>) -> Self {
        let values = values.into_iter().map(|(dataset, value)| (dataset, Some(value)));
        Self { values: values.collect(), by_name: OnceLock::new() }
    }

    /// The names of those that are still here, in order.
    pub(super) fn names<'a>(&'a self, pipeline: &'a Pipeline) -> impl Iterator<Item = &'a str> {
        let all = self.by_name(pipeline).iter().map(|at| &self.values[*at as usize]);
        all.filter(|(_, value)| value.is_some()).map(|(dataset, _)| pipeline.slot(*dataset).name)
    }

    pub(super) fn get(&self, pipeline: &Pipeline, name: &str) -> Option<&Value> {
        let at = self.find(pipeline, name)?;
        self.values[at].1.as_ref()
    }

    /// The place of a value, to be taken out of or put back into.
    pub(super) fn get_mut(
        &mut self,
        pipeline: &Pipeline,
        name: &str,
    ) -> Option<&mut Option<Value>> {
        let at = self.find(pipeline, name)?;
        Some(&mut self.values[at].1)
    }

    fn find(&self, pipeline: &Pipeline, name: &str) -> Option<usize> {
        let by_name = self.by_name(pipeline);
        let name_of = |at: &u32| pipeline.slot(self.values[*at as usize].0).name;
        let found = by_name.binary_search_by(|at| name_of(at).cmp(name)).ok()?;
        Some(by_name[found] as usize)
    }

    fn by_name(&self, pipeline: &Pipeline) -> &[u32] {
        self.by_name.get_or_init(|| {
            let mut order: Vec<u32> = (0..self.values.len() as u32).collect();
            order.sort_by_key(|at| pipeline.slot(self.values[*at as usize].0).name);
            order.into()
        })
    }
}
