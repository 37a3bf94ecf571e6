//! What `tracing` has besides one subscriber for the process: several at once,
//! spans that are switched off, and a layer of its own that prints.

#[expect(dead_code, reason = "each test file needs some of the helpers")]
mod support;

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use entourage::{Executor, JoinHandle, Propagation};
use support::recorder::Recorder;
use support::{one_worker, steal_one, workers};
use tracing::dispatcher::{Dispatch, get_default, with_default};
use tracing::{Span, info, info_span, warn, warn_span};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::SubscriberExt;

#[test]
fn subscriber_of_the_submitter_records_every_event_of_a_hundred() {
    let pool = workers(4);
    let hundred = |say: &dyn Fn(&Executor)| {
        Recorder::record(|recorder| {
            info_span!("request").in_scope(|| say(&pool));
            recorder.events()
        })
    };
    let inside = vec![("inside".to_owned(), vec!["request".to_owned()]); 100];
    let spawned = hundred(&|pool| {
        let tasks: Vec<_> = (0..100).map(|_| pool.spawn(|| info!("inside"))).collect();
        tasks.into_iter().for_each(|task| task.join().unwrap());
    });
    assert_eq!(spawned, inside);
    let scoped =
        hundred(&|pool| pool.scope(|s| (0..100).for_each(|_| s.spawn(|_| info!("inside")))));
    assert_eq!(scoped, inside);
    // The span by itself is not enough: on a thread without its subscriber an
    // event in it is recorded by nobody.
    let by_hand = hundred(&|pool| {
        let span = Span::current();
        let pool = pool.rayon_pool();
        pool.scope(|s| (0..100).for_each(|_| s.spawn(|_| span.in_scope(|| info!("inside")))));
    });
    assert_eq!(by_hand, []);
}

#[test]
fn subscribers_of_two_runs_on_one_worker_hear_each_its_own() {
    let pool = one_worker();
    let recorders = [Recorder::default(), Recorder::default()];
    let start = |run: usize| {
        let name = ["a", "b"][run];
        let waits = move || {
            info!("{name}");
            steal_one();
            info!("{name}");
        };
        let span = || info_span!("run", id = run).in_scope(|| pool.spawn(waits));
        with_default(&recorders[run].dispatch(), span)
    };
    // A waits, B on top of it waits, A on top of that, and then one of nobody's.
    let tasks: Vec<_> =
        [0, 1, 0].map(start).into_iter().chain([pool.spawn(|| info!("lost"))]).collect();
    tasks.into_iter().for_each(|task| task.join().unwrap());
    for (recorder, name, run, count) in
        [(&recorders[0], "a", "run-0", 4), (&recorders[1], "b", "run-1", 2)]
    {
        assert_eq!(recorder.events(), vec![(name.to_owned(), vec![run.to_owned()]); count]);
    }
}

#[test]
fn subscribers_of_many_runs_on_four_workers_hear_each_its_own() {
    fn descend(pool: &Executor, run: u32, depth: u32) {
        info!("{run}");
        if depth > 0 {
            let half = || descend(pool, run, depth - 1);
            pool.join(half, || pool.scope(|s| s.spawn(|_| half())));
        }
        info!("{run}");
    }
    let pool = workers(4);
    let start = |run: u32| -> (Recorder, JoinHandle<()>) {
        let (recorder, inner) = (Recorder::default(), pool.clone());
        let span = || info_span!("run", id = run);
        let task = with_default(&recorder.dispatch(), || {
            span().in_scope(|| pool.spawn(move || descend(&inner, run, 6)))
        });
        (recorder, task)
    };
    let runs: Vec<_> = (0..16).map(start).collect();
    for (run, (recorder, task)) in runs.into_iter().enumerate() {
        task.join().unwrap();
        let own = (run.to_string(), vec![format!("run-{run}")]);
        assert_eq!(recorder.events(), vec![own; 2 * 127]);
    }
}

#[test]
fn span_that_is_switched_off_carries_the_one_around_it_or_none() {
    let recorder = Recorder::default();
    let registry = tracing_subscriber::registry().with(LevelFilter::WARN).with(recorder.clone());
    with_default(&Dispatch::new(registry), || {
        let pool = one_worker();
        let off = info_span!("off");
        assert!(off.is_disabled());
        let waiting = warn_span!("on").in_scope(|| {
            off.in_scope(|| {
                pool.spawn(|| {
                    warn!("in the one around it");
                    steal_one();
                    warn!("again");
                })
            })
        });
        let stolen = off.in_scope(|| {
            pool.spawn(|| {
                warn!("in none");
                Span::current().is_none()
            })
        });
        assert!(stolen.join().unwrap());
        waiting.join().unwrap();
    });
    assert_eq!(recorder.spans_of("in the one around it"), ["on"]);
    assert_eq!(recorder.spans_of("in none"), [""; 0]);
    assert_eq!(recorder.spans_of("again"), ["on"]);
}

/// Where the printing layer writes to.
#[derive(Clone, Default)]
struct Printed(Arc<Mutex<Vec<u8>>>);

impl Printed {
    /// The lines, each without what it was that was said.
    fn span_lists(&self) -> Vec<String> {
        let text = String::from_utf8(std::mem::take(&mut *self.0.lock().unwrap())).unwrap();
        text.lines().map(|line| line.split("said").next().unwrap().to_owned()).collect()
    }
}

impl Write for Printed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn span_list_that_is_printed_on_the_worker_equals_the_callers() {
    let printed = Printed::default();
    let writer = printed.clone();
    let printing = tracing_subscriber::fmt::layer()
        .without_time()
        .with_ansi(false)
        .with_writer(move || writer.clone());
    let registry = tracing_subscriber::registry().with(printing);
    with_default(&Dispatch::new(registry), || {
        let pool = one_worker();
        let say = || info!("said");
        let everywhere = || {
            // Here, and on the worker by each way, also on top of a task that
            // waits in spans of its own.
            say();
            let waiting = info_span!("waiting", n = 1).in_scope(|| pool.spawn(steal_one));
            let stolen = pool.spawn(say);
            [waiting, stolen].into_iter().for_each(|task| task.join().unwrap());
            pool.scope(|s| s.spawn(move |_| say()));
            pool.install(say);
            pool.broadcast(|_| say());
            pool.join(say, say);
        };
        info_span!("request", id = 7, user = "ada").in_scope(|| {
            let open = info_span!("open", path = "a.csv");
            open.in_scope(everywhere);
            let lists = printed.span_lists();
            assert!(
                lists[0].contains(r#"request{id=7 user="ada"}:open{path="a.csv"}:"#),
                "{lists:?}"
            );
            assert_eq!(lists, vec![lists[0].clone(); 7]);
            // With nothing carried there is no subscriber to print anything.
            let off = pool.with_propagation(Propagation::off()).unwrap();
            off.spawn(say).join().unwrap();
            assert_eq!(printed.span_lists(), [""; 0]);
            assert!(get_default(|dispatch| dispatch.is::<tracing_subscriber::Registry>()));
        });
    });
}
