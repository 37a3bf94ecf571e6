fn main() {
    let pool = entourage::Executor::builder().build().unwrap();
    let rows = vec![1, 2, 3];
    let task = pool.spawn_future(async { rows.len() });
    task.join().unwrap();
}
