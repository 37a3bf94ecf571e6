//! What a worker process and its parent say to each other.

mod failure;
mod frame;
mod message;
#[cfg(test)]
mod tests;

pub(super) use failure::{Dataset, Failure, Hook, HookCause, Place, said};
pub(super) use frame::{FrameError, Frames, framed};
pub(super) use message::{
    Execute, KeptFile, Log, Moved, Outcome, Reply, Request, Served, shortened,
};

/// Reads `bytes` as whatever either side could be sent, `cut` bytes at a time.
#[cfg(any(test, fuzzing))]
pub(crate) fn read_anything(bytes: &[u8], cut: usize) {
    fn all<T: serde::de::DeserializeOwned>(bytes: &[u8], cut: usize) {
        let mut frames = Frames::default();
        for mut piece in bytes.chunks(cut.max(1)) {
            while let Ok(1..) = frames.fill(&mut piece) {}
            loop {
                match frames.next::<T>() {
                    Ok(Some(_)) => {}
                    Ok(None) => break,
                    Err(_) => return,
                }
            }
        }
    }
    all::<Request>(bytes, cut);
    all::<Reply>(bytes, cut);
}
