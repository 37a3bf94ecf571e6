//! A key may say what a task is to be given in place of its submitter's value.
//! It is asked once for each task, on the submitting thread, and never for what
//! is no task.

#[expect(dead_code, reason = "each test file needs some of the helpers")]
mod support;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread::{self, ThreadId};

use entourage::{Context, Executor, ParallelIteratorExt, Propagation, Snapshot, context_key};
use rayon::prelude::*;
use support::{one_worker, panic_of, steal_one, workers};

/// A value that remembers by whom, where and how often it was forked.
#[derive(Clone, Debug)]
struct Branch {
    path: String,
    forked_on: Option<ThreadId>,
    children: Arc<AtomicU32>,
}

impl Branch {
    fn root() -> Self {
        Self { path: "root".into(), forked_on: None, children: Arc::default() }
    }

    fn child(&self) -> Self {
        let number = self.children.fetch_add(1, Ordering::Relaxed);
        Self {
            path: format!("{}/{number}", self.path),
            forked_on: Some(thread::current().id()),
            children: Arc::default(),
        }
    }

    fn children(&self) -> u32 {
        self.children.load(Ordering::Relaxed)
    }
}

context_key! {
    static BRANCH: Branch = propagate, fork = |parent: &Branch| parent.child();
    static TENANT: u32 = propagate;
    /// With all that can be said of a key, in another order, and by a function's name.
    static LOCAL_DEPTH: u32 = clear, fork = deeper, shown;
    static SHOWN_DEPTH: u32 = propagate, shown, fork = |depth| depth + 1;
    static FUSE: u32 = propagate, fork = |_| panic!("the fuse is blown");
}

fn deeper(depth: &u32) -> u32 {
    depth + 1
}

/// Runs `f` with a root to branch off from.
fn with_root<R>(f: impl FnOnce(&Branch) -> R) -> R {
    let root = Branch::root();
    BRANCH.scope(root.clone(), || f(&root))
}

fn path() -> String {
    BRANCH.with(|branch| branch.map_or_else(String::new, |branch| branch.path.clone()))
}

#[test]
fn task_is_given_what_the_fork_makes_of_its_submitters_value() {
    let pool = one_worker();
    with_root(|root| {
        assert_eq!(pool.spawn(path).join().unwrap(), "root/0");
        assert_eq!(pool.spawn_fifo(path).join().unwrap(), "root/1");
        assert_eq!(pool.task("named").spawn(path).join().unwrap(), "root/2");
        let (tell, told) = mpsc::channel();
        pool.spawn_detached(move || tell.send(path()).unwrap());
        assert_eq!(told.recv().unwrap(), "root/3");
        assert_eq!((path().as_str(), root.children()), ("root", 4));
    });
}

#[test]
fn fork_runs_on_the_submitting_thread_in_the_submitters_context() {
    static SEEN: Mutex<Option<u32>> = Mutex::new(None);
    context_key! {
        static LOOKS: () = propagate, fork = |()| *SEEN.lock().unwrap() = TENANT.get();
    }
    let pool = one_worker();
    let by = with_root(|_| pool.spawn(|| BRANCH.get()).join().unwrap().unwrap().forked_on);
    assert_eq!(by, Some(thread::current().id()));
    // Also where the policy does not carry what it reads.
    let narrow = pool.with_propagation(Propagation::only([&LOOKS])).unwrap();
    TENANT.scope(7, || LOOKS.scope((), || narrow.spawn(|| TENANT.get()))).join().unwrap();
    assert_eq!(*SEEN.lock().unwrap(), Some(7));
}

#[test]
fn task_of_a_task_branches_off_from_that() {
    let pool = one_worker();
    let nested = pool.clone();
    let task = with_root(|_| pool.spawn(move || (path(), nested.spawn(path).join().unwrap())));
    assert_eq!(task.join().unwrap(), ("root/0".to_owned(), "root/0/0".to_owned()));
}

/// Paths in the order of the alphabet.
fn paths(count: usize, spawn: impl FnOnce(&Mutex<BTreeSet<String>>)) -> Vec<String> {
    let seen = Mutex::default();
    spawn(&seen);
    let seen = seen.into_inner().unwrap();
    assert_eq!(seen.len(), count, "{seen:?}");
    seen.into_iter().collect()
}

