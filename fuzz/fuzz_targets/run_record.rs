//! The files in a run's folder: a record comes of them, or what is wrong with which
//! of them; without a panic, and without more memory than they take. The events come
//! first; behind a zero byte may follow the pipeline, and behind another the summary.

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

fuzz_target!(|files: &[u8]| {
    let mut files = files.splitn(3, |byte| *byte == 0);
    for name in ["events.jsonl", "pipeline.json", "summary.json"] {
        match files.next() {
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
