//! The files that bind names to storage and hold parameters and credentials:
//! YAML.

mod blueprint;
mod credentials;
mod make;
mod parameters;
mod variables;
mod yaml;

pub(super) use blueprint::{Blueprint, read_blueprints};
pub(super) use credentials::Credentials;
pub(super) use make::{Makers, refused};
pub(super) use parameters::read_parameters;
pub(super) use variables::Variables;
pub(super) use yaml::{Node, Source};
