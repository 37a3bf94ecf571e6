//! Whatever is said is understood, and whatever else comes is an error.

use std::fmt::Debug;
use std::sync::Mutex;

use proptest::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{
    Dataset, Execute, Failure, FrameError, Frames, Hook, HookCause, KeptFile, Log, Moved, Outcome,
    Place, Reply, Request, Served, framed, read_anything, shortened,
};
use crate::context::{LogRecord, LogSpan, LogValue};

/// Every request there is.
fn requests() -> Vec<Request> {
    let kept = KeptFile { dataset: "out".to_owned(), file: "dataset-1".to_owned() };
    vec![
        Request::Settle { memory_limit: Some(u64::MAX) },
        Request::Compare { pipeline: 1, nodes: vec![("a".to_owned(), u64::MAX)] },
        Request::Execute(Box::new(Execute {
            task: 7,
            run: 3,
            pipeline: 1,
            node: "übung".to_owned(),
            run_id: "r1".to_owned(),
            context: Some(vec![("traceparent".to_owned(), "00-…".to_owned())]),
            attempt: Some(2),
            longest_text: Some(16384),
            has_listener: true,
            folder: b"/tmp/\xff".to_vec(),
            save_version: "2026-01-31T08.15.00.000Z".to_owned(),
            load_versions: vec![("in".to_owned(), "v1".to_owned())],
            parameters: vec![("params:top".to_owned(), "20".to_owned())],
            kept: vec![kept],
        })),
        Request::Release,
        Request::Cancel { task: 7 },
    ]
}

/// Every reply there is.
fn replies() -> Vec<Reply> {
    let texts = || vec!["outer".to_owned(), "inner".to_owned()];
    let dataset = || Dataset {
        name: "out".to_owned(),
        place: Some("out.json".to_owned()),
        message: "no room".to_owned(),
        causes: texts(),
    };
    let place = || Place { file: "src/main.rs".to_owned(), line: 3, column: 9 };
    let panic = || Failure::Panic {
        message: "out of luck".to_owned(),
        place: Some(place()),
        thread: "main".to_owned(),
    };
    let hook = || Hook {
        name: "Audit".to_owned(),
        method: "before_node_run".to_owned(),
        cause: HookCause::Panic {
            message: "out of luck".to_owned(),
            place: Some(place()),
            thread: "main".to_owned(),
        },
    };
    let failures = [
        Failure::Error(texts()),
        panic(),
        Failure::Load(dataset()),
        Failure::Save(dataset()),
        Failure::Confirm(dataset()),
        Failure::Cancelled,
        Failure::Refused("no such node".to_owned()),
        Failure::Hook(hook()),
    ];
    let failed =
        failures.map(|failure| Reply::Ended { task: 7, outcome: Outcome::Failed(failure) });
    let mut replies = vec![
        Reply::Greeting { served: vec![Served { digest: u64::MAX, nodes: 3 }] },
        Reply::Settled { problem: Some("no limit".to_owned()) },
        Reply::Compared { missing: texts(), different: vec![] },
        Reply::Begun { task: u64::MAX },
        Reply::Log { task: 7, log: log() },
        Reply::Moved { task: 7, moved: moved(None) },
        Reply::Moved { task: 7, moved: moved(Some("no room")) },
        Reply::Ended { task: 7, outcome: Outcome::Done { rows: Some(3) } },
        Reply::Ended {
            task: 7,
            outcome: Outcome::FailedBesides {
                failure: Failure::Save(dataset()),
                besides: vec![Hook { cause: HookCause::Error(texts()), ..hook() }],
            },
        },
    ];
    replies.extend(failed);
    replies
}

const FIELDS: [(&str, LogValue); 6] = [
    ("bool", LogValue::Bool(true)),
    ("signed", LogValue::Signed(i128::MIN)),
    ("unsigned", LogValue::Unsigned(u128::MAX)),
    ("float", LogValue::Float(f64::INFINITY)),
    ("text", LogValue::Text(String::new())),
    ("cut", LogValue::Cut { text: String::new(), bytes: u64::MAX }),
];

fn moved(error: Option<&str>) -> Moved {
    Moved {
        is_load: error.is_none(),
        dataset: "übung".to_owned(),
        took_ns: u64::MAX,
        rows: Some(3),
        bytes: Some(u64::MAX),
        error: error.map(str::to_owned),
    }
}

