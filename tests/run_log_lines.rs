//! Whatever is said, it is one line of JSON that is no longer than it may be, with our
//! own keys in it as they were.

#![cfg(feature = "telemetry")]

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use entourage::{JsonLines, LogLimits, LogRecord, LogSink, LogSpan, LogValue};
use proptest::prelude::*;
use serde_json::{Value, json};
use tracing::Level;

#[derive(Clone, Default)]
struct File(Arc<Mutex<Vec<u8>>>);

impl Write for File {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The line of `record`, with its line feed.
fn text_of(record: &LogRecord<'_>, limits: LogLimits) -> String {
    let file = File::default();
    JsonLines::new(file.clone()).limits(limits).log(record);
    let bytes = std::mem::take(&mut *file.0.lock().unwrap());
    String::from_utf8(bytes).unwrap()
}

fn line_of(record: &LogRecord<'_>, limits: LogLimits) -> Value {
    serde_json::from_str(&text_of(record, limits)).unwrap()
}

fn info(message: &str) -> LogRecord<'_> {
    LogRecord::new(Level::INFO, message)
}

fn text(text: impl Into<String>) -> LogValue {
    LogValue::Text(text.into())
}

#[test]
fn spans_are_objects_in_the_order_in_which_they_were_entered() {
    let (outer, inner) = ([("id", 7.into())], [("a", 1.into()), ("a", 2.into())]);
    let spans = [LogSpan::new("request", &outer), LogSpan::new("query", &inner)];
    let line = line_of(&info("x").with_spans(&spans), LogLimits::new());
    let expected = json!([
        { "name": "request", "fields": { "id": 7 } },
        { "name": "query", "fields": { "a": 1, "a#2": 2 } },
    ]);
    assert_eq!(line["spans"], expected);
    assert_eq!(line.get("truncated"), None);
}

#[test]
fn fields_named_like_any_key_of_ours_are_kept_apart_and_whole() {
    let keys = [
        "time",
        "level",
        "message",
        "run_id",
        "node",
        "attempt",
        "thread",
        "target",
        "fields",
        "spans",
        "truncated",
        "repeated",
        "name",
        "",
        "a.b",
        "fields_left_out",
    ];
    let fields: Vec<_> = keys.iter().zip(0..).map(|(key, at)| (*key, LogValue::from(at))).collect();
    let spans = [LogSpan::new("s", &fields)];
    let record = info("said").with_run_id("r").with_node("n", 2).with_fields(&fields);
    let line = line_of(&record.with_spans(&spans), LogLimits::new());
    assert_eq!((&line["message"], &line["attempt"]), (&"said".into(), &2.into()));
    for (key, at) in keys.iter().zip(0..) {
        assert_eq!(
            (&line["fields"][key], &line["spans"][0]["fields"][key]),
            (&json!(at), &json!(at))
        );
    }
    assert_eq!(line.as_object().unwrap().len(), 10, "{line}");
}

#[test]
fn a_long_text_is_cut_between_two_characters_and_told_with_its_length() {
    let cut = LogValue::Cut { text: "cut before".into(), bytes: 10_485_760 };
    let euros = "€".repeat(10);
    let (fields, of_span) =
        ([("body", cut), ("short", 3.into()), ("euros", text(&euros))], [("e", text(&euros))]);
    let spans = [LogSpan::new("s", &of_span)];
    let record = info(&euros).with_fields(&fields).with_spans(&spans);
    let line = line_of(&record, LogLimits::new().text_bytes(10));
    assert_eq!(line["message"], "€€€");
    assert_eq!(line["fields"], json!({ "body": "cut before", "short": 3, "euros": "€€€" }));
    let of_fields = json!({ "body": 10_485_760, "euros": 30 });
    assert_eq!(line["truncated"], json!({ "message": 30, "fields": of_fields }));
    assert_eq!(line["spans"][0]["truncated"], json!({ "fields": { "e": 30 } }));
}

