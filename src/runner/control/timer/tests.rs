use std::panic::{AssertUnwindSafe, catch_unwind};

use super::*;
use crate::sync::atomic::{AtomicU64, Ordering};

/// Stands still until it is set.
#[derive(Default)]
struct Hand(Arc<AtomicU64>);

impl Clock for Hand {
    fn now(&self) -> Duration {
        Duration::from_secs(self.0.load(Ordering::SeqCst))
    }
}

struct Stage {
    timer: Timer<Hand>,
    time: Arc<AtomicU64>,
    rung: Arc<Mutex<Vec<&'static str>>>,
}

impl Stage {
    fn new() -> Self {
        let time = Arc::new(AtomicU64::new(0));
        let timer = Timer::new(Hand(time.clone()));
        Self { timer, time, rung: Arc::default() }
    }

    fn set(&self, seconds: u64, name: &'static str) -> Alarm<Hand> {
        let rung = self.rung.clone();
        self.timer.after(Duration::from_secs(seconds), move || rung.lock().push(name))
    }

    /// Lets the timer's thread be this one, until an alarm of its own at `time`.
    fn run_until(&self, time: u64) -> Vec<&'static str> {
        let shared = self.timer.shared.clone();
        self.time.store(time, Ordering::SeqCst);
        self.timer.after(Duration::ZERO, move || shared.alarms.lock().is_over = true).leave();
        self.timer.shared.run();
        self.timer.shared.alarms.lock().is_over = false;
        std::mem::take(&mut *self.rung.lock())
    }
}

#[test]
fn alarms_ring_in_the_order_of_their_times_and_then_of_their_setting() {
    let stage = Stage::new();
    for (seconds, name) in [(3, "late"), (1, "first"), (1, "second"), (9, "never"), (2, "third")] {
        stage.set(seconds, name).leave();
    }
    assert!(stage.run_until(0).is_empty());
    assert_eq!(stage.run_until(2), ["first", "second", "third"]);
    assert_eq!(stage.run_until(3), ["late"]);
    assert_eq!(stage.timer.shared.alarms.lock().waiting.len(), 1);
}

#[test]
fn revoked_alarm_does_not_ring_and_leaves_nothing_behind() {
    let stage = Stage::new();
    let revoked = stage.set(1, "revoked");
    stage.set(2, "left").leave();
    drop(revoked);
    assert_eq!(stage.run_until(5), ["left"]);
    assert!(stage.timer.shared.alarms.lock().waiting.is_empty());
}

#[test]
fn alarm_that_panics_ends_neither_the_timer_nor_the_next_alarm() {
    let stage = Stage::new();
    stage.timer.after(Duration::ZERO, || panic!("in an alarm")).leave();
    stage.set(1, "next").leave();
    let rung = catch_unwind(AssertUnwindSafe(|| stage.run_until(1)));
    assert_eq!(rung.unwrap(), ["next"]);
}

#[test]
fn alarm_beyond_all_clocks_is_no_error() {
    let stage = Stage::new();
    let rung = stage.rung.clone();
    let alarm = stage.timer.after(Duration::MAX, move || rung.lock().push("at the end of time"));
    assert!(stage.run_until(u64::MAX / 2).is_empty());
    drop(alarm);
}

#[test]
fn global_timer_rings() {
    let (ring, rung) = std::sync::mpsc::channel();
    let alarm = Timer::global().unwrap().after(Duration::from_millis(1), move || {
        ring.send(std::thread::current().name().map(str::to_owned)).unwrap();
    });
    assert_eq!(rung.recv().unwrap().as_deref(), Some("entourage-timer"));
    drop(alarm);
}

/// Under every schedule of those who set, those who revoke and the timer's
/// thread, an alarm rings or was revoked, and the thread sleeps through none.
#[cfg(entourage_shuttle)]
#[test]
fn model_alarm_rings_or_is_revoked_and_is_never_slept_through() {
    use crate::sync::atomic::AtomicUsize;
    use crate::sync::thread;

    crate::sync::model::explore(|| {
        let stage = Stage::new();
        let rung = Arc::new(AtomicUsize::new(0));
        let shared = stage.timer.shared.clone();
        let timer = thread::spawn(move || shared.run());
        let set = |revoked: bool| {
            let (shared, rung) = (stage.timer.shared.clone(), rung.clone());
            thread::spawn(move || {
                let counted = rung.clone();
                let timer = Timer { shared };
                let alarm = timer.after(Duration::ZERO, move || {
                    counted.fetch_add(1, Ordering::SeqCst);
                });
                if revoked { drop(alarm) } else { alarm.leave() }
            })
        };
        let threads = [set(false), set(true)];
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        let shared = stage.timer.shared.clone();
        stage.timer.after(Duration::ZERO, move || shared.alarms.lock().is_over = true).leave();
        // Returns only because the thread was woken for the last alarm.
        timer.join().unwrap();
        let rung = rung.load(Ordering::SeqCst);
        assert!((1..=2).contains(&rung), "{rung}");
    });
}
