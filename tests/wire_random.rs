//! Whatever is on the wire, the answer is a snapshot or an error; and what was
//! read is written so that it is read again as the same.

use std::convert::Infallible;

use entourage::{
    AsEnv, BAGGAGE, Baggage, Carrier, Codec, Context, Naming, Snapshot, TRACE_PARENT, TRACE_STATE,
    TraceParent, TraceState, Unknown, WIRE_UNKNOWN, Wire, WireUnknown, context_key,
};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

context_key! {
    static TENANT: String = propagate, shown;
    static ATTEMPT: u32 = propagate;
    static REQUEST: String = propagate;
}

fn wire(unknown: Unknown) -> Wire {
    let wire = Wire::builder().trace_context().baggage().key(&TENANT, Codec::text());
    let codec = Codec::text().version(2).accepting(1, |text| text.parse::<u32>());
    let wire = wire.key(&ATTEMPT, codec).key_as("x-request", &REQUEST, Codec::text());
    wire.unknown(unknown).build().unwrap()
}

/// Names with any bytes as values, as either kind of carrier.
#[derive(Clone, Debug)]
struct Raw {
    naming: Naming,
    entries: Vec<(String, Vec<u8>)>,
}

impl Carrier for Raw {
    fn naming(&self) -> Naming {
        self.naming
    }

    fn read(&self, take: &mut dyn FnMut(&str, &[u8])) {
        self.entries.iter().for_each(|(name, value)| take(name, value));
    }
}

fn any_raw() -> impl Strategy<Value = Raw> {
    let name = prop_oneof![
        Just("traceparent".to_owned()),
        Just("TraceState".to_owned()),
        Just("baggage".to_owned()),
        Just("x-request".to_owned()),
        "(TRACEPARENT|TRACESTATE|BAGGAGE|X_REQUEST)",
        "entourage-ctx-(tenant|attempt|[a-c_é-]{0,3})",
        "ENTOURAGE_CTX_(TENANT|ATTEMPT|[A-C_é]{0,3})",
        any::<String>(),
    ];
    let value = prop_oneof![
        any::<String>().prop_map(String::into_bytes),
        vec(any::<u8>(), 0..80),
        // Nearly right.
        "v[0-3]{1,2}:[ -~]{0,20}".prop_map(String::into_bytes),
        "[0-9a-fx]{2}-[0-9a]{32}-[0-9a]{16}-[0-9a]{2}(-.{0,3})?".prop_map(String::into_bytes),
        "([a-c@ ]{1,3}=[ -~]{0,3}[,;]?){0,6}".prop_map(String::into_bytes),
    ];
    let naming = prop_oneof![Just(Naming::Header), Just(Naming::Environment)];
    (naming, vec((name, value), 0..8)).prop_map(|(naming, entries)| Raw { naming, entries })
}

type All = (
    Option<TraceParent>,
    Option<TraceState>,
    Option<Baggage>,
    (Option<String>, Option<u32>, Option<String>),
    Option<WireUnknown>,
);

fn all(snapshot: &Snapshot) -> All {
    snapshot.scope(|| {
        let own = (TENANT.get(), ATTEMPT.get(), REQUEST.get());
        (TRACE_PARENT.get(), TRACE_STATE.get(), BAGGAGE.get(), own, WIRE_UNKNOWN.get())
    })
}

