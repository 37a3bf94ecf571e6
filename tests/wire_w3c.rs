//! `traceparent`, `tracestate` and `baggage` by the rules of the W3C.

use std::error::Error;

use entourage::{
    AsEnv, BAGGAGE, Baggage, Context, Key, Snapshot, TRACE_PARENT, TRACE_STATE, TraceParent,
    TraceState, Wire, WireError,
};

type Headers = Vec<(String, String)>;

const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

fn headers<const N: usize>(entries: [(&str, &str); N]) -> Headers {
    entries.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
}

fn wire() -> Wire {
    Wire::builder().trace_context().baggage().build().unwrap()
}

fn read<T: Clone + Send + Sync>(snapshot: &Snapshot, key: &'static Key<T>) -> Option<T> {
    snapshot.scope(|| key.get())
}

fn parent(text: &str) -> Result<TraceParent, WireError> {
    text.parse()
}

/// Injects into nothing what was extracted from `given`.
fn passed_on(given: &Headers) -> Result<Headers, WireError> {
    let mut next = Headers::new();
    wire().inject(&wire().extract(given)?, &mut next)?;
    Ok(next)
}

#[test]
fn trace_parent_of_version_zero_is_read_and_written_as_it_was() -> Result<(), Box<dyn Error>> {
    let read = parent(PARENT)?;
    assert_eq!(read.trace_id(), 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736);
    assert_eq!(read.parent_id(), 0x00f0_67aa_0ba9_02b7);
    assert!(read.is_sampled());
    assert_eq!(read.to_string(), PARENT);
    let not_sampled = parent("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00")?;
    assert!(!not_sampled.is_sampled());
    // Flags that nobody has defined go on with a parent that is not changed.
    let flags = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-fe";
    assert_eq!(parent(flags)?.to_string(), flags);
    assert!(!parent(flags)?.is_sampled());
    Ok(())
}

#[test]
fn trace_parent_has_white_space_around_it_or_none() -> Result<(), Box<dyn Error>> {
    for text in [format!(" {PARENT}"), format!("\t{PARENT} \t"), format!("{PARENT}\t")] {
        let snapshot = wire().extract(&headers([("traceparent", &*text)]))?;
        assert_eq!(read(&snapshot, &TRACE_PARENT), Some(parent(PARENT)?));
    }
    Ok(())
}

#[test]
fn trace_parent_of_a_later_version_is_read_by_what_is_known_of_it() -> Result<(), WireError> {
    for text in [
        "cc-12345678901234567890123456789012-1234567890123456-01",
        "cc-12345678901234567890123456789012-1234567890123456-01-what-the-future-brings",
        "01-12345678901234567890123456789012-1234567890123456-ff-",
    ] {
        let read = parent(text)?;
        // Written in the version that is known, with the flag that is known.
        let known = "00-12345678901234567890123456789012-1234567890123456-01";
        assert_eq!(read.to_string(), known);
    }
    Ok(())
}

#[test]
fn trace_parent_that_is_malformed_is_refused_with_a_reason() {
    for (text, expected) in [
        ("", "no version"),
        ("0", "no version"),
        (".0-12345678901234567890123456789012-1234567890123456-01", "no version"),
        ("000-12345678901234567890123456789012-1234567890123456-01", "no version"),
        ("0-12345678901234567890123456789012-1234567890123456-01", "no version"),
        ("CC-12345678901234567890123456789012-1234567890123456-01", "no version"),
        ("ff-12345678901234567890123456789012-1234567890123456-01", "version `ff`"),
        ("00-12345678901234567890123456789012-1234567890123456-1", "shorter than 55"),
        ("cc-12345678901234567890123456789012-1234567890123456-1", "shorter than 55"),
        ("00-12345678901234567890123456789012-1234567890123456-01.", "longer than the 55"),
        ("00-12345678901234567890123456789012-1234567890123456-01-x", "longer than the 55"),
        ("cc-12345678901234567890123456789012-1234567890123456-01.x", "more than 2 digits"),
        ("00-.2345678901234567890123456789012-1234567890123456-01", "trace id is malformed"),
        ("00-1234567890123456789012345678901A-1234567890123456-01", "trace id is malformed"),
        ("00-123456789012345678901234567890123-123456789012345-01", "trace id is malformed"),
        ("00-00000000000000000000000000000000-1234567890123456-01", "trace id is zero"),
        ("00-12345678901234567890123456789012-123456789012345.-01", "parent id is malformed"),
        ("00-12345678901234567890123456789012-12345678901234567-1", "parent id is malformed"),
        ("00-12345678901234567890123456789012-0000000000000000-01", "parent id is zero"),
        ("00-12345678901234567890123456789012-1234567890123456-.0", "flags are malformed"),
        ("00-12345678901234567890123456789012-1234567890123456-0X", "flags are malformed"),
        ("00-123456789012345678901234567890é2-1234567890123456-0", "trace id is malformed"),
    ] {
        let error = parent(text).unwrap_err();
        assert!(error.is_malformed());
        assert_eq!(error.name(), Some("traceparent"));
        assert!(error.to_string().contains(expected), "{text}: {error}");
    }
}

