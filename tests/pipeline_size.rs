//! A chain of a million nodes is built, selected from, subtracted from and dropped: none
//! of it calls itself, and all of it takes time that grows with the nodes.
#![cfg(feature = "pipeline")]

use entourage::{Data, Pipeline, Selection, node};

const NODES: usize = 1_000_000;

fn chain() -> Pipeline {
    let data = |at: usize| Data::<u64>::memory("d").named(format!("d{at}"));
    let make = |at: usize| {
        node(|n: &u64| n + 1).reads(data(at)).writes(data(at + 1)).named(format!("n{at}"))
    };
    Pipeline::new((0..NODES).rev().map(make)).unwrap()
}

#[test]
fn chain_of_a_million_nodes() {
    // A stack on which no recursion would come far.
    let test = || {
        let pipeline = chain();
        assert_eq!(pipeline.len(), NODES);
        assert_eq!(pipeline.inputs().collect::<Vec<_>>(), ["d0"]);
        assert_eq!(pipeline.outputs().collect::<Vec<_>>(), [format!("d{NODES}")]);
        assert_eq!(pipeline.node_names().nth(123_456), Some("n123456"));
        let second_half = Selection::new().from_nodes([format!("n{}", NODES / 2)]);
        let second_half = pipeline.select(&second_half).unwrap();
        assert_eq!(second_half.len(), NODES / 2);
        let first_half = (&pipeline - &second_half).unwrap();
        assert_eq!(first_half.node_names().last(), Some("n499999"));
        assert_eq!(first_half.groups().count(), NODES / 2);
        drop(pipeline);
    };
    std::thread::Builder::new().stack_size(256 * 1024).spawn(test).unwrap().join().unwrap();
}
