//! Keys of the application cross a process: round trips, names, versions, the
//! cap, unknown keys, and whatever may be wrong with any of it.

use std::collections::{BTreeMap, HashMap};
use std::convert::Infallible;
use std::error::Error;
use std::fmt;

use entourage::{
    AsEnv, Carrier, CarrierMut, Codec, Context, Key, NODE, Naming, Propagation, RUN_ID, Snapshot,
    TRACE_PARENT, Unknown, WIRE_UNKNOWN, Wire, WireBuildError, WireBuilder, WireError, context_key,
    suppress,
};

context_key! {
    static TENANT: String = propagate;
    static ATTEMPT: u32 = propagate;
    static REGION_CODE: String = propagate, shown;
    static TOKEN: String = clear;
    static SCRATCH: String = never;
}

mod other {
    entourage::context_key! {
        pub(crate) static TENANT: String = propagate;
        #[expect(non_upper_case_globals, reason = "the name is what is looked at")]
        pub(crate) static größe: u32 = propagate;
    }
}

type Headers = BTreeMap<String, String>;

fn headers<const N: usize>(entries: [(&str, &str); N]) -> Headers {
    entries.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
}

fn list<const N: usize>(entries: [(&str, &str); N]) -> Vec<(String, String)> {
    entries.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
}

fn tenant() -> WireBuilder {
    Wire::builder().key(&TENANT, Codec::text())
}

fn problems(builder: WireBuilder) -> Vec<String> {
    builder.build().expect_err("it must not be built").problems().to_vec()
}

/// What is written of `context`.
fn written(wire: &Wire, context: Context) -> Result<Headers, WireError> {
    let mut headers = Headers::new();
    context.scope(|| wire.inject(&wire.capture(), &mut headers)).map(|()| headers)
}

fn read<T: Clone + Send + Sync>(snapshot: &Snapshot, key: &'static Key<T>) -> Option<T> {
    snapshot.scope(|| key.get())
}

#[test]
fn values_of_several_keys_come_out_as_they_went_in() -> Result<(), Box<dyn Error>> {
    let wire = tenant().key(&ATTEMPT, Codec::text()).key(&RUN_ID, Codec::text()).build()?;
    let context = Context::empty().with(&TENANT, "acme".into()).with(&ATTEMPT, 3);
    let headers = written(&wire, context.with(&RUN_ID, "nightly".into()))?;
    let expected = [
        ("entourage-ctx-attempt", "v1:3"),
        ("entourage-ctx-run-id", "v1:nightly"),
        ("entourage-ctx-tenant", "v1:acme"),
    ];
    assert_eq!(headers, self::headers(expected));
    let snapshot = wire.extract(&headers)?;
    assert_eq!(read(&snapshot, &TENANT).as_deref(), Some("acme"));
    assert_eq!(read(&snapshot, &ATTEMPT), Some(3));
    assert_eq!(read(&snapshot, &RUN_ID), Some("nightly".into()));
    Ok(())
}

#[test]
fn any_text_travels_as_printable_ascii() -> Result<(), Box<dyn Error>> {
    let wire = tenant().build()?;
    for text in
        ["", " ", "  two  ", "Amélie\r\nX: y", "100 %", "%41", "v2:x", "\0", "日本", "\u{7f}"]
    {
        let headers = written(&wire, Context::empty().with(&TENANT, text.into()))?;
        let value = &headers["entourage-ctx-tenant"];
        assert!(value.bytes().all(|b| (0x20..0x7f).contains(&b)), "{value}");
        assert_eq!(value.trim(), value);
        assert_eq!(read(&wire.extract(&headers)?, &TENANT).as_deref(), Some(text));
    }
    Ok(())
}

#[test]
fn key_that_is_not_set_is_neither_written_nor_read() -> Result<(), Box<dyn Error>> {
    let wire = tenant().key(&ATTEMPT, Codec::text()).build()?;
    let headers = written(&wire, Context::empty().with(&ATTEMPT, 1))?;
    assert_eq!(headers, self::headers([("entourage-ctx-attempt", "v1:1")]));
    assert_eq!(read(&wire.extract(&headers)?, &TENANT), None);
    assert!(wire.extract(&Headers::new())?.is_empty());
    Ok(())
}

