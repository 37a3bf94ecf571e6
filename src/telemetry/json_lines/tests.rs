use std::io::{self, Write};
use std::sync::Arc;

use serde_json::Value;
use tracing::Level;

use super::super::limits::LogLimits;
use super::JsonLines;
use crate::context::{LogRecord, LogSink, LogValue};
use crate::sync::Mutex;

/// A writer whose end the test keeps.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Shared {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().clone()).unwrap()
    }

    fn lines(&self) -> Vec<Value> {
        let text = self.text();
        assert!(text.is_empty() || text.ends_with('\n'), "{text:?}");
        text.split_terminator('\n').map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A writer that takes so many bytes, fails, and then has room again.
struct Room(usize, Shared);

impl Write for Room {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0 == 0 {
            self.0 = usize::MAX;
            return Err(io::ErrorKind::StorageFull.into());
        }
        let count = self.1.write(&bytes[..bytes.len().min(self.0)])?;
        self.0 -= count;
        Ok(count)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn record<'a>(message: &'a str, fields: &'a [(&'a str, LogValue)]) -> LogRecord<'a> {
    LogRecord::new(Level::INFO, message).with_target("crate::module").with_fields(fields)
}

fn only_line(record: &LogRecord<'_>) -> (String, Value) {
    let shared = Shared::default();
    JsonLines::new(shared.clone()).log(record);
    let [line] = <[Value; 1]>::try_from(shared.lines()).unwrap();
    (shared.text(), line)
}