#[test]
fn tasks_of_one_scope_share_no_fork() {
    let pool = workers(2);
    let seen = with_root(|root| {
        let seen = paths(5, |seen| {
            pool.in_place_scope(|s| {
                for _ in 0..5 {
                    s.spawn(|_| _ = seen.lock().unwrap().insert(path()));
                }
            });
        });
        assert_eq!(root.children(), 5);
        seen
    });
    assert_eq!(seen, ["root/0", "root/1", "root/2", "root/3", "root/4"]);
}

#[test]
fn tasks_that_a_scope_task_spawns_branch_off_from_it_each_for_itself() {
    let pool = one_worker();
    let seen = with_root(|_| {
        paths(3, |seen| {
            pool.in_place_scope(|s| {
                s.spawn(|s| {
                    seen.lock().unwrap().insert(path());
                    for _ in 0..2 {
                        s.spawn(|_| _ = seen.lock().unwrap().insert(path()));
                    }
                });
            });
        })
    });
    assert_eq!(seen, ["root/0", "root/0/0", "root/0/1"]);
}

#[test]
fn what_is_the_caller_itself_sees_the_callers_own_value() {
    let pool = one_worker();
    with_root(|root| {
        // Moved to the worker, in place there, and in place here.
        assert_eq!(pool.install(|| (path(), pool.install(path))).0, "root");
        assert_eq!(pool.scope(|_| path()), "root");
        assert_eq!(pool.scope_fifo(|_| path()), "root");
        assert_eq!(pool.in_place_scope(|_| path()), "root");
        // One worker: neither half is taken over by another.
        assert_eq!(pool.join(path, path), ("root".into(), "root".into()));
        assert_eq!(root.children(), 0);
    });
}

#[test]
fn half_of_a_join_forks_when_another_worker_takes_it_over_and_else_not() {
    let pool = workers(2);
    with_root(|root| {
        let (begun, has_begun) = mpsc::channel();
        let (first, (second, by, here)) = pool.join(
            move || {
                // Until the second half runs, which can then only be elsewhere.
                has_begun.recv().unwrap();
                path()
            },
            move || {
                begun.send(()).unwrap();
                (path(), BRANCH.get().unwrap().forked_on, thread::current().id())
            },
        );
        assert_eq!((first.as_str(), second.as_str()), ("root", "root/0"));
        assert_eq!((by, root.children()), (Some(here), 1));
    });
}

#[test]
fn each_worker_of_a_broadcast_has_a_fork_of_its_own() {
    let pool = workers(3);
    with_root(|root| {
        assert_eq!(pool.broadcast(|_| path()), ["root/0", "root/1", "root/2"]);
        assert_eq!(root.children(), 3);
        let by = pool.broadcast(|_| BRANCH.get().unwrap().forked_on);
        assert_eq!(by, [Some(thread::current().id()); 3]);
    });
}

#[test]
fn leaves_of_one_iterator_share_one_fork() {
    with_root(|root| {
        let paths: BTreeSet<_> =
            (0..1000).into_par_iter().with_max_len(1).in_context().map(|_| path()).collect();
        assert_eq!(paths, BTreeSet::from(["root/0".to_owned()]));
        assert_eq!(root.children(), 1);
    });
}

#[test]
fn snapshot_forks_once_however_often_it_is_entered() {
    with_root(|root| {
        let snapshot = Snapshot::capture();
        let again = snapshot.clone();
        let wrapped = snapshot.wrap(path);
        assert_eq!([snapshot.scope(path), again.scope(path), wrapped()], ["root/0"; 3]);
        let seen = thread::scope(|s| s.spawn(|| snapshot.scope(path)).join().unwrap());
        assert_eq!((seen.as_str(), root.children()), ("root/0", 1));
        assert_eq!(one_worker().snapshot().scope(path), "root/1");
    });
}

#[test]
fn what_is_not_carried_does_not_fork() {
    let pool = one_worker();
    with_root(|root| {
        for policy in
            [Propagation::off(), Propagation::only([&TENANT]), Propagation::except([&BRANCH])]
        {
            let other = pool.with_propagation(policy).unwrap();
            assert_eq!(other.spawn(path).join().unwrap(), "");
            other.in_place_scope(|s| s.spawn(|_| assert_eq!(path(), "")));
        }
        entourage::suppress(|| assert_eq!(pool.spawn(path).join().unwrap(), ""));
        assert_eq!(root.children(), 0);
    });
}

