//! What a report says of the run before.

use serde_json::json;

use super::super::previous::{compared, is_alike};
use super::{Script, written};
use crate::events::RunEnd;

fn run(names: &[&str], took: u64) -> Script {
    let mut script = Script::new("nightly", names.iter().map(|name| written(name, &[])).collect());
    for at in 0..names.len() as u32 {
        script.run(at, 10, 10 + took);
    }
    script.end(100, RunEnd::Done);
    script
}

#[test]
fn nodes_are_held_against_those_of_the_same_name() {
    let before = run(&["gone", "b"], 4);
    let mut now = run(&["a", "b"], 7);
    now.record.started.as_mut().unwrap().parameters = vec![("rate".into(), "2".into())];
    let compared = serde_json::to_value(compared(&now.record, &before.record)).unwrap();
    assert_eq!(compared["state"], json!([null, 3]));
    assert_eq!(compared["ran"], json!([null, 4_000_000]));
    assert_eq!((&compared["gone"], &compared["gone_count"]), (&json!(["gone"]), &json!(1)));
    assert_eq!(compared["parameters"], json!([["limit", "1.5", null], ["rate", null, "2"]]));
}

#[test]
fn a_run_of_less_than_half_of_the_nodes_is_not_the_run_before() {
    let now = run(&["a", "b", "c"], 1);
    assert!(is_alike(&now.record, &run(&["b", "c", "x", "y", "z"], 1).record));
    assert!(!is_alike(&now.record, &run(&["c", "x"], 1).record));
    assert!(!is_alike(&run(&[], 1).record, &run(&[], 1).record));
}
