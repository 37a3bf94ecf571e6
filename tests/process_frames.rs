//! Data frames that nodes in processes of their own pass each other.

#![cfg(all(feature = "polars", unix))]

#[expect(dead_code, reason = "each test file needs some of the helpers")]
#[path = "support/processes.rs"]
mod processes;

use entourage::{Catalog, Data, Pipeline, RunOptions, node, serve_worker};
use polars::df;
use polars::frame::DataFrame;
use processes::again;

const TABLE: Data<DataFrame> = Data::frame("table");
const TALL: Data<DataFrame> = Data::frame("tall");

fn table() -> DataFrame {
    df!("name" => [Some("Kennedy"), None], "delay" => [0.1 + 0.2, f64::MAX]).unwrap()
}

#[test]
fn frame_that_is_bound_to_nothing_passes_from_node_to_node_and_comes_out() {
    let tall = |table: &DataFrame| table.vstack(table);
    let pipeline = Pipeline::new([
        node(table).reads(()).writes(TABLE).named("table"),
        node(tall).reads(TABLE).writes(TALL).named("tall"),
    ]);
    let (pipeline, catalog) = (pipeline.unwrap(), Catalog::empty());
    serve_worker(&pipeline, &catalog).if_asked();

    let test = frame_that_is_bound_to_nothing_passes_from_node_to_node_and_comes_out;
    let runner = again(test).workers(2).build().unwrap();
    let mut report = runner.run(&pipeline, &catalog, RunOptions::new()).unwrap();
    let tall = report.take_output(&TALL).unwrap();
    assert!(tall.equals_missing(&table().vstack(&table()).unwrap()));
}