#[test]
fn ids_of_zero_make_no_trace_parent() {
    assert_eq!(TraceParent::new(0, 1, true), None);
    assert_eq!(TraceParent::new(1, 0, true), None);
    assert_eq!(TraceParent::new(1, 1, true).unwrap().child(0, true), None);
}

#[test]
fn child_keeps_the_trace_and_drops_flags_that_nobody_has_defined() -> Result<(), WireError> {
    let given = parent("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-ff")?;
    let child = given.child(1, false).unwrap();
    assert_eq!(child.to_string(), "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000001-02");
    Ok(())
}

#[test]
fn two_trace_parents_are_none() {
    let twice = headers([("traceparent", PARENT), ("TraceParent", PARENT), ("tracestate", "a=1")]);
    let error = wire().extract(&twice).unwrap_err();
    assert!(error.is_duplicate() && error.to_string().contains("found 2 times"), "{error}");
    let (snapshot, wrong) = wire().extract_lossy(&twice);
    assert!(snapshot.is_empty() && wrong.len() == 1);
}

#[test]
fn malformed_trace_parent_takes_the_state_with_it() {
    let given = headers([("traceparent", "00-x"), ("tracestate", "a=1"), ("baggage", "k=v")]);
    assert!(wire().extract(&given).unwrap_err().is_malformed());
    let (snapshot, wrong) = wire().extract_lossy(&given);
    assert_eq!(wrong.len(), 1);
    assert_eq!(read(&snapshot, &TRACE_STATE), None);
    assert!(read(&snapshot, &BAGGAGE).is_some());
}

#[test]
fn malformed_trace_state_spares_the_parent() {
    let given = headers([("traceparent", PARENT), ("tracestate", "foo=1,foo=2")]);
    assert!(wire().extract(&given).unwrap_err().is_malformed());
    let (snapshot, wrong) = wire().extract_lossy(&given);
    assert!(wrong[0].to_string().contains("its key is there already"), "{wrong:?}");
    assert!(read(&snapshot, &TRACE_PARENT).is_some());
    assert_eq!(read(&snapshot, &TRACE_STATE), None);
}

#[test]
fn trace_state_without_a_parent_is_neither_read_nor_written() -> Result<(), Box<dyn Error>> {
    assert!(wire().extract(&headers([("tracestate", "foo=1")]))?.is_empty());
    let mut none = Headers::new();
    let context = Context::empty().with(&TRACE_STATE, "foo=1".parse()?);
    context.scope(|| wire().inject(&wire().capture(), &mut none))?;
    assert!(none.is_empty());
    Ok(())
}

#[test]
fn headers_of_one_trace_state_are_joined_in_their_order() -> Result<(), Box<dyn Error>> {
    let given = headers([
        ("tracestate", "foo=1,bar=2"),
        ("TraceParent", PARENT),
        ("Tracestate", ""),
        ("TRACESTATE", " rojo=1 \t,\t , congo=2"),
        ("tracestate", "baz= 3"),
    ]);
    let joined = "foo=1,bar=2,rojo=1,congo=2,baz= 3";
    assert_eq!(passed_on(&given)?, headers([("traceparent", PARENT), ("tracestate", joined)]));
    Ok(())
}

