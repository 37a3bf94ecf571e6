//! "Why is my key not here" has an answer: where it was set and what held it
//! back, or that it never was set. And the answer keeps no value alive.

#[expect(dead_code, reason = "each test file needs some of the helpers")]
mod support;

use std::panic::Location;
use std::sync::Arc;

use entourage::{
    Carried, Context, Executor, Explanation, Propagation, RUN_ID, SPAN, Snapshot, context_key,
    suppress,
};
use support::recorder::Recorder;
use support::spy::{Spy, with_local};
use support::{one_worker, steal_one};
use tracing::info_span;

context_key! {
    static TENANT: u32 = propagate;
    static ATTEMPT: u32 = propagate;
    static TOKEN: u32 = clear;
    static SCRATCH: u32 = never;
    static DEPTH: u32 = propagate, fork = |depth| depth + 1;
    static HELD: Arc<()> = propagate;
}

#[derive(Debug, PartialEq)]
enum Fate {
    Set,
    HeldBack,
    Removed,
    NeverSet,
}

/// The one of the four that holds.
fn fate_of(why: &Explanation) -> Fate {
    match (why.is_set(), why.is_held_back(), why.is_removed(), why.is_never_set()) {
        (true, false, false, false) => Fate::Set,
        (false, true, false, false) => Fate::HeldBack,
        (false, false, true, false) => Fate::Removed,
        (false, false, false, true) => Fate::NeverSet,
        _ => panic!("more than one, or none, of the fates: {why:?}"),
    }
}

#[track_caller]
fn here() -> String {
    let here = Location::caller();
    format!("{}:{}", here.file(), here.line())
}

/// The place in the form of [`here`].
fn place(why: &Explanation) -> Option<String> {
    why.place().map(|place| format!("{}:{}", place.file(), place.line()))
}

fn under(policy: Propagation) -> Executor {
    one_worker().with_propagation(policy).unwrap()
}

#[test]
fn key_that_is_set_says_where() {
    let (line, why) = (here(), TENANT.scope(1, || TENANT.explain()));
    assert_eq!((fate_of(&why), place(&why)), (Fate::Set, Some(line.clone())));
    assert!(why.to_string().contains(&format!("::TENANT` is set, at {line}:")), "{why}");
    let (line, context) = (here(), Context::empty().with(&TENANT, 1));
    assert_eq!(place(&context.explain(&TENANT)), Some(line.clone()));
    // Whoever sets it again, or carries it, changes that or does not.
    let (again, why) = (here(), context.clone().scope(|| TENANT.scope(2, || TENANT.explain())));
    assert_eq!(place(&why), Some(again));
    let why = context.scope(|| one_worker().spawn(|| TENANT.explain()).join().unwrap());
    assert_eq!((fate_of(&why), place(&why)), (Fate::Set, Some(line)));
}

#[test]
fn value_that_a_fork_made_was_set_where_its_parents_was() {
    let (line, why) = (here(), DEPTH.scope(1, || Snapshot::capture().explain(&DEPTH)));
    assert_eq!((fate_of(&why), place(&why)), (Fate::Set, Some(line)));
}

#[test]
fn key_that_was_never_set_says_so() {
    for why in [
        TENANT.explain(),
        Context::empty().explain(&TENANT),
        Snapshot::empty().explain(&TENANT),
        ATTEMPT.scope(1, Snapshot::capture).explain(&TENANT),
        ATTEMPT.scope(1, || one_worker().spawn(|| TENANT.explain())).join().unwrap(),
    ] {
        assert_eq!((fate_of(&why), place(&why)), (Fate::NeverSet, None));
        assert!(why.to_string().ends_with("::TENANT` was never set"), "{why}");
    }
}

#[test]
fn key_that_was_removed_says_where() {
    TENANT.scope(1, || {
        let (line, why) = (here(), TENANT.cleared(|| TENANT.explain()));
        assert_eq!((fate_of(&why), place(&why)), (Fate::Removed, Some(line)));
        let (line, task) = (here(), TENANT.cleared(|| one_worker().spawn(|| TENANT.explain())));
        assert_eq!(place(&task.join().unwrap()), Some(line));
    });
}

