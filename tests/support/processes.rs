//! Tests whose workers are the test itself, in another process.

use std::any::type_name_of_val;
use std::env;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use entourage::{Data, Node, ProcessRunner, ProcessRunnerBuilder, node};

fn quiet(command: &mut Command) {
    command.stdout(Stdio::null()).stderr(Stdio::null());
}

const FOLDER: &str = "PROCESS_TEST_FOLDER";

/// A runner whose workers run `test` up to where it serves. What is printed there
/// is of no interest.
pub(crate) fn again<F: Fn()>(test: F) -> ProcessRunnerBuilder {
    again_in(test, quiet)
}

/// The same, with the command as `change` leaves it.
pub(crate) fn again_in<F: Fn()>(
    test: F,
    change: impl Fn(&mut Command) + Send + Sync + 'static,
) -> ProcessRunnerBuilder {
    let path = type_name_of_val(&test);
    let name = path.split_once("::").unwrap().1;
    ProcessRunner::builder().command(move || {
        let mut command = Command::new(env::current_exe().unwrap());
        command.args(["--exact", name, "--nocapture"]);
        change(&mut command);
        command
    })
}

/// The folder of the test: the same in its workers, if they are given
/// [`with_folder`].
pub(crate) struct Folder {
    path: PathBuf,
    _own: Option<tempfile::TempDir>,
}

impl Folder {
    pub(crate) fn new() -> Self {
        match env::var_os(FOLDER) {
            Some(path) => Self { path: path.into(), _own: None },
            None => {
                let own = tempfile::tempdir().unwrap();
                Self { path: own.path().to_owned(), _own: Some(own) }
            }
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Has a worker find the folder.
    pub(crate) fn tell(&self) -> impl Fn(&mut Command) + Send + Sync + 'static {
        let path = self.path.clone();
        move |command| {
            quiet(command.env(FOLDER, &path));
        }
    }
}

pub(crate) fn number(name: impl Into<String>) -> Data<u32> {
    Data::value("number").named(name)
}

/// A node that reads nothing, does `f`, and writes 7 under its own name.
pub(crate) fn does(name: &str, f: impl Fn() + Send + Sync + 'static) -> Node {
    let does = move || {
        f();
        7
    };
    node(does).reads(()).writes(number(format!("{name}_out"))).named(name)
}