#[test]
fn nothing_of_the_extracting_thread_is_in_the_snapshot() -> Result<(), Box<dyn Error>> {
    let wire = tenant().build()?;
    let headers = headers([("entourage-ctx-tenant", "v1:acme")]);
    let seen = ATTEMPT.scope(7, || {
        TENANT.scope("mine".into(), || {
            wire.extract(&headers).map(|snapshot| snapshot.scope(|| (TENANT.get(), ATTEMPT.get())))
        })
    })?;
    assert_eq!(seen, (Some("acme".into()), None));
    Ok(())
}

#[test]
fn key_that_was_extracted_says_who_did_it() -> Result<(), Box<dyn Error>> {
    let wire = tenant().key_as("x-attempt", &ATTEMPT, Codec::text()).build()?;
    let headers = headers([("entourage-ctx-tenant", "v1:acme"), ("x-attempt", "1")]);
    let (snapshot, line) = (wire.extract(&headers)?, line!());
    let places = snapshot.scope(|| [TENANT.explain(), ATTEMPT.explain()].map(|it| it.place()));
    for place in places {
        assert_eq!(place.map(|place| (place.file(), place.line())), Some((file!(), line)));
    }
    Ok(())
}

#[test]
fn name_of_a_header_is_read_in_any_case() -> Result<(), Box<dyn Error>> {
    let wire = tenant().build()?;
    let snapshot = wire.extract(&headers([("Entourage-CTX-Tenant", "\t v1:acme ")]))?;
    assert_eq!(read(&snapshot, &TENANT).as_deref(), Some("acme"));
    Ok(())
}

#[test]
fn variable_of_the_environment_is_in_upper_case_with_underscores() -> Result<(), Box<dyn Error>> {
    let wire = Wire::builder()
        .key(&REGION_CODE, Codec::text())
        .key_as("1st.attempt", &ATTEMPT, Codec::text())
        .build()?;
    let names: Vec<_> = wire.names(Naming::Environment).collect();
    assert_eq!(names, ["ENTOURAGE_CTX_REGION_CODE", "_1ST_ATTEMPT"]);
    let mut job = AsEnv(HashMap::new());
    let context = Context::empty().with(&REGION_CODE, "eu".into()).with(&ATTEMPT, 2);
    context.scope(|| wire.inject(&wire.capture(), &mut job))?;
    assert_eq!(job.0["ENTOURAGE_CTX_REGION_CODE"], "v1:eu");
    assert_eq!(job.0["_1ST_ATTEMPT"], "2");
    assert_eq!(read(&wire.extract(&job)?, &ATTEMPT), Some(2));
    Ok(())
}

#[cfg(unix)]
#[test]
fn variable_in_lower_case_is_another_variable() -> Result<(), Box<dyn Error>> {
    let wire = tenant().build()?;
    let job = AsEnv(headers([("entourage_ctx_tenant", "v1:x")]));
    assert!(wire.extract(&job)?.is_empty());
    Ok(())
}

#[test]
fn key_under_the_name_of_others_has_no_version_and_no_encoding() -> Result<(), Box<dyn Error>> {
    let wire = Wire::builder().key_as("X-Tenant", &TENANT, Codec::text()).build()?;
    let headers = written(&wire, Context::empty().with(&TENANT, "100 %".into()))?;
    assert_eq!(headers, self::headers([("x-tenant", "100 %")]));
    assert_eq!(read(&wire.extract(&headers)?, &TENANT).as_deref(), Some("100 %"));

    let error = written(&wire, Context::empty().with(&TENANT, "a\r\nb: c".into())).unwrap_err();
    assert!(error.is_unwritable());
    assert_eq!(error.name(), Some("x-tenant"));
    Ok(())
}

#[test]
fn injecting_takes_away_what_is_not_of_the_snapshot() -> Result<(), Box<dyn Error>> {
    let wire = tenant().key(&ATTEMPT, Codec::text()).build()?;
    let mut headers = list([
        ("host", "example.org"),
        ("Entourage-Ctx-Tenant", "v1:old"),
        ("entourage-ctx-attempt", "v1:1"),
        ("entourage-ctx-foreign", "v1:x"),
        ("entourage-ctx-attempt", "v1:2"),
    ]);
    TENANT.scope("new".into(), || wire.inject(&wire.capture(), &mut headers))?;
    assert_eq!(headers, list([("host", "example.org"), ("entourage-ctx-tenant", "v1:new")]));
    Ok(())
}

