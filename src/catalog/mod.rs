//! What nodes read and write: typed names, the storage they are bound to, and
//! the file that binds them.

mod access;
mod builder;
mod chunks;
mod codec;
mod config;
mod data;
mod dataset;
mod entry;
mod error;
mod file;
mod format;
mod memory;
mod parameters;
mod place;
mod source;
mod stored;
mod suggest;
mod taken;

pub use builder::{Catalog, CatalogBuilder};
pub use data::{Data, DataType, Family};
pub use dataset::Dataset;
pub use entry::Description;
pub use error::{CatalogError, DatasetError};
pub use file::FileDataset;
pub use format::{CsvOptions, Format};
pub use taken::Taken;

pub(crate) use access::Access;
pub(crate) use codec::Codec;
pub(crate) use data::Value;
pub(crate) use entry::{Entry, PARAMETER_PREFIX};
pub(crate) use error::{Doing, FormatError, listed};
pub(crate) use stored::Unfit;
pub(crate) use suggest::did_you_mean;
