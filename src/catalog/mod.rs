//! What nodes read and write: typed names, the storage they are bound to, and
//! the file that binds them.

mod access;
mod assemble;
mod builder;
mod cached;
mod chunks;
mod codec;
mod config;
mod data;
mod dataset;
mod entry;
mod error;
mod file;
mod format;
mod lookup;
mod memory;
mod own_versions;
mod parameters;
mod patterns;
mod place;
mod secret;
mod source;
mod stored;
mod suggest;
mod taken;
mod template;
mod types;
mod validator;
mod version;
mod versioned;

pub use builder::CatalogBuilder;
pub use data::{Data, DataType, Family};
pub use dataset::Dataset;
pub use entry::Description;
pub use error::{CatalogError, DatasetError};
pub use file::FileDataset;
pub use format::{CsvOptions, Format};
pub use lookup::Catalog;
pub use patterns::Resolution;
pub use secret::Secret;
pub use taken::Taken;
pub use version::{Version, VersionError};

pub(crate) use access::Access;
pub(crate) use chunks::ChunkWriter;
pub(crate) use codec::Codec;
pub(crate) use data::Value;
pub(crate) use entry::{Entry, PARAMETER_PREFIX, PARAMETERS, is_parameter};
pub(crate) use error::{Doing, FormatError, listed};
pub(crate) use own_versions::OwnVersions;
#[cfg(unix)]
pub(crate) use place::sweep;
pub(crate) use stored::Unfit;
pub(crate) use suggest::{Hints, did_you_mean, did_you_mean_namespaced};
