//! The files that bind names to storage and hold the parameters: YAML.

mod entries;
mod parameters;
mod variables;
mod yaml;

pub(super) use entries::read_entries;
pub(super) use parameters::read_parameters;
pub(super) use variables::Variables;