/// What a snapshot, and a task, say of `KEY` when it was set under `policy`.
macro_rules! told {
    ($key:ident, $policy:expr) => {{
        let pool = under($policy);
        let (line, (snapshot, task)) =
            (here(), $key.scope(1, || (pool.snapshot(), pool.spawn(|| $key.explain()))));
        let (why, inside) = (snapshot.explain(&$key), task.join().unwrap());
        assert_eq!(why.to_string(), inside.to_string());
        assert_eq!((fate_of(&why), fate_of(&inside)), (Fate::HeldBack, Fate::HeldBack));
        assert_eq!((place(&why), place(&inside)), (Some(line.clone()), Some(line)));
        why.to_string()
    }};
}

#[test]
fn key_that_its_own_policy_held_back_says_which() {
    let why = told!(TOKEN, Propagation::all());
    assert!(why.ends_with("held back: it is declared `clear`, and no allowlist names it"), "{why}");
    let why = told!(SCRATCH, Propagation::all());
    assert!(why.ends_with("it is declared `never`, so it stays on its thread"), "{why}");
    // On a denylist that does not name it, the key's own policy is the reason.
    let why = told!(TOKEN, Propagation::except([&TENANT]));
    assert!(why.contains("it is declared `clear`"), "{why}");
}

#[test]
fn key_that_a_list_held_back_is_shown_the_list() {
    let why = told!(TENANT, Propagation::only([&RUN_ID, &ATTEMPT]));
    let list = "it is not on the allowlist (`entourage::RUN_ID`, `explain::ATTEMPT`)";
    assert!(why.ends_with(list), "{why}");
    let why = told!(TENANT, Propagation::except([&ATTEMPT, &TENANT]));
    let list = "it is on the denylist (`explain::ATTEMPT`, `explain::TENANT`)";
    assert!(why.ends_with(list), "{why}");
    let why = told!(TENANT, Propagation::only([]));
    assert!(why.ends_with("it is not on the allowlist (which is empty)"), "{why}");
}

#[test]
fn what_was_held_back_is_known_to_the_tasks_of_the_task_too() {
    let pool = under(Propagation::only([&ATTEMPT]));
    let nested = pool.clone();
    let task = TENANT.scope(1, || {
        ATTEMPT.scope(2, || pool.spawn(move || nested.spawn(|| TENANT.explain()).join().unwrap()))
    });
    assert_eq!(fate_of(&task.join().unwrap()), Fate::HeldBack);
    // Until somebody sets it anew.
    let task = TENANT.scope(1, || pool.spawn(|| TENANT.scope(2, || TENANT.explain())));
    assert_eq!(fate_of(&task.join().unwrap()), Fate::Set);
}

#[test]
fn nothing_is_carried_while_propagation_is_off_and_that_is_the_answer() {
    let pool = under(Propagation::off());
    TENANT.scope(1, || {
        let mut all = vec![
            pool.snapshot().explain(&TENANT),
            pool.snapshot().scope(|| TENANT.explain()),
            Snapshot::capture_with(&Propagation::off()).explain(&SPAN),
            pool.spawn(|| TENANT.explain()).join().unwrap(),
            pool.spawn(|| ATTEMPT.scope(1, || TENANT.explain())).join().unwrap(),
        ];
        let mut in_scope = None;
        pool.scope(|s| s.spawn(|_| in_scope = Some(TENANT.explain())));
        all.extend(in_scope);
        for why in all {
            assert_eq!(fate_of(&why), Fate::HeldBack, "{why}");
            assert!(why.to_string().ends_with("was not carried: propagation was off"), "{why}");
        }
    });
}

#[test]
fn task_without_propagation_that_is_stolen_inside_another_says_so_too() {
    let pool = one_worker();
    let off = pool.with_propagation(Propagation::off()).unwrap();
    let waiting = TENANT.scope(1, || {
        pool.spawn(|| {
            steal_one();
            TENANT.explain()
        })
    });
    let stolen = off.spawn(|| TENANT.explain());
    assert!(stolen.join().unwrap().to_string().ends_with("propagation was off"));
    assert_eq!(fate_of(&waiting.join().unwrap()), Fate::Set);
}