#[test]
fn empty_trace_state_is_accepted_and_not_sent() -> Result<(), Box<dyn Error>> {
    let given = headers([("traceparent", PARENT), ("tracestate", " , ,")]);
    assert_eq!(read(&wire().extract(&given)?, &TRACE_STATE), None);
    let context = Context::empty().with(&TRACE_PARENT, PARENT.parse()?);
    let mut written = Headers::new();
    context
        .with(&TRACE_STATE, TraceState::default())
        .scope(|| wire().inject(&wire().capture(), &mut written))?;
    assert_eq!(written, headers([("traceparent", PARENT)]));
    Ok(())
}

#[test]
fn every_character_that_the_grammar_of_trace_state_allows_is_kept() -> Result<(), WireError> {
    let key = "abcdefghijklmnopqrstuvwxyz0123456789_-*/@0";
    let value: String = (' '..='~').filter(|c| !",=".contains(*c)).collect();
    let state: TraceState = format!("{key}={value}").parse()?;
    assert_eq!(state.get(key), Some(&*value));
    Ok(())
}

#[test]
fn trace_state_that_is_malformed_is_refused_with_a_reason() {
    let long_key = format!("{}=1", "z".repeat(257));
    let long_value = format!("z={}", "1".repeat(257));
    for (text, expected) in [
        ("foo", "member 1: it has no `=`"),
        ("foo=1,=2", "member 2: a key has 1 to 256"),
        ("foo =1", "a key has only"),
        ("FOO=1", "a key begins with"),
        ("_foo=1", "a key begins with"),
        ("foo.bar=1", "a key has only"),
        ("foo=bar=baz", "a value has only"),
        ("foo=,bar=3", "a value has 1 to 256"),
        ("foo=a\tb", "a value has only"),
        ("foo=é", "a value has only"),
        (&*long_key, "a key has 1 to 256"),
        (&*long_value, "a value has 1 to 256"),
    ] {
        let error = text.parse::<TraceState>().unwrap_err();
        assert!(error.is_malformed());
        assert!(error.to_string().contains(expected), "{text}: {error}");
    }
}

fn members(count: usize) -> String {
    (0..count).map(|i| format!("bar{i:02}={i}")).collect::<Vec<_>>().join(",")
}

#[test]
fn trace_state_has_at_most_32_members() -> Result<(), WireError> {
    let full: TraceState = members(32).parse()?;
    assert_eq!(full.len(), 32);
    assert!(members(33).parse::<TraceState>().unwrap_err().is_malformed());
    // One more takes the place of the last; one that is there needs none.
    let more = full.set("own", "1")?;
    assert_eq!((more.len(), more.get("bar31"), more.get("bar30")), (32, None, Some("30")));
    let same = full.set("bar05", "x")?;
    assert_eq!((same.len(), same.get("bar31")), (32, Some("31")));
    Ok(())
}

#[test]
fn trace_state_changes_move_to_the_front_and_keep_the_others_order() -> Result<(), WireError> {
    let state: TraceState = "a=1,b=2,c=3".parse()?;
    assert_eq!(state.set("c", "4")?.to_string(), "c=4,a=1,b=2");
    assert_eq!(state.set("d", "4")?.to_string(), "d=4,a=1,b=2,c=3");
    assert_eq!(state.remove("b").to_string(), "a=1,c=3");
    assert_eq!(state.to_string(), "a=1,b=2,c=3");
    for (key, value) in [("A", "1"), ("", "1"), ("a", ""), ("a", "1,"), ("a", "1 ")] {
        assert!(state.set(key, value).unwrap_err().is_unwritable());
    }
    Ok(())
}

