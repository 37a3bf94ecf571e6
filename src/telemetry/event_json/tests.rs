use std::borrow::Cow;
use std::time::{Duration, SystemTime};

use proptest::prelude::*;

use super::{Line, read_line, write_line};
use crate::events::{
    Event, EventKind, FailureCause, NodeEnd, NodeRef, ResumeFrom, RunEnd, RunEnded, RunStarted,
    Transfer,
};

fn node(name: &str) -> NodeRef<'_> {
    NodeRef { name: Cow::Borrowed(name), index: 3 }
}

fn end(name: &str) -> NodeEnd<'_> {
    NodeEnd { node: node(name), attempt: 2, ran: Duration::from_nanos(7), rows: None }
}

fn failure() -> Box<FailureCause> {
    Box::new(FailureCause {
        kind: "panic".into(),
        message: "node `clean` panicked: out of luck".into(),
        causes: vec!["row 3".into(), "not a number\n".into()],
        place: Some("src/main.rs:3:4".into()),
    })
}

fn transfer() -> Transfer<'static> {
    Transfer {
        node: node("clean"),
        attempt: 1,
        dataset: "rows@csv".into(),
        took: Duration::from_nanos(5),
        rows: Some(3),
        bytes: Some(77),
        error: None,
    }
}

fn started() -> RunStarted<'static> {
    RunStarted {
        run_id: "nightly-42".into(),
        started: SystemTime::UNIX_EPOCH + Duration::new(1_763_757_000, 123_456_789),
        runner: "thread".into(),
        workers: 2,
        nodes: 8,
        save_version: "2026-11-21T20.30.00.000Z".into(),
        load_versions: vec![("model".into(), "v1".into())],
        parameters: vec![
            ("params:rate".into(), "0.30000000000000004".into()),
            ("params:all".into(), r#"{"b":[1,null,"x"],"a":18446744073709551616}"#.into()),
        ],
    }
}

fn ended() -> RunEnded<'static> {
    RunEnded {
        end: RunEnd::Failed,
        took: Duration::from_millis(3),
        error: Some("1 of 8 nodes failed".into()),
        problems: vec!["one".into(), "two".into()],
        resume: Some(ResumeFrom {
            nodes: vec!["clean".into(), "fit".into()],
            from_nodes: vec!["clean".into()],
            is_exact: true,
            is_whole: false,
        }),
    }
}

fn every_kind() -> Vec<EventKind<'static>> {
    let queued = Duration::from_nanos(1200);
    let failed = Transfer { error: Some("no such file".into()), rows: None, ..transfer() };
    vec![
        EventKind::RunStarted(Box::new(started())),
        EventKind::NodeUpToDate { node: node("clean") },
        EventKind::NodeStarted { node: node("clean"), attempt: 1, queued },
        EventKind::NodeGivenBack { node: node("clean"), attempt: 1, dataset: "rows".into() },
        EventKind::DatasetLoaded(transfer()),
        EventKind::DatasetSaved(failed),
        EventKind::DatasetReleased { dataset: "rows".into() },
        EventKind::NodeDone(NodeEnd { rows: Some(0), ..end("clean") }),
        EventKind::NodeFailed { end: end("clean"), failure: failure() },
        EventKind::NodeRetried { end: end("clean"), failure: failure(), pause: queued },
        EventKind::NodeCancelled(end("clean")),
        EventKind::NodeSkipped { node: node("fit"), by: node("clean") },
        EventKind::RunCancelled,
        EventKind::RunEnded(Box::new(ended())),
    ]
}

fn event(kind: EventKind<'_>) -> Event<'_> {
    let at = Duration::from_nanos(1_234_567);
    Event { seq: 12, at, worker: "entourage-0".into(), kind }
}

fn line(event: &Event<'_>) -> String {
    let mut line = Vec::new();
    write_line(event, &mut line);
    String::from_utf8(line).unwrap()
}

fn read(line: &str) -> Result<Line<'_>, String> {
    read_line(line.as_bytes(), &mut |_| Some(3)).map_err(|error| error.to_string())
}

#[track_caller]
fn assert_same(event: &Event<'_>) {
    let text = line(event);
    assert_eq!(text.find('\n'), Some(text.len() - 1), "{text:?}");
    let odd = |c: char| c.is_control() || "\u{2028}\u{2029}".contains(c);
    assert!(!text.trim_end_matches('\n').contains(odd), "{text:?}");
    let Line::Event { event: found, .. } = read(&text).unwrap() else { panic!("{text}") };
    assert_eq!(&found, event);
}

