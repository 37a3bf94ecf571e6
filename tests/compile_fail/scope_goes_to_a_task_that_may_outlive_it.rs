fn main() {
    let pools = [(); 2].map(|()| entourage::Executor::builder().build().unwrap());
    let [pool, other] = pools;
    pool.scope(move |s| other.spawn_detached(|| s.spawn(|_| ())));
}
