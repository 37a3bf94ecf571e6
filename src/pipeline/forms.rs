//! Datasets that are one dataset in several formats: `data@csv`, `data@parquet`.

use std::collections::HashMap;

use super::names::base;
use super::packed::{Lists, Texts};

/// Which datasets are forms of one.
#[derive(Clone)]
pub(super) struct Forms {
    base_of: Vec<u32>,
    /// The forms of each base, the plain name among them where it is used.
    of_base: Lists,
}

impl Forms {
    pub(super) fn of(datasets: &Texts) -> Self {
        let mut bases: HashMap<&str, u32> = HashMap::new();
        let mut base_of = Lists::default();
        for name in datasets.iter() {
            let new = bases.len() as u32;
            base_of.push(*bases.entry(base(name)).or_insert(new));
            base_of.end();
        }
        Self { base_of: base_of.items().to_vec(), of_base: base_of.inverted(bases.len()) }
    }

    /// The forms of each dataset.
    pub(super) fn groups(&self) -> impl Iterator<Item = &[u32]> {
        self.of_base.iter()
    }
}

/// Every form of the dataset, itself included, in the datasets' order.
pub(super) fn all_forms<'a>(forms: Option<&'a Forms>, dataset: &'a u32) -> &'a [u32] {
    match forms {
        Some(forms) => forms.of_base.get(forms.base_of[*dataset as usize]),
        None => std::slice::from_ref(dataset),
    }
}