#[test]
fn key_that_an_allowlist_lets_go_forks() {
    let pool = one_worker().with_propagation(Propagation::only([&LOCAL_DEPTH])).unwrap();
    LOCAL_DEPTH.scope(1, || assert_eq!(pool.spawn(|| LOCAL_DEPTH.get()).join().unwrap(), Some(2)));
}

#[test]
fn options_of_a_key_may_come_in_any_order() {
    let context = Context::empty().with(&LOCAL_DEPTH, 4).with(&SHOWN_DEPTH, 5);
    let shown = format!("{context:?}");
    assert!(shown.contains("LOCAL_DEPTH: 4") && shown.contains("SHOWN_DEPTH: 5"), "{shown}");
    let task = SHOWN_DEPTH.scope(5, || one_worker().spawn(|| SHOWN_DEPTH.get()));
    assert_eq!(task.join().unwrap(), Some(6));
}

#[test]
fn panic_of_a_fork_reaches_the_submitter_and_hurts_nobody_else() {
    let pool = one_worker();
    let blown = |f: &dyn Fn(&Executor)| FUSE.scope(1, || panic_of(|| f(&pool)));
    let ran = Arc::new(AtomicU32::new(0));
    let task = || {
        let ran = ran.clone();
        move || _ = ran.fetch_add(1, Ordering::Relaxed)
    };
    let ways: [&dyn Fn(&Executor); 6] = [
        &|pool| drop(pool.spawn(task())),
        &|pool| pool.spawn_detached(task()),
        &|pool| pool.in_place_scope(|s| s.spawn(|_| task()())),
        &|pool| pool.scope(|s| s.spawn(|_| task()())),
        &|pool| drop(pool.broadcast(|_| task()())),
        &|pool| drop(pool.snapshot()),
    ];
    for (number, way) in ways.into_iter().enumerate() {
        assert_eq!(blown(way), "the fuse is blown", "way {number}");
    }
    assert_eq!(ran.load(Ordering::Relaxed), 0);
    assert_eq!(
        TENANT.scope(7, || pool.spawn(|| (TENANT.get(), FUSE.get()))).join().unwrap(),
        (Some(7), None)
    );
}

#[test]
fn panic_of_a_fork_for_half_of_a_join_comes_out_of_the_join() {
    let pool = workers(2);
    let text = FUSE.scope(1, || {
        panic_of(|| {
            // Never sent to: it is gone when the second half is, and the fork
            // fails before that begins.
            let (second, gone) = mpsc::channel::<()>();
            pool.join(move || _ = gone.recv(), move || drop(second))
        })
    });
    assert_eq!(text, "the fuse is blown");
    assert_eq!(pool.broadcast(|_| FUSE.get()), [None, None]);
}

#[test]
fn work_that_a_fork_submits_carries_nothing() {
    static SEEN: Mutex<Vec<Option<u32>>> = Mutex::new(Vec::new());
    context_key! {
        static SUBMITS: Executor = propagate, fork = |pool| {
            SEEN.lock().unwrap().push(pool.spawn(|| TENANT.get()).join().unwrap());
            pool.clone()
        };
    }
    let pool = one_worker();
    TENANT.scope(7, || {
        SUBMITS.scope(pool.clone(), || {
            assert_eq!(pool.spawn(|| TENANT.get()).join().unwrap(), Some(7));
        });
    });
    assert_eq!(*SEEN.lock().unwrap(), [None]);
}

#[test]
fn worker_is_clean_after_a_task_with_a_fork() {
    let pool = one_worker();
    let waiting = with_root(|_| {
        pool.spawn(|| {
            steal_one();
            path()
        })
    });
    let stolen = with_root(|_| pool.spawn(path));
    let bare = pool.spawn(path);
    assert_eq!(stolen.join().unwrap(), "root/0");
    assert_eq!(waiting.join().unwrap(), "root/0");
    assert_eq!(bare.join().unwrap(), "");
}

#[test]
fn forked_value_is_gone_when_its_task_is_joined() {
    let root = Branch::root();
    context_key! { static HELD: Arc<Branch> = propagate, fork = |held| Arc::new((**held).clone()); }
    let pool = one_worker();
    let task =
        HELD.scope(Arc::new(root), || pool.spawn(|| HELD.with(|h| Arc::downgrade(h.unwrap()))));
    assert_eq!(task.join().unwrap().strong_count(), 0);
}