#[test]
fn a_line_is_never_over_its_cap_and_says_what_has_no_room() {
    let limits = LogLimits::new().line_bytes(4096);
    // Each is six bytes once it is escaped.
    let bells = "\u{7}".repeat(100_000);
    let names: Vec<_> = (0..2000).map(|at| format!("field {at}")).collect();
    let many: Vec<_> = names.iter().map(|name| (&**name, text("\u{9b}\u{9b}"))).collect();
    let few = [("a", text(&*bells)), ("b", text(&*bells)), ("c", 3.into())];
    let long_name = [(&*bells, LogValue::from(1))];
    let spans = [LogSpan::new(&bells, &few), LogSpan::new("inner", &many)];
    let records = [
        info(&bells),
        info("x").with_fields(&few),
        info("x").with_fields(&many),
        info("x").with_fields(&long_name),
        info("x").with_spans(&spans),
        info(&bells).with_fields(&many).with_spans(&spans),
        info("x").with_run_id(&*bells).with_node(&*bells, u32::MAX).with_target(&bells),
    ];
    for record in records {
        let text = text_of(&record, limits);
        assert!(text.len() <= 4096, "{}", text.len());
        let line: Value = serde_json::from_str(&text).unwrap();
        assert!(text.contains(",\"truncated\":{"), "{text}");
        if record.message.len() > 1 {
            assert_eq!(line["truncated"]["message"], 100_000);
        }
    }
    let line = line_of(&info("x").with_fields(&many), limits);
    let kept = line["fields"].as_object().unwrap().len() as u64;
    assert_eq!(line["truncated"], json!({ "fields_left_out": 2000 - kept }));
    let line = line_of(&info("x").with_fields(&few), limits);
    assert_eq!(line["truncated"]["fields"]["a"], 100_000);
    let line = line_of(&info("x").with_run_id(&*bells).with_node(&*bells, 1), limits);
    assert_eq!(line["truncated"], json!({ "run_id": 100_000, "node": 100_000 }));
}

#[test]
fn what_was_left_out_before_is_told_too() {
    let mut record = info("x");
    (record.fields_left_out, record.spans_left_out, record.whole_message) = (3, 4, Some(5));
    let expected = json!({ "message": 5, "fields_left_out": 3, "spans_left_out": 4 });
    assert_eq!(line_of(&record, LogLimits::new())["truncated"], expected);
}

#[cfg(unix)]
#[test]
fn what_is_no_text_is_told_as_text() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let name = OsStr::from_bytes(b"half \xff\xed\xa0\x80 name");
    let fields = [
        ("debug", LogValue::debug(name)),
        ("display", LogValue::display(&std::path::Path::new(name).display())),
        ("bytes", LogValue::debug(&b"\xff\0".as_slice())),
    ];
    let line = line_of(&info("x").with_fields(&fields), LogLimits::new());
    assert_eq!(line["fields"]["debug"], r#""half \xFF\xED\xA0\x80 name""#);
    assert_eq!(line["fields"]["display"], "half \u{fffd}\u{fffd}\u{fffd}\u{fffd} name");
    assert_eq!(line["fields"]["bytes"], "[255, 0]");
}

#[derive(Clone, Debug)]
struct Said {
    message: String,
    run_id: Option<String>,
    node: Option<(String, u32)>,
    target: String,
    fields: Vec<(String, LogValue)>,
    spans: Vec<(String, Vec<(String, LogValue)>)>,
}

fn anything() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => any::<String>(),
        2 => "[a-c.#2]{0,4}",
        1 => Just("fields".to_owned()),
        1 => (0..5000_usize).prop_map(|count| "\u{1}\u{2028}\"\\".repeat(count)),
    ]
}