#[test]
fn key_declared_clear_travels_where_the_wire_names_it() -> Result<(), Box<dyn Error>> {
    let wire = Wire::builder().key(&TOKEN, Codec::text()).build()?;
    let context = Context::empty().with(&TOKEN, "secret".into()).with(&TENANT, "acme".into());
    let headers = written(&wire, context.clone())?;
    assert_eq!(headers, self::headers([("entourage-ctx-token", "v1:secret")]));

    // Not in what is captured for the workers unless a list names it there.
    let mut none = Headers::new();
    context.clone().scope(|| wire.inject(&Snapshot::capture(), &mut none))?;
    assert!(none.is_empty());
    let listed = context.scope(|| Snapshot::capture_with(&Propagation::only([&TOKEN])));
    let mut some = Headers::new();
    wire.inject(&listed, &mut some)?;
    assert_eq!(some, headers);
    Ok(())
}

#[test]
fn key_declared_never_is_refused_by_name() {
    let problems = problems(tenant().key(&SCRATCH, Codec::text()));
    assert_eq!(problems.len(), 1);
    assert!(problems[0].contains("wire_keys::SCRATCH` is declared `never`"), "{problems:?}");
}

#[test]
fn capture_takes_the_wires_keys_and_nothing_while_suppressed() -> Result<(), Box<dyn Error>> {
    let wire = tenant().build()?;
    let context = Context::empty().with(&TENANT, "acme".into()).with(&ATTEMPT, 1);
    let captured = context.clone().scope(|| wire.capture());
    assert_eq!((read(&captured, &TENANT), read(&captured, &ATTEMPT)), (Some("acme".into()), None));
    assert!(context.scope(|| suppress(|| wire.capture())).is_empty());
    Ok(())
}

#[test]
fn everything_wrong_with_a_wire_is_said_at_once() {
    let builder = tenant()
        .key(&TENANT, Codec::text())
        .key(&other::TENANT, Codec::text())
        .key(&other::größe, Codec::text())
        .key_as("x y", &ATTEMPT, Codec::text())
        .key_as("Baggage", &REGION_CODE, Codec::text())
        .key(&TRACE_PARENT, Codec::text())
        .prefix("App_")
        .max_bytes(0);
    let all = problems(builder).join("\n");
    for expected in [
        "`wire_keys::TENANT` is named twice",
        "`App_tenant` would be the name of both",
        "`App_gr\u{f6}\u{df}e` of `wire_keys::other::gr\u{f6}\u{df}e` cannot be the name of a header",
        "`x y` of `wire_keys::ATTEMPT` cannot be the name of a header",
        "`baggage` of `wire_keys::REGION_CODE` is a name of the W3C's",
        "`entourage::context::wire::trace_parent::TRACE_PARENT` goes by rules of its own",
        "`App_` is no prefix",
        "a cap of 0 bytes",
    ] {
        assert!(all.to_lowercase().contains(&expected.to_lowercase()), "{expected}\n{all}");
    }
}

#[test]
fn two_headers_that_are_one_variable_are_refused() {
    let builder = Wire::builder().key_as("x-tenant", &TENANT, Codec::text()).key_as(
        "x.tenant",
        &ATTEMPT,
        Codec::text(),
    );
    let problems = problems(builder);
    assert_eq!(problems.len(), 1);
    assert!(problems[0].contains("`X_TENANT` would be the environment variable of both"));
}

#[test]
fn versions_that_make_no_sense_are_refused() {
    let read = |text: &str| text.parse::<u32>();
    let codec = || Codec::new(u32::to_string, read);
    let all = |codec| problems(Wire::builder().key(&ATTEMPT, codec)).join("\n");
    assert!(all(codec().version(0)).contains("names version 0"));
    assert!(all(codec().version(2).accepting(2, read)).contains("writes version 2 and accepts 2"));
    let twice = codec().version(3).accepting(1, read).accepting(1, read);
    assert!(all(twice).contains("accepts version 1 twice"));
    let foreign = problems(Wire::builder().key_as("x-attempt", &ATTEMPT, codec().version(2)));
    assert!(foreign[0].contains("carries no version"), "{foreign:?}");
}