#[test]
fn trace_state_is_truncated_by_whole_members_long_ones_first_and_from_the_end()
-> Result<(), Box<dyn Error>> {
    let (long, limit) = ("x".repeat(127), "y".repeat(126));
    let state: TraceState = format!("a=1,l={long},m={limit},n={long},b=2,c=3").parse()?;
    let most = state.to_string().len();
    let keys = |most| state.truncated(most).iter().map(|(key, _)| key).collect::<String>();
    assert_eq!(keys(most), "almnbc");
    assert_eq!(keys(most - 1), "almbc", "the last of those over 128");
    assert_eq!(keys(most - 200), "ambc");
    assert_eq!(keys(130 + "a=1,".len() - 1), "am", "128 are not over 128");
    assert_eq!(keys(3), "a");
    assert_eq!(keys(2), "");

    let short = Wire::builder().trace_context().max_trace_state(3).build()?;
    let context = Context::empty().with(&TRACE_PARENT, PARENT.parse()?);
    let mut written = Headers::new();
    context
        .with(&TRACE_STATE, "a=1,b=2".parse()?)
        .scope(|| short.inject(&short.capture(), &mut written))?;
    assert_eq!(written, headers([("traceparent", PARENT), ("tracestate", "a=1")]));
    Ok(())
}

#[test]
fn baggage_is_read_with_white_space_properties_and_percent_signs() -> Result<(), WireError> {
    let text =
        "SomeKey \t = \t Some=Value \t ; \t prop \t ; p2 = a%20b \t , \t k2 = \t ,k3=DF%2028";
    let baggage: Baggage = text.parse()?;
    assert_eq!(baggage.len(), 3);
    assert_eq!(baggage.get("SomeKey").as_deref(), Some("Some=Value"));
    let properties: Vec<_> = baggage.properties("SomeKey").collect();
    assert_eq!(properties, [("prop", None), ("p2", Some("a b".into()))]);
    assert_eq!(baggage.get("k2").as_deref(), Some(""));
    assert_eq!(baggage.get("k3").as_deref(), Some("DF 28"));
    assert_eq!(baggage.get("somekey"), None, "keys have a case");
    assert_eq!(baggage.to_string(), "SomeKey=Some=Value;prop;p2=a%20b,k2=,k3=DF%2028");
    Ok(())
}

#[test]
fn baggage_that_is_no_utf8_is_read_with_replacements_and_passed_on_untouched()
-> Result<(), WireError> {
    let baggage: Baggage = "a=x%FFy,b=100%,c=%zz".parse()?;
    assert_eq!(baggage.get("a").as_deref(), Some("x\u{fffd}y"));
    assert_eq!(baggage.get("b").as_deref(), Some("100%"));
    assert_eq!(baggage.get("c").as_deref(), Some("%zz"));
    assert_eq!(baggage.set("d", "1")?.to_string(), "a=x%FFy,b=100%,c=%zz,d=1");
    Ok(())
}

#[test]
fn baggage_with_any_value_is_written_within_the_grammar() -> Result<(), WireError> {
    let value = "\t \"';=a,b\\%é\u{0}";
    let baggage = Baggage::default().set("k", value)?;
    assert_eq!(baggage.to_string(), "k=%09%20%22'%3B=a%2Cb%5C%25%C3%A9%00");
    let read: Baggage = baggage.to_string().parse()?;
    assert_eq!(read.get("k").as_deref(), Some(value));
    Ok(())
}

#[test]
fn key_that_is_twice_in_a_baggage_is_passed_on_twice_and_the_last_counts() -> Result<(), WireError>
{
    let baggage: Baggage = "k=1,j=2,k=3".parse()?;
    assert_eq!(baggage.get("k").as_deref(), Some("3"));
    assert_eq!(baggage.set("j", "4")?.to_string(), "k=1,j=4,k=3");
    assert_eq!(baggage.set("k", "4")?.to_string(), "k=4,j=2");
    assert_eq!(baggage.remove("k").to_string(), "j=2");
    assert_eq!(baggage.to_string(), "k=1,j=2,k=3");
    Ok(())
}

#[test]
fn baggage_that_is_malformed_is_refused_with_a_reason() {
    for (text, expected) in [
        ("k", "member 1: it has no `=`"),
        ("a=1,k;p=1", "member 2: it has no `=`"),
        ("=1", "a key has only"),
        ("a b=1", "a key has only"),
        ("k=a b", "a value has only"),
        ("k=\"a\"", "a value has only"),
        ("k=a\\", "a value has only"),
        ("k=é", "a value has only"),
        ("k=1;", "a key has only"),
        ("k=1;p q", "a key has only"),
    ] {
        let error = text.parse::<Baggage>().unwrap_err();
        assert!(error.is_malformed());
        assert!(error.to_string().contains(expected), "{text}: {error}");
    }
    let baggage = Baggage::default();
    assert!(baggage.set("a b", "1").unwrap_err().is_unwritable());
    assert!(baggage.set_with("a", "1", [("p;", None)]).unwrap_err().is_unwritable());
}

