//! A wake-up of a spawned future is never lost, wherever it comes from, and two
//! threads never poll it at once.

#[expect(dead_code, reason = "each test file needs some of the helpers")]
mod support;

use std::cell::RefCell;
use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Poll, Waker};
use std::thread;

use support::futures::{Gate, OnDrop, block_on, yield_now};
use support::{one_worker, workers};

entourage::context_key! { static TENANT: u32 = propagate; }

#[test]
fn future_is_polled_once_however_often_it_was_woken_before() {
    let pool = one_worker();
    let (polls, gate) = (Arc::new(AtomicUsize::new(0)), Gate::default());
    let (counts, waits) = (polls.clone(), gate.clone());
    let task = pool.spawn_future(async move {
        let mut pass = Box::pin(waits.pass());
        poll_fn(|cx| {
            counts.fetch_add(1, Ordering::SeqCst);
            pass.as_mut().poll(cx)
        })
        .await;
    });
    pool.install(|| ());
    let (open, shut) = mpsc::channel::<()>();
    pool.spawn_detached(move || _ = shut.recv());
    let waker = gate.take_waker();
    let copies = [(); 10].map(|()| waker.clone());
    for copy in copies {
        waker.wake_by_ref();
        copy.wake();
    }
    gate.open();
    drop(open);
    task.join().unwrap();
    assert_eq!(polls.load(Ordering::SeqCst), 2);
    // It is over: a waker that is left has nothing to wake.
    waker.wake();
    pool.install(|| ());
    assert_eq!(polls.load(Ordering::SeqCst), 2);
}

#[test]
fn wake_from_another_thread_during_a_poll_leads_to_another_poll() {
    let pool = one_worker();
    let mut polls = 0;
    let task = pool.spawn_future(poll_fn(move |cx| {
        polls += 1;
        if polls == 100 {
            return Poll::Ready(polls);
        }
        let waker = cx.waker().clone();
        thread::spawn(move || waker.wake()).join().unwrap();
        Poll::Pending
    }));
    assert_eq!(task.join().unwrap(), 100);
}

/// Does something when the thread that holds it ends.
struct AtExit(Option<Box<dyn FnOnce()>>);

impl Drop for AtExit {
    fn drop(&mut self) {
        self.0.take().into_iter().for_each(|f| f());
    }
}

thread_local! { static AT_EXIT: RefCell<AtExit> = const { RefCell::new(AtExit(None)) }; }

fn at_exit(f: impl FnOnce() + 'static) {
    AT_EXIT.with_borrow_mut(|at_exit| at_exit.0 = Some(Box::new(f)));
}

#[test]
fn wake_from_a_thread_that_is_being_torn_down_is_as_good_as_any() {
    let pool = one_worker();
    let gate = Gate::default();
    let waits = gate.clone();
    let task = pool.spawn_future(async move { waits.pass().await });
    thread::spawn(move || at_exit(move || gate.open())).join().unwrap();
    task.join().unwrap();

    // From a worker of another pool, too.
    let (other, gate) = (one_worker(), Gate::default());
    let waits = gate.clone();
    let task = pool.spawn_future(async move { waits.pass().await });
    other.spawn(move || at_exit(move || gate.open())).join().unwrap();
    drop(other);
    task.join().unwrap();
}

#[test]
fn future_whose_last_waker_goes_with_a_thread_is_dropped_there() {
    let pool = one_worker();
    let gate = Gate::default();
    let (waits, (tell, told)) = (gate.clone(), mpsc::channel());
    TENANT.scope(1, || {
        pool.spawn_future(async move {
            let _dropped = OnDrop(|| tell.send(thread::current().id()).unwrap());
            waits.pass().await;
        })
        .detach()
    });
    pool.install(|| ());
    let waker = gate.take_waker();
    let ends = thread::spawn(move || {
        at_exit(move || drop(waker));
        thread::current().id()
    });
    let ended = ends.join().unwrap();
    assert_eq!(told.recv().unwrap(), ended);
}

#[test]
fn storm_of_wakes_loses_none_and_never_leads_to_two_polls_at_once() {
    const THREADS: usize = 4;
    const WAKES: usize = 5_000;
    let pool = workers(2);
    let (sent, seen) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let waker = Arc::new(Mutex::new(None::<Waker>));
    let is_polled = Arc::new(AtomicBool::new(false));
    let (counts, notes, armed) = (sent.clone(), seen.clone(), waker.clone());
    let task = pool.spawn_future(poll_fn(move |cx| {
        assert!(!is_polled.swap(true, Ordering::SeqCst), "polled by two at once");
        // Armed first, as whoever waits for something has to.
        *armed.lock().unwrap() = Some(cx.waker().clone());
        let now = counts.load(Ordering::SeqCst);
        notes.store(now, Ordering::SeqCst);
        is_polled.store(false, Ordering::SeqCst);
        if now == THREADS * WAKES { Poll::Ready(now) } else { Poll::Pending }
    }));
    thread::scope(|threads| {
        for _ in 0..THREADS {
            threads.spawn(|| {
                for n in 0..WAKES {
                    let now = sent.fetch_add(1, Ordering::SeqCst) + 1;
                    let waker = waker.lock().unwrap().clone();
                    if let Some(waker) = waker {
                        waker.wake();
                    }
                    // Now and then the future is let come to rest.
                    while n % 64 == 0 && seen.load(Ordering::SeqCst) < now {
                        thread::yield_now();
                    }
                }
            });
        }
    });
    assert_eq!(task.join().unwrap(), THREADS * WAKES);
}

