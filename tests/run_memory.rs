//! A dataset that the catalog keeps in memory, and the runs that share it.
#![cfg(feature = "pipeline")]

use entourage::{Catalog, Data, Pipeline, RunOptions, SequentialRunner, node};

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