fn log() -> Log {
    let fields = FIELDS.each_ref().map(|(name, value)| (*name, value.clone()));
    let spans = [LogSpan::new("outer", &[]), LogSpan::new("inner", &fields)];
    let record = LogRecord::new(tracing::Level::DEBUG, "three rows mended")
        .with_target("rows")
        .with_fields(&fields)
        .with_run_id("r1")
        .with_node("mend", 2)
        .with_spans(&spans);
    Log::of(&LogRecord {
        whole_message: Some(u64::MAX),
        fields_left_out: 3,
        spans_left_out: 4,
        ..record
    })
}

fn read<T: DeserializeOwned>(mut bytes: &[u8]) -> Result<Option<T>, FrameError> {
    let mut frames = Frames::default();
    while let Ok(1..) = frames.fill(&mut bytes) {}
    frames.next()
}

fn comes_through<T: Serialize + DeserializeOwned + Debug>(messages: Vec<T>) {
    // All in one stream, a byte at a time.
    let stream: Vec<u8> = messages.iter().flat_map(|message| framed(message).unwrap()).collect();
    let (mut frames, mut read) = (Frames::default(), Vec::new());
    for byte in stream {
        frames.fill(&mut &[byte][..]).unwrap();
        read.extend(frames.next::<T>().unwrap());
    }
    assert_eq!(format!("{read:?}"), format!("{messages:?}"));
}

#[test]
fn every_message_comes_through_in_pieces_of_any_size() {
    comes_through(requests());
    comes_through(replies());
}

#[test]
fn log_is_told_as_it_was_said() {
    let told = Mutex::new(None);
    log().tell(|record| {
        let fields: Vec<_> =
            record.fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        *told.lock().unwrap() = Some((record.level, record.message.to_owned(), fields));
        assert_eq!(record.run_id.as_ref().unwrap().as_str(), "r1");
        assert_eq!(record.node.as_ref().unwrap().as_str(), "mend");
        assert_eq!(record.target, "rows");
    });
    let (level, message, fields) = told.into_inner().unwrap().unwrap();
    assert_eq!((level, &*message), (tracing::Level::DEBUG, "three rows mended"));
    assert_eq!(fields, FIELDS.map(|(name, value)| (name.to_owned(), value)));
}

#[test]
fn frame_that_cannot_be_is_refused_before_its_content_comes() {
    let too_long = read::<Request>(&[0xff, 0xff, 0xff, 0xff, 2]).unwrap_err();
    assert!(matches!(too_long, FrameError::TooLong { found: 0xffff_ffff }), "{too_long}");
    let version = read::<Request>(b"\0\0\0\0\x01").unwrap_err();
    assert_eq!(version.to_string(), "a message of version 1 of the protocol; expected version 2");
    assert!(read::<Request>(b"\0\0\0\x01\x02\xc1").is_err(), "a byte that means nothing");
    assert!(read::<Request>(b"\0\0\0\x05\x02\x81").unwrap().is_none(), "there is more to come");
}

#[test]
fn message_that_is_too_long_is_not_sent() {
    let name = "x".repeat(17 << 20);
    let request = Request::Compare { pipeline: 0, nodes: vec![(name, 0)] };
    assert!(matches!(framed(&request), Err(FrameError::TooLong { .. })));
    assert_eq!(shortened("short".to_owned()), "short");
    let long = shortened("é".repeat(1 << 18));
    assert!(long.len() < (1 << 18) + 64 && long.ends_with("é… (262144 bytes more)"));
}

proptest! {
    #[test]
    fn garbage_is_an_error_and_no_panic(
        bytes in proptest::collection::vec(any::<u8>(), 0..512),
        cut in 1..64_usize,
    ) {
        read_anything(&bytes, cut);
        // The same behind a header that is in order.
        let mut frame = (bytes.len() as u32).to_be_bytes().to_vec();
        frame.push(2);
        frame.extend(&bytes);
        read_anything(&frame, cut);
    }

    #[test]
    fn damaged_message_is_an_error_and_no_panic(
        which in any::<prop::sample::Index>(),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
        cut in 1..64_usize,
    ) {
        let requests = requests().into_iter().map(|request| framed(&request).unwrap());
        let replies = replies().into_iter().map(|reply| framed(&reply).unwrap());
        let mut frames: Vec<_> = requests.chain(replies).collect();
        let frame = which.get_mut(&mut frames);
        let at = at.index(frame.len());
        frame[at] = byte;
        read_anything(frame, cut);
    }
}
