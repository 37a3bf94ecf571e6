//! What goes along is what the policy says, and a policy that cannot be carried
//! out is refused when the executor is built.

#[expect(dead_code, reason = "each test file needs some of the helpers")]
mod support;

use entourage::{Carried, Executor, Propagation, PropagationError, SPAN, Snapshot};
use support::recorder::Recorder;
use support::spy::{Spy, local, set_local, with_local};
use support::{one_worker, steal_one};
use tracing::{Span, info, info_span};

entourage::context_key! {
    static TENANT: u32 = propagate;
    static ATTEMPT: u32 = propagate;
    static TOKEN: u32 = clear;
    static SCRATCH: u32 = never;
}

fn with_policy(propagation: Propagation) -> Executor {
    Executor::builder().num_threads(1).propagation(propagation).build().unwrap()
}

fn refusal(propagation: Propagation) -> String {
    let error = Executor::builder().propagation(propagation).build().unwrap_err();
    assert!(error.is_propagation() && !error.is_thread_count());
    error.to_string()
}

type Values = [Option<u32>; 4];

fn values() -> Values {
    [TENANT.get(), ATTEMPT.get(), TOKEN.get(), SCRATCH.get()]
}

/// Sets every key to `n`.
fn with_all<R>(n: u32, f: impl FnOnce() -> R) -> R {
    TENANT.scope(n, || ATTEMPT.scope(n, || TOKEN.scope(n, || SCRATCH.scope(n, f))))
}

/// What a task under `propagation` sees of keys that are all 2, on a worker
/// where a task waits in which all are 1.
fn seen_on_a_dirty_worker(propagation: Propagation) -> Values {
    let pool = one_worker();
    let waiting = pool.spawn(|| {
        with_all(1, || {
            steal_one();
            assert_eq!(values(), [Some(1); 4]);
        });
    });
    let other = pool.with_propagation(propagation).unwrap();
    let seen = with_all(2, || other.spawn(values)).join().unwrap();
    waiting.join().unwrap();
    seen
}

#[test]
fn by_default_each_key_does_what_it_was_declared_to() {
    assert_eq!(seen_on_a_dirty_worker(Propagation::all()), [Some(2), Some(2), None, None]);
}

#[test]
fn allowlist_carries_its_items_and_nothing_else() {
    let policy = Propagation::only([&TENANT]);
    assert_eq!(seen_on_a_dirty_worker(policy), [Some(2), None, None, None]);
}

#[test]
fn allowlist_without_the_span_carries_no_span() {
    Recorder::record(|recorder| {
        let spanless = with_policy(Propagation::only([&TENANT]));
        info_span!("request").in_scope(|| spanless.spawn(|| info!("lost"))).join().unwrap();
        // Without its dispatcher, which is part of the item, it records nothing.
        assert_eq!(recorder.events(), []);

        let spanned = with_policy(Propagation::only([&SPAN]));
        let tenant = info_span!("request").in_scope(|| {
            with_all(2, || {
                spanned.spawn(|| {
                    info!("kept");
                    values()
                })
            })
        });
        assert_eq!(tenant.join().unwrap(), [None; 4]);
        assert_eq!(recorder.spans_of("kept"), ["request"]);
    });
}

#[test]
fn denylist_carries_all_but_its_items() {
    let policy = Propagation::except([&TENANT]);
    assert_eq!(seen_on_a_dirty_worker(policy), [None, Some(2), None, None]);
}

#[test]
fn denylist_may_name_the_span() {
    Recorder::record(|_| {
        let pool = with_policy(Propagation::except([&SPAN]));
        let task = info_span!("request").in_scope(|| {
            TENANT.scope(2, || pool.spawn(|| (Span::current().is_none(), TENANT.get())))
        });
        assert_eq!(task.join().unwrap(), (true, Some(2)));
    });
}

#[test]
fn never_key_on_an_allowlist_is_refused_by_name() {
    let message = refusal(Propagation::only([&TENANT, &SCRATCH]));
    assert!(message.contains("::SCRATCH` is declared `never`"), "{message}");
    assert!(!message.contains("TENANT"), "{message}");

    let refused: PropagationError =
        one_worker().with_propagation(Propagation::only([&SCRATCH])).unwrap_err();
    assert!(refused.to_string().contains("::SCRATCH`"), "{refused}");
}

