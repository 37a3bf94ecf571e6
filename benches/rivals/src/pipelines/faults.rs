//! What becomes of a run in which something goes wrong, or waits.

use std::error::Error;
use std::fs;
use std::time::{Duration, Instant};

use crate::THREADS;
use crate::act::{self, CHAINS, FAIL, NAP, PANIC, SLEEP, SLEEP_EACH, SLEEP_ONCE, SLOW};
use crate::apart::{self, End};
use crate::graph::Graph;
use crate::ways::{self, RIVALS, Started};

const LIMIT: Duration = Duration::from_secs(5);

/// A name, what is done, and what is printed of it.
type Fault = (&'static str, &'static str, fn(&str) -> Result<String, Box<dyn Error>>);

const FAULTS: [Fault; 7] = [
    ("panic", "the second of three nodes in a row panics", panics),
    ("panic beside", "the same, while another node runs beside it", panics_beside),
    ("error", "the second of three nodes in a row fails", fails),
    ("one thread", "a diamond on one thread", one_thread),
    ("cancel", "a chain of twenty nodes that sleep is to end after the fifth", cancels),
    ("chains", "slow-fast and fast-slow, of the longer chain", unbalanced),
    ("wait", "processor time while a node sleeps for a second", waits),
];

pub(crate) fn print() -> Result<(), Box<dyn Error>> {
    println!("what becomes of it, each in a process that has {} s:", LIMIT.as_secs());
    let width = RIVALS.iter().map(|rival| rival.name.len()).max().unwrap_or_default();
    for (name, what, _) in FAULTS {
        println!("{name}: {what}");
        for rival in &RIVALS {
            let told = match apart::run(&[rival.name, name], LIMIT)? {
                End::Printed(line) => line,
                End::Died(status) => format!("the process dies: {status}"),
                End::TookTooLong => "HANGS".to_owned(),
            };
            println!("  {:width$}  {told}", rival.name);
        }
    }
    Ok(())
}

/// One case, in this process.
pub(crate) fn run(rival: &str, fault: &str) -> Result<(), Box<dyn Error>> {
    let (.., run) = FAULTS.iter().find(|(name, ..)| *name == fault).ok_or("no such fault")?;
    println!("{}", run(rival)?);
    Ok(())
}

fn start(rival: &str, threads: usize, act: usize) -> Result<Box<dyn Started>, Box<dyn Error>> {
    act::choose(act);
    Ok((ways::find(rival)?.start)(threads))
}

/// What the run told, as one line, and whether another can follow.
fn told(way: &dyn Started, graph: &Graph) -> String {
    let once = || {
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| way.once(graph))).map_err(
            |payload| {
                let message = payload.downcast_ref::<&str>().copied().map(str::to_owned);
                message.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_default()
            },
        )
    };
    let first = match once() {
        Ok(Ok(once)) if once.answer == graph.answer() => "done, as if nothing were".to_owned(),
        Ok(Ok(once)) => format!("done, WITH A WRONG ANSWER: {}", once.answer),
        Ok(Err(error)) => format!("an error: {}", in_short(&error)),
        Err(message) => format!("the panic comes out of it: {}", in_short(&message)),
    };
    act::choose(0);
    let next = match once() {
        Ok(Ok(once)) if once.answer == graph.answer() => "the next run is well",
        _ => "THE NEXT RUN IS NOT",
    };
    format!("{first}; {next}")
}

fn in_short(text: &str) -> String {
    let line: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(140) {
        Some((end, _)) => format!("{} …", &line[..end]),
        None => line,
    }
}

fn panics(rival: &str) -> Result<String, Box<dyn Error>> {
    let way = start(rival, THREADS, PANIC)?;
    Ok(told(&*way, &Graph::of(&[&[], &[0], &[1]])))
}

fn panics_beside(rival: &str) -> Result<String, Box<dyn Error>> {
    let way = start(rival, THREADS, PANIC)?;
    Ok(told(&*way, &Graph::of(&[&[], &[0], &[0], &[1, 2]])))
}

fn fails(rival: &str) -> Result<String, Box<dyn Error>> {
    if rival == "dagx" {
        return Ok("has no errors: a task returns a value, and what comes after runs".to_owned());
    }
    let way = start(rival, THREADS, FAIL)?;
    Ok(told(&*way, &Graph::of(&[&[], &[0], &[1]])))
}

fn one_thread(rival: &str) -> Result<String, Box<dyn Error>> {
    let way = start(rival, 1, 0)?;
    let graph = Graph::of(&[&[], &[0], &[0], &[1, 2]]);
    Ok(match way.once(&graph)?.answer == graph.answer() {
        true => "done".to_owned(),
        false => "done, WITH A WRONG ANSWER".to_owned(),
    })
}

fn cancels(rival: &str) -> Result<String, Box<dyn Error>> {
    let way = start(rival, THREADS, SLEEP_EACH)?;
    let parents: Vec<Vec<usize>> =
        (0..20).map(|at: usize| at.checked_sub(1).into_iter().collect()).collect();
    let Some(told) = way.cancelled(&Graph { parents }, NAP * 5) else {
        return Ok("cannot be asked".to_owned());
    };
    let started = act::started();
    std::thread::sleep(NAP * 5);
    let later = act::started() - started;
    Ok(format!(
        "{}; {started} nodes were started, and {later} more after it returned",
        in_short(&told)
    ))
}

fn unbalanced(rival: &str) -> Result<String, Box<dyn Error>> {
    let way = start(rival, THREADS, CHAINS)?;
    let start = Instant::now();
    way.once(&Graph::of(&[&[], &[], &[0], &[1]]))?;
    Ok(format!("{:.2} of it", start.elapsed().as_secs_f64() / SLOW.as_secs_f64()))
}

fn waits(rival: &str) -> Result<String, Box<dyn Error>> {
    let way = start(rival, THREADS, 0)?;
    let graph = Graph::of(&[&[], &[0]]);
    way.once(&graph)?;
    act::choose(SLEEP_ONCE);
    let before = processor_time()?;
    way.once(&graph)?;
    let spent = (processor_time()? - before) / SLEEP.as_secs_f64();
    Ok(format!("{:.0} %", spent * 100.0))
}

/// Seconds that this process has spent on a processor.
fn processor_time() -> Result<f64, Box<dyn Error>> {
    const TICKS_A_SECOND: f64 = 100.0;
    let stat = fs::read_to_string("/proc/self/stat")?;
    // After the program's name, which may have anything in it.
    let (_, fields) = stat.rsplit_once(')').ok_or("no such line")?;
    let mut ticks = fields.split_whitespace().skip(11).map(str::parse::<f64>);
    let mut next = || ticks.next().ok_or("the line is too short");
    Ok((next()?? + next()??) / TICKS_A_SECOND)
}
