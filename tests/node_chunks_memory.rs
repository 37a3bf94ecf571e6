//! A node that yields chunks into a file takes no more memory for a thousand
//! than for a few. In a file of its own, since there is one allocator for a
//! process.

#![cfg(feature = "pipeline")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use entourage::{
    Catalog, ChunkError, Chunks, Data, FileDataset, Pipeline, RunOptions, SequentialRunner, node,
};

struct Counting;

/// How many bytes are in use.
static LIVE: AtomicUsize = AtomicUsize::new(0);
/// The most that were, since somebody put it back.
static PEAK: AtomicUsize = AtomicUsize::new(0);

#[global_allocator]
static COUNTING: Counting = Counting;

#[expect(unsafe_code, reason = "an allocator can be replaced in no other way")]
// SAFETY: Every call is passed on to the system's allocator, unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let live = LIVE.fetch_add(layout.size(), Ordering::Relaxed) + layout.size();
        PEAK.fetch_max(live, Ordering::Relaxed);
        // SAFETY: The caller's promise is the one that is asked for here.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: The caller's promise is the one that is asked for here, and
        // `at` came from the system's allocator.
        unsafe { System.dealloc(at, layout) }
    }
}

/// The tests of this file must not count for each other.
static ALONE: Mutex<()> = Mutex::new(());

const ROWS: Data<[u64]> = Data::records("rows");
const TEXT: Data<str> = Data::text("text");

/// A chunk's bytes.
const CHUNK: usize = 64 * 1024;
/// What a run may take: some chunks' worth, for buffers and a compressor.
const MOST: usize = 16 * CHUNK;

/// The most memory that was in use while `pipeline` ran, beyond what was before.
fn peak(pipeline: &Pipeline, catalog: &Catalog) -> usize {
    let before = LIVE.load(Ordering::Relaxed);
    PEAK.store(before, Ordering::Relaxed);
    SequentialRunner::new().run(pipeline, catalog, RunOptions::new()).unwrap();
    PEAK.load(Ordering::Relaxed) - before
}

fn pipeline(chunks: usize) -> Pipeline {
    let write = move |rows: &mut Chunks<[u64]>, text: &mut Chunks<str>| -> Result<(), ChunkError> {
        for number in 0..chunks {
            rows.push(vec![number as u64; CHUNK / size_of::<u64>()])?;
            text.push("x".repeat(CHUNK))?;
        }
        Ok(())
    };
    Pipeline::new([node(write).reads(()).yields((ROWS, TEXT)).named("write")]).unwrap()
}

#[test]
fn memory_is_flat_in_the_number_of_chunks_where_they_go_to_files() {
    let _alone = ALONE.lock().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let catalog = Catalog::builder()
        .file("rows", FileDataset::json_lines(folder.path().join("rows.jsonl")))
        .file("text", FileDataset::text(folder.path().join("text.txt.gz")))
        .build()
        .unwrap();
    for chunks in [10, 300] {
        let peak = peak(&pipeline(chunks), &catalog);
        assert!(peak < MOST, "{peak} bytes for {chunks} chunks");
    }
}

#[test]
fn memory_is_that_of_the_whole_where_the_chunks_stay_in_it() {
    let _alone = ALONE.lock().unwrap();
    // So that the other test would fail if it measured nothing.
    let peak = peak(&pipeline(100), &Catalog::empty());
    assert!(peak > 200 * CHUNK, "{peak} bytes");
}
