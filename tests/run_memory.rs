//! What is in memory during a run: a dataset that the catalog keeps there, and the
//! runs that share it; and what lies between nodes, for as long as it is needed.
#![cfg(feature = "pipeline")]

#[expect(dead_code, reason = "each test file needs some of the helpers")]
#[path = "support/pipelines.rs"]
mod pipelines;

use std::sync::atomic::{AtomicUsize, Ordering};

use entourage::{Catalog, Data, Pipeline, RunOptions, SequentialRunner, node};
use pipelines::with_each_runner;

const SHARED: Data<u64> = Data::memory("shared");
const BETWEEN: Data<u64> = Data::memory("between");
const SEEN: Data<u64> = Data::memory("seen");

#[test]
fn reader_sees_what_its_own_run_wrote_and_not_what_another_saved_meanwhile() {
    let catalog = Catalog::builder().memory("shared").build().unwrap();
    let other = Pipeline::new([node(|| 2u64).reads(()).writes(SHARED).named("other")]).unwrap();
    let same = catalog.clone();
    let run_other = move |mine: &u64| {
        SequentialRunner::new().run(&other, &same, RunOptions::new()).unwrap();
        *mine
    };
    let pipeline = Pipeline::new([
        node(|| 1u64).reads(()).writes(SHARED).named("write"),
        node(run_other).reads(SHARED).writes(BETWEEN).named("between"),
        node(|shared: &u64, _: &u64| *shared).reads((SHARED, BETWEEN)).writes(SEEN).named("read"),
    ])
    .unwrap();
    let mut report = SequentialRunner::new().run(&pipeline, &catalog, RunOptions::new()).unwrap();
    assert_eq!(report.take_output(&SEEN), Some(1));
    // The catalog keeps what was saved last, for a run that only reads.
    let reader =
        Pipeline::new([node(|shared: &u64| *shared).reads(SHARED).writes(SEEN).named("later")])
            .unwrap();
    let mut report = SequentialRunner::new().run(&reader, &catalog, RunOptions::new()).unwrap();
    assert_eq!(report.take_output(&SEEN), Some(2));
}

/// A kilobyte that counts how many of its kind live.
struct Block {
    content: [u8; 1024],
}

static LIVE: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);

impl Block {
    fn new(content: [u8; 1024]) -> Self {
        let live = LIVE.fetch_add(1, Ordering::Relaxed) + 1;
        MOST.fetch_max(live, Ordering::Relaxed);
        Self { content }
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        LIVE.fetch_sub(1, Ordering::Relaxed);
    }
}

#[test]
fn chain_of_any_length_holds_what_one_node_reads_and_what_it_writes() {
    const NODES: usize = 100_000;
    let block = |n: usize| Data::<Block>::memory("block").named(format!("d{n}"));
    let nodes = (0..NODES).map(|n| {
        let node = match n {
            0 => node(|| Block::new([7; 1024])).reads(()).writes(block(n)),
            _ => node(|before: &Block| Block::new(before.content))
                .reads(block(n - 1))
                .writes(block(n)),
        };
        node.named(format!("n{n}"))
    });
    let pipeline = Pipeline::new(nodes).unwrap();
    with_each_runner(|runner| {
        MOST.store(0, Ordering::Relaxed);
        let mut report = runner.run(&pipeline, &Catalog::empty(), RunOptions::new()).unwrap();
        assert_eq!(MOST.load(Ordering::Relaxed), 2);
        let last = report.take_output(&block(NODES - 1)).unwrap();
        assert_eq!((LIVE.load(Ordering::Relaxed), last.content), (1, [7; 1024]));
        drop(last);
        assert_eq!(LIVE.load(Ordering::Relaxed), 0);
    });
}
