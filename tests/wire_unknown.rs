//! What another version of a service has written: older and newer values, and keys
//! that are not known here.

#[path = "support/carriers.rs"]
mod carriers;

use std::error::Error;

use carriers::{Headers, headers, read, written};
use entourage::{
    AsEnv, Codec, Context, Unknown, WIRE_UNKNOWN, Wire, WireBuilder, WireError, context_key,
};

context_key! {
    static TENANT: String = propagate;
    static ATTEMPT: u32 = propagate;
}

fn tenant() -> WireBuilder {
    Wire::builder().key(&TENANT, Codec::text())
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
fn unknown_keys_count_where_they_are_kept() -> Result<(), Box<dyn Error>> {
    let large = headers([("entourage-ctx-shard", &*"x".repeat(100))]);
    let builder = || tenant().max_bytes(100);
    assert!(builder().build()?.extract(&large)?.is_empty());
    let error = builder().unknown(Unknown::Keep).build()?.extract(&large).unwrap_err();
    assert!(error.is_too_large());
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
