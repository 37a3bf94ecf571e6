//! Writing a dataset chunk by chunk.

#[cfg(test)]
mod tests;

use std::io::Write;

use super::data::Value;
use super::error::{DatasetError, Doing, FormatError};
use super::file::Output;
use super::own_versions::OwnVersions;
use super::place::Over;

/// How the chunks of one value become the bytes of a format. A chunk is an owned
/// value of the dataset's type: some more rows, some more text.
pub(crate) trait ChunkEncoder: Send {
    /// Writes one more chunk.
    fn push(&mut self, chunk: &Value, out: &mut dyn Write) -> Result<(), FormatError>;

    /// Writes what comes after the last chunk, and all there is where there were
    /// none.
    fn end(&mut self, out: &mut dyn Write) -> Result<(), FormatError> {
        let _ = out;
        Ok(())
    }
}

/// A dataset in the making, to which chunks are added as they come, and of which
/// no more than one is in memory. What it makes is what one save of all the
/// chunks together would have made.
///
/// Nobody sees it before it is committed. Dropped without that, by an error or a
/// panic say, it leaves what was there, and nothing beside it.
#[must_use = "nothing is saved before it is committed"]
pub(crate) struct ChunkWriter {
    dataset: String,
    place: Option<String>,
    encoder: Box<dyn ChunkEncoder>,
    out: Output,
    over: Over,
    own_versions: Option<OwnVersions>,
}

impl ChunkWriter {
    pub(super) fn new(
        dataset: &str,
        place: Option<String>,
        encoder: Box<dyn ChunkEncoder>,
        out: Output,
        over: Over,
    ) -> Self {
        Self { dataset: dataset.to_owned(), place, encoder, out, over, own_versions: None }
    }

    /// Once it is committed, it is among the versions that the run has written.
    pub(super) fn told_to(self, own_versions: Option<OwnVersions>) -> Self {
        Self { own_versions, ..self }
    }

    /// Adds a chunk, which is of the dataset's owned type: a `Vec<Row>` for
    /// records, a `String` for text. After an error there is nothing left to do
    /// but to drop the writer.
    pub(crate) fn push(&mut self, chunk: &Value) -> Result<(), DatasetError> {
        let pushed = self.encoder.push(chunk, &mut self.out);
        pushed.map_err(|error| {
            DatasetError::new(&self.dataset, Doing::Save, self.place.clone(), error)
        })
    }

    /// Ends the dataset, and puts it where it belongs as a save would. Says how many
    /// bytes of storage it came to.
    pub(crate) fn commit(self) -> Result<u64, DatasetError> {
        let Self { dataset, place, mut encoder, mut out, over, own_versions } = self;
        let committed = encoder.end(&mut out).and_then(|()| out.commit(over));
        let bytes =
            committed.map_err(|error| DatasetError::new(&dataset, Doing::Save, place, error))?;
        if let Some(own) = own_versions {
            own.add(&dataset);
        }
        Ok(bytes)
    }
}
