//! An object in the making.

use std::io::{self, Write};
use std::mem;
use std::sync::Arc;

use object_store::path::Path as Key;
use object_store::{MultipartUpload, ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload};

use super::{runtime, unhappy};
use crate::catalog::error::FormatError;
use crate::catalog::place::stores::StorageOptions;
use crate::catalog::place::{Draft, Over, already_there};

/// How many bytes are uploaded at a time. A store takes 10,000 parts: enough for
/// 160 GB.
const PART: usize = 16 << 20;

/// Kept in memory up to a size, and uploaded in parts from there on. In either
/// case a store shows it when it is whole.
pub(super) struct ObjectDraft {
    store: Arc<dyn ObjectStore>,
    key: Key,
    secrets: StorageOptions,
    buffer: Vec<u8>,
    /// Once there is more than one part.
    upload: Option<Box<dyn MultipartUpload>>,
}

impl ObjectDraft {
    pub(super) fn new(store: Arc<dyn ObjectStore>, key: Key, secrets: StorageOptions) -> Self {
        Self { store, key, secrets, buffer: Vec::new(), upload: None }
    }

    /// Uploads what is in the buffer.
    fn put_part(&mut self) -> Result<(), FormatError> {
        let upload = match &mut self.upload {
            Some(upload) => upload,
            None => {
                let (store, key) = (self.store.clone(), self.key.clone());
                let begun = runtime::wait_for(async move { store.put_multipart(&key).await })?;
                self.upload.insert(begun.map_err(|error| unhappy(&self.secrets, error))?)
            }
        };
        let part = upload.put_part(PutPayload::from(mem::take(&mut self.buffer)));
        runtime::wait_for(part)?.map_err(|error| unhappy(&self.secrets, error))
    }

    fn complete(&mut self, over: Over) -> Result<(), FormatError> {
        if !self.buffer.is_empty() {
            self.put_part()?;
        }
        // An upload in parts cannot be told not to replace anything.
        if let Over::Refuse = over {
            let (store, key) = (self.store.clone(), self.key.clone());
            match runtime::wait_for(async move { store.head(&key).await })? {
                Err(object_store::Error::NotFound { .. }) => {}
                Ok(_) => return Err(already_there()),
                Err(error) => return Err(unhappy(&self.secrets, error)),
            }
        }
        let Some(mut upload) = self.upload.take() else { return Ok(()) };
        let completed = runtime::wait_for(async move {
            let completed = upload.complete().await;
            (upload, completed)
        });
        let (upload, completed) = completed?;
        completed.map(drop).map_err(|error| {
            // To be aborted by the drop.
            self.upload = Some(upload);
            unhappy(&self.secrets, error)
        })
    }

    fn put(&mut self, over: Over) -> Result<(), FormatError> {
        let (store, key) = (self.store.clone(), self.key.clone());
        let payload = PutPayload::from(mem::take(&mut self.buffer));
        let mode = match over {
            Over::Replace => PutMode::Overwrite,
            Over::Refuse => PutMode::Create,
        };
        let options = PutOptions::from(mode);
        let put = runtime::wait_for(async move { store.put_opts(&key, payload, options).await })?;
        put.map(drop).map_err(|error| match error {
            object_store::Error::AlreadyExists { .. } => already_there(),
            error => unhappy(&self.secrets, error),
        })
    }
}

impl Write for ObjectDraft {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = PART - self.buffer.len();
        let taken = &bytes[..bytes.len().min(room)];
        self.buffer.extend_from_slice(taken);
        if self.buffer.len() == PART {
            self.put_part().map_err(io::Error::other)?;
        }
        Ok(taken.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Draft for ObjectDraft {
    fn commit(mut self: Box<Self>, over: Over) -> Result<(), FormatError> {
        match self.upload {
            Some(_) => self.complete(over),
            None => self.put(over),
        }
    }
}

impl Drop for ObjectDraft {
    fn drop(&mut self) {
        if let Some(mut upload) = self.upload.take() {
            // Nobody is left to be told, and a store lets go of it in time.
            let _ = runtime::wait_for(async move { upload.abort().await });
        }
    }
}
