//! The files in a run's folder: a record comes of them, or what is wrong with which
//! of them; without a panic, and without more memory than they take.

#![no_main]

use std::fs;
use std::path::PathBuf;
use std::sync::LazyLock;

use entourage::RunRecord;
use libfuzzer_sys::fuzz_target;

static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = std::env::temp_dir().join(format!("entourage-fuzz-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    folder
});

fuzz_target!(|files: (&[u8], Option<&[u8]>, Option<&[u8]>)| {
    let (events, pipeline, summary) = files;
    fs::write(FOLDER.join("events.jsonl"), events).unwrap();
    for (name, text) in [("pipeline.json", pipeline), ("summary.json", summary)] {
        match text {
            Some(text) => fs::write(FOLDER.join(name), text).unwrap(),
            None => _ = fs::remove_file(FOLDER.join(name)),
        }
    }
    match RunRecord::read(&*FOLDER) {
        Ok(record) => {
            for node in record.nodes() {
                assert!(record.node(node.name).is_some());
            }
            assert_eq!(record.end().is_none(), record.is_interrupted());
            let mut trace = Vec::new();
            record.to_trace(&mut trace).unwrap();
            _ = format!("{record:?} {:?}", record.efficiency());
        }
        Err(error) => assert!(error.is_malformed(), "{error}"),
    }
});
