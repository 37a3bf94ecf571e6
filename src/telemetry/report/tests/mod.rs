//! Reports of runs that were told by hand, and what is in their pages.

mod logs;
mod previous;

use std::borrow::Cow;
use std::time::{Duration, SystemTime};

use serde_json::Value;

use super::document::{SCRIPTS, embeddable};
use crate::events::{
    Event, EventKind, FailureCause, NodeEnd, NodeRef, RunEnd, RunEnded, RunStarted, Transfer,
};
use crate::telemetry::RunRecord;
use crate::telemetry::record::{Graph, WrittenGraph, WrittenNode};

/// What would be markup, a script or an end of either, were it taken for it.
const HOSTILE: &str =
    "</script ><img src=x onerror=alert(1)><!--<script>\u{202e}\u{2028}&amp;\"'`${1}";

fn written(name: &str, needs: &[u32]) -> WrittenNode {
    WrittenNode {
        name: name.to_owned(),
        function: "tests::node".to_owned(),
        outputs: vec![format!("{name}.out")],
        needs: needs.to_vec(),
        ..WrittenNode::default()
    }
}

/// A run that is told event by event, in milliseconds.
struct Script {
    record: RunRecord,
    seq: u64,
}

impl Script {
    fn new(id: &str, nodes: Vec<WrittenNode>) -> Self {
        let count = nodes.len() as u32;
        let record = RunRecord::new(Graph::Written(WrittenGraph::new(nodes)));
        let mut script = Self { record, seq: 0 };
        let started = RunStarted {
            run_id: id.into(),
            started: SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000),
            runner: "thread".into(),
            workers: 2,
            nodes: count,
            save_version: "v1".into(),
            load_versions: Vec::new(),
            parameters: vec![("limit".into(), "1.5".into())],
        };
        script.tell(0, EventKind::RunStarted(Box::new(started)));
        script
    }

    fn tell(&mut self, at: u64, kind: EventKind<'_>) {
        let (at, worker) = (Duration::from_millis(at), Cow::Borrowed("w0"));
        self.record.apply(&Event { seq: self.seq, at, worker, kind });
        self.seq += 1;
    }

    fn node(&self, index: u32) -> NodeRef<'static> {
        NodeRef { name: self.record.graph.name(index).to_owned().into(), index }
    }

    fn start(&mut self, at: u64, node: u32) {
        let (node, queued) = (self.node(node), Duration::from_millis(1));
        self.tell(at, EventKind::NodeStarted { node, attempt: 1, queued });
    }

    fn run(&mut self, node: u32, from: u64, to: u64) {
        self.start(from, node);
        let (node, ran) = (self.node(node), Duration::from_millis(to - from));
        self.tell(to, EventKind::NodeDone(NodeEnd { node, attempt: 1, ran, rows: Some(3) }));
    }

    fn fail(&mut self, node: u32, from: u64, to: u64, message: &str) {
        self.start(from, node);
        let (node, ran) = (self.node(node), Duration::from_millis(to - from));
        let failure = Box::new(FailureCause {
            kind: "error".into(),
            message: message.to_owned(),
            causes: vec![message.to_owned()],
            place: Some(message.to_owned()),
        });
        let end = NodeEnd { node, attempt: 1, ran, rows: None };
        self.tell(to, EventKind::NodeFailed { end, failure });
    }

    fn end(&mut self, at: u64, end: RunEnd) {
        let took = Duration::from_millis(at);
        let ended = RunEnded { end, took, error: None, problems: Vec::new(), resume: None };
        self.tell(at, EventKind::RunEnded(Box::new(ended)));
    }
}

/// The data that is in a page.
fn data(html: &str) -> Value {
    let (_, after) = html.split_once("<script type=\"application/json\" id=\"data\">").unwrap();
    serde_json::from_str(after.split_once("</script>").unwrap().0).unwrap()
}

