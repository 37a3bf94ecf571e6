fn main() {
    let pool = entourage::Executor::builder().build().unwrap();
    let mut kept = None;
    pool.in_place_scope(|s| kept = Some(s));
}
