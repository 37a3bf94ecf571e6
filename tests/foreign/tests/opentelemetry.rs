//! The OpenTelemetry context goes along, with `tracing-opentelemetry` beside it
//! and without, and is applied once.

use std::collections::HashMap;

use entourage::accessors::OPENTELEMETRY;
use entourage::{Executor, Propagation};
use entourage_foreign_tests::{Exported, for_each_in_context, one_worker, steal_one};
use opentelemetry::baggage::BaggageExt;
use opentelemetry::trace::{TraceContextExt, Tracer};
use opentelemetry::{Context, ContextGuard, KeyValue};
use tracing::info_span;

fn attach_tenant(tenant: &'static str) -> ContextGuard {
    Context::current_with_baggage([KeyValue::new("tenant", tenant)]).attach()
}

fn tenant() -> Option<String> {
    Some(Context::current().baggage().get("tenant")?.to_string())
}

fn workers(num_threads: usize) -> Executor {
    Executor::builder().num_threads(num_threads).accessor(&OPENTELEMETRY).build().unwrap()
}

#[test]
fn spans_of_opentelemetrys_own_have_the_submitters_as_their_parent() {
    let exported = Exported::new();
    let tracer = exported.tracer();
    let pool = workers(4);
    tracer.in_span("request", |_| {
        pool.scope(|s| {
            for _ in 0..100 {
                s.spawn(|_| exported.tracer().in_span("task", |_| ()));
            }
        });
    });
    assert_eq!(exported.spans().len(), 101);
    assert_eq!(exported.parents()["task"], "request");
    assert!(exported.spans().iter().filter(|span| span.name == "task").all(|span| {
        let request = exported.spans().into_iter().find(|span| span.name == "request").unwrap();
        span.parent_span_id == request.span_context.span_id()
    }));
}

fn each_task_has_the_right_parent(activation: bool) {
    let exported = Exported::new();
    let pool = workers(4);
    exported.with_layer(activation, || {
        for _ in 0..4 {
            info_span!("request").in_scope(|| {
                let _tenant = attach_tenant("acme");
                for_each_in_context(&pool, || {
                    info_span!("leaf").in_scope(|| assert_eq!(tenant().as_deref(), Some("acme")));
                });
                pool.scope(|s| {
                    for _ in 0..100 {
                        s.spawn(|_| {
                            info_span!("task").in_scope(|| {
                                let inner = || info_span!("inner").in_scope(|| ());
                                pool.join(inner, inner);
                            });
                        });
                    }
                });
            });
        }
    });
    // Each once: nothing is applied twice.
    let spans = exported.spans();
    let count = |name: &str| spans.iter().filter(|span| span.name == name).count();
    assert_eq!(["request", "leaf", "task", "inner"].map(count), [4, 4000, 400, 800]);
    let by_id: HashMap<_, _> =
        spans.iter().map(|span| (span.span_context.span_id(), span)).collect();
    for span in &spans {
        let parent = by_id.get(&span.parent_span_id).map(|parent| &*parent.name);
        let expected = match &*span.name {
            "request" => None,
            "inner" => Some("task"),
            _ => Some("request"),
        };
        assert_eq!(parent, expected, "the parent of {}", span.name);
        if let Some(parent) = by_id.get(&span.parent_span_id) {
            assert_eq!(span.span_context.trace_id(), parent.span_context.trace_id());
        }
    }
}

#[test]
fn each_task_has_the_right_parent_where_the_layer_attaches_contexts() {
    each_task_has_the_right_parent(true);
}

#[test]
fn each_task_has_the_right_parent_where_the_layer_attaches_none() {
    each_task_has_the_right_parent(false);
}

/// A task that waits while another is run on top of it, both in a span with
/// baggage attached above it.
fn stolen_over_a_waiting_task(activation: bool) {
    let exported = Exported::new();
    exported.with_layer(activation, || {
        let pool = one_worker(&OPENTELEMETRY);
        let waiting = info_span!("waiting").in_scope(|| {
            let _tenant = attach_tenant("acme");
            pool.spawn(|| {
                let outer = info_span!("entered by the task").entered();
                let mut seen = Vec::new();
                for _ in 0..2 {
                    steal_one();
                    seen.push(tenant());
                    info_span!("in the inner span again").in_scope(|| ());
                }
                drop(outer);
                seen.push(tenant());
                info_span!("in the outer span again").in_scope(|| seen)
            })
        });
        let stolen = || {
            info_span!("child of the stolen").in_scope(|| ());
            tenant()
        };
        let stolen = ["globex", "initech"].map(|tenant| {
            info_span!("stolen").in_scope(|| {
                let _tenant = attach_tenant(tenant);
                pool.spawn(stolen)
            })
        });
        let stolen = stolen.map(|task| task.join().unwrap().unwrap());
        assert_eq!(stolen, ["globex", "initech"]);
        let acme = Some("acme".to_owned());
        assert_eq!(waiting.join().unwrap(), [acme.clone(), acme.clone(), acme]);
        let left = pool.rayon_pool().install(|| (tenant(), Context::current().has_active_span()));
        assert_eq!(left, (None, false));
    });
    let parents = exported.parents();
    assert_eq!(parents["child of the stolen"], "stolen");
    assert_eq!(parents["in the inner span again"], "entered by the task");
    assert_eq!(parents["in the outer span again"], "waiting");
}

#[test]
fn waiting_task_finds_its_own_context_again_where_the_layer_attaches_contexts() {
    stolen_over_a_waiting_task(true);
}

#[test]
fn waiting_task_finds_its_own_context_again_where_the_layer_attaches_none() {
    stolen_over_a_waiting_task(false);
}

#[test]
fn task_without_a_context_is_a_root_also_over_a_waiting_one() {
    for activation in [true, false] {
        let exported = Exported::new();
        exported.with_layer(activation, || {
            let pool = one_worker(&OPENTELEMETRY);
            let waiting = info_span!("waiting").in_scope(|| pool.spawn(steal_one));
            let root = pool.spawn(|| info_span!("root").in_scope(|| ()));
            root.join().unwrap();
            waiting.join().unwrap();
        });
        assert_eq!(exported.parents()["root"], "none", "with activation {activation}");
    }
}

#[test]
fn span_goes_without_the_context_and_the_context_without_the_span() {
    for activation in [true, false] {
        let exported = Exported::new();
        exported.with_layer(activation, || {
            let pool = workers(2);
            let span_only = pool.with_propagation(Propagation::except([&OPENTELEMETRY])).unwrap();
            let context_only = pool.with_propagation(Propagation::only([&OPENTELEMETRY])).unwrap();
            info_span!("request").in_scope(|| {
                let _tenant = attach_tenant("acme");
                let seen = context_only.spawn(tenant).join().unwrap();
                assert_eq!(seen.as_deref(), Some("acme"));
                assert_eq!(span_only.spawn(tenant).join().unwrap(), None);
            });
        });
    }
}

#[test]
fn context_is_used_from_a_thread_local_destructor() {
    struct AtExit(Executor);
    impl Drop for AtExit {
        fn drop(&mut self) {
            self.0.spawn(|| ()).join().unwrap();
            self.0.snapshot().scope(|| ());
        }
    }
    thread_local! {
        static AT_EXIT: std::cell::RefCell<Option<AtExit>> = const { std::cell::RefCell::new(None) };
    }
    let pool = workers(1);
    let thread = std::thread::spawn(move || {
        AT_EXIT.set(Some(AtExit(pool)));
        // Used after, so torn down before.
        drop(Context::current());
    });
    thread.join().unwrap();
}
