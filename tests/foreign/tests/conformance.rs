//! The public suite, on every accessor that comes with the crate.

use std::sync::{Arc, LazyLock};

use entourage::accessors::{self, TaskLocal};
use opentelemetry::baggage::BaggageExt;
use opentelemetry::{Context, KeyValue};
use sentry_core::{Client, ClientOptions, Hub, HubSwitchGuard};
use tokio::runtime::{Builder, Runtime};

entourage::accessor_conformance! {
    mod opentelemetry_context;
    accessor: accessors::OPENTELEMETRY,
    values: ["acme".to_owned(), "globex".to_owned()],
    with: |tenant, body| {
        let baggage = [KeyValue::new("tenant", tenant)];
        let _attached = Context::current_with_baggage(baggage).attach();
        body();
    },
    get: || Some(Context::current().baggage().get("tenant")?.to_string()),
}

static RUNTIMES: LazyLock<[Runtime; 2]> =
    LazyLock::new(|| [0, 1].map(|_| Builder::new_current_thread().build().unwrap()));

entourage::accessor_conformance! {
    mod tokio_runtime;
    accessor: accessors::TOKIO,
    values: [0, 1],
    with: |runtime, body| {
        let _entered = RUNTIMES[runtime].enter();
        body();
    },
    get: || {
        let current = accessors::TOKIO.current()?.id();
        RUNTIMES.iter().position(|runtime| runtime.handle().id() == current)
    },
}

tokio::task_local! { static TENANT: String; }
static TENANT_CARRIED: TaskLocal<String> = TaskLocal::new("TENANT", &TENANT);

entourage::accessor_conformance! {
    mod tokio_task_local;
    accessor: TENANT_CARRIED,
    values: ["acme".to_owned(), "globex".to_owned()],
    with: |tenant, body| TENANT.sync_scope(tenant, body),
    get: || TENANT.try_get().ok(),
}

/// A hub with a client, and a tag in its scope.
fn hub(tenant: String) -> Arc<Hub> {
    let client = Client::from_config(ClientOptions::default());
    let hub = Hub::new(Some(Arc::new(client)), Arc::default());
    hub.configure_scope(|scope| scope.set_tag("tenant", tenant));
    Arc::new(hub)
}

/// The tag as it would be on an event.
fn tag() -> Option<String> {
    let hub = Hub::current();
    hub.client()?;
    let event = hub.configure_scope(|scope| scope.apply_to_event(Default::default()));
    event?.tags.remove("tenant")
}

entourage::accessor_conformance! {
    mod sentry_hub;
    accessor: accessors::SENTRY,
    values: ["acme".to_owned(), "globex".to_owned()],
    with: |tenant, body| Hub::run(hub(tenant), body),
    get: tag,
    leave: |tenant| std::mem::forget(HubSwitchGuard::new(hub(tenant))),
}

entourage::accessor_conformance! {
    mod sentry_scope;
    accessor: accessors::SENTRY,
    values: ["acme".to_owned(), "globex".to_owned()],
    with: |tenant, body| Hub::run(hub(tenant), body),
    get: tag,
    leave: |tenant| Hub::current().configure_scope(|scope| scope.set_tag("tenant", tenant)),
}