#[test]
fn nothing_is_carried_while_it_is_suppressed_and_that_is_the_answer() {
    let pool = one_worker();
    TENANT.scope(1, || {
        let (snapshot, task) = suppress(|| (pool.snapshot(), pool.spawn(|| TENANT.explain())));
        for why in [snapshot.explain(&TENANT), snapshot.explain(&SPAN), task.join().unwrap()] {
            assert_eq!(fate_of(&why), Fate::HeldBack, "{why}");
            assert!(why.to_string().ends_with("propagation was suppressed"), "{why}");
        }
        assert!(snapshot.is_empty());
    });
}

#[test]
fn task_of_a_suppressed_submitter_carries_its_own_keys_and_accessors() {
    let spy = Spy::on("locale").sharing().leak();
    let pool = Executor::builder().num_threads(1).accessor(spy).build().unwrap();
    let mut seen = None;
    pool.in_place_scope(|s| {
        suppress(|| {
            s.spawn(|s| {
                let seen = &mut seen;
                with_local("locale", 3, || s.spawn(|_| *seen = support::spy::local("locale")));
            });
        });
    });
    assert_eq!(seen, Some(3));
    let nested = pool.clone();
    let task = suppress(|| {
        pool.spawn(move || TENANT.scope(1, || nested.spawn(|| TENANT.get()).join().unwrap()))
    });
    assert_eq!(task.join().unwrap(), Some(1));
}

#[test]
fn span_is_explained_like_a_key() {
    Recorder::record(|_| {
        let span = info_span!("request");
        let told = |policy| span.in_scope(|| Snapshot::capture_with(&policy)).explain(&SPAN);
        assert_eq!(fate_of(&told(Propagation::all())), Fate::Set);
        assert_eq!(told(Propagation::all()).place(), None);
        let why = told(Propagation::only([&TENANT]));
        assert_eq!(
            why.to_string(),
            "`entourage::SPAN` was not carried: it is not on the allowlist (`explain::TENANT`)"
        );
        let why = told(Propagation::except([&SPAN]));
        assert!(why.to_string().ends_with("it is on the denylist (`entourage::SPAN`)"), "{why}");
    });
}

#[test]
fn accessor_is_explained_like_a_key() {
    let (spy, other) = (Spy::on("locale").leak(), Spy::on("other").leak());
    let pool = Executor::builder().num_threads(1).accessor(spy).build().unwrap();
    let denied = pool.with_propagation(Propagation::except([spy])).unwrap();
    with_local("locale", 1, || {
        assert_eq!(pool.snapshot().explain(spy).to_string(), "`locale` was carried");
        let why = denied.snapshot().explain(spy);
        assert_eq!(why.to_string(), "`locale` was not carried: it is on the denylist (`locale`)");
        let why = suppress(|| pool.snapshot()).explain(spy);
        assert_eq!(why.to_string(), "`locale` was not carried: propagation was suppressed");
        let why = pool.snapshot().explain(other);
        assert_eq!(why.to_string(), "`other` is not among the accessors of the executor");
    });
    assert_eq!(pool.snapshot().explain(spy).to_string(), "`locale` was never set");
}

#[test]
fn anything_that_a_list_can_name_can_be_asked_for_by_its_name() {
    let spy = Spy::on("locale").leak();
    let items: [&'static dyn Carried; 3] = [&TENANT, &SPAN, spy];
    let snapshot = Snapshot::capture();
    for item in items {
        assert_eq!(snapshot.explain(item).name(), item.name());
    }
}

#[test]
fn explanation_keeps_no_value_alive() {
    let value = Arc::new(());
    let policy = Propagation::only([&TENANT]);
    let (snapshot, removed) = HELD
        .scope(value.clone(), || (Snapshot::capture_with(&policy), HELD.cleared(Context::current)));
    let whys = [snapshot.explain(&HELD), removed.explain(&HELD)];
    assert_eq!(whys.each_ref().map(fate_of), [Fate::HeldBack, Fate::Removed]);
    assert_eq!(Arc::strong_count(&value), 1);
    // Nor does it count, or show, as one that is set.
    assert!(snapshot.is_empty() && removed.is_empty());
    assert_eq!((removed.len(), format!("{removed:?}").as_str()), (0, "{}"));
}

#[test]
fn explanation_shows_nothing_of_a_value() {
    let why = TENANT.scope(424_242, || TENANT.explain());
    assert!(!format!("{why:?} {why}").contains("424242"));
}