fn value() -> impl Strategy<Value = LogValue> {
    prop_oneof![
        any::<bool>().prop_map(LogValue::Bool),
        any::<i128>().prop_map(LogValue::Signed),
        any::<u128>().prop_map(LogValue::Unsigned),
        any::<f64>().prop_map(LogValue::Float),
        anything().prop_map(LogValue::Text),
        (anything(), any::<u64>()).prop_map(|(text, bytes)| LogValue::Cut { text, bytes }),
    ]
}

fn fields() -> impl Strategy<Value = Vec<(String, LogValue)>> {
    prop::collection::vec((anything(), value()), 0..12)
}

prop_compose! {
    fn record()(
        message in anything(),
        run_id in prop::option::of(anything()),
        node in prop::option::of((anything(), any::<u32>())),
        target in anything(),
        fields in fields(),
        spans in prop::collection::vec((anything(), fields()), 0..4),
    ) -> Said {
        Said { message, run_id, node, target, fields, spans }
    }
}

fn borrowed(fields: &[(String, LogValue)]) -> Vec<(&str, LogValue)> {
    fields.iter().map(|(name, value)| (&**name, value.clone())).collect()
}

/// Whether `found` is `whole`, or its beginning where the line says that it is cut.
fn is(found: &Value, whole: &str, cut: &Value) -> bool {
    let found = found.as_str().unwrap();
    match cut.as_u64() {
        None => found == whole,
        Some(bytes) => bytes == whole.len() as u64 && whole.starts_with(found) && found != whole,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn any_record_is_one_line_that_parses_with_our_keys_intact(
        said in record(), line_bytes in 4096..80_000_usize, text_bytes in 0..20_000_usize
    ) {
        let fields = borrowed(&said.fields);
        let of_spans: Vec<_> = said.spans.iter().map(|(_, fields)| borrowed(fields)).collect();
        let spans: Vec<_> = said
            .spans
            .iter()
            .zip(&of_spans)
            .map(|((name, _), fields)| LogSpan::new(name, fields))
            .collect();
        let mut record = info(&said.message).with_target(&said.target);
        record = record.with_fields(&fields).with_spans(&spans);
        record.run_id = said.run_id.as_deref().map(Into::into);
        record.node = said.node.as_ref().map(|(name, _)| (&**name).into());
        record.attempt = said.node.as_ref().map(|(_, attempt)| *attempt);
        let limits = LogLimits::new().line_bytes(line_bytes).text_bytes(text_bytes);
        let text = text_of(&record, limits);

        prop_assert!(text.len() <= line_bytes, "{} of {line_bytes}", text.len());
        prop_assert_eq!(text.find('\n'), Some(text.len() - 1));
        let line: Value = serde_json::from_str(&text).unwrap();
        let cut = &line["truncated"];
        let count = 10 + usize::from(!cut.is_null());
        prop_assert_eq!(line.as_object().unwrap().len(), count);
        prop_assert_eq!(&line["level"], "INFO");
        prop_assert!(is(&line["message"], &said.message, &cut["message"]), "{}", line);
        prop_assert!(is(&line["target"], &said.target, &cut["target"]));
        match &said.run_id {
            Some(run_id) => prop_assert!(is(&line["run_id"], run_id, &cut["run_id"])),
            None => prop_assert_eq!(&line["run_id"], &Value::Null),
        }
        match &said.node {
            Some((node, attempt)) => {
                prop_assert!(is(&line["node"], node, &cut["node"]));
                prop_assert_eq!(&line["attempt"], &json!(attempt));
            }
            None => prop_assert_eq!((&line["node"], &line["attempt"]), (&Value::Null, &Value::Null)),
        }
        // Each field is there under a name of its own, or counted.
        let left_out = cut["fields_left_out"].as_u64().unwrap_or(0) as usize;
        prop_assert_eq!(line["fields"].as_object().unwrap().len() + left_out, fields.len());
        let left_out = cut["spans_left_out"].as_u64().unwrap_or(0) as usize;
        prop_assert_eq!(line["spans"].as_array().unwrap().len() + left_out, spans.len());
    }
}
