//! Runs that are begun inside a tokio runtime: of each kind, from sync and from
//! async code.

use std::error::Error;
use std::future::Future;
use std::sync::Mutex;
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::Duration;

use entourage::accessors::TOKIO;
use entourage::hooks::{AfterPipelineRun, BeforePipelineRun, HookResult};
use entourage::{
    Catalog, Data, Dataset, Executor, Hooks, Pipeline, RunOptions, SequentialRunner, ThreadRunner,
    context_key, node,
};
use tokio::runtime::{Builder, Handle, Runtime};

context_key! { static TENANT: u64 = propagate; }

const IN: Data<u64> = Data::memory("in");
const OUT: Data<u64> = Data::memory("out");

fn runtimes() -> [Runtime; 2] {
    let one = Builder::new_current_thread().enable_time().build().unwrap();
    let many = Builder::new_multi_thread().worker_threads(2).enable_time().build().unwrap();
    [one, many]
}

fn ask_tenant() -> Pipeline {
    let ask = |n: &u64| n + TENANT.get().unwrap_or(0);
    Pipeline::new([node(ask).reads(IN).writes(OUT).named("ask")]).unwrap()
}

fn catalog() -> Catalog {
    Catalog::builder().value(&IN, 1).build().unwrap()
}

fn run_each(pool: &Executor) {
    let (pipeline, catalog) = (ask_tenant(), catalog());
    TENANT.scope(41, || {
        let runs = [
            SequentialRunner::new().run(&pipeline, &catalog, RunOptions::new()),
            ThreadRunner::new(pool).run(&pipeline, &catalog, RunOptions::new()),
        ];
        for run in runs {
            assert_eq!(run.unwrap().take_output(&OUT), Some(42));
        }
    });
}

#[test]
fn sync_runs_work_wherever_a_runtime_lets_sync_code_run() {
    for threads in [1, 2] {
        let pool = Executor::builder().num_threads(threads).build().unwrap();
        for runtime in runtimes() {
            runtime.block_on(async {
                run_each(&pool);
                let in_task = pool.clone();
                tokio::spawn(async move { run_each(&in_task) }).await.unwrap();
                let in_blocking = pool.clone();
                tokio::task::spawn_blocking(move || run_each(&in_blocking)).await.unwrap();
            });
        }
        let [_, many] = runtimes();
        many.block_on(async {
            let pool = pool.clone();
            let in_place = async move { tokio::task::block_in_place(|| run_each(&pool)) };
            tokio::spawn(in_place).await.unwrap();
        });
    }
}

#[test]
fn nodes_of_a_run_begun_in_a_runtime_may_have_one_of_their_own() {
    let pool = Executor::builder().num_threads(1).build().unwrap();
    let nested = || {
        let runtime = Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            tokio::time::sleep(Duration::from_millis(1)).await;
            42
        })
    };
    let pipeline = Pipeline::new([node(nested).reads(()).writes(OUT).named("nested")]).unwrap();
    for runtime in runtimes() {
        let runner = ThreadRunner::new(&pool);
        runtime.block_on(async {
            let mut report = runner.run(&pipeline, &Catalog::empty(), RunOptions::new()).unwrap();
            assert_eq!(report.take_output(&OUT), Some(42));
            let run = runner.run_async(&pipeline, &Catalog::empty(), RunOptions::new());
            assert_eq!(run.await.unwrap().take_output(&OUT), Some(42));
        });
    }
}

#[test]
fn nodes_find_the_runtime_of_the_caller_where_its_accessor_goes_along() {
    let pool = Executor::builder().num_threads(1).accessor(&TOKIO).build().unwrap();
    let ask = || Handle::current().block_on(async { tokio::spawn(async { 42 }).await.unwrap() });
    let pipeline = Pipeline::new([node(ask).reads(()).writes(OUT).named("ask")]).unwrap();
    let [_, many] = runtimes();
    let runner = ThreadRunner::new(&pool);
    let answer = many.block_on(async {
        let run = runner.run_async(&pipeline, &Catalog::empty(), RunOptions::new());
        run.await.unwrap().take_output(&OUT)
    });
    assert_eq!(answer, Some(42));
    assert!(pool.rayon_pool().install(|| Handle::try_current().is_err()), "nothing is left");
}

