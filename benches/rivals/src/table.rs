//! What is printed.

use crate::Row;
use crate::burst::{ROUNDS, TASKS};
use crate::checks::Answer;
use crate::panics::After;
use crate::way::{Seen, Who};

pub(crate) fn print(rows: &[Row]) {
    let width = rows.iter().map(|row| row.name.len()).max().unwrap_or_default();
    println!("ns a task, of {TASKS} from outside, over {ROUNDS} rounds:");
    println!("{:width$}  {:>15}  {:>15}", "", "1 thread", "2 threads");
    println!("{:width$}  {:>8} {:>6}  {:>8} {:>6}", "", "median", "least", "median", "least");
    for Row { name, one_thread: one, two_threads: two, .. } in rows {
        print!("{name:width$}  {:>8.0} {:>6.0}", one.median, one.least);
        println!("  {:>8.0} {:>6.0}", two.median, two.least);
    }
    println!();
    println!("whose context a task sees, on a pool of one thread:");
    println!(
        "{:width$}  {:9}  {:13}  {:13}  {:11}  {:10}  after a panic, the pool as it comes",
        "", "A's task", "nobody's task", "A's task over", "nobody's", "nobody's"
    );
    println!(
        "{:width$}  {:9}  {:13}  {:13}  {:11}  {:10}",
        "", "", "over A's wait", "B's over A's", "after panic", "after leak"
    );
    for Row { name, checks, after, .. } in rows {
        let own = cell(checks.own, Seen::Caller(Who::A));
        let under_wait = cell(checks.under_wait, Seen::Nobody);
        let under_two_waits = cell(checks.under_two_waits, Seen::Caller(Who::A));
        let after_panic = cell(checks.after_panic, Seen::Nobody);
        let after_leak = cell(checks.after_leak, Seen::Nobody);
        let after = match after {
            After::LivesOn => "the pool lives on",
            After::Aborts => "the process aborts",
            After::PoolIsDead => "the pool is dead",
        };
        println!(
            "{name:width$}  {own:9}  {under_wait:13}  {under_two_waits:13}  {after_panic:11}  \
             {after_leak:10}  {after}"
        );
    }
    println!("blocked: the thread runs nothing else while a task waits on it.");
}

/// What was seen, and whether that was somebody whom it should not have been.
fn cell(answer: Answer, right: Seen) -> String {
    let Some(seen) = answer else { return "blocked".to_owned() };
    let text = match seen {
        Seen::Nobody => "nobody".to_owned(),
        Seen::Caller(who) => format!("{who:?}"),
        Seen::Mixed => "mixed".to_owned(),
    };
    if seen == right || seen == Seen::Nobody { text } else { format!("{text}, WRONG") }
}