/// Version 2 counts from one, where version 1 counted from zero.
fn second_version() -> Codec<u32> {
    let old = |text: &str| text.parse::<u32>().map(|attempt| attempt + 1);
    Codec::<u32>::text().version(2).accepting(1, old)
}

#[test]
fn old_version_is_read_as_its_decoder_has_it() -> Result<(), Box<dyn Error>> {
    let wire = Wire::builder().key(&ATTEMPT, second_version()).build()?;
    let read_as = |value| -> Result<_, WireError> {
        Ok(read(&wire.extract(&headers([("entourage-ctx-attempt", value)]))?, &ATTEMPT))
    };
    assert_eq!(read_as("v1:4")?, Some(5));
    assert_eq!(read_as("v2:4")?, Some(4));
    let headers = written(&wire, Context::empty().with(&ATTEMPT, 4))?;
    assert_eq!(headers["entourage-ctx-attempt"], "v2:4");
    Ok(())
}

#[test]
fn version_that_the_codec_does_not_read_is_an_error_that_names_those_it_does() {
    let wire = Wire::builder().key(&ATTEMPT, second_version()).build().unwrap();
    for version in ["3", "4294967296", "99999999999999999999999"] {
        let headers = headers([("entourage-ctx-attempt", &*format!("v{version}:4"))]);
        let error = wire.extract(&headers).unwrap_err();
        assert!(error.is_version() && !error.is_malformed());
        assert_eq!(error.name(), Some("entourage-ctx-attempt"));
        let message = error.to_string();
        assert!(message.contains(version) && message.contains("reads [1, 2]"), "{message}");
    }
}

#[test]
fn newer_version_passes_through_a_service_that_keeps_the_unknown() -> Result<(), Box<dyn Error>> {
    let builder = || Wire::builder().key(&ATTEMPT, Codec::text());
    let newer = headers([("entourage-ctx-attempt", "v2:4")]);

    let keeps = builder().unknown(Unknown::Keep).build()?;
    let (snapshot, wrong) = keeps.extract_lossy(&newer);
    assert!(wrong.len() == 1 && wrong[0].is_version());
    assert_eq!(read(&snapshot, &ATTEMPT), None);
    let mut next = Headers::new();
    snapshot.scope(|| keeps.inject(&keeps.capture(), &mut next))?;
    assert_eq!(next, newer);
    // A value set here is the one that goes on.
    snapshot.scope(|| ATTEMPT.scope(9, || keeps.inject(&keeps.capture(), &mut next)))?;
    assert_eq!(next, headers([("entourage-ctx-attempt", "v1:9")]));

    let (snapshot, wrong) = builder().build()?.extract_lossy(&newer);
    assert!(snapshot.is_empty() && wrong.len() == 1);
    Ok(())
}

#[test]
fn unknown_key_comes_out_again_byte_for_byte_where_it_is_kept() -> Result<(), Box<dyn Error>> {
    let given = headers([
        ("Entourage-Ctx-Shard", "v7:%41, raw; =\"x\""),
        ("entourage-ctx-", "no name"),
        ("accept", "*/*"),
    ]);
    let kept = headers([("Entourage-Ctx-Shard", "v7:%41, raw; =\"x\"")]);

    let wire = tenant().unknown(Unknown::Keep).build()?;
    let snapshot = wire.extract(&given)?;
    let unknown = read(&snapshot, &WIRE_UNKNOWN).unwrap();
    assert_eq!(unknown.names().collect::<Vec<_>>(), ["Entourage-Ctx-Shard"]);
    let mut next = Headers::new();
    wire.inject(&snapshot, &mut next)?;
    assert_eq!(next, kept);

    // A worker in between carries it like any other key.
    let pool = entourage::Executor::builder().num_threads(1).build()?;
    let on_worker = snapshot.scope(|| pool.spawn(|| WIRE_UNKNOWN.get()));
    assert_eq!(on_worker.join().unwrap(), Some(unknown));

    let drops = tenant().build()?;
    assert!(drops.extract(&given)?.is_empty());
    let mut none = Headers::new();
    drops.inject(&snapshot, &mut none)?;
    assert!(none.is_empty());
    Ok(())
}

