use std::fs;
use std::path::PathBuf;

use proptest::prelude::*;
use tempfile::TempDir;

use super::{EVENTS, PIPELINE, RecordError, SUMMARY};
use crate::events::RunEnd;
use crate::{Data, NodeState, Pipeline, RunRecord, node};

const BEGIN: &str = r#"{"seq":0,"at_ns":0,"event":"run_started","worker":"main","schema":1,"entourage":"0.0.9","run_id":"r","started":"2026-11-21T20:30:00Z","runner":"thread","workers":2,"nodes":2,"save_version":"v","load_versions":{},"parameters":{}}
"#;
const CLEAN: &str = r#"{"seq":1,"at_ns":10,"event":"node_started","worker":"w0","node":"clean","attempt":1,"queued_ns":3}
"#;
const CLEANED: &str = r#"{"seq":2,"at_ns":30,"event":"node_done","worker":"w0","node":"clean","attempt":1,"ran_ns":20}
"#;
const FIT: &str = r#"{"seq":3,"at_ns":40,"event":"node_started","worker":"w1","node":"fit","attempt":1,"queued_ns":5}
"#;
const END: &str = r#"{"seq":4,"at_ns":50,"event":"run_ended","worker":"main","end":"cancelled","took_ns":50,"problems":[]}
"#;

struct Run(TempDir);

impl Run {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// With the pipeline and these events.
    fn of(events: impl AsRef<[u8]>) -> Self {
        Self::new().with(PIPELINE, pipeline().to_json()).with(EVENTS, events)
    }

