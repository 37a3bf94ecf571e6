//! The books under every schedule of submitters, workers and those who wait.

use std::collections::VecDeque;
use std::sync::{Arc, OnceLock};

use super::{Books, End, Entrance, Entry, Terms};
use crate::executor::shutdown::{Shutdown, ShutdownReport};
use crate::sync::atomic::{AtomicUsize, Ordering};
use crate::sync::model::explore;
use crate::sync::{Condvar, Mutex, thread};

/// A pool that only says of each of the model's threads that it is none of its
/// workers: rayon's own waiting is not what is explored here.
fn pool() -> Arc<rayon::ThreadPool> {
    static POOL: OnceLock<Arc<rayon::ThreadPool>> = OnceLock::new();
    let new = || Arc::new(rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap());
    POOL.get_or_init(new).clone()
}

pub(in crate::executor) fn books(terms: Terms) -> Arc<Books> {
    Arc::new(Books::new(terms, pool()))
}

/// What stands for the pool's queue: entries, until nobody will submit any more.
#[derive(Default)]
struct Queue {
    entries: Mutex<(VecDeque<Entry>, bool)>,
    changed: Condvar,
}

impl Queue {
    fn push(&self, entry: Entry) {
        self.entries.lock().0.push_back(entry);
        self.changed.notify_one();
    }

    fn close(&self) {
        self.entries.lock().1 = true;
        self.changed.notify_all();
    }

    fn pop(&self) -> Option<Entry> {
        let mut entries = self.entries.lock();
        loop {
            if let Some(entry) = entries.0.pop_front() {
                return Some(entry);
            }
            if entries.1 {
                return None;
            }
            self.changed.wait(&mut entries);
        }
    }
}

#[derive(Default)]
struct Counts {
    taken: AtomicUsize,
    refused: AtomicUsize,
    ran: AtomicUsize,
    dropped: AtomicUsize,
}

fn add(count: &AtomicUsize) {
    count.fetch_add(1, Ordering::SeqCst);
}

fn get(count: &AtomicUsize) -> u64 {
    count.load(Ordering::SeqCst) as u64
}

fn submit(books: &Books, queue: &Queue, counts: &Counts) {
    match books.enter() {
        Entrance::Queue(entering) => {
            add(&counts.taken);
            queue.push(entering.take());
        }
        Entrance::InPlace(_) => panic!("no worker, and no help"),
        Entrance::Shut => add(&counts.refused),
    }
}

fn work(books: &Books, queue: &Queue, counts: &Counts) {
    while let Some(entry) = queue.pop() {
        let mut stay = books.begin(Some(entry));
        if stay.is_dropping() {
            add(&counts.dropped);
            stay.end(End::Cancelled);
        } else {
            stay.run();
            add(&counts.ran);
            stay.end(End::Finished);
        }
    }
}

/// Three submitters and two workers, with room for `capacity`, while `shutdowns`
/// go on; what they reported.
fn run(capacity: usize, shutdowns: &[Shutdown]) -> (Arc<Books>, Arc<Counts>, Vec<ShutdownReport>) {
    let books = books(Terms { capacity: Some(capacity), ..Terms::default() });
    let (queue, counts) = (Arc::new(Queue::default()), Arc::new(Counts::default()));
    let start = |f: fn(&Books, &Queue, &Counts)| {
        let (books, queue, counts) = (books.clone(), queue.clone(), counts.clone());
        thread::spawn(move || f(&books, &queue, &counts))
    };
    let submitters = [(); 3].map(|()| start(submit));
    let workers = [(); 2].map(|()| start(work));
    let reports = shutdowns.iter().map(|&how| {
        let (books, counts) = (books.clone(), counts.clone());
        thread::spawn(move || {
            books.close(how);
            books.wait_until_over(None);
            let report = books.report();
            // All has ended, and nothing comes later.
            assert!(report.is_complete());
            assert!(report.ran + report.dropped <= get(&counts.taken));
            assert_eq!(get(&counts.ran) + get(&counts.dropped), get(&counts.taken));
            report
        })
    });
    let reports: Vec<_> = reports.collect();
    submitters.into_iter().for_each(|thread| thread.join().unwrap());
    let reports = reports.into_iter().map(|thread| thread.join().unwrap()).collect();
    queue.close();
    workers.into_iter().for_each(|thread| thread.join().unwrap());
    assert_eq!(get(&counts.taken) + get(&counts.refused), 3);
    (books, counts, reports)
}

#[test]
fn model_everybody_who_waits_for_room_gets_it() {
    for capacity in [1, 2] {
        explore(move || {
            let (books, counts, _) = run(capacity, &[]);
            assert_eq!((get(&counts.taken), get(&counts.ran)), (3, 3));
            assert_eq!((books.stats().finished, books.stats().queued), (3, 0));
        });
    }
}

#[test]
fn model_shutdown_wakes_whoever_waits_and_all_of_them_see_the_same_end() {
    const BOTH: &[Shutdown] = &[Shutdown::Drain, Shutdown::Drop];
    for shutdowns in [&BOTH[..1], &BOTH[1..], BOTH] {
        explore(move || {
            let (books, counts, reports) = run(1, shutdowns);
            assert!(reports.iter().all(|report| *report == reports[0]), "{reports:?}");
            let stats = books.stats();
            assert_eq!(stats.cancelled, get(&counts.dropped));
            assert_eq!(stats.cancelled, reports[0].dropped);
            // The rest had ended before.
            assert!(reports[0].ran <= stats.finished);
            assert!(shutdowns.contains(&Shutdown::Drop) || stats.cancelled == 0);
        });
    }
}

#[test]
fn model_there_is_never_more_in_the_queue_than_it_holds() {
    explore(|| {
        let books = books(Terms { capacity: Some(1), ..Terms::default() });
        let inside = Arc::new(AtomicUsize::new(0));
        let threads = [(); 3].map(|()| {
            let (books, inside) = (books.clone(), inside.clone());
            thread::spawn(move || {
                let Entrance::Queue(entering) = books.enter() else { panic!("it is open") };
                assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0, "more than one");
                inside.fetch_sub(1, Ordering::SeqCst);
                drop(books.begin(Some(entering.take())));
            })
        });
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    });
}
