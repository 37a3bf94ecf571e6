fn main() {
    let pool = entourage::Executor::builder().build().unwrap();
    pool.scope(|s| {
        let rows = vec![1, 2, 3];
        s.spawn(|_| println!("{}", rows.len()));
    });
}