    fn with(self, name: &str, text: impl AsRef<[u8]>) -> Self {
        fs::write(self.path(name), text).unwrap();
        self
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn read(&self) -> Result<RunRecord, RecordError> {
        RunRecord::read(self.0.path())
    }

    #[track_caller]
    fn error(&self) -> String {
        let error = self.read().unwrap_err();
        error.to_string().replace(&*self.0.path().to_string_lossy(), "run")
    }
}

fn pipeline() -> Pipeline {
    const ROWS: Data<u8> = Data::memory("rows");
    const MODEL: Data<u8> = Data::memory("model");
    Pipeline::new([
        node(|| 1_u8).reads(()).writes(ROWS).named("clean"),
        node(|rows: &u8| *rows).reads(ROWS).writes(MODEL).named("fit").tag("slow"),
    ])
    .unwrap()
}

#[test]
fn a_run_that_was_killed_is_interrupted_with_what_was_under_way() {
    let run = Run::of([BEGIN, CLEAN, CLEANED, FIT].concat());
    let record = run.read().unwrap();
    assert!(record.is_interrupted() && record.end().is_none());
    assert_eq!((record.run_id(), record.problems()), (Some("r"), &[][..]));
    let states: Vec<_> = record.nodes().map(|node| (node.name, node.state)).collect();
    assert_eq!(states, [("clean", NodeState::Done), ("fit", NodeState::Running)]);
    assert_eq!(record.written_by.as_deref(), Some("0.0.9"));
    assert_eq!(record.took().as_nanos(), 40);
    // All that is known of the pipeline is there.
    assert_eq!(record.graph.needs(1).collect::<Vec<_>>(), [0]);
    assert_eq!((record.graph.tags(1), record.graph.inputs(1)), (vec!["slow"], vec!["rows"]));
    assert_eq!(record.folder.as_deref(), Some(run.0.path()));
}

#[test]
fn a_torn_last_line_is_said_and_nothing_else_is_lost() {
    for cut in 1..FIT.len() - 1 {
        let text = [BEGIN, CLEAN, &FIT[..cut]].concat();
        let record = Run::of(text).read().unwrap();
        let problem = "events.jsonl line 3, the last, is torn: it is being written, or was when \
                       the process ended";
        assert_eq!(record.problems(), [problem]);
        assert_eq!(record.count(NodeState::Running), 1);
    }
    // Where only the line feed is missing nothing is.
    let record = Run::of([BEGIN, CLEAN, CLEANED.trim_end()].concat()).read().unwrap();
    assert_eq!((record.problems().len(), record.count(NodeState::Done)), (0, 1));
}

#[test]
fn what_is_wrong_in_the_midst_is_said_with_its_line() {
    let unknown = r#"{"seq":5,"at_ns":30,"event":"node_cached","worker":"w","node":"clean"}"#;
    let of_another = CLEAN.replace("clean", "gone").replace("\"seq\":1", "\"seq\":6");
    let text = [BEGIN, "\0\0\0\n", CLEAN, "\n", unknown, "\n", &of_another, CLEAN, END].concat();
    let record = Run::of(text).read().unwrap();
    let said = [
        "events.jsonl line 2: column 1: expected value; a line is an object with `seq`, `at_ns`, \
         `event`, `worker`",
        "events.jsonl line 4: column 0: EOF while parsing a value; a line is an object with `seq`, \
         `at_ns`, `event`, `worker`",
        "events.jsonl line 5: \"node_cached\" is no event that this version of entourage knows",
        "events.jsonl line 6: `gone` is no node of the run's pipeline.json",
        "1 of the events in events.jsonl are there twice",
        "2 events are missing from events.jsonl; the first is 2",
        "there is no summary.json: what else could not be written is not known",
    ];
    assert_eq!(record.problems(), said);
    assert_eq!(record.end(), Some(RunEnd::Cancelled));
    let invalid = [BEGIN.as_bytes(), b"\"\xff\xfe\"\n", CLEAN.as_bytes()].concat();
    let problems = Run::of(invalid).read().unwrap().problems;
    assert!(problems[0].starts_with("events.jsonl line 2: column "), "{problems:?}");
}

#[test]
fn of_very_many_lines_that_cannot_be_read_some_are_told() {
    let text = format!("{BEGIN}{}", "nonsense\n".repeat(1000));
    let record = Run::of(text).read().unwrap();
    assert_eq!(record.problems().len(), 21);
    assert_eq!(record.problems()[20], "and 980 more lines");
}

#[test]
fn without_its_pipeline_a_run_has_the_nodes_that_events_name() {
    for empty in [Run::new(), Run::new().with(PIPELINE, "")] {
        let record = empty.with(EVENTS, [BEGIN, CLEAN, CLEANED, FIT].concat()).read().unwrap();
        let names: Vec<_> = record.nodes().map(|node| node.name).collect();
        assert_eq!(names, ["clean", "fit"]);
        assert_eq!(record.count(NodeState::Done), 1);
        assert!(record.problems()[0].starts_with("there is no pipeline.json: "));
    }
}

#[test]
fn a_run_whose_process_ended_before_its_first_event_is_known_as_that() {
    let record = Run::new().read().unwrap();
    assert!(record.is_interrupted() && record.nodes().len() == 0 && record.run_id().is_none());
    assert_eq!(record.problems().len(), 2);
    let record = Run::new().with(PIPELINE, pipeline().to_json()).read().unwrap();
    assert_eq!((record.nodes().len(), record.count(NodeState::NeverStarted)), (2, 2));
    assert_eq!(record.problems(), ["there is no events.jsonl: nothing is known of the run"]);
    let record = Run::of("").read().unwrap();
    assert_eq!((record.problems().len(), record.is_interrupted()), (0, true));
}

#[test]
fn what_is_no_record_of_a_run_is_an_error_that_says_where() {
    let not_found = RunRecord::read("/no/such/folder").unwrap_err();
    assert!(not_found.is_not_found());
    assert!(not_found.to_string().contains("`/no/such/folder`"), "{not_found}");
    let other = Run::new().with("notes.txt", "");
    assert!(other.read().unwrap_err().is_not_found());
    assert!(other.error().starts_with("`run` is not the folder of a run: it has neither an"));

    let cases = [
        (Run::of("nonsense\n"), "`run/events.jsonl`: line 1: column 2: expected ident"),
        (Run::of("{}\n[]\n"), "`run/events.jsonl`: line 1: column 2: missing field `seq`"),
        (
            Run::of(BEGIN.replace("\"schema\":1", "\"schema\":9")),
            "`run/events.jsonl`: line 1: it is of schema 9, and this version of entourage reads",
        ),
        (Run::of(BEGIN).with(PIPELINE, "{"), "`run/pipeline.json`: EOF while parsing an object"),
        (
            Run::of(BEGIN).with(PIPELINE, r#"{"schema":2,"nodes":[],"datasets":[]}"#),
            "`run/pipeline.json`: it is of schema 2, and this version of entourage reads schema 1",
        ),
        (
            Run::of(BEGIN).with(PIPELINE, pipeline().to_json().replace("\"fit\"", "\"clean\"")),
            "`run/pipeline.json`: two of its nodes have one name",
        ),
    ];
    for (run, expected) in cases {
        let error = run.error();
        assert!(error.starts_with(expected), "{error}");
        assert!(run.read().unwrap_err().is_malformed());
    }
    let folder = Run::of(BEGIN);
    fs::remove_file(folder.path(EVENTS)).unwrap();
    fs::create_dir(folder.path(EVENTS)).unwrap();
    assert_eq!(folder.error(), "cannot read `run/events.jsonl`: it is not a file");
}

#[cfg(unix)]
#[test]
fn a_device_in_the_place_of_a_file_is_not_read() {
    let run = Run::of(BEGIN);
    fs::remove_file(run.path(EVENTS)).unwrap();
    std::os::unix::fs::symlink("/dev/zero", run.path(EVENTS)).unwrap();
    assert_eq!(run.error(), "cannot read `run/events.jsonl`: it is not a file");
}

#[test]
fn what_the_recorder_could_not_write_is_among_the_problems() {
    let summary = r#"{"schema":1,"run_id":"of the summary","problems":["2 events are lost"]}"#;
    let record = Run::of(END.replace('4', "0")).with(SUMMARY, summary).read().unwrap();
    assert_eq!(
        (record.run_id(), record.problems()),
        (Some("of the summary"), &["2 events are lost".to_owned()][..])
    );
    let record = Run::of(BEGIN).with(SUMMARY, "{").read().unwrap();
    assert!(record.problems()[0].starts_with("summary.json cannot be read: EOF"));
}

#[test]
fn numbers_beyond_all_reason_are_read_as_they_are() {
    let most = u64::MAX.to_string();
    let event = |kind: &str, rest: &str| {
        format!(r#"{{"seq":{most},"at_ns":{most},"event":"{kind}","worker":"w"{rest}}}"#) + "\n"
    };
    let of_node =
        format!(r#","node":"fit","attempt":{},"queued_ns":{most},"ran_ns":{most}"#, u32::MAX);
    let moved = format!(
        r#",{of_node},"dataset":"d","took_ns":{most},"bytes":{most}"#,
        of_node = &of_node[1..]
    );
    let text = [
        event("node_started", &of_node),
        event("dataset_loaded", &moved),
        event("dataset_loaded", &moved),
        event("node_done", &of_node),
    ];
    let record = Run::of(text.concat()).read().unwrap();
    let node = record.node("fit").unwrap();
    assert_eq!((node.attempts, node.bytes_loaded), (u32::MAX, Some(u64::MAX)));
    assert!(record.efficiency().is_none());
    ask_everything(&record);
}

/// Nothing that a record can be asked for makes it panic.
fn ask_everything(record: &RunRecord) {
    for node in record.nodes() {
        assert!(record.node(node.name).is_some());
    }
    let _ = (record.efficiency(), record.critical_path(), record.took(), format!("{record:?}"));
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(
        cuts in prop::collection::vec((any::<prop::sample::Index>(), 0..40_usize, any::<Vec<u8>>()), 1..4),
        file in 0..3_usize,
        swap in any::<prop::sample::Index>(),
    ) {
        let mut events = [BEGIN, CLEAN, CLEANED, FIT, END];
        let swap = swap.index(events.len());
        events.swap(swap, 0);
        let mut files = [
            events.concat().into_bytes(),
            pipeline().to_json().into_bytes(),
            br#"{"run_id":"r","problems":["x"]}"#.to_vec(),
        ];
        for (at, length, bytes) in cuts {
            let from = at.index(files[file].len() + 1);
            let to = files[file].len().min(from + length);
            files[file].splice(from..to, bytes);
        }
        let [events, pipeline, summary] = files;
        let run = Run::new().with(EVENTS, events).with(PIPELINE, pipeline).with(SUMMARY, summary);
        match run.read() {
            Ok(record) => ask_everything(&record),
            Err(error) => prop_assert!(error.is_malformed(), "{error}"),
        }
    }
}
