//! Messages as bytes: a length, a version, and the content in MessagePack.

use std::io::{self, Read};

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Changes whenever a message does: the other side may be another build.
const VERSION: u8 = 2;
/// How many bytes of content a frame may have.
const MOST: usize = 16 << 20;
/// Four bytes of length, one of version.
const HEADER: usize = 5;

/// Why bytes are no message. Nothing after them can be read.
#[derive(Debug, thiserror::Error)]
pub(in super::super) enum FrameError {
    #[error("a message of {found} bytes; at most {MOST} are allowed")]
    TooLong { found: usize },
    #[error("a message of version {found} of the protocol; expected version {VERSION}")]
    Version { found: u8 },
    #[error("a message that cannot be read: {0}")]
    Content(rmp_serde::decode::Error),
    #[error("a message that cannot be written: {0}")]
    Unwritable(rmp_serde::encode::Error),
}

impl From<FrameError> for io::Error {
    fn from(error: FrameError) -> Self {
        Self::new(io::ErrorKind::InvalidData, error)
    }
}

/// A message as one frame.
pub(in super::super) fn framed<T: Serialize>(message: &T) -> Result<Vec<u8>, FrameError> {
    let mut frame = vec![0, 0, 0, 0, VERSION];
    rmp_serde::encode::write(&mut frame, message).map_err(FrameError::Unwritable)?;
    let length = frame.len() - HEADER;
    let in_header = u32::try_from(length).ok().filter(|_| length <= MOST);
    let in_header = in_header.ok_or(FrameError::TooLong { found: length })?;
    frame[..4].copy_from_slice(&in_header.to_be_bytes());
    Ok(frame)
}

/// What has come of a stream, of which frames are made as they are complete.
#[derive(Default)]
pub(in super::super) struct Frames {
    bytes: Vec<u8>,
    /// How many of them are read already.
    read: usize,
}

impl Frames {
    /// Takes what one read of `source` gives; how many bytes that is.
    pub(in super::super) fn fill(&mut self, source: &mut impl Read) -> io::Result<usize> {
        const CHUNK: usize = 1 << 13;
        self.bytes.drain(..self.read);
        self.read = 0;
        let before = self.bytes.len();
        self.bytes.resize(before + CHUNK, 0);
        let filled = loop {
            match source.read(&mut self.bytes[before..]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                filled => break filled,
            }
        };
        self.bytes.truncate(before + filled.as_ref().map_or(0, |filled| *filled));
        filled
    }

    /// The next message, if all of it is there.
    pub(in super::super) fn next<T: DeserializeOwned>(&mut self) -> Result<Option<T>, FrameError> {
        let rest = &self.bytes[self.read..];
        let Some((&[a, b, c, d, version], rest)) = rest.split_first_chunk::<HEADER>() else {
            return Ok(None);
        };
        // Both before the content is waited for, which may never come.
        if version != VERSION {
            return Err(FrameError::Version { found: version });
        }
        let length = u32::from_be_bytes([a, b, c, d]) as usize;
        if length > MOST {
            return Err(FrameError::TooLong { found: length });
        }
        let Some(content) = rest.get(..length) else { return Ok(None) };
        let message = rmp_serde::from_slice(content).map_err(FrameError::Content)?;
        self.read += HEADER + length;
        Ok(Some(message))
    }
}
