//! The process's panic hook runs in the context of the task that panics. In a
//! file of its own, since there is one hook for a process.

use std::panic;
use std::sync::mpsc;

use entourage::{Executor, RUN_ID, RunId};

#[test]
fn hook_that_was_there_before_sees_the_run_of_the_task_that_panics() {
    let (tell, told) = mpsc::channel();
    panic::set_hook(Box::new(move |info| {
        let line = info.location().unwrap().line();
        tell.send((RUN_ID.get(), line)).unwrap();
    }));
    let pool = Executor::builder().num_threads(1).build().unwrap();
    let task = RUN_ID.scope(RunId::from("nightly-42"), || pool.spawn(|| panic!("no more rows")));
    let line = line!() - 1;
    let error = task.join().unwrap_err();
    assert_eq!(told.recv().unwrap(), (Some(RunId::from("nightly-42")), line));
    assert!(told.try_recv().is_err());
    // The executor's own hook stands in front and has noted the place.
    assert_eq!(error.place().unwrap().line(), line);

    // A hook that comes later replaces both: it sees the run as well, and the
    // place is lost, as is said of it.
    let (tell, told) = mpsc::channel();
    panic::set_hook(Box::new(move |_| tell.send(RUN_ID.get()).unwrap()));
    let task = RUN_ID.scope(RunId::from("nightly-43"), || pool.spawn(|| panic!("no more rows")));
    let error = task.join().unwrap_err();
    assert_eq!(told.recv().unwrap(), Some(RunId::from("nightly-43")));
    assert_eq!(error.place(), None);
    assert!(error.to_string().ends_with(" panicked: no more rows"), "{error}");
}
