//! Whether two processes mean the same pipeline.
//!
//! Both are the same program, so that neither the hash nor the types' names need
//! mean anything to another.

use std::hash::{DefaultHasher, Hash, Hasher};

use crate::pipeline::{DatasetIndex, NodeIndex, Pipeline};

/// All of a pipeline's wiring.
pub(super) fn of_pipeline(pipeline: &Pipeline) -> u64 {
    let mut hasher = DefaultHasher::new();
    for node in pipeline.node_indices() {
        hash_node(pipeline, node, &mut hasher);
    }
    hasher.finish()
}

/// One node's wiring.
pub(super) fn of_node(pipeline: &Pipeline, node: NodeIndex) -> u64 {
    let mut hasher = DefaultHasher::new();
    hash_node(pipeline, node, &mut hasher);
    hasher.finish()
}

fn hash_node(pipeline: &Pipeline, node: NodeIndex, hasher: &mut DefaultHasher) {
    pipeline.name_of(node).hash(hasher);
    for datasets in [pipeline.reads(node), pipeline.writes(node)] {
        datasets.len().hash(hasher);
        datasets.iter().for_each(|dataset| hash_dataset(pipeline, *dataset, hasher));
    }
}

fn hash_dataset(pipeline: &Pipeline, dataset: DatasetIndex, hasher: &mut DefaultHasher) {
    let slot = pipeline.slot(dataset);
    slot.name.hash(hasher);
    slot.type_name.hash(hasher);
    slot.codec.map(|codec| codec.family()).hash(hasher);
}
