fn main() {
    let pool = entourage::Executor::builder().build().unwrap();
    let mut count = 0;
    pool.scope(|s| {
        s.spawn(|_| count += 1);
        s.spawn(|_| count += 1);
    });
}