#[test]
fn a_line_is_as_documented() {
    let queued = Duration::from_nanos(1200);
    let started = event(EventKind::NodeStarted { node: node("clean"), attempt: 1, queued });
    let expected = r#"{"seq":12,"at_ns":1234567,"event":"node_started","worker":"entourage-0","node":"clean","attempt":1,"queued_ns":1200}"#;
    assert_eq!(line(&started), format!("{expected}\n"));
    let begin = line(&event(EventKind::RunStarted(Box::new(self::started()))));
    assert!(begin.contains(r#""started":"2025-11-21T20:30:00.123456789Z""#), "{begin}");
    assert!(begin.contains(r#""schema":1,"entourage":""#), "{begin}");
}

#[test]
fn every_kind_of_event_comes_back_as_it_was() {
    every_kind().into_iter().for_each(|kind| assert_same(&event(kind)));
}

#[test]
fn the_longest_of_times_and_the_oddest_of_clocks_are_written() {
    let mut long = event(EventKind::RunCancelled);
    long.at = Duration::MAX;
    let long = line(&long);
    let Line::Event { event: found, .. } = read(&long).unwrap() else { panic!() };
    assert_eq!(found.at, Duration::from_nanos(u64::MAX));
    let early = SystemTime::UNIX_EPOCH - Duration::from_secs(1);
    let mut odd = started();
    odd.started = early;
    assert!(line(&event(EventKind::RunStarted(Box::new(odd)))).contains("1970-01-01T00:00:00"));
}

#[test]
fn a_parameter_that_is_not_json_is_a_string_and_one_on_several_lines_is_on_one() {
    let mut odd = started();
    let values = ["{\n \"a\": 1\r\n}", "no json", "{\"a\":1}{", "\"line\nfeed\""];
    odd.parameters = values.iter().map(|value| ("p".into(), (*value).into())).collect();
    let text = line(&event(EventKind::RunStarted(Box::new(odd))));
    assert_eq!(text.matches('\n').count(), 1);
    let Line::Event { event: found, .. } = read(&text).unwrap() else { panic!() };
    let EventKind::RunStarted(found) = found.kind else { panic!() };
    let found: Vec<_> = found.parameters.iter().map(|(_, value)| &**value).collect();
    let expected = ["{  \"a\": 1  }", r#""no json""#, r#""{\"a\":1}{""#, r#""\"line\nfeed\"""#];
    assert_eq!(found, expected);
}

#[test]
fn what_a_newer_version_adds_is_passed_over_or_told() {
    let more = r#"{"seq":1,"at_ns":2,"event":"run_cancelled","worker":"w","why":{"a":[1]}}"#;
    assert!(matches!(read(more), Ok(Line::Event { .. })));
    let unknown = r#"{"seq":9,"at_ns":2,"event":"node_cached","worker":"w","node":"x"}"#;
    assert_eq!(read(unknown), Ok(Line::Unknown { seq: 9, event: "node_cached".into() }));
    let newer = line(&event(EventKind::RunStarted(Box::new(started()))))
        .replace("\"schema\":1", "\"schema\":2");
    assert_eq!(
        read(&newer).unwrap_err(),
        "it is of schema 2, and this version of entourage reads schema 1"
    );
}

#[test]
fn what_is_wrong_with_a_line_is_told() {
    let cases = [
        ("", "column 0: EOF while parsing a value; a line is an object with"),
        ("nonsense", "column 2: expected ident; a line is an object with"),
        ("1", "column 1: invalid type: integer `1`, expected an object; a line is"),
        (r#"{"seq":1,"at_ns":2"#, "column 18: EOF while parsing an object"),
        (r#"{"seq":1,"at_ns":2,"worker":"w"}"#, "missing field `event`"),
        (r#"{"seq":-1,"at_ns":2,"event":"x","worker":"w"}"#, "invalid value: integer `-1`"),
        (
            r#"{"seq":1,"at_ns":2,"event":"node_started","worker":"w","node":"a"}"#,
            "`node_started` has no `attempt`",
        ),
        (
            r#"{"seq":1,"at_ns":2,"event":"run_ended","worker":"w","end":"well","took_ns":1}"#,
            "`run_ended` has `end` \"well\", which is not `done`, `failed`, `cancelled` or `refused`",
        ),
    ];
    for (line, expected) in cases {
        let error = read(line).unwrap_err();
        assert!(error.contains(expected), "{line}: {error}");
    }
    let unknown = line(&event(EventKind::NodeDone(end("gone"))));
    let error = read_line(unknown.as_bytes(), &mut |_| None).unwrap_err();
    assert_eq!(error.to_string(), "`gone` is no node of the run's pipeline.json");
}

proptest! {
    #[test]
    fn any_text_comes_back_as_it_was(text in any::<String>(), number in any::<u64>()) {
        let at = Duration::from_nanos(number);
        let kinds = [
            EventKind::NodeDone(NodeEnd { rows: Some(number), ..end(&text) }),
            EventKind::DatasetLoaded(Transfer {
                dataset: Cow::Borrowed(&text),
                error: Some(Cow::Borrowed(&text)),
                ..transfer()
            }),
            EventKind::RunEnded(Box::new(RunEnded {
                problems: vec![Cow::Borrowed(&text), Cow::Borrowed(&text)],
                error: None,
                resume: None,
                ..ended()
            })),
        ];
        for kind in kinds {
            assert_same(&Event { seq: number, at, worker: Cow::Borrowed(&text), kind });
        }
    }

    #[test]
    fn no_line_makes_the_reader_panic(line in any::<Vec<u8>>(), at in any::<prop::sample::Index>()) {
        _ = read_line(&line, &mut |_| Some(0));
        let kinds = every_kind();
        let whole = self::line(&event(kinds[at.index(kinds.len())].clone()));
        let cut = &whole.as_bytes()[..at.index(whole.len())];
        prop_assert!(cut.len() + 1 == whole.len() || read_line(cut, &mut |_| Some(0)).is_err());
        let mut mangled = whole.into_bytes();
        let from = at.index(mangled.len());
        mangled.splice(from..from, line);
        _ = read_line(&mangled, &mut |_| Some(0));
    }
}
