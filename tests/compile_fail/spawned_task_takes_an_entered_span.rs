fn main() {
    let pool = entourage::Executor::builder().build().unwrap();
    let entered = tracing::info_span!("request").entered();
    pool.spawn_detached(move || drop(entered));
}
