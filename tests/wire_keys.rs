//! Keys of the application cross a process: what is written and read, under which
//! names, and which wires there cannot be.

#[path = "support/carriers.rs"]
mod carriers;

use std::collections::HashMap;
use std::error::Error;

use carriers::{Headers, headers, read, written};
use entourage::{
    AsEnv, CarrierMut, Codec, Context, Naming, Propagation, RUN_ID, Snapshot, TRACE_PARENT, Wire,
    WireBuilder, context_key, suppress,
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

fn list<const N: usize>(entries: [(&str, &str); N]) -> Vec<(String, String)> {
    entries.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
}

fn tenant() -> WireBuilder {
    Wire::builder().key(&TENANT, Codec::text())
}

fn problems(builder: WireBuilder) -> Vec<String> {
    builder.build().expect_err("it must not be built").problems().to_vec()
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
    assert_eq!(headers, carriers::headers(expected));
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
    assert_eq!(headers, carriers::headers([("entourage-ctx-attempt", "v1:1")]));
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
    assert_eq!(headers, carriers::headers([("x-tenant", "100 %")]));
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
    assert_eq!(headers, carriers::headers([("entourage-ctx-token", "v1:secret")]));

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
        "`entourage::TRACE_PARENT` goes by rules of its own",
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