#[test]
fn never_key_crosses_no_thread_by_any_way() {
    SCRATCH.scope(1, || {
        assert_eq!(one_worker().spawn(|| SCRATCH.get()).join().unwrap(), None);
        for policy in
            [Propagation::all(), Propagation::only([&SCRATCH]), Propagation::except([&TENANT])]
        {
            let snapshot = Snapshot::capture_with(&policy);
            std::thread::scope(|threads| {
                threads.spawn(|| snapshot.scope(|| assert_eq!(SCRATCH.get(), None)));
            });
        }
        // A denylist may name it, to say once more what is so anyway.
        assert!(Propagation::except([&SCRATCH]).validate().is_ok());
    });
}

#[test]
fn what_a_list_says_beats_what_the_key_says() {
    let policy = Propagation::only([&TOKEN]);
    assert_eq!(seen_on_a_dirty_worker(policy), [None, None, Some(2), None]);
    let policy = Propagation::except([&TENANT, &ATTEMPT]);
    assert_eq!(seen_on_a_dirty_worker(policy), [None; 4]);
}

#[test]
fn local_that_no_accessor_knows_is_left_as_the_worker_has_it() {
    let pool = one_worker();
    pool.rayon_pool().install(|| set_local("unknown", Some(5)));
    let task = with_local("unknown", 9, || pool.spawn(|| local("unknown")));
    assert_eq!(task.join().unwrap(), Some(5));
}

#[test]
fn item_that_is_listed_twice_is_refused_by_name() {
    let message = refusal(Propagation::only([&TENANT, &ATTEMPT, &TENANT]));
    assert!(message.contains("::TENANT` is listed twice"), "{message}");
    let message = refusal(Propagation::except([&SPAN, &SPAN]));
    assert!(message.contains("`entourage::SPAN` is listed twice"), "{message}");
}

#[test]
fn two_keys_of_one_name_on_a_list_are_refused_by_name() {
    fn first() -> &'static dyn Carried {
        entourage::context_key! { static TWIN: u32 = propagate; }
        &TWIN
    }
    fn second() -> &'static dyn Carried {
        entourage::context_key! { static TWIN: u32 = propagate; }
        &TWIN
    }
    let message = refusal(Propagation::only([first(), second()]));
    assert!(message.contains("::TWIN` is the name of two different items"), "{message}");
}

#[test]
fn accessor_that_is_listed_but_not_registered_is_refused_by_name() {
    let (known, unknown) = (Spy::on("known").leak(), Spy::on("unknown").leak());
    let policy = Propagation::only([known as &dyn Carried, unknown, &TENANT]);
    let error = Executor::builder().accessor(known).propagation(policy).build().unwrap_err();
    assert!(error.is_propagation());
    assert!(error.to_string().contains("`unknown` is listed but not among"), "{error}");
    assert!(!error.to_string().contains("`known`"), "{error}");
    let refused = one_worker().with_propagation(Propagation::except([unknown])).unwrap_err();
    assert!(refused.to_string().contains("`unknown`"), "{refused}");
}

#[test]
fn accessor_that_is_registered_twice_is_refused_by_name() {
    let spy = Spy::on("locale").leak();
    let error = Executor::builder().accessor(spy).accessor(spy).build().unwrap_err();
    assert!(error.to_string().contains("`locale` is registered twice"), "{error}");
    let namesake = Spy::on("locale").leak();
    let error = Executor::builder().accessor(spy).accessor(namesake).build().unwrap_err();
    assert!(error.to_string().contains("`locale` is the name of two accessors"), "{error}");
}

#[test]
fn accessors_without_a_state_are_one_where_their_type_is() {
    struct Sizeless;
    impl entourage::Accessor for Sizeless {
        type Value = ();
        type Guard = ();
        fn name(&self) -> &'static str {
            "sizeless"
        }
        fn capture(&self) -> Option<()> {
            None
        }
        fn enter(&self, _: Option<&()>) {}
    }
    // Whether these two lie at one address is the linker's to say.
    static FIRST: Sizeless = Sizeless;
    static SECOND: Sizeless = Sizeless;
    let error = Executor::builder().accessor(&FIRST).accessor(&SECOND).build().unwrap_err();
    assert!(error.to_string().contains("`sizeless` is registered twice"), "{error}");
    let message = refusal(Propagation::except([&FIRST, &SECOND]));
    assert!(message.contains("`sizeless` is listed twice"), "{message}");
    assert!(!Propagation::only([&FIRST]).carries(&TENANT));
    let policy = Propagation::only([&SECOND]);
    Executor::builder().num_threads(1).accessor(&FIRST).propagation(policy).build().unwrap();
}