/// A place for one message, and whoever waits for it.
#[derive(Default)]
struct Mailbox(Mutex<(Option<usize>, Option<Waker>)>);

impl Mailbox {
    fn put(&self, message: usize) {
        let waker = {
            let mut inner = self.0.lock().unwrap();
            assert!(inner.0.replace(message).is_none(), "a message was not taken");
            inner.1.take()
        };
        waker.into_iter().for_each(Waker::wake);
    }

    async fn take(&self) -> usize {
        poll_fn(|cx| {
            let mut inner = self.0.lock().unwrap();
            match inner.0.take() {
                Some(message) => Poll::Ready(message),
                None => {
                    inner.1 = Some(cx.waker().clone());
                    Poll::Pending
                }
            }
        })
        .await
    }
}

#[test]
fn rings_of_futures_that_wake_each_other_come_to_their_end_on_few_workers() {
    const RINGS: usize = 16;
    const LENGTH: usize = 32;
    const ROUNDS: usize = 50;
    for num_threads in [1, 2] {
        let pool = workers(num_threads);
        let mut tasks = Vec::new();
        for ring in 0..RINGS {
            let boxes: Arc<Vec<Mailbox>> =
                Arc::new((0..LENGTH).map(|_| Mailbox::default()).collect());
            for at in 0..LENGTH {
                let boxes = boxes.clone();
                let tenant = u32::try_from(ring * LENGTH + at).unwrap();
                tasks.push(TENANT.scope(tenant, || {
                    pool.spawn_future(async move {
                        let mut sum = 0;
                        for _ in 0..ROUNDS {
                            let hops = boxes[at].take().await;
                            assert_eq!(TENANT.get(), Some(tenant));
                            if hops % 7 == ring % 7 {
                                yield_now().await;
                                assert_eq!(TENANT.get(), Some(tenant));
                            }
                            sum += hops;
                            if hops + 1 < LENGTH * ROUNDS {
                                boxes[(at + 1) % LENGTH].put(hops + 1);
                            }
                        }
                        sum
                    })
                }));
            }
            boxes[0].put(0);
        }
        // Some are awaited, others waited for by a worker that runs them itself.
        let awaited = tasks.split_off(tasks.len() / 2);
        let joined =
            pool.spawn(move || tasks.into_iter().map(|task| task.join().unwrap()).sum::<usize>());
        let awaited = block_on(async {
            let mut sum = 0;
            for task in awaited {
                sum += task.await.unwrap();
            }
            sum
        });
        let hops = LENGTH * ROUNDS;
        assert_eq!(joined.join().unwrap() + awaited, RINGS * hops * (hops - 1) / 2);
        assert!(pool.broadcast(|_| TENANT.get()).iter().all(Option::is_none));
    }
}

#[test]
fn futures_cancelled_dropped_and_woken_at_any_moment_end_once_and_in_their_context() {
    const FUTURES: usize = 2_000;
    let pool = workers(2);
    let ended = Arc::new(AtomicUsize::new(0));
    for n in 0..FUTURES {
        let tenant = u32::try_from(n).unwrap();
        let (gate, counts) = (Gate::default(), ended.clone());
        let waits = gate.clone();
        let dropped = OnDrop(move || {
            assert_eq!(TENANT.get(), Some(tenant));
            counts.fetch_add(1, Ordering::SeqCst);
        });
        let task = TENANT.scope(tenant, || {
            pool.spawn_future(async move {
                let _dropped = dropped;
                for _ in 0..n % 5 {
                    yield_now().await;
                }
                waits.pass().await;
            })
        });
        thread::scope(|threads| {
            threads.spawn(|| gate.open());
            match n % 3 {
                0 => task.cancel(),
                1 => drop(task),
                _ => task.join().unwrap(),
            }
        });
    }
    // Each holds it until it ends, some of them after their handle.
    while Arc::strong_count(&ended) > 1 {
        thread::yield_now();
    }
    assert_eq!(ended.load(Ordering::SeqCst), FUTURES);
}
