fn main() {
    let pool = entourage::Executor::builder().build().unwrap();
    let task = pool.spawn_future(async {
        let _entered = tracing::info_span!("request").entered();
        std::future::ready(()).await;
    });
    task.join().unwrap();
}