#[test]
fn list_that_is_made_at_run_time_is_as_good_as_one_that_is_written_down() {
    let names = ["attempt", "span"];
    let known: [(&str, &'static dyn Carried); 3] =
        [("tenant", &TENANT), ("attempt", &ATTEMPT), ("span", &SPAN)];
    let listed = || known.into_iter().filter(|item| names.contains(&item.0)).map(|item| item.1);
    let [only, except] = [Propagation::only_of(listed()), Propagation::except_of(listed())];
    assert_eq!(seen_on_a_dirty_worker(only.clone()), [None, Some(2), None, None]);
    assert_eq!(seen_on_a_dirty_worker(except.clone()), [Some(2), None, None, None]);
    assert!(only.carries(&SPAN) && !except.carries(&SPAN));
    let message = refusal(Propagation::only_of(listed().chain([&SCRATCH as &dyn Carried])));
    assert!(message.contains("::SCRATCH` is declared `never`"), "{message}");
}

#[test]
fn one_submission_may_have_a_policy_of_its_own() {
    let pool = one_worker();
    let nested = pool.clone();
    with_all(2, || {
        let policy = Propagation::only([&TOKEN, &ATTEMPT]);
        let task = pool.task("login").propagation(policy).unwrap();
        let task = task.spawn(move || (values(), nested.spawn(values).join().unwrap()));
        let (own, of_its_child) = task.join().unwrap();
        assert_eq!(own, [None, Some(2), Some(2), None]);
        // The policy was for the one submission.
        assert_eq!(of_its_child, [None, Some(2), None, None]);
        assert_eq!(pool.spawn(values).join().unwrap(), [Some(2), Some(2), None, None]);
        let off = pool.task("off").propagation(Propagation::off()).unwrap().spawn(values);
        assert_eq!(off.join().unwrap(), [None; 4]);
        let on = pool.with_propagation(Propagation::off()).unwrap();
        let on = on.task("on").propagation(Propagation::all()).unwrap().spawn(values);
        assert_eq!(on.join().unwrap(), [Some(2), Some(2), None, None]);
    });
}

#[test]
fn submission_with_a_policy_that_cannot_be_carried_out_is_refused_by_name() {
    let (pool, unknown) = (one_worker(), Spy::on("unknown").leak());
    let policy = Propagation::only([&SCRATCH as &dyn Carried, unknown, &TENANT, &TENANT]);
    let message = pool.task("doomed").propagation(policy).unwrap_err().to_string();
    for part in ["::SCRATCH` is declared `never`", "`unknown` is listed but", "::TENANT` is listed"]
    {
        assert!(message.contains(part), "`{part}` is missing: {message}");
    }
}

#[test]
fn all_that_is_wrong_with_an_executor_is_said_at_once() {
    let policy = Propagation::only([&SCRATCH, &TENANT, &TENANT]);
    let error = Executor::builder().num_threads(0).propagation(policy).build().unwrap_err();
    let message = error.to_string();
    assert!(error.is_propagation() && error.is_thread_count());
    for part in ["num_threads is 0", "::SCRATCH` is declared `never`", "::TENANT` is listed twice"]
    {
        assert!(message.contains(part), "`{part}` is missing: {message}");
    }
}

#[test]
fn builder_that_is_reused_gives_executors_of_their_own() {
    let builder = Executor::builder().num_threads(1);
    let first = builder.clone().propagation(Propagation::only([&TENANT])).build().unwrap();
    let second = builder.clone().propagation(Propagation::only([&ATTEMPT])).build().unwrap();
    let third = builder.build().unwrap();
    let seen = |pool: &Executor| {
        with_all(2, || pool.spawn(|| [TENANT.get(), ATTEMPT.get()])).join().unwrap()
    };
    assert_eq!(seen(&first), [Some(2), None]);
    assert_eq!(seen(&second), [None, Some(2)]);
    assert_eq!(seen(&third), [Some(2), Some(2)]);
    assert_eq!([first, second, third].map(|pool| pool.stats().snapshots), [1; 3]);
}

#[test]
fn key_that_is_first_set_after_the_capture_is_absent_in_the_task() {
    let pool = one_worker();
    let (open, gate) = std::sync::mpsc::channel();
    pool.spawn_detached(move || _ = gate.recv());
    let task = TENANT.scope(1, || pool.spawn(values));
    ATTEMPT.scope(2, || {
        open.send(()).unwrap();
        assert_eq!(task.join().unwrap(), [Some(1), None, None, None]);
    });
}
