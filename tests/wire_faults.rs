//! Whatever may be wrong with what is on the wire: too much of it, twice, corrupt,
//! or refused by a codec. The error is clear, and repeats no secret.

#[path = "support/carriers.rs"]
mod carriers;

use std::convert::Infallible;
use std::error::Error;
use std::fmt;

use carriers::{headers, read, written};
use entourage::{
    Carrier, Codec, Context, NODE, Unknown, Wire, WireBuildError, WireBuilder, WireError,
    context_key,
};

context_key! {
    static TENANT: String = propagate;
    static ATTEMPT: u32 = propagate;
    static REGION_CODE: String = propagate, shown;
}

fn list<const N: usize>(entries: [(&str, &str); N]) -> Vec<(String, String)> {
    entries.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
}

fn tenant() -> WireBuilder {
    Wire::builder().key(&TENANT, Codec::text())
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
        assert!(
            told.contains("wire_faults::TENANT") && told.contains("wire_faults::Tells"),
            "{told}"
        );
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
