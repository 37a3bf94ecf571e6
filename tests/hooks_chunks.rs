//! What hooks are told of nodes that yield chunks or take their inputs.

#![cfg(feature = "pipeline")]

#[expect(dead_code, reason = "each test file needs some of the helpers")]
#[path = "support/pipelines.rs"]
mod pipelines;

use std::fs;
use std::sync::{Arc, Mutex};

use entourage::hooks::{
    AfterDatasetSaved, AfterNodeRun, BeforeDatasetSaved, HookResult, OnDatasetSaveError,
};
use entourage::{
    Catalog, ChunkError, Chunks, Data, FileDataset, Hooks, Pipeline, RunOptions, node,
};
use pipelines::{Folder, with_each_runner};

const LINES: Data<str> = Data::text("lines");
const NUMBERS: Data<[u64]> = Data::memory("numbers");

/// Notes the saves, and refuses the chunk that it is told to.
#[derive(Clone, Default)]
struct Watch {
    told: Arc<Mutex<Vec<String>>>,
    refuses: Option<&'static str>,
}

impl Watch {
    fn say(&self, what: String) {
        self.told.lock().unwrap().push(what);
    }

    fn told(&self) -> Vec<String> {
        std::mem::take(&mut self.told.lock().unwrap())
    }
}

impl Hooks for Watch {
    fn before_dataset_saved(&self, call: &BeforeDatasetSaved<'_>) -> HookResult {
        let text = call.value.get(&LINES);
        self.say(format!("before {} {text:?}", call.dataset));
        match text == self.refuses && text.is_some() {
            true => Err("refused".into()),
            false => Ok(()),
        }
    }

    fn after_dataset_saved(&self, call: &AfterDatasetSaved<'_>) -> HookResult {
        self.say(format!("after {} {:?}", call.dataset, call.value.get(&LINES)));
        Ok(())
    }

    fn on_dataset_save_error(&self, call: &OnDatasetSaveError<'_>) -> HookResult {
        self.say(format!("error {} {:?}", call.dataset, call.value.get(&LINES)));
        Ok(())
    }

    fn after_node_run(&self, call: &AfterNodeRun<'_>) -> HookResult {
        let inputs = call.inputs.get(&NUMBERS).map(<[u64]>::len);
        self.say(format!("ran {inputs:?} {:?}", call.outputs.get(&LINES)));
        Ok(())
    }
}

fn lines(lines: &mut Chunks<str>) -> Result<(), ChunkError> {
    lines.push("a".to_owned())?;
    lines.push("b".to_owned())
}

#[test]
fn each_chunk_that_is_written_is_told_of_and_what_is_put_together_is_told_of_once() {
    let folder = Folder::new();
    let file = FileDataset::text(folder.path("lines.txt"));
    let stored = Catalog::builder().file("lines", file).build().unwrap();
    let pipeline = Pipeline::new([node(lines).reads(()).yields(LINES)]).unwrap();
    let written = [
        r#"before lines Some("a")"#,
        r#"after lines Some("a")"#,
        r#"before lines Some("b")"#,
        r#"after lines Some("b")"#,
        "ran None None",
    ];
    let put_together =
        [r#"ran None Some("ab")"#, r#"before lines Some("ab")"#, r#"after lines Some("ab")"#];
    with_each_runner(|runner| {
        let watch = Watch::default();
        runner.run(&pipeline, &stored, RunOptions::new().hooks(watch.clone())).unwrap();
        assert_eq!(watch.told(), written);
        runner.run(&pipeline, &Catalog::empty(), RunOptions::new().hooks(watch.clone())).unwrap();
        assert_eq!(watch.told(), put_together);
    });
}

#[test]
fn hook_that_refuses_a_chunk_fails_the_node_and_leaves_the_file_as_it_was() {
    let folder = Folder::new();
    let path = folder.write("lines.txt", "before");
    let catalog =
        Catalog::builder().file("lines", FileDataset::text(path.clone())).build().unwrap();
    // Whatever its function makes of it.
    let hushed = |out: &mut Chunks<str>| drop(lines(out));
    let pipeline = Pipeline::new([node(hushed).reads(()).yields(LINES).named("hushed")]).unwrap();
    with_each_runner(|runner| {
        let watch = Watch { refuses: Some("b"), ..Watch::default() };
        let options = RunOptions::new().hooks(watch);
        let error = runner.run(&pipeline, &catalog, options).unwrap_err();
        let failure = error.failures().next().unwrap();
        assert!(failure.is_hook() && failure.to_string().contains("refused"), "{failure}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "before");
        assert_eq!(folder.names(), ["lines.txt"]);
    });
}

#[test]
fn value_that_the_function_took_is_not_there_after_it() {
    let sum = |numbers: Vec<u64>| numbers.iter().sum::<u64>().to_string();
    let borrow = |numbers: &[u64]| numbers.len().to_string();
    let catalog = Catalog::builder().value(&NUMBERS, vec![1, 2]).build().unwrap();
    with_each_runner(|runner| {
        for (node, expected) in [
            (node(sum).reads(NUMBERS.take()).writes(LINES), r#"ran None Some("3")"#),
            (node(borrow).reads(NUMBERS).writes(LINES), r#"ran Some(2) Some("2")"#),
        ] {
            let watch = Watch::default();
            let pipeline = Pipeline::new([node.named("node")]).unwrap();
            runner.run(&pipeline, &catalog, RunOptions::new().hooks(watch.clone())).unwrap();
            assert_eq!(watch.told()[0], expected);
        }
    });
}
