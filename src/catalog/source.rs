//! The content of a file, before its format is known.

use std::fs::File;
use std::io::{self, BufReader, Read};

use flate2::read::MultiGzDecoder;

use super::error::FormatError;

/// How much of a file is read to look at its header.
pub(super) const START: u64 = 1 << 16;

/// What a file holds, decompressed. A plain file can be read in pieces, by
/// several threads, without ever being in memory as a whole.
pub(crate) enum Source {
    Bytes(Vec<u8>),
    File { file: File, len: u64 },
}

impl Source {
    pub(super) fn of(file: File) -> Result<Self, FormatError> {
        let metadata = file.metadata()?;
        // A file of the system's own, below `/proc` say, has no length before it is
        // read.
        if metadata.is_file() && metadata.len() > 0 && CAN_READ_AT {
            return Ok(Self::File { len: metadata.len(), file });
        }
        // A pipe, say: it can be read once, and from its start.
        let mut bytes = Vec::new();
        BufReader::new(file).read_to_end(&mut bytes)?;
        Ok(Self::Bytes(bytes))
    }

    pub(crate) fn len(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::File { len, .. } => *len,
        }
    }

    /// The first bytes.
    pub(crate) fn start(&self) -> io::Result<Vec<u8>> {
        let mut start = Vec::new();
        self.read_at(0, self.len().min(START), &mut start)?;
        Ok(start)
    }

    /// Replaces what is in `buffer` by the bytes from `from` up to `to`.
    pub(crate) fn read_at(&self, from: u64, to: u64, buffer: &mut Vec<u8>) -> io::Result<()> {
        let out_of_range = || io::Error::from(io::ErrorKind::UnexpectedEof);
        match self {
            Self::Bytes(bytes) => {
                let [from, to] = [from, to].map(|at| usize::try_from(at).unwrap_or(usize::MAX));
                buffer.clear();
                buffer.extend_from_slice(bytes.get(from..to).ok_or_else(out_of_range)?);
                Ok(())
            }
            Self::File { file, .. } => {
                let size = to.checked_sub(from).ok_or_else(out_of_range)?;
                buffer.resize(usize::try_from(size).map_err(io::Error::other)?, 0);
                read_exact_at(file, buffer, from)
            }
        }
    }

    /// All of it, from its first byte to its last.
    pub(super) fn reader(self) -> Box<dyn Read> {
        match self {
            Self::Bytes(bytes) => Box::new(io::Cursor::new(bytes)),
            Self::File { file, .. } => Box::new(file),
        }
    }

    /// All of it.
    pub(crate) fn into_bytes(self) -> io::Result<Vec<u8>> {
        match self {
            Self::Bytes(bytes) => Ok(bytes),
            Self::File { mut file, len } => {
                let mut bytes = Vec::with_capacity(usize::try_from(len).unwrap_or(0));
                file.read_to_end(&mut bytes)?;
                Ok(bytes)
            }
        }
    }
}

/// Decompresses at most `at_most` bytes of `packed`.
pub(super) fn gunzip(packed: impl Read, at_most: u64) -> Result<Vec<u8>, FormatError> {
    let mut bytes = Vec::new();
    unpack(packed, at_most, &mut bytes).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => {
            FormatError::caused("the gzip data ends too early: the file is cut off", error)
        }
        _ => FormatError::caused(format!("the gzip data is damaged: {error}"), error),
    })?;
    Ok(bytes)
}

/// Decompresses at most `at_most` bytes of a file of which there is but the
/// start.
pub(super) fn gunzip_start(packed: &[u8], at_most: u64) -> Result<Vec<u8>, FormatError> {
    let mut bytes = Vec::new();
    match unpack(packed, at_most, &mut bytes) {
        Err(error) if error.kind() != io::ErrorKind::UnexpectedEof => {
            Err(FormatError::caused(format!("the gzip data is damaged: {error}"), error))
        }
        _ => Ok(bytes),
    }
}

fn unpack(packed: impl Read, at_most: u64, bytes: &mut Vec<u8>) -> io::Result<usize> {
    MultiGzDecoder::new(BufReader::new(packed)).take(at_most).read_to_end(bytes)
}

#[cfg(unix)]
const CAN_READ_AT: bool = true;
#[cfg(not(unix))]
const CAN_READ_AT: bool = false;

#[cfg(unix)]
fn read_exact_at(file: &File, buffer: &mut [u8], from: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, buffer, from)
}

#[cfg(not(unix))]
fn read_exact_at(_: &File, _: &mut [u8], _: u64) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}