#[test]
fn a_line_has_every_key_in_the_documented_order() {
    let fields = [("rows", LogValue::Unsigned(3))];
    let full = LogRecord {
        level: Level::WARN,
        run_id: Some("r1".into()),
        node: Some("clean".into()),
        attempt: Some(2),
        ..record("mended", &fields)
    };
    let (text, line) = only_line(&full);
    let thread = std::thread::current();
    let after_time = format!(
        r#","level":"WARN","message":"mended","run_id":"r1","node":"clean","attempt":2,"thread":"{}","target":"crate::module","fields":{{"rows":3}},"spans":[]}}"#,
        thread.name().unwrap()
    );
    let time = line["time"].as_str().unwrap();
    assert_eq!(text, format!(r#"{{"time":"{time}"{after_time}"#) + "\n");
    assert_eq!(time.len(), "2018-02-14T00:28:07.133333Z".len());
    assert!(humantime::parse_rfc3339(time).is_ok(), "{time}");

    let (text, line) = only_line(&record("", &[]));
    assert!(text.contains(r#""message":"","run_id":null,"node":null,"attempt":null,"#), "{text}");
    assert_eq!(line["fields"], serde_json::json!({}));
}

#[test]
fn a_thread_without_a_name_is_told_by_its_id() {
    let said =
        std::thread::spawn(|| only_line(&record("", &[])).1["thread"].clone()).join().unwrap();
    assert!(said.as_str().unwrap().starts_with("ThreadId("), "{said}");
}

#[test]
fn hostile_texts_stay_on_one_line_and_parse_back() {
    let hostile = [
        "line\nfeed\r\nand \"quotes\" and \\ and \t",
        "}\n{\"level\":\"ERROR\"}",
        "nul \0 bell \u{7} escape \u{1b}[31m del \u{7f} csi \u{9b}31m",
        "next line \u{85} line \u{2028} paragraph \u{2029} zalgo e\u{301}\u{302} emoji 🚂",
        "\u{feff}bom \u{202e}override \u{fffd}\u{10ffff}",
    ];
    for text in hostile {
        let fields = [(text, LogValue::Text(text.into()))];
        let (line, parsed) = only_line(&LogRecord {
            target: text,
            run_id: Some(text.into()),
            node: Some(text.into()),
            ..record(text, &fields)
        });
        for key in ["message", "run_id", "node", "target"] {
            assert_eq!(parsed[key], text);
        }
        assert_eq!(parsed["fields"], serde_json::json!({ text: text }));
        let mut breaks = line.chars().filter(|c| c.is_control() || "\u{2028}\u{2029}".contains(*c));
        assert_eq!((breaks.next(), breaks.next()), (Some('\n'), None), "{line:?}");
    }
}

#[test]
fn a_value_keeps_its_type_and_all_of_its_digits() {
    use LogValue::{Bool, Float, Signed, Text, Unsigned};
    let cases = [
        (Bool(true), "true"),
        (Signed(i64::MIN.into()), "-9223372036854775808"),
        (Unsigned(u64::MAX.into()), "18446744073709551615"),
        (Signed(i128::MIN), r#""-170141183460469231731687303715884105728""#),
        (Unsigned(u128::MAX), r#""340282366920938463463374607431768211455""#),
        (Float(0.1), "0.1"),
        (Float(3.0), "3.0"),
        (Float(-0.0), "-0.0"),
        (Float(f64::MIN_POSITIVE), "2.2250738585072014e-308"),
        (Float(f64::NAN), r#""NaN""#),
        (Float(f64::INFINITY), r#""inf""#),
        (Float(f64::NEG_INFINITY), r#""-inf""#),
        (Text("3".into()), r#""3""#),
    ];
    for (value, json) in cases {
        let (text, _) = only_line(&record("", &[("value", value)]));
        let end = format!(r#""fields":{{"value":{json}}},"spans":[]}}"#);
        assert!(text.trim_end().ends_with(&end), "{json}: {text}");
    }
}

#[test]
fn fields_of_one_name_are_all_kept_under_names_of_their_own() {
    let names = ["a", "a#2", "a", "a", "a#", "a#", "a#2"];
    let fields: Vec<_> =
        names.iter().zip(0..).map(|(name, at)| (*name, LogValue::Signed(at))).collect();
    let (text, line) = only_line(&record("", &fields));
    let found = line["fields"].as_object().unwrap();
    assert_eq!(found.len(), names.len(), "{text}");
    let mut values: Vec<_> = found.values().map(|value| value.as_i64().unwrap()).collect();
    values.sort_unstable();
    assert_eq!(values, [0, 1, 2, 3, 4, 5, 6]);
    assert_eq!((&found["a"], &found["a#2"], &found["a#3"]), (&0.into(), &1.into(), &2.into()));
}

#[test]
fn lines_of_many_threads_are_never_torn() {
    /// Takes a few bytes at a time, and lets another thread run in between.
    struct Nibble(Shared);
    impl Write for Nibble {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            std::thread::yield_now();
            self.0.write(&bytes[..bytes.len().min(997)])
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let shared = Shared::default();
    let log = JsonLines::new(Nibble(shared.clone()));
    std::thread::scope(|threads| {
        for thread in 0..8_u64 {
            let log = &log;
            threads.spawn(move || {
                for at in 0..500 {
                    // Now and then at once, so that many threads want to write.
                    let level = if at % 50 == 0 { Level::ERROR } else { Level::INFO };
                    let fields = [("at", LogValue::Unsigned((thread * 500 + at).into()))];
                    log.log(&LogRecord { level, ..record(&"x".repeat(at as usize), &fields) });
                }
            });
        }
    });
    assert_eq!(log.finish().unwrap(), 4000);
    let mut seen: Vec<_> =
        shared.lines().iter().map(|line| line["fields"]["at"].as_u64().unwrap()).collect();
    seen.sort_unstable();
    assert!(seen.into_iter().eq(0..4000));
}

#[test]
fn lines_are_collected_until_they_are_flushed_or_grave_or_many_or_dropped() {
    let shared = Shared::default();
    let limits = LogLimits::new().text_bytes(1 << 20).line_bytes(1 << 20);
    let log = JsonLines::new(shared.clone()).limits(limits);
    let info = record("x", &[]);
    log.log(&info);
    assert_eq!(shared.lines().len(), 0);
    log.flush().unwrap();
    assert_eq!(shared.lines().len(), 1);
    log.log(&info);
    log.log(&LogRecord { level: Level::ERROR, ..record("x", &[]) });
    assert_eq!(shared.lines().len(), 3);
    log.log(&record(&"x".repeat(100_000), &[]));
    log.log(&info);
    assert_eq!(shared.lines().len(), 4);
    drop(log);
    assert_eq!(shared.lines().len(), 5);
}

#[test]
fn what_a_failing_writer_did_not_take_is_counted_and_reported_every_time() {
    let (_, line) = only_line(&record("0", &[]));
    let length = line.to_string().len() + 1;
    let shared = Shared::default();
    // Room for two lines and a half.
    let log = JsonLines::new(Room(length * 5 / 2, shared.clone()));
    for message in ["0", "1", "2", "3"] {
        log.log(&record(message, &[]));
    }
    assert_eq!(log.lost(), 0, "nothing was tried yet");
    for lost in [2, 3] {
        let error = log.finish().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
        assert!(error.to_string().contains(&format!("{lost} lines lost")), "{error}");
        assert_eq!((log.flush().unwrap_err().kind(), log.lost()), (error.kind(), lost));
        log.log(&record("after the error", &[]));
    }
    let text = shared.text();
    drop(log);
    assert_eq!(shared.text(), text, "nothing follows half a line");
    assert_eq!(text.matches('\n').count(), 2);
}

#[test]
fn a_writer_that_panics_or_cannot_flush_is_a_writer_that_fails() {
    struct Panics;
    impl Write for Panics {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            panic!("of the writer")
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    struct NoFlush;
    impl Write for NoFlush {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
    }
    let log = JsonLines::new(Panics);
    log.log(&record("x", &[]));
    assert!(log.finish().unwrap_err().to_string().contains("the writer panicked"));
    assert_eq!(log.lost(), 1);
    let log = JsonLines::new(NoFlush);
    log.log(&record("x", &[]));
    assert_eq!(log.finish().unwrap_err().kind(), io::ErrorKind::BrokenPipe);
}

#[test]
fn a_write_that_was_interrupted_is_tried_again() {
    struct Interrupted(bool, Shared);
    impl Write for Interrupted {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 = !self.0;
            if self.0 { Err(io::ErrorKind::Interrupted.into()) } else { self.1.write(bytes) }
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let shared = Shared::default();
    let log = JsonLines::new(Interrupted(false, shared.clone()));
    log.log(&record("x", &[]));
    assert_eq!((log.finish().unwrap(), shared.lines().len()), (1, 1));
}

#[test]
fn creating_empties_a_file_and_names_the_path_of_one_that_cannot_be() {
    let path = std::env::temp_dir().join(format!("entourage-json-lines-{}", std::process::id()));
    std::fs::write(&path, "of an earlier run\n").unwrap();
    let log = JsonLines::create(&path).unwrap();
    log.log(&record("x", &[]));
    assert_eq!(log.finish().unwrap(), 1);
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.starts_with("{\"time\""), "{text}");

    let inside = path.join("run.jsonl");
    let error = JsonLines::create(&inside).unwrap_err();
    assert!(error.to_string().contains(&inside.display().to_string()), "{error}");
    std::fs::remove_file(&path).unwrap();
    let error = JsonLines::create(&inside).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::NotFound);
    assert!(error.to_string().contains(&inside.display().to_string()), "{error}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_reported_with_the_path_of_the_log() {
    let log = JsonLines::create("/dev/full").unwrap();
    log.log(&record("x", &[]));
    let error = log.finish().unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    assert!(error.to_string().contains("`/dev/full`"), "{error}");
    assert!(error.to_string().contains("1 line lost"), "{error}");
}