/// The same cases each time.
fn config() -> ProptestConfig {
    let rng_seed = RngSeed::Fixed(0x656e_746f_7572_6167);
    ProptestConfig { cases: 256, rng_seed, failure_persistence: None, ..Default::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn any_bytes_are_a_snapshot_or_an_error(raw in any_raw(), keep in any::<bool>()) {
        let wire = wire(if keep { Unknown::Keep } else { Unknown::Drop });
        let strict = wire.extract(&raw);
        let (lossy, wrong) = wire.extract_lossy(&raw);
        match strict {
            Ok(snapshot) => {
                prop_assert!(wrong.is_empty());
                prop_assert_eq!(all(&snapshot), all(&lossy));
            }
            Err(first) => prop_assert_eq!(first.to_string(), wrong[0].to_string()),
        }
        for error in &wrong {
            let kinds = [error.is_malformed(), error.is_duplicate(), error.is_version()];
            prop_assert_eq!(kinds.iter().filter(|is| **is).count(), 1);
            prop_assert!(error.name().is_some());
            prop_assert!(error.to_string().len() < 1500, "{}", error);
        }
    }

    #[test]
    fn what_was_read_is_written_and_read_again_as_the_same(raw in any_raw()) {
        let wire = wire(Unknown::Keep);
        let (snapshot, _) = wire.extract_lossy(&raw);
        let mut list: Vec<(String, String)> = Vec::new();
        // What came in headers goes on in headers, so that names stay as they are.
        let again = match raw.naming {
            Naming::Environment => {
                let mut list = AsEnv(list);
                wire.inject(&snapshot, &mut list).map(|()| wire.extract_lossy(&list))
            }
            _ => wire.inject(&snapshot, &mut list).map(|()| wire.extract_lossy(&list)),
        };
        let (again, wrong) = again.unwrap();
        // A value in a version that is not read is kept, and no more read the
        // second time.
        prop_assert!(wrong.iter().all(|error| error.is_version()), "{wrong:?}");
        prop_assert_eq!(all(&again), all(&snapshot));
    }

    #[test]
    fn any_values_round_trip_between_headers_and_environment(
        tenant in any::<String>(),
        attempt in any::<u32>(),
        member in any::<String>(),
        ids in (1_u128.., 1_u64.., any::<bool>()),
    ) {
        let wire = wire(Unknown::Drop);
        let context = Context::empty()
            .with(&TENANT, tenant)
            .with(&ATTEMPT, attempt)
            .with(&TRACE_PARENT, TraceParent::new(ids.0, ids.1, ids.2).unwrap())
            .with(&BAGGAGE, Baggage::default().set("member", &member).unwrap());
        let sent = context.scope(|| wire.capture());
        let mut headers: Vec<(String, String)> = Vec::new();
        wire.inject(&sent, &mut headers).unwrap();
        let mut variables = AsEnv(Vec::new());
        wire.inject(&wire.extract(&headers).unwrap(), &mut variables).unwrap();
        let received = wire.extract(&variables).unwrap();
        prop_assert_eq!(all(&received), all(&sent));
        let baggage = all(&received).2.unwrap();
        prop_assert_eq!(baggage.get("member"), Some(member.into()));
    }

    #[test]
    fn trace_state_that_is_truncated_is_no_longer_than_allowed_and_keeps_its_order(
        members in proptest::collection::btree_map("[a-z]{1,9}", "[ -+]{0,140}x", 0..32),
        most in 0_usize..2000,
    ) {
        let state = members.iter().try_fold(TraceState::default(), |state, (key, value)| {
            state.set(key, value)
        }).unwrap();
        let short = state.truncated(most);
        prop_assert!(short.to_string().len() <= most);
        let mut others = state.iter();
        prop_assert!(short.iter().all(|member| others.any(|other| other == member)));
        prop_assert_eq!(short.to_string().parse::<TraceState>().unwrap(), short);
    }

    #[test]
    fn codec_that_takes_any_text_is_given_what_was_encoded(text in any::<String>()) {
        context_key! { static ECHO: String = propagate; }
        let echo = |text: &str| Ok::<_, Infallible>(text.to_owned());
        let wire = Wire::builder().key(&ECHO, Codec::new(String::clone, echo)).build().unwrap();
        let mut list: Vec<(String, String)> = Vec::new();
        ECHO.scope(text.clone(), || wire.inject(&wire.capture(), &mut list)).unwrap();
        prop_assert_eq!(wire.extract(&list).unwrap().scope(|| ECHO.get()), Some(text));
    }
}