#[test]
fn unknown_key_goes_on_only_by_a_wire_whose_name_it_is() -> Result<(), Box<dyn Error>> {
    let wire = tenant().unknown(Unknown::Keep).build()?;
    let snapshot = wire.extract(&headers([("entourage-ctx-attempt", "v1:1")]))?;
    let mut none = Headers::new();
    let other = tenant().prefix("other-").unknown(Unknown::Keep).build()?;
    other.inject(&snapshot, &mut none)?;
    assert!(none.is_empty());
    // One that knows it as a key passes it on, too.
    let knows = Wire::builder().key(&ATTEMPT, Codec::text()).unknown(Unknown::Keep).build()?;
    let mut next = Headers::new();
    knows.inject(&snapshot, &mut next)?;
    assert_eq!(next, headers([("entourage-ctx-attempt", "v1:1")]));
    Ok(())
}

#[test]
fn unknown_key_is_respelled_for_a_carrier_of_another_kind() -> Result<(), Box<dyn Error>> {
    let wire = tenant().unknown(Unknown::Keep).build()?;
    let snapshot = wire.extract(&headers([("entourage-ctx-a-b", "1")]))?;
    let mut job = AsEnv(Headers::new());
    wire.inject(&snapshot, &mut job)?;
    assert_eq!(job.0, headers([("ENTOURAGE_CTX_A_B", "1")]));
    let mut back = Headers::new();
    wire.inject(&wire.extract(&job)?, &mut back)?;
    assert_eq!(back, headers([("entourage-ctx-a-b", "1")]));

    let clash = wire.extract(&headers([("entourage-ctx-a-b", "1"), ("entourage-ctx-a_b", "2")]))?;
    let before = job.clone();
    let error = wire.inject(&clash, &mut job).unwrap_err();
    assert!(error.is_duplicate());
    assert_eq!(error.name(), Some("ENTOURAGE_CTX_A_B"));
    assert_eq!(job, before);
    Ok(())
}

#[test]
fn unknown_name_that_could_not_be_written_is_an_error() {
    let wire = tenant().unknown(Unknown::Keep).build().unwrap();
    for name in
        ["entourage-ctx-a\r\nx", "entourage-ctx-é", "entourage-ctx-a=b", "entourage-ctx-a b"]
    {
        let error = wire.extract(&headers([(name, "1")])).unwrap_err();
        assert!(error.is_malformed() && error.to_string().contains("allowed are only"), "{error}");
        assert!(!error.to_string().contains('\n'), "{error}");
        assert!(tenant().build().unwrap().extract(&headers([(name, "1")])).unwrap().is_empty());
    }
}

#[test]
fn name_that_is_there_twice_is_an_error() {
    let wire = tenant().unknown(Unknown::Keep).build().unwrap();
    for name in ["entourage-ctx-tenant", "entourage-ctx-shard"] {
        let twice = list([(name, "v1:a"), (&name.to_uppercase(), "v1:a")]);
        let error = wire.extract(&twice).unwrap_err();
        assert!(error.is_duplicate());
        assert_eq!(error.name(), Some(name));
        let (snapshot, wrong) = wire.extract_lossy(&twice);
        assert!(snapshot.is_empty());
        assert_eq!(wrong.len(), 1);
    }
}

#[test]
fn cap_is_exact_and_names_the_sizes_in_both_directions() -> Result<(), Box<dyn Error>> {
    let name = "entourage-ctx-tenant";
    let fits = name.len() + "v1:acme".len();
    let context = Context::empty().with(&TENANT, "acme".into());
    let full = headers([(name, "v1:acme"), ("host", "is not counted")]);

    let wire = tenant().max_bytes(fits).build()?;
    assert_eq!(written(&wire, context.clone())?.len(), 1);
    assert_eq!(read(&wire.extract(&full)?, &TENANT).as_deref(), Some("acme"));

    let small = tenant().max_bytes(fits - 1).build()?;
    let mut untouched = headers([(name, "v1:old"), ("entourage-ctx-stale", "x")]);
    let before = untouched.clone();
    let error = context.scope(|| small.inject(&small.capture(), &mut untouched)).unwrap_err();
    assert_eq!(untouched, before, "nothing is half-written");
    for error in [error, small.extract(&full).unwrap_err()] {
        assert!(error.is_too_large());
        let message = error.to_string();
        let sizes = format!("found {fits} bytes; allowed are {}", fits - 1);
        assert!(message.contains(&sizes), "{message}");
    }
    let (snapshot, wrong) = small.extract_lossy(&full);
    assert!(snapshot.is_empty() && wrong[0].is_too_large());
    Ok(())
}

