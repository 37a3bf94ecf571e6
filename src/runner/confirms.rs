//! The datasets that nodes confirm.

use std::collections::HashMap;
use std::sync::Arc;

use super::bindings::Binding;
use super::error::FailureKind;
use super::execute::Run;
use crate::catalog::{Catalog, Entry, Hints, did_you_mean};
use crate::pipeline::{NodeIndex, Pipeline};

/// A dataset that a node confirms.
pub(super) struct Confirm {
    node: NodeIndex,
    pub(super) name: String,
    entry: Arc<Entry>,
}

/// Finds what the nodes confirm, in their order: where the pipeline has the dataset
/// the very one that its nodes read.
pub(super) fn confirms(
    pipeline: &Pipeline,
    bindings: &[Binding],
    catalog: &Catalog,
    problems: &mut Vec<String>,
) -> Vec<Confirm> {
    let of = |node| pipeline.confirms(node).map(move |name| (node, name));
    let asked: Vec<_> = pipeline.node_indices().flat_map(of).collect();
    if asked.is_empty() {
        return Vec::new();
    }
    let names = pipeline.dataset_indices().map(|dataset| pipeline.slot(dataset).name);
    let bound: HashMap<&str, &Binding> = names.zip(bindings).collect();
    let mut hints = Hints::default();
    let mut confirms = Vec::with_capacity(asked.len());
    for (node, name) in asked {
        let entry = match bound.get(name) {
            Some(Binding::Bound(entry)) => Ok(Some(entry.clone())),
            Some(Binding::Unbound | Binding::Ready(_)) => Ok(None),
            None => catalog.bind(name),
        };
        match entry {
            Ok(Some(entry)) => confirms.push(Confirm { node, name: name.to_owned(), entry }),
            Ok(None) => {
                let (by, hint) =
                    (pipeline.name_of(node), hints.next(|| did_you_mean(name, catalog.names())));
                problems.push(format!(
                    "dataset `{name}`, which node `{by}` confirms, is not in the catalog{hint}"
                ));
            }
            Err(wrong) => problems.extend(wrong),
        }
    }
    confirms
}

impl Run {
    /// Confirms what node `at` confirms, once all that it wrote is saved.
    pub(super) fn confirm(&self, at: NodeIndex) -> Result<(), FailureKind> {
        // Where nodes run elsewhere, they confirm there.
        if self.bound.confirms.is_empty() || self.bound.is_elsewhere {
            return Ok(());
        }
        let first = self.bound.confirms.partition_point(|confirm| confirm.node < at);
        let of_node = self.bound.confirms[first..].iter().take_while(|confirm| confirm.node == at);
        for Confirm { name, entry, .. } in of_node {
            let span = tracing::debug_span!(target: "entourage::run", "confirm", dataset = %name);
            span.in_scope(|| entry.confirm(name)).map_err(FailureKind::Confirm)?;
        }
        Ok(())
    }
}
