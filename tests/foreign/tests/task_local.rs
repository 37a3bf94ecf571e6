//! A tokio task-local goes along, present and absent.

use std::sync::Arc;

use entourage::Executor;
use entourage::accessors::TaskLocal;
use entourage_foreign_tests::{for_each_in_context, one_worker, steal_one};
use tokio::runtime::Builder;

tokio::task_local! {
    static REQUEST: u32;
    static SHARED: Arc<()>;
}
static CARRIED: TaskLocal<u32> = TaskLocal::new("REQUEST", &REQUEST);
static SHARED_CARRIED: TaskLocal<Arc<()>> = TaskLocal::new("SHARED", &SHARED);

#[test]
fn value_of_an_async_task_goes_along_and_is_there_again_after() {
    let runtime = Builder::new_current_thread().build().unwrap();
    let pool = one_worker(&CARRIED);
    let seen = runtime.block_on(REQUEST.scope(7, async {
        let on_worker = pool.spawn(|| REQUEST.get()).await.unwrap();
        (on_worker, REQUEST.get())
    }));
    assert_eq!(seen, (7, 7));
}

#[test]
fn leaves_of_a_parallel_iterator_see_the_value() {
    let pool = Executor::builder().num_threads(4).accessor(&CARRIED).build().unwrap();
    REQUEST.sync_scope(7, || {
        for_each_in_context(&pool, || assert_eq!(REQUEST.get(), 7));
    });
    assert!(pool.broadcast(|_| REQUEST.try_get().is_err()).iter().all(|none| *none));
}

#[test]
fn task_run_while_a_value_is_lent_out_fails_rather_than_sees_it() {
    let pool = one_worker(&CARRIED);
    let waiting = REQUEST.sync_scope(1, || {
        pool.spawn(|| {
            REQUEST.with(|_| steal_one());
            REQUEST.get()
        })
    });
    let stolen = REQUEST.sync_scope(2, || pool.spawn(|| REQUEST.get()));
    let error = stolen.join().unwrap_err();
    assert!(error.is_panic());
    assert!(error.to_string().contains("task-local `REQUEST`"), "{error}");
    assert_eq!(waiting.join().unwrap(), 1);
    assert_eq!(pool.spawn(|| REQUEST.try_get().ok()).join().unwrap(), None);
}

#[test]
fn value_is_dropped_with_its_last_task() {
    let pool = one_worker(&SHARED_CARRIED);
    let value = Arc::new(());
    let task = SHARED.sync_scope(value.clone(), || pool.spawn(|| SHARED.with(Arc::strong_count)));
    assert!(task.join().unwrap() > 1);
    assert_eq!(Arc::strong_count(&value), 1);
}

#[test]
fn key_is_used_from_a_thread_local_destructor() {
    struct AtExit(Executor);
    impl Drop for AtExit {
        fn drop(&mut self) {
            self.0.spawn(|| ()).join().unwrap();
            self.0.snapshot().scope(|| assert!(SHARED.try_get().is_err()));
        }
    }
    thread_local! {
        static AT_EXIT: std::cell::RefCell<Option<AtExit>> = const { std::cell::RefCell::new(None) };
    }
    let pool = one_worker(&SHARED_CARRIED);
    let thread = std::thread::spawn(move || {
        AT_EXIT.set(Some(AtExit(pool)));
        // Used after, so torn down before.
        SHARED.sync_scope(Arc::default(), || ());
    });
    thread.join().unwrap();
}