#[test]
fn baggage_has_at_most_64_members_and_8192_bytes() -> Result<(), WireError> {
    let text = members(64);
    let full: Baggage = text.parse()?;
    assert!(full.set("one-more", "").unwrap_err().is_too_large());
    assert!(full.set("bar00", "x").is_ok());
    let error = members(65).parse::<Baggage>().unwrap_err();
    assert!(error.to_string().contains("found 65 members; allowed are 64"), "{error}");

    let value = "x".repeat(8190);
    let full = Baggage::default().set("a", &value)?;
    assert_eq!(full.to_string().parse::<Baggage>()?, full);
    let error = format!("a={value}x").parse::<Baggage>().unwrap_err();
    assert!(error.is_too_large());
    assert!(error.to_string().contains("found 8193 bytes; allowed are 8192"), "{error}");
    assert!(full.set("b", "").unwrap_err().is_too_large());
    Ok(())
}

#[test]
fn the_most_that_everybody_must_pass_on_fits_the_default_cap() -> Result<(), Box<dyn Error>> {
    let (baggage, state) = (format!("a={}", "x".repeat(8190)), members(32));
    let given = headers([("traceparent", PARENT), ("tracestate", &state), ("baggage", &baggage)]);
    assert_eq!(passed_on(&given)?, given);
    Ok(())
}

#[test]
fn headers_of_one_baggage_are_joined_and_an_empty_one_is_not_sent() -> Result<(), Box<dyn Error>> {
    let given = headers([("baggage", "userId=alice"), ("Baggage", ""), ("baggage", "b=2;p")]);
    assert_eq!(passed_on(&given)?, headers([("baggage", "userId=alice,b=2;p")]));
    assert!(wire().extract(&headers([("baggage", " ,")]))?.is_empty());
    let context = Context::empty().with(&BAGGAGE, Baggage::default());
    let mut none = Headers::new();
    context.scope(|| wire().inject(&wire().capture(), &mut none))?;
    assert!(none.is_empty());
    Ok(())
}

#[test]
fn values_of_baggage_are_in_no_message_and_no_debug_text() -> Result<(), Box<dyn Error>> {
    let snapshot = wire().extract(&headers([("baggage", "password=hunter2")]))?;
    let baggage = read(&snapshot, &BAGGAGE).unwrap();
    assert_eq!(format!("{baggage:?}"), r#"{"password": <redacted>}"#);
    assert!(!format!("{snapshot:?}").contains("hunter2"));
    for wrong in ["k=hunter2 hunter2", "hunter2", "k=\"hunter2\""] {
        let error = wire().extract(&headers([("baggage", wrong)])).unwrap_err();
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
    Ok(())
}

#[test]
fn names_of_the_w3c_in_an_environment_are_in_upper_case() -> Result<(), Box<dyn Error>> {
    let given = headers([("traceparent", PARENT), ("tracestate", "a=1"), ("baggage", "k=v")]);
    let mut job = AsEnv(Headers::new());
    wire().inject(&wire().extract(&given)?, &mut job)?;
    let expected = [("TRACEPARENT", PARENT), ("TRACESTATE", "a=1"), ("BAGGAGE", "k=v")];
    assert_eq!(job.0, headers(expected));
    let error = wire().extract(&AsEnv(headers([("TRACEPARENT", "x")]))).unwrap_err();
    assert_eq!(error.name(), Some("TRACEPARENT"));
    Ok(())
}

#[test]
fn wire_that_is_not_asked_for_them_leaves_the_headers_of_the_w3c_alone()
-> Result<(), Box<dyn Error>> {
    let other = Wire::builder().build()?;
    let given = headers([("traceparent", "nonsense"), ("baggage", "=")]);
    assert!(other.extract(&given)?.is_empty());
    let mut same = given.clone();
    other.inject(&Snapshot::empty(), &mut same)?;
    assert_eq!(same, given);
    Ok(())
}