#[test]
fn unknown_keys_count_where_they_are_kept() -> Result<(), Box<dyn Error>> {
    let large = headers([("entourage-ctx-shard", &*"x".repeat(100))]);
    let builder = || tenant().max_bytes(100);
    assert!(builder().build()?.extract(&large)?.is_empty());
    let error = builder().unknown(Unknown::Keep).build()?.extract(&large).unwrap_err();
    assert!(error.is_too_large());
    Ok(())
}

#[test]
fn corrupt_value_is_a_clear_error() {
    let wire = tenant().key(&ATTEMPT, Codec::text()).build().unwrap();
    for (value, expected) in [
        ("", "begins with no version"),
        ("acme", "begins with no version"),
        ("v:acme", "begins with no version"),
        ("v01:acme", "begins with no version"),
        ("v+1:acme", "begins with no version"),
        ("v1:%", "a `%` in it has not two hexadecimal digits"),
        ("v1:%4", "a `%` in it has not two hexadecimal digits"),
        ("v1:%zz", "a `%` in it has not two hexadecimal digits"),
        ("v1:%+1", "a `%` in it has not two hexadecimal digits"),
        ("v1:%FF%FE", "no UTF-8"),
        ("v1:a\nb", "byte 5 of 6 is no printable ASCII"),
        ("v1:é", "byte 4 of 5 is no printable ASCII"),
    ] {
        let error = wire.extract(&headers([("entourage-ctx-tenant", value)])).unwrap_err();
        assert!(error.is_malformed(), "{value}");
        let message = error.to_string();
        let place = "`entourage-ctx-tenant` on the wire: ";
        assert!(message.starts_with(place) && message.contains(expected), "{message}");
    }
    struct Bytes;
    impl Carrier for Bytes {
        fn read(&self, take: &mut dyn FnMut(&str, &[u8])) {
            take("entourage-ctx-tenant", b"v1:\xff\xfe");
        }
    }
    let error = wire.extract(&Bytes).unwrap_err();
    assert!(error.is_malformed() && error.to_string().contains("byte 4 of 5"), "{error}");
}

/// An error that tells all it knows.
#[derive(Debug)]
struct Tells(String);
impl fmt::Display for Tells {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot read {}", self.0)
    }
}
impl Error for Tells {}

fn refusing() -> Codec<String> {
    let refuse = |text: &str| Err(Tells(text.to_owned()));
    Codec::fallible(move |text: &String| refuse(text), |text| Err(Tells(text.to_owned())))
}

#[test]
fn message_repeats_no_value_of_a_key_that_is_not_shown() {
    let wire = Wire::builder().key(&TENANT, refusing()).build().unwrap();
    let read = wire.extract(&headers([("entourage-ctx-tenant", "v1:hunter2")])).unwrap_err();
    assert!(read.is_malformed());
    let write = written(&wire, Context::empty().with(&TENANT, "hunter2".into())).unwrap_err();
    assert!(write.is_unwritable());
    for error in [&read, &write] {
        let told = format!("{error} {error:?}");
        assert!(!told.contains("hunter2"), "{told}");
        assert!(told.contains("wire_keys::TENANT") && told.contains("wire_keys::Tells"), "{told}");
        assert!(error.source().is_none());
    }
    assert!(read.to_string().contains("found 10 bytes"), "{read}");
}

#[test]
fn message_shows_the_value_and_the_cause_of_a_key_that_is_shown() {
    let wire = Wire::builder().key(&REGION_CODE, refusing()).build().unwrap();
    let error = wire.extract(&headers([("entourage-ctx-region-code", "v1:mars")])).unwrap_err();
    assert!(error.to_string().contains("cannot read mars; found `v1:mars`"), "{error}");
    assert!(error.source().unwrap().is::<Tells>());
}