#[test]
fn a_report_has_every_node_with_its_state_and_times() {
    let mut script = Script::new("nightly", vec![written("a", &[]), written("b", &[0])]);
    script.run(0, 1, 11);
    script.fail(1, 12, 15, "no");
    script.end(16, RunEnd::Failed);
    let data = data(&script.record.to_html());
    assert_eq!(data["run"]["id"], "nightly");
    assert_eq!(data["run"]["end"], "failed");
    assert_eq!(data["run"]["started"], "2027-01-15T08:00:00.000Z");
    assert_eq!(data["nodes"]["name"], serde_json::json!(["a", "b"]));
    assert_eq!(data["nodes"]["state"], serde_json::json!([3, 5]));
    assert_eq!(data["nodes"]["needs"], serde_json::json!([[], [0]]));
    assert_eq!(data["attempts"]["ran"], serde_json::json!([10_000_000, 3_000_000]));
    assert_eq!(data["critical_path"], serde_json::json!([0, 1]));
    assert_eq!(data["path_before"], serde_json::json!([0, 0]));
    assert_eq!(data["failures"][0]["causes"], serde_json::json!(["no"]));
    assert_eq!(data["run"]["parameters"], serde_json::json!([["limit", "1.5"]]));
}

#[test]
fn each_attempt_that_was_followed_by_another_has_its_own_reason() {
    let mut script = Script::new("nightly", vec![written("a", &[])]);
    for (attempt, message) in [(1, "too early"), (2, "too late")] {
        let (at, queued) = (u64::from(attempt) * 10, Duration::ZERO);
        let node = script.node(0);
        script.tell(at, EventKind::NodeStarted { node, attempt, queued });
        let (node, ran) = (script.node(0), Duration::from_millis(1));
        let failure = Box::new(FailureCause {
            kind: "error".into(),
            message: message.to_owned(),
            causes: Vec::new(),
            place: None,
        });
        let end = NodeEnd { node, attempt, ran, rows: None };
        script.tell(at + 1, EventKind::NodeRetried { end, failure, pause: Duration::ZERO });
    }
    let (node, queued) = (script.node(0), Duration::ZERO);
    script.tell(30, EventKind::NodeStarted { node, attempt: 3, queued });
    let (node, ran) = (script.node(0), Duration::from_millis(1));
    script.tell(31, EventKind::NodeDone(NodeEnd { node, attempt: 3, ran, rows: None }));
    script.end(32, RunEnd::Done);
    let data = data(&script.record.to_html());
    let retried = data["retried"].as_array().unwrap();
    let told: Vec<_> = retried.iter().map(|pair| (&pair[0], &pair[1]["message"])).collect();
    assert_eq!(serde_json::json!(told), serde_json::json!([[0, "too early"], [1, "too late"]]));
}

#[test]
fn a_run_without_its_last_event_has_no_end_and_what_was_under_way_has_none() {
    let mut script = Script::new("nightly", vec![written("a", &[])]);
    script.start(5, 0);
    let data = data(&script.record.to_html());
    assert_eq!(data["run"]["end"], Value::Null);
    assert_eq!(data["attempts"]["ran"], serde_json::json!([null]));
}

#[test]
fn a_record_of_nothing_is_a_report_too() {
    let data = data(&RunRecord::new(Graph::default()).to_html());
    assert_eq!(data["run"]["id"], Value::Null);
    assert_eq!(data["nodes"]["name"], serde_json::json!([]));
}

#[test]
fn nothing_of_a_run_ends_the_element_it_is_in_or_begins_another() {
    let nodes = vec![WrittenNode {
        namespace: Some(HOSTILE.to_owned()),
        function: HOSTILE.to_owned(),
        tags: vec![HOSTILE.to_owned()],
        inputs: vec![HOSTILE.to_owned()],
        ..written(HOSTILE, &[])
    }];
    let mut script = Script::new(HOSTILE, nodes);
    script.fail(0, 1, 2, HOSTILE);
    script.end(3, RunEnd::Failed);
    let (html, plain) = (script.record.to_html(), RunRecord::new(Graph::default()).to_html());
    for mark in ["<script", "</script", "<img", "<!--"] {
        assert_eq!(html.matches(mark).count(), plain.matches(mark).count(), "{mark}");
    }
    let data = data(&html);
    assert_eq!(data["run"]["id"], HOSTILE);
    assert_eq!(data["nodes"]["name"][0], HOSTILE);
    assert_eq!(data["failures"][0]["message"], HOSTILE);
}

#[test]
fn escapes_change_no_value() {
    let value = serde_json::json!({ HOSTILE: [HOSTILE, "<", "\u{2029}", "ä<ö"] });
    let escaped = embeddable(&value.to_string());
    assert!(!escaped.contains(['<', '>', '&', '\u{2028}', '\u{2029}']), "{escaped}");
    assert_eq!(serde_json::from_str::<Value>(&escaped).unwrap(), value);
}