#[test]
fn awaited_run_sees_the_context_it_was_begun_in_wherever_it_is_awaited() {
    let pool = Executor::builder().num_threads(1).build().unwrap();
    let runner = ThreadRunner::new(&pool);
    for runtime in runtimes() {
        let begin = || runner.run_async(&ask_tenant(), &catalog(), RunOptions::new());
        let run = TENANT.scope(41, begin);
        let task = async move { run.await.unwrap().take_output(&OUT) };
        let answer = runtime.block_on(async { tokio::spawn(task).await.unwrap() });
        assert_eq!(answer, Some(42));
    }
}

/// Blocks its thread until somebody knocks; who waits in vain says so.
struct Door(Mutex<Receiver<()>>);

impl Door {
    fn new() -> (Sender<()>, Self) {
        let (sender, receiver) = mpsc::channel();
        (sender, Self(Mutex::new(receiver)))
    }

    fn wait(&self) -> Result<(), Box<dyn Error + Send + Sync>> {
        let waited = self.0.lock().unwrap().recv_timeout(Duration::from_secs(60));
        waited.map_err(|_| "nobody has knocked".into())
    }
}

/// Blocks before and after the run, and when it looks for its data.
struct Blocks {
    before: Door,
    exists: Door,
    load: Door,
    after: Door,
}

struct Store(std::sync::Arc<Blocks>);

impl Dataset<u64> for Store {
    fn load(&self) -> Result<u64, Box<dyn Error + Send + Sync>> {
        self.0.load.wait().map(|()| 1)
    }

    fn save(&self, _: &u64) -> Result<(), Box<dyn Error + Send + Sync>> {
        Ok(())
    }

    fn exists(&self) -> Result<bool, Box<dyn Error + Send + Sync>> {
        self.0.exists.wait().map(|()| true)
    }
}

impl Hooks for Blocks {
    fn before_pipeline_run(&self, _: &mut BeforePipelineRun<'_>) -> HookResult {
        self.before.wait()
    }

    fn after_pipeline_run(&self, _: &AfterPipelineRun<'_>) -> HookResult {
        self.after.wait()
    }
}

#[test]
fn awaited_run_never_blocks_the_thread_that_awaits_it() {
    let pool = Executor::builder().num_threads(1).build().unwrap();
    for runtime in runtimes() {
        let doors = [(); 5].map(|()| Door::new());
        let [(k1, before), (k2, exists), (k3, load), (k4, inside), (k5, after)] = doors;
        let blocks = std::sync::Arc::new(Blocks { before, exists, load, after });
        let copy = move |n: &u64| inside.wait().map(|()| *n);
        let pipeline = Pipeline::new([node(copy).reads(IN).writes(OUT).named("copy")]).unwrap();
        let catalog = Catalog::builder().dataset(&IN, Store(blocks.clone())).build().unwrap();
        let options = RunOptions::new().hooks(blocks);
        let run = ThreadRunner::new(&pool).run_async(&pipeline, &catalog, options);
        // On the very task that awaits the run: each knock comes after the run was
        // polled and had to be waited for.
        let knock = async {
            for door in [k1, k2, k3, k4, k5] {
                tokio::task::yield_now().await;
                door.send(()).unwrap();
            }
        };
        let (report, ()) = runtime.block_on(async { tokio::join!(run, knock) });
        assert_eq!(report.unwrap().take_output(&OUT), Some(1));
    }
}

#[test]
fn awaited_run_is_send_so_that_a_multi_thread_runtime_takes_it() {
    fn is_send<T: Future + Send + 'static>(_: &T) {}
    let pool = Executor::builder().num_threads(1).build().unwrap();
    let run = ThreadRunner::new(&pool).run_async(&ask_tenant(), &catalog(), RunOptions::new());
    is_send(&run);
    let [one, _] = runtimes();
    assert_eq!(one.block_on(run).unwrap().take_output(&OUT), Some(1));
}