#[test]
fn shown_value_in_a_message_is_escaped_and_short() {
    let wire = Wire::builder().key(&REGION_CODE, Codec::text()).build().unwrap();
    let long = format!("\"{}", "x".repeat(10_000));
    let error = wire.extract(&headers([("entourage-ctx-region-code", &*long)])).unwrap_err();
    assert!(error.to_string().len() < 400, "{error}");
    assert!(error.to_string().contains("(10001 bytes)"), "{error}");
}

#[test]
fn codec_that_panics_is_an_error() {
    let codec = || {
        Codec::<String>::fallible(
            |_| -> Result<String, Infallible> { panic!("on purpose") },
            |_| -> Result<String, Infallible> { panic!("on purpose") },
        )
    };
    let wire = Wire::builder().key(&TENANT, codec()).build().unwrap();
    let read = wire.extract(&headers([("entourage-ctx-tenant", "v1:x")])).unwrap_err();
    assert!(read.is_malformed() && read.to_string().contains("its codec panicked"), "{read}");
    let write = written(&wire, Context::empty().with(&TENANT, "x".into())).unwrap_err();
    assert!(write.is_unwritable() && write.to_string().contains("its codec panicked"), "{write}");
}

#[test]
fn value_that_a_codec_refuses_leaves_the_carrier_as_it_was() {
    let wire =
        Wire::builder().key(&ATTEMPT, Codec::text()).key(&TENANT, refusing()).build().unwrap();
    let mut carrier = headers([("entourage-ctx-attempt", "v1:1")]);
    let before = carrier.clone();
    let context = Context::empty().with(&ATTEMPT, 2).with(&TENANT, "x".into());
    assert!(context.scope(|| wire.inject(&wire.capture(), &mut carrier)).is_err());
    assert_eq!(carrier, before);
}

#[test]
fn lossy_extract_keeps_what_is_right_beside_what_is_wrong() -> Result<(), WireBuildError> {
    let wire = tenant().key(&ATTEMPT, Codec::text()).key(&NODE, Codec::text()).build()?;
    let (snapshot, wrong) = wire.extract_lossy(&headers([
        ("entourage-ctx-tenant", "v1:acme"),
        ("entourage-ctx-attempt", "v1:many"),
        ("entourage-ctx-node", "clean"),
    ]));
    assert_eq!(read(&snapshot, &TENANT).as_deref(), Some("acme"));
    assert_eq!((read(&snapshot, &ATTEMPT), read(&snapshot, &NODE)), (None, None));
    let names: Vec<_> = wrong.iter().filter_map(WireError::name).collect();
    assert_eq!(names, ["entourage-ctx-attempt", "entourage-ctx-node"]);
    Ok(())
}

#[test]
fn carrier_that_is_a_hash_map_a_tree_or_a_list_holds_the_same() -> Result<(), Box<dyn Error>> {
    fn carry(wire: &Wire, mut carrier: impl CarrierMut) -> Option<String> {
        TENANT.scope("acme".into(), || wire.inject(&wire.capture(), &mut carrier)).unwrap();
        read(&wire.extract(&carrier).unwrap(), &TENANT)
    }
    let wire = tenant().prefix("app-").build()?;
    let acme = Some("acme".to_owned());
    assert_eq!(carry(&wire, HashMap::new()), acme);
    assert_eq!(carry(&wire, Headers::new()), acme);
    assert_eq!(carry(&wire, Vec::new()), acme);
    assert_eq!(carry(&wire, AsEnv(HashMap::new())), acme);
    Ok(())
}

#[test]
fn debug_of_what_is_kept_shows_no_value() -> Result<(), Box<dyn Error>> {
    let wire = tenant().unknown(Unknown::Keep).build()?;
    let snapshot = wire.extract(&headers([("entourage-ctx-shard", "hunter2")]))?;
    let unknown = read(&snapshot, &WIRE_UNKNOWN).unwrap();
    assert_eq!(format!("{unknown:?}"), "[\"entourage-ctx-shard\"]");
    assert!(!format!("{snapshot:?} {wire:?}").contains("hunter2"));
    Ok(())
}
