//! Runs a test file a second time, in a process whose subscriber is watched.

use std::env;
use std::process::Command;

const IS_WATCHED: &str = "ENTOURAGE_TEST_WATCHED";

/// Whether this process is to watch its subscriber.
pub(crate) fn is_watched() -> bool {
    env::var_os(IS_WATCHED).is_some()
}

/// Runs all tests of this file but `this` once more, watched.
#[track_caller]
pub(crate) fn run_again_without(this: &str) {
    if is_watched() {
        return;
    }
    let output = Command::new(env::current_exe().unwrap())
        .args(["--exact", "--skip", this])
        .env(IS_WATCHED, "yes")
        .output()
        .unwrap();
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{printed}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(!printed.contains("running 0 tests"), "{printed}");
}
