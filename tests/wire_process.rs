//! A snapshot goes to another process by its environment.

use std::error::Error;
use std::process::Command;

use entourage::{
    Baggage, Carrier, Codec, Context, EnvCarrier, TRACE_PARENT, TraceParent, Unknown, Wire,
    context_key,
};

context_key! { static TENANT: String = propagate; }

const TENANT_TEXT: &str = "Amélie & Söhne, 100 %";

fn wire() -> Wire {
    let wire = Wire::builder().trace_context().baggage().key(&TENANT, Codec::text());
    wire.unknown(Unknown::Keep).build().unwrap()
}

/// This test binary again, to run one of the parts of another process.
fn part(name: &str) -> Result<Command, Box<dyn Error>> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["--exact", name, "--ignored", "--nocapture"]).env("WIRE_TEST_PART", name);
    Ok(command)
}

/// Whether this is the process of a part, and not a run of all that is ignored.
fn is_part() -> bool {
    std::env::var_os("WIRE_TEST_PART").is_some()
}

#[track_caller]
fn succeed(mut command: Command) {
    let output = command.output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    // That the one test ran, too: a filter that fits none is a success.
    assert!(output.status.success() && told.contains("1 passed"), "{told}");
}

fn parent() -> TraceParent {
    TraceParent::new(0x4bf9_2f35, 0x00f0_67aa, true).unwrap()
}

#[test]
fn child_process_reads_what_its_parent_injected() -> Result<(), Box<dyn Error>> {
    let context = Context::empty()
        .with(&TENANT, TENANT_TEXT.to_owned())
        .with(&TRACE_PARENT, parent())
        .with(&entourage::BAGGAGE, Baggage::default().set("user", "Zoë")?);
    let mut child = part("part_that_reads_its_environment")?;
    child.env("ENTOURAGE_CTX_SHARD", "stale");
    context.scope(|| wire().inject(&wire().capture(), &mut child))?;
    succeed(child);
    Ok(())
}

#[test]
#[ignore = "a part of another test, which runs it as a process"]
fn part_that_reads_its_environment() {
    if !is_part() {
        return;
    }
    wire().extract(&EnvCarrier).unwrap().scope(|| {
        assert_eq!(TENANT.get().as_deref(), Some(TENANT_TEXT));
        assert_eq!(TRACE_PARENT.get(), Some(parent()));
        let user = entourage::BAGGAGE.get().unwrap();
        assert_eq!(user.get("user").as_deref(), Some("Zoë"));
        assert_eq!(entourage::WIRE_UNKNOWN.get(), None);
    });
}

#[test]
fn grandchild_inherits_nothing_that_the_child_did_not_inject() -> Result<(), Box<dyn Error>> {
    let mut child = part("part_that_starts_a_process")?;
    child.env("TRACEPARENT", parent().to_string()).env("ENTOURAGE_CTX_TENANT", "v1:inherited");
    child.env("ENTOURAGE_CTX_SHARD", "inherited").env("WIRE_TEST_OTHER", "stays");
    succeed(child);
    Ok(())
}

#[test]
#[ignore = "a part of another test, which runs it as a process"]
fn part_that_starts_a_process() {
    if !is_part() {
        return;
    }
    let mut grandchild = part("part_that_finds_nothing_inherited").unwrap();
    assert!(names(&grandchild).contains(&"TRACEPARENT".to_owned()));
    wire().inject(&wire().capture(), &mut grandchild).unwrap();
    assert!(!names(&grandchild).contains(&"TRACEPARENT".to_owned()));
    succeed(grandchild);
}

fn names(carrier: &impl Carrier) -> Vec<String> {
    let mut names = Vec::new();
    carrier.read(&mut |name, _| names.push(name.to_owned()));
    names
}

#[test]
#[ignore = "a part of another test, which runs it as a process"]
fn part_that_finds_nothing_inherited() {
    if !is_part() {
        return;
    }
    assert!(wire().extract(&EnvCarrier).unwrap().is_empty());
    let is_ours = |name: &String| name.starts_with("ENTOURAGE_CTX_") || name == "TRACEPARENT";
    assert_eq!(std::env::vars().map(|(name, _)| name).find(is_ours), None);
    assert_eq!(std::env::var("WIRE_TEST_OTHER").as_deref(), Ok("stays"));
}

#[cfg(unix)]
#[test]
fn value_of_a_variable_that_is_no_text_is_a_clear_error() -> Result<(), Box<dyn Error>> {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    let mut child = Command::new("true");
    child.env("ENTOURAGE_CTX_TENANT", OsStr::from_bytes(b"v1:\xff\xfe"));
    child.env(OsStr::from_bytes(b"ENTOURAGE_CTX_\xff"), "not looked at");
    let error = wire().extract(&child).unwrap_err();
    assert!(error.is_malformed());
    assert_eq!(error.name(), Some("ENTOURAGE_CTX_TENANT"));
    Ok(())
}
