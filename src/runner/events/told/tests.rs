//! What is told once, whoever comes first.

use std::sync::Arc;
use std::time::Duration;

use super::Told;
use crate::events::{Event, RunEnd, RunEnded, RunListener};
use crate::sync::Mutex;

#[derive(Default)]
struct Heard(Mutex<Vec<String>>);

impl RunListener for Heard {
    fn event(&self, event: &Event<'_>) {
        let words = format!("{:?}", event.kind);
        let name = words.split(['(', ' ']).next().unwrap_or_default();
        self.0.lock().push(name.to_owned());
    }
}

fn ended(end: RunEnd) -> RunEnded<'static> {
    let (took, error, problems, resume) = Default::default();
    RunEnded { end, took, error, problems, resume }
}

#[test]
fn run_that_is_called_off_says_so_once_and_before_its_end() {
    let both = ["RunCancelled", "RunEnded"];
    let cases: [(usize, RunEnd, &[&str]); 4] = [
        (0, RunEnd::Done, &["RunEnded"]),
        (0, RunEnd::Cancelled, &both),
        (2, RunEnd::Cancelled, &both),
        // With its last node.
        (1, RunEnd::Done, &both),
    ];
    for (times, end, expected) in cases {
        let heard = Arc::new(Heard::default());
        let told = Told::new(vec![heard.clone()]).unwrap();
        for _ in 0..times {
            told.tell_cancelled(Duration::ZERO);
        }
        told.tell_end(Duration::ZERO, ended(end));
        told.tell_cancelled(Duration::ZERO);
        assert_eq!(*heard.0.lock(), expected);
    }
}