#[test]
fn the_scripts_have_no_way_to_take_text_for_markup_or_code() {
    let ways = [
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "eval(",
        "Function(",
        "DOMParser",
        "createContextualFragment",
        "srcdoc",
        "import(",
        "XMLHttpRequest",
        "fetch(",
        "setTimeout(\"",
        "javascript:",
    ];
    for script in SCRIPTS {
        assert_eq!(ways.iter().find(|way| script.contains(**way)), None);
        assert!(!script.contains("</script"));
    }
}

#[test]
fn a_page_asks_the_network_for_nothing() {
    let html = RunRecord::new(Graph::default()).to_html();
    let addresses: Vec<_> = html
        .split("http")
        .skip(1)
        .filter(|rest| rest.starts_with("://") || rest.starts_with("s://"))
        .collect();
    // The name of the language that drawings are in is no address.
    assert!(
        addresses.iter().all(|rest| rest.starts_with("://www.w3.org/2000/svg\"")),
        "{addresses:?}"
    );
    assert!(html.contains("default-src 'none'"));
    assert!(!html.contains("unsafe-"));
}

#[test]
fn each_page_has_a_nonce_of_its_own() {
    let nonce = |html: &str| html.split_once("'nonce-").unwrap().1[..32].to_owned();
    let record = RunRecord::new(Graph::default());
    assert_ne!(nonce(&record.to_html()), nonce(&record.to_html()));
}

#[test]
fn texts_without_measure_are_cut_and_say_so() {
    let long = "ä".repeat(1 << 20);
    let mut script = Script::new(&long, vec![written(&long, &[])]);
    script.fail(0, 1, 2, &long);
    let html = script.record.to_html();
    assert!(html.len() < 300_000, "{}", html.len());
    let message = data(&html)["failures"][0]["message"].as_str().unwrap().to_owned();
    assert!(message.ends_with("bytes more"), "{message}");
}

/// Chains of ten, with names as long as people give them, each node with a save.
fn many(count: u32) -> RunRecord {
    let nodes = (0..count).map(|at| {
        let needs: Vec<u32> = if at % 10 == 0 { Vec::new() } else { vec![at - 1] };
        WrittenNode {
            namespace: Some(format!("region_{}.features", at / 200)),
            tags: vec!["nightly".to_owned()],
            inputs: needs
                .iter()
                .map(|need| format!("region_{}.features.rows_{need}", need / 200))
                .collect(),
            outputs: vec![format!("region_{}.features.rows_{at}", at / 200)],
            ..written(&format!("region_{}.features.join_weather_{at}", at / 200), &needs)
        }
    });
    let mut script = Script::new("nightly-2026-11-21", nodes.collect());
    for at in 0..count {
        let transfer = Transfer {
            node: script.node(at),
            attempt: 1,
            dataset: format!("region_{}.features.rows_{at}", at / 200).into(),
            took: Duration::from_nanos(1_234_567),
            rows: Some(1_000_000),
            bytes: Some(12_345_678),
            error: None,
        };
        script.tell(u64::from(at) * 7 + 1_000_004, EventKind::DatasetSaved(transfer));
        script.run(at, u64::from(at) * 7 + 1_000_000, u64::from(at) * 7 + 1_000_005);
    }
    script.end(u64::from(count) * 7 + 1_000_009, RunEnd::Done);
    script.record
}

#[test]
fn a_report_of_ten_thousand_nodes_is_at_most_five_megabytes() {
    let html = many(10_000).to_html();
    assert!(html.len() < 5_000_000, "{}", html.len());
}

#[test]
fn a_report_that_cannot_be_written_says_where() {
    let record = RunRecord::new(Graph::default());
    let error = record.write_report("/no/such/folder/report.html").unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::NotFound);
    assert!(error.to_string().contains("/no/such/folder/report.html"), "{error}");
}

#[test]
fn a_report_takes_the_place_of_the_one_before() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("report.html");
    std::fs::write(&path, "before").unwrap();
    RunRecord::new(Graph::default()).write_report(&path).unwrap();
    assert!(std::fs::read_to_string(&path).unwrap().starts_with("<!DOCTYPE html>"));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}
