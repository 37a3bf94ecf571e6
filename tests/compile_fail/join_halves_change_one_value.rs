fn main() {
    let pool = entourage::Executor::builder().build().unwrap();
    let mut count = 0;
    pool.join(|| count += 1, || count += 1);
}
